//! How values are spread: bins, densities, cumulative shares.

use serde::Serialize;

use super::summary::{finite_sorted, mean, quantile, sample_sd};

/// Counts per bin: bin `i` holds `edges[i] <= v < edges[i + 1]`; the last bin also holds its
/// upper edge, as numpy's does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// Ascending bin edges, one more than there are bins.
    pub edges: Vec<f64>,
    /// How many values fell into each bin.
    pub counts: Vec<u64>,
}

/// Counts values per bin. Values outside the edges and values that are not finite are not
/// counted, so the sum of the counts says how many were. Edges that do not ascend give zeros.
pub fn histogram(values: &[f64], edges: &[f64]) -> Histogram {
    let mut counts = vec![0; edges.len().saturating_sub(1)];
    // Written with `<` so that a NaN edge counts as not ascending.
    if edges.windows(2).all(|pair| pair[0] < pair[1]) {
        for &v in values {
            if let Some(count) = bin_of(v, edges).and_then(|ix| counts.get_mut(ix)) {
                *count += 1;
            }
        }
    }
    Histogram { edges: edges.to_vec(), counts }
}

fn bin_of(value: f64, edges: &[f64]) -> Option<usize> {
    if !value.is_finite() {
        return None;
    }
    if edges.last() == Some(&value) {
        return edges.len().checked_sub(2);
    }
    edges.partition_point(|edge| *edge <= value).checked_sub(1)
}

/// Edges of `n` bins of equal width from `lo` to `hi`; empty unless `lo < hi` are finite and
/// `n > 0`.
pub fn linear_edges(lo: f64, hi: f64, n: usize) -> Vec<f64> {
    spread(lo, hi, n, |share| lo * (1.0 - share) + hi * share)
}

/// Edges of `n` bins of equal ratio from `lo` to `hi`; empty unless `0 < lo < hi` are finite
/// and `n > 0`.
pub fn log_edges(lo: f64, hi: f64, n: usize) -> Vec<f64> {
    if lo <= 0.0 {
        return Vec::new();
    }
    let (from, to) = (lo.log2(), hi.log2());
    spread(lo, hi, n, |share| (from * (1.0 - share) + to * share).exp2())
}

fn spread(lo: f64, hi: f64, n: usize, at: impl Fn(f64) -> f64) -> Vec<f64> {
    if n == 0 || !lo.is_finite() || !hi.is_finite() || lo >= hi {
        return Vec::new();
    }
    // The ends are given back as they came, or rounding would lose the extreme values.
    (0..=n)
        .map(|i| match i {
            0 => lo,
            i if i == n => hi,
            i => at(i as f64 / n as f64),
        })
        .collect()
}

/// Gaussian kernel density of the finite values at each place of `at`. The densities are NaN
/// (a gap in a chart, not a flat zero) when there is no finite value or the bandwidth is not a
/// positive number, and at a place that is NaN.
pub fn kde(values: &[f64], at: &[f64], bandwidth: f64) -> Vec<f64> {
    let kept = finite_sorted(values);
    if kept.is_empty() || !bandwidth.is_finite() || bandwidth <= 0.0 {
        return vec![f64::NAN; at.len()];
    }
    let norm = kept.len() as f64 * bandwidth * std::f64::consts::TAU.sqrt();
    let bump = |x: f64, v: f64| {
        let z = (x - v) / bandwidth;
        (-0.5 * z * z).exp()
    };
    at.iter().map(|&x| kept.iter().map(|&v| bump(x, v)).sum::<f64>() / norm).collect()
}

/// Silverman's rule of thumb: 0.9 min(sd, IQR / 1.34) n^(-1/5), with the sd alone when the
/// middle half of the values is one value. `None` for fewer than two different finite values.
pub fn silverman_bandwidth(values: &[f64]) -> Option<f64> {
    let sorted = finite_sorted(values);
    let sd = sample_sd(&sorted, mean(&sorted)?);
    let robust = (quantile(&sorted, 0.75)? - quantile(&sorted, 0.25)?) / 1.34;
    let spread = if robust > 0.0 { sd.min(robust) } else { sd };
    // Asked of the ends, because the sd of equal values may be a rounding error above zero.
    let differ = sorted.first() != sorted.last();
    differ.then(|| 0.9 * spread * (sorted.len() as f64).powf(-0.2))
}

/// The empirical distribution: each different value with the share of values at or below it,
/// ascending. NaN is left out.
pub fn ecdf(values: &[f64]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for (i, &x) in sorted.iter().enumerate() {
        let share = (i + 1) as f64 / n;
        match steps.last_mut() {
            Some(last) if last.0 == x => last.1 = share,
            _ => steps.push((x, share)),
        }
    }
    steps
}

/// Wasserstein-1 distance of two samples, in the unit of the values: the area between their
/// empirical distributions, or how far a value has to be moved on average to make one the other.
/// `None` when one has no finite value.
pub fn wasserstein(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = (finite_sorted(a), finite_sorted(b));
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let mut places = [a.as_slice(), &b].concat();
    places.sort_by(f64::total_cmp);
    let share =
        |sorted: &[f64], at: f64| sorted.partition_point(|v| *v <= at) as f64 / sorted.len() as f64;
    let gap = |pair: &[f64]| (share(&a, pair[0]) - share(&b, pair[0])).abs() * (pair[1] - pair[0]);
    Some(places.windows(2).map(gap).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: &[f64], b: &[f64]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} is not {b}");
        }
    }

    #[test]
    fn histogram_agrees_with_numpy() {
        let values = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, -1.0, 3.1, f64::NAN, f64::INFINITY];
        let h = histogram(&values, &[0.0, 1.0, 2.0, 3.0]);
        assert_eq!(h.counts, [2, 2, 3]);
        assert_eq!(h.edges, [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn bad_edges_count_nothing() {
        assert_eq!(histogram(&[1.0], &[]).counts, [0; 0]);
        assert_eq!(histogram(&[1.0], &[1.0]).counts, [0; 0]);
        assert_eq!(histogram(&[1.0], &[2.0, 0.0, 3.0]).counts, [0, 0]);
        assert_eq!(histogram(&[1.0], &[0.0, f64::NAN, 3.0]).counts, [0, 0]);
    }

    #[test]
    fn edges_agree_with_numpy() {
        near(&linear_edges(-1.0, 2.0, 3), &[-1.0, 0.0, 1.0, 2.0]);
        near(&log_edges(256.0, 4096.0, 4), &[256.0, 512.0, 1024.0, 2048.0, 4096.0]);
        near(&log_edges(1.0, 10.0, 3), &[1.0, 2.154434690031884, 4.641588833612779, 10.0]);
        assert_eq!(log_edges(0.1, 0.7, 9)[9], 0.7);
        assert!(log_edges(0.0, 10.0, 3).is_empty());
        assert!(log_edges(1.0, 1.0, 3).is_empty());
        assert!(linear_edges(f64::NAN, 1.0, 3).is_empty());
        assert!(linear_edges(0.0, 1.0, 0).is_empty());
    }

    #[test]
    fn density_agrees_with_numpy() {
        let values = [1.0, f64::NAN, 2.0, 4.0];
        near(
            &kde(&values, &[0.0, 1.0, 2.5], 0.8),
            &[0.08340786358421048, 0.24247665061367588, 0.19405563341823281],
        );
    }

    #[test]
    fn density_covers_one() {
        let at: Vec<f64> = (0..4000).map(|i| -20.0 + f64::from(i) * 0.01).collect();
        let area: f64 = kde(&[0.0, 1.0, 5.0], &at, 0.7).iter().sum::<f64>() * 0.01;
        assert!((area - 1.0).abs() < 1e-6, "{area}");
    }

    #[test]
    fn no_density_is_a_gap() {
        assert!(kde(&[], &[0.0], 1.0)[0].is_nan());
        assert!(kde(&[1.0], &[0.0], 0.0)[0].is_nan());
        assert!(kde(&[1.0], &[f64::NAN], 1.0)[0].is_nan());
    }

    #[test]
    fn bandwidth_follows_the_rule() {
        let values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.5];
        near(&[silverman_bandwidth(&values).unwrap()], &[1.6063039398867787]);
        // The middle half is one value: sd 1 of (0,0,0,0,0,0,0,0,x) stands in.
        let peaked = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0];
        near(&[silverman_bandwidth(&peaked).unwrap()], &[0.9 * 9_f64.powf(-0.2)]);
        assert_eq!(silverman_bandwidth(&[0.1; 5]), None);
        assert_eq!(silverman_bandwidth(&[f64::NAN, 2.0]), None);
    }

    #[test]
    fn cumulative_shares_step_once_per_value() {
        let steps = ecdf(&[2.0, 1.0, f64::NAN, 2.0, f64::INFINITY]);
        assert_eq!(steps, [(1.0, 0.25), (2.0, 0.75), (f64::INFINITY, 1.0)]);
        assert!(ecdf(&[]).is_empty());
    }

    #[test]
    fn the_distance_is_how_far_values_move() {
        near(&[wasserstein(&[1.0, 2.0, 3.0], &[3.5, 1.5, 2.5]).unwrap()], &[0.5]);
        near(&[wasserstein(&[0.0, f64::NAN], &[0.0, 10.0]).unwrap()], &[5.0]);
        assert_eq!(wasserstein(&[2.0, 1.0], &[1.0, 1.0, 2.0, 2.0]), Some(0.0));
        assert_eq!(wasserstein(&[f64::INFINITY], &[1.0]), None);
        assert_eq!(wasserstein(&[1.0], &[]), None);
    }
}
