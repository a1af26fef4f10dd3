//! What a cutoff does to training records, before anything is trained.
//!
//! A record's sequence is what is trained on: its prompt as `lengths` counts it, and its first answer; the
//! end-of-turn token is left out. It is cut as a whole, as trainers cut it, so that a cutoff that keeps the
//! head takes the answer away first.

mod sequence;
#[cfg(test)]
mod tests;

pub use sequence::Sequence;

use super::{LengthsError, Prompts};
use crate::data::{Dataset, Record, StrategyId};
use crate::job::Watch;
use crate::prompt::Task;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::Range;

/// What is done with a sequence that is longer than the cutoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The record is left out.
    Drop,
    /// The head is kept: as many tokens from the begin as fit.
    Head,
    /// The tail is kept: as many tokens up to the end as fit.
    Tail,
    /// The middle is taken out: the first half and the last half of what fits are kept, the last one the
    /// larger of the two.
    Middle,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Self; 4] = [Self::Drop, Self::Head, Self::Tail, Self::Middle];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Head => "head",
            Self::Tail => "tail",
            Self::Middle => "middle",
        }
    }

    /// The tokens of `n` that are lost, by their places.
    pub fn lost(self, n: usize, cutoff: usize) -> Range<usize> {
        let Some(over) = n.checked_sub(cutoff).filter(|over| *over > 0) else { return 0..0 };
        match self {
            Self::Drop => 0..n,
            Self::Head => cutoff..n,
            Self::Tail => 0..over,
            Self::Middle => cutoff / 2..cutoff / 2 + over,
        }
    }
}

/// What the records of one strategy and task lose.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loss {
    /// The strategy.
    pub strategy: StrategyId,
    /// The task.
    pub task: String,
    /// Records.
    pub n: usize,
    /// Records that are longer than the cutoff.
    pub over: usize,
    /// Tokens of all records.
    pub tokens: u64,
    /// Tokens that are lost.
    pub tokens_lost: u64,
    /// Their share, 0 to 1.
    pub share_lost: f64,
    /// Records that say with a `gold_span` which part of the context they are about.
    pub with_gold: usize,
    /// Of these, how many lose all of that part.
    pub gold_cut_fully: usize,
    /// Of these, how many lose some of it.
    pub gold_cut_partly: usize,
    /// Records with an answer in the context; yes, no and the like are not looked for.
    pub with_answer: usize,
    /// Of these, how many keep it nowhere.
    pub answers_lost: usize,
    /// Places in contexts where an answer stands.
    pub occurrences: usize,
    /// Of these, how many are no longer whole.
    pub occurrences_lost: usize,
    /// Records with an answer to train on.
    pub targets: usize,
    /// Of these, how many lose all of it.
    pub targets_cut_fully: usize,
    /// Of these, how many lose some of it.
    pub targets_cut_partly: usize,
    /// Tokens of answers to train on that are lost.
    pub target_tokens_lost: u64,
    /// The smallest cutoff at which nothing is lost, in tokens.
    pub lossless_cutoff: usize,
}

/// One cutoff and policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Simulated {
    /// Tokens.
    pub cutoff: usize,
    /// What is done with longer sequences.
    pub policy: Policy,
    /// One per strategy and task.
    pub groups: Vec<Loss>,
}

/// The task's rank and name, and the strategy.
type Key = (usize, String, StrategyId);

/// The sequences of records, by strategy and task.
#[derive(Debug, Clone, Default)]
pub struct Sequences {
    groups: BTreeMap<Key, Vec<Sequence>>,
    /// Records without an instruction, which are no training records.
    pub n_left_out: usize,
}

impl Sequences {
    /// Writes and measures the records' sequences.
    ///
    /// # Errors
    /// See [`LengthsError`]; [`LengthsError::NoTokenizer`] where there is none.
    pub fn of(
        datasets: &[impl Borrow<Dataset>],
        prompts: &Prompts<'_>,
        watch: &Watch,
    ) -> Result<Self, LengthsError> {
        let all = || datasets.iter().map(|dataset| &dataset.borrow().records);
        watch.stage("measuring sequences", all().map(|records| records.len() as u64).sum());
        let mut sequences = Self::default();
        for records in all() {
            let measure = |_, record: &Record| sequence::of(record, prompts);
            let found = records.par_map::<_, LengthsError>(watch, measure)?;
            for (row, found) in records.rows().zip(found) {
                let key = (Task::rank(row.task), row.task.to_owned(), row.strategy.clone());
                match found {
                    Some(sequence) => sequences.groups.entry(key).or_default().push(sequence),
                    None => sequences.n_left_out += 1,
                }
            }
        }
        Ok(sequences)
    }

    /// What a cutoff does.
    pub fn cut(&self, cutoff: usize, policy: Policy) -> Simulated {
        let loss = |((_, task, strategy), sequences): (&Key, &Vec<Sequence>)| {
            loss(strategy, task, sequences, |n| policy.lost(n, cutoff))
        };
        Simulated { cutoff, policy, groups: self.groups.iter().map(loss).collect() }
    }
}

/// How much of a part is lost.
#[derive(PartialEq)]
enum Cut {
    Not,
    Partly,
    Fully,
}

fn cut(part: &Range<usize>, lost: &Range<usize>) -> Cut {
    let n = part.end.min(lost.end).saturating_sub(part.start.max(lost.start));
    match n {
        0 => Cut::Not,
        n if n == part.len() => Cut::Fully,
        _ => Cut::Partly,
    }
}

fn loss(
    strategy: &StrategyId,
    task: &str,
    sequences: &[Sequence],
    lost_of: impl Fn(usize) -> Range<usize>,
) -> Loss {
    let mut loss = Loss {
        strategy: strategy.clone(),
        task: task.to_owned(),
        n: sequences.len(),
        over: 0,
        tokens: 0,
        tokens_lost: 0,
        share_lost: 0.0,
        with_gold: 0,
        gold_cut_fully: 0,
        gold_cut_partly: 0,
        with_answer: 0,
        answers_lost: 0,
        occurrences: 0,
        occurrences_lost: 0,
        targets: 0,
        targets_cut_fully: 0,
        targets_cut_partly: 0,
        target_tokens_lost: 0,
        lossless_cutoff: sequences.iter().map(|sequence| sequence.n_tokens).max().unwrap_or(0),
    };
    for Sequence { n_tokens, gold, answers, target } in sequences {
        let lost = lost_of(*n_tokens);
        loss.over += usize::from(!lost.is_empty());
        loss.tokens += *n_tokens as u64;
        loss.tokens_lost += lost.len() as u64;
        if let Some(gold) = gold {
            let cut = cut(gold, &lost);
            loss.with_gold += 1;
            loss.gold_cut_fully += usize::from(cut == Cut::Fully);
            loss.gold_cut_partly += usize::from(cut == Cut::Partly);
        }
        if !answers.is_empty() {
            let n_lost = answers.iter().filter(|place| cut(place, &lost) != Cut::Not).count();
            loss.with_answer += 1;
            loss.answers_lost += usize::from(n_lost == answers.len());
            loss.occurrences += answers.len();
            loss.occurrences_lost += n_lost;
        }
        if !target.is_empty() {
            let cut = cut(target, &lost);
            loss.targets += 1;
            loss.targets_cut_fully += usize::from(cut == Cut::Fully);
            loss.targets_cut_partly += usize::from(cut == Cut::Partly);
            let n_lost = target.end.min(lost.end).saturating_sub(target.start.max(lost.start));
            loss.target_tokens_lost += n_lost as u64;
        }
    }
    loss.share_lost = loss.tokens_lost as f64 / (loss.tokens as f64).max(1.0);
    loss
}
