//! A list of questions to the model, each answer written down as soon as it is there.
//!
//! What is asked and what an answer is worth is for the jobs that ask: `evaluating`, needle tests.

use super::WorkbenchError;
use super::journal::{Journal, Key, Signed};
use crate::drive::{self, Ask, DriveError, Event, Heard, Question, Traffic};
use crate::job::Watch;
use crate::model::{Finish, LanguageModel};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What answers depend on, beside the questions' own ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Asked {
    /// SHA-256 over the ids of all tests, those beyond a limit too, so that a run may be made longer.
    pub tests_sha256: String,
    /// SHA-256 of the model file.
    pub model_sha256: String,
    /// SHA-256 of the wording.
    pub prompts_sha256: String,
    /// Tokens of prompt and answer together.
    pub window: usize,
    /// The program's version.
    pub version: String,
}

impl Signed for Asked {
    fn differences(&self, other: &Self) -> Vec<String> {
        let pairs = [
            ("tests", self.tests_sha256 != other.tests_sha256),
            ("model", self.model_sha256 != other.model_sha256),
            ("prompts", self.prompts_sha256 != other.prompts_sha256),
            ("window", self.window != other.window),
            ("program version", self.version != other.version),
        ];
        pairs.iter().filter(|(_, differs)| *differs).map(|(name, _)| (*name).to_owned()).collect()
    }
}

/// The model's answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// What it wrote; empty where it was not asked.
    pub reply: String,
    pub ended: Ended,
    /// Tokens of the prompt, the chat template included.
    pub tokens_in: usize,
    /// Tokens written.
    pub tokens_out: usize,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ended {
    Stop,
    Length,
    /// The prompt fills the model's window: nothing was asked.
    TooLong,
}

impl From<Heard> for Answer {
    fn from(heard: Heard) -> Self {
        match heard {
            Heard::Reply { reply, n_prompt } => Self {
                reply: reply.text,
                ended: match reply.finish {
                    Finish::Stop => Ended::Stop,
                    Finish::Length => Ended::Length,
                },
                tokens_in: n_prompt,
                tokens_out: reply.n_tokens,
            },
            Heard::TooLong { n_prompt, .. } => Self {
                reply: String::new(),
                ended: Ended::TooLong,
                tokens_in: n_prompt,
                tokens_out: 0,
            },
        }
    }
}

/// Answers to questions, kept in a journal.
pub(super) struct Answering {
    journal: Journal<Answer>,
    keys: Vec<Key>,
}

impl Answering {
    /// Opens or makes the journal for questions with these keys; `overwrite` throws away what is
    /// there.
    pub fn open(
        journal: &Path,
        signature: &Asked,
        keys: Vec<Key>,
        overwrite: bool,
    ) -> Result<Self, WorkbenchError> {
        Ok(Self { journal: Journal::open(journal, signature, overwrite)?, keys })
    }

    /// The answer to each question; `None` where there is none yet.
    pub fn answers(&self) -> impl Iterator<Item = Option<&Answer>> {
        self.keys.iter().map(|key| self.journal.ended().get(key))
    }

    /// The places of the questions that have no answer yet.
    pub fn todo(&self) -> Vec<usize> {
        let open = self.answers().enumerate().filter(|(_, answer)| answer.is_none());
        open.map(|(ix, _)| ix).collect()
    }

    /// Asks what has no answer yet, `n_parallel` at a time, in one `stage` of the watch.
    pub fn ask(
        &mut self,
        stage: &str,
        ask: impl Fn(usize) -> Ask,
        model: &mut dyn LanguageModel,
        n_parallel: usize,
        watch: &Watch,
    ) -> Result<Traffic, WorkbenchError> {
        let todo = self.todo();
        if todo.is_empty() {
            return Ok(Traffic::default());
        }
        watch.stage(stage, todo.len() as u64);
        let questions = todo.iter().map(|ix| Question(ask(*ix))).collect();
        let mut sink = |event| match event {
            Event::End { ix, outcome } => {
                self.journal.add(self.keys[todo[ix]].clone(), Answer::from(outcome))
            }
            Event::Begun { .. } | Event::Text { .. } => Ok(()),
        };
        drive::run(model, questions, n_parallel, watch, &mut sink).map_err(|error| match error {
            DriveError::Model(error) => WorkbenchError::from(error),
            DriveError::Sink(error) => WorkbenchError::Journal(error),
        })
    }
}
