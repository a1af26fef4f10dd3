//! Data: the records of all shown files in one table, search, and the chosen record in full.
//!
//! What is wrong with a record, and what it is worth, is measured elsewhere and only shown here.

mod inspector;
mod table;

use crate::app::jobs::Ask;
use crate::app::ui::name_field;
use crate::app::window::Window;
use crate::report;
use crate::workbench::{FindJob, Place};
use egui::{Align, Layout, RichText, Ui};
use inspector::Inspector;
use std::collections::BTreeSet;

/// What the view remembers.
#[derive(Default)]
pub struct State {
    /// What is searched for.
    pub search: String,
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
}

/// The files' version, text, task, strategy, and which selection.
type Asked = (u64, String, Option<String>, Option<String>, Option<u64>);

impl Window {
    /// Asks for the records to show when what is asked has changed; prepares the chosen record.
    pub(in crate::app) fn data_logic(&mut self) {
        let selection = self.selection();
        self.data.only_selected &= selection.is_some();
        let selection = selection.filter(|_| self.data.only_selected);
        let state = &mut self.data;
        let (search, task, strategy) =
            (state.search.clone(), state.task.clone(), state.strategy.clone());
        let which = selection.as_ref().map(|(version, _)| *version);
        let wanted = (self.files.version, search.clone(), task.clone(), strategy.clone(), which);
        if state.asked.as_ref() != Some(&wanted) {
            state.asked = Some(wanted);
            let datasets = self.files.shown().map(|file| (file.key, file.dataset.clone()));
            let job = FindJob {
                datasets: datasets.collect(),
                text: search,
                task,
                strategy,
                without: BTreeSet::new(),
                only: selection.map(|(_, places)| places),
            };
            self.start(Ask::Find(job));
        }
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
        self.filter_ui(ui);
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

    fn filter_ui(&mut self, ui: &mut Ui) {
        let width = ui.available_width();
        let choice = if width < 640.0 { 90.0 } else { 130.0 };
        // What the boxes, the count and the buttons leave.
        let search = (width - 2.0 * choice - 300.0).clamp(80.0, 280.0);
        ui.horizontal(|ui| {
            let field = egui::TextEdit::singleline(&mut self.data.search)
                .hint_text("Search instruction, answer, context")
                .desired_width(search);
            let field = ui.add(field);
            name_field(&field, "Search records");
            if std::mem::take(&mut self.data.focus_search) {
                field.request_focus();
            }
            let (tasks, strategies) = (self.files.tasks(), self.files.strategies());
            let task = |name: &str| report::task_title(name);
            choice_ui(ui, ("Task", choice), "All tasks", tasks, &mut self.data.task, task);
            let strategy = |name: &str| report::strategy_title(&name.into());
            choice_ui(
                ui,
                ("Strategy", choice),
                "All strategies",
                strategies,
                &mut self.data.strategy,
                strategy,
            );
            if self.filters()
                && ui.button("Clear").on_hover_text("Show all records again").clicked()
            {
                self.data.search.clear();
                (self.data.task, self.data.strategy) = (None, None);
                self.data.only_selected = false;
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Export records…").clicked() {
                    self.open_export(false);
                }
                let n_all: usize = self.files.shown().map(|file| file.dataset.records.len()).sum();
                let n = self.data.found.as_ref().map_or(0, Vec::len);
                let of = if self.data.only_selected { " selected" } else { "" };
                let words = if n == n_all {
                    counted(n, "record")
                } else {
                    format!("{}{of} of {}", grouped(n as u64), counted(n_all, "record"))
                };
                if ui.available_width() > 60.0 {
                    ui.add(egui::Label::new(RichText::new(words).weak()).truncate());
                }
            });
        });
    }
}

/// A box to choose one of some names, or all.
fn choice_ui(
    ui: &mut Ui,
    (label, width): (&str, f32),
    all: &str,
    names: BTreeSet<String>,
    chosen: &mut Option<String>,
    title: impl Fn(&str) -> String,
) {
    let shown = chosen.as_deref().map_or(all.to_owned(), &title);
    let combo = egui::ComboBox::from_id_salt(label).selected_text(shown).width(width).truncate();
    let response = combo.show_ui(ui, |ui| {
        ui.selectable_value(chosen, None, all);
        for name in names {
            let words = title(&name);
            ui.selectable_value(chosen, Some(name), words);
        }
    });
    name_field(&response.response, label);
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
