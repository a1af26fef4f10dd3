//! Needle: how often models find code numbers in long texts, by length, depth and model.
//!
//! `listing` shows what stands behind a cell or a point that was clicked. What a figure shows is
//! `report`'s, what a result is `needle`'s.

mod forms;
mod listing;

pub use forms::{Field, Form};

use crate::app::View;
use crate::app::files::{Needles, file_name};
use crate::app::jobs::Ask;
use crate::app::ui::name_field;
use crate::app::widgets::figure_view::{Records, Touch, brushed_figure_ui};
use crate::app::window::Window;
use crate::figure::Figure;
use crate::needle::NeedleTask;
use crate::report::NeedleForm;
use crate::workbench::{NeedleDrawJob, NeedleDrawn, NeedlePart};
use egui::{Align, Layout, RichText, Ui};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// What the view remembers while the window is open.
pub struct State {
    form: NeedleForm,
    /// Tasks that are left out.
    without: BTreeSet<String>,
    drawn: Option<NeedleDrawn>,
    asked: Option<Key>,
    /// The cell or point that was clicked.
    clicked: Option<Clicked>,
    /// The dialog that is open.
    pub form_open: Option<Form>,
    /// The tests that were made last.
    pub made: Option<PathBuf>,
}

/// What the figure is drawn from, and how: files with their rows, tasks that are left out.
type Key = (Vec<(PathBuf, usize)>, NeedleForm, BTreeSet<String>);

/// A place in the figure.
#[derive(Debug, Clone, PartialEq)]
struct Clicked {
    panel: usize,
    series: String,
    category: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            form: NeedleForm::Depth,
            without: BTreeSet::new(),
            drawn: None,
            asked: None,
            clicked: None,
            form_open: None,
            made: None,
        }
    }
}

impl State {
    /// Takes the figure.
    pub fn take(&mut self, drawn: NeedleDrawn) {
        self.drawn = Some(drawn);
        self.clicked = None;
    }

    /// The figure that is shown.
    pub fn figure(&self) -> Option<Arc<Figure>> {
        self.drawn.as_ref().map(|drawn| drawn.figure.clone())
    }
}

/// From this width on, choices and buttons stand in one row.
const WIDE: f32 = 860.0;

/// The forms, and what they are called.
const FORMS: [(NeedleForm, &str); 3] = [
    (NeedleForm::Depth, "Length and depth"),
    (NeedleForm::Lines, "Lines over length"),
    (NeedleForm::Heat, "Length and model"),
];

impl Window {
    /// Whether the view still waits for its figure.
    pub(in crate::app) fn wants_needles(&self) -> bool {
        self.view == View::Needle && self.needle.asked.as_ref() != Some(&self.needle_key())
    }

    fn needle_key(&self) -> Key {
        // Rows that are read again are other rows: their place in memory tells them apart.
        let shown = self.files.needles.iter().filter(|needles| needles.shown);
        let files = shown.map(|there| (there.path.clone(), Arc::as_ptr(&there.rows).addr()));
        (files.collect(), self.needle.form, self.needle.without.clone())
    }

    /// Asks for the figure when what is open, shown or chosen has changed and somebody looks.
    pub(in crate::app) fn needle_logic(&mut self) {
        if !self.wants_needles() || self.jobs.has_open(|ask| matches!(ask, Ask::Open(_))) {
            return;
        }
        self.needle.asked = Some(self.needle_key());
        let shown = self.files.needles.iter().filter(|needles| needles.shown);
        let part =
            |there: &Needles| NeedlePart { name: file_name(&there.path), rows: there.rows.clone() };
        self.start(Ask::DrawNeedles(NeedleDrawJob {
            parts: shown.map(part).collect(),
            form: self.needle.form,
            without: self.needle.without.clone(),
        }));
    }

    /// Draws the view.
    pub(in crate::app) fn needle_ui(&mut self, ui: &mut Ui) {
        let is_wide = ui.available_width() >= WIDE;
        ui.horizontal(|ui| {
            for (form, title) in FORMS {
                if ui.selectable_label(self.needle.form == form, title).clicked() {
                    self.needle.form = form;
                }
            }
            if is_wide {
                let layout = Layout::right_to_left(Align::Center);
                ui.with_layout(layout, |ui| self.needle_buttons_ui(ui));
            }
        });
        if !is_wide {
            ui.horizontal(|ui| self.needle_buttons_ui(ui));
        }
        ui.horizontal_wrapped(|ui| self.needle_tasks_ui(ui));
        ui.separator();
        if self.files.needles.is_empty() {
            return empty_ui(ui);
        }
        self.needle_tests_ui(ui);
        egui::CentralPanel::default()
            .frame(egui::Frame::NONE)
            .show(ui, |ui| self.needle_figure_ui(ui));
    }

    fn needle_buttons_ui(&mut self, ui: &mut Ui) {
        if ui.button("Export figure…").clicked() {
            self.open_export(true);
        }
        let copy = ui.button("Copy figure");
        if copy.on_hover_text("As the export would write it (Ctrl+Shift+C)").clicked() {
            self.copy_figure();
        }
        let run = ui.button("Run tests…");
        if run.on_hover_text("Let the chosen model answer tests").clicked() {
            self.open_needle_run();
        }
        let make = ui.button("Make tests…");
        if make.on_hover_text("Hide code numbers in texts of chosen lengths").clicked() {
            self.open_needle_make();
        }
    }

    /// The tasks, to be left out and taken in.
    fn needle_tasks_ui(&mut self, ui: &mut Ui) {
        let all = self.files.needles.iter().flat_map(|needles| &needles.tasks);
        // In the paper's order; unknown ones come first.
        let tasks: BTreeSet<_> = all.map(|task| (NeedleTask::parse(task), task)).collect();
        for (_, task) in tasks {
            let mut shown = !self.needle.without.contains(task);
            let check = ui.checkbox(&mut shown, task.replace('_', " "));
            name_field(&check, &format!("Show the task {task}"));
            match shown {
                true => drop(self.needle.without.remove(task)),
                false => drop(self.needle.without.insert(task.clone())),
            }
        }
    }

    fn needle_figure_ui(&mut self, ui: &mut Ui) {
        let Some(drawn) = self.needle.drawn.take() else {
            ui.add_space(24.0);
            ui.vertical_centered(|ui| ui.spinner());
            return;
        };
        if drawn.figure.panels.is_empty() {
            ui.add_space(24.0);
            let words = match drawn.n_tests() {
                0 => "No task or no file is ticked.",
                _ => "None of these results has a depth; see them over length.",
            };
            ui.vertical_centered(|ui| ui.label(RichText::new(words).weak()));
        } else if let Some(touch) = brushed_figure_ui(ui, "needle", &drawn.figure, &Tests(&drawn)) {
            self.needle.clicked = clicked(touch);
        }
        self.needle.drawn = Some(drawn);
    }
}

/// The tests behind the figure.
struct Tests<'a>(&'a NeedleDrawn);

impl Records for Tests<'_> {
    fn count(&self, panel: usize, series: &str, category: Option<usize>) -> Option<usize> {
        self.0.n(panel, series, category?)
    }

    fn name(&self, id: &str) -> String {
        id.to_owned()
    }

    /// Cells and points are clicked; there is no range of anything.
    fn brushable(&self, _: usize) -> [bool; 2] {
        [false; 2]
    }
}

/// What a touch means here; a point of a line stands at its length.
fn clicked(touch: Touch) -> Option<Clicked> {
    match touch {
        Touch::Cell { panel, series, cell } => Some(Clicked { panel, series, category: cell }),
        Touch::Point { panel, series, at, .. } => {
            Some(Clicked { panel, series, category: at[0].round().max(0.0) as usize })
        }
        Touch::Range { .. } => None,
    }
}

fn empty_ui(ui: &mut Ui) {
    ui.add_space(24.0);
    ui.vertical_centered(|ui| {
        ui.label(RichText::new("No needle results are open.").strong());
        ui.label(
            RichText::new(
                "Make tests and let a model answer them, with the buttons above or with `backstory needle make` \
                 and `backstory needle run`; or open results: at the left, by their path, or by dropping them \
                 here.",
            )
            .weak(),
        );
    });
}
