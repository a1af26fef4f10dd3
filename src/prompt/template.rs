//! A text with named blanks.

use super::PromptError;
use std::ops::Range;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Blank(String),
}

/// A text with blanks such as `{context}`; `{{` and `}}` stand for braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

/// A filled template.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filled {
    /// The whole text.
    pub text: String,
    /// Name and byte range of each filled blank, in order.
    pub blanks: Vec<(String, Range<usize>)>,
}

impl Filled {
    /// The byte range of the first blank of this name.
    pub fn range(&self, name: &str) -> Option<Range<usize>> {
        self.blanks.iter().find(|(blank, _)| blank == name).map(|(_, range)| range.clone())
    }

    /// The text without a blank and what belongs to it: the paragraph that it stands in, or the blank
    /// alone where another stands there too or nothing else would be left.
    pub fn without(&self, name: &str) -> String {
        let Some(range) = self.range(name) else { return self.text.clone() };
        let before = self.text[..range.start].rfind("\n\n").map_or(0, |at| at + 2);
        let after = self.text[range.end..].find("\n\n").map(|at| range.end + at + 2);
        let paragraph = before..after.unwrap_or(self.text.len());
        let is_in =
            |other: &Range<usize>| paragraph.start <= other.start && other.end <= paragraph.end;
        let is_shared = self.blanks.iter().any(|(blank, other)| blank != name && is_in(other));
        let taken = if is_shared || paragraph.len() == self.text.len() { range } else { paragraph };
        let left = [&self.text[..taken.start], &self.text[taken.end..]].concat();
        if after.is_none() { left.trim_end().to_owned() } else { left }
    }

    /// Adds text that is no blank.
    pub fn push_text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds the value of a blank.
    pub fn push_blank(&mut self, name: &str, value: &str) {
        let start = self.text.len();
        self.text.push_str(value);
        self.blanks.push((name.to_owned(), start..self.text.len()));
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`PromptError::Brace`] with the line.
    pub fn parse(text: &str) -> Result<Self, PromptError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find(['{', '}']) {
            plain.push_str(&text[at..at + found]);
            at += found;
            let rest = &text[at..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                plain.push_str(&rest[..1]);
                at += 2;
                continue;
            }
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let name = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(n, _)| n);
            let Some(name) = name.filter(|name| !name.is_empty() && name.chars().all(is_name))
            else {
                return Err(PromptError::Brace { line: text[..at].matches('\n').count() + 1 });
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Blank(name.to_owned()));
            at += name.len() + 2;
        }
        plain.push_str(&text[at..]);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self { pieces })
    }

    /// The names of the blanks, in order.
    pub fn blanks(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Blank(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// Whether there is a blank of this name.
    pub fn has(&self, name: &str) -> bool {
        self.blanks().any(|blank| blank == name)
    }

    /// Fills the blanks.
    ///
    /// # Errors
    /// [`PromptError::UnknownBlank`] for a blank without a value.
    pub fn fill(&self, values: &[(&str, &str)]) -> Result<Filled, PromptError> {
        let mut filled = Filled::default();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => filled.push_text(text),
                Piece::Blank(name) => match values.iter().find(|(known, _)| known == name) {
                    Some((_, value)) => filled.push_blank(name, value),
                    None => {
                        let known: Vec<String> =
                            values.iter().map(|(known, _)| format!("`{{{known}}}`")).collect();
                        let known = known.join(", ");
                        return Err(PromptError::UnknownBlank { name: name.clone(), known });
                    }
                },
            }
        }
        Ok(filled)
    }

    /// What stands before a blank on the same line and ends with a colon, such as `Question:`.
    pub(super) fn labels(&self) -> Vec<String> {
        let stages = self.stages();
        let lines = stages.iter().filter_map(|(before, _)| before.rsplit('\n').next());
        lines.map(str::trim).filter(|line| line.ends_with(':')).map(str::to_owned).collect()
    }

    /// The template as literal texts around its blanks: `(text before, blank)` pairs; text after the
    /// last blank is left out.
    pub(super) fn stages(&self) -> Vec<(String, String)> {
        let mut stages = Vec::new();
        let mut before = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => before.push_str(text),
                Piece::Blank(name) => stages.push((std::mem::take(&mut before), name.clone())),
            }
        }
        stages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_filled_and_found_again() {
        let template = Template::parse("a {{b}} {x}, {y}{x}").unwrap();
        let filled = template.fill(&[("x", "É{y}"), ("y", "")]).unwrap();
        assert_eq!(filled.text, "a {b} É{y}, É{y}");
        assert_eq!(&filled.text[filled.range("x").unwrap()], "É{y}");
        assert_eq!(filled.range("y"), Some(13..13));
    }

    #[test]
    fn bad_braces_name_their_line() {
        for text in ["ok\nno {context", "ok\n{two words}", "ok\n}", "ok\n{}"] {
            assert_eq!(Template::parse(text), Err(PromptError::Brace { line: 2 }), "{text}");
        }
        let unknown = Template::parse("{z}").unwrap().fill(&[("x", "")]);
        assert!(matches!(unknown, Err(PromptError::UnknownBlank { .. })));
    }
}
