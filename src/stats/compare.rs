//! One value among others, and how sure a mean is.

use super::summary::{finite_sorted, quantile};

/// Percentile bootstrap interval of the mean of the finite values.
///
/// `draw` gives uniform 64-bit numbers; it is called once per value and resample, in order, so
/// the same stream gives the same interval, and not at all when the answer needs no chance
/// (one value, or all equal: that value twice). `None` for no finite value, no resamples, or a
/// `level` that is not between 0 and 1.
pub fn bootstrap_mean_ci(
    values: &[f64],
    level: f64,
    resamples: usize,
    draw: &mut dyn FnMut() -> u64,
) -> Option<(f64, f64)> {
    if resamples == 0 || level.is_nan() || level <= 0.0 || level >= 1.0 {
        return None;
    }
    // Unsorted, so that a stream's picks follow the caller's order.
    let kept: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let first = *kept.first()?;
    if kept.iter().all(|v| *v == first) {
        return Some((first, first));
    }
    let means: Vec<f64> = (0..resamples)
        .map(|_| {
            let sum: f64 = kept.iter().map(|_| kept[pick(kept.len(), draw)]).sum();
            sum / kept.len() as f64
        })
        .collect();
    let means = finite_sorted(&means);
    let tail = (1.0 - level) / 2.0;
    Some((quantile(&means, tail)?, quantile(&means, 1.0 - tail)?))
}

/// Multiplying and keeping the high word favours no index by more than n in 2^64.
fn pick(n: usize, draw: &mut dyn FnMut() -> u64) -> usize {
    ((u128::from(draw()) * n as u128) >> 64) as usize
}

/// Share of `others` that `own` beats, ties counted half: 1 beats all, 0.5 is chance, 0 loses
/// to all. NaN among the others is left out; `None` when none is left or `own` is NaN.
pub fn auc_paired(own: f64, others: &[f64]) -> Option<f64> {
    let tally = Tally::of(own, others)?;
    (tally.n > 0).then(|| (tally.beaten as f64 + tally.tied as f64 / 2.0) / tally.n as f64)
}

/// Rank of `own` among itself and `others` by value, largest first: 1 is best, ties share
/// their mean rank. NaN among the others is left out; `None` when `own` is NaN.
pub fn mean_rank(own: f64, others: &[f64]) -> Option<f64> {
    let tally = Tally::of(own, others)?;
    let greater = tally.n - tally.beaten - tally.tied;
    Some(1.0 + greater as f64 + tally.tied as f64 / 2.0)
}

struct Tally {
    n: usize,
    beaten: usize,
    tied: usize,
}

impl Tally {
    fn of(own: f64, others: &[f64]) -> Option<Self> {
        let count = |keep: &dyn Fn(f64) -> bool| others.iter().filter(|v| keep(**v)).count();
        (!own.is_nan()).then(|| Self {
            n: count(&|v| !v.is_nan()),
            beaten: count(&|v| v < own),
            tied: count(&|v| v == own),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steele, Lea and Flood's SplitMix64, enough for a test.
    fn stream(mut state: u64) -> impl FnMut() -> u64 {
        move || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }
    }

    #[test]
    fn picks_cover_the_list_evenly() {
        assert_eq!(pick(3, &mut || 0), 0);
        assert_eq!(pick(3, &mut || u64::MAX), 2);
        assert_eq!(pick(2, &mut || 1 << 63), 1);
        assert_eq!(pick(2, &mut || (1 << 63) - 1), 0);
    }

    #[test]
    fn interval_of_a_known_stream() {
        // Picks 0,0 / 0,1 / 1,1 of (0, 10): means 0, 5, 10; the 50 % interval is their quartiles.
        let high = u64::MAX;
        let mut picks = [0, 0, 0, high, high, high].into_iter();
        let ci = bootstrap_mean_ci(&[0.0, 10.0], 0.5, 3, &mut || picks.next().unwrap());
        assert_eq!(ci, Some((2.5, 7.5)));
        assert_eq!(picks.next(), None);
    }

    #[test]
    fn interval_is_about_the_normal_one() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let (lo, hi) = bootstrap_mean_ci(&values, 0.95, 4000, &mut stream(1)).unwrap();
        // 49.5 -+ 1.96 * 28.866 / 10, the population sd because resampling draws from it.
        assert!((lo - 43.84).abs() < 0.4, "{lo}");
        assert!((hi - 55.16).abs() < 0.4, "{hi}");
    }

    #[test]
    fn the_same_stream_gives_the_same_interval() {
        let values: Vec<f64> = (0..20).map(|i| f64::from(i * i)).collect();
        let ask = |seed| bootstrap_mean_ci(&values, 0.9, 200, &mut stream(seed));
        assert_eq!(ask(7), ask(7));
        assert_ne!(ask(7), ask(8));
    }

    #[test]
    fn nothing_to_resample() {
        let mut never = || unreachable!("no chance is needed");
        let mut ask = |v: &[f64], level, n| bootstrap_mean_ci(v, level, n, &mut never);
        assert_eq!(ask(&[], 0.95, 10), None);
        assert_eq!(ask(&[f64::NAN], 0.95, 10), None);
        assert_eq!(ask(&[4.5], 0.95, 10), Some((4.5, 4.5)));
        assert_eq!(ask(&[0.1, 0.1, 0.1], 0.95, 10), Some((0.1, 0.1)));
        assert_eq!(ask(&[1.0, 2.0], 0.95, 0), None);
        assert_eq!(ask(&[1.0, 2.0], 1.0, 10), None);
        assert_eq!(ask(&[1.0, 2.0], f64::NAN, 10), None);
    }

    #[test]
    fn auc_counts_ties_half() {
        assert_eq!(auc_paired(2.0, &[1.0, 2.0, 3.0, 0.0]), Some(0.625));
        assert_eq!(auc_paired(9.0, &[1.0, f64::NAN]), Some(1.0));
        assert_eq!(auc_paired(f64::NEG_INFINITY, &[1.0]), Some(0.0));
        assert_eq!(auc_paired(f64::NAN, &[1.0]), None);
        assert_eq!(auc_paired(1.0, &[f64::NAN]), None);
        assert_eq!(auc_paired(1.0, &[]), None);
    }

    #[test]
    fn rank_shares_ties() {
        assert_eq!(mean_rank(5.0, &[1.0, 2.0, 3.0]), Some(1.0));
        assert_eq!(mean_rank(0.0, &[1.0, 2.0, 3.0]), Some(4.0));
        assert_eq!(mean_rank(2.0, &[1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(mean_rank(2.0, &[2.0, 2.0, f64::NAN]), Some(2.0));
        assert_eq!(mean_rank(2.0, &[]), Some(1.0));
        assert_eq!(mean_rank(f64::NAN, &[1.0]), None);
    }

    #[test]
    fn auc_and_rank_say_the_same() {
        let others = [0.2, 0.4, 0.4, 0.9, 1.3];
        for own in [0.1, 0.4, 0.5, 1.3, 2.0] {
            let from_rank = 1.0 - (mean_rank(own, &others).unwrap() - 1.0) / others.len() as f64;
            assert!((auc_paired(own, &others).unwrap() - from_rank).abs() < 1e-12);
        }
    }
}
