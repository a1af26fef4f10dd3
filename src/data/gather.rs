//! What has been read of a file so far: records, skipped lines, and the errors that end the reading.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::fields::{Fields, read_fields};
use super::read::{Dataset, Format, Skipped};
use super::{DataError, Record, RecordId, Source, shape};

/// What is held in memory at most; a file that needs more is an error.
pub(super) struct Limits {
    pub line_bytes: u64,
    pub n_skipped: usize,
    /// After so many lines without JSON, no more are tried.
    pub n_probed: usize,
}

impl Limits {
    pub const USUAL: Self = Self { line_bytes: 1 << 30, n_skipped: 1_000_000, n_probed: 1000 };
}

/// One file being read.
pub(super) struct Gather<'a> {
    pub path: &'a Path,
    pub map: &'a [(String, String)],
    pub limits: &'a Limits,
    stem: String,
    pub records: Vec<Record>,
    pub skipped: Vec<Skipped>,
    columns: BTreeMap<String, String>,
    /// Mapped columns that no object had so far.
    missing: Vec<(String, String)>,
    keys_seen: Vec<String>,
    /// Whether anything was JSON, if no record.
    pub any_json: bool,
}

impl<'a> Gather<'a> {
    pub fn new(path: &'a Path, map: &'a [(String, String)], limits: &'a Limits) -> Self {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Self {
            path,
            map,
            limits,
            stem: stem.unwrap_or_default(),
            records: Vec::new(),
            skipped: Vec::new(),
            columns: BTreeMap::new(),
            missing: map.to_vec(),
            keys_seen: Vec::new(),
            any_json: false,
        }
    }

    /// Takes one JSON value of the file: a record or a skipped line.
    pub fn take(&mut self, line: usize, value: Value) -> Result<(), DataError> {
        self.any_json = true;
        let object = match value {
            Value::Object(object) => object,
            other => {
                return self.skip(
                    line,
                    format!(
                        "is {}, not an object; give each record a line of its own",
                        shape::type_name(&other)
                    ),
                );
            }
        };
        self.note_keys(&object);
        match read_fields(object, self.map) {
            Ok(fields) => self.keep(line, fields),
            Err(reason) => return self.skip(line, reason),
        }
        Ok(())
    }

    fn note_keys(&mut self, object: &Map<String, Value>) {
        self.missing.retain(|(_, column)| !object.contains_key(column));
        // Only an error about a missing column asks for the keys, and it does not show very many.
        if !self.missing.is_empty() && self.keys_seen.len() < 64 {
            let new: Vec<_> =
                object.keys().filter(|key| !self.keys_seen.contains(key)).take(64).collect();
            self.keys_seen.extend(new.into_iter().cloned());
        }
    }

    fn keep(&mut self, line: usize, fields: Fields) {
        if self.records.is_empty() {
            let columns = fields.columns.into_iter();
            self.columns = columns.map(|(field, column)| (field.to_owned(), column)).collect();
        }
        self.records.push(Record {
            id: RecordId::unset(),
            seed_id: fields.seed_id.unwrap_or_else(RecordId::unset),
            source: Source { path: self.path.into(), line },
            task: fields.task.unwrap_or_else(|| self.stem.clone()),
            strategy: fields.strategy,
            instruction: fields.instruction,
            answers: fields.answers,
            context: fields.context,
            extra: fields.extra,
        });
    }

    /// Notes a line that gives no record; too many of them are an error.
    pub fn skip(&mut self, line: usize, reason: String) -> Result<(), DataError> {
        self.skipped.push(Skipped { line, reason });
        let limit = self.limits.n_skipped;
        if self.skipped.len() <= limit {
            return Ok(());
        }
        let (line, reason) = self.first_reason();
        Err(DataError::TooManySkipped { path: self.path.into(), limit, line, reason })
    }

    /// The dataset, or why there is none after all.
    pub fn finish(self, format: Format, bytes: u64) -> Result<Dataset, DataError> {
        let path = self.path.to_path_buf();
        if self.records.is_empty() && self.skipped.is_empty() {
            return Err(DataError::NoElements { path });
        }
        if let Some((field, column)) = self.missing.first().cloned() {
            let columns = shape::name_columns(self.keys_seen.iter());
            return Err(DataError::NoSuchColumn { path, field, column, columns });
        }
        if self.records.is_empty() {
            let (line, reason) = self.first_reason();
            return Err(DataError::NoRecord { path, n_skipped: self.skipped.len(), line, reason });
        }
        let Self { records, skipped, columns, .. } = self;
        Ok(Dataset { path, format, bytes, columns, records, skipped })
    }

    fn first_reason(&self) -> (usize, String) {
        self.skipped.first().map_or((0, String::new()), |first| (first.line, first.reason.clone()))
    }

    /// The error for a file of text that is not JSON.
    pub fn not_json(&self, looks_like: &'static str) -> DataError {
        let (line, reason) = self.first_reason();
        let path = self.path.to_path_buf();
        DataError::NotJson { path, n_lines: self.skipped.len(), looks_like, line, reason }
    }
}
