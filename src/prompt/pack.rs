//! Prompt packs: the wording and the longest answers of a benchmark, from the user's own files.
//!
//! LongBench keeps both in two JSON files, `dataset2prompt.json` and `dataset2maxlen.json`
//! (<https://github.com/THUDM/LongBench>, `LongBench/config`). Reading them from disk belongs in
//! `workbench`; what has no prompt here is asked in our own words ([`TaskPrompt`]).

use super::{Filled, PromptError, Task, TaskPrompt, Template};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Prompts and longest answers, by task.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PromptPack {
    /// Prompts of the user's file; `None`: our own for every task.
    imported: Option<BTreeMap<String, Template>>,
    max_answer_tokens: BTreeMap<String, usize>,
}

/// A pack that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// It is no JSON object of the right kind.
    #[error("line {line}: {reason}; give {expected}")]
    Json {
        /// 1-based line.
        line: usize,
        /// What is wrong.
        reason: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// The file holds nothing.
    #[error("it holds no task; give {expected}")]
    Empty {
        /// What belongs there.
        expected: &'static str,
    },
    /// An entry of the file.
    #[error("the entry `{task}` cannot be used: {reason}")]
    Entry {
        /// Its name in the file.
        task: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A task that the pack does not know.
    #[error(
        "the prompt pack has no prompt for the task `{task}`: it has {known}; use a pack that has it"
    )]
    NoPrompt {
        /// The task.
        task: String,
        /// Those that it knows.
        known: String,
    },
    /// A task whose longest answer is not known.
    #[error(
        "how long an answer to the task `{task}` may be is not known; add it to dataset2maxlen.json"
    )]
    NoLimit {
        /// The task.
        task: String,
    },
    /// A prompt failed to be filled.
    #[error(transparent)]
    Prompt(#[from] PromptError),
}

const PROMPTS: &str = "a dataset2prompt.json, an object with a prompt for each task's name";
const LIMITS: &str =
    "a dataset2maxlen.json, an object with a number of tokens for each task's name";

/// Answers to tasks that are not LongBench's: as long as its longest answers to questions.
const USUAL_ANSWER_TOKENS: usize = 128;

impl PromptPack {
    /// Our own wording for every task.
    pub fn own() -> Self {
        Self::default()
    }

    /// The pack in the text of a `dataset2prompt.json`. Prompts are kept as they are, byte for byte.
    ///
    /// # Errors
    /// [`PackError`] with the line or the entry.
    pub fn parse(prompts: &str) -> Result<Self, PackError> {
        let entries: BTreeMap<String, String> = object(prompts, PROMPTS)?;
        let mut imported = BTreeMap::new();
        for (task, text) in entries {
            let template = template(&text)
                .map_err(|reason| PackError::Entry { task: task.clone(), reason })?;
            add(&mut imported, task, template)?;
        }
        Ok(Self { imported: Some(imported), max_answer_tokens: BTreeMap::new() })
    }

    /// The same pack with the limits in the text of a `dataset2maxlen.json`.
    ///
    /// # Errors
    /// [`PackError`] with the line or the entry.
    pub fn with_limits(mut self, limits: &str) -> Result<Self, PackError> {
        let entries: BTreeMap<String, u32> = object(limits, LIMITS)?;
        for (task, limit) in entries {
            if limit == 0 {
                let reason = "an answer of 0 tokens says nothing; write 1 or more".to_owned();
                return Err(PackError::Entry { task, reason });
            }
            add(&mut self.max_answer_tokens, task, limit as usize)?;
        }
        Ok(self)
    }

    /// Whether the words are the user's.
    pub fn is_imported(&self) -> bool {
        self.imported.is_some()
    }

    /// The prompt of a record. A pack of the user's is filled as it stands: a prompt without a place
    /// for the question goes without it, as LongBench's do for summaries.
    ///
    /// # Errors
    /// [`PackError::NoPrompt`], [`PackError::Prompt`].
    pub fn fill(&self, task: &str, context: &str, question: &str) -> Result<Filled, PackError> {
        let Some(imported) = &self.imported else {
            return Ok(TaskPrompt::of(task)?.fill(context, question)?);
        };
        let template = imported.get(Task::canonical(task)).ok_or_else(|| {
            let known = imported.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            PackError::NoPrompt { task: task.to_owned(), known }
        })?;
        Ok(template.fill(&[("context", context), ("input", question)])?)
    }

    /// What a record asks: the task's prompt around its context, the same with the document's part taken
    /// out, or the instruction as it is where there is no context that the prompt could speak of.
    ///
    /// # Errors
    /// As [`PromptPack::fill`].
    pub fn ask<'a>(
        &self,
        task: &str,
        context: Option<&str>,
        instruction: &'a str,
        with_context: bool,
    ) -> Result<Cow<'a, str>, PackError> {
        let context = context.map(str::trim).filter(|context| !context.is_empty());
        Ok(match context {
            None => instruction.into(),
            Some(context) if with_context => self.fill(task, context, instruction)?.text.into(),
            Some(_) => self.fill(task, "", instruction)?.without("context").into(),
        })
    }

    /// The most tokens that an answer to the task may have: the pack's, else LongBench's.
    ///
    /// # Errors
    /// [`PackError::NoLimit`] for a task of a user's pack of which neither knows.
    pub fn max_answer_tokens(&self, task: &str) -> Result<usize, PackError> {
        let canonical = Task::canonical(task);
        let ours = || Task::find(task).map(|task| task.max_answer_tokens);
        match self.max_answer_tokens.get(canonical).copied().or_else(ours) {
            Some(limit) => Ok(limit),
            None if self.is_imported() => Err(PackError::NoLimit { task: task.to_owned() }),
            None => Ok(USUAL_ANSWER_TOKENS),
        }
    }
}

/// A prompt as Python's `str.format` reads it, with `{context}` and `{input}`.
fn template(text: &str) -> Result<Template, String> {
    let template = Template::parse(text).map_err(|error| error.to_string())?;
    if let Some(blank) = template.blanks().find(|blank| !["context", "input"].contains(blank)) {
        return Err(format!("the blank `{{{blank}}}` is not one of `{{context}}`, `{{input}}`"));
    }
    match template.has("context") {
        true => Ok(template),
        false => Err("there is no `{context}` in it; add the place of the document".to_owned()),
    }
}

fn object<T: serde::de::DeserializeOwned>(
    text: &str,
    expected: &'static str,
) -> Result<BTreeMap<String, T>, PackError> {
    let entries: BTreeMap<String, T> =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            PackError::Json { line: error.line().max(1), reason: error.to_string(), expected }
        })?;
    match entries.is_empty() {
        true => Err(PackError::Empty { expected }),
        false => Ok(entries),
    }
}

/// Two names of one task in a file are a contradiction waiting to happen.
fn add<T>(map: &mut BTreeMap<String, T>, task: String, value: T) -> Result<(), PackError> {
    let canonical = Task::canonical(&task).to_owned();
    if map.contains_key(&canonical) {
        let reason =
            format!("another name in the file means the same task, `{canonical}`; keep one");
        return Err(PackError::Entry { task, reason });
    }
    map.insert(canonical, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imported_prompt_is_filled_byte_for_byte() {
        let text =
            r#"{"gov_report": "R:\n{context}\nS: ", "hotpotqa": "{{x}} {context}|{input} "}"#;
        let pack = PromptPack::parse(text).unwrap();
        let fill = |task: &str| pack.fill(task, "C{input}", "Q {context}").map(|f| f.text);
        assert_eq!(fill("govreport").unwrap(), "R:\nC{input}\nS: ");
        assert_eq!(fill("hotpotqa_e").unwrap(), "{x} C{input}|Q {context} ");
        let error = fill("qasper").unwrap_err().to_string();
        assert!(error.contains("`qasper`") && error.contains("gov_report, hotpotqa"), "{error}");
    }

    #[test]
    fn limits_are_the_packs_then_longbenchs() {
        let pack = PromptPack::parse(r#"{"hotpotqa": "{context}", "mine": "{context}"}"#).unwrap();
        let pack = pack.with_limits(r#"{"hotpotqa": 7}"#).unwrap();
        assert_eq!(pack.max_answer_tokens("hotpotqa"), Ok(7));
        assert_eq!(pack.max_answer_tokens("gov_report"), Ok(512));
        assert!(pack.max_answer_tokens("mine").is_err());
        assert_eq!(PromptPack::own().max_answer_tokens("mine"), Ok(USUAL_ANSWER_TOKENS));
    }

    #[test]
    fn what_is_wrong_with_a_pack_is_told() {
        let pack = |text: &str| PromptPack::parse(text).unwrap_err().to_string();
        for (text, words) in [
            ("", "line 1"),
            ("{\n\"a\": 1}", "line 2"),
            ("[]", "dataset2prompt.json"),
            ("{}", "no task"),
            (r#"{"a": "{context} {question}"}"#, "`{question}`"),
            (r#"{"a": "{context} {"}"#, "entry `a`"),
            (r#"{"a": "{context!r}"}"#, "entry `a`"),
            (r#"{"a": "{input}"}"#, "no `{context}`"),
            (r#"{"2wikiqa": "{context}", "2wikimqa": "{context}"}"#, "keep one"),
        ] {
            assert!(pack(text).contains(words), "{text}: {}", pack(text));
        }
        let limits = |text: &str| PromptPack::own().with_limits(text).unwrap_err().to_string();
        for (text, words) in
            [(r#"{"a": 0}"#, "0 tokens"), (r#"{"a": -1}"#, "line 1"), (r#"{"a": "x"}"#, "maxlen")]
        {
            assert!(limits(text).contains(words), "{text}: {}", limits(text));
        }
    }
}
