//! Training and validation, seed by seed.

use crate::data::RecordId;
use crate::seed::Stream;
use std::path::{Path, PathBuf};

/// How seeds are shared out. All records of a seed, under whatever strategy, are on one side, and on the
/// same one in every file: a model that was trained on a seed cannot be validated on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// About this share of the seeds is kept for validation, 0 to 1.
    pub share: f64,
    /// Seed of the choice.
    pub seed: u64,
}

/// Where a record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Training,
    Validation,
}

impl Split {
    pub(super) fn side(self, seed_id: &RecordId) -> Side {
        let drawn = Stream::new(self.seed, seed_id.as_str(), "split").unit();
        if drawn < self.share { Side::Validation } else { Side::Training }
    }
}

/// The validation file that belongs to a training file: `a.jsonl`, `a.validation.jsonl`.
pub(super) fn beside(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}.validation.{}", extension.to_string_lossy()),
        None => format!("{stem}.validation"),
    };
    path.with_file_name(name)
}
