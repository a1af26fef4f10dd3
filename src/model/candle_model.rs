//! Llama, Qwen2 and Qwen3 on the CPU: the reference for every other body of the model, and the
//! fallback without a GPU. One forward pass serves prompts, scoring and decoding.
//!
//! Weights come from GGUF files through candle; `linear` decides how they are held and multiplied,
//! `attention` holds the cache.

use super::attention::{Heads, Segment, Span, attend};
use super::gguf::Gguf;
use super::linear::{self, Block, Held, Linear, Path as Product};
use super::sampler::choose;
use super::{
    ChatTemplate, Error, Feed, Finish, GenerateRequest, LanguageModel, ModelInfo, Reply,
    ScoreRequest, TokenScores, Tokenizer, Utf8Stream, simd,
};
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

/// The shape of the model, from the file's header.
struct Config {
    architecture: String,
    n_layers: usize,
    /// Width of the hidden state (D).
    width: usize,
    ff_width: usize,
    heads: Heads,
    n_vocab: usize,
    window: usize,
    epsilon: f32,
    rope: Rope,
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
    info: ModelInfo,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    config: Config,
    token_embd: Block,
    blk: Vec<Layer>,
    output_norm: Vec<f32>,
    output: Linear,
    n_scored: u64,
}

impl Config {
    fn read(gguf: &Gguf) -> Result<Self, Error> {
        let architecture = gguf
            .text("general.architecture")
            .ok_or_else(|| gguf.refuse("it names no architecture"))?
            .to_owned();
        if !["llama", "qwen2", "qwen3"].contains(&architecture.as_str()) {
            return Err(gguf.refuse(format!(
                "its architecture is `{architecture}`; llama, qwen2 and qwen3 can be run"
            )));
        }
        let key = |name: &str| format!("{architecture}.{name}");
        if gguf.count(&key("expert_count"))?.unwrap_or(0) > 0 {
            return Err(gguf.refuse(
                "it is a mixture of experts; dense llama, qwen2 and qwen3 models can be run",
            ));
        }
        let width = gguf.size(&key("embedding_length"), 1 << 16)?;
        let n_heads = gguf.size(&key("attention.head_count"), 1 << 10)?;
        let kv_key = key("attention.head_count_kv");
        let n_kv_heads = if gguf.count(&kv_key)?.is_some() {
            gguf.size(&kv_key, n_heads as u64)?
        } else {
            n_heads
        };
        let size_key = key("attention.key_length");
        let head_size = if gguf.count(&size_key)?.is_some() {
            gguf.size(&size_key, 1 << 10)?
        } else {
            width / n_heads
        };
        if !n_heads.is_multiple_of(n_kv_heads) || !head_size.is_multiple_of(2) || head_size == 0 {
            return Err(gguf.refuse(format!(
                "{n_heads} heads over {n_kv_heads} of size {head_size} do not fit together"
            )));
        }
        let heads = Heads { n_heads, n_kv_heads, head_size };
        let n_vocab = match gguf.content.tensor_infos.get("token_embd.weight") {
            Some(info) if info.shape.rank() == 2 => info.shape.dims()[0],
            _ => return Err(gguf.refuse("the tensor `token_embd.weight` is missing")),
        };
        let epsilon = gguf.number(&key("attention.layer_norm_rms_epsilon"))?.unwrap_or(1e-5);
        Ok(Self {
            n_layers: gguf.size(&key("block_count"), 1 << 10)?,
            ff_width: gguf.size(&key("feed_forward_length"), 1 << 20)?,
            window: gguf.size(&key("context_length"), 1 << 30)?,
            rope: Rope::read(gguf, &architecture, head_size)?,
            epsilon: epsilon as f32,
            architecture,
            width,
            heads,
            n_vocab,
        })
    }

    /// Name, outputs and inputs of every matrix.
    fn matrices(&self) -> Vec<(String, usize, usize)> {
        let (d, f) = (self.width, self.ff_width);
        let (q, kv) = (self.heads.q_width(), self.heads.kv_width());
        let mut all = vec![("token_embd.weight".to_owned(), self.n_vocab, d)];
        for layer in 0..self.n_layers {
            let per_layer = [
                ("attn_q", q, d),
                ("attn_k", kv, d),
                ("attn_v", kv, d),
                ("attn_output", d, q),
                ("ffn_gate", f, d),
                ("ffn_up", f, d),
                ("ffn_down", d, f),
            ];
            all.extend(
                per_layer
                    .map(|(name, n_out, n_in)| (format!("blk.{layer}.{name}.weight"), n_out, n_in)),
            );
        }
        all
    }
}

/// Rotary position embedding.
struct Rope {
    /// One angle per position and pair of values, in radians.
    frequencies: Vec<f64>,
    /// Pairs are `(i, i + half)` (Qwen) instead of `(2 i, 2 i + 1)` (Llama's GGUF files).
    halves: bool,
    /// Factor on the attention's queries and keys (YaRN), 1 without.
    magnitude: f64,
}

impl Rope {
    fn read(gguf: &Gguf, architecture: &str, head_size: usize) -> Result<Self, Error> {
        let key = |name: &str| format!("{architecture}.{name}");
        let base = gguf.number(&key("rope.freq_base"))?.unwrap_or(10_000.0);
        if let Some(n) = gguf.count(&key("rope.dimension_count"))?
            && n as usize != head_size
        {
            return Err(gguf.refuse(format!("it rotates {n} of {head_size} values of a head")));
        }
        let mut frequencies: Vec<f64> = (0..head_size / 2)
            .map(|pair| base.powf(-(2.0 * pair as f64) / head_size as f64))
            .collect();
        let mut magnitude = 1.0;
        let factor = gguf.number(&key("rope.scaling.factor"))?.unwrap_or(1.0).max(1e-6);
        match gguf.text(&key("rope.scaling.type")) {
            None | Some("none") => {}
            Some("linear") => frequencies.iter_mut().for_each(|f| *f /= factor),
            Some("yarn") => {
                let window = gguf
                    .count(&key("rope.scaling.original_context_length"))?
                    .ok_or_else(|| gguf.refuse("YaRN scaling without its original length"))?;
                yarn(&mut frequencies, base, factor, window as f64);
                magnitude = 0.1 * factor.ln() + 1.0;
            }
            Some(other) => {
                return Err(gguf.refuse(format!("its rope scaling `{other}` is unknown")));
            }
        }
        Ok(Self { frequencies, halves: architecture != "llama", magnitude })
    }

    /// Cosines and sines for `positions`, `[positions, head size / 2]` each.
    fn table(&self, positions: &[usize]) -> (Vec<f32>, Vec<f32>) {
        let angles =
            positions.iter().flat_map(|p| self.frequencies.iter().map(move |f| *p as f64 * f));
        angles
            .map(|a| ((a.cos() * self.magnitude) as f32, (a.sin() * self.magnitude) as f32))
            .unzip()
    }

    /// Rotates every head of every row of `x [rows, heads x head size]`.
    fn rotate(&self, x: &mut [f32], width: usize, (cos, sin): &(Vec<f32>, Vec<f32>)) {
        let half = self.frequencies.len();
        let tables = cos.par_chunks_exact(half).zip(sin.par_chunks_exact(half));
        let rows = x.par_chunks_exact_mut(width).zip(tables).with_min_len(32);
        rows.for_each(|(row, (cos, sin))| {
            for head in row.chunks_exact_mut(2 * half) {
                for pair in 0..half {
                    let (a, b) =
                        if self.halves { (pair, pair + half) } else { (2 * pair, 2 * pair + 1) };
                    let (x, y) = (head[a], head[b]);
                    head[a] = x * cos[pair] - y * sin[pair];
                    head[b] = x * sin[pair] + y * cos[pair];
                }
            }
        });
    }
}

/// YaRN (arXiv 2309.00071, section 3.2): slow frequencies are interpolated, fast ones kept, with a
/// ramp between 32 and 1 turns over the original window.
fn yarn(frequencies: &mut [f64], base: f64, factor: f64, window: f64) {
    let n = frequencies.len() as f64;
    let turns_at = |turns: f64| (window / (turns * std::f64::consts::TAU)).ln() * n / base.ln();
    let (low, high) = (turns_at(32.0).floor().max(0.0), turns_at(1.0).ceil().min(2.0 * n - 1.0));
    for (pair, frequency) in frequencies.iter_mut().enumerate() {
        let kept = 1.0 - ((pair as f64 - low) / (high - low).max(0.001)).clamp(0.0, 1.0);
        *frequency = *frequency / factor * (1.0 - kept) + *frequency * kept;
    }
}

impl CandleModel {
    /// Loads a GGUF file. The memory is planned from the header before anything large is read.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::File`], [`Error::Memory`], [`Error::Cancelled`]; each names the file.
    pub fn load(path: &Path, options: CandleOptions, watch: &Watch) -> Result<Self, Error> {
        let mut gguf = Gguf::open(path)?;
        let config = Config::read(&gguf)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let tokenizer = Tokenizer::from_gguf(&gguf.content, &name)?;
        if tokenizer.vocab_size() > config.n_vocab {
            let n = tokenizer.vocab_size();
            return Err(gguf.refuse(format!(
                "its vocabulary has {n} tokens, its embedding {}",
                config.n_vocab
            )));
        }
        let template = ChatTemplate::from_gguf(&gguf.content, &tokenizer)?;
        for warning in tokenizer.warnings().iter().map(String::as_str).chain(template.warning()) {
            watch.warn(format!("{name}: {warning}"));
        }
        let (held, weight_bytes) = plan(&gguf, &config, options)?;
        if held == Held::QuantizedOnly {
            watch.warn(format!(
                "{name}: dense weights do not fit the free memory; prompts decode them layer by layer \
                 and are slower"
            ));
        }
        watch.stage("checking the model file", 0);
        let sha256 = gguf.sha256()?;
        watch.stage("loading the model", config.n_layers as u64);
        let mut blk = Vec::new();
        for layer in 0..config.n_layers {
            watch.check()?;
            blk.push(Layer::load(&mut gguf, &config, layer, held)?);
            watch.advance(1);
        }
        let (n_vocab, width) = (config.n_vocab, config.width);
        let head = if gguf.has("output.weight") { "output.weight" } else { "token_embd.weight" };
        let head = gguf.matrix(head, n_vocab, width)?;
        Ok(Self {
            info: ModelInfo {
                name,
                sha256,
                architecture: config.architecture.clone(),
                quantization: main_format(&gguf),
                device: "cpu".into(),
                window: config.window,
                n_vocab,
                weight_bytes,
                cache_bytes_per_token: (8 * config.heads.kv_width() * config.n_layers) as u64,
            },
            tokenizer,
            template,
            token_embd: gguf.matrix("token_embd.weight", n_vocab, width)?,
            blk,
            output_norm: gguf.vector("output_norm.weight", width)?,
            output: Linear::new(vec![head], None, held)?,
            config,
            n_scored: 0,
        })
    }

    fn segment(&self) -> Segment {
        Segment::new(self.config.n_layers)
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
            span.own.tokens.extend_from_slice(span.new);
        }
        simd::rms_norm_in_place(&mut x, &self.output_norm, epsilon);
        Ok(x)
    }

    /// Reads `tokens` after what `own` holds, in chunks; the last hidden state `[D]`.
    fn read(&self, own: &mut Segment, tokens: &[u32], watch: &Watch) -> Result<Vec<f32>, Error> {
        let mut last = Vec::new();
        // One token, as after a prompt that is known already, is bound by bytes like decoding.
        let product = if tokens.len() == 1 { Product::Decode } else { Product::Prompt };
        for new in tokens.chunks(CHUNK) {
            let mut spans = [Span { past: &[], own: &mut *own, new }];
            let hidden = self.forward(&mut spans, product, watch)?;
            last = hidden[hidden.len() - self.config.width..].to_vec();
        }
        Ok(last)
    }
}

/// Which forms of the weights fit, and the bytes they take.
fn plan(gguf: &Gguf, config: &Config, options: CandleOptions) -> Result<(Held, u64), Error> {
    let free = options.free_bytes.unwrap_or_else(free_bytes);
    let matrices = config.matrices();
    let mut blocks = 0;
    let mut bytes = BTreeMap::new();
    for (name, n_out, n_in) in &matrices {
        let Some(dtype) = gguf.dtype(name) else {
            return Err(gguf.refuse(format!("the tensor `{name}` is missing")));
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
        path: gguf.path.clone(),
        needed_mib: (least / 7 * 8) >> 20,
        free_mib: free >> 20,
    })
}

/// Memory that can be taken without swapping, also inside a container.
fn free_bytes() -> u64 {
    // Where the system does not tell, nothing is refused.
    let Ok(mut system) = sysinfo::System::new() else { return u64::MAX };
    system.refresh_memory();
    let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    system.available_memory().min(limit)
}

/// The format that most weights have.
fn main_format(gguf: &Gguf) -> String {
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for info in gguf.content.tensor_infos.values() {
        let n: u64 = info.shape.dims().iter().map(|d| *d as u64).product();
        *sizes.entry(format!("{:?}", info.ggml_dtype)).or_default() += n;
    }
    let name = sizes.into_iter().max_by_key(|(_, n)| *n).map(|(name, _)| name).unwrap_or_default();
    // `Q4K` is written `Q4_K` everywhere else.
    match name.strip_suffix('K') {
        Some(bits) => format!("{bits}_K"),
        None => name,
    }
}

impl Layer {
    fn load(gguf: &mut Gguf, config: &Config, layer: usize, held: Held) -> Result<Self, Error> {
        let (d, f) = (config.width, config.ff_width);
        let (q, kv) = (config.heads.q_width(), config.heads.kv_width());
        let name = |stem: &str, kind: &str| format!("blk.{layer}.{stem}.{kind}");
        let mut linear = |stems: &[(&str, usize)], n_in: usize| -> Result<Linear, Error> {
            let mut parts = Vec::new();
            let mut bias = Vec::new();
            for (stem, n_out) in stems {
                parts.push(gguf.matrix(&name(stem, "weight"), *n_out, n_in)?);
                if gguf.has(&name(stem, "bias")) {
                    bias.extend(gguf.vector(&name(stem, "bias"), *n_out)?);
                }
            }
            let n_out: usize = stems.iter().map(|(_, n)| n).sum();
            if !bias.is_empty() && bias.len() != n_out {
                return Err(gguf.refuse(format!("layer {layer} has a bias on a part of a matrix")));
            }
            Ok(Linear::new(parts, (!bias.is_empty()).then_some(bias), held)?)
        };
        let attn_qkv = linear(&[("attn_q", q), ("attn_k", kv), ("attn_v", kv)], d)?;
        let attn_output = linear(&[("attn_output", d)], q)?;
        let ffn_gate_up = linear(&[("ffn_gate", f), ("ffn_up", f)], d)?;
        let ffn_down = linear(&[("ffn_down", d)], f)?;
        let mut norm_if_there = |stem: &str| -> Result<Option<Vec<f32>>, Error> {
            let name = name(stem, "weight");
            if !gguf.has(&name) {
                return Ok(None);
            }
            gguf.vector(&name, config.heads.head_size).map(Some)
        };
        let attn_q_norm = norm_if_there("attn_q_norm")?;
        let attn_k_norm = norm_if_there("attn_k_norm")?;
        Ok(Self {
            attn_norm: gguf.vector(&name("attn_norm", "weight"), d)?,
            ffn_norm: gguf.vector(&name("ffn_norm", "weight"), d)?,
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
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    fn template(&self) -> &ChatTemplate {
        &self.template
    }

    fn score(
        &mut self,
        requests: &[ScoreRequest],
        watch: &Watch,
    ) -> Result<Vec<TokenScores>, Error> {
        let mut scoring = Scoring::new(self, requests, watch)?;
        let mut all: Vec<usize> = (0..requests.len()).collect();
        all.retain(|ix| scoring.n_needed[*ix] > 0);
        all.sort_by(|a, b| requests[*a].tokens.cmp(&requests[*b].tokens).then(a.cmp(b)));
        scoring.descend(&all, 0, &[])?;
        let (found, n) = (scoring.found, scoring.n_computed);
        self.n_scored += n;
        requests.iter().zip(found).map(|(request, found)| collect_scores(request, &found)).collect()
    }

    fn n_scored_positions(&self) -> u64 {
        self.n_scored
    }

    fn generate(
        &mut self,
        feed: &mut dyn Feed,
        n_parallel: usize,
        watch: &Watch,
    ) -> Result<(), Error> {
        let mut running: Vec<Slot> = Vec::new();
        let mut logits = Vec::new();
        loop {
            watch.check()?;
            while running.len() < n_parallel.max(1)
                && let Some(request) = feed.next()
            {
                let slot = Slot::begin(self, self.segment(), request, watch)?;
                running.push(slot);
                self.settle(&mut running, feed, watch)?;
            }
            if running.is_empty() {
                return Ok(());
            }
            let mut spans: Vec<Span<'_>> = Vec::new();
            let new: Vec<u32> =
                running.iter().filter_map(|slot| slot.written.last().copied()).collect();
            for (slot, new) in running.iter_mut().zip(&new) {
                spans.push(Span {
                    past: &[],
                    own: &mut slot.segment,
                    new: std::slice::from_ref(new),
                });
            }
            let hidden = self.forward(&mut spans, Product::Decode, watch)?;
            let n_rows = running.len();
            self.output.forward(&hidden, n_rows, Product::Decode, &mut logits)?;
            for (slot, logits) in
                running.iter_mut().zip(logits.chunks_exact_mut(self.config.n_vocab))
            {
                slot.choose(logits);
            }
            self.settle(&mut running, feed, watch)?;
        }
    }
}

impl CandleModel {
    /// Hands out new text and takes finished sequences away, or lets them go on as the feed says.
    fn settle(
        &self,
        running: &mut Vec<Slot>,
        feed: &mut dyn Feed,
        watch: &Watch,
    ) -> Result<(), Error> {
        let mut ix = 0;
        while ix < running.len() {
            let finish = running[ix].take_text(self, feed);
            let Some(finish) = finish else {
                ix += 1;
                continue;
            };
            let slot = running.swap_remove(ix);
            let reply = Reply { text: slot.text, n_tokens: slot.written.len(), finish };
            if let Some(next) = feed.done(slot.request.id, reply) {
                // Checked again from its first token on.
                running.insert(ix, Slot::begin(self, slot.segment, next, watch)?);
            }
        }
        Ok(())
    }
}

/// A sequence that is being written.
struct Slot {
    request: GenerateRequest,
    segment: Segment,
    written: Vec<u32>,
    utf8: Utf8Stream,
    text: String,
    /// Bytes of `text` that were handed out.
    n_shown: usize,
    /// Tokens of `written` that are in `text`.
    n_read: usize,
}

impl Slot {
    /// Reads the prompt, as far as `segment` does not hold it yet, and chooses the first token.
    fn begin(
        model: &CandleModel,
        mut segment: Segment,
        request: GenerateRequest,
        watch: &Watch,
    ) -> Result<Self, Error> {
        let n = request.prompt.len();
        if n >= model.config.window {
            return Err(Error::TooLong { n_tokens: n, window: model.config.window });
        }
        let Some(last) = n.checked_sub(1) else {
            return Err(Error::Request("an empty prompt".into()));
        };
        let shared = segment.tokens.iter().zip(&request.prompt).take_while(|(a, b)| a == b).count();
        segment.truncate(shared.min(last), model.config.heads);
        let hidden = model.read(&mut segment, &request.prompt[shared.min(last)..], watch)?;
        let mut logits = Vec::new();
        model.output.forward(&hidden, 1, Product::Decode, &mut logits)?;
        let mut slot = Self {
            request,
            segment,
            written: Vec::new(),
            utf8: Utf8Stream::default(),
            text: String::new(),
            n_shown: 0,
            n_read: 0,
        };
        slot.choose(&mut logits);
        Ok(slot)
    }

    fn choose(&mut self, logits: &mut [f32]) {
        let GenerateRequest { sampling, stream, .. } = &mut self.request;
        self.written.push(choose(logits, &self.written, sampling, stream));
    }

    /// Turns the newest token into text and says whether the sequence ended.
    fn take_text(&mut self, model: &CandleModel, feed: &mut dyn Feed) -> Option<Finish> {
        let mut finish = None;
        for id in &self.written[self.n_read..] {
            if model.tokenizer.stop_ids().contains(id) {
                finish = Some(Finish::Stop);
            } else {
                self.text.push_str(&self.utf8.push(&model.tokenizer.token_bytes(*id)));
            }
        }
        self.n_read = self.written.len();
        if finish.is_none() && self.ends_at_limit(model) {
            finish = Some(Finish::Length);
        }
        if finish.is_some() {
            let rest = self.utf8.finish();
            self.text.push_str(&rest);
        }
        let first = self.request.stop.iter().filter_map(|stop| self.text.find(stop.as_str())).min();
        if let Some(at) = first {
            self.text.truncate(at);
            finish = Some(Finish::Stop);
        }
        let n_ready = if finish.is_some() { self.text.len() } else { self.n_safe() };
        if n_ready > self.n_shown {
            feed.piece(self.request.id, &self.text[self.n_shown..n_ready]);
            self.n_shown = n_ready;
        }
        finish
    }

    fn ends_at_limit(&self, model: &CandleModel) -> bool {
        self.written.len() >= self.request.sampling.max_new_tokens.max(1)
            || self.request.prompt.len() + self.written.len() >= model.config.window
    }

    /// Bytes of the text that cannot be the beginning of a stop text.
    fn n_safe(&self) -> usize {
        let mut safe = self.text.len();
        for stop in &self.request.stop {
            let begins = |at: &usize| stop.as_bytes().starts_with(&self.text.as_bytes()[*at..]);
            let from = self.text.len().saturating_sub(stop.len());
            safe = (from..self.text.len()).find(begins).unwrap_or(safe).min(safe);
        }
        safe
    }
}

/// Walks the tree of the requests' common prefixes, computing each edge once.
struct Scoring<'a> {
    model: &'a CandleModel,
    requests: &'a [ScoreRequest],
    watch: &'a Watch,
    /// Tokens of each request that must be read to score it.
    n_needed: Vec<usize>,
    /// For each request: place of the scored token -> (log-probability, argmax).
    found: Vec<BTreeMap<usize, (f32, bool)>>,
    n_computed: u64,
}

/// A part of the batch of one forward pass: tokens `from..to` of all of `group`.
struct Edge {
    group: Vec<usize>,
    from: usize,
    to: usize,
}

impl<'a> Scoring<'a> {
    fn new(
        model: &'a CandleModel,
        requests: &'a [ScoreRequest],
        watch: &'a Watch,
    ) -> Result<Self, Error> {
        let mut n_needed = Vec::new();
        for request in requests {
            let end = request.scored.iter().map(|range| range.end).max().unwrap_or(0);
            let bad = request.scored.iter().any(|r| r.start == 0 || r.start > r.end);
            if bad || end > request.tokens.len() {
                let n = request.tokens.len();
                return Err(Error::Request(format!("scoring {:?} of {n} tokens", request.scored)));
            }
            if end > model.config.window {
                return Err(Error::TooLong { n_tokens: end, window: model.config.window });
            }
            n_needed.push(end.saturating_sub(1));
        }
        let found = vec![BTreeMap::new(); requests.len()];
        Ok(Self { model, requests, watch, n_needed, found, n_computed: 0 })
    }

    /// The group's tokens from `from` on; `past` holds what comes before. The group is sorted.
    fn descend(&mut self, group: &[usize], from: usize, past: &[&Segment]) -> Result<(), Error> {
        let mut leaves: Vec<Edge> = Vec::new();
        let mut n_rows = 0;
        for edge in self.edges(group, from) {
            if edge.group.iter().all(|ix| self.n_needed[*ix] <= edge.to) {
                n_rows += edge.to - edge.from;
                leaves.push(edge);
                if n_rows >= CHUNK {
                    self.run_leaves(std::mem::take(&mut leaves), past)?;
                    n_rows = 0;
                }
            } else {
                let mut own = self.model.segment();
                self.run(&edge, past, &mut own)?;
                let mut longer = past.to_vec();
                longer.push(&own);
                self.descend(&edge.group, edge.to, &longer)?;
            }
        }
        self.run_leaves(leaves, past)
    }

    /// Cuts a sorted group by its next token, each part as long as its members agree.
    fn edges(&self, group: &[usize], from: usize) -> Vec<Edge> {
        let mut edges: Vec<Edge> = Vec::new();
        let token = |ix: usize| self.requests[ix].tokens[from];
        for ix in group.iter().copied().filter(|ix| self.n_needed[*ix] > from) {
            match edges.last_mut() {
                Some(edge) if token(edge.group[0]) == token(ix) => edge.group.push(ix),
                _ => edges.push(Edge { group: vec![ix], from, to: from }),
            }
        }
        for edge in &mut edges {
            let first = &self.requests[edge.group[0]].tokens[from..];
            let agreed = |ix: &usize| {
                let tokens = &self.requests[*ix].tokens[from..self.n_needed[*ix].max(from)];
                let n = tokens.iter().zip(first).take_while(|(a, b)| a == b).count();
                // A member that ends inside the others' run does not cut it.
                if n == tokens.len() { usize::MAX } else { n }
            };
            let longest = edge.group.iter().map(|ix| self.n_needed[*ix]).max().unwrap_or(from);
            let n = edge.group.iter().map(agreed).min().unwrap_or(0).min(longest - from);
            edge.to = from + n;
        }
        edges
    }

    fn run(&mut self, edge: &Edge, past: &[&Segment], own: &mut Segment) -> Result<(), Error> {
        let tokens = self.longest(edge);
        for (ix, new) in tokens.chunks(CHUNK).enumerate() {
            let mut spans = [Span { past, own: &mut *own, new }];
            let hidden = self.model.forward(&mut spans, Product::Prompt, self.watch)?;
            self.n_computed += new.len() as u64;
            let first = edge.from + ix * CHUNK;
            self.take(&hidden, &[(&edge.group, first, new.len())])?;
        }
        Ok(())
    }

    /// Many short edges after the same past, in one pass.
    fn run_leaves(&mut self, edges: Vec<Edge>, past: &[&Segment]) -> Result<(), Error> {
        let is_long = |edge: &Edge| edge.to - edge.from > CHUNK;
        for edge in edges.iter().filter(|edge| is_long(edge)) {
            self.run(edge, past, &mut self.model.segment())?;
        }
        let short: Vec<&Edge> = edges.iter().filter(|edge| !is_long(edge)).collect();
        if short.is_empty() {
            return Ok(());
        }
        let mut owns: Vec<Segment> = short.iter().map(|_| self.model.segment()).collect();
        let tokens: Vec<&[u32]> = short.iter().map(|edge| self.longest(edge)).collect();
        let mut spans: Vec<Span<'_>> =
            owns.iter_mut().zip(&tokens).map(|(own, new)| Span { past, own, new }).collect();
        let hidden = self.model.forward(&mut spans, Product::Prompt, self.watch)?;
        self.n_computed += tokens.iter().map(|new| new.len() as u64).sum::<u64>();
        let parts: Vec<(&[usize], usize, usize)> =
            short.iter().map(|edge| (&edge.group[..], edge.from, edge.to - edge.from)).collect();
        self.take(&hidden, &parts)
    }

    fn longest(&self, edge: &Edge) -> &'a [u32] {
        let ix = edge.group.iter().max_by_key(|ix| self.n_needed[**ix]).copied().unwrap_or(0);
        &self.requests[ix].tokens[edge.from..edge.to]
    }

    /// Reads the scores out of hidden states; `parts` are (requests, first place, rows) in order.
    fn take(&mut self, hidden: &[f32], parts: &[(&[usize], usize, usize)]) -> Result<(), Error> {
        // Row of `hidden` -> the tokens asked for after it, and by which request.
        let mut asked: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        let mut first_row = 0;
        for (group, first, n) in parts {
            for ix in *group {
                for range in &self.requests[*ix].scored {
                    for place in range.clone().filter(|p| (*first..first + n).contains(&(p - 1))) {
                        asked.entry(first_row + place - 1 - first).or_default().push((*ix, place));
                    }
                }
            }
            first_row += n;
        }
        let width = self.model.config.width;
        let rows: Vec<f32> =
            asked.keys().flat_map(|row| &hidden[row * width..(row + 1) * width]).copied().collect();
        if rows.is_empty() {
            return Ok(());
        }
        let targets: Vec<Vec<u32>> = asked
            .values()
            .map(|asked| asked.iter().map(|(ix, p)| self.requests[*ix].tokens[*p]).collect())
            .collect();
        let scores = log_probabilities(&self.model.output, width, &rows, &targets, self.watch)?;
        for (asked, scores) in asked.values().zip(scores) {
            for ((ix, place), score) in asked.iter().zip(scores) {
                self.found[*ix].insert(*place, score);
            }
        }
        Ok(())
    }
}

/// Log-probability of each row's targets, over tiles of the vocabulary: the whole `[rows, V]` is
/// never held.
fn log_probabilities(
    output: &Linear,
    width: usize,
    rows: &[f32],
    targets: &[Vec<u32>],
    watch: &Watch,
) -> Result<Vec<Vec<(f32, bool)>>, Error> {
    let n_rows = targets.len();
    let weights = output.dense()?;
    let mut sums = vec![(f32::NEG_INFINITY, 0u32, f32::NEG_INFINITY); n_rows];
    let mut logits: Vec<Vec<f32>> = targets.iter().map(|t| vec![0.0; t.len()]).collect();
    let mut scratch = Vec::new();
    for (tile_ix, tile) in weights.chunks(VOCAB_TILE * width).enumerate() {
        watch.check()?;
        let (first, n) = (tile_ix * VOCAB_TILE, tile.len() / width);
        let mut block = vec![0.0; n_rows * n];
        linear::product(rows, n_rows, tile, width, &mut block);
        for (row_ix, row) in block.chunks_exact(n).enumerate() {
            let (lse, place) = simd::log_sum_exp(row, &mut scratch);
            let (total, best, best_logit) = &mut sums[row_ix];
            *total = add_logs(*total, lse);
            if row[place] > *best_logit {
                (*best, *best_logit) = ((first + place) as u32, row[place]);
            }
            for (target, logit) in targets[row_ix].iter().zip(&mut logits[row_ix]) {
                if (first..first + n).contains(&(*target as usize)) {
                    *logit = row[*target as usize - first];
                }
            }
        }
    }
    let score = |row: usize| {
        let (total, best, _) = sums[row];
        let with = logits[row].iter().zip(&targets[row]);
        with.map(|(logit, target)| (logit - total, *target == best)).collect()
    };
    Ok((0..n_rows).map(score).collect())
}

/// `ln(e^a + e^b)`
fn add_logs(a: f32, b: f32) -> f32 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f32::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

fn collect_scores(
    request: &ScoreRequest,
    found: &BTreeMap<usize, (f32, bool)>,
) -> Result<TokenScores, Error> {
    let mut scores = TokenScores::default();
    for place in request.scored.iter().flat_map(Clone::clone) {
        let Some((logprob, argmax)) = found.get(&place) else {
            return Err(Error::Request(format!("no score came out for token {place}")));
        };
        scores.logprobs.push(*logprob);
        scores.argmax.push(*argmax);
    }
    Ok(scores)
}
