//! The window's state, and what happens between two pictures: products come in, asks go out.
//!
//! What is asked becomes jobs in `asking`, what comes back is taken in by `hearing`. Nothing here waits: whatever reads a file, asks the model or takes longer than drawing is a job
//! of the workbench.

use super::command::{Command, View};
use super::files::Files;
use super::jobs::{Ask, Entry, Jobs};
use super::picker::{Picked, Picker, Purpose};
use super::reviewing::{Change, Reviewing};
use super::selection;
use super::views::{columns, compare, data, export, gap, needle, prepare, scores, synthesize};
use crate::data::Verdict;
use crate::workbench::{
    CatalogueRow, ComparePage, Desk, LoadedModel, ModelCard, OpenFile, Runner, Settings,
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
    /// The work was cancelled, and what it has made is being written; since when.
    Stopping(Instant),
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
    pub(super) reviewing: Reviewing,
    pub(super) synthesize: synthesize::State,
    pub(super) compare: compare::State,
    pub(super) scores: scores::State,
    pub(super) needle: needle::State,
    pub(super) gap: gap::State,
    pub(super) prepare: prepare::State,
    /// Records that a view handed to Data.
    pub(super) handed: selection::State,
    pub(super) export: Option<export::Dialog>,
    pub(super) columns: columns::State,
    pub(super) picker: Picker,
    pub(super) path_field: String,
    /// The person opens files of their own: the example project makes room for the first.
    pub(super) makes_room: bool,
    /// When it was last asked whether open files have changed.
    pub(super) looked: Option<Instant>,
    /// Whether settings are written down.
    remembers: bool,
    pub(super) notices: Vec<Notice>,
    pub(super) closing: Closing,
    pub(super) palette: Option<String>,
    pub(super) keys_shown: bool,
    pub(super) quiet_jobs_shown: bool,
    pub(super) models: Vec<CatalogueRow>,
    pub(super) card: Option<(String, Result<ModelCard, String>)>,
    /// The model that a job took last.
    pub(super) loaded: Option<LoadedModel>,
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
            reviewing: Reviewing::default(),
            synthesize: synthesize::State::default(),
            compare: compare::State::default(),
            scores: scores::State::default(),
            needle: needle::State::default(),
            gap: gap::State::default(),
            prepare: prepare::State::default(),
            handed: selection::State::default(),
            export: None,
            columns: columns::State::default(),
            picker: Picker::default(),
            path_field: String::new(),
            makes_room: false,
            looked: None,
            remembers: true,
            notices: Vec::new(),
            closing: Closing::No,
            palette: None,
            keys_shown: false,
            quiet_jobs_shown: false,
            models: Vec::new(),
            card: None,
            loaded: None,
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
        window.start(Ask::ReadReviews);
        window.start(Ask::Models);
        window.start(Ask::Describe(window.settings.model.clone()));
        for mut file in files {
            if file.map.is_empty() {
                file.map = window.settings.map_of(&file.path);
            }
            window.start(Ask::Open(file));
        }
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
        let waits = self.wants_figures() || self.wants_scores() || self.wants_needles();
        self.jobs.is_idle() && !waits
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

    /// Leaves the settings file as it is: the window is only to be looked at.
    pub fn remember_nothing(&mut self) {
        self.remembers = false;
    }

    /// What failed and has not been closed by the person.
    pub fn complaints(&self) -> impl Iterator<Item = &str> {
        let failed = self.notices.iter().filter(|notice| notice.failed);
        failed.map(|notice| notice.text.as_str()).chain(self.columns.why())
    }

    /// Opens a path that the person typed.
    pub(super) fn open_typed(&mut self, text: &str) {
        match typed_path(text) {
            Some(path) => self.open_path(path),
            None => self.complain("Type the path of a data file, then press Open."),
        }
    }

    /// Opens a path that was typed, dropped or picked.
    pub(super) fn open_path(&mut self, path: PathBuf) {
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf")) {
            self.tell(format!("The model is {} now.", path.display()));
            return self.choose_model(path.to_string_lossy().into_owned());
        }
        self.makes_room |= !path.starts_with(&self.home);
        let map = self.settings.map_of(&path);
        self.start(Ask::Open(OpenFile { path, join: None, strategy: None, map }));
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

    /// What happens between two pictures.
    pub fn logic(&mut self, ctx: &egui::Context) {
        self.hear_reports();
        if let Some(picture) = self.compare.copied.take() {
            ctx.copy_image(picture);
        }
        self.hear_picker();
        let dropped = ctx.input_mut(|input| std::mem::take(&mut input.raw.dropped_files));
        for file in dropped {
            self.open_path(file.path().to_owned());
        }
        let is_reviewing =
            self.view == View::Data && ctx.memory(|memory| memory.focused().is_none());
        for command in Command::pressed(ctx, is_reviewing) {
            // What a dialog covers cannot be seen, and must not be set off by chance.
            if !self.has_dialog() || command.works_in_dialogs() {
                self.run(command, ctx);
            }
        }
        self.columns_logic();
        self.handed_logic();
        self.data_logic();
        self.prepare_logic();
        self.synthesize_logic();
        self.compare_logic();
        self.scores_logic();
        self.needle_logic();
        self.read_missed();
        self.look_at_files(ctx);
        self.save_reviews();
        self.notices.retain(|n| n.failed || n.since.elapsed().as_secs_f64() < NOTICE_SECS);
        if !self.notices.is_empty() {
            ctx.request_repaint_after(Duration::from_secs(1));
        }
        if self.jobs.open().any(Entry::uses_model) {
            // Speeds change without a word from anyone.
            ctx.request_repaint_after(Duration::from_millis(500));
        }
        self.remember(ctx);
        if ctx.input(|input| input.viewport().close_requested()) {
            self.close(ctx);
        }
        self.leave_when_stopped(ctx);
    }

    /// Asks whether open files have changed: when the person comes back to the window, and now and then
    /// while they work in it.
    fn look_at_files(&mut self, ctx: &egui::Context) {
        const EVERY: Duration = Duration::from_secs(3);
        let returns = ctx.input(|input| input.events.contains(&egui::Event::WindowFocused(true)));
        let is_time = returns || self.looked.is_none_or(|looked| looked.elapsed() > EVERY);
        let is_asked = self.jobs.has_open(|ask| matches!(ask, Ask::LookAtFiles));
        if is_time && !is_asked && !self.files.all.is_empty() {
            self.looked = Some(Instant::now());
            self.start(Ask::LookAtFiles);
        }
    }

    /// Whether a dialog of ours covers the window.
    pub(super) fn has_dialog(&self) -> bool {
        let closing = matches!(self.closing, Closing::Asking | Closing::Stopping(_));
        let of_view = self.needle.form_open.is_some()
            || self.gap.form_open.is_some()
            || self.scores.has_dialog();
        let asks = self.export.is_some() || self.columns.is_open() || of_view;
        closing || asks || self.palette.is_some() || self.keys_shown
    }

    fn works(&self) -> bool {
        self.jobs.all.iter().any(|entry| entry.is_open() && entry.ask.is_work())
    }

    /// Leaves, unless work would be cut short and the person has not said yes to that.
    fn close(&mut self, ctx: &egui::Context) {
        if self.works() && self.closing != Closing::Yes {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            if self.closing == Closing::No {
                self.closing = Closing::Asking;
            }
            return;
        }
        self.take_note(ctx);
    }

    /// Cancels the work; the window closes when what it has made is written.
    pub(super) fn stop_and_leave(&mut self) {
        self.jobs.all.iter().filter(|entry| entry.is_open()).for_each(|e| e.watch.cancel());
        self.closing = Closing::Stopping(Instant::now());
    }

    /// Closes the window once the cancelled work has ended, or does not end.
    fn leave_when_stopped(&mut self, ctx: &egui::Context) {
        const MOST_WAITING: Duration = Duration::from_secs(8);
        if let Closing::Stopping(since) = self.closing {
            if !self.works() || since.elapsed() > MOST_WAITING {
                self.closing = Closing::Yes;
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
            ctx.request_repaint_after(Duration::from_millis(50));
        }
    }

    /// Takes note of what is to be remembered.
    fn take_note(&mut self, ctx: &egui::Context) {
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
        if !self
            .jobs
            .has_open(|ask| matches!(ask, Ask::Open(_) | Ask::OpenResults(_) | Ask::Example))
        {
            self.settings.open = self.files.origins();
            self.settings.open.extend(self.scores.origins());
            self.settings.hidden = self.files.hidden();
        }
    }

    /// Writes the settings down at most every few seconds, when they have changed.
    fn remember(&mut self, ctx: &egui::Context) {
        const EVERY: Duration = Duration::from_secs(3);
        if !self.remembers || self.written.1.elapsed() < EVERY {
            return;
        }
        self.written.1 = Instant::now();
        self.take_note(ctx);
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
            Command::OpenExample => drop(self.start(Ask::Example)),
            Command::CloseAll => {
                self.files.clear();
                self.scores.clear();
            }
            Command::ExportDataset => self.open_export(false),
            Command::ExportFigure => self.open_export(true),
            Command::CopyFigure => self.copy_figure(),
            Command::Report => {
                if self.start(Ask::Report).is_none() {
                    self.tell("Nothing is shown that could be reported: open files first.");
                }
            }
            Command::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            Command::Show(view) => self.show(view),
            Command::Search => {
                self.show(View::Data);
                self.data.focus_search = true;
            }
            Command::Accept => self.judge(Verdict::Accepted),
            Command::Discard => self.judge(Verdict::Discarded),
            Command::Rate(rating) => self.review(Change::Rate(Some(rating))),
            Command::Unrate => self.review(Change::Rate(None)),
            Command::Tag => {
                self.show(View::Data);
                self.data.focus_tags();
            }
            Command::Undo => self.undo_review(),
            Command::Redo => self.redo_review(),
            Command::NextHit => self.step_hit(1),
            Command::PreviousHit => self.step_hit(-1),
            Command::Next => self.step_here(1),
            Command::Previous => self.step_here(-1),
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
            Command::CheckRecords => {
                self.show(View::Prepare);
                self.check_records();
            }
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

    /// Goes on to another record or seed, whichever is shown.
    fn step_here(&mut self, by: isize) {
        let is_seeds = self.page() == ComparePage::SameSeed;
        match self.view {
            View::Compare if is_seeds => self.step_seed(by),
            View::Prepare => self.prepare.faults.step(by),
            _ => self.step(by),
        }
    }

    pub(super) fn set_theme(&mut self, theme: &str, ctx: &egui::Context) {
        self.settings.theme = theme.to_owned();
        ctx.set_theme(super::theme::preference(theme));
    }

    /// Shows a file dialog.
    pub(super) fn browse(&mut self, purpose: Purpose, suggested: Option<&Path>) {
        if self.picker.is_open() {
            return self.complain("A file dialog is open already; it may lie behind this window.");
        }
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
                Purpose::Open => self.open_path(path),
                Purpose::Results => drop(self.start(Ask::OpenResults(path))),
                Purpose::TableOut => self.scores.pick_table(&path),
                Purpose::Join(key) => self.join(*key, path),
                Purpose::Model => self.choose_model(path.to_string_lossy().into_owned()),
                Purpose::Prompt => drop(self.start(Ask::ReadPrompt(path))),
                Purpose::SynthOut => self.synthesize.set_out(&path),
                Purpose::ExportOut => {
                    if let Some(dialog) = &mut self.export {
                        dialog.to.pick(&path);
                    }
                }
                Purpose::Prepare(field) => self.prepare.pick(*field, path),
                Purpose::Needle(field) => {
                    if let Some(form) = &mut self.needle.form_open {
                        form.pick(*field, &path);
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
}

/// The path that a person typed or pasted: quotes of a terminal, addresses of a file manager and `~`
/// are understood, and what is not absolute is taken from where the program was started. `None` for
/// nothing.
pub(super) fn typed_path(text: &str) -> Option<PathBuf> {
    let text = text.trim().trim_matches(['"', '\'']);
    if text.is_empty() {
        return None;
    }
    let path = match (text.strip_prefix("file://"), text.strip_prefix("~/")) {
        (Some(address), _) => PathBuf::from(percent_decoded(address)),
        (_, Some(rest)) => match directories::BaseDirs::new() {
            Some(dirs) => dirs.home_dir().join(rest),
            None => PathBuf::from(text),
        },
        _ => PathBuf::from(text),
    };
    Some(std::path::absolute(&path).unwrap_or(path))
}

/// `%20` and its kind as the bytes that they mean.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let code = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_paths_are_understood() {
        let path = |text| typed_path(text).map(|path| path.to_string_lossy().into_owned());
        assert_eq!(path("  "), None);
        assert_eq!(path("\"/a/b c.jsonl\""), Some("/a/b c.jsonl".into()));
        assert_eq!(path("file:///a/b%20c%C3%A9.jsonl\n"), Some("/a/b cé.jsonl".into()));
        assert_eq!(path("/a/100%.jsonl"), Some("/a/100%.jsonl".into()));
        assert!(path("seeds.jsonl").is_some_and(|path| path.starts_with('/')));
        assert!(path("~/seeds.jsonl").is_some_and(|path| !path.contains('~')));
    }
}
