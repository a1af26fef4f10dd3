//! A figure becomes primitives on a page: title, legend, colour bars, the grid of panels, caption.
//!
//! Everything is in points, y downwards. Text is measured before anything is placed, so the
//! margins grow with their labels and no two texts meet; the page is as high as it must be.

mod clip;
mod color_bar;
mod frame;
mod glyph;
mod grid;
mod heat_map;
mod labels;
mod legend;
mod marks;
mod primitive;
mod spreads;
mod thin;

pub use color_bar::{HEIGHT as COLOR_BAR_HEIGHT, color_bar, color_scales};
pub use glyph::{marker, pale};
pub use labels::step_to_fit;
pub use legend::{swatch, swatch_width};
pub use marks::Plot;
pub use primitive::{Drawing, Ink, Primitive, Rect, Stroke, TextRun};
pub use spreads::violin_width;

use super::marks::Anchor;
use super::spec::{Figure, Style};
use super::text::{self, ASCENT, LINE_HEIGHT};
use grid::Grid;

/// Size of tick labels, in font sizes.
const TICK_SIZE: f64 = 0.9;

/// Size of the caption, in font sizes.
const CAPTION_SIZE: f64 = 0.95;

/// The height of a page's text: 9 in. A figure that is taller gets lower panels, if that helps.
const PAGE_PT: f64 = 9.0 * 72.0;

/// Lays a figure out. Sizes out of any sense (not finite, or no page would hold them) are
/// brought back into it.
pub fn layout(figure: &Figure) -> Drawing {
    let mut sheet = Sheet::of(figure);
    let mut page = Page { y: sheet.margin, primitives: Vec::new() };
    page.paragraph(&sheet, &figure.title, 1.2 * sheet.em, true);
    page.y += legend::draw(&figure.legend, &sheet, page.y, &mut page.primitives);
    for colors in color_scales(figure) {
        page.y += color_bar::draw(colors, &sheet, page.y, &mut page.primitives);
    }
    if figure.panels.is_empty() {
        page.paragraph(&sheet, "no data", sheet.em, false);
    }
    let caption = match figure.caption.is_empty() {
        true => 0.0,
        false => {
            let lines =
                text::wrap(&figure.caption, CAPTION_SIZE * sheet.em, false, sheet.inner_width());
            (0.3 + lines.len() as f64 * LINE_HEIGHT * CAPTION_SIZE) * sheet.em
        }
    };
    let mut grid = Grid::fit(figure, &sheet);
    let lower = grid.fitting_height(PAGE_PT - page.y - caption - sheet.margin, &sheet);
    if lower < sheet.plot_height {
        sheet.plot_height = lower;
        grid = Grid::fit(figure, &sheet);
    }
    let mut panels = Vec::new();
    for row in grid.rows() {
        let top = page.y + row.above;
        for cell in row.cells {
            let plot = grid.plot(cell, top, &sheet);
            frame::draw(cell, plot, row.x_label_below, &sheet, &mut page.primitives);
            panels.push(plot);
        }
        page.y = top + sheet.plot_height + row.below;
    }
    page.below_all(&grid.x_label, &panels, &sheet);
    if !figure.caption.is_empty() {
        page.y += 0.3 * sheet.em;
        page.paragraph(&sheet, &figure.caption, CAPTION_SIZE * sheet.em, false);
    }
    page.finish(figure, &sheet, panels)
}

/// Sizes and colours that hold for the whole page.
struct Sheet {
    width: f64,
    margin: f64,
    plot_height: f64,
    /// The font size, and the measure of every gap.
    em: f64,
    tick_pt: f64,
    tick_len: f64,
    spine: f64,
    style: Style,
}

impl Sheet {
    fn of(figure: &Figure) -> Self {
        let em = sane(figure.font_pt, 3.0, 72.0, 8.0);
        Self {
            width: 72.0 * sane(figure.width_in, 1.0, 100.0, 6.8),
            margin: 0.5 * em,
            plot_height: 72.0 * sane(figure.panel_height_in, 0.3, 50.0, 2.2),
            em,
            tick_pt: TICK_SIZE * em,
            tick_len: 0.4 * em,
            spine: 0.07 * em,
            style: figure.style,
        }
    }

    fn inner_width(&self) -> f64 {
        self.width - 2.0 * self.margin
    }

    fn ink(&self) -> Ink {
        Ink::opaque(self.style.ink())
    }
}

fn sane(value: f64, lo: f64, hi: f64, otherwise: f64) -> f64 {
    if value.is_finite() { value.clamp(lo, hi) } else { otherwise }
}

struct Page {
    y: f64,
    primitives: Vec<Primitive>,
}

impl Page {
    fn paragraph(&mut self, sheet: &Sheet, words: &str, size_pt: f64, bold: bool) {
        for line in text::wrap(words, size_pt, bold, sheet.inner_width()) {
            self.primitives.push(Primitive::Text(TextRun {
                at: [sheet.margin, self.y + ASCENT * size_pt],
                text: line,
                size_pt,
                anchor: Anchor::Start,
                turn_deg: 0.0,
                bold,
                ink: sheet.ink(),
            }));
            self.y += LINE_HEIGHT * size_pt;
        }
    }

    /// The label along x of all panels, in the middle below them.
    fn below_all(&mut self, lines: &[String], panels: &[Rect], sheet: &Sheet) {
        let left = panels.iter().map(|plot| plot.x).fold(sheet.width, f64::min);
        let right = panels.iter().map(|plot| plot.right()).fold(0.0, f64::max);
        for line in lines {
            let half = text::width(line, sheet.em, false) / 2.0;
            let least = sheet.margin + half;
            let middle = ((left + right) / 2.0).min(sheet.width - least).max(least);
            // The last row's gap to what follows is above the label.
            let at = [middle, self.y - 0.5 * sheet.em + ASCENT * sheet.em];
            let label = frame::label(line, at, Anchor::Middle, sheet);
            self.primitives.push(Primitive::Text(label));
            self.y += LINE_HEIGHT * sheet.em;
        }
    }

    fn finish(self, figure: &Figure, sheet: &Sheet, panels: Vec<Rect>) -> Drawing {
        let height_pt = self.y + sheet.margin;
        let page = Primitive::Rect {
            rect: Rect { x: 0.0, y: 0.0, w: sheet.width, h: height_pt },
            fill: Some(Ink::opaque(sheet.style.background())),
            stroke: None,
        };
        Drawing {
            width_pt: sheet.width,
            height_pt,
            title: figure.title.clone(),
            description: figure.caption.clone(),
            primitives: std::iter::once(page).chain(self.primitives).collect(),
            panels,
        }
    }
}

#[cfg(test)]
mod tests;
