//! Heat maps: a rectangle for each cell, and its label where all cells have room for theirs.

use super::super::axis::Axis;
use super::super::cells::Cell;
use super::super::marks::Anchor;
use super::super::palette::{lightness, ramp};
use super::super::text::{self, HALF_CAP};
use super::TICK_SIZE;
use super::marks::Plot;
use super::primitive::{Ink, Primitive, Rect, Stroke, TextRun};

/// Cells with sides of so many font sizes are set apart by a line of the page's colour.
const SET_APART: f64 = 0.6;
/// Cells that are not set apart reach this far into the next, or the page would shine through where
/// a screen rounds their edges.
const OVERLAP_PT: f64 = 0.25;
/// On what is darker white can be read better, on what is lighter black (CIE L*).
const MIDDLE: f64 = 50.0;

impl Plot<'_> {
    pub(super) fn heat_map<'c>(
        &self,
        cells: impl Iterator<Item = Cell<'c>>,
        colors: &Axis,
    ) -> Vec<Primitive> {
        let placed: Vec<(Rect, Cell<'c>)> = cells
            .filter_map(|cell| {
                let ([x0, x1], [y0, y1]) = (cell.x, cell.y);
                Some((self.bar([x0, y0], [x1, y1])?, cell))
            })
            .collect();
        let is_labelled = placed.iter().all(|(rect, cell)| self.has_room(rect, cell.label));
        let label = |cell: &Cell<'_>| is_labelled && !cell.label.is_empty();
        let mut drawn = Vec::with_capacity(placed.len());
        for (rect, cell) in &placed {
            match colors.place(cell.value) {
                Some(share) => drawn.push(self.cell(*rect, ramp(share))),
                None if label(cell) => {}
                None => drawn.push(self.crossed_out(rect)),
            }
        }
        let labelled = placed.iter().filter(|(_, cell)| label(cell));
        drawn.extend(labelled.map(|(rect, cell)| self.cell_label(rect, cell, colors)));
        drawn
    }

    fn cell(&self, rect: Rect, color: [u8; 3]) -> Primitive {
        let apart = rect.w.min(rect.h) >= SET_APART * self.em;
        let grown = Rect { w: rect.w + OVERLAP_PT, h: rect.h + OVERLAP_PT, ..rect };
        let line = Stroke::solid(Ink::opaque(self.style.background()), 0.06 * self.em);
        Primitive::Rect {
            rect: if apart { rect } else { grown },
            fill: Some(Ink::opaque(color)),
            stroke: apart.then_some(line),
        }
    }

    /// A cell without value and label: it must not look like one with a low value.
    fn crossed_out(&self, rect: &Rect) -> Primitive {
        let (right, bottom) = (rect.right(), rect.bottom());
        let runs =
            vec![vec![[rect.x, rect.y], [right, bottom]], vec![[rect.x, bottom], [right, rect.y]]];
        Primitive::lines(runs, Stroke::solid(Ink::opaque(self.style.muted()), 0.06 * self.em))
    }

    fn has_room(&self, rect: &Rect, label: &str) -> bool {
        let size = TICK_SIZE * self.em;
        let wide = text::width(&text::clean(label), size, false) + 0.4 * size <= rect.w;
        label.is_empty() || wide && 1.2 * size <= rect.h
    }

    fn cell_label(&self, rect: &Rect, cell: &Cell<'_>, colors: &Axis) -> Primitive {
        let size_pt = TICK_SIZE * self.em;
        let ink = match colors.place(cell.value) {
            Some(share) if lightness(ramp(share)) < MIDDLE => [255; 3],
            Some(_) => [0; 3],
            None => self.style.ink(),
        };
        Primitive::Text(TextRun {
            at: [rect.x + rect.w / 2.0, rect.y + rect.h / 2.0 + HALF_CAP * size_pt],
            text: text::clean(cell.label),
            size_pt,
            anchor: Anchor::Middle,
            turn_deg: 0.0,
            bold: false,
            ink: Ink::opaque(ink),
        })
    }
}
