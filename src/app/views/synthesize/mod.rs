//! Synthesize: what to make from which seeds with which model, the prompt as the model will read it,
//! and the records while they are written. What a strategy asks and what a reply is worth is the
//! business of `synthesis`; the run itself is a job.

mod form;
mod model;
mod prompt;
mod records;

use crate::app::jobs::{Ask, SynthAsk};
use crate::app::widgets::long_text::LongText;
use crate::app::window::{Window, typed_path};
use crate::data::Dataset;
use crate::model::Sampling;
use crate::synthesis;
use crate::workbench::{JobId, NoPreview, Place, Prompt, preview};
use egui::Ui;
use prompt::written;
use std::path::Path;
use std::sync::Arc;

/// Both ways, with what they need in words.
const STRATEGIES: [(&str, &str, &str); 2] = [
    (
        "context",
        "Context synthesis",
        "Writes the document that a trusted question and answer could come from.",
    ),
    (
        "instruction",
        "Instruction synthesis",
        "Writes a question and its answer for a given document.",
    ),
];

/// The settings of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// `context` or `instruction`.
    pub strategy: &'static str,
    /// Words to ask for.
    pub n_words: usize,
    /// How to choose tokens.
    pub sampling: Sampling,
    /// Records written at the same time.
    pub n_parallel: usize,
    /// Tries for each record.
    pub n_attempts: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Throw away an earlier run in the same file.
    pub overwrite: bool,
    /// The prompt's text.
    pub prompt_text: String,
}

impl Default for Form {
    fn default() -> Self {
        Self {
            strategy: "context",
            // What the default model can do; the paper's 2,000 words are for large ones.
            n_words: 200,
            sampling: Sampling { max_new_tokens: 400, ..Sampling::default() },
            n_parallel: 8,
            n_attempts: 3,
            seed: 42,
            overwrite: false,
            prompt_text: own_prompt("context").to_owned(),
        }
    }
}

/// Our prompt for a strategy.
fn own_prompt(strategy: &str) -> &'static str {
    synthesis::strategy(strategy).map_or("", |strategy| strategy.prompt_text())
}

impl Form {
    /// The prompt as a run takes it.
    pub fn prompt(&self) -> Prompt {
        if self.prompt_text == own_prompt(self.strategy) {
            Prompt::OfStrategy
        } else {
            Prompt::Text(self.prompt_text.clone())
        }
    }
}

/// What the view remembers.
pub struct State {
    form: Form,
    /// The dataset of the seeds.
    seeds: Option<u64>,
    /// Whether the person chose it; until then it is the first of human pairs.
    seeds_chosen: bool,
    n_seeds: usize,
    /// The seed whose prompt is shown.
    seed_ix: usize,
    out: String,
    out_is_own: bool,
    model_field: String,
    showing: Showing,
    /// What the preview was made from, and the preview.
    previewed: Option<(Form, Place, Arc<Dataset>)>,
    preview: Option<Result<LongText, NoPreview>>,
    /// The record whose text is shown while a run goes on; `None` follows the newest.
    watched: Option<usize>,
    /// The text of the shown record: its run, its place, its bytes so far, and their layout.
    text: Option<(JobId, usize, usize, LongText)>,
    /// Why the last wish to run was not granted.
    refused: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Showing {
    Preview,
    Prompt,
    Records,
}

impl Default for State {
    fn default() -> Self {
        Self {
            form: Form::default(),
            seeds: None,
            seeds_chosen: false,
            n_seeds: 5,
            seed_ix: 0,
            out: String::new(),
            out_is_own: false,
            model_field: String::new(),
            showing: Showing::Preview,
            previewed: None,
            preview: None,
            watched: None,
            text: None,
            refused: None,
        }
    }
}

impl State {
    /// Takes a dataset for seeds.
    pub fn choose_seeds(&mut self, key: u64) {
        self.seeds = Some(key);
        self.seeds_chosen = true;
        self.seed_ix = 0;
        self.showing = Showing::Preview;
    }

    /// Shows the prompt of this record.
    pub fn choose_seed(&mut self, (key, ix): Place) {
        self.choose_seeds(key);
        self.seed_ix = ix;
    }

    /// Why the last wish to run was not granted.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// Where the records go, as the person chose it.
    pub fn set_out(&mut self, path: &Path) {
        self.out = path.to_string_lossy().into_owned();
        self.out_is_own = true;
    }

    /// Takes a prompt of the person's own.
    pub fn take_prompt(&mut self, text: String) {
        self.form.prompt_text = text;
        self.showing = Showing::Prompt;
    }

    fn set_strategy(&mut self, strategy: &'static str) {
        if self.form.prompt_text == own_prompt(self.form.strategy) {
            self.form.prompt_text = own_prompt(strategy).to_owned();
        }
        self.form.strategy = strategy;
    }
}

impl Window {
    /// Prepares what the view shows.
    pub(in crate::app) fn synthesize_logic(&mut self) {
        self.prepare_synthesis();
        // A reason that has gone is not told any longer.
        if self.synthesize.refused.is_some() {
            self.synthesize.refused = self.synth_ask().err();
        }
    }

    /// Chooses seeds when there are none, names the output, makes the preview.
    fn prepare_synthesis(&mut self) {
        let there = self.synthesize.seeds.is_some_and(|key| self.files.get(key).is_some());
        if !there || !self.synthesize.seeds_chosen {
            self.synthesize.seeds_chosen = false;
            let human = |file: &&crate::app::files::File| {
                !file.is_contexts_alone && file.report.strategies.contains_key("human")
            };
            let first = self.files.all.iter().find(human).or(self.files.all.first());
            self.synthesize.seeds = first.map(|file| file.key);
        }
        let state = &mut self.synthesize;
        let Some(file) = state.seeds.and_then(|key| self.files.get(key)) else {
            (state.preview, state.previewed) = (None, None);
            return;
        };
        let n = file.dataset.records.len();
        state.n_seeds = state.n_seeds.clamp(1, n.max(1));
        state.seed_ix = state.seed_ix.min(n.saturating_sub(1));
        if !state.out_is_own {
            // Beside the seeds, where a person looks for it; what is made of the example project
            // goes to a folder that is not written anew at each start.
            let path = &file.origin.path;
            let folder = match path.starts_with(&self.home) {
                true => self.home.join("made"),
                false => path.parent().unwrap_or(Path::new("")).to_owned(),
            };
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let name = format!("{stem}.{}_synthesis.jsonl", state.form.strategy);
            state.out = folder.join(name).to_string_lossy().into_owned();
        }
        let place = (file.key, state.seed_ix);
        let is_made = state.previewed.as_ref().is_some_and(|(form, at, dataset)| {
            (form, *at) == (&state.form, place) && Arc::ptr_eq(dataset, &file.dataset)
        });
        if !is_made
            && let Some(record) = file.dataset.records.peek(state.seed_ix)
            && let Some(strategy) = synthesis::strategy(state.form.strategy)
        {
            let form = &state.form;
            let made = preview(strategy, &form.prompt_text, form.n_words, form.seed, &record);
            state.preview =
                Some(made.map(|preview| LongText::new(written(&preview).into(), Vec::new())));
            state.previewed = Some((form.clone(), place, file.dataset.clone()));
        }
    }

    /// Starts a run with the form's settings, or says why that cannot be.
    pub(in crate::app) fn run_synthesis(&mut self) {
        self.synthesize.refused = None;
        match self.synth_ask() {
            Ok(ask) => {
                self.synthesize.showing = Showing::Records;
                self.synthesize.watched = None;
                self.settings.remember(&ask.out);
                // One run is replaced, not every later one too.
                self.synthesize.form.overwrite = false;
                self.start(Ask::Synth(Box::new(ask)));
            }
            Err(why) => self.synthesize.refused = Some(why),
        }
    }

    fn synth_ask(&self) -> Result<SynthAsk, String> {
        let state = &self.synthesize;
        let Some(file) = state.seeds.and_then(|key| self.files.get(key)) else {
            return Err(
                "There are no seeds: open a file of question-answer pairs or documents first."
                    .into(),
            );
        };
        if self.jobs.has_open(|ask| matches!(ask, Ask::Synth(_))) {
            return Err("A synthesis is running: wait for it, or cancel it first.".into());
        }
        if !self.has_model() {
            return Err(
                "There is no model yet: fetch one above, or choose a .gguf file that you have."
                    .into(),
            );
        }
        if let Some(Err(NoPreview::Prompt(why))) = &state.preview {
            return Err(format!("The prompt cannot be used: {why}"));
        }
        let out = typed_path(&state.out).ok_or("Say where to write the records.")?;
        Ok(SynthAsk {
            strategy: state.form.strategy,
            seeds: file.dataset.clone(),
            n_seeds: state.n_seeds,
            model: self.settings.model.clone(),
            out,
            settings: state.form.clone(),
        })
    }

    /// Draws the view.
    pub(in crate::app) fn synthesize_ui(&mut self, ui: &mut Ui) {
        // Something of the prompt is to be seen beside it.
        let widest = (ui.available_width() - 180.0).clamp(300.0, 520.0);
        let form = egui::Panel::left("synthesis form")
            .resizable(true)
            .default_size(self.settings.panel("synthesis form", 370.0))
            .size_range(300.0..=widest)
            .show(ui, |ui| {
                egui::Panel::bottom("run").show_separator_line(true).show(ui, |ui| self.run_ui(ui));
                egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                    self.strategy_ui(ui);
                    self.seeds_ui(ui);
                    self.model_ui(ui);
                    self.sampling_ui(ui);
                    self.out_ui(ui);
                });
            });
        self.settings.set_panel("synthesis form", form.response.rect.width());
        egui::CentralPanel::default().show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                let tabs = [
                    (Showing::Preview, "Prompt preview"),
                    (Showing::Prompt, "Edit prompt"),
                    (Showing::Records, "Records"),
                ];
                for (showing, title) in tabs {
                    ui.selectable_value(&mut self.synthesize.showing, showing, title);
                }
            });
            ui.separator();
            match self.synthesize.showing {
                Showing::Preview => self.preview_ui(ui),
                Showing::Prompt => self.prompt_ui(ui),
                Showing::Records => self.records_ui(ui),
            }
        });
    }
}
