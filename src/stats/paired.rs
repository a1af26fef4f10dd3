//! Differences of pairs: whether there is one beyond chance, and how large it is.

use super::summary::{finite_sorted, mean, sample_sd};

/// A two-sided p-value of the sign-flip test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignFlip {
    /// The p-value.
    pub p: f64,
    /// Whether all sign patterns were counted, so that chance had no part in it.
    pub exact: bool,
}

/// Paired permutation test of the mean of the finite differences: under the null hypothesis each
/// could as well have the other sign.
///
/// Two-sided as scipy's `permutation_test`: twice the smaller tail, at most 1. All `2^n` patterns
/// are counted if they are no more than `resamples`; else that many random ones, with the observed
/// one added to both counts, so that p is never 0. `draw` gives uniform 64-bit numbers and is
/// called once per 64 differences and resample. `None` for no finite difference or no resamples.
pub fn sign_flip_test(
    differences: &[f64],
    resamples: usize,
    draw: &mut dyn FnMut() -> u64,
) -> Option<SignFlip> {
    let kept: Vec<f64> = differences.iter().copied().filter(|d| d.is_finite()).collect();
    if kept.is_empty() || resamples == 0 {
        return None;
    }
    let mut tails = Tails::around(&kept);
    let n_patterns = u32::try_from(kept.len()).ok().and_then(|n| 1_usize.checked_shl(n));
    let n_patterns = n_patterns.filter(|n| *n <= resamples);
    if let Some(n_patterns) = n_patterns {
        for pattern in 0..n_patterns as u64 {
            tails.count(flipped(&kept, &mut || pattern));
        }
    } else {
        for _ in 0..resamples {
            tails.count(flipped(&kept, draw));
        }
        tails.count(tails.observed);
    }
    let smaller = tails.n_up_to.min(tails.n_from) as f64 / tails.n as f64;
    Some(SignFlip { p: (2.0 * smaller).min(1.0), exact: n_patterns.is_some() })
}

/// The sum of the values, each negated where the bits say so; 64 of them share a draw.
fn flipped(values: &[f64], bits: &mut dyn FnMut() -> u64) -> f64 {
    let mut sum = 0.0;
    for chunk in values.chunks(64) {
        let mut signs = bits();
        for value in chunk {
            sum += if signs & 1 == 1 { -value } else { *value };
            signs >>= 1;
        }
    }
    sum
}

/// How many sums lie on either side of the observed one, those equal to it on both.
struct Tails {
    observed: f64,
    /// The same values added up with other signs are equal, whatever rounding says.
    slack: f64,
    n: usize,
    n_up_to: usize,
    n_from: usize,
}

impl Tails {
    fn around(values: &[f64]) -> Self {
        let slack = 100.0 * f64::EPSILON * values.iter().map(|v| v.abs()).sum::<f64>();
        Self { observed: values.iter().sum(), slack, n: 0, n_up_to: 0, n_from: 0 }
    }

    fn count(&mut self, sum: f64) {
        self.n += 1;
        self.n_up_to += usize::from(sum <= self.observed + self.slack);
        self.n_from += usize::from(sum >= self.observed - self.slack);
    }
}

/// Holm's step-down adjustment of p-values that are looked at together: the i-th smallest times
/// the number of those not smaller, never below an earlier one, at most 1. NaN is no p-value: it
/// stays without one and is not counted.
pub fn holm(ps: &[f64]) -> Vec<Option<f64>> {
    let mut order: Vec<usize> = (0..ps.len()).filter(|ix| !ps[*ix].is_nan()).collect();
    order.sort_by(|a, b| ps[*a].total_cmp(&ps[*b]));
    let mut adjusted = vec![None; ps.len()];
    let mut least = 0.0_f64;
    for (place, &ix) in order.iter().enumerate() {
        least = least.max(ps[ix] * (order.len() - place) as f64).min(1.0);
        adjusted[ix] = Some(least);
    }
    adjusted
}

/// Cohen's d for pairs (d_z): the mean of the finite differences in units of their standard
/// deviation. `None` for fewer than two, and where all are equal.
pub fn cohens_dz(differences: &[f64]) -> Option<f64> {
    let sorted = finite_sorted(differences);
    let centre = mean(&sorted)?;
    // Asked of the ends, because the sd of equal values may be a rounding error above zero.
    let differ = sorted.first() != sorted.last();
    differ.then(|| centre / sample_sd(&sorted, centre))
}

/// Matched-pairs rank-biserial correlation, the effect size of Wilcoxon's signed-rank test: of
/// the ranks of the finite differences' sizes, the share that belongs to positive ones less the
/// share that belongs to negative ones; 1 where all are positive. Ties share their mean rank,
/// zeros are left out. `None` when nothing is left.
pub fn rank_biserial(differences: &[f64]) -> Option<f64> {
    let mut kept = finite_sorted(differences);
    kept.retain(|d| *d != 0.0);
    kept.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let (mut signed, mut all, mut from) = (0.0, 0.0, 0);
    for tied in kept.chunk_by(|a, b| a.abs() == b.abs()) {
        // Ranks count from 1.
        let rank = from as f64 + (tied.len() + 1) as f64 / 2.0;
        from += tied.len();
        signed += rank * tied.iter().map(|d| d.signum()).sum::<f64>();
        all += rank * tied.len() as f64;
    }
    (all > 0.0).then(|| signed / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> u64 {
        unreachable!("no chance is needed")
    }

    #[test]
    fn all_patterns_are_counted_where_they_can_be() {
        let ask = |d: &[f64], n| sign_flip_test(d, n, &mut never).map(|test| (test.p, test.exact));
        // Of 2^3 sums only the observed one is as large.
        assert_eq!(ask(&[1.0, 2.0, 3.0], 8), Some((0.25, true)));
        assert_eq!(ask(&[-1.0, -2.0, -3.0, f64::NAN], 8), Some((0.25, true)));
        assert_eq!(ask(&[7.0], 2), Some((1.0, true)));
        assert_eq!(ask(&[0.0, 0.0], 4), Some((1.0, true)));
        assert_eq!(ask(&[], 8), None);
        assert_eq!(ask(&[1.0], 0), None);
    }

    #[test]
    fn equal_sums_are_ties_whatever_rounding_says() {
        // 0.1 + 0.2 - 0.3 is not zero in floating point, so half of the patterns tie.
        let test = sign_flip_test(&[0.1, 0.2, -0.3], 8, &mut never).unwrap();
        assert_eq!(test.p, 1.0);
    }

    #[test]
    fn random_patterns_count_the_observed_one_too() {
        // The stream never flips, so all 5 sums are the observed one.
        let test = sign_flip_test(&[1.0, 2.0, 3.0], 5, &mut || 0).unwrap();
        assert_eq!(test, SignFlip { p: 1.0, exact: false });
        // It always flips: of 1 + 5 sums one is as large as the observed one.
        let test = sign_flip_test(&[1.0, 2.0, 3.0], 5, &mut || u64::MAX).unwrap();
        assert_eq!(test.p, 2.0 / 6.0);
        // 65 differences take two draws.
        let mut n_draws = 0;
        sign_flip_test(&[1.0; 65], 5, &mut || {
            n_draws += 1;
            n_draws
        });
        assert_eq!(n_draws, 10);
    }

    #[test]
    fn holm_steps_down() {
        let adjusted = holm(&[0.04, 0.01, f64::NAN, 0.03, 0.9]);
        let expected = [Some(0.09), Some(0.04), None, Some(0.09), Some(0.9)];
        for (ours, expected) in adjusted.iter().zip(expected) {
            match (ours, expected) {
                (Some(a), Some(b)) => assert!((a - b).abs() < 1e-12, "{adjusted:?}"),
                (a, b) => assert_eq!(*a, b),
            }
        }
        assert_eq!(holm(&[0.6, 0.7]), [Some(1.0), Some(1.0)]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn effects_have_their_bounds() {
        assert_eq!(rank_biserial(&[1.0, 2.0, 0.0]), Some(1.0));
        assert_eq!(rank_biserial(&[-1.0, -2.0]), Some(-1.0));
        // Sizes 1, 1, 3 have ranks 1.5, 1.5, 3.
        assert_eq!(rank_biserial(&[1.0, -1.0, 3.0]), Some(0.5));
        assert_eq!(rank_biserial(&[0.0, f64::NAN]), None);
        assert_eq!(cohens_dz(&[1.0, 3.0]), Some(2.0 / 2f64.sqrt()));
        assert_eq!(cohens_dz(&[0.1, 0.1, 0.1]), None);
        assert_eq!(cohens_dz(&[2.0]), None);
    }
}
