//! What is wrong with an expression.

/// An expression that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the filter cannot be read at character {column}: {problem}")]
pub struct FilterError {
    /// The character at which it stops making sense, from 1.
    pub column: usize,
    /// What is there, and what was expected.
    pub problem: String,
}

impl FilterError {
    /// An error at the byte `at` of `text`.
    pub(super) fn at(text: &str, at: usize, problem: impl Into<String>) -> Self {
        let before = text.char_indices().take_while(|(place, _)| *place < at).count();
        Self { column: before + 1, problem: problem.into() }
    }
}
