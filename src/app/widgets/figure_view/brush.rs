//! What `figure` says to draw becomes egui's shapes, so that the window and the exports look alike.

use crate::figure::layout::{Ink, Primitive, Rect, Stroke};
use egui::{Color32, Pos2, Shape, StrokeKind, pos2, vec2};

/// Screen points for each point of a page: a screen is read from further away than paper.
pub(super) const ENLARGED: f32 = 1.5;

/// The font size of a figure in the window, in points of its page; caps and hatches grow with it.
pub(super) const EM: f64 = 8.0;

/// Draws primitives of a page whose left upper corner stands at `origin`.
#[derive(Clone, Copy)]
pub(super) struct Brush {
    pub(super) origin: Pos2,
}

impl Brush {
    /// Where a place of the page stands on the screen.
    pub(super) fn at(&self, [x, y]: [f64; 2]) -> Pos2 {
        let enlarged = f64::from(ENLARGED);
        let [left, top] = [self.origin.x, self.origin.y].map(f64::from);
        pos2((left + x * enlarged) as f32, (top + y * enlarged) as f32)
    }

    /// The place of the page where a rectangle on the screen stands.
    pub(super) fn on_page(&self, rect: egui::Rect) -> Rect {
        let [left, top] = [self.origin.x, self.origin.y].map(f64::from);
        let enlarged = f64::from(ENLARGED);
        Rect {
            x: (f64::from(rect.left()) - left) / enlarged,
            y: (f64::from(rect.top()) - top) / enlarged,
            w: f64::from(rect.width()) / enlarged,
            h: f64::from(rect.height()) / enlarged,
        }
    }

    /// Appends the shapes of a primitive. Filled paths are taken to be convex, as markers are; text
    /// is left to those who know its font.
    pub(super) fn paint(&self, primitive: &Primitive, shapes: &mut Vec<Shape>) {
        match primitive {
            Primitive::Path { runs, closed: true, fill, stroke } => {
                for run in runs {
                    let corners = || run.iter().map(|p| self.at(*p)).collect();
                    if fill.is_some() {
                        let none = egui::Stroke::NONE;
                        shapes.push(Shape::convex_polygon(corners(), filling(*fill), none));
                    }
                    if let Some(stroke) = stroke {
                        shapes.push(Shape::closed_line(corners(), pen(stroke)));
                    }
                }
            }
            Primitive::Path { runs, stroke: Some(stroke), .. } => {
                for run in runs {
                    let points = run.iter().map(|p| self.at(*p)).collect();
                    line(points, stroke, shapes);
                }
            }
            Primitive::Rect { rect, fill, stroke } => {
                let corner = self.at([rect.x, rect.y]);
                let size = vec2(rect.w as f32, rect.h as f32) * ENLARGED;
                let rect = egui::Rect::from_min_size(corner, size);
                if fill.is_some() {
                    shapes.push(Shape::rect_filled(rect, 0.0, filling(*fill)));
                }
                if let Some(stroke) = stroke {
                    shapes.push(Shape::rect_stroke(rect, 0.0, pen(stroke), StrokeKind::Inside));
                }
            }
            Primitive::Circle { at, radius, fill, stroke } => {
                shapes.push(Shape::Circle(egui::epaint::CircleShape {
                    center: self.at(*at),
                    radius: *radius as f32 * ENLARGED,
                    fill: filling(*fill),
                    stroke: stroke.as_ref().map_or(egui::Stroke::NONE, pen),
                }));
            }
            Primitive::Path { .. } | Primitive::Text(_) => {}
        }
    }
}

/// A colour with its opacity.
pub(super) fn color(ink: Ink) -> Color32 {
    let [r, g, b] = ink.color;
    Color32::from_rgb(r, g, b).gamma_multiply(ink.alpha.clamp(0.0, 1.0) as f32)
}

fn filling(fill: Option<Ink>) -> Color32 {
    fill.map_or(Color32::TRANSPARENT, color)
}

fn pen(stroke: &Stroke) -> egui::Stroke {
    egui::Stroke::new(stroke.width_pt as f32 * ENLARGED, color(stroke.ink))
}

fn line(points: Vec<Pos2>, stroke: &Stroke, shapes: &mut Vec<Shape>) {
    let pen = pen(stroke);
    if stroke.dash.is_empty() {
        shapes.push(unbroken(points, pen));
        return;
    }
    shapes.extend(
        dashes(&points, &pattern(&stroke.dash)).into_iter().map(|dash| unbroken(dash, pen)),
    );
}

fn unbroken(points: Vec<Pos2>, pen: egui::Stroke) -> Shape {
    // Only segments are aligned with the screen's pixels.
    match points.as_slice() {
        [from, to] => Shape::line_segment([*from, *to], pen),
        _ => Shape::line(points, pen),
    }
}

/// Dashes of whole points, none so short that the screen's pixels make other dashes of them.
fn pattern(dash_pt: &[f64]) -> Vec<f32> {
    const SHORTEST: f32 = 2.0;
    let shortest = dash_pt.iter().fold(f32::MAX, |least, v| least.min(*v as f32 * ENLARGED));
    let larger = (SHORTEST / shortest.max(0.01)).max(1.0);
    dash_pt.iter().map(|v| (*v as f32 * ENLARGED * larger).round().max(1.0)).collect()
}

/// The drawn parts of a dashed line; `pattern` holds lengths drawn and left out by turns. Unlike
/// egui's own, a dash that goes round a corner stays one line, and dots may stand between dashes.
fn dashes(points: &[Pos2], pattern: &[f32]) -> Vec<Vec<Pos2>> {
    let mut drawn: Vec<Vec<Pos2>> = Vec::new();
    let mut turn = 0;
    let mut left = pattern[0];
    let mut dash: Vec<Pos2> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let length = pair[0].distance(pair[1]);
        let mut gone = 0.0;
        while length - gone > left {
            gone += left;
            let at = pair[0].lerp(pair[1], gone / length);
            if turn % 2 == 0 {
                dash.push(at);
                drawn.push(std::mem::take(&mut dash));
            } else {
                dash = vec![at];
            }
            turn = (turn + 1) % pattern.len();
            left = pattern[turn];
        }
        left -= length - gone;
        if turn % 2 == 0 {
            dash.push(pair[1]);
        }
    }
    drawn.extend((dash.len() > 1).then_some(dash));
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::layout::Plot;
    use crate::figure::{Axis, Hatch, Mark, Paint, Style};

    #[test]
    fn a_dash_goes_round_a_corner() {
        let corner = [pos2(0.0, 0.0), pos2(5.0, 0.0), pos2(5.0, 20.0)];
        let drawn = dashes(&corner, &[8.0, 4.0]);
        assert_eq!(drawn[0], [pos2(0.0, 0.0), pos2(5.0, 0.0), pos2(5.0, 3.0)]);
        assert_eq!(drawn[1], [pos2(5.0, 7.0), pos2(5.0, 15.0)]);
        assert_eq!(drawn[2], [pos2(5.0, 19.0), pos2(5.0, 20.0)]);
        assert_eq!(pattern(&[4.0, 2.0]), [6.0, 3.0]);
        assert_eq!(pattern(&[0.6, 0.96]), [2.0, 3.0]);
        assert!(pattern(&[0.0, 0.0]).iter().all(|length| *length >= 1.0));
        assert!(dashes(&[], &[4.0, 2.0]).is_empty());
    }

    #[test]
    fn dots_stand_between_dashes() {
        let drawn = dashes(&[pos2(0.0, 0.0), pos2(24.0, 0.0)], &[5.0, 2.0, 1.0, 2.0]);
        let lengths: Vec<f32> = drawn.iter().map(|d| d[1].x - d[0].x).collect();
        assert_eq!(lengths, [5.0, 1.0, 5.0, 1.0, 4.0]);
    }

    #[test]
    fn hatches_are_clipped_to_the_bar_and_the_plot() {
        let frame = egui::Rect::from_min_max(pos2(50.0, 40.0), pos2(250.0, 140.0));
        let brush = Brush { origin: pos2(-7.0, 3.0) };
        let (x, y) = (Axis::linear("", 0.0, 10.0), Axis::linear("", 0.0, 1.0));
        let rect = brush.on_page(frame);
        let plot = Plot { rect, x: &x, y: &y, em: EM, style: Style::ScreenDark };
        let bars = Mark::Bars {
            series: String::new(),
            x0: vec![2.0],
            x1: vec![4.0],
            y0: vec![0.0],
            y1: vec![7.0],
            hatch: Hatch::Rising,
            paint: Paint::new([0, 114, 178]),
        };
        let mut shapes = Vec::new();
        for primitive in plot.draw(&bars) {
            brush.paint(&primitive, &mut shapes);
        }
        // From x = 2 to 4 of 10, and cut off at the plot's top.
        let bar = egui::Rect::from_min_max(pos2(90.0, 40.0), pos2(130.0, 140.0)).expand(0.01);
        let strokes: Vec<[Pos2; 2]> = shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::LineSegment { points, .. } => Some(*points),
                _ => None,
            })
            .collect();
        assert!(strokes.len() > 10);
        assert!(strokes.iter().flatten().all(|p| bar.contains(*p)), "{strokes:?}");
        assert!(strokes.iter().all(|[from, to]| from.x <= to.x && from.y >= to.y));
        assert_eq!(shapes.len(), strokes.len() + 3, "ground, tint and outline");
    }
}
