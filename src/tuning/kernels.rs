//! The element-wise pieces of a training step and their gradients, vectorized and shared out over the
//! cores by rows.
//!
//! Matrix products are `model`'s; how the pieces make a layer is `layer`'s. Formulas are the
//! derivatives of those in `model::simd`; the twin of all of them is `autograd`.

use crate::model::simd::{self, add_scaled, dot, exp, vectorized};
use rayon::prelude::*;

/// Rows that a core takes at a time.
const ROWS: usize = 32;

vectorized! {
    fn rms_norm_back_rows(x: &[f32], gain: &[f32], epsilon: f32, grad: &[f32], into: &mut [f32]) {
        let width = gain.len();
        let mut scaled = vec![0.0f32; width];
        let rows = x.chunks_exact(width).zip(grad.chunks_exact(width));
        for ((x, grad), into) in rows.zip(into.chunks_exact_mut(width)) {
            for ((scaled, grad), gain) in scaled.iter_mut().zip(grad).zip(gain) {
                *scaled = grad * gain;
            }
            let inverse = 1.0 / (dot(x, x) / width as f32 + epsilon).sqrt();
            let mean = dot(&scaled, x) * inverse * inverse / width as f32;
            for ((into, scaled), x) in into.iter_mut().zip(&scaled).zip(x) {
                *into += inverse * (scaled - x * mean);
            }
        }
    }
}

/// Adds to `into` the gradient of the input of a root-mean-square normalization of the rows of
/// `x [rows, D]`, where `grad [rows, D]` is that of its output.
pub fn rms_norm_back(x: &[f32], gain: &[f32], epsilon: f32, grad: &[f32], into: &mut [f32]) {
    let n = ROWS * gain.len();
    let parts = x.par_chunks(n).zip(grad.par_chunks(n)).zip(into.par_chunks_mut(n));
    parts.for_each(|((x, grad), into)| rms_norm_back_rows(x, gain, epsilon, grad, into));
}

/// Root-mean-square normalization of each row of `x [rows, D]`, times `gain [D]`, into `out`.
pub fn rms_norm(x: &[f32], gain: &[f32], epsilon: f32, out: &mut Vec<f32>) {
    out.resize(x.len(), 0.0);
    let n = ROWS * gain.len();
    let parts = x.par_chunks(n).zip(out.par_chunks_mut(n));
    parts.for_each(|(x, out)| simd::rms_norm(x, gain, epsilon, out));
}

/// `silu(gate) * up` of rows `[gate | up]`, `[rows, 2 F]` into `out [rows, F]`.
pub fn gated(gate_up: &[f32], width: usize, out: &mut Vec<f32>) {
    out.resize(gate_up.len() / 2, 0.0);
    let parts = gate_up.par_chunks(2 * ROWS * width).zip(out.par_chunks_mut(ROWS * width));
    parts.for_each(|(rows, out)| simd::silu_mul(rows, width, out));
}

vectorized! {
    fn gated_back_rows(gate_up: &mut [f32], width: usize, grad: &[f32]) {
        for (row, grad) in gate_up.chunks_exact_mut(2 * width).zip(grad.chunks_exact(width)) {
            let (gate, up) = row.split_at_mut(width);
            for ((gate, up), grad) in gate.iter_mut().zip(up).zip(grad) {
                let share = 1.0 / (1.0 + exp(-*gate));
                let silu = *gate * share;
                let slope = share * (1.0 + *gate * (1.0 - share));
                (*gate, *up) = (grad * *up * slope, grad * silu);
            }
        }
    }
}

/// Turns `gate_up [rows, 2 F]` into its own gradient, where `grad [rows, F]` is that of [`gated`].
pub fn gated_back(gate_up: &mut [f32], width: usize, grad: &[f32]) {
    let parts = gate_up.par_chunks_mut(2 * ROWS * width).zip(grad.par_chunks(ROWS * width));
    parts.for_each(|(rows, grad)| gated_back_rows(rows, width, grad));
}

/// `a += b`
pub fn add(a: &mut [f32], b: &[f32]) {
    const PIECE: usize = 1 << 14;
    a.par_chunks_mut(PIECE).zip(b.par_chunks(PIECE)).for_each(|(a, b)| simd::add(a, b));
}

vectorized! {
    /// Turns the rows of `weights`, which are not yet divided by `totals`, into shares, and the rows of
    /// `grads`, which are the gradients of the shares, into those of the unscaled scores.
    pub fn softmax_back(weights: &mut [f32], totals: &[f32], grads: &mut [f32], n_seen: usize, scale: f32) {
        let rows = weights.chunks_exact_mut(n_seen).zip(grads.chunks_exact_mut(n_seen));
        for ((weights, grads), total) in rows.zip(totals) {
            let share = 1.0 / total;
            for weight in weights.iter_mut() {
                *weight *= share;
            }
            let mean = dot(weights, grads);
            for (grad, weight) in grads.iter_mut().zip(weights.iter()) {
                *grad = weight * (*grad - mean) * scale;
            }
        }
    }
}

vectorized! {
    /// Turns a row of logits into the gradient of `weight * -ln p(target)` and returns `-ln p(target)`
    /// in nats.
    pub fn cross_entropy(logits: &mut [f32], target: usize, weight: f32) -> f32 {
        let at_target = logits[target];
        let largest = logits.iter().fold(f32::NEG_INFINITY, |most, x| most.max(*x));
        let total = simd::exp_sum(logits, largest);
        let scale = weight / total;
        for x in logits.iter_mut() {
            *x *= scale;
        }
        logits[target] -= weight;
        total.ln() + largest - at_target
    }
}

vectorized! {
    /// `y += a * x`
    pub fn add_times(y: &mut [f32], a: f32, x: &[f32]) {
        add_scaled(y, a, x);
    }
}

/// Which values dropout keeps: each by itself with the same probability, drawn from a key and the
/// value's place.
#[derive(Debug, Clone, Copy)]
pub struct Mask {
    /// Names the mask.
    pub key: u64,
    /// The probability that a value is dropped, in `[0, 1)`.
    pub rate: f64,
}

impl Mask {
    /// `x` with the dropped values 0 and the others scaled up, into `out`.
    pub fn apply(self, x: &[f32], out: &mut Vec<f32>) {
        const PIECE: usize = 1 << 14;
        out.resize(x.len(), 0.0);
        let dropped = (self.rate * 2f64.powi(32)) as u64;
        let scale = (1.0 / (1.0 - self.rate)) as f32;
        let parts = x.par_chunks(PIECE).zip(out.par_chunks_mut(PIECE)).enumerate();
        parts.for_each(|(part, (x, out))| {
            let first = (part * PIECE) as u64;
            for (place, (x, out)) in (first..).zip(x.iter().zip(out)) {
                *out = if mix(self.key, place) >> 32 < dropped { 0.0 } else { x * scale };
            }
        });
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014) over a key and a place.
fn mix(key: u64, place: u64) -> u64 {
    let mut z = key.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropout_keeps_its_share_and_the_mean() {
        let mut out = Vec::new();
        let mask = Mask { key: 7, rate: 0.25 };
        mask.apply(&vec![1.0; 100_000], &mut out);
        let dropped = out.iter().filter(|x| **x == 0.0).count();
        assert!((24_000..26_000).contains(&dropped), "{dropped}");
        let mean = out.iter().map(|x| f64::from(*x)).sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        let mut again = Vec::new();
        mask.apply(&vec![1.0; 100_000], &mut again);
        assert_eq!(out, again);
        Mask { key: 8, ..mask }.apply(&vec![1.0; 100_000], &mut again);
        assert_ne!(out, again);
    }
}
