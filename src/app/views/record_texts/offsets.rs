//! Where the pointer or the selection is in the context: characters, words and tokens.

use super::{CONTEXT, RecordTexts};
use crate::app::views::data::{counted, grouped};
use crate::app::widgets::long_text::LongText;
use crate::workbench::{TokenEnds, TokensJob};
use egui::{RichText, Ui};
use std::ops::Range;

/// The tokens of the context, or where they are to come from.
#[derive(Default)]
pub(super) enum Tokens {
    /// Nobody has asked where something stands.
    #[default]
    Unasked,
    /// Somebody has, and the tokens are being counted with this tokenizer.
    Asked(String),
    /// Here they are, by this tokenizer.
    There(String, Box<TokenEnds>),
}

impl RecordTexts {
    /// The tokens that are to be counted: the pointer or a selection is in the context.
    pub fn wanted_tokens(&mut self, tokenizer: Option<&str>) -> Option<TokensJob> {
        let tokenizer = tokenizer?;
        let is_asked = match &self.tokens {
            Tokens::Unasked => false,
            Tokens::Asked(by) | Tokens::There(by, _) => by == tokenizer,
        };
        if is_asked || self.texts[CONTEXT].pointed().is_none() {
            return None;
        }
        self.tokens = Tokens::Asked(tokenizer.to_owned());
        Some(TokensJob { text: self.texts[CONTEXT].shared(), tokenizer: tokenizer.to_owned() })
    }

    /// Takes the tokens of the context.
    pub fn take_tokens(&mut self, tokenizer: &str, ends: TokenEnds) {
        if matches!(&self.tokens, Tokens::Asked(by) if by == tokenizer) {
            self.tokens = Tokens::There(tokenizer.to_owned(), Box::new(ends));
        }
    }

    /// The line below the context.
    pub(super) fn offsets_ui(&self, ui: &mut Ui) {
        let words = offsets(&self.texts[CONTEXT], &self.tokens);
        let label = egui::Label::new(RichText::new(&words).weak().small()).truncate();
        ui.add(label).on_hover_text(format!(
            "{words}\nCounted from 0; characters are Unicode's, words are what white space parts"
        ));
    }
}

/// The place that is pointed at or selected, in words; else how long the text is.
fn offsets(text: &LongText, tokens: &Tokens) -> String {
    let ends = match tokens {
        Tokens::There(_, ends) => Some(ends),
        _ => None,
    };
    let Some(range) = text.pointed() else {
        let mut words = format!(
            "{}, {}",
            counted(text.n_chars(), "character"),
            counted(text.n_words(), "word")
        );
        if let Some(ends) = ends {
            words.push_str(&format!(", {} ({})", counted(ends.len(), "token"), named(ends)));
        }
        return words;
    };
    let unit = |name: &str, first: usize, last: usize, n: usize| {
        let all = grouped(n as u64);
        match range.is_empty() || first == last {
            true => format!("{name} {} of {all}", grouped(first as u64)),
            false => {
                let (first, last) = (grouped(first as u64), grouped(last as u64));
                format!("{name}s {first} to {last} of {all}")
            }
        }
    };
    let [first, last] = ends_of(text, &range);
    let (from, to) = (text.offset(first), text.offset(last));
    // White space behind the last word is no part of the next one.
    let black = text.text()[..last].trim_end().len();
    let is_black = text.text()[last..].chars().next().is_some_and(|c| !c.is_whitespace());
    let last_word = match is_black || black <= first {
        true => to.words,
        false => text.offset(black).words.saturating_sub(1),
    };
    let token = match (ends, tokens) {
        (Some(ends), _) => {
            let (from, to) = (ends.token_at(first), ends.token_at(last));
            format!(", {} ({})", unit("token", from, to, ends.len()), named(ends))
        }
        (None, Tokens::Asked(_)) => ", token …".to_owned(),
        (None, _) => String::new(),
    };
    format!(
        "{}, {}{token}",
        unit("char", from.chars, to.chars, text.n_chars()),
        unit("word", from.words, last_word, text.n_words()),
    )
}

/// The first byte of a range, and that of its last character.
fn ends_of(text: &LongText, range: &Range<usize>) -> [usize; 2] {
    let within = &text.text()[range.clone()];
    let last = within.char_indices().next_back().map_or(0, |(at, _)| at);
    [range.start, range.start + last]
}

fn named(ends: &TokenEnds) -> String {
    format!("{} tokenizer", ends.tokenizer)
}
