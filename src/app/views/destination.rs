//! Where a dialog writes to: the path, whether a file there may go, and what came of it.

use crate::app::jobs::{Ask, State as JobState};
use crate::app::picker::Purpose;
use crate::app::theme;
use crate::app::ui::name_field;
use crate::app::window::Window;
use crate::workbench::JobId;
use egui::{RichText, Ui};
use std::path::{Path, PathBuf};

/// The end of a dialog that writes a file.
pub(in crate::app) struct Destination {
    pub path: String,
    /// Replace a file that is there.
    pub replace: bool,
    /// The job that writes.
    pending: Option<JobId>,
    refused: Option<String>,
}

/// What was clicked below a dialog.
#[derive(Clone, Copy)]
pub(super) struct Clicked {
    /// The word that writes.
    pub writes: bool,
    pub cancels: bool,
}

impl Destination {
    /// Takes the path of a file dialog, which has asked before it lets a file be replaced.
    pub fn pick(&mut self, path: &Path) {
        self.path = path.to_string_lossy().into_owned();
        self.replace = true;
    }

    /// Gives the path another ending.
    pub fn set_extension(&mut self, extension: &str) {
        let path = PathBuf::from(&self.path).with_extension(extension);
        self.path = path.to_string_lossy().into_owned();
    }

    /// Takes note of a job's end; whether the dialog stays, which it does until what it asked for is
    /// written.
    pub fn stays_after(&mut self, id: JobId, state: &JobState) -> bool {
        if self.pending != Some(id) {
            return true;
        }
        self.pending = None;
        match state {
            JobState::Failed(why) => self.refused = Some(why.clone()),
            JobState::Cancelled => {}
            _ => return false,
        }
        true
    }
}

impl Window {
    /// A file of this name in the folder that was used last, else at home.
    pub(super) fn destination(&self, name: &str) -> Destination {
        let folder = self.settings.recent.first().and_then(|path| path.parent()).map(PathBuf::from);
        let folder = folder.or_else(|| Some(directories::UserDirs::new()?.home_dir().to_owned()));
        let path = folder.unwrap_or_default().join(name).to_string_lossy().into_owned();
        Destination { path, replace: false, pending: None, refused: None }
    }

    /// The path, the leave to replace a file, what was refused, and the two buttons.
    pub(super) fn destination_ui(
        &mut self,
        ui: &mut Ui,
        to: &mut Destination,
        (field_name, purpose, verb): (&str, Purpose, &str),
    ) -> Clicked {
        ui.label("To");
        ui.horizontal(|ui| {
            let field = egui::TextEdit::singleline(&mut to.path).desired_width(410.0);
            name_field(&ui.add(field), field_name);
            let browse = egui::Button::new("Browse…");
            if ui.add_enabled(!self.picker.is_open(), browse).clicked() {
                self.browse(purpose, Some(&PathBuf::from(&to.path)));
            }
        });
        ui.checkbox(&mut to.replace, "Replace the file if it is there");
        if let Some(why) = &to.refused {
            ui.add(egui::Label::new(RichText::new(why).color(theme::error_color(ui))).wrap());
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let free = to.pending.is_none();
            let button = egui::Button::new(RichText::new(verb).strong());
            let writes = ui.add_enabled(free, button).clicked();
            let cancels = ui.button("Cancel").clicked();
            if !free {
                ui.spinner();
            }
            Clicked { writes, cancels }
        })
        .inner
    }

    /// Starts what was asked for, if anything was, or cancels it.
    pub(super) fn write_or_cancel(
        &mut self,
        to: &mut Destination,
        ask: Option<Result<Ask, String>>,
        cancels: bool,
    ) {
        match ask {
            None => {}
            Some(Ok(ask)) => (to.pending, to.refused) = (self.start(ask), None),
            Some(Err(why)) => to.refused = Some(why),
        }
        if let Some(id) = to.pending.filter(|_| cancels)
            && let Some(entry) = self.jobs.get_mut(id)
        {
            entry.watch.cancel();
        }
    }
}
