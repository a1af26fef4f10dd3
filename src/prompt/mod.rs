//! Words written for a model, and filling in the blanks.
//!
//! Here belong templates with named blanks, the table of tasks with their aliases and prompts, and
//! the conversations that ask for synthetic records. What is done with a reply belongs in
//! `synthesis`; the wire format of a model's chat belongs in `model`.

mod conversation;
mod needle;
mod pack;
mod task;
mod task_table;
mod template;

pub use conversation::{Conversation, Stage};
pub use pack::{PackError, PromptPack};
pub use task::{Language, Task, TaskKind, TaskPrompt};
pub use template::{Filled, Template};

/// A prompt that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// A brace that opens no blank, or one that is not closed.
    #[error(
        "line {line}: a `{{` that begins no blank such as `{{context}}`; write `{{{{` for a brace"
    )]
    Brace {
        /// 1-based line in the prompt.
        line: usize,
    },
    /// A blank that nothing fills.
    #[error("the blank `{{{name}}}` is not one of {known}")]
    UnknownBlank {
        /// The blank.
        name: String,
        /// What may be used.
        known: String,
    },
    /// A blank that must be there is not.
    #[error("the blank `{{{name}}}` is missing from the {section} part; it must be there once")]
    MissingBlank {
        /// The blank.
        name: String,
        /// The part of the conversation.
        section: &'static str,
    },
    /// The parts of a conversation are wrong.
    #[error(
        "line {line}: {what}; a conversation has the parts [system] (or not), [user] and [assistant], \
         each on a line of its own, in this order"
    )]
    Section {
        /// 1-based line in the prompt.
        line: usize,
        /// What is wrong.
        what: String,
    },
}
