//! What can go wrong while needles are hidden.

use crate::job::Cancelled;
use crate::model::{self, TokenizerError};
use crate::prompt::PromptError;

/// Why there is no needle test.
#[derive(Debug, thiserror::Error)]
pub enum NeedleError {
    /// A text in which nothing can be hidden.
    #[error("the haystack {name} cannot be used: {what}")]
    Haystack {
        /// The text.
        name: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// A text that is too short.
    #[error(
        "the haystack {name} has {n_tokens} tokens, and a prompt needs {n_filler} of it: a text is not \
         repeated; give a longer one, `bundled`, or shorter lengths"
    )]
    TooShort {
        /// The text.
        name: String,
        /// Tokens that it has.
        n_tokens: u64,
        /// Tokens that are needed.
        n_filler: u64,
    },
    /// A length that does not hold the needles.
    #[error(
        "the prompt of the task {task} with its needles alone takes {n_alone} tokens, more than {length}; \
         give a greater length, or 0 for the needles alone"
    )]
    TooSmall {
        /// The task.
        task: &'static str,
        /// Tokens of the prompt with the needles alone.
        n_alone: u64,
        /// The length that was asked for.
        length: u64,
    },
    /// No filler brings a prompt near its length.
    #[error(
        "no stretch of the haystack makes a prompt of {length} tokens or at most 24 fewer; give a text \
         with shorter sentences and words, or another length"
    )]
    Unfit {
        /// The length that was asked for.
        length: u64,
    },
    /// More keys than there are.
    #[error(
        "one file has {most} different keys at most, and no key comes twice; make several files with \
         different seeds, or fewer records"
    )]
    Keys {
        /// How many there are.
        most: usize,
    },
    /// Words that make no sense together.
    #[error("{0}")]
    Wish(String),
    /// The bundled text.
    #[error("the bundled haystack is damaged: {0}")]
    Town(String),
    /// The prompt's wording.
    #[error("the prompt of the needle tasks cannot be used: {0}")]
    Prompt(#[from] PromptError),
    /// The tokenizer.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The chat template.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl NeedleError {
    /// The error with the task in it, where it names one.
    pub(super) fn of_task(self, task: &'static str) -> Self {
        match self {
            Self::TooSmall { n_alone, length, .. } => Self::TooSmall { task, n_alone, length },
            other => other,
        }
    }
}
