//! Tests on vocabularies small enough to reckon with by hand.

use std::collections::HashMap;

use candle_core::quantized::gguf_file::{Value, VersionedMagic};

use super::*;

fn content(entries: &[(&str, Value)]) -> Content {
    let metadata = entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
    Content {
        magic: VersionedMagic::GgufV3,
        metadata: metadata.collect(),
        tensor_infos: HashMap::new(),
        tensor_data_offset: 0,
    }
}

fn texts(texts: &[&str]) -> Value {
    Value::Array(texts.iter().map(|text| Value::String((*text).to_owned())).collect())
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

/// The 256 bytes in GPT-2's alphabet, then what the merges make, then the others.
fn byte_level_entries(pre: &str) -> Vec<(&'static str, Value)> {
    let alphabet: Vec<String> = (0..0x144)
        .filter_map(char::from_u32)
        .filter(|&c| byte_level::byte_of(c).is_some())
        .map(String::from)
        .collect();
    let merges = ["Ġ a", "a b", "Ã ©", "> <", "b c", "ab c"];
    let mut tokens: Vec<&str> = alphabet.iter().map(String::as_str).collect();
    let merged: Vec<String> = merges.iter().map(|merge| merge.replace(' ', "")).collect();
    tokens.extend(merged.iter().map(String::as_str));
    tokens.extend(["<|im_start|>", "<|im_end|>", "<think>", "\n\n", "<|im_start|>ab"]);
    let n_text = 256 + merges.len();
    let types = (0..tokens.len()).map(|ix| match ix {
        ix if ix < n_text => 1,
        ix if ix < n_text + 2 || ix == n_text + 4 => 3,
        _ => 4,
    });
    vec![
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.pre", text(pre)),
        ("tokenizer.ggml.tokens", texts(&tokens)),
        ("tokenizer.ggml.token_type", Value::Array(types.map(Value::I32).collect())),
        ("tokenizer.ggml.merges", texts(&merges)),
        ("tokenizer.ggml.eos_token_id", Value::U32(263)),
    ]
}

fn byte_level(pre: &str) -> Tokenizer {
    Tokenizer::from_gguf(&content(&byte_level_entries(pre)), "small").expect("builds")
}

fn spelled(tokenizer: &Tokenizer, tokens: &[Token]) -> Vec<String> {
    tokens.iter().map(|token| tokenizer.token_text(token.id).unwrap_or("?").to_owned()).collect()
}

#[test]
fn byte_level_text_merges_by_rank() {
    let tokenizer = byte_level("gpt-2");
    let tokens = tokenizer.encode("abc ab é").expect("plain");
    assert_eq!(spelled(&tokenizer, &tokens), ["abc", "Ġa", "b", "Ġ", "Ã©"]);
    let places: Vec<_> = tokens.into_iter().map(|token| token.bytes).collect();
    assert_eq!(places, [0..3, 3..5, 5..6, 6..7, 7..9]);
    assert_eq!(tokenizer.vocab_size(), 267);
    assert_eq!(tokenizer.name(), "small");
    assert!(tokenizer.warnings().is_empty());
}

#[test]
fn llama3_takes_whole_pieces_before_merges() {
    let mut entries = byte_level_entries("llama-bpe");
    // "bca" is a token that no merge makes.
    for (key, value) in &mut entries {
        let Value::Array(values) = value else {
            continue;
        };
        match *key {
            "tokenizer.ggml.tokens" => values.push(text("bca")),
            "tokenizer.ggml.token_type" => values.push(Value::I32(1)),
            _ => {}
        }
    }
    let tokenizer = Tokenizer::from_gguf(&content(&entries), "small").expect("builds");
    let tokens = tokenizer.encode("bca").expect("plain");
    assert_eq!(spelled(&tokenizer, &tokens), ["bca"]);
    entries[1].1 = text("gpt-2");
    let tokenizer = Tokenizer::from_gguf(&content(&entries), "small").expect("builds");
    let tokens = tokenizer.encode("bca").expect("plain");
    assert_eq!(spelled(&tokenizer, &tokens), ["bc", "a"]);
}

#[test]
fn tokens_of_one_character_each_have_all_of_it() {
    let tokenizer = byte_level("smollm");
    let tokens = tokenizer.encode("a🙂东").expect("plain");
    let places: Vec<_> = tokens.iter().map(|token| token.bytes.clone()).collect();
    assert_eq!(places, [0..1, 1..5, 1..5, 1..5, 1..5, 5..8, 5..8, 5..8]);
    let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
    assert_eq!(tokenizer.decode(&ids), "a🙂东");
    let mut stream = Utf8Stream::new();
    let streamed: Vec<String> =
        ids.iter().map(|&id| stream.push(&tokenizer.token_bytes(id))).collect();
    assert_eq!(streamed, ["a", "", "", "", "🙂", "", "", "东"]);
}

#[test]
fn qwen2_composes_and_keeps_the_places_of_the_original() {
    let tokenizer = byte_level("qwen2");
    let tokens = tokenizer.encode("ae\u{301}b").expect("plain");
    assert_eq!(spelled(&tokenizer, &tokens), ["a", "Ã©", "b"]);
    let places: Vec<_> = tokens.into_iter().map(|token| token.bytes).collect();
    assert_eq!(places, [0..1, 1..4, 4..5]);
    let as_it_is = byte_level("gpt-2").encode("ae\u{301}b").expect("plain");
    assert_eq!(as_it_is.len(), 5);
}

#[test]
fn data_never_becomes_a_marker() {
    let tokenizer = byte_level("smollm");
    let marked = "<|im_start|>a<|im_end|><think>";
    let tokens = tokenizer.encode_marked(marked).expect("marked");
    assert_eq!(spelled(&tokenizer, &tokens), ["<|im_start|>", "a", "<|im_end|>", "<think>"]);
    let plain = tokenizer.encode(marked).expect("plain");
    assert!(plain.iter().all(|token| !tokenizer.is_special(token.id)));
    assert_eq!(plain.len(), tokenizer.count(marked).expect("count"));
    assert_eq!(tokenizer.decode(&plain.iter().map(|t| t.id).collect::<Vec<_>>()), marked);

    let data = 13..marked.len();
    let tokens = tokenizer.encode_prompt(marked, std::slice::from_ref(&data)).expect("prompt");
    // The longest marker reaches into the data, so the shorter one is read.
    let longer = tokenizer.encode_prompt("<|im_start|>ab<|im_end|>", &[13..14]).expect("prompt");
    assert_eq!(spelled(&tokenizer, &longer), ["<|im_start|>", "ab", "<|im_end|>"]);
    assert_eq!(spelled(&tokenizer, &tokens)[..2], ["<|im_start|>", "a"]);
    assert!(tokens[1..].iter().all(|token| !tokenizer.is_special(token.id)));
}

#[test]
fn merges_cross_the_border_of_data_and_template() {
    let tokenizer = byte_level("gpt-2");
    let tokens = tokenizer.encode_prompt("abc<|im_end|>", &[1..2]).expect("prompt");
    assert_eq!(spelled(&tokenizer, &tokens), ["abc", "<|im_end|>"]);
    // Half of a marker in data and half outside is no marker.
    let tokens = tokenizer.encode_prompt("<|im_end|>", &[0..3]).expect("prompt");
    assert!(tokens.len() > 1);
    // Neither is an empty range of data in the way of one.
    let tokens = tokenizer.encode_prompt("<|im_end|>", &[3..3]).expect("prompt");
    assert_eq!(tokens.len(), 1);
}

#[test]
fn ranges_of_data_may_be_in_any_order_but_not_outside() {
    let tokenizer = byte_level("gpt-2");
    let text = "<think>a<think>b<think>";
    let tokens = tokenizer.encode_prompt(text, &[16..23, 0..3, 2..7]).expect("prompt");
    let n_markers = tokens.iter().filter(|token| tokenizer.token_text(token.id) == Some("<think>"));
    assert_eq!(n_markers.count(), 1);
    for bad in [(4, 2), (0, 24)] {
        let error = tokenizer.encode_prompt(text, &[bad.0..bad.1]).expect_err("refused");
        assert!(matches!(error, TokenizerError::Data { len: 23, .. }));
    }
}

#[test]
fn added_white_space_is_text() {
    let tokenizer = byte_level("gpt-2");
    let tokens = tokenizer.encode("a\n\n\nb").expect("plain");
    assert_eq!(spelled(&tokenizer, &tokens), ["a", "\n\n", "Ċ", "b"]);
    assert_eq!(tokenizer.decode(&[265, 264]), "\n\n<think>");
}

#[test]
fn stops_are_the_named_and_the_known_control_tokens() {
    let mut entries = byte_level_entries("smollm");
    assert_eq!(byte_level("smollm").stop_ids(), [263]);
    entries.push(("tokenizer.ggml.eot_token_id", Value::I32(262)));
    let tokenizer = Tokenizer::from_gguf(&content(&entries), "small").expect("builds");
    assert_eq!(tokenizer.stop_ids(), [263, 262]);
    assert_eq!((tokenizer.bos(), tokenizer.eos()), (None, Some(263)));
    assert!(!tokenizer.adds_bos());
    assert!(tokenizer.token_bytes(263).is_empty() && tokenizer.token_bytes(9999).is_empty());
    assert_eq!(tokenizer.decode(&[263, 64, 9999]), "a");
}

#[test]
fn what_is_not_known_is_a_warning() {
    let tokenizer = byte_level("brand-new");
    assert!(tokenizer.warnings().iter().any(|warning| warning.contains("brand-new")));
    assert!(tokenizer.encode("ab 12").is_ok());
    let entries: Vec<_> = byte_level_entries("smollm")
        .into_iter()
        .filter(|(key, _)| *key != "tokenizer.ggml.token_type")
        .collect();
    let tokenizer = Tokenizer::from_gguf(&content(&entries), "small").expect("builds");
    assert!(tokenizer.warnings().iter().any(|warning| warning.contains("token_type")));
    assert!(tokenizer.is_special(263) && !tokenizer.is_special(64));
}

fn sentence_piece_entries() -> Vec<(&'static str, Value)> {
    let tokens = [
        "<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>", "▁", "a", "b", "▁a", "ab", "<", "s", ">", "<s",
        "s>", "▁ab",
    ];
    let scores = [0., 0., 0., 0., 0., -9., -9., -9., -2., -1., -9., -9., -9., -4., -5., -3.];
    let types = [2, 3, 3, 6, 6, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    vec![
        ("tokenizer.ggml.model", text("llama")),
        ("tokenizer.ggml.tokens", texts(&tokens)),
        ("tokenizer.ggml.scores", Value::Array(scores.map(Value::F32).to_vec())),
        ("tokenizer.ggml.token_type", Value::Array(types.map(Value::I32).to_vec())),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
        ("tokenizer.ggml.eos_token_id", Value::U32(2)),
        ("tokenizer.ggml.unknown_token_id", Value::U32(0)),
    ]
}

#[test]
fn sentence_piece_spells_spaces_and_bytes() {
    let mut entries = sentence_piece_entries();
    let tokenizer = Tokenizer::from_gguf(&content(&entries), "spm").expect("builds");
    assert!(tokenizer.adds_bos());
    let tokens = tokenizer.encode("ab aéξ").expect("plain");
    let expected = ["▁ab", "▁a", "<0xC3>", "<0xA9>", "<unk>"];
    assert_eq!(spelled(&tokenizer, &tokens), expected);
    let places: Vec<_> = tokens.iter().map(|token| token.bytes.clone()).collect();
    assert_eq!(places, [0..2, 2..4, 4..6, 4..6, 6..8]);
    let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
    assert_eq!(tokenizer.decode(&ids[..4]), "ab aé");
    assert_eq!(tokenizer.token_bytes(8), b" a");
    // Plain text that spells a control token does not become it, although its parts are pieces.
    let plain = tokenizer.encode("<s>").expect("plain");
    assert_eq!(spelled(&tokenizer, &plain), ["▁", "<s", ">"]);
    let marked = tokenizer.encode_marked("<s>a</s>a").expect("marked");
    assert_eq!(spelled(&tokenizer, &marked), ["<s>", "▁a", "</s>", "▁a"]);

    entries.push(("tokenizer.ggml.add_space_prefix", Value::Bool(false)));
    let tokenizer = Tokenizer::from_gguf(&content(&entries), "spm").expect("builds");
    let tokens = tokenizer.encode("ab a").expect("plain");
    assert_eq!(spelled(&tokenizer, &tokens), ["ab", "▁a"]);
}

#[test]
fn hostile_metadata_is_an_error_that_names_the_key() {
    let spm = ("tokenizer.ggml.model", text("llama"));
    let long = "a".repeat(2000);
    let cases: Vec<(&str, Vec<(&str, Value)>)> = vec![
        ("tokenizer.ggml.model", vec![("tokenizer.ggml.model", Value::U32(1))]),
        ("tokenizer.ggml.model", vec![("tokenizer.ggml.model", text("bert"))]),
        ("tokenizer.ggml.pre", vec![("tokenizer.ggml.pre", Value::Bool(true))]),
        ("tokenizer.ggml.tokens", vec![("tokenizer.ggml.tokens", texts(&[]))]),
        ("tokenizer.ggml.tokens", vec![("tokenizer.ggml.tokens", text("a"))]),
        (
            "tokenizer.ggml.tokens",
            vec![("tokenizer.ggml.tokens", Value::Array(vec![Value::U8(1)]))],
        ),
        ("tokenizer.ggml.token_type", vec![("tokenizer.ggml.token_type", texts(&["a"]))]),
        (
            "tokenizer.ggml.token_type",
            vec![("tokenizer.ggml.token_type", Value::Array(vec![Value::I32(1)]))],
        ),
        ("tokenizer.ggml.merges", vec![("tokenizer.ggml.merges", texts(&["ab"]))]),
        ("tokenizer.ggml.merges", vec![("tokenizer.ggml.merges", texts(&["a "]))]),
        ("tokenizer.ggml.merges", vec![("tokenizer.ggml.merges", texts(&[" a"]))]),
        ("tokenizer.ggml.merges", vec![("tokenizer.ggml.merges", texts(&["a z"]))]),
        ("tokenizer.ggml.merges", vec![("tokenizer.ggml.merges", texts(&["a 东"]))]),
        ("tokenizer.ggml.eos_token_id", vec![("tokenizer.ggml.eos_token_id", Value::U32(267))]),
        ("tokenizer.ggml.eos_token_id", vec![("tokenizer.ggml.eos_token_id", Value::I32(-7))]),
        ("tokenizer.ggml.bos_token_id", vec![("tokenizer.ggml.bos_token_id", text("1"))]),
        (
            "tokenizer.ggml.bos_token_id",
            vec![("tokenizer.ggml.bos_token_id", Value::U64(u64::MAX))],
        ),
        ("tokenizer.ggml.add_bos_token", vec![("tokenizer.ggml.add_bos_token", Value::U8(1))]),
        ("tokenizer.ggml.scores", vec![spm.clone()]),
        (
            "tokenizer.ggml.scores",
            vec![spm.clone(), ("tokenizer.ggml.scores", Value::Array(vec![Value::F32(0.0)]))],
        ),
        (
            "tokenizer.ggml.scores",
            vec![
                spm.clone(),
                ("tokenizer.ggml.scores", Value::Array(vec![Value::F32(f32::NAN); 267])),
            ],
        ),
        (
            "tokenizer.ggml.tokens",
            vec![
                spm,
                ("tokenizer.ggml.tokens", texts(&[&long])),
                ("tokenizer.ggml.token_type", Value::Array(vec![Value::I32(1)])),
                ("tokenizer.ggml.scores", Value::Array(vec![Value::F32(0.0)])),
                ("tokenizer.ggml.eos_token_id", Value::I32(-1)),
            ],
        ),
    ];
    for (key, changes) in cases {
        let mut entries = byte_level_entries("smollm");
        entries.extend(changes.clone());
        let error = Tokenizer::from_gguf(&content(&entries), "bad").err();
        let message = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains(&format!("`{key}`")), "{changes:?}: {message}");
    }
    for missing in ["model", "tokens", "merges"] {
        let key = format!("tokenizer.ggml.{missing}");
        let mut entries = byte_level_entries("smollm");
        entries.retain(|(name, _)| *name != key);
        let error = Tokenizer::from_gguf(&content(&entries), "bad").expect_err(missing);
        assert!(error.to_string().contains("missing"), "{error}");
    }
}

#[test]
fn a_file_that_is_neither_kind_is_an_error() {
    assert!(Tokenizer::from_file(Path::new("/no/such/file.gguf")).is_err());
    assert_eq!(name_of(Path::new("/m/SmolLM2.Q4.gguf")), "SmolLM2.Q4");
    assert_eq!(name_of(Path::new("/m/qwen/tokenizer.json")), "qwen");
}
