//! Llama, Qwen2 and Qwen3 on the CPU: the reference for every other body of the model, and the
//! fallback without a GPU. One forward pass serves prompts, scoring and decoding.
//!
//! Weights come from GGUF files through candle; `linear` decides how they are held and multiplied,
//! `attention` holds the cache.

mod rope;
mod scoring;
mod writing;

use super::attention::{Heads, Segment, Span, attend};
use super::gguf::Gguf;
use super::linear::{self, Block, Held, Linear, Path as Product};
use super::{
    ChatTemplate, Error, Feed, LanguageModel, ModelInfo, ScoreRequest, TokenScores, Tokenizer, simd,
};
use crate::job::Watch;
use rayon::prelude::*;
use rope::Rope;
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
    fn read(gguf: &mut Gguf) -> Result<Self, Error> {
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

impl CandleModel {
    /// Loads a GGUF file. The memory is planned from the header before anything large is read.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::File`], [`Error::Memory`], [`Error::Cancelled`]; each names the file.
    pub fn load(path: &Path, options: CandleOptions, watch: &Watch) -> Result<Self, Error> {
        let mut gguf = Gguf::open(path)?;
        let config = Config::read(&mut gguf)?;
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
            info: info(&gguf, &config, sha256, weight_bytes),
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

    /// What the header of a GGUF file says of the model, and how it would be held in the memory that
    /// is free now. Nothing large is read, so `sha256` is empty.
    ///
    /// # Errors
    /// As [`CandleModel::load`].
    pub fn describe(path: &Path, options: CandleOptions) -> Result<ModelInfo, Error> {
        let mut gguf = Gguf::open(path)?;
        let config = Config::read(&mut gguf)?;
        let (_, weight_bytes) = plan(&gguf, &config, options)?;
        Ok(info(&gguf, &config, String::new(), weight_bytes))
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

fn info(gguf: &Gguf, config: &Config, sha256: String, weight_bytes: u64) -> ModelInfo {
    ModelInfo {
        name: gguf.path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        sha256,
        architecture: config.architecture.clone(),
        quantization: main_format(gguf),
        device: "cpu".into(),
        window: config.window,
        n_vocab: config.n_vocab,
        weight_bytes,
        cache_bytes_per_token: (8 * config.heads.kv_width() * config.n_layers) as u64,
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
        let (scores, n_computed) = scoring::score(self, requests, watch)?;
        self.n_scored += n_computed;
        Ok(scores)
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
        self.write(feed, n_parallel, watch)
    }
}
