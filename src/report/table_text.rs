//! A table as text for other programs.

use super::comparison::Table;
use crate::figure::table::{self, Align, Column, plain};

impl Table {
    /// Comma separated, quoted as RFC 4180 says, lines ended by LF; without title and notes.
    pub fn to_csv(&self) -> String {
        self.cells("").to_csv()
    }

    /// A heading, the table, and the notes as a list.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("## {}\n\n{}", plain(&self.title), self.cells("").to_markdown());
        if !self.notes.is_empty() {
            text.push('\n');
        }
        text.extend(self.notes.iter().map(|note| format!("- {}\n", plain(note))));
        text
    }

    /// A `table` with the title as its caption, and before it the notes as comments.
    pub fn to_latex(&self) -> String {
        let one_line = |note: &String| format!("% {}\n", note.replace(char::is_control, " "));
        let notes: String = self.notes.iter().map(one_line).collect();
        notes + &self.cells(&self.title).to_latex()
    }

    fn cells(&self, caption: &str) -> table::Table {
        let align = |ix| if ix == 0 { Align::Left } else { Align::Right };
        let columns = self.columns.iter().enumerate();
        table::Table {
            columns: columns.map(|(ix, title)| Column::new(title, align(ix))).collect(),
            rows: self
                .rows
                .iter()
                .map(|row| row.iter().map(|cell| cell.as_str().into()).collect())
                .collect(),
            caption: caption.to_owned(),
            label: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stay_cells() {
        let table = Table {
            title: "a_b".into(),
            columns: vec!["task".into(), "x, y".into()],
            rows: vec![vec!["p|q".into(), "say \"1\"\n2".into()]],
            notes: vec!["<b>".into()],
        };
        assert_eq!(table.to_csv(), "task,\"x, y\"\np|q,\"say \"\"1\"\"\n2\"\n");
        let markdown = table.to_markdown();
        assert!(markdown.starts_with("## a\\_b\n\n| task"), "{markdown}");
        assert!(markdown.contains("p\\|q") && markdown.ends_with("\n- \\<b\\>\n"), "{markdown}");
        let latex = table.to_latex();
        assert!(latex.starts_with("% <b>\n") && latex.contains("\\begin{table}"), "{latex}");
        assert!(latex.contains("\\caption{a\\_b}") && latex.contains("\\toprule"), "{latex}");
    }
}
