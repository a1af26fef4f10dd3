//! ROUGE-L over summaries, as the Python package `rouge` 1.0.1 has it.

use super::chinese_words;
use super::lcs::Sentences;
use super::python_text::words;
use std::collections::HashMap;

/// How many calls within each other Python 3.11 and 3.12 have left for a path when LongBench's `eval.py`
/// asks (1000 in all; Python 3.10 has one less). A summary with a longer one has no grade but 0.
const MOST_STEPS: usize = 987;

/// `rouge_score`: F of ROUGE-L. Each distinct word that is part of a longest common subsequence of a
/// sentence of one with a sentence of the other counts once. 0 for a text without a sentence, which the
/// package refuses.
pub(super) fn rouge_l(prediction: &str, reference: &str) -> f64 {
    f_of(prediction, reference, MOST_STEPS)
}

/// `rouge_zh_score`: the same over the words that jieba finds. It is asked through one call more.
pub(super) fn rouge_l_zh(prediction: &str, reference: &str) -> f64 {
    let [prediction, reference] =
        [prediction, reference].map(|text| chinese_words::cut(text).join(" "));
    f_of(&prediction, &reference, MOST_STEPS - 1)
}

fn f_of(prediction: &str, reference: &str, most_steps: usize) -> f64 {
    let mut ids = HashMap::new();
    let hypothesis = sentences(prediction, &mut ids);
    let n_hypothesis = ids.len();
    let references = sentences(reference, &mut ids);
    if hypothesis.is_empty() || references.is_empty() {
        return 0.0;
    }
    let mut found = vec![false; ids.len()];
    references.iter().flatten().for_each(|word| found[*word] = true);
    let n_reference = count(&found);
    found.fill(false);
    let hypothesis = Sentences::new(&hypothesis, ids.len());
    for sentence in &references {
        if hypothesis.mark_common(sentence, &mut found, most_steps).is_err() {
            return 0.0;
        }
    }
    let recall = count(&found) as f64 / n_reference as f64;
    let precision = count(&found) as f64 / n_hypothesis as f64;
    2.0 * ((precision * recall) / (precision + recall + 1e-8))
}

fn count(found: &[bool]) -> usize {
    found.iter().filter(|found| **found).count()
}

/// Every full stop ends a sentence, that of "3.5" too; one of white space alone has the empty word.
fn sentences<'t>(text: &'t str, ids: &mut HashMap<&'t str, usize>) -> Vec<Vec<usize>> {
    let parts = text.split('.').filter(|part| !part.is_empty());
    let mut id = |word| {
        let next = ids.len();
        *ids.entry(word).or_insert(next)
    };
    parts
        .map(|part| {
            let mut sentence: Vec<usize> = words(part).map(&mut id).collect();
            if sentence.is_empty() {
                sentence.push(id(""));
            }
            sentence
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_words_of_common_subsequences_count() {
        // Values of the Python package.
        assert_eq!(rouge_l("the cat sat", "the cat sat"), 0.999999995);
        assert_eq!(rouge_l("", "the cat"), 0.0);
        assert_eq!(rouge_l("...", "the cat"), 0.0);
        assert_eq!(rouge_l("the cat", "..."), 0.0);
        // White space alone is a sentence of the empty word, and equal to another one.
        assert_eq!(rouge_l(" ", "\u{3000}"), 0.999999995);
        assert_eq!(rouge_l("cat. ", "dog.\n"), 0.4999999950000001);
    }

    #[test]
    fn a_sentence_longer_than_pythons_stack_has_no_grade() {
        let words = |n: usize| (0..n).map(|i| format!("w{i} ")).collect::<String>();
        assert_eq!(rouge_l(&words(987), &words(987)), 0.999999995);
        assert_eq!(rouge_l(&words(988), &words(988)), 0.0);
        let stops = |n: usize| "好，".repeat(n);
        assert!(rouge_l_zh(&stops(493), &stops(493)) > 0.9);
        assert_eq!(rouge_l_zh(&stops(494), &stops(494)), 0.0);
    }
}
