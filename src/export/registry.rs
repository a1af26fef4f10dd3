//! LLaMA-Factory's list of datasets (`dataset_info.json`): an entry says which columns hold what.
//! Source: LLaMA-Factory, `data/README.md`.

use super::{ExportError, Format};
use crate::data::{self, DataError};
use serde_json::{Map, Value, json};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The name of the list.
const LIST: &str = "dataset_info.json";

/// Adds an exported file to the list in its folder, which keeps all other entries; `None` for forms that
/// the trainer does not read.
///
/// # Errors
/// A list that is there and is none, or cannot be written.
pub fn register(format: Format, path: &Path) -> Result<Option<PathBuf>, ExportError> {
    let Some(mut entry) = entry(format) else { return Ok(None) };
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    entry.insert("file_name".into(), (*file).into());
    let list = path.with_file_name(LIST);
    let mut entries = match std::fs::read_to_string(&list) {
        Ok(text) => serde_json::from_str::<Map<String, Value>>(&text)
            .map_err(|error| ExportError::List { path: list.clone(), reason: error.to_string() })?,
        Err(cause) if cause.kind() == ErrorKind::NotFound => Map::new(),
        Err(cause) => return Err(DataError::Read { path: list, cause }.into()),
    };
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    entries.insert(name, entry.into());
    let text = format!("{:#}\n", Value::Object(entries));
    data::write_atomic(&list, |file| file.write_all(text.as_bytes()))?;
    Ok(Some(list))
}

fn entry(format: Format) -> Option<Map<String, Value>> {
    let entry = match format {
        Format::Messages | Format::LongAlign => json!({
            "formatting": "sharegpt",
            "columns": {"messages": "messages"},
            "tags": {"role_tag": "role", "content_tag": "content",
                     "user_tag": "user", "assistant_tag": "assistant"},
        }),
        Format::ShareGpt => json!({
            "formatting": "sharegpt",
            "columns": {"messages": "conversations"},
        }),
        Format::Alpaca => json!({
            "columns": {"prompt": "instruction", "query": "input", "response": "output"},
        }),
        Format::Jsonl | Format::Parquet | Format::Csv => return None,
    };
    match entry {
        Value::Object(entry) => Some(entry),
        _ => None,
    }
}
