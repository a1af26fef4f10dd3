//! Primitives as SVG text.

use std::fmt::Write;

use super::layout::{Drawing, Ink, Primitive, Rect, Stroke, TextRun, layout};
use super::marks::Anchor;
use super::spec::Figure;
use super::text::{FONT_FAMILY, clean};

/// Draws a figure as a self-contained SVG document, sized in points. The same figure gives the
/// same bytes.
pub fn to_svg(figure: &Figure) -> String {
    write_svg(&layout(figure))
}

/// Writes an already laid out drawing.
pub fn write_svg(drawing: &Drawing) -> String {
    let (w, h) = (number(drawing.width_pt), number(drawing.height_pt));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}pt\" height=\"{h}pt\" \
         viewBox=\"0 0 {w} {h}\" role=\"img\" font-family=\"{FONT_FAMILY}\">\n"
    );
    named(&mut out, "title", &drawing.title);
    named(&mut out, "desc", &drawing.description);
    for primitive in &drawing.primitives {
        element(&mut out, primitive);
    }
    out.push_str("</svg>\n");
    out
}

fn named(out: &mut String, tag: &str, text: &str) {
    if !text.is_empty() {
        push(out, format_args!("<{tag}>{}</{tag}>\n", escape(text)));
    }
}

fn push(out: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail.
    let _ = out.write_fmt(piece);
}

fn element(out: &mut String, primitive: &Primitive) {
    match primitive {
        Primitive::Path { runs, closed, fill, stroke } => {
            let d = path_data(runs, *closed);
            push(out, format_args!("<path d=\"{d}\"{}/>\n", paint(fill, stroke)));
        }
        Primitive::Rect { rect, fill, stroke } => {
            let Rect { x, y, w, h } = rect;
            push(
                out,
                format_args!(
                    "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}/>\n",
                    number(*x),
                    number(*y),
                    number(*w),
                    number(*h),
                    paint(fill, stroke),
                ),
            );
        }
        Primitive::Circle { at, radius, fill, stroke } => push(
            out,
            format_args!(
                "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{}/>\n",
                number(at[0]),
                number(at[1]),
                number(*radius),
                paint(fill, stroke),
            ),
        ),
        Primitive::Text(run) => text(out, run),
    }
}

fn path_data(runs: &[Vec<[f64; 2]>], closed: bool) -> String {
    let mut d = String::new();
    for run in runs {
        for (i, [x, y]) in run.iter().enumerate() {
            d.push(if i == 0 { 'M' } else { 'L' });
            push(&mut d, format_args!("{} {}", number(*x), number(*y)));
        }
        if closed {
            d.push('Z');
        }
    }
    d
}

fn paint(fill: &Option<Ink>, stroke: &Option<Stroke>) -> String {
    let mut attributes = match fill {
        Some(ink) => color("fill", *ink),
        None => " fill=\"none\"".to_owned(),
    };
    if let Some(stroke) = stroke {
        attributes += &color("stroke", stroke.ink);
        push(&mut attributes, format_args!(" stroke-width=\"{}\"", number(stroke.width_pt)));
        if !stroke.dash.is_empty() {
            let dash: Vec<String> = stroke.dash.iter().map(|v| number(*v)).collect();
            push(&mut attributes, format_args!(" stroke-dasharray=\"{}\"", dash.join(" ")));
        }
        // Densities have sharp bends where a mitre would stick out like a thorn.
        attributes += " stroke-linejoin=\"round\"";
    }
    attributes
}

fn color(attribute: &str, ink: Ink) -> String {
    let [r, g, b] = ink.color;
    let mut text = format!(" {attribute}=\"#{r:02x}{g:02x}{b:02x}\"");
    if ink.alpha < 1.0 {
        push(&mut text, format_args!(" {attribute}-opacity=\"{}\"", number(ink.alpha)));
    }
    text
}

fn text(out: &mut String, run: &TextRun) {
    let (x, y) = (number(run.at[0]), number(run.at[1]));
    let turn = match number(run.turn_deg).as_str() {
        "0" => String::new(),
        degrees => format!(" transform=\"rotate({degrees} {x} {y})\""),
    };
    let font = font(run);
    let fill = color("fill", run.ink);
    let words = escape(&run.text);
    push(out, format_args!("<text x=\"{x}\" y=\"{y}\"{font}{fill}{turn}>{words}</text>\n"));
}

/// What decides which glyphs a text has, and where they stand from its place.
pub(super) fn font(run: &TextRun) -> String {
    let anchor = match run.anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let weight = if run.bold { " font-weight=\"bold\"" } else { "" };
    format!(" font-size=\"{}\"{anchor}{weight}", number(run.size_pt))
}

/// Two decimals (finer than any printer's dot), no trailing zeros, never -0.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        "-0" | "" | "NaN" | "inf" | "-inf" => "0".to_owned(),
        _ => text.to_owned(),
    }
}

pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(1.0), "1");
        assert_eq!(number(100.0), "100");
        assert_eq!(number(0.126), "0.13");
        assert_eq!(number(-0.001), "0");
        assert_eq!(number(-1.5), "-1.5");
        assert_eq!(number(f64::NAN), "0");
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape("a<b> & \"c'\u{1}\u{8}"), "a&lt;b&gt; &amp; &quot;c&#39;");
        let svg = to_svg(&samples::every_mark());
        assert!(svg.contains("&lt;hi&gt; &amp; bye") && !svg.contains("<hi>"));
    }

    #[test]
    fn the_picture_says_what_it_is() {
        let mut figure = samples::every_mark();
        figure.title = "Q & A".into();
        figure.caption = "Bars are <means>.".into();
        let svg = to_svg(&figure);
        assert!(svg.contains("<title>Q &amp; A</title>"));
        assert!(svg.contains("<desc>Bars are &lt;means&gt;.</desc>"));
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    }

    #[test]
    fn nothing_infinite_is_written() {
        for figure in samples::all() {
            let svg = to_svg(&figure);
            for word in ["NaN", "inf\"", "inf ", "\"-0\"", " -0 "] {
                assert!(!svg.contains(word), "{word} in {}", figure.title);
            }
            assert_eq!(svg, to_svg(&figure.clone()));
        }
    }
}
