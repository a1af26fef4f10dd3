//! Stretches of the text that are spoken of as a whole: a bar beside their rows, which tells their name
//! when it is pointed at.

use std::ops::Range;

use egui::{Color32, Id, Painter, Rect, Sense, Stroke, StrokeKind, Ui, pos2};

use super::typeset::Visible;

/// Room for the bars, left of the text.
pub const BARS_WIDTH: f32 = 9.0;

/// A stretch of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// What it is.
    pub kind: RegionKind,
    /// What it is called when it is pointed at.
    pub name: String,
}

/// What a stretch is. Each kind has its own form, so that no two differ by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegionKind {
    /// Another context than the record's own: a thin line that begins with a stroke.
    Distractor,
    /// The record's own context, of which a part is the evidence: the outline of a bar.
    Own,
    /// The evidence: a filled bar.
    Gold,
}

impl RegionKind {
    /// All kinds, the most important last.
    pub const ALL: [Self; 3] = [Self::Distractor, Self::Own, Self::Gold];

    /// In a legend.
    pub fn title(self) -> &'static str {
        match self {
            Self::Distractor => "other contexts; a stroke where one begins",
            Self::Own => "the record's own context",
            Self::Gold => "gold span",
        }
    }

    /// Its colour on a dark or a light page.
    pub fn colour(self, is_dark: bool) -> Color32 {
        let rgb = Color32::from_rgb;
        match (self, is_dark) {
            (Self::Distractor, true) => rgb(140, 140, 150),
            (Self::Distractor, false) => rgb(115, 115, 125),
            (Self::Own | Self::Gold, true) => rgb(255, 140, 90),
            (Self::Own | Self::Gold, false) => rgb(196, 72, 8),
        }
    }

    /// Draws it between two heights.
    pub fn paint(self, painter: &Painter, rect: Rect, is_dark: bool, begins: bool) {
        let colour = self.colour(is_dark);
        let line = Stroke::new(1.0, colour);
        match self {
            Self::Gold => {
                painter.rect_filled(rect, 0.0, colour);
            }
            Self::Own => {
                painter.rect_stroke(rect, 0.0, line, StrokeKind::Inside);
            }
            Self::Distractor => {
                let middle = rect.center().x.round() - 0.5;
                painter.line_segment([pos2(middle, rect.top()), pos2(middle, rect.bottom())], line);
                let y = rect.top() + 0.5;
                let stroke = [pos2(rect.left(), y), pos2(rect.right(), y)];
                if begins {
                    painter.line_segment(stroke, line);
                }
            }
        }
    }
}

/// Those that lie in the text, in ascending order, the larger of two first.
pub fn tidy(text: &str, mut regions: Vec<Region>) -> Vec<Region> {
    regions.retain_mut(|region| {
        let end = text.floor_char_boundary(region.range.end);
        region.range = text.ceil_char_boundary(region.range.start.min(text.len()))..end;
        region.range.start < region.range.end
    });
    regions.sort_by_key(|region| (region.range.start, std::cmp::Reverse(region.range.end)));
    regions
}

/// Draws the bars beside the rows in view. `at` is where the rows' left and the view's top meet.
pub fn bars_ui(ui: &Ui, id: Id, clip: Rect, top: f32, visible: &[Visible], regions: &[Region]) {
    let (Some(first), Some(last)) = (visible.first(), visible.last()) else { return };
    let shown = first.range.start..last.range.end;
    let painter = ui.painter_at(clip);
    let is_in_view =
        |region: &&Region| region.range.start < shown.end && region.range.end > shown.start;
    for region in regions.iter().filter(is_in_view) {
        let edge = |at: usize, is_end: bool| row_edge(visible, at, is_end).map(|y| top + y);
        let begins = region.range.start >= shown.start;
        let from = if begins { edge(region.range.start, false) } else { Some(clip.top() - 4.0) };
        let to = match region.range.end <= shown.end {
            true => edge(region.range.end, true),
            false => Some(clip.bottom() + 4.0),
        };
        let Some((from, to)) = from.zip(to) else { continue };
        let left = clip.left() + 1.0;
        // The evidence within the own context stands inside its outline.
        let inset = if region.kind == RegionKind::Own { 0.0 } else { 1.5 };
        let x = left + inset..=left + BARS_WIDTH - 2.0 - inset;
        let rect = Rect::from_x_y_ranges(x, from..=to);
        region.kind.paint(&painter, rect, ui.visuals().dark_mode, begins);
        let bar = Rect::from_x_y_ranges(clip.left()..=clip.left() + BARS_WIDTH, from..=to);
        let bar = bar.intersect(clip);
        if bar.is_positive() {
            ui.interact(
                bar,
                id.with(("region", region.range.start, region.range.end)),
                Sense::hover(),
            )
            .on_hover_text(&region.name);
        }
    }
}

/// The top of the row that byte `at` is in, or the bottom of the row that ends before it.
fn row_edge(visible: &[Visible], at: usize, is_end: bool) -> Option<f32> {
    let at = if is_end { at.saturating_sub(1) } else { at };
    let piece = visible.iter().find(|piece| piece.range.contains(&at))?;
    let row = piece.row_of(at);
    Some(piece.y + if is_end { row.max.y } else { row.min.y })
}
