//! Lengths that were counted before, kept by who counted and by what was counted.

use super::WorkbenchError;
use super::loading;
use crate::data::{Dataset, write_atomic};
use crate::lengths::Lengths;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// How many files of lengths are kept: those of the files that a person works with, not of all that
/// were ever opened.
const MOST_KEPT: usize = 64;

/// Where the lengths of a dataset lie, as this tokenizer counts them. Records are told by their ids, which
/// are hashes of what is in them, so that a file that was moved is known again and one that was changed
/// is not; a tokenizer by its file, size and time.
pub(super) fn place(
    folder: &Path,
    dataset: &Dataset,
    tokenizer: &str,
) -> Result<PathBuf, WorkbenchError> {
    let mut path = loading::model_path(tokenizer)?;
    if path.is_dir() {
        path.push("tokenizer.json");
    }
    let fail = |source| WorkbenchError::File { verb: "read", path: path.clone(), source };
    let metadata = std::fs::metadata(&path).map_err(fail)?;
    let changed = metadata.modified().map_err(fail)?;
    let changed = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut hasher = Sha256::new();
    hasher.update(format!("{}\0{}\0{}\0", path.display(), metadata.len(), changed.as_nanos()));
    for (ix, row) in dataset.records.rows().enumerate() {
        hasher.update(dataset.records.id_number(ix).unwrap_or_default().to_le_bytes());
        hasher.update(row.strategy.as_str());
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Ok(folder.join(format!("{name}.lengths")))
}

/// The lengths at a place, if they are there and whole.
pub(super) fn read(place: &Path) -> Option<Lengths> {
    Lengths::from_bytes(&std::fs::read(place).ok()?)
}

/// Keeps lengths for the next time, and throws the oldest of many away.
pub(super) fn keep(place: &Path, lengths: &Lengths) -> Result<(), WorkbenchError> {
    let Some(folder) = place.parent() else { return Ok(()) };
    let fail = |source| WorkbenchError::File { verb: "write", path: folder.into(), source };
    std::fs::create_dir_all(folder).map_err(fail)?;
    write_atomic(place, |file| file.write_all(&lengths.to_bytes()))?;
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let changed = entry.metadata().and_then(|metadata| metadata.modified()).map_err(fail)?;
        kept.push((changed, entry.path()));
    }
    kept.sort();
    let n_old = kept.len().saturating_sub(MOST_KEPT);
    for (_, path) in kept.iter().take(n_old) {
        std::fs::remove_file(path).map_err(fail)?;
    }
    Ok(())
}
