//! The files that an evaluation leaves: predictions as LongBench writes them, and how each test was
//! asked.

use super::super::WorkbenchError;
use super::super::answering::{Answer, Answering, Ended};
use super::{EvaluateJob, EvaluateReport};
use crate::data::{self, Record};
use crate::job::Watch;
use crate::longbench::{PROMPTS_FILE, TestPrompt};
use crate::prompt::Task;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A line of LongBench's prediction files; its scorer reads the first four.
#[derive(Serialize)]
struct Prediction<'a> {
    pred: &'a str,
    answers: &'a [String],
    all_classes: Value,
    length: u64,
    #[serde(rename = "_id")]
    id: Value,
}

/// How a test was asked.
#[derive(Serialize)]
struct PromptRow<'a> {
    id: &'a str,
    task: &'a str,
    /// Whether the chat template was applied.
    chat: bool,
    /// Tokens of the whole prompt without the chat template.
    n_prompt_tokens: usize,
    truncated: bool,
    /// `middle`, where tokens were left out.
    truncation: Option<&'static str>,
    /// Tokens that were kept of it.
    kept_tokens: usize,
    max_answer_tokens: usize,
    /// `stop`, `length`, `too_long`; null before there is an answer.
    finish: Option<Ended>,
    /// The text without the chat template, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'a str>,
}

/// Writes the files and takes note of the counts; the files of predictions.
pub fn write(
    job: &EvaluateJob,
    tests: &[&Record],
    prompts: &[TestPrompt],
    answering: &Answering,
    report: &mut EvaluateReport,
    watch: &Watch,
) -> Result<Vec<PathBuf>, WorkbenchError> {
    let mut by_task: BTreeMap<String, Vec<Prediction<'_>>> = BTreeMap::new();
    let mut rows = Vec::new();
    report.answered = 0;
    for ((test, prompt), answer) in tests.iter().zip(prompts).zip(answering.answers()) {
        rows.push(prompt_row(test, prompt, answer, job.saves_prompts));
        let Some(answer) = answer else { continue };
        match answer.ended {
            Ended::TooLong => report.skipped += 1,
            Ended::Stop | Ended::Length => report.answered += 1,
        }
        by_task.entry(file_name(&test.task)).or_default().push(prediction(test, answer));
    }
    write_lines(&job.out.join(PROMPTS_FILE), &rows)?;
    let of_task = |(name, lines): (&String, &Vec<Prediction<'_>>)| {
        let path = job.out.join(name);
        write_lines(&path, lines)?;
        Ok(path)
    };
    let files: Vec<PathBuf> = by_task.iter().map(of_task).collect::<Result<_, WorkbenchError>>()?;
    warn_of_others(&job.out, &files, watch);
    Ok(files)
}

/// Predictions of a run with more tests would count as this run's.
fn warn_of_others(out: &Path, files: &[PathBuf], watch: &Watch) {
    for path in std::fs::read_dir(out).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let is_ours = files.contains(&path) || path == out.join(PROMPTS_FILE);
        if !is_ours && path.extension().is_some_and(|ending| ending == "jsonl") {
            let path = path.display();
            watch.warn(format!("{path} is not of these tests; remove it if it should not count"));
        }
    }
}

fn prompt_row<'a>(
    test: &'a Record,
    prompt: &'a TestPrompt,
    answer: Option<&Answer>,
    saves_prompt: bool,
) -> PromptRow<'a> {
    PromptRow {
        id: test.id.as_str(),
        task: &test.task,
        chat: !prompt.plain,
        n_prompt_tokens: prompt.n_tokens,
        truncated: prompt.kept.is_some(),
        truncation: prompt.kept.map(|_| "middle"),
        kept_tokens: prompt.kept_tokens(),
        max_answer_tokens: prompt.max_answer_tokens,
        finish: answer.map(|answer| answer.ended),
        prompt: saves_prompt.then_some(prompt.text.as_str()),
    }
}

fn prediction<'a>(test: &'a Record, answer: &'a Answer) -> Prediction<'a> {
    let words = || test.context.as_deref().unwrap_or_default().split_whitespace().count() as u64;
    Prediction {
        pred: &answer.reply,
        answers: &test.answers,
        all_classes: test.extra.get("all_classes").cloned().unwrap_or(Value::Null),
        length: test.extra.get("length").and_then(Value::as_u64).unwrap_or_else(words),
        id: test.extra.get("_id").cloned().unwrap_or_else(|| test.id.as_str().into()),
    }
}

/// `hotpotqa.jsonl`: LongBench's name of the task, so that its scorer finds the file.
fn file_name(task: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let name = Task::canonical(task).chars().map(|c| if is_plain(c) { c } else { '_' });
    name.chain(".jsonl".chars()).collect()
}

fn write_lines(path: &Path, lines: &[impl Serialize]) -> Result<(), WorkbenchError> {
    Ok(data::write_atomic(path, |file| {
        lines.iter().try_for_each(|line| {
            serde_json::to_writer(&mut *file, line)?;
            file.write_all(b"\n")
        })
    })?)
}
