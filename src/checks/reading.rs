//! A record made ready for the checks: each text walked once.

use super::finding::{At, Check, Finding, Part, Severity, Span};
use super::words::{Word, words};
use crate::data::Record;
use crate::metrics::is_yes_no;
use crate::prompt::{Task, TaskKind};
use serde_json::Value;
use std::ops::Range;

/// What a model says of a record, as a row of coherence has it. In nats per token.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Gains {
    /// \[log p(A|C,I) - log p(A|I)\] / n_A
    pub answer_gain: Option<f64>,
    /// The same with the contexts of other records.
    pub answer_gain_shuffled: Option<f64>,
    /// Mean NLL(A|C,I) / mean NLL(A|I); `None` too where the latter is under 0.01.
    pub context_ifd: Option<f64>,
}

/// A record's texts and their words.
pub struct Reading<'a> {
    /// The record.
    pub record: &'a Record,
    /// The context, or nothing.
    pub context: &'a str,
    /// The bytes of the context that were made for this record: all, or `gold_span` of one that was
    /// joined with those of others.
    pub own: Range<usize>,
    /// The words of the context.
    pub context_words: Vec<Word>,
    /// The words of the instruction.
    pub instruction_words: Vec<Word>,
    /// The words of each answer.
    pub answer_words: Vec<Vec<Word>>,
    /// What kind of task it is, where the task is known.
    pub kind: Option<TaskKind>,
    /// What a model says of it.
    pub gains: Option<&'a Gains>,
}

impl<'a> Reading<'a> {
    /// Walks all texts of a record.
    pub fn new(record: &'a Record, gains: Option<&'a Gains>) -> Self {
        let context = record.context.as_deref().unwrap_or_default();
        Self {
            record,
            context,
            own: own(record, context),
            context_words: words(context),
            instruction_words: words(&record.instruction),
            answer_words: record.answers.iter().map(|answer| words(answer)).collect(),
            kind: Task::find(&record.task).map(|task| task.kind),
            gains,
        }
    }

    /// The words of a part of the context.
    pub fn words_in(&self, bytes: &Range<usize>) -> &[Word] {
        let at = |byte: usize| self.context_words.partition_point(|w| (w.start as usize) < byte);
        &self.context_words[at(bytes.start)..at(bytes.end)]
    }

    /// The words of the part of the context that is this record's own.
    pub fn own_words(&self) -> &[Word] {
        self.words_in(&self.own)
    }

    /// The texts that a model may have written: context, instruction and first answer, those that are
    /// there.
    pub fn texts(&self) -> impl Iterator<Item = (Part, &'a str)> {
        let record = self.record;
        let all = [
            (Part::Context, self.context),
            (Part::Instruction, record.instruction.as_str()),
            (Part::Answer, record.answer()),
        ];
        all.into_iter().filter(|(_, text)| !text.is_empty())
    }

    /// The words of such a text.
    pub fn words_of(&self, part: Part) -> &[Word] {
        match part {
            Part::Context => &self.context_words,
            Part::Instruction => &self.instruction_words,
            Part::Answer => self.answer_words.first().map_or(&[], Vec::as_slice),
        }
    }

    /// The answers with their words.
    pub fn answers(&self) -> impl Iterator<Item = (&'a str, &[Word])> {
        let texts = self.record.answers.iter().map(String::as_str);
        texts.zip(self.answer_words.iter().map(Vec::as_slice))
    }

    /// A finding about the record; where it stands is said by the checker.
    pub fn finding(
        &self,
        check: Check,
        severity: Severity,
        why: String,
        spans: Vec<Span>,
    ) -> Finding {
        Finding {
            at: At { dataset: 0, record: 0 },
            check,
            severity,
            id: self.record.id.clone(),
            why,
            spans,
            related: None,
            group: Vec::new(),
        }
    }

    /// Whether the answer is a verdict, such as yes or no, of which no text holds evidence.
    pub fn is_verdict(&self) -> bool {
        const VERDICTS: [&str; 12] = [
            "true",
            "false",
            "none",
            "both",
            "neither",
            "unanswerable",
            "unknown",
            "对",
            "错",
            "有",
            "无",
            "没有",
        ];
        let answer = self.record.answer();
        let plain = answer.trim().trim_end_matches(['.', '。']).to_lowercase();
        is_yes_no(answer) || VERDICTS.contains(&plain.as_str())
    }
}

fn own(record: &Record, context: &str) -> Range<usize> {
    let bytes = |value: &Value| -> Option<Range<usize>> {
        let at = |ix: usize| usize::try_from(value.get(ix)?.as_u64()?).ok();
        let bytes = at(0)?..at(1)?;
        context.get(bytes.clone()).filter(|text| !text.trim().is_empty()).map(|_| bytes)
    };
    record.extra.get("gold_span").and_then(bytes).unwrap_or(0..context.len())
}

/// Whether a context was joined with those of other records.
pub fn is_joined(record: &Record) -> bool {
    let ids = record.extra.get("distractor_ids").and_then(Value::as_array);
    ids.is_some_and(|ids| !ids.is_empty())
}
