//! The standard normal distribution.

/// Share of the standard normal distribution below `x`, to about 1e-16.
///
/// Marsaglia's series, "Evaluating the Normal Distribution" (2004): one half plus the density
/// times x + x^3 / 3 + x^5 / (3 * 5) + …
pub(super) fn normal_cdf(x: f64) -> f64 {
    if x.is_nan() || x.abs() > 9.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut sum, mut term, mut odd) = (x, x, 1.0);
    while term.abs() > f64::EPSILON * sum.abs() / 8.0 {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
}

/// The place below which the share `p` of the standard normal distribution lies; infinite for a
/// share of none or all. By bisection, which needs no second set of constants.
pub(super) fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let (mut lo, mut hi) = (-9.0, 9.0);
    loop {
        let middle = 0.5 * (lo + hi);
        if middle <= lo || middle >= hi {
            return middle;
        }
        if normal_cdf(middle) < p {
            lo = middle;
        } else {
            hi = middle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_places_are_the_tables() {
        // scipy.special.ndtr and ndtri.
        for (x, p) in [
            (0.0, 0.5),
            (1.0, 0.8413447460685429),
            (1.959963984540054, 0.975),
            (-1.959963984540054, 0.025),
            (-3.0, 0.0013498980316300933),
            (4.5, 0.9999966023268753),
        ] {
            assert!((normal_cdf(x) - p).abs() < 2e-16, "{x}: {}", normal_cdf(x));
            assert!((normal_quantile(p) - x).abs() < 1e-10, "{p}: {}", normal_quantile(p));
        }
    }

    #[test]
    fn the_ends_are_ends() {
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert_eq!((normal_cdf(-40.0), normal_cdf(40.0)), (0.0, 1.0));
        assert_eq!(normal_cdf(f64::INFINITY), 1.0);
    }
}
