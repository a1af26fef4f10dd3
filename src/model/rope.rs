//! Rotary position embedding, with the frequency scalings that GGUF files name.

use super::Error;
use super::gguf::Gguf;
use rayon::prelude::*;

/// Rotary position embedding.
pub struct Rope {
    /// One angle per position and pair of values, in radians.
    frequencies: Vec<f64>,
    /// Pairs are `(i, i + half)` (Qwen) instead of `(2 i, 2 i + 1)` (Llama's GGUF files).
    halves: bool,
    /// Factor on the attention's queries and keys (YaRN), 1 without.
    magnitude: f64,
}

impl Rope {
    /// Reads the frequencies and their scaling.
    pub fn read(gguf: &mut Gguf, architecture: &str, head_size: usize) -> Result<Self, Error> {
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
        if gguf.has("rope_freqs.weight") {
            // The frequency scaling of Llama 3.x, worked out when the file was made.
            let factors = gguf.vector("rope_freqs.weight", head_size / 2)?;
            frequencies.iter_mut().zip(factors).for_each(|(f, factor)| *f /= f64::from(factor));
        }
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

    /// Whether pairs are `(i, i + half)`.
    pub fn halves(&self) -> bool {
        self.halves
    }

    /// Cosines and sines for `positions`, `[positions, head size / 2]` each.
    pub fn table(&self, positions: &[usize]) -> (Vec<f32>, Vec<f32>) {
        let angles =
            positions.iter().flat_map(|p| self.frequencies.iter().map(move |f| *p as f64 * f));
        angles
            .map(|a| ((a.cos() * self.magnitude) as f32, (a.sin() * self.magnitude) as f32))
            .unzip()
    }

    /// Rotates every head of every row of `x [rows, heads x head size]`.
    pub fn rotate(&self, x: &mut [f32], width: usize, (cos, sin): &(Vec<f32>, Vec<f32>)) {
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
