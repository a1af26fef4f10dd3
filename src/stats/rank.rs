//! Whether two lists of numbers go up and down together.

use super::finite_sorted;
use super::summary::{mean, quantile};

/// Spearman's rank correlation of the pairs of which both are numbers: Pearson's of the ranks, where
/// equal values share their mean rank. `None` for fewer than two pairs, and where a list is all one
/// value.
pub fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    let whole = |(x, y): &(&f64, &f64)| !x.is_nan() && !y.is_nan();
    let (x, y): (Vec<f64>, Vec<f64>) = x.iter().zip(y).filter(whole).unzip();
    let (x, y) = (ranks(&x), ranks(&y));
    let (mean_x, mean_y) = (mean(&x)?, mean(&y)?);
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (a, b) in x.iter().zip(&y).map(|(a, b)| (a - mean_x, b - mean_y)) {
        xy += a * b;
        xx += a * a;
        yy += b * b;
    }
    (xx > 0.0 && yy > 0.0).then(|| (xy / (xx * yy).sqrt()).clamp(-1.0, 1.0))
}

/// Ranks from 1; equal values share their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    for tied in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = from as f64 + (tied.len() + 1) as f64 / 2.0;
        tied.iter().for_each(|ix| ranks[*ix] = rank);
        from += tied.len();
    }
    ranks
}

/// Percentile bootstrap interval of Spearman's correlation over the pairs. Resamples in which a list is
/// all one value have no correlation and are not counted; `None` where that is true of more than half.
pub fn bootstrap_spearman_ci(
    x: &[f64],
    y: &[f64],
    level: f64,
    resamples: usize,
    draw: &mut dyn FnMut() -> u64,
) -> Option<(f64, f64)> {
    let n = x.len().min(y.len());
    if n == 0 || !(level > 0.0 && level < 1.0) {
        return None;
    }
    let mut found = Vec::new();
    for _ in 0..resamples {
        let picks: Vec<usize> =
            (0..n).map(|_| ((u128::from(draw()) * n as u128) >> 64) as usize).collect();
        let of = |list: &[f64]| picks.iter().map(|ix| list[*ix]).collect::<Vec<f64>>();
        found.extend(spearman(&of(x), &of(y)));
    }
    if found.len() * 2 < resamples {
        return None;
    }
    let (found, tail) = (finite_sorted(&found), (1.0 - level) / 2.0);
    Some((quantile(&found, tail)?, quantile(&found, 1.0 - tail)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlations_of_ranks_agree_with_scipy() {
        // scipy.stats.spearmanr gives these.
        let known: [(&[f64], &[f64], f64); 4] = [
            (&[1.0, 2.0, 3.0, 4.0, 5.0], &[5.0, 6.0, 7.0, 8.0, 7.0], 0.820_782_681_668_123_3),
            (&[1.0, 2.0, 2.0, 4.0], &[1.0, 3.0, 2.0, 2.0], 0.5),
            (&[1.0, 2.0, 3.0], &[9.0, 4.0, 1.0], -1.0),
            (&[1.0, f64::NAN, 2.0, 3.0], &[1.0, 0.0, 8.0, 9.0], 1.0),
        ];
        for (x, y, rho) in known {
            let ours = spearman(x, y).unwrap();
            assert!((ours - rho).abs() < 1e-12, "{x:?} {y:?}: {ours}");
        }
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(spearman(&[1.0], &[1.0]), None);
    }

    #[test]
    fn an_interval_needs_resamples_that_have_a_correlation() {
        let mut state = 1_u64;
        let mut draw = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state
        };
        let x: Vec<f64> = (0..30).map(f64::from).collect();
        let (lo, hi) = bootstrap_spearman_ci(&x, &x, 0.95, 200, &mut draw).unwrap();
        assert_eq!((lo, hi), (1.0, 1.0));
        let noise: Vec<f64> = (0..30).map(|ix| f64::from(ix * 7 % 30)).collect();
        let (lo, hi) = bootstrap_spearman_ci(&x, &noise, 0.95, 500, &mut draw).unwrap();
        let rho = spearman(&x, &noise).unwrap();
        assert!(lo < rho && rho < hi && hi - lo > 0.2, "{lo} {rho} {hi}");
        assert_eq!(bootstrap_spearman_ci(&[1.0, 1.0], &[1.0, 2.0], 0.95, 20, &mut draw), None);
    }
}
