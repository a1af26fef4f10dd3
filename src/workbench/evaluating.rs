//! The benchmark on a model: test records in, LongBench's prediction files and their scores out.

mod grades;
mod predictions;

use super::answering::{Answering, Asked};
use super::journal::keys;
use super::loading::{Inputs, ModelChoice, all_records, limited, n_skipped};
use super::signature::seeds_sha256;
use super::{Desk, ScoreReport, WorkbenchError, bench, pack};
use crate::data::Record;
use crate::job::{Watch, duration};
use crate::longbench::{Asking, TestPrompt};
use crate::model::LanguageModel;
use crate::prompt::PromptPack;
use rayon::prelude::*;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// The benchmark on a model.
#[derive(Debug, Clone)]
pub struct EvaluateJob {
    /// Test records.
    pub tests: Inputs,
    /// Who answers.
    pub model: ModelChoice,
    /// The folder to write into.
    pub out: PathBuf,
    /// A `dataset2prompt.json`, or a folder with one; `None`: our own wording.
    pub prompts: Option<PathBuf>,
    /// Tokens of prompt and answer together, if fewer than the model can read.
    pub window: Option<usize>,
    /// Records answered at the same time.
    pub n_parallel: usize,
    /// Write the prompts' texts down too.
    pub saves_prompts: bool,
    /// Only tell what it would take.
    pub only_estimates: bool,
    /// Throw away an earlier run.
    pub overwrite: bool,
}

/// What an evaluation takes, told before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// Tests that have no answer yet.
    pub tests: usize,
    /// Those of them that are cut to fit the window.
    pub truncated: usize,
    /// Tokens of their prompts.
    pub tokens_in: u64,
    /// The most tokens that the answers may have.
    pub tokens_out_most: u64,
    /// Seconds at the speed that was measured; the answers at their longest.
    pub secs_most: f64,
}

/// What `backstory evaluate --json` prints.
#[derive(Debug, Serialize)]
pub struct EvaluateReport {
    /// Before the start.
    pub estimate: Estimate,
    /// Tests with an answer.
    pub answered: usize,
    /// Tests that an earlier run had answered.
    pub resumed: usize,
    /// Tests whose prompt was cut.
    pub truncated: usize,
    /// Tokens of the prompts of this run.
    pub tokens_in: u64,
    /// Tokens written in this run.
    pub tokens_out: u64,
    /// Seconds of this run.
    pub elapsed_secs: f64,
    /// The grades; `None` where nothing was answered, or only an estimate was wanted.
    pub scores: Option<ScoreReport>,
    /// Lines of the test files that could not be used, and tests that could not be asked.
    pub skipped: usize,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

/// The folder's journal.
const JOURNAL: &str = "answers.journal";

pub(super) fn run(
    job: &EvaluateJob,
    desk: &mut Desk,
    watch: &Watch,
) -> Result<EvaluateReport, WorkbenchError> {
    let started = Instant::now();
    check_out(job)?;
    let (pack, prompts_sha256) = pack::read(job.prompts.as_deref())?;
    let whole = Inputs { limit: None, ..job.tests.clone() }.read(watch)?;
    let tests_sha256 = seeds_sha256(&whole);
    let datasets: Vec<_> = whole.into_iter().map(|d| limited(d, job.tests.limit)).collect();
    let records = all_records(&datasets)?;
    let tests: Vec<&Record> = records.iter().map(Arc::as_ref).collect();
    check_tests(&tests)?;
    let model = desk.model(&job.model, watch)?;
    let window = window(job.window, model)?;
    let prompts = prompts(&tests, &pack, &*model, window, watch)?;
    let signature = Asked {
        tests_sha256,
        model_sha256: model.info().sha256.clone(),
        prompts_sha256,
        window,
        version: env!("CARGO_PKG_VERSION").into(),
    };
    let mut answering = open(job, &signature, &tests)?;
    let todo = match &answering {
        Some(answering) => answering.todo(),
        None => (0..tests.len()).collect(),
    };
    let estimate = estimate(&todo, &prompts, model, job.n_parallel, watch)?;
    let mut report = EvaluateReport {
        estimate,
        answered: tests.len() - todo.len(),
        resumed: tests.len() - todo.len(),
        truncated: prompts.iter().filter(|prompt| prompt.kept.is_some()).count(),
        tokens_in: 0,
        tokens_out: 0,
        elapsed_secs: 0.0,
        scores: None,
        skipped: n_skipped(&datasets),
        warnings: Vec::new(),
    };
    if let Some(answering) = answering.as_mut().filter(|_| !job.only_estimates) {
        let stage = format!("answering {}", estimate.sentence());
        let asked = answering.ask(&stage, |ix| prompts[ix].ask(), model, job.n_parallel, watch);
        // What was answered before a cancel or a failure is in the files too.
        let files = predictions::write(job, &tests, &prompts, answering, &mut report, watch)?;
        let traffic = asked?;
        report.scores = grades::write(&job.out, files, watch)?;
        (report.tokens_in, report.tokens_out) = (traffic.tokens_in, traffic.tokens_out);
    }
    report.elapsed_secs = started.elapsed().as_secs_f64();
    report.warnings = watch.warnings();
    Ok(report)
}

/// There must be something to ask, and a document to ask about.
pub(super) fn check_tests(tests: &[&Record]) -> Result<(), WorkbenchError> {
    if tests.is_empty() {
        return Err(WorkbenchError::Refused("there is no test record in these files".into()));
    }
    match tests.iter().find(|test| test.context.is_none()) {
        None => Ok(()),
        Some(test) => Err(WorkbenchError::Refused(format!(
            "{}, line {}: the test has no context to answer from; give tests with documents, as LongBench's \
             files hold them, or add the file of contexts with --join",
            test.source.path.display(),
            test.source.line
        ))),
    }
}

/// Tokens of prompt and answer together.
pub(super) fn window(
    wanted: Option<usize>,
    model: &dyn LanguageModel,
) -> Result<usize, WorkbenchError> {
    let most = model.info().window;
    match wanted {
        Some(wanted) if wanted > most => Err(WorkbenchError::Wish(format!(
            "--window {wanted} is more than the {most} tokens that {} can read; choose a smaller one",
            model.info().name
        ))),
        wanted => Ok(wanted.unwrap_or(most)),
    }
}

/// The prompt of each test, cut where it must be.
pub(super) fn prompts(
    tests: &[&Record],
    pack: &PromptPack,
    model: &dyn LanguageModel,
    window: usize,
    watch: &Watch,
) -> Result<Vec<TestPrompt>, WorkbenchError> {
    watch.stage("counting the tokens of the prompts", tests.len() as u64);
    let (tokenizer, template) = (model.tokenizer(), model.template());
    let asking = Asking { pack, tokenizer, template, window };
    let prompt = |test: &&Record| {
        watch.check()?;
        let prompt = asking.prompt(test).map_err(|source| WorkbenchError::Ask {
            path: test.source.path.clone(),
            line: test.source.line,
            source: Box::new(source),
        });
        watch.advance(1);
        prompt
    };
    // Of several that cannot be asked the first is told, whichever core met its own first.
    let prompts: Vec<_> = tests.par_iter().map(prompt).collect();
    prompts.into_iter().collect()
}

/// The folder must be ours to write into: new, empty, or that of an earlier run.
fn check_out(job: &EvaluateJob) -> Result<(), WorkbenchError> {
    let out = job.out.display();
    if job.out.exists() && !job.out.is_dir() {
        return Err(WorkbenchError::Refused(format!(
            "{out} is a file; name a folder to write into"
        )));
    }
    if !job.out.is_dir() || job.overwrite || job.out.join(JOURNAL).exists() {
        return Ok(());
    }
    let fail = |source| WorkbenchError::File { verb: "read", path: job.out.clone(), source };
    match std::fs::read_dir(&job.out).map_err(fail)?.next() {
        None => Ok(()),
        Some(_) => Err(WorkbenchError::Refused(format!(
            "{out} has files in it and no {JOURNAL} that tells how they were made; choose another folder to \
             write to, or let it be used (--overwrite)"
        ))),
    }
}

/// Opens the folder's journal; `None` where an estimate needs none.
fn open(
    job: &EvaluateJob,
    signature: &Asked,
    tests: &[&Record],
) -> Result<Option<Answering>, WorkbenchError> {
    let journal = job.out.join(JOURNAL);
    if job.only_estimates && (job.overwrite || !journal.exists()) {
        return Ok(None);
    }
    let fail = |source| WorkbenchError::File { verb: "write", path: job.out.clone(), source };
    std::fs::create_dir_all(&job.out).map_err(fail)?;
    let keys = keys(tests.iter().map(|test| &test.id));
    Answering::open(&journal, signature, keys, job.overwrite).map(Some)
}

/// What it takes to answer what is left, at the speed that the model shows on a short piece.
fn estimate(
    todo: &[usize],
    prompts: &[TestPrompt],
    model: &mut dyn LanguageModel,
    n_parallel: usize,
    watch: &Watch,
) -> Result<Estimate, WorkbenchError> {
    const PROBE: usize = 256;
    const PROBE_WRITES: usize = 4;
    let left = || todo.iter().map(|ix| &prompts[*ix]);
    let tokens_in: u64 = left().map(|prompt| prompt.kept_tokens() as u64).sum();
    let tokens_out_most: u64 = left().map(|prompt| prompt.max_answer_tokens as u64).sum();
    let secs_most = if todo.is_empty() {
        0.0
    } else {
        watch.stage("measuring the model's speed", 0);
        let n_probe = PROBE.min(model.info().window / 2);
        let request = bench::request(model, n_probe);
        let batch = n_parallel.min(todo.len());
        let (reads, writes) = bench::speeds(model, &request, PROBE_WRITES, batch, 1, watch)?;
        tokens_in as f64 / reads.max(1e-9) + tokens_out_most as f64 / writes.max(1e-9)
    };
    let truncated = left().filter(|prompt| prompt.kept.is_some()).count();
    Ok(Estimate { tests: todo.len(), truncated, tokens_in, tokens_out_most, secs_most })
}

impl Estimate {
    /// "20 tests, 153004 tokens to read (3 prompts cut), at most 2560 to write: up to 3 min 10 s".
    pub fn sentence(&self) -> String {
        format!(
            "{} tests, {} tokens to read ({} prompts cut), at most {} to write: up to {}",
            self.tests,
            self.tokens_in,
            self.truncated,
            self.tokens_out_most,
            duration(self.secs_most)
        )
    }
}
