//! A record as a row, as far as it is known without reading it.

use super::super::{Review, Row as Known};
use super::record_row::{of_review, text_of_path};
use super::{Measure, Name, Needs, Part, Row, Unit, Value};
use crate::data::RecordId;
use std::borrow::Cow;
use std::path::Path;

/// What is known of a record of a large file while its texts stand on the disk.
pub struct LightRow<'a> {
    /// Task, strategy, line, characters.
    pub known: Known<'a>,
    /// The file that it is in.
    pub path: &'a Path,
    /// The digits of its id and of its seed's.
    pub ids: [u64; 2],
    /// What was measured of it; `None` where nothing was.
    pub measured: Option<&'a dyn Fn(Measure) -> Value<'static>>,
    /// What a person said of it.
    pub review: Option<&'a Review>,
    /// The lengths that were counted before; `None` where the record lacks the part.
    pub counted: &'a dyn Fn(Part, Unit) -> Option<f64>,
}

impl LightRow<'_> {
    /// Whether such a row answers all that an expression asks; `is_counted` says which lengths its
    /// `counted` knows, beside the characters of context and instruction that every row has.
    pub fn answers(needs: &Needs, is_counted: impl Fn(Part, Unit) -> bool) -> bool {
        let is_light = |name: &Name| match name {
            Name::Id
            | Name::SeedId
            | Name::Task
            | Name::Strategy
            | Name::File
            | Name::Line
            | Name::Measure(_)
            | Name::Accepted
            | Name::Discarded
            | Name::Rating => true,
            Name::NAnswers | Name::Text(_) | Name::Extra(_) => false,
        };
        let is_known = |(part, unit): &(Part, Unit)| {
            matches!((part, unit), (Part::Context | Part::Instruction, Unit::Chars))
                || is_counted(*part, *unit)
        };
        // Tags stand in a column of the record too.
        !needs.tags && needs.names.iter().all(is_light) && needs.lengths.iter().all(is_known)
    }
}

impl Row for LightRow<'_> {
    fn value(&self, name: &Name) -> Value<'_> {
        match name {
            Name::Id => text_of_id(self.ids[0]),
            Name::SeedId => text_of_id(self.ids[1]),
            Name::Task => Value::Text(Cow::Borrowed(self.known.task)),
            Name::Strategy => Value::Text(Cow::Borrowed(self.known.strategy.as_str())),
            Name::File => text_of_path(self.path),
            Name::Line => Value::Number(self.known.line as f64),
            Name::Measure(measure) => {
                self.measured.map_or(Value::Missing, |measured| measured(*measure))
            }
            Name::Accepted | Name::Discarded | Name::Rating => of_review(name, self.review),
            Name::NAnswers | Name::Text(_) | Name::Extra(_) => Value::Missing,
        }
    }

    fn length(&self, part: Part, unit: Unit) -> Option<f64> {
        let there = |n: Option<usize>| n.filter(|n| *n > 0).map(|n| n as f64);
        match (part, unit) {
            (Part::Context, Unit::Chars) => there(self.known.n_context_chars()),
            (Part::Instruction, Unit::Chars) => there(Some(self.known.n_instruction_chars())),
            _ => (self.counted)(part, unit),
        }
    }

    fn has_tag(&self, tag: &str) -> bool {
        self.review.is_some_and(|review| review.tags.contains(tag))
    }
}

fn text_of_id(digits: u64) -> Value<'static> {
    Value::Text(Cow::Owned(RecordId::from_number(digits).into()))
}
