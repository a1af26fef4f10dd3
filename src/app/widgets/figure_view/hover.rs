//! What is said about the mark under the pointer.

use super::brush;
use super::ruler::Ruler;
use super::{Records, told, touch};
use crate::figure::layout::{Ink, violin_width};
use crate::figure::{Axis, BoxNumbers, Cell, Mark, Panel, Scale, Style, cells, palette};
use egui::{PopupAnchor, Pos2, Rect, Response, RichText, Stroke, Tooltip, Ui, pos2, vec2};

/// A point this near to the pointer is meant.
const POINT_REACH: f32 = 8.0;
/// A line this near to the pointer is meant.
const LINE_REACH: f32 = 5.0;
/// A bar under the pointer counts as this far away, so that points and lines above it can be met.
const BAR_DISTANCE: f32 = 4.0;
/// An interval counts as this much farther away than it is: a bar says its interval too, so where
/// there is a bar it is asked first.
const INTERVAL_DISTANCE: f32 = BAR_DISTANCE + 0.5;

/// What the pointer is on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found<'a> {
    pub(super) series: &'a str,
    /// One value a line, with name and unit.
    pub(super) lines: Vec<String>,
    color: [u8; 3],
    /// The point of a line or a cloud that is meant.
    at: Option<Pos2>,
    /// Which record it is, where the figure says.
    id: Option<&'a str>,
}

/// Shows what is under the pointer, if it is over the plot.
pub(super) fn hover_ui(
    ui: &Ui,
    response: &Response,
    (ix, panel): (usize, &Panel),
    rulers: &[Ruler<'_>; 2],
    style: Style,
    records: Option<&dyn Records>,
) {
    let [x, y] = rulers;
    let Some(pointer) = response.hover_pos().filter(|_| !response.dragged()) else {
        return;
    };
    let Some(found) = find(panel, x, y, pointer) else {
        return;
    };
    let color = brush::color(Ink::opaque(style.visible(found.color)));
    if let Some(at) = found.at {
        let ring = Stroke::new(1.5, ui.visuals().strong_text_color());
        let frame = Rect::from_two_pos(pos2(x.ends[0], y.ends[0]), pos2(x.ends[1], y.ends[1]));
        ui.painter().with_clip_rect(frame.expand(6.0)).circle(at, 4.0, color, ring);
    }
    let above = PopupAnchor::Pointer;
    let tooltip = Tooltip::always_open(ui.ctx().clone(), response.layer_id, response.id, above);
    tooltip.gap(12.0).show(|ui| {
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(9.0, 9.0), egui::Sense::hover());
            ui.painter().rect_filled(rect, 2.0, color);
            ui.label(RichText::new(found.series).strong());
        });
        if let Some((records, id)) = records.zip(found.id) {
            ui.add(egui::Label::new(records.name(id)).wrap());
        }
        for line in &found.lines {
            ui.label(line);
        }
        let category = touch::place(rulers, pointer);
        if let Some(n) = records.and_then(|records| records.count(ix, found.series, category)) {
            ui.label(format!("n = {}", told::number(n as f64)));
        }
    });
}

/// The mark nearest to the pointer, the upper one where two are equally near.
pub(super) fn find<'a>(
    panel: &'a Panel,
    x: &Ruler<'_>,
    y: &Ruler<'_>,
    pointer: Pos2,
) -> Option<Found<'a>> {
    let look = Look { panel, x, y, pointer };
    let mut best: Option<(f32, Found<'a>)> = None;
    for mark in &panel.marks {
        if let Some((distance, found)) = look.at(mark)
            && best.as_ref().is_none_or(|(least, _)| distance <= *least)
        {
            best = Some((distance, found));
        }
    }
    best.map(|(_, found)| found)
}

/// Where a mark's values stand, and how far from there the pointer is.
struct Look<'a> {
    panel: &'a Panel,
    x: &'a Ruler<'a>,
    y: &'a Ruler<'a>,
    pointer: Pos2,
}

/// How far away something is, where the pointer meets it, and what is said there.
type Near = (f32, Option<Pos2>, Vec<String>);

/// A point of a cloud: the same, and which of its points it is.
type NearPoint = (Near, usize);

impl<'a> Look<'a> {
    fn at<'m>(&self, mark: &'m Mark) -> Option<(f32, Found<'m>)> {
        let (series, color, near) = match mark {
            Mark::Points { series, xy, ids, paint, .. } => {
                let ((distance, at, lines), ix) = self.points(xy)?;
                let id = ids.get(ix).map(String::as_str);
                return Some((distance, Found { series, lines, color: paint.color, at, id }));
            }
            Mark::Line { series, xy, paint } => (series, paint.color, self.line(xy)),
            Mark::Step { series, xy, paint } => (series, paint.color, self.stairs(xy)),
            Mark::Rule { series, at, horizontal, paint } => {
                (series, paint.color, self.rule(*at, *horizontal))
            }
            Mark::Bars { series, x0, x1, y0, y1, paint, .. } => {
                (series, paint.color, self.bars(series, [x0, x1], [y0, y1]))
            }
            Mark::ErrorBars { series, x, lo, hi, horizontal, paint } => {
                (series, paint.color, self.intervals(x, lo, hi, *horizontal))
            }
            Mark::Boxes { series, x, width, boxes, paint, .. } => {
                (series, paint.color, self.boxes(x, *width, boxes))
            }
            Mark::Violin { series, at, y, half_width, quartiles, paint, .. } => {
                (series, paint.color, self.violin(*at, y, half_width, quartiles))
            }
            Mark::HeatMap { series, x, y, values, labels, colors } => {
                let cell = self.cell(cells(x, y, values, labels))?;
                let shade = colors.place(cell.value).map(palette::ramp);
                let near = (BAR_DISTANCE, None, self.cell_lines(&cell, colors));
                (series, shade.unwrap_or_default(), Some(near))
            }
            Mark::Band { .. } | Mark::Text { .. } => return None,
        };
        let (distance, at, lines) = near?;
        Some((distance, Found { series, lines, color, at, id: None }))
    }

    /// The box under the pointer, from the end of one whisker to the end of the other; an outlier
    /// of it where that is nearer.
    fn boxes(&self, x: &[f64], width: f64, boxes: &[BoxNumbers]) -> Option<Near> {
        let (at, numbers) = x.iter().zip(boxes).find(|(x, _)| {
            let edges = [*x - width / 2.0, *x + width / 2.0].map(|x| self.x.place(x));
            matches!(edges, [Some(a), Some(b)] if (a.min(b)..=a.max(b)).contains(&self.pointer.x))
        })?;
        let name = told::value(&self.panel.x, *at);
        if let Some((distance, place, y)) = self.outlier(*at, &numbers.outliers) {
            return Some((distance, Some(place), vec![name, told::value(&self.panel.y, y)]));
        }
        let ends = numbers.whiskers.map(|y| self.y.place(y));
        let [Some(a), Some(b)] = ends else { return None };
        (a.min(b)..=a.max(b)).contains(&self.pointer.y).then(|| {
            let mut lines = vec![name];
            lines.extend(self.quartile_lines(&numbers.quartiles));
            lines.push(format!("whiskers: {}", told::span(numbers.whiskers)));
            (BAR_DISTANCE, None, lines)
        })
    }

    fn outlier(&self, x: f64, outliers: &[f64]) -> Option<(f32, Pos2, f64)> {
        let placed = outliers.iter().filter_map(|y| Some((self.place([x, *y])?, *y)));
        let near = placed.map(|(at, y)| (at.distance(self.pointer), at, y));
        near.min_by(|a, b| a.0.total_cmp(&b.0)).filter(|(distance, ..)| *distance <= LINE_REACH)
    }

    fn violin(&self, at: f64, y: &[f64], half_width: &[f64], quartiles: &[f64; 3]) -> Option<Near> {
        let half = violin_width(y, half_width, self.y.value(self.pointer.y))?;
        let [left, right] = [at - half, at + half].map(|x| self.x.place(x));
        let (left, right) = (left?, right?);
        (left.min(right)..=left.max(right)).contains(&self.pointer.x).then(|| {
            let mut lines = vec![told::value(&self.panel.x, at)];
            lines.extend(self.quartile_lines(quartiles));
            (BAR_DISTANCE, None, lines)
        })
    }

    fn quartile_lines(&self, [lower, median, upper]: &[f64; 3]) -> [String; 2] {
        let median = told::with_name(&self.panel.y, &format!("median {}", told::number(*median)));
        [median, format!("quartiles: {}", told::span([*lower, *upper]))]
    }

    fn cell<'m>(&self, mut cells: impl Iterator<Item = Cell<'m>>) -> Option<Cell<'m>> {
        cells.find(|cell| {
            let corner = |end: usize| pos2(edge(self.x, cell.x[end]), edge(self.y, cell.y[end]));
            Rect::from_two_pos(corner(0), corner(1)).contains(self.pointer)
        })
    }

    fn cell_lines(&self, cell: &Cell<'_>, colors: &Axis) -> Vec<String> {
        let side = |axis: &Axis, edges: [f64; 2]| match axis.scale {
            Scale::Category(_) => told::value(axis, (edges[0] + edges[1]) / 2.0),
            _ => told::range(axis, edges),
        };
        let value = match colors.place(cell.value) {
            Some(_) => told::value(colors, cell.value),
            None => "no value".to_owned(),
        };
        vec![side(&self.panel.x, cell.x), side(&self.panel.y, cell.y), value]
    }

    fn place(&self, [x, y]: [f64; 2]) -> Option<Pos2> {
        Some(pos2(self.x.place(x)?, self.y.place(y)?))
    }

    fn both(&self, [x, y]: [f64; 2]) -> Vec<String> {
        vec![told::value(&self.panel.x, x), told::value(&self.panel.y, y)]
    }

    fn points(&self, xy: &[[f64; 2]]) -> Option<NearPoint> {
        let placed = xy.iter().enumerate();
        let placed = placed.filter_map(|(ix, point)| Some((self.place(*point)?, ix)));
        let (distance, at, ix) = placed
            .map(|(at, ix)| (at.distance(self.pointer), at, ix))
            .min_by(|a, b| a.0.total_cmp(&b.0))?;
        let point = xy[ix];
        // Points all in one row are a row because they need a place: only x is data.
        let in_a_row = xy.len() > 1 && xy.iter().all(|point| point[1] == xy[0][1]);
        let lines =
            if in_a_row { vec![told::value(&self.panel.x, point[0])] } else { self.both(point) };
        (distance <= POINT_REACH).then_some(((distance, Some(at), lines), ix))
    }

    fn line(&self, xy: &[[f64; 2]]) -> Option<Near> {
        let pairs = xy.windows(2);
        let segments = pairs.filter_map(|pair| Some([self.place(pair[0])?, self.place(pair[1])?]));
        self.nearest_of(segments, |at| [self.x.value(at.x), self.y.value(at.y)])
    }

    fn stairs(&self, xy: &[[f64; 2]]) -> Option<Near> {
        let pairs = xy.windows(2);
        let steps = pairs.filter_map(|pair| {
            let from = self.place(pair[0])?;
            Some([from, pos2(self.x.place(pair[1][0])?, from.y)])
        });
        self.nearest_of(steps, |at| [self.x.value(at.x), self.y.value(at.y)])
    }

    fn nearest_of(
        &self,
        segments: impl Iterator<Item = [Pos2; 2]>,
        values: impl Fn(Pos2) -> [f64; 2],
    ) -> Option<Near> {
        let (distance, at) = segments
            .map(|segment| nearest(segment, self.pointer))
            .map(|at| (at.distance(self.pointer), at))
            .min_by(|a, b| a.0.total_cmp(&b.0))?;
        (distance <= LINE_REACH).then(|| (distance, Some(at), self.both(values(at))))
    }

    fn rule(&self, at: f64, horizontal: bool) -> Option<Near> {
        let (axis, distance) = if horizontal {
            (&self.panel.y, (self.y.place(at)? - self.pointer.y).abs())
        } else {
            (&self.panel.x, (self.x.place(at)? - self.pointer.x).abs())
        };
        (distance <= LINE_REACH).then(|| (distance, None, vec![told::value(axis, at)]))
    }

    fn bars(&self, series: &str, x: [&[f64]; 2], y: [&[f64]; 2]) -> Option<Near> {
        let edges = x[0].iter().zip(x[1]).zip(y[0].iter().zip(y[1]));
        let mut bars = edges.map(|((x0, x1), (y0, y1))| [[*x0, *x1], [*y0, *y1]]);
        let [x, y] = bars.find(|[x, y]| {
            let corner = |end: usize| pos2(edge(self.x, x[end]), edge(self.y, y[end]));
            Rect::from_two_pos(corner(0), corner(1)).contains(self.pointer)
        })?;
        Some((BAR_DISTANCE, None, self.bar_lines(series, x, y)))
    }

    fn bar_lines(&self, series: &str, x: [f64; 2], y: [f64; 2]) -> Vec<String> {
        let lies = matches!(self.panel.y.scale, Scale::Category(_));
        let (across, axis) = self.across_and_along(lies);
        let (thick, long) = if lies { (y, x) } else { (x, y) };
        let first = match across.scale {
            Scale::Category(_) => told::value(across, (thick[0] + thick[1]) / 2.0),
            _ => told::range(across, thick),
        };
        let value = if long[0] == 0.0 { told::number(long[1]) } else { told::span(long) };
        let interval = interval_of(self.panel, series, thick, lies)
            .map_or(String::new(), |ends| format!(" ({})", told::span(ends)));
        vec![first, told::with_name(axis, &format!("{value}{interval}"))]
    }

    fn intervals(&self, x: &[f64], lo: &[f64], hi: &[f64], lies: bool) -> Option<Near> {
        let ends = x.iter().zip(lo.iter().zip(hi));
        let (distance, at, ends) = ends
            .filter_map(|(at, (lo, hi))| {
                let turned = |v: f64| if lies { [v, *at] } else { [*at, v] };
                let segment = [self.place(turned(*lo))?, self.place(turned(*hi))?];
                let distance = nearest(segment, self.pointer).distance(self.pointer);
                Some((distance, *at, [*lo, *hi]))
            })
            .min_by(|a, b| a.0.total_cmp(&b.0))?;
        let (across, axis) = self.across_and_along(lies);
        (distance <= LINE_REACH).then(|| {
            let lines = vec![told::value(across, at), told::range(axis, ends)];
            (distance + INTERVAL_DISTANCE, None, lines)
        })
    }

    fn across_and_along(&self, lies: bool) -> (&Axis, &Axis) {
        if lies { (&self.panel.y, &self.panel.x) } else { (&self.panel.x, &self.panel.y) }
    }
}

/// The point of a segment that is nearest to another point.
fn nearest([from, to]: [Pos2; 2], pointer: Pos2) -> Pos2 {
    let along = to - from;
    let length_sq = along.length_sq();
    if length_sq == 0.0 {
        return from;
    }
    from + along * ((pointer - from).dot(along) / length_sq).clamp(0.0, 1.0)
}

/// Where the edge of a bar stands; zero on a log axis is its floor.
fn edge(ruler: &Ruler<'_>, value: f64) -> f32 {
    ruler.place(value).unwrap_or(ruler.ends[0])
}

/// The interval of the same series that stands on a bar.
fn interval_of(panel: &Panel, bar: &str, thick: [f64; 2], lies: bool) -> Option<[f64; 2]> {
    panel.marks.iter().find_map(|mark| match mark {
        Mark::ErrorBars { series, x, lo, hi, horizontal, .. }
            if series == bar && *horizontal == lies =>
        {
            let mut intervals = x.iter().zip(lo.iter().zip(hi));
            let on_it = intervals.find(|(at, _)| (thick[0]..=thick[1]).contains(*at));
            on_it.map(|(_, (lo, hi))| [*lo, *hi])
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::samples;

    fn rulers(panel: &Panel) -> [Ruler<'_>; 2] {
        [
            Ruler { axis: &panel.x, view: panel.x.window(), ends: [0.0, 800.0] },
            Ruler { axis: &panel.y, view: panel.y.window(), ends: [600.0, 0.0] },
        ]
    }

    #[test]
    fn a_bar_tells_its_task_value_and_interval() {
        let figure = samples::gains(&["one", "two"]);
        let panel = &figure.panels[0];
        let [x, y] = rulers(panel);
        let at = pos2(x.place(-0.35).unwrap(), y.place(0.4).unwrap());
        let found = find(panel, &x, &y, at).unwrap();
        assert_eq!(found.series, "context synthesis, own");
        assert_eq!(found.lines, ["one", "instruction gain: 0.900 (0.840 to 0.960) nats per token"]);
        let beside = pos2(at.x + 2000.0, at.y);
        assert_eq!(find(panel, &x, &y, beside), None);
    }

    #[test]
    fn lines_and_rules_are_found_and_the_nearer_wins() {
        let figure = samples::densities();
        let panel = &figure.panels[0];
        let [x, y] = rulers(panel);
        let median = 11_f64.exp2();
        let on_rule = pos2(x.place(median).unwrap() + 2.0, y.place(0.4).unwrap());
        assert_eq!(find(panel, &x, &y, on_rule).unwrap().lines, ["context length: 2,048 tokens"]);
        let on_line = pos2(x.place(10_f64.exp2()).unwrap(), y.place(0.5 * (-1_f64).exp()).unwrap());
        let found = find(panel, &x, &y, on_line).unwrap();
        assert_eq!(found.series, "context synthesis");
        assert_eq!(found.lines.len(), 2);
    }

    /// What is told at a place in values of the axes.
    fn told(panel: &Panel, [x, y]: [f64; 2]) -> Option<(String, Vec<String>)> {
        let [across, up] = rulers(panel);
        let at = pos2(across.place(x)?, up.place(y)?);
        find(panel, &across, &up, at).map(|found| (found.series.to_owned(), found.lines))
    }

    #[test]
    fn boxes_and_violins_tell_their_quartiles() {
        let figure = samples::every_mark();
        let panel = &figure.panels[2];
        let (series, lines) = told(panel, [1.1, 3.5]).unwrap();
        let quartiles = ["y: median 4", "quartiles: 3 to 5"];
        assert_eq!((series.as_str(), lines[0].as_str()), ("x", "two"));
        assert_eq!(lines[1..], [&quartiles[..], &["whiskers: 2 to 7"]].concat());
        assert_eq!(told(panel, [1.0, 9.0]).unwrap().1, ["two", "y: 9"]);
        let (series, lines) = told(panel, [2.1, 4.1]).unwrap();
        assert_eq!((series.as_str(), lines[0].as_str()), ("v", "three"));
        assert_eq!(lines[1..], quartiles);
        // Beside the violin's waist, and above the box's whiskers.
        assert_eq!([told(panel, [2.2, 5.8]), told(panel, [1.1, 8.0])], [None, None]);
    }

    #[test]
    fn cells_tell_where_they_stand_and_their_value() {
        let figure = samples::heat();
        let (series, lines) = told(&figure.panels[0], [1.3, 1.9]).unwrap();
        assert_eq!(series, "scores");
        assert_eq!(lines, ["qasper", "human", "score: 0.400 share of exact matches"]);
        let (_, lines) = told(&figure.panels[0], [7.0, 0.0]).unwrap();
        assert_eq!(lines[2], "no value");
        let (_, lines) = told(&figure.panels[1], [600.0, 0.01]).unwrap();
        assert_eq!(lines[0], "length: 512 to 724 tokens");
        assert_eq!(lines[1], "depth of the needle: 0 to 0.0500");
    }
}
