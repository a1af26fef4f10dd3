//! What a figure is: pages of panels, a style, a size, a legend.

use serde::{Deserialize, Serialize};

use super::axis::Axis;
use super::gaps;
use super::marks::{Hatch, Mark, Marker, Paint};

/// A whole figure, resolved: everything a writer needs is in here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Printed above everything, and the picture's accessible name; may be empty.
    pub title: String,
    /// Printed below everything, wrapped, and the picture's accessible description.
    pub caption: String,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// Panels in a row. Fewer are used when the panels would be too narrow to read.
    pub columns: usize,
    /// Paper or screen.
    pub style: Style,
    /// Width of the whole figure.
    #[serde(deserialize_with = "gaps::one")]
    pub width_in: f64,
    /// Height of each panel's plot, without its title and axis labels.
    #[serde(deserialize_with = "gaps::one")]
    pub panel_height_in: f64,
    /// Size of the text.
    #[serde(deserialize_with = "gaps::one")]
    pub font_pt: f64,
    /// One legend for all panels, drawn above them.
    pub legend: Vec<LegendEntry>,
}

impl Default for Figure {
    /// An empty figure of text width (6.8 in) on paper, in 8 pt.
    fn default() -> Self {
        Self {
            title: String::new(),
            caption: String::new(),
            panels: Vec::new(),
            columns: 1,
            style: Style::Paper,
            width_in: 6.8,
            panel_height_in: 2.2,
            font_pt: 8.0,
            legend: Vec::new(),
        }
    }
}

/// One pair of axes and what is drawn between them, the first mark lowest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Panel {
    /// Printed above the plot, at its left.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The marks, clipped to the plot.
    pub marks: Vec<Mark>,
}

/// What the figure is drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Black on white.
    #[default]
    Paper,
    /// Dark grey on near white.
    ScreenLight,
    /// Light grey on near black.
    ScreenDark,
}

impl Style {
    /// The page.
    pub fn background(self) -> [u8; 3] {
        match self {
            Self::Paper => [255, 255, 255],
            Self::ScreenLight => [250, 250, 250],
            Self::ScreenDark => [27, 28, 31],
        }
    }

    /// Text and axes.
    pub fn ink(self) -> [u8; 3] {
        match self {
            Self::Paper => [0, 0, 0],
            Self::ScreenLight => [40, 40, 44],
            Self::ScreenDark => [224, 224, 228],
        }
    }

    /// What should stand back: "no data".
    pub fn muted(self) -> [u8; 3] {
        match self {
            Self::Paper | Self::ScreenLight => [110, 110, 114],
            Self::ScreenDark => [150, 150, 156],
        }
    }

    /// A mark's colour on this page: what would vanish into the page (black on the dark one)
    /// is drawn in the ink's colour.
    pub fn visible(self, color: [u8; 3]) -> [u8; 3] {
        let page = self.background();
        let apart: u16 = (0..3).map(|i| u16::from(color[i].abs_diff(page[i]))).sum();
        if apart < 120 { self.ink() } else { color }
    }
}

impl Style {
    /// A colour in which words can be read on this page: as it is where it is apart enough, else
    /// mixed with the ink's colour until it has the contrast of 4.5 to 1 that WCAG 2.1 asks for (1.4.3).
    pub fn readable(self, color: [u8; 3]) -> [u8; 3] {
        const STEPS: u8 = 20;
        let (page, ink) = (self.background(), self.ink());
        let mixed = |step: u8| {
            let part = f64::from(step) / f64::from(STEPS);
            [0, 1, 2].map(|i| {
                let (from, to) = (f64::from(color[i]), f64::from(ink[i]));
                (from + part * (to - from)).round() as u8
            })
        };
        (0..=STEPS).map(mixed).find(|mixed| contrast(*mixed, page) >= 4.5).unwrap_or(ink)
    }
}

/// The contrast of two colours, 1 to 21 (WCAG 2.1).
fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let linear = |byte: u8| match f64::from(byte) / 255.0 {
        v if v <= 0.04045 => v / 12.92,
        v => ((v + 0.055) / 1.055).powf(2.4),
    };
    let luminance = |color: [u8; 3]| {
        let [r, g, b] = color.map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// One line of the legend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegendEntry {
    /// What the reader is told.
    pub label: String,
    /// What stands before the label.
    pub swatch: Swatch,
    /// Its colour and line.
    pub paint: Paint,
}

/// The sample before a legend's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Swatch {
    /// A piece of line.
    Line,
    /// A small bar.
    Patch(Hatch),
    /// A small box, as pale as boxes and violins are.
    PalePatch(Hatch),
    /// A single marker.
    Point(Marker),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::palette::OKABE_ITO;

    #[test]
    fn words_in_every_colour_can_be_read_on_every_page() {
        assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
        for style in [Style::Paper, Style::ScreenLight, Style::ScreenDark] {
            for color in OKABE_ITO.into_iter().chain([[128; 3], style.background()]) {
                let readable = style.readable(color);
                assert!(contrast(readable, style.background()) >= 4.5, "{color:?} {style:?}");
            }
        }
        // What can be read is left as it is.
        assert_eq!(Style::ScreenDark.readable([0x56, 0xB4, 0xE9]), [0x56, 0xB4, 0xE9]);
    }
}
