//! Which column of a file of unknown shape is plainly what, by its name.

use serde_json::Value;

/// The names that people give to a field's column, the plainest first.
const NAMES: [(&str, &[&str]); 6] = [
    (
        "context",
        &[
            "context",
            "contexts",
            "document",
            "doc",
            "passage",
            "passages",
            "article",
            "source_text",
            "long_context",
            "text",
            "content",
            "body",
            "paragraph",
            "background",
            "transcript",
            "story",
        ],
    ),
    (
        "instruction",
        &[
            "instruction",
            "question",
            "query",
            "prompt",
            "request",
            "user",
            "task_description",
            "input",
        ],
    ),
    (
        "answers",
        &[
            "answers",
            "answer",
            "reply",
            "response",
            "output",
            "completion",
            "target",
            "gold",
            "reference",
            "references",
            "assistant",
            "label",
            "summary",
            "highlights",
        ],
    ),
    ("task", &["task", "dataset", "task_name", "category", "subset"]),
    ("strategy", &["strategy", "method"]),
    ("seed_id", &["seed_id", "seed", "example_id", "question_id", "qid"]),
];

/// The fields whose columns can be told: field, column. `sample` gives a value of a column. A column whose
/// value no record could take is not guessed, and none is taken twice.
pub(super) fn guess<'a>(
    columns: &[String],
    sample: impl Fn(&str) -> Option<&'a Value>,
) -> Vec<(String, String)> {
    let mut guessed: Vec<(String, String)> = Vec::new();
    for (field, names) in NAMES {
        let is = |column: &&String, name: &str| {
            same(column, name)
                && guessed.iter().all(|(_, taken)| taken != *column)
                && sample(column).is_none_or(|value| may_be(field, value))
        };
        let found = names.iter().find_map(|name| columns.iter().find(|column| is(column, name)));
        let Some(column) = found.cloned() else { continue };
        let value = sample(&column);
        guessed.push((word(field, value).to_owned(), column));
    }
    guessed
}

/// One answer is written `answer`; a list of them, also as the text of a cell, `answers`.
fn word<'a>(field: &'a str, value: Option<&Value>) -> &'a str {
    let is_list = |value: &Value| {
        value.is_array() || value.as_str().is_some_and(|text| text.trim_start().starts_with('['))
    };
    if field == "answers" && !value.is_some_and(is_list) { "answer" } else { field }
}

/// `Source Text`, `source-text` and `sourceText` are one name.
fn same(column: &str, name: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    plain(column) == plain(name)
}

fn may_be(field: &str, value: &Value) -> bool {
    match (field, value) {
        (_, Value::String(_) | Value::Null) => true,
        ("answers", Value::Array(items)) => items.iter().all(Value::is_string),
        ("seed_id", Value::Number(number)) => !number.is_f64(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn guessed(row: &Value) -> Vec<(String, String)> {
        let row = row.as_object().unwrap();
        let columns: Vec<String> = row.keys().cloned().collect();
        guess(&columns, |name| row.get(name))
    }

    #[test]
    fn names_are_known_however_they_are_written() {
        let row = json!({"ID": 7, "Source Text": "x", "QUESTION": "y", "answers": ["z"], "qid": 3});
        let wanted = [
            ("context", "Source Text"),
            ("instruction", "QUESTION"),
            ("answers", "answers"),
            ("seed_id", "qid"),
        ];
        let wanted = wanted.map(|(field, column)| (field.to_owned(), column.to_owned()));
        assert_eq!(guessed(&row), wanted);
    }

    #[test]
    fn what_holds_no_text_is_not_guessed() {
        let row = json!({"context": {"title": []}, "passage": "p", "question": 3, "target": [1]});
        assert_eq!(guessed(&row), [("context".to_owned(), "passage".to_owned())]);
        assert!(guessed(&json!({"alpha": "a", "beta": "b"})).is_empty());
    }
}
