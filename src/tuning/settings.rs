//! How to tune, in the field's own terms; the defaults suit small studies with adapters.

use crate::model::adapter::Projection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How examples are brought together into steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Batching {
    /// In random order.
    #[default]
    Packed,
    /// Those of similar length together, the batches in random order (LongAlign's sorted batching).
    Sorted,
}

/// How to tune.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Rank of the adapter.
    pub rank: usize,
    /// LoRA's alpha: the change is scaled by alpha / rank.
    pub alpha: f64,
    /// Share of the adapter's inputs that a step drops, in `[0, 1)`.
    pub dropout: f64,
    /// The matrices that are adapted.
    pub targets: BTreeSet<Projection>,
    /// The peak of the learning rate.
    pub learning_rate: f64,
    /// How often every example is used.
    pub epochs: usize,
    /// Examples of a step.
    pub batch: usize,
    /// How they are chosen.
    pub batching: Batching,
    /// Tokens that are computed together; the packs of a step are accumulated. A longer example is a
    /// pack of its own.
    pub pack_tokens: usize,
    /// Tokens of an example; of a longer prompt the middle is left out. 0: the model's window.
    pub max_tokens: usize,
    /// Share of the steps in which the learning rate rises.
    pub warmup_ratio: f64,
    /// The norm to which gradients are clipped.
    pub max_grad_norm: f64,
    /// AdamW's decay of the weights.
    pub weight_decay: f64,
    /// The seed of the adapter's first values, of the order and of dropout.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rank: 8,
            alpha: 16.0,
            dropout: 0.0,
            targets: Projection::ALL.into(),
            learning_rate: 2e-4,
            epochs: 2,
            batch: 8,
            batching: Batching::Packed,
            pack_tokens: 2048,
            max_tokens: 0,
            warmup_ratio: 0.03,
            max_grad_norm: 1.0,
            weight_decay: 0.0,
            seed: 0,
        }
    }
}

impl Settings {
    /// What is wrong with the settings, if anything, with the name of the setting.
    pub fn fault(&self) -> Option<String> {
        let whole = |name: &str, n: usize, most: usize| {
            (!(1..=most).contains(&n)).then(|| format!("`{name}` is {n}; take 1 to {most}"))
        };
        let real = |name: &str, x: f64, from: f64, to: f64| {
            let fits = x.is_finite() && x >= from && x <= to;
            (!fits).then(|| format!("`{name}` is {x}; take {from} to {to}"))
        };
        whole("rank", self.rank, 1024)
            .or_else(|| real("alpha", self.alpha, 1e-6, 1e6))
            .or_else(|| real("dropout", self.dropout, 0.0, 0.95))
            .or_else(|| real("learning_rate", self.learning_rate, 0.0, 1.0))
            .or_else(|| whole("epochs", self.epochs, 10_000))
            .or_else(|| whole("batch", self.batch, 1 << 20))
            .or_else(|| whole("pack_tokens", self.pack_tokens, 1 << 24))
            .or_else(|| real("warmup_ratio", self.warmup_ratio, 0.0, 1.0))
            .or_else(|| real("max_grad_norm", self.max_grad_norm, 1e-9, 1e9))
            .or_else(|| real("weight_decay", self.weight_decay, 0.0, 10.0))
            .or_else(|| {
                let none = self.targets.is_empty();
                none.then(|| "`targets` is empty; name one of q_proj … down_proj".to_owned())
            })
    }

    /// Steps over so many examples.
    pub fn n_steps(&self, n_examples: usize) -> usize {
        n_examples.div_ceil(self.batch) * self.epochs
    }
}
