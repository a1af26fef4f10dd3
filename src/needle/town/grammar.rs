//! The file of words that the town is told with.
//!
//! `[people]` has lines `Name, she, trade`. `[list NAME]` has an item a line. `[topic NAME TRADES…]` has
//! sentences under `opening`, `body` and `closing`; its first person has one of the trades, if there
//! are any. A slot `{NAME}` of a sentence is an item of a list, the same one through a paragraph;
//! `{NAME2}` is another one. `{name}`, `{first_name}`, `{she}`, `{her}` and `{him}` are of the first
//! person, `{name2}` and so on of the others. A slot that begins with a capital is written with one.

use std::collections::BTreeMap;

/// All words.
pub struct Grammar {
    pub people: Vec<Person>,
    pub lists: BTreeMap<String, Vec<String>>,
    pub topics: Vec<Topic>,
}

/// Somebody who lives in the town.
pub struct Person {
    pub name: String,
    pub is_she: bool,
    pub trade: String,
}

/// What a paragraph may be about.
#[derive(Default)]
pub struct Topic {
    pub name: String,
    pub trades: Vec<String>,
    pub opening: Vec<Line>,
    pub body: Vec<Line>,
    pub closing: Vec<Line>,
}

/// A sentence with slots.
pub type Line = Vec<Part>;

/// A part of a sentence.
#[derive(Debug, PartialEq)]
pub enum Part {
    Text(String),
    Slot {
        name: String,
        /// 1 for `{day}`, 2 for `{day2}`.
        which: usize,
        capital: bool,
    },
}

/// What is being read.
enum Section {
    None,
    People,
    List(String),
    Topic,
}

impl Grammar {
    /// Reads the words.
    ///
    /// # Errors
    /// The line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut grammar = Self { people: Vec::new(), lists: BTreeMap::new(), topics: Vec::new() };
        let mut section = Section::None;
        let mut part = "";
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('#')) {
            let wrong = |what: &str| format!("line {number}: {what}: {line}");
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = grammar.begin(head).ok_or_else(|| wrong("no such section"))?;
                part = "";
                continue;
            }
            match &section {
                Section::None => return Err(wrong("a line before the first section")),
                Section::People => {
                    grammar.people.push(person(line).ok_or_else(|| wrong("no person"))?);
                }
                Section::List(name) => {
                    grammar.lists.entry(name.clone()).or_default().push(line.to_owned());
                }
                Section::Topic if ["opening", "body", "closing"].contains(&line) => part = line,
                Section::Topic => {
                    let topic = grammar.topics.last_mut();
                    let lines = topic.and_then(|topic| topic.part(part));
                    let lines = lines.ok_or_else(|| wrong("a sentence before `opening`"))?;
                    lines.push(sentence(line).ok_or_else(|| wrong("a brace that fits no slot"))?);
                }
            }
        }
        grammar.check().map(|()| grammar)
    }

    fn begin(&mut self, head: &str) -> Option<Section> {
        let mut words = head.split_whitespace();
        let (kind, name) = (words.next()?, words.next());
        match (kind, name) {
            ("people", None) => Some(Section::People),
            ("list", Some(name)) => Some(Section::List(name.to_owned())),
            ("topic", Some(name)) => {
                let trades = words.map(str::to_owned).collect();
                self.topics.push(Topic { name: name.to_owned(), trades, ..Topic::default() });
                Some(Section::Topic)
            }
            _ => None,
        }
    }

    /// Every topic has all parts, and somebody to tell of.
    fn check(&self) -> Result<(), String> {
        for topic in &self.topics {
            if topic.opening.is_empty() || topic.body.is_empty() || topic.closing.is_empty() {
                return Err(format!("the topic `{}` lacks a part", topic.name));
            }
            let has = |trade: &String| self.people.iter().any(|person| person.trade == *trade);
            if let Some(trade) = topic.trades.iter().find(|trade| !has(trade)) {
                return Err(format!("nobody is a {trade}"));
            }
        }
        match self.topics.is_empty() {
            true => Err("there is no topic".to_owned()),
            false => Ok(()),
        }
    }
}

impl Topic {
    fn part(&mut self, name: &str) -> Option<&mut Vec<Line>> {
        match name {
            "opening" => Some(&mut self.opening),
            "body" => Some(&mut self.body),
            "closing" => Some(&mut self.closing),
            _ => None,
        }
    }
}

fn person(line: &str) -> Option<Person> {
    let fields: Vec<&str> = line.split(", ").collect();
    let [name, pronoun, trade] = fields[..] else { return None };
    let is_she = match pronoun {
        "she" => true,
        "he" => false,
        _ => return None,
    };
    Some(Person { name: name.to_owned(), is_she, trade: trade.to_owned() })
}

fn sentence(line: &str) -> Option<Line> {
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some((text, after)) = rest.split_once('{') {
        let (slot, after) = after.split_once('}')?;
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        parts.push(part(slot)?);
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    (!rest.contains('}')).then_some(parts)
}

fn part(slot: &str) -> Option<Part> {
    let name = slot.trim_end_matches(|c: char| c.is_ascii_digit());
    let which = match &slot[name.len()..] {
        "" => 1,
        digits => digits.parse().ok()?,
    };
    let capital = name.chars().next()?.is_uppercase();
    Some(Part::Slot { name: name.to_lowercase(), which, capital })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_words_name_their_line() {
        for (text, word) in [
            ("a", "line 1: a line before"),
            ("[people]\n\nNobody", "line 3: no person"),
            ("[people]\nA, it, baker", "line 2: no person"),
            ("[things]", "line 1: no such section"),
            ("[topic t]\nA sentence.", "line 2: a sentence before"),
            ("[topic t]\nopening\nA {day.", "line 3: a brace"),
            ("[topic t]\nopening\nA day}.", "line 3: a brace"),
            ("[topic t]\nopening\nA.", "lacks a part"),
            ("[topic t baker]\nopening\nA.\nbody\nB.\nclosing\nC.", "nobody is a baker"),
            ("", "no topic"),
        ] {
            let error = Grammar::parse(text).err().unwrap();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn slots_are_read() {
        let line = sentence("{She} saw {day2}.").unwrap();
        let slot = |name: &str, which, capital| Part::Slot { name: name.into(), which, capital };
        assert_eq!(
            line,
            [
                slot("she", 1, true),
                Part::Text(" saw ".into()),
                slot("day", 2, false),
                Part::Text(".".into())
            ]
        );
    }
}
