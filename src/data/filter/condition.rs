//! What is asked of a row, and asking it.

use super::names::Kind;
use super::{Name, Part, Row, Unit, Value};
use regex::Regex;
use std::borrow::Cow;

/// What is true or false of a row.
#[derive(Debug, Clone)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// A value that is true or false by itself.
    Is(Operand),
    IsNull(Operand),
    Compare(Operand, Comparison, Operand),
    Matches(Operand, Regex),
    Contains(Name, String),
    Tag(String),
}

/// What can stand beside an operator.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    Name(Name),
    Length(Part, Unit),
    Number(f64),
    Text(String),
    Bool(bool),
    Null,
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Comparison {
    pub fn of_mark(mark: &str) -> Option<Self> {
        Some(match mark {
            "==" => Self::Equal,
            "!=" => Self::Unequal,
            "<" => Self::Less,
            "<=" => Self::AtMost,
            ">" => Self::Greater,
            ">=" => Self::AtLeast,
            _ => return None,
        })
    }

    pub fn is_of_order(self) -> bool {
        !matches!(self, Self::Equal | Self::Unequal)
    }
}

impl Operand {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Name(name) => name.kind(),
            Self::Length(..) | Self::Number(_) => Kind::Number,
            Self::Text(_) => Kind::Text,
            Self::Bool(_) => Kind::Bool,
            Self::Null => Kind::Null,
        }
    }

    pub fn is_fixed(&self) -> bool {
        !matches!(self, Self::Name(_) | Self::Length(..))
    }
}

impl Condition {
    /// Whether it holds of the row.
    pub fn holds(&self, row: &dyn Row) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(row)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(row)),
            Self::Not(inner) => !inner.holds(row),
            Self::Is(value) => value.of(row) == Value::Bool(true),
            Self::IsNull(value) => value.of(row) == Value::Missing,
            Self::Compare(left, comparison, right) => {
                comparison.holds(&left.of(row), &right.of(row))
            }
            Self::Matches(value, regex) => match value.of(row) {
                Value::Text(text) => regex.is_match(&text),
                _ => false,
            },
            Self::Contains(name, wanted) => match row.value(name) {
                Value::Text(text) => text.contains(wanted.as_str()),
                _ => false,
            },
            Self::Tag(tag) => row.has_tag(tag),
        }
    }
}

impl Operand {
    fn of<'a>(&'a self, row: &'a dyn Row) -> Value<'a> {
        match self {
            // No number compares with NaN as people expect, so it counts as none.
            Self::Name(name) => match row.value(name) {
                Value::Number(number) if number.is_nan() => Value::Missing,
                value => value,
            },
            Self::Length(part, unit) => {
                row.length(*part, *unit).map_or(Value::Missing, Value::Number)
            }
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Bool(value) => Value::Bool(*value),
            Self::Null => Value::Missing,
        }
    }
}

impl Comparison {
    /// False where a side is missing, or where the sides are of different kinds.
    fn holds(self, left: &Value<'_>, right: &Value<'_>) -> bool {
        match (left, right) {
            (Value::Number(left), Value::Number(right)) => match self {
                Self::Equal => left == right,
                Self::Unequal => left != right,
                Self::Less => left < right,
                Self::AtMost => left <= right,
                Self::Greater => left > right,
                Self::AtLeast => left >= right,
            },
            (Value::Text(left), Value::Text(right)) => self.of_equality(left == right),
            (Value::Bool(left), Value::Bool(right)) => self.of_equality(left == right),
            _ => false,
        }
    }

    fn of_equality(self, equal: bool) -> bool {
        match self {
            Self::Equal => equal,
            Self::Unequal => !equal,
            _ => false,
        }
    }
}
