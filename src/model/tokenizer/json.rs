//! A `tokenizer.json` at work. The `tokenizers` crate does the splitting and merging; markers are
//! found by us, because it would find them in data too.

use std::ops::Range;
use std::path::Path;

use serde_json::{Value, json};
use tokenizers::Tokenizer as Inner;

use super::byte_level;
use super::sentence_piece::SPACE;
use super::special::{Finder, Literal};
use super::vocabulary::{self, Entry, Kind, Vocabulary};
use super::{Body, Parts, TokenizerError};

/// The largest known file of this kind has about 35 MB.
pub(super) const LARGEST_FILE: usize = 256 << 20;

/// The crate's tokenizer, without the parts that add tokens or cut text off.
#[derive(Debug)]
pub(super) struct JsonModel {
    first: Inner,
    /// For runs that are not at the start of the text, where that makes a difference.
    later: Option<Inner>,
    /// The text of tokens is more than their bytes in a row: spaces are put in or taken away.
    decodes_itself: bool,
}

impl JsonModel {
    /// Hands over the tokens of a run with their places in it.
    pub fn run(
        &self,
        text: &str,
        is_first: bool,
        sink: &mut dyn FnMut(u32, Range<usize>),
    ) -> Result<(), TokenizerError> {
        let inner = self.later.as_ref().filter(|_| !is_first).unwrap_or(&self.first);
        let encoding =
            inner.encode(text, false).map_err(|error| TokenizerError::Encode(error.to_string()))?;
        for (&id, &(start, end)) in encoding.get_ids().iter().zip(encoding.get_offsets()) {
            let (start, end) = (start.min(text.len()), end.min(text.len()));
            sink(id, text.floor_char_boundary(start)..text.ceil_char_boundary(end.max(start)));
        }
        Ok(())
    }

    /// The text of tokens where their bytes alone do not tell it.
    pub fn decode(&self, ids: &[u32]) -> Option<String> {
        self.decodes_itself.then(|| self.first.decode(ids, false).unwrap_or_default())
    }
}

/// Reads everything a tokenizer is made of.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Parts, TokenizerError> {
    let fail = |problem: String| TokenizerError::Json { path: path.to_path_buf(), problem };
    if bytes.len() > LARGEST_FILE {
        return Err(fail(format!("{} bytes are too many for a tokenizer", bytes.len())));
    }
    let mut file: Value = serde_json::from_slice(bytes).map_err(|error| fail(error.to_string()))?;
    check_merges(&file).map_err(fail)?;
    let added = read_added(&mut file).map_err(fail)?;
    let first = build(&file).map_err(fail)?;
    let later = match never_first(&mut file) {
        true => Some(build(&file).map_err(fail)?),
        false => None,
    };
    let style = Style::of(&file);
    let vocabulary = read_vocabulary(&first, &added, style).map_err(fail)?;
    let literals = added.iter().map(|token| token.literal.clone());
    // Blanks stay with the crate: it finds them with the rules they were made for.
    let finder = Finder::new(literals.filter(|literal| literal.is_marker));
    for Added { literal, .. } in &added {
        // The crate numbers tokens on by itself where the file leaves gaps.
        if first.token_to_id(&literal.text) != Some(literal.id) {
            let (text, id) = (&literal.text, literal.id);
            return Err(fail(format!("the id {id} of the added token `{text}` is not free")));
        }
    }
    let config = Config::beside(path);
    let id = |key| config.text(key).and_then(|text| vocabulary.id_of(&text));
    let (bos, eos) = (id("bos_token"), id("eos_token"));
    let adds_bos = bos.is_some_and(|bos| {
        let said = config.0["add_bos_token"].as_bool();
        said.unwrap_or_else(|| begins_with(&file["post_processor"], vocabulary.get(bos)))
    });
    Ok(Parts {
        finder,
        stop_ids: vocabulary.stop_ids(&[eos]),
        vocabulary,
        body: Body::Json(Box::new(JsonModel {
            first,
            later,
            decodes_itself: style != Style::ByteLevel,
        })),
        bos,
        eos,
        adds_bos,
        warnings: Vec::new(),
    })
}

/// Whether the file's own recipe for a whole text puts this token in front, as Llama 3's does, which
/// says so nowhere else.
fn begins_with(recipe: &Value, token: Option<&Entry>) -> bool {
    let Some(token) = token else { return false };
    match recipe["type"].as_str() {
        Some("Sequence") => {
            let steps = recipe["processors"].as_array();
            steps.is_some_and(|steps| steps.iter().any(|step| begins_with(step, Some(token))))
        }
        Some("TemplateProcessing") => {
            recipe["single"][0]["SpecialToken"]["id"].as_str() == Some(&token.text)
        }
        _ => false,
    }
}

struct Added {
    literal: Literal,
    is_special: bool,
}

/// Reads the added tokens and turns them all into what the crate takes for special tokens, so that
/// it does not find one in a run of text.
fn read_added(file: &mut Value) -> Result<Vec<Added>, String> {
    let Some(tokens) = file.get_mut("added_tokens").and_then(Value::as_array_mut) else {
        return Ok(Vec::new());
    };
    let mut added = Vec::new();
    for (ix, token) in tokens.iter_mut().enumerate() {
        let flag = |key: &str| token.get(key).and_then(Value::as_bool).unwrap_or(false);
        let (is_special, takes_before, takes_after) =
            (flag("special"), flag("lstrip"), flag("rstrip"));
        let id = token.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
        let text = token.get("content").and_then(Value::as_str);
        let (Some(id), Some(text)) = (id, text) else {
            return Err(format!("added token {ix} has no id or no content"));
        };
        let is_marker = is_special || !text.chars().all(char::is_whitespace);
        let literal = Literal { takes_before, takes_after, ..Literal::new(id, text, is_marker) };
        added.push(Added { literal, is_special });
        if is_marker {
            token["special"] = json!(true);
        }
    }
    Ok(added)
}

fn build(file: &Value) -> Result<Inner, String> {
    let mut inner: Inner =
        serde_json::from_value(file.clone()).map_err(|error| error.to_string())?;
    inner.with_truncation(None).map_err(|error| error.to_string())?;
    inner.with_padding(None);
    // Some post-processors cut the white space off the places even when they add no token.
    inner.with_post_processor(None::<tokenizers::PostProcessorWrapper>);
    inner.set_encode_special_tokens(true);
    Ok(inner)
}

/// The crate copies merged tokens into a buffer as long as the longest token of the vocabulary, so
/// a merge that is longer than any token must not reach it.
fn check_merges(file: &Value) -> Result<(), String> {
    let model = &file["model"];
    let Some(merges) = model["merges"].as_array() else {
        return Ok(());
    };
    let prefix = model["continuing_subword_prefix"].as_str().unwrap_or_default();
    let vocab = model["vocab"].as_object();
    let longest = vocab.into_iter().flatten().map(|(token, _)| token.len()).max().unwrap_or(0);
    for (ix, merge) in merges.iter().enumerate() {
        let pair = match merge {
            Value::String(line) => line.split_once(' '),
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(left), Value::String(right)] => {
                    Some((left.as_str(), right.as_str()))
                }
                _ => None,
            },
            _ => None,
        };
        let (left, right) = pair.ok_or_else(|| format!("merge {ix} is not two tokens"))?;
        if right.len() < prefix.len() || left.len() + right.len() - prefix.len() > longest {
            return Err(format!("merge {ix} makes a token that is not in the vocabulary"));
        }
    }
    Ok(())
}

/// Makes pre-tokenizers that put a space before the first run only put it nowhere; says whether
/// there was one.
fn never_first(node: &mut Value) -> bool {
    match node {
        Value::Array(items) => {
            items.iter_mut().map(never_first).filter(|&changed| changed).count() > 0
        }
        Value::Object(fields) => {
            let is_first = fields.get("prepend_scheme").is_some_and(|scheme| scheme == "first");
            if is_first && fields.get("type").is_some_and(|kind| kind == "Metaspace") {
                fields.insert("prepend_scheme".to_owned(), json!("never"));
                return true;
            }
            let mut changed = false;
            for key in ["pre_tokenizer", "pretokenizers"] {
                changed |= fields.get_mut(key).is_some_and(never_first);
            }
            changed
        }
        _ => false,
    }
}

/// How tokens are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    ByteLevel,
    SentencePiece,
    WordPiece,
}

impl Style {
    fn of(file: &Value) -> Self {
        if file["model"]["type"] == "WordPiece" {
            return Self::WordPiece;
        }
        let mentions = |key: &str| file[key].to_string().contains("\"ByteLevel\"");
        if mentions("decoder") || mentions("pre_tokenizer") {
            Self::ByteLevel
        } else {
            Self::SentencePiece
        }
    }

    fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Self::ByteLevel => {
                byte_level::bytes_of(text).unwrap_or_else(|| text.as_bytes().to_vec())
            }
            Self::SentencePiece => match vocabulary::spelled_byte(text) {
                Some(byte) => vec![byte],
                None => text.replace(SPACE, " ").into_bytes(),
            },
            Self::WordPiece => match text.strip_prefix("##") {
                Some(rest) => rest.as_bytes().to_vec(),
                None => format!(" {text}").into_bytes(),
            },
        }
    }
}

fn read_vocabulary(inner: &Inner, added: &[Added], style: Style) -> Result<Vocabulary, String> {
    let texts = inner.get_vocab(true);
    let n_ids = texts.values().max().map_or(0, |&id| u64::from(id) + 1);
    // Ids become places in a list, and the file may claim any number.
    let n_most = 2 * u64::try_from(texts.len()).map_err(|error| error.to_string())? + 1024;
    if texts.is_empty() || n_ids > n_most {
        return Err(format!("{} tokens with ids up to {n_ids}", texts.len()));
    }
    let gap = Entry { text: String::new(), bytes: Box::default(), kind: Kind::Gap };
    let mut entries = vec![gap; usize::try_from(n_ids).map_err(|error| error.to_string())?];
    let place = |id: u32| usize::try_from(id).unwrap_or(usize::MAX);
    for (text, id) in texts {
        let bytes = style.bytes(&text).into();
        if let Some(entry) = entries.get_mut(place(id)) {
            *entry = Entry { text, bytes, kind: Kind::Text };
        }
    }
    for Added { literal, is_special } in added {
        if let Some(entry) = entries.get_mut(place(literal.id)) {
            let (kind, bytes) = match (is_special, literal.is_marker) {
                (true, _) => (Kind::Special, Box::default()),
                (false, true) => (Kind::Marker, literal.text.as_bytes().into()),
                (false, false) => (Kind::Blank, literal.text.as_bytes().into()),
            };
            *entry = Entry { text: literal.text.clone(), bytes, kind };
        }
    }
    Ok(Vocabulary::new(entries))
}

/// `tokenizer_config.json`, where it lies beside the file.
struct Config(Value);

impl Config {
    fn beside(path: &Path) -> Self {
        let bytes = std::fs::read(path.with_file_name("tokenizer_config.json"));
        let value = bytes.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self(value.unwrap_or_default())
    }

    fn text(&self, key: &str) -> Option<String> {
        let value = &self.0[key];
        let text = value.as_str().or_else(|| value["content"].as_str());
        text.map(str::to_owned)
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "a prompt with one range of data is meant")]
mod tests {
    use super::super::Tokenizer;
    use super::*;

    fn tokenizer(file: &Value) -> Result<Tokenizer, TokenizerError> {
        let parts = read(Path::new("/nowhere/tokenizer.json"), file.to_string().as_bytes())?;
        Ok(Tokenizer::from_parts("test", parts))
    }

    fn byte_level() -> Value {
        json!({
            "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
            "added_tokens": [
                {"id": 9, "content": "<|x|>", "single_word": false, "lstrip": false,
                 "rstrip": false, "normalized": false, "special": true},
                {"id": 10, "content": "<think>", "single_word": false, "lstrip": false,
                 "rstrip": false, "normalized": false, "special": false},
            ],
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false,
                              "trim_offsets": true, "use_regex": true},
            "post_processor": {"type": "ByteLevel", "add_prefix_space": true,
                               "trim_offsets": true, "use_regex": true},
            "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
                        "use_regex": true},
            "model": {"type": "BPE", "dropout": null, "unk_token": null,
                "continuing_subword_prefix": null, "end_of_word_suffix": null,
                "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": {"a": 0, "Ġ": 1, "Ġa": 2, "<": 3, "|": 4, "x": 5, ">": 8, "Ã": 6, "©": 7},
                "merges": [["Ġ", "a"]]},
        })
    }

    #[test]
    fn markers_in_data_stay_text() {
        let tokenizer = tokenizer(&byte_level()).expect("builds");
        let ids = |tokens: Vec<super::super::Token>| -> Vec<u32> {
            tokens.iter().map(|token| token.id).collect()
        };
        assert_eq!(ids(tokenizer.encode("a<|x|> a").expect("plain")), [0, 3, 4, 5, 4, 8, 2]);
        assert_eq!(ids(tokenizer.encode_marked("a<|x|> a").expect("marked")), [0, 9, 2]);
        let text = "<|x|><|x|>";
        assert_eq!(
            ids(tokenizer.encode_prompt(text, &[5..10]).expect("prompt")),
            [9, 3, 4, 5, 4, 8]
        );
        assert_eq!(tokenizer.count("a<|x|> a").expect("count"), 7);
    }

    #[test]
    fn places_keep_their_white_space_and_their_characters() {
        let tokenizer = tokenizer(&byte_level()).expect("builds");
        let tokens = tokenizer.encode("a aé").expect("plain");
        let places: Vec<_> = tokens.iter().map(|token| token.bytes.clone()).collect();
        assert_eq!(places, [0..1, 1..3, 3..5, 3..5]);
        assert_eq!(tokenizer.token_bytes(6), [0xC3]);
        assert_eq!(tokenizer.decode(&[2, 6, 7, 9, 10]), " aé<think>");
        assert!(tokenizer.is_special(9) && !tokenizer.is_special(10));
    }

    #[test]
    fn a_space_before_the_first_run_only() {
        let mut file = byte_level();
        file["pre_tokenizer"] = json!({"type": "Metaspace", "replacement": "▁",
            "prepend_scheme": "first", "split": false});
        file["post_processor"] = Value::Null;
        file["decoder"] = json!({"type": "Metaspace", "replacement": "▁",
            "prepend_scheme": "first", "split": false});
        file["model"]["vocab"] = json!({"a": 0, "▁": 1, "▁a": 2});
        file["added_tokens"][0]["id"] = json!(3);
        file["added_tokens"][1]["id"] = json!(4);
        file["model"]["merges"] = json!(["▁ a"]);
        let tokenizer = tokenizer(&file).expect("builds");
        let tokens = tokenizer.encode_marked("a<|x|>a a").expect("marked");
        assert_eq!(tokens.iter().map(|token| token.id).collect::<Vec<_>>(), [2, 3, 0, 2]);
        assert_eq!(tokenizer.decode(&[2, 3, 0, 2]), "aa a");
    }

    #[test]
    fn hostile_files_are_errors() {
        let cases: [(&str, Value); 5] = [
            ("model", json!(3)),
            ("added_tokens", json!([{"content": "x"}])),
            ("added_tokens", json!([{"id": -1, "content": "x"}])),
            ("model", json!({"type": "BPE", "vocab": {"a": 4_000_000_000_u32}, "merges": []})),
            ("model", json!({"type": "BPE", "vocab": {"a": 0}, "merges": ["a a"]})),
        ];
        for (key, value) in cases {
            let mut file = byte_level();
            file[key] = value;
            let error = tokenizer(&file).expect_err(key).to_string();
            assert!(error.contains("tokenizer.json"), "{error}");
        }
        assert!(read(Path::new("t.json"), b"{").is_err());
        assert!(read(Path::new("t.json"), b"[]").is_err());
    }
}
