//! Files of predictions, a record a line: LongBench's own and lm-evaluation-harness's samples.
//!
//! A line that cannot be graded is left out and told of by file, line and field.

use super::score_error::ScoreError;
use crate::job::Watch;
use crate::prompt::Task;
use rayon::prelude::*;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// A prediction and what it is graded by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prediction {
    /// 1-based line in the file.
    pub line: usize,
    /// The record's own name, where the line has one.
    pub id: Option<String>,
    pub text: String,
    pub answers: Vec<String>,
    /// The names that a classification chooses from.
    pub all_classes: Option<Vec<String>>,
    /// Of the context, as the benchmark counts it: words, or characters of Chinese.
    pub length: Option<u64>,
    /// Given by whoever wrote the file, 0 to 1.
    pub grade: Option<f64>,
}

/// What the lines of a file look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `pred, answers, all_classes, length`.
    LongBench,
    /// `doc, target, resps, filtered_resps` and metrics of lm-evaluation-harness.
    Harness,
}

/// The usable lines of a file, and how many were left out.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub predictions: Vec<Prediction>,
    pub n_skipped: usize,
}

/// The longest line, which holds an answer and its references, or a whole document with them.
const LINE_MIB: u64 = 64;
/// Bytes of lines that are read before they are parsed, on all cores.
const BATCH_BYTES: usize = 8 << 20;
/// Lines left out that are named one by one.
const MOST_NAMED: usize = 10;

/// Reads the predictions of a task. `watch` is warned of lines that are left out.
///
/// # Errors
/// See [`ScoreError`]; a broken line is none unless all are.
pub(super) fn read(
    path: &Path,
    form: Form,
    task: &Task,
    needs_length: bool,
    watch: &Watch,
) -> Result<Lines, ScoreError> {
    let mut reader = BufReader::with_capacity(1 << 16, open(path)?);
    let mut found = Lines::default();
    let mut first_reason = None;
    let mut batch: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut number = 0;
    loop {
        watch.check()?;
        let is_end = fill(&mut reader, path, &mut batch, &mut number)?;
        let parsed: Vec<Result<Prediction, String>> = batch
            .par_iter()
            .map(|(line, bytes)| {
                parse(*line, bytes, form, task, needs_length)
                    .map_err(|reason| format!("line {line}: {reason}"))
            })
            .collect();
        for prediction in parsed {
            match prediction {
                Ok(prediction) => found.predictions.push(prediction),
                Err(reason) => {
                    found.n_skipped += 1;
                    if found.n_skipped <= MOST_NAMED {
                        watch.warn(format!("{}, {reason}; the line is left out", path.display()));
                    }
                    first_reason.get_or_insert(reason);
                }
            }
        }
        batch.clear();
        if is_end {
            break;
        }
    }
    if let Some(more) = found.n_skipped.checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        watch.warn(format!("{}: {more} more lines are left out", path.display()));
    }
    let path = path.to_owned();
    match first_reason.filter(|_| found.predictions.is_empty()) {
        Some(reason) => Err(ScoreError::NoPrediction { path, n_skipped: found.n_skipped, reason }),
        None if found.predictions.is_empty() => Err(ScoreError::Empty { path }),
        None => Ok(found),
    }
}

fn open(path: &Path) -> Result<File, ScoreError> {
    File::open(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => ScoreError::NotFound { path: path.to_owned() },
        _ => ScoreError::Read { path: path.to_owned(), cause },
    })
}

/// Takes lines into the batch until it is full; true at the end of the file. Blank lines are none.
fn fill(
    reader: &mut impl BufRead,
    path: &Path,
    batch: &mut Vec<(usize, Vec<u8>)>,
    number: &mut usize,
) -> Result<bool, ScoreError> {
    let mut n_bytes = 0;
    while n_bytes < BATCH_BYTES {
        let mut line = Vec::new();
        let read = reader.by_ref().take((LINE_MIB << 20) + 1).read_until(b'\n', &mut line);
        read.map_err(|cause| ScoreError::Read { path: path.to_owned(), cause })?;
        if line.is_empty() {
            return Ok(true);
        }
        *number += 1;
        if line.len() as u64 > LINE_MIB << 20 {
            let (path, line) = (path.to_owned(), *number);
            return Err(ScoreError::TooLong { path, line, limit_mib: LINE_MIB });
        }
        n_bytes += line.len();
        if *number == 1 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        if !line.trim_ascii().is_empty() {
            batch.push((*number, line));
        }
    }
    Ok(false)
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn parse(
    line: usize,
    bytes: &[u8],
    form: Form,
    task: &Task,
    needs_length: bool,
) -> Result<Prediction, String> {
    let text = std::str::from_utf8(bytes).map_err(|e| {
        format!("not valid UTF-8 at byte {} of the line; write it again", e.valid_up_to() + 1)
    })?;
    let mut fields: Map<String, Value> =
        serde_json::from_str(text).map_err(|e| broken(text, &e))?;
    let mut prediction = match form {
        Form::LongBench => of_longbench(&mut fields)?,
        Form::Harness => super::harness::prediction(&mut fields, task)?,
    };
    prediction.line = line;
    if needs_length && prediction.length.is_none() {
        return Err("`length` is missing; give it, for LongBench-E makes its groups by it".into());
    }
    if task.metric == crate::metrics::Metric::Classification && prediction.all_classes.is_none() {
        return Err("`all_classes` is missing; give the names that the task chooses from".into());
    }
    match task.metric.flaw(&prediction.answers) {
        Some(flaw) => Err(format!("`answers` {flaw}; repair it")),
        None => Ok(prediction),
    }
}

fn broken(text: &str, error: &serde_json::Error) -> String {
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    let is_cut = error.is_eof() || !text.ends_with('\n') && error.is_syntax();
    let hint = if is_cut { "; the file may be cut off" } else { "" };
    let not = if error.is_data() { "not a JSON object" } else { "not valid JSON" };
    format!("{not} at column {}: {what}{hint}; repair or remove it", error.column())
}

fn of_longbench(fields: &mut Map<String, Value>) -> Result<Prediction, String> {
    Ok(Prediction {
        line: 0,
        id: id(fields, &["_id", "id"]),
        text: match fields.remove("pred") {
            Some(Value::String(text)) => text,
            Some(other) => return Err(format!("`pred` must be a text, not {}", kind(&other))),
            None => return Err("`pred` is missing; each line must have pred and answers".into()),
        },
        answers: texts(fields, "answers")?
            .ok_or("`answers` is missing; each line must have pred and answers")?,
        all_classes: texts(fields, "all_classes")?,
        length: length(fields)?,
        grade: None,
    })
}

/// The first of these that is a text or a whole number.
pub(super) fn id(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match fields.get(*name) {
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    })
}

/// A list of texts; `None` where it is missing or null.
pub(super) fn texts(
    fields: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<Vec<String>>, String> {
    let list = match fields.remove(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(other) => {
            return Err(format!("`{name}` must be a list of texts, not {}", kind(&other)));
        }
    };
    let text = |(ix, value)| match value {
        Value::String(text) => Ok(text),
        other => {
            Err(format!("`{name}` must hold texts, but number {} is {}", ix + 1, kind(&other)))
        }
    };
    list.into_iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
}

/// The `length`, in whole units; `None` where it is missing or null.
pub(super) fn length(fields: &Map<String, Value>) -> Result<Option<u64>, String> {
    match fields.get("length") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(n)) => match n.as_f64().filter(|n| (0.0..=1e15).contains(n)) {
            Some(n) => Ok(Some(n as u64)),
            None => Err(format!("`length` must be 0 or more, not {n}")),
        },
        Some(other) => Err(format!("`length` must be a number, not {}", kind(other))),
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
