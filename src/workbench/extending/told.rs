//! What is told of a run: counts, lengths, and what should be known beside them.

use super::{ExtendJob, ExtendSize};
use crate::data::Record;
use crate::job::Watch;
use crate::prompt::Task;
use crate::stats;
use crate::synthesis::extension::{Outcome, Pool};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Records that are named in warnings; the report names all.
const NAMED: usize = 20;

/// What `backstory extend --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExtendReport {
    /// The file of records.
    pub path: PathBuf,
    /// Records that are longer than before.
    pub made: usize,
    /// Records that are in the file with their own context alone, because nothing could be added.
    pub kept: usize,
    /// Records that are not in the file.
    pub rejected: usize,
    /// Lines that could not be used.
    pub skipped: usize,
    /// The lengths of the prompts in the file, in tokens; null without a tokenizer.
    pub prompt_tokens: Option<Spread>,
    /// The same in words; null with a tokenizer.
    pub prompt_words: Option<Spread>,
    /// The lengths of the same records' prompts before, in the same unit.
    #[serde(skip)]
    pub before: Option<Spread>,
    /// How far the lengths were from the target's: Wasserstein distance in tokens (words without a
    /// tokenizer); null without a target.
    pub distance_before: Option<f64>,
    /// How far they are now.
    pub distance_after: Option<f64>,
    /// Made records by the number of contexts before the own one.
    pub positions: BTreeMap<usize, usize>,
    /// The rejected ones.
    pub left_out: Vec<LeftOutRecord>,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

/// A few quantiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The shortest.
    pub min: f64,
    /// The median.
    pub p50: f64,
    /// The longest.
    pub max: f64,
}

/// A record that is not in the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftOutRecord {
    /// Its id.
    pub id: String,
    /// The file that it is from.
    pub source: String,
    /// Its line there.
    pub line: usize,
    /// Why.
    pub reason: String,
}

/// Gathers what is told.
pub struct Telling {
    tests: Option<BTreeMap<String, Vec<u64>>>,
    unit: &'static str,
    made: usize,
    kept: usize,
    ran_out: BTreeMap<String, usize>,
    before: Vec<f64>,
    after: Vec<f64>,
    positions: BTreeMap<usize, usize>,
    left_out: Vec<LeftOutRecord>,
}

impl Telling {
    pub fn new(tests: Option<BTreeMap<String, Vec<u64>>>, unit: &'static str) -> Self {
        Self {
            tests,
            unit,
            made: 0,
            kept: 0,
            ran_out: BTreeMap::new(),
            before: Vec::new(),
            after: Vec::new(),
            positions: BTreeMap::new(),
            left_out: Vec::new(),
        }
    }

    /// Says of which tasks nobody can tell which context a record is about, and where there are no
    /// contexts to choose from.
    pub fn warn_of_tasks(&self, records: &[&Record], pool: &Pool<'_>, watch: &Watch) {
        let mut tasks: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
        for record in records {
            tasks.entry(record.task.as_str()).or_default().push(record);
        }
        for (task, records) in tasks {
            let instructions: BTreeSet<&str> =
                records.iter().map(|record| record.instruction.trim()).collect();
            let asks_nothing =
                ["gov_report", "multi_news", "vcsum"].contains(&Task::canonical(task));
            if asks_nothing || (records.len() > 1 && instructions.len() == 1) {
                watch.warn(format!(
                    "task `{task}`: all records ask the same, so that nothing in {} of them tells which of \
                     the joined contexts the answer is about; train on them as they are, or write \
                     instructions that name the document",
                    records.len()
                ));
            }
            if records.iter().all(|record| pool.n_for(record) == 0) {
                watch.warn(format!(
                    "task `{task}`: the pool has no context for its {} records; choose another --pool",
                    records.len()
                ));
            }
        }
    }

    /// Takes what came of a record.
    pub fn hear(&mut self, record: &Record, outcome: &Outcome) {
        match outcome {
            Ok(extended) => {
                match extended.n_distractors {
                    0 => self.kept += 1,
                    _ => {
                        self.made += 1;
                        *self.positions.entry(extended.slot).or_default() += 1;
                    }
                }
                if extended.ran_out {
                    *self.ran_out.entry(record.task.clone()).or_default() += 1;
                }
                self.before.extend(extended.before.map(|length| length as f64));
                self.after.extend(extended.after.map(|length| length as f64));
            }
            Err(reason) => self.left_out.push(LeftOutRecord {
                id: record.id.to_string(),
                source: record.source.path.display().to_string(),
                line: record.source.line,
                reason: reason.to_string(),
            }),
        }
    }

    /// Says what a person should know beside the numbers.
    pub fn warn(&self, job: &ExtendJob, watch: &Watch) {
        for LeftOutRecord { source, line, reason, .. } in self.left_out.iter().take(NAMED) {
            watch.warn(format!("{source}, line {line}: left out, {reason}"));
        }
        if let Some(more) = self.left_out.len().checked_sub(NAMED).filter(|more| *more > 0) {
            watch.warn(format!("{more} more records left out; --json names them all"));
        }
        let wanted = match &job.size {
            ExtendSize::Contexts(n) => format!("{n} contexts"),
            ExtendSize::Tokens(n) => format!("{n} tokens"),
            ExtendSize::Target(_) => "their target".to_owned(),
        };
        for (task, n) in &self.ran_out {
            watch.warn(format!(
                "task `{task}`: {n} records stay below {wanted}, for there are too few different contexts that \
                 do not hold their answer; add records, choose another --pool, or use --allow-answers"
            ));
        }
    }

    /// The report.
    pub fn report(self, path: &Path, skipped: usize, watch: &Watch) -> ExtendReport {
        let tests: Option<Vec<f64>> = self
            .tests
            .as_ref()
            .map(|tests| tests.values().flatten().map(|length| *length as f64).collect());
        let distance =
            |lengths: &[f64]| tests.as_ref().and_then(|tests| stats::wasserstein(lengths, tests));
        let spread = |lengths: &[f64]| {
            let stats::Summary { min, p50, max, .. } = stats::summarize(lengths)?;
            Some(Spread { min, p50, max })
        };
        let after = spread(&self.after);
        ExtendReport {
            path: path.to_owned(),
            made: self.made,
            kept: self.kept,
            rejected: self.left_out.len(),
            skipped,
            prompt_tokens: after.filter(|_| self.unit == "tokens"),
            prompt_words: after.filter(|_| self.unit == "words"),
            before: spread(&self.before),
            distance_before: distance(&self.before),
            distance_after: distance(&self.after),
            positions: self.positions,
            left_out: self.left_out,
            warnings: watch.warnings(),
        }
    }
}
