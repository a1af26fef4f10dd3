//! Tokens where there is a tokenizer, else words.

use crate::data::Record;
use crate::lengths::{LengthsError, Prompts};
use crate::synthesis::extension::Ruler;

/// Measures prompts as `lengths` does.
pub struct Ruling<'a>(pub Prompts<'a>);

impl Ruling<'_> {
    /// What is counted.
    pub fn unit(&self) -> &'static str {
        if self.0.tokenizer.is_some() { "tokens" } else { "words" }
    }
}

impl Ruler for Ruling<'_> {
    type Error = LengthsError;

    fn ends(&self, text: &str) -> Result<Vec<usize>, LengthsError> {
        let Some(tokenizer) = self.0.tokenizer else {
            // `split_whitespace` yields parts of the text, so their addresses tell their places.
            let end = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize + word.len();
            return Ok(text.split_whitespace().map(end).collect());
        };
        let failed = |source| {
            let begin: String = text.chars().take(40).collect();
            LengthsError::Tokenizer { id: format!("that begins {begin:?}"), source }
        };
        let tokens = tokenizer.encode(text).map_err(failed)?;
        Ok(tokens.into_iter().map(|token| token.bytes.end).collect())
    }

    fn prompt(&self, record: &Record, context: &str) -> Result<u64, LengthsError> {
        let written = self.0.write(record, context, "")?;
        Ok(match written.tokens {
            Some(tokens) => tokens.len(),
            None => written.text.split_whitespace().count(),
        } as u64)
    }
}
