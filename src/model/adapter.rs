//! Low-rank adapters (LoRA, arXiv 2106.09685): beside a frozen matrix W stands `scale * B A`.
//!
//! Here is what an adapter is and which matrices it may change; its files are `files`'. Applying it
//! belongs to the bodies of a model, training it to `tuning`.

mod files;
#[cfg(test)]
mod tests;

use super::config::Config;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A matrix of a layer that can be adapted, by its name in checkpoints.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Projection {
    /// Queries.
    #[serde(rename = "q_proj")]
    Q,
    /// Keys.
    #[serde(rename = "k_proj")]
    K,
    /// Values.
    #[serde(rename = "v_proj")]
    V,
    /// The attention's output.
    #[serde(rename = "o_proj")]
    O,
    /// The gate of the feed-forward part.
    #[serde(rename = "gate_proj")]
    Gate,
    /// Its first matrix.
    #[serde(rename = "up_proj")]
    Up,
    /// Its last matrix.
    #[serde(rename = "down_proj")]
    Down,
}

impl Projection {
    /// All of a layer.
    pub const ALL: [Self; 7] =
        [Self::Q, Self::K, Self::V, Self::O, Self::Gate, Self::Up, Self::Down];

    /// Its name in checkpoints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Q => "q_proj",
            Self::K => "k_proj",
            Self::V => "v_proj",
            Self::O => "o_proj",
            Self::Gate => "gate_proj",
            Self::Up => "up_proj",
            Self::Down => "down_proj",
        }
    }

    /// Its place in a layer of a checkpoint.
    pub fn module(self) -> &'static str {
        match self {
            Self::Q => "self_attn.q_proj",
            Self::K => "self_attn.k_proj",
            Self::V => "self_attn.v_proj",
            Self::O => "self_attn.o_proj",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }
}

/// The change of one matrix: `scale * B A`.
#[derive(Debug, Clone, PartialEq)]
pub struct LowRank {
    /// Rows of A, columns of B.
    pub rank: usize,
    /// Factor on the product.
    pub scale: f32,
    /// `[rank, n_in]`
    pub a: Vec<f32>,
    /// `[n_out, rank]`, rows in the checkpoint's (Hugging Face's) order.
    pub b: Vec<f32>,
}

/// How an adapter was made, as its `adapter_config.json` says.
#[derive(Debug, Clone, PartialEq)]
pub struct AdapterConfig {
    /// Rank where nothing else is said.
    pub rank: usize,
    /// LoRA's alpha: the change is scaled by alpha / rank.
    pub alpha: f64,
    /// Share of the inputs that training dropped.
    pub dropout: f64,
    /// The matrices that are adapted.
    pub targets: BTreeSet<Projection>,
    /// The model that it belongs to, as its trainer named it; may be empty.
    pub base_model: String,
}

/// An adapter of a whole model.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapter {
    /// How it was made.
    pub config: AdapterConfig,
    /// The changes of each layer, lowest first; higher layers may be missing.
    pub layers: Vec<BTreeMap<Projection, LowRank>>,
    /// SHA-256 of both its files, lowercase hex; empty before it is written.
    pub sha256: String,
}

impl Adapter {
    /// Whether it fits a model of this shape.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, config: &Config) -> Result<(), String> {
        if self.layers.len() > config.n_layers {
            return Err(format!(
                "it changes layer {} of a model with {} layers; take the model it was made for",
                self.layers.len() - 1,
                config.n_layers
            ));
        }
        for (layer, changes) in self.layers.iter().enumerate() {
            for (projection, LowRank { rank, a, b, .. }) in changes {
                let (n_out, n_in) = shape(*projection, config);
                let found = (b.len() / rank, a.len() / rank);
                if found != (n_out, n_in) {
                    return Err(format!(
                        "`layers.{layer}.{}` is for a matrix of {} by {}, and the model's has {n_out} by \
                         {n_in}; take the model it was made for",
                        projection.module(),
                        found.0,
                        found.1
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The changes of matrices that are multiplied together, as one change of all their outputs.
pub struct Fused {
    /// Rows of A, columns of B.
    pub rank: usize,
    /// `[rank, n_in]`
    pub a: Vec<f32>,
    /// `[n_out, rank]`, scaled, rows in the order of the model's file.
    pub b: Vec<f32>,
}

impl Adapter {
    /// The change of these matrices of a layer, whose outputs lie side by side: the A's one below the
    /// other, the B's along a diagonal. The rank is filled up with zeros to a multiple of `step`.
    pub fn fused(
        &self,
        layer: usize,
        projections: &[Projection],
        config: &Config,
        step: usize,
    ) -> Option<Fused> {
        let changes = self.layers.get(layer)?;
        let parts = projections.iter().map(|p| (changes.get(p), shape(*p, config)));
        let parts: Vec<(Option<&LowRank>, (usize, usize))> = parts.collect();
        let rank: usize =
            parts.iter().filter_map(|(low_rank, _)| Some(low_rank.as_ref()?.rank)).sum();
        if rank == 0 {
            return None;
        }
        let rank = rank.next_multiple_of(step);
        let (mut a, mut b, mut first) = (Vec::new(), Vec::new(), 0);
        for (projection, (low_rank, (n_out, _))) in projections.iter().zip(&parts) {
            let mut rows = vec![0.0; n_out * rank];
            if let Some(low_rank) = low_rank {
                a.extend_from_slice(&low_rank.a);
                for (row, own) in
                    rows.chunks_exact_mut(rank).zip(low_rank.b.chunks_exact(low_rank.rank))
                {
                    let scaled = own.iter().map(|x| x * low_rank.scale);
                    row[first..].iter_mut().zip(scaled).for_each(|(x, scaled)| *x = scaled);
                }
                to_file_order(*projection, config, &mut rows, rank);
                first += low_rank.rank;
            }
            b.extend(rows);
        }
        a.resize(rank * parts[0].1.1, 0.0);
        Some(Fused { rank, a, b })
    }

    /// Bytes of its numbers in memory.
    pub fn n_bytes(&self) -> u64 {
        let all = self.layers.iter().flat_map(|layer| layer.values());
        all.map(|low_rank| 4 * (low_rank.a.len() + low_rank.b.len()) as u64).sum()
    }
}

/// What an adapter is called: its folder's name.
pub fn name_of(folder: &Path) -> String {
    super::folder::name_of(folder)
}

/// What a model with an adapter is called.
pub fn adapted_name(base: &str, adapter: &str) -> String {
    format!("{base}+{adapter}")
}

/// Outputs and inputs of a matrix.
pub fn shape(projection: Projection, config: &Config) -> (usize, usize) {
    let (d, f) = (config.width, config.ff_width);
    let (q, kv) = (config.heads.q_width(), config.heads.kv_width());
    match projection {
        Projection::Q => (q, d),
        Projection::K | Projection::V => (kv, d),
        Projection::O => (d, q),
        Projection::Gate | Projection::Up => (f, d),
        Projection::Down => (d, f),
    }
}

/// Whether the model's file holds the rows of this matrix in another order than the checkpoint it was
/// made from: the GGUF files of llama bring the two halves of each head of queries and keys together
/// row by row, so that pairs that rotate lie side by side (`permute` of llama.cpp's
/// `convert_hf_to_gguf.py`).
fn is_interleaved(projection: Projection, config: &Config) -> bool {
    matches!(projection, Projection::Q | Projection::K) && !config.rope.halves()
}

/// Brings rows of `width` numbers from the order of the model's file into the checkpoint's.
pub fn to_checkpoint_order(
    projection: Projection,
    config: &Config,
    rows: &mut [f32],
    width: usize,
) {
    if is_interleaved(projection, config) {
        let half = config.heads.head_size / 2;
        reorder(rows, 2 * half, width, |row| 2 * (row % half) + row / half);
    }
}

/// Brings rows of `width` numbers from the checkpoint's order into that of the model's file.
pub fn to_file_order(projection: Projection, config: &Config, rows: &mut [f32], width: usize) {
    if is_interleaved(projection, config) {
        let half = config.heads.head_size / 2;
        reorder(rows, 2 * half, width, |row| row / 2 + row % 2 * half);
    }
}

/// Gives each row of each head the row that lay at `source` in the same head.
fn reorder(rows: &mut [f32], head_size: usize, width: usize, source: impl Fn(usize) -> usize) {
    for head in rows.chunks_exact_mut(head_size * width) {
        let old = head.to_vec();
        for (row, new) in head.chunks_exact_mut(width).enumerate() {
            let from = source(row) * width;
            new.copy_from_slice(&old[from..from + width]);
        }
    }
}
