//! The shapes that records come in, told apart by their keys.

use serde_json::{Map, Value};

use super::StrategyId;

/// The fields that a mapping may name.
pub(super) const FIELDS: [&str; 7] =
    ["context", "instruction", "answer", "answers", "task", "strategy", "seed_id"];

/// Which column holds which field: (field, column), as the user gave it and checked by the reader.
pub(super) type Mapping = [(String, String)];

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Shape {
    Released,
    /// Ours, and every other one with these names.
    Pair,
    Alpaca,
    LongBench,
    Predictions,
    Messages,
    Conversations,
    Context,
    /// The user says where the content is.
    Mapped,
}

/// Whether these keys are a record's, as far as keys can tell.
pub(super) fn is_known(object: &Map<String, Value>, mapping: &Mapping) -> bool {
    match shape_of(object, mapping) {
        Ok(Shape::Mapped) => mapping.iter().any(|(_, column)| object.contains_key(column)),
        shape => shape.is_ok(),
    }
}

/// What a JSON value is, in words.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a true/false value",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Column names for a message: quoted, and no more of them than anybody reads.
pub(super) fn name_columns<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let short =
        |name: &String| format!("`{}`", name.chars().take(40).collect::<String>().escape_debug());
    let mut names = names.map(short);
    let mut shown: Vec<String> = names.by_ref().take(16).collect();
    match names.count() {
        _ if shown.is_empty() => shown.push("none".into()),
        0 => {}
        n_more => shown.push(format!("and {n_more} more")),
    }
    shown.join(", ")
}

/// The shape of an object with these keys.
///
/// # Errors
/// The reason to skip it: the keys found, and what to do.
pub(super) fn shape_of(object: &Map<String, Value>, mapping: &Mapping) -> Result<Shape, String> {
    // Beside one of these a context is not alone, and what they are is for the user to say.
    const NOT_ALONE: [&str; 12] = [
        "instruction",
        "input",
        "question",
        "query",
        "prompt",
        "answer",
        "answers",
        "output",
        "response",
        "completion",
        "target",
        "pred",
    ];
    let has = |key: &str| object.contains_key(key);
    let is_content =
        |field: &str| matches!(field, "context" | "instruction" | "answer" | "answers");
    let shape = match () {
        _ if mapping.iter().any(|(field, _)| is_content(field)) => Shape::Mapped,
        // Ours before all others: its extra columns may be another shape's.
        _ if ["seed_id", "strategy", "instruction", "answers"].iter().all(|key| has(key)) => {
            Shape::Pair
        }
        _ if has("synthesis_task") && has("synthesized_context") => Shape::Released,
        _ if has("instruction") && (has("answers") || has("answer")) => Shape::Pair,
        _ if has("instruction") && has("output") => Shape::Alpaca,
        _ if has("input") && has("context") && has("answers") => Shape::LongBench,
        _ if has("pred") && has("answers") => Shape::Predictions,
        _ if has("messages") => Shape::Messages,
        _ if has("conversations") => Shape::Conversations,
        _ if has("context") && !NOT_ALONE.iter().any(|key| has(key)) => Shape::Context,
        _ => {
            let found = name_columns(object.keys());
            return Err(format!(
                "not a shape that is known without being told; keys found: {found}; say which column is \
                 what (`--map context=COL`, `--map instruction=COL --map answer=COL`)"
            ));
        }
    };
    Ok(shape)
}

impl Shape {
    /// The column that holds the task, unless the user names another.
    pub fn task_column(self) -> &'static str {
        match self {
            Self::Released => "synthesis_task",
            Self::LongBench => "dataset",
            _ => "task",
        }
    }

    /// Whether a column may say the strategy; the other shapes are one strategy's by what they are.
    pub fn has_strategy_column(self) -> bool {
        !matches!(self, Self::Released | Self::LongBench | Self::Predictions)
    }

    /// The strategy of records that do not say theirs.
    pub fn usual_strategy(self) -> StrategyId {
        match self {
            Self::Released => StrategyId::context_synthesis(),
            Self::LongBench | Self::Predictions => StrategyId::test(),
            _ => StrategyId::human(),
        }
    }
}
