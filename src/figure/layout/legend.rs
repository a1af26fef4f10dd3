//! The legend: rows of samples and labels above the panels, where nothing can lie under it.

use super::super::marks::Anchor;
use super::super::spec::{LegendEntry, Style, Swatch};
use super::super::text::{self, HALF_CAP};
use super::primitive::{Primitive, Rect, Stroke, TextRun};
use super::{Sheet, glyph};

/// Draws the legend from `top` down and returns the height it took. Entries follow each other
/// in one row; where that is too narrow they stand in equal columns, so that labels line up.
pub(super) fn draw(
    entries: &[LegendEntry],
    sheet: &Sheet,
    top: f64,
    out: &mut Vec<Primitive>,
) -> f64 {
    if entries.is_empty() {
        return 0.0;
    }
    let row_height = 1.5 * sheet.em;
    let labels: Vec<String> = entries.iter().map(|e| label(e, sheet)).collect();
    let widths: Vec<f64> = (entries.iter().zip(&labels))
        .map(|(entry, label)| {
            let words = text::width(label, sheet.em, false);
            sample_room(entry, sheet) + words + 1.6 * sheet.em
        })
        .collect();
    let room = sheet.inner_width() + 1.6 * sheet.em;
    let widest = widths.iter().copied().fold(0.0, f64::max);
    let in_one_row = widths.iter().sum::<f64>() <= room;
    let columns =
        if in_one_row { entries.len() } else { ((room / widest).floor() as usize).max(1) };
    // Down before across, so that the members of a pair stay together.
    let rows = entries.len().div_ceil(columns);
    let mut x = sheet.margin;
    for (ix, (entry, label)) in entries.iter().zip(labels).enumerate() {
        let y = top + 0.2 * sheet.em + (ix % rows) as f64 * row_height;
        draw_entry(entry, label, [x, y + row_height / 2.0], sheet, out);
        if ix % rows == rows - 1 {
            x += if in_one_row { widths[ix] } else { widest };
        }
    }
    0.5 * sheet.em + rows as f64 * row_height
}

fn draw_entry(
    entry: &LegendEntry,
    label: String,
    [x, middle]: [f64; 2],
    sheet: &Sheet,
    out: &mut Vec<Primitive>,
) {
    out.extend(swatch(entry, [x, middle], sheet.em, sheet.style));
    out.push(Primitive::Text(TextRun {
        at: [x + sample_room(entry, sheet), middle + HALF_CAP * sheet.em],
        text: label,
        size_pt: sheet.em,
        anchor: Anchor::Start,
        turn_deg: 0.0,
        bold: false,
        ink: sheet.ink(),
    }));
}

fn label(entry: &LegendEntry, sheet: &Sheet) -> String {
    let room = sheet.inner_width() - sample_room(entry, sheet);
    text::shorten(&text::clean(&entry.label), sheet.em, false, room)
}

fn sample_room(entry: &LegendEntry, sheet: &Sheet) -> f64 {
    (swatch_width(entry.swatch) + 0.5) * sheet.em
}

/// Width of a sample, in font sizes.
pub fn swatch_width(swatch: Swatch) -> f64 {
    match swatch {
        Swatch::Line => 2.4,
        Swatch::Patch(_) | Swatch::PalePatch(_) => 1.8,
        Swatch::Point(_) => 0.9,
    }
}

/// The sample before a label; it begins at `x` and is centred at `middle`.
pub fn swatch(entry: &LegendEntry, [x, middle]: [f64; 2], em: f64, style: Style) -> Vec<Primitive> {
    let paint = &entry.paint;
    let width = swatch_width(entry.swatch) * em;
    let patch = Rect { x, y: middle - 0.45 * em, w: width, h: 0.9 * em };
    match entry.swatch {
        Swatch::Line => {
            let run = vec![[x, middle], [x + width, middle]];
            vec![Primitive::lines(vec![run], Stroke::of(paint, style))]
        }
        Swatch::Patch(hatch) => glyph::bar(patch, hatch, paint, em, style),
        Swatch::PalePatch(hatch) => glyph::pale_bar(patch, hatch, paint, em, style),
        Swatch::Point(marker) => {
            let at = [x + width / 2.0, middle];
            vec![glyph::marker(marker, at, 0.7 * em, paint, style)]
        }
    }
}
