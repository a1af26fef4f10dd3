//! One panel on the page: its marks, then axes, ticks and words around them.

use super::super::marks::{Anchor, Mark};
use super::super::text::{ASCENT, HALF_CAP, LINE_HEIGHT};
use super::Sheet;
use super::grid::Cell;
use super::labels::{Pose, SLANT_DEG};
use super::marks::Plot;
use super::primitive::{Ink, Primitive, Rect, Stroke, TextRun};

/// Draws a panel whose plot stands at `plot`.
pub(super) fn draw(
    cell: &Cell<'_>,
    plot: Rect,
    x_label_below: f64,
    sheet: &Sheet,
    out: &mut Vec<Primitive>,
) {
    contents(cell, plot, sheet, out);
    spines(cell, plot, sheet, out);
    x_tick_labels(cell, plot, sheet, out);
    y_tick_labels(cell, plot, sheet, out);
    let em = sheet.em;
    let line = LINE_HEIGHT * em;
    let title_top = plot.y - 0.5 * em - line * cell.title.len() as f64;
    for (i, words) in cell.title.iter().enumerate() {
        let at = [plot.x, title_top + i as f64 * line + ASCENT * em];
        let title = TextRun { bold: true, ..label(words, at, Anchor::Start, sheet) };
        out.push(Primitive::Text(title));
    }
    let middle = [plot.x + plot.w / 2.0, plot.y + plot.h / 2.0];
    for (i, words) in cell.x_label.iter().enumerate() {
        let y = plot.bottom() + x_label_below + i as f64 * line + ASCENT * em;
        out.push(Primitive::Text(label(words, [middle[0], y], Anchor::Middle, sheet)));
    }
    // The last line stands next to the tick labels.
    let inner = plot.x - sheet.tick_len - 0.75 * em - cell.y_ticks.depth;
    for (i, words) in cell.y_label.iter().rev().enumerate() {
        let x = inner - i as f64 * line - (LINE_HEIGHT - ASCENT) * em;
        let turned =
            TextRun { turn_deg: -90.0, ..label(words, [x, middle[1]], Anchor::Middle, sheet) };
        out.push(Primitive::Text(turned));
    }
}

fn contents(cell: &Cell<'_>, rect: Rect, sheet: &Sheet, out: &mut Vec<Primitive>) {
    let (x, y) = (&cell.panel.x, &cell.panel.y);
    let plot = Plot { rect, x, y, em: sheet.em, style: sheet.style };
    let before = out.len();
    let mut has_data = false;
    for mark in &cell.panel.marks {
        let drawn = plot.draw(mark);
        // A zero line alone is not data.
        has_data |= !drawn.is_empty() && !matches!(mark, Mark::Rule { .. });
        out.extend(drawn);
    }
    if !has_data {
        out.truncate(before);
        let at = [rect.x + rect.w / 2.0, rect.y + rect.h / 2.0 + HALF_CAP * sheet.em];
        out.push(Primitive::Text(TextRun {
            ink: Ink::opaque(sheet.style.muted()),
            ..label("no data", at, Anchor::Middle, sheet)
        }));
    }
}

fn spines(cell: &Cell<'_>, plot: Rect, sheet: &Sheet, out: &mut Vec<Primitive>) {
    let (left, bottom) = (plot.x, plot.bottom());
    let mut runs = vec![vec![[left, plot.y], [left, bottom], [plot.right(), bottom]]];
    for share in &cell.x_ticks.marks {
        let x = left + share * plot.w;
        runs.push(vec![[x, bottom], [x, bottom + sheet.tick_len]]);
    }
    for share in &cell.y_ticks.marks {
        let y = bottom - share * plot.h;
        runs.push(vec![[left - sheet.tick_len, y], [left, y]]);
    }
    out.push(Primitive::lines(runs, Stroke::solid(sheet.ink(), sheet.spine)));
}

fn x_tick_labels(cell: &Cell<'_>, plot: Rect, sheet: &Sheet, out: &mut Vec<Primitive>) {
    let size = sheet.tick_pt;
    let top = plot.bottom() + sheet.tick_len + 0.2 * sheet.em;
    for (share, lines) in &cell.x_ticks.labels {
        let x = plot.x + share * plot.w;
        for (i, words) in lines.iter().enumerate() {
            let run = match cell.x_ticks.pose {
                Pose::Flat => {
                    let y = top + i as f64 * LINE_HEIGHT * size + ASCENT * size * 0.9;
                    label(words, [x, y], Anchor::Middle, sheet)
                }
                Pose::Slanted => TextRun {
                    turn_deg: -SLANT_DEG,
                    ..label(words, [x + 0.4 * size, top + 0.6 * size], Anchor::End, sheet)
                },
                Pose::Upright => TextRun {
                    turn_deg: -90.0,
                    ..label(words, [x + HALF_CAP * size, top], Anchor::End, sheet)
                },
            };
            out.push(Primitive::Text(TextRun { size_pt: size, ..run }));
        }
    }
}

fn y_tick_labels(cell: &Cell<'_>, plot: Rect, sheet: &Sheet, out: &mut Vec<Primitive>) {
    let size = sheet.tick_pt;
    let x = plot.x - sheet.tick_len - 0.25 * sheet.em;
    for (share, lines) in &cell.y_ticks.labels {
        let middle = plot.bottom() - share * plot.h + HALF_CAP * size;
        let first = middle - LINE_HEIGHT * size * (lines.len() as f64 - 1.0) / 2.0;
        for (i, words) in lines.iter().enumerate() {
            let at = [x, first + i as f64 * LINE_HEIGHT * size];
            out.push(Primitive::Text(TextRun {
                size_pt: size,
                ..label(words, at, Anchor::End, sheet)
            }));
        }
    }
}

pub(super) fn label(words: &str, at: [f64; 2], anchor: Anchor, sheet: &Sheet) -> TextRun {
    TextRun {
        at,
        text: words.to_owned(),
        size_pt: sheet.em,
        anchor,
        turn_deg: 0.0,
        bold: false,
        ink: sheet.ink(),
    }
}
