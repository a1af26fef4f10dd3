//! Text around and in a plot, laid out in egui's fonts.

use super::brush::{self, Brush, ENLARGED};
use crate::figure::Anchor;
use crate::figure::layout::TextRun;
use egui::epaint::TextShape;
use egui::text::LayoutJob;
use egui::{Color32, FontId, Galley, Shape, TextStyle, Ui, vec2};
use std::sync::Arc;

fn sized(ui: &Ui, share: f32) -> FontId {
    let body = TextStyle::Body.resolve(ui.style());
    // Half points: fonts of odd sizes are blurred.
    FontId::new((body.size * share * 2.0).round() / 2.0, body.family)
}

/// The font of tick labels and of text in a plot.
pub(super) fn tick_font(ui: &Ui) -> FontId {
    sized(ui, 0.85)
}

/// The font of axis labels and captions.
pub(super) fn label_font(ui: &Ui) -> FontId {
    sized(ui, 0.92)
}

/// The font of panel titles and of the legend.
pub(super) fn title_font(ui: &Ui) -> FontId {
    sized(ui, 1.0)
}

/// The font of a figure's title.
pub(super) fn heading_font(ui: &Ui) -> FontId {
    sized(ui, 1.2)
}

/// A single line, as long as it is.
pub(super) fn line(ui: &Ui, text: &str, font: FontId) -> Arc<Galley> {
    ui.painter().layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER)
}

/// A text of a page, upright, as large as the page's other marks.
pub(super) fn run(ui: &Ui, run: &TextRun, brush: &Brush) -> Shape {
    let family = TextStyle::Body.resolve(ui.style()).family;
    let galley = line(ui, &run.text, FontId::new(run.size_pt as f32 * ENLARGED, family));
    let before = match run.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => galley.size().x / 2.0,
        Anchor::End => galley.size().x,
    };
    let baseline =
        galley.rows.first().map_or(0.0, |row| row.glyphs.first().map_or(0.0, |g| g.pos.y));
    let corner = brush.at(run.at) - vec2(before, baseline);
    TextShape::new(corner, galley, brush::color(run.ink)).into()
}

/// Text in at most `rows` rows, ending in an ellipsis where they do not hold it.
pub(super) fn elided(ui: &Ui, text: &str, font: FontId, width: f32, rows: usize) -> Arc<Galley> {
    let mut job = LayoutJob::simple(text.to_owned(), font, Color32::PLACEHOLDER, width.max(1.0));
    job.wrap.max_rows = rows;
    job.wrap.break_anywhere = rows == 1;
    ui.painter().layout_job(job)
}

/// As [`elided`], each row centred about the galley's middle.
pub(super) fn centred(ui: &Ui, text: &str, font: FontId, width: f32, rows: usize) -> Arc<Galley> {
    let mut job = LayoutJob::simple(text.to_owned(), font, Color32::PLACEHOLDER, width.max(1.0));
    job.wrap.max_rows = rows;
    job.halign = egui::Align::Center;
    ui.painter().layout_job(job)
}
