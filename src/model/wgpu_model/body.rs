//! The GPU body as `scoring` and `writing` see it.

use super::WgpuModel;
use super::cache::Run;
use super::pass::Product;
use crate::gpu::shape::{self, Change, Found, State};
use crate::gpu::{Buffer, Dispatch, Kernel, Mode, PARTS, Recording, norm_tile, top_lanes};
use crate::job::Watch;
use crate::model::body::{Asked, Body, New};
use crate::model::sampler::{Adjust, Likely, TOP};
use crate::model::{Error, Work};

/// Tokens of a prompt that go through the layers together.
const CHUNK: usize = 256;
/// Sequences that decode in one pass.
const MOST_RUNS: usize = 64;

/// Rows of a pass after which the next token is wanted.
struct Wanted<'a> {
    /// `[tokens of the pass, D]`
    hidden: &'a Buffer,
    rows: &'a [u32],
    mode: Mode,
}

impl Body for WgpuModel {
    type Run = Run;

    const CHUNK: usize = CHUNK;
    const MOST_RUNS: usize = MOST_RUNS;

    fn begin(&mut self, past: &[&Run]) -> Result<Run, Error> {
        Ok(Run::after(past.last().copied()))
    }

    fn tokens<'a>(&self, run: &'a Run) -> &'a [u32] {
        &run.tokens
    }

    fn truncate(&mut self, run: &mut Run, n_tokens: usize) {
        run.truncate(n_tokens);
    }

    fn tell(&self, work: &mut Work) {
        let (used, held) = self.cache.bytes();
        work.cache.set(used, held);
        work.kernels = self.gpu.kernel_times();
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
        let states = self.gpu.read(&states, 0, n_states)?;
        let picked = self.gpu.read(&picked, 0, n_targets)?;
        Ok(scores(&states, &picked, asked))
    }

    fn read(
        &mut self,
        run: &mut Run,
        tokens: &[u32],
        adjust: &Adjust,
        watch: &Watch,
    ) -> Result<Likely, Error> {
        let mut recording = Recording::default();
        let hidden = self.record(&mut [New { run, tokens }], Mode::Prompt, &mut recording)?;
        let rows = &[tokens.len() as u32 - 1];
        let wanted = Wanted { hidden: &hidden, rows, mode: Mode::Prompt };
        let all = self.likely(recording, &wanted, std::slice::from_ref(adjust), watch)?;
        all.into_iter().next().ok_or_else(|| Error::Request("no token to read".into()))
    }

    fn step(
        &mut self,
        runs: &mut [(&mut Run, u32)],
        adjusts: &[Adjust],
        watch: &Watch,
    ) -> Result<Vec<Likely>, Error> {
        let mut recording = Recording::default();
        let mut news: Vec<New<'_, Run>> = runs
            .iter_mut()
            .map(|(run, token)| New { run: &mut **run, tokens: std::slice::from_ref(token) })
            .collect();
        let hidden = self.record(&mut news, Mode::Decode, &mut recording)?;
        let rows: Vec<u32> = (0..news.len() as u32).collect();
        let wanted = Wanted { hidden: &hidden, rows: &rows, mode: Mode::Decode };
        self.likely(recording, &wanted, adjusts, watch)
    }

    fn logits(&mut self, row: usize) -> Result<Vec<f32>, Error> {
        let n_vocab = self.config.n_vocab;
        let logits = self.scratch.logits.with_room(n_vocab, &mut self.gpu)?;
        let words = self.gpu.read(&logits, row * n_vocab, n_vocab)?;
        Ok(words.into_iter().map(f32::from_bits).collect())
    }
}

impl WgpuModel {
    /// Runs `recording` and what finds the most likely tokens after some rows.
    fn likely(
        &mut self,
        mut recording: Recording,
        wanted: &Wanted<'_>,
        adjusts: &[Adjust],
        watch: &Watch,
    ) -> Result<Vec<Likely>, Error> {
        let logits = self.record_logits(&mut recording, wanted)?;
        let (width, n_rows) = (self.config.n_vocab as u32, wanted.rows.len());
        let (gpu, scratch) = (&mut self.gpu, &mut self.scratch);
        let changes: Vec<u32> = (0..)
            .zip(adjusts)
            .flat_map(|(row, adjust)| {
                let changes = adjust.changes.iter();
                changes.map(move |(entry, factor)| (row, *entry, *factor))
            })
            .flat_map(|(row, entry, factor)| Change { row, entry, factor, spare: 0 }.words())
            .collect();
        let n_changes = (changes.len() / Change::N_WORDS) as u32;
        let changes = scratch.changes.holding(&changes, gpu)?;
        recording.run(Dispatch {
            kernel: Kernel::Adjust,
            buffers: vec![changes, logits.clone()],
            shape: shape::Adjust { width, n: n_changes }.words(),
            groups: [n_changes.div_ceil(64), 1],
            work: u64::from(n_changes),
            cuts: false,
        });
        let inverse = |adjust: &Adjust| (1.0 / adjust.temperature.max(1e-6)).to_bits();
        let inverses: Vec<u32> = adjusts.iter().map(inverse).collect();
        let inverses = scratch.inverses.holding(&inverses, gpu)?;
        let lanes = top_lanes(gpu.traits());
        let n_words = n_rows * (TOP + lanes as usize) * Found::N_WORDS;
        let tops = scratch.tops.with_room(n_words, gpu)?;
        recording.run(Dispatch {
            kernel: Kernel::Top { n: TOP as u32, lanes },
            buffers: vec![logits, inverses, tops.clone()],
            shape: shape::Top { width }.words(),
            groups: [n_rows as u32, 1],
            work: 16 * n_rows as u64 * u64::from(width),
            cuts: false,
        });
        self.run(&recording, watch)?;
        let words = self.gpu.read(&tops, 0, n_words)?;
        Ok(words.chunks_exact(n_words / n_rows).map(likely).collect())
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

    /// Records the logits after some rows, `[rows, V]`.
    fn record_logits(
        &mut self,
        recording: &mut Recording,
        &Wanted { hidden, rows, mode }: &Wanted<'_>,
    ) -> Result<Buffer, Error> {
        let normed = self.last_norm(recording, hidden, rows)?;
        let n_words = rows.len() * self.config.n_vocab;
        let logits = self.scratch.logits.with_room(n_words, &mut self.gpu)?;
        let (inputs, outputs, n_rows) = (&normed, &logits, rows.len());
        let product = Product { mode, n_rows, inputs, outputs, adds: false };
        self.multiply(recording, self.weights.head(), &product);
        Ok(logits)
    }
}

/// What a row of the outputs of `top.wgsl` says.
fn likely(words: &[u32]) -> Likely {
    let all = words.as_chunks().0.iter().map(|words| Found::from_words(*words));
    let found = all.clone().take(TOP).filter(|found| found.entry != u32::MAX);
    Likely {
        top: found.map(|found| (found.entry, found.value)).collect(),
        total: all.skip(TOP).map(|part| f64::from(part.value)).sum(),
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
