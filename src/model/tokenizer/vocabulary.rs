//! The list of tokens: their text, their bytes, and what kind each of them is.

use std::collections::HashMap;

use super::special::Literal;

/// Tokens that end a turn in the models that have them.
pub(super) const END_OF_TURN: [&str; 10] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|end_of_turn|>",
    "<|end|>",
    "<end_of_turn>",
    "<｜end▁of▁sentence｜>",
    "</s>",
];

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, put together by merging.
    Text,
    /// Control or unknown: has no text of its own.
    Special,
    /// Added by the model's makers, as `<think>`: found like a control token, but it is text when
    /// it comes out, so that a reply can be cut at it.
    Marker,
    /// Added white space: text in every respect, only found before merging.
    Blank,
    /// An id that nothing has.
    Gap,
}

/// One token.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub text: String,
    /// What it adds to a text that is being decoded.
    pub bytes: Box<[u8]>,
    pub kind: Kind,
}

/// All tokens by id, and the ids by text.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    entries: Vec<Entry>,
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    /// A vocabulary of these entries; of equal texts the last one is found, as in llama.cpp.
    pub fn new(entries: Vec<Entry>) -> Self {
        let ids = entries
            .iter()
            .zip(0..)
            .filter(|(entry, _)| entry.kind != Kind::Gap)
            .map(|(entry, id)| (entry.text.clone(), id))
            .collect();
        Self { entries, ids }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn get(&self, id: u32) -> Option<&Entry> {
        self.entries.get(usize::try_from(id).ok()?)
    }

    pub fn id_of(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    pub fn is(&self, id: u32, kind: Kind) -> bool {
        self.get(id).is_some_and(|entry| entry.kind == kind)
    }

    /// What is found in a text before anything is merged.
    pub fn literals(&self) -> impl Iterator<Item = Literal> + '_ {
        self.entries.iter().zip(0..).filter_map(|(entry, id)| match entry.kind {
            Kind::Special | Kind::Marker => Some(Literal::new(id, &entry.text, true)),
            Kind::Blank => Some(Literal::new(id, &entry.text, false)),
            Kind::Text | Kind::Gap => None,
        })
    }

    /// The named ids that there are, and every control token known to end a turn, each once.
    pub fn stop_ids(&self, named: &[Option<u32>]) -> Vec<u32> {
        let known = END_OF_TURN.iter().filter_map(|text| self.id_of(text));
        let known = known.filter(|&id| self.is(id, Kind::Special));
        let mut stops = Vec::new();
        for id in named.iter().copied().flatten().chain(known) {
            if !stops.contains(&id) {
                stops.push(id);
            }
        }
        stops
    }
}

/// Whether a token is written like a marker and not like text.
pub(super) fn looks_like_marker(text: &str) -> bool {
    text.len() > 2
        && ((text.starts_with('<') && text.ends_with('>'))
            || (text.starts_with('[') && text.ends_with(']')))
}

/// The byte that a token such as `<0x0A>` spells.
pub(super) fn spelled_byte(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
}
