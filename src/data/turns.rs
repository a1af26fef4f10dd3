//! Conversations, OpenAI's (`messages`) and ShareGPT's (`conversations`), down to one exchange.

use serde_json::{Map, Value};

use super::shape::type_name;

/// The first question of a conversation and its reply.
pub(super) struct Exchange {
    pub system: Option<String>,
    pub instruction: String,
    pub answer: String,
    /// The list as it was, where the three texts above do not say all of it.
    pub whole: Option<Value>,
}

/// Finds the first user message and the first assistant message after it.
///
/// # Errors
/// The reason why the list is no such conversation, naming `column` and the message.
pub(super) fn exchange(column: &str, value: Value) -> Result<Exchange, String> {
    let Value::Array(turns) = &value else {
        return Err(format!("field `{column}` is {}, not a list of messages", type_name(&value)));
    };
    let roles = turns
        .iter()
        .enumerate()
        .map(|(ix, turn)| Role::of(turn).map_err(|why| format!("`{column}`[{ix}]: {why}")))
        .collect::<Result<Vec<_>, _>>()?;
    let find = |role, from: usize| (from..roles.len()).find(|&ix| roles.get(ix) == Some(&role));
    let text = |ix: usize| match turns.get(ix) {
        Some(turn) => content(turn).map_err(|why| format!("`{column}`[{ix}]: {why}")),
        None => Ok(String::new()),
    };
    let user = find(Role::User, 0).ok_or(format!("`{column}` holds no user message"))?;
    let assistant = find(Role::Assistant, user)
        .ok_or(format!("`{column}` holds no assistant message after the first user message"))?;
    let system = find(Role::System, 0).filter(|&ix| ix < user);
    let said = 2 + usize::from(system.is_some());
    let is_all = turns.len() == said && turns.iter().all(is_plain);
    Ok(Exchange {
        system: system.map(text).transpose()?,
        instruction: text(user)?,
        answer: text(assistant)?,
        whole: (!is_all).then(|| value.clone()),
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    System,
    User,
    Assistant,
    Other,
}

impl Role {
    fn of(turn: &Value) -> Result<Self, String> {
        let (key, role) = entry(turn, ["role", "from"])?;
        match role.as_str() {
            Some("system" | "developer") => Ok(Self::System),
            Some("user" | "human") => Ok(Self::User),
            Some("assistant" | "gpt") => Ok(Self::Assistant),
            Some(_) => Ok(Self::Other),
            None => Err(format!("field `{key}` is {}, not text", type_name(role))),
        }
    }
}

fn entry<'a>(
    turn: &'a Value,
    keys: [&'static str; 2],
) -> Result<(&'static str, &'a Value), String> {
    let Value::Object(object) = turn else {
        return Err(format!("is {}, not an object", type_name(turn)));
    };
    keys.into_iter()
        .find_map(|key| object.get(key).map(|value| (key, value)))
        .ok_or_else(|| format!("field `{}` (or `{}`) is missing", keys[0], keys[1]))
}

fn content(turn: &Value) -> Result<String, String> {
    match entry(turn, ["content", "value"])? {
        (_, Value::String(text)) => Ok(text.clone()),
        (key, Value::Array(parts)) => parts.iter().map(|part| part_text(key, part)).collect(),
        (key, other) => Err(format!("field `{key}` is {}, not text", type_name(other))),
    }
}

fn part_text<'a>(key: &str, part: &'a Value) -> Result<&'a str, String> {
    let get = |name| part.as_object().and_then(|part: &Map<_, _>| part.get(name)?.as_str());
    match (get("type"), get("text")) {
        (Some("text"), Some(text)) => Ok(text),
        _ => Err(format!("field `{key}` has a part that is not {{\"type\":\"text\",\"text\":…}}")),
    }
}

fn is_plain(turn: &Value) -> bool {
    turn.as_object().is_some_and(|turn| turn.len() == 2)
}
