//! What a check tells of a record.

use crate::data::RecordId;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The answer stands in the first sentence of the context.
    AnswerLeak,
    /// The question's own wording stands in the context.
    QuestionCopied,
    /// The answer is nowhere in the context.
    Unanswerable,
    /// The model knows the answer without the context. Needs coherence rows.
    ClosedBook,
    /// Two records have the same context.
    DuplicateContext,
    /// Two records have nearly the same context.
    NearDuplicateContext,
    /// A text says the same again and again.
    RepeatsItself,
    /// A text ends in the middle.
    TruncatedEnding,
    /// The context is in another language than the instruction.
    WrongLanguage,
    /// A model refused instead of writing.
    Refusal,
    /// Words of the prompt, or to the person who asked, were left in a text.
    PromptRemnant,
    /// A test's text or question stands in the record. Needs test files.
    Contamination,
    /// Many records of a task share one instruction.
    SharedInstruction,
    /// A part that must be there is empty, or the instruction is longer than the context.
    Empty,
}

impl Check {
    /// Every check, in the order in which they are told.
    pub const ALL: [Self; 14] = [
        Self::AnswerLeak,
        Self::QuestionCopied,
        Self::Unanswerable,
        Self::ClosedBook,
        Self::DuplicateContext,
        Self::NearDuplicateContext,
        Self::RepeatsItself,
        Self::TruncatedEnding,
        Self::WrongLanguage,
        Self::Refusal,
        Self::PromptRemnant,
        Self::Contamination,
        Self::SharedInstruction,
        Self::Empty,
    ];

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::AnswerLeak => "answer_leak",
            Self::QuestionCopied => "question_copied",
            Self::Unanswerable => "unanswerable",
            Self::ClosedBook => "closed_book",
            Self::DuplicateContext => "duplicate_context",
            Self::NearDuplicateContext => "near_duplicate_context",
            Self::RepeatsItself => "repeats_itself",
            Self::TruncatedEnding => "truncated_ending",
            Self::WrongLanguage => "wrong_language",
            Self::Refusal => "refusal",
            Self::PromptRemnant => "prompt_remnant",
            Self::Contamination => "contamination",
            Self::SharedInstruction => "shared_instruction",
            Self::Empty => "empty",
        }
    }

    /// What it says, in a sentence for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::AnswerLeak => "The first sentence of the context gives the answer away",
            Self::QuestionCopied => "The question's wording stands in the context",
            Self::Unanswerable => "The answer is not in the context",
            Self::ClosedBook => "The answer is known without the context",
            Self::DuplicateContext => "Another record has the same context",
            Self::NearDuplicateContext => "Another record has nearly the same context",
            Self::RepeatsItself => "The text repeats itself",
            Self::TruncatedEnding => "The text ends in the middle",
            Self::WrongLanguage => "The context is in another language than the instruction",
            Self::Refusal => "A model refused instead of writing",
            Self::PromptRemnant => "Words of the prompt were left in the text",
            Self::Contamination => "Text of a test stands in the record",
            Self::SharedInstruction => "Many records share one instruction",
            Self::Empty => "A part is empty or out of proportion",
        }
    }

    /// The check of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.name() == name)
    }
}

/// How sure and how bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It may be so by design; look at it.
    Note,
    /// Probably a fault.
    Warning,
    /// Surely a fault: such a record should not be trained on.
    Fault,
}

/// A part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The document.
    Context,
    /// The question or request.
    Instruction,
    /// The first answer.
    Answer,
}

/// A stretch of a record's text and what it shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// The text.
    pub part: Part,
    /// Bytes of it: the first one, and the one after the last.
    pub bytes: [usize; 2],
    /// What it shows, in a few words.
    pub why: String,
}

impl Span {
    /// A stretch and what it shows.
    pub fn new(part: Part, bytes: Range<usize>, why: impl Into<String>) -> Self {
        Self { part, bytes: [bytes.start, bytes.end], why: why.into() }
    }
}

/// Where a record stands: the caller's number of its dataset, and its number in it, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct At {
    /// The dataset; for a test, its number among the test files.
    pub dataset: u32,
    /// The record in it.
    pub record: u32,
}

/// Another record, which the finding is about too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Related {
    /// Whether it is one of the tests, else one of the records.
    pub is_test: bool,
    /// Where it stands.
    #[serde(flatten)]
    pub at: At,
    /// Its id.
    pub id: RecordId,
    /// The name that the test file gives it (`_id`), if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What of it belongs to the finding.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
}

/// One thing that is wrong with one record, or with a group of records.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// Where the record stands; of a group, the first one.
    #[serde(flatten)]
    pub at: At,
    /// What is wrong.
    pub check: Check,
    /// How sure and how bad that is.
    pub severity: Severity,
    /// The record.
    pub id: RecordId,
    /// It in a sentence.
    pub why: String,
    /// Where it can be seen.
    pub spans: Vec<Span>,
    /// The other record, for duplicates and contamination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related: Option<Box<Related>>,
    /// The other records of a group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<At>,
}

impl Finding {
    /// Every record that it concerns: the one, or all of a group.
    pub fn records(&self) -> impl Iterator<Item = At> {
        std::iter::once(self.at).chain(self.group.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_files() {
        for check in Check::ALL {
            assert_eq!(serde_json::to_value(check).unwrap(), check.name());
            assert_eq!(Check::parse(check.name()), Some(check));
        }
        assert_eq!(Check::parse("no"), None);
        assert!(Check::ALL.is_sorted());
    }
}
