//! Tables of text: CSV, TSV, and the same with other marks between the cells.

use std::cell::Cell;
use std::io::{BufReader, Read};

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use super::DataError;
use super::gather::{Gather, Keep};
use super::shape::{self, Mapping};
use super::sniff::read_error;
use super::values::Metered;

/// What may stand between cells, the likeliest first.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// Columns whose cells hold a list: a table has no other place for one.
const LISTS: [&str; 3] = ["answers", "messages", "conversations"];

/// What stands between the cells of a text that begins like this; `None` where it is no table.
///
/// A header is known by the names that records have, or that the person maps. Any other text is a table
/// if its first two rows have as many cells, two or more, and the second is not JSON.
pub(super) fn delimiter(head: &[u8], mapping: &Mapping) -> Option<u8> {
    let rows = DELIMITERS.map(|delimiter| (delimiter, first_rows(head, delimiter)));
    let is_known = |row: &[String]| {
        let object = row.iter().map(|name| (name.clone(), Value::Null)).collect();
        shape::is_known(&object, mapping)
            || mapping.iter().any(|(_, column)| row.iter().any(|name| name == column))
    };
    let known = rows.iter().find(|(_, rows)| rows.first().is_some_and(|row| is_known(row)));
    let is_table = |rows: &[Vec<String>]| match rows {
        [header, first, ..] => {
            let begins = first.first().map_or("", |cell| cell.trim_start());
            header.len() > 1 && header.len() == first.len() && !begins.starts_with(['{', '['])
        }
        _ => false,
    };
    known.or_else(|| rows.iter().find(|(_, rows)| is_table(rows))).map(|(delimiter, _)| *delimiter)
}

fn first_rows(head: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    let mut builder = ReaderBuilder::new();
    let reader = builder.delimiter(delimiter).has_headers(false).flexible(true).from_reader(head);
    let rows = reader.into_byte_records().take(2).map_while(Result::ok);
    let text = |cell: &[u8]| String::from_utf8_lossy(cell).trim().to_owned();
    rows.map(|row| row.iter().map(text).collect()).collect()
}

impl<K: Keep> Gather<'_, K> {
    /// Reads all rows below the header. A record's line is the one where its row begins.
    ///
    /// # Errors
    /// The file cannot be read, or has a row that is too long to be held.
    pub fn table(&mut self, reader: impl Read, delimiter: u8) -> Result<(), DataError> {
        let read_bytes = Cell::new(0);
        let limit_bytes = self.limits.line_bytes;
        let reader = BufReader::with_capacity(1 << 16, reader);
        let metered = Metered { reader, read_bytes: &read_bytes, limit_bytes };
        let mut builder = ReaderBuilder::new();
        builder.delimiter(delimiter).has_headers(false).flexible(true).buffer_capacity(1 << 16);
        let mut reader = builder.from_reader(metered);
        let mut row = ByteRecord::new();
        let mut names: Option<Vec<String>> = None;
        loop {
            read_bytes.set(0);
            let line = reader.position().line() as usize;
            let more = reader.read_byte_record(&mut row);
            let more = more.map_err(|error| self.table_error(error, &read_bytes, line))?;
            if !more {
                return Ok(());
            }
            // The row's own place is before the blank lines above it.
            let n_within = memchr::memchr_iter(b'\n', row.as_slice()).count();
            let line = line.max((reader.position().line() as usize).saturating_sub(n_within + 1));
            let Some(names) = &names else {
                names = Some(column_names(&row));
                continue;
            };
            self.any_json = true;
            match object(names, &row, self.map) {
                Ok(object) => self.take(line, Value::Object(object))?,
                Err(reason) => self.skip(line, reason)?,
            }
            if self.is_full() {
                return Ok(());
            }
        }
    }

    fn table_error(&self, error: csv::Error, read_bytes: &Cell<u64>, line: usize) -> DataError {
        let path = self.path.to_path_buf();
        let limit_bytes = self.limits.line_bytes;
        if read_bytes.get() > limit_bytes {
            return DataError::TooLong { path, line, limit_bytes };
        }
        match error.into_kind() {
            csv::ErrorKind::Io(cause) => read_error(&path, cause),
            other => DataError::BrokenTable {
                path,
                format: "CSV",
                row: line,
                reason: format!("{other:?}"),
            },
        }
    }
}

/// The header's names, each once: a column without a name, or with one that was there, is numbered.
fn column_names(row: &ByteRecord) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (cell, n) in row.iter().zip(1..) {
        let name = String::from_utf8_lossy(cell).trim().to_owned();
        let is_free = !name.is_empty() && !names.contains(&name);
        names.push(if is_free { name } else { format!("{name}column_{n}") });
    }
    names
}

/// A row as an object. Nothing in a cell means that the record does not have it.
fn object(names: &[String], row: &ByteRecord, map: &Mapping) -> Result<Map<String, Value>, String> {
    if row.len() != names.len() {
        let (n, n_names) = (row.len(), names.len());
        return Err(format!(
            "has {n} cells where the header has {n_names}; quote cells that hold the separator or a line end"
        ));
    }
    let holds_list = |name: &String| {
        let is_mapped = |(field, column): &(String, String)| field == "answers" && column == name;
        LISTS.contains(&name.as_str()) || map.iter().any(is_mapped)
    };
    let mut object = Map::new();
    // A record that is a context alone has an instruction that is empty, not one that is missing.
    let is_there = |name: &String, cell: &[u8]| !cell.is_empty() || name == "instruction";
    for (name, cell) in names.iter().zip(row).filter(|(name, cell)| is_there(name, cell)) {
        let text = std::str::from_utf8(cell)
            .map_err(|_| format!("column `{name}` is not valid UTF-8; save the file as UTF-8"))?;
        let list = holds_list(name).then(|| serde_json::from_str(text).ok()).flatten();
        let value = list.filter(Value::is_array).unwrap_or_else(|| Value::String(text.to_owned()));
        object.insert(name.clone(), value);
    }
    Ok(object)
}

/// Cells that no field took, as what they say they are: a table knows only text, and a number, a list or
/// an object that was written to one is to come back as it was. [`table_cell`] is the other way.
pub(super) fn typed(extra: &mut Map<String, Value>) {
    for (_, value) in extra.iter_mut() {
        if let Some(other) = value.as_str().and_then(other_than_text) {
            *value = other;
        }
    }
}

/// What a cell holds if that is not the text itself. "007" and "1e3" are not what a number is written
/// as, so they are text.
fn other_than_text(cell: &str) -> Option<Value> {
    let begins = cell.bytes().next()?;
    let may_be =
        matches!(begins, b'[' | b'{' | b'"' | b'-' | b't' | b'f') || begins.is_ascii_digit();
    let parsed: Value = may_be.then(|| serde_json::from_str(cell).ok())??;
    let is_same = match parsed {
        Value::Array(_) | Value::Object(_) | Value::String(_) => true,
        _ => serde_json::to_string(&parsed).is_ok_and(|written| written == cell),
    };
    is_same.then_some(parsed)
}

/// The cell that a value of `extra` is written to; empty where there is none. A text that would be read
/// as something else is quoted as JSON quotes it.
pub fn table_cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if !text.is_empty() && other_than_text(text).is_none() => {
            text.clone()
        }
        Some(other) => other.to_string(),
    }
}
