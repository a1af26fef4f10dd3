//! What can be told from a text alone: words, markers, repetition.

use std::collections::HashSet;

/// Words: runs of non-white-space.
pub fn n_words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// Share of a text's runs of eight words that occurred in it before; 0 for shorter texts.
pub fn repeated_share(text: &str) -> f64 {
    const RUN: usize = 8;
    let words: Vec<&str> = text.split_whitespace().collect();
    let runs = words.windows(RUN);
    let n_runs = runs.len();
    if n_runs == 0 {
        return 0.0;
    }
    let mut seen = HashSet::new();
    let n_repeated = runs.filter(|run| !seen.insert(*run)).count();
    n_repeated as f64 / n_runs as f64
}

/// The part of `document` of `n_words` words beginning with word number `first`: its byte range.
pub fn word_span(document: &str, first: usize, n_words: usize) -> std::ops::Range<usize> {
    let mut start = None;
    let mut end = 0;
    for (ix, word) in document.split_whitespace().enumerate() {
        // `split_whitespace` yields parts of `document`, so their addresses tell their places.
        let at = word.as_ptr() as usize - document.as_ptr() as usize;
        if ix == first {
            start = Some(at);
        }
        if ix >= first + n_words {
            break;
        }
        end = at + word.len();
    }
    let start = start.unwrap_or(0);
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetition_counts_runs_seen_before() {
        let line = "one two three four five six seven eight";
        assert_eq!(repeated_share(line), 0.0);
        // Nine runs, of which the last equals the first.
        assert!((repeated_share(&format!("{line} {line}")) - 1.0 / 9.0).abs() < 1e-12);
        assert_eq!(repeated_share("too short"), 0.0);
    }

    #[test]
    fn spans_begin_and_end_at_words() {
        let text = " alpha  beta\ngämma delta ";
        assert_eq!(&text[word_span(text, 1, 2)], "beta\ngämma");
        assert_eq!(&text[word_span(text, 0, 99)], "alpha  beta\ngämma delta");
        assert_eq!(word_span("", 0, 5), 0..0);
    }
}
