//! An expression that says which records are wanted: `task == "hotpotqa" && answer_gain < 0.1`.
//!
//! ```text
//! any  := all ("||" all)*            all := not ("&&" not)*          not := "!" not | test
//! test := value (("==" | "!=" | "<" | "<=" | ">" | ">=" | "~") value)? | "(" any ")"
//! value := name | number | "text" | true | false | null | len_chars(part) | len_words(part) | len_tokens(part)
//!        | contains(name, "text") | has(name) | tag("text")
//! ```
//! `&&` binds more than `||`. `~` asks whether a regular expression is found in a text; `contains` takes
//! upper and lower case as they are. A record may lack a value: a comparison with what is missing is false
//! (`!=` too), `== null` and `!= null` ask for it. Types are checked when the expression is read.
//!
//! Reading an expression and asking it of a [`Row`] is all that is done here. Which rows there are, and
//! where measurements and token counts come from, is the caller's business; [`Filter::needs`] says what an
//! expression will ask for, so that nothing else has to be read.

mod condition;
mod error;
mod lexer;
mod light_row;
mod names;
mod parser;
mod record_row;
#[cfg(test)]
mod tests;

pub use error::FilterError;
pub use light_row::LightRow;
pub use names::{Measure, Name, Part, Unit};
pub use record_row::RecordRow;

use condition::Condition;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What a row has under a name.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Missing,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list or an object: it is there, and equals nothing.
    Other,
}

/// A record, or as much of it as is at hand.
pub trait Row {
    /// What it has under a name.
    fn value(&self, name: &Name) -> Value<'_>;
    /// How long a part of it is; `None` where it lacks the part.
    fn length(&self, part: Part, unit: Unit) -> Option<f64>;
    /// Whether it has this tag.
    fn has_tag(&self, tag: &str) -> bool;
}

/// What an expression asks of a row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// The names in it.
    pub names: BTreeSet<Name>,
    /// The lengths in it.
    pub lengths: BTreeSet<(Part, Unit)>,
    /// Whether it asks for tags.
    pub tags: bool,
}

impl Needs {
    /// Whether a text of the record must be at hand: instruction, answer or context.
    pub fn texts(&self) -> bool {
        !self.lengths.is_empty() || self.names.iter().any(|name| name.part().is_some())
    }

    /// The first measurement that is asked for; these stand in coherence rows, not in records.
    pub fn measure(&self) -> Option<Measure> {
        self.names.iter().find_map(|name| match name {
            Name::Measure(measure) => Some(*measure),
            _ => None,
        })
    }

    /// Whether it asks for what a person said while reviewing.
    pub fn reviews(&self) -> bool {
        let is_review =
            |name: &Name| matches!(name, Name::Accepted | Name::Discarded | Name::Rating);
        self.tags || self.names.iter().any(is_review)
    }

    /// Whether tokens must be counted.
    pub fn tokens(&self) -> bool {
        self.lengths.iter().any(|(_, unit)| *unit == Unit::Tokens)
    }
}

/// An expression that was read.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    condition: Condition,
    needs: Needs,
}

impl Filter {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`FilterError`] with the character at which it cannot be read, and what was expected there.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let (condition, needs) = parser::parse(text)?;
        Ok(Self { text: text.to_owned(), condition, needs })
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it asks of a row.
    pub fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Whether a row is wanted.
    pub fn wants(&self, row: &dyn Row) -> bool {
        self.condition.holds(row)
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
