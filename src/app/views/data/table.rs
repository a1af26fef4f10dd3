//! The table of records.

use super::grouped;
use crate::app::ui::swatch_ui;
use crate::app::window::Window;
use crate::data::Record;
use crate::report;
use crate::workbench::Place;
use egui::{Align, Key, Layout, RichText, Ui};
use egui_extras::{Column, TableBuilder};

/// The columns of the table.
const HEADS: [&str; 6] = ["Line", "Strategy", "Task", "Context words", "Instruction", "Answer"];

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
        let selected_row = self.data.selected.and_then(|p| found.iter().position(|f| *f == p));
        let instruction = ((ui.available_width() - 440.0) * 0.62).max(120.0);
        let mut table = TableBuilder::new(ui)
            .id_salt("records")
            .striped(true)
            .resizable(true)
            // No cell is a stop of the Tab key: the arrows walk through the table.
            .sense(egui::Sense::CLICK)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::initial(44.0).at_least(36.0))
            .column(Column::initial(150.0).at_least(60.0).clip(true))
            .column(Column::initial(90.0).at_least(60.0).clip(true))
            .column(Column::initial(96.0).at_least(60.0).clip(true))
            .column(Column::initial(instruction).at_least(80.0).clip(true))
            .column(Column::remainder().at_least(60.0).clip(true));
        if std::mem::take(&mut self.data.scroll_to_selected)
            && let Some(row) = selected_row
        {
            table = table.scroll_to_row(row, None);
        }
        let (mut clicked, mut opened) = (None, None);

        table
            .header(20.0, |mut header| {
                for head in HEADS {
                    header.col(|ui| {
                        ui.strong(head);
                    });
                }
            })
            .body(|body| {
                body.rows(20.0, found.len(), |mut row| {
                    let ix = row.index();
                    row.set_selected(Some(ix) == selected_row);
                    self.row_ui(&mut row, found[ix]);
                    if row.response().clicked() {
                        clicked = Some(found[ix]);
                    }
                    if row.response().double_clicked() {
                        opened = Some(found[ix]);
                    }
                });
            });
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
        self.table_keys(ui);
    }

    /// Arrows walk through the table while nothing else wants them.
    fn table_keys(&mut self, ui: &Ui) {
        if self.has_dialog() || ui.memory(|memory| memory.focused().is_some()) {
            return;
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
        for (key, by) in keys {
            if ui.input(|input| input.modifiers.is_none() && input.key_pressed(key)) {
                self.step(by);
            }
        }
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

    fn row_ui(&self, row: &mut egui_extras::TableRow<'_, '_>, place: Place) {
        let Some((file, known)) = self.files.get(place.0).zip(self.files.row(place)) else {
            // Its file was closed or read again, and the search for what is there now still runs.
            for _ in HEADS {
                row.col(|_| {});
            }
            return;
        };
        row.col(|ui| {
            ui.label(RichText::new(known.line.to_string()).weak());
        });
        row.col(|ui| {
            swatch_ui(ui, known.strategy);
            ui.add(egui::Label::new(report::strategy_title(known.strategy)).truncate());
        });
        row.col(|ui| {
            ui.add(egui::Label::new(report::task_title(known.task)).truncate());
        });
        row.col(|ui| {
            let n = file.n_context_words.get(place.1).copied().unwrap_or(0);
            let words = if n == 0 { "none".to_owned() } else { grouped(u64::from(n)) };
            ui.label(words);
        });
        let record = self.files.record(place);
        // What is not there yet is being read.
        let text = |of: fn(&Record) -> &str| match &record {
            Some(record) => RichText::new(beginning(of(record))),
            None => RichText::new("…").weak(),
        };
        row.col(|ui| {
            ui.add(egui::Label::new(text(|record| &record.instruction)).truncate());
        });
        row.col(|ui| {
            ui.add(egui::Label::new(text(Record::answer)).truncate());
        });
    }
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
