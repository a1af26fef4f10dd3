//! The bundled haystack: plain prose about a small town, as long as is wanted.
//!
//! The words stand in `assets/needle/town.txt`; here is how paragraphs are made of them. The text is
//! always the same one: it depends on no seed of a run, and a longer one begins with the shorter. No
//! paragraph occurs twice, and no digit occurs at all.

mod grammar;
mod voice;

use self::grammar::{Grammar, Topic};
use self::voice::Voice;
use crate::seed::Stream;
use std::collections::BTreeSet;

/// Names the streams of the text, which is one for all runs.
const SEED: u64 = 1;

/// Body sentences of a paragraph.
const BODY: std::ops::RangeInclusive<usize> = 3..=6;

/// Tries for a paragraph that was not there yet; lists and sentences combine to far more than are
/// ever asked for.
const MOST_TRIES: usize = 1000;

/// At least `n_words` words of prose; paragraphs are parted by blank lines.
///
/// # Errors
/// What is wrong with the bundled words; a test reads them all.
pub fn town(n_words: usize) -> Result<String, String> {
    let grammar = Grammar::parse(include_str!("../../../assets/needle/town.txt"))?;
    let mut teller = Teller::new(&grammar);
    let mut text = String::new();
    let mut n_there = 0;
    while n_there < n_words {
        let paragraph = teller.next_paragraph()?;
        n_there += paragraph.split_whitespace().count();
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&paragraph);
    }
    Ok(text)
}

/// Tells paragraph after paragraph.
struct Teller<'a> {
    grammar: &'a Grammar,
    stream: Stream,
    /// Topics still to come before one comes again.
    round: Vec<usize>,
    /// Body sentences of each topic still to come before one comes again.
    decks: Vec<Vec<usize>>,
    told: BTreeSet<String>,
}

impl<'a> Teller<'a> {
    fn new(grammar: &'a Grammar) -> Self {
        Self {
            grammar,
            stream: Stream::new(SEED, "town", "haystack"),
            round: Vec::new(),
            decks: vec![Vec::new(); grammar.topics.len()],
            told: BTreeSet::new(),
        }
    }

    fn next_paragraph(&mut self) -> Result<String, String> {
        let topic = self.next_topic();
        for _ in 0..MOST_TRIES {
            let paragraph = self.paragraph(topic)?;
            if self.told.insert(paragraph.clone()) {
                return Ok(paragraph);
            }
        }
        Err(format!("the topic `{}` has no more to tell", self.grammar.topics[topic].name))
    }

    fn next_topic(&mut self) -> usize {
        if self.round.is_empty() {
            self.round = (0..self.grammar.topics.len()).collect();
            self.stream.shuffle(&mut self.round);
        }
        self.round.pop().unwrap_or(0)
    }

    fn paragraph(&mut self, at: usize) -> Result<String, String> {
        let topic = &self.grammar.topics[at];
        let opening = &topic.opening[self.stream.below(topic.opening.len())];
        let body = self.body(at, topic);
        let closes = self.stream.below(3) > 0;
        let closing = &topic.closing[self.stream.below(topic.closing.len())];
        let mut voice = Voice::new(self.grammar, topic, &mut self.stream);
        let mut text = voice.say(opening)?;
        for line in body.into_iter().map(|ix| &topic.body[ix]).chain(closes.then_some(closing)) {
            text.push(' ');
            text.push_str(&voice.say(line)?);
        }
        Ok(text)
    }

    /// The places of some body sentences, in the order in which they stand in the file: they were
    /// written one after another.
    fn body(&mut self, at: usize, topic: &Topic) -> Vec<usize> {
        let n = BODY.start() + self.stream.below(BODY.end() - BODY.start() + 1);
        let n = n.min(topic.body.len());
        let deck = &mut self.decks[at];
        let mut places = BTreeSet::new();
        while places.len() < n {
            if deck.is_empty() {
                *deck = (0..topic.body.len()).collect();
                self.stream.shuffle(deck);
            }
            // One that is there already was the last of the old deck; it has had its turn.
            places.extend(deck.pop());
        }
        places.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_paragraph_is_told_twice_in_two_hundred_thousand_words() {
        let text = town(200_000).unwrap();
        assert!(text.split_whitespace().count() >= 200_000);
        let paragraphs: Vec<&str> = text.split("\n\n").collect();
        let distinct: BTreeSet<&str> = paragraphs.iter().copied().collect();
        assert_eq!(distinct.len(), paragraphs.len());
        // Sentences without a slot come again; the others are filled anew.
        let sentences: Vec<&str> = paragraphs.iter().flat_map(|p| p.split(". ")).collect();
        let different: BTreeSet<&str> = sentences.iter().copied().collect();
        let share = different.len() as f64 / sentences.len() as f64;
        assert!(share > 0.4, "{share} of {} sentences are different", sentences.len());
    }

    #[test]
    fn the_prose_is_plain() {
        let text = town(100_000).unwrap();
        assert!(text.is_ascii(), "{:?}", text.chars().find(|c| !c.is_ascii()));
        assert!(!text.contains(|c: char| c.is_ascii_digit() || "{}_\"".contains(c)));
        for paragraph in text.split("\n\n") {
            assert!(paragraph.ends_with('.') && !paragraph.contains("  "), "{paragraph}");
            assert!(paragraph.starts_with(|c: char| c.is_ascii_uppercase()), "{paragraph}");
            for sentence in paragraph.split(". ") {
                let n_words = sentence.split_whitespace().count();
                assert!((4..=45).contains(&n_words), "{sentence}");
                assert!(sentence.starts_with(|c: char| c.is_ascii_uppercase()), "{sentence}");
            }
            for wrong in [" a a", " a e", " a i", " an b", " an c", " the the "] {
                assert!(!paragraph.contains(wrong), "{wrong:?} in {paragraph}");
            }
        }
        for word in ["number", "code"] {
            let tells = |sentence: &&str| sentence.contains(&format!("{word} for"));
            assert_eq!(text.split(". ").find(tells), None);
        }
    }

    #[test]
    fn a_longer_text_begins_with_the_shorter() {
        let [short, long] = [500, 3000].map(|n| town(n).unwrap());
        assert!(long.starts_with(&short) && long.len() > short.len());
    }
}
