//! From a file of any known shape to records.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use serde_json::{Map, Value};

use super::gather::{Firsts, Gather, Keep, Known, Limits, Reading};
use super::index::{Copied, Growing, Index};
use super::records::Records;
use super::sniff::{self, Kind, Opened, read_error};
use super::source::Source;
use super::{DataError, Record, StrategyId, assign_ids, join, shape};
use crate::job::Watch;

/// A line that gave no record, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The line, from 1; in a JSON array the element, from 1.
    pub line: usize,
    /// What was found, and what to do where that is not plain.
    pub reason: String,
}

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// One JSON value: a list of objects, an object that holds one, or a single record.
    Json,
    /// Cells with commas, semicolons or bars between them, below a header.
    Csv,
    /// Cells with tabs between them, below a header.
    Tsv,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow, as a file or as a stream.
    Arrow,
}

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The file, as the caller named it.
    pub path: PathBuf,
    /// How it is laid out.
    pub format: Format,
    /// Its size, in bytes (of the joined file: not counted).
    pub bytes: u64,
    /// Field of [`Record`] to the column it came from, in the first record. Not in it: what the file does
    /// not say (a task taken from the file's name).
    pub columns: BTreeMap<String, String>,
    /// The usable records, in the file's order.
    pub records: Records,
    /// The other lines, in the file's order. Blank lines are in neither.
    pub skipped: Vec<Skipped>,
}

/// What a reader may be told.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// A file whose record i holds the context of record i.
    pub join: Option<PathBuf>,
    /// (field, column): fields context, instruction, answer, answers, task, strategy, seed_id. A field that
    /// is not named is looked for under its own name. With `join`, context is looked for there.
    pub map: Vec<(String, String)>,
    /// The strategy of all records, whatever the file says.
    pub strategy: Option<StrategyId>,
    /// The task of all records, whatever the file says.
    pub task: Option<String>,
}

impl ReadOptions {
    /// Gives a record the task and the strategy that all are to have.
    pub(super) fn apply(&self, record: &mut Record) {
        if let Some(strategy) = &self.strategy {
            record.strategy = strategy.clone();
        }
        if let Some(task) = &self.task {
            record.task = task.clone();
        }
    }
}

/// Reads a file, and the one joined to it; ids are assigned last. Of a large file only the places of
/// records are held.
///
/// # Errors
/// [`DataError`] where the whole file is of no use, or a join would not be line by line, or the reading
/// was cancelled. Bad lines among good ones are in [`Dataset::skipped`].
pub fn read_dataset(
    path: &Path,
    options: &ReadOptions,
    watch: &Watch,
) -> Result<Dataset, DataError> {
    read_within(path, options, &Limits::USUAL, watch)
}

fn read_within(
    path: &Path,
    options: &ReadOptions,
    limits: &Limits,
    watch: &Watch,
) -> Result<Dataset, DataError> {
    check_map(&options.map)?;
    let reading = |path, map| Reading { path, map, limits, watch };
    let Some(other) = &options.join else {
        return open(reading(path, &options.map), options);
    };
    let map = options.map.iter().cloned();
    let (contexts, others): (Vec<_>, Vec<_>) = map.partition(|(field, _)| field == "context");
    let mut main = read_file(reading(path, &others))?;
    join::join(&mut main, read_file(reading(other, &contexts))?)?;
    Ok(main.finish(options))
}

/// The first records of a file, without ids; none of a file that is `join`ed are read.
///
/// # Errors
/// As [`read_dataset`], as far as that can be told so early.
pub fn first_records(
    path: &Path,
    options: &ReadOptions,
    n_most: usize,
    watch: &Watch,
) -> Result<Vec<Record>, DataError> {
    check_map(&options.map)?;
    let reading = Reading { path, map: &options.map, limits: &Limits::USUAL, watch };
    let opened = sniff::open(reading, BEGIN_BYTES)?;
    let firsts = Firsts { records: Vec::new(), n_most };
    let (firsts, ..) = read_into(reading, opened, firsts)?;
    let mut records = firsts.records;
    records.iter_mut().for_each(|record| options.apply(record));
    Ok(records)
}

/// A file that was read whole, before its records have ids.
#[derive(Debug)]
pub(super) struct Whole {
    pub path: PathBuf,
    pub format: Format,
    pub bytes: u64,
    pub columns: BTreeMap<String, String>,
    pub records: Vec<Record>,
    pub skipped: Vec<Skipped>,
}

impl Whole {
    fn finish(mut self, options: &ReadOptions) -> Dataset {
        self.records.iter_mut().for_each(|record| options.apply(record));
        assign_ids(&mut self.records);
        let Self { path, format, bytes, columns, records, skipped } = self;
        Dataset { path, format, bytes, columns, records: records.into(), skipped }
    }
}

fn read_file(reading: Reading<'_>) -> Result<Whole, DataError> {
    let opened = sniff::open(reading, u64::MAX)?;
    read_whole(reading, opened)
}

fn read_whole(reading: Reading<'_>, opened: Opened) -> Result<Whole, DataError> {
    let (records, known, format, bytes) = read_into(reading, opened, Vec::new())?;
    let Known { columns, skipped } = known;
    Ok(Whole { path: reading.path.into(), format, bytes, columns, records, skipped })
}

/// Opens a file without a join: a small one is read whole, a large one indexed.
fn open(reading: Reading<'_>, options: &ReadOptions) -> Result<Dataset, DataError> {
    let opened = sniff::open(reading, u64::MAX)?;
    let failed = |cause| read_error(reading.path, cause);
    let n_bytes = opened.source.n_bytes().map_err(failed)?;
    if n_bytes <= reading.limits.held_bytes && !opened.kind.is_packed() {
        return Ok(read_whole(reading, opened)?.finish(options));
    }
    let (found, Known { columns, skipped }, format, bytes) = index(reading, opened, options)?;
    let path = reading.path.into();
    match found {
        Found::Few(records) => {
            Ok(Whole { path, format, bytes, columns, records, skipped }.finish(options))
        }
        Found::Many(mut index) => {
            if !index.is_named() {
                index.name(reading.watch)?;
            }
            Ok(Dataset { path, format, bytes, columns, records: (*index).into(), skipped })
        }
    }
}

/// What looking through a file found: records that may be held, or where they stand.
enum Found {
    Few(Vec<Record>),
    Many(Box<Index>),
}

/// Finds where the records of a file stand.
fn index(
    reading: Reading<'_>,
    mut opened: Opened,
    options: &ReadOptions,
) -> Result<(Found, Known, Format, u64), DataError> {
    let bytes = opened.bytes;
    if let Kind::Json(first) = opened.kind
        && is_lines(reading, first, &mut opened)?
    {
        let (index, known) = Index::of_lines(reading, opened.source, opened.start, options)?;
        return Ok((Found::Many(index.into()), known, Format::Jsonl, bytes));
    }
    let kept = Growing::new(options, reading.limits.held_bytes);
    let (kept, known, format, bytes) = read_into(reading, opened, kept)?;
    let found = match kept.finish(reading.path)? {
        Ok(records) => Found::Few(records),
        Err(index) => Found::Many(index.into()),
    };
    Ok((found, known, format, bytes))
}

/// Whether a large file is JSONL, which it is if its first lines hold a record.
fn is_lines(reading: Reading<'_>, first: u8, opened: &mut Opened) -> Result<bool, DataError> {
    let mut gather = Gather::new(reading, Firsts { records: Vec::new(), n_most: 1 });
    if !matches!(layout(&gather, first, opened)?, Layout::Lines { .. }) {
        return Ok(false);
    }
    gather.lines(rewound(reading.path, opened)?)?;
    Ok(gather.kept.n_kept() > 0)
}

/// What a file of any size took to be opened, and what it holds: the steps of [`read_dataset`], each
/// with its time.
#[derive(Debug, Clone, PartialEq)]
pub struct OpeningTimes {
    /// The file's size.
    pub bytes: u64,
    /// Its records.
    pub n_records: usize,
    /// Records and mean characters of a context, by task.
    pub tasks: BTreeMap<String, (usize, f64)>,
    /// Until the first rows are there, in seconds.
    pub first_rows_secs: f64,
    /// Until all records are found and counted, in seconds.
    pub indexed_secs: f64,
    /// For counting the words of all contexts, in seconds.
    pub words_secs: f64,
    /// For giving all records their ids, in seconds.
    pub named_secs: f64,
}

/// Opens a file as [`read_dataset`] opens a large one, and says how long each step takes.
///
/// # Errors
/// As [`read_dataset`].
pub fn time_opening(
    path: &Path,
    options: &ReadOptions,
    watch: &Watch,
) -> Result<OpeningTimes, DataError> {
    let since = |start: Instant| start.elapsed().as_secs_f64();
    let start = Instant::now();
    first_records(path, options, FIRST_ROWS, watch)?;
    let first_rows_secs = since(start);
    let start = Instant::now();
    let reading = Reading { path, map: &options.map, limits: &Limits::USUAL, watch };
    let opened = sniff::open(reading, u64::MAX)?;
    let (found, _, _, bytes) = index(reading, opened, options)?;
    let mut index = match found {
        Found::Many(index) => *index,
        Found::Few(records) => {
            let mut copied = Copied::new(options);
            records.into_iter().try_for_each(|record| copied.keep(record))?;
            copied.finish(path)?
        }
    };
    let tasks = index.tasks();
    let indexed_secs = since(start);
    let start = Instant::now();
    index.context_words(watch)?;
    let words_secs = since(start);
    let start = Instant::now();
    if !index.is_named() {
        index.name(watch)?;
    }
    let (n_records, named_secs) = (index.len(), since(start));
    Ok(OpeningTimes {
        bytes,
        n_records,
        tasks,
        first_rows_secs,
        indexed_secs,
        words_secs,
        named_secs,
    })
}

/// So much of a packed file is unpacked for its first rows.
pub(super) const BEGIN_BYTES: u64 = 16 << 20;

/// Rows that are shown before a file is read.
pub const FIRST_ROWS: usize = 200;

pub(super) fn check_map(map: &[(String, String)]) -> Result<(), DataError> {
    let target = |field: &str| if field == "answer" { "answers" } else { field }.to_owned();
    for (ix, (field, column)) in map.iter().enumerate() {
        let (field, column) = (field.clone(), column.clone());
        if !shape::FIELDS.contains(&field.as_str()) {
            return Err(DataError::UnknownField { field, column });
        }
        let mut before = map.iter().take(ix);
        if before.any(|(f, c)| target(f) == target(&field) || *c == column) {
            return Err(DataError::MappedTwice { field, column });
        }
    }
    Ok(())
}

/// Reads one file of any form into `kept`.
pub(super) fn read_into<K: Keep>(
    reading: Reading<'_>,
    mut opened: Opened,
    kept: K,
) -> Result<(K, Known, Format, u64), DataError> {
    let mut gather = Gather::new(reading, kept);
    let bytes = opened.bytes;
    let format = match opened.kind {
        Kind::Json(first) => read_json(&mut gather, first, &mut opened)?,
        Kind::Table(delimiter) => {
            gather.is_table = true;
            gather.table(rewound(reading.path, &mut opened)?, delimiter)?;
            if delimiter == b'\t' { Format::Tsv } else { Format::Csv }
        }
        Kind::Parquet => gather.parquet(opened.source).map(|()| Format::Parquet)?,
        Kind::ArrowStream => gather.arrow_stream(opened.source).map(|()| Format::Arrow)?,
        Kind::ArrowFile => gather.arrow_file(opened.source).map(|()| Format::Arrow)?,
    };
    let (kept, known) = gather.finish()?;
    Ok((kept, known, format, bytes))
}

fn read_json<K: Keep>(
    gather: &mut Gather<'_, K>,
    first: u8,
    opened: &mut Opened,
) -> Result<Format, DataError> {
    let path = gather.path;
    match layout(gather, first, opened)? {
        Layout::Lines { broken } => {
            let read = gather.lines(rewound(path, opened)?);
            // A broken object over many lines is better told by its own error than by its lines'.
            match broken.filter(|_| gather.kept.n_kept() == 0) {
                Some(broken) => Err(broken),
                None => read.map(|()| Format::Jsonl),
            }
        }
        Layout::List => {
            gather.list(rewound(path, opened)?)?;
            Ok(Format::Json)
        }
        Layout::Object(object) => {
            gather.object(object)?;
            Ok(Format::Json)
        }
    }
}

fn rewound<'a>(
    path: &Path,
    opened: &'a mut Opened,
) -> Result<BufReader<&'a mut Source>, DataError> {
    let source = opened.rewind().map_err(|cause| read_error(path, cause))?;
    Ok(BufReader::with_capacity(1 << 16, source))
}

enum Layout {
    /// JSONL; `broken` says why it is not one object over many lines, where it begins like that.
    Lines {
        broken: Option<DataError>,
    },
    List,
    Object(Map<String, Value>),
}

fn layout<K: Keep>(
    gather: &Gather<'_, K>,
    first: u8,
    opened: &mut Opened,
) -> Result<Layout, DataError> {
    match first {
        b'[' => return Ok(Layout::List),
        b'{' => {}
        _ => return Ok(Layout::Lines { broken: None }),
    }
    let mut reader = rewound(gather.path, opened)?;
    let mut line = Vec::new();
    let mut number = 0;
    while line.trim_ascii().is_empty() {
        number += 1;
        if !gather.next_line(&mut reader, &mut line, number)? {
            break;
        }
    }
    match serde_json::from_slice(&line) {
        Ok(Value::Object(object)) if gather.list_key(&object).is_some() => {
            let rest = sniff::first_black(&mut reader);
            match rest.map_err(|cause| read_error(gather.path, cause))? {
                None => Ok(Layout::Object(object)),
                Some(_) => Ok(Layout::Lines { broken: None }),
            }
        }
        // Cut off, or only the first line of an object over many lines.
        Err(error) if error.is_eof() => {
            let parsed = gather.parse_object(rewound(gather.path, opened)?)?;
            Ok(parsed.map_or_else(|e| Layout::Lines { broken: Some(e) }, Layout::Object))
        }
        _ => Ok(Layout::Lines { broken: None }),
    }
}

/// Reads a file as a large one is read, however small it is.
#[cfg(test)]
pub(crate) fn read_indexed(path: &Path) -> Dataset {
    let limits = Limits { held_bytes: 0, ..Limits::USUAL };
    read_within(path, &ReadOptions::default(), &limits, &Watch::default()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits =
        Limits { line_bytes: 100, n_skipped: 3, n_probed: 2, held_bytes: 1 << 20 };

    fn read(name: &str, content: &str) -> Result<Whole, DataError> {
        let path = std::env::temp_dir().join(format!("backstory_{}_{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        let watch = Watch::default();
        let dataset = read_file(Reading { path: &path, map: &[], limits: &SMALL, watch: &watch });
        std::fs::remove_file(&path).unwrap();
        dataset
    }

    #[test]
    fn nothing_longer_than_the_limit_is_held() {
        let long = format!("{{\"context\":\"{}\"}}", "a".repeat(200));
        let short = "{\"context\":\"a\"}";
        for (name, content, line) in [
            ("lines", format!("{short}\n{long}\n"), 2),
            ("list", format!("[{short},{short},{long}]"), 3),
            ("object", format!("{{\n\"a\":{long}}}"), 1),
        ] {
            let error = read(name, &content).unwrap_err();
            assert!(matches!(error, DataError::TooLong { line: at, .. } if at == line), "{error}");
        }
        let many = format!("[{}]", [short; 20].join(","));
        assert_eq!(read("many", &many).unwrap().records.len(), 20);
    }

    /// Whatever a file looks like, its records are the same whether they are held or indexed.
    #[test]
    fn a_large_file_is_read_as_a_small_one() {
        let long = r#"long text, \n \"quoted\" \u00e9\ud83d\ude42 é "#.repeat(9);
        let pair = |q: &str, task: &str| {
            format!(
                "{{\"instruction\":\"{q}\",\"answer\":\"a\",\"context\":\"{q} {long}\",\"task\":\"{task}\"}}"
            )
        };
        let (one, two) = (pair("p", "t"), pair("q", "long task name ".repeat(9).trim()));
        let ours = format!(
            "{{\"id\":\"\",\"seed_id\":7,\"strategy\":\"made\",\"instruction\":\"i\",\"answers\":[\"x\",\"y\"],\
             \"context\":\"{long}\",\"extra\":{{\"a\":[1.5,null]}}}}"
        );
        let lines = format!(
            "\u{feff}\n{one}\nnot json\n\n{two}\n{one}\n{ours}\n[1]\n{{\"x\":\"{long}\"}}\n\
             {{\"context\":null,\"instruction\":\"\",\"answer\":\"\"}}\n{{\"context\":\"\\ud800\"}}\n\
             {{\"context\":\"c\",\"seed_id\":\"\"}}\n{{\"instruction\":1e999,\"answer\":\"\"}}\n{one}"
        );
        let cells = "instruction,answers,context,n,more\n\"a,b\",\"[\"\"x\"\",\"\"y\"\"]\",\"c\nd\",007,5\n\
                     short\nq,z,,1.5,\"{\"\"k\"\": [1]}\"\n";
        let conversations = "{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},\
                             {\"from\":\"gpt\",\"value\":\"a\"}]}\n";
        for (name, content) in [
            ("lines.jsonl", lines),
            ("list.json", format!("[{one},{two},3,{ours}]")),
            ("object.json", format!("{{\"data\":[{one},{ours}]}}")),
            ("cells.csv", cells.to_owned()),
            ("cells.tsv", cells.replace(',', "\t")),
            ("talk.jsonl", conversations.to_owned()),
        ] {
            let path =
                std::env::temp_dir().join(format!("backstory_{}_{name}", std::process::id()));
            std::fs::write(&path, content).unwrap();
            let options = [
                ReadOptions::default(),
                ReadOptions { task: Some("T".into()), ..ReadOptions::default() },
                ReadOptions { strategy: Some("S".into()), ..ReadOptions::default() },
            ];
            for options in options {
                let read = |held_bytes| {
                    let limits = Limits { held_bytes, ..Limits::USUAL };
                    read_within(&path, &options, &limits, &Watch::default()).unwrap()
                };
                let (held, indexed) = (read(1 << 20), read(0));
                assert!(held.records.is_held() && !indexed.records.is_held());
                assert_eq!(held.skipped, indexed.skipped, "{name}");
                assert_eq!((&held.columns, held.format), (&indexed.columns, indexed.format));
                assert_eq!(held.records.all().unwrap(), indexed.records.all().unwrap(), "{name}");
                for (ix, record) in held.records.all().unwrap().iter().enumerate() {
                    assert_eq!(indexed.records.get(ix).unwrap().as_ref(), Some(record));
                    assert_eq!(indexed.records.id(ix).as_ref(), Some(&record.id));
                    let known = |records: &Records| {
                        let row = records.row(ix).unwrap();
                        let chars = (row.n_instruction_chars(), row.n_context_chars());
                        (row.task.to_owned(), row.strategy.clone(), row.line, chars)
                    };
                    assert_eq!(known(&indexed.records), known(&held.records), "{name}, {ix}");
                }
                let words =
                    |dataset: &Dataset| dataset.records.context_words(&Watch::default()).unwrap();
                assert_eq!(words(&held), words(&indexed), "{name}");
            }
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_file_that_changes_is_noticed() {
        let path = std::env::temp_dir().join(format!("backstory_{}_changes", std::process::id()));
        let line = "{\"context\":\"a b c\"}\n";
        std::fs::write(&path, line.repeat(3)).unwrap();
        let limits = Limits { held_bytes: 0, ..Limits::USUAL };
        let options = ReadOptions::default();
        let dataset = read_within(&path, &options, &limits, &Watch::default()).unwrap();
        assert_eq!(dataset.records.get(1).unwrap().unwrap().context.as_deref(), Some("a b c"));
        std::fs::write(&path, line).unwrap();
        assert!(matches!(dataset.records.get(2), Err(DataError::Changed { .. })));
        assert!(matches!(dataset.records.all(), Err(DataError::Changed { .. })));
        std::fs::remove_file(&path).unwrap();
    }

    /// Lines are found whole wherever the parts of a file begin.
    #[test]
    fn long_and_short_lines_cross_the_parts_of_a_scan() {
        let path = std::env::temp_dir().join(format!("backstory_{}_parts", std::process::id()));
        let mut content = String::new();
        for n in 0..60_usize {
            let n_bytes = if n % 7 == 3 { 5_000_000 } else { 50_000 + 31 * n };
            content.push_str(&format!("{{\"context\":\"{}\",\"n\":{n}}}\n\n", "x".repeat(n_bytes)));
        }
        std::fs::write(&path, content).unwrap();
        let limits = Limits { held_bytes: 0, ..Limits::USUAL };
        let options = ReadOptions::default();
        let dataset = read_within(&path, &options, &limits, &Watch::default()).unwrap();
        let seen: Vec<(u64, usize)> = (dataset.records.all().unwrap().iter())
            .map(|record| (record.extra["n"].as_u64().unwrap(), record.source.line))
            .collect();
        assert_eq!(seen, (0..60).map(|n| (n as u64, 2 * n + 1)).collect::<Vec<_>>());
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn bad_lines_are_not_collected_for_ever() {
        let error = read("skipped", &format!("{{\"context\":\"a\"}}\n{}", "x\n".repeat(4)));
        assert!(matches!(error, Err(DataError::TooManySkipped { line: 2, .. })));
        let error = read("probed", &"x\n".repeat(9));
        assert!(matches!(error, Err(DataError::NotJson { n_lines: 2, .. })));
    }
}
