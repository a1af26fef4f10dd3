//! The dialog that saves the table as a file.

use crate::app::jobs::Ask;
use crate::app::picker::Purpose;
use crate::app::ui::modal;
use crate::app::views::destination::Destination;
use crate::app::window::{Window, typed_path};
use crate::workbench::TableJob;
use egui::Ui;
use std::path::Path;

const FORMATS: [(&str, &str); 3] = [("csv", "CSV"), ("md", "Markdown"), ("tex", "booktabs LaTeX")];

impl Window {
    /// Opens the dialog.
    pub(super) fn open_save_table(&mut self) {
        self.scores.saving = Some(self.destination("scores.csv"));
    }

    /// Draws the dialog, if it is open.
    pub(in crate::app) fn save_table_ui(&mut self, ui: &mut Ui) {
        let Some(mut to) = self.scores.saving.take() else { return };
        let shown = modal(ui, egui::Id::unique("save table")).show(ui.ctx(), |ui| {
            ui.set_width(520.0);
            ui.heading("Save table");
            ui.add_space(6.0);
            for (ending, title) in FORMATS {
                let is_it = Path::new(&to.path).extension().is_some_and(|e| e == ending);
                if ui.radio(is_it, title).clicked() {
                    to.set_extension(ending);
                }
            }
            ui.add_space(6.0);
            let words = ("File to save the table in", Purpose::TableOut, "Save");
            self.destination_ui(ui, &mut to, words)
        });
        let clicked = shown.inner;
        let ask = clicked.writes.then(|| self.table_ask(&to));
        self.write_or_cancel(&mut to, ask, clicked.cancels);
        let leaves = clicked.cancels || (shown.should_close() && !self.picker.is_open());
        self.scores.saving = Some(to).filter(|_| !leaves);
    }
    fn table_ask(&self, to: &Destination) -> Result<Ask, String> {
        let out = typed_path(&to.path).ok_or("Say where to write.")?;
        let (_, made) = self.scores.made.as_ref().ok_or("The table is not made yet.")?;
        let (table, replace) = (made.board.table(), to.replace);
        Ok(Ask::SaveTable(Box::new(TableJob { table, out, replace })))
    }
}
