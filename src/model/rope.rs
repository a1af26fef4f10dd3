//! Rotary position embedding, with the frequency scalings that GGUF files and `config.json` name.

use super::Error;
use super::gguf::Gguf;
use rayon::prelude::*;
use serde_json::{Map, Value};

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
    /// Reads the frequencies and their scaling from the metadata of a GGUF file.
    pub fn of_gguf(gguf: &mut Gguf, architecture: &str, head_size: usize) -> Result<Self, Error> {
        let key = |name: &str| format!("{architecture}.{name}");
        let base = gguf.number(&key("rope.freq_base"))?.unwrap_or(10_000.0);
        if let Some(n) = gguf.count(&key("rope.dimension_count"))?
            && n as usize != head_size
        {
            return Err(gguf.refuse(format!("it rotates {n} of {head_size} values of a head")));
        }
        let mut frequencies = plain(base, head_size);
        if gguf.has("rope_freqs.weight") {
            // The frequency scaling of Llama 3.x, worked out when the file was made.
            let factors = factors(gguf, head_size / 2)?;
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
                yarn(&mut frequencies, base, factor, window as f64, Yarn::default());
                magnitude = 0.1 * factor.ln() + 1.0;
            }
            Some(other) => {
                return Err(gguf.refuse(format!("its rope scaling `{other}` is unknown")));
            }
        }
        Ok(Self { frequencies, halves: architecture != "llama", magnitude })
    }

    /// Reads the frequencies and their scaling from the fields of a `config.json`, whose pairs are
    /// always `(i, i + half)`.
    ///
    /// # Errors
    /// What is missing or unknown.
    pub fn of_config(config: &Map<String, Value>, head_size: usize) -> Result<Self, String> {
        let scaling = Scaling::of(config)?;
        let own = scaling.fields.and_then(|fields| fields.get("rope_theta"));
        let base = own.or_else(|| config.get("rope_theta")).and_then(Value::as_f64);
        let base = base.unwrap_or(10_000.0);
        if !base.is_finite() || base <= 1.0 {
            return Err(format!("`rope_theta` in config.json is {base}; repair it"));
        }
        let mut frequencies = plain(base, head_size);
        let mut magnitude = 1.0;
        match scaling.kind() {
            "default" => {}
            "linear" => {
                let factor = scaling.number("factor")?;
                frequencies.iter_mut().for_each(|f| *f /= factor);
            }
            "llama3" => llama3(&mut frequencies, &scaling)?,
            "yarn" => {
                let factor = scaling.number("factor")?;
                if scaling.has("mscale") {
                    return Err("its rope scaling has an `mscale`, which cannot be run".into());
                }
                let usual = Yarn::default();
                let yarn_of = Yarn {
                    fast: scaling.number_or("beta_fast", usual.fast)?,
                    slow: scaling.number_or("beta_slow", usual.slow)?,
                    rounds: scaling.fields.and_then(|f| f.get("truncate"))
                        != Some(&Value::Bool(false)),
                };
                yarn(&mut frequencies, base, factor, scaling.window(config)?, yarn_of);
                let usual = if factor > 1.0 { 0.1 * factor.ln() + 1.0 } else { 1.0 };
                magnitude = scaling.number_or("attention_factor", usual)?;
            }
            other => {
                return Err(format!(
                    "its rope scaling `{other}` is unknown; default, linear, llama3 and yarn can be run"
                ));
            }
        }
        Ok(Self { frequencies, halves: true, magnitude })
    }

    /// Without scaling, from the base of its frequencies.
    #[cfg(test)]
    pub fn plain(base: f64, head_size: usize, halves: bool) -> Self {
        Self { frequencies: plain(base, head_size), halves, magnitude: 1.0 }
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

/// Angles per position of each pair, without scaling.
fn plain(base: f64, head_size: usize) -> Vec<f64> {
    (0..head_size / 2).map(|pair| base.powf(-(2.0 * pair as f64) / head_size as f64)).collect()
}

/// The divisors of the frequencies that a GGUF file holds.
fn factors(gguf: &mut Gguf, n: usize) -> Result<Vec<f32>, Error> {
    let (dtype, bytes) = gguf.read("rope_freqs.weight", &[n])?;
    match dtype.from_data(bytes.into()).dequantize(n)? {
        candle_core::CpuStorage::F32(values) => Ok(values),
        _ => Err(gguf.refuse("tensor `rope_freqs.weight` does not turn into f32")),
    }
}

/// What a `config.json` says of the scaling: in `rope_scaling`, or as newer files have it in
/// `rope_parameters`.
struct Scaling<'a> {
    fields: Option<&'a Map<String, Value>>,
}

impl<'a> Scaling<'a> {
    fn of(config: &'a Map<String, Value>) -> Result<Self, String> {
        let there = |key: &str| config.get(key).filter(|value| !value.is_null());
        let fields = match there("rope_parameters").or_else(|| there("rope_scaling")) {
            None => None,
            Some(Value::Object(fields)) => Some(fields),
            Some(_) => return Err("its rope scaling in config.json is no table; repair it".into()),
        };
        let share = fields.and_then(|fields| fields.get("partial_rotary_factor"));
        let share = share.or_else(|| config.get("partial_rotary_factor")).and_then(Value::as_f64);
        match fields.is_some_and(|fields| fields.values().any(Value::is_object)) {
            true => Err("its layers differ in rope scaling, which cannot be run".into()),
            false if share.is_some_and(|share| share != 1.0) => {
                Err("it rotates a part of each head, which cannot be run".into())
            }
            false => Ok(Self { fields }),
        }
    }

    fn kind(&self) -> &'a str {
        let text =
            |key: &str| self.fields.and_then(|fields| fields.get(key)).and_then(Value::as_str);
        text("rope_type").or_else(|| text("type")).unwrap_or("default")
    }

    fn has(&self, key: &str) -> bool {
        self.fields.and_then(|fields| fields.get(key)).is_some_and(|value| !value.is_null())
    }

    fn number(&self, key: &str) -> Result<f64, String> {
        let number = self.fields.and_then(|fields| fields.get(key)).and_then(Value::as_f64);
        number.filter(|x| x.is_finite() && *x > 0.0).ok_or_else(|| {
            format!("`{key}` of its rope scaling in config.json is not a number above 0; repair it")
        })
    }

    fn number_or(&self, key: &str, usual: f64) -> Result<f64, String> {
        if self.has(key) { self.number(key) } else { Ok(usual) }
    }

    /// Tokens of the window before scaling.
    fn window(&self, config: &Map<String, Value>) -> Result<f64, String> {
        let whole = config.get("max_position_embeddings").and_then(Value::as_f64);
        match whole {
            Some(whole) => self.number_or("original_max_position_embeddings", whole),
            None => self.number("original_max_position_embeddings"),
        }
    }
}

/// The scaling of Llama 3.1: slow frequencies are divided, fast ones kept, those between mixed.
fn llama3(frequencies: &mut [f64], scaling: &Scaling<'_>) -> Result<(), String> {
    let factor = scaling.number("factor")?;
    let (low, high) = (scaling.number("low_freq_factor")?, scaling.number("high_freq_factor")?);
    let window = scaling.number("original_max_position_embeddings")?;
    for frequency in frequencies {
        let turns = window * *frequency / std::f64::consts::TAU;
        if turns < low {
            *frequency /= factor;
        } else if turns <= high {
            let kept = (turns - low) / (high - low);
            *frequency = (1.0 - kept) * *frequency / factor + kept * *frequency;
        }
    }
    Ok(())
}

/// Between which frequencies YaRN's ramp lies.
struct Yarn {
    /// Turns over the original window from which on a frequency is kept.
    fast: f64,
    /// Turns up to which it is interpolated.
    slow: f64,
    /// Whether the ramp begins and ends at whole pairs.
    rounds: bool,
}

impl Default for Yarn {
    fn default() -> Self {
        Self { fast: 32.0, slow: 1.0, rounds: true }
    }
}

/// YaRN (arXiv 2309.00071, section 3.2): slow frequencies are interpolated, fast ones kept, with a
/// ramp between so many turns over the original window.
fn yarn(frequencies: &mut [f64], base: f64, factor: f64, window: f64, yarn: Yarn) {
    let n = frequencies.len() as f64;
    let turns_at = |turns: f64| (window / (turns * std::f64::consts::TAU)).ln() * n / base.ln();
    let (mut low, mut high) = (turns_at(yarn.fast), turns_at(yarn.slow));
    if yarn.rounds {
        (low, high) = (low.floor(), high.ceil());
    }
    let (low, high) = (low.max(0.0), high.min(2.0 * n - 1.0));
    for (pair, frequency) in frequencies.iter_mut().enumerate() {
        let kept = 1.0 - ((pair as f64 - low) / (high - low).max(0.001)).clamp(0.0, 1.0);
        *frequency = *frequency / factor * (1.0 - kept) + *frequency * kept;
    }
}
