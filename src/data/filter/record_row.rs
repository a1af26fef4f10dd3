//! A record as a row, with what others know of it.

use super::super::{Record, Review, Verdict};
use super::{Measure, Name, Part, Row, Unit, Value};
use serde_json::Value as Json;
use std::borrow::Cow;
use std::path::Path;

/// A record, its measurements, and how its prompt and its tokens are counted.
pub struct RecordRow<'a> {
    /// The record.
    pub record: &'a Record,
    /// What was measured of it; `None` where nothing was.
    pub measured: Option<&'a dyn Fn(Measure) -> Value<'static>>,
    /// Counts what the texts alone do not tell: tokens, and the prompt in any unit; `None` where no
    /// one can.
    pub count: Option<&'a dyn Fn(Part, Unit) -> Option<f64>>,
    /// What a person said of it.
    pub review: Option<&'a Review>,
}

impl<'a> RecordRow<'a> {
    /// A record of which nothing else is known.
    pub fn new(record: &'a Record) -> Self {
        Self { record, measured: None, count: None, review: None }
    }

    fn text(&self, part: Part) -> Option<&'a str> {
        let text = match part {
            Part::Context => self.record.context.as_deref()?,
            Part::Instruction => &self.record.instruction,
            Part::Answer => self.record.answer(),
            Part::Prompt => return None,
        };
        Some(text).filter(|text| !text.is_empty())
    }
}

impl Row for RecordRow<'_> {
    fn value(&self, name: &Name) -> Value<'_> {
        let record = self.record;
        match name {
            Name::Id => Value::Text(Cow::Borrowed(record.id.as_str())),
            Name::SeedId => Value::Text(Cow::Borrowed(record.seed_id.as_str())),
            Name::Task => Value::Text(Cow::Borrowed(&record.task)),
            Name::Strategy => Value::Text(Cow::Borrowed(record.strategy.as_str())),
            Name::File => text_of_path(&record.source.path),
            Name::Line => Value::Number(record.source.line as f64),
            Name::NAnswers => Value::Number(record.answers.len() as f64),
            Name::Text(part) => {
                self.text(*part).map_or(Value::Missing, |text| Value::Text(Cow::Borrowed(text)))
            }
            Name::Measure(measure) => {
                self.measured.map_or(Value::Missing, |measured| measured(*measure))
            }
            Name::Accepted | Name::Discarded | Name::Rating => of_review(name, self.review),
            Name::Extra(keys) => extra(record, keys),
        }
    }

    fn length(&self, part: Part, unit: Unit) -> Option<f64> {
        match (unit, self.text(part)) {
            (Unit::Chars, Some(text)) => Some(text.chars().count() as f64),
            (Unit::Words, Some(text)) => Some(text.split_whitespace().count() as f64),
            _ => self.count.and_then(|count| count(part, unit)),
        }
    }

    /// Tags stand in the column `tags`, a list of texts, and in what a person said.
    fn has_tag(&self, tag: &str) -> bool {
        if self.review.is_some_and(|review| review.tags.contains(tag)) {
            return true;
        }
        let tags = self.record.extra.get("tags").and_then(Json::as_array);
        tags.is_some_and(|tags| tags.iter().any(|known| known.as_str() == Some(tag)))
    }
}

/// The name of a file, without its folder.
pub(super) fn text_of_path(path: &Path) -> Value<'static> {
    let name = path.file_name().unwrap_or_default();
    Value::Text(Cow::Owned(name.to_string_lossy().into_owned()))
}

/// What a person said of a record; of a record of which nothing is said, that it is neither accepted nor
/// discarded.
pub(super) fn of_review(name: &Name, review: Option<&Review>) -> Value<'static> {
    let is = |verdict| Value::Bool(review.is_some_and(|review| review.verdict == Some(verdict)));
    match name {
        Name::Accepted => is(Verdict::Accepted),
        Name::Discarded => is(Verdict::Discarded),
        Name::Rating => {
            let rating = review.and_then(|review| review.rating);
            rating.map_or(Value::Missing, |rating| Value::Number(f64::from(rating)))
        }
        _ => Value::Missing,
    }
}

/// Another column of the record, through objects in one another. A list or an object is there, but
/// equals nothing.
fn extra<'a>(record: &'a Record, keys: &[String]) -> Value<'a> {
    let mut keys = keys.iter();
    let first = keys.next().and_then(|key| record.extra.get(key));
    let found = keys.fold(first, |value, key| value.and_then(|value| value.get(key)));
    match found {
        None | Some(Json::Null) => Value::Missing,
        Some(Json::Bool(value)) => Value::Bool(*value),
        Some(Json::Number(number)) => number.as_f64().map_or(Value::Missing, Value::Number),
        Some(Json::String(text)) => Value::Text(Cow::Borrowed(text)),
        Some(Json::Array(_) | Json::Object(_)) => Value::Other,
    }
}
