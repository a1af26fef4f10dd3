//! A report: everything that files have to say, in one folder with a page that stands alone.
//!
//! `gathering` finds out what the files are, `drafting` draws and compares, `folder` writes. Figures,
//! tables and the page belong in `report`.

mod drafting;
mod folder;
mod gathering;

use super::loading::Inputs;
use super::{GapWish, Named, OpenRows, WorkbenchError};
use crate::job::Watch;
use crate::report::CompareSettings;
use drafting::Draft;
use serde::Serialize;
use std::path::PathBuf;

/// Write a report.
#[derive(Debug, Clone)]
pub struct ReportJob {
    /// Datasets, coherence rows, needle results and result folders.
    pub inputs: Inputs,
    /// Coherence rows that are open already.
    pub rows: OpenRows,
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
    /// What to do where it is there already, with something in it.
    pub taken: Taken,
}

/// What to do where the folder of a report is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Say so.
    Refuse,
    /// Replace an earlier report in it.
    Replace,
    /// Write into the next folder of that name with a number that is free.
    Number,
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
    let (out, stale) = folder::choose(&job.out, job.taken)?;
    let gathered = gathering::gather(job, watch)?;
    let draft = Draft::of(job, &gathered, watch)?;
    let (figures, tables) = (draft.n_figures, draft.n_tables);
    let files = draft.finish(job, &gathered, watch)?;
    watch.check()?;
    folder::write(&out, &stale, &files)?;
    Ok(ReportMade {
        path: out,
        files: files.into_iter().map(|(name, _)| name).collect(),
        figures,
        tables,
        skipped: gathered.n_skipped(),
        warnings: watch.warnings(),
    })
}
