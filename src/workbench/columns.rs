//! Which column of a file is what: its columns, a guess, and the first rows under a mapping.

use super::WorkbenchError;
use crate::data::{DataError, FirstRows, Format, Record, Skipped};
use crate::job::Watch;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Rows that are shown; the columns of as many more are known.
const SHOWN_ROWS: usize = 5;
const READ_ROWS: usize = 20;

/// Characters of a cell; a table shows no more.
const CELL_CHARS: usize = 160;

/// Read the first rows of a file under a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnsJob {
    /// The file.
    pub path: PathBuf,
    /// Field, column; `None`: what can be guessed.
    pub map: Option<Vec<(String, String)>>,
}

/// A file's columns and first rows.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnsRead {
    /// How the file is laid out.
    pub format: Format,
    /// Its columns, in the order in which they come.
    pub columns: Vec<String>,
    /// Columns that hold lists of answers as the text of a cell.
    pub lists: BTreeSet<String>,
    /// Field, column: as asked, or as guessed.
    pub map: Vec<(String, String)>,
    /// The first rows; or why the mapping makes no sense.
    pub rows: Result<Vec<RowRead>, String>,
}

/// A row of a file under a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct RowRead {
    /// Its line, from 1.
    pub line: usize,
    /// Its fields, or why it is no record.
    pub fields: Result<Cells, String>,
}

/// The begin of each field of a record, on one line.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cells {
    /// The document; `None`: it has none.
    pub context: Option<String>,
    /// The question or request.
    pub instruction: String,
    /// The answers.
    pub answer: String,
    /// The task.
    pub task: String,
    /// The strategy.
    pub strategy: String,
    /// The seed, where the file says it.
    pub seed: String,
}

pub(super) fn run(job: &ColumnsJob, watch: &Watch) -> Result<ColumnsRead, WorkbenchError> {
    let asked = job.map.clone().unwrap_or_default();
    let first = FirstRows::read(&job.path, &asked, READ_ROWS, watch)?;
    let map = job.map.clone().unwrap_or_else(|| first.guess());
    let columns = first.columns();
    let is_list = |name: &&String| first.answer_field(name) == "answers";
    let lists = columns.iter().filter(is_list).cloned().collect();
    let rows = match first.records(&map) {
        Ok(rows) => Ok(rows.into_iter().take(SHOWN_ROWS).map(row).collect()),
        Err(error @ (DataError::UnknownField { .. } | DataError::MappedTwice { .. })) => {
            Err(error.to_string())
        }
        Err(error) => return Err(error.into()),
    };
    Ok(ColumnsRead { format: first.format(), columns, lists, map, rows })
}

fn row(read: Result<Record, Skipped>) -> RowRead {
    match read {
        Ok(record) => RowRead { line: record.source.line, fields: Ok(cells(&record)) },
        Err(Skipped { line, reason }) => RowRead { line, fields: Err(reason) },
    }
}

fn cells(record: &Record) -> Cells {
    Cells {
        context: record.context.as_deref().map(begin),
        instruction: begin(&record.instruction),
        answer: begin(&record.answers.join(" | ")),
        task: begin(&record.task),
        strategy: begin(record.strategy.as_str()),
        seed: begin(record.seed_id.as_str()),
    }
}

/// The begin of a text with its white space folded.
fn begin(text: &str) -> String {
    let cut = text.char_indices().nth(CELL_CHARS).map_or(text.len(), |(at, _)| at);
    text[..cut].split_whitespace().collect::<Vec<_>>().join(" ")
}
