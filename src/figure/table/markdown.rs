//! The table as Markdown.

use super::super::text::{clean, is_wide};
use super::{Align, Cell, Table};

/// Writes the table, its columns padded so that they can be read as they are.
pub(super) fn write(table: &Table) -> String {
    let mut lines: Vec<Vec<String>> =
        vec![table.columns.iter().map(|column| plain(&column.title)).collect()];
    lines.extend((0..table.rows.len()).map(|row| table.cells(row).map(cell).collect()));
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|ix| lines.iter().map(|line| width(&line[ix])).fold(3, usize::max))
        .collect();
    let aligns = || table.columns.iter().map(|column| column.align);
    let rule = widths.iter().zip(aligns()).map(|(width, align)| rule(*width, align));
    let mut out = String::new();
    if !table.caption.is_empty() {
        out += &format!("{}\n\n", plain(&table.caption));
    }
    for (ix, line) in lines.iter().enumerate() {
        let padded = line.iter().zip(&widths).zip(aligns());
        out += &row(padded.map(|((text, width), align)| pad(text, *width, align)));
        if ix == 0 {
            out += &row(rule.clone());
        }
    }
    out
}

fn row(cells: impl Iterator<Item = String>) -> String {
    cells.map(|cell| format!("| {cell} ")).collect::<String>() + "|\n"
}

fn rule(width: usize, align: Align) -> String {
    match align {
        Align::Left => "-".repeat(width),
        Align::Center => format!(":{}:", "-".repeat(width - 2)),
        Align::Right => format!("{}:", "-".repeat(width - 1)),
    }
}

fn pad(text: &str, width: usize, align: Align) -> String {
    let free = width - self::width(text);
    let before = match align {
        Align::Left => 0,
        Align::Center => free / 2,
        Align::Right => free,
    };
    format!("{}{text}{}", " ".repeat(before), " ".repeat(free - before))
}

/// Columns of a terminal.
fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

fn cell(cell: &Cell) -> String {
    let text = plain(&cell.text);
    if cell.is_bold && !text.is_empty() { format!("**{text}**") } else { text }
}

/// Text of data in Markdown: one line, and none of it is markup.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text.trim()).chars() {
        if "\\`*_[]<>|~#&".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn columns_are_aligned_and_marks_escaped() {
        let expected = "Gains \\& losses\n\n\
            | task       | gain \\[95%\\] | n, pairs |\n\
            | ---------- | -----------: | :------: |\n\
            | 2wiki\\_mqa |     **0.91** |    12    |\n\
            | a, \"b\"     |              |          |\n\
            | \\[c\\]      |         -0.5 |   \\<3    |\n";
        assert_eq!(sample().to_markdown(), expected);
    }

    #[test]
    fn what_would_break_a_row_is_kept_inside() {
        let rows = vec![vec!["a|b\nc".into(), "**".into(), "上下文".into()]];
        let table = Table { rows, caption: String::new(), ..sample() };
        let line = table.to_markdown().lines().nth(2).unwrap().to_owned();
        assert_eq!(line, "| a\\|b c |         \\*\\* |  上下文  |");
    }
}
