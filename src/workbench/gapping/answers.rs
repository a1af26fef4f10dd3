//! What a study asks of every model: LongBench's predictions with their grades, and the log-probability
//! of the reference answers.

use super::super::journal::{Journal, Signed, keys};
use super::super::signature::seeds_sha256;
use super::super::{Desk, EvaluateJob, Inputs, ModelChoice, WorkbenchError, evaluating};
use super::{Begun, GapStudyJob, folder};
use crate::data::{Record, write_atomic};
use crate::job::Watch;
use crate::longbench::TestPrompt;
use crate::model::{self, LanguageModel, Message, ScoreRequest};
use crate::prompt::Task;
use crate::tuning::{Measure, Run, Tuned};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The log-probabilities of the answers, a line of JSON a test.
pub const LOGPROBS: &str = "answer_logprobs.jsonl";
const JOURNAL: &str = "answer_logprobs.journal";
/// Answers that are scored together, then written down.
const AT_ONCE: usize = 4;

/// The tests as they are asked of every model.
pub struct Questions {
    /// The tests.
    pub tests: Vec<Arc<Record>>,
    /// Their prompts, cut as `evaluate` cuts them.
    pub prompts: Vec<TestPrompt>,
    /// The first answer after the prompt; `None` for a test without one.
    answers: Vec<Option<ScoreRequest>>,
    window: usize,
    base_sha256: String,
    /// The base model's name.
    pub model_name: String,
    /// Bytes of its weights.
    pub weight_bytes: u64,
}

impl Questions {
    /// Writes down what is asked.
    pub fn new(begun: &Begun, desk: &mut Desk, watch: &Watch) -> Result<Self, WorkbenchError> {
        let tests = begun.test_records()?;
        let model = desk.model(&begun.choice, watch)?;
        let window = evaluating::window(begun.spec.window, model)?;
        let plain: Vec<&Record> = tests.iter().map(Arc::as_ref).collect();
        let prompts = evaluating::prompts(&plain, &begun.pack, model, window, watch)?;
        let answer = |(test, prompt): (&Arc<Record>, &TestPrompt)| request(test, prompt, model);
        let answers = tests.iter().zip(&prompts).map(answer).collect::<Result<_, _>>()?;
        let info = model.info();
        Ok(Self {
            window,
            base_sha256: info.sha256.clone(),
            model_name: info.name.clone(),
            weight_bytes: info.weight_bytes,
            tests,
            prompts,
            answers,
        })
    }

    /// Tokens that are read to score the answers.
    pub fn n_scored(&self) -> u64 {
        self.answers.iter().flatten().map(|request| request.tokens.len() as u64).sum()
    }
}

/// The test's prompt with its first answer begun, of which the answer's tokens are scored.
fn request(
    test: &Record,
    prompt: &TestPrompt,
    model: &dyn LanguageModel,
) -> Result<Option<ScoreRequest>, model::Error> {
    let answer = test.answer().trim();
    if answer.is_empty() {
        return Ok(None);
    }
    let (tokens, start) = match prompt.plain {
        true => {
            let whole = format!("{}{answer}", prompt.text);
            (model::text_tokens(model.tokenizer(), &whole)?, prompt.text.len())
        }
        false => {
            let user = [Message::new("user", prompt.text.clone())];
            let chat = model::chat_tokens(model.template(), model.tokenizer(), &user, answer)?;
            (chat.tokens, chat.content.last().map_or(0, |content| content.start))
        }
    };
    let first = tokens.iter().position(|token| token.bytes.end > start);
    let first = first.unwrap_or(tokens.len()).max(1);
    let mut tokens: Vec<u32> = tokens.iter().map(|token| token.id).collect();
    // An answer that is longer than any that may be written is scored as far as the model reads.
    tokens.truncate(model.info().window);
    let end = tokens.len();
    Ok((first < end).then(|| ScoreRequest { tokens, scored: vec![first..end] }))
}

/// The model of a training.
fn choice(job: &GapStudyJob, begun: &Begun, tuned: &Tuned) -> ModelChoice {
    match tuned {
        Tuned::Base => begun.choice.clone(),
        tuned => adapted(&begun.choice, job.out.join("arms").join(folder(tuned))),
    }
}

/// The base model with the adapter in a folder.
fn adapted(base: &ModelChoice, adapter: PathBuf) -> ModelChoice {
    ModelChoice { adapter: Some(adapter), ..base.clone() }
}

/// The folder of a model's results.
pub fn results(job: &GapStudyJob, tuned: &Tuned) -> PathBuf {
    job.out.join("results").join(folder(tuned))
}

/// Asks a model everything, from where an earlier run stopped.
pub fn run(
    job: &GapStudyJob,
    begun: &Begun,
    asked: &Questions,
    tuned: Tuned,
    desk: &mut Desk,
    watch: &Watch,
) -> Result<Run, WorkbenchError> {
    let (out, choice) = (results(job, &tuned), choice(job, begun, &tuned));
    let spec = &begun.spec;
    let evaluate = EvaluateJob {
        tests: Inputs { files: spec.tests.clone(), limit: spec.test_limit, ..Inputs::default() },
        model: choice.clone(),
        out: out.clone(),
        prompts: spec.prompts.clone(),
        window: spec.window,
        n_parallel: spec.parallel,
        saves_prompts: false,
        only_estimates: false,
        overwrite: job.overwrite,
    };
    let report = evaluating::run(&evaluate, desk, watch)?;
    let mut values = grades(asked, &report);
    let adapter = match tuned {
        Tuned::Base => String::new(),
        _ => file_sha256(&job.out.join("arms").join(folder(&tuned)).join(ADAPTER))?,
    };
    let signature = Scoring {
        tests_sha256: seeds_sha256(&begun.tests),
        model_sha256: asked.base_sha256.clone(),
        adapter_sha256: adapter,
        prompts_sha256: begun.prompts_sha256.clone(),
        window: asked.window,
        version: env!("CARGO_PKG_VERSION").into(),
    };
    let model = desk.model(&choice, watch)?;
    let scores = logprobs(&out, asked, &signature, job.overwrite, model, watch)?;
    for (test, score) in asked.tests.iter().zip(scores) {
        if let Some(score) = score {
            let key = (Task::canonical(&test.task).to_owned(), Measure::AnswerLogprob);
            values.entry(key).or_default().push(score.logprob_nats);
        }
    }
    Ok(Run { tuned, values })
}

/// PEFT's name for an adapter's weights.
pub const ADAPTER: &str = "adapter_model.safetensors";

fn file_sha256(path: &Path) -> Result<String, WorkbenchError> {
    let failed = |source| WorkbenchError::File { verb: "read", path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(failed)?;
    Ok(Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

type Values = BTreeMap<(String, Measure), Vec<f64>>;

/// The grades of 0 to 100 of each task whose every test has one.
fn grades(asked: &Questions, report: &super::super::EvaluateReport) -> Values {
    let n_of =
        |task: &str| asked.tests.iter().filter(|test| Task::canonical(&test.task) == task).count();
    let scored = report.scores.iter().flat_map(|scores| &scores.scored);
    let whole = scored.filter(|of| of.records.len() == n_of(of.task.name));
    let grades = whole.map(|of| {
        let grades = of.records.iter().map(|record| 100.0 * record.grade).collect();
        ((of.task.name.to_owned(), Measure::Score), grades)
    });
    grades.collect()
}

/// What the log-probabilities of the answers depend on.
#[derive(Debug, Serialize, Deserialize)]
struct Scoring {
    tests_sha256: String,
    model_sha256: String,
    adapter_sha256: String,
    prompts_sha256: String,
    window: usize,
    version: String,
}

impl Signed for Scoring {
    fn differences(&self, other: &Self) -> Vec<String> {
        let pairs = [
            ("tests", self.tests_sha256 != other.tests_sha256),
            ("model", self.model_sha256 != other.model_sha256),
            ("adapter", self.adapter_sha256 != other.adapter_sha256),
            ("prompts", self.prompts_sha256 != other.prompts_sha256),
            ("window", self.window != other.window),
            ("program version", self.version != other.version),
        ];
        pairs.iter().filter(|(_, differs)| *differs).map(|(name, _)| (*name).to_owned()).collect()
    }
}

/// How likely an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct AnswerScore {
    /// The mean over its tokens, nats per token.
    logprob_nats: f64,
    /// Its tokens.
    n_tokens: usize,
}

/// A line of [`LOGPROBS`].
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    task: &'a str,
    #[serde(flatten)]
    score: AnswerScore,
}

/// Scores the answers that an earlier run has not, and writes all of them down.
fn logprobs(
    out: &Path,
    asked: &Questions,
    signature: &Scoring,
    overwrite: bool,
    model: &mut dyn LanguageModel,
    watch: &Watch,
) -> Result<Vec<Option<AnswerScore>>, WorkbenchError> {
    let mut journal: Journal<AnswerScore> =
        Journal::open(&out.join(JOURNAL), signature, overwrite)?;
    let keys = keys(asked.tests.iter().map(|test| &test.id));
    let todo: Vec<(usize, &ScoreRequest)> = asked
        .answers
        .iter()
        .enumerate()
        .filter(|(ix, _)| !journal.ended().contains_key(&keys[*ix]))
        .filter_map(|(ix, request)| Some((ix, request.as_ref()?)))
        .collect();
    watch.stage("log-probabilities of the answers", todo.len() as u64);
    for some in todo.chunks(AT_ONCE) {
        watch.check()?;
        let requests: Vec<ScoreRequest> =
            some.iter().map(|(_, request)| (*request).clone()).collect();
        let scores = model.score(&requests, watch)?;
        for ((ix, _), scores) in some.iter().zip(scores) {
            let sum: f64 = scores.logprobs.iter().map(|x| f64::from(*x)).sum();
            let n_tokens = scores.logprobs.len();
            let score = AnswerScore { logprob_nats: sum / n_tokens.max(1) as f64, n_tokens };
            journal.add(keys[*ix].clone(), score)?;
        }
        watch.advance(some.len() as u64);
    }
    let scores: Vec<Option<AnswerScore>> =
        keys.iter().map(|key| journal.ended().get(key).copied()).collect();
    write_atomic(&out.join(LOGPROBS), |file| {
        for (test, score) in asked.tests.iter().zip(&scores) {
            let Some(score) = *score else { continue };
            let row = Row { id: test.id.as_str(), task: &test.task, score };
            serde_json::to_writer(&mut *file, &row)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })?;
    Ok(scores)
}
