//! Byte-level BPE (GPT-2, SmolLM, Qwen, Llama-3): every byte is a symbol, so no text is unknown.

use std::collections::HashMap;
use std::ops::Range;

use super::merges::{Merges, NO_TOKEN, Symbol};
use super::normal_form::Normalized;
use super::split::Splitter;

/// Pieces longer than this are hardly ever seen twice, and remembering them costs memory.
const LONGEST_REMEMBERED: usize = 128;

/// A byte-level vocabulary at work.
#[derive(Debug)]
pub(super) struct ByteLevel {
    pub splitter: Splitter,
    pub merges: Merges,
    pub byte_ids: Box<[u32; 256]>,
    /// Pieces that are tokens as they stand, whatever the merges say (`ignore_merges`).
    pub whole_pieces: HashMap<Box<[u8]>, u32>,
    pub nfc: bool,
    /// For a byte that has no token; without it such a byte is left out, as llama.cpp and
    /// transformers do.
    pub unknown: Option<u32>,
}

impl ByteLevel {
    /// Hands over the tokens of a run with their places in it.
    pub fn run(&self, text: &str, sink: &mut dyn FnMut(u32, Range<usize>)) {
        let normalized = if self.nfc { Normalized::nfc(text) } else { Normalized::unchanged(text) };
        let whole = normalized.text.as_ref();
        let mut remembered: HashMap<&str, Vec<Symbol>> = HashMap::new();
        let mut symbols = Vec::new();
        let mut at = 0;
        self.splitter.split(whole, &mut |piece| {
            if let Some(symbols) = remembered.get(piece) {
                self.emit(&normalized, at, symbols, sink);
            } else {
                self.symbols(piece, &mut symbols);
                self.emit(&normalized, at, &symbols, sink);
                if piece.len() <= LONGEST_REMEMBERED {
                    remembered.insert(piece, symbols.clone());
                }
            }
            at += piece.len();
        });
    }

    fn emit(
        &self,
        normalized: &Normalized<'_>,
        mut at: usize,
        symbols: &[Symbol],
        sink: &mut dyn FnMut(u32, Range<usize>),
    ) {
        for symbol in symbols {
            let end = at + symbol.n_bytes;
            let id = if symbol.id == NO_TOKEN { self.unknown } else { Some(symbol.id) };
            if let Some(id) = id {
                // A part of a character stands for the whole of it.
                let text = &normalized.text;
                let chars = text.floor_char_boundary(at)..text.ceil_char_boundary(end);
                sink(id, normalized.original(chars));
            }
            at = end;
        }
    }

    fn symbols(&self, piece: &str, symbols: &mut Vec<Symbol>) {
        symbols.clear();
        if let Some(&id) = self.whole_pieces.get(piece.as_bytes()) {
            symbols.push(Symbol { id, n_bytes: piece.len() });
            return;
        }
        symbols.extend(
            piece.bytes().map(|byte| Symbol { id: self.byte_ids[usize::from(byte)], n_bytes: 1 }),
        );
        self.merges.apply(symbols);
    }
}

/// The byte that a character of GPT-2's alphabet stands for: printable Latin-1 stands for itself,
/// the other 68 bytes are U+0100 and up, in their order.
pub(super) fn byte_of(c: char) -> Option<u8> {
    let code = u32::from(c);
    if let Ok(byte) = u8::try_from(code) {
        return is_printable(byte).then_some(byte);
    }
    let n_before = usize::try_from(code.checked_sub(0x100)?).ok()?;
    (0..=u8::MAX).filter(|&byte| !is_printable(byte)).nth(n_before)
}

/// The bytes that a token of that alphabet stands for; none when it has foreign characters.
pub(super) fn bytes_of(token: &str) -> Option<Vec<u8>> {
    token.chars().map(byte_of).collect()
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_is_gpt2s() {
        assert_eq!(bytes_of("Ġtheé"), Some(b" the\xE9".to_vec()));
        assert_eq!(byte_of('Ċ'), Some(b'\n'));
        assert_eq!(byte_of('\u{143}'), Some(0xAD));
        assert_eq!(byte_of('\u{144}'), None);
        assert_eq!(bytes_of("▁a"), None);
        let all: std::collections::BTreeSet<u8> =
            (0..0x200).filter_map(char::from_u32).filter_map(byte_of).collect();
        assert_eq!(all.len(), 256);
    }
}
