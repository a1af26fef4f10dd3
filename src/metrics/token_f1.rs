//! F1 over the words that a prediction and a reference share.

use super::chinese_words;
use super::python_text::{is_space, is_word, words};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// F1 over the normalized words of two texts, 0 to 1: lower case, without punctuation and without
/// `a`, `an`, `the` (SQuAD's rule; LongBench's `qa_f1_score`).
pub fn token_f1(prediction: &str, reference: &str) -> f64 {
    let [prediction, reference] = [prediction, reference].map(normalize);
    f1(words(&prediction), words(&reference))
}

/// LongBench's `qa_f1_zh_score`: the words are those that jieba finds, without punctuation.
pub(super) fn token_f1_zh(prediction: &str, reference: &str) -> f64 {
    let [prediction, reference] = [prediction, reference].map(|text| {
        let words = chinese_words::cut(text).into_iter().map(normalize_zh);
        words.filter(|word| !word.is_empty()).collect::<Vec<String>>()
    });
    f1(prediction.iter().map(String::as_str), reference.iter().map(String::as_str))
}

/// Lower case, no ASCII punctuation, no articles; the words are between white space.
pub(super) fn normalize(text: &str) -> String {
    let mut plain = lower(text).into_owned();
    plain.retain(|c| !c.is_ascii_punctuation());
    without_articles(&plain)
}

/// A space instead of each of `a`, `an`, `the` that stands alone: a run of letters and digits of its own.
fn without_articles(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let run = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(run);
        kept.push_str(if matches!(word, "a" | "an" | "the") { " " } else { word });
        let gap = after.find(is_word).unwrap_or(after.len());
        kept.push_str(&after[..gap]);
        rest = &after[gap..];
    }
    kept
}

/// What LongBench leaves out of Chinese words beside ASCII punctuation.
const PUNCTUATION_ZH: &str = "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】\
                              〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏.";

/// Lower case, no punctuation, no white space.
fn normalize_zh(word: &str) -> String {
    let mut plain = lower(word).into_owned();
    plain.retain(|c| match c.is_ascii() {
        true => !c.is_ascii_punctuation() && !is_space(c),
        false => !PUNCTUATION_ZH.contains(c) && !is_space(c),
    });
    plain
}

fn lower(text: &str) -> Cow<'_, str> {
    match text.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
        true => Cow::Owned(text.to_lowercase()),
        false => Cow::Borrowed(text),
    }
}

/// F1 over words with their numbers; the order of the operations is LongBench's, to the last bit.
fn f1<'a>(
    prediction: impl Iterator<Item = &'a str>,
    reference: impl Iterator<Item = &'a str>,
) -> f64 {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut n_prediction, mut n_reference, mut n_same) = (0_usize, 0_usize, 0_usize);
    for word in reference {
        *left.entry(word).or_default() += 1;
        n_reference += 1;
    }
    for word in prediction {
        n_prediction += 1;
        if let Some(n) = left.get_mut(word).filter(|n| **n > 0) {
            *n -= 1;
            n_same += 1;
        }
    }
    if n_same == 0 {
        return 0.0;
    }
    let precision = n_same as f64 / n_prediction as f64;
    let recall = n_same as f64 / n_reference as f64;
    (2.0 * precision * recall) / (precision + recall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_and_punctuation_do_not_count() {
        assert_eq!(token_f1("The Cat, an animal.", "cat animal"), 1.0);
        assert_eq!(token_f1("a", "the"), 0.0);
        assert_eq!(token_f1("cat cat dog", "cat"), 0.5);
        // A mark is no letter, so the article before it stands alone.
        assert_eq!(normalize("A\u{301}b then the_n"), " \u{301}b then then");
        assert_eq!(token_f1_zh("今天的会议，讨论了", "今天的会议讨论了。"), 1.0);
    }
}
