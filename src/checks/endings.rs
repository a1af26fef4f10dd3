//! Texts that end in the middle.

use super::answers::is_function;
use super::finding::{Check, Finding, Part, Severity, Span};
use super::reading::Reading;
use super::sentences::{closes, ends, sentences, tail};
use super::words::{halves, words};
use crate::prompt::TaskKind;
use serde_json::Value;
use std::ops::Range;

/// An answer of more words is a text of its own, which must have an end.
const LONG_ANSWER_WORDS: usize = 50;

/// The end of a text is judged by its last bytes.
const LOOKED_AT: usize = 4096;

/// Halves of a word in a line that is more than a heading.
const PROSE_LINE: usize = 2 * 8;

/// Halves of a word that cannot be told from a heading or a name.
const LEAST_FRAGMENT: usize = 2 * 3;

/// Share of a text's lines of prose that end with a sentence's end, from which on the last one must too.
const HABIT: f64 = 0.7;

/// Whether the context, or the answer of a task with long ones, ends in the middle; or the model that
/// wrote the record was stopped by its limit.
pub fn truncated_ending(reading: &Reading<'_>) -> Option<Finding> {
    let provenance = reading.record.extra.get("provenance");
    let finish = provenance.and_then(|of| of.get("finish")).and_then(Value::as_str);
    let is_long = reading.kind == Some(TaskKind::Summarization)
        || halves(reading.words_of(Part::Answer)) > 2 * LONG_ANSWER_WORDS;
    let judged = |part: &Part| *part == Part::Context || *part == Part::Answer && is_long;
    let code = reading.kind == Some(TaskKind::Code);
    let mut texts = reading.texts().filter(|(part, _)| judged(part) && !code);
    let cut = texts.find_map(|(part, text)| {
        let span = Span::new(part, unended(text)?, "the end is missing");
        Some((format!("the {} ends without the end of a sentence", name(part)), span))
    });
    let (why, span, severity) = match (finish == Some("length"), cut) {
        (true, cut) => {
            let end = reading.context.len();
            let last =
                || Span::new(Part::Context, last_line(reading.context, end), "the last line");
            let why = "the model was stopped by its limit of tokens".to_owned();
            (why, cut.map_or_else(last, |(_, span)| span), Severity::Fault)
        }
        (false, cut) => cut.map(|(why, span)| (why, span, Severity::Warning))?,
    };
    Some(reading.finding(Check::TruncatedEnding, severity, why, vec![span]))
}

fn name(part: Part) -> &'static str {
    if part == Part::Answer { "answer" } else { "context" }
}

fn last_line(text: &str, end: usize) -> Range<usize> {
    text[..end].rfind('\n').map_or(0, |at| at + 1)..end
}

/// The bytes of what stands without an end at the end of a text of prose.
fn unended(text: &str) -> Option<Range<usize>> {
    let body = text.trim_end();
    let bare = without_reference(body).trim_end_matches(closes);
    if body.is_empty() || bare.is_empty() || bare.ends_with(ends) {
        return None;
    }
    let line = last_line(body, body.len());
    let line_text = &body[line.clone()];
    if is_set_apart(line_text) || looks_like_code(body) {
        return None;
    }
    let fragment = sentences(line_text).last().unwrap_or(0..line_text.len());
    let found = line.start + fragment.start..line.start + fragment.end;
    let (n_line, n_fragment) = (halves(&words(line_text)), halves(&words(&body[found.clone()])));
    let habit = habit(&body[..line.start]);
    let is_bare_title = has_titles(&body[..line.start]);
    let goes_on = found.start > line.start && n_fragment >= LEAST_FRAGMENT;
    // The last line alone: a title, a name, an address; or a cut paragraph.
    let is_cut = match n_line >= PROSE_LINE {
        true => habit.is_none_or(|habit| habit >= HABIT),
        false => habit == Some(1.0) && n_fragment >= LEAST_FRAGMENT && !is_name(line_text),
    };
    (goes_on || is_cut || is_bare_title || hangs(body)).then_some(found)
}

/// A text without a short bracket at its end, such as `[1-3]`, `(p. 7)` or a token left from a chat
/// template, which another check tells.
fn without_reference(body: &str) -> &str {
    const MOST_BYTES: usize = 30;
    let opens = match body.chars().next_back() {
        Some(')') => '(',
        Some(']') => '[',
        Some('>') => '<',
        _ => return body,
    };
    match body.rfind(opens).filter(|open| body.len() - open <= MOST_BYTES) {
        Some(open) => body[..open].trim_end(),
        None => body,
    }
}

/// Items of lists, rows of tables, headings, references, links.
fn is_set_apart(line: &str) -> bool {
    let line = line.trim_start();
    let marks = ["- ", "* ", "• ", "#", "|", ">", "[", "http", "![", "===", "---", "<"];
    let number = line.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    let is_numbered = line.len() - number.len() <= 3 && number.starts_with([')', '.', '、'])
        || line.starts_with(|c: char| c.is_ascii_digit()) && halves(&words(line)) < PROSE_LINE;
    let url = line
        .rsplit(' ')
        .next()
        .is_some_and(|last| last.contains("://") || last.starts_with("www."));
    marks.iter().any(|mark| line.starts_with(mark)) || is_numbered || line.ends_with('|') || url
}

/// Whether every word that matters begins with a capital: a name or a title.
fn is_name(line: &str) -> bool {
    let all = words(line);
    let mut content = all.iter().filter(|word| !is_function(word));
    content.all(|word| !line[word.bytes()].starts_with(char::is_lowercase))
        && !line.is_empty()
        && line.is_ascii()
}

/// Whether the last word is one that something must follow, or a comma.
fn hangs(body: &str) -> bool {
    const BEFORE: [&str; 16] = [
        "the", "a", "an", "and", "or", "but", "of", "to", "with", "from", "into", "that", "which",
        "because", "their", "his",
    ];
    let last = body.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let n_words = body.split_whitespace().rev().take(8).count();
    let ends_in_comma = body.ends_with([',', '，', '、']);
    // In capitals it is a label, as in `Vitamin A`.
    n_words == 8 && (BEFORE.contains(&last) || ends_in_comma)
}

/// Share of the lines of prose among the last ones that end as sentences do; of a text broken to fit a
/// page, of its paragraphs. `None` where there is none.
fn habit(before: &str) -> Option<f64> {
    let before = tail(before, LOOKED_AT);
    let share = |breaks: &str| {
        let blocks = before.split(breaks).map(str::trim_end);
        let prose = blocks.filter(|block| halves(&words(block)) >= PROSE_LINE);
        let ended: Vec<bool> =
            prose.map(|block| block.trim_end_matches(closes).ends_with(ends)).collect();
        let n_ended = ended.iter().filter(|ended| **ended).count();
        (!ended.is_empty()).then(|| n_ended as f64 / ended.len() as f64)
    };
    share("\n").into_iter().chain(share("\n\n")).reduce(f64::max)
}

/// Whether a text is made of documents with a title each, so that a line without an end is a title
/// without its document, or the beginning of one.
fn has_titles(before: &str) -> bool {
    let before = tail(before, LOOKED_AT);
    let blocks = before.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
    // The first one may be cut by the limit, the last one holds the line.
    let blocks: Vec<&str> = blocks.skip(1).collect();
    let is_titled = |block: &&&str| {
        let (title, rest) = block.split_once('\n').unwrap_or_default();
        !rest.is_empty() && !title.ends_with(ends) && block.trim_end_matches(closes).ends_with(ends)
    };
    let n_titled = blocks.iter().filter(is_titled).count();
    n_titled >= 3 && n_titled as f64 >= HABIT * blocks.len() as f64
}

/// Whether much of a text is marks that prose has few of.
fn looks_like_code(body: &str) -> bool {
    let end = tail(body, LOOKED_AT);
    let marks = end.bytes().filter(|byte| b"{}()[]<>=;_/\\$#*+&^~`@|".contains(byte)).count();
    marks * 20 > end.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::{context, town};
    use serde_json::json;

    fn missing(text: &str) -> Option<String> {
        let finding = truncated_ending(&Reading::new(&context(text), None))?;
        let [start, end] = finding.spans[0].bytes;
        Some(text[start..end].to_owned())
    }

    #[test]
    fn cut_texts_are_told_wherever_they_are_cut() {
        let prose = town(300);
        for (end, expected) in [
            (" The smith had seen nothing of", "The smith had seen nothing of"),
            (
                "\n\nLater that year two of the younger men decided to walk",
                "Later that year two of the younger men decided to walk",
            ),
            ("\n\nShe then walked", "She then walked"),
            (" \u{201c}We never saw him again", "\u{201c}We never saw him again"),
            (" It was late, and so,", "It was late, and so,"),
        ] {
            assert_eq!(missing(&format!("{prose}{end}")).as_deref(), Some(expected));
        }
        assert!(missing("他去了河边。第二天早上，他又看见了那个老人和他的").is_some());
        let titled: String =
            ["Mill", "Old Tower", "Ferry"].map(|t| format!("{t}\n{}\n\n", town(30))).concat();
        let titled = titled.repeat(2);
        for end in ["The Bridge", "The Bridge\nIt is", "Bob Hill\nBob Hill"] {
            assert!(missing(&format!("{titled}{end}")).is_some(), "{end}");
        }
        assert_eq!(missing(&titled), None);
        let wrapped = "The river ran on through the valley for many miles until it came\nto the sea at \
                       last, where the boats were. There he stayed for\nyears. He was then asked by the";
        assert!(missing(wrapped).is_some());
    }

    #[test]
    fn lists_names_headings_code_and_ended_texts_are_not_told() {
        let prose = town(300);
        for end in [
            "",
            " \u{201c}So it was,\u{201d} he said.\u{201d}",
            "\n\n- flour\n- two eggs",
            "\n\n3. Mix it all",
            "\n\nYours,\nMira Holt",
            "\n\nTHE END",
            "\n\n| a | b |",
            "\n\nSource: https://example.org/a",
            "\n\nReferences\n[1] J. Low, The Mill, 1901",
            " (See above.)",
            "<|im_end|>",
            "\n\n**The end.**",
            "\n\nTom Hill, 12 Mill Lane",
        ] {
            assert_eq!(missing(&format!("{prose}{end}")), None, "{end:?}");
        }
        let code = "fn main() {\n    let x = f(a[1]);\n    if (x == 2) { g(x) }\n}\n".repeat(20);
        let poem = "The river went its way to sea\nand nobody was there to see\nhow long the night might be\n"
            .repeat(2);
        for text in [code.as_str(), &poem, "她走了。", "“再见！”"] {
            assert_eq!(missing(text), None, "{text}");
        }
    }

    #[test]
    fn a_limit_reached_is_a_fault_and_short_answers_have_no_end() {
        let mut record = context(&town(100));
        record.answers = vec!["the old mill".into()];
        assert_eq!(truncated_ending(&Reading::new(&record, None)), None);
        record.extra.insert("provenance".into(), json!({"finish": "length"}));
        let found = truncated_ending(&Reading::new(&record, None)).unwrap();
        assert_eq!(found.severity, Severity::Fault);
        record.extra.clear();
        record.answers = vec![format!("{} and then the", town(100))];
        let found = truncated_ending(&Reading::new(&record, None)).unwrap();
        assert_eq!(found.spans[0].part, Part::Answer);
    }
}
