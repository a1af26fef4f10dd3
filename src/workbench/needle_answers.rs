//! A model answers needle tests: questions from test files, graded rows out.

use super::answering::{Answer, Answering, Asked, Ended};
use super::journal::{JournalError, keys};
use super::loading::{
    Inputs, ModelChoice, all_records, check_not_input, check_output, limited, n_skipped,
};
use super::signature::{seeds_sha256, text_sha256};
use super::{Desk, WorkbenchError};
use crate::data::{Record, write_atomic};
use crate::job::Watch;
use crate::needle::{Answered, MOST_ANSWER_TOKENS, NeedleError, NeedleTest};
use crate::prompt::TaskPrompt;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Answer needle tests.
#[derive(Debug, Clone)]
pub struct NeedleRunJob {
    /// The tests.
    pub tests: Inputs,
    /// Who answers.
    pub model: ModelChoice,
    /// The file of rows; the journal lies beside it.
    pub out: PathBuf,
    /// What the model was tuned on; else its name.
    pub name: Option<String>,
    /// Tests answered at the same time.
    pub n_parallel: usize,
    /// Throw away an earlier run.
    pub overwrite: bool,
}

/// What `backstory needle run --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NeedleReport {
    /// The file of rows.
    pub path: PathBuf,
    /// What its rows are called.
    pub composition: String,
    /// Rows in it.
    pub answered: usize,
    /// Tests that an earlier run had answered.
    pub resumed: usize,
    /// Tests that do not fit the model's window: they count as wrong.
    pub too_long: usize,
    /// Tokens of the prompts of this run.
    pub tokens_in: u64,
    /// Tokens written in this run.
    pub tokens_out: u64,
    /// Seconds of this run.
    pub elapsed_secs: f64,
    /// Lines and records that could not be used.
    pub skipped: usize,
    /// One per task and length.
    pub groups: Vec<NeedleScore>,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

/// How well the tests of one task and length were answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NeedleScore {
    /// The task.
    pub task: String,
    /// Tokens that the prompts were made for; 0 for the needles alone.
    pub test_length: u64,
    /// Tests.
    pub n: usize,
    /// Mean share of the values that stand in the reply, 0 to 1.
    pub accuracy: f64,
    /// Share of the replies that are the answer and nothing else, 0 to 1.
    pub exact: f64,
}

/// Records that are told one by one when they are no tests.
const MOST_WARNINGS: usize = 20;

pub(super) fn run(
    job: &NeedleRunJob,
    desk: &mut Desk,
    watch: &Watch,
) -> Result<NeedleReport, WorkbenchError> {
    let started = Instant::now();
    check_out(job)?;
    let whole = Inputs { limit: None, ..job.tests.clone() }.read(watch)?;
    let tests_sha256 = seeds_sha256(&whole);
    let datasets: Vec<_> = whole.into_iter().map(|d| limited(d, job.tests.limit)).collect();
    let records = all_records(&datasets)?;
    let (tests, n_unusable) = usable(&records, watch)?;
    let model = desk.model(&job.model, watch)?;
    let prompt = TaskPrompt::needle().map_err(NeedleError::from)?;
    let signature = Asked {
        tests_sha256,
        model_sha256: model.info().sha256.clone(),
        prompts_sha256: wording_sha256(&prompt)?,
        window: model.info().window,
        version: env!("CARGO_PKG_VERSION").into(),
    };
    let composition = job.name.clone().unwrap_or_else(|| model.info().name.clone());
    let keys = keys(tests.iter().map(|(record, _)| &record.id));
    let journal = job.out.with_extension("journal");
    let mut answering = Answering::open(&journal, &signature, keys, job.overwrite)?;
    let resumed = tests.len() - answering.todo().len();
    let stage = "answering needle tests";
    let ask = |ix: usize| tests[ix].1.ask(&prompt);
    let asked = answering.ask(stage, ask, model, job.n_parallel, watch);
    // What was answered before a cancel or a failure makes rows too.
    let answers = tests.iter().zip(answering.answers());
    let rows: Vec<Answered> =
        answers.filter_map(|((_, test), answer)| Some(row(test, &composition, answer?))).collect();
    if !rows.is_empty() {
        write_rows(&job.out, &rows)?;
    }
    let traffic = asked?;
    let too_long = n_too_long(&rows, signature.window, watch);
    Ok(NeedleReport {
        path: job.out.clone(),
        composition,
        answered: rows.len(),
        resumed,
        too_long,
        tokens_in: traffic.tokens_in,
        tokens_out: traffic.tokens_out,
        elapsed_secs: started.elapsed().as_secs_f64(),
        skipped: n_skipped(&datasets) + n_unusable,
        groups: scores(&rows),
        warnings: watch.warnings(),
    })
}

/// Records and what is to be asked about them.
type Tests<'a> = Vec<(&'a Record, NeedleTest<'a>)>;

/// The tests of the files, and how many records are none; a warning for each of those.
fn usable<'a>(
    records: &'a [Arc<Record>],
    watch: &Watch,
) -> Result<(Tests<'a>, usize), WorkbenchError> {
    let (mut tests, mut refusals) = (Vec::new(), Vec::new());
    for record in records {
        match NeedleTest::of(record) {
            Ok(test) => tests.push((&**record, test)),
            Err(why) => {
                let (path, line) = (record.source.path.display(), record.source.line);
                refusals.push(format!("{path}, line {line}: skipped, {why}"));
            }
        }
    }
    if tests.is_empty() {
        return Err(WorkbenchError::Refused(format!(
            "there is no needle test in these files{}; make tests with `backstory needle make --lengths …`",
            refusals.first().map_or(String::new(), |first| format!(" ({first})"))
        )));
    }
    refusals.iter().take(MOST_WARNINGS).for_each(|refusal| watch.warn(refusal.as_str()));
    if let Some(more) = refusals.len().checked_sub(MOST_WARNINGS).filter(|more| *more > 0) {
        watch.warn(format!("{more} more records are no needle tests"));
    }
    Ok((tests, refusals.len()))
}

/// How many tests were not asked, with a warning where there are some.
fn n_too_long(rows: &[Answered], window: usize, watch: &Watch) -> usize {
    let n = rows.iter().filter(|row| row.too_long).count();
    if n > 0 {
        watch.warn(format!(
            "{n} of {} tests do not fit the model's window of {window} tokens: they were not asked and count \
             as wrong",
            rows.len()
        ));
    }
    n
}

/// The rows must have a place, and not that of their tests or of a file whose origin is unknown.
fn check_out(job: &NeedleRunJob) -> Result<(), WorkbenchError> {
    check_output(&job.out)?;
    let Inputs { loaded, files, join, .. } = &job.tests;
    check_not_input(&job.out, loaded.iter().map(|there| &there.path).chain(files).chain(join))?;
    if job.name.as_deref().is_some_and(|name| name.trim().is_empty()) {
        return Err(WorkbenchError::Wish("--name must not be empty".into()));
    }
    let has_journal = job.out.with_extension("journal").exists();
    match job.out.exists() && !has_journal && !job.overwrite {
        true => Err(JournalError::NoJournal { path: job.out.clone() }.into()),
        false => Ok(()),
    }
}

/// What the model is told beside the tests' own texts, and how long it may answer.
fn wording_sha256(prompt: &TaskPrompt) -> Result<String, NeedleError> {
    let filled = prompt.fill("{context}", "{instruction}")?;
    Ok(text_sha256(&format!("{}\n{MOST_ANSWER_TOKENS}", filled.text)))
}

fn row(test: &NeedleTest<'_>, composition: &str, answer: &Answer) -> Answered {
    let reply = (answer.ended != Ended::TooLong).then_some(answer.reply.as_str());
    test.answered(composition, reply, answer.tokens_in as u64)
}

fn write_rows(path: &Path, rows: &[Answered]) -> Result<(), WorkbenchError> {
    Ok(write_atomic(path, |file| {
        rows.iter().try_for_each(|row| {
            serde_json::to_writer(&mut *file, row)?;
            file.write_all(b"\n")
        })
    })?)
}

/// Accuracies by task and length, in the order in which they come first.
fn scores(rows: &[Answered]) -> Vec<NeedleScore> {
    let mut places: BTreeMap<(&str, u64), usize> = BTreeMap::new();
    let mut scores: Vec<NeedleScore> = Vec::new();
    for Answered { row, exact, .. } in rows {
        let at = *places.entry((&row.task, row.test_length)).or_insert_with(|| {
            let (task, test_length) = (row.task.clone(), row.test_length);
            scores.push(NeedleScore { task, test_length, n: 0, accuracy: 0.0, exact: 0.0 });
            scores.len() - 1
        });
        let score = &mut scores[at];
        score.n += 1;
        score.accuracy += row.grade;
        score.exact += f64::from(u8::from(*exact));
    }
    for score in &mut scores {
        score.accuracy /= score.n as f64;
        score.exact /= score.n as f64;
    }
    scores
}
