//! Whatever is given, the program ends with a message that helps, and leaves no half-written file.

use crate::program::{DOCUMENT, Folder, PAIR, model};
use serde_json::Value;

/// A file that cannot be used at all is refused in the same way by every command that reads data.
fn refused_file(bytes: impl AsRef<[u8]>, words: &[&str]) {
    let folder = Folder::new().with("bad.jsonl", bytes);
    let words = [&["bad.jsonl"], words].concat();
    folder.refused(&["inspect", "bad.jsonl", "--json"], 1, &words);
    folder.refused(&["lengths", "bad.jsonl"], 1, &words);
    folder.refused(&["compare", "bad.jsonl", "bad.jsonl"], 1, &words);
    let synth = ["synth", "--strategy", "context", "--seeds", "bad.jsonl", "--out", "out/d.jsonl"];
    folder.refused(&synth, 1, &words);
    folder.refused(&["coherence", "bad.jsonl", "--out", "out/c.jsonl"], 1, &words);
}

/// A bad line costs itself only: `n` records stay, the line is named with the reason, exit code 3.
fn skipped_line(bytes: impl AsRef<[u8]>, n: usize, line: usize, words: &[&str]) {
    let folder = Folder::new().with("some.jsonl", bytes);
    let inspect = folder.run(&["inspect", "some.jsonl", "--json"]);
    assert_eq!(inspect.code, 3, "{}", inspect.err);
    let report: Value = serde_json::from_str(&inspect.out).expect("one JSON document");
    let file = &report["files"][0];
    assert_eq!(file["records"], n, "{file}");
    assert_eq!(file["skipped"].as_array().map(Vec::len), Some(1), "{file}");
    assert_eq!(file["skipped"][0]["line"], line, "{file}");
    let lengths = folder.run(&["lengths", "some.jsonl", "--json"]);
    assert_eq!(lengths.code, 3, "{}", lengths.err);
    let place = format!("some.jsonl, line {line}");
    let reason = file["skipped"][0]["reason"].to_string();
    for word in words {
        assert!(reason.contains(word), "no `{word}` in the reason: {reason}");
        assert!(lengths.err.contains(word), "no `{word}` in the warning: {}", lengths.err);
    }
    assert!(lengths.err.contains(&place), "{}", lengths.err);
}

/// What `synth` refuses, with good seeds and on a machine without a model: before a model is loaded.
fn refused_synth(folder: &Folder, more: &[&str], code: i32, words: &[&str]) {
    let args = ["synth", "--strategy", "context", "--seeds", "seeds.jsonl", "--out", "out/d.jsonl"];
    folder.refused(&[&args[..], more].concat(), code, words);
}

fn with_seeds() -> Folder {
    Folder::new().with("seeds.jsonl", PAIR).with("documents.jsonl", DOCUMENT)
}

fn skips_second(line: &str, words: &[&str]) {
    skipped_line(format!("{PAIR}{line}\n"), 1, 2, words);
}

// Data files.

#[test]
fn a_missing_file() {
    let folder = Folder::new();
    folder.refused(&["inspect", "none.jsonl"], 1, &["none.jsonl", "no such file", "check"]);
}

#[test]
fn a_folder_as_a_file() {
    Folder::new().refused(&["lengths", "out"], 1, &["out", "no data file", "name a folder"]);
}

#[cfg(unix)]
#[test]
fn a_device_as_a_file() {
    let words = ["/dev/null", "not a regular file", "save the data"];
    Folder::new().refused(&["inspect", "/dev/null"], 1, &words);
}

#[test]
fn an_empty_file() {
    refused_file("", &["empty", "check"]);
}

#[test]
fn only_blank_lines() {
    refused_file("\n  \n\t\r\n\n", &["empty"]);
}

#[test]
fn a_byte_order_mark_alone() {
    refused_file(b"\xEF\xBB\xBF", &["empty"]);
}

#[test]
fn utf_16_with_and_without_its_mark() {
    let bytes: Vec<u8> = PAIR.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused_file([b"\xFF\xFE", &bytes[..]].concat(), &["UTF-16", "save it as UTF-8"]);
    refused_file(bytes, &["NUL"]);
}

#[test]
fn nul_bytes() {
    refused_file([PAIR.as_bytes(), &[0; 64]].concat(), &["NUL", "name a text file"]);
}

#[test]
fn invalid_utf8_in_line_3() {
    let bad = b"{\"instruction\":\"caf\xE9\",\"answer\":\"b\"}\n";
    let bytes = [PAIR.as_bytes(), PAIR.as_bytes(), bad, PAIR.as_bytes()].concat();
    skipped_line(bytes, 3, 3, &["UTF-8"]);
}

#[test]
fn broken_json_in_line_2() {
    let line = "{\"instruction\": \"a\", answer: \"b\"}\n";
    skipped_line(format!("{PAIR}{line}{PAIR}"), 2, 2, &["not valid JSON at column 22"]);
}

#[test]
fn a_torn_last_line() {
    let torn = &PAIR[..PAIR.len() - 9];
    skipped_line(format!("{PAIR}{PAIR}{torn}"), 2, 3, &["last line", "cut off"]);
}

#[test]
fn wrong_types_are_named_with_their_field() {
    skips_second("{\"instruction\":7,\"answer\":\"b\"}", &["`instruction` is a number"]);
    skips_second("{\"instruction\":{\"a\":1},\"answer\":\"b\"}", &["`instruction` is an object"]);
    skips_second("{\"instruction\":\"a\",\"answers\":5}", &["`answers` is a number"]);
    skips_second("{\"instruction\":\"a\",\"answers\":[\"x\",5]}", &["`answers[1]` is a number"]);
    skips_second("{\"instruction\":\"a\",\"answers\":[]}", &["answers is empty"]);
    skips_second("{\"messages\":\"hello\"}", &["`messages` is text"]);
    skips_second("[1,2]", &["a list"]);
}

#[test]
fn a_list_of_numbers() {
    refused_file("[1, 2, 3]", &["a number"]);
}

#[test]
fn a_list_of_nothing() {
    refused_file("[]", &["holds no records", "check"]);
}

#[test]
fn a_picture() {
    refused_file(b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR", &["PNG"]);
}

#[test]
fn a_pdf() {
    refused_file(b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj\n", &["PDF", "extract its text"]);
}

#[test]
fn a_zip_archive() {
    refused_file(b"PK\x03\x04\x14\0\0\0\x08\0", &["zip", "unpack"]);
}

#[test]
fn a_model_as_data() {
    refused_file(Gguf::new("llama").bytes(), &["GGUF", "--model"]);
}

#[test]
fn text_that_is_no_json() {
    refused_file("question,answer\nWho?,Ada\n", &["line 2", "`question`", "--map instruction=COL"]);
    refused_file("just some words\n", &["plain text", "line 1", "convert"]);
}

#[test]
fn unknown_keys() {
    let words = ["line 1", "`alpha`", "`beta`", "--map context=COL"];
    refused_file("{\"alpha\":1,\n \"beta\":\"x\"}", &words);
}

#[test]
fn deep_nesting() {
    let n = 100_000;
    refused_file("[".repeat(n), &["line 1", "recursion"]);
    refused_file("[".repeat(n) + &"]".repeat(n), &["line 1", "recursion"]);
    let line = format!("{{\"instruction\":{}{}}}", "[".repeat(n), "]".repeat(n));
    skips_second(&line, &["not valid JSON", "recursion"]);
}

// Joins and columns.

#[test]
fn a_join_of_another_length() {
    let folder = with_seeds().with("two.jsonl", DOCUMENT.repeat(2));
    let words = ["seeds.jsonl (1 records)", "two.jsonl (2 records)", "check"];
    folder.refused(&["inspect", "seeds.jsonl", "--join", "two.jsonl"], 1, &words);
    refused_synth(&folder, &["--join", "two.jsonl"], 1, &words);
}

#[test]
fn a_join_over_a_context() {
    let whole = "{\"instruction\":\"Who?\",\"answer\":\"Ada\",\"context\":\"Ada rang.\"}\n";
    let folder = with_seeds().with("whole.jsonl", whole);
    let words = ["line 1 of whole.jsonl", "its own already", "leave the join out"];
    folder.refused(&["lengths", "whole.jsonl", "--join", "documents.jsonl"], 1, &words);
}

#[test]
fn a_join_with_a_broken_line() {
    let folder = Folder::new()
        .with("seeds.jsonl", PAIR.repeat(2))
        .with("bad.jsonl", format!("{DOCUMENT}{{\"context\": \n"));
    let words = ["line 2 of bad.jsonl", "repair"];
    folder.refused(&["lengths", "seeds.jsonl", "--join", "bad.jsonl"], 1, &words);
}

#[test]
fn fewer_joins_than_files() {
    let args = ["inspect", "seeds.jsonl", "seeds.jsonl", "--join", "documents.jsonl"];
    with_seeds().refused(&args, 2, &["2 files", "1 --join", "one --join for each"]);
}

#[test]
fn a_column_that_is_not_there() {
    let words = ["seeds.jsonl", "`document`", "`context`", "`instruction`, `answer`"];
    let args = ["inspect", "seeds.jsonl", "--map", "context=document"];
    with_seeds().refused(&args, 1, &words);
}

#[test]
fn a_column_for_a_field_that_is_not_there() {
    let args = ["inspect", "seeds.jsonl", "--map", "question=instruction"];
    with_seeds().refused(&args, 1, &["`question`", "no such field", "the fields are context"]);
}

#[test]
fn a_column_without_its_field() {
    let words = ["--map", "FIELD=COLUMN"];
    with_seeds().refused(&["inspect", "seeds.jsonl", "--map", "context"], 2, &words);
}

// Words of the command line.

#[test]
fn an_unknown_strategy() {
    let args = ["synth", "--strategy", "magic", "--seeds", "seeds.jsonl", "--out", "out/d.jsonl"];
    with_seeds().refused(&args, 2, &["magic", "context", "instruction"]);
}

#[test]
fn an_unknown_command_or_option() {
    with_seeds().refused(&["inspekt", "seeds.jsonl"], 2, &["inspekt", "inspect"]);
    with_seeds().refused(&["inspect", "seeds.jsonl", "--jsn"], 2, &["--jsn", "--json"]);
    with_seeds().refused(&["inspect"], 2, &["FILE"]);
}

#[test]
fn an_unknown_device() {
    refused_synth(&with_seeds(), &["--device", "tpu"], 2, &["`tpu`", "cpu"]);
}

#[test]
fn a_gpu_that_is_not_there() {
    let folder = with_seeds();
    let args = ["coherence", "seeds.jsonl", "--device", "gpu", "--out", "out/c.jsonl"];
    if folder.run(&args).err.contains("not on this machine; fetch") {
        println!("SKIPPED: this machine has a GPU");
        return;
    }
    folder.refused(&args, 1, &["cpu"]);
    refused_synth(&folder, &["--device", "gpu"], 1, &["cpu"]);
}

#[test]
fn sampling_out_of_range() {
    let folder = with_seeds();
    for (option, value) in [
        ("--temperature", "-1"),
        ("--temperature", "NaN"),
        ("--top-p", "0"),
        ("--top-p", "1.5"),
        ("--repetition-penalty", "0"),
        ("--max-new-tokens", "0"),
        ("--attempts", "0"),
        ("--parallel", "0"),
    ] {
        refused_synth(&folder, &[&format!("{option}={value}")], 2, &[option]);
    }
}

#[test]
fn a_negative_temperature_as_a_word_of_its_own() {
    refused_synth(&with_seeds(), &["--temperature", "-1"], 2, &["--temperature"]);
}

#[test]
fn a_benchmark_of_nothing() {
    Folder::new().refused(&["bench", "model", "--batch", "0"], 2, &["--batch", "at least 1"]);
}

#[test]
fn a_limit_that_leaves_nothing() {
    let folder = with_seeds();
    refused_synth(&folder, &["--limit"], 2, &["--limit"]);
    refused_synth(&folder, &["--limit", "many"], 2, &["--limit", "many"]);
    // An empty dataset is none: the program itself would refuse it.
    refused_synth(&folder, &["--limit", "0"], 2, &["--limit"]);
    folder.refused(&["lengths", "seeds.jsonl", "--limit", "0"], 2, &["--limit"]);
}

// Model files.

/// A GGUF header, made by hand.
struct Gguf {
    version: u32,
    n_tensors: u64,
    n_keys: u64,
    body: Vec<u8>,
}

impl Gguf {
    fn new(architecture: &str) -> Self {
        let gguf = Self { version: 3, n_tensors: 0, n_keys: 0, body: Vec::new() };
        gguf.text("general.architecture", architecture)
    }

    fn string(&mut self, text: &str) {
        self.body.extend((text.len() as u64).to_le_bytes());
        self.body.extend(text.as_bytes());
    }

    fn text(mut self, key: &str, value: &str) -> Self {
        self.n_keys += 1;
        self.string(key);
        self.body.extend(8_u32.to_le_bytes());
        self.string(value);
        self
    }

    fn number(mut self, key: &str, value: u32) -> Self {
        self.n_keys += 1;
        self.string(key);
        self.body.extend(4_u32.to_le_bytes());
        self.body.extend(value.to_le_bytes());
        self
    }

    /// The sizes of a very small llama.
    fn sizes(self, width: u32) -> Self {
        self.number("llama.embedding_length", width)
            .number("llama.attention.head_count", 4)
            .number("llama.block_count", 1)
            .number("llama.feed_forward_length", 64)
            .number("llama.context_length", 128)
    }

    /// An f32 tensor, after all keys.
    fn tensor(mut self, name: &str, dims: &[u64], offset: u64) -> Self {
        self.n_tensors += 1;
        self.string(name);
        self.body.extend((dims.len() as u32).to_le_bytes());
        self.body.extend(dims.iter().flat_map(|dim| dim.to_le_bytes()));
        self.body.extend(0_u32.to_le_bytes());
        self.body.extend(offset.to_le_bytes());
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let version = self.version.to_le_bytes();
        let counts = [self.n_tensors.to_le_bytes(), self.n_keys.to_le_bytes()].concat();
        [b"GGUF", &version[..], &counts, &self.body].concat()
    }
}

/// A model file that cannot be used is refused by every command that loads one.
fn refused_model(bytes: impl AsRef<[u8]>, words: &[&str]) {
    let folder = with_seeds().with("bad.gguf", bytes).with("text.txt", "Some text.");
    let words = [&["bad.gguf"], words].concat();
    refused_synth(&folder, &["--model", "bad.gguf"], 1, &words);
    folder.refused(&["logprobs", "text.txt", "--model", "bad.gguf", "--json"], 1, &words);
}

#[test]
fn a_model_that_is_not_there() {
    let words = ["no/model.gguf", "check the path"];
    refused_synth(&with_seeds(), &["--model", "no/model.gguf"], 1, &words);
}

#[test]
fn a_model_that_was_not_fetched() {
    let words = ["smollm2-135m", "not on this machine", "models get smollm2-135m"];
    refused_synth(&with_seeds(), &[], 1, &words);
}

#[test]
fn a_name_that_is_not_in_the_catalogue() {
    let words = ["`gpt-17`", "catalogue", "smollm2-135m"];
    refused_synth(&with_seeds(), &["--model", "gpt-17"], 1, &words);
    Folder::new().refused(&["models", "get", "gpt-17"], 1, &words);
}

#[test]
fn a_folder_as_a_model() {
    refused_synth(&with_seeds(), &["--model", "out"], 1, &["out", "folder", "name a .gguf"]);
}

#[test]
fn a_model_that_is_text() {
    refused_model("This is no model.\n", &["not a GGUF file", "name a .gguf file"]);
}

#[test]
fn a_model_that_is_empty() {
    refused_model("", &["not a GGUF file"]);
}

#[test]
fn a_model_cut_off_in_its_header() {
    let whole = Gguf::new("llama").sizes(32).tensor("token_embd.weight", &[32, 8], 0).bytes();
    for n in [4, 7, 20, 40, whole.len() - 1] {
        refused_model(&whole[..n], &["header", "cut off", "fetch the file again"]);
    }
}

#[test]
fn a_model_cut_off_in_its_tensors() {
    let header = Gguf::new("llama").sizes(32).tensor("token_embd.weight", &[32, 8], 0).bytes();
    let bytes = [header, vec![0; 100]].concat();
    refused_model(bytes, &["cut off", "`token_embd.weight`", "fetch it again"]);
}

#[test]
fn the_first_40_megabytes_of_a_real_model() {
    use std::io::Read;
    let Some(model) = model() else { return };
    let mut part = Vec::new();
    let file = std::fs::File::open(model).expect("the model");
    file.take(40 << 20).read_to_end(&mut part).expect("the model can be read");
    refused_model(part, &["cut off", "fetch it again"]);
}

#[test]
fn a_model_with_too_many_tensors() {
    for n_tensors in [u64::MAX, 1 << 40, 1 << 32] {
        let gguf = Gguf { n_tensors, ..Gguf::new("llama").sizes(32) };
        refused_model(gguf.bytes(), &["header", "fetch the file again"]);
    }
}

#[test]
fn a_model_with_too_many_keys() {
    let gguf = Gguf { n_keys: u64::MAX, ..Gguf::new("llama") };
    refused_model(gguf.bytes(), &["header", "fetch the file again"]);
}

#[test]
fn a_model_with_a_string_longer_than_the_file() {
    let mut gguf = Gguf::new("llama");
    gguf.n_keys += 1;
    gguf.body.extend(u64::MAX.to_le_bytes());
    refused_model(gguf.bytes(), &["header", "fetch the file again"]);
}

#[test]
fn a_model_of_a_later_version() {
    let gguf = Gguf { version: 99, ..Gguf::new("llama") };
    refused_model(gguf.bytes(), &["99"]);
}

#[test]
fn a_model_of_an_unknown_architecture() {
    refused_model(Gguf::new("mamba").bytes(), &["`mamba`", "llama, qwen2 and qwen3"]);
}

#[test]
fn a_model_of_absurd_sizes() {
    let dims = |dims: &[u64]| Gguf::new("llama").sizes(32).tensor("token_embd.weight", dims, 0);
    refused_model(dims(&[1 << 40, 1 << 40]).bytes(), &["`token_embd.weight`"]);
    refused_model(dims(&[u64::MAX, 2]).bytes(), &["`token_embd.weight`"]);
    refused_model(dims(&[0, 8]).bytes(), &["`token_embd.weight`"]);
    let body = vec![0; 2048];
    let wide = Gguf::new("llama").sizes(u32::MAX).tensor("token_embd.weight", &[32, 8], 0);
    let bytes = [wide.bytes(), body].concat();
    refused_model(bytes, &["`llama.embedding_length` is 4294967295"]);
}

#[test]
fn a_model_without_its_sizes() {
    refused_model(Gguf::new("llama").bytes(), &["no `llama.embedding_length`"]);
}

#[test]
fn a_tokenizer_that_is_not_there() {
    let folder = with_seeds();
    let path = ["lengths", "seeds.jsonl", "--tokenizer", "no/tokenizer.json"];
    folder.refused(&path, 1, &["no/tokenizer.json", "check"]);
    let name = ["lengths", "seeds.jsonl", "--tokenizer", "gpt-17"];
    folder.refused(&name, 1, &["`gpt-17`", "catalogue"]);
    folder.refused(&["lengths", "seeds.jsonl", "--tokenizer", "out"], 1, &["out", "folder"]);
}

#[test]
fn a_tokenizer_in_a_damaged_model() {
    let args = ["lengths", "seeds.jsonl", "--tokenizer", "bad.gguf"];
    let refused = |bytes: &[u8]| {
        with_seeds().with("bad.gguf", bytes).refused(&args, 1, &["bad.gguf"]);
    };
    refused(&Gguf::new("llama").sizes(32).bytes()[..60]);
    refused(&Gguf { n_tensors: u64::MAX, ..Gguf::new("llama") }.bytes());
    refused(b"GGUF");
    refused(b"This is no tokenizer.\n");
}

#[test]
fn a_tokenizer_in_a_model_without_one() {
    let folder = with_seeds().with("bad.gguf", Gguf::new("llama").bytes());
    let args = ["lengths", "seeds.jsonl", "--tokenizer", "bad.gguf"];
    folder.refused(&args, 1, &["bad.gguf", "tokenizer"]);
}

#[test]
fn a_tokenizer_that_is_broken() {
    let folder = with_seeds().with("tokenizer.json", "{\"version\": \"1.0\",\n");
    let args = ["lengths", "seeds.jsonl", "--tokenizer", "tokenizer.json"];
    folder.refused(&args, 1, &["tokenizer.json", "line 2"]);
    let folder = folder.with("tokenizer.json", "{\"version\": \"1.0\"}");
    folder.refused(&args, 1, &["tokenizer.json"]);
}

// Prompts.

fn refused_prompt(text: &str, words: &[&str]) {
    let folder = with_seeds().with("mine.txt", text);
    let words = [&["mine.txt"], words].concat();
    refused_synth(&folder, &["--prompt", "mine.txt"], 1, &words);
}

#[test]
fn a_prompt_that_is_not_there() {
    refused_synth(&with_seeds(), &["--prompt", "no.txt"], 1, &["no.txt"]);
}

#[test]
fn a_prompt_with_an_unknown_blank() {
    let text = "[user]\n{instrction}\n\n[assistant]\n{context}\n";
    refused_prompt(text, &["{instrction}", "instruction"]);
}

#[test]
fn a_prompt_with_an_open_brace() {
    refused_prompt("[user]\nA { B\n[assistant]\n{context}\n", &["line", "{{"]);
}

#[test]
fn a_prompt_without_the_assistants_part() {
    refused_prompt("[user]\n{instruction} {answer}\n", &["[assistant]"]);
    refused_prompt("[user]\n{instruction}\n[assistant]\nText:\n", &["{context}", "[assistant]"]);
    refused_prompt("", &["[user]"]);
}

// Outputs.

#[test]
fn a_folder_that_does_not_exist_is_found_out_before_the_work() {
    let folder = with_seeds();
    let synth = ["synth", "--strategy", "context", "--seeds", "seeds.jsonl", "--out", "no/d.jsonl"];
    folder.refused(&synth, 1, &["folder", "no", "does not exist"]);
    let coherence = ["coherence", "seeds.jsonl", "--out", "no/c.jsonl"];
    folder.refused(&coherence, 1, &["folder", "no", "does not exist"]);
}

#[test]
fn a_folder_in_place_of_the_output_is_found_out_before_the_work() {
    let folder = with_seeds();
    let synth = ["synth", "--strategy", "context", "--seeds", "seeds.jsonl", "--out", "out"];
    folder.refused(&synth, 1, &["out", "is a folder"]);
    folder.refused(&["coherence", "seeds.jsonl", "--out", "out"], 1, &["out", "is a folder"]);
}

#[test]
fn a_file_in_place_of_the_demo_folder() {
    let folder = with_seeds();
    folder.refused(&["demo", "--out", "seeds.jsonl"], 1, &["seeds.jsonl"]);
    assert_eq!(folder.read("seeds.jsonl"), PAIR);
}

#[test]
fn a_dataset_of_unknown_origin_is_kept() {
    let folder = with_seeds().with("out/d.jsonl", "precious\n");
    // Also on a machine with the model, and then before it is loaded.
    refused_synth(&folder, &[], 1, &["out/d.jsonl", "no journal", "--overwrite"]);
    assert_eq!(folder.read("out/d.jsonl"), "precious\n");
}

#[test]
fn a_dataset_of_other_settings_is_kept() {
    let Some(model) = model() else { return };
    let folder = with_seeds();
    let limits = ["--model", &model, "--max-new-tokens", "8", "--attempts", "1", "--words"];
    let args = ["synth", "--strategy", "context", "--seeds", "seeds.jsonl", "--out", "out/d.jsonl"];
    let first = folder.run(&[&args[..], &limits, &["5"]].concat());
    assert!([0, 3].contains(&first.code), "{}", first.err);
    let kept = (folder.read("out/d.jsonl"), folder.read("out/d.journal"));
    let words = ["out/d.journal", "other settings (words)", "--overwrite"];
    refused_synth(&folder, &[&limits[..], &["6"]].concat(), 1, &words);
    assert_eq!((folder.read("out/d.jsonl"), folder.read("out/d.journal")), kept);
}

#[test]
fn a_damaged_journal_is_kept() {
    let Some(model) = model() else { return };
    let folder = with_seeds().with("out/d.journal", "{\"strategy\": 1}\n");
    let words = ["out/d.journal", "line 1", "--overwrite"];
    refused_synth(&folder, &["--model", &model], 1, &words);
    assert_eq!(folder.read("out/d.journal"), "{\"strategy\": 1}\n");
}

// What only a loaded model finds.

/// Seeds that the strategy cannot use are rejected one by one, with the line and the reason.
fn rejected(strategy: &str, seeds: &str, reason: &str) {
    let Some(model) = model() else { return };
    let folder = with_seeds();
    let args = ["synth", "--strategy", strategy, "--seeds", seeds, "--out", "out/d.jsonl"];
    let run = folder.run(&[&args[..], &["--model", &model, "--json"]].concat());
    assert_eq!(run.code, 3, "{}", run.err);
    let report: Value = serde_json::from_str(&run.out).expect("one JSON document");
    assert_eq!((&report["made"], &report["rejected"]), (&0.into(), &1.into()), "{report}");
    let row: Value = serde_json::from_str(&folder.read("out/d.rejected.jsonl")).expect("one row");
    assert_eq!((&row["source"], &row["line"]), (&seeds.into(), &1.into()), "{row}");
    assert!(row["reason"].to_string().contains(reason), "{row}");
}

#[test]
fn seeds_without_answers_are_rejected() {
    rejected("context", "documents.jsonl", "no instruction and answer");
}

#[test]
fn seeds_without_contexts_are_rejected() {
    rejected("instruction", "seeds.jsonl", "no context");
}

#[test]
fn coherence_without_contexts() {
    let Some(model) = model() else { return };
    let args = ["coherence", "seeds.jsonl", "--model", &model, "--out", "out/c.jsonl", "--json"];
    with_seeds().refused(&args, 1, &["no record", "context", "--join"]);
}

// Texts.

#[test]
fn log_probabilities_of_an_empty_text() {
    let folder = Folder::new().with("text.txt", "");
    folder.refused(&["logprobs", "text.txt"], 1, &["text.txt", "empty"]);
}

#[test]
fn log_probabilities_of_another_encoding() {
    let folder = Folder::new().with("text.txt", b"one\ntwo\nthr\xE9e\n");
    let words = ["text.txt, line 3", "UTF-8", "convert"];
    folder.refused(&["logprobs", "text.txt"], 1, &words);
}

#[test]
fn log_probabilities_of_no_file() {
    let folder = Folder::new();
    folder.refused(&["logprobs", "text.txt"], 1, &["text.txt"]);
    folder.refused(&["logprobs", "out"], 1, &["out"]);
}
