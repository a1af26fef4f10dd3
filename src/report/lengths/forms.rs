//! The marks of one panel: density, histogram or cumulative shares of each strategy, the medians,
//! the records themselves.

use super::ruler::Ruler;
use crate::figure::{Hatch, Mark, Paint, palette};
use crate::lengths::Group;
use crate::report::strategies::{color, strategy_title};
use crate::stats;

/// The lengths of one strategy in a panel.
pub(super) struct Strand<'a> {
    pub(super) group: &'a Group,
    /// Its place in the palettes.
    pub(super) place: usize,
    /// Which strategy of the figure it is.
    pub(super) row: usize,
}

impl Strand<'_> {
    pub(super) fn series(&self) -> String {
        strategy_title(&self.group.strategy)
    }

    pub(super) fn color(&self) -> [u8; 3] {
        color(self.place)
    }

    fn paint(&self) -> Paint {
        Paint::new(self.color()).dash(palette::dash(self.place))
    }

    /// Its vertical line at the median, which ends below what is written above.
    pub(super) fn median(&self, ruler: &Ruler, [bottom, top]: [f64; 2]) -> Mark {
        let x = ruler.shown(self.group.summary.p50);
        Mark::Line {
            series: format!("{}, median", self.series()),
            xy: vec![[x, bottom], [x, top]],
            paint: self.paint().width(0.6),
        }
    }

    /// Its records as a row of points under the axis of a panel whose highest value is `top`.
    pub(super) fn points(&self, ruler: &Ruler, top: f64) -> Mark {
        let y = -top * (FIRST_ROW + ROW * (self.row % MOST_ROWS) as f64);
        Mark::Points {
            series: self.series(),
            xy: self.group.lengths.iter().map(|n| [ruler.shown(*n), y]).collect(),
            ids: Vec::new(),
            marker: palette::marker(self.place),
            size_pt: 2.2,
            paint: Paint::new(color(self.place)).alpha(0.7),
        }
    }

    /// Its density in `per` steps of the ruler, with its area.
    pub(super) fn density(&self, ruler: &Ruler, bandwidths: &Bandwidths, per: f64) -> [Mark; 2] {
        let at = ruler.places();
        let density: Vec<f64> =
            self.curve(ruler, bandwidths).iter().map(|density| density * per).collect();
        let line = Mark::Line {
            series: self.series(),
            xy: at.iter().zip(&density).map(|(x, y)| [*x, *y]).collect(),
            paint: self.paint(),
        };
        let area = Mark::Band {
            series: self.series(),
            lo: vec![0.0; at.len()],
            x: at,
            hi: density,
            paint: self.paint().alpha(0.15),
        };
        [area, line]
    }

    /// Its density at the places of the ruler, as that measures.
    pub(super) fn curve(&self, ruler: &Ruler, bandwidths: &Bandwidths) -> Vec<f64> {
        let measured: Vec<f64> = ruler.places().iter().map(|x| ruler.measure(*x)).collect();
        let lengths = measures(self.group, ruler);
        stats::kde(&lengths, &measured, bandwidths.of(&lengths))
    }

    /// The share of its records that are at most so long.
    pub(super) fn cumulative(&self, ruler: &Ruler) -> Mark {
        let lengths: Vec<f64> = self.group.lengths.iter().map(|n| ruler.shown(*n)).collect();
        let mut xy = vec![[ruler.range[0], 0.0]];
        let steps = stats::ecdf(&lengths);
        // More steps than a page has dots only cost time; each that is drawn is true.
        let every = steps.len().div_ceil(MOST_STEPS).max(1);
        xy.extend(steps.iter().step_by(every).map(|(x, share)| [*x, *share]));
        xy.push([ruler.range[1], 1.0]);
        Mark::Step { series: self.series(), xy, paint: self.paint() }
    }
}

/// Steps of a cumulative curve that are drawn.
const MOST_STEPS: usize = 1000;
/// The first row of points stands so far under the axis, and each next one farther by [`ROW`], in
/// shares of the highest value.
const FIRST_ROW: f64 = 0.05;
const ROW: f64 = 0.055;
/// Where strategies are more, rows are used twice.
const MOST_ROWS: usize = 8;

/// How far rows of points reach under the axis, in shares of the highest value.
pub(super) fn depth(n_strategies: usize) -> f64 {
    FIRST_ROW + ROW * n_strategies.clamp(1, MOST_ROWS) as f64 - 0.2 * ROW
}

fn measures(group: &Group, ruler: &Ruler) -> Vec<f64> {
    group.lengths.iter().map(|n| ruler.measure(ruler.shown(*n))).collect()
}

/// How wide the bells of a density are, as the ruler measures: at least so much, or a few records
/// of nearly one length would give a needle that flattens all other curves; and so much where all
/// lengths are one value, which says nothing of how others would scatter.
pub(super) struct Bandwidths {
    least: f64,
    of_one_value: f64,
}

impl Bandwidths {
    pub(super) fn on(ruler: &Ruler) -> Self {
        if ruler.log {
            return Self { least: 0.1, of_one_value: 0.25 };
        }
        Self { least: 0.01 * ruler.reach(), of_one_value: 0.03 * ruler.reach() }
    }

    fn of(&self, lengths: &[f64]) -> f64 {
        stats::silverman_bandwidth(lengths).map_or(self.of_one_value, |own| own.max(self.least))
    }
}

/// The shares of each strand's records in the bins: bars, and their outlines above all bars.
pub(super) fn histograms(strands: &[Strand<'_>], ruler: &Ruler) -> Vec<Mark> {
    let edges = &ruler.bins();
    let shares: Vec<Vec<f64>> = strands.iter().map(|s| shares(s.group, ruler, edges)).collect();
    let mut marks = Vec::new();
    // A bar hides what lies behind it, so in each bin the highest goes first: layer by layer.
    for layer in 0..strands.len() {
        for (ix, strand) in strands.iter().enumerate() {
            let bins: Vec<usize> = (0..edges.len().saturating_sub(1))
                .filter(|bin| shares[ix][*bin] > 0.0 && rank(&shares, ix, *bin) == layer)
                .collect();
            if !bins.is_empty() {
                marks.push(bars(strand, edges, &shares[ix], &bins));
            }
        }
    }
    marks
        .extend(strands.iter().zip(&shares).map(|(strand, shares)| outline(strand, edges, shares)));
    marks
}

fn shares(group: &Group, ruler: &Ruler, edges: &[f64]) -> Vec<f64> {
    let lengths: Vec<f64> = group.lengths.iter().map(|n| ruler.shown(*n)).collect();
    let counts = stats::histogram(&lengths, edges).counts;
    counts.iter().map(|count| *count as f64 / lengths.len().max(1) as f64).collect()
}

/// How many strands have a higher bar in a bin; of equal ones the first.
fn rank(shares: &[Vec<f64>], ix: usize, bin: usize) -> usize {
    let own = shares[ix][bin];
    let before =
        |other: usize| shares[other][bin] > own || (shares[other][bin] == own && other < ix);
    (0..shares.len()).filter(|other| before(*other)).count()
}

fn bars(strand: &Strand<'_>, edges: &[f64], shares: &[f64], bins: &[usize]) -> Mark {
    Mark::Bars {
        series: strand.series(),
        x0: bins.iter().map(|bin| edges[*bin]).collect(),
        x1: bins.iter().map(|bin| edges[bin + 1]).collect(),
        y0: vec![0.0; bins.len()],
        y1: bins.iter().map(|bin| shares[*bin]).collect(),
        hatch: hatch(strand.place),
        paint: bar_paint(strand.place),
    }
}

/// The filling of a strategy's bars; none is solid where hatched ones could show through it.
pub(super) fn hatch(place: usize) -> Hatch {
    palette::hatch(1 + place % 4)
}

/// The colour of a strategy's bars.
pub(super) fn bar_paint(place: usize) -> Paint {
    Paint::new(color(place)).alpha(0.6).width(0.3)
}

/// From the first to the last bin with a record: beyond them a line at 0 would only cover the axis.
fn outline(strand: &Strand<'_>, edges: &[f64], shares: &[f64]) -> Mark {
    let used = |share: &f64| *share > 0.0;
    let first = shares.iter().position(used).unwrap_or(0);
    let last = shares.iter().rposition(used).map_or(first, |last| last + 1);
    let heights = shares[first..last].iter().chain(&[0.0]);
    let mut xy: Vec<[f64; 2]> = edges.get(first).map(|left| [*left, 0.0]).into_iter().collect();
    xy.extend(edges.iter().skip(first).zip(heights).map(|(x, y)| [*x, *y]));
    Mark::Step { series: strand.series(), xy, paint: Paint::new(color(strand.place)).width(0.8) }
}
