//! The numbers of a figure as a table, one row per point, bar, interval, cell or word drawn.
//!
//! `x_end` and `y_end` are the other ends of bars, bands, intervals and cells; `category` is the
//! name of the nearest category where an axis has names, and both names with a semicolon between them
//! where both axes have some; `text` is a word drawn, what a point is of,
//! or which of its numbers a row of a box or of a violin is; `value` is what a cell's colour shows.
//! Gaps are empty cells.

use super::axis::{Axis, Scale};
use super::cells::{Cell, cells};
use super::marks::{BoxNumbers, Mark};
use super::spec::{Figure, Panel};

const HEADER: &str = "panel,panel_title,kind,series,category,x,x_end,y,y_end,text,value\n";

/// The table: comma separated, quoted as RFC 4180 says, lines ended by LF.
pub fn to_csv(figure: &Figure) -> String {
    let mut table = HEADER.to_owned();
    for (ix, panel) in figure.panels.iter().enumerate() {
        for mark in &panel.marks {
            for row in rows(mark) {
                table.push_str(&line(ix + 1, panel, mark, row));
            }
        }
    }
    table
}

/// One row's numbers; `None` where the mark has no such number.
#[derive(Default)]
struct Row<'a> {
    x: Option<f64>,
    x_end: Option<f64>,
    y: Option<f64>,
    y_end: Option<f64>,
    text: &'a str,
    value: Option<f64>,
}

fn line(number: usize, panel: &Panel, mark: &Mark, row: Row<'_>) -> String {
    let (kind, series) = names(mark);
    let across = category(&panel.x, row.x, row.x_end);
    let category = match (across, category(&panel.y, row.y, row.y_end)) {
        (Some(across), Some(up)) => format!("{across}; {up}"),
        (across, up) => across.or(up).unwrap_or_default().to_owned(),
    };
    let cells = [
        number.to_string(),
        cell(&panel.title),
        kind.to_owned(),
        cell(series),
        cell(&category),
        value(row.x),
        value(row.x_end),
        value(row.y),
        value(row.y_end),
        cell(row.text),
        value(row.value),
    ];
    cells.join(",") + "\n"
}

fn names(mark: &Mark) -> (&'static str, &str) {
    match mark {
        Mark::Line { series, .. } => ("line", series),
        Mark::Step { series, .. } => ("step", series),
        Mark::Bars { series, .. } => ("bars", series),
        Mark::Points { series, .. } => ("points", series),
        Mark::Band { series, .. } => ("band", series),
        Mark::Rule { series, .. } => ("rule", series),
        Mark::ErrorBars { series, .. } => ("error_bars", series),
        Mark::Boxes { series, .. } => ("boxes", series),
        Mark::Violin { series, .. } => ("violin", series),
        Mark::HeatMap { series, .. } => ("heat_map", series),
        Mark::Text { series, .. } => ("text", series),
    }
}

fn rows(mark: &Mark) -> Vec<Row<'_>> {
    match mark {
        Mark::Line { xy, .. } | Mark::Step { xy, .. } => {
            xy.iter().map(|&[x, y]| row(Some(x), Some(y))).collect()
        }
        Mark::Points { xy, ids, .. } => {
            let ids = ids.iter().map(String::as_str).chain(std::iter::repeat(""));
            xy.iter()
                .zip(ids)
                .map(|(&[x, y], text)| Row { text, ..row(Some(x), Some(y)) })
                .collect()
        }
        Mark::Bars { x0, x1, y0, y1, .. } => (x0.iter().zip(x1))
            .zip(y0.iter().zip(y1))
            .map(|((x, x_end), (y, y_end))| Row {
                x_end: Some(*x_end),
                y_end: Some(*y_end),
                ..row(Some(*x), Some(*y))
            })
            .collect(),
        Mark::Band { x, lo, hi, .. } => spans(x, lo, hi),
        Mark::ErrorBars { x, lo, hi, horizontal, .. } => {
            let spans = spans(x, lo, hi);
            if *horizontal { spans.into_iter().map(turned).collect() } else { spans }
        }
        Mark::Rule { at, horizontal, .. } => {
            let upright = row(Some(*at), None);
            vec![if *horizontal { turned(upright) } else { upright }]
        }
        Mark::Boxes { x, boxes, .. } => {
            x.iter().zip(boxes).flat_map(|(x, numbers)| box_rows(*x, numbers)).collect()
        }
        Mark::Violin { at, y, half_width, quartiles, .. } => {
            let outline = y.iter().zip(half_width).map(|(y, half)| Row {
                x_end: Some(at + half),
                text: "outline",
                ..row(Some(at - half), Some(*y))
            });
            outline.chain(quartile_rows(*at, quartiles)).collect()
        }
        Mark::HeatMap { x, y, values, labels, .. } => {
            cells(x, y, values, labels).map(cell_row).collect()
        }
        Mark::Text { at, text, .. } => vec![Row { text, ..row(Some(at[0]), Some(at[1])) }],
    }
}

fn box_rows<'a>(x: f64, numbers: &BoxNumbers) -> impl Iterator<Item = Row<'a>> {
    let [lower, upper] = numbers.whiskers;
    let ends = [(lower, "lower whisker"), (upper, "upper whisker")];
    let outliers = numbers.outliers.iter().map(|y| (*y, "outlier")).collect::<Vec<_>>();
    let named = ends.into_iter().chain(outliers);
    let named = named.map(move |(y, text)| Row { text, ..row(Some(x), Some(y)) });
    quartile_rows(x, &numbers.quartiles).chain(named)
}

fn quartile_rows<'a>(x: f64, quartiles: &[f64; 3]) -> impl Iterator<Item = Row<'a>> {
    let names = ["lower quartile", "median", "upper quartile"];
    let named = quartiles.iter().copied().zip(names).collect::<Vec<_>>();
    named.into_iter().map(move |(y, text)| Row { text, ..row(Some(x), Some(y)) })
}

fn cell_row(cell: Cell<'_>) -> Row<'_> {
    let ([x, x_end], [y, y_end]) = (cell.x, cell.y);
    Row {
        x_end: Some(x_end),
        y_end: Some(y_end),
        text: cell.label,
        value: Some(cell.value),
        ..row(Some(x), Some(y))
    }
}

fn row<'a>(x: Option<f64>, y: Option<f64>) -> Row<'a> {
    Row { x, y, ..Row::default() }
}

fn spans<'a>(x: &[f64], lo: &[f64], hi: &[f64]) -> Vec<Row<'a>> {
    (x.iter().zip(lo).zip(hi))
        .map(|((x, lo), hi)| Row { y_end: Some(*hi), ..row(Some(*x), Some(*lo)) })
        .collect()
}

fn turned(row: Row<'_>) -> Row<'_> {
    Row { x: row.y, x_end: row.y_end, y: row.x, y_end: row.x_end, ..row }
}

fn category(axis: &Axis, from: Option<f64>, to: Option<f64>) -> Option<&str> {
    let Scale::Category(names) = &axis.scale else {
        return None;
    };
    let middle = (from? + to.or(from)?) / 2.0;
    // A negative or missing middle must not become index 0 by the cast.
    let ix = middle.round();
    (ix >= 0.0).then(|| names.get(ix as usize).map(String::as_str))?
}

fn value(value: Option<f64>) -> String {
    match value {
        Some(0.0) => "0".to_owned(),
        Some(v) if !v.is_finite() => String::new(),
        // Plain digits for what people read, powers of ten before the digits get silly.
        Some(v) if (1e-6..1e15).contains(&v.abs()) => v.to_string(),
        Some(v) => format!("{v:e}"),
        None => String::new(),
    }
}

/// Quoted where RFC 4180 asks for it.
pub(super) fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn every_mark_has_its_rows() {
        let table = to_csv(&samples::every_mark());
        let expected = "panel,panel_title,kind,series,category,x,x_end,y,y_end,text,value\n\
            1,\"a, \"\"b\"\"\",line,l,,1,,2,,,\n\
            1,\"a, \"\"b\"\"\",line,l,,2,,,,,\n\
            1,\"a, \"\"b\"\"\",line,l,,3,,1,,,\n\
            1,\"a, \"\"b\"\"\",step,s,,1,,0.5,,,\n\
            1,\"a, \"\"b\"\"\",step,s,,4,,1,,,\n\
            1,\"a, \"\"b\"\"\",points,p,,2,,1e-9,,1f,\n\
            1,\"a, \"\"b\"\"\",band,b,,1,,0,1,,\n\
            1,\"a, \"\"b\"\"\",band,b,,4,,0,2,,\n\
            1,\"a, \"\"b\"\"\",rule,r,,,,1.5,,,\n\
            1,\"a, \"\"b\"\"\",rule,r,,2.5,,,,,\n\
            1,\"a, \"\"b\"\"\",text,t,,1,,2,,<hi> & bye,\n\
            2,horizontal,bars,h,one,0,3,-0.4,0.4,,\n\
            2,horizontal,bars,h,two,0,5,0.6,1.4,,\n\
            2,horizontal,error_bars,e,one,2,4,0,,,\n\
            2,horizontal,error_bars,e,two,4,5.5,1,,,\n\
            3,spreads and cells,heat_map,m,one,-0.5,0.5,0,1,a,0.25\n\
            3,spreads and cells,heat_map,m,two,0.5,1.5,0,1,b,\n\
            3,spreads and cells,boxes,x,two,1,,3,,lower quartile,\n\
            3,spreads and cells,boxes,x,two,1,,4,,median,\n\
            3,spreads and cells,boxes,x,two,1,,5,,upper quartile,\n\
            3,spreads and cells,boxes,x,two,1,,2,,lower whisker,\n\
            3,spreads and cells,boxes,x,two,1,,7,,upper whisker,\n\
            3,spreads and cells,boxes,x,two,1,,9,,outlier,\n\
            3,spreads and cells,violin,v,three,2,2,2,,outline,\n\
            3,spreads and cells,violin,v,three,1.75,2.25,4,,outline,\n\
            3,spreads and cells,violin,v,three,2,2,6,,outline,\n\
            3,spreads and cells,violin,v,three,2,,3,,lower quartile,\n\
            3,spreads and cells,violin,v,three,2,,4,,median,\n\
            3,spreads and cells,violin,v,three,2,,5,,upper quartile,\n";
        assert_eq!(table, expected);
    }

    #[test]
    fn a_cell_between_two_axes_with_names_has_both() {
        let table = to_csv(&samples::heat());
        let named = table.lines().any(|line| line.contains(",qasper; human,"));
        assert!(named, "{table}");
    }

    #[test]
    fn numbers_are_exact_and_short() {
        assert_eq!(value(Some(-0.0)), "0");
        assert_eq!(value(Some(0.1 + 0.2)), "0.30000000000000004");
        assert_eq!(value(Some(1e300)), "1e300");
        assert_eq!(value(Some(f64::NAN)), "");
    }
}
