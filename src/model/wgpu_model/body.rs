//! The GPU body as `scoring` and `writing` see it.

use super::WgpuModel;
use super::cache::Run;
use super::pass::Product;
use crate::gpu::shape::{self, State};
use crate::gpu::{Buffer, Dispatch, Kernel, Mode, PARTS, Recording, norm_tile};
use crate::job::Watch;
use crate::model::body::{Asked, Body, New};
use crate::model::{Error, Tokenizer};

/// Tokens of a prompt that go through the layers together.
const CHUNK: usize = 256;
/// Sequences that decode in one pass.
const MOST_SEQUENCES: usize = 64;

impl Body for WgpuModel {
    type Run = Run;

    const CHUNK: usize = CHUNK;

    fn window(&self) -> usize {
        self.config.window
    }

    fn n_vocab(&self) -> usize {
        self.config.n_vocab
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn begin(&mut self, past: &[&Run]) -> Result<Run, Error> {
        Ok(Run::after(past.last().copied()))
    }

    fn tokens<'a>(&self, run: &'a Run) -> &'a [u32] {
        &run.tokens
    }

    fn truncate(&mut self, run: &mut Run, n_tokens: usize) {
        run.truncate(n_tokens);
    }

    fn score_new(
        &mut self,
        _: &[&Run],
        mut news: Vec<New<'_, Run>>,
        asked: &[Asked],
        watch: &Watch,
    ) -> Result<Vec<Vec<(f32, bool)>>, Error> {
        let mut recording = Recording::default();
        let hidden = self.record(&mut news, Mode::Prompt, &mut recording)?;
        if asked.is_empty() {
            self.run(&recording, watch)?;
            return Ok(Vec::new());
        }
        let rows: Vec<u32> = asked.iter().map(|asked| asked.row as u32).collect();
        let normed = self.last_norm(&mut recording, &hidden, &rows)?;
        let targets = asked.iter().enumerate().flat_map(|(row, asked)| {
            asked.targets.iter().flat_map(move |target| [row as u32, *target])
        });
        let targets: Vec<u32> = targets.collect();
        let n_targets = targets.len() / 2;
        let n_states = rows.len() * PARTS as usize * State::N_WORDS;
        let widest = self.weights.head().parts.iter().map(|part| part.n_out).max().unwrap_or(0);
        let (gpu, scratch) = (&mut self.gpu, &mut self.scratch);
        let targets = scratch.targets.holding(&targets, gpu)?;
        let picked = scratch.picked.with_room(n_targets, gpu)?;
        let states = scratch.states.with_room(n_states, gpu)?;
        let logits = scratch.logits.with_room(rows.len() * widest, gpu)?;
        let head = self.weights.head();
        let product = Product {
            mode: Mode::Prompt,
            n_rows: rows.len(),
            inputs: &normed,
            outputs: &logits,
            adds: false,
        };
        for (ix, part) in head.parts.iter().enumerate() {
            let (n, first) = (part.n_out, part.first);
            self.multiply_part(&mut recording, head, ix, &product, [n, 0]);
            Self::fold(&mut recording, &logits, &states, rows.len(), [n, first]);
            let shape = shape::Pick { width: n as u32, first: first as u32, n: n_targets as u32 };
            recording.run(Dispatch {
                kernel: Kernel::Pick,
                buffers: vec![logits.clone(), targets.clone(), picked.clone()],
                shape: shape.words(),
                groups: [n_targets.div_ceil(64) as u32, 1],
                work: n_targets as u64,
                cuts: false,
            });
        }
        self.run(&recording, watch)?;
        let states = self.gpu.read(&states, n_states)?;
        let picked = self.gpu.read(&picked, n_targets)?;
        Ok(scores(&states, &picked, asked))
    }

    fn read(&mut self, run: &mut Run, tokens: &[u32], watch: &Watch) -> Result<Vec<f32>, Error> {
        let n_chunks = tokens.len().div_ceil(CHUNK);
        let mut logits = Vec::new();
        for (ix, tokens) in tokens.chunks(CHUNK).enumerate() {
            let mut recording = Recording::default();
            let mut news = [New { run: &mut *run, tokens }];
            let hidden = self.record(&mut news, Mode::Prompt, &mut recording)?;
            if ix + 1 == n_chunks {
                let last = [tokens.len() as u32 - 1];
                let out = self.record_logits(&mut recording, &hidden, &last, Mode::Prompt)?;
                self.run(&recording, watch)?;
                self.read_logits(&out, 1, &mut logits)?;
            } else {
                self.run(&recording, watch)?;
            }
        }
        Ok(logits)
    }

    fn step(
        &mut self,
        runs: &mut [(&mut Run, u32)],
        logits: &mut Vec<f32>,
        watch: &Watch,
    ) -> Result<(), Error> {
        logits.clear();
        for runs in runs.chunks_mut(MOST_SEQUENCES) {
            let n = runs.len();
            let mut recording = Recording::default();
            let new = |(run, token): &mut (&mut Run, u32)| {
                (std::mem::replace(*run, Run::after(None)), *token)
            };
            let mut taken: Vec<(Run, u32)> = runs.iter_mut().map(new).collect();
            let mut news: Vec<New<'_, Run>> = taken
                .iter_mut()
                .map(|(run, token)| New { run, tokens: std::slice::from_ref(token) })
                .collect();
            let result = self.decode(&mut news, &mut recording, watch);
            drop(news);
            for ((run, _), (taken, _)) in runs.iter_mut().zip(taken) {
                **run = taken;
            }
            self.read_logits(&result?, n, logits)?;
        }
        Ok(())
    }
}

impl WgpuModel {
    fn decode(
        &mut self,
        news: &mut [New<'_, Run>],
        recording: &mut Recording,
        watch: &Watch,
    ) -> Result<Buffer, Error> {
        let n = news.len() as u32;
        let hidden = self.record(news, Mode::Decode, recording)?;
        let rows: Vec<u32> = (0..n).collect();
        let out = self.record_logits(recording, &hidden, &rows, Mode::Decode)?;
        self.run(recording, watch)?;
        Ok(out)
    }

    /// Records the last norm of some rows of the hidden states, `[rows, D]`.
    fn last_norm(
        &mut self,
        recording: &mut Recording,
        hidden: &Buffer,
        rows: &[u32],
    ) -> Result<Buffer, Error> {
        let (d, n) = (self.config.width, rows.len());
        let (gpu, scratch) = (&mut self.gpu, &mut self.scratch);
        let row_numbers = scratch.rows.holding(rows, gpu)?;
        // Rows, then the same rows divided by their norm.
        let chosen = scratch.chosen.with_room(n * d, gpu)?;
        let normed = scratch.last.with_room(n * d, gpu)?;
        recording.run(Dispatch {
            kernel: Kernel::GatherRows,
            buffers: vec![row_numbers, hidden.clone(), chosen.clone()],
            shape: shape::GatherRows { width: d as u32 }.words(),
            groups: [d.div_ceil(64) as u32, n as u32],
            work: (n * d) as u64,
            cuts: false,
        });
        recording.run(Dispatch {
            kernel: Kernel::RmsNorm(norm_tile(self.gpu.traits())),
            buffers: vec![self.weights.output_norm.clone(), chosen, normed.clone()],
            shape: shape::RmsNorm { width: d as u32, epsilon: self.config.epsilon }.words(),
            groups: [n as u32, 1],
            work: 8 * (n * d) as u64,
            cuts: false,
        });
        Ok(normed)
    }

    /// Records the logits after some rows of the hidden states, `[rows, V]`.
    fn record_logits(
        &mut self,
        recording: &mut Recording,
        hidden: &Buffer,
        rows: &[u32],
        mode: Mode,
    ) -> Result<Buffer, Error> {
        let normed = self.last_norm(recording, hidden, rows)?;
        let n_words = rows.len() * self.config.n_vocab;
        let logits = self.scratch.logits.with_room(n_words, &mut self.gpu)?;
        let (inputs, outputs, n_rows) = (&normed, &logits, rows.len());
        let product = Product { mode, n_rows, inputs, outputs, adds: false };
        self.multiply(recording, self.weights.head(), &product);
        Ok(logits)
    }

    fn read_logits(&self, from: &Buffer, n_rows: usize, to: &mut Vec<f32>) -> Result<(), Error> {
        let words = self.gpu.read(from, n_rows * self.config.n_vocab)?;
        to.extend(words.into_iter().map(f32::from_bits));
        Ok(())
    }
}

/// Log-probabilities out of the states of `log_sums.wgsl` and the picked logits; the states of a row
/// are added up in order.
fn scores(states: &[u32], picked: &[u32], asked: &[Asked]) -> Vec<Vec<(f32, bool)>> {
    let mut picked = picked.iter().map(|bits| f64::from(f32::from_bits(*bits)));
    let mut all = Vec::new();
    let states: Vec<State> =
        states.as_chunks().0.iter().map(|words| State::from_words(*words)).collect();
    for (asked, states) in asked.iter().zip(states.chunks_exact(PARTS as usize)) {
        let (mut largest, mut best) = (f32::NEG_INFINITY, u32::MAX);
        for state in states {
            let ties = state.largest == largest && state.entry < best;
            if state.largest > largest || ties {
                (largest, best) = (state.largest, state.entry);
            }
        }
        let largest = f64::from(largest);
        let under = |state: &State| (f64::from(state.largest) - largest).exp();
        let sum: f64 = states.iter().map(|state| f64::from(state.sum) * under(state)).sum();
        let total = largest + sum.ln();
        let score = |target: &u32| {
            let logit = picked.next().unwrap_or(f64::NAN);
            ((logit - total) as f32, *target == best)
        };
        all.push(asked.targets.iter().map(score).collect());
    }
    all
}
