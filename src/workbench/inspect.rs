//! What is in a file: format, records, tasks, strategies, columns, broken lines.

use super::{Inputs, WorkbenchError};
use crate::data::{Dataset, Format, Skipped};
use crate::job::Watch;
use serde::Serialize;
use std::collections::BTreeMap;

/// What `backstory inspect --json` prints.
#[derive(Debug, Serialize)]
pub struct InspectReport {
    /// One per file.
    pub files: Vec<FileReport>,
}

/// One file.
#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    /// Where it lies.
    pub path: String,
    /// How it is written.
    pub format: Format,
    /// Its size.
    pub bytes: u64,
    /// Usable records.
    pub records: usize,
    /// Records of each task.
    pub tasks: BTreeMap<String, usize>,
    /// Records of each strategy.
    pub strategies: BTreeMap<String, usize>,
    /// The column that each field came from.
    pub columns: BTreeMap<String, String>,
    /// Lines that could not be used.
    pub skipped: Vec<Skipped>,
}

pub(super) fn run(inputs: &Inputs, watch: &Watch) -> Result<InspectReport, WorkbenchError> {
    // The skipped lines are in the report, so they are no warnings here.
    let whole = Inputs { filter: None, limit: None, ..inputs.clone() };
    let datasets = inputs.chosen(whole.read(&Watch::default())?, watch)?;
    Ok(InspectReport { files: datasets.iter().map(|dataset| report(dataset)).collect() })
}

pub(super) fn report(dataset: &Dataset) -> FileReport {
    let mut tasks = BTreeMap::new();
    let mut strategies = BTreeMap::new();
    for row in dataset.records.rows() {
        *tasks.entry(row.task.to_owned()).or_insert(0) += 1;
        *strategies.entry(row.strategy.as_str().to_owned()).or_insert(0) += 1;
    }
    FileReport {
        path: dataset.path.display().to_string(),
        format: dataset.format,
        bytes: dataset.bytes,
        records: dataset.records.len(),
        tasks,
        strategies,
        columns: dataset.columns.clone(),
        skipped: dataset.skipped.clone(),
    }
}
