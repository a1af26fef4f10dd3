//! The weights on the adapter, in their file's formats, cut to what a binding may hold.

use crate::gpu::{self, Buffer, Format, Gpu, TILE_ROWS};
use crate::job::Watch;
use crate::model::Error;
use crate::model::adapter::{Adapter, Fused, Projection};
use crate::model::checkpoint::Checkpoint;
use crate::model::config::Config;
use candle_core::quantized::GgmlDType;

/// Rows of the output matrix in one part: so many logits of a row are held at once while scoring.
const VOCAB_TILE: usize = 8192;

/// Some rows of a matrix, in one buffer.
pub struct Part {
    pub format: Format,
    pub words: Buffer,
    /// Which output is the first.
    pub first: usize,
    pub n_out: usize,
}

/// One or several matrices over the same input, their outputs side by side.
pub struct Matrix {
    pub n_in: usize,
    pub n_out: usize,
    pub parts: Vec<Part>,
    /// `[n_out]`
    pub bias: Option<Buffer>,
    /// What an adapter adds: A `[rank, n_in]` and B `[n_out, rank]`.
    pub change: Option<Box<[Matrix; 2]>>,
}

pub struct Layer {
    pub attn_norm: Buffer,
    pub attn_qkv: Matrix,
    pub attn_q_norm: Option<Buffer>,
    pub attn_k_norm: Option<Buffer>,
    pub attn_output: Matrix,
    pub ffn_norm: Buffer,
    pub ffn_gate_up: Matrix,
    pub ffn_down: Matrix,
}

pub struct Weights {
    pub token_embd: Matrix,
    pub blk: Vec<Layer>,
    pub output_norm: Buffer,
    /// `None`: the embedding serves.
    pub output: Option<Matrix>,
}

/// The format in which the kernels read a tensor; formats that they do not know become dense.
fn format_of(dtype: GgmlDType) -> Format {
    match dtype {
        GgmlDType::F16 => Format::F16,
        GgmlDType::BF16 => Format::BF16,
        GgmlDType::Q8_0 => Format::Q8_0,
        GgmlDType::Q4_0 => Format::Q4_0,
        GgmlDType::Q4_1 => Format::Q4_1,
        GgmlDType::Q4K => Format::Q4K,
        GgmlDType::Q5K => Format::Q5K,
        GgmlDType::Q6K => Format::Q6K,
        _ => Format::F32,
    }
}

/// Bytes that the matrices take on the adapter.
pub fn planned_bytes(checkpoint: &Checkpoint, config: &Config) -> Result<u64, Error> {
    let size = config.heads.head_size;
    if !size.is_multiple_of(4) {
        return Err(checkpoint.refuse(format!(
            "its heads have {size} values, no multiple of 4, which the GPU cannot read; use --device cpu"
        )));
    }
    let mut n_words = 0;
    let output = [("output.weight".to_owned(), config.n_vocab, config.width)];
    let output = output.into_iter().filter(|(name, ..)| checkpoint.has(name));
    for (name, n_out, n_in) in config.matrices().into_iter().chain(output) {
        let Some(dtype) = checkpoint.dtype(&name) else {
            return Err(checkpoint.missing(&name));
        };
        let format = format_of(dtype);
        if !format.fits(n_in) {
            return Err(checkpoint.refuse(format!(
                "tensor `{name}` has rows of {n_in}, no multiple of 32, which the GPU cannot read; use \
                 --device cpu"
            )));
        }
        n_words += format.matrix_words(n_out, n_in) as u64;
    }
    Ok(4 * n_words)
}

impl Weights {
    pub fn load(
        checkpoint: &mut Checkpoint,
        config: &Config,
        adapter: Option<&Adapter>,
        gpu: &mut Gpu,
        watch: &Watch,
    ) -> Result<Self, Error> {
        watch.stage("loading the model", config.n_layers as u64);
        let mut blk = Vec::new();
        for layer in 0..config.n_layers {
            watch.check()?;
            let mut new = Layer::load(checkpoint, config, layer, gpu)?;
            if let Some(adapter) = adapter {
                new.adapt(adapter, config, layer, gpu)?;
            }
            blk.push(new);
            gpu.flush()?;
            watch.advance(1);
        }
        let shape = [("token_embd", config.n_vocab)];
        let token_embd = Matrix::load(checkpoint, gpu, "", &shape, config.width, VOCAB_TILE)?;
        let output = if checkpoint.has("output.weight") {
            let shape = [("output", config.n_vocab)];
            Some(Matrix::load(checkpoint, gpu, "", &shape, config.width, VOCAB_TILE)?)
        } else {
            None
        };
        gpu.flush()?;
        let output_norm = vector(checkpoint, gpu, "output_norm.weight", config.width)?;
        Ok(Self { token_embd, blk, output_norm, output })
    }

    /// The matrix whose products with the hidden state are the logits.
    pub fn head(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.token_embd)
    }

    /// The largest rank of what an adapter adds.
    pub fn widest_change(&self) -> usize {
        let matrices = self.blk.iter().flat_map(|layer| {
            [&layer.attn_qkv, &layer.attn_output, &layer.ffn_gate_up, &layer.ffn_down]
        });
        let ranks = matrices.filter_map(|matrix| Some(matrix.change.as_ref()?[0].n_out));
        ranks.max().unwrap_or(0)
    }
}

impl Layer {
    fn load(
        checkpoint: &mut Checkpoint,
        config: &Config,
        layer: usize,
        gpu: &mut Gpu,
    ) -> Result<Self, Error> {
        let (d, f) = (config.width, config.ff_width);
        let (q, kv) = (config.heads.q_width(), config.heads.kv_width());
        let prefix = format!("blk.{layer}.");
        let mut matrix = |stems: &[(&str, usize)], n_in: usize| {
            Matrix::load(checkpoint, gpu, &prefix, stems, n_in, usize::MAX)
        };
        let attn_qkv = matrix(&[("attn_q", q), ("attn_k", kv), ("attn_v", kv)], d)?;
        let attn_output = matrix(&[("attn_output", d)], q)?;
        let ffn_gate_up = matrix(&[("ffn_gate", f), ("ffn_up", f)], d)?;
        let ffn_down = matrix(&[("ffn_down", d)], f)?;
        let mut norm_if_there = |stem: &str| -> Result<Option<Buffer>, Error> {
            let name = format!("{prefix}{stem}.weight");
            if !checkpoint.has(&name) {
                return Ok(None);
            }
            vector(checkpoint, gpu, &name, config.heads.head_size).map(Some)
        };
        let attn_q_norm = norm_if_there("attn_q_norm")?;
        let attn_k_norm = norm_if_there("attn_k_norm")?;
        Ok(Self {
            attn_norm: vector(checkpoint, gpu, &format!("{prefix}attn_norm.weight"), d)?,
            ffn_norm: vector(checkpoint, gpu, &format!("{prefix}ffn_norm.weight"), d)?,
            attn_qkv,
            attn_q_norm,
            attn_k_norm,
            attn_output,
            ffn_gate_up,
            ffn_down,
        })
    }
}

impl Layer {
    /// Puts the changes of an adapter beside the matrices.
    fn adapt(
        &mut self,
        adapter: &Adapter,
        config: &Config,
        layer: usize,
        gpu: &mut Gpu,
    ) -> Result<(), Error> {
        use Projection::{Down, Gate, K, O, Q, Up, V};
        for (matrix, projections) in [
            (&mut self.attn_qkv, &[Q, K, V][..]),
            (&mut self.attn_output, &[O]),
            (&mut self.ffn_gate_up, &[Gate, Up]),
            (&mut self.ffn_down, &[Down]),
        ] {
            if let Some(Fused { rank, a, b }) = adapter.fused(layer, projections, config, 32) {
                let a = Matrix::dense(a, rank, matrix.n_in, gpu)?;
                matrix.change = Some(Box::new([a, Matrix::dense(b, matrix.n_out, rank, gpu)?]));
            }
        }
        Ok(())
    }
}

fn vector(
    checkpoint: &mut Checkpoint,
    gpu: &mut Gpu,
    name: &str,
    n: usize,
) -> Result<Buffer, Error> {
    let values = checkpoint.vector(name, n)?;
    Ok(gpu.upload(bytemuck::cast_slice(&values), name)?)
}

/// Rows of neighbouring tensors in one format, as bytes of the file.
struct Rows {
    format: Format,
    bytes: Vec<u8>,
    n_out: usize,
}

impl Matrix {
    fn load(
        checkpoint: &mut Checkpoint,
        gpu: &mut Gpu,
        prefix: &str,
        stems: &[(&str, usize)],
        n_in: usize,
        most_rows: usize,
    ) -> Result<Self, Error> {
        let mut all: Vec<Rows> = Vec::new();
        let mut bias = Vec::new();
        for (stem, n_out) in stems {
            let name = format!("{prefix}{stem}.weight");
            let rows = read_rows(checkpoint, &name, *n_out, n_in)?;
            match all.last_mut() {
                Some(last) if last.format == rows.format => {
                    last.bytes.extend(rows.bytes);
                    last.n_out += rows.n_out;
                }
                _ => all.push(rows),
            }
            let name = format!("{prefix}{stem}.bias");
            if checkpoint.has(&name) {
                bias.extend(checkpoint.vector(&name, *n_out)?);
            }
        }
        let n_out: usize = stems.iter().map(|(_, n)| n).sum();
        if !bias.is_empty() && bias.len() != n_out {
            return Err(checkpoint.refuse(format!("`{prefix}` has a bias on a part of a matrix")));
        }
        let parts = upload(all, n_in, most_rows, gpu)?;
        let bias = if bias.is_empty() {
            None
        } else {
            Some(gpu.upload(bytemuck::cast_slice(&bias), "a bias")?)
        };
        Ok(Self { n_in, n_out, parts, bias, change: None })
    }

    /// A matrix `[n_out, n_in]` of numbers that are in no file.
    fn dense(values: Vec<f32>, n_out: usize, n_in: usize, gpu: &mut Gpu) -> Result<Self, Error> {
        let bytes = bytemuck::cast_slice(&values).to_vec();
        let rows = vec![Rows { format: Format::F32, bytes, n_out }];
        let parts = upload(rows, n_in, usize::MAX, gpu)?;
        Ok(Self { n_in, n_out, parts, bias: None, change: None })
    }
}

/// Brings rows onto the adapter, cut to what a binding may hold and to `most_rows`.
fn upload(
    all: Vec<Rows>,
    n_in: usize,
    most_rows: usize,
    gpu: &mut Gpu,
) -> Result<Vec<Part>, Error> {
    let mut parts = Vec::new();
    let mut first = 0;
    for rows in all {
        let row_bytes = rows.bytes.len() / rows.n_out;
        let most = gpu.traits().max_binding_bytes / 4 / rows.format.row_words(n_in) as u64;
        let most = most as usize / TILE_ROWS * TILE_ROWS;
        let most = most.clamp(TILE_ROWS, most_rows);
        for bytes in rows.bytes.chunks(most * row_bytes) {
            let n_out = bytes.len() / row_bytes;
            let words = gpu::repack(rows.format, bytes, n_out, n_in);
            let words = gpu.upload(&words, "the weights")?;
            parts.push(Part { format: rows.format, words, first, n_out });
            first += n_out;
        }
    }
    Ok(parts)
}

fn read_rows(
    checkpoint: &mut Checkpoint,
    name: &str,
    n_out: usize,
    n_in: usize,
) -> Result<Rows, Error> {
    let Some(dtype) = checkpoint.dtype(name) else {
        return Err(checkpoint.missing(name));
    };
    let format = format_of(dtype);
    let bytes = if format == Format::F32 && dtype != GgmlDType::F32 {
        let values = checkpoint.matrix(name, n_out, n_in)?.dense()?;
        bytemuck::cast_slice(&values).to_vec()
    } else {
        checkpoint.read(name, &[n_out, n_in])?.1
    };
    Ok(Rows { format, bytes, n_out })
}
