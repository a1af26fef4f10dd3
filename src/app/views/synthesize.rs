//! Synthesize: what to make from which seeds with which model, the prompt as the model will read it,
//! and the records while they are written.

use super::jobs::{pause_and_cancel_ui, progress_ui};
use crate::app::command::View;
use crate::app::files::file_name;
use crate::app::jobs::{Ask, Entry, LiveRecord, State as JobState, SynthAsk};
use crate::app::picker::Purpose;
use crate::app::theme;
use crate::app::ui::name_field;
use crate::app::widgets::long_text::LongText;
use crate::app::window::{Window, typed_path};
use crate::data::Dataset;
use crate::model::Sampling;
use crate::synthesis;
use crate::workbench::{JobId, NoPreview, Place, Prompt, preview};
use egui::{Align, DragValue, Layout, RichText, Ui};
use std::path::{Path, PathBuf};
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
            && let Some(record) = file.dataset.records.get(state.seed_ix)
            && let Some(strategy) = synthesis::strategy(state.form.strategy)
        {
            let form = &state.form;
            let made = preview(strategy, &form.prompt_text, form.n_words, form.seed, record);
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
        let form = egui::Panel::left("synthesis form")
            .resizable(true)
            .default_size(self.settings.panel("synthesis form", 370.0))
            .size_range(300.0..=520.0)
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
            ui.horizontal(|ui| {
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

    fn strategy_ui(&mut self, ui: &mut Ui) {
        section(ui, "Strategy");
        for (name, title, about) in STRATEGIES {
            if ui.radio(self.synthesize.form.strategy == name, title).on_hover_text(about).clicked()
            {
                self.synthesize.set_strategy(name);
            }
        }
        let about = STRATEGIES.iter().find(|(name, ..)| *name == self.synthesize.form.strategy);
        ui.label(RichText::new(about.map_or("", |(_, _, about)| about)).weak().small());
    }

    fn seeds_ui(&mut self, ui: &mut Ui) {
        section(ui, "Seeds");
        let chosen = self.synthesize.seeds.and_then(|key| self.files.get(key));
        let title = chosen.map_or("no file is open".to_owned(), |file| file.name());
        let n = chosen.map_or(1, |file| file.dataset.records.len().max(1));
        let chosen_is_none = chosen.is_none();
        let mut picked = None;
        let combo = egui::ComboBox::from_id_salt("seeds")
            .selected_text(title)
            .width(ui.available_width() - 12.0)
            .truncate();
        let response = combo.show_ui(ui, |ui| {
            for file in &self.files.all {
                let words = format!("{} ({} records)", file.name(), file.report.records);
                if ui.selectable_label(self.synthesize.seeds == Some(file.key), words).clicked() {
                    picked = Some(file.key);
                }
            }
        });
        name_field(&response.response, "Seeds");
        if let Some(key) = picked {
            self.synthesize.choose_seeds(key);
        }
        if chosen_is_none {
            return;
        }
        row(ui, "Records", "From the first of the file on", |ui| {
            let drag = ui.add(DragValue::new(&mut self.synthesize.n_seeds).range(1..=n));
            if ui.button(format!("All {n}")).clicked() {
                self.synthesize.n_seeds = n;
            }
            drag
        });
    }

    fn model_ui(&mut self, ui: &mut Ui) {
        section(ui, "Model");
        let mut picked = None;
        let current = self.settings.model.clone();
        let combo = egui::ComboBox::from_id_salt("model")
            .selected_text(file_name(Path::new(&current)))
            .width(ui.available_width() - 12.0)
            .truncate();
        let response = combo.show_ui(ui, |ui| {
            for row in &self.models {
                let there = match row.path {
                    Some(_) => "on this machine".to_owned(),
                    None => format!("{} MB to fetch", row.entry.megabytes),
                };
                let words = format!("{} ({there})", row.entry.name);
                if ui
                    .selectable_label(current == row.entry.name, words)
                    .on_hover_text(row.entry.about)
                    .clicked()
                {
                    picked = Some(row.entry.name.to_owned());
                }
            }
        });
        name_field(&response.response, "Model");
        if let Some(model) = picked {
            self.choose_model(model);
        }
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Browse…").on_hover_text("Choose a .gguf file").clicked() {
                    self.browse(Purpose::Model, None);
                }
                let field = egui::TextEdit::singleline(&mut self.synthesize.model_field)
                    .hint_text("or the path of a .gguf file, and Enter")
                    .desired_width(f32::INFINITY);
                let field = ui.add(field);
                name_field(&field, "Path of a model");
                if field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter)) {
                    if let Some(path) = typed_path(&self.synthesize.model_field) {
                        self.choose_model(path.to_string_lossy().into_owned());
                    }
                }
            });
        });
        self.card_ui(ui);
    }

    /// What is known of the chosen model, or how to get it.
    fn card_ui(&mut self, ui: &mut Ui) {
        let card = self.card.as_ref().filter(|(model, _)| *model == self.settings.model);
        let Some((_, card)) = card else {
            ui.spinner();
            return;
        };
        let card = match card {
            Ok(card) => card,
            Err(why) => {
                let why = why.clone();
                self.fetch_ui(ui, &why);
                return;
            }
        };
        let info = &card.info;
        let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
        let rows = [
            ("Architecture", info.architecture.clone()),
            ("Quantization", info.quantization.clone()),
            ("Window", format!("{} tokens", super::data::grouped(info.window as u64))),
            ("Memory", mib(info.weight_bytes)),
            ("Cache", format!("{} per 1,000 tokens", mib(1000 * info.cache_bytes_per_token))),
            ("Device", info.device.to_uppercase()),
        ];
        egui::Frame::group(ui.style())
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                egui::Grid::new("model card").num_columns(2).spacing([16.0, 2.0]).show(ui, |ui| {
                    for (name, value) in rows {
                        ui.label(RichText::new(name).weak());
                        ui.label(value);
                        ui.end_row();
                    }
                });
            })
            .response
            .on_hover_text(card.path.display().to_string());
    }

    fn fetch_ui(&mut self, ui: &mut Ui, why: &str) {
        let row = self.models.iter().find(|row| row.entry.name == self.settings.model);
        let Some(row) = row.filter(|row| row.path.is_none()) else {
            ui.add(egui::Label::new(RichText::new(why).color(theme::error_color(ui))).wrap());
            return;
        };
        let (name, megabytes, about) = (row.entry.name, row.entry.megabytes, row.entry.about);
        egui::Frame::group(ui.style()).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label("This model is not on this machine.");
            ui.label(RichText::new(about).weak().small());
            let fetching = self.jobs.all.iter().find(|entry| {
                entry.is_open() && matches!(&entry.ask, Ask::Fetch(model) if model == name)
            });
            match fetching {
                Some(entry) => {
                    progress_ui(ui, entry);
                    if ui.button("Cancel").clicked() {
                        entry.watch.cancel();
                    }
                }
                None => {
                    if ui.button(format!("Fetch {name} ({megabytes} MB)")).clicked() {
                        self.start(Ask::Fetch(name.to_owned()));
                    }
                }
            }
        });
    }

    fn sampling_ui(&mut self, ui: &mut Ui) {
        section(ui, "Writing");
        let form = &mut self.synthesize.form;
        let sampling = &mut form.sampling;
        row(
            ui,
            "Words asked for",
            "The paper asks for 2,000; small models write less than they are asked",
            |ui| ui.add(DragValue::new(&mut form.n_words).range(20..=20_000).speed(5)),
        );
        row(
            ui,
            "Limit of a reply",
            "In tokens; a reply that is cut here is kept and marked",
            |ui| {
                ui.add(
                    DragValue::new(&mut sampling.max_new_tokens)
                        .range(1..=32_768)
                        .speed(5)
                        .suffix(" tokens"),
                )
            },
        );
        row(ui, "Temperature", "0 always takes the most likely token; the paper has 0.8", |ui| {
            ui.add(
                DragValue::new(&mut sampling.temperature)
                    .range(0.0..=2.0)
                    .speed(0.01)
                    .fixed_decimals(2),
            )
        });
        row(ui, "Top-p", "Keeps the likeliest tokens that together have this probability", |ui| {
            ui.add(
                DragValue::new(&mut sampling.top_p).range(0.01..=1.0).speed(0.01).fixed_decimals(2),
            )
        });
        row(ui, "Top-k", "Keeps so many of the likeliest tokens; 0 keeps all", |ui| {
            ui.add(DragValue::new(&mut sampling.top_k).range(0..=1000))
        });
        row(
            ui,
            "Repetition penalty",
            "Makes tokens that the reply already holds less likely; 1 does nothing",
            |ui| {
                let drag = DragValue::new(&mut sampling.repetition_penalty);
                ui.add(drag.range(1.0..=2.0).speed(0.01).fixed_decimals(2))
            },
        );
        row(ui, "Tries", "For each record, when a reply will not do", |ui| {
            ui.add(DragValue::new(&mut form.n_attempts).range(1..=20))
        });
        row(ui, "At a time", "Records written together; does not change them", |ui| {
            ui.add(DragValue::new(&mut form.n_parallel).range(1..=64))
        });
        row(ui, "Seed", "The same seed gives the same records", |ui| {
            ui.add(DragValue::new(&mut form.seed))
        });
    }

    fn out_ui(&mut self, ui: &mut Ui) {
        section(ui, "Write to");
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Browse…").on_hover_text("Choose the file to write").clicked() {
                    let suggested = PathBuf::from(&self.synthesize.out);
                    self.browse(Purpose::SynthOut, Some(&suggested));
                }
                let field = egui::TextEdit::singleline(&mut self.synthesize.out)
                    .desired_width(f32::INFINITY);
                let field = ui.add(field).on_hover_text(&self.synthesize.out);
                name_field(&field, "File to write");
                self.synthesize.out_is_own |= field.changed();
            });
        });
        ui.checkbox(
            &mut self.synthesize.form.overwrite,
            "Replace an earlier run with other settings",
        )
        .on_hover_text(
            "Without this, a run with the same settings goes on, and one with others is refused",
        );
        ui.add_space(8.0);
    }

    fn run_ui(&mut self, ui: &mut Ui) {
        ui.add_space(6.0);
        let running = self.jobs.synthesis().filter(|entry| entry.is_open());
        match running {
            Some(entry) => {
                ui.horizontal(|ui| {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        pause_and_cancel_ui(ui, entry)
                    });
                });
                progress_ui(ui, entry);
            }
            None => {
                let words = format!(
                    "Run: {} record{}",
                    self.synthesize.n_seeds,
                    if self.synthesize.n_seeds == 1 { "" } else { "s" }
                );
                let button = egui::Button::new(RichText::new(words).strong())
                    .fill(ui.visuals().selection.bg_fill);
                let size = egui::vec2(ui.available_width(), 30.0);
                if ui.add_sized(size, button).on_hover_text("Ctrl+Enter").clicked() {
                    self.run_synthesis();
                }
            }
        }
        if let Some(why) = &self.synthesize.refused {
            ui.add(egui::Label::new(RichText::new(why).color(theme::error_color(ui))).wrap());
        }
        ui.add_space(4.0);
    }

    fn preview_ui(&mut self, ui: &mut Ui) {
        let n = self
            .synthesize
            .seeds
            .and_then(|key| self.files.get(key))
            .map_or(0, |file| file.dataset.records.len());
        if n == 0 {
            ui.label(RichText::new("Open seeds to see what the model will be asked.").weak());
            return;
        }
        ui.horizontal(|ui| {
            ui.label("What the model reads for record");
            let mut shown = self.synthesize.seed_ix + 1;
            let drag = ui.add(DragValue::new(&mut shown).range(1..=n));
            name_field(&drag, "Shown seed");
            self.synthesize.seed_ix = shown.saturating_sub(1);
            ui.label(format!("of {n}"));
            let before = ui.button("◀").on_hover_text("The record before");
            name_field(&before, "The record before");
            if before.clicked() {
                self.synthesize.seed_ix = self.synthesize.seed_ix.saturating_sub(1);
            }
            let next = ui.button("▶").on_hover_text("The next record");
            name_field(&next, "The next record");
            if next.clicked() {
                self.synthesize.seed_ix = (self.synthesize.seed_ix + 1).min(n - 1);
            }
        });
        match &mut self.synthesize.preview {
            Some(Ok(text)) => text.ui(ui, "preview", "Prompt preview"),
            Some(Err(NoPreview::Prompt(why) | NoPreview::Seed(why))) => {
                let words = RichText::new(why.as_str()).color(theme::error_color(ui));
                ui.add(egui::Label::new(words).wrap().selectable(true));
            }
            None => {}
        }
    }

    fn prompt_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let own = own_prompt(self.synthesize.form.strategy);
            let changed = self.synthesize.form.prompt_text != own;
            if ui.add_enabled(changed, egui::Button::new("Back to the bundled prompt")).clicked() {
                self.synthesize.form.prompt_text = own.to_owned();
            }
            if ui.button("Open prompt…").clicked() {
                self.browse(Purpose::Prompt, None);
            }
            let words = if changed { "edited" } else { "bundled" };
            ui.label(RichText::new(words).weak());
        });
        match &self.synthesize.preview {
            Some(Err(NoPreview::Prompt(why))) => {
                ui.add(egui::Label::new(RichText::new(why).color(theme::error_color(ui))).wrap());
            }
            _ => {
                ui.label(RichText::new("Parts [system], [user] and [assistant]; blanks in braces are filled for each record.").weak());
            }
        }
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            let field = egui::TextEdit::multiline(&mut self.synthesize.form.prompt_text)
                .font(egui::TextStyle::Monospace)
                .desired_width(f32::INFINITY)
                .desired_rows(24);
            let field = ui.add(field);
            name_field(&field, "Prompt");
        });
    }

    /// The records of the newest run: a list, and the text of one.
    fn records_ui(&mut self, ui: &mut Ui) {
        let Some(entry) = self.jobs.synthesis() else {
            ui.add_space(24.0);
            ui.vertical_centered(|ui| {
                let words = "Records show here while they are written. Press Run.";
                ui.label(RichText::new(words).weak());
            });
            return;
        };
        head_ui(ui, entry);
        let ended = !entry.is_open();
        let out = match &entry.ask {
            Ask::Synth(ask) => ask.out.clone(),
            _ => return,
        };
        let made = self.files.all.iter().find(|file| file.origin.path == out).map(|file| file.key);
        if let Some(key) = made.filter(|_| ended) {
            ui.horizontal(|ui| {
                if ui.button("Show in Data").clicked() {
                    self.select((key, 0));
                    self.show(View::Data);
                }
                if ui.button("Compare").clicked() {
                    self.show(View::Compare);
                }
            });
        }
        let Some(entry) = self.jobs.synthesis() else { return };
        let state = &mut self.synthesize;
        if let Some(watched) = written_ui(ui, entry, state.watched, &mut state.text) {
            state.watched = watched;
        }
    }
}

/// The list of a run's records beside the text of one; the record to watch, when another is chosen.
fn written_ui(
    ui: &mut Ui,
    entry: &Entry,
    watched: Option<usize>,
    text: &mut Option<(JobId, usize, usize, LongText)>,
) -> Option<Option<usize>> {
    let (Ask::Synth(ask), Some(live)) = (&entry.ask, &entry.live) else { return None };
    let shown = watched.or(live.newest);
    let mut chosen = None;
    let list = egui::Panel::left("written").resizable(true).default_size(260.0);
    list.size_range(140.0..=480.0).show(ui, |ui| {
        if ui.selectable_label(watched.is_none(), "Follow what is being written").clicked() {
            chosen = Some(None);
        }
        ui.separator();
        let area = egui::ScrollArea::vertical().auto_shrink([false, false]);
        area.show_rows(ui, 22.0, ask.n_seeds, |ui, rows| {
            for ix in rows {
                let words = ask.seeds.records.get(ix).map_or("", |record| {
                    match record.instruction.is_empty() {
                        true => record.context.as_deref().unwrap_or_default(),
                        false => &record.instruction,
                    }
                });
                let (mark, color) = record_mark(ui, live.records.get(&ix), entry.is_open());
                ui.horizontal(|ui| {
                    ui.label(RichText::new(mark).color(color).monospace());
                    let label = egui::Button::selectable(shown == Some(ix), cut(words)).truncate();
                    if ui.add(label).clicked() {
                        chosen = Some(Some(ix));
                    }
                });
            }
        });
    });
    egui::CentralPanel::default().show(ui, |ui| {
        let Some((ix, record)) = shown.and_then(|ix| Some((ix, live.records.get(&ix)?))) else {
            ui.label(RichText::new("Nothing is written yet.").weak());
            return;
        };
        if let Some(Err(why)) = &record.end {
            let words = RichText::new(format!("Rejected: {why}")).color(theme::warning_color(ui));
            ui.add(egui::Label::new(words).wrap());
        }
        let now = (entry.id, ix, record.text.len());
        if text.as_ref().is_none_or(|(id, ix, n, _)| (*id, *ix, *n) != now) {
            let mut laid_out = LongText::new(record.text.trim_start().into(), Vec::new());
            if entry.is_open() {
                // Who watches a record wants to see its end.
                laid_out.jump_to(laid_out.text().len());
            }
            *text = Some((entry.id, ix, now.2, laid_out));
        }
        if let Some((.., laid_out)) = text {
            laid_out.ui(ui, "written text", "Text of the record");
        }
    });
    chosen
}

/// Name, counts and rate of a run.
fn head_ui(ui: &mut Ui, entry: &Entry) {
    ui.horizontal_wrapped(|ui| {
        ui.strong(&entry.title);
        let Some(live) = &entry.live else { return };
        let mut words = format!(
            "{} made, {} rejected, {} tokens written",
            live.n_made, live.n_rejected, live.n_tokens
        );
        match &entry.state {
            JobState::Waiting => words.push_str("; waiting"),
            JobState::Running if entry.watch.is_paused() => words.push_str("; paused"),
            JobState::Running => {
                if let Some(rate) = live.tokens_per_s() {
                    words.push_str(&format!("; {rate:.0} tokens/s"));
                }
            }
            JobState::Done(_) => words.push_str("; done"),
            JobState::Cancelled => words.push_str("; cancelled, what was made is kept"),
            JobState::Failed(why) => words = why.clone(),
        }
        let color = match entry.state {
            JobState::Failed(_) => theme::error_color(ui),
            _ => ui.visuals().weak_text_color(),
        };
        ui.label(RichText::new(words).color(color));
    });
}

fn record_mark(
    ui: &Ui,
    record: Option<&LiveRecord>,
    running: bool,
) -> (&'static str, egui::Color32) {
    match record {
        None => ("·", ui.visuals().weak_text_color()),
        Some(LiveRecord { end: Some(Ok(())), .. }) => ("✔", theme::success_color(ui)),
        Some(LiveRecord { end: Some(Err(_)), .. }) => ("✖", theme::warning_color(ui)),
        Some(_) if running => ("✎", ui.visuals().hyperlink_color),
        Some(_) => ("·", ui.visuals().weak_text_color()),
    }
}

fn cut(text: &str) -> &str {
    let cut = text.char_indices().nth(80).map_or(text.len(), |(at, _)| at);
    text[..cut].lines().next().unwrap_or_default()
}

fn section(ui: &mut Ui, title: &str) {
    ui.add_space(8.0);
    ui.strong(title);
    ui.add_space(2.0);
}

/// A setting with its name at the left and its meaning on hover.
fn row(ui: &mut Ui, name: &str, about: &str, add: impl FnOnce(&mut Ui) -> egui::Response) {
    ui.horizontal(|ui| {
        let width = 140.0;
        ui.allocate_ui_with_layout(
            egui::vec2(width, 22.0),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.set_min_width(width);
                ui.label(name).on_hover_text(about);
            },
        );
        let response = add(ui);
        name_field(&response, name);
        response.on_hover_text(about);
    });
}

/// The ask as the model reads it, part by part.
fn written(preview: &crate::workbench::Preview) -> String {
    let mut text = String::new();
    for (role, content) in &preview.messages {
        text.push_str(&format!("── {role} ──\n{content}\n\n"));
    }
    text.push_str("── assistant, begun for the model ──\n");
    text.push_str(&preview.begun);
    text
}
