//! From a file of any known shape to records.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::gather::{Gather, Limits};
use super::sniff::{self, Opened, read_error};
use super::{DataError, Record, StrategyId, assign_ids, join, shape};

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
    pub records: Vec<Record>,
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

/// Reads a file, and the one joined to it; ids are assigned last.
///
/// # Errors
/// [`DataError`] where the whole file is of no use, or a join would not be line by line. Bad lines among
/// good ones are in [`Dataset::skipped`].
pub fn read_dataset(path: &Path, options: &ReadOptions) -> Result<Dataset, DataError> {
    check_map(&options.map)?;
    let mut dataset = match &options.join {
        None => read_file(path, &options.map, &Limits::USUAL)?,
        Some(other) => {
            let map = options.map.iter().cloned();
            let (contexts, others): (Vec<_>, Vec<_>) =
                map.partition(|(field, _)| field == "context");
            let mut dataset = read_file(path, &others, &Limits::USUAL)?;
            join::join(&mut dataset, read_file(other, &contexts, &Limits::USUAL)?)?;
            dataset
        }
    };
    for record in &mut dataset.records {
        if let Some(strategy) = &options.strategy {
            record.strategy = strategy.clone();
        }
        if let Some(task) = &options.task {
            record.task = task.clone();
        }
    }
    assign_ids(&mut dataset.records);
    Ok(dataset)
}

fn check_map(map: &[(String, String)]) -> Result<(), DataError> {
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

fn read_file(path: &Path, map: &[(String, String)], limits: &Limits) -> Result<Dataset, DataError> {
    let mut opened = sniff::open(path)?;
    let mut gather = Gather::new(path, map, limits);
    let format = match layout(&gather, &mut opened)? {
        Layout::Lines { broken } => {
            let read = gather.lines(rewound(path, &mut opened)?);
            // A broken object over many lines is better told by its own error than by its lines'.
            match broken.filter(|_| gather.records.is_empty()) {
                Some(broken) => Err(broken),
                None => read.map(|()| Format::Jsonl),
            }?
        }
        Layout::List => {
            gather.list(rewound(path, &mut opened)?)?;
            Format::Json
        }
        Layout::Object(object) => {
            gather.object(object)?;
            Format::Json
        }
    };
    gather.finish(format, opened.bytes)
}

fn rewound<'a>(path: &Path, opened: &'a mut Opened) -> Result<BufReader<&'a mut File>, DataError> {
    let file = opened.rewind().map_err(|cause| read_error(path, cause))?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

enum Layout {
    /// JSONL; `broken` says why it is not one object over many lines, where it begins like that.
    Lines {
        broken: Option<DataError>,
    },
    List,
    Object(Map<String, Value>),
}

fn layout(gather: &Gather<'_>, opened: &mut Opened) -> Result<Layout, DataError> {
    match opened.first {
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

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits { line_bytes: 100, n_skipped: 3, n_probed: 2 };

    fn read(name: &str, content: &str) -> Result<Dataset, DataError> {
        let path = std::env::temp_dir().join(format!("backstory_{}_{name}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        let dataset = read_file(&path, &[], &SMALL);
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

    #[test]
    fn bad_lines_are_not_collected_for_ever() {
        let error = read("skipped", &format!("{{\"context\":\"a\"}}\n{}", "x\n".repeat(4)));
        assert!(matches!(error, Err(DataError::TooManySkipped { line: 2, .. })));
        let error = read("probed", &"x\n".repeat(9));
        assert!(matches!(error, Err(DataError::NotJson { n_lines: 2, .. })));
    }
}
