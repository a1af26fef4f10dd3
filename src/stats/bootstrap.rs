//! How sure a mean is: bootstrap intervals.

use super::normal::{normal_cdf, normal_quantile};
use super::summary::{finite_sorted, mean, quantile};
use std::fmt;

/// A bootstrap interval of a mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanInterval {
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
    /// Why it is a percentile interval; `None`: it is bias-corrected and accelerated (BCa).
    pub no_bca: Option<NoBca>,
}

/// What keeps an interval from being bias-corrected and accelerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBca {
    /// There is but one value.
    OneValue,
    /// All values are the same.
    AllEqual,
    /// (Almost) all resampled means lie on one side of the mean, so its bias cannot be told.
    OneSided,
}

impl fmt::Display for NoBca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneValue => "there is but one value",
            Self::AllEqual => "all values are equal",
            Self::OneSided => "the resampled means lie on one side of the mean",
        })
    }
}

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
    let resampled = Resampled::new(values, level, resamples, draw)?;
    let tail = (1.0 - level) / 2.0;
    resampled.between(tail, 1.0 - tail)
}

/// Percentile bootstrap interval of the mean of the means of several lists: each is resampled by
/// itself, so that a list counts as much as every other however long it is.
///
/// `draw` as for [`bootstrap_mean_ci`], list by list within each resample; a list that needs no
/// chance takes none. `None` where there is no list, or one of them without finite values.
pub fn bootstrap_mean_of_means_ci(
    lists: &[&[f64]],
    level: f64,
    resamples: usize,
    draw: &mut dyn FnMut() -> u64,
) -> Option<(f64, f64)> {
    if lists.is_empty() || resamples == 0 || level.is_nan() || level <= 0.0 || level >= 1.0 {
        return None;
    }
    let finite = |list: &&[f64]| list.iter().copied().filter(|v| v.is_finite()).collect();
    let lists: Vec<Vec<f64>> = lists.iter().map(finite).collect();
    if lists.iter().any(Vec::is_empty) {
        return None;
    }
    let mut resampled = |list: &Vec<f64>| match list.iter().all(|v| *v == list[0]) {
        true => list[0],
        false => {
            let sum: f64 = list.iter().map(|_| list[pick(list.len(), draw)]).sum();
            sum / list.len() as f64
        }
    };
    let means: Vec<f64> = (0..resamples)
        .map(|_| lists.iter().map(&mut resampled).sum::<f64>() / lists.len() as f64)
        .collect();
    let (means, tail) = (finite_sorted(&means), (1.0 - level) / 2.0);
    Some((quantile(&means, tail)?, quantile(&means, 1.0 - tail)?))
}

/// Percentile bootstrap interval of a mean of several lists' means, each measured in several runs over
/// the same items: `lists[list][run][item]`.
///
/// A resample draws runs, the same ones for all lists, and then items of each list, the same ones for
/// all drawn runs: what an item adds is in every run, so drawing it anew for each would make the mean
/// look surer than it is. `draw` as for [`bootstrap_mean_ci`]. `None` where a list is empty, lists differ
/// in their runs, or a value is not finite.
pub fn bootstrap_runs_ci(
    lists: &[Vec<Vec<f64>>],
    level: f64,
    resamples: usize,
    draw: &mut dyn FnMut() -> u64,
) -> Option<(f64, f64)> {
    let n_runs = lists.first()?.len();
    let is_whole = |list: &Vec<Vec<f64>>| {
        let n = list.first().map_or(0, Vec::len);
        let even = |run: &Vec<f64>| run.len() == n && run.iter().all(|v| v.is_finite());
        n > 0 && list.len() == n_runs && list.iter().all(even)
    };
    if !lists.iter().all(is_whole) || resamples == 0 || !(level > 0.0 && level < 1.0) {
        return None;
    }
    let means: Vec<f64> = (0..resamples)
        .map(|_| {
            let runs: Vec<usize> = (0..n_runs).map(|_| pick(n_runs, draw)).collect();
            let of_list = |list: &Vec<Vec<f64>>| {
                let n = list[0].len();
                let items: Vec<usize> = (0..n).map(|_| pick(n, draw)).collect();
                let sum: f64 =
                    runs.iter().flat_map(|run| items.iter().map(|ix| list[*run][*ix])).sum();
                sum / (n_runs * n) as f64
            };
            lists.iter().map(of_list).sum::<f64>() / lists.len() as f64
        })
        .collect();
    let (means, tail) = (finite_sorted(&means), (1.0 - level) / 2.0);
    Some((quantile(&means, tail)?, quantile(&means, 1.0 - tail)?))
}

/// Bias-corrected and accelerated bootstrap interval of the mean of the finite values (Efron
/// 1987); the percentile interval, with the reason, where that is not defined. `draw` and `None`
/// as for [`bootstrap_mean_ci`], whose resamples are the same for the same stream.
pub fn bca_mean_ci(
    values: &[f64],
    level: f64,
    resamples: usize,
    draw: &mut dyn FnMut() -> u64,
) -> Option<MeanInterval> {
    let resampled = Resampled::new(values, level, resamples, draw)?;
    let tail = (1.0 - level) / 2.0;
    let (tails, no_bca) = match resampled.bca_tails(tail) {
        Ok(tails) => (tails, None),
        Err(reason) => ((tail, 1.0 - tail), Some(reason)),
    };
    let (lo, hi) = resampled.between(tails.0, tails.1)?;
    Some(MeanInterval { lo, hi, no_bca })
}

/// The values and the means of their resamples.
struct Resampled {
    /// Unsorted, so that a stream's picks follow the caller's order.
    values: Vec<f64>,
    /// Ascending; the one value where all are equal.
    means: Vec<f64>,
}

impl Resampled {
    fn new(
        values: &[f64],
        level: f64,
        resamples: usize,
        draw: &mut dyn FnMut() -> u64,
    ) -> Option<Self> {
        if resamples == 0 || level.is_nan() || level <= 0.0 || level >= 1.0 {
            return None;
        }
        let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        let first = *values.first()?;
        if values.iter().all(|v| *v == first) {
            return Some(Self { values, means: vec![first] });
        }
        let means: Vec<f64> = (0..resamples)
            .map(|_| {
                let sum: f64 = values.iter().map(|_| values[pick(values.len(), draw)]).sum();
                sum / values.len() as f64
            })
            .collect();
        Some(Self { values, means: finite_sorted(&means) })
    }

    fn between(&self, lo: f64, hi: f64) -> Option<(f64, f64)> {
        Some((quantile(&self.means, lo)?, quantile(&self.means, hi)?))
    }

    /// The shares of the resampled means below the two ends of the BCa interval.
    fn bca_tails(&self, tail: f64) -> Result<(f64, f64), NoBca> {
        let Some(centre) = mean(&self.values).filter(|_| self.values.len() > 1) else {
            return Err(NoBca::OneValue);
        };
        if self.means.len() == 1 && self.values.iter().all(|v| *v == self.means[0]) {
            return Err(NoBca::AllEqual);
        }
        let (bias, acceleration) = (normal_quantile(self.share_below(centre)), self.skew(centre));
        let moved = |z: f64| {
            let shift = bias + z;
            let stretch = 1.0 - acceleration * shift;
            let moves = bias.is_finite() && stretch > 0.0;
            moves.then(|| normal_cdf(bias + shift / stretch)).ok_or(NoBca::OneSided)
        };
        let z = normal_quantile(tail);
        Ok((moved(z)?, moved(-z)?))
    }

    /// Share of the resampled means below `centre`, those equal to it counted half. The same
    /// values added up in another order are equal, whatever rounding says.
    fn share_below(&self, centre: f64) -> f64 {
        let sizes: f64 = self.values.iter().map(|v| v.abs()).sum();
        let slack = 100.0 * f64::EPSILON * sizes / self.values.len() as f64;
        let below = self.means.partition_point(|m| *m < centre - slack);
        let up_to = self.means.partition_point(|m| *m <= centre + slack);
        (below + up_to) as f64 / (2 * self.means.len()) as f64
    }

    /// The acceleration: a sixth of the skewness of the jackknife's means, which for a mean is
    /// that of the values over the root of their number.
    fn skew(&self, centre: f64) -> f64 {
        let power = |p: i32| self.values.iter().map(|v| (v - centre).powi(p)).sum::<f64>();
        power(3) / power(2).powf(1.5) / 6.0
    }
}

/// Multiplying and keeping the high word favours no index by more than n in 2^64.
fn pick(n: usize, draw: &mut dyn FnMut() -> u64) -> usize {
    ((u128::from(draw()) * n as u128) >> 64) as usize
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
    fn lists_are_resampled_by_themselves_and_count_the_same() {
        // Means of (0, 10) are 0, 5 and 10 in a quarter, half and quarter of the resamples; those of
        // the long list are always 20. So means of means are 10, 12.5 and 15, and nothing else.
        let long = [20.0; 40];
        let lists: [&[f64]; 2] = [&[0.0, 10.0], &long];
        let ask = |level| bootstrap_mean_of_means_ci(&lists, level, 4000, &mut stream(5));
        assert_eq!(ask(0.95), Some((10.0, 15.0)));
        assert_eq!(ask(0.4), Some((12.5, 12.5)));
        // Two lists of known spread: sqrt(100^2 / 12 / 100 + 10^2 / 12 / 10) / 2 is the error.
        let wide: Vec<f64> = (0..100).map(|i| f64::from(i) + 0.5).collect();
        let short: Vec<f64> = (0..10).map(|i| f64::from(i) + 0.5).collect();
        let lists: [&[f64]; 2] = [&wide, &short];
        let (lo, hi) = bootstrap_mean_of_means_ci(&lists, 0.95, 4000, &mut stream(1)).unwrap();
        let reach = 1.96 * (100.0_f64.powi(2) / 1200.0 + 100.0 / 120.0).sqrt() / 2.0;
        assert!((lo - (27.5 - reach)).abs() < 0.25, "{lo} {reach}");
        assert!((hi - (27.5 + reach)).abs() < 0.25, "{hi} {reach}");
        let mut never = || unreachable!("no chance is needed");
        assert_eq!(bootstrap_mean_of_means_ci(&[], 0.95, 9, &mut never), None);
        assert_eq!(bootstrap_mean_of_means_ci(&[&[1.0], &[]], 0.95, 9, &mut never), None);
        let equal: [&[f64]; 2] = [&[1.0], &[3.0, 3.0]];
        assert_eq!(bootstrap_mean_of_means_ci(&equal, 0.95, 9, &mut never), Some((2.0, 2.0)));
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
    fn a_lopsided_sample_moves_the_interval_towards_its_tail() {
        let values = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 30.0];
        let bca = bca_mean_ci(&values, 0.95, 4000, &mut stream(3)).unwrap();
        let (lo, hi) = bootstrap_mean_ci(&values, 0.95, 4000, &mut stream(3)).unwrap();
        assert_eq!(bca.no_bca, None);
        assert!(bca.lo > lo && bca.hi > hi, "{bca:?} beside {lo}, {hi}");
    }

    #[test]
    fn where_there_is_no_bca_the_reason_is_told() {
        let ask = |values: &[f64], n| {
            let found = bca_mean_ci(values, 0.95, n, &mut || 0)?;
            Some((found.lo, found.hi, found.no_bca))
        };
        assert_eq!(ask(&[4.5, f64::NAN], 9), Some((4.5, 4.5, Some(NoBca::OneValue))));
        assert_eq!(ask(&[0.1, 0.1, 0.1], 9), Some((0.1, 0.1, Some(NoBca::AllEqual))));
        // This stream draws the first value for ever.
        assert_eq!(ask(&[1.0, 2.0], 9), Some((1.0, 1.0, Some(NoBca::OneSided))));
        assert_eq!(ask(&[], 9), None);
        assert_eq!(ask(&[1.0, 2.0], 0), None);
        // What overflows has no interval, but no panic either.
        assert_eq!(
            ask(&[1e300, -1e300, 1e308], 1).map(|found| found.2),
            Some(Some(NoBca::OneSided))
        );
    }

    #[test]
    fn equal_means_are_ties_in_whatever_order_they_were_added() {
        // 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1 in floating point.
        let values = vec![0.1, 0.2, 0.3];
        let means = finite_sorted(&[(0.1 + 0.2 + 0.3) / 3.0, (0.3 + 0.2 + 0.1) / 3.0]);
        assert_ne!(means[0], means[1]);
        let resampled = Resampled { values, means };
        for centre in resampled.means.clone() {
            assert_eq!(resampled.share_below(centre), 0.5);
        }
    }
}
