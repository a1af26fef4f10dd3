//! Results with the predictions behind them: graded when they are opened, or joined with the scores that
//! lie beside.

use super::results::{Results, ResultsError, TaskGrade, instead};
use super::score_error::ScoreError;
use super::scoring::{Graded, Scored, prediction_files, score_file, score_with};
use crate::job::Watch;
use crate::prompt::Task;
use std::path::Path;

/// Results of predictions, which have no scores yet.
pub(super) fn graded_now(path: &Path, watch: &Watch) -> Result<Results, ResultsError> {
    let files = match prediction_files(&[path.to_owned()], false, watch) {
        Err(ScoreError::NoFiles { path }) => {
            let found = instead(&path);
            return Err(ResultsError::NoResults { path, found });
        }
        files => files?,
    };
    let mut tasks = Vec::new();
    for file in &files {
        let scored = score_file(file, false, watch)?;
        let (task, score) = (file.task.name.to_owned(), scored.score());
        let grades = in_hundreds(&scored.records);
        tasks.push(TaskGrade { task, score, grades, records: scored.records });
    }
    tasks.sort_by(|a, b| a.task.cmp(&b.task));
    Ok(Results { path: path.to_owned(), tasks, warnings: Vec::new() })
}

/// Grades as [`TaskGrade::grades`] has them.
fn in_hundreds(records: &[Graded]) -> Vec<f64> {
    records.iter().map(|record| 100.0 * record.grade).collect()
}

/// Takes in the predictions that lie beside the scores, where they are those that were scored.
pub(super) fn join_predictions(
    tasks: &mut [TaskGrade],
    folder: &Path,
    warnings: &mut Vec<String>,
    watch: &Watch,
) -> Result<(), ResultsError> {
    // Warnings of files that only lie beside are not worth telling.
    let unheard = Watch::default();
    let files = match prediction_files(&[folder.to_owned()], false, &unheard) {
        Err(ScoreError::NoFiles { .. }) => return Ok(()),
        Err(error) => {
            warnings.push(format!("the predictions beside the scores are left out: {error}"));
            return Ok(());
        }
        Ok(files) => files,
    };
    for file in files {
        let same = |task: &&mut TaskGrade| Task::canonical(&task.task) == file.task.name;
        let Some(task) = tasks.iter_mut().find(same) else { continue };
        let known: Vec<f64> = task.grades.iter().map(|grade| grade / 100.0).collect();
        let joined = match score_with(&file, false, &known, watch) {
            Ok(scored) => join(task, scored),
            Err(ScoreError::Cancelled(cancelled)) => {
                return Err(ScoreError::Cancelled(cancelled).into());
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(reason) = joined {
            let (path, task) = (file.path.display(), &task.task);
            warnings.push(format!("{path}: the predictions of {task} are left out: {reason}"));
        }
    }
    Ok(())
}

fn join(task: &mut TaskGrade, scored: Scored) -> Result<(), String> {
    let (n, n_grades, score) = (scored.records.len(), task.grades.len(), scored.score());
    if n_grades > 0 && n != n_grades {
        return Err(format!("there are {n} of them and {n_grades} grades"));
    }
    if n_grades == 0 && (score - task.score).abs() > 0.0051 {
        return Err(format!("they give {score:.2} and the score is {}", task.score));
    }
    task.grades = in_hundreds(&scored.records);
    task.records = scored.records;
    Ok(())
}
