//! The paper's analytic tool (`PAPER.md` section 3): the same model tuned on the same pairs with and
//! without their contexts, and what that changes.
//!
//! Here belong the arms, low-rank adaptation on the CPU, and the gap. Running a study belongs in
//! `workbench`, drawing it in `report`; adapters' files and the models that read them in `model`.

mod arms;
mod attention;
mod body;
mod example;
mod gap;
mod kernels;
mod layer;
mod lora;
mod optimizer;
mod order;
mod pack;
mod settings;
mod state;
mod tensors;
#[cfg(test)]
mod tests;
mod train;
mod trainable;

pub use arms::{ArmsError, LeftOut, Matched, Pool, example, examples, matched};
pub use body::Body;
pub use example::{Example, Framer};
pub use gap::{
    Estimate, GapRow, GapStudy, Group, Measure, Point, Proxies, Proxy, Rank, Reference, Run, Tuned,
    Validation, study,
};
pub use settings::{Batching, Settings};
pub use tensors::Tensors;
pub use train::{Base, COURSE, Needs, Step, Trained, Training, forget, is_begun, needs, speed};
pub use trainable::Trainable;

use crate::job::Cancelled;
use crate::model;
use std::path::PathBuf;

/// What can go wrong in a training.
#[derive(Debug, thiserror::Error)]
pub enum TuningError {
    /// A setting that makes no sense.
    #[error("these settings cannot be used: {0}")]
    Settings(String),
    /// An answer that leaves no room.
    #[error(
        "record {id}: its answer has {n_answer} tokens, which leaves no room for a prompt within {most}; raise \
         max_tokens or leave the record out"
    )]
    NoRoom {
        /// The record.
        id: String,
        /// Tokens of the answer.
        n_answer: usize,
        /// Tokens of an example.
        most: usize,
    },
    /// The loss is no number any more.
    #[error("the loss of step {step} is {loss}: the training diverged; take a lower learning_rate")]
    Diverged {
        /// The step, from 1.
        step: usize,
        /// The loss.
        loss: f64,
    },
    /// The folder belongs to another training.
    #[error(
        "{folder} holds a training with other data, another model or other settings; choose another folder, or \
         throw that one away with --overwrite"
    )]
    Other {
        /// The folder.
        folder: PathBuf,
    },
    /// A file.
    #[error("cannot {verb} {path}: {source}")]
    File {
        /// What was attempted.
        verb: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The arithmetic on a device.
    #[error("the training's arithmetic failed: {0}")]
    Tensor(#[from] candle_core::Error),
    /// The model, its tokenizer or its template.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
