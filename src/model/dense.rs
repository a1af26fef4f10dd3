//! All weights of a model as dense f32 in memory: what training reads.
//!
//! Nothing is computed here. The bodies that score and write hold their weights as suits their
//! devices; training is `tuning`'s.

use super::Error;
use super::candle_model::free_bytes;
use super::checkpoint::Checkpoint;
use super::config::Config;
use super::known::{Header, Known};
use crate::job::Watch;
use std::path::Path;

/// One or several matrices over the same input, their outputs side by side.
pub struct DenseMatrix {
    /// Inputs.
    pub n_in: usize,
    /// Outputs.
    pub n_out: usize,
    /// `[n_out, n_in]`
    pub weights: Vec<f32>,
    /// `[n_out]`
    pub bias: Option<Vec<f32>>,
}

/// The weights of a layer.
pub struct DenseLayer {
    /// `[D]`
    pub attn_norm: Vec<f32>,
    /// Queries, keys and values: `[(H + 2 K) x head size, D]`
    pub attn_qkv: DenseMatrix,
    /// `[head size]` (Qwen3)
    pub attn_q_norm: Option<Vec<f32>>,
    /// `[head size]` (Qwen3)
    pub attn_k_norm: Option<Vec<f32>>,
    /// `[D, H x head size]`
    pub attn_output: DenseMatrix,
    /// `[D]`
    pub ffn_norm: Vec<f32>,
    /// Gate and up: `[2 F, D]`
    pub ffn_gate_up: DenseMatrix,
    /// `[D, F]`
    pub ffn_down: DenseMatrix,
}

/// All weights of a model.
pub struct DenseWeights {
    /// The shape of the model.
    pub config: Config,
    /// `[V, D]`
    pub token_embd: Vec<f32>,
    /// The layers, lowest first.
    pub layers: Vec<DenseLayer>,
    /// `[D]`
    pub output_norm: Vec<f32>,
    /// `[V, D]`; `None`: the embedding serves.
    pub output: Option<Vec<f32>>,
}

/// Bytes of the matrices as f32.
fn bytes(checkpoint: &Checkpoint, config: &Config) -> u64 {
    let output = checkpoint.has("output.weight").then_some((config.n_vocab, config.width));
    let matrices = config.matrices().into_iter().map(|(_, n_out, n_in)| (n_out, n_in));
    matrices.chain(output).map(|(n_out, n_in)| 4 * n_out as u64 * n_in as u64).sum()
}

impl DenseWeights {
    /// Reads a model and turns its weights into f32.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::File`], [`Error::Memory`], [`Error::Cancelled`]; each names the file.
    pub fn load(path: &Path, watch: &Watch) -> Result<(Known, Self), Error> {
        let header = Header::read(path, watch)?;
        let needed = bytes(&header.checkpoint, &header.config);
        let free = free_bytes();
        // An eighth is left for what training computes and the rest of the machine.
        if needed > free / 8 * 7 {
            let (needed_mib, free_mib) = ((needed / 7 * 8) >> 20, free >> 20);
            return Err(Error::Memory { path: path.to_owned(), needed_mib, free_mib });
        }
        let (known, mut checkpoint, config) = header.known("cpu", needed, watch)?;
        watch.stage("loading the model", config.n_layers as u64);
        let mut layers = Vec::new();
        for layer in 0..config.n_layers {
            watch.check()?;
            layers.push(DenseLayer::load(&mut checkpoint, &config, layer)?);
            watch.advance(1);
        }
        let (n_vocab, width) = (config.n_vocab, config.width);
        let has_head = checkpoint.has("output.weight");
        let mut matrix =
            |name| checkpoint.matrix(name, n_vocab, width)?.dense().map_err(Error::from);
        let token_embd = matrix("token_embd.weight")?;
        let output = if has_head { Some(matrix("output.weight")?) } else { None };
        let weights = Self {
            token_embd,
            layers,
            output_norm: checkpoint.vector("output_norm.weight", width)?,
            output,
            config,
        };
        Ok((known, weights))
    }

    /// The matrix `[V, D]` whose products with the hidden state are the logits.
    pub fn head(&self) -> &[f32] {
        self.output.as_ref().unwrap_or(&self.token_embd)
    }
}

impl DenseLayer {
    fn load(checkpoint: &mut Checkpoint, config: &Config, layer: usize) -> Result<Self, Error> {
        let (d, f) = (config.width, config.ff_width);
        let (q, kv, size) =
            (config.heads.q_width(), config.heads.kv_width(), config.heads.head_size);
        let name = |stem: &str| format!("blk.{layer}.{stem}");
        let mut matrix =
            |stems: &[(&str, usize)], n_in| DenseMatrix::load(checkpoint, &name, stems, n_in);
        let attn_qkv = matrix(&[("attn_q", q), ("attn_k", kv), ("attn_v", kv)], d)?;
        let attn_output = matrix(&[("attn_output", d)], q)?;
        let ffn_gate_up = matrix(&[("ffn_gate", f), ("ffn_up", f)], d)?;
        let ffn_down = matrix(&[("ffn_down", d)], f)?;
        let mut norm = |stem: &str, n: usize| checkpoint.vector(&name(stem), n);
        let (attn_norm, ffn_norm) = (norm("attn_norm.weight", d)?, norm("ffn_norm.weight", d)?);
        let mut norm_if_there = |stem: &str| {
            let name = name(stem);
            checkpoint.has(&name).then(|| checkpoint.vector(&name, size)).transpose()
        };
        let attn_q_norm = norm_if_there("attn_q_norm.weight")?;
        let attn_k_norm = norm_if_there("attn_k_norm.weight")?;
        Ok(Self {
            attn_norm,
            attn_qkv,
            attn_q_norm,
            attn_k_norm,
            attn_output,
            ffn_norm,
            ffn_gate_up,
            ffn_down,
        })
    }
}

impl DenseMatrix {
    fn load(
        checkpoint: &mut Checkpoint,
        name: &dyn Fn(&str) -> String,
        stems: &[(&str, usize)],
        n_in: usize,
    ) -> Result<Self, Error> {
        let n_out = stems.iter().map(|(_, n)| n).sum();
        let mut weights = Vec::with_capacity(n_out * n_in);
        let mut bias = Vec::new();
        for (stem, n_out) in stems {
            let stem = name(stem);
            weights.extend(checkpoint.matrix(&format!("{stem}.weight"), *n_out, n_in)?.dense()?);
            if checkpoint.has(&format!("{stem}.bias")) {
                bias.extend(checkpoint.vector(&format!("{stem}.bias"), *n_out)?);
            }
        }
        if !bias.is_empty() && bias.len() != n_out {
            return Err(
                checkpoint.refuse(format!("`{}` has a bias on a part of a matrix", name("attn")))
            );
        }
        Ok(Self { n_in, n_out, weights, bias: (!bias.is_empty()).then_some(bias) })
    }
}
