//! A report: everything that files have to say, in one folder with a page that stands alone.
//!
//! `gathering` finds out what the files are, `drafting` draws and compares, `folder` writes. Figures,
//! tables and the page belong in `report`.

mod drafting;
mod folder;
mod gathering;

use super::loading::Inputs;
use super::{GapWish, Named, WorkbenchError};
use crate::coherence::Coherence;
use crate::job::Watch;
use crate::report::CompareSettings;
use drafting::Draft;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

/// Write a report.
#[derive(Debug, Clone)]
pub struct ReportJob {
    /// Datasets, coherence rows, needle results and result folders.
    pub inputs: Inputs,
    /// Coherence rows that are open already, with their file.
    pub rows: Vec<(PathBuf, Arc<Vec<Coherence>>)>,
    /// More result folders, with names.
    pub models: Vec<Named>,
    /// Result folders of a tuning gap; its reference is that of the scores too.
    pub gap: GapWish,
    /// Counts tokens: a `tokenizer.json`, a `.gguf` or a name of the catalogue.
    pub tokenizer: Option<String>,
    /// What other strategies are measured against: a strategy or a file; else the first.
    pub baseline: Option<String>,
    /// How strategies are compared.
    pub settings: CompareSettings,
    /// The folder to write.
    pub out: PathBuf,
    /// Replace an earlier report in it.
    pub replace: bool,
}

/// What `backstory report --json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct ReportMade {
    /// The folder.
    pub path: PathBuf,
    /// Its files, by paths from there.
    pub files: Vec<String>,
    /// Figures among them, each in several forms.
    pub figures: usize,
    /// Tables among them, each in several forms.
    pub tables: usize,
    /// Lines that could not be used.
    pub skipped: usize,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

pub(super) fn run(job: &ReportJob, watch: &Watch) -> Result<ReportMade, WorkbenchError> {
    let stale = folder::check(&job.out, job.replace)?;
    let gathered = gathering::gather(job, watch)?;
    let draft = Draft::of(job, &gathered, watch)?;
    let (figures, tables) = (draft.n_figures, draft.n_tables);
    let files = draft.finish(job, &gathered, watch)?;
    watch.check()?;
    folder::write(&job.out, &stale, &files)?;
    Ok(ReportMade {
        path: job.out.clone(),
        files: files.into_iter().map(|(name, _)| name).collect(),
        figures,
        tables,
        skipped: gathered.n_skipped(),
        warnings: watch.warnings(),
    })
}
