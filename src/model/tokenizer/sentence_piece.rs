//! SentencePiece BPE (Llama-2, TinyLlama, Mistral): characters are symbols, the best score merges
//! first, and what the vocabulary lacks is spelled in bytes.

use std::collections::HashMap;
use std::ops::Range;

use super::merges::{Merges, NO_TOKEN, Symbol};

/// How SentencePiece writes a space.
pub(super) const SPACE: char = '▁';

/// A longer piece would take quadratic time to cut apart, and no real vocabulary has one.
pub(super) const LONGEST_PIECE: usize = 1024;

/// A SentencePiece vocabulary at work.
#[derive(Debug)]
pub(super) struct SentencePiece {
    merges: Merges,
    char_ids: HashMap<char, u32>,
    byte_ids: Box<[Option<u32>; 256]>,
    unknown: Option<u32>,
    space_prefix: bool,
    /// Some piece goes on over the border of two words, so words cannot be merged one by one.
    crosses_words: bool,
}

/// A piece that takes part in merging.
pub(super) struct Piece<'v> {
    pub id: u32,
    pub text: &'v str,
    pub score: f32,
}

impl SentencePiece {
    /// Finds out which pieces can become which: every cut of a piece into two others is a merge,
    /// and its rank is the rank of the piece's score.
    pub fn new(
        mut pieces: Vec<Piece<'_>>,
        byte_ids: Box<[Option<u32>; 256]>,
        unknown: Option<u32>,
        space_prefix: bool,
    ) -> Self {
        let ids: HashMap<&str, u32> = pieces.iter().map(|piece| (piece.text, piece.id)).collect();
        pieces.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut merges = Merges::default();
        let mut char_ids = HashMap::new();
        let mut crosses_words = false;
        let mut rank = 0;
        let mut last_score = None;
        for piece in &pieces {
            if last_score.is_some_and(|last: f32| last != piece.score) {
                rank += 1;
            }
            last_score = Some(piece.score);
            let mut chars = piece.text.chars();
            if let (Some(only), None) = (chars.next(), chars.next()) {
                char_ids.insert(only, ids[piece.text]);
                continue;
            }
            for (cut, c) in piece.text.char_indices().skip(1) {
                let (left, right) = piece.text.split_at(cut);
                crosses_words |= c == SPACE && !left.ends_with(SPACE);
                if let (Some(&left), Some(&right)) = (ids.get(left), ids.get(right)) {
                    merges.insert(left, right, rank, ids[piece.text]);
                }
            }
        }
        Self { merges, char_ids, byte_ids, unknown, space_prefix, crosses_words }
    }

    /// Whether a space is put before a run of text.
    pub fn has_space_prefix(&self) -> bool {
        self.space_prefix
    }

    /// Hands over the tokens of a run with their places in it.
    pub fn run(&self, text: &str, sink: &mut dyn FnMut(u32, Range<usize>)) {
        let mut remembered: HashMap<&str, Vec<Symbol>> = HashMap::new();
        let mut symbols = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let word = if self.crosses_words { &text[at..] } else { first_word(&text[at..]) };
            if at == 0 && self.space_prefix {
                self.symbols(word, true, &mut symbols);
                self.emit(text, at, &symbols, sink);
            } else {
                let symbols = remembered.entry(word).or_insert_with(|| {
                    self.symbols(word, false, &mut symbols);
                    symbols.clone()
                });
                self.emit(text, at, symbols, sink);
            }
            at += word.len();
        }
    }

    fn symbols(&self, word: &str, with_prefix: bool, symbols: &mut Vec<Symbol>) {
        symbols.clear();
        let id_of = |c: char| {
            let c = if c == ' ' { SPACE } else { c };
            self.char_ids.get(&c).copied().unwrap_or(NO_TOKEN)
        };
        if with_prefix {
            symbols.push(Symbol { id: id_of(SPACE), n_bytes: 0 });
        }
        symbols.extend(word.chars().map(|c| Symbol { id: id_of(c), n_bytes: c.len_utf8() }));
        self.merges.apply(symbols);
    }

    fn emit(
        &self,
        text: &str,
        mut at: usize,
        symbols: &[Symbol],
        sink: &mut dyn FnMut(u32, Range<usize>),
    ) {
        for symbol in symbols {
            let bytes = at..at + symbol.n_bytes;
            at = bytes.end;
            if symbol.id != NO_TOKEN {
                sink(symbol.id, bytes);
                continue;
            }
            let spelled: Option<Vec<u32>> =
                text[bytes.clone()].bytes().map(|byte| self.byte_ids[usize::from(byte)]).collect();
            for id in spelled.unwrap_or_else(|| self.unknown.into_iter().collect()) {
                sink(id, bytes.clone());
            }
        }
    }
}

/// The first word with the spaces before it.
fn first_word(text: &str) -> &str {
    let is_space = |c: char| c == ' ' || c == SPACE;
    let word = text.find(|c| !is_space(c)).unwrap_or(text.len());
    let end = text[word..].find(is_space).map_or(text.len(), |n_bytes| word + n_bytes);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(extra: &[&'static str]) -> SentencePiece {
        let mut texts = vec!["▁", "a", "b", "c", "ab", "bc", "▁a", "abc", "▁abc", "▁▁"];
        texts.extend(extra);
        let pieces = texts.iter().zip(10..).map(|(text, id)| Piece {
            id,
            text,
            // "bc" is better than "ab"; the characters and the longest pieces come last.
            score: match *text {
                "bc" => 0.0,
                "ab" => -1.0,
                "▁a" => -2.0,
                "abc" => -3.0,
                _ => -4.0,
            },
        });
        let mut bytes = Box::new([None; 256]);
        bytes[0xC3] = Some(0);
        bytes[0xA9] = Some(1);
        SentencePiece::new(pieces.collect(), bytes, Some(9), true)
    }

    fn run(model: &SentencePiece, text: &str) -> Vec<(u32, Range<usize>)> {
        let mut tokens = Vec::new();
        model.run(text, &mut |id, bytes| tokens.push((id, bytes)));
        tokens
    }

    #[test]
    fn the_best_score_merges_first() {
        assert_eq!(run(&vocabulary(&[]), "abc"), [(18, 0..3)]);
        assert_eq!(run(&vocabulary(&[]), "ab"), [(10, 0..0), (14, 0..2)]);
    }

    #[test]
    fn spaces_and_their_sign_are_the_same() {
        assert_eq!(run(&vocabulary(&[]), "c ab"), [(10, 0..0), (13, 0..1), (10, 1..2), (14, 2..4)]);
        assert_eq!(run(&vocabulary(&[]), "c▁a"), [(10, 0..0), (13, 0..1), (16, 1..5)]);
        assert_eq!(run(&vocabulary(&[]), " a"), [(10, 0..0), (16, 0..2)]);
    }

    #[test]
    fn what_is_missing_is_spelled_in_bytes_or_unknown() {
        assert_eq!(run(&vocabulary(&[]), "aé"), [(16, 0..1), (0, 1..3), (1, 1..3)]);
        assert_eq!(run(&vocabulary(&[]), "aξ"), [(16, 0..1), (9, 1..3)]);
    }

    #[test]
    fn a_piece_over_a_border_of_words_is_found() {
        let model = vocabulary(&["c▁"]);
        assert!(model.crosses_words && !vocabulary(&[]).crosses_words);
        assert_eq!(run(&model, "c c"), [(10, 0..0), (20, 0..2), (13, 2..3)]);
    }
}
