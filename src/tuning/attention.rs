//! Causal attention over whole sequences, and its gradients.
//!
//! Sequences of a pack lie one after another and do not see one another, so nothing is padded. The
//! work items are (sequence, head) and their sums are cut alike whoever computes them. In the
//! backward pass the weights are computed again, a block of rows at a time.

use super::kernels::softmax_back;
use crate::model::Heads;
use crate::model::linear::{Matrix, multiply};
use crate::model::simd;
use gemm::Parallelism;
use rayon::prelude::*;
use std::ops::Range;

/// Query rows of a block.
const ROWS: usize = 128;

/// Queries `[T, H x head size]`, keys and values `[T, K x head size]`, rotated.
pub struct Inputs<'a> {
    pub heads: Heads,
    pub queries: &'a [f32],
    pub keys: &'a [f32],
    pub values: &'a [f32],
}

/// The same sizes as in [`Inputs`].
pub struct Gradients<'a> {
    pub queries: &'a mut [f32],
    pub keys: &'a mut [f32],
    pub values: &'a mut [f32],
}

/// One head of one sequence.
struct Item {
    rows: Range<usize>,
    head: usize,
}

fn items(lens: &[usize], n_heads: usize) -> Vec<Item> {
    let mut first = 0;
    let mut items = Vec::new();
    for len in lens {
        let rows = first..first + len;
        items.extend((0..n_heads).map(|head| Item { rows: rows.clone(), head }));
        first += len;
    }
    items
}

impl Inputs<'_> {
    fn scale(&self) -> f32 {
        1.0 / (self.heads.head_size as f32).sqrt()
    }

    fn kv_head(&self, head: usize) -> usize {
        head / (self.heads.n_heads / self.heads.n_kv_heads)
    }

    fn query(&self, rows: Range<usize>, head: usize) -> Matrix<'_> {
        part(self.queries, rows, self.heads.n_heads, head, self.heads.head_size)
    }

    fn kv<'a>(&self, data: &'a [f32], rows: Range<usize>, head: usize) -> Matrix<'a> {
        part(data, rows, self.heads.n_kv_heads, self.kv_head(head), self.heads.head_size)
    }

    /// The softmax weights of a block of an item's rows, not yet divided by `totals`.
    fn weights(
        &self,
        item: &Item,
        block: &Range<usize>,
        scores: &mut Vec<f32>,
        totals: &mut Vec<f32>,
    ) {
        let n_seen = block.end - item.rows.start;
        scores.resize(block.len() * n_seen, 0.0);
        totals.resize(block.len(), 0.0);
        let keys = self.kv(self.keys, item.rows.start..block.end, item.head).transposed();
        let query = self.query(block.clone(), item.head);
        multiply(query, keys, scores, n_seen, false, Parallelism::None);
        let n_before = block.start - item.rows.start;
        simd::causal_weights(scores, n_seen, n_before, self.scale(), totals);
    }

    /// What each row attends to, `[T, H x head size]`, into `out`.
    pub fn forward(&self, lens: &[usize], out: &mut Vec<f32>) {
        let items = items(lens, self.heads.n_heads);
        let size = self.heads.head_size;
        out.resize(self.queries.len(), 0.0);
        let parts: Vec<Vec<f32>> = items
            .par_iter()
            .with_max_len(1)
            .map_init(<[Vec<f32>; 2]>::default, |[scores, totals], item| {
                let mut out = vec![0.0; item.rows.len() * size];
                for block in blocks(&item.rows) {
                    let n_seen = block.end - item.rows.start;
                    self.weights(item, &block, scores, totals);
                    let weights = whole(scores, block.len(), n_seen);
                    let values = self.kv(self.values, item.rows.start..block.end, item.head);
                    let first = (block.start - item.rows.start) * size;
                    let out = &mut out[first..first + block.len() * size];
                    multiply(weights, values, out, size, false, Parallelism::None);
                    for (row, total) in out.chunks_exact_mut(size).zip(totals.iter()) {
                        row.iter_mut().for_each(|x| *x /= total);
                    }
                }
                out
            })
            .collect();
        for (item, part) in items.iter().zip(&parts) {
            place(out, self.heads.n_heads, item, item.head, part, size, |to, from| {
                to.copy_from_slice(from);
            });
        }
    }

    /// The gradients of queries, keys and values, where `grad [T, H x head size]` is that of the
    /// output.
    pub fn backward(&self, lens: &[usize], grad: &[f32], into: Gradients<'_>) {
        let items = items(lens, self.heads.n_heads);
        let size = self.heads.head_size;
        let parts: Vec<[Vec<f32>; 3]> = items
            .par_iter()
            .with_max_len(1)
            .map_init(<[Vec<f32>; 3]>::default, |scratch, item| self.item_back(item, grad, scratch))
            .collect();
        let Gradients { queries, keys, values } = into;
        keys.fill(0.0);
        values.fill(0.0);
        for (item, [q, k, v]) in items.iter().zip(&parts) {
            place(queries, self.heads.n_heads, item, item.head, q, size, |to, from| {
                to.copy_from_slice(from);
            });
            for (all, part) in [(&mut *keys, k), (&mut *values, v)] {
                place(
                    all,
                    self.heads.n_kv_heads,
                    item,
                    self.kv_head(item.head),
                    part,
                    size,
                    simd::add,
                );
            }
        }
    }

    /// The gradients of one head of one sequence, `[rows, head size]` each.
    fn item_back(&self, item: &Item, grad: &[f32], scratch: &mut [Vec<f32>; 3]) -> [Vec<f32>; 3] {
        let size = self.heads.head_size;
        let [weights, totals, grads] = scratch;
        let [mut q, mut k, mut v] = [(); 3].map(|()| vec![0.0; item.rows.len() * size]);
        for block in blocks(&item.rows) {
            let n_seen = block.end - item.rows.start;
            let seen = item.rows.start..block.end;
            self.weights(item, &block, weights, totals);
            let out = part(grad, block.clone(), self.heads.n_heads, item.head, size);
            grads.resize(block.len() * n_seen, 0.0);
            let values = self.kv(self.values, seen.clone(), item.head);
            multiply(out, values.transposed(), grads, n_seen, false, Parallelism::None);
            softmax_back(weights, totals, grads, n_seen, self.scale());
            let shares = whole(weights, block.len(), n_seen).transposed();
            multiply(shares, out, &mut v[..n_seen * size], size, true, Parallelism::None);
            let grads = whole(grads, block.len(), n_seen);
            let query = self.query(block.clone(), item.head);
            let to = &mut k[..n_seen * size];
            multiply(grads.transposed(), query, to, size, true, Parallelism::None);
            let first = (block.start - item.rows.start) * size;
            let to = &mut q[first..first + block.len() * size];
            let keys = self.kv(self.keys, seen, item.head);
            multiply(grads, keys, to, size, false, Parallelism::None);
        }
        [q, k, v]
    }
}

fn blocks(rows: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let end = rows.end;
    rows.clone().step_by(ROWS).map(move |first| first..(first + ROWS).min(end))
}

fn whole(data: &[f32], n_rows: usize, n_cols: usize) -> Matrix<'_> {
    Matrix { data, n_rows, n_cols, row_stride: n_cols }
}

/// Rows of one of `n` heads.
fn part(data: &[f32], rows: Range<usize>, n: usize, head: usize, size: usize) -> Matrix<'_> {
    let width = n * size;
    let data = &data[rows.start * width + head * size..];
    Matrix { data, n_rows: rows.len(), n_cols: size, row_stride: width }
}

/// Brings a head's rows `[rows, head size]` to their places among all of `n` heads.
fn place(
    all: &mut [f32],
    n: usize,
    item: &Item,
    head: usize,
    part: &[f32],
    size: usize,
    bring: fn(&mut [f32], &[f32]),
) {
    let rows = all[item.rows.start * n * size..].chunks_exact_mut(n * size);
    for (row, part) in rows.zip(part.chunks_exact(size)) {
        bring(&mut row[head * size..(head + 1) * size], part);
    }
}
