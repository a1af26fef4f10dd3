//! As much of the haystack around the needles as makes the prompt exactly as long as is wanted.

use super::NeedleError;
use super::haystack::{Glue, Haystack, Sentence};
use super::hiding::{Hidden, hide};
use super::making::Counting;
use crate::model::{self, Message};
use crate::prompt::TaskPrompt;
use crate::seed::Stream;

/// How far a prompt may stay below its length, in tokens.
pub const SLACK: u64 = 24;

/// Counts of the whole prompt for one record; more would mean that estimate and count never meet.
const MOST_COUNTS: usize = 64;

/// How many sentences further on are looked at for one that fills what is left.
const LOOK_AHEAD: usize = 500;

/// Counts whole prompts.
pub struct PromptCounter<'a> {
    counting: &'a Counting<'a>,
    prompt: TaskPrompt,
}

impl<'a> PromptCounter<'a> {
    /// A counter of prompts in our wording.
    ///
    /// # Errors
    /// None for the wording that comes with the program; a test reads it.
    pub fn new(counting: &'a Counting<'a>) -> Result<Self, NeedleError> {
        Ok(Self { counting, prompt: TaskPrompt::needle()? })
    }

    /// The tokens of the prompt as the model gets it: context and question in our wording, in the chat
    /// template with its generation header where there is one. It is what `lengths` calls `prompt`.
    fn count(&self, context: &str, question: &str) -> Result<u64, NeedleError> {
        let prompt = self.prompt.fill(context, question)?.text;
        let Counting { tokenizer, template } = self.counting;
        let n = match template {
            Some(template) => {
                let user = [Message::new("user", prompt)];
                model::chat_tokens(template, tokenizer, &user, "")?.tokens.len()
            }
            None => tokenizer.count(&prompt)?,
        };
        Ok(n as u64)
    }
}

/// What stands fast of a record's prompt.
pub struct Fitting<'a> {
    pub haystack: &'a Haystack,
    pub counter: &'a PromptCounter<'a>,
    pub question: &'a str,
    pub needles: &'a [String],
    pub depths: &'a [f64],
}

/// Filler around the needles, and the tokens of the whole prompt.
struct Tried {
    hidden: Hidden,
    n_tokens: u64,
}

impl Fitting<'_> {
    /// A context whose prompt has at most `length` tokens and at least [`SLACK`] fewer, and its
    /// tokens; the needles alone where the length is 0.
    ///
    /// # Errors
    /// [`NeedleError::TooSmall`], [`NeedleError::TooShort`], and what counting tokens may fail with.
    pub fn fit(&self, length: u64, stream: &mut Stream) -> Result<(Hidden, u64), NeedleError> {
        let alone = self.attempt(&[])?;
        if length == 0 {
            return Ok((alone.hidden, alone.n_tokens));
        }
        let n_filler = length.checked_sub(alone.n_tokens).ok_or(NeedleError::TooSmall {
            task: "",
            n_alone: alone.n_tokens,
            length,
        })?;
        if n_filler == 0 {
            return Ok((alone.hidden, alone.n_tokens));
        }
        let starts = self.haystack.starts(n_filler);
        let Some(start) = starts.get(stream.below(starts.len())) else {
            let n_tokens = self.haystack.n_tokens();
            let name = self.haystack.name.clone();
            return Err(NeedleError::TooShort { name, n_tokens, n_filler });
        };
        let tried = self.fill(*start, n_filler, length)?;
        Ok((tried.hidden, tried.n_tokens))
    }

    fn attempt(&self, filler: &[&Sentence]) -> Result<Tried, NeedleError> {
        let hidden = hide(filler, self.needles, self.depths);
        let n_tokens = self.counter.count(&hidden.text, self.question)?;
        Ok(Tried { hidden, n_tokens })
    }

    /// Whole sentences from `start` on, by the estimate first and then by the count, and a last one
    /// that fills what is left.
    fn fill(&self, start: usize, n_filler: u64, length: u64) -> Result<Tried, NeedleError> {
        let Haystack { sentences, n_before, .. } = self.haystack;
        let until = |n: u64| {
            let end = n_before[start].saturating_add(n);
            n_before.partition_point(|before| *before <= end).saturating_sub(1).max(start)
        };
        let mut end = until(n_filler);
        let mut least_too_long = usize::MAX;
        for _ in 0..MOST_COUNTS {
            let filler: Vec<&Sentence> = sentences[start..end].iter().collect();
            let tried = self.attempt(&filler)?;
            match length.checked_sub(tried.n_tokens) {
                None if end == start => break,
                None => {
                    least_too_long = end;
                    let over = tried.n_tokens - length;
                    let kept = (n_before[end] - n_before[start]).saturating_sub(over);
                    end = until(kept).min(end - 1);
                }
                Some(left) if left <= SLACK => return Ok(tried),
                Some(left) => {
                    // The estimate may have been too high by more than a sentence.
                    let more = until(n_before[end] - n_before[start] + left);
                    if more > end && more < least_too_long {
                        end = more;
                        continue;
                    }
                    return self.last(filler, end, left, length);
                }
            }
        }
        Err(NeedleError::Unfit { length })
    }

    /// Adds a sentence that comes later in the haystack and fills what is left, or else the first
    /// words of the next one.
    fn last(
        &self,
        filler: Vec<&Sentence>,
        end: usize,
        left: u64,
        length: u64,
    ) -> Result<Tried, NeedleError> {
        let Haystack { sentences, .. } = self.haystack;
        let fits = |ix: &usize| {
            let n = self.haystack.n_tokens_of(*ix);
            n <= left && n + SLACK >= left && sentences[*ix].glue != Glue::Nothing
        };
        let ahead = end..sentences.len().min(end + LOOK_AHEAD);
        let behind = (0..end.min(LOOK_AHEAD)).filter(|ix| !filler.contains(&&sentences[*ix]));
        for ix in ahead.chain(behind).filter(fits).take(MOST_COUNTS) {
            let tried = self.attempt_with(&filler, &sentences[ix].text)?;
            if tried.n_tokens <= length && tried.n_tokens + SLACK >= length {
                return Ok(tried);
            }
        }
        let next = sentences.get(end).or_else(|| sentences.first());
        self.cut(&filler, next.map_or("", |next| &next.text), length)
    }

    fn attempt_with(&self, filler: &[&Sentence], last: &str) -> Result<Tried, NeedleError> {
        let last = Sentence { glue: Glue::Space, text: last.to_owned() };
        self.attempt(&[filler, &[&last]].concat())
    }

    /// Adds as many first words of a sentence as there is room for.
    fn cut(&self, filler: &[&Sentence], next: &str, length: u64) -> Result<Tried, NeedleError> {
        let cuts = cuts(next);
        let (mut fitting, mut too_long) = (0, cuts.len());
        let mut best = None;
        while fitting < too_long {
            let middle = fitting + (too_long - fitting) / 2;
            let words = next[..cuts[middle]].trim_end_matches(|c: char| !c.is_alphanumeric());
            let tried = self.attempt_with(filler, &format!("{words}."))?;
            if tried.n_tokens <= length {
                fitting = middle + 1;
                best = Some(tried);
            } else {
                too_long = middle;
            }
        }
        best.filter(|tried| tried.n_tokens + SLACK >= length).ok_or(NeedleError::Unfit { length })
    }
}

/// Where a sentence may be cut: after each word, or after each character where it has one word only.
fn cuts(text: &str) -> Vec<usize> {
    let words: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
    match words.is_empty() {
        true => text.char_indices().map(|(at, _)| at).skip(1).collect(),
        false => words,
    }
}
