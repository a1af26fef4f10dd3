//! Texts that say the same again and again.

use super::finding::{Check, Finding, Part, Severity, Span};
use super::reading::Reading;
use super::sentences::sentences;
use super::words::{HashedMap, Word, bytes, grams, hash_all, mostly_alone};
use std::ops::Range;

/// Words of a run that no two passages have in common by chance (the runs that Gopher's filter of
/// repetitions counts); of characters of scripts without spaces, twice as many.
const RUN: usize = 10;

/// A sentence of fewer words may come again.
const LEAST_SENTENCE: usize = 4;

/// Texts of fewer words are not judged by the share.
const LEAST_WORDS: usize = 60;

/// Share of a text's words in passages that stood in it before, from which on it is a fault. Human
/// contexts that list documents of one form (villages, seasons, awards) have up to 0.3, a few more.
const MOST_REPEATED: f64 = 0.3;

/// Words of one passage said over and over without anything between, from which on it is a loop,
/// however long the rest of the text is.
const LOOP_WORDS: usize = 40;

/// Times that a loop says its passage at least.
const LOOP_TIMES: usize = 3;

/// Whether a text of the record repeats itself, the context first.
pub fn repeats_itself(reading: &Reading<'_>) -> Option<Finding> {
    reading.texts().filter(|(part, _)| *part != Part::Instruction).find_map(|(part, text)| {
        let words = reading.words_of(part);
        let n = if mostly_alone(words) { 2 } else { 1 };
        let repeats = Repeats::of(text, words, n * RUN);
        let (why, severity, again) = repeats.verdict(words, n)?;
        let spans = [(Some(again.clone()), "said before"), (repeats.first(&again), "said first")];
        let span = |(range, why): (Option<Range<usize>>, &str)| {
            Some(Span::new(part, bytes(&words[range?]), why))
        };
        let spans = spans.into_iter().filter_map(span).collect();
        Some(reading.finding(Check::RepeatsItself, severity, why, spans))
    })
}

/// Which words of a text stand in passages that stood in it before.
struct Repeats {
    /// For each word, how many words before it the passage stood last; 0: nowhere.
    back: Vec<u32>,
}

impl Repeats {
    fn of(text: &str, words: &[Word], run: usize) -> Self {
        let mut back = vec![0_u32; words.len()];
        let mut seen: HashedMap<u32> = HashedMap::default();
        seen.reserve(words.len());
        for (ix, gram) in (0_u32..).zip(grams(words, run)) {
            if let Some(before) = seen.insert(gram, ix) {
                back[ix as usize..ix as usize + run].fill(ix - before);
            }
        }
        let mut seen: HashedMap<u32> = HashedMap::default();
        for sentence in sentences(text) {
            let at = |byte: usize| words.partition_point(|word| (word.start as usize) < byte);
            let range = at(sentence.start)..at(sentence.end);
            if range.len() < LEAST_SENTENCE {
                continue;
            }
            let start = range.start as u32;
            if let Some(before) = seen.insert(hash_all(&words[range.clone()]), start) {
                let marked = back[range].iter_mut().filter(|back| **back == 0);
                marked.for_each(|back| *back = start - before);
            }
        }
        Self { back }
    }

    /// Why the text is at fault, how bad that is, and the passage that shows it; `n` is 2 for scripts
    /// without spaces.
    fn verdict(&self, words: &[Word], n: usize) -> Option<(String, Severity, Range<usize>)> {
        let n_again = self.back.iter().filter(|back| **back > 0).count();
        let share = n_again as f64 / words.len().max(1) as f64;
        let mut runs = self.runs();
        // Of equals the first.
        let longest = runs.iter().rev().max_by_key(|range| range.len()).cloned()?;
        runs.retain(|range| self.is_loop(words, range, n));
        if let Some(looped) = runs.into_iter().next() {
            let period = self.back[looped.start] as usize;
            let times = looped.len() / period + 1;
            let why = format!("a passage of {period} words is said {times} times in a row");
            return Some((why, Severity::Fault, looped));
        }
        let is_much = share >= MOST_REPEATED && words.len() >= n * LEAST_WORDS;
        let percent = (100.0 * share).round();
        let why = format!("{percent}% of the words stand in passages that were said before");
        is_much.then_some((why, Severity::Warning, longest))
    }

    /// Runs of words that were said before at one distance.
    fn runs(&self) -> Vec<Range<usize>> {
        let mut runs = Vec::new();
        let mut start = 0;
        for chunk in self.back.chunk_by(|a, b| a == b) {
            if chunk[0] > 0 {
                runs.push(start..start + chunk.len());
            }
            start += chunk.len();
        }
        runs
    }

    /// Whether the passage before a run is what the run says over and over. Rows of one number or of
    /// one mark are tables.
    fn is_loop(&self, words: &[Word], range: &Range<usize>, n: usize) -> bool {
        let period = self.back[range.start] as usize;
        let is_long =
            range.len() + period >= n * LOOP_WORDS && range.len() >= period * (LOOP_TIMES - 1);
        let has_letters = |word: &Word| word.end - word.start > 2;
        is_long && (n == 2 || words[range.start..][..period].iter().any(has_letters))
    }

    /// Where the passage stood before; of a loop, its first round.
    fn first(&self, again: &Range<usize>) -> Option<Range<usize>> {
        let period = *self.back.get(again.start).filter(|back| **back > 0)?;
        let back = period as usize;
        let mut start = again.start - back;
        while self.back[start] == period {
            start -= back;
        }
        Some(start..start + again.len().min(back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::{context, town};

    fn verdict(text: &str) -> Option<String> {
        repeats_itself(&Reading::new(&context(text), None)).map(|finding| finding.why)
    }

    #[test]
    fn loops_and_many_repeated_passages_are_told() {
        let prose = town(400);
        let looped = format!("{prose} {}", "He went to the mill again. ".repeat(12));
        assert!(verdict(&looped).unwrap().contains("a passage of 6 words is said 12 times"));
        let paragraphs: Vec<&str> = prose.split("\n\n").collect();
        let twice = paragraphs.iter().flat_map(|p| [*p, *p]).collect::<Vec<_>>().join("\n\n");
        let finding = repeats_itself(&Reading::new(&context(&twice), None)).unwrap();
        assert!(finding.why.contains("% of the words"), "{}", finding.why);
        let [again, first] = [&finding.spans[0], &finding.spans[1]]
            .map(|span| twice[span.bytes[0]..span.bytes[1]].to_owned());
        assert!(again.starts_with(&first) && first.len() > 100, "{again:?} {first:?}");
        let chinese = "他每天早上都去河边看那座老桥，".repeat(12);
        assert!(verdict(&chinese).unwrap().contains("in a row"));
        let short = "It is so. We all know it well.\n".repeat(14);
        assert!(verdict(&short).is_some());
    }

    #[test]
    fn prose_refrains_and_tables_are_none() {
        let prose = town(1500);
        let refrain =
            prose.replace("\n\n", "\n\nAnd so the river ran on as it always had done.\n\n");
        let table = format!("{prose}\n\n{}", "0 0 0 0 0 0 0 0 0 0 | ".repeat(10));
        for text in [prose.as_str(), &refrain, &table, "", "word", "是的"] {
            assert_eq!(verdict(text), None);
        }
    }
}
