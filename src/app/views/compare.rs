//! Compare: the strategies side by side, by the lengths of their texts and by how much instructions and
//! answers depend on their contexts.

use crate::app::jobs::{Ask, CoherenceAsk};
use crate::app::theme;
use crate::app::ui::{name_field, swatch_ui};
use crate::app::views::jobs::{pause_and_cancel_ui, progress_ui};
use crate::app::widgets::figure_view::figure_ui;
use crate::app::window::Window;
use crate::coherence::{Negatives, Settings};
use crate::figure::Figure;
use crate::lengths::{Field, Unit};
use crate::report::{Form, LengthsView};
use egui::{Align, DragValue, Layout, RichText, Ui};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;

/// Which figure is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Showing {
    /// Lengths.
    #[default]
    Lengths,
    /// Coherence.
    Coherence,
}

/// What the view remembers.
#[derive(Default)]
pub struct State {
    /// Which figure is shown.
    pub showing: Showing,
    /// The lengths.
    pub lengths: LengthsState,
    /// The coherence.
    pub coherence: CoherenceState,
}

/// What the view of lengths remembers.
pub struct LengthsState {
    /// The figure as it was drawn last.
    pub figure: Option<Arc<Figure>>,
    /// What to show; `unit` is the wish, see [`Window::lengths_view`].
    view: LengthsView,
    asked: Option<(u64, u64, LengthsView)>,
}

impl Default for LengthsState {
    fn default() -> Self {
        let view = LengthsView {
            field: Field::Context,
            unit: Unit::Tokens,
            form: Form::default(),
            log: true,
        };
        Self { figure: None, view, asked: None }
    }
}

/// What the view of coherence remembers.
pub struct CoherenceState {
    /// The figure as it was drawn last.
    pub figure: Option<Arc<Figure>>,
    asked: Option<u64>,
    n_shuffles: usize,
    nearest: bool,
    limit: usize,
    /// Why the last wish to measure was not granted.
    refused: Option<String>,
}

impl Default for CoherenceState {
    fn default() -> Self {
        Self { figure: None, asked: None, n_shuffles: 1, nearest: false, limit: 40, refused: None }
    }
}

impl Window {
    /// The tokenizer to count with, if there is one.
    fn tokenizer(&self) -> Option<String> {
        self.has_model().then(|| self.settings.model.clone())
    }

    /// What the lengths figure shows: tokens only where they can be counted.
    fn lengths_view(&self) -> LengthsView {
        let view = self.compare.lengths.view;
        match view.unit {
            Unit::Tokens if self.tokenizer().is_none() => LengthsView { unit: Unit::Words, ..view },
            _ => view,
        }
    }

    /// Whether the view still waits for figures that belong to what is open.
    pub(in crate::app) fn wants_figures(&self) -> bool {
        self.view == crate::app::View::Compare
            && (self.lengths_wanted().next().is_some()
                || self.compare.lengths.asked != Some(self.wanted_lengths())
                || self.compare.coherence.asked != Some(self.files.version))
    }

    /// What the lengths figure is to be drawn from, and how.
    fn wanted_lengths(&self) -> (u64, u64, LengthsView) {
        (self.files.version, self.files.n_measured, self.lengths_view())
    }

    /// Shown datasets whose lengths are not asked for yet.
    fn lengths_wanted(&self) -> impl Iterator<Item = u64> {
        let tokenizer = Some(self.tokenizer());
        self.files.shown().filter(move |file| file.lengths_asked != tokenizer).map(|file| file.key)
    }

    /// Asks for lengths and figures when what is open, shown or chosen has changed. The figures are
    /// drawn when somebody looks.
    pub(in crate::app) fn compare_logic(&mut self) {
        // A reason that has gone is not told any longer.
        if self.compare.coherence.refused.is_some() {
            self.compare.coherence.refused = self.coherence_ask().err();
        }
        let describing = self.jobs.has_open(|ask| matches!(ask, Ask::Describe(_)));
        if self.view != crate::app::View::Compare && self.export.is_none() || describing {
            return;
        }
        let tokenizer = self.tokenizer();
        for key in self.lengths_wanted().collect::<Vec<u64>>() {
            let Some(file) = self.files.all.iter_mut().find(|file| file.key == key) else {
                continue;
            };
            file.lengths_asked = Some(tokenizer.clone());
            let dataset = file.dataset.clone();
            self.start(Ask::Lengths { dataset, tokenizer: tokenizer.clone() });
        }
        let opening = self
            .jobs
            .has_open(|ask| matches!(ask, Ask::Open(_) | Ask::Example | Ask::Lengths { .. }));
        if opening {
            return;
        }
        let wanted = self.wanted_lengths();
        if self.compare.lengths.asked != Some(wanted) {
            self.compare.lengths.asked = Some(wanted);
            self.start(Ask::DrawLengths(wanted.2));
        }
        if self.compare.coherence.asked != Some(self.files.version) {
            self.compare.coherence.asked = Some(self.files.version);
            self.start(Ask::DrawCoherence);
        }
    }

    /// The figure that is shown.
    pub(in crate::app) fn shown_figure(&self) -> Option<Arc<Figure>> {
        match self.compare.showing {
            Showing::Lengths => self.compare.lengths.figure.clone(),
            Showing::Coherence => self.compare.coherence.figure.clone(),
        }
    }

    /// Draws the view.
    pub(in crate::app) fn compare_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let showing = &mut self.compare.showing;
            ui.selectable_value(showing, Showing::Lengths, "Lengths");
            ui.selectable_value(showing, Showing::Coherence, "Coherence");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Export figure…").clicked() {
                    self.open_export(true);
                }
            });
        });
        self.datasets_legend_ui(ui);
        ui.separator();
        match self.compare.showing {
            Showing::Lengths => self.lengths_ui(ui),
            Showing::Coherence => self.coherence_ui(ui),
        }
    }

    /// The datasets, to be switched on and off.
    fn datasets_legend_ui(&mut self, ui: &mut Ui) {
        let mut switched = None;
        ui.horizontal_wrapped(|ui| {
            for file in &self.files.all {
                let mut shown = file.shown;
                ui.scope(|ui| {
                    ui.spacing_mut().item_spacing.x = 4.0;
                    let check = ui.checkbox(&mut shown, "");
                    name_field(&check, &format!("{} in the figure", file.name()));
                    if check.changed() {
                        switched = Some((file.key, shown));
                    }
                    file.strategies().iter().for_each(|id| swatch_ui(ui, id));
                    let words = RichText::new(file.name());
                    let words = if file.shown { words } else { words.weak() };
                    let label = egui::Label::new(words).extend().sense(egui::Sense::click());
                    let label = ui.add(label);
                    if label.clicked() {
                        switched = Some((file.key, !file.shown));
                    }
                    if file.lacks_contexts {
                        ui.label(RichText::new("no contexts").weak().small())
                            .on_hover_text("Join contexts to it on the left, to compare them");
                    }
                });
                ui.add_space(8.0);
            }
        });
        if let Some((key, shown)) = switched {
            self.files.set_shown(key, shown);
        }
    }

    fn lengths_ui(&mut self, ui: &mut Ui) {
        let shown = self.lengths_view();
        let has_tokenizer = self.tokenizer().is_some();
        ui.horizontal_wrapped(|ui| {
            let view = &mut self.compare.lengths.view;
            let fields = [
                (Field::Context, "Context"),
                (Field::Instruction, "Instruction"),
                (Field::Answer, "Answer"),
                (Field::Prompt, "Whole prompt"),
            ];
            combo_ui(ui, "Field", &fields, shown.field, |field| view.field = field);
            let units =
                [(Unit::Tokens, "Tokens"), (Unit::Words, "Words"), (Unit::Chars, "Characters")];
            let units = if has_tokenizer { &units[..] } else { &units[1..] };
            combo_ui(ui, "Unit", units, shown.unit, |unit| view.unit = unit);
            if !has_tokenizer {
                ui.label(RichText::new("tokens need a model").weak())
                    .on_hover_text("Fetch a model, or choose a .gguf file, in Synthesize");
            }
            ui.separator();
            let forms = [
                (Form::Histogram, "Histogram"),
                (Form::Density, "Density"),
                (Form::Cumulative, "Cumulative"),
            ];
            for (form, title) in forms {
                ui.selectable_value(&mut view.form, form, title);
            }
            ui.separator();
            ui.checkbox(&mut view.log, "Log axis");
        });
        let figure = self.compare.lengths.figure.clone();
        self.drawn_ui(
            ui,
            "lengths",
            figure.as_deref(),
            "No records are shown. Open files, or switch one on above.",
        );
    }

    fn drawn_ui(&self, ui: &mut Ui, id: &str, figure: Option<&Figure>, empty: &str) {
        let draws = self.jobs.has_open(|ask| {
            let drawing = matches!(ask, Ask::DrawLengths(_) | Ask::DrawCoherence);
            drawing || matches!(ask, Ask::Lengths { .. } | Ask::Open(_) | Ask::Example)
        });
        match figure {
            Some(figure) if !figure.panels.is_empty() => figure_ui(ui, id, figure),
            _ => {
                ui.add_space(24.0);
                ui.vertical_centered(|ui| match (figure, draws) {
                    (_, true) => drop(ui.spinner()),
                    (Some(_), false) => drop(ui.label(RichText::new(empty).weak())),
                    (None, false) => {
                        let words = "The figure could not be drawn; Jobs tells why.";
                        ui.label(RichText::new(words).weak());
                    }
                });
            }
        }
    }

    fn coherence_ui(&mut self, ui: &mut Ui) {
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
        ui.separator();
        let figure = self.compare.coherence.figure.clone();
        let n_groups = figure.as_ref().map_or(0, |figure| figure.legend.len());
        // A legend of nothing but the hatch is a figure of nothing.
        let figure = figure.filter(|_| n_groups != 1);
        if figure.is_none()
            && self.compare.coherence.asked.is_some()
            && !self.jobs.has_open(|ask| matches!(ask, Ask::DrawCoherence))
        {
            ui.add_space(24.0);
            ui.vertical_centered(|ui| {
                ui.label(
                    RichText::new("The shown records are not measured yet. Press Measure.").weak(),
                );
            });
            return;
        }
        self.drawn_ui(ui, "coherence", figure.as_deref(), "");
    }

    fn measure_ui(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            let state = &mut self.compare.coherence;
            ui.label("First");
            let drag = ui.add(DragValue::new(&mut state.limit).range(2..=1_000_000));
            name_field(&drag, "Records of each file");
            ui.label("records of each shown file, each beside");
            let drag = ui.add(DragValue::new(&mut state.n_shuffles).range(1..=16));
            name_field(&drag, "Other contexts");
            let kinds = [(false, "random other contexts"), (true, "most similar other contexts")];
            combo_ui(ui, "Other contexts are", &kinds, state.nearest, |nearest| {
                state.nearest = nearest
            });
            let words = RichText::new("Measure").strong();
            if ui.button(words).on_hover_text("Ctrl+M").clicked() {
                self.measure_coherence();
            }
            let model = crate::app::files::file_name(std::path::Path::new(&self.settings.model));
            ui.label(RichText::new(format!("with {model}")).weak());
        });
        if let Some(why) = &self.compare.coherence.refused {
            ui.label(RichText::new(why).color(theme::error_color(ui)));
        }
    }

    /// Measures the shown datasets, or says why that cannot be.
    pub(in crate::app) fn measure_coherence(&mut self) {
        self.compare.showing = Showing::Coherence;
        self.compare.coherence.refused = match self.coherence_ask() {
            Ok(ask) => {
                self.start(Ask::Coherence(Box::new(ask)));
                None
            }
            Err(why) => Some(why),
        };
    }

    fn coherence_ask(&self) -> Result<CoherenceAsk, String> {
        let state = &self.compare.coherence;
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

/// A box to choose one of some values.
fn combo_ui<T: Copy + PartialEq>(
    ui: &mut Ui,
    name: &str,
    all: &[(T, &str)],
    current: T,
    mut choose: impl FnMut(T),
) {
    let shown = all.iter().find(|(value, _)| *value == current).map_or("", |(_, title)| title);
    let combo = egui::ComboBox::from_id_salt(name).selected_text(shown);
    let response = combo.show_ui(ui, |ui| {
        for (value, title) in all {
            if ui.selectable_label(*value == current, *title).clicked() {
                choose(*value);
            }
        }
    });
    name_field(&response.response, name);
}
