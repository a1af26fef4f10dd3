//! Bars beside each other, with the whiskers of those that have an interval.

use crate::figure::{Hatch, Mark, Paint, palette};

/// How the two bars of a pair are filled, the one that counts and its counterpart: in a grey print
/// the colours of strategies are alike.
pub(super) fn fillings(place: usize) -> [Hatch; 2] {
    [palette::hatch(place), Hatch::Open]
}

/// One bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bar {
    /// Its left edge.
    pub x: f64,
    /// Where it ends.
    pub value: f64,
    /// Its 95% interval.
    pub ci95: Option<[f64; 2]>,
}

/// The bars of a series, each `width` wide with a little air, and their whiskers.
pub(super) fn bar_marks(
    series: &str,
    bars: &[Bar],
    width: f64,
    hatch: Hatch,
    paint: Paint,
) -> Vec<Mark> {
    let sure: Vec<(f64, [f64; 2])> =
        bars.iter().filter_map(|bar| Some((bar.x + 0.46 * width, bar.ci95?))).collect();
    let mut marks = vec![Mark::Bars {
        series: series.to_owned(),
        x0: bars.iter().map(|bar| bar.x).collect(),
        x1: bars.iter().map(|bar| bar.x + 0.92 * width).collect(),
        y0: vec![0.0; bars.len()],
        y1: bars.iter().map(|bar| bar.value).collect(),
        hatch,
        paint: paint.width(0.6),
    }];
    if !sure.is_empty() {
        marks.push(Mark::ErrorBars {
            series: series.to_owned(),
            x: sure.iter().map(|(x, _)| *x).collect(),
            lo: sure.iter().map(|(_, [lo, _])| *lo).collect(),
            hi: sure.iter().map(|(_, [_, hi])| *hi).collect(),
            horizontal: false,
            paint: Paint::new([0; 3]).width(0.7),
        });
    }
    marks
}

/// The part of a category's width that its bars take: bars of a lone category would be as broad as
/// the page.
pub(super) fn breadth(n_categories: usize) -> f64 {
    0.84 * (n_categories as f64 / 4.0).clamp(0.4, 1.0)
}
