//! The journal of a run: one line for each finished record, written as soon as it is finished.
//!
//! The first line is the run's signature. A kill at any byte can tear the last line only, which is
//! cut off when the run goes on; any other damage is an error, as a journal must not lose records.
//! What a line holds of a record is for those who run: `outcomes` for `synth`, `answering` for tests.

use crate::data::RecordId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
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

/// A record's place in a run: its id, and how many records before it have the same.
pub type Key = (RecordId, usize);

/// The keys of records, in their order.
pub fn keys<'a>(ids: impl Iterator<Item = &'a RecordId>) -> Vec<Key> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    ids.map(|id| {
        let n = seen.entry(id.as_str()).or_insert(0);
        *n += 1;
        (id.clone(), *n - 1)
    })
    .collect()
}

/// What a run's results depend on.
pub trait Signed: Serialize + DeserializeOwned {
    /// The parts in which two signatures differ, by name, in the order in which a person would look
    /// for them; none when a run may go on.
    fn differences(&self, other: &Self) -> Vec<String>;
}

/// One finished record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line<E> {
    seed: RecordId,
    occurrence: usize,
    #[serde(flatten)]
    end: E,
}

/// An open journal, locked against other runs.
pub struct Journal<E> {
    path: PathBuf,
    file: File,
    ended: BTreeMap<Key, E>,
}

impl<E: Serialize + DeserializeOwned> Journal<E> {
    /// Opens or creates the journal of a run; `overwrite` throws away what is there.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub fn open(
        path: &Path,
        signature: &impl Signed,
        overwrite: bool,
    ) -> Result<Self, JournalError> {
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
        let ended = match read(path, &bytes[..n_whole], signature) {
            // A run that finished nothing has nothing to lose.
            Err(JournalError::Differs { .. }) if n_lines(&bytes) == 1 => {
                n_whole = 0;
                BTreeMap::new()
            }
            ended => ended?,
        };
        let mut journal = Self { path: path.to_owned(), file, ended };
        journal.file.set_len(n_whole as u64).map_err(fail("cut"))?;
        journal.file.seek(SeekFrom::End(0)).map_err(fail("extend"))?;
        if n_whole == 0 {
            journal.append(signature)?;
        }
        Ok(journal)
    }

    /// What is finished.
    pub fn ended(&self) -> &BTreeMap<Key, E> {
        &self.ended
    }

    /// Writes a finished record down; when this returns, a kill cannot lose it.
    ///
    /// # Errors
    /// [`JournalError::File`].
    pub fn add(&mut self, key: Key, end: E) -> Result<(), JournalError> {
        let line = Line { seed: key.0.clone(), occurrence: key.1, end };
        self.append(&line)?;
        self.ended.insert(key, line.end);
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

fn read<E: DeserializeOwned, S: Signed>(
    path: &Path,
    bytes: &[u8],
    signature: &S,
) -> Result<BTreeMap<Key, E>, JournalError> {
    let mut ended = BTreeMap::new();
    for (ix, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let damaged = |error: serde_json::Error| JournalError::Damaged {
            path: path.to_owned(),
            line: ix + 1,
            reason: error.to_string(),
        };
        if ix == 0 {
            let there: S = serde_json::from_slice(line).map_err(damaged)?;
            let differences = signature.differences(&there);
            if !differences.is_empty() {
                return Err(JournalError::Differs { path: path.to_owned(), differences });
            }
            continue;
        }
        let line: Line<E> = serde_json::from_slice(line).map_err(damaged)?;
        ended.insert((line.seed, line.occurrence), line.end);
    }
    Ok(ended)
}
