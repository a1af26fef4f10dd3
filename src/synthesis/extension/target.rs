//! Lengths that follow those of a test set.

use crate::seed::Stream;
use crate::stats;

/// A length for each record, so that all of them together are spread as `tests` are.
///
/// The tests' distribution is cut into as many strata as there are records, and each record gets one of
/// their middles (quantiles) by chance, but none below the length that it has already: the longest records
/// choose first, among what is not below them. A record that is longer than all that is left takes the
/// longest of it, and cannot reach down to it.
pub fn target_lengths(own: &[u64], tests: &[u64], stream: &mut Stream) -> Vec<u64> {
    let mut sorted: Vec<f64> = tests.iter().map(|length| *length as f64).collect();
    sorted.sort_by(f64::total_cmp);
    let n = own.len() as f64;
    let quantile = |ix: usize| stats::quantile(&sorted, (ix as f64 + 0.5) / n);
    let mut left: Vec<u64> =
        (0..own.len()).filter_map(quantile).map(|length| length.round() as u64).collect();
    if left.len() < own.len() {
        return own.to_vec();
    }
    let mut order: Vec<usize> = (0..own.len()).collect();
    // Of equally long records none is favoured by its place in the file.
    stream.shuffle(&mut order);
    order.sort_by_key(|ix| std::cmp::Reverse(own[*ix]));
    let mut lengths = vec![0; own.len()];
    for ix in order {
        let first = left.partition_point(|length| *length < own[ix]);
        let taken = match left.len() - first {
            0 => left.len() - 1,
            n_possible => first + stream.below(n_possible),
        };
        lengths[ix] = left.remove(taken);
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(own: &[u64], tests: &[u64]) -> Vec<u64> {
        target_lengths(own, tests, &mut Stream::new(7, "", "target"))
    }

    #[test]
    fn lengths_are_spread_as_the_tests_are() {
        let tests: Vec<u64> = (0..1000).map(|n| 2000 + n * n / 100).collect();
        let own: Vec<u64> = (0..400).map(|n| 500 + n).collect();
        let mut drawn = lengths(&own, &tests);
        assert_ne!(drawn, lengths(&own, &tests[1..]));
        // By chance: the long records have no longer targets than the short ones.
        let mean = |part: &[u64]| part.iter().sum::<u64>() as f64 / part.len() as f64;
        assert!((mean(&drawn[..200]) / mean(&drawn[200..]) - 1.0).abs() < 0.15);
        drawn.sort_unstable();
        let as_f64 = |values: &[u64]| values.iter().map(|v| *v as f64).collect::<Vec<_>>();
        let distance = stats::wasserstein(&as_f64(&drawn), &as_f64(&tests)).unwrap();
        assert!(distance < 10.0, "{distance}");
    }

    #[test]
    fn no_record_gets_less_than_it_has_while_others_can() {
        let own = [10, 30, 20, 5, 36];
        let drawn = lengths(&own, &[8, 12, 25, 33, 41]);
        for (drawn, own) in drawn.iter().zip(own) {
            assert!(*drawn >= own, "{drawn} for {own}");
        }
        // Two are longer than all tests.
        let drawn = lengths(&[100, 1, 200], &[10, 20, 30]);
        assert_eq!(drawn, [20, 13, 27]);
        assert_eq!(lengths(&[1, 2], &[]), [1, 2]);
        assert_eq!(lengths(&[], &[3]), [0; 0]);
    }
}
