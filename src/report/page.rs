//! A report as one page that stands alone: figures, tables and facts, with nothing fetched from
//! anywhere.
//!
//! What is reported belongs in `workbench`; how a figure is drawn in `figure`. The same page gives the
//! same bytes.

use super::comparison::Table;
use crate::figure::{Figure, Style, to_svg};
use std::fmt::Write;

/// The whole page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its name.
    pub title: String,
    /// What it is of, a paragraph each.
    pub lead: Vec<String>,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
    /// Its parts.
    pub sections: Vec<Section>,
}

/// A part of the page.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// Its name.
    pub title: String,
    /// What is in it.
    pub blocks: Vec<Block>,
}

/// A piece of a part.
#[derive(Debug, Clone)]
pub enum Block {
    /// A figure; it is drawn for light and dark pages.
    Figure {
        /// The figure.
        figure: Box<Figure>,
        /// Its files, by paths from the page.
        files: Vec<String>,
    },
    /// A table.
    Table {
        /// The table.
        table: Table,
        /// Its files, by paths from the page.
        files: Vec<String>,
    },
    /// Names and values.
    Facts {
        /// What they are of.
        title: String,
        /// The facts.
        facts: Vec<(String, String)>,
    },
}

/// The colours are those of the figures' pages, so that figures have no frame around them.
const STYLE: &str = "\
:root{color-scheme:light dark;--page:#fff;--ink:#1c1d20;--muted:#5d5e63;--line:#d5d6da;--link:#00578a}\
@media(prefers-color-scheme:dark){:root{--page:#1b1c1f;--ink:#e0e0e4;--muted:#a0a1a8;--line:#3d3e44;--link:#7cc4f2}}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:72rem;padding:2rem 1.25rem 4rem;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,\
-apple-system,'Segoe UI','DejaVu Sans',sans-serif}\
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .5rem}\
h2{font-size:1.35rem;margin:3rem 0 1rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}\
h3{font-size:1.05rem;margin:2rem 0 .5rem}\
p{margin:.5rem 0}a{color:var(--link)}\
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;padding:0;margin:1rem 0}\
.warnings{border-left:4px solid #d55e00;padding:.25rem 1rem;margin:1.5rem 0}.warnings ul{margin:.25rem 0;padding-left:1.2rem}\
figure{margin:1.5rem 0 2rem}figure svg{display:block;width:100%;max-width:52rem;height:auto}\
.dark{display:none!important}\
@media(prefers-color-scheme:dark){.dark{display:block!important}.light{display:none!important}}\
.files,.notes{color:var(--muted);font-size:.85rem}.notes{padding-left:1.2rem}\
.scroll{overflow-x:auto}\
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;min-width:100%}\
caption{text-align:left;font-weight:600;padding:.25rem 0 .5rem;font-size:1rem}\
th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid var(--line);vertical-align:top;white-space:nowrap}\
thead th{border-bottom:2px solid var(--ink);white-space:normal;vertical-align:bottom}\
th:first-child,td:first-child{text-align:left;padding-left:0}\
tbody th{font-weight:400}\
.facts{min-width:0}.facts th{color:var(--muted);padding-right:1.5rem;white-space:nowrap}\
.facts td,.facts td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere}\
@media print{:root{color-scheme:light;--page:#fff;--ink:#000;--muted:#444;--line:#bbb;--link:#000}body{max-width:none;padding:0;\
font-size:10pt}.dark{display:none!important}.light{display:block!important}figure,tr,.facts,.scroll{break-inside:avoid}thead{break-after:avoid}h2,h3,caption{\
break-after:avoid}nav,.files{display:none}.scroll{overflow:visible}table{font-size:7.5pt}th,td{padding:.15rem .3rem;white-space:normal}}";

impl Page {
    /// The page as HTML. A policy in it forbids to fetch anything.
    pub fn to_html(&self) -> String {
        let title = escape(&self.title);
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n"
        );
        for paragraph in &self.lead {
            push(&mut out, format_args!("<p>{}</p>\n", escape(paragraph)));
        }
        self.contents(&mut out);
        out.push_str("</header>\n<main>\n");
        if !self.warnings.is_empty() {
            out.push_str("<div class=\"warnings\" role=\"note\"><strong>To be known beside the numbers</strong>\n");
            list(&mut out, "", &self.warnings);
            out.push_str("</div>\n");
        }
        for (ix, section) in self.sections.iter().enumerate() {
            let title = escape(&section.title);
            push(&mut out, format_args!("<section id=\"part-{}\">\n<h2>{title}</h2>\n", ix + 1));
            section.blocks.iter().for_each(|block| block.write(&mut out));
            out.push_str("</section>\n");
        }
        out.push_str("</main>\n</body>\n</html>\n");
        out
    }

    fn contents(&self, out: &mut String) {
        out.push_str("<nav aria-label=\"Parts\"><ul>");
        for (ix, section) in self.sections.iter().enumerate() {
            let title = escape(&section.title);
            push(out, format_args!("<li><a href=\"#part-{}\">{title}</a></li>", ix + 1));
        }
        out.push_str("</ul></nav>\n");
    }
}

impl Block {
    fn write(&self, out: &mut String) {
        match self {
            Self::Figure { figure, files } => {
                out.push_str("<figure>\n");
                for (class, style) in [("light", Style::Paper), ("dark", Style::ScreenDark)] {
                    let svg = to_svg(&Figure { style, ..(**figure).clone() });
                    push(out, format_args!("<div class=\"{class}\">\n{svg}</div>\n"));
                }
                links(out, files);
                out.push_str("</figure>\n");
            }
            Self::Table { table, files } => {
                write_table(out, table);
                list(out, "notes", &table.notes);
                links(out, files);
            }
            Self::Facts { title, facts } => {
                push(
                    out,
                    format_args!("<h3>{}</h3>\n<table class=\"facts\"><tbody>\n", escape(title)),
                );
                for (name, value) in facts {
                    let (name, value) = (escape(name), escape(value));
                    push(
                        out,
                        format_args!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>\n"),
                    );
                }
                out.push_str("</tbody></table>\n");
            }
        }
    }
}

fn write_table(out: &mut String, table: &Table) {
    push(
        out,
        format_args!(
            "<div class=\"scroll\"><table>\n<caption>{}</caption>\n<thead><tr>",
            escape(&table.title)
        ),
    );
    for name in &table.columns {
        push(out, format_args!("<th scope=\"col\">{}</th>", escape(name)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (ix, cell) in row.iter().enumerate() {
            let cell = escape(cell);
            let _ = match ix {
                0 => write!(out, "<th scope=\"row\">{cell}</th>"),
                _ => write!(out, "<td>{cell}</td>"),
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

fn list(out: &mut String, class: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    push(out, format_args!("<ul class=\"{class}\">"));
    for item in items {
        push(out, format_args!("<li>{}</li>", escape(item)));
    }
    out.push_str("</ul>\n");
}

/// The files by their endings.
fn links(out: &mut String, files: &[String]) {
    if files.is_empty() {
        return;
    }
    let link = |file: &String| {
        let ending = file.rsplit('.').next().unwrap_or_default().to_uppercase();
        format!("<a href=\"{}\">{}</a>", escape(file), escape(&ending))
    };
    let all: Vec<String> = files.iter().map(link).collect();
    push(out, format_args!("<p class=\"files\">{}</p>\n", all.join(" \u{b7} ")));
}

fn push(out: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = out.write_fmt(piece);
}

/// Text of data in a page: never markup, and without characters that HTML has no place for.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() && !c.is_whitespace() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_data_never_becomes_markup() {
        let evil = "<script>alert('x')</script>\u{1}\" onload=\"y";
        let figure = Figure { title: evil.into(), caption: evil.into(), ..Figure::default() };
        let table = Table {
            title: evil.into(),
            columns: vec![evil.into()],
            rows: vec![vec![evil.into(), evil.into()]],
            notes: vec![evil.into()],
        };
        let page = Page {
            title: evil.into(),
            lead: vec![evil.into()],
            warnings: vec![evil.into()],
            sections: vec![Section {
                title: evil.into(),
                blocks: vec![
                    Block::Figure { figure: Box::new(figure), files: vec![evil.into()] },
                    Block::Table { table, files: vec![] },
                    Block::Facts { title: evil.into(), facts: vec![(evil.into(), evil.into())] },
                ],
            }],
        };
        let html = page.to_html();
        assert!(
            !html.contains("<script") && !html.contains("\" onload") && !html.contains('\u{1}')
        );
        // Nothing is fetched: the only addresses are names of XML and links to the report's files.
        assert!(!html.contains("https:") && !html.contains("src=") && !html.contains("url("));
        assert_eq!(
            html.matches("http:").count(),
            html.matches("http://www.w3.org/2000/svg").count()
        );
        assert_eq!(html, page.to_html());
        let opened = |tag: &str| html.matches(&format!("<{tag}")).count();
        for tag in ["table", "figure", "section", "svg", "ul", "div", "tr"] {
            assert_eq!(html.matches(&format!("</{tag}>")).count(), opened(tag), "{tag}");
        }
    }
}
