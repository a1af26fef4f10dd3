//! A table as text for other programs, in the words of `figure`.

use super::comparison::Table;
use crate::figure::table::{self, Align, Column};

impl Table {
    /// Comma separated, quoted as RFC 4180 says, lines ended by LF; without title and notes.
    pub fn to_csv(&self) -> String {
        self.set("").to_csv()
    }

    /// A heading, the table, and the notes as a list.
    pub fn to_markdown(&self) -> String {
        let mut text =
            format!("## {}\n\n{}", table::plain(&self.title), self.set("").to_markdown());
        if !self.notes.is_empty() {
            text.push('\n');
        }
        text.extend(self.notes.iter().map(|note| format!("- {}\n", table::plain(note))));
        text
    }

    /// For LaTeX with the package booktabs, title and notes as its caption.
    pub fn to_latex(&self) -> String {
        let ended = |text: &String| match text.ends_with(['.', '!', '?']) {
            true => text.clone(),
            false => format!("{text}."),
        };
        let words: Vec<String> =
            std::iter::once(&self.title).chain(&self.notes).map(ended).collect();
        self.set(&words.join(" ")).to_latex()
    }

    /// The first column stands left, the others right.
    fn set(&self, caption: &str) -> table::Table {
        let aligns = std::iter::once(Align::Left).chain(std::iter::repeat(Align::Right));
        let columns = self.columns.iter().zip(aligns);
        let cells = |row: &Vec<String>| row.iter().map(|text| text.as_str().into()).collect();
        table::Table {
            columns: columns.map(|(title, align)| Column::new(title, align)).collect(),
            rows: self.rows.iter().map(cells).collect(),
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
        let expected = "## a\\_b\n\n\
            | task |      x, y |\n\
            | ---- | --------: |\n\
            | p\\|q | say \"1\" 2 |\n\n\
            - \\<b\\>\n";
        assert_eq!(table.to_markdown(), expected);
        let latex = table.to_latex();
        assert!(latex.contains("\\caption{a\\_b. \\textless{}b\\textgreater{}.}\n"), "{latex}");
        assert!(latex.contains("\\begin{tabular}{lr}\n\\toprule\ntask & x, y \\\\\n"), "{latex}");
        assert!(latex.contains("\np\\textbar{}q & say ''1'' 2 \\\\\n\\bottomrule\n"), "{latex}");
    }
}
