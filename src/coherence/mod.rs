//! Whether an instruction really depends on its context: likelihood measures per record and group.
//!
//! The definitions stand in `INTERFACE.md`, Coherence. They are training-free stand-ins for the
//! paper's tuning gap (`PAPER.md` section 3) and never share a name with it; the gap itself belongs
//! in `tuning`, figures and tables in `report`.

mod evidence;
mod frame;
mod measures;
mod negatives;
mod row;
mod summary;

pub use crate::metrics::is_yes_no;
pub use evidence::{answer_position, instruction_overlap};
pub use measures::Measure;
pub use negatives::Negatives;
pub use row::Coherence;
pub use summary::{Estimate, GroupSummary, Summary, summarize};

use crate::data::{DataError, Dataset, Record};
use crate::job::Watch;
use crate::model::{self, LanguageModel, ScoreRequest, TokenScores};
use crate::prompt::{PromptError, Task, TaskPrompt};
use frame::{Framed, Framer};
use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What can go wrong while coherence is measured.
#[derive(Debug, thiserror::Error)]
pub enum CoherenceError {
    /// The model failed.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// A task's prompt cannot be filled.
    #[error("the prompt of task `{task}` cannot be used: {source}")]
    Prompt {
        /// The task.
        task: String,
        /// What is wrong.
        source: PromptError,
    },
    /// A record could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Nothing to measure.
    #[error(
        "no record has an instruction, an answer and a context; join the contexts with --join, or make \
         them with `backstory synth`"
    )]
    NoRecords,
    /// The scored parts alone fill the window.
    #[error(
        "record {id} of task `{task}` has an instruction and answer of {n_tokens} tokens, too many for \
         the model's window of {window}; take a model with a longer window"
    )]
    NoRoom {
        /// The record.
        id: String,
        /// Its task.
        task: String,
        /// Tokens without any context.
        n_tokens: usize,
        /// The model's window.
        window: usize,
    },
}

/// How to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Contexts of other records that each record is compared with (K).
    pub n_shuffles: usize,
    /// How these are chosen.
    pub negatives: Negatives,
    /// Seed of the choice and of the bootstrap.
    pub seed: u64,
}

/// Rows and their summary.
pub struct Measured {
    /// One row per record, in the order of the datasets.
    pub rows: Vec<Coherence>,
    /// Means, intervals and AUC per strategy and task.
    pub summary: Summary,
    /// Records that lack a part.
    pub n_skipped: usize,
}

/// The conditions that one record is scored under.
struct Job<'a> {
    record: &'a Record,
    own: Framed,
    without: Framed,
    shuffled: Vec<Framed>,
    n_context_tokens: usize,
    n_kept_tokens: usize,
}

/// Measures every record that has an instruction, an answer and a context.
///
/// # Errors
/// See [`CoherenceError`].
pub fn measure(
    model: &mut dyn LanguageModel,
    datasets: &[impl Borrow<Dataset>],
    settings: Settings,
    watch: &Watch,
) -> Result<Measured, CoherenceError> {
    let started = std::time::Instant::now();
    let n_before = model.meter().work().reading.n_tokens;
    let mut jobs: Vec<(usize, Job<'_>)> = Vec::new();
    let mut n_skipped = 0;
    let mut place = 0;
    let datasets: Result<Vec<Vec<Arc<Record>>>, DataError> =
        datasets.iter().map(|dataset| dataset.borrow().records.all()).collect();
    let datasets = datasets?;
    for records in &datasets {
        let mut groups: BTreeMap<(usize, &str), Vec<(usize, &Record)>> = BTreeMap::new();
        for record in records {
            if is_whole(record) {
                let key = (Task::rank(&record.task), record.task.as_str());
                groups.entry(key).or_default().push((place, &**record));
                place += 1;
            } else {
                n_skipped += 1;
            }
        }
        for ((_, task), members) in groups {
            jobs.extend(prepare(model, task, &members, settings, watch)?);
        }
    }
    if n_skipped > 0 {
        watch.warn(format!("{n_skipped} records lack an instruction, an answer or a context"));
    }
    if jobs.is_empty() {
        return Err(CoherenceError::NoRecords);
    }
    let requests: Vec<ScoreRequest> =
        jobs.iter().flat_map(|(_, job)| job.framed().map(Framed::request)).collect();
    watch.stage("scoring", requests.len() as u64);
    let mut scores = model.score(&requests, watch)?.into_iter();
    let mut n_naive = 0;
    let mut rows: Vec<(usize, Coherence)> = Vec::new();
    for (place, job) in &jobs {
        n_naive += job.framed().map(Framed::n_naive).sum::<u64>();
        let scores: Vec<TokenScores> = scores.by_ref().take(2 + job.shuffled.len()).collect();
        rows.push((*place, row::row(job, &scores, &model.info().name)));
    }
    if rows.iter().any(|(_, row)| row.tokens_differ) {
        watch.warn("some instructions or answers are cut into other tokens beside another context; their gains are null");
    }
    rows.sort_by_key(|(place, _)| *place);
    let mut rows: Vec<Coherence> = rows.into_iter().map(|(_, row)| row).collect();
    leave_out_shared(&jobs, &mut rows, watch);
    warn_of_own_text(model, &jobs, watch);
    let mut summary = summary::summarize(&rows, settings.seed);
    summary.model = model.info().name.clone();
    summary.device = model.info().device.clone();
    summary.shuffles = settings.n_shuffles;
    summary.negatives = settings.negatives;
    summary.tokens_computed = model.meter().work().reading.n_tokens - n_before;
    summary.tokens_naive = n_naive;
    summary.elapsed_secs = started.elapsed().as_secs_f64();
    summary.warnings = watch.warnings();
    Ok(Measured { rows, summary, n_skipped })
}

impl Job<'_> {
    /// Own, without, then the shuffled ones.
    fn framed(&self) -> impl Iterator<Item = &Framed> {
        [&self.own, &self.without].into_iter().chain(&self.shuffled)
    }
}

fn is_whole(record: &Record) -> bool {
    let context = record.context.as_deref().unwrap_or_default();
    [&record.instruction, record.answer(), context].iter().all(|part| !part.trim().is_empty())
}

/// Frames the records of one task of one file.
fn prepare<'a>(
    model: &dyn LanguageModel,
    task: &str,
    members: &[(usize, &'a Record)],
    settings: Settings,
    watch: &Watch,
) -> Result<Vec<(usize, Job<'a>)>, CoherenceError> {
    let at_task = |source| CoherenceError::Prompt { task: task.to_owned(), source };
    let prompt = TaskPrompt::of(task).map_err(at_task)?;
    let framer = Framer { model, prompt, task };
    let records: Vec<&Record> = members.iter().map(|(_, record)| *record).collect();
    let contexts = framer.fit_contexts(&records, watch)?;
    let others = negatives::choose(&records, settings, watch);
    watch.stage(&format!("preparing {task}"), records.len() as u64);
    let mut jobs = Vec::new();
    for (ix, ((place, record), others)) in members.iter().zip(others).enumerate() {
        watch.check().map_err(model::Error::from)?;
        let frame = |context: &str| framer.frame(record, context);
        let shuffled: Result<Vec<Framed>, _> =
            others.iter().map(|other| frame(&contexts[*other].text)).collect();
        jobs.push((
            *place,
            Job {
                record,
                own: frame(&contexts[ix].text)?,
                without: frame("")?,
                shuffled: shuffled?,
                n_context_tokens: contexts[ix].n_tokens,
                n_kept_tokens: contexts[ix].n_kept,
            },
        ));
        watch.advance(1);
    }
    Ok(jobs)
}

/// Where all records of a strategy and task share one instruction, every context goes with it
/// equally well, so that its AUC says nothing.
fn leave_out_shared(jobs: &[(usize, Job<'_>)], rows: &mut [Coherence], watch: &Watch) {
    let mut groups: BTreeMap<(&str, &str), (usize, BTreeSet<&str>)> = BTreeMap::new();
    for (_, job) in jobs {
        let key = (job.record.task.as_str(), job.record.strategy.as_str());
        let (n, instructions) = groups.entry(key).or_default();
        *n += 1;
        instructions.insert(&job.record.instruction);
    }
    groups.retain(|_, (n, instructions)| *n > 1 && instructions.len() == 1);
    for ((task, strategy), (n, _)) in &groups {
        watch.warn(format!(
            "task `{task}` ({strategy}): all {n} records share one instruction, so its AUC says nothing \
             and is null"
        ));
    }
    for row in rows {
        if groups.contains_key(&(row.task.as_str(), row.strategy.as_str())) {
            row.auc_instruction = None;
        }
    }
}

/// A model finds its own text likely, whatever the context.
fn warn_of_own_text(model: &dyn LanguageModel, jobs: &[(usize, Job<'_>)], watch: &Watch) {
    let sha256 = model.info().sha256.as_str();
    let wrote = |record: &Record| {
        let provenance = record.extra.get("provenance");
        provenance.and_then(|p| p.get("model_sha256")).and_then(|v| v.as_str()) == Some(sha256)
    };
    let n = jobs.iter().filter(|(_, job)| wrote(job.record)).count();
    if n > 0 {
        watch.warn(format!(
            "{n} records were written by the very model that scores them, which inflates their gains; \
             compare instruction_overlap, and score with another model"
        ));
    }
}
