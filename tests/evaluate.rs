//! `evaluate`: prompts as the imported pack has them, the cut in the middle, and files that are the
//! same after a kill.

use crate::program::{Folder, Run};
use backstory::model::{Tokenizer, read_tokenizer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tiny_llama.gguf");
const PROMPTS: &str =
    r#"{"hotpotqa": "P {{x}}:\n{context}\n Q: {input}\nA: ", "lcc": "{context}Next:\n"}"#;
const LIMITS: &str = r#"{"hotpotqa": 6, "lcc": 5}"#;
const WINDOW: usize = 160;

/// Short and long documents, with letters of more than one byte and a marker of a chat template.
fn tests() -> Vec<Value> {
    let words = ["é", "bell", "日", "<|im_end|>", "noon", "tower"];
    let context = |n: usize| (0..n).map(|i| words[i * 7 % 6].to_owned() + " ").collect::<String>();
    (0..7)
        .map(|i| {
            json!({
                "input": format!("Who rang {i} {{context}}?"), "context": context(3 + 13 * i),
                "answers": ["Ada", "Ada Stone"], "length": 10 * i, "language": "en",
                "dataset": if i % 3 == 2 { "lcc" } else { "hotpotqa" },
                "all_classes": null, "_id": format!("t{i}"),
            })
        })
        .collect()
}

fn folder() -> Folder {
    let lines: String = tests().iter().map(|test| format!("{test}\n")).collect();
    Folder::new()
        .with("tests.jsonl", lines)
        .with("dataset2prompt.json", PROMPTS)
        .with("dataset2maxlen.json", LIMITS)
}

fn evaluate(folder: &Folder, out: &str, more: &[&str]) -> Run {
    let window = WINDOW.to_string();
    let mut words = vec!["evaluate", "--tests", "tests.jsonl", "--prompts", ".", "--model", MODEL];
    words.extend(["--device", "cpu", "--window", &window, "--out", out, "--json"]);
    words.extend(more);
    folder.run(&words)
}

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All files of a folder but the journal, whose lines stand in the order of the answers.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = entries.map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(path).unwrap())
    });
    named.filter(|(name, _)| name != "answers.journal").collect()
}

/// LongBench's rule, written down a second time: what is kept of a prompt.
fn expected(tokenizer: &Tokenizer, test: &Value) -> (String, bool) {
    let text = |key: &str| test[key].as_str().unwrap();
    let (prompt, limit, frame) = match text("dataset") {
        "lcc" => (format!("{}Next:\n", text("context")), 5, ""),
        _ => {
            let prompt = format!("P {{x}}:\n{}\n Q: {}\nA: ", text("context"), text("input"));
            (prompt, 6, "<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n")
        }
    };
    let mut ids: Vec<u32> = tokenizer.encode(&prompt).unwrap().iter().map(|t| t.id).collect();
    let n_first = usize::from(tokenizer.adds_bos());
    ids.splice(0..0, tokenizer.bos().filter(|_| n_first == 1));
    let n_frame = match frame {
        "" => 0,
        frame => tokenizer.encode_marked(frame).unwrap().len() + n_first,
    };
    let budget = WINDOW - limit - n_frame;
    if ids.len() <= budget {
        return (prompt, false);
    }
    let half = budget / 2;
    let (first, last) = (&ids[..half], &ids[ids.len() - half..]);
    (tokenizer.decode(first) + &tokenizer.decode(last), true)
}

#[test]
fn prompts_are_the_packs_and_long_ones_are_cut_in_the_middle() {
    let folder = folder();
    let run = evaluate(&folder, "out/a", &["--save-prompts"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let (tokenizer, _) = read_tokenizer(MODEL.as_ref()).unwrap();
    let asked = rows(&folder.read("out/a/prompts.jsonl"));
    let mut n_cut = 0;
    for (test, row) in tests().iter().zip(&asked) {
        let (prompt, is_cut) = expected(&tokenizer, test);
        assert_eq!(row["prompt"], prompt.as_str());
        assert_eq!(row["truncated"], is_cut, "{row}");
        n_cut += usize::from(is_cut);
    }
    assert!((1..7).contains(&n_cut), "{n_cut} of 7 are cut");
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&report["answered"], &report["truncated"]), (&json!(7), &json!(n_cut)));
    assert_eq!(report["scores"]["tasks"].as_object().unwrap().len(), 2);
    let lines = rows(&folder.read("out/a/hotpotqa.jsonl"));
    let keys: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["pred", "answers", "all_classes", "length", "_id"]);
    let ids: Vec<&str> = lines.iter().map(|line| line["_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["t0", "t1", "t3", "t4", "t6"]);
    let score = folder.run(&["score", "out/a", "--json"]);
    let again: Value = serde_json::from_str(&score.out).unwrap();
    assert_eq!(again["tasks"], report["scores"]["tasks"]);
    assert!(!score.err.contains("prompts.jsonl"), "{}", score.err);
}

#[test]
fn parallel_answers_and_resumed_runs_write_the_same_files() {
    let folder = folder();
    evaluate(&folder, "out/a", &["--parallel", "1"]);
    let whole = files(&folder.path("out/a"));
    evaluate(&folder, "out/b", &["--parallel", "4"]);
    assert_eq!(files(&folder.path("out/b")), whole, "four at once");

    let journal = std::fs::read(folder.path("out/a/answers.journal")).unwrap();
    let ends = journal.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(ix, _)| ix);
    let third = ends.clone().nth(3).unwrap();
    for (n_kept, resumed) in [(third + 1, 3), (third - 9, 2)] {
        std::fs::remove_dir_all(folder.path("out/b")).unwrap();
        std::fs::create_dir(folder.path("out/b")).unwrap();
        std::fs::write(folder.path("out/b/answers.journal"), &journal[..n_kept]).unwrap();
        let run = evaluate(&folder, "out/b", &[]);
        let report: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(report["resumed"], resumed);
        assert_eq!(files(&folder.path("out/b")), whole, "resumed after {resumed}");
    }
    let more = evaluate(&folder, "out/b", &["--limit", "2"]);
    assert_eq!(serde_json::from_str::<Value>(&more.out).unwrap()["resumed"], 2, "{}", more.err);
}

#[test]
fn an_estimate_answers_nothing() {
    let folder = folder();
    let run = evaluate(&folder, "out/a", &["--estimate"]);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let estimate = &report["estimate"];
    assert_eq!(
        (&estimate["tests"], &estimate["tokens_out_most"]),
        (&json!(7), &json!(5 * 6 + 2 * 5))
    );
    assert!(estimate["secs_most"].as_f64().unwrap() > 0.0);
    assert!(report["scores"].is_null());
    assert!(!folder.path("out/a").exists());
}

#[test]
fn what_cannot_be_evaluated_is_refused_before_the_start() {
    let base = ["evaluate", "--tests", "tests.jsonl", "--model", MODEL, "--device", "cpu"];
    let refused = |folder: &Folder, more: &[&str], code: i32, words: &[&str]| {
        let all: Vec<&str> = base.iter().chain(more).copied().collect();
        folder.refused(&all, code, words);
    };
    let out = ["--out", "out/a"];
    let with = |more: &[&'static str]| [&out[..], more].concat();
    refused(&folder(), &with(&["--window", "9999999"]), 2, &["--window", "choose"]);
    refused(&folder(), &with(&["--window", "40"]), 1, &["tests.jsonl, line", "larger window"]);
    refused(&folder(), &with(&["--prompts", "none.json"]), 1, &["none.json", "check"]);
    for (pack, words) in [
        ("{", &["dataset2prompt.json", "line 1"][..]),
        (r#"{"qasper": "{context}"}"#, &["line 1", "`hotpotqa`", "qasper"][..]),
        (
            r#"{"hotpotqa": "{question}{context}"}"#,
            &["dataset2prompt.json", "`hotpotqa`", "`{question}`"][..],
        ),
    ] {
        refused(&folder().with("dataset2prompt.json", pack), &with(&["--prompts", "."]), 1, words);
    }
    let limits = folder().with("dataset2maxlen.json", r#"{"hotpotqa": 0}"#);
    refused(&limits, &with(&["--prompts", "dataset2prompt.json"]), 1, &["maxlen", "0 tokens"]);
    let bare = folder().with("tests.jsonl", "{\"instruction\":\"Who?\",\"answer\":\"Ada\"}\n");
    refused(&bare, &out, 1, &["tests.jsonl, line 1", "no context", "--join"]);
    let full = folder();
    std::fs::create_dir(full.path("there")).unwrap();
    let full = full.with("there/mine.txt", "x");
    refused(&full, &["--out", "there"], 1, &["there", "--overwrite"]);
    refused(&folder(), &["--out", "tests.jsonl"], 1, &["tests.jsonl"]);
}

#[test]
fn another_window_is_another_run() {
    let folder = folder();
    evaluate(&folder, "out/a", &[]);
    let before = files(&folder.path("out/a"));
    let run = evaluate(&folder, "out/a", &["--window", "150"]);
    assert_eq!(run.code, 2, "an option twice");
    let mut words = vec!["evaluate", "--tests", "tests.jsonl", "--prompts", ".", "--model", MODEL];
    words.extend(["--device", "cpu", "--window", "150", "--out", "out/a"]);
    let run = folder.run(&words);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("other settings (window)"), "{}", run.err);
    assert_eq!(files(&folder.path("out/a")), before);
}
