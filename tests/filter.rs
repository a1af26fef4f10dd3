//! Filters from the command line: what they keep, and what they say where they cannot be read.

use crate::program::Folder;
use serde_json::{Value, json};

fn tokenizer() -> String {
    // Its tokens are the bytes.
    format!("{}/tests/data/tiny_llama.gguf", env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> Folder {
    let record = |task: &str, question: &str, context: &str, extra: Value| {
        json!({
            "task": task, "instruction": question, "answers": ["yes"], "context": context,
            "strategy": "human", "note": extra,
        })
    };
    let lines = [
        record("hotpotqa", "Who?", "Short.", json!({"by": "ada"})),
        record("hotpotqa", "Why?", &"A long one. ".repeat(50), json!(null)),
        record("qasper", "Who?", "Été.", json!({"by": "bo"})),
        record("qasper", "When?", &"Été. ".repeat(9), json!(2)),
    ];
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    Folder::new().with("data.jsonl", text.join("\n") + "\n")
}

/// The instructions of the records that an export with this filter holds.
fn exported(folder: &Folder, filter: &str, more: &[&str]) -> Vec<String> {
    let fixed = ["export", "data.jsonl", "--format", "jsonl", "--out", "out/kept.jsonl"];
    let run = folder.run(&[&fixed[..], &["--filter", filter], more].concat());
    assert_eq!(run.code, 0, "{filter}: {}", run.err);
    let lines = folder.read("out/kept.jsonl");
    let rows = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.map(|row| format!("{} {}", row["task"], row["instruction"]).replace('"', "")).collect()
}

#[test]
fn an_export_holds_what_the_filter_wants() {
    let folder = folder();
    for (filter, expected) in [
        (r#"task == "qasper""#, &["qasper Who?", "qasper When?"][..]),
        (r#"instruction ~ "^Wh[oy]" && !(task == "qasper")"#, &["hotpotqa Who?", "hotpotqa Why?"]),
        (
            "len_words(context) > 1 || line == 1",
            &["hotpotqa Who?", "hotpotqa Why?", "qasper When?"],
        ),
        (r#"extra.note.by == "bo" || extra.note == 2"#, &["qasper Who?", "qasper When?"]),
        ("len_chars(context) == 4", &["qasper Who?"]),
        // The prompt holds more than the context.
        ("len_words(prompt) > len_words(context) && len_words(prompt) > 150", &["hotpotqa Why?"]),
    ] {
        assert_eq!(exported(&folder, filter, &[]), expected, "{filter}");
    }
    let limited = exported(&folder, r#"task == "qasper""#, &["--limit", "1"]);
    assert_eq!(limited, ["qasper Who?"]);
}

#[test]
fn tokens_are_those_of_the_tokenizer() {
    let folder = folder();
    let tokenizer = tokenizer();
    let more = ["--tokenizer", tokenizer.as_str()];
    // Six bytes, of four characters.
    assert_eq!(
        exported(&folder, "len_tokens(context) == 6 && len_chars(context) == 4", &more),
        ["qasper Who?"]
    );
    assert_eq!(exported(&folder, "len_tokens(prompt) > 600", &more), ["hotpotqa Why?"]);
}

#[test]
fn inspect_and_lengths_see_only_what_is_wanted() {
    let folder = folder();
    let document = |args: &[&str]| -> Value {
        let run = folder.run(args);
        assert_eq!(run.code, 0, "{}", run.err);
        serde_json::from_str(&run.out).unwrap()
    };
    let filter = r#"task == "hotpotqa""#;
    let inspected = document(&["inspect", "data.jsonl", "--filter", filter, "--json"]);
    assert_eq!(inspected["files"][0]["records"], 2);
    assert_eq!(inspected["files"][0]["tasks"], json!({"hotpotqa": 2}));
    let lengths = document(&["lengths", "data.jsonl", "--filter", filter, "--json"]);
    let groups = lengths["groups"].as_array().unwrap();
    assert!(!groups.is_empty() && groups.iter().all(|group| group["task"] == "hotpotqa"));
    assert!(groups.iter().all(|group| group["n"] == 2));
    // A filter that wants nothing is no error, but is said.
    let none = folder.run(&["inspect", "data.jsonl", "--filter", "line > 99", "--json"]);
    assert_eq!(none.code, 0);
    assert!(none.err.contains("wants none of its 4 records"), "{}", none.err);
}

#[test]
fn measurements_come_from_rows() {
    let folder = folder();
    let lines = folder.run(&["export", "data.jsonl", "--format", "jsonl", "--out", "own.jsonl"]);
    assert_eq!(lines.code, 0, "{}", lines.err);
    let mut rows = String::new();
    for (line, gain) in folder.read("own.jsonl").lines().zip([0.05, 0.5, 0.01]) {
        let record: Value = serde_json::from_str(line).unwrap();
        // The second row of a record counts.
        for gain in [9.0, gain] {
            let row = json!({
                "id": record["id"], "seed_id": record["seed_id"], "task": record["task"],
                "strategy": record["strategy"], "n_context_tokens": 3, "n_instruction_tokens": 1,
                "n_answer_tokens": 1, "instruction_gain": 1.0, "instruction_gain_shuffled": null,
                "answer_gain": gain, "answer_gain_shuffled": null, "instruction_dependence": null,
                "answer_dependence": null, "context_ifd": null, "own_rank": null,
                "answer_in_context": true, "answer_position": null, "instruction_overlap": null,
                "truncated": false, "truncation": null, "kept_tokens": 3, "tokens_differ": false,
                "model": "m", "shuffles": 0, "auc_instruction": null, "auc_answer": null,
            });
            rows.push_str(&format!("{row}\n"));
        }
    }
    let folder = folder.with("rows.jsonl", rows);
    let rows = ["--rows", "rows.jsonl"];
    assert_eq!(
        exported(&folder, "answer_gain < 0.1 && answer_in_context", &rows),
        ["hotpotqa Who?", "qasper Who?"]
    );
    assert_eq!(exported(&folder, "answer_gain == null", &rows), ["qasper When?"]);
    let fixed = ["inspect", "data.jsonl", "--filter", "answer_gain < 0.1"];
    folder.refused(&fixed, 2, &["answer_gain", "--rows FILE", "backstory coherence"]);
    let wrong = [&fixed[..], &["--rows", "data.jsonl"]].concat();
    folder.refused(&wrong, 1, &["data.jsonl", "no coherence rows"]);
}

#[test]
fn a_filter_that_cannot_be_read_is_wrong_use() {
    let folder = folder();
    for (filter, words) in [
        ("task = \"a\"", &["character 6", "write `==`"][..]),
        ("tsk == \"a\"", &["character 1", "`tsk`", "task, strategy"]),
        ("line < 4k", &["character 8", "`4k`"]),
        ("", &["character 1"]),
        ("context ~ \"[\"", &["character 11", "regular expression"]),
    ] {
        folder.refused(&["lengths", "data.jsonl", "--filter", filter], 2, words);
    }
    let words = ["len_tokens", "--tokenizer", "len_words"];
    folder.refused(&["inspect", "data.jsonl", "--filter", "len_tokens(context) > 1"], 2, &words);
    // Rows without a filter choose nothing.
    folder.refused(&["inspect", "data.jsonl", "--rows", "data.jsonl"], 2, &["--filter"]);
}
