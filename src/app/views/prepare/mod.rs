//! Prepare: what is wrong with the records, what a cutoff would take from them, and how to make them
//! longer.
//!
//! Each page has its file. What a fault is belongs in `checks`, what a cutoff takes in `lengths`, how records
//! are joined in `synthesis`.

mod evidence;
mod fault_list;
mod faults;
mod fields;
mod findings;

use crate::app::jobs::{Ask, State as JobState};
use crate::app::views::jobs::{pause_and_cancel_ui, progress_ui};
use crate::app::window::Window;
use egui::{Align, Layout, Ui};
use std::path::PathBuf;

/// The pages of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Page {
    /// What is wrong with the records.
    #[default]
    Faults,
}

impl Page {
    const ALL: [Self; 1] = [Self::Faults];

    fn title(self) -> &'static str {
        match self {
            Self::Faults => "Faults",
        }
    }
}

/// The fields that a file dialog fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Tests that must not stand in the records; several.
    Tests,
}

/// What the view remembers while the window is open.
#[derive(Default)]
pub struct State {
    page: Page,
    /// What is wrong with the records.
    pub faults: faults::State,
}

impl State {
    /// Takes a path of a file dialog.
    pub fn pick(&mut self, field: Field, path: PathBuf) {
        match field {
            Field::Tests => self.faults.add_test(path),
        }
    }

    /// Hears of a job's end.
    pub fn after(&mut self, ask: &Ask, state: &JobState) {
        let failed = match state {
            JobState::Failed(why) => Some(why.clone()),
            JobState::Cancelled => Some(format!("Cancelled. {}", ask.when_cancelled())),
            _ => None,
        };
        if let Ask::Check(_) = ask {
            self.faults.ended = failed;
        }
    }
}

impl Window {
    /// Reads what is to be shown beside a finding.
    pub(in crate::app) fn prepare_logic(&mut self) {
        self.faults_logic();
    }

    /// Draws the view.
    pub(in crate::app) fn prepare_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            for page in Page::ALL {
                ui.selectable_value(&mut self.prepare.page, page, page.title());
            }
        });
        ui.separator();
        match self.prepare.page {
            Page::Faults => self.faults_ui(ui),
        }
    }

    /// The job of a page while it waits or runs; whether it does.
    fn under_way_ui(&self, ui: &mut Ui, is: impl Fn(&Ask) -> bool) -> bool {
        let mut all = self.jobs.all.iter().rev();
        let Some(entry) = all.find(|entry| entry.is_open() && is(&entry.ask)) else {
            return false;
        };
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                pause_and_cancel_ui(ui, entry);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let stops = if entry.watch.is_cancelled() { " (stopping)" } else { "" };
                    ui.add(egui::Label::new(format!("{}{stops}", entry.title)).truncate());
                });
            });
        });
        progress_ui(ui, entry);
        true
    }
}
