//! Instruction synthesis, the earlier way: a document is given, the model writes a question and its
//! answer (`PAPER.md` section 1).

use super::outcome::{NewRecord, Rejected};
use super::text::{n_words, word_span};
use super::{Draft, Step, Strategy};
use crate::data::StrategyId;
use crate::prompt::{Conversation, PromptError};
use serde_json::{Map, json};
use std::ops::Range;

/// Documents of this many words and more are shown as one random chunk of this many words.
pub const CHUNK_WORDS: usize = 3000;

/// The earlier strategy.
pub struct InstructionSynthesis;

impl Strategy for InstructionSynthesis {
    fn id(&self) -> StrategyId {
        StrategyId::instruction_synthesis()
    }

    fn prompt_text(&self) -> &'static str {
        include_str!("../../prompts/synthesis/instruction_synthesis.txt")
    }

    fn conversation(&self, text: &str) -> Result<Conversation, PromptError> {
        Conversation::parse(text, &["context", "words"], &["instruction", "answer"])
    }

    fn step(&self, draft: &Draft<'_>) -> Result<Step, Rejected> {
        let document = draft.seed.context.as_deref().unwrap_or_default();
        if document.trim().is_empty() {
            return Err(Rejected::MissingField {
                field: "context",
                next: "instruction synthesis needs documents; join them with --join",
            });
        }
        for (reply, stage) in draft.replies.iter().zip(draft.conversation.stages()) {
            check(draft.conversation, &stage.blank, reply)?;
        }
        let chunk = chunk_span(document, draft);
        let [instruction, answer] = draft.replies else {
            return Ok(Step::Ask {
                values: vec![
                    ("context", document[chunk].to_owned()),
                    ("words", draft.n_words.to_string()),
                ],
            });
        };
        let mut extra = Map::new();
        extra.insert("chunk_span".into(), json!([chunk.start, chunk.end]));
        Ok(Step::Done(Box::new(NewRecord {
            instruction: instruction.clone(),
            answers: vec![answer.clone()],
            context: document.to_owned(),
            extra,
        })))
    }
}

/// The bytes of the document that the model is shown: all of a short one, else one random chunk,
/// the same in every attempt.
fn chunk_span(document: &str, draft: &Draft<'_>) -> Range<usize> {
    let n = n_words(document);
    if n < CHUNK_WORDS {
        return 0..document.len();
    }
    let first = draft.stream("chunk").below(n - CHUNK_WORDS + 1);
    word_span(document, first, CHUNK_WORDS)
}

fn check(conversation: &Conversation, part: &str, reply: &str) -> Result<(), Rejected> {
    if !reply.chars().any(char::is_alphanumeric) {
        return Err(Rejected::Empty { part: part.to_owned() });
    }
    for marker in conversation.labels() {
        if reply.contains(marker.as_str()) {
            return Err(Rejected::Marker { part: part.to_owned(), marker: marker.clone() });
        }
    }
    Ok(())
}
