//! How a sentence is said: whom a pronoun means, which item fills a slot, `a` or `an`.

use super::grammar::{Grammar, Line, Part, Person, Topic};
use crate::seed::Stream;
use std::collections::BTreeMap;

/// Says the sentences of one paragraph.
pub struct Voice<'a> {
    grammar: &'a Grammar,
    stream: &'a mut Stream,
    /// Who they are, the first one first.
    people: Vec<&'a Person>,
    /// Which of them were called by name.
    introduced: Vec<bool>,
    /// Whom a pronoun would mean.
    last_named: Option<usize>,
    /// What was drawn of each list, in the order of the slots' numbers.
    drawn: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Voice<'a> {
    /// A voice for a paragraph about a topic.
    pub fn new(grammar: &'a Grammar, topic: &Topic, stream: &'a mut Stream) -> Self {
        let fits =
            |person: &&Person| topic.trades.is_empty() || topic.trades.contains(&person.trade);
        let (mut people, mut others): (Vec<&Person>, Vec<&Person>) =
            grammar.people.iter().partition(fits);
        stream.shuffle(&mut people);
        if !topic.trades.is_empty() {
            // Two of one trade in a paragraph would make it look like theirs together.
            people.truncate(1);
            stream.shuffle(&mut others);
            people.extend(others);
        }
        let introduced = vec![false; people.len()];
        Self { grammar, stream, people, introduced, last_named: None, drawn: BTreeMap::new() }
    }

    /// The sentence with its slots filled.
    ///
    /// # Errors
    /// The slot that nothing fills.
    pub fn say(&mut self, line: &Line) -> Result<String, String> {
        let mut text = String::new();
        for part in line {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Slot { name, which, capital } => {
                    let word = self.fill(name, *which)?;
                    if takes_an(&text, &word) {
                        text.insert(text.len() - 1, 'n');
                    }
                    let at = text.len();
                    text.push_str(&word);
                    if *capital || at == 0 {
                        capitalize(&mut text, at);
                    }
                }
            }
        }
        Ok(text)
    }

    fn fill(&mut self, name: &str, which: usize) -> Result<String, String> {
        let ix = which.checked_sub(1).filter(|ix| *ix < self.people.len());
        match (name, ix) {
            ("name" | "first_name", Some(ix)) => Ok(self.call(ix)),
            ("she" | "her" | "him", Some(ix)) => Ok(self.refer(name, ix)),
            _ => self.item(name, which).ok_or_else(|| format!("nothing fills `{name}{which}`")),
        }
    }

    /// The whole name once, then the first name.
    fn call(&mut self, ix: usize) -> String {
        self.last_named = Some(ix);
        let name = &self.people[ix].name;
        match std::mem::replace(&mut self.introduced[ix], true) {
            false => name.clone(),
            true => name.split(' ').next().unwrap_or(name).to_owned(),
        }
    }

    /// The pronoun, or the name where a pronoun would mean somebody else or nobody.
    fn refer(&mut self, pronoun: &str, ix: usize) -> String {
        if self.last_named != Some(ix) {
            let name = self.call(ix);
            return if pronoun == "her" { format!("{name}'s") } else { name };
        }
        match (pronoun, self.people[ix].is_she) {
            ("she", true) => "she",
            ("she", false) => "he",
            ("him", false) => "him",
            (_, true) => "her",
            (_, false) => "his",
        }
        .to_owned()
    }

    /// The item of a list that this paragraph has under the slot's number.
    fn item(&mut self, name: &str, which: usize) -> Option<String> {
        let (name, items) = self.grammar.lists.get_key_value(name)?;
        let drawn = self.drawn.entry(name).or_default();
        while drawn.len() < which {
            let left: Vec<&str> =
                items.iter().map(String::as_str).filter(|item| !drawn.contains(item)).collect();
            drawn.push(left.get(self.stream.below(left.len()))?);
        }
        drawn.get(which.checked_sub(1)?).map(|item| (*item).to_owned())
    }
}

/// Whether `a` at the end of the text must become `an` before the word.
fn takes_an(text: &str, word: &str) -> bool {
    let is_article = text.ends_with(" a ") || text == "A ";
    is_article && word.starts_with(['a', 'e', 'i', 'o', 'u']) && !word.starts_with("one")
}

fn capitalize(text: &mut str, at: usize) {
    if let Some(first) = text.get_mut(at..at + 1) {
        first.make_ascii_uppercase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "[people]\nAnn Low, she, baker\nBob Hill, he, smith\n[list pet]\nowl\none-eyed ram\n\
                         [topic t baker]\nopening\n{She} met {name2} with a {pet} and a {pet2}.\nbody\n\
                         {She} knew {her2} {pet}, and {he} did not.\nclosing\n{Her} shop, {her} house.";

    #[test]
    fn names_pronouns_and_articles_agree() {
        let grammar = Grammar::parse(WORDS).unwrap();
        let topic = &grammar.topics[0];
        let mut seen = Vec::new();
        for seed in 0..8 {
            let mut stream = Stream::new(seed, "", "");
            let mut voice = Voice::new(&grammar, topic, &mut stream);
            seen.push(voice.say(&topic.opening[0]).unwrap());
            assert_eq!(voice.say(&topic.closing[0]).unwrap(), "Ann's shop, her house.");
            let error = voice.say(&topic.body[0]).unwrap_err();
            assert!(error.contains("`he1`"), "{error}");
        }
        for pets in ["an owl and a one-eyed ram", "a one-eyed ram and an owl"] {
            assert!(seen.contains(&format!("Ann Low met Bob Hill with {pets}.")), "{seen:?}");
        }
    }
}
