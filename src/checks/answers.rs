//! Where an answer stands in a text, as a reader would see it: without case, punctuation and articles,
//! and with `two` for `2`.

use super::words::{Word, halves, hash};
use crate::metrics::FUNCTION_WORDS;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

/// Words and characters around an answer's own number of words in which they may be scattered, for
/// the answer to count as there in other words.
const SLACK: usize = 3;

const NUMBER_WORDS: &str = "zero one two three four five six seven eight nine ten eleven twelve";

static FUNCTION: LazyLock<BTreeSet<u64>> = LazyLock::new(|| {
    // What `metrics` cuts at an apostrophe leaves these letters.
    let more = ["s", "t", "d", "ll", "re", "ve", "doesn", "didn", "don", "isn", "wasn"];
    FUNCTION_WORDS.split_whitespace().chain(more).map(hash).collect()
});
static ARTICLES: LazyLock<[u64; 3]> = LazyLock::new(|| ["a", "an", "the"].map(hash));
static NUMBERS: LazyLock<Vec<[u64; 2]>> = LazyLock::new(|| {
    NUMBER_WORDS
        .split(' ')
        .enumerate()
        .map(|(n, word)| [hash(&n.to_string()), hash(word)])
        .collect()
});

/// Whether a word of English carries no matter.
pub fn is_function(word: &Word) -> bool {
    FUNCTION.contains(&word.hash)
}

/// Whether an answer is a number of up to two digits, or its word.
pub fn is_small_number(answer: &str) -> bool {
    let plain: String = answer.chars().filter(|c| c.is_alphanumeric()).collect();
    let is_short = plain.len() <= 2 && plain.bytes().all(|byte| byte.is_ascii_digit());
    is_short || NUMBER_WORDS.split(' ').any(|word| word.eq_ignore_ascii_case(&plain))
}

/// Whether an answer is one letter or digit.
pub fn is_letter(answer: &[Word]) -> bool {
    matches!(answer, [only] if halves(answer) == 2 && only.end - only.start < 2)
}

/// An answer that is looked for.
pub struct Sought {
    /// Each of its words, articles left out, with the others that it may be written as.
    words: Vec<[u64; 2]>,
    n_content: usize,
}

impl Sought {
    /// What to look for; `None` where nothing is left.
    pub fn new(answer: &[Word]) -> Option<Self> {
        let plain = answer.iter().filter(|word| !ARTICLES.contains(&word.hash));
        let spellings = |word: &Word| {
            let number = NUMBERS.iter().find(|forms| forms.contains(&word.hash));
            number.copied().unwrap_or([word.hash; 2])
        };
        let words: Vec<[u64; 2]> = plain.map(spellings).collect();
        let n_content = answer.iter().filter(|word| !is_function(word)).count();
        (!words.is_empty()).then_some(Self { words, n_content })
    }

    /// The bytes of the first place where it stands word by word.
    pub fn find(&self, text: &[Word]) -> Option<Range<usize>> {
        let mut starts = text.iter().enumerate().filter(|(_, w)| self.words[0].contains(&w.hash));
        starts.find_map(|(ix, first)| {
            let mut rest = text[ix + 1..].iter().filter(|w| !ARTICLES.contains(&w.hash));
            let mut last = first;
            for wanted in &self.words[1..] {
                last = rest.next().filter(|word| wanted.contains(&word.hash))?;
            }
            Some(first.start as usize..last.end as usize)
        })
    }

    /// The greatest share of its words that stand near each other anywhere in the text, 0 to 1.
    pub fn nearest(&self, text: &[Word]) -> f64 {
        let place = |word: &Word| self.words.iter().position(|forms| forms.contains(&word.hash));
        let found: Vec<(usize, usize)> =
            text.iter().enumerate().filter_map(|(ix, word)| Some((ix, place(word)?))).collect();
        let reach = self.words.len() + SLACK;
        let mut best = 0;
        for (from, (start, _)) in found.iter().enumerate() {
            let near = found[from..].iter().take_while(|(ix, _)| ix - start < reach);
            best = best.max(near.map(|(_, place)| *place).collect::<BTreeSet<usize>>().len());
            if best == self.words.len() {
                break;
            }
        }
        best as f64 / self.words.len() as f64
    }

    /// Whether it has a word that is no function word.
    pub fn has_content(&self) -> bool {
        self.n_content > 0
    }
}

/// Share of the different content words of `asked` that stand in `text`; `None` when it has none.
pub fn overlap(asked: &[Word], text: &[Word]) -> Option<f64> {
    let asked: BTreeSet<u64> =
        asked.iter().filter(|word| !is_function(word)).map(|word| word.hash).collect();
    let there: BTreeSet<u64> = text.iter().map(|word| word.hash).collect();
    (!asked.is_empty()).then(|| asked.intersection(&there).count() as f64 / asked.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn answers_are_found_as_readers_find_them() {
        let text = "It had two of the wheels (THE) Georgia-Peach. He, Claude Festus McKay, died.";
        let all = words(text);
        let sought = |answer: &str| Sought::new(&words(answer)).unwrap();
        let find = |answer: &str| sought(answer).find(&all).map(|bytes| &text[bytes]);
        assert_eq!(find("the Georgia Peach"), Some("Georgia-Peach"));
        assert_eq!(find("2 of wheels"), Some("two of the wheels"));
        assert_eq!(find("Georgia Pear"), None);
        assert_eq!(sought("Festus Claude McKay").nearest(&all), 1.0);
        assert_eq!(sought("two Peach").nearest(&all), 0.5);
        assert!(Sought::new(&words("the ...")).is_none());
        assert_eq!(sought("他去").find(&words("昨天他去了")), Some(6..12));
    }
}
