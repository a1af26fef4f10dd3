//! Axes: what range they show, where a value stands on them, which ticks they carry.

use serde::{Deserialize, Serialize};

use super::gaps;

/// One axis of a panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// What is measured, with its unit.
    pub label: String,
    /// How values become distances.
    pub scale: Scale,
    /// The values at the axis' begin and end; an empty or impossible range is widened.
    #[serde(deserialize_with = "gaps::pair")]
    pub range: [f64; 2],
    /// Labelled places. A category axis takes its names instead.
    pub ticks: Vec<Tick>,
}

/// How values become distances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal steps.
    Linear,
    /// Equal ratios, counted in octaves.
    Log2,
    /// Equal ratios, counted in decades.
    Log10,
    /// The i-th name stands at i.
    Category(Vec<String>),
}

/// A labelled place on an axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// The value.
    #[serde(deserialize_with = "gaps::one")]
    pub at: f64,
    /// What is printed.
    pub label: String,
}

impl Axis {
    /// A linear axis with about five ticks.
    pub fn linear(label: &str, lo: f64, hi: f64) -> Self {
        Self::numeric(label, Scale::Linear, [lo, hi], |lo, hi| linear_ticks(lo, hi, 5))
    }

    /// A base-2 logarithmic axis with ticks at powers of two.
    pub fn log2(label: &str, lo: f64, hi: f64) -> Self {
        Self::numeric(label, Scale::Log2, [lo, hi], log2_ticks)
    }

    /// A base-10 logarithmic axis with ticks at powers of ten.
    pub fn log10(label: &str, lo: f64, hi: f64) -> Self {
        Self::numeric(label, Scale::Log10, [lo, hi], log10_ticks)
    }

    /// An axis of names; the i-th name stands at i and takes the space from i - 0.5 to i + 0.5.
    pub fn category(label: &str, names: Vec<String>) -> Self {
        Self {
            label: label.to_owned(),
            range: [-0.5, names.len() as f64 - 0.5],
            scale: Scale::Category(names),
            ticks: Vec::new(),
        }
    }

    fn numeric(
        label: &str,
        scale: Scale,
        range: [f64; 2],
        ticks: impl Fn(f64, f64) -> Vec<Tick>,
    ) -> Self {
        let mut axis = Self { label: label.to_owned(), scale, range, ticks: Vec::new() };
        let [lo, hi] = axis.window().map(|v| axis.scale.undo(v));
        axis.range = [lo, hi];
        axis.ticks = ticks(lo.min(hi), lo.max(hi));
        axis
    }

    /// Where a value stands: 0 at the range's begin, 1 at its end, outside of that beyond them.
    /// `None` for what has no place: not finite, or zero and less on a log axis.
    pub fn place(&self, value: f64) -> Option<f64> {
        let [from, to] = self.window();
        let share = (self.scale.apply(value)? - from) / (to - from);
        share.is_finite().then_some(share)
    }

    /// Where a bar's edge stands: as [`Axis::place`], but zero and less on a log axis are its
    /// floor, far beyond the plot.
    pub fn place_edge(&self, value: f64) -> Option<f64> {
        const FAR: f64 = 1e6;
        let [from, to] = self.window();
        match self.scale {
            Scale::Log2 | Scale::Log10 if value <= 0.0 => Some(FAR.copysign(from - to)),
            _ => self.place(value),
        }
    }

    /// The labelled places inside the range, as shares of it in ascending order.
    pub fn visible_ticks(&self) -> Vec<(f64, String)> {
        let named: Vec<(f64, String)> = match &self.scale {
            Scale::Category(names) => (0..).map(f64::from).zip(names.iter().cloned()).collect(),
            _ => self.ticks.iter().map(|t| (t.at, t.label.clone())).collect(),
        };
        let mut inside: Vec<(f64, String)> = named
            .into_iter()
            .filter_map(|(at, label)| Some((self.place(at)?, label)))
            .filter(|(share, _)| (-1e-9..=1.0 + 1e-9).contains(share))
            .collect();
        inside.sort_by(|a, b| a.0.total_cmp(&b.0));
        inside
    }

    /// The range on the scale's own measure (octaves, decades), made usable: two finite values
    /// that differ.
    pub fn window(&self) -> [f64; 2] {
        if let Scale::Category(names) = &self.scale
            && self.range[0] == self.range[1]
        {
            return [-0.5, names.len().max(1) as f64 - 0.5];
        }
        // A log axis that was asked to begin at zero shows some octaves below its other end.
        let reach = match self.scale {
            Scale::Log2 => 10.0,
            Scale::Log10 => 3.0,
            Scale::Linear | Scale::Category(_) => 1.0,
        };
        let [from, to] = match self.range.map(|v| self.scale.apply(v)) {
            [Some(from), Some(to)] => [from, to],
            [None, Some(to)] => [to - reach, to],
            [Some(from), None] => [from, from + reach],
            [None, None] => [0.0, 1.0],
        };
        let size = from.abs().max(to.abs());
        if (to - from).abs() > size * 1e-12 && (to - from).is_finite() {
            return [from, to];
        }
        let half = (size * 0.05).max(0.5);
        [from - half, from + half]
    }
}

impl Scale {
    /// A value on the scale's own measure: octaves, decades or the value itself. `None` for what
    /// has no place there.
    pub fn apply(&self, value: f64) -> Option<f64> {
        let on_scale = match self {
            Self::Linear | Self::Category(_) => value,
            Self::Log2 => value.log2(),
            Self::Log10 => value.log10(),
        };
        on_scale.is_finite().then_some(on_scale)
    }

    /// The value at a place on the scale's own measure.
    pub fn undo(&self, on_scale: f64) -> f64 {
        match self {
            Self::Linear | Self::Category(_) => on_scale,
            Self::Log2 => on_scale.exp2(),
            Self::Log10 => 10_f64.powf(on_scale),
        }
    }
}

pub use super::ticks::{linear_ticks, log2_ticks, log10_ticks};

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("n{i}")).collect()
    }

    #[test]
    fn values_have_places() {
        assert_eq!(Axis::linear("", 10.0, 20.0).place(15.0), Some(0.5));
        assert_eq!(Axis::linear("", 20.0, 10.0).place(20.0), Some(0.0));
        assert_eq!(Axis::log2("", 256.0, 4096.0).place(1024.0), Some(0.5));
        assert_eq!(Axis::log10("", 1.0, 100.0).place(10.0), Some(0.5));
        assert_eq!(Axis::category("", names(4)).place(1.5), Some(0.5));
    }

    #[test]
    fn gaps_have_none() {
        assert_eq!(Axis::linear("", 0.0, 1.0).place(f64::NAN), None);
        assert_eq!(Axis::linear("", 0.0, 1.0).place(f64::INFINITY), None);
        let log = Axis::log2("", 1.0, 8.0);
        assert_eq!((log.place(0.0), log.place(-2.0)), (None, None));
        assert!(log.place_edge(0.0).unwrap() < -1000.0);
        assert!(Axis::log2("", 8.0, 1.0).place_edge(0.0).unwrap() > 1000.0);
    }

    #[test]
    fn impossible_ranges_are_widened() {
        let same = Axis::linear("", 3.0, 3.0);
        assert_eq!((same.range, same.place(3.0)), ([2.5, 3.5], Some(0.5)));
        assert!(!same.ticks.is_empty());
        let nothing = Axis::linear("", f64::NAN, f64::INFINITY);
        assert_eq!(nothing.range, [0.0, 1.0]);
        assert_eq!(Axis::log2("", 0.0, 4096.0).range, [4.0, 4096.0]);
        assert_eq!(Axis::category("", names(0)).place(0.0), Some(0.5));
        let far = Axis::linear("", -f64::MAX, f64::MAX);
        assert!(far.place(0.0).is_none_or(f64::is_finite));
    }

    #[test]
    fn only_ticks_inside_are_visible() {
        let mut axis = Axis::linear("", 0.0, 1.0);
        axis.ticks.push(Tick { at: 1.5, label: "out".into() });
        axis.ticks.push(Tick { at: f64::NAN, label: "gap".into() });
        let labels: Vec<String> = axis.visible_ticks().into_iter().map(|t| t.1).collect();
        assert_eq!(labels, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        let flipped = Axis { range: [2.5, -0.5], ..Axis::category("", names(3)) };
        let ticks = flipped.visible_ticks();
        assert_eq!(ticks[0].1, "n2");
        assert!((ticks[0].0 - 1.0 / 6.0).abs() < 1e-12);
    }
}
