//! The text that needles are hidden in, sentence by sentence, with the tokens of each.

use super::NeedleError;
use super::task::MARKS;
use crate::job::Watch;
use crate::model::Tokenizer;
use rayon::prelude::*;

/// The longest sentence in characters; what is longer is cut, so that a needle's depth can be kept
/// in a text without full stops too.
const LONGEST_SENTENCE: usize = 400;

/// What stands before a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glue {
    /// Nothing: a script without spaces, or the rest of what was cut.
    Nothing,
    /// A space.
    Space,
    /// A blank line.
    Paragraph,
}

impl Glue {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Space => " ",
            Self::Paragraph => "\n\n",
        }
    }
}

/// A sentence of the haystack, its white space put in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// What stands before it.
    pub glue: Glue,
    /// Its words.
    pub text: String,
}

/// A text that needles can be hidden in.
#[derive(Debug)]
pub struct Haystack {
    /// What it is called in records.
    pub(super) name: String,
    pub(super) sentences: Vec<Sentence>,
    /// Tokens of the sentences before each, glue included, as they count alone: an estimate for
    /// the whole, which is counted in the end.
    pub(super) n_before: Vec<u64>,
}

impl Haystack {
    /// Reads a text and counts the tokens of its sentences.
    ///
    /// # Errors
    /// [`NeedleError::Haystack`] for a text that holds nothing, or a sentence that looks like a needle;
    /// the tokenizer's errors; a cancel.
    pub fn new(
        name: &str,
        text: &str,
        tokenizer: &Tokenizer,
        watch: &Watch,
    ) -> Result<Self, NeedleError> {
        check(name, text)?;
        let sentences = sentences(text);
        watch.stage("counting the haystack", sentences.len() as u64);
        let count = |sentence: &Sentence| {
            if watch.is_cancelled() {
                return Err(NeedleError::Cancelled(crate::job::Cancelled));
            }
            let n = tokenizer.count(&format!("{}{}", sentence.glue.as_str(), sentence.text))?;
            watch.advance(1);
            Ok(n as u64)
        };
        let counts: Vec<u64> = sentences.par_iter().map(count).collect::<Result<_, _>>()?;
        let mut n_before = vec![0];
        n_before.extend(counts.iter().scan(0, |sum, n| {
            *sum += n;
            Some(*sum)
        }));
        Ok(Self { name: name.to_owned(), sentences, n_before })
    }

    /// Tokens of all sentences.
    pub fn n_tokens(&self) -> u64 {
        self.n_before.last().copied().unwrap_or(0)
    }

    /// Tokens of one sentence.
    pub(super) fn n_tokens_of(&self, ix: usize) -> u64 {
        self.n_before[ix + 1] - self.n_before[ix]
    }

    /// The sentences at which a stretch of `n_tokens` may begin: those that begin a paragraph, and the
    /// first one; none where the text is too short.
    pub(super) fn starts(&self, n_tokens: u64) -> Vec<usize> {
        let Some(last) = self.n_tokens().checked_sub(n_tokens) else { return Vec::new() };
        let fits = |ix: &usize| self.n_before[*ix] <= last;
        let begins = |ix: &usize| *ix == 0 || self.sentences[*ix].glue == Glue::Paragraph;
        (0..self.sentences.len()).take_while(fits).filter(begins).collect()
    }
}

/// What makes a text no haystack.
fn check(name: &str, text: &str) -> Result<(), NeedleError> {
    let refuse = |what: String| Err(NeedleError::Haystack { name: name.to_owned(), what });
    if text.trim().is_empty() {
        return refuse("it is empty; give a text file, or `bundled`".into());
    }
    for (number, line) in (1_usize..).zip(text.lines()) {
        // Lowering every line of a large text costs less than one count of its tokens.
        let line = line.to_lowercase();
        if let Some(mark) = MARKS.iter().find(|mark| line.contains(**mark)) {
            return refuse(format!(
                "line {number} says \u{201c}{mark}\u{201d}, which looks like a needle that nobody hid; remove \
                 the line or give another text"
            ));
        }
    }
    Ok(())
}

/// The sentences of a text. A paragraph ends at a blank line; within it, all white space counts as
/// one space.
fn sentences(text: &str) -> Vec<Sentence> {
    let mut found: Vec<Sentence> = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for paragraph in paragraphs(text) {
        let mut glue = if found.is_empty() { Glue::Nothing } else { Glue::Paragraph };
        let mut rest = paragraph.as_str();
        while !rest.is_empty() {
            let (sentence, after) = rest.split_at(sentence_end(rest));
            found.push(Sentence { glue, text: sentence.to_owned() });
            rest = after.trim_start();
            glue = if rest.len() < after.len() { Glue::Space } else { Glue::Nothing };
        }
    }
    found
}

/// Paragraphs with one space between their words; none of them empty.
fn paragraphs(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let mut words = line.split_whitespace().peekable();
        if words.peek().is_none() {
            open = false;
        }
        for word in words {
            match all.last_mut().filter(|_| open) {
                Some(paragraph) => {
                    paragraph.push(' ');
                    paragraph.push_str(word);
                }
                None => all.push(word.to_owned()),
            }
            open = true;
        }
    }
    all
}

/// Where the first sentence of a text ends, in bytes; never 0 for a text that is not empty.
fn sentence_end(text: &str) -> usize {
    let mut n_chars = 0;
    let mut last_space = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        n_chars += 1;
        let end = at + c.len_utf8();
        match c {
            '\u{3002}' | '\u{ff01}' | '\u{ff1f}' => return end,
            '.' | '!' | '?' => {
                // A closing quote or bracket belongs to the sentence.
                let is_closing = |c: char| "\"')]\u{201d}\u{2019}".contains(c);
                let after = text[end..].trim_start_matches(is_closing);
                if after.is_empty() || after.starts_with(' ') {
                    return text.len() - after.len();
                }
            }
            ' ' => last_space = Some(at),
            _ => {}
        }
        if n_chars == LONGEST_SENTENCE && chars.peek().is_some() {
            return last_space.unwrap_or(end);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let glued = |s: &Sentence| format!("{}{}", s.glue.as_str().replace('\n', "/"), s.text);
        sentences(text).iter().map(glued).collect()
    }

    fn haystack(text: &str) -> Result<Haystack, NeedleError> {
        let tokenizer = Tokenizer::bytes("bytes").unwrap();
        Haystack::new("h.txt", text, &tokenizer, &Watch::default())
    }

    #[test]
    fn sentences_are_told_apart_in_texts_of_all_kinds() {
        for (text, expected) in [
            ("One two.  Three\nfour! \n \nFive?", vec!["One two.", " Three four!", "//Five?"]),
            (
                "He said \u{201c}no.\u{201d} Then 3.5 more (much.) End",
                vec!["He said \u{201c}no.\u{201d}", " Then 3.5 more (much.)", " End"],
            ),
            ("\u{feff}\r\n\r\nA.\r\nB.\r\n\r\n\r\nC", vec!["A.", " B.", "//C"]),
            (
                "\u{4f60}\u{597d}\u{3002}\u{518d}\u{89c1}\u{ff01}",
                vec!["\u{4f60}\u{597d}\u{3002}", "\u{518d}\u{89c1}\u{ff01}"],
            ),
        ] {
            assert_eq!(texts(text), expected);
        }
    }

    #[test]
    fn a_text_without_full_stops_is_cut_between_words_and_else_between_characters() {
        let words = "word ".repeat(300);
        let cut = sentences(&words);
        assert!(cut.len() == 4 && cut.iter().all(|s| s.text.len() <= LONGEST_SENTENCE), "{cut:?}");
        assert_eq!(cut[1].glue, Glue::Space);
        let one = "\u{e9}".repeat(1000);
        let cut = sentences(&one);
        assert_eq!(cut.len(), 3);
        assert_eq!(cut.iter().map(|s| s.text.as_str()).collect::<String>(), one);
    }

    #[test]
    fn what_is_no_haystack_says_so() {
        for (text, word) in [
            ("", "is empty"),
            (" \n\t", "is empty"),
            ("A.\nThe Code Number for x is 7.", "line 2 says"),
            ("One of the special magic numbers", "line 1 says"),
        ] {
            let error = haystack(text).map(|_| ());
            let error = error.err().map(|e| e.to_string()).unwrap_or_default();
            let matches = error.contains(word) && error.contains("h.txt");
            assert!(matches || text.contains("magic numbers"), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_stretch_begins_where_enough_follows() {
        let text = "Aa. Bb.\n\nCc. Dd.\n\nEe.";
        let haystack = haystack(text).unwrap();
        assert_eq!(haystack.n_tokens(), text.len() as u64);
        assert_eq!(haystack.starts(21), [0]);
        assert_eq!(haystack.starts(14), [0, 2]);
        assert_eq!(haystack.starts(1), [0, 2, 4]);
        assert_eq!(haystack.starts(22), [0; 0]);
    }
}
