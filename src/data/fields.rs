//! From one JSON object to a record's fields.
//!
//! The shape is decided by the keys, then the values are held to it: a wrong type is a reason to skip the
//! line, never to try another shape.

use serde_json::{Map, Value};

use super::record::RESERVED;
use super::shape::{Mapping, Shape, name_columns, shape_of, type_name};
use super::turns::{Exchange, exchange};
use super::{RecordId, StrategyId};

/// A record's fields, before it has a place and ids.
pub(super) struct Fields {
    /// None: the file does not say.
    pub task: Option<String>,
    pub strategy: StrategyId,
    pub seed_id: Option<RecordId>,
    pub instruction: String,
    pub answers: Vec<String>,
    pub context: Option<String>,
    pub extra: Map<String, Value>,
    /// (field, column) for what was found.
    pub columns: Vec<(&'static str, String)>,
}

/// Reads one object as a record.
///
/// # Errors
/// The reason to skip it, naming the field and the type found, or the keys found and what to do.
pub(super) fn read_fields(object: Map<String, Value>, mapping: &Mapping) -> Result<Fields, String> {
    let shape = shape_of(&object, mapping)?;
    let mut taker = Taker { object, mapping, columns: Vec::new() };
    let is_ours = ["seed_id", "strategy"].iter().all(|key| taker.has(key));
    if is_ours && shape == Shape::Pair {
        taker.drop_own_id();
    }
    let content = taker.content(shape)?;
    if content.answers.is_empty() && !(content.instruction.is_empty() && content.context.is_some())
    {
        return Err("the list of answers is empty; a record needs at least one".into());
    }
    let task = taker.optional_text("task", shape.task_column())?;
    let strategy = match shape.has_strategy_column() || taker.mapped("strategy").is_some() {
        true => taker.optional_text("strategy", "strategy")?,
        false => None,
    };
    Ok(Fields {
        task,
        strategy: strategy.map_or_else(|| shape.usual_strategy(), StrategyId::from),
        seed_id: taker.seed_id()?,
        instruction: content.instruction,
        answers: content.answers,
        context: content.context,
        columns: std::mem::take(&mut taker.columns),
        extra: taker.into_extra(),
    })
}

#[derive(Default)]
struct Content {
    instruction: String,
    answers: Vec<String>,
    context: Option<String>,
}

/// Takes fields out of an object, one column after the other; what is left is `extra`.
struct Taker<'a> {
    object: Map<String, Value>,
    mapping: &'a Mapping,
    columns: Vec<(&'static str, String)>,
}

impl Taker<'_> {
    fn has(&self, key: &str) -> bool {
        self.object.contains_key(key)
    }

    fn mapped(&self, field: &str) -> Option<&str> {
        self.mapping.iter().find(|(name, _)| name == field).map(|(_, column)| column.as_str())
    }

    fn content(&mut self, shape: Shape) -> Result<Content, String> {
        match shape {
            Shape::Pair => self.pair("instruction", self.usual_answers(), "context"),
            Shape::Released => self.pair("instruction", "answer", "synthesized_context"),
            Shape::LongBench => self.pair("input", "answers", "context"),
            Shape::Alpaca => {
                let content = self.pair("instruction", "output", "input")?;
                Ok(Content { context: content.context.filter(|text| !text.is_empty()), ..content })
            }
            Shape::Predictions => {
                Ok(Content { answers: self.answers("answers")?, ..Content::default() })
            }
            Shape::Messages => self.conversation("messages"),
            Shape::Conversations => self.conversation("conversations"),
            Shape::Context => self.context_alone(),
            Shape::Mapped => self.mapped_content(),
        }
    }

    fn usual_answers(&self) -> &'static str {
        if self.has("answers") { "answers" } else { "answer" }
    }

    fn pair(&mut self, instruction: &str, answers: &str, context: &str) -> Result<Content, String> {
        Ok(Content {
            instruction: self.text("instruction", instruction)?,
            answers: self.answers(answers)?,
            context: self.optional_text("context", context)?,
        })
    }

    fn context_alone(&mut self) -> Result<Content, String> {
        Ok(Content { context: Some(self.text("context", "context")?), ..Content::default() })
    }

    fn mapped_content(&mut self) -> Result<Content, String> {
        let answers = self.mapped("answers").or(self.mapped("answer")).map(str::to_owned);
        let is_told = answers.is_some() || self.mapped("instruction").is_some();
        let is_there = self.has("instruction") && (self.has("answers") || self.has("answer"));
        match is_told || is_there {
            true => {
                let answers = answers.unwrap_or_else(|| self.usual_answers().to_owned());
                self.pair("instruction", &answers, "context")
            }
            false => self.context_alone(),
        }
    }

    fn conversation(&mut self, column: &'static str) -> Result<Content, String> {
        let value = self.required("instruction", column)?;
        self.columns.push(("answers", column.into()));
        let Exchange { system, instruction, answer, whole } = exchange(column, value)?;
        if let Some(system) = system {
            self.keep("system", system.into());
        }
        if let Some(whole) = whole {
            self.keep(column, whole);
        }
        Ok(Content { instruction, answers: vec![answer], context: None })
    }

    fn take(&mut self, field: &'static str, usual: &str) -> (String, Option<Value>) {
        let column = self.mapped(field).unwrap_or(usual).to_owned();
        // `shift_remove`: the columns that stay keep their order.
        let value = self.object.shift_remove(&column);
        if value.as_ref().is_some_and(|value| !value.is_null()) {
            self.columns.push((field, column.clone()));
        }
        (column, value)
    }

    fn required(&mut self, field: &'static str, usual: &str) -> Result<Value, String> {
        let (column, value) = self.take(field, usual);
        value.ok_or_else(|| {
            let found = name_columns(self.object.keys());
            format!(
                "field `{column}` is missing (it is to hold the {field}); other keys found: {found}"
            )
        })
    }

    fn text(&mut self, field: &'static str, usual: &str) -> Result<String, String> {
        let value = self.required(field, usual)?;
        into_text(self.mapped(field).unwrap_or(usual), value)
    }

    fn optional_text(
        &mut self,
        field: &'static str,
        usual: &str,
    ) -> Result<Option<String>, String> {
        match self.take(field, usual) {
            (_, None | Some(Value::Null)) => Ok(None),
            (column, Some(value)) => into_text(&column, value).map(Some),
        }
    }

    fn answers(&mut self, column: &str) -> Result<Vec<String>, String> {
        let value = self.required("answers", column)?;
        match value {
            Value::Array(items) => {
                let items = items.into_iter().enumerate();
                items.map(|(ix, item)| into_text(&format!("{column}[{ix}]"), item)).collect()
            }
            Value::String(text) => Ok(vec![text]),
            other => Err(format!(
                "field `{column}` is {}, not text or a list of texts",
                type_name(&other)
            )),
        }
    }

    /// A seed's name from elsewhere is kept beside the id made of it.
    fn seed_id(&mut self) -> Result<Option<RecordId>, String> {
        let name = match self.take("seed_id", "seed_id") {
            (_, None | Some(Value::Null)) => return Ok(None),
            (_, Some(Value::String(name))) if !name.is_empty() => name,
            (_, Some(Value::Number(number))) if !number.is_f64() => number.to_string(),
            (column, Some(Value::String(_))) => return Err(format!("field `{column}` is empty")),
            (column, Some(other)) => {
                return Err(format!("field `{column}` is {}, not text", type_name(&other)));
            }
        };
        let seed_id = RecordId::from_foreign(&name);
        if seed_id.as_str() != name {
            self.keep("source_seed_id", name.into());
        }
        Ok(Some(seed_id))
    }

    /// Ids are computed anew, so that of our own files would only be a stale copy.
    fn drop_own_id(&mut self) {
        let id = self.object.get("id").and_then(Value::as_str);
        if id.is_some_and(|id| RecordId::try_from(id.to_owned()).is_ok()) {
            self.object.shift_remove("id");
        }
    }

    fn keep(&mut self, name: &str, value: Value) {
        let names = std::iter::once(name.to_owned()).chain((2..).map(|n| format!("{name}_{n}")));
        let free = names.into_iter().find(|name| !self.object.contains_key(name));
        self.object.insert(free.unwrap_or_default(), value);
    }

    /// What nobody took; a column that has the name of a field of ours, and is not it, gets another.
    fn into_extra(mut self) -> Map<String, Value> {
        for name in RESERVED {
            if let Some(value) = self.object.shift_remove(name) {
                self.keep(&format!("source_{name}"), value);
            }
        }
        self.object
    }
}

fn into_text(column: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!("field `{column}` is {}, not text", type_name(&other))),
    }
}
