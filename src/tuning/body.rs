//! The trained model on the CPU: the loss of a pack of sequences, and its gradients.
//!
//! Memory: for each token of a pack three rows a layer, and all the rest of one layer; the first layers
//! keep their products too, as far as a fixed room goes. Logits stand only for tokens whose loss counts,
//! some at a time.

use super::TuningError;
use super::kernels::{add_times, cross_entropy, rms_norm, rms_norm_back};
use super::layer::{Kept, Pass, Products, Scratch};
use super::lora::{Dropout, Layout};
use super::pack::Pack;
use super::trainable::Trainable;
use crate::job::{Cancelled, Watch};
use crate::model::dense::DenseWeights;
use crate::model::linear::{Matrix, multiply, product};
use gemm::Parallelism;
use rayon::prelude::*;

/// Targets whose logits are held at once.
const TARGETS: usize = 64;

/// Bytes of products that are kept for the backward pass at the most: they save it a fourth of its work,
/// and beyond them memory does not grow with the number of layers.
pub const PRODUCT_BYTES: usize = 512 << 20;

/// The model and the memory of its passes.
pub struct Body {
    weights: DenseWeights,
    kept: Vec<Kept>,
    /// Those of each layer that keeps them; the last are every other layer's by turns.
    products: Vec<Products>,
    product_bytes: usize,
    scratch: Scratch,
}

impl Body {
    /// Around these weights.
    pub fn new(weights: DenseWeights) -> Self {
        let kept = weights.layers.iter().map(|_| Kept::default()).collect();
        let products = (0..=weights.layers.len()).map(|_| Products::default()).collect();
        let (product_bytes, scratch) = (PRODUCT_BYTES, Scratch::default());
        Self { weights, kept, products, product_bytes, scratch }
    }

    /// The same with another room for kept products.
    #[cfg(test)]
    pub fn keeping(self, product_bytes: usize) -> Self {
        Self { product_bytes, ..self }
    }

    /// How many layers keep their products of a pack of so many tokens.
    fn n_keeping(&self, n_tokens: usize) -> usize {
        let config = &self.weights.config;
        let (q, kv) = (config.heads.q_width(), config.heads.kv_width());
        let each = 4 * n_tokens * (q + 2 * kv + 2 * config.ff_width);
        (self.product_bytes / each.max(1)).min(config.n_layers)
    }
}

impl Trainable for Body {
    fn weights(&self) -> &DenseWeights {
        &self.weights
    }

    fn losses(
        &mut self,
        layout: &Layout,
        values: &[f32],
        pack: &Pack,
        watch: &Watch,
    ) -> Result<Vec<f32>, TuningError> {
        let Self { weights, scratch, products, .. } = self;
        let pass = pass(weights, layout, values, None, pack);
        let products = &mut products[weights.layers.len()];
        let mut x = embed(weights, &pack.ids);
        for ix in 0..weights.layers.len() {
            watch.check()?;
            pass.forward(ix, &mut x, scratch, products, None);
        }
        Ok(head(weights, &x, pack, None, watch)?)
    }

    fn gradients(
        &mut self,
        layout: &Layout,
        values: &[f32],
        dropout: Option<Dropout>,
        pack: &Pack,
        grads: &mut [f32],
        watch: &Watch,
    ) -> Result<Vec<f32>, TuningError> {
        let n_keeping = self.n_keeping(pack.ids.len());
        let Self { weights, kept, products, scratch, .. } = self;
        let shared = weights.layers.len();
        // What an earlier pack left in layers that keep nothing now would only take room.
        products[n_keeping..shared].fill_with(Products::default);
        let of = |ix: usize| if ix < n_keeping { ix } else { shared };
        let pass = pass(weights, layout, values, dropout, pack);
        let mut x = embed(weights, &pack.ids);
        for (ix, kept) in kept.iter_mut().enumerate() {
            watch.check()?;
            pass.forward(ix, &mut x, scratch, &mut products[of(ix)], Some(kept));
        }
        let mut grad = vec![0.0; x.len()];
        let losses = head(weights, &x, pack, Some(&mut grad), watch)?;
        for (ix, kept) in kept.iter().enumerate().rev() {
            watch.check()?;
            let are_there = ix < n_keeping;
            pass.backward(ix, kept, scratch, &mut products[of(ix)], are_there, &mut grad, grads);
        }
        Ok(losses)
    }
}

fn pass<'a>(
    weights: &'a DenseWeights,
    layout: &'a Layout,
    values: &'a [f32],
    dropout: Option<Dropout>,
    pack: &'a Pack,
) -> Pass<'a> {
    let positions: Vec<usize> = pack.lens.iter().flat_map(|len| 0..*len).collect();
    let turn = weights.config.rope.table(&positions);
    let turn_back = (turn.0.clone(), turn.1.iter().map(|sin| -sin).collect());
    Pass { weights, layout, values, dropout, lens: &pack.lens, turn, turn_back }
}

/// `[T, D]`
fn embed(weights: &DenseWeights, ids: &[u32]) -> Vec<f32> {
    let width = weights.config.width;
    let row = |id: &u32| &weights.token_embd[*id as usize * width..][..width];
    ids.iter().flat_map(row).copied().collect()
}

/// `-ln p` of each target after the hidden states `x [T, D]`; the gradient of their weighted sum is
/// added to `grad [T, D]`.
fn head(
    weights: &DenseWeights,
    x: &[f32],
    pack: &Pack,
    mut grad: Option<&mut Vec<f32>>,
    watch: &Watch,
) -> Result<Vec<f32>, Cancelled> {
    let (width, matrix) = (weights.config.width, weights.head());
    let n_vocab = matrix.len() / width;
    let (mut losses, mut normed, mut logits) = (Vec::new(), Vec::new(), Vec::new());
    for targets in pack.targets.chunks(TARGETS) {
        watch.check()?;
        let row = |row: usize| row * width..(row + 1) * width;
        let chosen: Vec<f32> =
            targets.iter().flat_map(|target| &x[row(target.row)]).copied().collect();
        rms_norm(&chosen, &weights.output_norm, weights.config.epsilon, &mut normed);
        logits.resize(targets.len() * n_vocab, 0.0);
        product(&normed, targets.len(), matrix, width, &mut logits);
        let rows = logits.par_chunks_exact_mut(n_vocab).zip(targets);
        losses.par_extend(
            rows.map(|(row, target)| cross_entropy(row, target.id as usize, target.weight)),
        );
        let Some(grad) = grad.as_deref_mut() else { continue };
        let d_logits =
            Matrix { data: &logits, n_rows: targets.len(), n_cols: n_vocab, row_stride: n_vocab };
        let weights_of = Matrix { data: matrix, n_rows: n_vocab, n_cols: width, row_stride: width };
        let cores = Parallelism::Rayon(rayon::current_num_threads());
        multiply(d_logits, weights_of, &mut normed, width, false, cores);
        let mut d_chosen = vec![0.0; chosen.len()];
        rms_norm_back(
            &chosen,
            &weights.output_norm,
            weights.config.epsilon,
            &normed,
            &mut d_chosen,
        );
        for (target, d_row) in targets.iter().zip(d_chosen.chunks_exact(width)) {
            add_times(&mut grad[row(target.row)], 1.0, d_row);
        }
    }
    Ok(losses)
}
