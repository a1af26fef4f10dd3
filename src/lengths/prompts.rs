//! The whole prompt of a record as the model gets it, and how long it is.

use super::LengthsError;
use crate::data::Record;
use crate::model::{self, ChatTemplate, ChatTokens, Message, Tokenizer};
use crate::prompt::{Filled, PromptPack};
use std::ops::Range;

/// Writes prompts: the task's prompt, in the chat template with its generation header where there is one.
pub struct Prompts<'a> {
    /// The wording.
    pub pack: &'a PromptPack,
    /// The model's tokenizer, where tokens are wanted.
    pub tokenizer: Option<&'a Tokenizer>,
    /// The model's chat; without it the prompt is the task's prompt alone.
    pub template: Option<&'a ChatTemplate>,
}

/// A prompt, or a prompt with the begin of its answer.
pub struct Written {
    /// All of it.
    pub text: String,
    /// Its tokens, where there is a tokenizer.
    pub tokens: Option<Vec<model::Token>>,
    /// The bytes of the record's context in it, outer white space left out.
    pub context: Range<usize>,
    /// The bytes of the answer in it.
    pub answer: Range<usize>,
}

impl Prompts<'_> {
    /// The prompt of a record with `context` in place of its own, and what the answer begins with.
    ///
    /// # Errors
    /// See [`LengthsError`].
    pub fn write(
        &self,
        record: &Record,
        context: &str,
        answer: &str,
    ) -> Result<Written, LengthsError> {
        let at_task = |source| LengthsError::Pack { task: record.task.clone(), source };
        let filled = self
            .pack
            .fill(&record.task, context.trim(), record.instruction.trim())
            .map_err(at_task)?;
        self.put(record, filled, answer)
    }

    /// The prompt of a record that has no context, which is what it asks, and what the answer begins with.
    ///
    /// # Errors
    /// See [`LengthsError`].
    pub fn write_alone(&self, record: &Record, answer: &str) -> Result<Written, LengthsError> {
        let text = record.instruction.trim().to_owned();
        self.put(record, Filled { text, blanks: Vec::new() }, answer)
    }

    fn put(&self, record: &Record, filled: Filled, answer: &str) -> Result<Written, LengthsError> {
        let at_record =
            |source: model::Error| LengthsError::Chat { id: record.id.to_string(), source };
        let (Some(template), Some(tokenizer)) = (self.template, self.tokenizer) else {
            let context = filled.range("context").unwrap_or_default();
            let start = filled.text.len();
            let text = filled.text + answer;
            let tokens = self.tokenizer.map(|tokenizer| tokenizer.encode(&text)).transpose();
            let tokens = tokens.map_err(|error| at_record(error.into()))?;
            let answer = start..text.len();
            return Ok(Written { text, tokens, context, answer });
        };
        let user = [Message::new("user", filled.text.clone())];
        let chat = model::chat_tokens(template, tokenizer, &user, answer).map_err(at_record)?;
        Ok(in_chat(&filled, chat))
    }
}

fn in_chat(filled: &Filled, chat: ChatTokens) -> Written {
    let whole = chat.text.len();
    let [user, answer] = &chat.content[..] else {
        return Written {
            text: chat.text,
            tokens: Some(chat.tokens),
            context: 0..0,
            answer: whole..whole,
        };
    };
    // A template may trim the content; then its ranges begin later.
    let cut = filled.text.find(&chat.text[user.clone()]).unwrap_or(0);
    let shift = |at: usize| (at + user.start).saturating_sub(cut).min(user.end);
    let context = filled.range("context").unwrap_or_default();
    Written {
        context: shift(context.start)..shift(context.end),
        answer: answer.clone(),
        text: chat.text,
        tokens: Some(chat.tokens),
    }
}
