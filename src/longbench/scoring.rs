//! Grading files of predictions, as LongBench's `eval.py` does.

use super::average;
use super::harness;
use super::predictions::{self, Form, Prediction};
use super::score_error::ScoreError;
use crate::job::Watch;
use crate::prompt::Task;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A record behind a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Graded {
    /// 1-based line in the file of predictions.
    pub line: usize,
    /// The record's own name, where it has one.
    pub id: Option<String>,
    /// What the model answered, whole.
    pub prediction: String,
    /// The references.
    pub answers: Vec<String>,
    /// Of the context, as the benchmark counts it; `None` where unknown.
    pub length: Option<u64>,
    /// 0 to 1.
    pub grade: f64,
}

/// What lies beside our own predictions: a row for each test, how it was asked.
pub const PROMPTS_FILE: &str = "prompts.jsonl";

/// The groups of LongBench-E by length: below 4,000, to 7,999, and above.
pub const GROUPS_E: [&str; 3] = ["0-4k", "4-8k", "8k+"];

/// The score of a file of predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The task.
    pub task: &'static Task,
    /// The file.
    pub path: PathBuf,
    /// In the order of the file.
    pub records: Arc<Vec<Graded>>,
    /// Lines that were left out.
    pub n_skipped: usize,
}

impl Scored {
    /// The score in LongBench, 0 to 100.
    pub fn score(&self) -> f64 {
        let grades: Vec<f64> = self.records.iter().map(|record| record.grade).collect();
        average::longbench(&grades).unwrap_or(0.0)
    }

    /// The scores in LongBench-E by [`GROUPS_E`]; `None` for a group without records.
    pub fn scores_e(&self) -> [Option<f64>; 3] {
        let mut groups = [const { Vec::new() }; 3];
        for record in self.records.iter() {
            match record.length {
                Some(..4000) => groups[0].push(record.grade),
                Some(4000..8000) => groups[1].push(record.grade),
                Some(8000..) => groups[2].push(record.grade),
                None => {}
            }
        }
        groups.map(|grades| average::longbench_e(&grades))
    }
}

/// What is graded.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionFile {
    /// The file.
    pub path: PathBuf,
    /// Whose predictions they are.
    pub task: &'static Task,
    form: Form,
}

/// The files to grade among files and folders, in the order of the table of tasks. `edition_e` prefers
/// `TASK_e.jsonl` where a folder has both.
///
/// # Errors
/// [`ScoreError`] for a path that is not there, a name that is no task, two files of one task.
pub fn prediction_files(
    paths: &[PathBuf],
    edition_e: bool,
    watch: &Watch,
) -> Result<Vec<PredictionFile>, ScoreError> {
    let mut files: BTreeMap<usize, PredictionFile> = BTreeMap::new();
    for path in paths {
        let found = match path.is_dir() {
            true => in_folder(path, edition_e, watch)?,
            false => vec![named(path)?],
        };
        for file in found {
            let task = file.task;
            if let Some(first) = files.insert(Task::rank(task.name), file.clone()) {
                let (first, second) = (first.path, file.path);
                return Err(ScoreError::Twice { task: task.name, first, second });
            }
        }
    }
    Ok(files.into_values().collect())
}

/// A file by its name.
fn named(path: &Path) -> Result<PredictionFile, ScoreError> {
    if !path.exists() {
        return Err(ScoreError::NotFound { path: path.to_owned() });
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let found = match harness::task_of(&stem) {
        Some((task, _)) => Some((task, Form::Harness)),
        None => Task::find(&stem).map(|task| (task, Form::LongBench)),
    };
    match found {
        Some((task, form)) => Ok(PredictionFile { path: path.to_owned(), task, form }),
        None => Err(ScoreError::UnknownTask { path: path.to_owned(), name: stem }),
    }
}

/// The files of predictions in a folder; of several runs of the harness the last.
fn in_folder(
    folder: &Path,
    edition_e: bool,
    watch: &Watch,
) -> Result<Vec<PredictionFile>, ScoreError> {
    let failed = |cause| ScoreError::Read { path: folder.to_owned(), cause };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        watch.check()?;
        let path = entry.map_err(failed)?.path();
        let is_other = path.file_name().is_some_and(|name| name == PROMPTS_FILE);
        if path.extension().is_some_and(|e| e == "jsonl") && path.is_file() && !is_other {
            paths.push(path);
        }
    }
    paths.sort();
    let mut files: BTreeMap<usize, PredictionFile> = BTreeMap::new();
    for path in paths {
        let file = match named(&path) {
            Ok(file) => file,
            Err(error @ ScoreError::UnknownTask { .. }) => {
                watch.warn(format!("{error}, or leave it out"));
                continue;
            }
            Err(error) => return Err(error),
        };
        let rank = Task::rank(file.task.name);
        let Some(first) = files.get(&rank) else {
            files.insert(rank, file);
            continue;
        };
        let taken = better(first, &file, edition_e).cloned();
        let (task, first, second) = (file.task.name, first.path.clone(), file.path);
        let taken = taken.ok_or(ScoreError::Twice { task, first, second })?;
        files.insert(rank, taken);
    }
    match files.is_empty() {
        true => Err(ScoreError::NoFiles { path: folder.to_owned() }),
        false => Ok(files.into_values().collect()),
    }
}

/// Which of two files of a task in one folder is meant.
fn better<'f>(
    first: &'f PredictionFile,
    second: &'f PredictionFile,
    edition_e: bool,
) -> Option<&'f PredictionFile> {
    let stem = |file: &PredictionFile| {
        file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    };
    let date = |file| harness::task_of(&stem(file)).map(|(_, date)| date.to_owned());
    match (date(first), date(second)) {
        (Some(a), Some(b)) => Some(if a > b { first } else { second }),
        (None, None) => {
            let is_e = [first, second].map(|file| stem(file).ends_with("_e"));
            match is_e {
                [true, false] => Some(if edition_e { first } else { second }),
                [false, true] => Some(if edition_e { second } else { first }),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Records that are graded between two looks at the watch.
const BATCH: usize = 256;

/// Grades a file, on all cores. `edition_e` needs the length of each record.
///
/// # Errors
/// See [`ScoreError`]. `watch` is warned of lines that are left out.
pub fn score_file(
    file: &PredictionFile,
    edition_e: bool,
    watch: &Watch,
) -> Result<Scored, ScoreError> {
    score_with(file, edition_e, &[], watch)
}

/// Like [`score_file`]; grades of 0 to 1 that are known already are taken over, if they are as many as
/// the predictions.
pub(super) fn score_with(
    file: &PredictionFile,
    edition_e: bool,
    known: &[f64],
    watch: &Watch,
) -> Result<Scored, ScoreError> {
    let PredictionFile { path, task, form } = file;
    watch.stage(&format!("grading {}", task.title), 0);
    let mut lines = predictions::read(path, *form, task, edition_e, watch)?;
    if lines.predictions.len() == known.len() {
        let with_grades = lines.predictions.iter_mut().zip(known);
        with_grades.for_each(|(prediction, grade)| prediction.grade = Some(*grade));
    }
    watch.stage(&format!("grading {}", task.title), lines.predictions.len() as u64);
    // LongBench grades all records of a file by the classes of its last line.
    let classes = lines.predictions.last().and_then(|last| last.all_classes.clone());
    let classes = classes.unwrap_or_default();
    let mut records = Vec::with_capacity(lines.predictions.len());
    let mut rest = lines.predictions.into_iter();
    loop {
        watch.check()?;
        let batch: Vec<Prediction> = rest.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        let n = batch.len() as u64;
        records.par_extend(batch.into_par_iter().map(|record| grade(record, task, &classes)));
        watch.advance(n);
    }
    Ok(Scored { task, path: path.clone(), records: Arc::new(records), n_skipped: lines.n_skipped })
}

/// The record's own grade if it brings one, else LongBench's.
fn grade(prediction: Prediction, task: &Task, classes: &[String]) -> Graded {
    let Prediction { line, id, text, answers, length, grade, all_classes: _ } = prediction;
    let graded = match task.first_line {
        true => text.trim_start_matches('\n').split('\n').next().unwrap_or_default(),
        false => &text,
    };
    let grade = grade.unwrap_or_else(|| task.metric.grade(graded, &answers, classes));
    Graded { line, id, prediction: text, answers, length, grade }
}
