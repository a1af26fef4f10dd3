//! Llama, Qwen2 and Qwen3 on the CPU: the reference for every other body of the model, and the
//! fallback without a GPU. One forward pass serves prompts, scoring and decoding.
//!
//! Weights come from GGUF files and safetensors through candle; `linear` decides how they are held and
//! multiplied, `attention` holds the cache.

mod body;
mod scoring;

use super::adapter::{Adapter, Projection};
use super::attention::{Span, attend};
use super::checkpoint::Checkpoint;
use super::config::{self, Config};
use super::known::{Header, Known};
use super::linear::{self, Block, Held, Linear, Path as Product};
use super::{Error, Feed, LanguageModel, ModelInfo, ScoreRequest, TokenScores, simd};
use crate::job::Watch;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// Tokens of a prompt that go through the layers together.
const CHUNK: usize = 512;
/// Vocabulary entries whose logits are held at once while scoring.
const VOCAB_TILE: usize = 4096;

/// In which precision the weights are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Dense f32 for prompts and quantized weights for decoding, as memory allows.
    #[default]
    Fast,
    /// Dense f32 everywhere: what other bodies are compared with.
    Dense,
}

/// How to load a model.
#[derive(Debug, Clone, Copy, Default)]
pub struct CandleOptions {
    /// In which precision the weights are used.
    pub precision: Precision,
    /// Bytes of memory to plan with; `None` asks the system.
    pub free_bytes: Option<u64>,
}

struct Layer {
    attn_norm: Vec<f32>,
    attn_qkv: Linear,
    attn_q_norm: Option<Vec<f32>>,
    attn_k_norm: Option<Vec<f32>>,
    attn_output: Linear,
    ffn_norm: Vec<f32>,
    ffn_gate_up: Linear,
    ffn_down: Linear,
}

/// A loaded model on the CPU.
pub struct CandleModel {
    known: Known,
    config: Config,
    token_embd: Block,
    blk: Vec<Layer>,
    output_norm: Vec<f32>,
    output: Linear,
    /// Of the newest pass that wrote, `[rows, V]`.
    logits: Vec<f32>,
}

impl CandleModel {
    /// Loads a GGUF file or a model folder. The memory is planned from the header before anything
    /// large is read.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::File`], [`Error::Tensors`], [`Error::Memory`], [`Error::Cancelled`];
    /// each names the file.
    pub fn load(path: &Path, options: CandleOptions, watch: &Watch) -> Result<Self, Error> {
        Self::load_adapted(path, None, options, watch)
    }

    /// Loads a model with the adapter in a folder, if one is named.
    ///
    /// # Errors
    /// As [`CandleModel::load`], and [`Error::Adapter`].
    pub fn load_adapted(
        path: &Path,
        adapter: Option<&Path>,
        options: CandleOptions,
        watch: &Watch,
    ) -> Result<Self, Error> {
        let mut header = Header::read(path, watch)?.with_adapter(adapter)?;
        let adapter = header.adapter.take();
        let (held, mut weight_bytes) = plan(&header.checkpoint, &header.config, options)?;
        weight_bytes += adapter.as_ref().map_or(0, Adapter::n_bytes);
        if held == Held::QuantizedOnly {
            watch.warn(format!(
                "{}: dense weights do not fit the free memory; prompts decode them layer by layer \
                 and are slower",
                header.checkpoint.name()
            ));
        }
        let (known, mut checkpoint, config) = header.known("cpu", weight_bytes, watch)?;
        watch.stage("loading the model", config.n_layers as u64);
        let mut blk = Vec::new();
        for layer in 0..config.n_layers {
            watch.check()?;
            blk.push(Layer::load(&mut checkpoint, &config, adapter.as_ref(), layer, held)?);
            watch.advance(1);
        }
        let (n_vocab, width) = (config.n_vocab, config.width);
        let head =
            if checkpoint.has("output.weight") { "output.weight" } else { "token_embd.weight" };
        let head = checkpoint.matrix(head, n_vocab, width)?;
        Ok(Self {
            known,
            token_embd: checkpoint.matrix("token_embd.weight", n_vocab, width)?,
            blk,
            output_norm: checkpoint.vector("output_norm.weight", width)?,
            output: Linear::new(vec![head], None, held)?,
            config,
            logits: Vec::new(),
        })
    }

    /// What the header of a model says of it, and how it would be held in the memory that
    /// is free now. Nothing large is read, so `sha256` is empty.
    ///
    /// # Errors
    /// As [`CandleModel::load`].
    pub fn describe(path: &Path, options: CandleOptions) -> Result<ModelInfo, Error> {
        let mut checkpoint = Checkpoint::open(path)?;
        let config = Config::read(&mut checkpoint)?;
        let (_, weight_bytes) = plan(&checkpoint, &config, options)?;
        Ok(config::info(&checkpoint, &config, String::new(), "cpu", weight_bytes))
    }

    /// Runs the new tokens of `spans` through all layers: the hidden states after the last norm,
    /// `[rows, D]`. The spans' own segments grow by their new tokens.
    fn forward(
        &self,
        spans: &mut [Span<'_>],
        product: Product,
        watch: &Watch,
    ) -> Result<Vec<f32>, Error> {
        let Config { width, ff_width, heads, epsilon, .. } = self.config;
        let ids: Vec<u32> = spans.iter().flat_map(|span| span.new.iter().copied()).collect();
        let positions: Vec<usize> = spans
            .iter()
            .flat_map(|span| {
                let first = span.n_before();
                first..first + span.new.len()
            })
            .collect();
        let n_rows = ids.len();
        let rope = self.config.rope.table(&positions);
        let mut x = self.token_embd.rows(&ids)?;
        let (n_q, n_kv) = (heads.q_width(), heads.kv_width());
        let n_qkv = n_q + 2 * n_kv;
        // One buffer for each step, used by all layers: fresh memory costs more than filling it.
        let [mut normed, mut qkv, mut q, mut k, mut v, mut attended] = [const { Vec::new() }; 6];
        let [mut gate_up, mut gated, mut change] = [const { Vec::new() }; 3];
        for (ix, layer) in self.blk.iter().enumerate() {
            watch.check()?;
            by_rows(&x, width, &mut normed, width, |x, out| {
                simd::rms_norm(x, &layer.attn_norm, epsilon, out);
            });
            layer.attn_qkv.forward(&normed, n_rows, product, &mut qkv)?;
            columns(&qkv, n_qkv, 0..n_q, &mut q);
            columns(&qkv, n_qkv, n_q..n_q + n_kv, &mut k);
            columns(&qkv, n_qkv, n_q + n_kv..n_qkv, &mut v);
            if let Some(norm) = &layer.attn_q_norm {
                simd::rms_norm_in_place(&mut q, norm, epsilon);
            }
            if let Some(norm) = &layer.attn_k_norm {
                simd::rms_norm_in_place(&mut k, norm, epsilon);
            }
            self.config.rope.rotate(&mut q, n_q, &rope);
            self.config.rope.rotate(&mut k, n_kv, &rope);
            attend(spans, ix, heads, &q, &k, &v, &mut attended);
            layer.attn_output.forward(&attended, n_rows, product, &mut change)?;
            simd::add(&mut x, &change);
            by_rows(&x, width, &mut normed, width, |x, out| {
                simd::rms_norm(x, &layer.ffn_norm, epsilon, out);
            });
            layer.ffn_gate_up.forward(&normed, n_rows, product, &mut gate_up)?;
            by_rows(&gate_up, 2 * ff_width, &mut gated, ff_width, |rows, out| {
                simd::silu_mul(rows, ff_width, out);
            });
            layer.ffn_down.forward(&gated, n_rows, product, &mut change)?;
            simd::add(&mut x, &change);
        }
        for span in spans {
            span.own.has_read(span.new);
        }
        simd::rms_norm_in_place(&mut x, &self.output_norm, epsilon);
        Ok(x)
    }
}

/// Which forms of the weights fit, and the bytes they take.
fn plan(
    checkpoint: &Checkpoint,
    config: &Config,
    options: CandleOptions,
) -> Result<(Held, u64), Error> {
    let free = options.free_bytes.unwrap_or_else(free_bytes);
    let matrices = config.matrices();
    let mut blocks = 0;
    let mut bytes = BTreeMap::new();
    for (name, n_out, n_in) in &matrices {
        let Some(dtype) = checkpoint.dtype(name) else {
            return Err(checkpoint.missing(name));
        };
        if name == "token_embd.weight" {
            blocks +=
                *n_out as u64 * *n_in as u64 / dtype.block_size() as u64 * dtype.type_size() as u64;
        }
        for held in [Held::DenseOnly, Held::Both, Held::QuantizedOnly] {
            *bytes.entry(held as u8).or_insert(0) +=
                linear::planned_bytes(dtype, *n_out, *n_in, held);
        }
    }
    // The embedding's blocks stay beside the output matrix, which is planned in its place.
    let needed = |held: Held| bytes.get(&(held as u8)).copied().unwrap_or(0) + blocks;
    let choices: &[Held] = match options.precision {
        Precision::Dense => &[Held::DenseOnly],
        Precision::Fast => &[Held::Both, Held::QuantizedOnly],
    };
    // An eighth is left for the cache, the buffers and the rest of the machine.
    let usable = free / 8 * 7;
    if let Some(held) = choices.iter().find(|held| needed(**held) <= usable) {
        return Ok((*held, needed(*held)));
    }
    let least = choices.last().map_or(0, |held| needed(*held));
    Err(Error::Memory {
        path: checkpoint.path().to_owned(),
        needed_mib: (least / 7 * 8) >> 20,
        free_mib: free >> 20,
    })
}

/// Memory that can be taken without swapping, also inside a container.
pub(super) fn free_bytes() -> u64 {
    // Where the system does not tell, nothing is refused.
    let Ok(mut system) = sysinfo::System::new() else { return u64::MAX };
    system.refresh_memory();
    let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    system.available_memory().min(limit)
}

impl Layer {
    fn load(
        checkpoint: &mut Checkpoint,
        config: &Config,
        adapter: Option<&Adapter>,
        layer: usize,
        held: Held,
    ) -> Result<Self, Error> {
        let (d, f) = (config.width, config.ff_width);
        let (q, kv) = (config.heads.q_width(), config.heads.kv_width());
        let name = |stem: &str, kind: &str| format!("blk.{layer}.{stem}.{kind}");
        let mut linear = |stems: &[(&str, usize)], n_in: usize| -> Result<Linear, Error> {
            let mut parts = Vec::new();
            let mut bias = Vec::new();
            for (stem, n_out) in stems {
                parts.push(checkpoint.matrix(&name(stem, "weight"), *n_out, n_in)?);
                if checkpoint.has(&name(stem, "bias")) {
                    bias.extend(checkpoint.vector(&name(stem, "bias"), *n_out)?);
                }
            }
            let n_out: usize = stems.iter().map(|(_, n)| n).sum();
            if !bias.is_empty() && bias.len() != n_out {
                return Err(
                    checkpoint.refuse(format!("layer {layer} has a bias on a part of a matrix"))
                );
            }
            Ok(Linear::new(parts, (!bias.is_empty()).then_some(bias), held)?)
        };
        let change = |projections: &[Projection]| {
            // A product of one output would take another path through gemm than the others.
            adapter.and_then(|adapter| adapter.fused(layer, projections, config, 4))
        };
        let attn_qkv = linear(&[("attn_q", q), ("attn_k", kv), ("attn_v", kv)], d)?
            .with_change(change(&[Projection::Q, Projection::K, Projection::V]));
        let attn_output = linear(&[("attn_output", d)], q)?.with_change(change(&[Projection::O]));
        let ffn_gate_up = linear(&[("ffn_gate", f), ("ffn_up", f)], d)?
            .with_change(change(&[Projection::Gate, Projection::Up]));
        let ffn_down = linear(&[("ffn_down", d)], f)?.with_change(change(&[Projection::Down]));
        let mut norm_if_there = |stem: &str| -> Result<Option<Vec<f32>>, Error> {
            let name = name(stem, "weight");
            if !checkpoint.has(&name) {
                return Ok(None);
            }
            checkpoint.vector(&name, config.heads.head_size).map(Some)
        };
        let attn_q_norm = norm_if_there("attn_q_norm")?;
        let attn_k_norm = norm_if_there("attn_k_norm")?;
        Ok(Self {
            attn_norm: checkpoint.vector(&name("attn_norm", "weight"), d)?,
            ffn_norm: checkpoint.vector(&name("ffn_norm", "weight"), d)?,
            attn_qkv,
            attn_q_norm,
            attn_k_norm,
            attn_output,
            ffn_gate_up,
            ffn_down,
        })
    }
}

/// `f(rows in, rows out)` over `x [rows, width]` into `out [rows, n_out]`, the rows shared out over
/// the cores when there are many.
fn by_rows(
    x: &[f32],
    width: usize,
    out: &mut Vec<f32>,
    n_out: usize,
    f: impl Fn(&[f32], &mut [f32]) + Sync + Send,
) {
    const MANY: usize = 64;
    out.resize(x.len() / width * n_out, 0.0);
    if x.len() < MANY * width {
        f(x, out);
    } else {
        let outs = out.par_chunks_mut(MANY / 2 * n_out);
        x.par_chunks(MANY / 2 * width).zip(outs).for_each(|(x, out)| f(x, out));
    }
}

/// Columns `range` of the rows of `x [rows, width]`.
fn columns(x: &[f32], width: usize, range: std::ops::Range<usize>, out: &mut Vec<f32>) {
    out.clear();
    for row in x.chunks_exact(width) {
        out.extend_from_slice(&row[range.clone()]);
    }
}

impl LanguageModel for CandleModel {
    fn known(&self) -> &Known {
        &self.known
    }

    fn score(
        &mut self,
        requests: &[ScoreRequest],
        watch: &Watch,
    ) -> Result<Vec<TokenScores>, Error> {
        super::scoring::score(self, requests, watch)
    }

    fn generate(
        &mut self,
        feed: &mut dyn Feed,
        n_parallel: usize,
        watch: &Watch,
    ) -> Result<(), Error> {
        super::writing::write(self, feed, n_parallel, watch)
    }
}
