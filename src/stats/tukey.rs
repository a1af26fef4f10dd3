//! What a box plot shows.

use super::{finite_sorted, quantile};

/// How far whiskers may reach beyond the quartiles, in lengths of the box (J. W. Tukey, "Exploratory
/// Data Analysis", 1977).
const REACH: f64 = 1.5;

/// A list of numbers as a box with whiskers.
#[derive(Debug, Clone, PartialEq)]
pub struct Tukey {
    /// Lower quartile, median, upper quartile.
    pub quartiles: [f64; 3],
    /// The least and the largest value that is at most 1.5 box lengths beyond its quartile, and
    /// never inside the box.
    pub whiskers: [f64; 2],
    /// The values beyond the whiskers, ascending.
    pub outliers: Vec<f64>,
}

/// The box of the finite values; `None` when there is none.
pub fn tukey(values: &[f64]) -> Option<Tukey> {
    let sorted = finite_sorted(values);
    let [lower, median, upper] = [0.25, 0.5, 0.75].map(|q| quantile(&sorted, q));
    let (lower, median, upper) = (lower?, median?, upper?);
    let reach = REACH * (upper - lower);
    let within = |v: &&f64| (lower - reach..=upper + reach).contains(*v);
    let least = sorted.iter().find(within).map_or(lower, |least| least.min(lower));
    let most = sorted.iter().rfind(within).map_or(upper, |most| most.max(upper));
    let outliers = sorted.iter().filter(|v| **v < least || **v > most).copied().collect();
    Some(Tukey { quartiles: [lower, median, upper], whiskers: [least, most], outliers })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whiskers_end_at_values_and_the_rest_lies_beyond() {
        // matplotlib.cbook.boxplot_stats([1, 2, 3, 4, 5, 6, 7, 8, 20, -9, 11]) gives these.
        let found = tukey(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 20.0, -9.0, 11.0]).unwrap();
        assert_eq!(found.quartiles, [2.5, 5.0, 7.5]);
        assert_eq!(found.whiskers, [1.0, 11.0]);
        assert_eq!(found.outliers, [-9.0, 20.0]);
    }

    #[test]
    fn few_and_odd_values_have_a_box_too() {
        assert_eq!(tukey(&[f64::NAN, f64::INFINITY]), None);
        let one = tukey(&[3.0, f64::NAN]).unwrap();
        assert_eq!((one.quartiles, one.whiskers), ([3.0; 3], [3.0; 2]));
        // Interpolated quartiles may lie beyond every value that a whisker could end at.
        let split = tukey(&[0.0, 0.0, 0.0, 100.0]).unwrap();
        assert_eq!((split.quartiles, split.whiskers), ([0.0, 0.0, 25.0], [0.0, 25.0]));
        assert_eq!(split.outliers, [100.0]);
    }
}
