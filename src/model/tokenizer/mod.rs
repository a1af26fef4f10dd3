//! Text into tokens and back, with the place of every token in its text.
//!
//! Reads the vocabulary of a GGUF file or a `tokenizer.json`. Text of data is kept apart from
//! markers of a conversation (`<|im_start|>`): data never becomes a marker. How a conversation is
//! written is for `chat_template`; what a prompt says is for `prompt`.

mod byte_level;
mod gguf;
mod json;
mod merges;
mod normal_form;
mod sentence_piece;
mod special;
mod split;
mod utf8_stream;
mod vocabulary;

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::quantized::gguf_file::Content;

use self::byte_level::ByteLevel;
use self::json::JsonModel;
use self::sentence_piece::SentencePiece;
use self::special::{Finder, Markers, Part};
use self::vocabulary::{Kind, Vocabulary};

pub use self::utf8_stream::Utf8Stream;

/// Why a tokenizer could not be read, or a text not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The file could not be read.
    #[error("reading the tokenizer {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file claims to be GGUF, but its header is not.
    #[error("reading the GGUF header of {}: {source}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        source: candle_core::Error,
    },
    /// A key of the metadata is missing or cannot be used.
    #[error("building the tokenizer from the key `{key}` of the GGUF metadata: {problem}")]
    Key {
        /// The key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The `tokenizer.json` cannot be used.
    #[error("building the tokenizer from {}: {problem}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A text was refused.
    #[error("splitting a text into tokens: {0}")]
    Encode(String),
    /// A range of data does not lie in its text.
    #[error("splitting a prompt of {len} bytes into tokens: data at {start}..{end} is not in it")]
    Data {
        /// Where the data is said to start.
        start: usize,
        /// Where it is said to end.
        end: usize,
        /// The length of the prompt.
        len: usize,
    },
}

/// One token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its number in the vocabulary.
    pub id: u32,
    /// The bytes of the text that it stands for. Tokens that share a character each have the whole
    /// of it; a space that the tokenizer puts before a text stands for nothing.
    pub bytes: Range<usize>,
}

/// A vocabulary and the rules by which it cuts text. Clones share it.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    name: Arc<str>,
    parts: Arc<Parts>,
}

#[derive(Debug)]
struct Parts {
    vocabulary: Vocabulary,
    finder: Finder,
    body: Body,
    bos: Option<u32>,
    eos: Option<u32>,
    stop_ids: Vec<u32>,
    adds_bos: bool,
    warnings: Vec<String>,
}

#[derive(Debug)]
enum Body {
    ByteLevel(ByteLevel),
    SentencePiece(SentencePiece),
    Json(Box<JsonModel>),
}

type Result<T> = std::result::Result<T, TokenizerError>;

impl Tokenizer {
    /// The tokenizer of a model, from the metadata of its file.
    pub fn from_gguf(content: &Content, name: &str) -> Result<Self> {
        Ok(Self::from_parts(name, gguf::read(content)?))
    }

    /// The tokenizer in a file, told by content: a GGUF model or a `tokenizer.json`.
    pub fn from_file(path: &Path) -> Result<Self> {
        let open = |source| TokenizerError::Open { path: path.to_path_buf(), source };
        let mut file = BufReader::new(File::open(path).map_err(open)?);
        let mut magic = Vec::new();
        file.by_ref().take(4).read_to_end(&mut magic).map_err(open)?;
        file.rewind().map_err(open)?;
        let parts = if magic == b"GGUF" {
            let header = |source| TokenizerError::Header { path: path.to_path_buf(), source };
            gguf::read(&Content::read(&mut file).map_err(header)?)?
        } else {
            let limit = u64::try_from(json::LARGEST_FILE).unwrap_or(u64::MAX);
            let mut bytes = Vec::new();
            file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(open)?;
            json::read(path, &bytes)?
        };
        Ok(Self::from_parts(&name_of(path), parts))
    }

    /// A tokenizer whose tokens are the 256 bytes, for scripted models.
    pub fn bytes(name: &str) -> Result<Self> {
        let alphabet = (0..=char::MAX as u32).filter_map(char::from_u32);
        let vocabulary: serde_json::Map<String, serde_json::Value> = alphabet
            .take_while(|c| u32::from(*c) < 0x200)
            .filter_map(|c| Some((c.to_string(), byte_level::byte_of(c)?.into())))
            .collect();
        let byte_level = serde_json::json!({
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false,
        });
        let file = serde_json::json!({
            "model": {"type": "BPE", "vocab": vocabulary, "merges": []},
            "pre_tokenizer": byte_level,
            "decoder": byte_level,
        });
        let parts = json::read(Path::new(name), file.to_string().as_bytes())?;
        Ok(Self::from_parts(name, parts))
    }

    fn from_parts(name: &str, parts: Parts) -> Self {
        Self { name: name.into(), parts: Arc::new(parts) }
    }

    /// What to call it on an axis: the model's name, or the stem of its file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is doubtful about it: token counts may differ from the model's own.
    pub fn warnings(&self) -> &[String] {
        &self.parts.warnings
    }

    /// The number of tokens, control tokens included.
    pub fn vocab_size(&self) -> usize {
        self.parts.vocabulary.len()
    }

    /// The tokens of plain text, as data is: no marker is added, and none is read in it.
    pub fn encode(&self, text: &str) -> Result<Vec<Token>> {
        self.collect(text, Markers::Nowhere)
    }

    /// The tokens of text in which every marker is read as such; none is added.
    pub fn encode_marked(&self, text: &str) -> Result<Vec<Token>> {
        self.collect(text, Markers::Everywhere)
    }

    /// The tokens of a whole prompt. Markers are read only outside the ranges of `data`; what lies
    /// between two markers is one piece of text, whoever wrote it.
    pub fn encode_prompt(&self, text: &str, data: &[Range<usize>]) -> Result<Vec<Token>> {
        for range in data {
            if range.start > range.end || range.end > text.len() {
                let (start, end) = (range.start, range.end);
                return Err(TokenizerError::Data { start, end, len: text.len() });
            }
        }
        self.collect(text, Markers::Outside(&disjoint(data)))
    }

    /// The number of tokens of plain text: `encode(text).len()`.
    pub fn count(&self, text: &str) -> Result<usize> {
        let mut n_tokens = 0;
        self.walk(text, Markers::Nowhere, &mut |_, _| n_tokens += 1)?;
        Ok(n_tokens)
    }

    /// The text of tokens. Control tokens have none; what is not UTF-8 becomes U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        if let Body::Json(model) = &self.parts.body
            && let Some(text) = model.decode(&self.without_special(ids))
        {
            return text;
        }
        let entries = ids.iter().filter_map(|&id| self.parts.vocabulary.get(id));
        let bytes: Vec<u8> = entries.flat_map(|entry| entry.bytes.iter().copied()).collect();
        let text = String::from_utf8_lossy(&bytes);
        let has_prefix = matches!(&self.parts.body, Body::SentencePiece(m) if m.has_space_prefix());
        let text = if has_prefix { text.strip_prefix(' ').unwrap_or(&text) } else { &text };
        text.to_owned()
    }

    fn without_special(&self, ids: &[u32]) -> Vec<u32> {
        ids.iter().copied().filter(|&id| !self.is_special(id)).collect()
    }

    /// The exact bytes that one token adds to a text, which may be a part of a character: see
    /// [`Utf8Stream`]. None for control tokens and for numbers outside the vocabulary.
    pub fn token_bytes(&self, id: u32) -> Vec<u8> {
        self.parts.vocabulary.get(id).map_or_else(Vec::new, |entry| entry.bytes.to_vec())
    }

    /// A token as the vocabulary writes it.
    pub fn token_text(&self, id: u32) -> Option<&str> {
        self.parts.vocabulary.get(id).map(|entry| entry.text.as_str())
    }

    /// The number of a token, written as the vocabulary writes it.
    pub fn id_of(&self, token: &str) -> Option<u32> {
        self.parts.vocabulary.id_of(token)
    }

    /// Whether a token is a control token, which has no text.
    pub fn is_special(&self, id: u32) -> bool {
        self.parts.vocabulary.is(id, Kind::Special)
    }

    /// The token that starts a sequence.
    pub fn bos(&self) -> Option<u32> {
        self.parts.bos
    }

    /// The token that ends a sequence.
    pub fn eos(&self) -> Option<u32> {
        self.parts.eos
    }

    /// The tokens that end a reply: the named ones first, then the well-known ones.
    pub fn stop_ids(&self) -> &[u32] {
        &self.parts.stop_ids
    }

    /// Whether the model expects BOS before every sequence. Nothing here adds it.
    pub fn adds_bos(&self) -> bool {
        self.parts.adds_bos
    }

    fn collect(&self, text: &str, markers: Markers<'_>) -> Result<Vec<Token>> {
        let mut tokens = Vec::new();
        self.walk(text, markers, &mut |id, bytes| tokens.push(Token { id, bytes }))?;
        Ok(tokens)
    }

    fn walk(
        &self,
        text: &str,
        markers: Markers<'_>,
        sink: &mut dyn FnMut(u32, Range<usize>),
    ) -> Result<()> {
        for part in self.parts.finder.parts(text, markers) {
            let run = match part {
                Part::Token { id, bytes } => {
                    sink(id, bytes);
                    continue;
                }
                Part::Run(run) => run,
            };
            let at = run.start;
            let mut place = |id, bytes: Range<usize>| sink(id, at + bytes.start..at + bytes.end);
            match &self.parts.body {
                Body::ByteLevel(model) => model.run(&text[run], &mut place),
                // As in llama.cpp, the space comes before every run, not only before the first.
                Body::SentencePiece(model) => model.run(&text[run], &mut place),
                Body::Json(model) => model.run(&text[run], at == 0, &mut place)?,
            }
        }
        Ok(())
    }
}

/// Ranges in ascending order that do not touch; empty ones hold no text and are left out.
fn disjoint(ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut sorted: Vec<_> = ranges.iter().filter(|range| !range.is_empty()).cloned().collect();
    sorted.sort_by_key(|range| range.start);
    let mut disjoint: Vec<Range<usize>> = Vec::new();
    for range in sorted {
        match disjoint.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => disjoint.push(range),
        }
    }
    disjoint
}

/// The stem of a file, or its folder where the file is called like all of its kind.
fn name_of(path: &Path) -> String {
    let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    let stem = path.file_stem().map(text).unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).map(text);
    match folder {
        Some(folder) if stem == "tokenizer" => folder,
        _ => stem,
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a prompt with one range of data is meant")]
mod tests;
