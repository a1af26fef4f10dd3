//! A table of text for papers and pages: the same cells as LaTeX, Markdown and CSV.
//!
//! What does **not** belong here: which numbers stand in it, rounded how, and which is the best
//! (`report`).

mod latex;
mod markdown;

use super::csv;
pub use markdown::plain;

/// Rows under titled columns, resolved to text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// The columns from left to right.
    pub columns: Vec<Column>,
    /// The rows from top to bottom. Cells beyond the columns are left out, missing ones are empty.
    pub rows: Vec<Vec<Cell>>,
    /// What the table shows; may be empty.
    pub caption: String,
    /// What LaTeX refers to it by; may be empty.
    pub label: String,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What stands above it.
    pub title: String,
    /// Where its cells stand.
    pub align: Align,
}

/// Where text stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At the left edge.
    Left,
    /// In the middle.
    Center,
    /// At the right edge.
    Right,
}

/// One cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// What is printed; breaks become spaces.
    pub text: String,
    /// Whether it stands out, as the best of its column does.
    pub is_bold: bool,
}

impl Column {
    /// A column with a title.
    pub fn new(title: &str, align: Align) -> Self {
        Self { title: title.to_owned(), align }
    }
}

impl<T: Into<String>> From<T> for Cell {
    /// A cell that does not stand out.
    fn from(text: T) -> Self {
        Self { text: text.into(), is_bold: false }
    }
}

impl Table {
    /// A `tabular` with the rules of the package booktabs, in a `table` if it has a caption or a
    /// label.
    pub fn to_latex(&self) -> String {
        latex::write(self)
    }

    /// A table of GitHub's Markdown with the caption above it.
    pub fn to_markdown(&self) -> String {
        markdown::write(self)
    }

    /// Comma separated, quoted as RFC 4180 says, lines ended by LF. Caption and bold are left out.
    pub fn to_csv(&self) -> String {
        let titles = self.columns.iter().map(|column| csv::cell(&column.title)).collect::<Vec<_>>();
        let rows = (0..self.rows.len())
            .map(|row| self.cells(row).map(|cell| csv::cell(&cell.text)).collect::<Vec<_>>());
        std::iter::once(titles).chain(rows).map(|cells| cells.join(",") + "\n").collect()
    }

    /// A row's cells, as many as there are columns.
    fn cells(&self, row: usize) -> impl Iterator<Item = &Cell> {
        static EMPTY: Cell = Cell { text: String::new(), is_bold: false };
        let cells = &self.rows[row];
        (0..self.columns.len()).map(|ix| cells.get(ix).unwrap_or(&EMPTY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three columns; the second row is too short, the third too long.
    pub(super) fn sample() -> Table {
        let best = Cell { text: "0.91".into(), is_bold: true };
        Table {
            columns: vec![
                Column::new("task", Align::Left),
                Column::new("gain [95%]", Align::Right),
                Column::new("n, pairs", Align::Center),
            ],
            rows: vec![
                vec!["2wiki_mqa".into(), best, "12".into()],
                vec!["a, \"b\"".into()],
                vec!["[c]".into(), "-0.5".into(), "<3".into(), "lost".into()],
            ],
            caption: "Gains & losses".into(),
            label: "tab:gains 1".into(),
        }
    }

    #[test]
    fn csv_has_every_column_in_every_row() {
        let expected = "task,gain [95%],\"n, pairs\"\n\
            2wiki_mqa,0.91,12\n\
            \"a, \"\"b\"\"\",,\n\
            [c],-0.5,<3\n";
        assert_eq!(sample().to_csv(), expected);
        assert_eq!(Table::default().to_csv(), "\n");
    }
}
