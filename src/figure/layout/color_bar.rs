//! What the colours of heat maps mean: a bar with ticks, above the panels as the legend is.

use super::super::axis::Axis;
use super::super::marks::{Anchor, Mark};
use super::super::palette::ramp;
use super::super::spec::{Figure, Style};
use super::super::text::{self, ASCENT, HALF_CAP, LINE_HEIGHT};
use super::labels::step_to_fit;
use super::primitive::{Ink, Primitive, Rect, Stroke, TextRun};
use super::{Sheet, TICK_SIZE};

/// Length and thickness of a bar, in font sizes.
const LENGTH: f64 = 18.0;
const THICKNESS: f64 = 0.8;
/// Pieces of one colour.
const N_PIECES: usize = 64;
/// From the bar's top to its labels' bottom, in font sizes.
pub const HEIGHT: f64 = THICKNESS + 0.3 + LINE_HEIGHT * TICK_SIZE;

/// The different scales of the figure's heat maps, in the order of the panels.
pub fn color_scales(figure: &Figure) -> Vec<&Axis> {
    let mut scales: Vec<&Axis> = Vec::new();
    for mark in figure.panels.iter().flat_map(|panel| &panel.marks) {
        if let Mark::HeatMap { colors, .. } = mark
            && !scales.contains(&colors)
        {
            scales.push(colors);
        }
    }
    scales
}

/// Draws a bar with what it measures at its left, or above it where that is too long, from `top`
/// down, and returns the height it took.
pub(super) fn draw(colors: &Axis, sheet: &Sheet, top: f64, out: &mut Vec<Primitive>) -> f64 {
    let em = sheet.em;
    let half_label = 1.5 * em;
    let length = (LENGTH * em).min(sheet.inner_width() - 2.0 * half_label);
    let beside = sheet.inner_width() - length - 2.0 * half_label;
    let is_beside = text::width(&colors.label, em, false) <= beside;
    let room = if is_beside { beside } else { sheet.inner_width() };
    let lines = text::wrap(&colors.label, em, false, room);
    let mut y = top + 0.2 * em;
    let mut x = sheet.margin;
    for line in &lines {
        let baseline =
            if is_beside { y + (THICKNESS / 2.0 + HALF_CAP) * em } else { y + ASCENT * em };
        out.push(words(line, [sheet.margin, baseline], em, Anchor::Start, sheet.style));
        match is_beside {
            true => x += text::width(line, em, false),
            false => y += LINE_HEIGHT * em,
        }
    }
    let before = if lines.is_empty() { 0.5 * em } else { half_label };
    out.extend(color_bar(colors, [x + before, y], length, em, sheet.style));
    y - top + HEIGHT * em + 0.4 * em
}

/// A bar of the colours from the palest to the darkest, its left upper corner at `[x, y]`, with ticks
/// and their labels below it.
pub fn color_bar(
    colors: &Axis,
    [x, y]: [f64; 2],
    length: f64,
    em: f64,
    style: Style,
) -> Vec<Primitive> {
    let bar = Rect { x, y, w: length, h: THICKNESS * em };
    let mut drawn: Vec<Primitive> = (0..N_PIECES)
        .map(|piece| {
            // Each reaches to the bar's end, under the next: pieces side by side show seams.
            let from = piece as f64 / N_PIECES as f64 * length;
            let color = ramp((piece as f64 + 0.5) / N_PIECES as f64);
            let rect = Rect { x: x + from, w: length - from, ..bar };
            Primitive::Rect { rect, fill: Some(Ink::opaque(color)), stroke: None }
        })
        .collect();
    let line = Stroke::solid(Ink::opaque(style.ink()), 0.07 * em);
    drawn.push(Primitive::Rect { rect: bar, fill: None, stroke: Some(line.clone()) });
    let ticks = colors.visible_ticks();
    let end = bar.bottom() + 0.25 * em;
    let marks = ticks.iter().map(|(share, _)| {
        let at = x + share * length;
        vec![[at, bar.bottom()], [at, end]]
    });
    let marks: Vec<_> = marks.collect();
    if !marks.is_empty() {
        drawn.push(Primitive::lines(marks, line));
    }
    let size = TICK_SIZE * em;
    let labels = ticks.iter().map(|(share, label)| (x + share * length, text::clean(label)));
    let labels: Vec<(f64, String)> = labels.collect();
    let half = |(at, label): &(f64, String)| (*at, text::width(label, size, false) / 2.0);
    let step = step_to_fit(&labels.iter().map(half).collect::<Vec<_>>(), 0.6 * size);
    for (at, label) in labels.iter().step_by(step.max(1)) {
        let at = [*at, end + 0.05 * em + 0.9 * ASCENT * size];
        drawn.push(words(label, at, size, Anchor::Middle, style));
    }
    drawn
}

fn words(text: &str, at: [f64; 2], size_pt: f64, anchor: Anchor, style: Style) -> Primitive {
    Primitive::Text(TextRun {
        at,
        text: text.to_owned(),
        size_pt,
        anchor,
        turn_deg: 0.0,
        bold: false,
        ink: Ink::opaque(style.ink()),
    })
}
