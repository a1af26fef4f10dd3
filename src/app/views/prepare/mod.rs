//! Prepare: what is wrong with the records, what a cutoff would take from them, and how to make them
//! longer.
//!
//! Each page has its file. What a fault is belongs in `checks`, what a cutoff takes in `lengths`, how records
//! are joined in `synthesis`.

mod cutoff;
mod evidence;
mod fault_list;
mod faults;
mod fields;
mod findings;
mod lengthen;
mod lengthened;
mod losses;

use crate::app::files::file_name;
use crate::app::jobs::{Ask, State as JobState};
use crate::app::views::jobs::{pause_and_cancel_ui, progress_ui};
use crate::app::views::record_texts::RecordTexts;
use crate::app::window::{Window, typed_path};
use egui::{Align, Layout, Ui};
use fields::Ended;
use std::path::{Path, PathBuf};

/// The pages of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Page {
    /// What is wrong with the records.
    #[default]
    Faults,
    /// What a cutoff would take from them.
    Cutoff,
    /// Records made longer.
    Lengthen,
}

impl Page {
    const ALL: [Self; 3] = [Self::Faults, Self::Cutoff, Self::Lengthen];

    fn title(self) -> &'static str {
        match self {
            Self::Faults => "Faults",
            Self::Cutoff => "Cutoff",
            Self::Lengthen => "Lengthen",
        }
    }
}

/// The fields that a file dialog fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Tests that must not stand in the records; several.
    Tests,
    /// What counts tokens, on the page that is shown.
    Tokenizer,
    /// A prompt pack, on the page that is shown.
    Prompts,
    /// The tests whose lengths records shall have.
    Target,
    /// A file of other contexts.
    Pool,
    /// Where longer records go.
    Out,
}

/// What the view remembers while the window is open.
#[derive(Default)]
pub struct State {
    page: Page,
    /// What is wrong with the records.
    pub faults: faults::State,
    /// What a cutoff would take from them.
    pub cutoff: cutoff::State,
    /// Records made longer.
    pub lengthen: lengthen::State,
}

impl State {
    /// The texts of the evidence that is shown.
    pub fn evidence_texts(&mut self) -> impl Iterator<Item = &mut RecordTexts> {
        self.faults.evidence.iter_mut().flat_map(evidence::Evidence::texts)
    }

    /// Takes a path of a file dialog.
    pub fn pick(&mut self, field: Field, path: PathBuf) {
        match (field, self.page) {
            (Field::Tests, _) => self.faults.add_test(path),
            (_, Page::Cutoff) => self.cutoff.pick(field, &path),
            (_, _) => self.lengthen.pick(field, &path),
        }
    }

    /// Turns to the page of faults.
    fn show_faults(&mut self) {
        self.page = Page::Faults;
    }

    /// Hears of a job's end.
    pub fn after(&mut self, ask: &Ask, state: &JobState) {
        let ended = match state {
            JobState::Failed(why) => Some(Ended::Failed(why.clone())),
            JobState::Cancelled => Some(Ended::Cancelled(ask.when_cancelled())),
            _ => None,
        };
        match ask {
            Ask::Check(_) => self.faults.ended = ended,
            Ask::Truncate(_) => self.cutoff.ended = ended,
            Ask::Extend(_) => self.lengthen.ended = ended,
            _ => {}
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
            Page::Cutoff => self.cutoff_ui(ui),
            Page::Lengthen => self.lengthen_ui(ui),
        }
    }

    /// What counts tokens: what is typed, else the chosen model, if there is one.
    fn counter(&self, typed: &str) -> Option<String> {
        let typed = typed.trim();
        if typed.is_empty() {
            return self.tokenizer();
        }
        // What is no path is a name of the catalogue.
        let path = typed_path(typed).filter(|_| typed.contains(['/', '\\', '.']));
        Some(path.map_or(typed.to_owned(), |path| path.to_string_lossy().into_owned()))
    }

    /// What an empty field for a tokenizer means.
    fn counter_hint(&self) -> String {
        match self.tokenizer() {
            Some(model) => format!("that of {}", file_name(Path::new(&model))),
            None => "a tokenizer.json or a .gguf file".to_owned(),
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
