//! Making new records: the two strategies of the paper, and making them longer ([`extension`]).
//!
//! Here belong what to ask, what a reply must be, and what a made record says of its origin
//! (`PAPER.md` section 1). The loop that asks belongs in `drive`; journal and files in `workbench`.

mod context_synthesis;
mod draft;
pub mod extension;
mod instruction_synthesis;
mod outcome;
mod text;

pub use context_synthesis::ContextSynthesis;
pub use draft::{Drafting, Plan};
pub use instruction_synthesis::{CHUNK_WORDS, InstructionSynthesis};
pub use outcome::{Attempt, Made, NewRecord, Origin, Outcome, Rejected, RejectedRecord};
pub use text::{n_words, repeated_share};

use crate::data::{Record, StrategyId};
use crate::prompt::{Conversation, PromptError};
use crate::seed::Stream;

/// What a strategy asks of a record for one blank of the assistant's turn, or what it made.
pub enum Step {
    /// Ask with these values for the prompt's blanks.
    Ask {
        /// Values for the blanks of the system and user parts.
        values: Vec<(&'static str, String)>,
    },
    /// The record is made.
    Done(Box<NewRecord>),
}

/// A record on its way: what a strategy decides from.
pub struct Draft<'a> {
    /// The seed.
    pub seed: &'a Record,
    /// The number of words asked for.
    pub n_words: usize,
    /// What the model wrote so far in this attempt, stage by stage, trimmed.
    pub replies: &'a [String],
    /// The conversation that leads to the replies.
    pub conversation: &'a Conversation,
    /// The seed of the whole run.
    pub run_seed: u64,
}

impl Draft<'_> {
    /// The record's own random numbers for `purpose`.
    pub fn stream(&self, purpose: &str) -> Stream {
        Stream::new(self.run_seed, self.seed.id.as_str(), purpose)
    }
}

/// A way to make a record from a seed. Pure: the same draft gives the same step, so that prompts
/// can be shown and tested without a model.
pub trait Strategy: Send + Sync {
    /// Its name.
    fn id(&self) -> StrategyId;
    /// Our prompt for it.
    fn prompt_text(&self) -> &'static str;
    /// Tokens that a reply must have before the model may end it.
    fn least_tokens(&self) -> usize {
        0
    }
    /// Reads a prompt file for it.
    ///
    /// # Errors
    /// [`PromptError`] with the line or blank.
    fn conversation(&self, text: &str) -> Result<Conversation, PromptError>;
    /// What comes next.
    ///
    /// # Errors
    /// [`Rejected`]: the seed or the last reply will not do.
    fn step(&self, draft: &Draft<'_>) -> Result<Step, Rejected>;
}

/// The strategy that `name` means: `context`, `context_synthesis`, `instruction`, …
pub fn strategy(name: &str) -> Option<Box<dyn Strategy>> {
    match name {
        "context" | "context_synthesis" => Some(Box::new(ContextSynthesis)),
        "instruction" | "instruction_synthesis" => Some(Box::new(InstructionSynthesis)),
        _ => None,
    }
}
