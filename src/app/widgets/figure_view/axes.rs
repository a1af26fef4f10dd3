//! The axes around a plot: spines, ticks, their labels and what the axes measure.
//!
//! egui_plot's own axes fade and drop labels, and know how much room they take only a frame later;
//! here everything is measured before the plot is placed.

use super::ruler::Ruler;
use super::words;
use crate::figure::layout::step_to_fit;
use crate::figure::{Scale, text};
use egui::epaint::TextShape;
use egui::{
    Align2, Color32, FontId, Galley, Pos2, Rect, Sense, Shape, Stroke, Ui, Vec2, pos2, vec2,
};
use std::sync::Arc;

/// About how far apart new ticks stand.
pub(super) const SPACING: Vec2 = vec2(80.0, 36.0);
/// Length of a tick.
const TICK: f32 = 4.0;
/// From a plot to its tick labels.
pub(super) const TO_LABELS: f32 = TICK + 3.0;
/// From the tick labels to what the axis measures.
pub(super) const TO_MEASURE: f32 = 3.0;
/// How many rows say what an axis measures, at most.
const MEASURE_ROWS: usize = 2;
/// Turned names rise at this angle.
const SLANT: f32 = 40.0 * std::f32::consts::PI / 180.0;

/// Tick labels with the room they take, not yet in their places.
pub(super) struct TickLabels {
    /// All ticks, labelled or not.
    ticks: Vec<f32>,
    labels: Vec<Label>,
    is_slanted: bool,
    /// Room they take away from the axis.
    pub(super) depth: f32,
}

struct Label {
    at: f32,
    galley: Arc<Galley>,
    /// The whole text, where the galley holds only part of it.
    full: Option<String>,
}

impl Label {
    fn line(ui: &Ui, at: f32, text: &str, font: &FontId) -> Self {
        Self { at, galley: words::line(ui, text, font.clone()), full: None }
    }

    fn elided(ui: &Ui, at: f32, text: String, font: &FontId, width: f32) -> Self {
        let galley = words::elided(ui, &text, font.clone(), width, 1);
        let full = galley.elided.then_some(text);
        Self { at, galley, full }
    }
}

/// Labels below a plot. Numbers are thinned out until they stand clear of each other; names stand
/// in a line, else in up to three, else they are turned, no deeper than `depth` and not beyond
/// `left`.
pub(super) fn below(ui: &Ui, ruler: &Ruler<'_>, left: f32, depth: f32) -> TickLabels {
    let font = words::tick_font(ui);
    let named = ruler.ticks(SPACING.x);
    let ticks: Vec<f32> = named.iter().map(|(at, _)| *at).collect();
    let gap = 0.6 * font.size;
    let half = |label: &Label| label.galley.size().x / 2.0;
    let single: Vec<Label> =
        named.iter().map(|(at, name)| Label::line(ui, *at, name, &font)).collect();
    let is_named = matches!(ruler.axis.scale, Scale::Category(_));
    if !is_named || clear_step(&single, half, gap) == 1 {
        return flat(ticks, thinned(single, ruler, half, gap));
    }
    let slot = ticks.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(f32::MAX, f32::min);
    let (size, room) = (f64::from(font.size), f64::from((slot - gap).max(1.0)));
    let broken: Vec<Vec<String>> =
        named.iter().map(|(_, name)| text::wrap(name, size, false, room)).collect();
    let fits = |line: &String| text::width(line, size, false) <= room;
    let whole = named.iter().all(|(_, name)| text::widest_piece(name, size, false) <= room);
    if whole && broken.iter().all(|lines| lines.len() <= 3 && lines.iter().all(fits)) {
        let wrapped = ticks.iter().zip(broken).map(|(at, lines)| {
            let galley = words::centred(ui, &lines.join("\n"), font.clone(), f32::INFINITY, 3);
            Label { at: *at, galley, full: None }
        });
        return flat(ticks.clone(), wrapped.collect());
    }
    slanted(ui, named, ruler, left, depth)
}

fn flat(ticks: Vec<f32>, labels: Vec<Label>) -> TickLabels {
    let depth = labels.iter().map(|label| label.galley.size().y).fold(0.0, f32::max);
    TickLabels { ticks, labels, is_slanted: false, depth }
}

fn slanted(
    ui: &Ui,
    named: Vec<(f32, String)>,
    ruler: &Ruler<'_>,
    left: f32,
    depth: f32,
) -> TickLabels {
    let font = words::tick_font(ui);
    let row = ui.fonts_mut(|fonts| fonts.row_height(&font));
    let (sin, cos) = SLANT.sin_cos();
    let deepest = ((depth - row * cos) / sin).clamp(3.0 * row, 14.0 * row);
    let ticks = named.iter().map(|(at, _)| *at).collect();
    let labels = named
        .into_iter()
        .map(|(at, name)| {
            let room = ((at - left) / cos).clamp(2.0 * row, deepest);
            Label::elided(ui, at, name, &font, room)
        })
        .collect();
    let labels = thinned(labels, ruler, |_| row / sin / 2.0, 0.0);
    let widest = labels.iter().map(|label| label.galley.size().x).fold(0.0, f32::max);
    TickLabels { ticks, labels, is_slanted: true, depth: widest * sin + row * cos }
}

/// Labels left of a plot, no wider than `room`.
pub(super) fn beside(ui: &Ui, ruler: &Ruler<'_>, room: f32) -> TickLabels {
    let font = words::tick_font(ui);
    let named = ruler.ticks(SPACING.y);
    let ticks = named.iter().map(|(at, _)| *at).collect();
    let labels: Vec<Label> =
        named.into_iter().map(|(at, name)| Label::elided(ui, at, name, &font, room)).collect();
    // Before thinning: a margin must not change because other labels come and go.
    let depth = labels.iter().map(|label| label.galley.size().x).fold(0.0, f32::max);
    let labels = thinned(labels, ruler, |label| label.galley.size().y / 2.0, 0.0);
    TickLabels { ticks, labels, is_slanted: false, depth }
}

fn clear_step(labels: &[Label], half: impl Fn(&Label) -> f32, gap: f32) -> usize {
    let mut extents: Vec<(f64, f64)> =
        labels.iter().map(|label| (f64::from(label.at), f64::from(half(label)))).collect();
    extents.sort_by(|a, b| a.0.total_cmp(&b.0));
    step_to_fit(&extents, f64::from(gap))
}

/// Every second, third, ... label, so that all keep clear of each other. Which of them stay does
/// not change while the plot is moved.
fn thinned(
    labels: Vec<Label>,
    ruler: &Ruler<'_>,
    half: impl Fn(&Label) -> f32,
    gap: f32,
) -> Vec<Label> {
    let step = clear_step(&labels, half, gap);
    if step == 1 {
        return labels;
    }
    let phase = phase(&labels, ruler.place_measured(0.0), step);
    labels.into_iter().skip(phase).step_by(step).collect()
}

/// The first of evenly spaced labels whose number, counted from `zero`, is a multiple of `step`.
fn phase(labels: &[Label], zero: f32, step: usize) -> usize {
    let gaps: Vec<f32> = labels.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    let (Some(gap), Some(first)) = (gaps.first(), labels.first()) else {
        return 0;
    };
    if !gaps.iter().all(|other| (other - gap).abs() < 1.0) {
        return 0;
    }
    let number = ((first.at - zero) / gap).round();
    let to_next = (-number).rem_euclid(step as f32) as usize;
    if to_next < labels.len() { to_next } else { 0 }
}

/// Spines, ticks and tick labels of a plot.
pub(super) fn ticks_ui(ui: &mut Ui, plot: Rect, x: &TickLabels, y: &TickLabels) {
    let ink = ui.visuals().text_color();
    let pen = Stroke::new(1.0, ink.gamma_multiply(0.6));
    let painter = ui.painter();
    painter.vline(plot.left(), plot.y_range(), pen);
    painter.hline(plot.x_range(), plot.bottom(), pen);
    for at in &x.ticks {
        painter.vline(*at, plot.bottom()..=plot.bottom() + TICK, pen);
    }
    for at in &y.ticks {
        painter.hline(plot.left() - TICK..=plot.left(), *at, pen);
    }
    for (ix, label) in x.labels.iter().enumerate() {
        let top = plot.bottom() + TO_LABELS;
        let shape = if x.is_slanted {
            slanted_shape(label, top, ink)
        } else {
            let corner = pos2(label.at, top) - label.galley.rect.center_top().to_vec2();
            TextShape::new(corner, label.galley.clone(), ink)
        };
        label_ui(ui, shape, label, ("x", ix));
    }
    for (ix, label) in y.labels.iter().enumerate() {
        let corner =
            pos2(plot.left() - TO_LABELS, label.at) - label.galley.rect.right_center().to_vec2();
        label_ui(ui, TextShape::new(corner, label.galley.clone(), ink), label, ("y", ix));
    }
}

/// The middle of the text's right end stands below the tick.
fn slanted_shape(label: &Label, top: f32, ink: Color32) -> TextShape {
    let corner = label.galley.rect.right_top();
    let height = label.galley.rect.height();
    let at = pos2(label.at - SLANT.sin() * height / 2.0, top);
    TextShape::new(at - corner.to_vec2(), label.galley.clone(), ink)
        .with_angle_and_anchor(-SLANT, Align2::RIGHT_TOP)
}

fn label_ui(ui: &mut Ui, shape: TextShape, label: &Label, salt: (&str, usize)) {
    if let Some(full) = &label.full {
        let rect = shape.visual_bounding_rect();
        ui.interact(rect, ui.scope_id().with(salt), Sense::hover()).on_hover_text(full);
    }
    ui.painter().add(shape);
}

/// What an axis measures, in a row or two that are no longer than the axis.
pub(super) fn measure(ui: &Ui, text: &str, length: f32) -> Option<Arc<Galley>> {
    let font = words::label_font(ui);
    (!text.is_empty()).then(|| words::centred(ui, text, font, length, MEASURE_ROWS))
}

/// What the horizontal axis measures; it begins `below` the plot.
pub(super) fn x_measure_ui(ui: &mut Ui, text: &str, plot: Rect, below: f32) {
    let Some(galley) = measure(ui, text, plot.width()) else {
        return;
    };
    let place = pos2(plot.center().x, plot.bottom() + below);
    let corner = place - galley.rect.center_top().to_vec2();
    measure_ui(ui, text, TextShape::new(corner, galley, ui.visuals().text_color()), "x measure");
}

/// What the vertical axis measures, upwards, beginning at `left`.
pub(super) fn y_measure_ui(ui: &mut Ui, text: &str, plot: Rect, left: f32) {
    let Some(galley) = measure(ui, text, plot.height()) else {
        return;
    };
    let middle: Pos2 = pos2(left + galley.size().y / 2.0, plot.center().y);
    let corner = middle - galley.rect.center().to_vec2();
    let shape = TextShape::new(corner, galley, ui.visuals().text_color())
        .with_angle_and_anchor(-std::f32::consts::FRAC_PI_2, Align2::CENTER_CENTER);
    measure_ui(ui, text, shape, "y measure");
}

fn measure_ui(ui: &mut Ui, text: &str, shape: TextShape, salt: &str) {
    if shape.galley.elided {
        let rect = shape.visual_bounding_rect();
        ui.interact(rect, ui.scope_id().with(salt), Sense::hover()).on_hover_text(text);
    }
    ui.painter().add(Shape::from(shape));
}
