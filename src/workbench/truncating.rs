//! What cutoffs would take away from the records of files.

use super::WorkbenchError;
use super::loading::{self, Inputs, n_skipped};
use super::pack;
use crate::job::Watch;
use crate::lengths::Prompts;
use crate::lengths::truncation::{Policy, Sequences, Simulated};
use serde::Serialize;
use std::path::PathBuf;

/// What would cutoffs take away?
#[derive(Debug, Clone)]
pub struct TruncateJob {
    /// The records.
    pub inputs: Inputs,
    /// Counts tokens: a `tokenizer.json`, a `.gguf` or a name of the catalogue.
    pub tokenizer: String,
    /// A prompt pack; our own wording where none is named.
    pub prompts: Option<PathBuf>,
    /// Tokens of prompt and answer together.
    pub cutoffs: Vec<usize>,
    /// What is done with longer ones.
    pub policies: Vec<Policy>,
}

/// What `backstory truncate --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TruncateReport {
    /// What counted tokens.
    pub tokenizer: String,
    /// Whether prompts stand in a chat template.
    pub chat_template: bool,
    /// One per cutoff and policy.
    pub runs: Vec<Simulated>,
    /// Records without an instruction, which are no training records.
    pub left_out: usize,
    /// Lines that could not be used.
    pub skipped: usize,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

pub(super) fn run(job: &TruncateJob, watch: &Watch) -> Result<TruncateReport, WorkbenchError> {
    if job.cutoffs.is_empty() || job.policies.is_empty() {
        return Err(WorkbenchError::Wish("name a --cutoff, such as 4096, and a --policy".into()));
    }
    let (tokenizer, template) = loading::tokenizer(&job.tokenizer, watch)?;
    let (pack, _) = pack::read(job.prompts.as_deref())?;
    let prompts = Prompts { pack: &pack, tokenizer: Some(&tokenizer), template: template.as_ref() };
    let datasets = job.inputs.read(watch)?;
    let sequences = Sequences::of(&datasets, &prompts, watch)?;
    if sequences.n_left_out > 0 {
        watch.warn(format!(
            "{} records left out: they have no instruction, so there is nothing to train on",
            sequences.n_left_out
        ));
    }
    let of_cutoff = |cutoff: &usize| {
        let cutoff = *cutoff;
        let sequences = &sequences;
        job.policies.iter().map(move |policy| sequences.cut(cutoff, *policy))
    };
    Ok(TruncateReport {
        tokenizer: tokenizer.name().to_owned(),
        chat_template: template.is_some(),
        runs: job.cutoffs.iter().flat_map(of_cutoff).collect(),
        left_out: sequences.n_left_out,
        skipped: n_skipped(&datasets),
        warnings: watch.warnings(),
    })
}
