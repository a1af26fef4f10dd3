//! The words of Chinese text, as Python's jieba 0.42.1 cuts them.
//!
//! The crate `jieba-rs` has the same dictionary and the same model, but reads more characters as
//! Chinese and joins `abc-1.2` where jieba cuts; both are mended here.

use jieba_rs::Jieba;
use std::sync::LazyLock;

static JIEBA: LazyLock<Jieba> = LazyLock::new(|| {
    let mut jieba = Jieba::new();
    // Python's dictionary has `B超` twice and sums its 3 occurrences twice; a word that stands in no
    // text brings the sum to the same.
    jieba.add_word("\u{e000}", Some(3), None);
    jieba
});

/// `jieba.cut(text, cut_all=False)`: every character of the text is in one of the words.
pub(super) fn cut(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_block = in_block(first);
        let end = rest.find(|c| in_block(c) != is_block).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        match is_block {
            true => cut_block(run, &mut words),
            false => cut_between(run, &mut words),
        }
        rest = after;
    }
    words
}

/// What jieba looks for words in: `[\u4E00-\u9FD5a-zA-Z0-9+#&\._%\-]`.
fn in_block(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fd5}' | '+' | '#' | '&' | '.' | '_' | '%' | '-')
        || c.is_ascii_alphanumeric()
}

fn cut_block<'t>(block: &'t str, words: &mut Vec<&'t str>) {
    for word in JIEBA.cut(block, true).into_iter().map(|token| token.word) {
        match word.is_ascii() && word.contains(['.', '_', '-']) {
            true => cut_ascii(word, words),
            false => words.push(word),
        }
    }
}

/// What matches `[a-zA-Z0-9]+(?:\.\d+)?%?`, and what stands between.
fn cut_ascii<'t>(text: &'t str, words: &mut Vec<&'t str>) {
    let mut rest = text;
    while !rest.is_empty() {
        let run = |from: usize, is_in: fn(&u8) -> bool| {
            from + rest.as_bytes()[from..].iter().take_while(|byte| is_in(byte)).count()
        };
        let mut end = run(0, u8::is_ascii_alphanumeric);
        if end == 0 {
            end = run(0, |byte| !byte.is_ascii_alphanumeric());
        } else {
            if rest.as_bytes().get(end) == Some(&b'.') {
                let fraction = run(end + 1, u8::is_ascii_digit);
                end = if fraction > end + 1 { fraction } else { end };
            }
            end += usize::from(rest.as_bytes().get(end) == Some(&b'%'));
        }
        words.push(&rest[..end]);
        rest = &rest[end..];
    }
}

/// Character by character, but a line break of two characters is one.
fn cut_between<'t>(text: &'t str, words: &mut Vec<&'t str>) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = if rest.starts_with("\r\n") { 2 } else { first.len_utf8() };
        words.push(&rest[..len]);
        rest = &rest[len..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_pythons_jieba() {
        for (text, words) in [
            ("今天的会议讨论了明年的预算", "今天 的 会议 讨论 了 明年 的 预算"),
            ("营收45.6亿元，增长12%。", "营收 45.6 亿元 ， 增长 12% 。"),
            ("abc-1.2.3_x%y", "abc - 1.2 . 3 _ x% y"),
            ("C++和AT&T", "C++ 和 AT&T"),
            ("㐀鿿一\r\n ", "㐀 鿿 一 \r\n  "),
        ] {
            assert_eq!(cut(text).join(" "), words);
        }
    }
}
