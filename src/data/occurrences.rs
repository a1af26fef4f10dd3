//! Where a text has certain words.

use std::ops::Range;

/// Byte ranges of the occurrences of `needle` in `text` that are not part of a longer word: at
/// most `most`, ascending, and of those that overlap the first.
///
/// Letters are compared in lower case, and any run of white space equals any other; white space
/// around the needle does not count. Where a script puts no spaces between words, any place is
/// the border of a word.
pub fn occurrences(text: &str, needle: &str, most: usize) -> Vec<Range<usize>> {
    find(text, needle, most, |range| is_apart(text, range))
}

/// Knuth, Morris and Pratt's search: as fast for a text of one letter as for any other.
fn find(
    text: &str,
    needle: &str,
    most: usize,
    counts: impl Fn(&Range<usize>) -> bool,
) -> Vec<Range<usize>> {
    let needle: Vec<char> = folded(needle.trim()).map(|folded| folded.c).collect();
    let mut found = Vec::new();
    if needle.is_empty() {
        return found;
    }
    let borders = borders(&needle);
    // The last letters' places, as many as the needle has.
    let mut begun = vec![None; needle.len()];
    let mut n_equal = 0;
    for (ix, letter) in folded(text).enumerate() {
        if found.len() == most {
            break;
        }
        begun[ix % needle.len()] = letter.start;
        while n_equal > 0 && needle[n_equal] != letter.c {
            n_equal = borders[n_equal - 1];
        }
        n_equal += usize::from(needle[n_equal] == letter.c);
        if n_equal < needle.len() {
            continue;
        }
        let start = begun[(ix + 1) % needle.len()];
        let range = start.zip(letter.end).map(|(start, end)| start..end);
        n_equal = match range.filter(&counts) {
            Some(range) => {
                found.push(range);
                0
            }
            None => borders[n_equal - 1],
        };
    }
    found
}

/// For each prefix of the needle, how long the longest other prefix is that it ends with.
fn borders(needle: &[char]) -> Vec<usize> {
    let mut borders = vec![0; needle.len()];
    for ix in 1..needle.len() {
        let mut len = borders[ix - 1];
        while len > 0 && needle[ix] != needle[len] {
            len = borders[len - 1];
        }
        borders[ix] = len + usize::from(needle[ix] == needle[len]);
    }
    borders
}

/// A letter as it is compared. One of the text may become several: only the first of them has a
/// start and only the last an end, so that no half of it is found.
struct Folded {
    c: char,
    start: Option<usize>,
    end: Option<usize>,
}

fn folded(text: &str) -> impl Iterator<Item = Folded> {
    let mut after_space = false;
    text.char_indices().flat_map(move |(at, c)| {
        let is_space = c.is_whitespace();
        let left_out = is_space && after_space;
        after_space = is_space;
        let letters = if is_space { ' '.to_lowercase() } else { c.to_lowercase() };
        let n_letters = letters.len();
        letters.enumerate().filter(move |_| !left_out).map(move |(ix, letter)| Folded {
            // Sigma at the end of a word has no upper case of its own.
            c: if letter == 'ς' { 'σ' } else { letter },
            start: (ix == 0).then_some(at),
            end: (ix + 1 == n_letters).then_some(at + c.len_utf8()),
        })
    })
}

/// Whether what is found neither begins nor ends within a word.
fn is_apart(text: &str, range: &Range<usize>) -> bool {
    let (before, found, after) = (&text[..range.start], &text[range.clone()], &text[range.end..]);
    let within = |left: Option<char>, right: Option<char>| {
        left.is_some_and(is_of_word) && right.is_some_and(is_of_word)
    };
    !within(before.chars().next_back(), found.chars().next())
        && !within(found.chars().next_back(), after.chars().next())
}

/// Whether a character makes one word with others beside it.
fn is_of_word(c: char) -> bool {
    let is_combining = matches!(u32::from(c), 0x300..=0x36F);
    (c.is_alphanumeric() || c == '_' || is_combining) && !is_unspaced(c)
}

/// Scripts without spaces between words, and Korean, which writes particles onto them.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0xE00..=0xEFF | 0x1000..=0x109F | 0x1100..=0x11FF | 0x1780..=0x17FF | 0x2E80..=0xA4CF
        | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xF900..=0xFAFF | 0xFF66..=0xFFDC
        | 0x20000..=0x3FFFD)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As [`occurrences`], but parts of words count.
    fn occurrences_anywhere(text: &str, needle: &str, most: usize) -> Vec<Range<usize>> {
        find(text, needle, most, |_| true)
    }

    fn found<'a>(text: &'a str, needle: &str) -> Vec<&'a str> {
        occurrences(text, needle, usize::MAX).into_iter().map(|range| &text[range]).collect()
    }

    fn found_anywhere<'a>(text: &'a str, needle: &str) -> Vec<&'a str> {
        occurrences_anywhere(text, needle, usize::MAX).into_iter().map(|r| &text[r]).collect()
    }

    #[test]
    fn case_and_white_space_do_not_matter() {
        assert_eq!(found("The  Quick\r\n\tfox, the quick fox", "the quick fox").len(), 2);
        assert_eq!(found("a b", " A\n \u{3000}b\n"), ["a b"]);
        assert_eq!(found("ΟΔΟΣ οδος οδοσ", "Οδος"), ["ΟΔΟΣ", "οδος", "οδοσ"]);
        assert!(found("ab", "a b").is_empty());
    }

    #[test]
    fn letters_that_change_their_length_are_found_whole() {
        assert_eq!(found("xx İstanbul", "i\u{307}stanbul"), ["İstanbul"]);
        assert_eq!(found("i\u{307}stanbul", "İSTANBUL"), ["i\u{307}stanbul"]);
        // No half of a letter, in the middle or at either end.
        assert!(found_anywhere("İ", "i").is_empty());
        assert!(found_anywhere("aİ", "\u{307}").is_empty());
        assert_eq!(found("K\u{212A}k", "kkk"), ["K\u{212A}k"]);
        assert_eq!(found("GROẞ", "groß"), ["GROẞ"]);
    }

    #[test]
    fn signs_mean_themselves() {
        for needle in [".*", "[a-z]+", "(", "\\d", "$^", "a|b", "C++"] {
            assert_eq!(found(&format!("x {needle} x"), needle), [needle]);
            assert!(found("xyz abc 12", needle).is_empty());
        }
    }

    #[test]
    fn nothing_is_nowhere() {
        for needle in ["", " ", "\n\t"] {
            assert!(found_anywhere("a  b\n\n", needle).is_empty());
        }
        assert!(found("", "a").is_empty() && found("a", "aa").is_empty());
        assert!(occurrences("a a", "a", 0).is_empty());
        assert_eq!(occurrences("a a a", "a", 2), [0..1, 2..3]);
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(found("know no no_ no. 5no NO", "no"), ["no", "no", "NO"]);
        assert_eq!(found_anywhere("know no", "no").len(), 2);
        assert_eq!(found("John's (john) Johnson", "john"), ["John", "john"]);
        assert!(found("cafe\u{301}", "cafe").is_empty());
        assert_eq!(found("他去了北京大学", "北京"), ["北京"]);
        assert_eq!(found("서울은", "서울"), ["서울"]);
        // A place that does not count must not hide one that overlaps it.
        assert_eq!(found("aab ab ab", "ab ab"), ["ab ab"]);
        assert_eq!(found("xa a a", "a a"), ["a a"]);
    }

    #[test]
    fn of_overlapping_ones_the_first_counts() {
        assert_eq!(occurrences_anywhere("aaaaa", "aa", 9), [0..2, 2..4]);
        assert_eq!(occurrences_anywhere("ababab", "abab", 9), [0..4]);
    }

    /// Against the plainest search there is, on few letters so that near misses abound.
    #[test]
    fn search_equals_trying_every_place() {
        let mut state = 7_u64;
        let mut next = |n: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % n
        };
        for _ in 0..3000 {
            let mut letters = |most: u64| -> String {
                let n = next(most);
                (0..n).map(|_| ['a', 'A', 'b', ' ', '\n', 'İ', '字'][next(7) as usize]).collect()
            };
            let (text, needle) = (letters(40), letters(5));
            assert_eq!(
                occurrences_anywhere(&text, &needle, 99),
                plain(&text, &needle),
                "{text:?} {needle:?}"
            );
        }
    }

    fn plain(text: &str, needle: &str) -> Vec<Range<usize>> {
        let same = |text: &str| {
            let words: Vec<&str> =
                text.split(char::is_whitespace).filter(|w| !w.is_empty()).collect();
            let spaced =
                [text.starts_with(char::is_whitespace), text.ends_with(char::is_whitespace)];
            (words.join(" ").to_lowercase(), spaced)
        };
        let wanted = same(needle.trim());
        let mut found: Vec<Range<usize>> = Vec::new();
        let ends: Vec<usize> = text.char_indices().map(|(at, c)| at + c.len_utf8()).collect();
        for (start, _) in text.char_indices() {
            if wanted.0.is_empty() || found.last().is_some_and(|last| start < last.end) {
                continue;
            }
            let end = ends.iter().find(|end| **end > start && same(&text[start..**end]) == wanted);
            found.extend(end.map(|end| start..*end));
        }
        found
    }
}
