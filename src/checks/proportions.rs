//! Parts that must be there and are not, or that are out of proportion.

use super::finding::{Check, Finding, Part, Severity, Span};
use super::reading::Reading;
use super::words::halves;

/// An instruction of fewer halves of a word may be longer than a short text.
const LONG_INSTRUCTION: usize = 2 * 20;

/// Whether a part is empty, or the instruction longer than the context. A seed has no context and a
/// document no pair, which is no fault.
pub fn empty(reading: &Reading<'_>) -> Option<Finding> {
    let record = reading.record;
    let has_text = |text: &str| text.contains(|c: char| !c.is_whitespace());
    let is_pair = !record.answers.is_empty() || has_text(&record.instruction);
    let (part, why) = match &record.context {
        Some(context) if !has_text(context) => (Part::Context, "the context is empty"),
        _ if is_pair && !has_text(&record.instruction) => {
            (Part::Instruction, "the instruction is empty")
        }
        _ if is_pair && !record.answers.iter().any(|answer| has_text(answer)) => {
            (Part::Answer, "the answer is empty")
        }
        context => {
            let n = halves(&reading.instruction_words);
            let is_longer = context.is_some() && n > halves(&reading.context_words);
            if !is_longer || n < LONG_INSTRUCTION {
                return None;
            }
            let why = "the instruction is longer than the context".to_owned();
            let span = Span::new(Part::Instruction, 0..record.instruction.len(), "too long");
            return Some(reading.finding(Check::Empty, Severity::Warning, why, vec![span]));
        }
    };
    let span = Span::new(part, 0..0, "empty");
    Some(reading.finding(Check::Empty, Severity::Fault, why.to_owned(), vec![span]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::{context, town};

    #[test]
    fn what_must_be_there_must_be_there() {
        let told = |record: &crate::data::Record| {
            empty(&Reading::new(record, None)).map(|finding| finding.spans[0].part)
        };
        let whole = context("The mill is old.");
        assert_eq!(told(&whole), None);
        for (part, change) in [
            (Part::Context, (|r| r.context = Some(" \n".into())) as fn(&mut crate::data::Record)),
            (Part::Instruction, |r| r.instruction = "\t".into()),
            (Part::Answer, |r| r.answers = vec![String::new()]),
            (Part::Answer, |r| r.answers.clear()),
            (Part::Instruction, |r| r.instruction = town(60)),
        ] {
            let mut record = whole.clone();
            change(&mut record);
            assert_eq!(told(&record), Some(part));
        }
        let mut seed = whole.clone();
        seed.context = None;
        let mut document = whole;
        (document.instruction, document.answers) = (String::new(), Vec::new());
        assert_eq!((told(&seed), told(&document)), (None, None));
    }
}
