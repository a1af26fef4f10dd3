//! The measures of one record.

use super::Job;
use super::evidence::{answer_position, instruction_overlap};
use super::frame::Framed;
use crate::data::{RecordId, StrategyId};
use crate::metrics::is_yes_no;
use crate::model::TokenScores;
use crate::stats;
use serde::{Deserialize, Serialize};

/// One record's coherence: a line of the coherence file. Gains are nats per token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coherence {
    /// The record.
    pub id: RecordId,
    /// Its seed.
    pub seed_id: RecordId,
    /// Its task.
    pub task: String,
    /// Its strategy.
    pub strategy: StrategyId,
    /// Tokens of the whole context.
    pub n_context_tokens: usize,
    /// Scored tokens of the instruction.
    pub n_instruction_tokens: usize,
    /// Scored tokens of the answer.
    pub n_answer_tokens: usize,
    /// \[log p(I|C) - log p(I)\] / n_I
    pub instruction_gain: Option<f64>,
    /// The same with other contexts, the mean over them.
    pub instruction_gain_shuffled: Option<f64>,
    /// \[log p(A|C,I) - log p(A|I)\] / n_A
    pub answer_gain: Option<f64>,
    /// The same with other contexts, the mean over them.
    pub answer_gain_shuffled: Option<f64>,
    /// Gain minus shuffled gain.
    pub instruction_dependence: Option<f64>,
    /// Gain minus shuffled gain.
    pub answer_dependence: Option<f64>,
    /// Mean NLL(A|C,I) / mean NLL(A|I); null when the denominator is under 0.01.
    pub context_ifd: Option<f64>,
    /// Rank of the own context among all by log p(I|·); 1 is best.
    pub own_rank: Option<f64>,
    /// Whether the answer stands in the context; null for yes and no.
    pub answer_in_context: Option<bool>,
    /// Where it first stands, 0 to 1.
    pub answer_position: Option<f64>,
    /// Share of the instruction's content words that are in the context.
    pub instruction_overlap: Option<f64>,
    /// Whether a part of the context was left out.
    pub truncated: bool,
    /// How: `middle`, or null.
    pub truncation: Option<String>,
    /// Tokens of the context that were kept.
    pub kept_tokens: usize,
    /// Whether the scored parts were cut into other tokens under some condition.
    pub tokens_differ: bool,
    /// The scoring model; empty where an earlier version wrote the row.
    #[serde(default)]
    pub model: String,
    /// Other contexts that the record was compared with.
    #[serde(default)]
    pub shuffles: usize,
    /// Share of the other contexts that the own one beats for the instruction, half for ties; null
    /// where all records of the strategy and task share one instruction, of which it says nothing.
    pub auc_instruction: Option<f64>,
    /// The same for the answer.
    pub auc_answer: Option<f64>,
}

/// Sums of log-probabilities of instruction and answer.
fn sums(framed: &Framed, scores: &TokenScores) -> (f64, f64) {
    let sum = |logprobs: &[f32]| logprobs.iter().map(|x| f64::from(*x)).sum();
    let (instruction, answer) = scores.logprobs.split_at(framed.instruction.len());
    (sum(instruction), sum(answer))
}

/// A measure of one part (instruction or answer) under all conditions, per token.
struct Part {
    own: f64,
    without: f64,
    shuffled: Vec<f64>,
}

impl Part {
    fn gain(&self) -> f64 {
        self.own - self.without
    }

    fn gain_shuffled(&self) -> Option<f64> {
        stats::mean(&self.shuffled).map(|mean| mean - self.without)
    }

    fn dependence(&self) -> Option<f64> {
        self.gain_shuffled().map(|shuffled| self.gain() - shuffled)
    }
}

/// The row of a record from the scores of its conditions: own, without, shuffled.
pub(super) fn row(job: &Job<'_>, scores: &[TokenScores], model: &str) -> Coherence {
    let ids = job.own.ids();
    let tokens_differ = job.framed().any(|framed| framed.ids() != ids);
    let (n_i, n_a) = (ids.0.len(), ids.1.len());
    let totals: Vec<(f64, f64)> =
        job.framed().zip(scores).map(|(framed, scores)| sums(framed, scores)).collect();
    let part = |n: usize, pick: fn(&(f64, f64)) -> f64| {
        let per_token: Vec<f64> = totals.iter().map(|t| pick(t) / n as f64).collect();
        let comparable = !tokens_differ && n > 0 && per_token.len() >= 2;
        comparable.then(|| Part {
            own: per_token[0],
            without: per_token[1],
            shuffled: per_token[2..].to_vec(),
        })
    };
    let instruction = part(n_i, |totals| totals.0);
    let answer = part(n_a, |totals| totals.1);
    let auc = |part: &Part| stats::auc_paired(part.own, &part.shuffled);
    let record = job.record;
    let context = record.context.as_deref().unwrap_or_default();
    let yes_no = is_yes_no(record.answer());
    let position = if yes_no {
        None
    } else {
        record.answers.iter().filter_map(|a| answer_position(a, context)).reduce(f64::min)
    };
    let truncated = job.n_kept_tokens < job.n_context_tokens;
    Coherence {
        id: record.id.clone(),
        seed_id: record.seed_id.clone(),
        task: record.task.clone(),
        strategy: record.strategy.clone(),
        n_context_tokens: job.n_context_tokens,
        n_instruction_tokens: n_i,
        n_answer_tokens: n_a,
        instruction_gain: instruction.as_ref().map(Part::gain),
        instruction_gain_shuffled: instruction.as_ref().and_then(Part::gain_shuffled),
        answer_gain: answer.as_ref().map(Part::gain),
        answer_gain_shuffled: answer.as_ref().and_then(Part::gain_shuffled),
        instruction_dependence: instruction.as_ref().and_then(Part::dependence),
        answer_dependence: answer.as_ref().and_then(Part::dependence),
        context_ifd: answer.as_ref().filter(|a| -a.without >= 0.01).map(|a| a.own / a.without),
        own_rank: instruction
            .as_ref()
            .filter(|part| !part.shuffled.is_empty())
            .and_then(|part| stats::mean_rank(part.own, &part.shuffled)),
        answer_in_context: (!yes_no).then_some(position.is_some()),
        answer_position: position,
        instruction_overlap: instruction_overlap(&record.instruction, context),
        truncated,
        truncation: truncated.then(|| "middle".to_owned()),
        kept_tokens: job.n_kept_tokens,
        tokens_differ,
        model: model.to_owned(),
        shuffles: job.shuffled.len(),
        auc_instruction: instruction.as_ref().and_then(auc),
        auc_answer: answer.as_ref().and_then(auc),
    }
}
