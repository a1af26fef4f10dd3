//! "Which column is what?": the dialog for a file whose shape is not known, or not as it should be.

mod parts;

use crate::app::files::file_name;
use crate::app::jobs::{Ask, State as JobState};
use crate::app::theme;
use crate::app::ui::{modal, name_field};
use crate::app::window::Window;
use crate::data::Format;
use crate::workbench::{ColumnsJob, ColumnsRead, JobId, OpenFile};
use egui::{Align, Layout, RichText, Ui};
use parts::{choices_ui, rows_ui};
use std::collections::VecDeque;

/// The fields that a column may be: title, the word for `--map`, and what it is.
const FIELDS: [(&str, &str, &str); 6] = [
    ("Context", "context", "The long document that the instruction is about"),
    ("Instruction", "instruction", "The question or request"),
    ("Answer", "answer", "The answer, or a list of them"),
    ("Task", "task", "The name of the task; else the file's name"),
    ("Strategy", "strategy", "How the record was made; else human"),
    ("Seed", "seed_id", "What pairs records of the same seed in several files"),
];

/// Which of the fields is the answer: the only one with two words.
const ANSWER: usize = 2;

/// The width of the dialog; it fits into the smallest window.
const WIDTH: f32 = 640.0;

/// The dialog that is open, and the files that wait for it.
#[derive(Default)]
pub struct State {
    open: Option<Dialog>,
    waiting: VecDeque<Dialog>,
}

impl State {
    /// Whether the dialog is open.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Why the file that it is about could not be opened.
    pub fn why(&self) -> Option<&str> {
        self.open.as_ref()?.why.as_deref()
    }

    fn add(&mut self, dialog: Dialog) {
        match &self.open {
            None => self.open = Some(dialog),
            Some(_) => self.waiting.push_back(dialog),
        }
    }
}

/// What the dialog remembers while it is open.
struct Dialog {
    /// The file, as it was to be opened.
    file: OpenFile,
    /// Why it could not be.
    why: Option<String>,
    /// A column for each of the fields; `None` before they are guessed.
    chosen: Option<[Option<String>; FIELDS.len()]>,
    read: Option<ColumnsRead>,
    /// What was read last, or is being read.
    asked: Option<ColumnsJob>,
    /// The job that opens the file.
    pending: Option<JobId>,
}

impl Dialog {
    /// With these columns; if there are none, with what can be guessed.
    fn new(file: OpenFile, why: Option<String>, map: &[(String, String)]) -> Self {
        let chosen = (!map.is_empty()).then(|| chosen(map));
        Self { file, why, chosen, read: None, asked: None, pending: None }
    }

    /// Field and column of what is chosen; `None` while it is to be guessed.
    fn map(&self) -> Option<Vec<(String, String)>> {
        let columns = self.chosen.as_ref()?;
        let is_list =
            |column: &String| self.read.as_ref().is_some_and(|r| r.lists.contains(column));
        let one = |(ix, column): (usize, &Option<String>)| {
            let column = column.clone()?;
            let word = if ix == ANSWER && is_list(&column) { "answers" } else { FIELDS[ix].1 };
            Some((word.to_owned(), column))
        };
        Some(columns.iter().enumerate().filter_map(one).collect())
    }

    fn wanted(&self) -> ColumnsJob {
        ColumnsJob { path: self.file.path.clone(), map: self.map() }
    }

    fn take(&mut self, read: ColumnsRead) {
        self.chosen.get_or_insert_with(|| chosen(&read.map));
        self.read = Some(read);
        // The answers' word may be another now that the cells are known; the rows are the same.
        self.asked = Some(self.wanted());
    }
}

fn chosen(map: &[(String, String)]) -> [Option<String>; FIELDS.len()] {
    FIELDS.map(|(_, word, _)| {
        let is_it = |field: &str| field == word || word == "answer" && field == "answers";
        map.iter().find(|(field, _)| is_it(field)).map(|(_, column)| column.clone())
    })
}

/// The words for the command line.
fn words(map: &[(String, String)]) -> String {
    let word = |(field, column): &(String, String)| {
        let pair = format!("{field}={column}");
        let is_plain = |c: char| c.is_alphanumeric() || "=_-./".contains(c);
        match pair.chars().all(is_plain) {
            true => format!("--map {pair}"),
            false => format!("--map '{}'", pair.replace('\'', r"'\''")),
        }
    };
    map.iter().map(word).collect::<Vec<_>>().join(" ")
}

impl Window {
    /// Asks which column of an open dataset is what.
    pub(in crate::app) fn choose_columns(&mut self, key: u64) {
        let Some(file) = self.files.get(key) else { return };
        let known = file.dataset.columns.iter();
        let known: Vec<(String, String)> = known.map(|(f, c)| (f.clone(), c.clone())).collect();
        // The fields that a conversation gives are not columns of their own.
        let is_twice =
            known.iter().any(|one| known.iter().filter(|two| one.1 == two.1).count() > 1);
        let map = match (&file.origin.map, is_twice) {
            (said, _) if !said.is_empty() => said.clone(),
            (_, true) => Vec::new(),
            (_, false) => known,
        };
        let dialog = Dialog::new(file.origin.clone(), None, &map);
        self.columns.add(dialog);
    }

    /// Asks which column of a file is what that could not be opened.
    pub(in crate::app) fn ask_columns(&mut self, id: JobId, file: &OpenFile, why: &str) {
        if let Some(dialog) = self.columns.open.as_mut().filter(|open| open.pending == Some(id)) {
            (dialog.pending, dialog.why) = (None, Some(why.to_owned()));
            return;
        }
        self.columns.add(Dialog::new(file.clone(), Some(why.to_owned()), &file.map));
    }

    /// Takes note of the end of a job: the dialog stays until its file is open. Whether the dialog says
    /// all that there is to say.
    pub(in crate::app) fn columns_after(&mut self, id: JobId, ask: &Ask, state: &JobState) -> bool {
        let Some(dialog) = &mut self.columns.open else { return false };
        let is_pending = dialog.pending == Some(id);
        match (ask, state) {
            (Ask::Open(file), JobState::Done(_)) if is_pending => {
                // Also that no column is to be mapped any more.
                self.settings.remember_map(&file.path, &file.map);
                self.next_columns();
            }
            (Ask::Open(_), JobState::Failed(why)) if is_pending => {
                (dialog.pending, dialog.why) = (None, Some(why.clone()));
            }
            (Ask::Open(_), _) if is_pending => dialog.pending = None,
            (Ask::Columns(job), JobState::Failed(why)) if dialog.asked.as_ref() == Some(job) => {
                let why = dialog.why.clone().unwrap_or_else(|| why.clone());
                let name = file_name(&dialog.file.path);
                self.next_columns();
                self.complain(format!("{name}: {why}"));
            }
            _ => return false,
        }
        true
    }

    /// Takes the first rows of the file that the dialog is about.
    pub(in crate::app) fn take_columns(&mut self, job: &ColumnsJob, read: ColumnsRead) {
        let is_it = |dialog: &&mut Dialog| dialog.asked.as_ref() == Some(job);
        if let Some(dialog) = self.columns.open.as_mut().filter(is_it) {
            dialog.take(read);
        }
    }

    fn next_columns(&mut self) {
        self.columns.open = self.columns.waiting.pop_front();
    }

    /// Asks for the first rows when another column was chosen.
    pub(in crate::app) fn columns_logic(&mut self) {
        let Some(dialog) = &mut self.columns.open else { return };
        let wanted = dialog.wanted();
        if dialog.asked.as_ref() != Some(&wanted) {
            dialog.asked = Some(wanted.clone());
            self.start(Ask::Columns(wanted));
        }
    }

    /// Draws the dialog, if it is open.
    pub(in crate::app) fn columns_dialog_ui(&mut self, ui: &mut Ui) {
        let Some(mut dialog) = self.columns.open.take() else { return };
        let n_waiting = self.columns.waiting.len();
        let shown = modal(ui, egui::Id::unique("columns")).show(ui.ctx(), |ui| {
            ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 80.0));
            dialog.content_ui(ui);
            ui.add_space(8.0);
            dialog.buttons_ui(ui, n_waiting)
        });
        let leaves = shown.inner.cancels || shown.inner.cancels_all || shown.should_close();
        if shown.inner.opens
            && let Some(map) = dialog.map()
        {
            let file = OpenFile { map, ..dialog.file.clone() };
            self.makes_room |= !file.path.starts_with(&self.home);
            dialog.why = None;
            dialog.pending = self.start(Ask::Open(file));
        }
        let pending = dialog.pending;
        self.columns.open = Some(dialog);
        if leaves {
            if let Some(entry) = pending.and_then(|id| self.jobs.get_mut(id)) {
                entry.watch.cancel();
            }
            if shown.inner.cancels_all {
                self.columns.waiting.clear();
            }
            self.next_columns();
        }
    }
}

/// What was clicked below the dialog.
#[derive(Clone, Copy, Default)]
struct Clicked {
    opens: bool,
    cancels: bool,
    cancels_all: bool,
}

impl Dialog {
    fn content_ui(&mut self, ui: &mut Ui) {
        ui.heading("Which column is what?");
        let path = self.file.path.display().to_string();
        ui.add(egui::Label::new(RichText::new(path).weak()).truncate());
        if let Some(why) = &self.why {
            let most = if ui.ctx().content_rect().height() < 560.0 { 36.0 } else { 90.0 };
            let area = egui::ScrollArea::vertical().id_salt("why").max_height(most);
            area.show(ui, |ui| {
                let words = RichText::new(why).color(theme::error_color(ui)).small();
                ui.add(egui::Label::new(words).wrap());
            });
        }
        ui.add_space(6.0);
        let Some(read) = &self.read else {
            ui.spinner();
            return;
        };
        if let Some(chosen) = &mut self.chosen {
            choices_ui(ui, &read.columns, chosen, self.file.join.is_some());
        }
        ui.add_space(6.0);
        match &read.rows {
            Ok(rows) => rows_ui(ui, rows, self.chosen.as_ref()),
            Err(why) => {
                let words = RichText::new(why).color(theme::error_color(ui));
                ui.add(egui::Label::new(words).wrap());
            }
        }
        ui.add_space(6.0);
        self.words_ui(ui);
    }

    /// The same for the command line.
    fn words_ui(&self, ui: &mut Ui) {
        let words = words(&self.map().unwrap_or_default());
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let copy = ui.add_enabled(!words.is_empty(), egui::Button::new("Copy").small());
                name_field(&copy, "Copy the words for the command line");
                if copy
                    .on_hover_text("These words say the same to `backstory inspect` and others")
                    .clicked()
                {
                    ui.ctx().copy_text(words.clone());
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let shown = if words.is_empty() { "no column is mapped" } else { &words };
                    let label = egui::Label::new(RichText::new(shown).monospace()).truncate();
                    ui.add(label).on_hover_text(shown);
                });
            });
        });
    }

    fn buttons_ui(&self, ui: &mut Ui, n_waiting: usize) -> Clicked {
        ui.horizontal(|ui| {
            let is_free = self.pending.is_none() && self.chosen.is_some();
            let makes_sense = self.read.as_ref().is_some_and(|read| read.rows.is_ok());
            let open = egui::Button::new(RichText::new("Open").strong());
            let open = ui.add_enabled(is_free && makes_sense, open);
            name_field(&open, "Open with these columns");
            let mut clicked = Clicked { opens: open.clicked(), ..Clicked::default() };
            clicked.cancels = ui.button("Cancel").clicked();
            if n_waiting > 0 {
                let more = ui.button("Cancel all");
                clicked.cancels_all = more.clicked();
                ui.label(RichText::new(format!("{n_waiting} more to come")).weak());
            }
            if self.pending.is_some() {
                ui.spinner();
            } else if let Some(read) = &self.read {
                let words = format!("{}, {}", format_title(read.format), told_rows(read));
                ui.label(RichText::new(words).weak());
            }
            clicked
        })
        .inner
    }
}

fn told_rows(read: &ColumnsRead) -> String {
    let Ok(rows) = &read.rows else { return "not readable so".to_owned() };
    let n_good = rows.iter().filter(|row| row.fields.is_ok()).count();
    match rows.len() {
        1 if n_good == 1 => "the first row is a record".to_owned(),
        1 => "the first row is no record".to_owned(),
        n if n == n_good => format!("the first {n} rows are records"),
        n => format!("{n_good} of the first {n} rows are records"),
    }
}

fn format_title(format: Format) -> &'static str {
    match format {
        Format::Jsonl => "JSONL",
        Format::Json => "JSON",
        Format::Csv => "CSV",
        Format::Tsv => "TSV",
        Format::Parquet => "Parquet",
        Format::Arrow => "Arrow",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_part_them() {
        let map = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(f, c)| ((*f).to_owned(), (*c).to_owned())).collect()
        };
        let plain = map(&[("context", "document"), ("answer", "reply")]);
        assert_eq!(words(&plain), "--map context=document --map answer=reply");
        let odd = map(&[("context", "the document"), ("task", "Ada's"), ("answer", "答案")]);
        assert_eq!(
            words(&odd),
            r"--map 'context=the document' --map 'task=Ada'\''s' --map answer=答案"
        );
    }
}
