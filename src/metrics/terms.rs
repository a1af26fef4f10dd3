//! The words of a text for rules that look for evidence: which stand in it, which carry no matter.
//!
//! LongBench's scorer has rules of its own (`token_f1`), which must stay as they are.

/// Words of English that carry no subject matter.
pub const FUNCTION_WORDS: &str = "a about after all also am an and any are as at be because been before being between \
    both but by can could did do does doing down during each few for from further had has have having he her here \
    hers him his how i if in into is it its itself just me more most my no nor not of off on once only or other our \
    out over own same she should so some such than that the their them then there these they this those through to \
    too under until up very was we were what when where which while who whom whose why will with would you your";

/// Whether a character is of a script that is written without spaces between its words.
pub fn stands_alone(c: char) -> bool {
    matches!(u32::from(c), 0x3040..=0x30ff | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

/// Lower-case words and numbers; characters of scripts without spaces stand alone.
pub fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    let mut word = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        let alone = stands_alone(c);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_are_no_evidence() {
        assert!(is_yes_no("Yes.") && is_yes_no("no") && !is_yes_no("no one"));
    }
}
