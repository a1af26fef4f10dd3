//! What a person does with mouse and pen in a figure whose records can be chosen: a range is
//! brushed, a point is clicked.
//!
//! Which records that means is found elsewhere; zooming and moving belong to egui_plot.

use super::ruler::Ruler;
use crate::figure::{Mark, Panel, Scale};
use egui::{Color32, PointerButton, Pos2, Rect, Response, Stroke, StrokeKind, Ui, pos2};

/// A point this near to the pointer is meant.
const REACH: f32 = 8.0;
/// Who moves less only clicks.
const SHORTEST: f32 = 4.0;

/// Less than this to one side is not meant as a side of a rectangle.
const NARROWEST: f32 = 10.0;

/// What was done to a panel.
#[derive(Debug, Clone, PartialEq)]
pub enum Touch {
    /// A range or a rectangle is being brushed, or was.
    Range {
        /// The panel.
        panel: usize,
        /// The category that was brushed, where the horizontal axis has some.
        category: Option<usize>,
        /// From where to where along x and along y, where that was brushed. An end at the edge of
        /// what is in view is infinite: nobody means to leave out what is not to be seen.
        ranges: [Option<[f64; 2]>; 2],
        /// Whether the button was let go.
        done: bool,
    },
    /// A point was clicked.
    Point {
        /// The panel.
        panel: usize,
        /// The series of the point.
        series: String,
        /// Where it stands.
        at: [f64; 2],
        /// Which record it is, where the figure says.
        id: Option<String>,
    },
    /// A cell of a heat map over two axes with categories was clicked.
    Cell {
        /// The panel.
        panel: usize,
        /// The map.
        series: String,
        /// The cell, row by row.
        cell: usize,
    },
}

/// Looks what the person does, and shows what is being brushed along the axes that measure
/// something of records.
pub(super) fn touch(
    ui: &Ui,
    response: &Response,
    (ix, panel): (usize, &Panel),
    rulers: &[Ruler<'_>; 2],
    brushable: [bool; 2],
) -> Option<Touch> {
    let pointer = response.interact_pointer_pos()?;
    if response.clicked_by(PointerButton::Primary) {
        if let Some(series) = map_of(panel)
            && let Some(cell) = place(rulers, pointer)
        {
            return Some(Touch::Cell { panel: ix, series: series.to_owned(), cell });
        }
        let Hit { series, at, id } = nearest(panel, rulers, pointer)?;
        let (series, id) = (series.to_owned(), id.map(str::to_owned));
        return Some(Touch::Point { panel: ix, series, at, id });
    }
    let done = response.drag_stopped_by(PointerButton::Primary);
    let is_moving = ui.input(|input| input.modifiers.shift);
    if is_moving || !(done || response.dragged_by(PointerButton::Primary)) {
        return None;
    }
    let origin = origin(ui, response, rulers)?;
    let [x, y] = rulers;
    let frame = Rect::from_two_pos(pos2(x.ends[0], y.ends[0]), pos2(x.ends[1], y.ends[1]));
    let (from, to) = (frame.clamp(origin), frame.clamp(pointer));
    let category = category(x, from);
    if category.is_none() && matches!(x.axis.scale, Scale::Category(_)) {
        return None;
    }
    let [across, up] = sides(from, to, brushable);
    if !(across || up) {
        return None;
    }
    let columns = match category {
        Some(category) => {
            let edge = |by: f64| x.place(category as f64 + by).unwrap_or(from.x);
            edge(-0.5)..=edge(0.5)
        }
        None if across => from.x.min(to.x)..=from.x.max(to.x),
        None => frame.x_range().into(),
    };
    let rows = if up { from.y.min(to.y)..=from.y.max(to.y) } else { frame.y_range().into() };
    if !done {
        band_ui(ui, Rect::from_x_y_ranges(columns, rows).intersect(frame));
    }
    let ranges = [across.then(|| range(x, [from.x, to.x])), up.then(|| range(y, [from.y, to.y]))];
    Some(Touch::Range { panel: ix, category, ranges, done })
}

/// Along which axes is brushed: along both where the way is long enough along both.
fn sides(from: Pos2, to: Pos2, brushable: [bool; 2]) -> [bool; 2] {
    let way = [(from.x - to.x).abs(), (from.y - to.y).abs()];
    let is_long = |ix: usize, least: f32| brushable[ix] && way[ix] >= least;
    match brushable {
        [true, true] if is_long(0, NARROWEST) && is_long(1, NARROWEST) => [true, true],
        [true, true] => {
            let longer = usize::from(way[1] > way[0]);
            [0, 1].map(|ix| ix == longer && is_long(ix, SHORTEST))
        }
        _ => [0, 1].map(|ix| is_long(ix, SHORTEST)),
    }
}

/// Where the button was pressed. Kept as values, as the plot may move while it is brushed: legend
/// and caption grow when something is chosen.
fn origin(ui: &Ui, response: &Response, [x, y]: &[Ruler<'_>; 2]) -> Option<Pos2> {
    let id = response.id.with("brushed from");
    if response.drag_started_by(PointerButton::Primary) {
        let at = ui.input(|input| input.pointer.press_origin())?;
        ui.data_mut(|data| data.insert_temp(id, [x.value(at.x), y.value(at.y)]));
    }
    let [at_x, at_y] = ui.data(|data| data.get_temp::<[f64; 2]>(id))?;
    Some(pos2(x.place(at_x)?, y.place(at_y)?))
}

/// Two places on the screen as values in order.
fn range(ruler: &Ruler<'_>, places: [f32; 2]) -> [f64; 2] {
    let value = |place: f32| {
        let near = |end: f32| (place - end).abs() < 1.5;
        match ruler.ends {
            [first, _] if near(first) => f64::NEG_INFINITY,
            [_, last] if near(last) => f64::INFINITY,
            _ => ruler.value(place),
        }
    };
    let [a, b] = places.map(value);
    [a.min(b), a.max(b)]
}

/// The heat map of a panel.
fn map_of(panel: &Panel) -> Option<&str> {
    panel.marks.iter().find_map(|mark| match mark {
        Mark::HeatMap { series, .. } => Some(series.as_str()),
        _ => None,
    })
}

/// The category at a place, where the horizontal axis has some; where both have, the cell, row by row.
pub(super) fn place([x, y]: &[Ruler<'_>; 2], at: Pos2) -> Option<usize> {
    let column = category(x, at)?;
    let (Scale::Category(columns), Scale::Category(rows)) = (&x.axis.scale, &y.axis.scale) else {
        return Some(column);
    };
    let row = y.value(at.y).round();
    let is_row = row >= 0.0 && (row as usize) < rows.len();
    is_row.then_some(row as usize * columns.len() + column)
}

/// The category at a place, where the axis has some.
fn category(x: &Ruler<'_>, at: Pos2) -> Option<usize> {
    let Scale::Category(names) = &x.axis.scale else { return None };
    let ix = x.value(at.x).round();
    (ix >= 0.0 && (ix as usize) < names.len()).then_some(ix as usize)
}

fn band_ui(ui: &Ui, band: Rect) {
    let ink = ui.visuals().text_color();
    let pen = Stroke::new(1.0, ink.gamma_multiply(0.6));
    let fill: Color32 = ink.gamma_multiply(0.12);
    ui.painter().rect(band, 0.0, fill, pen, StrokeKind::Inside);
}

/// A point of a panel.
struct Hit<'a> {
    series: &'a str,
    at: [f64; 2],
    id: Option<&'a str>,
}

/// The point that is meant: one of a cloud, or a value beyond the whiskers of a box.
fn nearest<'a>(panel: &'a Panel, [x, y]: &[Ruler<'_>; 2], pointer: Pos2) -> Option<Hit<'a>> {
    let mut best: Option<(f32, Hit<'a>)> = None;
    let mut look = |series: &'a str, at: [f64; 2], id: Option<&'a str>| {
        let Some(place) = x.place(at[0]).zip(y.place(at[1])) else { return };
        let distance = pos2(place.0, place.1).distance(pointer);
        if best.as_ref().is_none_or(|(least, _)| distance < *least) {
            best = Some((distance, Hit { series, at, id }));
        }
    };
    for mark in &panel.marks {
        match mark {
            Mark::Points { series, xy, ids, .. } => {
                let of = |ix: usize| ids.get(ix).map(String::as_str);
                xy.iter().enumerate().for_each(|(ix, at)| look(series, *at, of(ix)));
            }
            Mark::Boxes { series, x, boxes, .. } => {
                for (x, numbers) in x.iter().zip(boxes) {
                    numbers.outliers.iter().for_each(|y| look(series, [*x, *y], None));
                }
            }
            _ => {}
        }
    }
    best.filter(|(distance, _)| *distance <= REACH).map(|(_, hit)| hit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rectangle_needs_two_sides() {
        let from = pos2(100.0, 100.0);
        let both = |x, y| sides(from, pos2(x, y), [true, true]);
        assert_eq!(both(150.0, 160.0), [true, true]);
        assert_eq!(both(150.0, 105.0), [true, false]);
        assert_eq!(both(97.0, 160.0), [false, true]);
        assert_eq!(both(103.0, 101.0), [false, false]);
        assert_eq!(sides(from, pos2(150.0, 160.0), [true, false]), [true, false]);
        assert_eq!(sides(from, pos2(150.0, 160.0), [false, true]), [false, true]);
        assert_eq!(sides(from, pos2(150.0, 160.0), [false, false]), [false, false]);
    }
}
