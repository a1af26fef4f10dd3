//! The journal of a run: one line for each finished record, written as soon as it is finished.
//!
//! The first line is the run's signature. A kill at any byte can tear the last line only, which is
//! cut off when the run goes on; any other damage is an error, as a journal must not lose records.

use super::signature::Signature;
use crate::data::{Record, RecordId, Source, StrategyId};
use crate::synthesis::{Made, Outcome, RejectedRecord};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What can go wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file operation failed.
    #[error("cannot {verb} the journal {path}: {source}; check the free space and the permissions")]
    File {
        /// What was tried.
        verb: &'static str,
        /// The journal.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process writes it.
    #[error("another run is writing {path}; wait for it, or choose another file to write to")]
    Busy {
        /// The journal.
        path: PathBuf,
    },
    /// The run differs from the one that the journal is of.
    #[error(
        "{path} belongs to a run with other settings ({}); choose another file to write \
         to, or let it be replaced (--overwrite; in the window \"Replace an earlier run\")", differences.join(", ")
    )]
    Differs {
        /// The journal.
        path: PathBuf,
        /// The parts that differ.
        differences: Vec<String>,
    },
    /// A line in the middle is broken.
    #[error(
        "the journal {path} is damaged in line {line}: {reason}; restore it, or choose to begin again \
         (--overwrite; in the window \"Replace an earlier run\")"
    )]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// There is a dataset without its journal.
    #[error(
        "{path} exists and has no journal beside it that tells how it was made; choose another file to \
         write to, or let it be replaced (--overwrite; in the window \"Replace an earlier run\")"
    )]
    NoJournal {
        /// The dataset.
        path: PathBuf,
    },
}

/// A seed's place in a run: its id, and how many seeds before it have the same.
pub type Key = (RecordId, usize);

/// One finished seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    seed: RecordId,
    occurrence: usize,
    #[serde(flatten)]
    end: End,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    Made(Box<MadeLine>),
    Rejected(Box<RejectedRecord>),
}

/// A made record without what follows from its place in the dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct MadeLine {
    seed_id: RecordId,
    task: String,
    strategy: StrategyId,
    instruction: String,
    answers: Vec<String>,
    context: Option<String>,
    extra: Map<String, Value>,
    attempts: Vec<crate::synthesis::Attempt>,
}

/// An open journal, locked against other runs.
pub struct Journal {
    path: PathBuf,
    file: File,
    outcomes: BTreeMap<Key, Outcome>,
}

impl Journal {
    /// Opens or creates the journal of a run; `overwrite` throws away what is there.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn open(path: &Path, signature: &Signature, overwrite: bool) -> Result<Self, JournalError> {
        let fail = |verb| move |source| JournalError::File { verb, path: path.to_owned(), source };
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.map_err(fail("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Busy { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(fail("lock")(source)),
        }
        let mut bytes = Vec::new();
        if !overwrite {
            file.read_to_end(&mut bytes).map_err(fail("read"))?;
        }
        let mut n_whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let outcomes = match read(path, &bytes[..n_whole], signature) {
            // A run that finished nothing has nothing to lose.
            Err(JournalError::Differs { .. }) if n_lines(&bytes) == 1 => {
                n_whole = 0;
                BTreeMap::new()
            }
            outcomes => outcomes?,
        };
        let mut journal = Self { path: path.to_owned(), file, outcomes };
        journal.file.set_len(n_whole as u64).map_err(fail("cut"))?;
        journal.file.seek(SeekFrom::End(0)).map_err(fail("extend"))?;
        if n_whole == 0 {
            journal.append(signature)?;
        }
        Ok(journal)
    }

    /// What is finished.
    pub fn outcomes(&self) -> &BTreeMap<Key, Outcome> {
        &self.outcomes
    }

    /// Writes a finished seed down; when this returns, a kill cannot lose it.
    ///
    /// # Errors
    /// [`JournalError::File`].
    pub fn add(&mut self, key: Key, outcome: Outcome) -> Result<(), JournalError> {
        let end = match &outcome {
            Outcome::Made(made) => End::Made(Box::new(MadeLine::new(made))),
            Outcome::Rejected(rejected) => End::Rejected(rejected.clone()),
        };
        self.append(&Line { seed: key.0.clone(), occurrence: key.1, end })?;
        self.outcomes.insert(key, outcome);
        Ok(())
    }

    fn append(&mut self, line: &impl Serialize) -> Result<(), JournalError> {
        let fail = |source| JournalError::File { verb: "extend", path: self.path.clone(), source };
        let mut bytes = serde_json::to_vec(line).map_err(|error| fail(error.into()))?;
        bytes.push(b'\n');
        self.file.write_all(&bytes).and_then(|()| self.file.sync_data()).map_err(fail)
    }
}

/// Whole lines; a torn one is as good as none.
fn n_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn read(
    path: &Path,
    bytes: &[u8],
    signature: &Signature,
) -> Result<BTreeMap<Key, Outcome>, JournalError> {
    let mut outcomes = BTreeMap::new();
    for (ix, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let damaged = |error: serde_json::Error| JournalError::Damaged {
            path: path.to_owned(),
            line: ix + 1,
            reason: error.to_string(),
        };
        if ix == 0 {
            let there: Signature = serde_json::from_slice(line).map_err(damaged)?;
            let differences = signature.differences(&there);
            if !differences.is_empty() {
                return Err(JournalError::Differs { path: path.to_owned(), differences });
            }
            continue;
        }
        let line: Line = serde_json::from_slice(line).map_err(damaged)?;
        let outcome = match line.end {
            End::Made(made) => Outcome::Made(Box::new(made.into_made())),
            End::Rejected(rejected) => Outcome::Rejected(rejected),
        };
        outcomes.insert((line.seed, line.occurrence), outcome);
    }
    Ok(outcomes)
}

impl MadeLine {
    fn new(made: &Made) -> Self {
        let record = &made.record;
        Self {
            seed_id: record.seed_id.clone(),
            task: record.task.clone(),
            strategy: record.strategy.clone(),
            instruction: record.instruction.clone(),
            answers: record.answers.clone(),
            context: record.context.clone(),
            extra: record.extra.clone(),
            attempts: made.attempts.clone(),
        }
    }

    fn into_made(self) -> Made {
        let record = Record {
            id: RecordId::unset(),
            seed_id: self.seed_id,
            source: Source { path: PathBuf::new(), line: 0 },
            task: self.task,
            strategy: self.strategy,
            instruction: self.instruction,
            answers: self.answers,
            context: self.context,
            extra: self.extra,
        };
        Made { record, attempts: self.attempts }
    }
}
