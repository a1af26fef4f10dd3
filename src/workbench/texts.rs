//! What the window shows in the texts of a record: places of answers and of what is searched for, and
//! where each token ends.

use super::WorkbenchError;
use super::loading;
use crate::data::{Matcher, SearchText, occurrences};
use crate::job::{Cancelled, Watch};
use std::ops::Range;
use std::sync::Arc;

/// Places of one kind in one text; a text full of marks says nothing more.
pub const MOST_PLACES: usize = 5000;

/// Texts of so many bytes together are searched at once; of longer ones a job is made.
const FEW_BYTES: usize = 32 << 10;

/// A longer text is cut into tokens beside the others' work, not before it.
const QUICK_BYTES: usize = 1 << 20;

/// Find places in the texts of a record.
#[derive(Debug, Clone)]
pub struct TextsJob {
    /// Instruction, answers, context.
    pub texts: [Arc<str>; 3],
    /// What to look for in the context besides; none when that is known.
    pub answers: Vec<String>,
    /// What is searched for in all three.
    pub search: SearchText,
}

/// Places in the texts of a record, in bytes and ascending.
#[derive(Debug, Clone, PartialEq)]
pub struct TextsRead {
    /// What was searched for.
    pub search: SearchText,
    /// The answers in the context.
    pub answers: Vec<Range<usize>>,
    /// What was searched for in each text; or why it cannot be.
    pub hits: Result<[Vec<Range<usize>>; 3], String>,
}

impl TextsJob {
    /// Whether this takes no time worth telling; to build a regular expression may take some.
    pub fn is_short(&self) -> bool {
        !self.search.regex && self.texts.iter().map(|text| text.len()).sum::<usize>() <= FEW_BYTES
    }

    /// Finds the places.
    ///
    /// # Errors
    /// The search was cancelled.
    pub fn find(&self, watch: &Watch) -> Result<TextsRead, Cancelled> {
        let [_, _, context] = &self.texts;
        let mut answers = Vec::new();
        for answer in &self.answers {
            watch.check()?;
            answers.extend(occurrences(context, answer, MOST_PLACES));
        }
        answers.sort_unstable_by_key(|place| place.start);
        let hits = match self.search.matcher() {
            Ok(matcher) => Ok(self.hits(&matcher, watch)?),
            Err(why) => Err(why),
        };
        Ok(TextsRead { search: self.search.clone(), answers, hits })
    }

    fn hits(&self, matcher: &Matcher, watch: &Watch) -> Result<[Vec<Range<usize>>; 3], Cancelled> {
        let mut hits: [Vec<Range<usize>>; 3] = Default::default();
        for (hits, text) in hits.iter_mut().zip(&self.texts) {
            *hits = matcher.find(text, MOST_PLACES, watch)?;
        }
        Ok(hits)
    }
}

/// Cut a text into tokens.
#[derive(Debug, Clone)]
pub struct TokensJob {
    /// The text.
    pub text: Arc<str>,
    /// Path or name of the tokenizer.
    pub tokenizer: String,
}

impl TokensJob {
    /// Whether nobody has to wait for it.
    pub(super) fn is_quick(&self) -> bool {
        self.text.len() <= QUICK_BYTES
    }
}

/// Where the tokens of a text end.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenEnds {
    /// The tokenizer's name.
    pub tokenizer: String,
    /// The byte behind each token, ascending; tokens that share a character have the same.
    ends: Vec<usize>,
}

impl TokenEnds {
    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The number, from 0, of the token that byte `at` is in.
    pub fn token_at(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end <= at)
    }
}

pub(super) fn tokens(job: &TokensJob, watch: &Watch) -> Result<TokenEnds, WorkbenchError> {
    let (tokenizer, _) = loading::tokenizer(&job.tokenizer, &Watch::default())?;
    watch.check()?;
    let tokens = tokenizer.encode(&job.text).map_err(crate::model::Error::from)?;
    watch.check()?;
    let ends = tokens.into_iter().map(|token| token.bytes.end).collect();
    Ok(TokenEnds { tokenizer: tokenizer.name().to_owned(), ends })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_hits_are_found_in_their_texts() {
        let texts = ["Who rang?", "Ada", "Ada rang. Adam rang, and ADA."].map(Arc::from);
        let answers = vec!["Ada".to_owned()];
        let mut job = TextsJob { texts, answers, search: SearchText::plain("rang") };
        let read = job.find(&Watch::default()).unwrap();
        assert_eq!(read.answers, [0..3, 25..28]);
        assert_eq!(read.hits, Ok([vec![4..8], vec![], vec![4..8, 15..19]]));
        job.search = SearchText { text: "(".into(), regex: true };
        let read = job.find(&Watch::default()).unwrap();
        assert_eq!(read.answers.len(), 2);
        assert!(read.hits.unwrap_err().contains("unclosed group"));
    }

    #[test]
    fn tokens_are_those_that_are_counted() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tiny_llama.gguf");
        let text: Arc<str> = "The ferry left Harwich 北京 \u{1F469}\u{200D}\u{1F4BB}.".into();
        let job = TokensJob { text: text.clone(), tokenizer: path.into() };
        let ends = tokens(&job, &Watch::default()).unwrap();
        let (tokenizer, _) = loading::tokenizer(path, &Watch::default()).unwrap();
        assert_eq!(ends.len(), tokenizer.count(&text).unwrap());
        let all = tokenizer.encode(&text).unwrap();
        for (at, _) in text.char_indices() {
            let first = all.iter().position(|token| token.bytes.end > at).unwrap();
            assert_eq!(ends.token_at(at), first, "byte {at}");
        }
        assert_eq!(ends.token_at(text.len()), ends.len());
    }
}
