//! The table of records.

use super::columns::Column;
use super::{grouped, review};
use crate::app::files::File;
use crate::app::ui::swatch_ui;
use crate::app::window::Window;
use crate::data::{Record, Row};
use crate::report;
use crate::workbench::{Place, measured};
use egui::{Align, Key, Layout, RichText, Ui};
use egui_extras::{Column as Width, TableBuilder, TableRow};

impl Window {
    pub(super) fn table_ui(&mut self, ui: &mut Ui) {
        let Some(found) = self.data.found.take() else {
            ui.spinner();
            return;
        };
        if found.is_empty() {
            ui.add_space(24.0);
            ui.vertical_centered(|ui| {
                ui.label(RichText::new(self.why_empty()).weak());
            });
            self.data.found = Some(found);
            return;
        }
        let columns = self.shown_columns();
        let least = least_width(&columns);
        // More columns than there is room for are scrolled.
        let (clicked, opened) = if least > ui.available_width() {
            let scrolled = egui::ScrollArea::horizontal().id_salt("columns").show(ui, |ui| {
                ui.set_width(least);
                self.rows_ui(ui, &found, &columns)
            });
            scrolled.inner
        } else {
            self.rows_ui(ui, &found, &columns)
        };
        if clicked.is_some() {
            self.data.selected = clicked;
            self.data.chosen = true;
            // The keys of the table are its own again after a click into it.
            ui.memory_mut(|memory| {
                if let Some(id) = memory.focused() {
                    memory.surrender_focus(id)
                }
            });
        }
        self.data.found = Some(found);
        if let Some(place) = opened {
            self.open_seed(place);
        }
        self.table_steps(ui).into_iter().for_each(|by| self.step(by));
    }

    /// Draws heads and rows; the records that were clicked and double-clicked.
    fn rows_ui(
        &mut self,
        ui: &mut Ui,
        found: &[Place],
        columns: &[Column],
    ) -> (Option<Place>, Option<Place>) {
        let selected_row = self.data.selected.and_then(|p| found.iter().position(|f| *f == p));
        let names: String = columns.iter().map(|column| column.title()).collect();
        let available = ui.available_width();
        let mut table = TableBuilder::new(ui)
            .id_salt(("records", names))
            .striped(true)
            .resizable(true)
            // No cell is a stop of the Tab key: the arrows walk through the table.
            .sense(egui::Sense::CLICK)
            .cell_layout(Layout::left_to_right(Align::Center));
        for width in widths(columns, available) {
            table = table.column(width);
        }
        if std::mem::take(&mut self.data.scroll_to_selected)
            && let Some(row) = selected_row
        {
            table = table.scroll_to_row(row, None);
        }
        let (mut clicked, mut opened) = (None, None);
        let heads = table.header(20.0, |mut header| {
            for column in columns {
                header.col(|ui| self.head_ui(ui, *column));
            }
        });
        heads.body(|body| {
            body.rows(20.0, found.len(), |mut row| {
                let ix = row.index();
                row.set_selected(Some(ix) == selected_row);
                self.row_ui(&mut row, found[ix], columns);
                if row.response().clicked() {
                    clicked = Some(found[ix]);
                }
                if row.response().double_clicked() {
                    opened = Some(found[ix]);
                }
            });
        });
        (clicked, opened)
    }

    /// How far the keys walk through a table, while nothing else wants them.
    pub(in crate::app) fn table_steps(&self, ui: &Ui) -> Vec<isize> {
        if self.has_dialog() || ui.memory(|memory| memory.focused().is_some()) {
            return Vec::new();
        }
        let page = 12;
        let keys = [
            (Key::ArrowDown, 1),
            (Key::ArrowUp, -1),
            (Key::PageDown, page),
            (Key::PageUp, -page),
            (Key::End, isize::MAX / 2),
            (Key::Home, isize::MIN / 2),
        ];
        let is_pressed = |key| ui.input(|i| i.modifiers.is_none() && i.key_pressed(key));
        keys.into_iter().filter(|(key, _)| is_pressed(*key)).map(|(_, by)| by).collect()
    }

    fn why_empty(&self) -> &'static str {
        if self.files.all.is_empty() {
            "No records are open. Open a file on the left, or drop one onto the window."
        } else if self.files.shown().next().is_none() {
            "All files are hidden. Tick one on the left."
        } else {
            "No record fits. Clear the search, or choose another task or strategy."
        }
    }

    fn row_ui(&self, row: &mut TableRow<'_, '_>, place: Place, columns: &[Column]) {
        for column in columns {
            row.col(|ui| {
                // Its file may be closed or read again, while the search for what is there still runs.
                if let Some((file, known)) = self.files.get(place.0).zip(self.files.row(place)) {
                    self.value_ui(ui, *column, place, file, known);
                }
            });
        }
    }

    fn value_ui(&self, ui: &mut Ui, column: Column, place: Place, file: &File, known: Row<'_>) {
        let said = self.review_of(place);
        let words = match column {
            Column::Line => RichText::new(known.line.to_string()).weak(),
            Column::File => RichText::new(file.name()),
            Column::Strategy => {
                swatch_ui(ui, known.strategy);
                RichText::new(report::strategy_title(known.strategy))
            }
            Column::Task => RichText::new(report::task_title(known.task)),
            Column::Review => {
                if let Some(said) = said {
                    let label = ui.add(egui::Label::new(review::signs(said)).truncate());
                    let told = review::words(said);
                    ui.ctx().accesskit_node_builder(label.id, |node| node.set_value(told.clone()));
                    label.on_hover_text(told);
                }
                return;
            }
            Column::Tags => {
                RichText::new(said.map(|said| review::tags_text(&said.tags)).unwrap_or_default())
            }
            Column::ContextWords => {
                let n = file.n_context_words.get(place.1).copied().unwrap_or(0);
                RichText::new(if n == 0 { "none".to_owned() } else { grouped(u64::from(n)) })
            }
            Column::ContextTokens => self.context_tokens(place),
            Column::Instruction => self.text_of(place, |record| &record.instruction),
            Column::Answer => self.text_of(place, Record::answer),
            Column::InstructionGain
            | Column::InstructionDependence
            | Column::AnswerGain
            | Column::AnswerDependence => {
                let row = self.links().and_then(|links| links.row_of(place));
                let value = row.zip(column.measure()).and_then(|(row, which)| measured(row, which));
                RichText::new(value.map_or(String::new(), |value| format!("{value:+.2}")))
            }
        };
        ui.add(egui::Label::new(words).truncate());
    }

    /// The beginning of a record's text; what is not there yet is being read.
    fn text_of(&self, place: Place, of: fn(&Record) -> &str) -> RichText {
        match self.files.record(place) {
            Some(record) => RichText::new(beginning(of(&record))),
            None => RichText::new("…").weak(),
        }
    }

    /// Tokens of a record's context, where they are counted.
    fn context_tokens(&self, (key, ix): Place) -> RichText {
        match self.data.tokens.of((key, ix)) {
            Some(Some(n)) => RichText::new(grouped(n as u64)),
            Some(None) => RichText::new("none"),
            None if self.tokenizer().is_none() => RichText::new("no model").weak(),
            None => RichText::new("…").weak(),
        }
    }
}

/// What stands between two columns.
const GAP: f32 = 8.0;

/// The least width of a table with these columns.
fn least_width(columns: &[Column]) -> f32 {
    columns.iter().map(|column| column.widths().1 + GAP).sum()
}

/// The widths of columns: where there is room, the usual ones, and the texts share what remains; where
/// there is little, all are narrower. The last takes what is left.
fn widths(columns: &[Column], available: f32) -> Vec<Width> {
    let is_text = |column: &&Column| column.widths().0 == 0.0;
    let grows: f32 =
        columns.iter().map(|column| (column.widths().0 - column.widths().1).max(0.0)).sum();
    let spare = available - least_width(columns);
    let share = if grows > 0.0 { (spare / grows).clamp(0.0, 1.0) } else { 0.0 };
    let n_texts = columns.iter().filter(is_text).count();
    let left = (spare - grows).max(0.0);
    let last = columns.len().saturating_sub(1);
    let width = |(ix, column): (usize, &Column)| {
        let (first, least) = column.widths();
        let width = match column {
            // An instruction is longer than most answers.
            Column::Instruction if n_texts > 1 => least + left * 0.62,
            Column::Instruction | Column::Answer => least + left / n_texts as f32,
            _ => least + share * (first - least).max(0.0),
        };
        match ix == last {
            true => Width::remainder().at_least(least).clip(true),
            false => Width::initial(width).at_least(least).clip(true),
        }
    };
    columns.iter().enumerate().map(width).collect()
}

/// The beginning of a text, as much as a row can show.
fn beginning(text: &str) -> String {
    let cut = text.char_indices().nth(240).map_or(text.len(), |(at, _)| at);
    text[..cut].split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_one_line() {
        assert_eq!(beginning("a\n  b\tc"), "a b c");
        assert!(beginning(&"é".repeat(10_000)).len() <= 480);
    }
}
