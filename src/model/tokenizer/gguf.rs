//! A tokenizer from the metadata of a GGUF file. The file is not trusted: every key is checked for
//! its type and its length before it is used.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::{Content, Value};

use super::byte_level::{self, ByteLevel};
use super::merges::{Merges, NO_TOKEN};
use super::sentence_piece::{self, LONGEST_PIECE, Piece, SentencePiece};
use super::special::Finder;
use super::split::{self, Splitter};
use super::vocabulary::{self, Entry, Kind, Vocabulary};
use super::{Body, Parts, TokenizerError};

const MODEL: &str = "tokenizer.ggml.model";
const PRE: &str = "tokenizer.ggml.pre";
const TOKENS: &str = "tokenizer.ggml.tokens";
const TOKEN_TYPE: &str = "tokenizer.ggml.token_type";
const SCORES: &str = "tokenizer.ggml.scores";
const MERGES: &str = "tokenizer.ggml.merges";
const UNKNOWN: &str = "tokenizer.ggml.unknown_token_id";

type Result<T> = std::result::Result<T, TokenizerError>;

/// Reads everything a tokenizer is made of.
pub(super) fn read(content: &Content) -> Result<Parts> {
    let metadata = Metadata { values: &content.metadata };
    let model = metadata.text(MODEL)?.ok_or_else(|| bad(MODEL, "the key is missing"))?;
    let named = NamedIds::read(&metadata)?;
    let mut warnings = Vec::new();
    let is_spm = match model {
        "gpt2" => false,
        "llama" => true,
        other => return Err(bad(MODEL, format!("the kind `{other}` is not supported"))),
    };
    let vocabulary = read_vocabulary(&metadata, &named, is_spm, &mut warnings)?;
    named.check(vocabulary.len())?;
    let (body, adds_bos) = if is_spm {
        (Body::SentencePiece(read_sentence_piece(&metadata, &vocabulary, &named)?), true)
    } else {
        let recipe = read_recipe(&metadata, &mut warnings)?;
        (
            Body::ByteLevel(read_byte_level(&metadata, &vocabulary, &named, &recipe)?),
            recipe.adds_bos,
        )
    };
    let adds_bos = metadata.flag("tokenizer.ggml.add_bos_token")?.unwrap_or(adds_bos);
    Ok(Parts {
        finder: Finder::new(vocabulary.literals()),
        stop_ids: vocabulary.stop_ids(&[named.eos, named.eot, named.eom]),
        vocabulary,
        body,
        bos: named.bos,
        eos: named.eos,
        adds_bos: adds_bos && named.bos.is_some(),
        warnings,
    })
}

fn read_vocabulary(
    metadata: &Metadata<'_>,
    named: &NamedIds,
    is_spm: bool,
    warnings: &mut Vec<String>,
) -> Result<Vocabulary> {
    let texts = metadata.texts(TOKENS)?.ok_or_else(|| bad(TOKENS, "the key is missing"))?;
    if texts.is_empty() || u32::try_from(texts.len()).is_err() {
        return Err(bad(TOKENS, format!("a vocabulary cannot have {} tokens", texts.len())));
    }
    let types = metadata.integers(TOKEN_TYPE)?;
    if let Some(types) = &types {
        same_length(TOKEN_TYPE, types.len(), texts.len())?;
    } else {
        warnings.push(format!("{TOKEN_TYPE} is missing: control tokens are told by their names"));
    }
    let entries = texts.iter().enumerate().map(|(ix, &text)| {
        let token_type = types.as_ref().map_or(1, |types| types[ix]);
        let is_named = named.has(ix) || vocabulary::END_OF_TURN.contains(&text);
        // Some files mark such tokens as plain text; llama.cpp overrides them too.
        let is_control = is_named && vocabulary::looks_like_marker(text);
        let kind = match token_type {
            2 | 3 => Kind::Special,
            _ if is_control => Kind::Special,
            4 if text.chars().all(char::is_whitespace) => Kind::Blank,
            4 => Kind::Marker,
            _ => Kind::Text,
        };
        let bytes = match kind {
            Kind::Special | Kind::Gap => Vec::new(),
            _ if is_spm => match vocabulary::spelled_byte(text) {
                Some(byte) => vec![byte],
                None => text.replace(sentence_piece::SPACE, " ").into_bytes(),
            },
            Kind::Marker | Kind::Blank => text.as_bytes().to_vec(),
            Kind::Text => byte_level::bytes_of(text).unwrap_or_else(|| text.as_bytes().to_vec()),
        };
        Entry { text: text.to_owned(), bytes: bytes.into(), kind }
    });
    Ok(Vocabulary::new(entries.collect()))
}

fn read_recipe(metadata: &Metadata<'_>, warnings: &mut Vec<String>) -> Result<split::Recipe> {
    let pre = metadata.text(PRE)?;
    if pre.is_none() {
        warnings.push(format!("{PRE} is missing: text is split in the default way"));
    }
    if let Some(recipe) = split::recipe(pre.unwrap_or("default")) {
        return Ok(recipe);
    }
    let name = pre.unwrap_or_default();
    warnings.push(format!(
        "{PRE} is `{name}`, which is not known: text is split in the default way, \
         and token counts may be wrong"
    ));
    split::recipe("default").ok_or_else(|| bad(PRE, "there is no default way to split text"))
}

fn read_byte_level(
    metadata: &Metadata<'_>,
    vocabulary: &Vocabulary,
    named: &NamedIds,
    recipe: &split::Recipe,
) -> Result<ByteLevel> {
    let lines = metadata.texts(MERGES)?.ok_or_else(|| bad(MERGES, "the key is missing"))?;
    let mut merges = Merges::with_capacity(lines.len());
    let mut merged = String::new();
    for ((ix, line), rank) in lines.iter().enumerate().zip(0..) {
        let (left, right) = line
            .split_once(' ')
            .filter(|(left, right)| !left.is_empty() && !right.is_empty())
            .ok_or_else(|| bad(MERGES, format!("entry {ix} `{line}` is not two tokens")))?;
        merged.clear();
        merged.push_str(left);
        merged.push_str(right);
        let id = |token: &str| {
            vocabulary
                .id_of(token)
                .ok_or_else(|| bad(MERGES, format!("entry {ix}: `{token}` is not in {TOKENS}")))
        };
        let (left, right, into) = (id(left)?, id(right)?, id(&merged)?);
        // Plain text must never become a control token, whatever the merges say.
        if vocabulary.is(into, Kind::Text) {
            merges.insert(left, right, rank, into);
        }
    }
    let mut byte_ids = Box::new([NO_TOKEN; 256]);
    let mut whole_pieces = HashMap::new();
    let is_asked = metadata.flag("tokenizer.ggml.ignore_merges")?;
    let keeps_pieces = is_asked.unwrap_or(recipe.whole_pieces);
    for id in (0..).take(vocabulary.len()) {
        let Some(entry) = vocabulary.get(id).filter(|entry| entry.kind == Kind::Text) else {
            continue;
        };
        if let (&[byte], true) = (&*entry.bytes, entry.text.chars().count() == 1) {
            byte_ids[usize::from(byte)] = id;
        }
        if keeps_pieces && byte_level::bytes_of(&entry.text).is_some() {
            whole_pieces.insert(entry.bytes.clone(), id);
        }
    }
    let splitter = Splitter::new(recipe).map_err(|problem| bad(PRE, problem))?;
    let nfc = recipe.nfc;
    Ok(ByteLevel {
        splitter,
        merges,
        byte_ids,
        whole_pieces,
        nfc,
        unknown: unknown_text(vocabulary, named),
    })
}

/// A byte without a token becomes the unknown token only where that is really one, not where the
/// key names a control token for lack of a better one (SmolLM2: the end of a text).
fn unknown_text(vocabulary: &Vocabulary, named: &NamedIds) -> Option<u32> {
    let id = named.unknown?;
    let text = &vocabulary.get(id)?.text;
    text.to_ascii_lowercase().contains("unk").then_some(id)
}

fn read_sentence_piece(
    metadata: &Metadata<'_>,
    vocabulary: &Vocabulary,
    named: &NamedIds,
) -> Result<SentencePiece> {
    let scores = metadata.scores()?.ok_or_else(|| bad(SCORES, "the key is missing"))?;
    same_length(SCORES, scores.len(), vocabulary.len())?;
    let mut pieces = Vec::new();
    let mut byte_ids = Box::new([None; 256]);
    for (id, &score) in (0..).zip(&scores) {
        let Some(entry) = vocabulary.get(id).filter(|entry| entry.kind == Kind::Text) else {
            continue;
        };
        if let Some(byte) = vocabulary::spelled_byte(&entry.text) {
            byte_ids[usize::from(byte)] = Some(id);
            continue;
        }
        if entry.text.len() > LONGEST_PIECE {
            let problem = format!("token {id} has {} bytes", entry.text.len());
            return Err(bad(TOKENS, problem));
        }
        if vocabulary.id_of(&entry.text) == Some(id) && !entry.text.is_empty() {
            pieces.push(Piece { id, text: &entry.text, score });
        }
    }
    let space_prefix = metadata.flag("tokenizer.ggml.add_space_prefix")?.unwrap_or(true);
    let unknown = unknown_text(vocabulary, named);
    Ok(SentencePiece::new(pieces, byte_ids, unknown, space_prefix))
}

/// Tokens that have a key of their own.
struct NamedIds {
    bos: Option<u32>,
    eos: Option<u32>,
    eot: Option<u32>,
    eom: Option<u32>,
    unknown: Option<u32>,
}

impl NamedIds {
    const KEYS: [&str; 5] = [
        "tokenizer.ggml.bos_token_id",
        "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.eot_token_id",
        "tokenizer.ggml.eom_token_id",
        UNKNOWN,
    ];

    fn read(metadata: &Metadata<'_>) -> Result<Self> {
        let [bos, eos, eot, eom, unknown] = Self::KEYS.map(|key| metadata.id(key));
        Ok(Self { bos: bos?, eos: eos?, eot: eot?, eom: eom?, unknown: unknown? })
    }

    fn all(&self) -> [Option<u32>; 5] {
        [self.bos, self.eos, self.eot, self.eom, self.unknown]
    }

    fn has(&self, ix: usize) -> bool {
        self.all().iter().flatten().any(|&id| usize::try_from(id) == Ok(ix))
    }

    fn check(&self, n_tokens: usize) -> Result<()> {
        for (key, id) in Self::KEYS.iter().zip(self.all()) {
            if let Some(id) = id.filter(|&id| usize::try_from(id).is_ok_and(|ix| ix >= n_tokens)) {
                return Err(bad(key, format!("{id} is beyond the {n_tokens} tokens")));
            }
        }
        Ok(())
    }
}

/// The metadata with the type of each value checked.
struct Metadata<'c> {
    values: &'c HashMap<String, Value>,
}

impl<'c> Metadata<'c> {
    fn text(&self, key: &str) -> Result<Option<&'c str>> {
        match self.values.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(key, "a text", other)),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>> {
        match self.values.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(wrong_type(key, "true or false", other)),
        }
    }

    fn id(&self, key: &str) -> Result<Option<u32>> {
        let Some(value) = self.values.get(key) else {
            return Ok(None);
        };
        let number = integer(value).ok_or_else(|| wrong_type(key, "a whole number", value))?;
        // Some writers say "none" with -1, signed or not.
        if number == -1 || number == i64::from(u32::MAX) {
            return Ok(None);
        }
        let id = u32::try_from(number);
        id.map(Some).map_err(|_| bad(key, format!("{number} is not the number of a token")))
    }

    fn array(&self, key: &str) -> Result<Option<&'c [Value]>> {
        match self.values.get(key) {
            None => Ok(None),
            Some(Value::Array(values)) => Ok(Some(values)),
            Some(other) => Err(wrong_type(key, "a list", other)),
        }
    }

    fn list<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl Fn(&'c Value) -> Option<T>,
    ) -> Result<Option<Vec<T>>> {
        let Some(values) = self.array(key)? else {
            return Ok(None);
        };
        let items = values.iter().enumerate().map(|(ix, value)| {
            read(value).ok_or_else(|| {
                bad(key, format!("entry {ix} is not {wanted} but {:?}", value.value_type()))
            })
        });
        items.collect::<Result<_>>().map(Some)
    }

    fn texts(&self, key: &str) -> Result<Option<Vec<&'c str>>> {
        self.list(key, "a text", |value| match value {
            Value::String(text) => Some(text.as_str()),
            _ => None,
        })
    }

    fn integers(&self, key: &str) -> Result<Option<Vec<i64>>> {
        self.list(key, "a whole number", integer)
    }

    fn scores(&self) -> Result<Option<Vec<f32>>> {
        self.list(SCORES, "a number", |value| match value {
            Value::F32(score) if !score.is_nan() => Some(*score),
            _ => None,
        })
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::U8(number) => Some(i64::from(*number)),
        Value::I8(number) => Some(i64::from(*number)),
        Value::U16(number) => Some(i64::from(*number)),
        Value::I16(number) => Some(i64::from(*number)),
        Value::U32(number) => Some(i64::from(*number)),
        Value::I32(number) => Some(i64::from(*number)),
        Value::U64(number) => i64::try_from(*number).ok(),
        Value::I64(number) => Some(*number),
        _ => None,
    }
}

fn same_length(key: &'static str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(bad(key, format!("it has {found} entries for {expected} tokens")))
}

fn wrong_type(key: &str, wanted: &str, found: &Value) -> TokenizerError {
    bad(key, format!("it is not {wanted} but {:?}", found.value_type()))
}

fn bad(key: &str, problem: impl Into<String>) -> TokenizerError {
    TokenizerError::Key { key: key.to_owned(), problem: problem.into() }
}
