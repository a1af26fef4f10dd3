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

/// What may be done to a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Ranges are brushed and points are clicked.
    Brushed,
    /// Points and cells are clicked; dragging moves.
    Clicked,
}

/// What was done to a panel.
#[derive(Debug, Clone, PartialEq)]
pub enum Touch {
    /// A range is being brushed, or was.
    Range {
        /// The panel.
        panel: usize,
        /// Where the horizontal axis has categories: the one whose values were brushed, along the
        /// vertical axis. Else it is the horizontal axis.
        category: Option<usize>,
        /// From where to where. An end at the edge of what is in view is infinite: nobody means to
        /// leave out what is not to be seen.
        range: [f64; 2],
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

/// Looks what the person does, and shows what is being brushed.
pub(super) fn touch(
    ui: &Ui,
    response: &Response,
    (ix, panel): (usize, &Panel),
    rulers: &[Ruler<'_>; 2],
    reach: Reach,
) -> Option<Touch> {
    let pointer = response.interact_pointer_pos()?;
    if response.clicked_by(PointerButton::Primary) {
        if let Some(series) = map_of(panel)
            && let Some(cell) = place(rulers, pointer)
        {
            return Some(Touch::Cell { panel: ix, series: series.to_owned(), cell });
        }
        let (series, at) = nearest(panel, rulers, pointer)?;
        return Some(Touch::Point { panel: ix, series: series.to_owned(), at });
    }
    if reach == Reach::Clicked {
        return None;
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
    let (ruler, [a, b], band) = match category {
        None if matches!(x.axis.scale, Scale::Category(_)) => return None,
        None => {
            let band = Rect::from_x_y_ranges(from.x.min(to.x)..=from.x.max(to.x), frame.y_range());
            (x, [from.x, to.x], band)
        }
        Some(category) => {
            let edge = |by: f64| x.place(category as f64 + by).unwrap_or(from.x);
            let across = edge(-0.5)..=edge(0.5);
            let band = Rect::from_x_y_ranges(across, from.y.min(to.y)..=from.y.max(to.y));
            (y, [from.y, to.y], band.intersect(frame))
        }
    };
    if (a - b).abs() < SHORTEST {
        return None;
    }
    if !done {
        band_ui(ui, band);
    }
    let range = range(ruler, [a, b]);
    Some(Touch::Range { panel: ix, category, range, done })
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

/// The point that is meant: its series and where it stands.
fn nearest<'a>(
    panel: &'a Panel,
    [x, y]: &[Ruler<'_>; 2],
    pointer: Pos2,
) -> Option<(&'a str, [f64; 2])> {
    let mut best: Option<(f32, &str, [f64; 2])> = None;
    for mark in &panel.marks {
        let Mark::Points { series, xy, .. } = mark else { continue };
        for at in xy {
            let Some(place) = x.place(at[0]).zip(y.place(at[1])) else { continue };
            let distance = pos2(place.0, place.1).distance(pointer);
            if best.is_none_or(|(least, ..)| distance < least) {
                best = Some((distance, series, *at));
            }
        }
    }
    best.filter(|(distance, ..)| *distance <= REACH).map(|(_, series, at)| (series, at))
}
