//! Results that models got elsewhere: LongBench's result folders and needle results.

use super::{WorkbenchError, result_lines};
use crate::data::DataError;
use crate::job::Watch;
use crate::longbench::{self, Results};
use crate::needle::{Answered, NeedleRow};
use crate::report::{GapPair, ModelScores};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A result folder, and what its model is called where the person says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Else the folder's name.
    pub name: Option<String>,
    /// The folder, or its `result.json`.
    pub path: PathBuf,
}

impl Named {
    /// What its model is called.
    pub fn title(&self) -> String {
        let named = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
        let folder = match self.path.extension().is_some_and(|e| e == "json") {
            // "result.json" says nothing.
            true => self.path.parent().and_then(named),
            false => named(&self.path),
        };
        let unnamed = || self.path.display().to_string();
        self.name.clone().or(folder).unwrap_or_else(unnamed)
    }
}

/// Which results make a tuning gap.
#[derive(Debug, Clone, Default)]
pub struct GapWish {
    /// Models tuned with contexts.
    pub with: Vec<Named>,
    /// Models tuned without, by the same names or else in the same order.
    pub without: Vec<Named>,
    /// Drawn as a line.
    pub reference: Option<Named>,
}

/// The scores of a model.
pub(super) fn model(named: &Named, watch: &Watch) -> Result<ModelScores, WorkbenchError> {
    Ok(ModelScores { name: named.title(), results: results(&named.path, watch)? })
}

fn results(path: &Path, watch: &Watch) -> Result<Results, WorkbenchError> {
    watch.check()?;
    let results = longbench::read_results(path, watch)?;
    results.warnings.iter().for_each(|warning| watch.warn(warning));
    Ok(results)
}

/// The scores of several models, no two of one name.
pub(super) fn models(all: &[Named], watch: &Watch) -> Result<Vec<ModelScores>, WorkbenchError> {
    check_names(all.iter().map(Named::title))?;
    all.iter().map(|named| model(named, watch)).collect()
}

/// The scores of several models; those of one name are called by their paths.
pub(super) fn all(all: &[Named], watch: &Watch) -> Result<Vec<ModelScores>, WorkbenchError> {
    let titles: Vec<String> = all.iter().map(Named::title).collect();
    let mut models = Vec::new();
    for (named, title) in all.iter().zip(&titles) {
        if models.iter().any(|model: &ModelScores| model.results.path == named.path) {
            return Err(WorkbenchError::Wish(format!(
                "{} is there twice; name each folder once",
                named.path.display()
            )));
        }
        watch.stage(&format!("reading {title}"), 0);
        let is_alone = titles.iter().filter(|other| *other == title).count() == 1;
        let name = if is_alone { title.clone() } else { named.path.display().to_string() };
        models.push(ModelScores { name, results: results(&named.path, watch)? });
    }
    Ok(models)
}

fn check_names(names: impl Iterator<Item = String>) -> Result<(), WorkbenchError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if seen.contains(&name) {
            return Err(WorkbenchError::Wish(format!(
                "two result folders are called {name}; give each a name of its own as NAME=DIR"
            )));
        }
        seen.insert(name);
    }
    Ok(())
}

/// The pairs of a tuning gap, and the reference.
pub(super) fn pairs(
    wish: &GapWish,
    watch: &Watch,
) -> Result<(Vec<GapPair>, Option<ModelScores>), WorkbenchError> {
    let GapWish { with, without, reference } = wish;
    if with.is_empty() || with.len() != without.len() {
        return Err(WorkbenchError::Wish(format!(
            "{} result folders with contexts and {} without; give one --without for each --with",
            with.len(),
            without.len()
        )));
    }
    check_names(with.iter().map(Named::title))?;
    let all_named = with.iter().chain(without).all(|named| named.name.is_some());
    let pair = |(ix, with): (usize, &Named)| {
        let other = match all_named {
            true => without.iter().find(|other| other.name == with.name),
            false => without.get(ix),
        };
        let other = other.ok_or_else(|| {
            WorkbenchError::Wish(format!(
                "there is no --without called {}; give both arms of a pair the same name",
                with.title()
            ))
        })?;
        let (without, with_results) = (results(&other.path, watch)?, results(&with.path, watch)?);
        Ok(GapPair { name: with.title(), without, with: with_results })
    };
    let pairs: Result<Vec<GapPair>, WorkbenchError> = with.iter().enumerate().map(pair).collect();
    let reference = reference.as_ref().map(|named| model(named, watch)).transpose()?;
    Ok((pairs?, reference))
}

/// The needle results in the files.
///
/// # Errors
/// [`WorkbenchError::Refused`] with the line of a row that is none.
pub(super) fn needle_rows(
    files: &[PathBuf],
    watch: &Watch,
) -> Result<Vec<NeedleRow>, WorkbenchError> {
    let mut rows = Vec::new();
    for file in files {
        match read_needle_rows(file, watch)? {
            Some(found) => rows.extend(found.into_iter().map(|answered| answered.row)),
            None => {
                return Err(WorkbenchError::Refused(format!(
                    "{} holds no needle results; give JSONL with task, composition, test_length and grade",
                    file.display()
                )));
            }
        }
    }
    Ok(rows)
}

/// A needle result is known by these keys, which no dataset has together.
const KEYS: [[&str; 2]; 2] = [["task", "test_length"], ["composition", "model"]];

/// The rows of a file of needle results; `None` where it is something else.
pub(super) fn read_needle_rows(
    path: &Path,
    watch: &Watch,
) -> Result<Option<Vec<Answered>>, WorkbenchError> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(DataError::NotFound { path: path.to_owned() }.into());
        }
        Err(cause) => return Err(DataError::Read { path: path.to_owned(), cause }.into()),
    };
    if path.is_dir() {
        return Err(DataError::Folder { path: path.to_owned() }.into());
    }
    result_lines::read(
        file,
        path,
        watch,
        |row| {
            KEYS[0].iter().all(|key| row.contains_key(*key))
                && KEYS[1].iter().any(|key| row.contains_key(*key))
        },
        |line| {
            let answered: Answered =
                serde_json::from_slice(line).map_err(|error| error.to_string())?;
            answered.row.check().map(|()| answered)
        },
        |reason| format!("no needle result ({reason}); repair or remove the line"),
    )
}
