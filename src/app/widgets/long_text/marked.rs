//! What is marked in a text, and how that looks.

use std::ops::Range;

use egui::{Color32, FontId, Stroke, TextFormat, Visuals};

/// What is marked in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Why it is marked.
    pub kind: MarkKind,
}

/// Why something is marked. Each kind has its own background, and its own line below so that no
/// two differ by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// Where an answer stands: a thick line.
    Answer,
    /// What was searched for: no line.
    Search,
    /// The one of what was searched for that the reader is at: light and dark changed places.
    Current,
    /// Any other part spoken of: a thin line.
    Span,
}

/// The colours of one kind.
pub struct Colours {
    /// Behind the letters.
    pub ground: Color32,
    /// The letters.
    pub letters: Color32,
    /// Lines and ticks: told apart from the page's own background.
    pub line: Color32,
}

impl MarkKind {
    /// The kind's colours on a dark or a light page. The letters have a contrast of at least 7.
    pub fn colours(self, is_dark: bool) -> Colours {
        let rgb = Color32::from_rgb;
        let (ground, line) = match (self, is_dark) {
            (Self::Answer, true) => (rgb(24, 78, 48), rgb(110, 220, 150)),
            (Self::Answer, false) => (rgb(198, 240, 210), rgb(18, 120, 56)),
            (Self::Search, true) => (rgb(104, 76, 0), rgb(240, 190, 60)),
            (Self::Search, false) => (rgb(255, 226, 130), rgb(190, 132, 0)),
            (Self::Current, true) => (rgb(255, 205, 80), rgb(255, 225, 140)),
            (Self::Current, false) => (rgb(120, 78, 0), rgb(120, 78, 0)),
            (Self::Span, true) => (rgb(34, 58, 100), rgb(130, 175, 250)),
            (Self::Span, false) => (rgb(214, 228, 255), rgb(48, 100, 205)),
        };
        let has_white = is_dark != (self == Self::Current);
        let letters = if has_white { Color32::WHITE } else { Color32::BLACK };
        Colours { ground, letters, line }
    }

    /// How its text is drawn.
    pub fn format(self, font: &FontId, visuals: &Visuals) -> TextFormat {
        let Colours { ground, letters, line } = self.colours(visuals.dark_mode);
        let width = match self {
            Self::Answer => 2.0,
            Self::Search | Self::Current => 0.0,
            Self::Span => 1.0,
        };
        TextFormat {
            background: ground,
            // A wider one would show as a line across a selection in the row above.
            expand_bg: 0.0,
            underline: Stroke::new(width, line),
            ..TextFormat::simple(font.clone(), letters)
        }
    }
}

/// Ascending, apart, not empty and at character boundaries: they may come from a model's offsets.
pub fn tidy(text: &str, mut marks: Vec<Marked>) -> Vec<Marked> {
    marks.sort_by_key(|mark| mark.range.start);
    let mut free_from = 0;
    marks.retain_mut(|mark| {
        let start = text.ceil_char_boundary(mark.range.start.max(free_from).min(text.len()));
        let end = text.floor_char_boundary(mark.range.end);
        mark.range = start..end;
        if start < end {
            free_from = end;
        }
        start < end
    });
    marks
}

/// Parts of `range` in order, none empty, all of it together, each marked or not.
pub fn parts(range: &Range<usize>, marks: &[Marked]) -> Vec<(Range<usize>, Option<MarkKind>)> {
    let first = marks.partition_point(|mark| mark.range.end <= range.start);
    let mut parts = Vec::new();
    let mut at = range.start;
    for mark in marks[first..].iter().take_while(|mark| mark.range.start < range.end) {
        let start = mark.range.start.max(range.start);
        let end = mark.range.end.min(range.end);
        if at < start {
            parts.push((at..start, None));
        }
        parts.push((start..end, Some(mark.kind)));
        at = end;
    }
    if at < range.end {
        parts.push((at..range.end, None));
    }
    parts
}
