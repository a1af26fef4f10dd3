//! The dialog that begins a study of the tuning gap.

use crate::app::files::{File, file_name};
use crate::app::jobs::Ask;
use crate::app::theme;
use crate::app::ui::{modal, name_field};
use crate::app::window::{Window, typed_path};
use crate::tuning::Settings;
use crate::workbench::{Course, GapData, GapExportSpec, GapSource, GapSpec, GapStudyJob};
use egui::{Align, Layout, RichText, Ui};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is typed into the dialog.
#[derive(Clone)]
pub struct Form {
    /// Paths of the open datasets that are trained on.
    chosen: Vec<PathBuf>,
    tests: String,
    out: String,
    pairs: usize,
    test_limit: usize,
    seeds: String,
    window: usize,
    settings: Settings,
    overwrite: bool,
    refused: Option<String>,
}

/// What a person does in the dialog.
#[derive(Clone, Copy, PartialEq)]
enum Wish {
    Nothing,
    Estimate,
    Start,
    Leave,
}

impl Window {
    pub(super) fn open_gap_form(&mut self) {
        let form = self.gap.form_before.take().unwrap_or_else(|| Form {
            chosen: self.files.all.iter().map(|file| file.origin.path.clone()).collect(),
            tests: String::new(),
            out: self.home.join("made").join("gap").to_string_lossy().into_owned(),
            pairs: 48,
            test_limit: 60,
            seeds: "0".into(),
            window: 0,
            settings: Settings::default(),
            overwrite: false,
            refused: None,
        });
        self.gap.form_open = Some(form);
    }

    /// Draws the dialog, if it is open.
    pub(in crate::app) fn gap_form_ui(&mut self, ui: &mut Ui) {
        let Some(mut form) = self.gap.form_open.take() else { return };
        let model = file_name(Path::new(&self.settings.model));
        let files = &self.files.all;
        let shown = modal(ui, egui::Id::unique("gap form")).show(ui.ctx(), |ui| {
            ui.set_width(560.0);
            form_ui(ui, &mut form, files, &model)
        });
        let leaves = match shown.inner {
            Wish::Nothing => shown.should_close(),
            Wish::Leave => true,
            wish => self.start_gap(&mut form, wish == Wish::Estimate),
        };
        match leaves {
            true => self.gap.form_before = Some(form),
            false => self.gap.form_open = Some(form),
        }
    }

    /// Hands the job in; false where something is missing, which the dialog then says.
    fn start_gap(&mut self, form: &mut Form, only_estimates: bool) -> bool {
        let course = Course::default();
        match job(form, &self.files.all, &self.settings.model, only_estimates, course.clone()) {
            Ok(job) => {
                form.refused = None;
                let starts = self.start(Ask::Gap(Box::new(job))).is_some();
                if starts && !only_estimates {
                    (self.gap.course, self.gap.course_drawn) = (course, None);
                }
                starts
            }
            Err(why) => {
                form.refused = Some(why);
                false
            }
        }
    }
}

fn job(
    form: &Form,
    files: &[File],
    model: &str,
    only_estimates: bool,
    course: Course,
) -> Result<GapStudyJob, String> {
    let mut datasets = BTreeMap::new();
    for file in files.iter().filter(|file| form.chosen.contains(&file.origin.path)) {
        let strategies = file.strategies();
        let label = match &strategies[..] {
            [one] if !datasets.contains_key(one.as_str()) => one.to_string(),
            _ => plain(&file.name()),
        };
        let data = GapData { path: file.origin.path.clone(), join: file.origin.join.clone() };
        if datasets.insert(label.clone(), data).is_some() {
            return Err(format!("Two datasets are called {label}; rename one of the files."));
        }
    }
    if datasets.is_empty() {
        return Err("Tick a dataset to train on.".into());
    }
    let tests = typed_path(&form.tests).ok_or("Name the file of tests.")?;
    let seeds = form.seeds.split(',').map(|seed| seed.trim().parse::<u64>());
    let seeds = seeds.collect::<Result<Vec<u64>, _>>();
    let seeds = seeds.map_err(|_| "Write the tuning seeds as whole numbers, such as 0, 1.")?;
    if let Some(fault) = form.settings.fault() {
        return Err(fault);
    }
    Ok(GapStudyJob {
        spec: GapSource::Spec(Box::new(GapSpec {
            model: model.to_owned(),
            device: "auto".into(),
            datasets,
            tests: vec![tests],
            test_limit: Some(form.test_limit),
            general: None,
            pairs: Some(form.pairs),
            seed: 0,
            seeds,
            held_out: 8,
            window: Some(form.window).filter(|window| *window > 0),
            prompts: None,
            parallel: 8,
            tuning: form.settings.clone(),
            coherence: BTreeMap::new(),
            export: GapExportSpec::default(),
        })),
        out: typed_path(&form.out).ok_or("Say where to write.")?,
        only_estimates,
        overwrite: form.overwrite,
        course,
    })
}

/// A label that can be a folder's name.
fn plain(name: &str) -> String {
    let stem = name.strip_suffix(".jsonl").unwrap_or(name);
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    stem.chars().map(|c| if fits(c) { c } else { '_' }).collect()
}

fn form_ui(ui: &mut Ui, form: &mut Form, files: &[File], model: &str) -> Wish {
    ui.heading("Study the tuning gap");
    ui.label(
        RichText::new(format!(
            "{model} is trained on the same pairs with and without their contexts; all are asked the tests with \
             their documents. Progress is here and in Jobs."
        ))
        .weak(),
    );
    ui.add_space(6.0);
    row_ui(ui, "Train on", |ui| {
        ui.vertical(|ui| {
            for file in files {
                let path = &file.origin.path;
                let mut ticked = form.chosen.contains(path);
                let check = ui.checkbox(&mut ticked, file.name());
                name_field(&check, &format!("Train on {}", file.name()));
                match ticked {
                    true if !form.chosen.contains(path) => form.chosen.push(path.clone()),
                    false => form.chosen.retain(|chosen| chosen != path),
                    true => {}
                }
            }
            if files.is_empty() {
                ui.label(RichText::new("Open datasets first.").weak());
            }
        });
    });
    text_ui(ui, "Tests", &mut form.tests, "a file of other records, with their documents");
    text_ui(ui, "Write to", &mut form.out, "a folder");
    row_ui(ui, "Sizes", |ui| {
        number_ui(ui, "pairs", &mut form.pairs, 1..=1_000_000);
        number_ui(ui, "tests", &mut form.test_limit, 1..=1_000_000);
        number_ui(ui, "tokens of a test (0: all)", &mut form.window, 0..=1 << 24);
    });
    row_ui(ui, "Training", |ui| {
        number_ui(ui, "epochs", &mut form.settings.epochs, 1..=1000);
        number_ui(ui, "pairs a step", &mut form.settings.batch, 1..=4096);
        number_ui(ui, "rank", &mut form.settings.rank, 1..=1024);
    });
    row_ui(ui, "", |ui| {
        let drag = egui::DragValue::new(&mut form.settings.learning_rate)
            .range(1e-7..=1.0)
            .speed(1e-6)
            .custom_formatter(|x, _| format!("{x:.1e}"));
        name_field(&ui.add(drag), "Peak of the learning rate");
        ui.label(RichText::new("learning rate").weak());
    });
    text_ui(ui, "Tuning seeds", &mut form.seeds, "one training of each arm a seed, such as 0, 1");
    ui.checkbox(&mut form.overwrite, "Throw away an earlier study in that folder");
    if let Some(why) = &form.refused {
        ui.add(egui::Label::new(RichText::new(why).color(theme::error_color(ui))).wrap());
    }
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        let starts = ui.button(RichText::new("Start").strong()).clicked();
        let estimates = ui.button("Estimate");
        let estimates = estimates.on_hover_text("Only tell time and memory").clicked();
        let leaves = ui.button("Cancel").clicked();
        match (starts, estimates, leaves) {
            (true, ..) => Wish::Start,
            (_, true, _) => Wish::Estimate,
            (.., true) => Wish::Leave,
            _ => Wish::Nothing,
        }
    })
    .inner
}

fn row_ui(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        let size = egui::vec2(90.0, 22.0);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(90.0);
            ui.label(name);
        });
        add(ui);
    });
}

fn number_ui(ui: &mut Ui, name: &str, n: &mut usize, range: std::ops::RangeInclusive<usize>) {
    name_field(&ui.add(egui::DragValue::new(n).range(range)), name);
    ui.label(RichText::new(name).weak());
}

fn text_ui(ui: &mut Ui, name: &str, text: &mut String, hint: &str) {
    row_ui(ui, name, |ui| {
        let field = egui::TextEdit::singleline(text).hint_text(hint).desired_width(f32::INFINITY);
        name_field(&ui.add(field).on_hover_text(hint), name);
    });
}
