//! Where a text stands in another one, whatever its case, punctuation and articles.

use std::ops::Range;

/// Words that do not count.
const ARTICLES: [&str; 3] = ["a", "an", "the"];

/// Answers that stand in any text, so that finding one means nothing.
const COMMONPLACE: [&str; 12] = [
    "yes",
    "no",
    "true",
    "false",
    "none",
    "neither",
    "both",
    "unanswerable",
    "unknown",
    "是",
    "否",
    "无",
];

/// Whether a character is of a script that is written without spaces between its words.
fn stands_alone(c: char) -> bool {
    matches!(u32::from(c), 0x3040..=0x30ff | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

/// Hands over each word of a text in lower case with its bytes: runs of letters and digits, and each
/// character of a script that is written without spaces. Articles are left out.
fn walk(text: &str, sink: &mut dyn FnMut(&str, Range<usize>)) {
    let mut word = String::new();
    let mut start = 0;
    let mut end = |word: &mut String, bytes: Range<usize>| {
        if !word.is_empty() && !ARTICLES.contains(&word.as_str()) {
            sink(word, bytes);
        }
        word.clear();
    };
    for (at, c) in text.char_indices() {
        let alone = stands_alone(c);
        if alone || !c.is_alphanumeric() {
            end(&mut word, start..at);
        }
        if alone {
            word.push(c);
            end(&mut word, at..at + c.len_utf8());
        } else if c.is_alphanumeric() {
            if word.is_empty() {
                start = at;
            }
            match c.is_ascii() {
                true => word.push(c.to_ascii_lowercase()),
                false => word.extend(c.to_lowercase()),
            }
        }
    }
    end(&mut word, start..text.len());
}

/// A text as its words, so that one can be looked for in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain(Box<str>);

impl Plain {
    /// The words of a text.
    pub fn new(text: &str) -> Self {
        let mut plain = String::with_capacity(text.len() + 2);
        plain.push(' ');
        walk(text, &mut |word, _| {
            plain.push_str(word);
            plain.push(' ');
        });
        Self(plain.into())
    }

    /// Whether the words of the other stand in this, one after the other. A text without a word stands
    /// in none.
    pub fn holds(&self, other: &Self) -> bool {
        !other.is_empty() && self.0.contains(&*other.0)
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.0.len() <= 1
    }

    /// The words.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split_ascii_whitespace()
    }

    /// Whether this says so little (yes, no, nothing at all) that finding it in a text means nothing.
    pub fn is_commonplace(&self) -> bool {
        let mut words = self.words();
        match (words.next(), words.next()) {
            (None, _) => true,
            (Some(only), None) => COMMONPLACE.contains(&only),
            _ => false,
        }
    }
}

/// The bytes of each place in `context` where the words of `answer` stand one after the other; places
/// do not overlap. None for an answer without a word.
pub fn occurrences(answer: &str, context: &str) -> Vec<Range<usize>> {
    let mut wanted: Vec<String> = Vec::new();
    walk(answer, &mut |word, _| wanted.push(word.to_owned()));
    let mut found: Vec<Range<usize>> = Vec::new();
    if wanted.is_empty() {
        return found;
    }
    // Places of words that may go on to be the answer: how many words fit so far, and where it began.
    let mut begun: Vec<(usize, usize)> = Vec::new();
    walk(context, &mut |word, bytes| {
        begun.push((0, bytes.start));
        begun.retain_mut(|(n, _)| {
            let fits = wanted[*n] == word;
            *n += 1;
            fits
        });
        // The one that began first is the only one that can be whole.
        if let Some((n, start)) = begun.first().copied()
            && n == wanted.len()
        {
            found.push(start..bytes.end);
            begun.clear();
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_through_case_articles_and_punctuation() {
        let context = "One two. It was (THE) Georgia-Peach. Georgia, the peach! Georgian peach";
        let texts = |answer: &str| -> Vec<&str> {
            occurrences(answer, context).into_iter().map(|bytes| &context[bytes]).collect()
        };
        assert_eq!(texts("the Georgia Peach"), ["Georgia-Peach", "Georgia, the peach"]);
        assert_eq!(texts("each"), [""; 0]);
        assert_eq!(texts("the"), [""; 0]);
        assert_eq!(texts("One"), ["One"]);
        assert_eq!(texts("peach"), ["Peach", "peach", "peach"]);
        assert_eq!(occurrences("北京", "他去了北京。"), [9..15]);
        assert_eq!(occurrences("x y x y z", "x y x y x y z"), [4..13]);
        assert_eq!(occurrences("x x", "x x x x x"), [0..3, 4..7]);
        assert_eq!(occurrences("ÉTÉ", "l'été"), [2..7]);
        for (answer, context, holds) in [
            ("the Georgia Peach", context, true),
            ("each", context, false),
            ("an", context, false),
            ("北京", "他去了北京。", true),
        ] {
            assert_eq!(Plain::new(context).holds(&Plain::new(answer)), holds, "{answer}");
        }
    }

    #[test]
    fn yes_and_no_say_nothing() {
        for answer in ["Yes.", "no", "", "the", "是", "None"] {
            assert!(Plain::new(answer).is_commonplace(), "{answer}");
        }
        assert!(!Plain::new("no one").is_commonplace());
    }
}
