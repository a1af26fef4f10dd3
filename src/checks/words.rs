//! A text as hashes of its words, with the place of each: what most checks work on. Texts of any length
//! are walked once, and no word is ever held as a string.
//!
//! Words are those of `metrics::terms`: lower-case letters and digits; characters of scripts without
//! spaces stand alone.

use crate::metrics::stands_alone;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

/// A word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Hash of its lower-case letters; the last bit tells words that stand alone.
    pub hash: u64,
    /// Its first byte.
    pub start: u32,
    /// The byte after its last one.
    pub end: u32,
}

impl Word {
    /// How much it says, in halves of a word: two characters of a script without spaces make about one
    /// word.
    pub fn halves(self) -> usize {
        2 - (self.hash & 1) as usize
    }

    /// Its bytes in the text.
    pub fn bytes(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// How much words say, in halves of a word.
pub fn halves(words: &[Word]) -> usize {
    words.iter().map(|word| word.halves()).sum()
}

/// The bytes from the first to the last of some words of a text.
pub fn bytes(words: &[Word]) -> Range<usize> {
    let start = words.first().map_or(0, |word| word.start as usize);
    start..words.last().map_or(start, |word| word.end as usize)
}

/// Whether most of the words are characters of scripts without spaces.
pub fn mostly_alone(words: &[Word]) -> bool {
    words.iter().filter(|word| word.hash & 1 == 1).count() * 2 > words.len()
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// Spreads a number over all bits (the finalizer of `splitmix64`).
pub fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Hashes letters (FNV-1a), byte by byte.
#[derive(Clone, Copy)]
struct Letters(u64);

impl Letters {
    fn push(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
    }

    fn push_lower(&mut self, c: char) {
        for c in c.to_lowercase() {
            let mut buffer = [0; 4];
            c.encode_utf8(&mut buffer).bytes().for_each(|byte| self.push(byte));
        }
    }
}

/// The words of a text; of one over 4 GiB, those of the first 4 GiB.
pub fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::with_capacity(text.len() / 6);
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut open: Option<(usize, Letters)> = None;
    let limit = bytes.len().min(u32::MAX as usize - 4);
    while at < limit {
        let byte = bytes[at];
        let (c, len) = match byte.is_ascii() {
            true => (char::from(byte), 1),
            false => {
                let c = text[at..].chars().next().unwrap_or(' ');
                (c, c.len_utf8())
            }
        };
        let is_alone = len > 1 && stands_alone(c);
        if c.is_alphanumeric() && !is_alone {
            let letters = &mut open.get_or_insert((at, Letters(SEED))).1;
            match byte.is_ascii() {
                true => letters.push(byte.to_ascii_lowercase()),
                false => letters.push_lower(c),
            }
        } else {
            if let Some((start, letters)) = open.take() {
                words.push(word(letters, start, at, 0));
            }
            if is_alone {
                let mut letters = Letters(SEED);
                letters.push_lower(c);
                words.push(word(letters, at, at + len, 1));
            }
        }
        at += len;
    }
    if let Some((start, letters)) = open {
        words.push(word(letters, start, at, 0));
    }
    words
}

fn word(letters: Letters, start: usize, end: usize, alone: u64) -> Word {
    Word { hash: mix(letters.0) & !1 | alone, start: start as u32, end: end as u32 }
}

/// The hash that a word has in [`words`].
pub fn hash(word: &str) -> u64 {
    words(word).first().map_or(0, |word| word.hash)
}

/// A hash of all words in their order; equal for texts that differ in case, white space and
/// punctuation only.
pub fn hash_all(words: &[Word]) -> u64 {
    words.iter().fold(words.len() as u64, |sum, word| mix(sum ^ word.hash))
}

/// A hash of a text with its case folded and every run of white space taken for one space.
pub fn hash_text(text: &str) -> u64 {
    let mut letters = Letters(SEED);
    let mut is_first = true;
    for word in text.split_whitespace() {
        if !std::mem::take(&mut is_first) {
            letters.push(b' ');
        }
        match word.is_ascii() {
            true => word.bytes().for_each(|byte| letters.push(byte.to_ascii_lowercase())),
            false => word.chars().for_each(|c| letters.push_lower(c)),
        }
    }
    mix(letters.0)
}

/// The hash of each run of `n` words, in their order; none of a text with fewer words. `n` is at
/// least 1.
pub fn grams(words: &[Word], n: usize) -> impl Iterator<Item = u64> + '_ {
    const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
    let power = (1..n).fold(1_u64, |power, _| power.wrapping_mul(BASE));
    let add = |sum: u64, word: &Word| sum.wrapping_mul(BASE).wrapping_add(word.hash);
    let mut sum = words.iter().take(n - 1).fold(0, add);
    let last = words.get(n - 1..).unwrap_or_default();
    words.iter().zip(last).map(move |(first, last)| {
        let whole = add(sum, last);
        sum = whole.wrapping_sub(power.wrapping_mul(first.hash));
        mix(whole)
    })
}

/// For maps whose keys are hashes already.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = self.0.rotate_left(8) ^ hash;
    }
}

/// A map from hashes, which is asked but never walked.
pub type HashedMap<V> = std::collections::HashMap<u64, V, BuildHasherDefault<Hashed>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::terms;

    #[test]
    fn words_are_those_of_the_metrics() {
        let text = "It was (THE) Georgia-Peach, é\u{c9} 3.5x; 他去了北京abc。";
        let found: Vec<String> =
            words(text).iter().map(|w| text[w.bytes()].to_lowercase()).collect();
        assert_eq!(found, terms(text));
        assert_eq!(hash("GEORGIA"), hash("georgia,"));
        assert_ne!(hash("georgia"), hash("georgie"));
        assert_eq!(halves(&words("北京 city")), 4);
        assert!(words(" .,-").is_empty() && words("").is_empty());
    }

    #[test]
    fn runs_of_words_have_one_hash_wherever_they_stand() {
        let text = words("a b c d x a b c y");
        let all: Vec<u64> = grams(&text, 3).collect();
        assert_eq!(all.len(), 7);
        assert_eq!(all[0], all[5]);
        assert_eq!(all.iter().filter(|h| **h == all[0]).count(), 2);
        assert_eq!(grams(&text, 9).count(), 1);
        assert_eq!(grams(&text, 10).count(), 0);
        assert_eq!(grams(&[], 1).count(), 0);
        assert_eq!(grams(&text, 1).count(), 9);
    }

    #[test]
    fn equal_texts_differ_in_case_and_white_space_only() {
        assert_eq!(hash_text(" A  b\n\u{3000}Éc "), hash_text("a B éc"));
        assert_ne!(hash_text("ab c"), hash_text("a bc"));
        assert_ne!(hash_text("a, b"), hash_text("a b"));
    }
}
