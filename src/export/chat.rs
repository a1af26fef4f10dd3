//! A record as an exchange to train on, in the forms that trainers read.

use super::{Arm, ExportError, Format, Wish};
use crate::data::Record;
use crate::prompt::PromptPack;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// What is asked and what is answered.
pub(super) struct Exchange<'a> {
    record: &'a Record,
    asked: Cow<'a, str>,
    answer: &'a str,
}

impl<'a> Exchange<'a> {
    /// The record's exchange; none where there is nothing asked or nothing answered.
    ///
    /// # Errors
    /// The task's prompt cannot be filled.
    pub fn of(
        record: &'a Record,
        arm: Arm,
        pack: &PromptPack,
    ) -> Result<Option<Self>, ExportError> {
        // Trimmed as for the measures, so that what is trained on is what was measured.
        let (instruction, answer) = (record.instruction.trim(), record.answer().trim());
        if instruction.is_empty() || answer.is_empty() {
            return Ok(None);
        }
        let with_context = arm == Arm::WithContext;
        let asked = pack
            .ask(&record.task, record.context.as_deref(), instruction, with_context)
            .map_err(|source| ExportError::Prompt { task: record.task.clone(), source })?;
        Ok(Some(Self { record, asked, answer }))
    }

    /// The line of the file. Who made the record, and of what, goes with it: a training set without
    /// that cannot be taken apart again. Every line has the same columns of the same kinds, as readers
    /// that look at the first lines only expect.
    ///
    /// # Errors
    /// The tokenizer refused a text.
    pub fn line(&self, wish: &Wish<'_>) -> Result<Value, ExportError> {
        let record = self.record;
        let mut line = Map::new();
        for (key, value) in [
            ("id", record.id.as_str()),
            ("seed_id", record.seed_id.as_str()),
            ("task", &record.task),
            ("strategy", record.strategy.as_str()),
        ] {
            line.insert(key.into(), value.into());
        }
        let (asked, answer) = (&*self.asked, self.answer);
        match wish.format {
            Format::ShareGpt => {
                let turn = |from: &str, text: &str| json!({"from": from, "value": text});
                let turns = vec![turn("human", asked), turn("gpt", answer)];
                line.insert("conversations".into(), turns.into());
            }
            Format::Alpaca => {
                for (key, text) in [("instruction", asked), ("input", ""), ("output", answer)] {
                    line.insert(key.into(), text.into());
                }
            }
            _ => {
                let turn = |role: &str, text: &str| json!({"role": role, "content": text});
                let turns = vec![turn("user", asked), turn("assistant", answer)];
                line.insert("messages".into(), turns.into());
            }
        }
        if wish.format == Format::LongAlign {
            line.insert("length".into(), self.length(wish)?.into());
        }
        // The file's name alone: its folders are nobody's business.
        let file = record.source.path.file_name().unwrap_or_default().to_string_lossy();
        line.insert("source".into(), json!({"file": file, "line": record.source.line}));
        let provenance = record.extra.get("provenance").filter(|value| !value.is_null());
        let provenance = provenance.map(Value::to_string).unwrap_or_default();
        line.insert("provenance".into(), provenance.into());
        Ok(Value::Object(line))
    }

    /// Tokens of question and answer; words where there is no tokenizer.
    fn length(&self, wish: &Wish<'_>) -> Result<usize, ExportError> {
        let count = |text: &str| match wish.tokenizer {
            Some(tokenizer) => tokenizer.count(text).map_err(|source| ExportError::Tokenizer {
                id: self.record.id.to_string(),
                source,
            }),
            None => Ok(text.split_whitespace().count()),
        };
        Ok(count(&self.asked)? + count(self.answer)?)
    }
}

/// Whether the conversation that the record was read from has more than its instruction and answer
/// (`data` keeps the rest under these names).
pub(super) fn says_more(record: &Record) -> bool {
    ["system", "messages", "conversations"].iter().any(|column| record.extra.contains_key(*column))
}
