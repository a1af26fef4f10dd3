//! What stands between the axes of one panel, as one item of an egui_plot plot.
//!
//! Marks are drawn by `figure`'s own code, for the part of the axes that is in view; only what a
//! screen does better (many points, areas, text in egui's fonts) is drawn here.

use super::brush::{self, Brush, EM};
use super::ruler::Ruler;
use super::words;
use crate::figure::layout::{Ink, Plot, Primitive, marker, pale};
use crate::figure::{Anchor, Mark, Marker, Paint, Panel, Scale, Style};
use egui::epaint::{Mesh, TessellationOptions, Tessellator, TextShape, Vertex};
use egui::{Color32, Pos2, Shape, Ui, Vec2, pos2};
use egui_plot::{PlotBounds, PlotGeometry, PlotItem, PlotItemBase, PlotTransform};
use std::ops::RangeInclusive;

/// How faint grid lines are beside the ink.
const GRID_ALPHA: f32 = 0.11;

/// Markers sized for print are too small to be pointed at.
const MARKERS_ENLARGED: f64 = 1.3;

/// The marks of a panel above a faint grid.
pub(super) struct Contents<'a> {
    base: PlotItemBase,
    panel: &'a Panel,
    style: Style,
}

impl<'a> Contents<'a> {
    pub(super) fn new(panel: &'a Panel, style: Style) -> Self {
        Self { base: PlotItemBase::new(String::new()), panel, style }
    }

    fn grid(&self, x: &Ruler<'_>, y: &Ruler<'_>, frame: egui::Rect, shapes: &mut Vec<Shape>) {
        let ink = brush::color(Ink::opaque(self.style.ink())).gamma_multiply(GRID_ALPHA);
        let pen = egui::Stroke::new(1.0, ink);
        // A line through the middle of a category's bars would look like data.
        if !matches!(x.axis.scale, Scale::Category(_)) {
            let lines = x.ticks(super::axes::SPACING.x);
            shapes.extend(lines.iter().map(|(at, _)| Shape::vline(*at, frame.y_range(), pen)));
        }
        if !matches!(y.axis.scale, Scale::Category(_)) {
            let lines = y.ticks(super::axes::SPACING.y);
            shapes.extend(lines.iter().map(|(at, _)| Shape::hline(frame.x_range(), *at, pen)));
        }
    }
}

impl PlotItem for Contents<'_> {
    fn shapes(&self, ui: &Ui, transform: &PlotTransform, shapes: &mut Vec<Shape>) {
        let frame = *transform.frame();
        let [x, y] = rulers(self.panel, transform);
        self.grid(&x, &y, frame, shapes);
        if !has_data(self.panel) {
            shapes.push(no_data(ui, frame, self.style));
            return;
        }
        // A page that begins where the values do, so that hatches move with their bars.
        let zero = [&x, &y].map(|ruler| ruler.place_measured(0.0));
        let near = |place: f32, end: f32| (place - end).abs() < 1e5;
        let origin = pos2(
            if near(zero[0], frame.left()) { zero[0] } else { frame.left() },
            if near(zero[1], frame.top()) { zero[1] } else { frame.top() },
        );
        let brush = Brush { origin };
        let (shown_x, shown_y) = (x.shown(), y.shown());
        let rect = brush.on_page(frame);
        let plot = Plot { rect, x: &shown_x, y: &shown_y, em: EM, style: self.style };
        for mark in &self.panel.marks {
            match mark {
                Mark::Points { xy, marker, size_pt, paint, .. } => {
                    let size = if size_pt.is_finite() { size_pt.clamp(0.1, 200.0) } else { 4.0 };
                    let stamp = Stamp::new(*marker, size * MARKERS_ENLARGED, paint, self.style, ui);
                    stamp.print(seen(xy, &x, &y, frame), shapes);
                }
                Mark::Band { x: along, lo, hi, paint, .. } => {
                    let color = brush::color(Ink::of(paint, self.style));
                    let outline =
                        along.iter().zip(lo).zip(hi).map(|((at, lo), hi)| {
                            Some((x.place(*at)?, y.place(*lo)?, y.place(*hi)?))
                        });
                    shapes.push(area(outline, color, pos2));
                }
                Mark::Text { at, text, anchor, paint, .. } => {
                    if let (Some(left), Some(top)) = (x.place(at[0]), y.place(at[1])) {
                        let color = brush::color(Ink::of_words(paint, self.style));
                        shapes.push(note(ui, text, pos2(left, top), *anchor, color, frame));
                    }
                }
                Mark::Violin { at, y: along, half_width, hatch, paint, .. } => {
                    let edges = along.iter().zip(half_width).map(|(at_y, half)| {
                        Some((y.place(*at_y)?, x.place(at - half)?, x.place(at + half)?))
                    });
                    let edges: Vec<_> = edges.collect();
                    for ink in pale(*hatch, paint, self.style) {
                        let sides = edges.iter().copied();
                        shapes.push(area(sides, brush::color(ink), |y, x| pos2(x, y)));
                    }
                    // Its filling is not convex, and done.
                    let lines = plot.draw(mark).into_iter().filter(|p| !is_filled(p));
                    lines.for_each(|primitive| brush.paint(&primitive, shapes));
                }
                other => {
                    for primitive in plot.draw(other) {
                        match primitive {
                            Primitive::Text(run) => shapes.push(words::run(ui, &run, &brush)),
                            other => brush.paint(&other, shapes),
                        }
                    }
                }
            }
        }
    }

    fn initialize(&mut self, _x_range: RangeInclusive<f64>) {}

    fn color(&self) -> Color32 {
        Color32::TRANSPARENT
    }

    fn geometry(&self) -> PlotGeometry<'_> {
        PlotGeometry::None
    }

    fn allow_hover(&self) -> bool {
        false
    }

    fn bounds(&self) -> PlotBounds {
        PlotBounds::NOTHING
    }

    fn base(&self) -> &PlotItemBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut PlotItemBase {
        &mut self.base
    }
}

/// The axes of a panel as a plot shows them.
pub(super) fn rulers<'a>(panel: &'a Panel, transform: &PlotTransform) -> [Ruler<'a>; 2] {
    let frame = transform.frame();
    let (min, max) = (transform.bounds().min(), transform.bounds().max());
    let along = |axis: &'a crate::figure::Axis, ix: usize, ends| {
        let [from, to] = axis.window();
        let view = if from < to { [min[ix], max[ix]] } else { [max[ix], min[ix]] };
        Ruler { axis, view, ends }
    };
    [
        along(&panel.x, 0, [frame.left(), frame.right()]),
        along(&panel.y, 1, [frame.bottom(), frame.top()]),
    ]
}

/// Whether there is anything but rules: a zero line alone is not data.
fn has_data(panel: &Panel) -> bool {
    panel.marks.iter().any(|mark| match mark {
        Mark::Line { xy, .. } | Mark::Step { xy, .. } | Mark::Points { xy, .. } => !xy.is_empty(),
        Mark::Bars { x0, .. } => !x0.is_empty(),
        Mark::Band { x, .. } | Mark::ErrorBars { x, .. } | Mark::Boxes { x, .. } => !x.is_empty(),
        Mark::Violin { y, .. } => !y.is_empty(),
        Mark::HeatMap { values, .. } => !values.is_empty(),
        Mark::Rule { .. } => false,
        Mark::Text { text, .. } => !text.is_empty(),
    })
}

fn no_data(ui: &Ui, frame: egui::Rect, style: Style) -> Shape {
    let galley = words::line(ui, "no data", words::tick_font(ui));
    let color = brush::color(Ink::opaque(style.muted()));
    TextShape::new(frame.center() - galley.size() / 2.0, galley, color).into()
}

/// The places of those points that are inside.
fn seen<'a>(
    xy: &'a [[f64; 2]],
    x: &'a Ruler<'_>,
    y: &'a Ruler<'_>,
    frame: egui::Rect,
) -> impl Iterator<Item = Pos2> + 'a {
    let inside = frame.expand(0.5);
    xy.iter()
        .filter_map(|[at_x, at_y]| Some(pos2(x.place(*at_x)?, y.place(*at_y)?)))
        .filter(move |at| inside.contains(*at))
}

/// A text moved into the plot where it would leave it.
fn note(ui: &Ui, text: &str, at: Pos2, anchor: Anchor, color: Color32, frame: egui::Rect) -> Shape {
    let galley = words::elided(ui, text, words::tick_font(ui), frame.width(), 1);
    let size = galley.size();
    let before = match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => size.x / 2.0,
        Anchor::End => size.x,
    };
    let wanted = at - Vec2::new(before, size.y / 2.0);
    let last = (frame.max - size).max(frame.min);
    TextShape::new(wanted.clamp(frame.min, last), galley, color).into()
}

fn is_filled(primitive: &Primitive) -> bool {
    matches!(primitive, Primitive::Path { fill: Some(_), .. })
}

/// The area between two curves, each edge a place along them and one on either; `None` breaks it.
fn area(
    outline: impl Iterator<Item = Option<(f32, f32, f32)>>,
    color: Color32,
    corner: impl Fn(f32, f32) -> Pos2,
) -> Shape {
    /// Farther outside than any screen is wide, and near enough for the arithmetic of a GPU.
    const FAR: f32 = 1e5;
    let mut mesh = Mesh::default();
    let mut goes_on = false;
    for edge in outline {
        let Some((along, lo, hi)) = edge else {
            goes_on = false;
            continue;
        };
        let at = mesh.vertices.len() as u32;
        for end in [lo, hi] {
            mesh.colored_vertex(corner(along.clamp(-FAR, FAR), end.clamp(-FAR, FAR)), color);
        }
        if goes_on {
            mesh.add_triangle(at - 2, at - 1, at);
            mesh.add_triangle(at - 1, at, at + 1);
        }
        goes_on = true;
    }
    Shape::mesh(mesh)
}

/// One marker, cut into triangles once and printed at every point.
enum Stamp {
    /// egui keeps pictures of small circles.
    Circle(egui::epaint::CircleShape),
    Mesh(Mesh),
}

impl Stamp {
    fn new(shape: Marker, size_pt: f64, paint: &Paint, style: Style, ui: &Ui) -> Self {
        let mut shapes = Vec::new();
        let brush = Brush { origin: Pos2::ZERO };
        brush.paint(&marker(shape, [0.0; 2], size_pt, paint, style), &mut shapes);
        if let [Shape::Circle(circle)] = shapes[..] {
            return Self::Circle(circle);
        }
        let exact = TessellationOptions {
            round_line_segments_to_pixels: false,
            coarse_tessellation_culling: false,
            ..TessellationOptions::default()
        };
        let mut tessellator = Tessellator::new(ui.pixels_per_point(), exact, [1, 1], Vec::new());
        let mut mesh = Mesh::default();
        for shape in shapes {
            tessellator.tessellate_shape(shape, &mut mesh);
        }
        Self::Mesh(mesh)
    }

    fn print(&self, places: impl Iterator<Item = Pos2>, shapes: &mut Vec<Shape>) {
        match self {
            Self::Circle(circle) => shapes.extend(
                places.map(|center| Shape::Circle(egui::epaint::CircleShape { center, ..*circle })),
            ),
            Self::Mesh(stamp) => {
                let mut all = Mesh::default();
                for place in places {
                    let first = all.vertices.len() as u32;
                    let moved = |v: &Vertex| Vertex { pos: v.pos + place.to_vec2(), ..*v };
                    all.vertices.extend(stamp.vertices.iter().map(moved));
                    all.indices.extend(stamp.indices.iter().map(|ix| first + ix));
                }
                shapes.push(Shape::mesh(all));
            }
        }
    }
}
