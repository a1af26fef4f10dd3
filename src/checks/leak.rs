//! Contexts that give the answer away at once.

use super::answers::{Sought, is_letter, is_small_number, overlap};
use super::finding::{Check, Finding, Part, Severity, Span};
use super::reading::Reading;
use super::sentences::{closes, ends, sentences};
use super::words::{hash, words};
use crate::prompt::TaskKind;
use std::ops::Range;
use std::sync::LazyLock;

/// Share of the question's content words that make an opening the answer to it.
const ANSWERS_IT: f64 = 0.5;

/// A heading has no more words.
const MOST_HEADING_WORDS: usize = 14;

static ANSWER: LazyLock<[u64; 3]> = LazyLock::new(|| ["answer", "answers", "solution"].map(hash));

/// Whether the first sentence of the context holds the answer. Left out: verdicts such as yes; answers
/// of one short number or letter, which stand in any text; answers that the question itself offers
/// (`A or B?`).
///
/// A text that begins with a heading is a document (or several, in any order), whose first sentence
/// tells what the heading is about. In 14 % of HotpotQA's human contexts that holds the answer, since
/// the right document happens to come first; so there the opening must hold half of the question's
/// content words too.
pub fn answer_leak(reading: &Reading<'_>) -> Option<Finding> {
    let is_summary = reading.kind == Some(TaskKind::Summarization);
    if reading.is_verdict() || is_summary || reading.own.is_empty() {
        return None;
    }
    let (opening, has_heading) = opening(&reading.context[reading.own.clone()]);
    let opening = opening.start + reading.own.start..opening.end + reading.own.start;
    let there = reading.words_in(&opening);
    let bytes = reading.answers().find_map(|(text, answer)| {
        let sought = Sought::new(answer)?;
        let is_offered = sought.find(&reading.instruction_words).is_some();
        let is_trivial = is_letter(answer) || is_small_number(text) || !sought.has_content();
        sought.find(there).filter(|_| !is_offered && !is_trivial)
    })?;
    let asked = overlap(&reading.instruction_words, there).unwrap_or(0.0);
    let announces = there.iter().any(|word| ANSWER.contains(&word.hash))
        || reading.context[opening].contains("答案");
    if has_heading && asked < ANSWERS_IT && !announces {
        return None;
    }
    let severity = match asked >= ANSWERS_IT || announces {
        true => Severity::Warning,
        false => Severity::Note,
    };
    let why = "the first sentence of the context holds the answer";
    let span = Span::new(Part::Context, bytes, "the answer");
    Some(reading.finding(Check::AnswerLeak, severity, why.into(), vec![span]))
}

/// The first sentence that is no heading, from the beginning of the text on, and whether it has one.
fn opening(text: &str) -> (Range<usize>, bool) {
    let mut all = sentences(text);
    let Some(first) = all.next() else { return (0..0, false) };
    let line = &text[first.clone()];
    let has_end = line.ends_with(|c: char| ends(c) || closes(c));
    let is_heading = !has_end && words(line).len() <= MOST_HEADING_WORDS;
    match all.next().filter(|_| is_heading) {
        Some(second) => (first.start..second.end, true),
        None => (first, false),
    }
}
