//! The dialog that saves the table as a file.

use crate::app::jobs::{Ask, State as JobState};
use crate::app::picker::Purpose;
use crate::app::theme;
use crate::app::ui::{modal, name_field};
use crate::app::window::{Window, typed_path};
use crate::workbench::{JobId, TableJob};
use egui::{RichText, Ui};
use std::path::{Path, PathBuf};

/// What the dialog remembers while it is open.
pub(super) struct Form {
    path: String,
    replace: bool,
    pending: Option<JobId>,
    refused: Option<String>,
}

impl Form {
    /// Takes the path of a file dialog, which has asked before it lets a file be replaced.
    pub fn pick(&mut self, path: &Path) {
        self.path = path.to_string_lossy().into_owned();
        self.replace = true;
    }

    /// The dialog after the end of a job: gone when what it asked for is written.
    pub fn after(mut self, id: JobId, state: &JobState) -> Option<Self> {
        if self.pending != Some(id) {
            return Some(self);
        }
        self.pending = None;
        match state {
            JobState::Failed(why) => self.refused = Some(why.clone()),
            JobState::Cancelled => {}
            _ => return None,
        }
        Some(self)
    }
}

const FORMATS: [(&str, &str); 3] = [("csv", "CSV"), ("md", "Markdown"), ("tex", "booktabs LaTeX")];

impl Window {
    /// Opens the dialog.
    pub(super) fn open_save_table(&mut self) {
        let folder = self.settings.recent.first().and_then(|path| path.parent()).map(PathBuf::from);
        let path = folder.unwrap_or_default().join("scores.csv");
        let path = path.to_string_lossy().into_owned();
        self.scores.saving = Some(Form { path, replace: false, pending: None, refused: None });
    }

    /// Draws the dialog, if it is open.
    pub(in crate::app) fn save_table_ui(&mut self, ui: &mut Ui) {
        let Some(mut form) = self.scores.saving.take() else { return };
        let shown = modal(ui, egui::Id::unique("save table")).show(ui.ctx(), |ui| {
            ui.set_width(520.0);
            ui.heading("Save table");
            ui.add_space(6.0);
            for (ending, title) in FORMATS {
                let mut path = PathBuf::from(&form.path);
                let is_it = path.extension().is_some_and(|e| e == ending);
                if ui.radio(is_it, title).clicked() {
                    path.set_extension(ending);
                    form.path = path.to_string_lossy().into_owned();
                }
            }
            ui.horizontal(|ui| {
                let field = egui::TextEdit::singleline(&mut form.path).desired_width(410.0);
                name_field(&ui.add(field), "File to save the table in");
                let browse = egui::Button::new("Browse…");
                if ui.add_enabled(!self.picker.is_open(), browse).clicked() {
                    let suggested = PathBuf::from(&form.path);
                    self.browse(Purpose::TableOut, Some(&suggested));
                }
            });
            ui.checkbox(&mut form.replace, "Replace the file if it is there");
            if let Some(why) = &form.refused {
                ui.add(egui::Label::new(RichText::new(why).color(theme::error_color(ui))).wrap());
            }
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                let button = egui::Button::new(RichText::new("Save").strong());
                let save = ui.add_enabled(form.pending.is_none(), button).clicked();
                (save, ui.button("Cancel").clicked())
            })
            .inner
        });
        let (save, cancel) = shown.inner;
        if save {
            form.refused = None;
            match (typed_path(&form.path), &self.scores.made) {
                (Some(out), Some((_, made))) => {
                    let (table, replace) = (made.board.table(), form.replace);
                    let job = Box::new(TableJob { table, out, replace });
                    form.pending = self.start(Ask::SaveTable(job));
                }
                (None, _) => form.refused = Some("Say where to write.".into()),
                (_, None) => form.refused = Some("The table is not made yet.".into()),
            }
        }
        let leaves = cancel || (shown.should_close() && !self.picker.is_open());
        self.scores.saving = Some(form).filter(|_| !leaves);
    }
}
