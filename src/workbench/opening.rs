//! Opening a file for the window: a dataset, coherence rows of an earlier run, needle results, or a
//! folder of results.

use super::loading::data_files;
use super::{FileReport, Named, WorkbenchError, grades, inspect, result_lines};
use crate::coherence::Coherence;
use crate::data::{self, Dataset, ReadOptions};
use crate::job::Watch;
use crate::longbench::{self, Results};
use crate::needle::Answered;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Open a file.
#[derive(Debug, Clone)]
pub struct OpenJob {
    /// The file.
    pub path: PathBuf,
    /// What the person says of it.
    pub options: ReadOptions,
}

/// An opened file.
#[derive(Debug, Clone)]
pub enum Opened {
    /// Records.
    Dataset {
        /// The records.
        dataset: Arc<Dataset>,
        /// What is in the file.
        report: Box<FileReport>,
        /// Words of each record's context.
        n_context_words: Arc<Vec<u32>>,
    },
    /// Coherence rows.
    Rows {
        /// The file.
        path: PathBuf,
        /// The rows, in the file's order.
        rows: Arc<Vec<Coherence>>,
    },
    /// Scores, with the records behind them where they are known.
    Results {
        /// The folder or file.
        path: PathBuf,
        /// What its model is called.
        name: String,
        /// The scores.
        results: Arc<Results>,
    },
    /// A folder of data files, none of them read yet.
    Folder(Vec<PathBuf>),
    /// Needle results.
    Needles {
        /// The file.
        path: PathBuf,
        /// The rows, in the file's order.
        rows: Arc<Vec<Answered>>,
    },
}

/// What tells whether a file has changed: its bytes and when it was written; `None` where it is not there.
pub type Stamp = Option<(u64, SystemTime)>;

/// The stamps of these files.
pub(super) fn stamps(paths: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, Stamp> {
    let stamp = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    };
    paths.iter().map(|path| (path.clone(), stamp(path))).collect()
}

/// The results in a folder, or in a file that is known to hold them.
pub(super) fn results(path: &Path, watch: &Watch) -> Result<Opened, WorkbenchError> {
    let named = Named { name: None, path: path.to_owned() };
    let name = named.title();
    watch.stage(&format!("reading the results of {name}"), 0);
    let results = Arc::new(longbench::read_results(path, watch)?);
    Ok(Opened::Results { path: path.to_owned(), name, results })
}

pub(super) fn run(job: &OpenJob, watch: &Watch) -> Result<Opened, WorkbenchError> {
    let name = job.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    watch.stage(&format!("opening {name}"), 0);
    if job.path.is_dir() {
        return match (results(&job.path, watch), data_files(&job.path)) {
            (Err(WorkbenchError::Results(_)), Ok(files)) => Ok(Opened::Folder(files)),
            (results, _) => results,
        };
    }
    if name == "result.json" || name.starts_with("samples_longbench") {
        return results(&job.path, watch);
    }
    if let Some(rows) = read_rows(&job.path, watch)? {
        return Ok(Opened::Rows { path: job.path.clone(), rows: Arc::new(rows) });
    }
    // What is no plain file gets its message from the reader of datasets.
    let is_file = std::fs::metadata(&job.path).is_ok_and(|meta| meta.is_file());
    if is_file && let Some(rows) = grades::read_needle_rows(&job.path, watch)? {
        return Ok(Opened::Needles { path: job.path.clone(), rows: Arc::new(rows) });
    }
    let dataset = data::read_dataset(&job.path, &job.options, watch)?;
    watch.check()?;
    let report = Box::new(inspect::report(&dataset));
    let n_context_words = dataset.records.context_words(watch)?;
    Ok(Opened::Dataset {
        dataset: Arc::new(dataset),
        report,
        n_context_words: Arc::new(n_context_words),
    })
}

/// Files of fewer bytes are there before anybody misses their first rows.
const SOON_BYTES: u64 = 8 << 20;

/// The first records of a large file, to be shown until it is read; `None` of a small one, and of what
/// is no dataset, which reading it all says better.
pub(super) fn first_rows(job: &OpenJob, watch: &Watch) -> Result<Option<Opened>, WorkbenchError> {
    let bytes = std::fs::metadata(&job.path).map_or(0, |metadata| metadata.len());
    if bytes < SOON_BYTES || job.options.join.is_some() {
        return Ok(None);
    }
    let read = data::first_records(&job.path, &job.options, data::FIRST_ROWS, watch);
    let Some(records) = read.ok().filter(|records| !records.is_empty()) else { return Ok(None) };
    let dataset = Dataset {
        path: job.path.clone(),
        format: data::Format::Jsonl,
        bytes,
        columns: Default::default(),
        records: records.into(),
        skipped: Vec::new(),
    };
    let n_context_words = Arc::new(dataset.records.context_words(watch)?);
    let report = Box::new(inspect::report(&dataset));
    Ok(Some(Opened::Dataset { dataset: Arc::new(dataset), report, n_context_words }))
}

/// A row of a coherence file is known by these keys, which no dataset has together.
const ROW_KEYS: [&str; 4] = ["id", "n_context_tokens", "instruction_gain", "answer_gain"];

/// The rows of a file that must hold coherence rows.
///
/// # Errors
/// [`WorkbenchError::Refused`] where it holds something else, else as [`read_rows`].
pub(super) fn rows_of(path: &Path, watch: &Watch) -> Result<Vec<Coherence>, WorkbenchError> {
    read_rows(path, watch)?.ok_or_else(|| {
        WorkbenchError::Refused(format!(
            "{} holds no coherence rows; give a file that `backstory coherence --out` wrote",
            path.display()
        ))
    })
}

/// The rows of a coherence file; `None` when the file is something else.
///
/// # Errors
/// [`WorkbenchError::Refused`] with the line of a broken row: rows are written by this program, so
/// that one is missing is no small matter.
pub(super) fn read_rows(
    path: &Path,
    watch: &Watch,
) -> Result<Option<Vec<Coherence>>, WorkbenchError> {
    // What cannot be opened gets its message from the reader of datasets.
    let Ok(file) = std::fs::File::open(path) else { return Ok(None) };
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return Ok(None);
    }
    result_lines::read(
        file,
        path,
        watch,
        |row| ROW_KEYS.iter().all(|key| row.contains_key(*key)),
        |line| serde_json::from_slice(line).map_err(|error| error.to_string()),
        |reason| {
            format!(
                "no coherence row ({reason}); measure again with `backstory coherence`, or remove the line"
            )
        },
    )
}
