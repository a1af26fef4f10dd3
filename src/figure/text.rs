//! How wide text is and where it breaks.

/// The faces asked for, in order; widths here are the first one's, the widest of them.
pub const FONT_FAMILY: &str = "DejaVu Sans, Noto Sans, Droid Sans Fallback, sans-serif";

/// Baseline to baseline, in font sizes.
pub const LINE_HEIGHT: f64 = 1.25;

/// Top of the line to its baseline, in font sizes.
pub const ASCENT: f64 = 0.95;

/// Half the height of a digit, in font sizes: how far below its middle a baseline stands.
pub const HALF_CAP: f64 = 0.36;

/// Advance widths of U+0020 to U+007E in DejaVu Sans, in thousandths of the font size.
const ASCII: [u16; 95] = [
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
];

/// Bold letters are wider by this much.
const BOLD: f64 = 1.15;

/// Width of one line of text.
pub fn width(text: &str, size_pt: f64, bold: bool) -> f64 {
    let ems: f64 = text.chars().map(char_ems).sum();
    ems * size_pt * if bold { BOLD } else { 1.0 }
}

fn char_ems(c: char) -> f64 {
    let code = c as u32;
    if let Some(width) = code.checked_sub(0x20).and_then(|ix| ASCII.get(ix as usize)) {
        return f64::from(*width) / 1000.0;
    }
    match code {
        0x300..=0x36F | 0x200B..=0x200F | 0xFE00..=0xFE0F => 0.0,
        0x2013 | 0xB0 => 0.5,
        0x2014 | 0x2026 => 1.0,
        0xB1 | 0xD7 | 0x2190..=0x22FF => 0.84,
        _ if is_wide(c) => 1.0,
        // The mean of Latin, Greek and Cyrillic letters beyond ASCII is 0.66.
        _ => 0.7,
    }
}

/// Whether a character takes the room of two.
pub(super) fn is_wide(c: char) -> bool {
    matches!(c as u32,
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD)
}

/// Text for one line: breaks and tabs become spaces; other control characters, and what XML
/// does not allow, go.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c })
        .filter(|c| !c.is_control() && !matches!(*c, '\u{FFFE}' | '\u{FFFF}'))
        .collect()
}

/// Cuts a line to a width, ending in an ellipsis if something was cut.
pub fn shorten(text: &str, size_pt: f64, bold: bool, width_pt: f64) -> String {
    if width(text, size_pt, bold) <= width_pt {
        return text.to_owned();
    }
    let room = width_pt - width("\u{2026}", size_pt, bold);
    let mut kept = prefix(text, size_pt, bold, room).trim_end().to_owned();
    kept.push('\u{2026}');
    kept
}

fn prefix(text: &str, size_pt: f64, bold: bool, room: f64) -> &str {
    let mut used = 0.0;
    for (at, c) in text.char_indices() {
        used += width(c.encode_utf8(&mut [0; 4]), size_pt, bold);
        if used > room {
            return &text[..at];
        }
    }
    text
}

/// Breaks text into lines no wider than `width_pt`: at line breaks, after spaces, hyphens,
/// slashes and underscores, between CJK characters, and inside a word only if it is wider than
/// a whole line.
pub fn wrap(text: &str, size_pt: f64, bold: bool, width_pt: f64) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let paragraph = clean(paragraph);
        let mut line = String::new();
        for piece in pieces(paragraph.trim()) {
            let whole = format!("{line}{piece}");
            if width(whole.trim_end(), size_pt, bold) <= width_pt {
                line = whole;
                continue;
            }
            if !line.is_empty() {
                lines.push(line.trim_end().to_owned());
            }
            line = break_word(piece, size_pt, bold, width_pt, &mut lines);
        }
        if !line.is_empty() {
            lines.push(line.trim_end().to_owned());
        }
    }
    lines
}

/// Pushes full lines of an overlong word and returns what is left of it.
fn break_word(word: &str, size_pt: f64, bold: bool, room: f64, lines: &mut Vec<String>) -> String {
    let mut rest = word;
    while !rest.is_empty() && width(rest.trim_end(), size_pt, bold) > room {
        let fitting = prefix(rest, size_pt, bold, room).len();
        // A line narrower than one character still takes one, or this would never end.
        let one = rest.chars().next().map_or(0, char::len_utf8);
        let (line, after) = rest.split_at(fitting.max(one));
        lines.push(line.to_owned());
        rest = after;
    }
    rest.to_owned()
}

/// The widest piece of a text that wrapping keeps whole.
pub fn widest_piece(text: &str, size_pt: f64, bold: bool) -> f64 {
    pieces(text).into_iter().map(|piece| width(piece.trim_end(), size_pt, bold)).fold(0.0, f64::max)
}

/// Splits after each place where a line may break.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    let mut solid = ' ';
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        let Some(&(_, next)) = chars.peek() else {
            break;
        };
        // "n = 120" reads as one word.
        let equation = c == ' ' && (solid == '=' || next == '=');
        if c != ' ' {
            solid = c;
        }
        if !equation && may_break(c, next) {
            pieces.push(&text[start..end]);
            start = end;
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

fn may_break(before: char, after: char) -> bool {
    // Closing marks may not begin a line, opening ones may not end it, in CJK as elsewhere.
    const NOT_FIRST: &str = " ,.;:!?)]}%…、。，．！？：；）］｝」』】〉》”’";
    const NOT_LAST: &str = "([{（［｛「『【〈《“‘";
    if NOT_FIRST.contains(after) || NOT_LAST.contains(before) {
        return false;
    }
    let after_sign = matches!(before, '-' | '_' | '/') && after.is_alphabetic();
    before == ' ' || after_sign || is_wide(before) || is_wide(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_the_faces() {
        assert!((width("10k", 10.0, false) - (6.36 + 6.36 + 5.79)).abs() < 1e-9);
        assert!((width("中文", 8.0, false) - 16.0).abs() < 1e-9);
        assert_eq!(width("e\u{301}", 8.0, false), width("e", 8.0, false));
        assert!(width("a", 8.0, true) > width("a", 8.0, false));
        assert_eq!(width("", 8.0, false), 0.0);
    }

    #[test]
    fn lines_fit_and_lose_nothing() {
        let text =
            "Own answers are scored with their own context and with a shuffled one, n = 120.";
        for room in [20.0, 60.0, 200.0, 1000.0] {
            let lines = wrap(text, 8.0, false, room);
            assert!(lines.iter().all(|l| width(l, 8.0, false) <= room), "{lines:?}");
            let squeezed = |s: &str| s.replace(' ', "");
            assert_eq!(squeezed(&lines.concat()), squeezed(text));
        }
        assert_eq!(wrap(text, 8.0, false, 1000.0), [text]);
        assert_eq!(wrap("a\n\nb", 8.0, false, 99.0), ["a", "b"]);
        assert!(wrap("", 8.0, false, 99.0).is_empty());
    }

    #[test]
    fn lines_break_where_they_may() {
        assert_eq!(wrap("multi_field-qa", 10.0, false, 40.0), ["multi_", "field-qa"]);
        assert_eq!(wrap("上下文长度，词元", 10.0, false, 50.0), ["上下文长", "度，词元"]);
        assert_eq!(wrap("WWWW", 10.0, false, 20.0), ["WW", "WW"]);
        assert_eq!(wrap("WW", 10.0, false, 0.0), ["W", "W"]);
        assert_eq!(wrap("WW", 10.0, false, -1.0), ["W", "W"]);
        assert_eq!(wrap("ab (n = 12)", 10.0, false, 45.0), ["ab", "(n = 12)"]);
        assert_eq!(wrap("10-20 ab", 10.0, false, 35.0), ["10-20", "ab"]);
    }

    #[test]
    fn cutting_shows() {
        assert_eq!(shorten("short", 8.0, false, 100.0), "short");
        let cut = shorten("a rather long label", 8.0, false, 40.0);
        assert!(cut.ends_with('\u{2026}') && width(&cut, 8.0, false) <= 40.0, "{cut}");
    }

    #[test]
    fn control_characters_go() {
        assert_eq!(clean("a\u{0}b\tc\nd\u{9f}\u{ffff}"), "ab c d");
    }

    #[test]
    fn widest_piece_is_a_word() {
        assert_eq!(widest_piece("a bbb cc", 10.0, false), width("bbb", 10.0, false));
    }
}
