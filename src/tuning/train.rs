//! The training of one adapter: steps of accumulated packs, clipped, with AdamW; checkpoints; the
//! course of the losses.
//!
//! The same examples and settings give the same bytes, however often the training is killed.

use super::TuningError;
use super::body::PRODUCT_BYTES;
use super::example::Example;
use super::lora::{Dropout, Layout};
use super::optimizer::{AdamW, clip, learning_rate};
use super::order;
use super::pack::Pack;
use super::settings::Settings;
use super::state::{self, State, write_whole};
use super::trainable::Trainable;
use crate::job::Watch;
use crate::model::adapter::{Adapter, AdapterConfig};
use crate::model::dense::DenseWeights;
use crate::seed::Stream;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::{Duration, Instant};

/// The losses' course, a line of JSON a step.
pub const COURSE: &str = "training.jsonl";

/// One update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its number, from 1.
    pub step: usize,
    /// The mean over its examples of their mean loss a token, in nats.
    pub loss: f64,
    /// The norm of the gradients before they are clipped.
    pub grad_norm: f64,
    /// The learning rate.
    pub learning_rate: f64,
    /// Tokens read so far.
    pub tokens: u64,
    /// The loss over the held-out examples after this step, where it was measured, in nats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_loss: Option<f64>,
}

/// What is trained on what.
pub struct Training<'a> {
    /// Names the base model in the signature and in the adapter.
    pub base: Base<'a>,
    /// What is trained on.
    pub examples: &'a [Example],
    /// What is only measured, once an epoch.
    pub held_out: &'a [Example],
    /// How.
    pub settings: &'a Settings,
    /// Where checkpoints, course and adapter go.
    pub folder: &'a Path,
}

/// The base model.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// The model's name, which stands in the adapter's files.
    pub name: &'a str,
    /// SHA-256 of the model.
    pub sha256: &'a str,
}

/// A finished training.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The steps.
    pub steps: Vec<Step>,
    /// Steps that an earlier run had done.
    pub n_resumed: usize,
    /// Tokens read in this run for its steps, those only measured left out.
    pub n_tokens: u64,
    /// Seconds that these took.
    pub secs: f64,
}

impl Training<'_> {
    /// What the adapter depends on: the base model, the examples' tokens, the settings and the version.
    /// `pack_tokens` decides how sums are rounded, so it stands there too.
    pub(super) fn signature(&self) -> Result<String, TuningError> {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        add(env!("CARGO_PKG_VERSION").as_bytes());
        add(self.base.sha256.as_bytes());
        let settings = serde_json::to_string(self.settings)
            .map_err(|error| TuningError::Settings(error.to_string()))?;
        add(settings.as_bytes());
        for list in [self.examples, self.held_out] {
            add(&(list.len() as u64).to_le_bytes());
            for example in list {
                add(bytemuck::cast_slice(&example.tokens));
                add(&(example.answer.start as u64).to_le_bytes());
            }
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Trains from where an earlier run in the folder stopped. `hear` gets every step, those of earlier
    /// runs too.
    ///
    /// # Errors
    /// [`TuningError::Other`] when the folder holds another training; that of the files; when it was
    /// cancelled, which loses what was done since the last checkpoint.
    pub fn run(
        &self,
        model: &mut dyn Trainable,
        hear: &mut dyn FnMut(&Step),
        watch: &Watch,
    ) -> Result<Trained, TuningError> {
        if let Some(fault) = self.settings.fault() {
            return Err(TuningError::Settings(fault));
        }
        std::fs::create_dir_all(self.folder).map_err(|source| TuningError::File {
            verb: "make",
            path: self.folder.to_owned(),
            source,
        })?;
        let signature = self.signature()?;
        let layout = Layout::new(model.weights(), self.settings);
        let state = State::read(self.folder, &signature)?;
        let mut state = match state.filter(|state| state.values.len() == layout.n_values) {
            Some(state) => state,
            None => State {
                values: layout.begin(self.settings.seed),
                adam: AdamW::new(layout.n_values),
                steps: Vec::new(),
            },
        };
        state.steps.iter().for_each(&mut *hear);
        let lens: Vec<usize> = self.examples.iter().map(|example| example.tokens.len()).collect();
        let plan = order::steps(&lens, self.settings);
        let n_resumed = state.steps.len();
        self.announce(&lens, &plan, n_resumed, watch);
        let mut grads = vec![0.0; layout.n_values];
        let (mut busy, mut n_tokens) = (Duration::ZERO, 0);
        let mut saved = Saved::new();
        for (ix, chosen) in plan.iter().enumerate().skip(n_resumed) {
            let began = Instant::now();
            let step =
                self.step(model, &layout, &mut state, &mut grads, (ix, plan.len()), chosen, watch)?;
            n_tokens += step.tokens - state.steps.last().map_or(0, |last| last.tokens);
            busy += began.elapsed();
            state.steps.push(step);
            let ends_epoch = (ix + 1) % (plan.len() / self.settings.epochs) == 0;
            if ends_epoch && !self.held_out.is_empty() {
                let loss = self.held_out_loss(model, &layout, &state.values, watch)?;
                if let Some(last) = state.steps.last_mut() {
                    last.held_out_loss = Some(loss);
                }
            }
            state.steps.last().into_iter().for_each(&mut *hear);
            if ix + 1 == plan.len() || saved.is_time() {
                saved.note(|| self.save(&state, &signature))?;
            }
        }
        if n_resumed == plan.len() {
            self.save(&state, &signature)?;
        }
        let config = AdapterConfig {
            rank: self.settings.rank,
            alpha: self.settings.alpha,
            dropout: self.settings.dropout,
            targets: self.settings.targets.clone(),
            base_model: self.base.name.to_owned(),
        };
        let adapter: Adapter = layout.adapter(&state.values, model.weights(), config);
        adapter.write(self.folder)?;
        Ok(Trained { steps: state.steps, n_resumed, n_tokens, secs: busy.as_secs_f64() })
    }

    fn announce(&self, lens: &[usize], plan: &[Vec<usize>], n_done: usize, watch: &Watch) {
        let tokens =
            |steps: &[Vec<usize>]| steps.iter().flatten().map(|ix| lens[*ix] as u64 - 1).sum();
        let n_epochs_left =
            (plan.len() - n_done).div_ceil((plan.len() / self.settings.epochs).max(1));
        let held_out: u64 = self.held_out.iter().map(|example| example.tokens.len() as u64).sum();
        let total: u64 = tokens(plan);
        let done: u64 = tokens(&plan[..n_done]);
        watch.stage("tuning", total - done + held_out / 2 * n_epochs_left as u64);
    }

    /// One update; what it found out.
    #[expect(clippy::too_many_arguments, reason = "the state of a loop")]
    fn step(
        &self,
        model: &mut dyn Trainable,
        layout: &Layout,
        state: &mut State,
        grads: &mut [f32],
        (ix, n): (usize, usize),
        chosen: &[usize],
        watch: &Watch,
    ) -> Result<Step, TuningError> {
        grads.fill(0.0);
        let examples = chosen.iter().map(|ix| &self.examples[*ix]);
        let packs = Pack::fill(examples, self.settings.pack_tokens, 1.0 / chosen.len() as f64);
        let (mut loss, mut tokens) = (0.0, state.steps.last().map_or(0, |last| last.tokens));
        for (pack_ix, pack) in packs.iter().enumerate() {
            let dropout = (self.settings.dropout > 0.0).then(|| {
                let purpose = format!("dropout {ix} {pack_ix}");
                let key = Stream::new(self.settings.seed, "", &purpose).bits();
                Dropout { key, rate: self.settings.dropout }
            });
            let losses = model.gradients(layout, &state.values, dropout, pack, grads, watch)?;
            loss += weighted(pack, &losses);
            tokens += pack.ids.len() as u64;
            watch.advance(pack.ids.len() as u64);
        }
        let grad_norm = clip(grads, self.settings.max_grad_norm);
        if !(loss.is_finite() && grad_norm.is_finite()) {
            return Err(TuningError::Diverged { step: ix + 1, loss });
        }
        let rate = learning_rate(self.settings, ix, n);
        state.adam.update(&mut state.values, grads, rate, self.settings.weight_decay);
        Ok(Step { step: ix + 1, loss, grad_norm, learning_rate: rate, tokens, held_out_loss: None })
    }

    /// The mean over the held-out examples of their mean loss a token, in nats.
    fn held_out_loss(
        &self,
        model: &mut dyn Trainable,
        layout: &Layout,
        values: &[f32],
        watch: &Watch,
    ) -> Result<f64, TuningError> {
        let share = 1.0 / self.held_out.len() as f64;
        let mut loss = 0.0;
        for pack in Pack::fill(self.held_out, self.settings.pack_tokens, share) {
            loss += weighted(&pack, &model.losses(layout, values, &pack, watch)?);
            // A pass without a backward one takes about half.
            watch.advance(pack.ids.len() as u64 / 2);
        }
        Ok(loss)
    }

    fn save(&self, state: &State, signature: &str) -> Result<(), TuningError> {
        state.write(self.folder, signature)?;
        let mut course = Vec::new();
        for step in &state.steps {
            let line = serde_json::to_string(step)
                .map_err(|error| TuningError::Settings(error.to_string()))?;
            course.extend_from_slice(line.as_bytes());
            course.push(b'\n');
        }
        write_whole(&self.folder.join(COURSE), &course)
    }
}

/// The weighted sum of a pack's losses.
fn weighted(pack: &Pack, losses: &[f32]) -> f64 {
    let weighted = pack.targets.iter().zip(losses);
    weighted.map(|(target, loss)| f64::from(target.weight) * f64::from(*loss)).sum()
}

/// When to write a checkpoint: so seldom that writing takes no more than a twentieth of the time.
struct Saved {
    at: Instant,
    took: Duration,
}

impl Saved {
    fn new() -> Self {
        Self { at: Instant::now(), took: Duration::ZERO }
    }

    fn is_time(&self) -> bool {
        self.at.elapsed() >= 20 * self.took
    }

    fn note(&mut self, write: impl FnOnce() -> Result<(), TuningError>) -> Result<(), TuningError> {
        let began = Instant::now();
        write()?;
        *self = Self { took: began.elapsed(), at: Instant::now() };
        Ok(())
    }
}

/// What a training is expected to need.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Needs {
    /// Steps.
    pub steps: usize,
    /// Tokens of all steps.
    pub tokens: u64,
    /// Bytes at the most: the dense weights, and what a pack leaves in every layer and needs in one.
    pub bytes: u64,
}

/// What a training of these examples needs.
pub fn needs(
    weights_bytes: u64,
    weights: &DenseWeights,
    examples: &[Example],
    settings: &Settings,
) -> Needs {
    let lens: Vec<usize> = examples.iter().map(|example| example.answer.end - 1).collect();
    let tokens = lens.iter().map(|len| *len as u64).sum::<u64>() * settings.epochs as u64;
    let longest =
        lens.iter().copied().max().unwrap_or(0).max(settings.pack_tokens.min(lens.iter().sum()));
    let (d, f, heads) = (weights.config.width, weights.config.ff_width, weights.config.heads);
    let qkv = heads.q_width() + 2 * heads.kv_width();
    let in_each = 2 * d + heads.q_width();
    let in_one = 8 * d + 4 * qkv + 4 * f;
    let per_token = 4 * (in_each * weights.layers.len() + in_one) as u64;
    let layout = Layout::new(weights, settings);
    let products = 4 * longest * (qkv + 2 * f) * weights.layers.len();
    let bytes = weights_bytes
        + longest as u64 * per_token
        + products.min(PRODUCT_BYTES) as u64
        + 16 * layout.n_values as u64;
    Needs { steps: settings.n_steps(examples.len()), tokens, bytes }
}

/// Whether a folder holds a training that was begun.
pub fn is_begun(folder: &Path) -> bool {
    folder.join(state::FILE).exists()
}

/// Throws a training away.
///
/// # Errors
/// [`TuningError::File`]
pub fn forget(folder: &Path) -> Result<(), TuningError> {
    let path = folder.join(state::FILE);
    std::fs::remove_file(&path).map_err(|source| TuningError::File { verb: "remove", path, source })
}

/// Tokens a second of a step over the first pack; `None` without an example.
///
/// # Errors
/// Those of the device, and when it was cancelled.
pub fn speed(
    model: &mut dyn Trainable,
    examples: &[Example],
    settings: &Settings,
    watch: &Watch,
) -> Result<Option<f64>, TuningError> {
    let layout = Layout::new(model.weights(), settings);
    let first = Pack::fill(examples, settings.pack_tokens, 1.0).into_iter().next();
    let Some(pack) = first else { return Ok(None) };
    let (values, mut grads) = (layout.begin(settings.seed), vec![0.0; layout.n_values]);
    let began = Instant::now();
    model.gradients(&layout, &values, None, &pack, &mut grads, watch)?;
    Ok(Some(pack.ids.len() as f64 / began.elapsed().as_secs_f64()))
}
