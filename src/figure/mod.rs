//! How to draw a chart: one resolved [`Figure`] in, SVG, PDF, PNG, CSV or JSON out.
//!
//! A figure is resolved before it comes here: bins, ticks, colours and intervals are numbers in
//! it, so the window and every writer show the same thing. [`layout()`] turns it into
//! [`Primitive`]s in points; a writer only writes those.
//!
//! What does **not** belong here: what is drawn and why, names and colours of strategies
//! (`report`), statistics (`stats`), files and dialogs (`workbench`, `app`).
//!
//! Values that are not finite, and values of zero or less on a log axis, are gaps.

pub mod axis;
mod cells;
mod crowds;
pub mod csv;
pub mod fonts;
mod gaps;
mod json;
pub mod layout;
mod marks;
pub mod palette;
pub mod pdf;
pub mod png;
#[cfg(test)]
pub(crate) mod samples;
mod shaping;
mod spec;
pub mod svg;
pub mod table;
pub mod text;
mod ticks;

pub use axis::{Axis, Scale, Tick};
pub use cells::{Cell, cells};
pub use crowds::thinned;
pub use csv::to_csv;
pub use json::{FigureError, from_json, to_json};
pub use layout::{Drawing, Primitive, layout};
pub use marks::{Anchor, BoxNumbers, Dash, Hatch, Mark, Marker, Paint};
pub use pdf::{PdfError, to_pdf};
pub use png::{PngError, rgba_to_png, to_png};
pub use spec::{Figure, LegendEntry, Panel, Style, Swatch};
pub use svg::to_svg;
