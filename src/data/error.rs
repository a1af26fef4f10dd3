//! What can go wrong with a whole file; what is wrong with one line is a `Skipped`.

use std::io;
use std::path::PathBuf;

use crate::job::Cancelled;

/// A file that could not be read or written. Each message says what was tried, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// No file under this name.
    #[error("cannot read {}: there is no such file; check the path", path.display())]
    NotFound { path: PathBuf },
    /// A folder where a file was asked for.
    #[error("cannot read {} as a dataset: it is a folder; name a file in it", path.display())]
    Folder { path: PathBuf },
    /// A pipe, a device or a socket.
    #[error("cannot read {} as a dataset: it is not a regular file; save the data to a file first", path.display())]
    NotAFile { path: PathBuf },
    /// The system refused.
    #[error("cannot read {}: {cause}; check its permissions and the disk", path.display())]
    Read { path: PathBuf, cause: io::Error },
    /// Not a byte, or nothing but white space.
    #[error("cannot read {} as a dataset: the file is empty; check that it was written completely", path.display())]
    Empty { path: PathBuf },
    /// Another kind of file, known by its first bytes.
    #[error("cannot read {} as a dataset: it is {what}; {next}", path.display())]
    Foreign { path: PathBuf, what: &'static str, next: &'static str },
    /// Text, but no line of it is JSON.
    #[error(
        "cannot read {} as JSONL: none of its first {n_lines} lines is JSON; it looks like {looks_like} \
         (line {line}: {reason}); convert it to one JSON object a line",
        path.display()
    )]
    NotJson { path: PathBuf, n_lines: usize, looks_like: &'static str, line: usize, reason: String },
    /// One JSON value over many lines, and it ends badly.
    #[error(
        "cannot read {} as JSON: broken at line {line}, column {column}: {reason}; repair or fetch the file \
         again, or write one object a line (`jq -c`)",
        path.display()
    )]
    BrokenJson { path: PathBuf, line: usize, column: usize, reason: String },
    /// One line, or one element of an array, is too large to be held.
    #[error(
        "cannot read {}: line (or array element) {line} is longer than {limit_bytes} bytes; check that the \
         file has one record a line",
        path.display()
    )]
    TooLong { path: PathBuf, line: usize, limit_bytes: u64 },
    /// More bad lines than can be listed.
    #[error(
        "cannot read {}: more than {limit} lines hold no usable record, the first is line {line} ({reason}); \
         repair the file or name its columns (`--map context=COL`)",
        path.display()
    )]
    TooManySkipped { path: PathBuf, limit: usize, line: usize, reason: String },
    /// JSON throughout, but nothing in it is a record.
    #[error(
        "cannot read {}: none of its {n_skipped} lines holds a usable record; the first, line {line}: {reason}",
        path.display()
    )]
    NoRecord { path: PathBuf, n_skipped: usize, line: usize, reason: String },
    /// A JSON list or object without anything in it.
    #[error("cannot read {} as a dataset: its JSON holds no records; check how it was written", path.display())]
    NoElements { path: PathBuf },
    /// A mapping names a field that records do not have.
    #[error(
        "cannot map column `{column}` to `{field}`: there is no such field; the fields are context, \
         instruction, answer, answers, task, strategy and seed_id"
    )]
    UnknownField { field: String, column: String },
    /// A mapping names a field or a column for the second time.
    #[error(
        "cannot map column `{column}` to `{field}`: one of the two is mapped already; map each once"
    )]
    MappedTwice { field: String, column: String },
    /// A mapping names a column that no line has.
    #[error(
        "cannot map column `{column}` to `{field}`: no line of {} has it; its columns are {columns}",
        path.display()
    )]
    NoSuchColumn { path: PathBuf, field: String, column: String, columns: String },
    /// Two files to be joined differ in length.
    #[error(
        "cannot join {} ({n_main} records) with {} ({n_join} records): they must have the same number of \
         lines, line by line; check that both are complete",
        path.display(), join.display()
    )]
    JoinCounts { path: PathBuf, n_main: usize, join: PathBuf, n_join: usize },
    /// A bad line would shift all that follow.
    #[error(
        "cannot join: line {line} of {} is not usable ({reason}), and leaving it out would shift the lines \
         after it; repair it",
        path.display()
    )]
    JoinSkipped { path: PathBuf, line: usize, reason: String },
    /// Blank lines stand in different places.
    #[error(
        "cannot join line {line} of {} with line {join_line} of {}: the files' lines are shifted; remove \
         blank lines so that both go line by line",
        path.display(), join.display()
    )]
    JoinShifted { path: PathBuf, line: usize, join: PathBuf, join_line: usize },
    /// The record has a context already.
    #[error(
        "cannot join line {line} of {} with a context: the record has its own already; leave the join out \
         or drop that column",
        path.display()
    )]
    JoinHasContext { path: PathBuf, line: usize },
    /// The joined line brings no context.
    #[error(
        "cannot join line {line} of {}: it has no context; name the column (`--map context=COL`)",
        path.display()
    )]
    JoinNoContext { path: PathBuf, line: usize },
    /// The joined line belongs to another instruction.
    #[error(
        "cannot join line {line} of {}: it has another instruction than the same line of {}; check that the \
         files belong together",
        join.display(), path.display()
    )]
    JoinOtherInstruction { path: PathBuf, join: PathBuf, line: usize },
    /// A packed file that cannot be unpacked.
    #[error(
        "cannot unpack {} ({packing}): {reason}; fetch or pack it again",
        path.display()
    )]
    Unpack { path: PathBuf, packing: &'static str, reason: String },
    /// A packed file that would fill the disk.
    #[error(
        "cannot read {}: its {bytes} bytes unpack to more than {limit_bytes}; if you trust the file, unpack it \
         yourself and open the result",
        path.display()
    )]
    UnpacksToMuch { path: PathBuf, bytes: u64, limit_bytes: u64 },
    /// There is no room for what a file is unpacked or rewritten to.
    #[error(
        "cannot keep a temporary file: {cause}; free some space, or set TMPDIR to a folder on a larger disk"
    )]
    Spool { cause: io::Error },
    /// Parquet or Arrow that is broken.
    #[error(
        "cannot read {} as {format}: broken behind row {row}: {reason}; write or fetch it again",
        path.display()
    )]
    BrokenTable { path: PathBuf, format: &'static str, row: usize, reason: String },
    /// The file is not the one that was opened.
    #[error("{} has changed since it was opened; open it again", path.display())]
    Changed { path: PathBuf },
    /// More lines than can be numbered.
    #[error("cannot read {}: it has more than {limit} lines; split it", path.display())]
    TooManyLines { path: PathBuf, limit: usize },
    /// The reading was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Writing failed; what stood under the name before still does.
    #[error("cannot write {}: {cause} (while {doing}); check the folder, its permissions and the free space", path.display())]
    Write { path: PathBuf, doing: &'static str, cause: io::Error },
}

impl DataError {
    /// Whether saying which column is what may help: the file has rows, and none of them is a record.
    pub fn wants_columns(&self) -> bool {
        matches!(
            self,
            Self::NoRecord { .. } | Self::NoSuchColumn { .. } | Self::TooManySkipped { .. }
        )
    }
}
