//! The length axis that all panels of a figure share: what it shows, its ticks, its bins.

use crate::figure::Axis;
use crate::figure::axis::linear_ticks;
use crate::lengths::Group;
use crate::stats;

/// About so many bins.
const BINS: f64 = 24.0;

/// From the shortest to the longest record of a figure, in equal steps or in octaves.
pub(super) struct Ruler {
    pub(super) log: bool,
    least: f64,
    most: f64,
    /// What the axis shows: somewhat more than the records need, so that curves can run out.
    pub(super) range: [f64; 2],
}

impl Ruler {
    pub(super) fn of(groups: &[&Group], log: bool) -> Self {
        let ends = groups.iter().map(|group| [group.summary.min, group.summary.max]);
        let joined = ends.reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])]);
        let mut ruler = Self { log, least: 1.0, most: 1.0, range: [0.0; 2] };
        [ruler.least, ruler.most] = joined.unwrap_or([1.0; 2]).map(|end| ruler.shown(end));
        let (least, most) = (ruler.least, ruler.most);
        let [first, last] = ruler.ends_of_bins();
        ruler.range = if log {
            [(least / 1.5).min(first), (most * 1.5).max(last).max(least + 2.0)]
        } else {
            let margin = (0.06 * (most - least)).max(1.0);
            [(least - margin).min(first).max(0.0), (most + margin).max(last)]
        };
        ruler
    }

    /// Where a length stands: nothing stands at 0 on a log axis, so there it stands at 1.
    pub(super) fn shown(&self, length: f64) -> f64 {
        if self.log { length.max(1.0) } else { length }
    }

    /// A place on the axis as it measures: itself, or its octaves above 1.
    pub(super) fn measure(&self, place: f64) -> f64 {
        if self.log { place.log2() } else { place }
    }

    /// How far the axis reaches, as it measures.
    pub(super) fn reach(&self) -> f64 {
        self.measure(self.range[1]) - self.measure(self.range[0])
    }

    /// Places along the axis, close enough for a curve.
    pub(super) fn places(&self) -> Vec<f64> {
        let [lo, hi] = self.range;
        if self.log { stats::log_edges(lo, hi, 160) } else { stats::linear_edges(lo, hi, 160) }
    }

    /// The edges of the bins. Lengths are whole numbers, so edges stand between them: then no bin
    /// is empty only because no whole number falls into it, and on a linear axis every bin holds
    /// as many.
    pub(super) fn bins(&self) -> Vec<f64> {
        let [first, last] = self.ends_of_bins();
        if !self.log {
            let n = ((last - first) / self.bin_width()).round() as usize;
            return stats::linear_edges(first, last, n);
        }
        let mut edges = stats::log_edges(first, last, BINS as usize);
        for edge in &mut edges {
            *edge = (*edge + 0.5).round() - 0.5;
        }
        edges.dedup();
        edges
    }

    fn ends_of_bins(&self) -> [f64; 2] {
        let [first, last] = [self.least.floor() - 0.5, self.most.ceil() + 0.5];
        if self.log {
            return [first, last];
        }
        let width = self.bin_width();
        [first, first + width * ((last - first) / width).ceil()]
    }

    fn bin_width(&self) -> f64 {
        ((self.most.ceil() - self.least.floor() + 1.0) / BINS).ceil()
    }

    /// The axis. Its ticks are whole numbers: there is no record of 1.5 words.
    pub(super) fn axis(&self, label: &str) -> Axis {
        let [lo, hi] = self.range;
        let mut axis =
            if self.log { Axis::log2(label, lo, hi) } else { Axis::linear(label, lo, hi) };
        axis.ticks.retain(|tick| tick.at.fract() == 0.0);
        if axis.ticks.len() < 2 {
            axis.ticks = linear_ticks(lo.ceil(), hi.floor(), 3);
            axis.ticks.retain(|tick| tick.at.fract() == 0.0);
        }
        for tick in &mut axis.ticks {
            // "2.0" of ticks that lost their halves.
            if tick.label.parse() == Ok(tick.at) {
                tick.label = tick.at.to_string();
            }
        }
        axis
    }
}
