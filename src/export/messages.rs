//! A record as a conversation to train on.

use super::ExportError;
use crate::data::Record;
use crate::prompt::TaskPrompt;
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;

/// A line of the file. Who made the record, and of what, goes with it: a training set without that
/// cannot be taken apart again.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    id: &'a str,
    seed_id: &'a str,
    task: &'a str,
    strategy: &'a str,
    messages: [Message<'a>; 2],
    source: Place<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provenance: Option<&'a Value>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Cow<'a, str>,
}

/// Where the record was read. The file's name alone: its folders are nobody's business.
#[derive(Serialize)]
struct Place<'a> {
    file: Cow<'a, str>,
    line: usize,
}

impl<'a> Row<'a> {
    /// The record's conversation; none where there is nothing asked or nothing answered.
    pub(super) fn of(record: &'a Record) -> Result<Option<Self>, ExportError> {
        // Trimmed as for the measures, so that what is trained on is what was measured.
        let (instruction, answer) = (record.instruction.trim(), record.answer().trim());
        if instruction.is_empty() || answer.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            id: record.id.as_str(),
            seed_id: record.seed_id.as_str(),
            task: &record.task,
            strategy: record.strategy.as_str(),
            messages: [
                Message { role: "user", content: asked(record, instruction)? },
                Message { role: "assistant", content: answer.into() },
            ],
            source: Place {
                file: record.source.path.file_name().unwrap_or_default().to_string_lossy(),
                line: record.source.line,
            },
            provenance: record.extra.get("provenance").filter(|value| !value.is_null()),
        }))
    }
}

/// The user's message: the task's prompt around the context, or the instruction as it is where
/// there is no context that the prompt could speak of.
fn asked<'a>(record: &Record, instruction: &'a str) -> Result<Cow<'a, str>, ExportError> {
    let context = record.context.as_deref().map(str::trim);
    let Some(context) = context.filter(|context| !context.is_empty()) else {
        return Ok(instruction.into());
    };
    let filled = TaskPrompt::of(&record.task)
        .and_then(|prompt| prompt.fill(context, instruction))
        .map_err(|source| ExportError::Prompt { task: record.task.clone(), source })?;
    Ok(filled.text.into())
}

/// Whether the conversation that the record was read from has more than its instruction and answer
/// (`data` keeps the rest under these names).
pub(super) fn says_more(record: &Record) -> bool {
    ["system", "messages", "conversations"].iter().any(|column| record.extra.contains_key(*column))
}
