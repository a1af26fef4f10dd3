//! Contexts in which the question's own wording stands.

use super::finding::{Check, Finding, Part, Severity, Span};
use super::reading::Reading;
use super::runs::longest_common;
use super::words::{bytes, halves};

/// Runs shorter than this, in halves of a word, are found in any two texts about one thing.
const LEAST_COPIED: usize = 2 * 8;
/// The same for a whole question.
const LEAST_QUESTION: usize = 2 * 5;
/// Share of the question's words that a run must have, so that the long title of a book is none; people
/// who write questions for a text take up to 0.7 of their words from it in a row.
const COPIED_SHARE: f64 = 0.75;
/// A run of so many halves of a word is copied whatever its share.
const SURELY_COPIED: usize = 2 * 40;

/// Whether the question's own wording stands in the context: all of it, or a long run of its words.
pub fn question_copied(reading: &Reading<'_>) -> Option<Finding> {
    let question = reading.instruction_words.as_slice();
    let n = halves(question);
    if n < LEAST_QUESTION || reading.own.is_empty() {
        return None;
    }
    let text = reading.own_words();
    let (there, here) = longest_common(question, text)?;
    let run = &question[there.clone()];
    let (is_whole, n_run) = (run.len() == question.len(), halves(run));
    let share = n_run as f64 / n as f64;
    let is_copied = n_run >= SURELY_COPIED || n_run >= LEAST_COPIED && share >= COPIED_SHARE;
    if !is_whole && !is_copied {
        return None;
    }
    let (why, severity) = match is_whole {
        true => ("the question stands in the context word by word".to_owned(), Severity::Warning),
        false => (
            format!("{} words of the question in a row stand in the context", run.len()),
            Severity::Note,
        ),
    };
    let spans = vec![
        Span::new(Part::Context, bytes(&text[here]), "the question's words"),
        Span::new(Part::Instruction, bytes(run), "in the context word by word"),
    ];
    Some(reading.finding(Check::QuestionCopied, severity, why, spans))
}
