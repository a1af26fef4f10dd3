//! Putting needles between the sentences of a text.

use super::haystack::{Glue, Sentence};
use std::ops::Range;

/// Needles and the sentences around them as one text.
#[derive(Debug, PartialEq, Eq)]
pub struct Hidden {
    /// The text.
    pub text: String,
    /// The bytes of each needle in it, in the order in which the needles were given.
    pub spans: Vec<Range<usize>>,
}

impl Hidden {
    /// Where a needle stands, 0 at the begin to 1 at the end; `None` for one that is all of the text.
    pub fn depth(&self, needle: usize) -> Option<f64> {
        let span = self.spans.get(needle)?;
        let room = self.text.len().checked_sub(span.len()).filter(|room| *room > 0)?;
        Some(span.start as f64 / room as f64)
    }
}

/// Hides each needle between two sentences, as near as can be to its depth. Needles of one depth stand
/// one after another.
pub fn hide(filler: &[&Sentence], needles: &[String], depths: &[f64]) -> Hidden {
    let n_filler: usize = filler.iter().map(|s| s.glue.as_str().len() + s.text.len()).sum();
    let n_needles: usize = needles.iter().map(|needle| needle.len() + 1).sum();
    let n_all = n_filler + n_needles;
    let mut order: Vec<usize> = (0..needles.len()).collect();
    order.sort_by(|a, b| depths[*a].total_cmp(&depths[*b]));
    let mut text = String::with_capacity(n_all);
    let mut spans = vec![0..0; needles.len()];
    let mut rest = filler.iter();
    // The first sentence begins no paragraph of its own: what is before it is a needle or nothing.
    let glue = |spans: &[Range<usize>], at: usize, n_left: usize, next: &Sentence| match next.glue {
        _ if n_left == filler.len() => Glue::Space,
        // A needle is parted from what follows by a space, whatever the script.
        Glue::Nothing if spans.iter().any(|span| span.end == at) => Glue::Space,
        glue => glue,
    };
    for ix in order {
        let wanted = depths[ix] * (n_all - needles[ix].len() - 1) as f64;
        while let Some(sentence) = rest.as_slice().first() {
            let after = text.len() + sentence.glue.as_str().len() + sentence.text.len();
            if (after as f64 - wanted).abs() >= (text.len() as f64 - wanted).abs() {
                break;
            }
            let glue = glue(&spans, text.len(), rest.len(), sentence);
            push(&mut text, glue, &sentence.text);
            rest.next();
        }
        push(&mut text, Glue::Space, &needles[ix]);
        spans[ix] = text.len() - needles[ix].len()..text.len();
    }
    while let Some(sentence) = rest.as_slice().first() {
        let glue = glue(&spans, text.len(), rest.len(), sentence);
        push(&mut text, glue, &sentence.text);
        rest.next();
    }
    Hidden { text, spans }
}

fn push(text: &mut String, glue: Glue, more: &str) {
    if !text.is_empty() {
        text.push_str(glue.as_str());
    }
    text.push_str(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filler(n: usize) -> Vec<Sentence> {
        let glue = |ix: usize| if ix.is_multiple_of(3) { Glue::Paragraph } else { Glue::Space };
        (0..n).map(|ix| Sentence { glue: glue(ix), text: format!("Sentence {ix:03}.") }).collect()
    }

    #[test]
    fn needles_stand_at_their_depths_between_sentences() {
        let filler = filler(200);
        let filler: Vec<&Sentence> = filler.iter().collect();
        let needles: Vec<String> = (0..5).map(|ix| format!("Needle {ix} is here.")).collect();
        let depths = [0.5, 0.0, 1.0, 0.25, 0.9];
        let hidden = hide(&filler, &needles, &depths);
        for (ix, needle) in needles.iter().enumerate() {
            assert_eq!(&hidden.text[hidden.spans[ix].clone()], needle);
            assert_eq!(hidden.text.matches(needle.as_str()).count(), 1);
            let off = (hidden.depth(ix).unwrap() - depths[ix]).abs();
            assert!(off < 0.01, "needle {ix} is off by {off}");
        }
        assert!(hidden.text.starts_with("Needle 1 is here. Sentence 000."));
        assert!(hidden.text.ends_with("Sentence 199. Needle 2 is here."));
        for sentence in &filler {
            assert_eq!(hidden.text.matches(sentence.text.as_str()).count(), 1);
        }
    }

    #[test]
    fn needles_alone_stand_in_order_and_have_no_depth_when_there_is_one() {
        let needles = ["A.".to_owned(), "B.".to_owned()];
        let hidden = hide(&[], &needles, &[0.9, 0.9]);
        assert_eq!(hidden.text, "A. B.");
        assert_eq!((hidden.depth(0), hidden.depth(1)), (Some(0.0), Some(1.0)));
        assert_eq!(hide(&[], &needles[..1], &[0.3]).depth(0), None);
    }

    #[test]
    fn a_needle_is_parted_from_a_script_without_spaces() {
        let sentences = ["\u{4f60}\u{3002}", "\u{597d}\u{3002}"]
            .map(|text| Sentence { glue: Glue::Nothing, text: text.into() });
        let filler: Vec<&Sentence> = sentences.iter().collect();
        let hidden = hide(&filler, &["N.".to_owned()], &[0.5]);
        assert_eq!(hidden.text, "\u{4f60}\u{3002} N. \u{597d}\u{3002}");
    }
}
