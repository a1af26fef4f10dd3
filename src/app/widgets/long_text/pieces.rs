//! A text cut into pieces that can be laid out one by one.

use std::ops::Range;

/// No piece is longer, but for a line break that would otherwise stand alone in the next one.
pub const MAX_BYTES: usize = 2000;

/// No piece has more lines: a page of short ones is no more to draw than a page of long ones.
const MAX_LINES: usize = 64;

/// So many pieces in a row may go on where the one before ends. To lay out one of them all before
/// it have to be, so a line of megabytes has to begin a row now and then of itself.
const MOST_JOINED: usize = 8;

/// Mean advance of letters and spaces of Latin prose, in font sizes.
const NARROW_EMS: f32 = 0.47;

/// A stretch of the text, at most [`MAX_BYTES`] long.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Bytes of the text; never empty, and followed at once by the next piece.
    pub range: Range<usize>,
    /// Whether it goes on in the row in which the piece before ends.
    pub joins: bool,
    /// Unicode characters of the text before it.
    pub chars_before: usize,
    /// Words of the text that begin before it.
    pub words_before: usize,
    n_lines: usize,
    width_ems: f32,
}

/// Characters and words, counted on through a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Unicode characters.
    pub n_chars: usize,
    /// Words that have begun: runs of anything but white space.
    pub n_words: usize,
    after_space: bool,
}

impl Counted {
    /// Before the text.
    pub const NOTHING: Self = Self { n_chars: 0, n_words: 0, after_space: true };

    /// Before a piece, `before` it the text.
    pub fn after(before: &str, piece: &Piece) -> Self {
        let last = before.chars().next_back();
        Self {
            n_chars: piece.chars_before,
            n_words: piece.words_before,
            after_space: last.is_none_or(char::is_whitespace),
        }
    }

    /// Whether another word may begin here.
    pub fn is_after_space(&self) -> bool {
        self.after_space
    }

    /// With more of the text.
    pub fn and(mut self, more: &str) -> Self {
        if more.is_ascii() {
            self.n_chars += more.len();
            for byte in more.bytes() {
                // As `char::is_whitespace` has it, which knows one more than `is_ascii_whitespace`.
                let is_space = matches!(byte, b'\t'..=b'\r' | b' ');
                self.n_words += usize::from(self.after_space && !is_space);
                self.after_space = is_space;
            }
            return self;
        }
        for c in more.chars() {
            let is_space = c.is_whitespace();
            self.n_chars += 1;
            self.n_words += usize::from(self.after_space && !is_space);
            self.after_space = is_space;
        }
        self
    }
}

impl Piece {
    fn of(text: &str, range: Range<usize>, joins: bool, before: Counted, n_chars: usize) -> Self {
        let piece = &text[range.clone()];
        let n_breaks = piece.bytes().filter(|byte| *byte == b'\n').count();
        let n_lines = n_breaks + usize::from(!piece.ends_with('\n'));
        let is_ascii = n_chars == piece.len();
        let n_wide = if is_ascii { 0 } else { piece.chars().filter(|c| is_wide(*c)).count() };
        let width_ems = n_wide as f32 + (n_chars - n_wide) as f32 * NARROW_EMS;
        let (chars_before, words_before) = (before.n_chars, before.n_words);
        Self { range, joins, chars_before, words_before, n_lines, width_ems }
    }

    /// What is shown of it: the line break at its end is there without another row.
    pub fn shown<'a>(&self, text: &'a str) -> &'a str {
        let piece = &text[self.range.clone()];
        piece.strip_suffix('\n').unwrap_or(piece)
    }

    /// About how many rows it takes if a row holds `row_ems`.
    pub fn estimated_rows(&self, row_ems: f32) -> f32 {
        let n_lines = self.n_lines as f32;
        // A line that is wrapped ends somewhere in its last row, in the middle on average.
        n_lines * (self.width_ems / n_lines / row_ems.max(1.0) + 0.5).max(1.0)
    }
}

/// Cuts a text, at line breaks if there are some, else after white space or a sentence; and counts it.
pub fn cut(text: &str) -> (Vec<Piece>, Counted) {
    let mut pieces = Vec::with_capacity(text.len() / MAX_BYTES + 1);
    let mut start = 0;
    let mut n_joined = 0;
    let mut counted = Counted::NOTHING;
    while start < text.len() {
        let end = start + first_len(&text[start..]);
        let begins_line = start == 0 || text[..start].ends_with('\n');
        n_joined = if begins_line { 0 } else { (n_joined + 1) % MOST_JOINED };
        let before = counted;
        counted = counted.and(&text[start..end]);
        let n_chars = counted.n_chars - before.n_chars;
        pieces.push(Piece::of(text, start..end, n_joined > 0, before, n_chars));
        start = end;
    }
    (pieces, counted)
}

/// The piece that byte `at` is in, or the last one.
pub fn piece_at(pieces: &[Piece], at: usize) -> usize {
    pieces.partition_point(|piece| piece.range.end <= at).min(pieces.len().saturating_sub(1))
}

/// How much of a text that is not empty the first piece takes.
fn first_len(rest: &str) -> usize {
    let limit = rest.floor_char_boundary(MAX_BYTES);
    let (window, beyond) = rest.split_at(limit);
    let mut breaks = window.match_indices('\n').map(|(at, _)| at + 1);
    if let Some(last_line) = breaks.nth(MAX_LINES - 1) {
        return last_line;
    }
    if beyond.is_empty() {
        return limit;
    }
    // Alone in the next piece it would be an empty row.
    if let Some(end) = ["\n", "\r\n"].iter().find(|end| beyond.starts_with(**end)) {
        return limit + end.len();
    }
    if let Some(at) = window.rfind('\n') {
        return at + 1;
    }
    // Rather a row that ends early than a piece that is hardly one.
    let late = |at: &usize| *at > MAX_BYTES / 2;
    after_last(window, char::is_whitespace)
        .filter(late)
        .or_else(|| after_last(window, is_pause).filter(late))
        .unwrap_or_else(|| between_characters(rest, limit))
}

fn after_last(window: &str, wanted: impl Fn(char) -> bool) -> Option<usize> {
    window.char_indices().rev().find(|(_, c)| wanted(*c)).map(|(at, c)| at + c.len_utf8())
}

/// Ends a sentence or part of one in scripts that put no space after it.
fn is_pause(c: char) -> bool {
    "。！？；，、：」』）》".contains(c)
}

/// The last place at or before `limit` that does not part what is drawn as one character.
fn between_characters(rest: &str, limit: usize) -> usize {
    // Longer than any emoji; text made of nothing but joiners is cut anywhere.
    const MOST_CHARS: usize = 16;
    let mut at = limit;
    for _ in 0..MOST_CHARS {
        let before = rest[..at].chars().next_back();
        let after = rest[at..].chars().next();
        if !after.is_some_and(continues) && before != Some('\u{200D}') {
            return at;
        }
        at -= before.map_or(0, char::len_utf8);
        if at == 0 {
            break;
        }
    }
    limit
}

/// Combining marks, variation selectors, joiners and skin tones.
fn continues(c: char) -> bool {
    matches!(u32::from(c),
        0x300..=0x36F | 0x483..=0x489 | 0x591..=0x5BD | 0x64B..=0x65F | 0x1AB0..=0x1AFF
        | 0x1DC0..=0x1DFF | 0x200D | 0x20D0..=0x20FF | 0x3099..=0x309A | 0xFE00..=0xFE0F
        | 0xFE20..=0xFE2F | 0x1F3FB..=0x1F3FF | 0xE0020..=0xE007F)
}

/// Drawn as wide as it is high: East Asian characters and emoji.
pub fn is_wide(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD)
}
