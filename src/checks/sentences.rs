//! Where sentences end, as far as checks need to know: in prose, in text broken into lines, after
//! headings, in English and Chinese.

use std::ops::Range;

/// A line that is shorter and has no sentence's end is a heading or an item of a list, and no prose
/// that was broken to fit a page. In bytes; pages have 60 columns and more.
const SHORT_LINE: usize = 50;

/// Words before a full stop that do not end a sentence.
const ABBREVIATIONS: [&str; 20] = [
    "mr", "mrs", "ms", "dr", "st", "jr", "sr", "vs", "no", "prof", "gen", "col", "rev", "gov",
    "sen", "capt", "lt", "inc", "ca", "approx",
];

/// Whether a character ends sentences.
pub fn ends(c: char) -> bool {
    matches!(
        c,
        '.' | '!' | '?' | '…' | '。' | '！' | '？' | '｡' | '．' | '।' | '۔' | '؟' | '።' | '‽'
    )
}

/// Whether a character may stand after the end of a sentence and belongs to it.
pub fn closes(c: char) -> bool {
    "\"')]}*_`\u{201d}\u{2019}\u{bb}」』）】》".contains(c)
}

/// The last `n_bytes` of a text, or a little less where they begin within a character.
pub fn tail(text: &str, n_bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(n_bytes)..=text.len();
    from.find_map(|at| text.get(at..)).unwrap_or_default()
}

/// The sentences of a text, their bytes without the white space around them. A heading is one too.
pub fn sentences(text: &str) -> Sentences<'_> {
    Sentences { text, at: 0 }
}

/// See [`sentences`].
pub struct Sentences<'a> {
    text: &'a str,
    at: usize,
}

impl Iterator for Sentences<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..)?;
        let start = self.at + (rest.len() - rest.trim_start().len());
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let end = start + end(rest);
        self.at = end;
        let n_white = self.text[start..end].len() - self.text[start..end].trim_end().len();
        Some(start..end - n_white)
    }
}

/// The byte after the first sentence of a text that begins with none of white space.
fn end(text: &str) -> usize {
    let mut line_start = 0;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == b'\n' {
            let next = text[at + 1..].trim_start_matches([' ', '\t', '\r']);
            if next.starts_with('\n') || next.is_empty() || at - line_start < SHORT_LINE {
                return at + 1;
            }
            line_start = at + 1;
        }
        if byte.is_ascii() && !matches!(byte, b'.' | b'!' | b'?') {
            at += 1;
            continue;
        }
        let Some(c) = text[at..].chars().next() else { break };
        at += c.len_utf8();
        if ends(c) {
            let after = text[at..].trim_start_matches(|c| ends(c) || closes(c));
            let end = text.len() - after.len();
            if !c.is_ascii() || is_end(text, at, after) {
                return end;
            }
        }
    }
    text.len()
}

/// Whether the mark before byte `at` ends a sentence; `after` is what follows it.
fn is_end(text: &str, at: usize, after: &str) -> bool {
    let mut next = after.chars();
    match next.next() {
        None => return true,
        Some(c) if !c.is_whitespace() => return false,
        Some('\n') => return true,
        Some(_) => {}
    }
    if after.trim_start().starts_with(|c: char| c.is_lowercase()) {
        return false;
    }
    if !text[..at].ends_with('.') {
        return true;
    }
    let before = text[..at - 1].rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let is_initial = before.chars().count() == 1 && before.chars().all(char::is_uppercase);
    !is_initial && !ABBREVIATIONS.iter().any(|word| before.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_begins_at_a_character() {
        assert_eq!(
            [tail("a河b", 3), tail("a河b", 4), tail("a", 9), tail("", 1)],
            ["b", "河b", "a", ""]
        );
    }

    #[test]
    fn sentences_end_where_people_would_end_them() {
        for (text, expected) in [
            ("One two. Three four! Five", vec!["One two.", "Three four!", "Five"]),
            (
                "Mr. W. D. Low paid 3.5 pounds. He left.",
                vec!["Mr. W. D. Low paid 3.5 pounds.", "He left."],
            ),
            ("Ty Cobb\nHe played (well.) Then", vec!["Ty Cobb", "He played (well.)", "Then"]),
            (
                "A line of prose that was broken at the edge of its page\nends here. Next",
                vec!["A line of prose that was broken at the edge of its page\nends here.", "Next"],
            ),
            ("她来了。“好！”他说", vec!["她来了。", "“好！”", "他说"]),
            (" \n Is it so?! Yes…", vec!["Is it so?!", "Yes…"]),
            ("e.g. this one. b", vec!["e.g. this one. b"]),
            ("", vec![]),
        ] {
            let found: Vec<&str> = sentences(text).map(|bytes| &text[bytes]).collect();
            assert_eq!(found, expected);
        }
    }
}
