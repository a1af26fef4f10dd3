//! The table as LaTeX.

use super::super::text::clean;
use super::{Align, Cell, Table};

/// Writes the table; without caption and label only its `tabular`.
pub(super) fn write(table: &Table) -> String {
    let mut out = String::from("% \\usepackage{booktabs}\n");
    let tabular = tabular(table);
    if needs_unicode(&tabular) || needs_unicode(&escape(&table.caption)) {
        out += "% Some of its letters need XeLaTeX or LuaLaTeX, and a font that has them.\n";
    }
    if table.caption.is_empty() && table.label.is_empty() {
        return out + &tabular;
    }
    let environment = Environment::of(table);
    let name = environment.name();
    out += &format!("\\begin{{{name}}}\n\\centering\n");
    if environment != Environment::Usual {
        out += "\\footnotesize\n\\setlength{\\tabcolsep}{3pt}\n";
    }
    if !table.caption.is_empty() {
        out += &format!("\\caption{{{}}}\n", escape(&table.caption));
    }
    if !table.label.is_empty() {
        out += &format!("\\label{{{}}}\n", reference(&table.label));
    }
    out + &tabular + &format!("\\end{{{name}}}\n")
}

/// How wide the text of a page is in points where a column of a paper takes all of it: 5.5 in.
const TEXT_PT: f64 = 5.5 * 72.27;

/// In what a table stands, so that it is not wider than the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Environment {
    Usual,
    /// In small letters, with little between the columns.
    Narrow,
    /// The same, over both columns of a page that has two.
    Across,
}

impl Environment {
    fn of(table: &Table) -> Self {
        let sum = |em: f64, gap: f64| {
            let widths = (0..table.columns.len()).map(|ix| column_em(table, ix));
            widths.map(|width| width * em + 2.0 * gap).sum::<f64>()
        };
        if sum(10.0, 6.0) <= TEXT_PT {
            Self::Usual
        } else if sum(8.0, 3.0) <= TEXT_PT {
            Self::Narrow
        } else {
            Self::Across
        }
    }

    fn name(self) -> &'static str {
        if self == Self::Across { "table*" } else { "table" }
    }
}

/// About how wide a column is in widths of its letters' size: a digit of LaTeX's usual font is half
/// as wide as it is high, and so are other letters on average.
fn column_em(table: &Table, ix: usize) -> f64 {
    let cells = (0..table.rows.len()).filter_map(|row| table.cells(row).nth(ix));
    let widths = cells.map(|cell| cell.text.chars().count());
    let title = table.columns[ix].title.chars().count();
    0.5 * widths.fold(title, usize::max) as f64
}

fn tabular(table: &Table) -> String {
    let letters: String = table.columns.iter().map(|column| letter(column.align)).collect();
    let titles = table.columns.iter().map(|column| escape(&column.title));
    let mut out = format!("\\begin{{tabular}}{{{letters}}}\n\\toprule\n");
    out += &row(titles);
    out += "\\midrule\n";
    for ix in 0..table.rows.len() {
        out += &row(table.cells(ix).map(cell));
    }
    out + "\\bottomrule\n\\end{tabular}\n"
}

fn letter(align: Align) -> char {
    match align {
        Align::Left => 'l',
        Align::Center => 'c',
        Align::Right => 'r',
    }
}

fn row(cells: impl Iterator<Item = String>) -> String {
    let row = cells.collect::<Vec<_>>().join(" & ");
    // After a rule or the end of a row these two would be taken for its option.
    match row.chars().next() {
        Some(first @ ('[' | '*')) => format!("{{{first}}}{} \\\\\n", &row[1..]),
        _ => row + " \\\\\n",
    }
}

fn cell(cell: &Cell) -> String {
    let text = escape(&cell.text);
    if cell.is_bold && !text.is_empty() { format!("\\textbf{{{text}}}") } else { text }
}

/// Text that LaTeX prints as it is. A hyphen before a number becomes a minus sign.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let cleaned = clean(text);
    let mut chars = cleaned.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        match c {
            '-' if next.is_ascii_digit() && !before.is_alphanumeric() && before != '-' => {
                out.push_str("$-$");
            }
            // Two hyphens in a row would become a dash.
            '-' if next == '-' => out.push_str("-{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            _ => match command(c) {
                Some(command) => out.push_str(command),
                None => out.push(c),
            },
        }
        before = c;
    }
    out
}

/// What stands for a character that LaTeX takes for something else, or that its fonts lack.
fn command(c: char) -> Option<&'static str> {
    Some(match c {
        '\\' => "\\textbackslash{}",
        '~' => "\\textasciitilde{}",
        '^' => "\\textasciicircum{}",
        '<' => "\\textless{}",
        '>' => "\\textgreater{}",
        '|' => "\\textbar{}",
        '"' => "''",
        '`' => "\\textasciigrave{}",
        '\u{a0}' => "~",
        '\u{2212}' => "$-$",
        '\u{2013}' => "--",
        '\u{2014}' => "---",
        '\u{2026}' => "\\ldots{}",
        '\u{b0}' => "\\textdegree{}",
        '\u{b1}' => "$\\pm$",
        '\u{d7}' => "$\\times$",
        '\u{b7}' => "$\\cdot$",
        '\u{2264}' => "$\\leq$",
        '\u{2265}' => "$\\geq$",
        '\u{2260}' => "$\\neq$",
        '\u{2248}' => "$\\approx$",
        '\u{2192}' => "$\\rightarrow$",
        '\u{221e}' => "$\\infty$",
        'α' => "$\\alpha$",
        'β' => "$\\beta$",
        'Δ' => "$\\Delta$",
        'λ' => "$\\lambda$",
        'μ' | '\u{b5}' => "$\\mu$",
        'ρ' => "$\\rho$",
        'σ' => "$\\sigma$",
        _ => return None,
    })
}

/// Whether there are letters beyond those of Europe's Latin alphabets, which LaTeX has known since
/// 2018 without being told, and common quotation marks.
fn needs_unicode(text: &str) -> bool {
    text.chars().any(|c| c > '\u{17f}' && !('\u{2018}'..='\u{201e}').contains(&c))
}

/// A label of characters that stand for nothing else.
fn reference(label: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":._-".contains(c);
    label.chars().map(|c| if plain(c) { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn a_table_has_rules_caption_and_label() {
        let expected = "% \\usepackage{booktabs}\n\
            \\begin{table}\n\
            \\centering\n\
            \\caption{Gains \\& losses}\n\
            \\label{tab:gains-1}\n\
            \\begin{tabular}{lrc}\n\
            \\toprule\n\
            task & gain [95\\%] & n, pairs \\\\\n\
            \\midrule\n\
            2wiki\\_mqa & \\textbf{0.91} & 12 \\\\\n\
            a, ''b'' &  &  \\\\\n\
            {[}c] & $-$0.5 & \\textless{}3 \\\\\n\
            \\bottomrule\n\
            \\end{tabular}\n\
            \\end{table}\n";
        assert_eq!(sample().to_latex(), expected);
    }

    #[test]
    fn a_wide_table_is_set_in_smaller_letters() {
        let with = |n: usize| {
            let rows = vec![vec!["x".repeat(n).as_str().into()]];
            Table { rows, ..sample() }.to_latex()
        };
        assert!(!with(40).contains("tabcolsep"));
        let narrow = with(70);
        assert!(narrow.contains("\\begin{table}\n\\centering\n\\footnotesize\n"), "{narrow}");
        let across = with(120);
        assert!(across.contains("\\begin{table*}") && across.contains("\\end{table*}"), "{across}");
    }

    #[test]
    fn without_caption_and_label_there_is_only_the_tabular() {
        let bare = Table { caption: String::new(), label: String::new(), ..sample() };
        let latex = bare.to_latex();
        assert!(!latex.contains("{table}") && latex.ends_with("\\end{tabular}\n"), "{latex}");
    }

    #[test]
    fn special_characters_are_printed() {
        assert_eq!(escape("% & _ # $ { }"), "\\% \\& \\_ \\# \\$ \\{ \\}");
        assert_eq!(escape("~^\\"), "\\textasciitilde{}\\textasciicircum{}\\textbackslash{}");
        assert_eq!(escape("a\nb\u{0}"), "a b");
        assert_eq!(escape("é ± 3 \u{2212}1 …"), "é $\\pm$ 3 $-$1 \\ldots{}");
    }

    #[test]
    fn hyphens_stay_and_minus_signs_become_one() {
        assert_eq!(escape("-0.5 [-1, 2-3]"), "$-$0.5 [$-$1, 2-3]");
        assert_eq!(escape("gpt-4 --out a--5"), "gpt-4 -{}-out a-{}-5");
    }

    #[test]
    fn letters_that_pdflatex_lacks_are_told_of() {
        let told = |text: &str| {
            let rows = vec![vec![text.into()]];
            Table { rows, ..sample() }.to_latex().contains("XeLaTeX")
        };
        assert!(told("上下文") && told("ж"));
        assert!(!told("Zürich “naïve” œuvre − α"));
    }
}
