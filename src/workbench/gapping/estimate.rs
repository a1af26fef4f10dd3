//! What a study takes, told before it begins.

use super::super::tuning::Trains;
use super::super::{Desk, WorkbenchError, bench};
use super::answers::{ADAPTER, LOGPROBS, Questions, results};
use super::{Arms, Begun, GapStudyJob, examples_of, folder};
use crate::job::{Watch, duration};
use crate::longbench::TestPrompt;
use crate::tuning::{Example, Settings, Tuned};
use serde::Serialize;

/// What a study takes. Nothing of it counts that an earlier run has finished, but for `trainings`,
/// `models_tested` and their tokens.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GapEstimate {
    /// Adapters that are trained.
    pub trainings: usize,
    /// Models that answer the tests, the base model among them.
    pub models_tested: usize,
    /// Pairs that each arm is trained on.
    pub pairs: usize,
    /// Tests.
    pub tests: usize,
    /// Tests whose prompt is cut.
    pub tests_cut: usize,
    /// Training examples whose prompt is cut, over all arms.
    pub examples_cut: usize,
    /// Tokens of all trainings.
    pub training_tokens: u64,
    /// As it was measured on the longest arm's first tokens.
    pub training_tokens_per_s: Option<f64>,
    /// Seconds of one model's tests at the speed of a short piece; its answers at their longest.
    pub secs_of_test: f64,
    /// Seconds of all that is left.
    pub secs_all: f64,
    /// Bytes of memory that a training needs at the most.
    pub memory_bytes: u64,
}

impl GapEstimate {
    /// "6 trainings of 40 pairs (61000 tokens) and 7 models on 60 tests: up to 40 min; …".
    pub fn sentence(&self) -> String {
        format!(
            "{} trainings of {} pairs ({} tokens) and {} models on {} tests: up to {}; at most {} MiB of memory \
             for a training",
            self.trainings,
            self.pairs,
            self.training_tokens,
            self.models_tested,
            self.tests,
            duration(self.secs_all),
            self.memory_bytes >> 20
        )
    }
}

/// Seconds that a model's tests take, measured on a short piece.
pub fn test_speed(
    begun: &Begun,
    asked: &Questions,
    desk: &mut Desk,
    watch: &Watch,
) -> Result<f64, WorkbenchError> {
    const PROBE: usize = 256;
    const PROBE_WRITES: usize = 4;
    watch.stage("measuring the model's speed", 0);
    let model = desk.model(&begun.choice, watch)?;
    let request = bench::request(model, PROBE.min(model.info().window / 2));
    let n_parallel = begun.spec.parallel.min(asked.tests.len());
    let (reads, writes) = bench::speeds(model, &request, PROBE_WRITES, n_parallel, 1, watch)?;
    let sum = |of: fn(&TestPrompt) -> usize| asked.prompts.iter().map(of).sum::<usize>() as f64;
    let tokens_in = sum(TestPrompt::kept_tokens) + asked.n_scored() as f64;
    let tokens_out = sum(|prompt| prompt.max_answer_tokens);
    Ok(tokens_in / reads.max(1e-9) + tokens_out / writes.max(1e-9))
}

/// The whole estimate; the speed of training is measured on the longest arm.
pub fn of(
    begun: &Begun,
    arms: &Arms,
    asked: &Questions,
    secs_of_test: f64,
    job: &GapStudyJob,
    trainer: &mut dyn Trains,
    watch: &Watch,
) -> Result<GapEstimate, WorkbenchError> {
    let settings = &begun.spec.tuning;
    let longest = arms.values().max_by_key(|examples| n_tokens(examples, settings));
    let of_longest = trainer.estimate(longest.map_or(&[], Vec::as_slice), settings, watch)?;
    let rate = of_longest.secs.filter(|secs| *secs > 0.0);
    let rate = rate.map(|secs| of_longest.needs.tokens as f64 / secs);
    let trainings = begun.trainings();
    let tokens_of = |tuned: &Tuned| n_tokens(examples_of(arms, tuned), settings);
    let to_train = trainings.iter().filter(|tuned| !is_trained(job, tuned));
    let train_secs: f64 =
        to_train.map(|tuned| secs_of_training(examples_of(arms, tuned), settings, rate)).sum();
    let to_test = [Tuned::Base].iter().chain(&trainings).filter(|t| !is_tested(job, t)).count();
    Ok(GapEstimate {
        trainings: trainings.len(),
        models_tested: trainings.len() + 1,
        pairs: begun.matched.sets.first().map_or(0, |set| set.records.len()),
        tests: asked.tests.len(),
        tests_cut: asked.prompts.iter().filter(|prompt| prompt.kept.is_some()).count(),
        examples_cut: arms.values().flatten().filter(|example| example.n_cut > 0).count(),
        training_tokens: trainings.iter().map(tokens_of).sum(),
        training_tokens_per_s: rate,
        secs_of_test,
        secs_all: train_secs + secs_of_test * to_test as f64,
        memory_bytes: of_longest.needs.bytes.max(asked.weight_bytes),
    })
}

/// Tokens that a training reads.
fn n_tokens(examples: &[Example], settings: &Settings) -> u64 {
    let once: u64 = examples.iter().map(|example| example.answer.end as u64 - 1).sum();
    once * settings.epochs as u64
}

/// Seconds of a training at this speed; 0 where none is known.
pub fn secs_of_training(examples: &[Example], settings: &Settings, rate: Option<f64>) -> f64 {
    rate.map_or(0.0, |rate| n_tokens(examples, settings) as f64 / rate)
}

/// Whether an earlier run has trained it.
pub fn is_trained(job: &GapStudyJob, tuned: &Tuned) -> bool {
    !job.overwrite && job.out.join("arms").join(folder(tuned)).join(ADAPTER).exists()
}

/// Whether an earlier run has asked it everything.
pub fn is_tested(job: &GapStudyJob, tuned: &Tuned) -> bool {
    !job.overwrite && results(job, tuned).join(LOGPROBS).exists()
}
