//! The grades of an evaluation, as LongBench's scorer leaves them beside the predictions.

use super::super::WorkbenchError;
use super::super::score::{self, ScoreJob, ScoreReport};
use crate::data::write_atomic;
use crate::job::Watch;
use crate::prompt::Task;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Grades the files and writes `result.json` and `per_sample.json`; `None` if there is nothing that
/// LongBench has a grade for.
pub fn write(
    out: &Path,
    files: Vec<PathBuf>,
    watch: &Watch,
) -> Result<Option<ScoreReport>, WorkbenchError> {
    let (known, unknown): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|file| Task::find(&stem(file)).is_some());
    for file in unknown {
        watch.warn(format!(
            "{}: answered, but not graded: `{}` is no task of LongBench, so no metric is known for it",
            file.display(),
            stem(&file)
        ));
    }
    if known.is_empty() {
        return Ok(None);
    }
    let job = ScoreJob { predictions: known, edition_e: false, per_record: None };
    let report = score::run(&job, watch)?;
    write_json(&out.join("result.json"), &Value::Object(report.tasks.clone()))?;
    let grades: Map<String, Value> = report
        .scored
        .iter()
        .map(|of| {
            let grades: Vec<f64> = of.records.iter().map(|record| record.grade).collect();
            (of.task.name.to_owned(), json!(grades))
        })
        .collect();
    write_json(&out.join("per_sample.json"), &Value::Object(grades))?;
    Ok(Some(report))
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn write_json(path: &Path, value: &Value) -> Result<(), WorkbenchError> {
    Ok(write_atomic(path, |file| Ok(serde_json::to_writer(file, value)?))?)
}
