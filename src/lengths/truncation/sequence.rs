//! What is trained on of a record, and where in it evidence stands.

use super::super::{LengthsError, Prompts, Written};
use crate::data::Record;
use crate::metrics::{self, Plain};
use crate::model::Token;
use std::ops::Range;

/// A record's sequence: its tokens, and the places of what must not be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// Tokens.
    pub n_tokens: usize,
    /// The tokens of the context that the record is about; `None` without a `gold_span`.
    pub gold: Option<Range<usize>>,
    /// The tokens of each place in the context where an answer stands.
    pub answers: Vec<Range<usize>>,
    /// The tokens of the answer that is trained on.
    pub target: Range<usize>,
}

/// A record's sequence; `None` where nothing is asked.
pub fn of(record: &Record, prompts: &Prompts<'_>) -> Result<Option<Sequence>, LengthsError> {
    if record.instruction.trim().is_empty() {
        return Ok(None);
    }
    let answer = record.answer().trim();
    let (written, context) = match record.context.as_deref().filter(|text| !text.trim().is_empty())
    {
        Some(context) => (prompts.write(record, context, answer)?, context),
        None => (prompts.write_alone(record, answer)?, ""),
    };
    let Written { tokens, context: place, answer: target, .. } = written;
    let tokens = tokens.ok_or(LengthsError::NoTokenizer)?;
    // The prompt holds the context without its outer white space.
    let cut = context.len() - context.trim_start().len();
    let in_prompt = |bytes: &Range<usize>| {
        let shift = |at: usize| (at.saturating_sub(cut) + place.start).min(place.end);
        overlapping(&tokens, &(shift(bytes.start)..shift(bytes.end)))
    };
    let found: Vec<Range<usize>> =
        evidence(record, context).iter().map(in_prompt).filter(|place| !place.is_empty()).collect();
    Ok(Some(Sequence {
        n_tokens: tokens.len(),
        gold: gold_span(record, context).as_ref().map(in_prompt).filter(|gold| !gold.is_empty()),
        answers: found,
        target: overlapping(&tokens, &target),
    }))
}

/// The bytes of the context that the record is about, as it says.
fn gold_span(record: &Record, context: &str) -> Option<Range<usize>> {
    let span = record.extra.get("gold_span")?.as_array()?;
    let at = |ix: usize| Some(span.get(ix)?.as_u64()? as usize);
    let range = at(0)?..at(1)?;
    (span.len() == 2 && !range.is_empty() && range.end <= context.len()).then_some(range)
}

/// The bytes of each place in the context where one of the answers stands.
fn evidence(record: &Record, context: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = record
        .answers
        .iter()
        .filter(|answer| !Plain::new(answer).is_commonplace())
        .flat_map(|answer| metrics::occurrences(answer, context))
        .collect();
    found.sort_by_key(|place| (place.start, place.end));
    found.dedup();
    found
}

/// Places of the tokens that share a byte with `bytes`.
fn overlapping(tokens: &[Token], bytes: &Range<usize>) -> Range<usize> {
    if bytes.is_empty() {
        return 0..0;
    }
    let first = tokens.partition_point(|token| token.bytes.end <= bytes.start);
    let n = tokens[first..].iter().take_while(|token| token.bytes.start < bytes.end).count();
    first..first + n
}
