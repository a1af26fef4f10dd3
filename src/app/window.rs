//! The window's state, and what happens between two pictures: products come in, asks go out.
//!
//! Nothing here waits: whatever reads a file, asks the model or takes longer than drawing is a job
//! of the workbench.

use super::command::{Command, View};
use super::files::{Files, file_name};
use super::jobs::{Ask, Entry, Jobs, State};
use super::picker::{Picked, Picker, Purpose};
use super::views::{compare, data, export, synthesize};
use crate::data::{ReadOptions, StrategyId};
use crate::lengths::Lengths;
use crate::workbench::{
    CatalogueRow, CoherenceJob, Desk, Failure, FigureJob, FigureSource, Inputs, Job, JobId,
    LengthsJob, ModelCard, ModelChoice, OpenFile, OpenJob, Product, Report, Runner, Settings,
    SynthJob,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a notice of success stays.
const NOTICE_SECS: f64 = 6.0;

/// A word about something that ended.
pub struct Notice {
    /// The words.
    pub text: String,
    /// Whether something failed: it then stays until it is closed.
    pub failed: bool,
    /// Since when it stands there.
    pub since: Instant,
}

/// What a person is asked before the window closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Closing {
    /// Nobody wants to leave.
    #[default]
    No,
    /// Work would be cut short: it is being asked.
    Asking,
    /// The window may close.
    Yes,
}

/// The window.
pub struct Window {
    pub(super) runner: Runner,
    pub(super) files: Files,
    pub(super) jobs: Jobs,
    pub(super) settings: Settings,
    /// Where settings, the example project and measurements lie.
    pub(super) home: PathBuf,
    pub(super) view: View,
    pub(super) data: data::State,
    pub(super) synthesize: synthesize::State,
    pub(super) compare: compare::State,
    pub(super) export: Option<export::Dialog>,
    pub(super) picker: Picker,
    pub(super) path_field: String,
    /// The person opens files of their own: the example project makes room for the first.
    makes_room: bool,
    pub(super) notices: Vec<Notice>,
    pub(super) closing: Closing,
    pub(super) palette: Option<String>,
    pub(super) keys_shown: bool,
    pub(super) quiet_jobs_shown: bool,
    pub(super) models: Vec<CatalogueRow>,
    pub(super) card: Option<(String, Result<ModelCard, String>)>,
    /// Settings as they were last written, and when to look again.
    written: (Settings, Instant),
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Window {
    /// A window with these settings; `home` is the program's own folder. It opens `files`, else what
    /// was open last, else the example project.
    pub fn new(
        desk: Desk,
        settings: Settings,
        home: PathBuf,
        files: Vec<OpenFile>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(wake);
        let for_runner = wake.clone();
        let mut window = Self {
            runner: Runner::new(desk, move || for_runner()),
            files: Files::default(),
            jobs: Jobs::default(),
            view: View::find(&settings.view).unwrap_or_default(),
            data: data::State::default(),
            synthesize: synthesize::State::default(),
            compare: compare::State::default(),
            export: None,
            picker: Picker::default(),
            path_field: String::new(),
            makes_room: false,
            notices: Vec::new(),
            closing: Closing::No,
            palette: None,
            keys_shown: false,
            quiet_jobs_shown: false,
            models: Vec::new(),
            card: None,
            written: (settings.clone(), Instant::now()),
            settings,
            home,
            wake,
        };
        let again = window.settings.open.clone();
        let files = if files.is_empty() { again } else { files };
        if files.is_empty() {
            window.start(Ask::Example);
        }
        for file in files {
            window.start(Ask::Open(file));
        }
        window.start(Ask::Models);
        window.start(Ask::Describe(window.settings.model.clone()));
        window
    }

    /// Shows a view.
    pub fn show(&mut self, view: View) {
        self.view = view;
        self.settings.view = view.name().to_owned();
    }

    /// The view that is shown.
    pub fn view(&self) -> View {
        self.view
    }

    /// Whether no job waits or runs and every figure is drawn: a picture would not change any more.
    pub fn is_idle(&self) -> bool {
        self.jobs.is_idle() && !self.wants_figures()
    }

    /// Says that something went well.
    pub(super) fn tell(&mut self, text: impl Into<String>) {
        self.notices.push(Notice { text: text.into(), failed: false, since: Instant::now() });
    }

    /// Says that something failed.
    pub(super) fn complain(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.notices.retain(|notice| notice.text != text);
        self.notices.push(Notice { text, failed: true, since: Instant::now() });
    }

    /// Hands a job in.
    pub(super) fn start(&mut self, ask: Ask) {
        let Some(job) = self.job(&ask) else { return };
        let (id, watch) = self.runner.submit(job);
        self.jobs.add(id, ask, watch);
    }

    /// Opens a path that the person typed, dropped or picked.
    pub(super) fn open_path(&mut self, path: &Path) {
        // A path from a terminal or a file manager may come in quotes or as an address.
        let text = path.to_string_lossy();
        let text = text.trim().trim_matches(['"', '\'']);
        let text = text.strip_prefix("file://").unwrap_or(text);
        if text.is_empty() {
            return self.complain("Type the path of a data file, then press Open.");
        }
        let path = match (text.strip_prefix("~/"), directories::BaseDirs::new()) {
            (Some(rest), Some(dirs)) => dirs.home_dir().join(rest),
            _ => PathBuf::from(text),
        };
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf")) {
            return self.choose_model(path.to_string_lossy().into_owned());
        }
        self.makes_room |= !path.starts_with(&self.home);
        self.start(Ask::Open(OpenFile { path, join: None, strategy: None }));
    }

    /// Takes another model, and reads its header.
    pub(super) fn choose_model(&mut self, model: String) {
        self.settings.model = model.clone();
        self.start(Ask::Describe(model));
    }

    /// Whether the chosen model can be loaded: its header was read.
    pub(super) fn has_model(&self) -> bool {
        matches!(&self.card, Some((model, Ok(_))) if *model == self.settings.model)
    }

    /// The job that an ask means; `None` when what it is about has gone.
    fn job(&self, ask: &Ask) -> Option<Job> {
        Some(match ask {
            Ask::Open(file) => {
                let join = file.join.clone();
                let strategy = file.strategy.as_deref().map(StrategyId::from);
                let options = ReadOptions { join, strategy, ..ReadOptions::default() };
                Job::Open(OpenJob { path: file.path.clone(), options })
            }
            Ask::Example => Job::Example { folder: self.home.join("example") },
            Ask::Models => Job::Models,
            Ask::ReadPrompt(path) => Job::ReadPrompt(path.clone()),
            Ask::Describe(model) => {
                Job::Describe(ModelChoice { model: model.clone(), device: "auto".into() })
            }
            Ask::Fetch(name) => Job::Fetch { name: name.clone() },
            Ask::Find(find) => Job::Find(find.clone()),
            Ask::Lengths { key, tokenizer } => {
                let dataset = self.files.get(*key)?.dataset.clone();
                let inputs = Inputs { loaded: vec![dataset], ..Inputs::default() };
                Job::Lengths(LengthsJob { inputs, tokenizer: tokenizer.clone() })
            }
            Ask::DrawLengths(view) => {
                let of = |file: &super::files::File| Some(file.lengths.as_ref()?.1.clone());
                let parts: Vec<Arc<Lengths>> = self.files.shown().filter_map(of).collect();
                Job::Figure(FigureJob::Lengths { parts, view: *view })
            }
            Ask::DrawCoherence => {
                let hidden = self.files.all.iter().filter(|file| !file.shown);
                Job::Figure(FigureJob::Coherence {
                    parts: self.files.rows.iter().map(|rows| rows.rows.clone()).collect(),
                    hidden: hidden.map(|file| file.dataset.clone()).collect(),
                })
            }
            Ask::Synth(ask) => Job::Synth(Box::new(self.synth_job(ask)?)),
            Ask::Coherence(ask) => Job::Coherence(CoherenceJob {
                inputs: Inputs {
                    loaded: ask.datasets.clone(),
                    limit: Some(ask.limit),
                    ..Inputs::default()
                },
                model: ModelChoice { model: ask.model.clone(), device: "auto".into() },
                settings: ask.settings,
                out: ask.out.clone(),
            }),
            Ask::Export(job) => Job::Export((**job).clone()),
            Ask::SaveFigure { figure, out, dpi } => Job::SaveFigure {
                figure: FigureSource::Drawn(figure.clone()),
                out: vec![out.clone()],
                dpi: *dpi,
            },
            Ask::Remember => Job::Remember {
                settings: Box::new(self.settings.clone()),
                path: Settings::path_in(&self.home),
            },
        })
    }

    fn synth_job(&self, ask: &super::jobs::SynthAsk) -> Option<SynthJob> {
        let form = &ask.settings;
        Some(SynthJob {
            strategy: crate::synthesis::strategy(ask.strategy)?,
            seeds: Inputs {
                loaded: vec![ask.seeds.clone()],
                limit: Some(ask.n_seeds),
                ..Inputs::default()
            },
            model: ModelChoice { model: ask.model.clone(), device: "auto".into() },
            out: ask.out.clone(),
            n_words: form.n_words,
            sampling: form.sampling.clone(),
            n_parallel: form.n_parallel,
            n_attempts: form.n_attempts,
            prompt: form.prompt(),
            seed: form.seed,
            overwrite: form.overwrite,
        })
    }

    /// What happens between two pictures.
    pub fn logic(&mut self, ctx: &egui::Context) {
        self.hear_reports();
        self.hear_picker();
        let dropped: Vec<PathBuf> = ctx.input(|input| {
            input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect()
        });
        for path in dropped {
            self.open_path(&path);
        }
        for command in Command::pressed(ctx) {
            self.run(command, ctx);
        }
        self.data_logic();
        self.synthesize_logic();
        self.compare_logic();
        self.notices.retain(|n| n.failed || n.since.elapsed().as_secs_f64() < NOTICE_SECS);
        if !self.notices.is_empty() {
            ctx.request_repaint_after(Duration::from_secs(1));
        }
        self.remember(ctx);
        if ctx.input(|input| input.viewport().close_requested()) {
            self.close(ctx);
        }
    }

    /// Leaves, unless work would be cut short and the person has not said yes to that.
    fn close(&mut self, ctx: &egui::Context) {
        let busy = self.jobs.all.iter().any(|entry| entry.is_open() && entry.ask.is_work());
        if busy && self.closing != Closing::Yes {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.closing = Closing::Asking;
            return;
        }
        self.jobs.all.iter().filter(|entry| entry.is_open()).for_each(|e| e.watch.cancel());
        self.settings.open = self.files.origins();
    }

    /// Writes the settings down at most every few seconds, when they have changed.
    fn remember(&mut self, ctx: &egui::Context) {
        const EVERY: Duration = Duration::from_secs(3);
        if self.written.1.elapsed() < EVERY {
            return;
        }
        self.written.1 = Instant::now();
        self.settings.zoom = ctx.zoom_factor();
        let whole = ctx.input(|input| {
            let viewport = input.viewport();
            viewport.maximized != Some(true) && viewport.fullscreen != Some(true)
        });
        if whole {
            let size = ctx.viewport_rect().size() * ctx.zoom_factor();
            self.settings.size = [size.x.round(), size.y.round()];
        }
        // Files that are still on their way in are not forgotten.
        if !self.jobs.has_open(|ask| matches!(ask, Ask::Open(_) | Ask::Example)) {
            self.settings.open = self.files.origins();
        }
        if self.written.0 != self.settings {
            self.written.0 = self.settings.clone();
            self.start(Ask::Remember);
        }
    }

    /// The settings as they are now, to be written when the window has closed.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Does what a command says.
    pub(super) fn run(&mut self, command: Command, ctx: &egui::Context) {
        match command {
            Command::Open => self.browse(Purpose::Open, None),
            Command::OpenExample => self.start(Ask::Example),
            Command::CloseAll => self.files.clear(),
            Command::ExportDataset => self.open_export(false),
            Command::ExportFigure => self.open_export(true),
            Command::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            Command::Show(view) => self.show(view),
            Command::Search => {
                self.show(View::Data);
                self.data.focus_search = true;
            }
            Command::Next => self.step(1),
            Command::Previous => self.step(-1),
            Command::RunSynthesis => {
                self.show(View::Synthesize);
                self.run_synthesis();
            }
            Command::PauseAll => {
                let paused = self.jobs.open().any(|entry| entry.watch.is_paused());
                for entry in self.jobs.open() {
                    if paused { entry.watch.resume() } else { entry.watch.pause() }
                }
            }
            Command::CancelAll => self.jobs.open().for_each(|entry| entry.watch.cancel()),
            Command::MeasureCoherence => {
                self.show(View::Compare);
                self.measure_coherence();
            }
            Command::SwitchTheme => {
                let dark = ctx.theme() == egui::Theme::Dark;
                self.set_theme(if dark { "light" } else { "dark" }, ctx);
            }
            Command::ZoomIn => egui::gui_zoom::zoom_in(ctx),
            Command::ZoomOut => egui::gui_zoom::zoom_out(ctx),
            Command::ZoomReset => ctx.set_zoom_factor(1.0),
            Command::Palette => {
                self.palette = self.palette.is_none().then(String::new);
            }
            Command::Keys => self.keys_shown = !self.keys_shown,
        }
    }

    pub(super) fn set_theme(&mut self, theme: &str, ctx: &egui::Context) {
        self.settings.theme = theme.to_owned();
        ctx.set_theme(super::theme::preference(theme));
    }

    /// Shows a file dialog.
    pub(super) fn browse(&mut self, purpose: Purpose, suggested: Option<&Path>) {
        let recent = self.settings.recent.first().cloned();
        let wake = self.wake.clone();
        self.picker.show(purpose, suggested.or(recent.as_deref()), move || wake());
    }

    fn hear_picker(&mut self) {
        let Some((purpose, picked)) = self.picker.poll() else { return };
        let files = match picked {
            Picked::Failed(why) => return self.complain(why),
            Picked::Files(files) => files,
        };
        for path in files {
            match &purpose {
                Purpose::Open => self.open_path(&path),
                Purpose::Join(key) => self.join(*key, path),
                Purpose::Model => self.choose_model(path.to_string_lossy().into_owned()),
                Purpose::Prompt => self.start(Ask::ReadPrompt(path)),
                Purpose::SynthOut => self.synthesize.set_out(&path),
                Purpose::ExportOut => {
                    if let Some(dialog) = &mut self.export {
                        dialog.path = path.to_string_lossy().into_owned();
                    }
                }
            }
        }
    }

    /// Opens a dataset again, with contexts joined to it.
    pub(super) fn join(&mut self, key: u64, contexts: PathBuf) {
        if let Some(file) = self.files.get(key) {
            let join = Some(contexts);
            self.start(Ask::Open(OpenFile { join, ..file.origin.clone() }));
        }
    }

    fn hear_reports(&mut self) {
        while let Some(report) = self.runner.poll() {
            match report {
                Report::Started(id) => {
                    if let Some(entry) = self.jobs.get_mut(id) {
                        entry.state = State::Running;
                    }
                }
                Report::Synth(id, event) => {
                    if let Some(entry) = self.jobs.get_mut(id) {
                        let elapsed_secs = entry.watch.progress().elapsed_secs;
                        if let Some(live) = &mut entry.live {
                            live.hear(event, elapsed_secs);
                        }
                    }
                }
                Report::Ended(id, ended) => {
                    let Some(entry) = self.jobs.get_mut(id) else { continue };
                    entry.took_secs = Some(entry.asked.elapsed().as_secs_f64());
                    let ask = entry.ask.clone();
                    let state = match ended {
                        Ok(product) => State::Done(self.take(id, &ask, *product)),
                        Err(Failure::Cancelled) => State::Cancelled,
                        Err(Failure::Failed(why)) => State::Failed(why),
                    };
                    if let Some(entry) = self.jobs.get_mut(id) {
                        entry.state = state.clone();
                    }
                    self.follow_up(id, &ask, &state);
                }
            }
        }
    }

    /// Takes a product in, and says in words what came out.
    fn take(&mut self, id: JobId, ask: &Ask, product: Product) -> String {
        match (ask, product) {
            (Ask::Open(origin), Product::Opened(opened)) => self.take_opened(id, origin, opened),
            (Ask::Example, Product::Example(files)) => {
                for path in &files {
                    let path = path.clone();
                    self.start(Ask::Open(OpenFile { path, join: None, strategy: None }));
                }
                format!("{} files", files.len())
            }
            (_, Product::Models(models)) => {
                self.models = models;
                String::new()
            }
            (_, Product::Prompt(text)) => {
                self.synthesize.take_prompt(text);
                String::new()
            }
            (Ask::Describe(model), Product::Described(card)) => {
                let said = format!("{}, {}", card.info.architecture, card.info.quantization);
                self.card = Some((model.clone(), Ok(card)));
                said
            }
            (Ask::Fetch(_), Product::Fetched(path)) => {
                self.start(Ask::Models);
                self.start(Ask::Describe(self.settings.model.clone()));
                format!("in {}", path.display())
            }
            (_, Product::Found(found)) => {
                self.data.found = Some(found);
                String::new()
            }
            (Ask::Lengths { key, tokenizer }, Product::Lengths(report)) => {
                if let Some(file) = self.files.all.iter_mut().find(|file| file.key == *key) {
                    file.lengths = Some((tokenizer.clone(), Arc::new(report.lengths)));
                    self.files.version += 1;
                }
                String::new()
            }
            (Ask::DrawLengths(_), Product::Figure(figure)) => {
                self.compare.lengths.figure = Some(figure);
                String::new()
            }
            (_, Product::Figure(figure)) => {
                self.compare.coherence.figure = Some(figure);
                String::new()
            }
            (Ask::Synth(ask), Product::Synth(report)) => {
                let mut said = format!("{} made, {} rejected", report.made, report.rejected);
                if report.resumed > 0 {
                    said.push_str(&format!(", {} from an earlier run", report.resumed));
                }
                // A dataset without records is not there to be read.
                if report.made > 0 {
                    self.open_made(ask.out.clone());
                }
                format!("{said}, in {}", ask.out.display())
            }
            (Ask::Coherence(ask), Product::Coherence(report)) => {
                let path = ask.out.clone().unwrap_or_default();
                let (n, rows) = (report.rows.len(), report.rows);
                let origin = OpenFile { path: path.clone(), join: None, strategy: None };
                self.files.take(origin, crate::workbench::Opened::Rows { path, rows }, id.0);
                format!("{n} records, scored by {}", report.summary.model)
            }
            (_, Product::Exported(exported)) => {
                self.settings.remember(&exported.path);
                let left_out = match exported.n_left_out {
                    0 => String::new(),
                    n => format!(", {n} left out"),
                };
                format!("{} records in {}{left_out}", exported.n_written, exported.path.display())
            }
            (_, Product::Saved(paths)) => {
                let paths: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
                paths.join(", ")
            }
            _ => String::new(),
        }
    }

    fn take_opened(
        &mut self,
        id: JobId,
        origin: &OpenFile,
        opened: crate::workbench::Opened,
    ) -> String {
        let said = match &opened {
            crate::workbench::Opened::Rows { rows, .. } => format!("{} coherence rows", rows.len()),
            crate::workbench::Opened::Dataset { dataset, report, .. } => {
                let n_skipped = dataset.skipped.len();
                if let Some(first) = dataset.skipped.first() {
                    let name = file_name(&origin.path);
                    let more = if n_skipped > 1 {
                        format!(" and {} more", n_skipped - 1)
                    } else {
                        String::new()
                    };
                    self.complain(format!(
                        "{name}: line {}{more} could not be used: {}",
                        first.line, first.reason
                    ));
                }
                match n_skipped {
                    0 => format!("{} records", report.records),
                    n => format!("{} records, {n} lines skipped", report.records),
                }
            }
        };
        let example = self.home.join("example");
        if !origin.path.starts_with(&self.home) {
            self.settings.remember(&origin.path);
            let is_example = |file: &super::files::File| file.origin.path.starts_with(&example);
            if std::mem::take(&mut self.makes_room) && self.files.all.iter().all(is_example) {
                self.files.close_below(&example);
            }
        }
        self.files.take(origin.clone(), opened, id.0);
        said
    }

    /// What a job's end means for the person.
    fn follow_up(&mut self, id: JobId, ask: &Ask, state: &State) {
        let title = ask.title();
        match (ask, state) {
            (Ask::Describe(model), State::Failed(why)) => {
                self.card = Some((model.clone(), Err(why.clone())));
                return;
            }
            (Ask::Lengths { .. }, State::Cancelled) => return,
            (Ask::Synth(synth), State::Cancelled) => {
                let live = self.jobs.get_mut(id).and_then(|entry| entry.live.as_ref());
                if live.is_some_and(|live| live.n_made > 0) {
                    self.open_made(synth.out.clone());
                }
            }
            _ => {}
        }
        match state {
            State::Failed(why) => self.complain(format!("{title}: {why}")),
            State::Cancelled if !ask.is_quiet() => self.tell(format!("{title}: cancelled")),
            State::Done(said) if ask.is_work() => self.tell(format!("{title}: {said}")),
            _ => {}
        }
    }

    fn open_made(&mut self, path: PathBuf) {
        self.start(Ask::Open(OpenFile { path, join: None, strategy: None }));
    }

    /// Asks again for what failed or was cancelled.
    pub(super) fn retry(&mut self, entry_ix: usize) {
        if let Some(ask) = self.jobs.all.get(entry_ix).map(|entry: &Entry| entry.ask.clone()) {
            self.start(ask);
        }
    }
}
