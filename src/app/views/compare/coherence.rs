//! The page of coherence: its figure, and how measuring begins.

use super::{NARROW, combo_ui};
use crate::app::jobs::{Ask, CoherenceAsk};
use crate::app::theme;
use crate::app::ui::name_field;
use crate::app::views::jobs::{pause_and_cancel_ui, progress_ui};
use crate::app::window::Window;
use crate::coherence::{Negatives, Settings};
use crate::report::CoherenceForm;
use crate::workbench::ComparePage;
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Align, DragValue, Layout, PopupCloseBehavior, RichText, Ui};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// How to measure.
pub struct Measuring {
    n_shuffles: usize,
    nearest: bool,
    limit: usize,
    /// Why the last wish to measure was not granted.
    refused: Option<String>,
}

impl Default for Measuring {
    fn default() -> Self {
        Self { n_shuffles: 1, nearest: false, limit: 40, refused: None }
    }
}

impl Measuring {
    fn choices_ui(&mut self, ui: &mut Ui) {
        ui.label("First");
        let drag = ui.add(DragValue::new(&mut self.limit).range(2..=1_000_000));
        name_field(&drag, "Records of each file");
        ui.label("records of each shown file, each beside");
        let drag = ui.add(DragValue::new(&mut self.n_shuffles).range(1..=16));
        name_field(&drag, "Other contexts");
        let kinds = [(false, "random other contexts"), (true, "most similar other contexts")];
        let nearest = self.nearest;
        combo_ui(ui, "Other contexts are", &kinds, &nearest, |nearest| self.nearest = nearest);
    }
}

impl Window {
    /// A reason that has gone is not told any longer.
    pub(super) fn coherence_logic(&mut self) {
        if self.compare.measuring.refused.is_some() {
            self.compare.measuring.refused = self.coherence_ask().err();
        }
    }

    pub(super) fn coherence_ui(&mut self, ui: &mut Ui) {
        let running = self
            .jobs
            .all
            .iter()
            .find(|entry| entry.is_open() && matches!(entry.ask, Ask::Coherence(_)));
        match running {
            Some(entry) => {
                ui.horizontal(|ui| {
                    ui.add(egui::Label::new(&entry.title).truncate());
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        pause_and_cancel_ui(ui, entry)
                    });
                });
                progress_ui(ui, entry);
            }
            None => self.measure_ui(ui),
        }
        self.coherence_forms_ui(ui);
        self.figure_page_ui(ui, |window, ui| {
            let is_measured =
                window.compare.coherence.as_ref().is_none_or(|drawn| !drawn.tasks.is_empty());
            let draws = window.jobs.has_open(|ask| matches!(ask, Ask::DrawCoherence(_)));
            if is_measured || draws {
                let empty =
                    "No record has a rank: measure beside other contexts, or choose another form.";
                return window.drawn_ui(ui, "coherence", empty);
            }
            ui.add_space(24.0);
            ui.vertical_centered(|ui| {
                let words = "The shown records are not measured yet. Press Measure.";
                ui.label(RichText::new(words).weak());
            });
        });
    }

    /// How the figure is drawn.
    fn coherence_forms_ui(&mut self, ui: &mut Ui) {
        const FORMS: [(CoherenceForm, &str, &str); 5] = [
            (CoherenceForm::Bars, "Bars", "Mean gains with the own and with other contexts"),
            (CoherenceForm::Auc, "AUC", "The share of other contexts that the own one beats"),
            (
                CoherenceForm::Scatter,
                "Scatter",
                "Answer gain over instruction gain, record by record",
            ),
            (CoherenceForm::Length, "Over length", "Gains over the length of the context"),
            (CoherenceForm::Rank, "Rank", "How often the own context is among the first"),
        ];
        ui.horizontal(|ui| {
            for (form, title, about) in FORMS {
                let look = &mut self.settings.compare.coherence;
                ui.selectable_value(look, form, title).on_hover_text(about);
            }
        });
    }

    fn measure_ui(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            self.narrow_tasks_ui(ui);
            let is_narrow = ui.max_rect().width() < NARROW;
            if is_narrow {
                let stays =
                    MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
                let button = MenuButton::new("How to measure…").config(stays);
                button.ui(ui, |ui| self.compare.measuring.choices_ui(ui));
            } else {
                self.compare.measuring.choices_ui(ui);
            }
            let words = RichText::new("Measure").strong();
            let model = crate::app::files::file_name(std::path::Path::new(&self.settings.model));
            let button = ui.button(words).on_hover_text(format!("With {model} (Ctrl+M)"));
            if button.clicked() {
                self.measure_coherence();
            }
            if !is_narrow && ui.available_size_before_wrap().x > 230.0 {
                ui.label(RichText::new(format!("with {model}")).weak());
            }
        });
        if let Some(why) = &self.compare.measuring.refused {
            ui.label(RichText::new(why).color(theme::error_color(ui)));
        }
    }

    /// Measures the shown datasets, or says why that cannot be.
    pub(in crate::app) fn measure_coherence(&mut self) {
        self.settings.compare.page = Some(ComparePage::Coherence);
        self.compare.measuring.refused = match self.coherence_ask() {
            Ok(ask) => {
                self.start(Ask::Coherence(Box::new(ask)));
                None
            }
            Err(why) => Some(why),
        };
    }

    fn coherence_ask(&self) -> Result<CoherenceAsk, String> {
        let state = &self.compare.measuring;
        let whole =
            self.files.shown().filter(|file| !file.lacks_contexts && !file.is_contexts_alone);
        let datasets: Vec<_> = whole.map(|file| file.dataset.clone()).collect();
        if datasets.is_empty() {
            return Err("No shown file has instructions, answers and contexts: join contexts to one, or switch one on.".into());
        }
        if !self.has_model() {
            return Err(
                "There is no model yet: fetch one in Synthesize, or choose a .gguf file there."
                    .into(),
            );
        }
        if self.jobs.has_open(|ask| matches!(ask, Ask::Coherence(_))) {
            return Err("A measurement is running: wait for it, or cancel it first.".into());
        }
        let negatives = if state.nearest { Negatives::Nearest } else { Negatives::Random };
        let settings = Settings { n_shuffles: state.n_shuffles, negatives, seed: 42 };
        let mut hash = Sha256::new();
        for dataset in &datasets {
            hash.update(dataset.path.to_string_lossy().as_bytes());
            hash.update([0]);
        }
        hash.update(format!("{} {settings:?} {}", self.settings.model, state.limit));
        let hash: String =
            hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let stem = datasets[0].path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let out: PathBuf =
            self.home.join("coherence").join(format!("{stem}-{hash}.coherence.jsonl"));
        Ok(CoherenceAsk {
            datasets,
            limit: state.limit,
            model: self.settings.model.clone(),
            settings,
            out: Some(out),
        })
    }
}
