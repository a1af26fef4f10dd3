//! What a conversation about a seed comes to.

use crate::data::{Record, RecordId, StrategyId};
use crate::model::{Finish, Sampling};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Why a reply or a seed will not do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejected {
    /// The seed lacks a field.
    #[error("the seed has no {field}; {next}")]
    MissingField {
        /// The field.
        field: &'static str,
        /// What to do.
        next: &'static str,
    },
    /// Nothing was written for a part.
    #[error("the reply has no {part}")]
    Empty {
        /// The part.
        part: String,
    },
    /// Too few words.
    #[error("the {part} has {n_words} words, fewer than {least}")]
    TooShort {
        /// The part.
        part: String,
        /// Words there are.
        n_words: usize,
        /// Words there must be.
        least: usize,
    },
    /// A marker of the conversation stands inside the text.
    #[error("the {part} contains the marker `{marker}`")]
    Marker {
        /// The part.
        part: String,
        /// The marker.
        marker: String,
    },
    /// The text repeats itself.
    #[error("{percent}% of the {part}'s runs of eight words are repetitions")]
    Repeats {
        /// The part.
        part: String,
        /// Share in percent.
        percent: u32,
    },
    /// The prompt leaves no room.
    #[error(
        "the prompt has {n_tokens} tokens and leaves no room in the model's window of {window}; take a \
         model with a longer window"
    )]
    TooLong {
        /// Tokens of the prompt.
        n_tokens: usize,
        /// The model's window.
        window: usize,
    },
    /// The prompt has a blank that cannot be filled.
    #[error("the prompt cannot be filled: {0}")]
    Prompt(String),
}

/// One try at a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// What the model wrote, stage by stage, the given markers left out.
    pub replies: Vec<String>,
    /// Why it was not taken; `None` for the one that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<String>,
    /// How the last reply ended.
    pub finish: Finish,
    /// Tokens of the prompts.
    pub tokens_in: u64,
    /// Tokens written.
    pub tokens_out: u64,
}

/// What is the same for all records of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The model's name.
    pub model: String,
    /// SHA-256 of the model file.
    pub model_sha256: String,
    /// Where it ran.
    pub device: String,
    /// The prompt's name: the strategy's, or the user's file name.
    pub prompt: String,
    /// SHA-256 of the prompt's text.
    pub prompt_sha256: String,
    /// How tokens were chosen.
    pub sampling: Sampling,
    /// The number of words asked for.
    pub words: usize,
    /// The seed of the run.
    pub seed: u64,
    /// The program's version.
    pub version: String,
}

/// The fields that a strategy made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRecord {
    /// The question or request.
    pub instruction: String,
    /// The answers.
    pub answers: Vec<String>,
    /// The document.
    pub context: String,
    /// Further fields, such as `chunk_span`.
    pub extra: Map<String, Value>,
}

/// A made record with its tries.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The record; its id is set when the dataset is written.
    pub record: Record,
    /// Every try, the taken one last.
    pub attempts: Vec<Attempt>,
}

/// A seed that came to nothing: a line of `F.rejected.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedRecord {
    /// The seed.
    pub seed_id: RecordId,
    /// The seed's task.
    pub task: String,
    /// The strategy that was tried.
    pub strategy: StrategyId,
    /// The file that the seed came from.
    pub source: String,
    /// Its line there.
    pub line: usize,
    /// Why the last try was not taken.
    pub reason: String,
    /// What the model wrote in the last try.
    pub raw_reply: String,
    /// Every try.
    pub attempts: Vec<Attempt>,
    /// What made them.
    pub provenance: Origin,
}

/// What a conversation about a seed comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A record.
    Made(Box<Made>),
    /// Nothing, and why.
    Rejected(Box<RejectedRecord>),
}
