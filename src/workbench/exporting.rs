//! Writing records as training data, with what belongs beside them: a card, and the trainer's list.

use super::loading::{self, Inputs};
use super::{WorkbenchError, opening, pack};
use crate::coherence::{self, Coherence, Estimate};
use crate::data::{Dataset, RecordId, StrategyId, write_atomic};
use crate::export::{self, Arm, Exported, Format, Split, Wish};
use crate::job::Watch;
use crate::report;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Write records as training data.
#[derive(Debug, Clone)]
pub struct ExportJob {
    /// The records.
    pub inputs: Inputs,
    /// Only these of the datasets that are open already: dataset and record, counted from 0.
    pub only: Option<Arc<BTreeSet<(usize, usize)>>>,
    /// Coherence rows that are open already; the card tells of those of the written records.
    pub rows: Vec<Arc<Vec<Coherence>>>,
    /// Files of such rows.
    pub rows_files: Vec<PathBuf>,
    /// How.
    pub format: Format,
    /// With or without contexts.
    pub arm: Arm,
    /// A prompt pack of the user's; our own wording without one.
    pub prompts: Option<PathBuf>,
    /// Counts LongAlign's lengths.
    pub tokenizer: Option<String>,
    /// Which seeds go to a file for validation.
    pub split: Option<Split>,
    /// Where to.
    pub out: PathBuf,
    /// Replace what is there.
    pub replace: bool,
}

/// What `backstory export --json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct ExportReport {
    /// Paths and counts.
    #[serde(flatten)]
    pub exported: Exported,
    /// The card.
    pub card: PathBuf,
    /// The list of datasets that the files were added to; none for forms that no trainer lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset_info: Option<PathBuf>,
    /// Lines that could not be used.
    pub skipped: usize,
    /// What should be known of it.
    pub warnings: Vec<String>,
}

pub(super) fn run(job: &ExportJob, watch: &Watch) -> Result<ExportReport, WorkbenchError> {
    loading::check_output(&job.out)?;
    loading::check_replaces(&job.out, job.replace)?;
    if let Some(Split { share, .. }) = job.split.filter(|split| !(0.0..1.0).contains(&split.share))
    {
        return Err(WorkbenchError::Wish(format!(
            "a share of {share} cannot be kept for validation; name one from 0 to below 1, such as 0.1"
        )));
    }
    let (pack, _) = pack::read(job.prompts.as_deref())?;
    let tokenizer = job.tokenizer.as_deref();
    let tokenizer = tokenizer.map(|name| loading::tokenizer(name, watch)).transpose()?;
    // A choice by number is one among all records, so a filter comes after it.
    let (inputs, later) = match &job.only {
        Some(_) => (Inputs { filter: None, ..job.inputs.clone() }, job.inputs.filter.as_ref()),
        None => (job.inputs.clone(), None),
    };
    let datasets = inputs.read(watch)?;
    let filtering = later.map(|wish| wish.prepare(watch)).transpose()?;
    let flags = filtering.map(|filtering| {
        datasets
            .iter()
            .map(|dataset| filtering.flags(dataset, watch))
            .collect::<Result<Vec<_>, _>>()
    });
    let flags = flags.transpose()?;
    let wanted = |at: usize, ix: usize| {
        let flag =
            |all: &Vec<Vec<bool>>| all.get(at).and_then(|flags| flags.get(ix)) == Some(&true);
        job.only.as_ref().is_none_or(|only| only.contains(&(at, ix)))
            && flags.as_ref().is_none_or(flag)
    };
    let wish = Wish {
        format: job.format,
        arm: job.arm,
        pack: &pack,
        tokenizer: tokenizer.as_ref().map(|(tokenizer, _)| tokenizer),
        split: job.split,
    };
    let mut rows = job.rows.clone();
    for path in &job.rows_files {
        rows.push(Arc::new(opening::rows_of(path, watch)?));
    }
    let mut exported = export::write(&datasets, &wanted, &wish, &job.out, watch)?;
    exported.card.facts.extend(coherence_facts(&datasets, &wanted, &rows));
    let card = job.out.with_extension("card.md");
    let text = report::card_markdown(&exported.card);
    write_atomic(&card, |file| file.write_all(text.as_bytes()))?;
    let mut dataset_info = export::register(job.format, &exported.path)?;
    if let Some((path, _)) = &exported.validation {
        dataset_info = export::register(job.format, path)?;
    }
    let skipped = loading::n_skipped(&datasets);
    Ok(ExportReport { exported, card, dataset_info, skipped, warnings: watch.warnings() })
}

/// Seed of the intervals of means; the default of the command line.
const SEED: u64 = 42;

/// What was measured of the written records, a line for each strategy and task; of a record that was
/// measured twice, the last row counts.
fn coherence_facts(
    datasets: &[Arc<Dataset>],
    wanted: &dyn Fn(usize, usize) -> bool,
    rows: &[Arc<Vec<Coherence>>],
) -> Vec<(String, String)> {
    let all = rows.iter().flat_map(|rows| rows.iter());
    let newest: BTreeMap<(&RecordId, &StrategyId), &Coherence> =
        all.map(|row| ((&row.id, &row.strategy), row)).collect();
    let mut written = Vec::new();
    for (at, dataset) in datasets.iter().enumerate().filter(|_| !newest.is_empty()) {
        let records = &dataset.records;
        for (ix, row) in records.rows().enumerate().filter(|(ix, _)| wanted(at, *ix)) {
            let measured = records.id(ix).and_then(|id| newest.get(&(&id, row.strategy)).copied());
            written.extend(measured);
        }
    }
    let summary = coherence::summarize(written, SEED);
    let fact = |group: &coherence::GroupSummary| {
        let strategy = report::strategy_title(&group.strategy);
        let told = [
            ("instruction gain", group.instruction_gain),
            ("from other contexts", group.instruction_gain_shuffled),
            ("answer gain", group.answer_gain),
            ("from other contexts", group.answer_gain_shuffled),
        ];
        let told = told.into_iter().filter_map(|(name, estimate)| Some(told_of(name, estimate?)));
        let told = told.collect::<Vec<String>>().join(", ");
        let name = format!("coherence, {}, {strategy}", report::task_title(&group.task));
        (name, format!("{told} (nats per token, {} measured by {})", group.n, summary.model))
    };
    summary.groups.iter().map(fact).collect()
}

fn told_of(name: &str, Estimate { mean, ci95: [from, to] }: Estimate) -> String {
    format!("{name} {mean:.2} (95% {from:.2} to {to:.2})")
}
