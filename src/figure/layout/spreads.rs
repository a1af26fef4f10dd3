//! Marks that show how values spread: boxes and violins.

use super::super::marks::{BoxNumbers, Hatch, Marker, Paint};
use super::marks::Plot;
use super::primitive::{Ink, Primitive, Stroke};
use super::{clip, glyph, thin};

/// Width of an outlier's ring, in font sizes.
const OUTLIER: f64 = 0.32;
/// Width of a whisker's cap, in widths of its box.
const CAP: f64 = 0.5;

impl Plot<'_> {
    pub(super) fn boxes(
        &self,
        x: &[f64],
        width: f64,
        boxes: &[BoxNumbers],
        hatch: Hatch,
        paint: &Paint,
    ) -> Vec<Primitive> {
        let each = x.iter().zip(boxes);
        each.flat_map(|(x, numbers)| self.one_box(*x, width, numbers, hatch, paint)).collect()
    }

    fn one_box(
        &self,
        x: f64,
        width: f64,
        numbers: &BoxNumbers,
        hatch: Hatch,
        paint: &Paint,
    ) -> Vec<Primitive> {
        let [lower, median, upper] = numbers.quartiles;
        let level = |y: f64, width: f64| [[x - width / 2.0, y], [x + width / 2.0, y]];
        let mut whiskers = Vec::new();
        for (end, quartile) in numbers.whiskers.into_iter().zip([lower, upper]) {
            whiskers.extend(self.segment([[x, quartile], [x, end]]));
            whiskers.extend(self.segment(level(end, CAP * width)));
        }
        let mut drawn = lines(whiskers, Stroke::of(paint, self.style)).collect::<Vec<_>>();
        if let Some(rect) = self.bar([x - width / 2.0, lower], [x + width / 2.0, upper]) {
            drawn.extend(glyph::pale_bar(rect, hatch, paint, self.em, self.style));
        }
        let median = self.segment(level(median, width)).into_iter().collect();
        drawn.extend(lines(median, self.thick(paint)));
        drawn.extend(self.outliers(x, &numbers.outliers, paint));
        drawn
    }

    fn outliers(&self, x: f64, values: &[f64], paint: &Paint) -> impl Iterator<Item = Primitive> {
        let size = OUTLIER * self.em;
        let seen = values.iter().filter_map(|y| self.at([x, *y])).filter(|p| self.rect.holds(*p));
        thin::thinned(seen, size).into_iter().map(move |heap| {
            let paint = paint.alpha(heap.alpha(paint.alpha)).width(0.5);
            glyph::marker(Marker::Ring, heap.at, heap.size(size), &paint, self.style)
        })
    }

    pub(super) fn violin(
        &self,
        at: f64,
        [y, half_width]: [&[f64]; 2],
        quartiles: [f64; 3],
        hatch: Hatch,
        paint: &Paint,
    ) -> Vec<Primitive> {
        let side = |sign: f64| {
            let ends = y.iter().zip(half_width);
            ends.filter_map(move |(y, half)| self.at([at + sign * half, *y]))
        };
        let back: Vec<[f64; 2]> = side(1.0).collect();
        let around: Vec<[f64; 2]> = side(-1.0).chain(back.into_iter().rev()).collect();
        let outline = clip::polygon(&around, &self.rect);
        if outline.len() < 3 {
            return Vec::new();
        }
        let mut drawn = glyph::pale_area(outline, hatch, paint, self.em, self.style);
        let across = |value: f64| {
            let half = violin_width(y, half_width, value)?;
            self.segment([[at - half, value], [at + half, value]])
        };
        let [lower, median, upper] = quartiles;
        let ends = [lower, upper].into_iter().filter_map(across).collect();
        let ink = Ink::opaque(self.style.ink());
        drawn.extend(lines(ends, Stroke::solid(ink, 0.6 * paint_width(paint))));
        drawn.extend(lines(across(median).into_iter().collect(), self.thick(paint)));
        drawn
    }

    /// The line of a median: in the ink's colour, so that it is seen on every filling.
    fn thick(&self, paint: &Paint) -> Stroke {
        Stroke::solid(Ink::opaque(self.style.ink()), 1.6 * paint_width(paint))
    }

    /// The part of a line between two values that is inside the plot.
    fn segment(&self, [from, to]: [[f64; 2]; 2]) -> Option<Vec<[f64; 2]>> {
        clip::segment(self.at(from)?, self.at(to)?, &self.rect).map(Vec::from)
    }
}

fn paint_width(paint: &Paint) -> f64 {
    super::sane(paint.width_pt, 0.5, 4.0, 1.0)
}

fn lines(runs: Vec<Vec<[f64; 2]>>, stroke: Stroke) -> impl Iterator<Item = Primitive> {
    (!runs.is_empty()).then(|| Primitive::lines(runs, stroke)).into_iter()
}

/// How far a violin reaches to either side at a value, between the places where that is known.
pub fn violin_width(y: &[f64], half_width: &[f64], value: f64) -> Option<f64> {
    let pairs = y.windows(2).zip(half_width.windows(2));
    let (ends, widths) =
        pairs.into_iter().find(|(ends, _)| (ends[0]..=ends[1]).contains(&value))?;
    let part = if ends[0] < ends[1] { (value - ends[0]) / (ends[1] - ends[0]) } else { 0.0 };
    Some(widths[0] + part * (widths[1] - widths[0]))
}
