//! One frame for all conditions: chat template and task prompt, with a context, with another one,
//! or with none. The whole text is tokenized at once; parts are found by their bytes.

use super::CoherenceError;
use crate::data::Record;
use crate::job::Watch;
use crate::model::{self, LanguageModel, Message, ScoreRequest, Token};
use crate::prompt::TaskPrompt;
use std::ops::Range;

/// A record's text under one condition, as tokens.
pub struct Framed {
    tokens: Vec<u32>,
    /// Token places of the instruction and of the answer.
    pub instruction: Range<usize>,
    pub answer: Range<usize>,
}

impl Framed {
    pub fn request(&self) -> ScoreRequest {
        let scored = vec![self.instruction.clone(), self.answer.clone()];
        ScoreRequest { tokens: self.tokens.clone(), scored }
    }

    /// The scored ids: instruction, answer.
    pub fn ids(&self) -> (&[u32], &[u32]) {
        (&self.tokens[self.instruction.clone()], &self.tokens[self.answer.clone()])
    }

    /// Positions read by two passes from nothing, one for the instruction and one for the answer.
    pub fn n_naive(&self) -> u64 {
        (self.instruction.end.saturating_sub(1) + self.answer.end.saturating_sub(1)) as u64
    }
}

/// A context as the model gets it.
pub struct Fitted {
    pub text: String,
    /// Tokens of the whole context.
    pub n_tokens: usize,
    /// Tokens that are left of it.
    pub n_kept: usize,
}

/// Frames the records of one task.
pub struct Framer<'a> {
    pub model: &'a dyn LanguageModel,
    pub prompt: TaskPrompt,
    pub task: &'a str,
}

impl Framer<'_> {
    /// The record's instruction and answer around `context`.
    pub fn frame(&self, record: &Record, context: &str) -> Result<Framed, CoherenceError> {
        let filled = self
            .prompt
            .fill(context.trim(), record.instruction.trim())
            .map_err(|source| CoherenceError::Prompt { task: self.task.to_owned(), source })?;
        let asked = filled.range("instruction").unwrap_or_default();
        let user = filled.text;
        let message = Message::new("user", user.clone());
        let (template, tokenizer) = (self.model.template(), self.model.tokenizer());
        let chat = model::chat_tokens(template, tokenizer, &[message], record.answer().trim())?;
        let [user_bytes, answer_bytes] = &chat.content[..] else {
            let n = chat.content.len();
            return Err(model::Error::Request(format!("{n} contents in a chat of two")).into());
        };
        // A template may trim the content; then its ranges begin later.
        let cut = user.find(&chat.text[user_bytes.clone()]).unwrap_or(0);
        let shift = |at: usize| (at + user_bytes.start).saturating_sub(cut);
        Ok(Framed {
            instruction: overlapping(&chat.tokens, shift(asked.start)..shift(asked.end)),
            answer: overlapping(&chat.tokens, answer_bytes.clone()),
            tokens: chat.tokens.into_iter().map(|token| token.id).collect(),
        })
    }

    /// Every record's context, the middle taken out of those that do not fit. All records of a task
    /// get the same room, so that a context is the same text beside every instruction.
    pub fn fit_contexts(
        &self,
        records: &[&Record],
        watch: &Watch,
    ) -> Result<Vec<Fitted>, CoherenceError> {
        let window = self.model.info().window;
        let mut longest = 0;
        for record in records {
            let n_tokens = self.frame(record, "")?.tokens.len();
            if n_tokens >= window {
                return Err(CoherenceError::NoRoom {
                    id: record.id.to_string(),
                    task: self.task.to_owned(),
                    n_tokens,
                    window,
                });
            }
            longest = longest.max(n_tokens);
        }
        // Tokens may merge otherwise where the context begins and ends.
        let room = (window - longest).saturating_sub(8);
        let mut fitted = Vec::new();
        for record in records {
            watch.check().map_err(model::Error::from)?;
            let context = record.context.as_deref().unwrap_or_default().trim();
            let tokens = self.model.tokenizer().encode(context).map_err(model::Error::from)?;
            let text = if tokens.len() > room {
                without_middle(context, &tokens, room)
            } else {
                context.to_owned()
            };
            fitted.push(Fitted { text, n_tokens: tokens.len(), n_kept: tokens.len().min(room) });
        }
        Ok(fitted)
    }
}

/// The first and the last half of `room` tokens of `text`, as LongBench truncates.
fn without_middle(text: &str, tokens: &[Token], room: usize) -> String {
    let n_head = room / 2;
    let n_tail = room - n_head;
    let head = n_head.checked_sub(1).map_or(0, |last| tokens[last].bytes.end);
    let tail = tokens.get(tokens.len() - n_tail).map_or(text.len(), |token| token.bytes.start);
    format!("{}{}", &text[..head], &text[tail.max(head)..])
}

/// Places of the tokens that share a byte with `bytes`.
fn overlapping(tokens: &[Token], bytes: Range<usize>) -> Range<usize> {
    let first = tokens.iter().position(|token| token.bytes.end > bytes.start);
    let first = first.unwrap_or(tokens.len());
    let n = tokens[first..].iter().take_while(|token| token.bytes.start < bytes.end).count();
    first..first + n
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(ranges: &[Range<usize>]) -> Vec<Token> {
        ranges.iter().map(|bytes| Token { id: 0, bytes: bytes.clone() }).collect()
    }

    #[test]
    fn a_token_belongs_to_the_bytes_it_touches() {
        let all = tokens(&[0..2, 2..5, 5..5, 5..9, 9..12]);
        assert_eq!(overlapping(&all, 3..6), 1..4);
        assert_eq!(overlapping(&all, 2..5), 1..2);
        assert_eq!(overlapping(&all, 9..12), 4..5);
    }

    #[test]
    fn the_middle_goes() {
        let text = "aabbccdd";
        let all = tokens(&[0..2, 2..4, 4..6, 6..8]);
        assert_eq!(without_middle(text, &all, 3), "aaccdd");
        assert_eq!(without_middle(text, &all, 0), "");
    }
}
