//! How LongBench asks: the task's prompt, cut in the middle to fit the window, with the chat template
//! or without.
//!
//! The rules are those of `pred.py` (<https://github.com/THUDM/LongBench>, `LongBench/pred.py`). The
//! loop that asks belongs in `drive`, the wording in `prompt`.

use crate::data::Record;
use crate::drive::Ask;
use crate::model::{self, ChatTemplate, Message, Sampling, Tokenizer};
use crate::prompt::{PackError, PromptPack, Task};
use crate::seed::Stream;

/// What a benchmark's prompts depend on.
pub struct Asking<'a> {
    /// The wording.
    pub pack: &'a PromptPack,
    /// The model's tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// The model's chat template.
    pub template: &'a ChatTemplate,
    /// Tokens of prompt and answer together.
    pub window: usize,
}

/// The prompt of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestPrompt {
    /// The prompt, cut if need be, without the chat template.
    pub text: String,
    /// Whether it is asked without the chat template.
    pub plain: bool,
    /// The most tokens of the answer.
    pub max_answer_tokens: usize,
    /// Tokens of the whole prompt, without the chat template.
    pub n_tokens: usize,
    /// Tokens kept at each end; `None` for a prompt that fits.
    pub kept: Option<usize>,
    /// Texts that end the answer, and no answer begins with.
    stops: &'static [&'static str],
}

/// A test that cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The wording.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The tokenizer or the chat template.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// No room for a prompt.
    #[error(
        "a window of {window} tokens has no room for a prompt of {task}: its answer may have {answer} \
         tokens and the chat template has {frame}; choose a larger window"
    )]
    Window {
        /// The task.
        task: String,
        /// Tokens of prompt and answer together.
        window: usize,
        /// The most tokens of the answer.
        answer: usize,
        /// Tokens of the chat template.
        frame: usize,
    },
}

impl Asking<'_> {
    /// The prompt of a test record.
    ///
    /// One that is longer than the window less the answer's maximum and the chat template keeps the
    /// first and the last half of that many tokens, as LongBench's does.
    ///
    /// # Errors
    /// See [`AskError`].
    pub fn prompt(&self, record: &Record) -> Result<TestPrompt, AskError> {
        let context = record.context.as_deref().unwrap_or_default();
        let text = self.pack.fill(&record.task, context, &record.instruction)?.text;
        let max_answer_tokens = self.pack.max_answer_tokens(&record.task)?;
        let task = Task::find(&record.task);
        let plain = task.is_some_and(|task| !task.chat);
        let budget = self.budget(&record.task, plain, max_answer_tokens)?;
        let ids: Vec<u32> =
            model::text_tokens(self.tokenizer, &text)?.iter().map(|token| token.id).collect();
        let kept = (ids.len() > budget).then_some(budget / 2);
        let text = match kept {
            Some(half) => middle_cut(self.tokenizer, &ids, half),
            None => text,
        };
        let stops = if task.is_some_and(|task| task.name == "samsum") { &["\n"][..] } else { &[] };
        Ok(TestPrompt { text, plain, max_answer_tokens, n_tokens: ids.len(), kept, stops })
    }

    /// Tokens that a prompt may have.
    fn budget(&self, task: &str, plain: bool, answer: usize) -> Result<usize, AskError> {
        let frame = if plain { 0 } else { self.frame_tokens()? };
        match self.window.checked_sub(answer + frame).filter(|budget| *budget >= 2) {
            Some(budget) => Ok(budget),
            None => {
                Err(AskError::Window { task: task.to_owned(), window: self.window, answer, frame })
            }
        }
    }

    /// Tokens of a chat in which nothing is said.
    fn frame_tokens(&self) -> Result<usize, AskError> {
        let nothing = [Message::new("user", "")];
        Ok(model::chat_tokens(self.template, self.tokenizer, &nothing, "")?.tokens.len())
    }
}

/// The first and the last `half` tokens as text. Where a cut falls into a character, its pieces read
/// as U+FFFD, as they do for LongBench.
fn middle_cut(tokenizer: &Tokenizer, ids: &[u32], half: usize) -> String {
    tokenizer.decode(&ids[..half]) + &tokenizer.decode(&ids[ids.len() - half..])
}

impl TestPrompt {
    /// Tokens of the prompt that are kept.
    pub fn kept_tokens(&self) -> usize {
        self.kept.map_or(self.n_tokens, |half| 2 * half)
    }

    /// The question to the model: always its likeliest token.
    pub fn ask(&self) -> Ask {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Ask {
            messages: vec![Message::new("user", self.text.clone())],
            plain: self.plain,
            begun: String::new(),
            stop: texts(self.stops),
            banned: texts(self.stops),
            sampling: Sampling {
                temperature: 0.0,
                max_new_tokens: self.max_answer_tokens,
                ..Sampling::default()
            },
            // Nothing is drawn at temperature 0.
            stream: Stream::new(0, "", "greedy"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{RecordId, Source, StrategyId};

    fn record(task: &str, context: &str) -> Record {
        Record {
            id: RecordId::unset(),
            seed_id: RecordId::unset(),
            source: Source { path: "t.jsonl".into(), line: 1 },
            task: task.into(),
            strategy: StrategyId::test(),
            instruction: "Why?".into(),
            answers: vec!["so".into()],
            context: Some(context.into()),
            extra: serde_json::Map::new(),
        }
    }

    fn prompt(task: &str, context: &str, window: usize) -> Result<TestPrompt, AskError> {
        let pack =
            r#"{"hotpotqa": "<{context}>{input}", "lcc": "{context}", "samsum": "{context}"}"#;
        let limits = r#"{"hotpotqa": 10, "lcc": 4, "samsum": 4}"#;
        let pack = PromptPack::parse(pack).unwrap().with_limits(limits).unwrap();
        let tokenizer = Tokenizer::bytes("bytes").unwrap();
        let template = ChatTemplate::new("[{{ messages[0].content }}]", None, None).unwrap();
        let asking = Asking { pack: &pack, tokenizer: &tokenizer, template: &template, window };
        asking.prompt(&record(task, context))
    }

    #[test]
    fn a_long_prompt_keeps_both_ends() {
        // The whole prompt has 26 bytes, which are tokens here; the frame has two.
        let whole = prompt("hotpotqa", "abcdefghijklmnopqrst", 38).unwrap();
        assert_eq!((whole.text.as_str(), whole.kept), ("<abcdefghijklmnopqrst>Why?", None));
        let cut = prompt("hotpotqa", "abcdefghijklmnopqrst", 37).unwrap();
        // 37 - 10 - 2 = 25, of which the half is 12.
        assert_eq!((cut.text.as_str(), cut.kept), ("<abcdefghijknopqrst>Why?", Some(12)));
        assert_eq!((cut.n_tokens, cut.max_answer_tokens, cut.plain), (26, 10, false));
        assert!(matches!(prompt("hotpotqa", "a", 13), Err(AskError::Window { frame: 2, .. })));
    }

    #[test]
    fn some_tasks_go_without_the_chat_template_and_one_ends_at_a_line() {
        let code = prompt("lcc", "fn main", 11).unwrap();
        assert!(code.plain && code.kept.is_none() && code.ask().stop.is_empty());
        let chat = prompt("samsum", "A: hi", 100).unwrap().ask();
        assert_eq!((chat.plain, chat.stop), (true, vec!["\n".to_owned()]));
        assert_eq!(chat.sampling.temperature, 0.0);
    }

    #[test]
    fn a_cut_through_a_character_is_marked() {
        let cut = prompt("lcc", "ééééé", 4 + 6).unwrap();
        assert_eq!((cut.text.as_str(), cut.kept), ("é\u{fffd}\u{fffd}é", Some(3)));
    }
}
