//! NFC, with the way back: which bytes of the original each normalized byte stands for.

use std::borrow::Cow;
use std::ops::Range;

use tokenizers::NormalizedString;

/// A text in NFC and where its changed stretches came from.
pub(super) struct Normalized<'t> {
    pub text: Cow<'t, str>,
    changes: Vec<Change>,
}

struct Change {
    normalized: Range<usize>,
    original: Range<usize>,
}

impl<'t> Normalized<'t> {
    /// The text as it is.
    pub fn unchanged(text: &'t str) -> Self {
        Self { text: Cow::Borrowed(text), changes: Vec::new() }
    }

    /// The text in NFC.
    pub fn nfc(text: &'t str) -> Self {
        let mut out = String::new();
        let mut changes = Vec::new();
        let mut copied_to = 0;
        for stretch in doubtful_stretches(text) {
            let original = &text[stretch.clone()];
            let mut normalized = NormalizedString::from(original);
            normalized.nfc();
            if normalized.get() == original {
                continue;
            }
            out.push_str(&text[copied_to..stretch.start]);
            let start = out.len();
            out.push_str(normalized.get());
            copied_to = stretch.end;
            changes.push(Change { normalized: start..out.len(), original: stretch });
        }
        if changes.is_empty() {
            return Self::unchanged(text);
        }
        out.push_str(&text[copied_to..]);
        Self { text: Cow::Owned(out), changes }
    }

    /// The original bytes behind a range of the normalized text. A range that touches a changed
    /// stretch gets all of it: its characters cannot be told apart in the original.
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        let start = self.original_of(range.start, |change| change.original.start);
        if range.is_empty() {
            return start..start;
        }
        // The last byte inside the range decides, not the border after it.
        let end = self.original_of(range.end - 1, |change| change.original.end - 1) + 1;
        start..end
    }

    fn original_of(&self, at: usize, inside: impl Fn(&Change) -> usize) -> usize {
        let after = self.changes.partition_point(|change| change.normalized.start <= at);
        match after.checked_sub(1).map(|ix| &self.changes[ix]) {
            None => at,
            Some(change) if change.normalized.contains(&at) => inside(change),
            Some(change) => change.original.end + (at - change.normalized.end),
        }
    }
}

/// Stretches that NFC might change: each starts at the last character that surely starts anew and
/// ends before the next one.
fn doubtful_stretches(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut chars = text.char_indices().peekable();
    let mut last_sure = 0;
    std::iter::from_fn(move || {
        loop {
            let (at, c) = chars.next()?;
            if starts_anew(c) {
                last_sure = at;
                continue;
            }
            let start = last_sure;
            while chars.next_if(|&(_, c)| !starts_anew(c)).is_some() {}
            let end = chars.peek().map_or(text.len(), |&(at, _)| at);
            last_sure = end;
            return Some(start..end);
        }
    })
}

/// Whether a character is in NFC by itself and never joins the one before it. Only blocks where
/// that is plain to see are listed; all others take the slow and exact way.
fn starts_anew(c: char) -> bool {
    matches!(c,
        '\0'..='\u{2FF}'
        | '\u{391}'..='\u{3C9}'                         // Greek letters
        | '\u{400}'..='\u{482}' | '\u{48A}'..='\u{52F}' // Cyrillic
        | '\u{5D0}'..='\u{5EA}'                         // Hebrew letters
        | '\u{620}'..='\u{64A}' | '\u{660}'..='\u{66F}' // Arabic letters and digits
        | '\u{E01}'..='\u{E30}'                         // Thai consonants
        | '\u{1100}'..='\u{1112}'                       // leading Hangul jamo
        | '\u{2002}'..='\u{200A}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}'
        | '\u{20A0}'..='\u{20BF}' | '\u{2190}'..='\u{2199}' | '\u{2500}'..='\u{27BF}'
        | '\u{3000}'..='\u{3029}' | '\u{3041}'..='\u{3096}' | '\u{309D}'..='\u{30FF}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7A3}'                       // Hangul syllables
        | '\u{FF01}'..='\u{FF60}'
        | '\u{1F300}'..='\u{1FAFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_text_is_borrowed() {
        for text in ["", "plain", "Zoë’s café", "东京 и Ёж", "🙂 ½ ≈"] {
            assert!(matches!(Normalized::nfc(text).text, Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn a_composed_character_stands_for_its_parts() {
        let text = "ae\u{301}b u\u{308}";
        let normalized = Normalized::nfc(text);
        assert_eq!(normalized.text, "aéb ü");
        assert_eq!(normalized.original(0..1), 0..1);
        assert_eq!(normalized.original(1..3), 1..4);
        assert_eq!(normalized.original(1..4), 1..5);
        assert_eq!(normalized.original(3..4), 4..5);
        assert_eq!(normalized.original(5..7), 6..9);
        assert_eq!(normalized.original(0..7), 0..9);
    }

    #[test]
    fn characters_that_come_apart_are_mapped_too() {
        // U+0958 is excluded from composition: NFC makes two characters of it.
        let text = "x \u{958} y";
        let normalized = Normalized::nfc(text);
        assert_eq!(normalized.text, "x \u{915}\u{93C} y");
        assert_eq!(normalized.original(2..5), 1..5);
        assert_eq!(normalized.original(8..10), 5..7);
    }

    #[test]
    fn hangul_jamo_become_syllables() {
        let text = "\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8}";
        let normalized = Normalized::nfc(text);
        assert_eq!(normalized.text, "한국");
        assert_eq!(normalized.original(0..3), 0..9);
        assert_eq!(normalized.original(3..6), 9..18);
    }

    #[test]
    fn every_sure_start_is_what_it_claims() {
        let nfc = |text: &str| {
            let mut normalized = NormalizedString::from(text);
            normalized.nfc();
            normalized.get().to_owned()
        };
        for c in (0..=0x1FAFF).filter_map(char::from_u32).filter(|&c| starts_anew(c)) {
            assert_eq!(nfc(&c.to_string()), c.to_string(), "U+{:04X}", u32::from(c));
            for before in ['a', 'e', '\u{915}', '\u{3B1}', '\u{1100}', '\u{301}', '\u{AC00}'] {
                let pair = format!("{before}{c}");
                assert_eq!(nfc(&pair), pair, "U+{:04X} after {before}", u32::from(c));
            }
        }
    }
}
