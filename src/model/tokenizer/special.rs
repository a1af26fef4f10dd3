//! Finding the strings of special tokens in a text.

use std::collections::HashMap;
use std::ops::Range;

/// A token that is found in the text as it stands, before anything is split or merged.
#[derive(Debug, Clone)]
pub(super) struct Literal {
    pub id: u32,
    pub text: String,
    /// A marker of a conversation. It must not be found in data, or data could speak in another
    /// role's name. The others (runs of blanks that some vocabularies keep as tokens) are text.
    pub is_marker: bool,
    /// The white space before it is part of it.
    pub takes_before: bool,
    /// The white space after it is part of it.
    pub takes_after: bool,
}

impl Literal {
    pub fn new(id: u32, text: &str, is_marker: bool) -> Self {
        Self { id, text: text.to_owned(), is_marker, takes_before: false, takes_after: false }
    }
}

/// Where markers are read as such.
#[derive(Debug, Clone, Copy)]
pub(super) enum Markers<'r> {
    Nowhere,
    Everywhere,
    /// Ascending, disjoint, none of them empty.
    Outside(&'r [Range<usize>]),
}

/// A part of a text: one literal, or a run that is still to be split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Token { id: u32, bytes: Range<usize> },
    Run(Range<usize>),
}

/// Finds literals, the leftmost first and of those that start there the longest.
#[derive(Debug, Default)]
pub(super) struct Finder {
    by_text: HashMap<Box<[u8]>, Literal>,
    /// Lengths of the literals that start with a byte, longest first.
    lengths: HashMap<u8, Vec<usize>>,
    has_blanks: bool,
}

impl Finder {
    /// Literals with an empty text are left out: they would be found everywhere.
    pub fn new(literals: impl IntoIterator<Item = Literal>) -> Self {
        let mut finder = Self::default();
        for literal in literals {
            let bytes = literal.text.as_bytes();
            let Some(&first) = bytes.first() else {
                continue;
            };
            let lengths = finder.lengths.entry(first).or_default();
            if !lengths.contains(&bytes.len()) {
                lengths.push(bytes.len());
                lengths.sort_unstable_by(|a, b| b.cmp(a));
            }
            finder.has_blanks |= !literal.is_marker;
            finder.by_text.insert(bytes.into(), literal);
        }
        finder
    }

    /// Cuts a text into literals and the runs between them; no run is empty.
    pub fn parts(&self, text: &str, markers: Markers<'_>) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut done = 0;
        let mut at = 0;
        let nothing_to_find =
            self.by_text.is_empty() || (matches!(markers, Markers::Nowhere) && !self.has_blanks);
        if nothing_to_find {
            at = text.len();
        }
        let starts: [bool; 256] = std::array::from_fn(|byte| {
            u8::try_from(byte).is_ok_and(|byte| self.lengths.contains_key(&byte))
        });
        while at < text.len() {
            let found = match starts[usize::from(text.as_bytes()[at])] {
                true => self.longest_at(text, at, markers),
                false => None,
            };
            let Some((literal, mut bytes)) = found else {
                at += 1;
                continue;
            };
            widen(literal, text, &mut bytes, done, markers);
            if done < bytes.start {
                parts.push(Part::Run(done..bytes.start));
            }
            (done, at) = (bytes.end, bytes.end);
            parts.push(Part::Token { id: literal.id, bytes });
        }
        if done < text.len() {
            parts.push(Part::Run(done..text.len()));
        }
        parts
    }

    fn longest_at(
        &self,
        text: &str,
        at: usize,
        markers: Markers<'_>,
    ) -> Option<(&Literal, Range<usize>)> {
        let bytes = text.as_bytes();
        self.lengths.get(&bytes[at])?.iter().find_map(|length| {
            let range = at..at.checked_add(*length)?;
            let literal = self.by_text.get(bytes.get(range.clone())?)?;
            (!literal.is_marker || markers.allow(&range)).then_some((literal, range))
        })
    }
}

impl Markers<'_> {
    fn allow(self, range: &Range<usize>) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Everywhere => true,
            Self::Outside(data) => {
                let ix = data.partition_point(|part| part.end <= range.start);
                data.get(ix).is_none_or(|part| part.start >= range.end)
            }
        }
    }
}

/// Adds the white space that a literal claims, but none that belongs to data.
fn widen(
    literal: &Literal,
    text: &str,
    bytes: &mut Range<usize>,
    done: usize,
    markers: Markers<'_>,
) {
    if literal.takes_before {
        for c in text[done..bytes.start].chars().rev().take_while(|c| c.is_whitespace()) {
            let wider = bytes.start - c.len_utf8()..bytes.end;
            if !markers.allow(&wider) {
                break;
            }
            *bytes = wider;
        }
    }
    if literal.takes_after {
        for c in text[bytes.end..].chars().take_while(|c| c.is_whitespace()) {
            let wider = bytes.start..bytes.end + c.len_utf8();
            if !markers.allow(&wider) {
                break;
            }
            *bytes = wider;
        }
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a prompt with one range of data is meant")]
mod tests {
    use super::*;

    fn finder() -> Finder {
        Finder::new([
            Literal::new(1, "<a>", true),
            Literal::new(2, "<a><b>", true),
            Literal::new(3, "\n\n", false),
            Literal::new(4, "", true),
            Literal { takes_after: true, ..Literal::new(5, "<end>", true) },
        ])
    }

    fn token(id: u32, bytes: Range<usize>) -> Part {
        Part::Token { id, bytes }
    }

    #[test]
    fn leftmost_then_longest() {
        let parts = finder().parts("é<a><b><a>x", Markers::Everywhere);
        assert_eq!(parts, [Part::Run(0..2), token(2, 2..8), token(1, 8..11), Part::Run(11..12)]);
    }

    #[test]
    fn data_holds_no_markers_but_keeps_its_blanks() {
        let text = "<a><b>\n\n<a>";
        let data = [1..4];
        let parts = finder().parts(text, Markers::Outside(&data));
        assert_eq!(parts, [Part::Run(0..6), token(3, 6..8), token(1, 8..11)]);
        let parts = finder().parts(text, Markers::Nowhere);
        assert_eq!(parts, [Part::Run(0..6), token(3, 6..8), Part::Run(8..11)]);
    }

    #[test]
    fn a_shorter_marker_is_found_where_the_longer_one_reaches_into_data() {
        let data = [3..6];
        let parts = finder().parts("<a><b>", Markers::Outside(&data));
        assert_eq!(parts, [token(1, 0..3), Part::Run(3..6)]);
    }

    #[test]
    fn white_space_after_a_marker_stops_at_data() {
        let data = [7..9];
        let parts = finder().parts("<end>   x", Markers::Outside(&data));
        assert_eq!(parts, [token(5, 0..7), Part::Run(7..9)]);
    }
}
