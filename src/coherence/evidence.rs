//! What the texts themselves say: is the answer in the context, and where; how much of the
//! instruction's wording is there too.

use crate::metrics::{FUNCTION_WORDS, terms};
use std::collections::BTreeSet;

/// Where the answer first stands in the context, as a share of the context's words (0 to 1), after
/// lower case, punctuation and the articles are taken out of both; `None` if it is not there.
pub fn answer_position(answer: &str, context: &str) -> Option<f64> {
    let plain = |text: &str| -> Vec<String> {
        terms(text).into_iter().filter(|t| !["a", "an", "the"].contains(&t.as_str())).collect()
    };
    let (answer, context) = (plain(answer), plain(context));
    if answer.is_empty() {
        return None;
    }
    let at = context.windows(answer.len()).position(|words| words == answer)?;
    let last = context.len() - answer.len();
    Some(if last == 0 { 0.0 } else { at as f64 / last as f64 })
}

/// Share of the instruction's different content words that are in the context; `None` when it has
/// none.
pub fn instruction_overlap(instruction: &str, context: &str) -> Option<f64> {
    let function: BTreeSet<&str> = FUNCTION_WORDS.split_whitespace().collect();
    let asked: BTreeSet<String> =
        terms(instruction).into_iter().filter(|term| !function.contains(term.as_str())).collect();
    if asked.is_empty() {
        return None;
    }
    let there: BTreeSet<String> = terms(context).into_iter().collect();
    Some(asked.intersection(&there).count() as f64 / asked.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_through_case_articles_and_punctuation() {
        let context = "One two. It was (THE) Georgia-Peach who won";
        assert_eq!(answer_position("the Georgia Peach", context), Some(4.0 / 6.0));
        assert_eq!(answer_position("Georgia", "georgia"), Some(0.0));
        assert_eq!(answer_position("each", context), None);
        assert_eq!(answer_position("北京", "他去了北京。"), Some(1.0));
        assert_eq!(answer_position("the", context), None);
    }

    #[test]
    fn overlap_counts_content_words_once() {
        let share =
            instruction_overlap("Who is the ferry of the Ferry captain?", "A captain slept.");
        assert_eq!(share, Some(0.5));
        assert_eq!(instruction_overlap("Who is it?", "x"), None);
    }
}
