//! The page that makes records longer: which, how long, with what, and where they go.

use super::Field;
use super::cutoff::FORM_WIDTH;
use super::fields::{Ended, combo_ui, empty_ui, ended_ui, path_ui, row_ui, text_ui};
use crate::app::files::File;
use crate::app::jobs::Ask;
use crate::app::picker::Purpose;
use crate::app::ui::name_field;
use crate::app::window::{Window, typed_path};
use crate::needle::parse_length;
use crate::synthesis::extension::Position;
use crate::workbench::{ExtendJob, ExtendPool, ExtendReport, ExtendSize, Inputs};
use egui::{DragValue, RichText, Ui};
use std::path::Path;

/// From this width on the report stands beside the form.
const WIDE: f32 = 780.0;

/// How long records shall become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Contexts,
    Tokens,
    Target,
}

/// Where the own context shall stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Uniform,
    Start,
    Middle,
    End,
    Depth,
}

/// Where other contexts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    SameTask,
    OtherTask,
    File,
}

/// What the page remembers while the window is open.
pub struct State {
    /// The dataset; else the first that fits.
    dataset: Option<u64>,
    by: By,
    n_contexts: usize,
    tokens: String,
    target: String,
    tokenizer: String,
    prompts: String,
    place: Place,
    depth: f64,
    from: From,
    pool: String,
    allow_answers: bool,
    seed: u64,
    /// The file to write; empty: beside the dataset.
    out: String,
    replace: bool,
    /// Why the last wish came to nothing.
    pub(super) ended: Option<Ended>,
    pub(super) report: Option<ExtendReport>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            dataset: None,
            by: By::Tokens,
            n_contexts: 10,
            tokens: "8k".into(),
            target: String::new(),
            tokenizer: String::new(),
            prompts: String::new(),
            place: Place::Uniform,
            depth: 0.5,
            from: From::SameTask,
            pool: String::new(),
            allow_answers: false,
            seed: 42,
            out: String::new(),
            replace: false,
            ended: None,
            report: None,
        }
    }
}

impl State {
    /// Takes what came of a run.
    pub fn take(&mut self, report: ExtendReport) {
        self.report = Some(report);
    }

    /// Takes the path of a file dialog, which has asked before it lets a file be replaced.
    pub fn pick(&mut self, field: Field, path: &Path) {
        let path = path.to_string_lossy().into_owned();
        match field {
            Field::Tokenizer => self.tokenizer = path,
            Field::Prompts => self.prompts = path,
            Field::Target => self.target = path,
            Field::Pool => self.pool = path,
            Field::Out => (self.out, self.replace) = (path, true),
            Field::Tests => {}
        }
    }

    fn position(&self) -> Position {
        match self.place {
            Place::Uniform => Position::Uniform,
            Place::Start => Position::Depth(0.0),
            Place::Middle => Position::Depth(0.5),
            Place::End => Position::Depth(1.0),
            Place::Depth => Position::Depth(self.depth),
        }
    }

    fn size(&self) -> Result<ExtendSize, String> {
        Ok(match self.by {
            By::Contexts => ExtendSize::Contexts(self.n_contexts),
            By::Tokens => ExtendSize::Tokens(parse_length(&self.tokens)?),
            By::Target => ExtendSize::Target(
                typed_path(&self.target).ok_or("Name the test file whose lengths to follow.")?,
            ),
        })
    }

    fn pool(&self) -> Result<ExtendPool, String> {
        Ok(match self.from {
            From::SameTask => ExtendPool::SameTask,
            From::OtherTask => ExtendPool::OtherTask,
            From::File => ExtendPool::File(
                typed_path(&self.pool).ok_or("Name the file that other contexts come from.")?,
            ),
        })
    }
}

impl Window {
    fn extendable(&self) -> impl Iterator<Item = &File> {
        self.files.shown().filter(|file| !file.lacks_contexts && !file.is_begin)
    }

    /// The dataset that is chosen, else the first.
    fn extended_file(&self) -> Option<&File> {
        let chosen = self.prepare.lengthen.dataset;
        let is_it = |file: &&File| Some(file.key) == chosen;
        self.extendable().find(is_it).or_else(|| self.extendable().next())
    }

    /// Where the records go where the person does not say: beside what they are made of, or with what the
    /// program makes of its own.
    fn extended_path(&self) -> String {
        let Some(file) = self.extended_file() else { return String::new() };
        let path = &file.origin.path;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let folder = path.parent().filter(|folder| !folder.starts_with(&self.home));
        let folder = folder.map_or_else(|| self.home.join("made"), Path::to_owned);
        folder.join(format!("{stem}.longer.jsonl")).to_string_lossy().into_owned()
    }

    fn extend_ask(&self) -> Result<Ask, String> {
        let state = &self.prepare.lengthen;
        let file = self.extended_file().ok_or(
            "No shown file has contexts: open one, join contexts to one, or tick one on the left.",
        )?;
        let tokenizer = self.counter(&state.tokenizer);
        let size = state.size()?;
        if tokenizer.is_none() && matches!(size, ExtendSize::Tokens(_)) {
            return Err(
                "There is no model to count with: name a tokenizer.json or a .gguf file, or choose a model \
                 in Synthesize."
                    .into(),
            );
        }
        let out =
            if state.out.trim().is_empty() { self.extended_path() } else { state.out.clone() };
        let mut out = typed_path(&out).ok_or("Say where to write.")?;
        if out.extension().is_none() {
            out.set_extension("jsonl");
        }
        Ok(Ask::Extend(Box::new(ExtendJob {
            inputs: Inputs { loaded: vec![file.dataset.clone()], ..Inputs::default() },
            size,
            tokenizer,
            prompts: typed_path(&state.prompts),
            position: state.position(),
            pool: state.pool()?,
            allow_answers: state.allow_answers,
            seed: state.seed,
            out,
            replace: state.replace,
        })))
    }

    /// Draws the page.
    pub(super) fn lengthen_ui(&mut self, ui: &mut Ui) {
        if ui.available_width() < WIDE {
            let scroll = egui::ScrollArea::vertical().id_salt("lengthen");
            scroll.auto_shrink([false, false]).show(ui, |ui| {
                ui.vertical(|ui| self.extend_form_ui(ui));
                ui.separator();
                self.extended_ui(ui, false);
            });
            return;
        }
        let form = egui::Panel::left("lengthen")
            .resizable(true)
            .default_size(self.settings.panel("lengthen", 440.0))
            .size_range(380.0..=ui.available_width() - 320.0)
            .show(ui, |ui| {
                let scroll = egui::ScrollArea::vertical().auto_shrink([false, false]);
                scroll.show(ui, |ui| self.extend_form_ui(ui));
            });
        self.settings.set_panel("lengthen", form.response.rect.width());
        let frame = egui::Frame::NONE.inner_margin(egui::Margin { left: 6, ..Default::default() });
        egui::CentralPanel::default().frame(frame).show(ui, |ui| self.extended_ui(ui, true));
    }

    fn extend_form_ui(&mut self, ui: &mut Ui) {
        ui.set_max_width(FORM_WIDTH.min(ui.available_width()));
        let files: Vec<(Option<u64>, String)> =
            self.extendable().map(|file| (Some(file.key), file.name())).collect();
        let mut dataset = self.extended_file().map(|file| file.key);
        let (hint, usual) = (self.counter_hint(), self.extended_path());
        let state = &mut self.prepare.lengthen;
        row_ui(ui, "Records of", |ui| combo_ui(ui, "Records of", 240.0, &files, &mut dataset));
        state.dataset = dataset;
        let mut asked = size_ui(ui, state);
        let picked = path_ui(ui, "Tokenizer", &mut state.tokenizer, &hint, Field::Tokenizer);
        asked = asked.or(picked);
        let about = "our own wording; or a dataset2prompt.json";
        let picked = path_ui(ui, "Prompts", &mut state.prompts, about, Field::Prompts);
        asked = asked.or(picked).or(mixing_ui(ui, state));
        let picked = path_ui(ui, "Write to", &mut state.out, &usual, Field::Out);
        asked = asked.or(picked);
        row_ui(ui, "", |ui| {
            drop(ui.checkbox(&mut state.replace, "Replace the file if it is there"))
        });
        ui.add_space(4.0);
        if !self.under_way_ui(ui, |ask| matches!(ask, Ask::Extend(_))) {
            if ui.button(RichText::new("Make longer").strong()).clicked() {
                self.prepare.lengthen.ended = match self.extend_ask() {
                    Ok(ask) => {
                        self.start(ask);
                        None
                    }
                    Err(why) => Some(Ended::Failed(why)),
                };
            }
            ended_ui(ui, self.prepare.lengthen.ended.as_ref());
        }
        if let Some(field) = asked {
            let suggested = std::path::PathBuf::from(&usual);
            let suggested = (field == Field::Out).then_some(suggested.as_path());
            self.browse(Purpose::Prepare(field), suggested);
        }
    }

    /// What came of the last run.
    fn extended_ui(&mut self, ui: &mut Ui, scrolls: bool) {
        match &self.prepare.lengthen.report {
            Some(report) => super::lengthened::report_ui(ui, report, scrolls),
            None => empty_ui(
                ui,
                "Nothing is made longer yet.",
                "Other contexts are put around each record's own, which the answer stays about; the result \
                 opens as a dataset.",
            ),
        }
    }
}

/// How long records shall become.
fn size_ui(ui: &mut Ui, state: &mut State) -> Option<Field> {
    let all = [
        (By::Tokens, "tokens of the prompt".to_owned()),
        (By::Contexts, "number of contexts".to_owned()),
        (By::Target, "lengths of a test file".to_owned()),
    ];
    row_ui(ui, "Size by", |ui| combo_ui(ui, "Size by", 170.0, &all, &mut state.by));
    match state.by {
        By::Tokens => {
            let about = "at most so many; 8k is 8192";
            text_ui(ui, "Tokens", &mut state.tokens, about);
        }
        By::Contexts => row_ui(ui, "Contexts", |ui| {
            let drag = ui.add(DragValue::new(&mut state.n_contexts).range(1..=100_000));
            name_field(&drag, "Contexts");
            ui.label(RichText::new("in all, with the own one").weak());
        }),
        By::Target => {
            let about = "all prompts together as long as those of this file";
            return path_ui(ui, "Like", &mut state.target, about, Field::Target);
        }
    }
    None
}

/// Where the own context stands, and where others come from.
fn mixing_ui(ui: &mut Ui, state: &mut State) -> Option<Field> {
    let places = [
        (Place::Uniform, "anywhere, uniformly".to_owned()),
        (Place::Start, "at the start".to_owned()),
        (Place::Middle, "in the middle".to_owned()),
        (Place::End, "at the end".to_owned()),
        (Place::Depth, "at a depth".to_owned()),
    ];
    row_ui(ui, "Own context", |ui| {
        combo_ui(ui, "Own context", 150.0, &places, &mut state.place);
        if state.place == Place::Depth {
            let drag = DragValue::new(&mut state.depth).range(0.0..=1.0).speed(0.01);
            name_field(&ui.add(drag.fixed_decimals(2)), "Depth");
            ui.label(RichText::new("0 start, 1 end").weak());
        }
    });
    let pools = [
        (From::SameTask, "the same task".to_owned()),
        (From::OtherTask, "other tasks".to_owned()),
        (From::File, "a file".to_owned()),
    ];
    row_ui(ui, "Others from", |ui| combo_ui(ui, "Others from", 150.0, &pools, &mut state.from));
    let mut asked = None;
    if state.from == From::File {
        asked = path_ui(ui, "Pool", &mut state.pool, "a file of records", Field::Pool);
    }
    row_ui(ui, "", |ui| {
        ui.checkbox(&mut state.allow_answers, "Allow contexts that hold the answer");
    });
    row_ui(ui, "Seed", |ui| {
        let drag = ui.add(DragValue::new(&mut state.seed));
        name_field(&drag, "Seed of the choice");
        ui.label(RichText::new("the same seed makes the same file").weak());
    });
    asked
}
