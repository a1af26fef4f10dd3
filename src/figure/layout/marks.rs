//! Marks become primitives inside one plot.

use super::super::axis::Axis;
use super::super::cells::cells;
use super::super::marks::{Anchor, Mark, Paint};
use super::super::spec::Style;
use super::super::text::{self, ASCENT, HALF_CAP};
use super::primitive::{Ink, Primitive, Rect, Stroke, TextRun};
use super::{TICK_SIZE, clip, glyph, thin};

/// A plot: where it is, and what its axes say about values.
pub struct Plot<'a> {
    /// The place between the axes; nothing is drawn outside of it.
    pub rect: Rect,
    /// The horizontal axis.
    pub x: &'a Axis,
    /// The vertical axis.
    pub y: &'a Axis,
    /// The font size, and the measure of caps and hatches.
    pub em: f64,
    /// What it is drawn on.
    pub style: Style,
}

impl Plot<'_> {
    /// Draws one mark; nothing if none of it can be seen.
    pub fn draw(&self, mark: &Mark) -> Vec<Primitive> {
        match mark {
            Mark::Line { xy, paint, .. } => self.line(&self.runs(xy), paint),
            Mark::Step { xy, paint, .. } => {
                let stairs: Vec<_> = self.runs(xy).iter().map(|run| stairs(run)).collect();
                self.line(&stairs, paint)
            }
            Mark::Bars { x0, x1, y0, y1, hatch, paint, .. } => {
                let corners = (x0.iter().zip(y0)).zip(x1.iter().zip(y1));
                corners
                    .filter_map(|((x0, y0), (x1, y1))| self.bar([*x0, *y0], [*x1, *y1]))
                    .flat_map(|r| glyph::bar(r, *hatch, paint, self.em, self.style))
                    .collect()
            }
            Mark::Points { xy, marker, size_pt, paint, .. } => {
                let size = super::sane(*size_pt, 0.1, 200.0, 4.0);
                let seen = xy.iter().filter_map(|p| self.at(*p)).filter(|p| self.rect.holds(*p));
                let heaps = thin::thinned(seen, size).into_iter();
                let drawn = heaps.map(|heap| {
                    let paint = paint.alpha(heap.alpha(paint.alpha));
                    glyph::marker(*marker, heap.at, heap.size(size), &paint, self.style)
                });
                drawn.collect()
            }
            Mark::Band { x, lo, hi, paint, .. } => self.band(x, lo, hi, paint),
            Mark::Rule { at, horizontal, paint, .. } => {
                self.rule(*at, *horizontal, paint).into_iter().collect()
            }
            Mark::ErrorBars { x, lo, hi, horizontal, paint, .. } => {
                self.error_bars(x, lo, hi, *horizontal, paint)
            }
            Mark::Boxes { x, width, boxes, hatch, paint, .. } => {
                self.boxes(x, *width, boxes, *hatch, paint)
            }
            Mark::Violin { at, y, half_width, quartiles, hatch, paint, .. } => {
                self.violin(*at, [y, half_width], *quartiles, *hatch, paint)
            }
            Mark::HeatMap { x, y, values, labels, colors, .. } => {
                self.heat_map(cells(x, y, values, labels), colors)
            }
            Mark::Text { at, text, anchor, paint, .. } => {
                self.words(*at, text, *anchor, paint).into_iter().collect()
            }
        }
    }

    pub(super) fn at(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        self.on_page(self.x.place(x)?, self.y.place(y)?)
    }

    fn on_page(&self, x: f64, y: f64) -> Option<[f64; 2]> {
        let at = [self.rect.x + x * self.rect.w, self.rect.bottom() - y * self.rect.h];
        at.iter().all(|v| v.is_finite()).then_some(at)
    }

    /// The points on the page, split where there is a gap.
    fn runs(&self, xy: &[[f64; 2]]) -> Vec<Vec<[f64; 2]>> {
        let mut runs = vec![Vec::new()];
        for point in xy {
            match (self.at(*point), runs.last_mut()) {
                (Some(at), Some(run)) => run.push(at),
                _ => runs.push(Vec::new()),
            }
        }
        runs.retain(|run| !run.is_empty());
        runs
    }

    fn line(&self, runs: &[Vec<[f64; 2]>], paint: &Paint) -> Vec<Primitive> {
        let stroke = Stroke::of(paint, self.style);
        let mut drawn = Vec::new();
        let mut visible = Vec::new();
        for run in runs {
            match run.as_slice() {
                // A point between two gaps has no line but is data all the same.
                [alone] if self.rect.holds(*alone) => drawn.push(Primitive::Circle {
                    at: *alone,
                    radius: stroke.width_pt,
                    fill: Some(stroke.ink),
                    stroke: None,
                }),
                _ => visible.extend(clip::polyline(run, &self.rect)),
            }
        }
        if !visible.is_empty() {
            drawn.push(Primitive::lines(visible, stroke));
        }
        drawn
    }

    pub(super) fn bar(&self, from: [f64; 2], to: [f64; 2]) -> Option<Rect> {
        let edge = |[x, y]: [f64; 2]| self.on_page(self.x.place_edge(x)?, self.y.place_edge(y)?);
        clip::overlap(&Rect::spanned(edge(from)?, edge(to)?), &self.rect)
    }

    fn band(&self, x: &[f64], lo: &[f64], hi: &[f64], paint: &Paint) -> Vec<Primitive> {
        let mut areas: Vec<Vec<[[f64; 2]; 2]>> = vec![Vec::new()];
        for ((x, lo), hi) in x.iter().zip(lo).zip(hi) {
            let ends = self.at([*x, *lo]).zip(self.at([*x, *hi]));
            match (ends, areas.last_mut()) {
                (Some((low, high)), Some(area)) => area.push([low, high]),
                _ => areas.push(Vec::new()),
            }
        }
        let outlines = areas.iter().map(|area| {
            let there = area.iter().map(|pair| pair[1]);
            let back = area.iter().rev().map(|pair| pair[0]);
            clip::polygon(&there.chain(back).collect::<Vec<_>>(), &self.rect)
        });
        let runs: Vec<_> = outlines.filter(|outline| outline.len() >= 3).collect();
        if runs.is_empty() {
            return Vec::new();
        }
        vec![Primitive::Path {
            runs,
            closed: true,
            fill: Some(Ink::of(paint, self.style)),
            stroke: None,
        }]
    }

    fn rule(&self, at: f64, horizontal: bool, paint: &Paint) -> Option<Primitive> {
        let ends = if horizontal {
            let share = self.y.place(at)?;
            [self.on_page(0.0, share)?, self.on_page(1.0, share)?]
        } else {
            let share = self.x.place(at)?;
            [self.on_page(share, 0.0)?, self.on_page(share, 1.0)?]
        };
        let seen = ends.iter().all(|end| self.rect.holds(*end));
        seen.then(|| Primitive::lines(vec![ends.to_vec()], Stroke::of(paint, self.style)))
    }

    fn error_bars(
        &self,
        x: &[f64],
        lo: &[f64],
        hi: &[f64],
        horizontal: bool,
        paint: &Paint,
    ) -> Vec<Primitive> {
        let cap = 0.22 * self.em;
        let reach = if horizontal { [0.0, cap] } else { [cap, 0.0] };
        let mut runs = Vec::new();
        for ((x, lo), hi) in x.iter().zip(lo).zip(hi) {
            let turned = |v: f64| if horizontal { [v, *x] } else { [*x, v] };
            let Some((low, high)) = self.at(turned(*lo)).zip(self.at(turned(*hi))) else {
                continue;
            };
            let capped = |end: [f64; 2]| {
                let [dx, dy] = reach;
                [[end[0] - dx, end[1] - dy], [end[0] + dx, end[1] + dy]]
            };
            runs.extend(clip::segment(low, high, &self.rect).map(Vec::from));
            // A cap says "it ends here": an interval cut by the plot has none.
            let caps = [low, high].into_iter().filter(|end| self.rect.holds(*end)).map(capped);
            runs.extend(caps.filter_map(|[a, b]| clip::segment(a, b, &self.rect).map(Vec::from)));
        }
        if runs.is_empty() {
            return Vec::new();
        }
        vec![Primitive::lines(runs, Stroke::of(paint, self.style))]
    }

    fn words(&self, at: [f64; 2], words: &str, anchor: Anchor, paint: &Paint) -> Option<Primitive> {
        let at = self.at(at)?;
        let size_pt = TICK_SIZE * self.em;
        let words = text::shorten(&text::clean(words), size_pt, false, self.rect.w);
        let width = text::width(&words, size_pt, false);
        let before = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width / 2.0,
            Anchor::End => width,
        };
        let (low, high) = (self.rect.x, (self.rect.right() - width).max(self.rect.x));
        let left = (at[0] - before).clamp(low, high);
        let top = self.rect.y + ASCENT * size_pt;
        let bottom = (self.rect.bottom() - 0.3 * size_pt).max(top);
        Some(Primitive::Text(TextRun {
            at: [left, (at[1] + HALF_CAP * size_pt).clamp(top, bottom)],
            text: words,
            size_pt,
            anchor: Anchor::Start,
            turn_deg: 0.0,
            bold: false,
            ink: Ink::of_words(paint, self.style),
        }))
    }
}

fn stairs(run: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut corners: Vec<[f64; 2]> = Vec::with_capacity(run.len() * 2);
    for &[x, y] in run {
        if let Some(&[_, before]) = corners.last() {
            corners.push([x, before]);
        }
        corners.push([x, y]);
    }
    corners
}
