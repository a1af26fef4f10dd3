//! What the texts themselves say: is the answer in the context, and where; how much of the
//! instruction's wording is there too.

use std::collections::BTreeSet;

/// Words of English that carry no subject matter.
const FUNCTION_WORDS: &str = "a about after all also am an and any are as at be because been before being between \
    both but by can could did do does doing down during each few for from further had has have having he her here \
    hers him his how i if in into is it its itself just me more most my no nor not of off on once only or other our \
    out over own same she should so some such than that the their them then there these they this those through to \
    too under until up very was we were what when where which while who whom whose why will with would you your";

/// Lower-case words and numbers; characters of scripts without spaces stand alone.
pub fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    let mut word = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        let alone = matches!(u32::from(c), 0x3040..=0x30ff | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff);
        if c.is_alphanumeric() && !alone {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            terms.push(std::mem::take(&mut word));
        }
        if alone {
            terms.push(c.to_string());
        }
    }
    if !word.is_empty() {
        terms.push(word);
    }
    terms
}

/// Whether an answer is yes or no, which occurs in any text.
pub fn is_yes_no(answer: &str) -> bool {
    matches!(terms(answer).as_slice(), [only] if ["yes", "no", "是", "否"].contains(&only.as_str()))
}

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
    fn yes_and_no_are_no_evidence() {
        assert!(is_yes_no("Yes.") && is_yes_no("no") && !is_yes_no("no one"));
    }

    #[test]
    fn overlap_counts_content_words_once() {
        let share =
            instruction_overlap("Who is the ferry of the Ferry captain?", "A captain slept.");
        assert_eq!(share, Some(0.5));
        assert_eq!(instruction_overlap("Who is it?", "x"), None);
    }
}
