//! A table as text for other programs.

use super::comparison::Table;

impl Table {
    /// Comma separated, quoted as RFC 4180 says, lines ended by LF; without title and notes.
    pub fn to_csv(&self) -> String {
        let cell = |text: &String| match text.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text.clone(),
        };
        let line =
            |cells: &Vec<String>| cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\n";
        std::iter::once(&self.columns).chain(&self.rows).map(line).collect()
    }

    /// A heading, the table, and the notes as a list.
    pub fn to_markdown(&self) -> String {
        let line = |cells: &Vec<String>| {
            let cells: Vec<String> = cells.iter().map(|text| plain(text)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule: Vec<&str> =
            (0..self.columns.len()).map(|ix| if ix == 0 { ":---" } else { "---:" }).collect();
        let mut text = format!("## {}\n\n{}", plain(&self.title), line(&self.columns));
        text.push_str(&format!("| {} |\n", rule.join(" | ")));
        text.extend(self.rows.iter().map(line));
        if !self.notes.is_empty() {
            text.push('\n');
        }
        text.extend(self.notes.iter().map(|note| format!("- {}\n", plain(note))));
        text
    }
}

/// Text of data in Markdown: one line, and none of it is markup.
pub(super) fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' => escaped.extend(['\\', c]),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
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
        let expected =
            "## a\\_b\n\n| task | x, y |\n| :--- | ---: |\n| p\\|q | say \"1\" 2 |\n\n- \\<b\\>\n";
        assert_eq!(table.to_markdown(), expected);
    }
}
