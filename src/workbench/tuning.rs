//! The training of an adapter: records in, PEFT's two files out, with the course of the losses beside
//! them.

use super::loading::{Inputs, ModelChoice, all_records, model_path, n_skipped};
use super::{Desk, WorkbenchError, pack};
use crate::data::Record;
use crate::export::Arm;
use crate::job::Watch;
use crate::model::dense::DenseWeights;
use crate::model::{self, ChatTemplate, Known, Tokenizer};
use crate::prompt::PromptPack;
use crate::tuning::{
    self, ArmsError, Base, Body, Example, Framer, Needs, Settings, Step, Trainable, Trained,
    Training, TuningError,
};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The losses so far, for those who look on; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Course(Arc<Mutex<Vec<CourseArm>>>);

/// The losses of one training.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CourseArm {
    /// What is trained.
    pub name: String,
    /// The steps so far.
    pub steps: Vec<Step>,
}

impl Course {
    /// The trainings so far, the newest last.
    pub fn arms(&self) -> Vec<CourseArm> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A training begins.
    pub(super) fn begin(&self, name: &str) {
        let arm = CourseArm { name: name.to_owned(), steps: Vec::new() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(arm);
    }

    /// Takes in a step of the newest training.
    pub(super) fn push(&self, step: &Step) {
        let mut arms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arm) = arms.last_mut() {
            arm.steps.push(step.clone());
        }
    }
}

/// The training of an adapter.
#[derive(Debug, Clone)]
pub struct TuneJob {
    /// What is trained on.
    pub data: Inputs,
    /// With the records' contexts or without.
    pub arm: Arm,
    /// Records of which the loss is measured, with their contexts.
    pub held_out: Inputs,
    /// The base model; its device is `cpu`, or `cuda` or `metal` where the program is built with them.
    pub model: ModelChoice,
    /// The folder of the adapter.
    pub out: PathBuf,
    /// A `dataset2prompt.json`, or a folder with one; `None`: our own wording.
    pub prompts: Option<PathBuf>,
    /// How.
    pub settings: Settings,
    /// Only tell what it would take.
    pub only_estimates: bool,
    /// Throw away an earlier training in the folder.
    pub overwrite: bool,
    /// Hears of every step.
    pub course: Course,
}

/// What a training takes, told before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TuneEstimate {
    /// Steps, tokens and memory.
    #[serde(flatten)]
    pub needs: Needs,
    /// Seconds at the speed of a pass through the first pack; `None` for nothing to train on.
    pub secs: Option<f64>,
}

/// What `backstory tune --json` prints.
#[derive(Debug, Serialize)]
pub struct TuneReport {
    /// `with-context` or `without-context`.
    pub arm: &'static str,
    /// Before the start.
    pub estimate: TuneEstimate,
    /// Records that were trained on.
    pub examples: usize,
    /// Records without instruction, answer or room.
    pub left_out: usize,
    /// Records whose prompt was cut.
    pub cut: usize,
    /// Updates.
    pub steps: usize,
    /// Updates of an earlier run.
    pub resumed: usize,
    /// The loss of the first and of the last step, nats a token.
    pub loss: Option<[f64; 2]>,
    /// The loss over the held-out records after the last epoch, nats a token.
    pub held_out_loss: Option<f64>,
    /// Tokens that this run trained on in a second.
    pub tokens_per_s: Option<f64>,
    /// Seconds of this run.
    pub elapsed_secs: f64,
    /// Lines of the files that could not be used.
    pub skipped: usize,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

/// Trains adapters of one base model, one after another.
pub(super) trait Trains {
    /// Makes examples for these settings.
    ///
    /// # Errors
    /// Those of the chat template.
    fn framer(&self, settings: &Settings) -> Result<Framer<'_>, WorkbenchError>;
    /// What a training takes, at a speed that is measured now.
    ///
    /// # Errors
    /// Those of the training.
    fn estimate(
        &mut self,
        examples: &[Example],
        settings: &Settings,
        watch: &Watch,
    ) -> Result<TuneEstimate, WorkbenchError>;
    /// Trains an adapter in `folder`, from where an earlier run stopped.
    ///
    /// # Errors
    /// Those of the training.
    fn train(
        &mut self,
        examples: &[Example],
        held_out: &[Example],
        settings: &Settings,
        folder: &Path,
        hear: &mut dyn FnMut(&Step),
        watch: &Watch,
    ) -> Result<Trained, WorkbenchError>;
}

/// A base model that is ready for trainings, one after another.
pub(super) struct Tuner {
    known: Known,
    model: Box<dyn Trainable>,
    name: String,
}

impl Tuner {
    /// Loads the base model, in the place of what lies on the desk: two may not fit the memory.
    pub fn load(
        choice: &ModelChoice,
        desk: &mut Desk,
        watch: &Watch,
    ) -> Result<Self, WorkbenchError> {
        let device = device(&choice.device)?;
        let path = model_path(&choice.model)?;
        desk.clear();
        let (known, weights) = DenseWeights::load(&path, watch)?;
        let model: Box<dyn Trainable> = match device {
            candle_core::Device::Cpu => Box::new(Body::new(weights)),
            device => Box::new(tuning::Tensors::new(weights, &device).map_err(model::Error::from)?),
        };
        // Its own name only: where it lies is nobody's business.
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { known, model, name })
    }

    pub fn tokenizer(&self) -> &Tokenizer {
        &self.known.tokenizer
    }

    pub fn template(&self) -> &ChatTemplate {
        &self.known.template
    }

    /// The examples of an arm. Records without instruction, answer or room are left out, with a warning.
    pub fn examples(
        &self,
        records: &[Arc<Record>],
        arm: Arm,
        pack: &PromptPack,
        settings: &Settings,
        watch: &Watch,
    ) -> Result<Vec<Example>, WorkbenchError> {
        let framer = self.framer(settings)?;
        let mut examples = Vec::new();
        for record in records {
            watch.check()?;
            let place = || format!("{}, line {}", record.source.path.display(), record.source.line);
            if record.instruction.trim().is_empty() || record.answer().trim().is_empty() {
                watch.warn(format!("{}: left out, no instruction or no answer", place()));
                continue;
            }
            match tuning::example(record, arm == Arm::WithContext, pack, &framer) {
                Ok(example) => examples.push(example),
                Err(ArmsError::Tuning(error @ TuningError::NoRoom { .. })) => {
                    watch.warn(format!("{}: left out: {error}", place()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(examples)
    }
}

impl Trains for Tuner {
    fn framer(&self, settings: &Settings) -> Result<Framer<'_>, WorkbenchError> {
        let window = self.known.info.window;
        let most = if settings.max_tokens == 0 { window } else { settings.max_tokens.min(window) };
        Ok(Framer::new(self.tokenizer(), self.template(), most)?)
    }

    fn estimate(
        &mut self,
        examples: &[Example],
        settings: &Settings,
        watch: &Watch,
    ) -> Result<TuneEstimate, WorkbenchError> {
        let bytes = self.known.info.weight_bytes;
        let needs = tuning::needs(bytes, self.model.weights(), examples, settings);
        watch.stage("measuring the speed", 0);
        let rate = tuning::speed(&mut *self.model, examples, settings, watch)?;
        Ok(TuneEstimate { needs, secs: rate.map(|rate| needs.tokens as f64 / rate) })
    }

    fn train(
        &mut self,
        examples: &[Example],
        held_out: &[Example],
        settings: &Settings,
        folder: &Path,
        hear: &mut dyn FnMut(&Step),
        watch: &Watch,
    ) -> Result<Trained, WorkbenchError> {
        let base = Base { name: &self.name, sha256: &self.known.info.sha256 };
        let training = Training { base, examples, held_out, settings, folder };
        Ok(training.run(&mut *self.model, hear, watch)?)
    }
}

/// The device of candle's that trains.
fn device(name: &str) -> Result<candle_core::Device, WorkbenchError> {
    let failed = |error| WorkbenchError::Model(model::Error::Tensor(error));
    match name {
        "auto" | "cpu" => Ok(candle_core::Device::Cpu),
        "cuda" if cfg!(feature = "cuda") => candle_core::Device::new_cuda(0).map_err(failed),
        "metal" if cfg!(feature = "metal") => candle_core::Device::new_metal(0).map_err(failed),
        "cuda" | "metal" => Err(WorkbenchError::Wish(format!(
            "this program is built without {name}; build it with `cargo build --release --features {name}`, or \
             train with --device cpu"
        ))),
        other => Err(WorkbenchError::Wish(format!(
            "the device `{other}` is unknown to trainings; use cpu, cuda or metal"
        ))),
    }
}

/// Throws away what an earlier training left in the folder; the folder must be ours.
pub(super) fn make_room(out: &Path, overwrite: bool) -> Result<(), WorkbenchError> {
    let shown = out.display();
    if out.exists() && !out.is_dir() {
        return Err(WorkbenchError::Refused(format!(
            "{shown} is a file; name a folder to write to"
        )));
    }
    if overwrite && tuning::is_begun(out) {
        return Ok(tuning::forget(out)?);
    }
    let fail = |source| WorkbenchError::File { verb: "read", path: out.to_owned(), source };
    let is_foreign = out.is_dir()
        && !tuning::is_begun(out)
        && std::fs::read_dir(out).map_err(fail)?.next().is_some();
    if is_foreign && !overwrite {
        return Err(WorkbenchError::Refused(format!(
            "{shown} has files in it that are of no training; choose another folder to write to, or let it be \
             used (--overwrite)"
        )));
    }
    Ok(())
}

pub(super) fn run(
    job: &TuneJob,
    desk: &mut Desk,
    watch: &Watch,
) -> Result<TuneReport, WorkbenchError> {
    let started = Instant::now();
    if let Some(fault) = job.settings.fault() {
        return Err(WorkbenchError::Wish(fault));
    }
    if !job.only_estimates {
        make_room(&job.out, job.overwrite)?;
    }
    let (pack, _) = pack::read(job.prompts.as_deref())?;
    let (data, held_out) = (job.data.read(watch)?, job.held_out.read(watch)?);
    let records = all_records(&data)?;
    let mut tuner = Tuner::load(&job.model, desk, watch)?;
    let examples = tuner.examples(&records, job.arm, &pack, &job.settings, watch)?;
    if examples.is_empty() {
        return Err(WorkbenchError::Refused(
            "there is no record to train on in these files".into(),
        ));
    }
    let all_held_out = all_records(&held_out)?;
    check_apart(&records, &all_held_out)?;
    let measured = tuner.examples(&all_held_out, Arm::WithContext, &pack, &job.settings, watch)?;
    let estimate = tuner.estimate(&examples, &job.settings, watch)?;
    let mut report = TuneReport {
        arm: job.arm.name(),
        estimate,
        examples: examples.len(),
        left_out: records.len() - examples.len(),
        cut: examples.iter().filter(|example| example.n_cut > 0).count(),
        steps: 0,
        resumed: 0,
        loss: None,
        held_out_loss: None,
        tokens_per_s: None,
        elapsed_secs: 0.0,
        skipped: n_skipped(&data) + n_skipped(&held_out),
        warnings: Vec::new(),
    };
    if !job.only_estimates {
        job.course.begin(job.arm.name());
        let mut hear = |step: &Step| job.course.push(step);
        let trained =
            tuner.train(&examples, &measured, &job.settings, &job.out, &mut hear, watch)?;
        report.steps = trained.steps.len();
        report.resumed = trained.n_resumed;
        report.loss = match &trained.steps[..] {
            [first, .., last] | [first @ last] => Some([first.loss, last.loss]),
            [] => None,
        };
        report.held_out_loss = trained.steps.last().and_then(|step| step.held_out_loss);
        let rate = trained.n_tokens as f64 / trained.secs;
        report.tokens_per_s = Some(rate).filter(|rate| rate.is_finite());
    }
    report.elapsed_secs = started.elapsed().as_secs_f64();
    report.warnings = watch.warnings();
    Ok(report)
}

/// What is held out is not trained on.
fn check_apart(records: &[Arc<Record>], held_out: &[Arc<Record>]) -> Result<(), WorkbenchError> {
    let pair =
        |record: &Record| (record.instruction.trim().to_owned(), record.answer().trim().to_owned());
    let trained: std::collections::BTreeSet<_> =
        records.iter().map(|record| pair(record)).collect();
    match held_out.iter().find(|record| trained.contains(&pair(record))) {
        None => Ok(()),
        Some(record) => Err(WorkbenchError::Refused(format!(
            "{}, line {}: this held-out record is trained on too; take it out of one of the files",
            record.source.path.display(),
            record.source.line
        ))),
    }
}
