//! Looking at records one by one, on any number of threads, and putting together what was seen.

use super::contamination::{Tests, contamination};
use super::finding::{At, Check, Finding};
use super::minhash::Signature;
use super::reading::{Gains, Reading, is_joined};
use super::tally::{Slot, Tally};
use super::words::{hash_all, hash_text, mix};
use super::{endings, evidence, language, leak, phrases, proportions, question, repetition};
use crate::data::Record;
use crate::prompt::Task;
use std::collections::BTreeSet;

/// What is to be checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Only these checks; `None`: all that can be made.
    pub only: Option<BTreeSet<Check>>,
    /// Whether there are rows of coherence, without which `closed_book` cannot be told.
    pub has_gains: bool,
}

/// Looks at records. It holds no record and may be shared by threads.
pub struct Checker {
    checks: BTreeSet<Check>,
    tests: Tests,
}

/// What was seen of one record: its findings, and a few hundred bytes for what can only be told of
/// all records together.
pub struct Looked {
    pub(super) findings: Vec<Finding>,
    pub(super) slot: Slot,
}

impl Checker {
    /// A checker; `tests` must be indexed, and empty ones leave contamination out.
    pub fn new(settings: &Settings, tests: Tests) -> Self {
        let is_wanted =
            |check: &Check| settings.only.as_ref().is_none_or(|only| only.contains(check));
        let is_possible = |check: &Check| match check {
            Check::ClosedBook => settings.has_gains,
            Check::Contamination => !tests.is_empty(),
            _ => true,
        };
        let checks = Check::ALL.into_iter().filter(|check| is_wanted(check) && is_possible(check));
        Self { checks: checks.collect(), tests }
    }

    /// The checks that are made: those wanted, as far as what they need is there.
    pub fn checks(&self) -> &BTreeSet<Check> {
        &self.checks
    }

    /// Looks at one record. What it gives depends on nothing but its arguments, so records may be
    /// looked at in any order.
    pub fn look(&self, at: At, record: &Record, gains: Option<&Gains>) -> Looked {
        let reading = Reading::new(record, gains);
        let seen = |check: &Check| match check {
            Check::AnswerLeak => leak::answer_leak(&reading),
            Check::QuestionCopied => question::question_copied(&reading),
            Check::Unanswerable => evidence::unanswerable(&reading),
            Check::ClosedBook => evidence::closed_book(&reading),
            Check::RepeatsItself => repetition::repeats_itself(&reading),
            Check::TruncatedEnding => endings::truncated_ending(&reading),
            Check::WrongLanguage => language::wrong_language(&reading),
            Check::Refusal => phrases::refusal(&reading),
            Check::PromptRemnant => phrases::prompt_remnant(&reading),
            Check::Contamination => contamination(&reading, &self.tests),
            Check::Empty => proportions::empty(&reading),
            // Told of all records together.
            Check::DuplicateContext | Check::NearDuplicateContext | Check::SharedInstruction => {
                None
            }
        };
        let mut findings: Vec<Finding> = self.checks.iter().filter_map(seen).collect();
        findings.iter_mut().for_each(|finding| finding.at = at);
        Looked { findings, slot: self.slot(at, &reading) }
    }

    fn slot(&self, at: At, reading: &Reading<'_>) -> Slot {
        let record = reading.record;
        let own = &reading.context[reading.own.clone()];
        let has_own = !own.trim().is_empty();
        let wants = |check| self.checks.contains(&check);
        let compares = wants(Check::DuplicateContext) || wants(Check::NearDuplicateContext);
        let signature = (has_own && wants(Check::NearDuplicateContext))
            .then(|| Signature::of(reading.own_words()));
        let asks = wants(Check::SharedInstruction) && !reading.instruction_words.is_empty();
        Slot {
            at,
            id: record.id.clone(),
            group: mix(u64::from(at.dataset) ^ hash_text(record.strategy.as_str())),
            task: hash_text(Task::canonical(&record.task)),
            context: (has_own && compares).then(|| hash_text(own)),
            own: reading.own.clone(),
            signature: signature.flatten(),
            question: hash_all(&reading.instruction_words),
            instruction_bytes: if asks { record.instruction.len() } else { 0 },
            is_joined: is_joined(record),
        }
    }

    /// An empty tally for what this checker sees.
    pub fn tally(&self) -> Tally {
        Tally::new(self.checks.clone())
    }
}
