//! One list of numbers in a few numbers.

use serde::Serialize;

/// What a list of values looks like: its size, centre, spread and quantiles.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// How many finite values went in; the others are not counted.
    pub n: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (divisor n - 1); 0 for one value.
    pub sd: f64,
    /// Smallest value.
    pub min: f64,
    /// 5th percentile.
    pub p5: f64,
    /// 25th percentile.
    pub p25: f64,
    /// Median.
    pub p50: f64,
    /// 75th percentile.
    pub p75: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Largest value.
    pub max: f64,
}

/// The finite values in ascending order, ready for [`quantile`].
pub fn finite_sorted(values: &[f64]) -> Vec<f64> {
    let mut kept: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    kept.sort_by(f64::total_cmp);
    kept
}

/// Summarizes the finite values; `None` when there is none.
pub fn summarize(values: &[f64]) -> Option<Summary> {
    let sorted = finite_sorted(values);
    let mean = mean(&sorted)?;
    let at = |q| quantile(&sorted, q);
    Some(Summary {
        n: sorted.len(),
        mean,
        sd: sample_sd(&sorted, mean),
        min: *sorted.first()?,
        p5: at(0.05)?,
        p25: at(0.25)?,
        p50: at(0.5)?,
        p75: at(0.75)?,
        p95: at(0.95)?,
        max: *sorted.last()?,
    })
}

/// Mean of the finite values; `None` when there is none.
pub fn mean(values: &[f64]) -> Option<f64> {
    let (mut n, mut sum) = (0_usize, 0.0);
    for v in values.iter().filter(|v| v.is_finite()) {
        n += 1;
        sum += v;
    }
    (n > 0).then(|| sum / n as f64)
}

/// The `q` quantile (0 to 1) of ascending values without NaN, by linear interpolation between
/// neighbours as numpy's default does. `None` for an empty list or a `q` outside 0..=1.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&q) {
        return None;
    }
    let place = q * sorted.len().checked_sub(1)? as f64;
    let below = *sorted.get(place.floor() as usize)?;
    let above = *sorted.get(place.ceil() as usize)?;
    // Equal neighbours are returned as they are: infinities would give NaN, and rounding would
    // move a constant list off its value.
    if below == above {
        return Some(below);
    }
    let share = place.fract();
    Some(below * (1.0 - share) + above * share)
}

pub(super) fn sample_sd(values: &[f64], mean: f64) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn summary_agrees_with_numpy() {
        let s = summarize(&[3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.5]).unwrap();
        assert_eq!(s.n, 8);
        near(s.mean, 3.9375);
        near(s.sd, 2.808628287463981);
        near(s.min, 1.0);
        near(s.p5, 1.0);
        near(s.p25, 1.75);
        near(s.p50, 3.5);
        near(s.p75, 5.375);
        near(s.p95, 8.125);
        near(s.max, 9.0);
    }

    #[test]
    fn what_is_not_finite_is_not_counted() {
        let s = summarize(&[f64::NAN, 2.0, f64::INFINITY, 4.0, f64::NEG_INFINITY]).unwrap();
        assert_eq!((s.n, s.mean, s.min, s.max), (2, 3.0, 2.0, 4.0));
        assert_eq!(summarize(&[f64::NAN]), None);
        assert_eq!(summarize(&[]), None);
        assert_eq!(mean(&[f64::NAN, 5.0]), Some(5.0));
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn one_value_has_no_spread() {
        let s = summarize(&[7.25]).unwrap();
        assert_eq!((s.n, s.mean, s.sd), (1, 7.25, 0.0));
        assert_eq!((s.p5, s.p50, s.p95), (7.25, 7.25, 7.25));
    }

    #[test]
    fn quantiles_have_edges() {
        let sorted = [10.0, 20.0, 40.0];
        assert_eq!(quantile(&sorted, 0.0), Some(10.0));
        assert_eq!(quantile(&sorted, 1.0), Some(40.0));
        assert_eq!(quantile(&sorted, 0.75), Some(30.0));
        assert_eq!(quantile(&sorted, 1.1), None);
        assert_eq!(quantile(&sorted, f64::NAN), None);
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[0.1; 7], 0.3), Some(0.1));
    }

    #[test]
    fn a_summary_is_written_by_name() {
        let text = serde_json::to_string(&summarize(&[1.0, 3.0]).unwrap()).unwrap();
        assert!(text.starts_with(r#"{"n":2,"mean":2.0,"sd":1.414"#), "{text}");
    }
}
