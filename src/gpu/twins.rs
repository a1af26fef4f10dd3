//! The kernels' twins: the same sums in plain Rust, in double precision and from the file's bytes.

use super::format::Format;
use half::{bf16, f16};

/// The weights `[n_out, n_in]` that a file's bytes mean, by the formats' own definitions.
pub fn weights(format: Format, bytes: &[u8]) -> Vec<f64> {
    let (_, n_bytes) = format.block();
    bytes.chunks_exact(n_bytes).flat_map(|block| weights_of_block(format, block)).collect()
}

fn weights_of_block(format: Format, block: &[u8]) -> Vec<f64> {
    let half = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]).to_f64();
    let nibble =
        |at: usize, high: bool| f64::from(if high { block[at] >> 4 } else { block[at] & 15 });
    match format {
        Format::F32 => {
            vec![f64::from(f32::from_le_bytes([block[0], block[1], block[2], block[3]]))]
        }
        Format::F16 => vec![half(0)],
        Format::BF16 => vec![bf16::from_le_bytes([block[0], block[1]]).to_f64()],
        Format::Q8_0 => (0..32).map(|i| half(0) * f64::from(block[2 + i] as i8)).collect(),
        Format::Q4_0 => (0..32).map(|i| half(0) * (nibble(2 + i % 16, i >= 16) - 8.0)).collect(),
        Format::Q4_1 => (0..32).map(|i| half(0) * nibble(4 + i % 16, i >= 16) + half(2)).collect(),
        Format::Q4K | Format::Q5K => {
            let scale = |i: usize| -> (f64, f64) {
                let (low, high) = (&block[4..12], &block[12..16]);
                let (scale, offset) = if i < 4 {
                    (low[i] & 63, low[i + 4] & 63)
                } else {
                    let packed = high[i - 4];
                    ((packed & 15) | (low[i - 4] >> 6 << 4), (packed >> 4) | (low[i] >> 6 << 4))
                };
                (half(0) * f64::from(scale), half(2) * f64::from(offset))
            };
            let first = if format == Format::Q4K { 16 } else { 48 };
            let value = |i: usize| {
                let (part, is_high) = (i / 64, i % 64 >= 32);
                let fifth = match format {
                    Format::Q5K => f64::from(block[16 + i % 32] >> (i / 32) & 1) * 16.0,
                    _ => 0.0,
                };
                let (scale, offset) = scale(i / 32);
                scale * (nibble(first + 32 * part + i % 32, is_high) + fifth) - offset
            };
            (0..256).map(value).collect()
        }
        Format::Q6K => {
            let value = |i: usize| {
                let (part, quarter, l) = (i / 128, i % 128 / 32, i % 32);
                let low = nibble(64 * part + l + 32 * (quarter % 2), quarter >= 2);
                let high = f64::from(block[128 + 32 * part + l] >> (2 * quarter) & 3);
                half(208) * f64::from(block[192 + i / 16] as i8) * (low + 16.0 * high - 32.0)
            };
            (0..256).map(value).collect()
        }
    }
}

/// `inputs [T, n_in]` times `weights [n_out, n_in]`: `[T, n_out]`.
pub fn matmul(inputs: &[f32], weights: &[f64], n_in: usize) -> Vec<f64> {
    let dot = |x: &[f32], w: &[f64]| x.iter().zip(w).map(|(x, w)| f64::from(*x) * w).sum();
    let rows = inputs.chunks_exact(n_in);
    rows.flat_map(|x| weights.chunks_exact(n_in).map(move |w| dot(x, w))).collect()
}

/// Rows of as many values as `gain` has, each divided by its root mean square and weighed.
pub fn rms_norm(inputs: &[f32], gain: &[f32], epsilon: f32) -> Vec<f64> {
    let rows = inputs.chunks_exact(gain.len()).map(|row| {
        let sum: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
        let factor = 1.0 / (sum / row.len() as f64 + f64::from(epsilon)).sqrt();
        row.iter().zip(gain).map(move |(x, g)| f64::from(*x) * factor * f64::from(*g))
    });
    rows.flatten().collect()
}

/// The heads of `rows [T, heads x size]` turned by `angles [T, size / 2]` (cosine, sine).
pub fn rope(rows: &[f32], width: usize, angles: &[f32], size: usize, halves: bool) -> Vec<f64> {
    let mut out: Vec<f64> = rows.iter().map(|x| f64::from(*x)).collect();
    for (row, angles) in out.chunks_exact_mut(width).zip(angles.chunks_exact(size)) {
        for head in row.chunks_exact_mut(size) {
            for pair in 0..size / 2 {
                let (a, b) =
                    if halves { (pair, pair + size / 2) } else { (2 * pair, 2 * pair + 1) };
                let (cos, sin) = (f64::from(angles[2 * pair]), f64::from(angles[2 * pair + 1]));
                (head[a], head[b]) = (head[a] * cos - head[b] * sin, head[a] * sin + head[b] * cos);
            }
        }
    }
    out
}

/// Causal attention of the last rows of a sequence: `queries [T, H, size]` over all its `keys` and
/// `values [n, K, size]`.
pub fn attention(q: &[f32], keys: &[f32], values: &[f32], [h, k, size]: [usize; 3]) -> Vec<f64> {
    let (n_rows, n_keys) = (q.len() / (h * size), keys.len() / (k * size));
    let mut out = Vec::new();
    for row in 0..n_rows {
        for head in 0..h {
            let query = &q[(row * h + head) * size..][..size];
            let at = |t: usize| (t * k + head / (h / k)) * size;
            let score = |t: usize| {
                let pairs = query.iter().zip(&keys[at(t)..]);
                pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
                    / (size as f64).sqrt()
            };
            let weights: Vec<f64> = (0..=n_keys - n_rows + row).map(|t| score(t).exp()).collect();
            let total: f64 = weights.iter().sum();
            let value = |i: usize| {
                let terms = weights.iter().enumerate();
                terms.map(|(t, w)| w / total * f64::from(values[at(t) + i])).sum::<f64>()
            };
            out.extend((0..size).map(value));
        }
    }
    out
}

/// `silu(gate) * up` of rows `[T, 2 width]`.
pub fn gated(inputs: &[f32], width: usize) -> Vec<f64> {
    let row = |row: &[f32]| -> Vec<f64> {
        let (gate, up) = row.split_at(width);
        let pairs = gate.iter().zip(up).map(|(g, u)| (f64::from(*g), f64::from(*u)));
        pairs.map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect()
    };
    inputs.chunks_exact(2 * width).flat_map(row).collect()
}
