//! Text as Python sees it: white space, letters, digits. Python's classes are not those of Rust's
//! standard library, and a grade that must equal a Python scorer's hangs on them.

use regex::Regex;
use std::sync::LazyLock;

/// `str.isspace` of one character: Unicode's white space and the four separators U+001C to U+001F.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `str.split()`: the words between white space.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// `\w` of Python's `re`: letters and numbers, but no marks, which Rust counts in.
pub(super) fn is_word(c: char) -> bool {
    static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A\p{L}\z").ok());
    match c.is_ascii() {
        true => c.is_ascii_alphanumeric() || c == '_',
        false => c.is_numeric() || c.is_alphabetic() && is(&LETTER, c),
    }
}

/// `\d` of Python's `re`: the decimal digits of every script.
pub(super) fn is_digit(c: char) -> bool {
    static DIGIT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A\p{Nd}\z").ok());
    c.is_ascii_digit() || !c.is_ascii() && c.is_numeric() && is(&DIGIT, c)
}

/// `re.findall(r"\d+", text)`.
pub(super) fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_digit(c)).filter(|number| !number.is_empty())
}

fn is(class: &Option<Regex>, c: char) -> bool {
    let mut buffer = [0; 4];
    class.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut buffer)))
}

/// `text.lstrip('\n').split('\n')`.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.trim_start_matches('\n').split('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_pythons_white_space() {
        let text = "a\u{1c}b\u{1f}c\u{85}d\u{a0}e\u{3000}f\u{200b}g\r\n h ";
        assert_eq!(words(text).collect::<Vec<_>>(), ["a", "b", "c", "d", "e", "f\u{200b}g", "h"]);
        assert_eq!(words(" \u{2029}").count(), 0);
    }

    #[test]
    fn marks_are_no_letters_and_every_script_has_digits() {
        for c in ['a', '9', '_', 'é', '中', '²', 'Ⅷ', '½', '٣'] {
            assert!(is_word(c), "{c}");
        }
        for c in ['-', '\u{301}', 'ⓐ', '、', '\u{200b}', '\u{93e}'] {
            assert!(!is_word(c), "{c:?}");
        }
        let text = "٣ and 13, ²³ Ⅷ 1٣2 ３";
        assert_eq!(numbers(text).collect::<Vec<_>>(), ["٣", "13", "1٣2", "３"]);
    }

    /// Python's classes and lower case of every character that Python 3.11 knows; newer ones have only
    /// Rust's.
    #[test]
    fn classes_and_lower_case_are_pythons() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/metrics.json")).unwrap();
        let ranges = |name: &str| -> Vec<(u32, u32)> {
            serde_json::from_value(golden["classes"][name].clone()).unwrap()
        };
        let holds = |ranges: &[(u32, u32)], c: char| {
            let at = ranges.partition_point(|(_, last)| *last < u32::from(c));
            ranges.get(at).is_some_and(|(first, _)| *first <= u32::from(c))
        };
        let [unassigned, space, word, digit] = ["unassigned", "space", "word", "digit"].map(ranges);
        let lower: Vec<(String, String)> = serde_json::from_value(golden["lower"].clone()).unwrap();
        let lower: std::collections::BTreeMap<String, String> = lower.into_iter().collect();
        assert!(word.len() > 700 && lower.len() > 1300, "the golden file is whole");
        for c in ('\0'..=char::MAX).filter(|c| !holds(&unassigned, *c)) {
            assert_eq!(is_space(c), holds(&space, c), "space {c:?}");
            assert_eq!(is_word(c), holds(&word, c) || c == '_', "word {c:?}");
            assert_eq!(is_digit(c), holds(&digit, c), "digit {c:?}");
            let text = c.to_string();
            assert_eq!(&text.to_lowercase(), lower.get(&text).unwrap_or(&text), "lower {c:?}");
        }
    }
}
