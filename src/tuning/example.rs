//! A question and its answer in tokens, as the model is asked and would answer.
//!
//! What is asked is an arm's; how examples are computed together is `pack`'s.

use super::TuningError;
use crate::data::RecordId;
use crate::model::{self, ChatTemplate, Message, Tokenizer};
use std::ops::Range;

/// A sequence to train on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The record.
    pub id: RecordId,
    /// Prompt, answer, and the token that ends the assistant's turn.
    pub tokens: Vec<u32>,
    /// The tokens whose loss counts: the answer and the end of the turn. They are the last ones.
    pub answer: Range<usize>,
    /// Tokens that were left out in the middle of the prompt.
    pub n_cut: usize,
}

/// Turns questions and answers into examples for one model.
pub struct Framer<'a> {
    tokenizer: &'a Tokenizer,
    template: &'a ChatTemplate,
    /// The token that ends the assistant's turn.
    end: Option<u32>,
    /// The most tokens of an example.
    most: usize,
}

impl<'a> Framer<'a> {
    /// For examples of at most `most` tokens.
    ///
    /// # Errors
    /// Those of the template and the tokenizer.
    pub fn new(
        tokenizer: &'a Tokenizer,
        template: &'a ChatTemplate,
        most: usize,
    ) -> Result<Self, model::Error> {
        let turns = [Message::new("user", "a"), Message::new("assistant", "b")];
        let rendered = template.render(&turns, false)?;
        let after = rendered.content.last().map_or(0, |content| content.end);
        let tokens = tokenizer.encode_prompt(&rendered.text, &rendered.content)?;
        let ends = |token: &&model::Token| {
            token.bytes.start >= after && tokenizer.stop_ids().contains(&token.id)
        };
        let end = tokens.iter().find(ends).map(|token| token.id).or(tokenizer.eos());
        Ok(Self { tokenizer, template, end, most })
    }

    /// The example of a question and its answer. A prompt that is too long keeps its first and its last
    /// tokens, as LongBench's do.
    ///
    /// # Errors
    /// [`TuningError::NoRoom`] for an answer that leaves no room for a prompt; those of the template and
    /// the tokenizer.
    pub fn example(
        &self,
        id: &RecordId,
        asked: &str,
        answer: &str,
    ) -> Result<Example, TuningError> {
        let user = [Message::new("user", asked)];
        let chat = model::chat_tokens(self.template, self.tokenizer, &user, answer)?;
        let start = chat.content.last().map_or(0, |content| content.start);
        let first = chat.tokens.iter().position(|token| token.bytes.end > start);
        let first = first.unwrap_or(chat.tokens.len()).max(1);
        let mut tokens: Vec<u32> = chat.tokens.iter().map(|token| token.id).collect();
        tokens.extend(self.end);
        let n_answer = tokens.len() - first;
        let n_cut = tokens.len().saturating_sub(self.most);
        let kept = first.saturating_sub(n_cut);
        if n_answer == 0 || (n_cut > 0 && kept < 2) {
            let (id, most) = (id.to_string(), self.most);
            return Err(TuningError::NoRoom { id, n_answer, most });
        }
        if n_cut > 0 {
            let head = kept.div_ceil(2);
            tokens.drain(head..head + n_cut);
        }
        let answer = tokens.len() - n_answer..tokens.len();
        Ok(Example { id: id.clone(), tokens, answer, n_cut })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(asked: &str, answer: &str, most: usize) -> Result<Example, TuningError> {
        let tokenizer = Tokenizer::bytes("bytes").unwrap();
        let source = "{% for m in messages %}[{{ m.content }}]{% endfor %}";
        let template = ChatTemplate::new(source, None, None).unwrap();
        let framer = Framer::new(&tokenizer, &template, most).unwrap();
        framer.example(&RecordId::unset(), asked, answer)
    }

    #[test]
    fn the_loss_counts_from_the_answer_on() {
        let example = framed("Why?", "so", 100).unwrap();
        let prompt: Vec<u8> =
            example.tokens[..example.answer.start].iter().map(|id| *id as u8).collect();
        assert_eq!(prompt, b"[Why?]");
        assert_eq!(example.answer.end, example.tokens.len());
        assert_eq!(example.tokens[example.answer.start], u32::from(b's'));
        assert_eq!(example.n_cut, 0);
    }

    #[test]
    fn a_long_prompt_loses_its_middle_and_no_answer_is_cut() {
        let whole = framed("abcdefgh", "so", 100).unwrap();
        let most = whole.tokens.len() - 3;
        let cut = framed("abcdefgh", "so", most).unwrap();
        assert_eq!((cut.tokens.len(), cut.n_cut), (most, 3));
        let prompt: Vec<u8> = cut.tokens[..cut.answer.start].iter().map(|id| *id as u8).collect();
        assert_eq!(prompt, b"[abcgh]"[..].to_vec().as_slice());
        assert_eq!(cut.answer.len(), whole.answer.len());
        let none = framed("abcdefgh", "so", whole.answer.len() + 1);
        assert!(matches!(none, Err(TuningError::NoRoom { .. })), "{none:?}");
    }
}
