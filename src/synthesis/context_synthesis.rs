//! Context synthesis: a trusted instruction-answer pair is given, the model writes the document in
//! which it would have been asked (`PAPER.md` section 1).

use super::outcome::{NewRecord, Rejected};
use super::text::{n_words, repeated_share};
use super::{Draft, Step, Strategy};
use crate::data::StrategyId;
use crate::prompt::{Conversation, PromptError};
use serde_json::Map;

/// A context must have this many words; a model that writes less has not written a document.
const LEAST_WORDS: usize = 50;
/// A small model often ends after a sentence; it may not before it has about as many words.
const LEAST_TOKENS: usize = 80;
/// Above this share of repeated runs of eight words a context is a loop.
const MOST_REPEATED: f64 = 0.3;

/// The paper's strategy.
pub struct ContextSynthesis;

impl Strategy for ContextSynthesis {
    fn id(&self) -> StrategyId {
        StrategyId::context_synthesis()
    }

    fn prompt_text(&self) -> &'static str {
        include_str!("../../prompts/synthesis/context_synthesis.txt")
    }

    fn least_tokens(&self) -> usize {
        LEAST_TOKENS
    }

    fn conversation(&self, text: &str) -> Result<Conversation, PromptError> {
        Conversation::parse(text, &["instruction", "answer", "words"], &["context"])
    }

    fn step(&self, draft: &Draft<'_>) -> Result<Step, Rejected> {
        let seed = draft.seed;
        if seed.instruction.trim().is_empty() || seed.answer().trim().is_empty() {
            return Err(Rejected::MissingField {
                field: "instruction and answer",
                next: "context synthesis needs instruction-answer pairs",
            });
        }
        let Some(context) = draft.replies.first() else {
            return Ok(Step::Ask {
                values: vec![
                    ("instruction", seed.instruction.trim().to_owned()),
                    ("answer", seed.answer().trim().to_owned()),
                    ("words", draft.n_words.to_string()),
                ],
            });
        };
        check(draft.conversation, context)?;
        Ok(Step::Done(Box::new(NewRecord {
            instruction: seed.instruction.clone(),
            answers: seed.answers.clone(),
            context: context.clone(),
            extra: Map::new(),
        })))
    }
}

fn check(conversation: &Conversation, context: &str) -> Result<(), Rejected> {
    let part = || "context".to_owned();
    if context.is_empty() {
        return Err(Rejected::Empty { part: part() });
    }
    for marker in conversation.labels() {
        if context.contains(marker.as_str()) {
            return Err(Rejected::Marker { part: part(), marker: marker.clone() });
        }
    }
    let n_words = n_words(context);
    if n_words < LEAST_WORDS {
        return Err(Rejected::TooShort { part: part(), n_words, least: LEAST_WORDS });
    }
    let repeated = repeated_share(context);
    if repeated >= MOST_REPEATED {
        let percent = (repeated * 100.0).round() as u32;
        return Err(Rejected::Repeats { part: part(), percent });
    }
    Ok(())
}
