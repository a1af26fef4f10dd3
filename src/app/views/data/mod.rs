//! Data: the records of all shown files in one table, search, and the chosen record in full.
//!
//! What is wrong with a record, and what it is worth, is measured elsewhere and only shown here.

mod columns;
mod inspector;
mod narrowing;
mod review;
mod search;
mod table;

use crate::app::window::Window;
use crate::data::SearchText;
use crate::workbench::{Place, Sort};
use egui::Ui;
use inspector::Inspector;
use narrowing::{ContextTokens, FilterField};
use review::TagField;
use search::RegexToggle;

/// What the view remembers.
#[derive(Default)]
pub struct State {
    /// What is searched for.
    pub search: String,
    /// Whether that is a regular expression.
    pub regex: RegexToggle,
    /// What must hold of the records.
    pub filter: FilterField,
    /// In which order they stand; `None`: that of the files.
    pub sort: Option<Sort>,
    /// Only this task.
    pub task: Option<String>,
    /// Only this strategy.
    pub strategy: Option<String>,
    /// Only what is selected in Compare.
    pub only_selected: bool,
    /// The records that fit; `None` before the first search.
    pub found: Option<Vec<Place>>,
    /// The record that is shown in full.
    pub selected: Option<Place>,
    /// Whether the person chose it; until then it is the first.
    chosen: bool,
    /// Put the cursor into the search field at the next picture.
    pub focus_search: bool,
    /// Bring the chosen row into view at the next picture.
    scroll_to_selected: bool,
    /// What `found` was asked with.
    asked: Option<Asked>,
    inspector: Option<Inspector>,
    tags: TagField,
    tokens: ContextTokens,
}

/// With what records were searched.
#[derive(PartialEq)]
struct Asked {
    /// That of the files.
    version: u64,
    search: SearchText,
    task: Option<String>,
    strategy: Option<String>,
    /// Which selection.
    selection: Option<u64>,
    filter: Option<String>,
    sort: Option<Sort>,
    /// Whether it was known which measurement is of which record, where that matters.
    linked: bool,
    /// How many reviews there were, where that matters.
    reviewed: Option<u64>,
    /// How many files were counted, and by which tokenizer, where that matters.
    measured: Option<(u64, Option<String>)>,
}

impl State {
    /// Takes in what was found. Where the chosen record is not among it, the one that stands in its row
    /// is chosen, but not for a search: who types one may be reading.
    pub fn take_found(&mut self, found: Vec<Place>, is_search: bool) {
        let row = |found: &Vec<Place>| found.iter().position(|place| Some(*place) == self.selected);
        if self.chosen && !is_search && row(&found).is_none() {
            let there = self.found.as_ref().and_then(row).unwrap_or(0);
            self.selected = found.get(there).or(found.last()).copied();
            self.chosen = self.selected.is_some();
            self.scroll_to_selected = true;
        }
        self.found = Some(found);
    }
}

impl Window {
    /// Asks for the records to show when what is asked has changed; prepares the chosen record.
    pub(in crate::app) fn data_logic(&mut self) {
        self.find_logic();
        let exists = self.data.selected.is_some_and(|place| self.files.row(place).is_some());
        if !exists || !self.data.chosen {
            self.data.chosen = false;
            self.data.selected = self.data.found.as_ref().and_then(|found| found.first().copied());
        }
        self.prepare_inspector();
    }

    /// Goes to another record of the table.
    pub(in crate::app) fn step(&mut self, by: isize) {
        let Some(found) = &self.data.found else { return };
        let at = self.data.selected.and_then(|place| found.iter().position(|p| *p == place));
        let at = at.map_or(0, |at| at.saturating_add_signed(by)).min(found.len().saturating_sub(1));
        if let Some(place) = found.get(at) {
            self.select(*place);
        }
    }

    /// Shows a record in full, and its row.
    pub(in crate::app) fn select(&mut self, place: Place) {
        self.data.selected = Some(place);
        self.data.chosen = true;
        self.data.scroll_to_selected = true;
    }

    /// Draws the view.
    pub(in crate::app) fn data_ui(&mut self, ui: &mut Ui) {
        self.narrowing_ui(ui);
        self.handed_ui(ui);
        ui.separator();
        let height = ui.available_height();
        let inspector = egui::Panel::bottom("inspector")
            .resizable(true)
            .default_size(self.settings.panel("inspector", height * 0.55))
            .size_range(120.0..=(height - 90.0).max(130.0))
            .show(ui, |ui| self.inspector_ui(ui));
        self.settings.set_panel("inspector", inspector.response.rect.height());
        egui::CentralPanel::default().frame(egui::Frame::NONE).show(ui, |ui| self.table_ui(ui));
    }
}

/// So many of a thing, in words: "1 record", "1,200 records".
pub fn counted(n: usize, thing: &str) -> String {
    format!("{} {thing}{}", grouped(n as u64), if n == 1 { "" } else { "s" })
}

/// A number with its thousands apart.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (ix, digit) in digits.chars().enumerate() {
        if ix > 0 && (digits.len() - ix).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
