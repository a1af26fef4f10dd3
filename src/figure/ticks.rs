//! Which values an axis names, and how they are printed.

use super::axis::Tick;

/// About `target` steps at round numbers (1, 2 or 5 times a power of ten) inside `lo..=hi`.
/// From ten thousand on labels are in k, from a million in M; very large and very small ones
/// are in powers of ten. Empty unless `lo < hi` are finite.
pub fn linear_ticks(lo: f64, hi: f64, target: usize) -> Vec<Tick> {
    let Some(step) = Step::near((hi - lo) / target.max(1) as f64) else {
        return Vec::new();
    };
    if !(lo.is_finite() && hi.is_finite()) {
        return Vec::new();
    }
    let first = (lo / step.size() - 1e-9).ceil();
    let largest = lo.abs().max(hi.abs());
    let mut ticks: Vec<Tick> = Vec::new();
    // Where steps are finer than f64 the same value would come again and again.
    for i in 0..=4 * target.max(1) {
        let at = step.times(first + i as f64);
        if at > hi + step.size() * 1e-9 {
            break;
        }
        if ticks.last().is_none_or(|last| last.at < at) {
            let label = linear_label(at, step.size(), largest);
            ticks.push(Tick { at, label });
        }
    }
    ticks
}

/// Powers of two inside `lo..=hi`: 512, 1k, 2k, ... 128k, 1M; round numbers instead where the
/// range holds fewer than two powers. Empty unless `0 < lo < hi` are finite.
pub fn log2_ticks(lo: f64, hi: f64) -> Vec<Tick> {
    powers(lo, hi, 2, &[1.0], |at, _| binary_label(at))
}

/// Powers of ten inside `lo..=hi`, with their doubles and fives where there are fewer than two,
/// and round numbers where that does not help. Empty unless `0 < lo < hi` are finite.
pub fn log10_ticks(lo: f64, hi: f64) -> Vec<Tick> {
    let decades = powers(lo, hi, 10, &[1.0], decimal_label);
    if decades.len() >= 2 && decades.iter().all(|t| is_power_of_ten(t.at)) {
        return decades;
    }
    powers(lo, hi, 10, &[1.0, 2.0, 5.0], decimal_label)
}

fn powers(
    lo: f64,
    hi: f64,
    base: i32,
    times: &[f64],
    label: impl Fn(f64, i32) -> String,
) -> Vec<Tick> {
    if !(lo > 0.0 && lo < hi && hi.is_finite()) {
        return Vec::new();
    }
    let log = |v: f64| v.log2() / f64::from(base).log2();
    let exponents = log(lo).floor() as i32..=log(hi).ceil() as i32;
    let slack = 1e-9;
    let ticks: Vec<Tick> = exponents
        .flat_map(|e| times.iter().map(move |t| (t * f64::from(base).powi(e), e)))
        .filter(|(at, _)| *at >= lo * (1.0 - slack) && *at <= hi * (1.0 + slack))
        .map(|(at, e)| Tick { at, label: label(at, e) })
        .collect();
    if ticks.len() >= 2 { ticks } else { linear_ticks(lo, hi, 4) }
}

fn is_power_of_ten(value: f64) -> bool {
    let exponent = value.log10();
    (exponent - exponent.round()).abs() < 1e-9
}

fn binary_label(value: f64) -> String {
    const K: f64 = 1024.0;
    const NAMES: [(f64, &str); 3] = [(K * K * K, "G"), (K * K, "M"), (K, "k")];
    match NAMES.iter().find(|(size, _)| value >= *size) {
        Some((size, name)) => format!("{}{name}", value / size),
        None if value >= 1.0 / K => format!("{value}"),
        None => format!("{value:e}"),
    }
}

fn decimal_label(value: f64, exponent: i32) -> String {
    match exponent {
        0..=2 => format!("{value:.0}"),
        3..=5 => format!("{:.0}k", value / 1e3),
        6..=8 => format!("{:.0}M", value / 1e6),
        -4..=-1 => format!("{value:.*}", exponent.unsigned_abs() as usize),
        _ => format!("{value:.0e}").replace('-', "\u{2212}"),
    }
}

fn linear_label(value: f64, step: f64, largest: f64) -> String {
    let (unit, name) = match largest {
        v if v < 1e4 => (1.0, ""),
        v if v < 1e6 => (1e3, "k"),
        _ => (1e6, "M"),
    };
    // A value that is zero but for rounding would be printed as -0.
    let value = if value.abs() < step * 1e-6 { 0.0 } else { value };
    let text = if largest >= 1e10 || step < 1e-5 {
        let digits = (largest.log10().floor() - step.log10().floor()).clamp(0.0, 9.0);
        format!("{value:.*e}", digits as usize)
    } else {
        let decimals = (-((step / unit).log10() + 1e-9).floor()).max(0.0);
        format!("{:.*}{name}", decimals as usize, value / unit)
    };
    match value {
        0.0 if !name.is_empty() => "0".to_owned(),
        // The hyphen is shorter than a digit and easily missed.
        _ => text.replace('-', "\u{2212}"),
    }
}

/// A round step, kept as `factor * 10^exponent` because multiples of 0.2 are not exact but
/// multiples of 2 divided by 10 are the nearest there is.
#[derive(Clone, Copy)]
struct Step {
    factor: f64,
    exponent: i32,
}

impl Step {
    fn near(raw: f64) -> Option<Self> {
        if !(raw.is_finite() && raw > 1e-290 && raw < 1e290) {
            return None;
        }
        let exponent = raw.log10().floor() as i32;
        let (factor, exponent) = match raw / 10_f64.powi(exponent) {
            share if share < 1.5 => (1.0, exponent),
            share if share < 3.5 => (2.0, exponent),
            share if share < 7.5 => (5.0, exponent),
            _ => (1.0, exponent + 1),
        };
        Some(Self { factor, exponent })
    }

    fn times(self, n: f64) -> f64 {
        let scale = 10_f64.powi(self.exponent.abs());
        if self.exponent < 0 { n * self.factor / scale } else { n * self.factor * scale }
    }

    fn size(self) -> f64 {
        self.times(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|t| t.label.as_str()).collect()
    }

    #[test]
    fn linear_steps_are_round() {
        let ticks = linear_ticks(0.0, 1.0, 5);
        assert_eq!(labels(&ticks), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(ticks[3].at, 0.6);
        let steps = |hi| linear_ticks(0.0, hi, 5)[1].at;
        assert_eq!([7.0, 8.0, 17.0, 18.0, 37.0, 38.0].map(steps), [1.0, 2.0, 2.0, 5.0, 5.0, 10.0]);
        let around = linear_ticks(-0.31, 0.29, 5);
        assert_eq!(
            labels(&around),
            ["\u{2212}0.3", "\u{2212}0.2", "\u{2212}0.1", "0.0", "0.1", "0.2"]
        );
        assert!(around[3].at == 0.0);
        assert_eq!(labels(&linear_ticks(0.0, 20_000.0, 4)), ["0", "5k", "10k", "15k", "20k"]);
        assert_eq!(
            labels(&linear_ticks(0.0, 2.5e6, 5)),
            ["0", "0.5M", "1.0M", "1.5M", "2.0M", "2.5M"]
        );
        assert_eq!(labels(&linear_ticks(1.0, 1.00002, 2)), ["1.00000", "1.00001", "1.00002"]);
    }

    #[test]
    fn hopeless_ranges_end() {
        assert!(linear_ticks(1.0, 1.0, 5).is_empty());
        assert!(linear_ticks(2.0, 1.0, 5).is_empty());
        assert!(linear_ticks(f64::NAN, 1.0, 5).is_empty());
        assert!(linear_ticks(f64::MIN, f64::MAX, 5).is_empty());
        assert!(linear_ticks(1e16, 1e16 + 4.0, 5).len() <= 5);
        assert!(linear_ticks(0.0, 1.0, 0).len() >= 2);
        assert_eq!(
            labels(&linear_ticks(0.0, 3e-7, 3)),
            ["0e0", "1e\u{2212}7", "2e\u{2212}7", "3e\u{2212}7"]
        );
    }

    #[test]
    fn powers_of_two_are_named() {
        assert_eq!(
            labels(&log2_ticks(500.0, 140_000.0)),
            ["512", "1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k"]
        );
        assert_eq!(log2_ticks(512.0, 1024.0)[1].at, 1024.0);
        assert_eq!(labels(&log2_ticks(0.25, 1.0)), ["0.25", "0.5", "1"]);
        assert_eq!(labels(&log2_ticks(1_048_576.0, 2_097_152.0)), ["1M", "2M"]);
        assert_eq!(labels(&log2_ticks(1100.0, 1900.0)), ["1200", "1400", "1600", "1800"]);
        assert!(log2_ticks(0.0, 8.0).is_empty());
    }

    #[test]
    fn powers_of_ten_are_named() {
        assert_eq!(
            labels(&log10_ticks(0.01, 1e6)),
            ["0.01", "0.1", "1", "10", "100", "1k", "10k", "100k", "1M"]
        );
        assert_eq!(labels(&log10_ticks(3.0, 60.0)), ["5", "10", "20", "50"]);
        assert_eq!(labels(&log10_ticks(3.0, 4.5)), ["3.0", "3.5", "4.0", "4.5"]);
        assert_eq!(labels(&log10_ticks(1e-7, 1e-6)), ["1e\u{2212}7", "1e\u{2212}6"]);
    }
}
