//! Scores: benchmark results side by side, task by task, each against a baseline.
//!
//! `sets` is the row that opens results, `table` the scores, `figures` what stands under them, `records`
//! what stands behind a score, `saving` the table as a file. What a score, an interval or a difference is
//! belongs in `report`.

mod figures;
mod records;
mod saving;
mod sets;
mod table;

use crate::app::View;
use crate::app::files::file_name;
use crate::app::jobs::{Ask, State as JobState};
use crate::app::views::data::counted;
use crate::app::views::destination::Destination;
use crate::app::window::Window;
use crate::figure::Figure;
use crate::longbench::Results;
use crate::report::CompareSettings;
use crate::workbench::{BoardGap, BoardJob, BoardMade, JobId, OpenFile, RESAMPLES};
use egui::Ui;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Seed of what is random; the default of the command line.
const SEED: u64 = 42;

/// The results of a model.
struct Set {
    /// Its number, which it keeps.
    key: u64,
    /// The number of the job that read it first: sets are read side by side, and the last asked may come
    /// first.
    order: JobId,
    /// What it is called.
    name: String,
    path: PathBuf,
    results: Arc<Results>,
}

/// What stands under the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Page {
    #[default]
    Scores,
    Gap,
    Records,
}

/// What the view remembers while the window is open.
#[derive(Default)]
pub struct State {
    sets: Vec<Set>,
    n_keys: u64,
    /// The set that the others are measured against; else the first.
    baseline: Option<u64>,
    /// Which sets make the gap: with contexts, without, the reference.
    gap: [Option<u64>; 3],
    asked: Option<Key>,
    /// What was made, and of which sets.
    made: Option<(Vec<u64>, BoardMade)>,
    path_field: String,
    /// The set whose name is being written, and the name so far.
    renaming: Option<(u64, String)>,
    page: Page,
    /// The score whose records are shown: its task and its set.
    clicked: Option<(String, u64)>,
    reader: Option<records::Reader>,
    saving: Option<Destination>,
}

/// What the board is made from.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    sets: Vec<(u64, String, usize)>,
    baseline: usize,
    gap: Option<BoardGap>,
}

impl State {
    /// Takes the board.
    pub fn take(&mut self, made: BoardMade) {
        let Some(asked) = &self.asked else { return };
        let keys: Vec<u64> = asked.sets.iter().map(|(key, _, _)| *key).collect();
        // Sets may have been closed meanwhile.
        if keys.iter().all(|key| self.set(*key).is_some()) {
            self.made = Some((keys, made));
        }
    }

    /// The figure that is shown, or would be.
    pub fn figure(&self) -> Option<Arc<Figure>> {
        let (_, made) = self.made.as_ref()?;
        match self.page {
            Page::Gap => made.gap.clone(),
            _ => Some(made.scores.clone()),
        }
    }

    /// What the figure's file is called where the person does not say.
    pub fn figure_name(&self) -> &'static str {
        if self.page == Page::Gap { "gap.svg" } else { "scores.svg" }
    }

    /// Whether any results are open.
    pub fn is_open(&self) -> bool {
        !self.sets.is_empty()
    }

    /// Closes everything.
    pub fn clear(&mut self) {
        *self = Self { n_keys: self.n_keys, ..Self::default() };
    }

    /// What is open, for the next time.
    pub fn origins(&self) -> impl Iterator<Item = OpenFile> {
        self.sets.iter().map(|set| OpenFile {
            path: set.path.clone(),
            join: None,
            strategy: None,
            map: Vec::new(),
        })
    }

    /// Whether a dialog of this view covers the window.
    pub fn has_dialog(&self) -> bool {
        self.saving.is_some()
    }

    /// Hears of a job's end.
    pub fn after(&mut self, id: JobId, state: &JobState) {
        self.saving.take_if(|to| !to.stays_after(id, state));
    }

    /// Takes the path of a file dialog.
    pub fn pick_table(&mut self, path: &Path) {
        if let Some(to) = &mut self.saving {
            to.pick(path);
        }
    }

    fn set(&self, key: u64) -> Option<&Set> {
        self.sets.iter().find(|set| set.key == key)
    }

    fn place(&self, key: Option<u64>) -> Option<usize> {
        self.sets.iter().position(|set| Some(set.key) == key)
    }

    /// The gap that is chosen, once both its sets are.
    fn board_gap(&self) -> Option<BoardGap> {
        let [with, without, reference] = self.gap.map(|key| self.place(key));
        let (with, without) = with.zip(without).filter(|(with, without)| with != without)?;
        Some(BoardGap { with, without, reference })
    }

    fn key(&self) -> Key {
        let set = |set: &Set| (set.key, set.name.clone(), Arc::as_ptr(&set.results).addr());
        Key {
            sets: self.sets.iter().map(set).collect(),
            baseline: self.place(self.baseline).unwrap_or(0),
            gap: self.board_gap(),
        }
    }

    fn remove(&mut self, key: u64) {
        self.sets.retain(|set| set.key != key);
        self.made = None;
        if self.clicked.as_ref().is_some_and(|(_, set)| *set == key) {
            self.clicked = None;
            self.reader = None;
        }
        // The records beside may have been its own.
        if self.baseline == Some(key) {
            self.baseline = None;
            self.reader = None;
        }
    }

    /// A name that no other set has.
    fn free_name(&self, name: &str, key: u64) -> String {
        let is_taken = |name: &str| self.sets.iter().any(|set| set.name == name && set.key != key);
        let numbered = |n: usize| if n == 1 { name.to_owned() } else { format!("{name} ({n})") };
        (1..).map(numbered).find(|name| !is_taken(name)).unwrap_or_default()
    }
}

impl Window {
    /// Takes in results; those of a folder that is open already stand where they stood.
    pub(in crate::app) fn take_results(
        &mut self,
        id: JobId,
        path: PathBuf,
        name: String,
        results: Arc<Results>,
    ) -> String {
        let n_records: usize = results.tasks.iter().map(|task| task.records.len()).sum();
        let said = format!(
            "scores of {}, {} behind them",
            counted(results.tasks.len(), "task"),
            counted(n_records, "record")
        );
        for warning in &results.warnings {
            self.complain(format!("{}: {warning}", file_name(&path)));
        }
        self.settings.remember(&path);
        match self.scores.sets.iter_mut().find(|set| set.path == path) {
            Some(there) => there.results = results,
            None => {
                self.scores.n_keys += 1;
                let key = self.scores.n_keys;
                let name = self.scores.free_name(&name, key);
                let at = self.scores.sets.partition_point(|set| set.order.0 <= id.0);
                self.scores.sets.insert(at, Set { key, order: id, name, path, results });
            }
        }
        said
    }

    /// Whether the view still waits for its board.
    pub(in crate::app) fn wants_scores(&self) -> bool {
        let shown = self.view == View::Scores && !self.scores.sets.is_empty();
        shown && self.scores.asked.as_ref() != Some(&self.scores.key())
    }

    /// Asks for the board when what is open or chosen has changed and somebody looks.
    pub(in crate::app) fn scores_logic(&mut self) {
        let opening = |ask: &Ask| matches!(ask, Ask::Open(_) | Ask::OpenResults(_));
        if !self.wants_scores() || self.jobs.has_open(opening) {
            return;
        }
        let key = self.scores.key();
        let (baseline, gap) = (key.baseline, key.gap);
        self.scores.asked = Some(key);
        let model = |set: &Set| (set.name.clone(), set.results.clone());
        self.start(Ask::Board(Box::new(BoardJob {
            models: self.scores.sets.iter().map(model).collect(),
            baseline,
            gap,
            settings: CompareSettings { seed: SEED, n_resamples: RESAMPLES },
        })));
    }

    /// What stands where the board will be, or would be had it not been cancelled.
    fn unmade_ui(&mut self, ui: &mut Ui) {
        let is_made = |ask: &Ask| matches!(ask, Ask::Open(_) | Ask::OpenResults(_) | Ask::Board(_));
        let comes = self.wants_scores() || self.jobs.has_open(is_made);
        ui.add_space(24.0);
        ui.vertical_centered(|ui| {
            if comes {
                ui.spinner();
                return;
            }
            ui.label("The scores were not compared.");
            if ui.button("Compare again").clicked() {
                self.scores.asked = None;
            }
        });
    }

    /// Draws the view.
    pub(in crate::app) fn scores_ui(&mut self, ui: &mut Ui) {
        self.results_row_ui(ui);
        ui.separator();
        if self.scores.sets.is_empty() {
            return sets::empty_ui(ui);
        }
        // What draws it may ask for changes of everything else.
        let Some((keys, made)) = self.scores.made.take() else {
            return self.unmade_ui(ui);
        };
        self.reader_ui(ui);
        self.under_table_ui(ui, &made);
        egui::CentralPanel::default().frame(egui::Frame::NONE).show(ui, |ui| {
            self.board_ui(ui, &keys, &made.board);
        });
        // Unless its sets have changed meanwhile.
        if keys.iter().all(|key| self.scores.set(*key).is_some()) {
            self.scores.made = Some((keys, made));
        }
    }
}
