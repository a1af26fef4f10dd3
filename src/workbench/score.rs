//! Grades of prediction files.

use super::{WorkbenchError, loading};
use crate::data::write_atomic;
use crate::job::Watch;
use crate::longbench::{self, GROUPS_E, PredictionFile, Scored};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Grade predictions as LongBench does.
#[derive(Debug, Clone)]
pub struct ScoreJob {
    /// `TASK.jsonl` files, or folders of them.
    pub predictions: Vec<PathBuf>,
    /// By the length of the contexts, as LongBench-E does.
    pub edition_e: bool,
    /// Where a row per record goes.
    pub per_record: Option<PathBuf>,
}

/// What `backstory score --json` prints. Scores are 0 to 100; null where there are no records.
#[derive(Debug, Serialize)]
pub struct ScoreReport {
    /// `longbench` or `longbench-e`.
    pub edition: &'static str,
    /// By the tasks' names: a score, or one for each group of lengths.
    pub tasks: Map<String, Value>,
    /// The mean over the tasks that have a score: one, or one for each group of lengths.
    pub average: Value,
    /// How many records each task has.
    pub records: Map<String, Value>,
    /// Lines that could not be graded.
    pub skipped: usize,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
    /// The grades themselves.
    #[serde(skip)]
    pub scored: Vec<Scored>,
}

pub(super) fn run(job: &ScoreJob, watch: &Watch) -> Result<ScoreReport, WorkbenchError> {
    if let Some(out) = &job.per_record {
        loading::check_output(out)?;
    }
    let files = longbench::prediction_files(&job.predictions, job.edition_e, watch)?;
    if let Some(out) = &job.per_record {
        check_is_other(out, &files)?;
    }
    let mut scored = Vec::new();
    for file in &files {
        scored.push(longbench::score_file(file, job.edition_e, watch)?);
    }
    if let Some(out) = &job.per_record {
        write_rows(out, &scored, watch)?;
    }
    let by_task = |value: &dyn Fn(&Scored) -> Value| {
        scored.iter().map(|of| (of.task.name.to_owned(), value(of))).collect()
    };
    let (edition, tasks, average) = match job.edition_e {
        false => ("longbench", by_task(&|of| json!(of.score())), json!(average(&scored))),
        true => ("longbench-e", by_task(&|of| groups(of.scores_e())), groups(averages_e(&scored))),
    };
    Ok(ScoreReport {
        edition,
        tasks,
        average,
        records: by_task(&|of| json!(of.records.len())),
        skipped: scored.iter().map(|of| of.n_skipped).sum(),
        warnings: watch.warnings(),
        scored,
    })
}

/// Rows must not take the place of the predictions that they are of.
fn check_is_other(out: &Path, files: &[PredictionFile]) -> Result<(), WorkbenchError> {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let out_there = real(out);
    match files.iter().any(|file| out_there.is_some() && real(&file.path) == out_there) {
        true => Err(WorkbenchError::Wish(format!(
            "{} is one of the prediction files; give --per-record another name",
            out.display()
        ))),
        false => Ok(()),
    }
}

fn groups(scores: [Option<f64>; 3]) -> Value {
    let named = GROUPS_E.iter().zip(scores);
    named.map(|(name, score)| ((*name).to_owned(), json!(score))).collect::<Map<_, _>>().into()
}

/// The mean of scores, rounded as they are.
fn average(scored: &[Scored]) -> Option<f64> {
    longbench::mean_score(&scored.iter().map(Scored::score).collect::<Vec<f64>>())
}

fn averages_e(scored: &[Scored]) -> [Option<f64>; 3] {
    let of_group = |group: usize| {
        let scores = scored.iter().filter_map(|of| of.scores_e()[group]);
        longbench::mean_score(&scores.collect::<Vec<f64>>())
    };
    [0, 1, 2].map(of_group)
}

/// A row per record, task by task in the order of the files' lines.
#[derive(Serialize)]
struct Row<'s> {
    task: &'static str,
    metric: &'static str,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'s str>,
    grade: f64,
    /// Characters of the prediction.
    n_prediction_chars: usize,
    n_answers: usize,
    /// Of the context, as the file says.
    length: Option<u64>,
}

fn write_rows(path: &Path, scored: &[Scored], watch: &Watch) -> Result<(), WorkbenchError> {
    watch.check()?;
    write_atomic(path, |file| {
        for of in scored {
            for record in of.records.iter() {
                let row = Row {
                    task: of.task.name,
                    metric: of.task.metric.name(),
                    line: record.line,
                    id: record.id.as_deref(),
                    grade: record.grade,
                    n_prediction_chars: record.prediction.chars().count(),
                    n_answers: record.answers.len(),
                    length: record.length,
                };
                serde_json::to_writer(&mut *file, &row)?;
                file.write_all(b"\n")?;
            }
        }
        Ok(())
    })?;
    Ok(())
}
