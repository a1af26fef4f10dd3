//! Opening a file for the window: a dataset, coherence rows of an earlier run, needle results, or a
//! folder of results.

use super::{FileReport, Named, WorkbenchError, grades, inspect, result_lines};
use crate::coherence::Coherence;
use crate::data::{self, Dataset, ReadOptions, Record};
use crate::job::Watch;
use crate::longbench::{self, Results};
use crate::needle::Answered;
use crate::synthesis;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// Needle results.
    Needles {
        /// The file.
        path: PathBuf,
        /// The rows, in the file's order.
        rows: Arc<Vec<Answered>>,
    },
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
    if job.path.is_dir() || name == "result.json" || name.starts_with("samples_longbench") {
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
    let dataset = data::read_dataset(&job.path, &job.options)?;
    watch.check()?;
    let report = Box::new(inspect::report(&dataset));
    let words = |record: &Record| record.context.as_deref().map_or(0, synthesis::n_words);
    let n_context_words = dataset.records.par_iter().map(|record| words(record) as u32).collect();
    Ok(Opened::Dataset {
        dataset: Arc::new(dataset),
        report,
        n_context_words: Arc::new(n_context_words),
    })
}

/// A row of a coherence file is known by these keys, which no dataset has together.
const ROW_KEYS: [&str; 4] = ["id", "n_context_tokens", "instruction_gain", "answer_gain"];

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
