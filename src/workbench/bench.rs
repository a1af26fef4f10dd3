//! How fast a model reads and writes on this machine.

use super::{Desk, ModelChoice, WorkbenchError};
use crate::gpu::KernelTime;
use crate::job::Watch;
use crate::model::{
    self, CacheUse, Feed, GenerateRequest, LanguageModel, Reply, Sampling, ScoreRequest,
};
use crate::seed::Stream;
use crate::stats;
use serde::Serialize;
use std::time::Instant;

/// What to measure.
#[derive(Debug, Clone)]
pub struct BenchJob {
    /// The model.
    pub model: ModelChoice,
    /// Tokens of the prompt.
    pub n_prompt: usize,
    /// Tokens that each sequence writes.
    pub n_generate: usize,
    /// Sequences at once.
    pub n_batch: usize,
}

/// What `backstory bench model --json` prints: medians of three runs after a warm-up.
#[derive(Debug, Serialize)]
pub struct BenchReport {
    /// `cpu` or `gpu`.
    pub device: String,
    /// The name of the graphics adapter or the processor.
    pub adapter: String,
    /// What computes: `candle` on the CPU, else `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// Tokens of a prompt that are read in a second.
    pub prefill_tokens_per_s: f64,
    /// Tokens that all sequences together write in a second.
    pub decode_tokens_per_s: f64,
    /// Sequences at once.
    pub batch: usize,
    /// Where the time of one more prompt goes; absent where there are no kernels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefill_kernels: Vec<KernelTime>,
    /// Where the time of one more round of decoding goes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decode_kernels: Vec<KernelTime>,
    /// What all of it needed of the cache.
    #[serde(skip)]
    pub cache: CacheUse,
}

const RUNS: usize = 3;

pub(super) fn run(
    job: &BenchJob,
    desk: &mut Desk,
    watch: &Watch,
) -> Result<BenchReport, WorkbenchError> {
    let (n_prompt, n_generate, n_batch) = (job.n_prompt, job.n_generate, job.n_batch);
    if n_prompt < 2 || n_generate == 0 || n_batch == 0 {
        return Err(WorkbenchError::Wish(
            "--prompt must be at least 2, --generate and --batch at least 1".into(),
        ));
    }
    let model = desk.model(&job.model, watch)?;
    watch.stage("measuring", 2 * (RUNS + 1) as u64);
    let request = request(model, n_prompt);
    let (prefill, decode) = speeds(model, &request, n_generate, n_batch, RUNS, watch)?;
    model.measure_kernels(true)?;
    model.score(std::slice::from_ref(&request), watch)?;
    let prefill_kernels = model.take_kernel_times();
    model.generate(&mut Writers::new(n_batch, n_generate, &request.tokens), n_batch, watch)?;
    let decode_kernels = model.take_kernel_times();
    model.measure_kernels(false)?;
    let adapter = model.adapter();
    Ok(BenchReport {
        device: model.info().device.clone(),
        adapter: adapter.map_or_else(processor, |adapter| adapter.name.clone()),
        backend: adapter.map_or("candle", |adapter| &adapter.backend).to_owned(),
        prefill_tokens_per_s: prefill,
        decode_tokens_per_s: decode,
        batch: n_batch,
        prefill_kernels,
        decode_kernels,
        cache: model.meter().work().cache,
    })
}

/// A prompt of random tokens.
pub(super) fn request(model: &dyn LanguageModel, n_prompt: usize) -> ScoreRequest {
    let mut stream = Stream::new(0, "bench", "tokens");
    let n_vocab = model.info().n_vocab;
    let tokens: Vec<u32> = (0..=n_prompt).map(|_| stream.below(n_vocab) as u32).collect();
    ScoreRequest { tokens, scored: vec![n_prompt..n_prompt + 1] }
}

/// Tokens per second of reading a prompt and of writing: medians of `n_runs` after a warm-up, each of
/// which advances the watch by one.
pub(super) fn speeds(
    model: &mut dyn LanguageModel,
    request: &ScoreRequest,
    n_generate: usize,
    n_batch: usize,
    n_runs: usize,
    watch: &Watch,
) -> Result<(f64, f64), model::Error> {
    let n_prompt = request.tokens.len() - 1;
    let mut prefill = Vec::new();
    let mut decode = Vec::new();
    for _ in 0..=n_runs {
        let started = Instant::now();
        model.score(std::slice::from_ref(request), watch)?;
        prefill.push(n_prompt as f64 / started.elapsed().as_secs_f64());
        watch.advance(1);
    }
    for _ in 0..=n_runs {
        let mut writers = Writers::new(n_batch, n_generate, &request.tokens);
        let started = Instant::now();
        model.generate(&mut writers, n_batch, watch)?;
        decode.push((n_generate * n_batch) as f64 / started.elapsed().as_secs_f64());
        watch.advance(1);
    }
    Ok((median_after_warm_up(&prefill), median_after_warm_up(&decode)))
}

fn median_after_warm_up(runs: &[f64]) -> f64 {
    stats::summarize(runs.get(1..).unwrap_or_default()).map_or(0.0, |summary| summary.p50)
}

/// The processor's name.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or(std::env::consts::ARCH, |(_, name)| name.trim()).to_owned()
}

/// Sequences that begin with one token and write a fixed number; one that ends early begins again.
struct Writers<'a> {
    n_begun: usize,
    left: Vec<usize>,
    first: &'a [u32],
}

impl<'a> Writers<'a> {
    fn new(n: usize, n_generate: usize, first: &'a [u32]) -> Self {
        Self { n_begun: 0, left: vec![n_generate; n], first }
    }

    fn request(&self, id: usize) -> GenerateRequest {
        GenerateRequest {
            id,
            prompt: vec![self.first[id % self.first.len()]],
            sampling: Sampling { max_new_tokens: self.left[id], ..Sampling::default() },
            stream: Stream::new(0, "bench", &id.to_string()),
            stop: Vec::new(),
            banned: Vec::new(),
        }
    }
}

impl Feed for Writers<'_> {
    fn next(&mut self) -> Option<GenerateRequest> {
        let id = self.n_begun;
        (id < self.left.len()).then(|| {
            self.n_begun += 1;
            self.request(id)
        })
    }

    fn piece(&mut self, _: usize, _: &str, _: usize) {}

    fn done(&mut self, id: usize, reply: Reply) -> Option<GenerateRequest> {
        self.left[id] = self.left[id].saturating_sub(reply.n_tokens.max(1));
        (self.left[id] > 0).then(|| self.request(id))
    }
}
