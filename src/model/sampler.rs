//! Choosing the next token from the logits. Where randomness comes from is `seed`'s.

use crate::seed::Stream;
use serde::{Deserialize, Serialize};

/// How to choose among the likely tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Divides the logits; 0 takes the most likely token.
    pub temperature: f32,
    /// Keeps the smallest set of tokens whose probabilities reach this sum; 1 keeps all.
    pub top_p: f32,
    /// Keeps this many of the most likely tokens; 0 keeps all.
    pub top_k: usize,
    /// Divides positive and multiplies negative logits of tokens that the reply already holds; 1
    /// changes nothing. Tokens of the prompt are left alone, as their facts are wanted.
    pub repetition_penalty: f32,
    /// The reply's limit in tokens.
    pub max_new_tokens: usize,
    /// The model may not end its reply before it has this many tokens.
    pub min_new_tokens: usize,
}

impl Default for Sampling {
    /// The paper's temperature and limit (`PAPER.md` section 1).
    fn default() -> Self {
        Self {
            temperature: 0.8,
            top_p: 1.0,
            top_k: 0,
            repetition_penalty: 1.0,
            max_new_tokens: 4096,
            min_new_tokens: 0,
        }
    }
}

/// The next token for `logits [V]`, which are changed on the way; `written` are the reply's tokens.
pub fn choose(logits: &mut [f32], written: &[u32], how: &Sampling, stream: &mut Stream) -> u32 {
    penalize(logits, written, how.repetition_penalty);
    if how.temperature <= 0.0 {
        return argmax(logits);
    }
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |logit: f32| f64::from((logit - largest) / how.temperature).exp();
    if how.top_k == 0 && how.top_p >= 1.0 {
        let total: f64 = logits.iter().map(|x| weight(*x)).sum();
        return draw(logits.iter().map(|x| weight(*x)).enumerate(), total, stream);
    }
    let mut kept: Vec<(usize, f64)> = logits.iter().map(|x| weight(*x)).enumerate().collect();
    let by_weight = |a: &(usize, f64), b: &(usize, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    let total: f64 = kept.iter().map(|(_, w)| w).sum();
    if how.top_k > 0 && how.top_k < kept.len() {
        kept.select_nth_unstable_by(how.top_k - 1, by_weight);
        kept.truncate(how.top_k);
    } else {
        // What a tenth of the rest could never need is not sorted.
        let floor = total * f64::from(1.0 - how.top_p) / kept.len() as f64 * 0.1;
        kept.retain(|(_, w)| *w > floor);
    }
    kept.sort_unstable_by(by_weight);
    let total: f64 = kept.iter().map(|(_, w)| w).sum();
    let mut sum = 0.0;
    let enough = kept.iter().position(|(_, w)| {
        sum += w;
        sum >= total * f64::from(how.top_p)
    });
    kept.truncate(enough.map_or(kept.len(), |last| last + 1));
    let total = kept.iter().map(|(_, w)| w).sum();
    draw(kept.into_iter(), total, stream)
}

fn penalize(logits: &mut [f32], written: &[u32], penalty: f32) {
    if penalty == 1.0 {
        return;
    }
    let mut seen = written.to_vec();
    seen.sort_unstable();
    seen.dedup();
    for id in seen {
        if let Some(logit) = logits.get_mut(id as usize) {
            *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
        }
    }
}

fn argmax(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (id, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = id;
        }
    }
    best as u32
}

fn draw(weights: impl Iterator<Item = (usize, f64)>, total: f64, stream: &mut Stream) -> u32 {
    let mut left = stream.unit() * total;
    let mut last = 0;
    for (id, weight) in weights {
        if weight > 0.0 {
            last = id;
        }
        left -= weight;
        if left < 0.0 {
            break;
        }
    }
    last as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(how: &Sampling, written: &[u32]) -> [usize; 4] {
        let mut stream = Stream::new(3, "sampler", "test");
        let mut counts = [0; 4];
        for _ in 0..4000 {
            // Probabilities 0.5, 0.25, 0.15, 0.1 at temperature 1.
            let mut logits = [0.5f32, 0.25, 0.15, 0.1].map(f32::ln);
            counts[choose(&mut logits, written, how, &mut stream) as usize] += 1;
        }
        counts
    }

    fn plain() -> Sampling {
        Sampling { temperature: 1.0, ..Sampling::default() }
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let [a, b, c, d] = shares(&plain(), &[]);
        assert!(a.abs_diff(2000) < 120 && b.abs_diff(1000) < 120, "{a} {b}");
        assert!(c.abs_diff(600) < 100 && d.abs_diff(400) < 100, "{c} {d}");
    }

    #[test]
    fn top_p_top_k_and_temperature_cut_the_tail() {
        let nucleus = shares(&Sampling { top_p: 0.7, ..plain() }, &[]);
        assert!(nucleus[1] > 1000 && nucleus[2] == 0 && nucleus[3] == 0, "{nucleus:?}");
        let two = shares(&Sampling { top_k: 3, ..plain() }, &[]);
        assert!(two[2] > 500 && two[3] == 0, "{two:?}");
        assert_eq!(shares(&Sampling { temperature: 0.0, ..plain() }, &[]), [4000, 0, 0, 0]);
        assert!(shares(&Sampling { temperature: 0.5, ..plain() }, &[])[0] > 2600);
    }

    #[test]
    fn the_penalty_makes_written_tokens_rarer() {
        let how = Sampling { repetition_penalty: 3.0, ..plain() };
        assert!(shares(&how, &[0, 0])[0] < shares(&plain(), &[])[0] / 2);
    }
}
