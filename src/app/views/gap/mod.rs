//! Gap: a study of the tuning gap (`PAPER.md` section 3): what it is made of, how its trainings go, and
//! what came out, with the sentence that the data allow.
//!
//! `form` is the dialog that begins a study. What the numbers say is `tuning`'s, how they are drawn
//! `report`'s.

mod form;

pub use form::Form;

use crate::app::jobs::Ask;
use crate::app::ui::name_field;
use crate::app::views::jobs::progress_ui;
use crate::app::widgets::figure_view::figure_ui;
use crate::app::window::{Window, typed_path};
use crate::figure::Figure;
use crate::report;
use crate::workbench::{Course, GapEstimate, GapReport, StudyOpened};
use egui::{Align, Layout, RichText, Ui};
use std::path::PathBuf;
use std::sync::Arc;

/// What the view remembers while the window is open.
#[derive(Default)]
pub struct State {
    /// The dialog that is open.
    pub form_open: Option<Form>,
    /// The settings of the dialog when it was closed, to begin from.
    form_before: Option<Form>,
    /// Hears of the trainings of the study that runs.
    course: Course,
    /// The course as it was drawn last: steps, and the figure.
    course_drawn: Option<(usize, Arc<Figure>)>,
    estimate: Option<GapEstimate>,
    shown: Option<Shown>,
    path: String,
}

/// A study that is done.
struct Shown {
    opened: StudyOpened,
    /// The table under the figure.
    rows: Vec<Vec<String>>,
}

/// From this width on, all buttons stand in one row.
const WIDE: f32 = 680.0;

impl State {
    /// Takes a study that is done.
    pub fn take(&mut self, opened: StudyOpened) {
        let rows = report::gap_study_table(&opened.study).rows;
        self.shown = Some(Shown { opened, rows });
    }

    /// Takes what a job of this view found: numbers, or only what they would take.
    pub fn take_report(&mut self, report: GapReport, folder: PathBuf) -> String {
        let said = match (report.study, report.figure) {
            (Some(study), Some(figure)) => {
                self.take(StudyOpened { folder: folder.clone(), study, figure });
                format!("in {}", folder.display())
            }
            _ => report.estimate.sentence(),
        };
        self.estimate = Some(report.estimate);
        said
    }

    /// The figure that is shown.
    pub fn figure(&self) -> Option<Arc<Figure>> {
        self.shown.as_ref().map(|shown| shown.opened.figure.clone())
    }

    /// The losses so far as a figure, drawn again when there are more.
    fn course_figure(&mut self) -> Option<Arc<Figure>> {
        let arms = self.course.arms();
        let n = arms.iter().map(|arm| arm.steps.len()).sum();
        if n == 0 {
            return None;
        }
        match &self.course_drawn {
            Some((drawn, figure)) if *drawn == n => Some(figure.clone()),
            _ => {
                let named = arms.iter().map(|arm| (arm.name.as_str(), &arm.steps[..]));
                let figure = Arc::new(report::course_figure(named));
                self.course_drawn = Some((n, figure.clone()));
                Some(figure)
            }
        }
    }
}

impl Window {
    /// Draws the view.
    pub(in crate::app) fn gap_ui(&mut self, ui: &mut Ui) {
        let is_wide = ui.available_width() >= WIDE;
        ui.horizontal(|ui| {
            self.gap_bar_ui(ui);
            if is_wide {
                let layout = Layout::right_to_left(Align::Center);
                ui.with_layout(layout, |ui| self.gap_figure_buttons_ui(ui));
            }
        });
        if !is_wide && self.gap.shown.is_some() {
            ui.horizontal(|ui| self.gap_figure_buttons_ui(ui));
        }
        ui.separator();
        let is_study = |ask: &Ask| matches!(ask, Ask::Gap(job) if !job.only_estimates);
        if self.jobs.has_open(is_study) {
            return self.gap_running_ui(ui);
        }
        if let Some(estimate) = &self.gap.estimate {
            ui.label(RichText::new(format!("Estimate: {}.", estimate.sentence())).weak());
        }
        match self.gap.shown.take() {
            Some(shown) => {
                shown_ui(ui, &shown);
                self.gap.shown = Some(shown);
            }
            None => empty_ui(ui),
        }
    }

    fn gap_bar_ui(&mut self, ui: &mut Ui) {
        let begin = ui.button("New study…");
        if begin.on_hover_text("Train both arms of open datasets, and test them").clicked() {
            self.open_gap_form();
        }
        let field = egui::TextEdit::singleline(&mut self.gap.path)
            .hint_text("the folder of a study")
            .desired_width(200.0);
        let field = ui.add(field);
        name_field(&field, "The folder of a study");
        let enters = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        if ui.button("Open study").clicked() || enters {
            match typed_path(&self.gap.path) {
                Some(path) => drop(self.start(Ask::OpenStudy(path))),
                None => self.complain("Type the folder of a study, then press Open study."),
            }
        }
    }

    fn gap_figure_buttons_ui(&mut self, ui: &mut Ui) {
        if self.gap.shown.is_none() {
            return;
        }
        if ui.button("Export figure…").clicked() {
            self.open_export(true);
        }
        let copy = ui.button("Copy figure");
        if copy.on_hover_text("As the export would write it (Ctrl+Shift+C)").clicked() {
            self.copy_figure();
        }
    }

    /// How far the study is, and its losses.
    fn gap_running_ui(&mut self, ui: &mut Ui) {
        let is_it = |ask: &Ask| matches!(ask, Ask::Gap(_));
        let mut is_cancelled = false;
        for entry in self.jobs.open().filter(|entry| is_it(&entry.ask)) {
            ui.horizontal(|ui| {
                ui.label(RichText::new(entry.ask.title()).strong());
                if ui.button("Cancel").on_hover_text(entry.ask.when_cancelled()).clicked() {
                    entry.watch.cancel();
                    is_cancelled = true;
                }
            });
            progress_ui(ui, entry);
        }
        if is_cancelled {
            self.tell("What is trained and tested is kept; the same study goes on from there.");
        }
        match self.gap.course_figure() {
            Some(figure) => {
                egui::CentralPanel::default()
                    .frame(egui::Frame::NONE)
                    .show(ui, |ui| figure_ui(ui, "gap course", &figure));
            }
            None => {
                ui.label(RichText::new("No step is done yet.").weak());
            }
        }
    }
}

/// Figure, sentence, and the numbers.
fn shown_ui(ui: &mut Ui, shown: &Shown) {
    let study = &shown.opened.study;
    let seeds = study.seeds.len();
    ui.label(
        RichText::new(format!(
            "{}: {} pairs of each dataset, {} tests, {}; {}",
            study.model,
            study.n_pairs,
            study.n_tests,
            if seeds == 1 { "one tuning seed".to_owned() } else { format!("{seeds} tuning seeds") },
            shown.opened.folder.display()
        ))
        .weak(),
    );
    ui.add(egui::Label::new(RichText::new(&study.validation.sentence).strong()).wrap());
    egui::Panel::bottom("gap numbers")
        .resizable(true)
        .default_size((0.2 * ui.available_height()).clamp(48.0, 160.0))
        .frame(egui::Frame::NONE)
        .show(ui, |ui| numbers_ui(ui, shown));
    egui::CentralPanel::default()
        .frame(egui::Frame::NONE)
        .show(ui, |ui| figure_ui(ui, "gap", &shown.opened.figure));
}

fn numbers_ui(ui: &mut Ui, shown: &Shown) {
    egui::ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        egui::Grid::new("gap table").striped(true).num_columns(5).show(ui, |ui| {
            for name in ["", "Tests", "Without [95%]", "With [95%]", "Gap [95%]"] {
                ui.label(RichText::new(name).strong());
            }
            ui.end_row();
            for row in &shown.rows {
                row.iter().for_each(|cell| drop(ui.label(cell)));
                ui.end_row();
            }
        });
        ui.add_space(4.0);
        for note in &shown.opened.study.notes {
            ui.add(egui::Label::new(RichText::new(note).weak()).wrap());
        }
    });
}

fn empty_ui(ui: &mut Ui) {
    ui.add_space(24.0);
    ui.vertical_centered(|ui| {
        ui.label(RichText::new("No study of the tuning gap is open.").strong());
        ui.label(
            RichText::new(
                "A study trains the chosen model on the same pairs with and without their contexts, asks every \
                 model the same tests, and shows what the contexts taught it. Begin one with the button above or \
                 with `backstory gap`, or open the folder of one.",
            )
            .weak(),
        );
    });
}
