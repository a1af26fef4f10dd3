//! What can go wrong with whole files of predictions; what is wrong with one line is a warning.

use crate::job::Cancelled;
use crate::prompt::Task;
use std::io;
use std::path::PathBuf;

/// Why predictions could not be graded.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// Nothing of this name.
    #[error("cannot read {}: there is no such file or folder; check the path", path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot read {}: {cause}; check its permissions and the disk", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A line too long to be held.
    #[error(
        "cannot read {}: line {line} is longer than {limit_mib} MiB; check that the file has one record a line",
        path.display()
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// 1-based.
        line: usize,
        /// The limit.
        limit_mib: u64,
    },
    /// Not a line in it.
    #[error("cannot grade {}: the file is empty; check that it was written completely", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Lines, but none to be graded.
    #[error(
        "cannot grade {}: none of its {n_skipped} lines holds a usable prediction; the first, {reason}",
        path.display()
    )]
    NoPrediction {
        /// The file.
        path: PathBuf,
        /// How many.
        n_skipped: usize,
        /// Line, field and what is wrong.
        reason: String,
    },
    /// A name that is no task.
    #[error(
        "cannot grade {}: `{name}` is no data set of LongBench; name the file after one of {}",
        path.display(), known_tasks()
    )]
    UnknownTask {
        /// The file.
        path: PathBuf,
        /// Its name without the end.
        name: String,
    },
    /// Two files of the same task.
    #[error(
        "both {} and {} are predictions of {task}; give one of them",
        first.display(), second.display()
    )]
    Twice {
        /// The task.
        task: &'static str,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A folder of other things.
    #[error(
        "{} holds no predictions; give a folder with files such as hotpotqa.jsonl, as LongBench's pred/MODEL",
        path.display()
    )]
    NoFiles {
        /// The folder.
        path: PathBuf,
    },
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

fn known_tasks() -> String {
    Task::all().iter().map(|task| task.name).collect::<Vec<_>>().join(", ")
}
