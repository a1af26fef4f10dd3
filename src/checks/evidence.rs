//! Answers that are not in their context, or do not need it.

use super::answers::{Sought, is_function, is_letter, is_small_number};
use super::finding::{Check, Finding, Part, Severity, Span};
use super::reading::{Gains, Reading};
use super::words::{Word, halves, hash};
use crate::prompt::TaskKind;

/// Longer answers are seldom taken word by word from the context.
const MOST_EXTRACTED_WORDS: usize = 6;

/// Share of an answer's words near each other in the context from which on it counts as there in
/// other words.
const IN_OTHER_WORDS: f64 = 0.75;

/// Nats per token that a context must add to its answer beyond what another context adds.
const LEAST_GAIN: f64 = 0.1;

/// Nats per token under which an answer is known: each token has a probability of 0.6 on the
/// (geometric) average.
const KNOWN_NLL: f64 = 0.5;

/// The same for yes and no, which half of the time are right by chance: a probability of 0.9.
const KNOWN_VERDICT_NLL: f64 = 0.1;

/// Whether no answer stands in the context, where one should: short answers that are taken from the
/// text, of tasks that ask for such. With gains: and the context makes the answer no likelier.
pub fn unanswerable(reading: &Reading<'_>) -> Option<Finding> {
    use TaskKind::{MultiDocument, SingleDocument};
    let asks = matches!(reading.kind, None | Some(SingleDocument | MultiDocument));
    if !asks || reading.context_words.is_empty() || reading.answer_words.is_empty() {
        return None;
    }
    let mut answers = reading.answers();
    if reading.is_verdict() || !answers.all(|(text, words)| is_extracted(reading, text, words)) {
        return None;
    }
    let text = reading.context_words.as_slice();
    let is_there = |answer: &Vec<Word>| {
        Sought::new(answer).is_none_or(|sought| {
            sought.find(text).is_some() || sought.nearest(text) >= IN_OTHER_WORDS
        })
    };
    if reading.answer_words.iter().any(is_there) {
        return None;
    }
    let gain = reading.gains.and_then(gain_over_others);
    let (severity, why) = match gain {
        Some(gain) if gain >= LEAST_GAIN => return None,
        Some(gain) => (
            Severity::Fault,
            format!("the answer is not in the context, which adds {gain:+.2} nats a token to it"),
        ),
        None => (
            Severity::Warning,
            "the answer is not in the context (by its text only; no gain is known)".to_owned(),
        ),
    };
    let span = Span::new(Part::Answer, 0..reading.record.answer().len(), "not in the context");
    Some(reading.finding(Check::Unanswerable, severity, why, vec![span]))
}

/// Whether an answer is of the kind that is taken from a text: short, a name or a thing rather than a
/// sentence, and nothing that is counted or chosen.
fn is_extracted(reading: &Reading<'_>, text: &str, answer: &[Word]) -> bool {
    const SAID: [&str; 22] = [
        "he", "she", "it", "they", "i", "we", "because", "to", "by", "that", "when", "if", "so",
        "his", "her", "their", "for", "from", "as", "is", "was", "not",
    ];
    let says = answer.first().is_some_and(|first| SAID.iter().any(|word| hash(word) == first.hash));
    let is_number = is_small_number(text) || text.contains(|c: char| c.is_ascii_digit());
    let is_counted = is_number && asks_how_many(reading);
    let has_content = answer.iter().any(|word| !is_function(word));
    let is_short = halves(answer) <= 2 * MOST_EXTRACTED_WORDS;
    is_short && has_content && !says && !is_letter(answer) && !is_counted
}

/// Whether the question asks for what a reader counts or computes.
fn asks_how_many(reading: &Reading<'_>) -> bool {
    let counted = ["many", "much", "long", "old"].map(hash);
    let asked = reading.instruction_words.iter().any(|word| counted.contains(&word.hash));
    asked || ["多少", "几", "多久"].iter().any(|word| reading.record.instruction.contains(word))
}

/// What the own context adds to the answer beyond what others add, or beyond nothing where no other
/// was tried.
fn gain_over_others(gains: &Gains) -> Option<f64> {
    gains.answer_gain.map(|gain| gain - gains.answer_gain_shuffled.unwrap_or(0.0))
}

/// Whether a model knows the answer without the context, which adds nothing.
pub fn closed_book(reading: &Reading<'_>) -> Option<Finding> {
    let gain = reading.gains?.answer_gain.filter(|gain| *gain < LEAST_GAIN)?;
    let nll = nll_without(reading.gains?)?;
    let known = if reading.is_verdict() { KNOWN_VERDICT_NLL } else { KNOWN_NLL };
    if nll > known || reading.context_words.is_empty() {
        return None;
    }
    let why = format!(
        "without the context the answer has a mean probability of {:.2} a token; the context adds \
         {gain:+.2} nats",
        (-nll).exp()
    );
    let span =
        Span::new(Part::Answer, 0..reading.record.answer().len(), "known without the context");
    Some(reading.finding(Check::ClosedBook, Severity::Warning, why, vec![span]))
}

/// Mean NLL(A|I), which the row does not hold: `gain = nll - own` and `context_ifd = own / nll`, so it
/// is `gain / (1 - context_ifd)`.
fn nll_without(gains: &Gains) -> Option<f64> {
    let gain = gains.answer_gain?;
    match gains.context_ifd {
        // The row says null where it is under 0.01.
        None => Some(0.01),
        Some(ifd) if (1.0 - ifd).abs() > 1e-6 => Some(gain / (1.0 - ifd)).filter(|nll| *nll >= 0.0),
        Some(_) => None,
    }
}
