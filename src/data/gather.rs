//! What has been read of a file so far: records, skipped lines, and the errors that end the reading.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::fields::{Fields, read_fields};
use super::shape::Mapping;
use super::{DataError, Record, RecordId, Skipped, Source, cells, shape};
use crate::job::Watch;

/// What is held in memory at most; a file that needs more is an error.
pub(super) struct Limits {
    pub line_bytes: u64,
    pub n_skipped: usize,
    /// After so many lines without JSON, no more are tried.
    pub n_probed: usize,
    /// A larger file is indexed, not held.
    pub held_bytes: u64,
}

impl Limits {
    pub const USUAL: Self =
        Self { line_bytes: 1 << 30, n_skipped: 1_000_000, n_probed: 1000, held_bytes: 32 << 20 };
}

/// Where records go.
pub(super) trait Keep {
    /// Takes the next record.
    ///
    /// # Errors
    /// There is no room for it.
    fn keep(&mut self, record: Record) -> Result<(), DataError>;

    /// Records taken so far.
    fn n_kept(&self) -> usize;

    /// Whether no more are wanted.
    fn is_full(&self) -> bool {
        false
    }

    /// Takes an object of the file as it stands there; gives it back if the record in it is wanted.
    fn keep_object(
        &mut self,
        _line: usize,
        object: Map<String, Value>,
    ) -> Option<Map<String, Value>> {
        Some(object)
    }
}

impl Keep for Vec<Record> {
    fn keep(&mut self, record: Record) -> Result<(), DataError> {
        self.push(record);
        Ok(())
    }

    fn n_kept(&self) -> usize {
        self.len()
    }
}

/// The first records of a file and no more.
pub(super) struct Firsts {
    pub records: Vec<Record>,
    pub n_most: usize,
}

impl Keep for Firsts {
    fn keep(&mut self, record: Record) -> Result<(), DataError> {
        self.records.keep(record)
    }

    fn n_kept(&self) -> usize {
        self.records.len()
    }

    fn is_full(&self) -> bool {
        self.records.len() >= self.n_most
    }
}

/// How a file is to be read, whatever it holds.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub path: &'a Path,
    pub map: &'a Mapping,
    pub limits: &'a Limits,
    pub watch: &'a Watch,
}

/// What is known of a file but its records.
pub(super) struct Known {
    pub columns: BTreeMap<String, String>,
    pub skipped: Vec<Skipped>,
}

/// One file being read.
pub(super) struct Gather<'a, K> {
    pub path: &'a Path,
    pub map: &'a Mapping,
    pub limits: &'a Limits,
    pub watch: &'a Watch,
    stem: String,
    pub kept: K,
    pub skipped: Vec<Skipped>,
    columns: Option<BTreeMap<String, String>>,
    /// Mapped columns that no object had so far.
    missing: Vec<(String, String)>,
    keys_seen: Vec<String>,
    /// Whether anything was JSON, if no record.
    pub any_json: bool,
    /// Whether values are cells of text that may stand for numbers and lists.
    pub is_table: bool,
}

impl<'a, K: Keep> Gather<'a, K> {
    pub fn new(reading: Reading<'a>, kept: K) -> Self {
        let Reading { path, map, limits, watch } = reading;
        Self {
            path,
            map,
            limits,
            watch,
            stem: stem(path),
            kept,
            skipped: Vec::new(),
            columns: None,
            missing: map.to_vec(),
            keys_seen: Vec::new(),
            any_json: false,
            is_table: false,
        }
    }

    /// Whether the rest of the file need not be read.
    pub fn is_full(&self) -> bool {
        self.kept.is_full()
    }

    /// Takes one JSON value of the file: a record or a skipped line.
    pub fn take(&mut self, line: usize, value: Value) -> Result<(), DataError> {
        // Now and then is soon enough.
        if line.is_multiple_of(64) {
            self.watch.check()?;
        }
        self.any_json = true;
        let object = match value {
            Value::Object(object) => object,
            other => return self.skip(line, no_object(&other)),
        };
        self.note_keys(&object);
        let Some(object) = self.kept.keep_object(line, object) else { return Ok(()) };
        match read_fields(object, self.map) {
            Ok(fields) => self.keep(line, fields),
            Err(reason) => self.skip(line, reason),
        }
    }

    pub fn note_keys(&mut self, object: &Map<String, Value>) {
        self.missing.retain(|(_, column)| !object.contains_key(column));
        // Only an error about a missing column asks for the keys, and it does not show very many.
        if !self.missing.is_empty() && self.keys_seen.len() < 64 {
            let new: Vec<_> =
                object.keys().filter(|key| !self.keys_seen.contains(key)).take(64).collect();
            self.keys_seen.extend(new.into_iter().cloned());
        }
    }

    /// Notes which columns the first record came from.
    pub fn note_columns(&mut self, fields: &mut Fields) {
        let columns = std::mem::take(&mut fields.columns).into_iter();
        self.columns.get_or_insert_with(|| {
            columns.map(|(field, column)| (field.to_owned(), column)).collect()
        });
    }

    pub fn keep(&mut self, line: usize, mut fields: Fields) -> Result<(), DataError> {
        self.note_columns(&mut fields);
        if self.is_table {
            cells::typed(&mut fields.extra);
        }
        self.kept.keep(record(fields, self.path, line, &self.stem))
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

    /// What was read of the next part of the same file, whose lines come after the first `n_lines`.
    pub fn append<L>(&mut self, part: Gather<'_, L>, n_lines: usize) -> Result<(), DataError> {
        for skipped in part.skipped {
            self.skip(n_lines + skipped.line, skipped.reason)?;
        }
        if self.columns.is_none() {
            self.columns = part.columns;
        }
        self.missing.retain(|one| part.missing.contains(one));
        let room = 64_usize.saturating_sub(self.keys_seen.len());
        let new: Vec<_> =
            part.keys_seen.into_iter().filter(|key| !self.keys_seen.contains(key)).collect();
        self.keys_seen.extend(new.into_iter().take(room));
        self.any_json |= part.any_json;
        Ok(())
    }

    /// The records and what else is known, or why there are none after all.
    pub fn finish(self) -> Result<(K, Known), DataError> {
        let path = self.path.to_path_buf();
        let n_records = self.kept.n_kept();
        if n_records == 0 && self.skipped.is_empty() {
            return Err(DataError::NoElements { path });
        }
        let missing = self.missing.first().filter(|_| !self.is_full());
        if let Some((field, column)) = missing.cloned() {
            let columns = shape::name_columns(self.keys_seen.iter());
            return Err(DataError::NoSuchColumn { path, field, column, columns });
        }
        if n_records == 0 {
            let (line, reason) = self.first_reason();
            return Err(DataError::NoRecord { path, n_skipped: self.skipped.len(), line, reason });
        }
        let columns = self.columns.unwrap_or_default();
        Ok((self.kept, Known { columns, skipped: self.skipped }))
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

/// The task of records that do not say theirs: the file's name without its endings for form and packing.
pub(super) fn stem(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let unpacked = [".gz", ".zst", ".zstd"].iter().find_map(|ending| name.strip_suffix(ending));
    let stem = Path::new(unpacked.unwrap_or(&name)).file_stem();
    stem.map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Why a JSON value that is no object is no record.
pub(super) fn no_object(value: &Value) -> String {
    let what = shape::type_name(value);
    format!("is {what}, not an object; give each record a line of its own")
}

/// The record of these fields, without ids but those that the file brings.
pub(super) fn record(fields: Fields, path: &Path, line: usize, stem: &str) -> Record {
    Record {
        id: RecordId::unset(),
        seed_id: fields.seed_id.unwrap_or_else(RecordId::unset),
        source: Source { path: path.into(), line },
        task: fields.task.unwrap_or_else(|| stem.to_owned()),
        strategy: fields.strategy,
        instruction: fields.instruction,
        answers: fields.answers,
        context: fields.context,
        extra: fields.extra,
    }
}
