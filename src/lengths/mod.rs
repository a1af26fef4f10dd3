//! How long things are: characters, words and tokens of each field, per strategy and task.
//!
//! Drawing them belongs in `report`; what is wrong with a record belongs in `checks`.

mod prompts;
mod stored;
pub mod truncation;

pub use prompts::{Prompts, Written};

use crate::data::{DataError, Dataset, Record, StrategyId};
use crate::job::{Cancelled, Watch};
use crate::model::{self, ChatTemplate, Tokenizer, TokenizerError};
use crate::prompt::{PackError, PromptPack, Task};
use crate::stats::{self, Summary};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::collections::BTreeMap;

/// What can go wrong while lengths are counted.
#[derive(Debug, thiserror::Error)]
pub enum LengthsError {
    /// A text was refused by the tokenizer.
    #[error("counting the tokens of record {id}: {source}")]
    Tokenizer {
        /// The record.
        id: String,
        /// What is wrong.
        source: TokenizerError,
    },
    /// The chat template failed.
    #[error("rendering the prompt of record {id}: {source}")]
    Chat {
        /// The record.
        id: String,
        /// What is wrong.
        source: model::Error,
    },
    /// The task's prompt failed.
    #[error("the prompt of task `{task}` cannot be used: {source}")]
    Pack {
        /// The task.
        task: String,
        /// What is wrong.
        source: PackError,
    },
    /// A record could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Tokens are wanted and nobody counts them.
    #[error("there is no tokenizer to count tokens with; give one")]
    NoTokenizer,
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// A part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The document.
    Context,
    /// The question or request.
    Instruction,
    /// The first answer.
    Answer,
    /// The whole prompt: the task's prompt in the chat template with its generation header, the
    /// answer left out.
    Prompt,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Unicode characters.
    Chars,
    /// Runs of non-white-space.
    Words,
    /// Tokens; special tokens only in prompts.
    Tokens,
}

/// The lengths of one field of the records of one strategy and task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// The strategy.
    pub strategy: StrategyId,
    /// The task.
    pub task: String,
    /// The part of the records.
    pub field: Field,
    /// What is counted.
    pub unit: Unit,
    /// Count, mean, quantiles.
    #[serde(flatten)]
    pub summary: Summary,
    /// Every length, in the order of the records.
    #[serde(skip)]
    pub lengths: Vec<f64>,
    /// Which record each length is of, counted from 0 through all that were measured together; none
    /// where several measurements were merged.
    #[serde(skip)]
    pub records: Vec<u32>,
}

/// What `backstory lengths --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lengths {
    /// The tokenizer's name, if tokens were counted.
    pub tokenizer: Option<String>,
    /// One per strategy, task, field and unit.
    pub groups: Vec<Group>,
}

impl Lengths {
    /// The wanted groups of several measurements as those of one, as far as they counted the same
    /// tokens: a measurement with another tokenizer than the first adds no tokens.
    pub fn merged<'a>(
        parts: impl IntoIterator<Item = &'a Self>,
        is_wanted: impl Fn(&Group) -> bool,
    ) -> Self {
        let mut tokenizer = None;
        let mut grouped = Grouped::default();
        for part in parts {
            tokenizer = tokenizer.or_else(|| part.tokenizer.clone());
            let same = part.tokenizer == tokenizer;
            let fits = |group: &&Group| (same || group.unit != Unit::Tokens) && is_wanted(group);
            for group in part.groups.iter().filter(fits) {
                let Group { task, strategy, field, unit, lengths, .. } = group;
                grouped.add(task, strategy, *field, *unit, lengths, &[]);
            }
        }
        Self { tokenizer, groups: grouped.finish() }
    }
}

impl Lengths {
    /// The length of one part of each record of the dataset that alone was measured; `None` where it was
    /// not counted.
    pub fn of_each(&self, dataset: &Dataset, field: Field, unit: Unit) -> Vec<Option<f64>> {
        let mut all = vec![None; dataset.records.len()];
        for group in self.groups.iter().filter(|group| group.field == field && group.unit == unit) {
            for (record, length) in group.records.iter().zip(&group.lengths) {
                if let Some(place) = all.get_mut(*record as usize) {
                    *place = Some(*length);
                }
            }
        }
        all
    }
}

/// Lengths by task (in the paper's order), strategy, field and unit.
#[derive(Default)]
struct Grouped(BTreeMap<GroupKey, (Vec<f64>, Vec<u32>)>);

/// The task's rank and name, and the rest of what a group is of.
type GroupKey = (usize, String, StrategyId, Field, Unit);

impl Grouped {
    fn add(
        &mut self,
        task: &str,
        strategy: &StrategyId,
        field: Field,
        unit: Unit,
        ns: &[f64],
        records: &[u32],
    ) {
        let key = (Task::rank(task), task.to_owned(), strategy.clone(), field, unit);
        let (lengths, all) = self.0.entry(key).or_default();
        lengths.extend(ns);
        all.extend(records);
    }

    fn finish(self) -> Vec<Group> {
        let groups = self.0.into_iter();
        let group = |((_, task, strategy, field, unit), (lengths, records)): (_, (Vec<f64>, _))| {
            let summary = stats::summarize(&lengths)?;
            Some(Group { strategy, task, field, unit, summary, lengths, records })
        };
        groups.filter_map(group).collect()
    }
}

/// A length of one field in one unit.
type Count = (Field, Unit, f64);

/// What turns a record into a prompt and a text into tokens.
pub struct Counter<'a> {
    /// Counts tokens; without it only characters and words are counted.
    pub tokenizer: Option<&'a Tokenizer>,
    /// The model's chat; without it the prompt is the task's prompt alone.
    pub template: Option<&'a ChatTemplate>,
}

/// Measures all records of the datasets.
///
/// # Errors
/// See [`LengthsError`].
pub fn measure(
    datasets: &[impl Borrow<Dataset>],
    counter: &Counter<'_>,
    watch: &Watch,
) -> Result<Lengths, LengthsError> {
    let all = || datasets.iter().map(|dataset| &dataset.borrow().records);
    watch.stage("counting lengths", all().map(|records| records.len() as u64).sum());
    let mut grouped = Grouped::default();
    let mut n_before = 0;
    for records in all() {
        let counted =
            records.par_map::<_, LengthsError>(watch, |_, record| counter.count(record))?;
        for (ix, (row, counts)) in (n_before..).zip(records.rows().zip(counted)) {
            for (field, unit, n) in counts {
                grouped.add(row.task, row.strategy, field, unit, &[n], &[ix]);
            }
        }
        n_before += records.len() as u32;
    }
    let tokenizer = counter.tokenizer.map(|t| t.name().to_owned());
    Ok(Lengths { tokenizer, groups: grouped.finish() })
}

/// The length of one part of each record, in their order; `None` where a record lacks the part,
/// and for tokens without a tokenizer.
///
/// # Errors
/// See [`LengthsError`].
pub fn of_each(
    records: &[&Record],
    field: Field,
    unit: Unit,
    counter: &Counter<'_>,
    watch: &Watch,
) -> Result<Vec<Option<f64>>, LengthsError> {
    watch.stage("counting lengths", records.len() as u64);
    let length = |record: &&Record| {
        if watch.is_cancelled() {
            return Err(Cancelled.into());
        }
        let length = counter.length(record, field, unit)?;
        watch.advance(1);
        Ok(length)
    };
    records.par_iter().map(length).collect()
}

impl Counter<'_> {
    /// Every length of a record; a part that it lacks is left out.
    fn count(&self, record: &Record) -> Result<Vec<Count>, LengthsError> {
        let mut counts = Vec::new();
        for field in [Field::Context, Field::Instruction, Field::Answer, Field::Prompt] {
            counts.extend(self.count_field(record, field)?);
        }
        Ok(counts)
    }

    /// The length of one part of a record; `None` where it lacks the part, and for tokens without a
    /// tokenizer.
    ///
    /// # Errors
    /// See [`LengthsError`].
    pub fn length(
        &self,
        record: &Record,
        field: Field,
        unit: Unit,
    ) -> Result<Option<f64>, LengthsError> {
        let counts = self.count_field(record, field)?;
        Ok(counts.into_iter().find(|count| count.1 == unit).map(|count| count.2))
    }

    fn count_field(&self, record: &Record, field: Field) -> Result<Vec<Count>, LengthsError> {
        let context = record.context.as_deref();
        let text = match field {
            Field::Context => context,
            Field::Instruction => Some(record.instruction.as_str()),
            Field::Answer => Some(record.answer()),
            Field::Prompt => {
                let context = context.filter(|_| !record.instruction.is_empty());
                return context.map_or(Ok(Vec::new()), |text| self.count_prompt(record, text));
            }
        };
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Vec::new()) };
        let mut counts = plain_counts(field, text).to_vec();
        if let Some(tokenizer) = self.tokenizer {
            let at_record = |source| LengthsError::Tokenizer { id: record.id.to_string(), source };
            counts.push((field, Unit::Tokens, tokenizer.count(text).map_err(at_record)? as f64));
        }
        Ok(counts)
    }

    fn count_prompt(&self, record: &Record, context: &str) -> Result<Vec<Count>, LengthsError> {
        let pack = PromptPack::own();
        let Self { tokenizer, template } = *self;
        let written = Prompts { pack: &pack, tokenizer, template }.write(record, context, "")?;
        let mut counts = plain_counts(Field::Prompt, &written.text).to_vec();
        let n_tokens = written.tokens.map(|tokens| tokens.len());
        counts.extend(n_tokens.map(|n| (Field::Prompt, Unit::Tokens, n as f64)));
        Ok(counts)
    }
}

fn plain_counts(field: Field, text: &str) -> [Count; 2] {
    [
        (field, Unit::Chars, text.chars().count() as f64),
        (field, Unit::Words, text.split_whitespace().count() as f64),
    ]
}
