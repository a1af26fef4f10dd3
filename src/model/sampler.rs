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

/// Of how many tokens a choice usually takes one; what else there is counts with its sum.
pub const TOP: usize = 64;
/// The logit of a token that is never taken: small enough for a weight of 0, and a number still.
pub const NEVER: f32 = -3.0e38;

/// What is done to a row of logits before a token is chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjust {
    /// Tokens and factors, each token once: with factor 0 the token is never taken; else a positive
    /// logit is divided by the factor and a negative one multiplied.
    pub changes: Vec<(u32, f32)>,
    /// The temperature that [`Likely::total`] is for; 0 when it is not needed.
    pub temperature: f32,
}

impl Adjust {
    /// What `how` asks for after the tokens `written`; `banned` and `stops` are in any order.
    pub fn new(how: &Sampling, written: &[u32], banned: &[u32], stops: &[u32]) -> Self {
        let mut changes = Vec::new();
        if how.repetition_penalty != 1.0 {
            changes.extend(written.iter().map(|id| (*id, how.repetition_penalty)));
        }
        changes.extend(banned.iter().map(|id| (*id, 0.0)));
        if written.len() < how.min_new_tokens {
            changes.extend(stops.iter().map(|id| (*id, 0.0)));
        }
        changes.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        changes.dedup_by_key(|(id, _)| *id);
        Self { changes, temperature: how.temperature.max(0.0) }
    }

    /// Changes `logits [V]`.
    pub fn apply(&self, logits: &mut [f32]) {
        for (id, factor) in &self.changes {
            if let Some(logit) = logits.get_mut(*id as usize) {
                *logit = match *factor {
                    0.0 => NEVER,
                    factor if *logit > 0.0 => *logit / factor,
                    factor => *logit * factor,
                };
            }
        }
    }
}

/// The most likely tokens of a row of adjusted logits.
#[derive(Debug, Clone, PartialEq)]
pub struct Likely {
    /// Tokens and logits, the largest first and equal ones by their number: at most [`TOP`], or the
    /// whole vocabulary. Empty when too many share the last place.
    pub top: Vec<(u32, f32)>,
    /// The sum of `exp((logit - largest) / temperature)` over the vocabulary.
    pub total: f64,
}

impl Likely {
    /// Of `logits [V]`.
    pub fn of(logits: &[f32], temperature: f32) -> Self {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let over = |least: f32| -> Vec<(u32, f32)> {
            let all = (0..).zip(logits.iter().copied());
            all.filter(|(_, logit)| *logit >= least).collect()
        };
        // Most rows have enough tokens within a few nats, so that the rest need not be sorted.
        let mut top = over(largest - 8.0);
        if top.len() < TOP {
            top = over(f32::NEG_INFINITY);
        }
        if top.len() > TOP {
            top.select_nth_unstable_by(TOP - 1, by_logit);
            top.truncate(TOP);
        }
        top.sort_unstable_by(by_logit);
        Self { top, total: total(logits.iter().copied(), largest, temperature) }
    }

    /// Every token of `logits [V]`.
    fn all(logits: &[f32], temperature: f32) -> Self {
        let mut top: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).collect();
        top.sort_unstable_by(by_logit);
        let largest = top.first().map_or(0.0, |(_, logit)| *logit);
        Self { total: total(logits.iter().copied(), largest, temperature), top }
    }
}

/// The largest first, equal ones by their number.
fn by_logit(a: &(u32, f32), b: &(u32, f32)) -> std::cmp::Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

fn weight(logit: f32, largest: f32, temperature: f32) -> f64 {
    f64::from((logit - largest) / temperature).exp()
}

fn total(logits: impl Iterator<Item = f32>, largest: f32, temperature: f32) -> f64 {
    if temperature <= 0.0 {
        return 0.0;
    }
    logits.map(|logit| weight(logit, largest, temperature)).sum()
}

/// The next token. When the most likely ones do not decide it, `rest` gives all adjusted logits `[V]`;
/// a choice does not depend on which body of the model gave them.
///
/// # Errors
/// Those of `rest`.
pub fn choose<E>(
    likely: &Likely,
    how: &Sampling,
    stream: &mut Stream,
    rest: impl FnOnce() -> Result<Vec<f32>, E>,
) -> Result<u32, E> {
    let place = if how.temperature > 0.0 { stream.unit() } else { 0.0 };
    match pick(likely, false, how, place) {
        Some(id) => Ok(id),
        None => {
            let all = Likely::all(&rest()?, how.temperature);
            Ok(pick(&all, true, how, place).unwrap_or(0))
        }
    }
}

/// The token at `place` (0 to 1) of the probabilities, in the order of `likely.top`; `None` if only the
/// rest of the vocabulary can tell.
fn pick(likely: &Likely, is_all: bool, how: &Sampling, place: f64) -> Option<u32> {
    let (best, largest) = *likely.top.first()?;
    if how.temperature <= 0.0 {
        return Some(best);
    }
    let mut kept: Vec<(u32, f64)> = likely
        .top
        .iter()
        .map(|(id, logit)| (*id, weight(*logit, largest, how.temperature)))
        .collect();
    let sum = |kept: &[(u32, f64)]| kept.iter().map(|(_, weight)| weight).sum::<f64>();
    let mut total = likely.total;
    if how.top_k > 0 {
        if kept.len() < how.top_k && !is_all {
            return None;
        }
        kept.truncate(how.top_k);
        total = sum(&kept);
    }
    if how.top_p < 1.0 {
        let mut reached = 0.0;
        let enough = kept.iter().position(|(_, weight)| {
            reached += weight;
            reached >= total * f64::from(how.top_p)
        });
        match enough {
            Some(last) => kept.truncate(last + 1),
            None if !is_all && how.top_k == 0 => return None,
            None => {}
        }
        total = sum(&kept);
    }
    let mut left = place * total;
    let drawn = kept.iter().find(|(_, weight)| {
        left -= weight;
        left < 0.0
    });
    // Past the last of all there is only what rounding left.
    let is_cut = how.top_k > 0 || how.top_p < 1.0;
    drawn.or(kept.last().filter(|_| is_all || is_cut)).map(|(id, _)| *id)
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
            counts[chosen(&mut logits, written, how, &mut stream) as usize] += 1;
        }
        counts
    }

    fn chosen(logits: &mut [f32], written: &[u32], how: &Sampling, stream: &mut Stream) -> u32 {
        let adjust = Adjust::new(how, written, &[], &[]);
        adjust.apply(logits);
        let likely = Likely::of(logits, adjust.temperature);
        choose(&likely, how, stream, || Ok::<_, ()>(logits.to_vec())).unwrap()
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

    /// With all tokens at hand, with the most likely ones only, and with none of them.
    #[test]
    fn a_choice_does_not_depend_on_how_much_was_looked_at() {
        let mut stream = Stream::new(5, "sampler", "rest");
        let logits: Vec<f32> = (0..300).map(|_| (stream.unit() * 6.0) as f32).collect();
        let ways = [
            plain(),
            Sampling { top_p: 0.9, ..plain() },
            Sampling { top_p: 0.3, top_k: 90, ..plain() },
            Sampling { top_k: 20, ..plain() },
            Sampling { top_k: 1000, ..plain() },
            Sampling { temperature: 0.0, ..plain() },
        ];
        for how in &ways {
            let likely = Likely::of(&logits, how.temperature);
            assert_eq!(likely.top.len(), TOP);
            let none = Likely { top: Vec::new(), total: likely.total };
            let mut n_rest = 0;
            for seed in 0..300 {
                let draw = |likely: &Likely, n_rest: &mut usize| {
                    let rest = || {
                        *n_rest += 1;
                        Ok::<_, ()>(logits.clone())
                    };
                    let mut stream = Stream::new(seed, "sampler", "ways");
                    choose(likely, how, &mut stream, rest).unwrap()
                };
                let all = draw(&none, &mut 0);
                assert_eq!(draw(&likely, &mut n_rest), all, "{how:?} {seed}");
            }
            let decides = how.temperature == 0.0 || how.top_k == 20;
            assert_eq!(n_rest == 0, decides, "{how:?}");
        }
    }

    #[test]
    fn banned_tokens_and_early_stops_are_never_taken() {
        let how = Sampling { min_new_tokens: 2, repetition_penalty: 2.0, ..plain() };
        let adjust = Adjust::new(&how, &[3, 1, 3], &[1], &[0]);
        assert_eq!(adjust.changes, [(1, 0.0), (3, 2.0)]);
        let adjust = Adjust::new(&how, &[3], &[1], &[0]);
        assert_eq!(adjust.changes, [(0, 0.0), (1, 0.0), (3, 2.0)]);
        let mut logits = [9.0, 8.0, 1.0, -1.0];
        adjust.apply(&mut logits);
        assert_eq!(logits, [NEVER, NEVER, 1.0, -2.0]);
        let likely = Likely::of(&logits, 1.0);
        assert_eq!(likely.top[0], (2, 1.0));
        assert!((likely.total - (1.0 + (-3.0f64).exp())).abs() < 1e-9);
    }

    #[test]
    fn equal_logits_are_ordered_by_their_number() {
        let likely = Likely::of(&[1.0; 200], 1.0);
        assert_eq!(likely.top, (0..64).map(|id| (id, 1.0)).collect::<Vec<_>>());
        assert!((likely.total - 200.0).abs() < 1e-9);
    }
}
