//! The coherence rows that are open: which of them count, and of which file their records are.

use crate::coherence::Coherence;
use crate::data::{Dataset, RecordId};
use crate::prompt::Task;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Coherence rows that may be drawn.
#[derive(Debug, Clone)]
pub struct RowsPart {
    /// Their file.
    pub path: PathBuf,
    /// The rows.
    pub rows: Arc<Vec<Coherence>>,
    /// Whether rows of records that are not open are drawn too: the person opened the rows by
    /// themselves.
    pub alone: bool,
}

/// Measurements, and the datasets beside which they are shown.
#[derive(Debug, Clone, Default)]
pub struct OpenRows {
    /// Measurements, oldest first; of a record that was measured twice, the last row counts.
    pub parts: Vec<RowsPart>,
    /// The datasets that are open.
    pub open: Vec<Arc<Dataset>>,
    /// Those of them whose records are to be shown.
    pub shown: Vec<Arc<Dataset>>,
    /// Tasks that are left out, by their canonical names.
    pub without: BTreeSet<String>,
}

impl OpenRows {
    /// The rows that count, each with the file that its record is in: that of a shown dataset, or
    /// the measurement's own.
    pub(super) fn counting(&self) -> Vec<(&Path, &Coherence)> {
        let rows = self.parts.iter().flat_map(|part| part.rows.iter());
        let measured: BTreeSet<&RecordId> = rows.map(|row| &row.id).collect();
        let open = files(&self.open, &measured);
        let shown = files(&self.shown, &measured);
        let mut seen = BTreeSet::new();
        let mut rows = Vec::new();
        for part in self.parts.iter().rev() {
            for row in part.rows.iter().rev() {
                let file = match shown.get(&row.id) {
                    Some(file) => file,
                    None if part.alone && !open.contains_key(&row.id) => part.path.as_path(),
                    None => continue,
                };
                let is_left_out = self.without.contains(Task::canonical(&row.task));
                if !is_left_out && seen.insert((&row.id, &row.strategy)) {
                    rows.push((file, row));
                }
            }
        }
        rows.reverse();
        rows
    }

    /// The rows that count, by the file that their records are in; files in the order of the datasets.
    pub(super) fn by_file(&self) -> Vec<(PathBuf, Arc<Vec<Coherence>>)> {
        let rank = |path: &Path| self.shown.iter().position(|dataset| dataset.path == path);
        let mut files: BTreeMap<(usize, &Path), Vec<Coherence>> = BTreeMap::new();
        for (path, row) in self.counting() {
            let key = (rank(path).unwrap_or(usize::MAX), path);
            files.entry(key).or_default().push(row.clone());
        }
        files.into_iter().map(|((_, path), rows)| (path.to_owned(), Arc::new(rows))).collect()
    }
}

/// The file of each measured record; the first that has it. Few of a million records are measured.
fn files<'a>(
    datasets: &'a [Arc<Dataset>],
    measured: &BTreeSet<&RecordId>,
) -> BTreeMap<RecordId, &'a Path> {
    let mut files = BTreeMap::new();
    for dataset in datasets.iter().filter(|_| !measured.is_empty()) {
        let ids = (0..dataset.records.len()).filter_map(|ix| dataset.records.id(ix));
        for id in ids.filter(|id| measured.contains(id)) {
            files.entry(id).or_insert(dataset.path.as_path());
        }
    }
    files
}
