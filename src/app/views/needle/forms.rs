//! The dialogs that make needle tests and let the chosen model answer them; both become jobs.

use crate::app::jobs::Ask;
use crate::app::picker::Purpose;
use crate::app::theme;
use crate::app::ui::{modal, name_field};
use crate::app::window::{Window, typed_path};
use crate::needle::{Depths, NeedleTask, Plan, Sizes, parse_length};
use crate::workbench::{Inputs, ModelChoice, NeedleMakeJob, NeedleRunJob};
use egui::{Align, Layout, RichText, Ui};
use std::path::{Path, PathBuf};

/// Which dialog is open, with what is typed into it.
pub enum Form {
    /// Make tests, or a training set.
    Make(MakeForm),
    /// Answer tests.
    Run(RunForm),
}

/// What tests are to be made.
pub struct MakeForm {
    tasks: Vec<(NeedleTask, bool)>,
    trains: bool,
    lengths: String,
    composition: String,
    n: usize,
    depths: String,
    haystack: String,
    seed: u64,
    out: String,
    replace: bool,
    refused: Option<String>,
}

/// What tests are to be answered.
pub struct RunForm {
    tests: String,
    name: String,
    out: String,
    overwrite: bool,
    refused: Option<String>,
}

/// What a person does in a dialog.
#[derive(Clone, Copy, PartialEq)]
enum Wish {
    Nothing,
    Start,
    Leave,
    Browse(Field),
}

/// The fields that a file dialog fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The text to hide needles in.
    Haystack,
    /// The tests to answer.
    Tests,
    /// The file to write.
    Out,
}

impl Form {
    /// Takes the path of a file dialog.
    pub fn pick(&mut self, field: Field, path: &Path) {
        let path = path.to_string_lossy().into_owned();
        match (self, field) {
            (Self::Make(form), Field::Out) => (form.out, form.replace) = (path, true),
            (Self::Make(form), _) => form.haystack = path,
            (Self::Run(form), Field::Out) => form.out = path,
            (Self::Run(form), _) => form.tests = path,
        }
    }
}

impl Window {
    pub(super) fn open_needle_make(&mut self) {
        self.needle.form_open = Some(Form::Make(MakeForm {
            tasks: NeedleTask::ALL.map(|task| (task, true)).to_vec(),
            trains: false,
            lengths: "0, 1k, 2k, 4k".into(),
            composition: "needle+1k".into(),
            n: 10,
            depths: "0, 0.25, 0.5, 0.75, 1".into(),
            haystack: String::new(),
            seed: 42,
            out: self.beside_recent("needle_tests.jsonl"),
            replace: false,
            refused: None,
        }));
    }

    pub(super) fn open_needle_run(&mut self) {
        let tests = self.needle.made.clone().unwrap_or_default();
        self.needle.form_open = Some(Form::Run(RunForm {
            tests: tests.to_string_lossy().into_owned(),
            name: String::new(),
            out: self.beside_recent("needle_results.jsonl"),
            overwrite: false,
            refused: None,
        }));
    }

    /// A file of this name in the folder that was used last.
    fn beside_recent(&self, name: &str) -> String {
        let recent = self.settings.recent.first().and_then(|path| path.parent());
        let folder = recent.map_or_else(|| self.home.join("made"), Path::to_owned);
        folder.join(name).to_string_lossy().into_owned()
    }

    /// Draws the dialog, if one is open.
    pub(in crate::app) fn needle_form_ui(&mut self, ui: &mut Ui) {
        let Some(mut form) = self.needle.form_open.take() else { return };
        let model = self.settings.model.clone();
        let shown = modal(ui, egui::Id::unique("needle form")).show(ui.ctx(), |ui| {
            ui.set_width(540.0);
            match &mut form {
                Form::Make(form) => make_ui(ui, form, &model),
                Form::Run(form) => run_ui(ui, form, &model),
            }
        });
        let mut leaves = shown.should_close() && !self.picker.is_open();
        match shown.inner {
            Wish::Nothing => {}
            Wish::Leave => leaves = true,
            Wish::Browse(field) => self.browse(Purpose::Needle(field), None),
            Wish::Start => leaves |= self.start_needle(&mut form),
        }
        self.needle.form_open = Some(form).filter(|_| !leaves);
    }

    /// Hands the job in; false where something is missing, which the dialog then says.
    fn start_needle(&mut self, form: &mut Form) -> bool {
        let (ask, refused) = match form {
            Form::Make(form) => (make_ask(form, &self.settings.model), &mut form.refused),
            Form::Run(form) => (run_ask(form, &self.settings.model), &mut form.refused),
        };
        match ask {
            Ok(ask) => self.start(ask).is_some(),
            Err(why) => {
                *refused = Some(why);
                false
            }
        }
    }
}

fn make_ask(form: &MakeForm, model: &str) -> Result<Ask, String> {
    let ticked = form.tasks.iter().filter(|(_, ticked)| *ticked);
    let tasks: Vec<NeedleTask> = ticked.map(|(task, _)| *task).collect();
    if tasks.is_empty() {
        return Err("Tick a task.".into());
    }
    let sizes = match form.trains {
        true => Sizes::training(&form.composition)?,
        false => {
            let lengths = form.lengths.split(',').map(parse_length);
            let mut lengths = lengths.collect::<Result<Vec<u64>, String>>()?;
            lengths.sort_unstable();
            lengths.dedup();
            Sizes::Tests(lengths)
        }
    };
    let out = typed_path(&form.out).ok_or("Say where to write.")?;
    Ok(Ask::NeedleMake(NeedleMakeJob {
        plan: Plan {
            tasks,
            sizes,
            n: form.n,
            depths: Depths::parse(&form.depths)?,
            seed: form.seed,
        },
        haystack: typed_path(&form.haystack),
        tokenizer: model.to_owned(),
        out: with_ending(out),
        replace: form.replace,
    }))
}

fn run_ask(form: &RunForm, model: &str) -> Result<Ask, String> {
    let tests = typed_path(&form.tests).ok_or("Name the file of tests.")?;
    let out = typed_path(&form.out).ok_or("Say where to write.")?;
    let name = form.name.trim();
    Ok(Ask::NeedleRun(Box::new(NeedleRunJob {
        tests: Inputs { files: vec![tests], ..Inputs::default() },
        model: ModelChoice { model: model.to_owned(), device: "auto".into(), adapter: None },
        out: with_ending(out),
        name: (!name.is_empty()).then(|| name.to_owned()),
        n_parallel: 8,
        overwrite: form.overwrite,
    })))
}

fn with_ending(mut path: PathBuf) -> PathBuf {
    if path.extension().is_none() {
        path.set_extension("jsonl");
    }
    path
}

fn make_ui(ui: &mut Ui, form: &mut MakeForm, model: &str) -> Wish {
    let mut wish = Wish::Nothing;
    ui.heading("Make needle tests");
    ui.label(RichText::new(format!("Tokens are counted with {}.", short(model))).weak());
    ui.add_space(6.0);
    row_ui(ui, "Tasks", |ui| {
        for (task, ticked) in &mut form.tasks {
            ui.checkbox(ticked, task.name().replace('_', " "));
        }
    });
    row_ui(ui, "For", |ui| {
        ui.radio_value(&mut form.trains, false, "testing");
        ui.radio_value(&mut form.trains, true, "training");
    });
    match form.trains {
        true => text_ui(ui, "Composition", &mut form.composition, "needle, needle+1k, needle+64k"),
        false => {
            text_ui(ui, "Lengths", &mut form.lengths, "in tokens; 1k is 1024, 0 the needles alone")
        }
    }
    row_ui(ui, "Records", |ui| {
        let drag = ui.add(egui::DragValue::new(&mut form.n).range(1..=100_000));
        name_field(&drag, "Records of each task and length");
        ui.label(RichText::new("of each task and length").weak());
    });
    text_ui(ui, "Depths", &mut form.depths, "from 0 to 1, taken in turn; or uniform");
    row_ui(ui, "Seed", |ui| {
        let drag = ui.add(egui::DragValue::new(&mut form.seed));
        name_field(&drag, "Seed of the tests");
    });
    path_ui(
        ui,
        "Haystack",
        "the bundled text, or a text file",
        &mut form.haystack,
        Field::Haystack,
        &mut wish,
    );
    path_ui(ui, "Write to", "a file", &mut form.out, Field::Out, &mut wish);
    ui.checkbox(&mut form.replace, "Replace the file if it is there");
    end_ui(ui, "Make", form.refused.as_deref(), wish)
}

fn run_ui(ui: &mut Ui, form: &mut RunForm, model: &str) -> Wish {
    let mut wish = Wish::Nothing;
    ui.heading("Answer needle tests");
    ui.label(RichText::new(format!("{} answers; progress is in Jobs.", short(model))).weak());
    ui.add_space(6.0);
    path_ui(
        ui,
        "Tests",
        "a file that `needle make` wrote",
        &mut form.tests,
        Field::Tests,
        &mut wish,
    );
    text_ui(ui, "Called", &mut form.name, "what the model was tuned on; else its name");
    path_ui(ui, "Write to", "a file", &mut form.out, Field::Out, &mut wish);
    ui.checkbox(&mut form.overwrite, "Replace an earlier run with other settings");
    end_ui(ui, "Run", form.refused.as_deref(), wish)
}

fn end_ui(ui: &mut Ui, start: &str, refused: Option<&str>, wish: Wish) -> Wish {
    if let Some(why) = refused {
        ui.add(egui::Label::new(RichText::new(why).color(theme::error_color(ui))).wrap());
    }
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        let starts = ui.button(RichText::new(start).strong()).clicked();
        let leaves = ui.button("Cancel").clicked();
        match (starts, leaves) {
            (true, _) => Wish::Start,
            (_, true) => Wish::Leave,
            _ => wish,
        }
    })
    .inner
}

fn row_ui(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.allocate_ui_with_layout(
            egui::vec2(90.0, 22.0),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.set_min_width(90.0);
                ui.label(name);
            },
        );
        add(ui);
    });
}

fn text_ui(ui: &mut Ui, name: &str, text: &mut String, hint: &str) {
    row_ui(ui, name, |ui| {
        let field = egui::TextEdit::singleline(text).hint_text(hint).desired_width(f32::INFINITY);
        name_field(&ui.add(field).on_hover_text(hint), name);
    });
}

fn path_ui(ui: &mut Ui, name: &str, hint: &str, path: &mut String, of: Field, wish: &mut Wish) {
    row_ui(ui, name, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let browse = ui.button("Browse…");
            name_field(&browse, &format!("Browse for {name}"));
            if browse.clicked() {
                *wish = Wish::Browse(of);
            }
            let field =
                egui::TextEdit::singleline(path).hint_text(hint).desired_width(f32::INFINITY);
            name_field(&ui.add(field), name);
        });
    });
}

fn short(model: &str) -> String {
    crate::app::files::file_name(Path::new(model))
}
