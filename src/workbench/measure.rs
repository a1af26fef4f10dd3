//! Lengths and coherence of the person's files.

use super::loading::{self, Inputs, ModelChoice, check_output, n_skipped};
use super::{Desk, WorkbenchError, counted};
use crate::coherence::{self, Coherence, Settings};
use crate::data::{self, write_atomic};
use crate::job::Watch;
use crate::lengths::{self, Counter, Lengths, Unit};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How long are the records?
#[derive(Debug, Clone)]
pub struct LengthsJob {
    /// The records.
    pub inputs: Inputs,
    /// Counts tokens: a `tokenizer.json`, a `.gguf` or a name of the catalogue.
    pub tokenizer: Option<String>,
    /// Where lengths of single datasets are kept for the next time; `None`: nowhere.
    pub kept: Option<PathBuf>,
}

/// What `backstory lengths --json` prints.
#[derive(Debug, Serialize)]
pub struct LengthsReport {
    /// The lengths.
    #[serde(flatten)]
    pub lengths: Lengths,
    /// Lines that could not be used.
    pub skipped: usize,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

/// Do the instructions depend on their contexts?
#[derive(Debug, Clone)]
pub struct CoherenceJob {
    /// The records.
    pub inputs: Inputs,
    /// Who scores.
    pub model: ModelChoice,
    /// How to measure.
    pub settings: Settings,
    /// Where the rows go.
    pub out: Option<PathBuf>,
}

/// What `backstory coherence --json` prints.
#[derive(Debug, Serialize)]
pub struct CoherenceReport {
    /// Means, intervals, AUC.
    #[serde(flatten)]
    pub summary: coherence::Summary,
    /// Lines and records that could not be used.
    pub skipped: usize,
    /// A row per record.
    #[serde(skip)]
    pub rows: Arc<Vec<Coherence>>,
}

pub(super) fn lengths(job: &LengthsJob, watch: &Watch) -> Result<LengthsReport, WorkbenchError> {
    let place = match (&job.kept, job.tokenizer.as_deref(), job.inputs.loaded.as_slice()) {
        (Some(folder), Some(tokenizer), [one]) => Some(counted::place(folder, one, tokenizer)?),
        _ => None,
    };
    if let Some(lengths) = place.as_deref().and_then(counted::read) {
        let skipped = n_skipped(&job.inputs.loaded);
        return Ok(LengthsReport { lengths, skipped, warnings: watch.warnings() });
    }
    let loaded =
        job.tokenizer.as_deref().map(|name| loading::tokenizer(name, watch)).transpose()?;
    let datasets = job.inputs.read(watch)?;
    let counter = Counter {
        tokenizer: loaded.as_ref().map(|(tokenizer, _)| tokenizer),
        template: loaded.as_ref().and_then(|(_, template)| template.as_ref()),
    };
    let lengths = lengths::measure(&datasets, &counter, watch)?;
    if let Some(place) = &place {
        // That they cannot be kept costs time at the next start, and nothing now.
        if let Err(error) = counted::keep(place, &lengths) {
            watch.warn(format!("lengths are not kept for the next time: {error}"));
        }
    }
    let skipped = n_skipped(&datasets);
    Ok(LengthsReport { lengths, skipped, warnings: watch.warnings() })
}

/// Tokens can be counted only with a tokenizer.
pub(super) fn check_unit(unit: Option<Unit>, has_tokenizer: bool) -> Result<(), WorkbenchError> {
    if unit == Some(Unit::Tokens) && !has_tokenizer {
        return Err(WorkbenchError::Wish(
            "--unit tokens needs a --tokenizer; give a tokenizer.json, a .gguf file or a model of the \
             catalogue"
                .into(),
        ));
    }
    Ok(())
}

pub(super) fn coherence(
    job: &CoherenceJob,
    desk: &mut Desk,
    watch: &Watch,
) -> Result<CoherenceReport, WorkbenchError> {
    if let Some(out) = &job.out {
        check_output(out)?;
    }
    let datasets = job.inputs.read(watch)?;
    let model = desk.model(&job.model, watch)?;
    let measured = coherence::measure(model, &datasets, job.settings, watch)?;
    if let Some(out) = &job.out {
        write_rows(out, &measured.rows)?;
    }
    let skipped = n_skipped(&datasets) + measured.n_skipped;
    Ok(CoherenceReport { summary: measured.summary, skipped, rows: Arc::new(measured.rows) })
}

/// Writes coherence rows, one a line.
pub(super) fn write_rows(path: &Path, rows: &[Coherence]) -> Result<(), data::DataError> {
    write_atomic(path, |file| {
        rows.iter().try_for_each(|row| {
            serde_json::to_writer(&mut *file, row)?;
            file.write_all(b"\n")
        })
    })
}
