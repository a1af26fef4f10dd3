//! What can be drawn in a panel.

use serde::{Deserialize, Serialize};

use super::axis::Axis;
use super::gaps;

/// One mark. Each carries `series`, the name its rows have in the CSV; it is not drawn.
/// Parallel lists are read up to the shortest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Mark {
    /// A line through points; a point that is a gap breaks it.
    Line {
        /// Name in the CSV.
        series: String,
        /// The points in drawing order.
        #[serde(deserialize_with = "gaps::pairs")]
        xy: Vec<[f64; 2]>,
        /// Colour and line.
        paint: Paint,
    },
    /// A staircase: each y holds from its x to the next point's x.
    Step {
        /// Name in the CSV.
        series: String,
        /// The corners, x ascending.
        #[serde(deserialize_with = "gaps::pairs")]
        xy: Vec<[f64; 2]>,
        /// Colour and line.
        paint: Paint,
    },
    /// Filled rectangles; `y0 = 0` on a log axis is the axis' floor.
    Bars {
        /// Name in the CSV.
        series: String,
        /// Left edges.
        #[serde(deserialize_with = "gaps::list")]
        x0: Vec<f64>,
        /// Right edges.
        #[serde(deserialize_with = "gaps::list")]
        x1: Vec<f64>,
        /// Where the bars begin, usually 0.
        #[serde(deserialize_with = "gaps::list")]
        y0: Vec<f64>,
        /// Where the bars end.
        #[serde(deserialize_with = "gaps::list")]
        y1: Vec<f64>,
        /// Filling, so that grey prints can be read.
        hatch: Hatch,
        /// Colour; `width_pt` is the outline of hatched bars.
        paint: Paint,
    },
    /// One marker per point.
    Points {
        /// Name in the CSV.
        series: String,
        /// The centres.
        #[serde(deserialize_with = "gaps::pairs")]
        xy: Vec<[f64; 2]>,
        /// What each point is of, in the order of the centres, for whoever wants to open it; may be
        /// empty. Not drawn.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ids: Vec<String>,
        /// The shape.
        marker: Marker,
        /// The markers' width.
        #[serde(deserialize_with = "gaps::one")]
        size_pt: f64,
        /// Colour; `width_pt` is the line of open markers.
        paint: Paint,
    },
    /// The area between two curves.
    Band {
        /// Name in the CSV.
        series: String,
        /// Places along x, ascending.
        #[serde(deserialize_with = "gaps::list")]
        x: Vec<f64>,
        /// Lower curve.
        #[serde(deserialize_with = "gaps::list")]
        lo: Vec<f64>,
        /// Upper curve.
        #[serde(deserialize_with = "gaps::list")]
        hi: Vec<f64>,
        /// Colour; usually faint.
        paint: Paint,
    },
    /// A line across the whole plot.
    Rule {
        /// Name in the CSV.
        series: String,
        /// Its y if horizontal, otherwise its x.
        #[serde(deserialize_with = "gaps::one")]
        at: f64,
        /// Left to right rather than bottom to top.
        horizontal: bool,
        /// Colour and line.
        paint: Paint,
    },
    /// Intervals with caps. If horizontal, `x` holds the y of each and `lo`, `hi` its x.
    ErrorBars {
        /// Name in the CSV.
        series: String,
        /// Where each interval stands.
        #[serde(deserialize_with = "gaps::list")]
        x: Vec<f64>,
        /// Lower ends.
        #[serde(deserialize_with = "gaps::list")]
        lo: Vec<f64>,
        /// Upper ends.
        #[serde(deserialize_with = "gaps::list")]
        hi: Vec<f64>,
        /// Left to right rather than bottom to top.
        horizontal: bool,
        /// Colour and line.
        paint: Paint,
    },
    /// Boxes from the lower to the upper quartile, each with its median, whiskers and outliers.
    Boxes {
        /// Name in the CSV.
        series: String,
        /// Where each box stands.
        #[serde(deserialize_with = "gaps::list")]
        x: Vec<f64>,
        /// How wide a box is, in values of the horizontal axis.
        #[serde(deserialize_with = "gaps::one")]
        width: f64,
        /// The numbers of each.
        boxes: Vec<BoxNumbers>,
        /// Filling, paler than that of bars so that the median is seen.
        hatch: Hatch,
        /// Colour and outline.
        paint: Paint,
    },
    /// A density, upright and mirrored, with its quartiles.
    Violin {
        /// Name in the CSV.
        series: String,
        /// The x of its middle.
        #[serde(deserialize_with = "gaps::one")]
        at: f64,
        /// Places along the vertical axis, ascending.
        #[serde(deserialize_with = "gaps::list")]
        y: Vec<f64>,
        /// How far it reaches to either side at each, in values of the horizontal axis.
        #[serde(deserialize_with = "gaps::list")]
        half_width: Vec<f64>,
        /// Lower quartile, median, upper quartile; a gap is left out.
        #[serde(deserialize_with = "gaps::triple")]
        quartiles: [f64; 3],
        /// Filling, paler than that of bars so that the median is seen.
        hatch: Hatch,
        /// Colour and outline.
        paint: Paint,
    },
    /// A grid of cells with a colour for each value. The figure shows what the colours mean in a
    /// bar above its panels.
    HeatMap {
        /// Name in the CSV.
        series: String,
        /// Edges of the columns, one more than there are columns.
        #[serde(deserialize_with = "gaps::list")]
        x: Vec<f64>,
        /// Edges of the rows, one more than there are rows.
        #[serde(deserialize_with = "gaps::list")]
        y: Vec<f64>,
        /// The values of the row between the first two edges from left to right, then the next
        /// row's. A gap without a label is crossed out.
        #[serde(deserialize_with = "gaps::list")]
        values: Vec<f64>,
        /// What is printed in each cell, in the order of the values, if every cell has room for
        /// its label; may be empty.
        labels: Vec<String>,
        /// Where a value stands between the palest and the darkest colour.
        colors: Axis,
    },
    /// Words at a place, moved into the plot where they would leave it.
    Text {
        /// Name in the CSV.
        series: String,
        /// The place.
        #[serde(deserialize_with = "gaps::pair")]
        at: [f64; 2],
        /// The words, one line.
        text: String,
        /// Which part of the words stands at the place.
        anchor: Anchor,
        /// Colour.
        paint: Paint,
    },
}

/// What a box shows of many values, as [`crate::stats::tukey`] counts it or otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoxNumbers {
    /// The lower and the upper end of the whiskers.
    #[serde(deserialize_with = "gaps::pair")]
    pub whiskers: [f64; 2],
    /// Lower quartile, median, upper quartile.
    #[serde(deserialize_with = "gaps::triple")]
    pub quartiles: [f64; 3],
    /// Values beyond the whiskers.
    #[serde(deserialize_with = "gaps::list")]
    pub outliers: Vec<f64>,
}

/// How a mark is painted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Paint {
    /// Red, green, blue.
    pub color: [u8; 3],
    /// 0 invisible to 1 opaque.
    #[serde(deserialize_with = "gaps::one")]
    pub alpha: f64,
    /// Thickness of lines.
    #[serde(deserialize_with = "gaps::one")]
    pub width_pt: f64,
    /// Pattern of lines.
    pub dash: Dash,
}

impl Paint {
    /// Opaque, 1 pt, solid.
    pub fn new(color: [u8; 3]) -> Self {
        Self { color, alpha: 1.0, width_pt: 1.0, dash: Dash::Solid }
    }

    /// The same with another opacity.
    pub fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// The same with another line thickness.
    pub fn width(self, width_pt: f64) -> Self {
        Self { width_pt, ..self }
    }

    /// The same with another line pattern.
    pub fn dash(self, dash: Dash) -> Self {
        Self { dash, ..self }
    }
}

/// The pattern of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dash {
    /// Unbroken.
    #[default]
    Solid,
    /// Long strokes.
    Dashed,
    /// Dots.
    Dotted,
    /// Long and short by turns.
    DashDot,
}

/// How a bar is filled. Hatched bars are pale with strokes and an outline in the full colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hatch {
    /// The plain colour.
    #[default]
    Solid,
    /// Strokes rising to the right.
    Rising,
    /// Strokes falling to the right.
    Falling,
    /// Both.
    Cross,
    /// Level strokes.
    Level,
    /// Nothing in the outline: beside a filled one, its counterpart.
    Open,
}

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Marker {
    /// Filled circle.
    #[default]
    Circle,
    /// Filled square.
    Square,
    /// Filled triangle, point up.
    Triangle,
    /// Filled diamond.
    Diamond,
    /// Filled triangle, point down.
    TriangleDown,
    /// Upright cross.
    Plus,
    /// Diagonal cross.
    Cross,
    /// Open circle.
    Ring,
}

/// Which part of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// Its left end.
    #[default]
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}
