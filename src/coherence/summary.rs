//! Means, intervals and AUC per strategy and task.

use super::{Coherence, Negatives};
use crate::data::StrategyId;
use crate::prompt::Task;
use crate::seed::Stream;
use crate::stats;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const RESAMPLES: usize = 2000;

/// A mean with its 95% interval (percentile bootstrap over records).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean over the records that have a value.
    pub mean: f64,
    /// Lower and upper end.
    pub ci95: [f64; 2],
}

/// The records of one strategy and task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupSummary {
    /// The strategy.
    pub strategy: StrategyId,
    /// The task.
    pub task: String,
    /// Records.
    pub n: usize,
    /// See [`Coherence::instruction_gain`].
    pub instruction_gain: Option<Estimate>,
    /// See [`Coherence::instruction_gain_shuffled`].
    pub instruction_gain_shuffled: Option<Estimate>,
    /// See [`Coherence::answer_gain`].
    pub answer_gain: Option<Estimate>,
    /// See [`Coherence::answer_gain_shuffled`].
    pub answer_gain_shuffled: Option<Estimate>,
    /// See [`Coherence::instruction_dependence`].
    pub instruction_dependence: Option<Estimate>,
    /// See [`Coherence::answer_dependence`].
    pub answer_dependence: Option<Estimate>,
    /// See [`Coherence::context_ifd`].
    pub context_ifd: Option<Estimate>,
    /// See [`Coherence::own_rank`].
    pub own_rank: Option<Estimate>,
    /// Share of the answers, yes and no left out, that stand in their context.
    pub answer_in_context: Option<Estimate>,
    /// See [`Coherence::instruction_overlap`].
    pub instruction_overlap: Option<Estimate>,
    /// Cohen's d of the pairs: the mean of [`Coherence::instruction_dependence`] in its standard
    /// deviations; null where all are equal.
    pub effect_instruction: Option<f64>,
    /// The same of [`Coherence::answer_dependence`].
    pub effect_answer: Option<f64>,
    /// Mean over records of the share of other contexts that the own one beats.
    pub auc_instruction: Option<f64>,
    /// Its 95% interval.
    pub auc_instruction_ci95: Option<[f64; 2]>,
    /// The same for the answer.
    pub auc_answer: Option<f64>,
    /// Its 95% interval.
    pub auc_answer_ci95: Option<[f64; 2]>,
}

/// What `backstory coherence --json` prints.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// The scoring model.
    pub model: String,
    /// Where it ran.
    pub device: String,
    /// Other contexts per record (K).
    pub shuffles: usize,
    /// How they were chosen.
    pub negatives: Negatives,
    /// One per strategy and task.
    pub groups: Vec<GroupSummary>,
    /// Positions that went through the model.
    pub tokens_computed: u64,
    /// Positions that separate passes would have taken.
    pub tokens_naive: u64,
    /// Seconds.
    pub elapsed_secs: f64,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

/// Groups the rows by strategy and task, in the paper's order of tasks. Model and number of shuffles
/// are those that the rows name.
pub fn summarize<'a>(rows: impl IntoIterator<Item = &'a Coherence>, seed: u64) -> Summary {
    let mut groups: BTreeMap<(&str, usize, &str), Vec<&Coherence>> = BTreeMap::new();
    let mut models = BTreeSet::new();
    let mut shuffles = 0;
    for row in rows {
        let key = (row.strategy.as_str(), Task::rank(&row.task), row.task.as_str());
        groups.entry(key).or_default().push(row);
        models.insert(row.model.as_str());
        shuffles = shuffles.max(row.shuffles);
    }
    models.remove("");
    let model = models.into_iter().collect::<Vec<_>>().join(" and ");
    let groups = groups.into_values().map(|rows| group(&rows, seed)).collect();
    Summary { groups, model, shuffles, ..Summary::default() }
}

fn group(rows: &[&Coherence], seed: u64) -> GroupSummary {
    let (strategy, task) = (rows[0].strategy.clone(), rows[0].task.clone());
    let estimate = |name: &str, pick: fn(&Coherence) -> Option<f64>| {
        let values: Vec<f64> = rows.iter().filter_map(|row| pick(row)).collect();
        let purpose = format!("bootstrap/{strategy}/{task}/{name}");
        let mut stream = Stream::new(seed, "", &purpose);
        let interval = stats::bootstrap_mean_ci(&values, 0.95, RESAMPLES, &mut || stream.bits());
        stats::mean(&values).zip(interval).map(|(mean, (lo, hi))| Estimate { mean, ci95: [lo, hi] })
    };
    let effect = |pick: fn(&Coherence) -> Option<f64>| {
        let differences: Vec<f64> = rows.iter().filter_map(|row| pick(row)).collect();
        stats::cohens_dz(&differences)
    };
    let auc_instruction = estimate("auc_instruction", |row| row.auc_instruction);
    let auc_answer = estimate("auc_answer", |row| row.auc_answer);
    GroupSummary {
        n: rows.len(),
        instruction_gain: estimate("instruction_gain", |row| row.instruction_gain),
        instruction_gain_shuffled: estimate("instruction_gain_shuffled", |row| {
            row.instruction_gain_shuffled
        }),
        answer_gain: estimate("answer_gain", |row| row.answer_gain),
        answer_gain_shuffled: estimate("answer_gain_shuffled", |row| row.answer_gain_shuffled),
        instruction_dependence: estimate("instruction_dependence", |row| {
            row.instruction_dependence
        }),
        answer_dependence: estimate("answer_dependence", |row| row.answer_dependence),
        context_ifd: estimate("context_ifd", |row| row.context_ifd),
        own_rank: estimate("own_rank", |row| row.own_rank),
        answer_in_context: estimate("answer_in_context", |row| {
            row.answer_in_context.map(|found| f64::from(u8::from(found)))
        }),
        instruction_overlap: estimate("instruction_overlap", |row| row.instruction_overlap),
        effect_instruction: effect(|row| row.instruction_dependence),
        effect_answer: effect(|row| row.answer_dependence),
        auc_instruction: auc_instruction.map(|estimate| estimate.mean),
        auc_instruction_ci95: auc_instruction.map(|estimate| estimate.ci95),
        auc_answer: auc_answer.map(|estimate| estimate.mean),
        auc_answer_ci95: auc_answer.map(|estimate| estimate.ci95),
        strategy,
        task,
    }
}
