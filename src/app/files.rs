//! What is open: datasets and coherence rows.

use crate::coherence::Coherence;
use crate::data::{Dataset, Record, Row, StrategyId};
use crate::lengths::Lengths;
use crate::needle::Answered;
use crate::prompt::Task;
use crate::workbench::{FileReport, OpenFile, Opened, Stamp};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open dataset.
pub struct File {
    /// Its number, the same when it is read again; never used again after it is closed.
    pub key: u64,
    /// Its place among the files: the number of the job that opened it first.
    pub order: u64,
    /// What it is called here: its name, with its folder where another open file has the same.
    pub label: String,
    /// How it was opened.
    pub origin: OpenFile,
    /// The records.
    pub dataset: Arc<Dataset>,
    /// What is in the file.
    pub report: Box<FileReport>,
    /// Words of each record's context.
    pub n_context_words: Arc<Vec<u32>>,
    /// Whether no record has a context.
    pub lacks_contexts: bool,
    /// Whether no record has an instruction.
    pub is_contexts_alone: bool,
    /// Whether these are only its first records, and the rest is being read.
    pub is_begin: bool,
    /// What its files were like when they were looked at first.
    stamps: Option<Vec<Stamp>>,
    /// Whether they have changed since.
    pub has_changed: bool,
    /// Whether it takes part in tables and figures.
    pub shown: bool,
    /// Lengths, with the tokenizer that they were asked with.
    pub lengths: Option<(Option<String>, Arc<Lengths>)>,
    /// The tokenizer that lengths were last asked with.
    pub lengths_asked: Option<Option<String>>,
}

impl File {
    /// What it is called here.
    pub fn name(&self) -> String {
        self.label.clone()
    }

    /// The files that it was read from.
    pub fn stamped(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.origin.path.as_path()).chain(self.origin.join.as_deref())
    }

    /// The strategies in it, in the order of figures.
    pub fn strategies(&self) -> Vec<StrategyId> {
        self.report.strategies.keys().map(|name| StrategyId::from(name.as_str())).collect()
    }
}

/// The last part of a path, for people.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Coherence rows of one measurement.
pub struct Rows {
    /// The file that holds them.
    pub path: PathBuf,
    /// The rows.
    pub rows: Arc<Vec<Coherence>>,
    /// Their tasks.
    pub tasks: BTreeSet<String>,
}

/// Results of needle tests.
pub struct Needles {
    /// The file that holds them.
    pub path: PathBuf,
    /// The rows.
    pub rows: Arc<Vec<Answered>>,
    /// Their tasks.
    pub tasks: BTreeSet<String>,
    /// Whether they take part in the figure.
    pub shown: bool,
}

/// Everything that is open.
#[derive(Default)]
pub struct Files {
    /// Datasets, in the order in which they were opened.
    pub all: Vec<File>,
    /// Coherence rows, oldest first.
    pub rows: Vec<Rows>,
    /// Needle results, in the order in which they were opened.
    pub needles: Vec<Needles>,
    n_keys: u64,
    /// Raised with every change of what is open or shown: who drew from it draws again.
    pub version: u64,
    /// Raised whenever lengths of a dataset have come in.
    pub n_measured: u64,
    /// Datasets that can be read and are not open, such as tests that records were checked against.
    beside: Vec<(u64, Arc<Dataset>)>,
    missed: RefCell<BTreeSet<(u64, usize)>>,
    /// Datasets of which a record could not be read: they are not asked again and again.
    unreadable: BTreeSet<u64>,
}

impl Files {
    /// Takes in an opened file; one that is open already is replaced where it stands. `order` is the
    /// number of the job, as files are read side by side and the last asked may come first.
    pub fn take(&mut self, origin: OpenFile, opened: Opened, order: u64) {
        self.version += 1;
        let (dataset, report, n_context_words) = match opened {
            Opened::Rows { path, rows } => {
                self.rows.retain(|there| there.path != path);
                let tasks: BTreeSet<&String> = rows.iter().map(|row| &row.task).collect();
                let tasks = tasks.into_iter().cloned().collect();
                self.rows.push(Rows { path, rows, tasks });
                return;
            }
            // They stand in the Scores view.
            Opened::Results { .. } | Opened::Folder(_) => return,
            Opened::Needles { path, rows } => return self.take_needles(path, rows),
            Opened::Dataset { dataset, report, n_context_words } => {
                (dataset, report, n_context_words)
            }
        };
        let old = self.all.iter_mut().find(|file| file.origin.path == origin.path);
        self.n_keys += 1;
        let is_contexts_alone = dataset.records.rows().all(|row| row.n_instruction_chars() == 0);
        let file = File {
            key: old.as_ref().map_or(self.n_keys, |old| old.key),
            order: old.as_ref().map_or(order, |old| old.order),
            label: String::new(),
            origin,
            lacks_contexts: n_context_words.iter().all(|n| *n == 0),
            is_contexts_alone,
            dataset,
            report,
            n_context_words,
            is_begin: false,
            stamps: None,
            has_changed: false,
            shown: old.as_ref().is_none_or(|old| old.shown),
            lengths: None,
            lengths_asked: None,
        };
        self.unreadable.remove(&file.key);
        match old {
            Some(old) => *old = file,
            None => {
                let at = self.all.partition_point(|other| other.order <= order);
                self.all.insert(at, file);
            }
        }
        self.name_all();
    }

    /// Takes in the first records of a file that is being read, unless it is open already.
    pub fn take_begin(&mut self, origin: OpenFile, opened: Opened, order: u64) {
        if self.all.iter().any(|file| file.origin.path == origin.path) {
            return;
        }
        let path = origin.path.clone();
        self.take(origin, opened, order);
        if let Some(file) = self.all.iter_mut().find(|file| file.origin.path == path) {
            file.is_begin = true;
        }
    }

    /// Takes in what the files are like now.
    pub fn take_stamps(&mut self, stamps: &BTreeMap<PathBuf, Stamp>) {
        for file in &mut self.all {
            let now: Option<Vec<Stamp>> =
                file.stamped().map(|path| stamps.get(path).copied()).collect();
            let Some(now) = now else { continue };
            let before = file.stamps.get_or_insert_with(|| now.clone());
            file.has_changed = *before != now;
        }
    }

    /// Closes a file of which only the begin was read.
    pub fn close_begin(&mut self, path: &Path) {
        self.all.retain(|file| !file.is_begin || file.origin.path != path);
        self.version += 1;
        self.name_all();
    }

    /// Takes in needle results; those of a file that is open already stand where they stood.
    fn take_needles(&mut self, path: PathBuf, rows: Arc<Vec<Answered>>) {
        let tasks = rows.iter().map(|answered| answered.row.task.clone()).collect();
        match self.needles.iter_mut().find(|there| there.path == path) {
            Some(there) => (there.rows, there.tasks) = (rows, tasks),
            None => self.needles.push(Needles { path, rows, tasks, shown: true }),
        }
    }

    fn name_all(&mut self) {
        let names: Vec<String> = self.all.iter().map(|file| file_name(&file.origin.path)).collect();
        for (file, name) in self.all.iter_mut().zip(&names) {
            let twice = names.iter().filter(|other| *other == name).count() > 1;
            let folder = file.origin.path.parent().filter(|_| twice).map(file_name);
            file.label = folder.map_or(name.clone(), |folder| format!("{folder}/{name}"));
        }
    }

    /// The dataset of this number.
    pub fn get(&self, key: u64) -> Option<&File> {
        self.all.iter().find(|file| file.key == key)
    }

    /// Lets records of these datasets be read though they are not open, instead of those before; their
    /// numbers.
    pub fn lay_beside(&mut self, datasets: impl IntoIterator<Item = Arc<Dataset>>) -> Vec<u64> {
        self.beside.clear();
        for dataset in datasets {
            self.n_keys += 1;
            self.beside.push((self.n_keys, dataset));
        }
        self.beside.iter().map(|(key, _)| *key).collect()
    }

    /// The dataset of this number, open or beside those that are.
    pub fn dataset(&self, key: u64) -> Option<&Arc<Dataset>> {
        let beside = || self.beside.iter().find(|(other, _)| *other == key);
        let open = self.get(key).map(|file| &file.dataset);
        open.or_else(|| beside().map(|(_, dataset)| dataset))
    }

    /// The open dataset that this is, unless its file was read again.
    pub fn holding(&self, dataset: &Arc<Dataset>) -> Option<&File> {
        self.all.iter().find(|file| Arc::ptr_eq(&file.dataset, dataset))
    }

    /// The record at a place, if it is in memory; else it is noted to be read, see [`Files::missed`].
    pub fn record(&self, (key, ix): (u64, usize)) -> Option<Arc<Record>> {
        let records = &self.dataset(key)?.records;
        let record = records.peek(ix);
        if record.is_none() && ix < records.len() && !self.unreadable.contains(&key) {
            self.missed.borrow_mut().insert((key, ix));
        }
        record
    }

    /// Gives up reading records of these datasets, until they are opened again.
    pub fn give_up(&mut self, keys: impl IntoIterator<Item = u64>) {
        self.unreadable.extend(keys);
    }

    /// Whether reading records of a dataset was given up.
    pub fn is_unreadable(&self, key: u64) -> bool {
        self.unreadable.contains(&key)
    }

    /// The records that somebody wanted to show and that are not in memory, each told once.
    pub fn missed(&self) -> BTreeSet<(u64, usize)> {
        std::mem::take(&mut self.missed.borrow_mut())
    }

    /// What is known of the record at a place without its texts.
    pub fn row(&self, (key, ix): (u64, usize)) -> Option<Row<'_>> {
        self.get(key)?.dataset.records.row(ix)
    }

    /// The datasets that are shown.
    pub fn shown(&self) -> impl Iterator<Item = &File> {
        self.all.iter().filter(|file| file.shown)
    }

    /// Shows or hides a dataset.
    pub fn set_shown(&mut self, key: u64, shown: bool) {
        if let Some(file) = self.all.iter_mut().find(|file| file.key == key) {
            file.shown = shown;
            self.version += 1;
        }
    }

    /// Closes a dataset.
    pub fn close(&mut self, key: u64) {
        self.all.retain(|file| file.key != key);
        self.name_all();
        self.version += 1;
    }

    /// Closes everything.
    pub fn clear(&mut self) {
        self.all.clear();
        self.rows.clear();
        self.needles.clear();
        self.version += 1;
    }

    /// Closes what lies in this folder.
    pub fn close_below(&mut self, folder: &Path) {
        self.all.retain(|file| !file.origin.path.starts_with(folder));
        self.rows.retain(|rows| !rows.path.starts_with(folder));
        self.version += 1;
    }

    /// The tasks of the shown datasets.
    pub fn tasks(&self) -> BTreeSet<String> {
        self.shown().flat_map(|file| file.report.tasks.keys().cloned()).collect()
    }

    /// The tasks of the shown datasets and of the measurements, by their canonical names.
    pub fn all_tasks(&self) -> BTreeSet<String> {
        let of_rows = self.rows.iter().flat_map(|rows| rows.tasks.iter().cloned());
        let all = self.tasks().into_iter().chain(of_rows);
        all.map(|task| Task::canonical(&task).to_owned()).collect()
    }

    /// The strategies of the shown datasets.
    pub fn strategies(&self) -> BTreeSet<String> {
        self.shown().flat_map(|file| file.report.strategies.keys().cloned()).collect()
    }

    /// The files that are switched off.
    pub fn hidden(&self) -> BTreeSet<PathBuf> {
        let hidden = self.all.iter().filter(|file| !file.shown);
        hidden.map(|file| file.origin.path.clone()).collect()
    }

    /// What to open again at the next start.
    pub fn origins(&self) -> Vec<OpenFile> {
        let rows = self.rows.iter().map(|rows| OpenFile {
            path: rows.path.clone(),
            join: None,
            strategy: None,
            map: Vec::new(),
        });
        let needles = self.needles.iter().map(|needles| OpenFile {
            path: needles.path.clone(),
            join: None,
            strategy: None,
            map: Vec::new(),
        });
        self.all.iter().map(|file| file.origin.clone()).chain(rows).chain(needles).collect()
    }
}
