//! What every writer must be able to draw. All lengths in points, y downwards.

use super::super::marks::{Anchor, Dash, Paint};
use super::super::spec::Style;

/// A laid out figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Width of the page.
    pub width_pt: f64,
    /// Height of the page.
    pub height_pt: f64,
    /// The figure's title, for the document's name.
    pub title: String,
    /// The figure's caption, for the document's description.
    pub description: String,
    /// What to draw, the first lowest; it begins with the page's background.
    pub primitives: Vec<Primitive>,
    /// Where each panel's plot stands.
    pub panels: Vec<Rect>,
}

/// One thing to draw; already clipped.
#[derive(Debug, Clone, PartialEq)]
pub enum Primitive {
    /// One or several polylines or polygons painted at once.
    Path {
        /// The corners of each.
        runs: Vec<Vec<[f64; 2]>>,
        /// Whether each ends where it began.
        closed: bool,
        /// Inside.
        fill: Option<Ink>,
        /// Outline.
        stroke: Option<Stroke>,
    },
    /// An upright rectangle.
    Rect {
        /// Where.
        rect: Rect,
        /// Inside.
        fill: Option<Ink>,
        /// Outline.
        stroke: Option<Stroke>,
    },
    /// A circle.
    Circle {
        /// Centre.
        at: [f64; 2],
        /// Radius.
        radius: f64,
        /// Inside.
        fill: Option<Ink>,
        /// Outline.
        stroke: Option<Stroke>,
    },
    /// One line of text.
    Text(TextRun),
}

impl Primitive {
    /// Polylines without filling.
    pub(super) fn lines(runs: Vec<Vec<[f64; 2]>>, stroke: Stroke) -> Self {
        Self::Path { runs, closed: false, fill: None, stroke: Some(stroke) }
    }
}

/// One line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct TextRun {
    /// Where the anchor stands, on the baseline.
    pub at: [f64; 2],
    /// The words, without control characters.
    pub text: String,
    /// Font size.
    pub size_pt: f64,
    /// Which part of the words stands at the place.
    pub anchor: Anchor,
    /// Clockwise turn about the place.
    pub turn_deg: f64,
    /// Whether in bold.
    pub bold: bool,
    /// Colour.
    pub ink: Ink,
}

/// A colour with its opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ink {
    /// Red, green, blue.
    pub color: [u8; 3],
    /// 0 invisible to 1 opaque.
    pub alpha: f64,
}

impl Ink {
    /// A colour without transparency.
    pub fn opaque(color: [u8; 3]) -> Self {
        Self { color, alpha: 1.0 }
    }

    /// A mark's colour on a page.
    pub fn of(paint: &Paint, style: Style) -> Self {
        let alpha = if paint.alpha.is_nan() { 1.0 } else { paint.alpha };
        Self { color: style.visible(paint.color), alpha: alpha.clamp(0.0, 1.0) }
    }

    /// The colour of words that are a mark.
    pub fn of_words(paint: &Paint, style: Style) -> Self {
        Self { color: style.readable(paint.color), ..Self::of(paint, style) }
    }

    pub(super) fn fainter(self, by: f64) -> Self {
        Self { alpha: self.alpha * by, ..self }
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Stroke {
    /// Colour.
    pub ink: Ink,
    /// Thickness.
    pub width_pt: f64,
    /// Lengths drawn and left out by turns; empty for an unbroken line.
    pub dash: Vec<f64>,
}

impl Stroke {
    pub(super) fn solid(ink: Ink, width_pt: f64) -> Self {
        Self { ink, width_pt, dash: Vec::new() }
    }

    /// A mark's line on a page; dashes grow with its thickness so that they stay legible.
    pub(super) fn of(paint: &Paint, style: Style) -> Self {
        let width_pt = super::sane(paint.width_pt, 0.05, 100.0, 1.0);
        let unit = width_pt.max(0.6);
        let dash: &[f64] = match paint.dash {
            Dash::Solid => &[],
            Dash::Dashed => &[4.0, 2.0],
            Dash::Dotted => &[1.0, 1.6],
            Dash::DashDot => &[5.0, 1.6, 1.0, 1.6],
        };
        Self { ink: Ink::of(paint, style), width_pt, dash: dash.iter().map(|v| v * unit).collect() }
    }
}

/// An upright rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// Left.
    pub x: f64,
    /// Top.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

impl Rect {
    /// The rectangle that two corners span.
    pub fn spanned(a: [f64; 2], b: [f64; 2]) -> Self {
        Self {
            x: a[0].min(b[0]),
            y: a[1].min(b[1]),
            w: (a[0] - b[0]).abs(),
            h: (a[1] - b[1]).abs(),
        }
    }

    /// Right edge.
    pub fn right(&self) -> f64 {
        self.x + self.w
    }

    /// Bottom edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.h
    }

    /// Whether a point is inside or on the edge.
    pub fn holds(&self, [x, y]: [f64; 2]) -> bool {
        // Ticks and points computed to stand on an edge may miss it by a rounding error.
        const SLACK: f64 = 1e-6;
        (self.x - SLACK..=self.right() + SLACK).contains(&x)
            && (self.y - SLACK..=self.bottom() + SLACK).contains(&y)
    }
}
