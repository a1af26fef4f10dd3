//! The mean of grades as each edition of the benchmark rounds it. The editions differ, and so do the
//! last digits.

/// LongBench: the sum from the first grade to the last, times 100, by their number; rounded to two
/// decimals as Python rounds, which is by the exact value of the binary number. `None` without grades.
pub(super) fn longbench(grades: &[f64]) -> Option<f64> {
    let sum = grades.iter().fold(0.0, |sum, grade| sum + grade);
    (!grades.is_empty()).then(|| python_round(100.0 * sum / grades.len() as f64))
}

/// LongBench-E: numpy's mean, which adds in pairs, times 100; rounded as numpy rounds, which is by the
/// nearest whole number of hundredths after multiplying. `None` without grades, where numpy has NaN.
pub(super) fn longbench_e(grades: &[f64]) -> Option<f64> {
    let mean = pairwise(grades) / grades.len() as f64;
    (!grades.is_empty()).then(|| (100.0 * mean * 100.0).round_ties_even() / 100.0)
}

/// The mean of scores, rounded as LongBench rounds them. `None` without any.
pub fn mean_score(scores: &[f64]) -> Option<f64> {
    let sum = scores.iter().fold(0.0, |sum, score| sum + score);
    (!scores.is_empty()).then(|| python_round(sum / scores.len() as f64))
}

/// Python's `round(value, 2)`.
fn python_round(value: f64) -> f64 {
    // The text of so many decimals is right for the exact value, ties to even, in Rust as in Python.
    format!("{value:.2}").parse().unwrap_or(value)
}

/// numpy's sum: one after another below 8 numbers, in eight lanes up to 128, else by halves.
fn pairwise(numbers: &[f64]) -> f64 {
    const LANES: usize = 8;
    let n = numbers.len();
    if n < LANES {
        return numbers.iter().fold(0.0, |sum, number| sum + number);
    }
    if n > 128 {
        let half = n / 2 - n / 2 % LANES;
        return pairwise(&numbers[..half]) + pairwise(&numbers[half..]);
    }
    let (whole, rest) = numbers.split_at(n - n % LANES);
    let mut lanes = [0.0; LANES];
    for row in whole.chunks_exact(LANES) {
        lanes.iter_mut().zip(row).for_each(|(lane, number)| *lane += number);
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    let sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    rest.iter().fold(sum, |sum, number| sum + number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// `tests/golden/make_metrics.py` wrote what both editions make of made grades.
    #[test]
    fn means_are_rounded_as_both_editions_round_them() {
        let golden: Value =
            serde_json::from_str(include_str!("../../tests/golden/metrics.json")).unwrap();
        let means = golden["means"].as_array().unwrap();
        assert!(means.len() >= 300);
        for mean in means {
            let [n, a, b, m] = ["n", "a", "b", "m"].map(|key| mean[key].as_u64().unwrap());
            let grades: Vec<f64> = (0..n).map(|i| ((i * a + b) % m) as f64 / m as f64).collect();
            assert_eq!(longbench(&grades), mean["longbench"].as_f64(), "{mean}");
            assert_eq!(longbench_e(&grades), mean["longbench_e"].as_f64(), "{mean}");
        }
        assert_eq!(longbench(&[]), None);
        assert_eq!(longbench_e(&[]), None);
    }

    #[test]
    fn ties_are_no_ties_in_binary() {
        assert_eq!(python_round(2.675), 2.67);
        assert_eq!(longbench_e(&[0.02675]), Some(2.68));
        assert_eq!(python_round(0.125), 0.12);
        assert_eq!(python_round(0.375), 0.38);
    }
}
