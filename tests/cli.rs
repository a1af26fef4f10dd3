//! What scripts rely on: one JSON document on standard output, and what it says.

use crate::program::{DOCUMENT, Folder, PAIR};
use serde_json::{Value, json};

/// The document on standard output, which must be all that is there.
fn document(folder: &Folder, args: &[&str]) -> Value {
    let run = folder.run(args);
    assert_eq!(run.code, 0, "{args:?}: {}", run.err);
    let value = serde_json::from_str(&run.out);
    value.unwrap_or_else(|error| panic!("{args:?}: {error} in {}", run.out))
}

/// What `inspect` says of a file of these bytes: records, tasks, strategies, columns.
fn inspected(bytes: impl AsRef<[u8]>) -> [Value; 4] {
    let folder = Folder::new().with("some.jsonl", &bytes);
    let mut report = document(&folder, &["inspect", "some.jsonl", "--json"]);
    assert_eq!(report["files"].as_array().map(Vec::len), Some(1), "{report}");
    let file = &mut report["files"][0];
    assert_eq!(file["path"], "some.jsonl");
    assert_eq!(file["bytes"], bytes.as_ref().len());
    assert_eq!(file["skipped"], json!([]));
    ["records", "tasks", "strategies", "columns"].map(|key| file[key].take())
}

fn assert_inspected(record: Value, task: &str, strategy: &str, columns: Value) {
    let line = format!("{record}\n");
    let two = json!(2);
    let expected = [two.clone(), json!({ task: two }), json!({ strategy: 2 }), columns];
    assert_eq!(inspected(line.repeat(2)), expected);
}

#[test]
fn our_own_records() {
    let record = json!({
        "id": "0123456789abcdef", "seed_id": "fedcba9876543210", "task": "hotpotqa",
        "strategy": "context_synthesis", "instruction": "Who?", "answers": ["Ada", "Ada Stone"],
        "context": "Ada rang.", "gold_span": [0, 9], "provenance": {"model": "m", "seed": 42},
    });
    let columns = json!({
        "answers": "answers", "context": "context", "instruction": "instruction",
        "seed_id": "seed_id", "strategy": "strategy", "task": "task",
    });
    assert_inspected(record, "hotpotqa", "context_synthesis", columns);
}

#[test]
fn pairs_take_the_files_name_as_their_task() {
    let columns = json!({"answers": "answer", "instruction": "instruction"});
    assert_inspected(json!({"instruction": "Who?", "answer": "Ada"}), "some", "human", columns);
}

#[test]
fn pairs_with_context_and_task() {
    let record =
        json!({"instruction": "Who?", "answer": "Ada", "context": "Ada rang.", "task": "qmsum"});
    let columns = json!({
        "answers": "answer", "context": "context", "instruction": "instruction", "task": "task",
    });
    assert_inspected(record, "qmsum", "human", columns);
}

#[test]
fn contexts_alone() {
    let columns = json!({"context": "context"});
    assert_inspected(json!({"context": "Ada rang."}), "some", "human", columns);
}

#[test]
fn the_released_synthesized_data() {
    let record = json!({
        "synthesis_task": "2wikiqa", "instruction": "Who?", "answer": "Ada",
        "synthesized_context": "Ada rang.",
    });
    let columns = json!({
        "answers": "answer", "context": "synthesized_context", "instruction": "instruction",
        "task": "synthesis_task",
    });
    // The task stays what the file says.
    assert_inspected(record, "2wikiqa", "context_synthesis", columns);
}

#[test]
fn longbench() {
    let record = json!({
        "input": "Who?", "context": "Ada rang.", "answers": ["Ada"], "length": 2,
        "dataset": "qasper", "language": "en", "all_classes": null, "_id": "77",
    });
    let columns = json!({
        "answers": "answers", "context": "context", "instruction": "input", "task": "dataset",
    });
    assert_inspected(record, "qasper", "test", columns);
}

#[test]
fn longbench_predictions() {
    let record = json!({"pred": "Bea", "answers": ["Ada"], "all_classes": null, "length": 2});
    assert_inspected(record, "some", "test", json!({"answers": "answers"}));
}

#[test]
fn messages() {
    let record = json!({"messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Who?"},
        {"role": "assistant", "content": "Ada"},
    ]});
    let columns = json!({"answers": "messages", "instruction": "messages"});
    assert_inspected(record, "some", "human", columns);
}

#[test]
fn sharegpt() {
    let record = json!({"conversations": [
        {"from": "human", "value": "Who?"},
        {"from": "gpt", "value": "Ada"},
    ]});
    let columns = json!({"answers": "conversations", "instruction": "conversations"});
    assert_inspected(record, "some", "human", columns);
}

#[test]
fn alpaca() {
    let record = json!({"instruction": "Who?", "input": "Ada rang.", "output": "Ada"});
    let columns = json!({"answers": "output", "context": "input", "instruction": "instruction"});
    assert_inspected(record, "some", "human", columns);
}

#[test]
fn columns_by_hand() {
    let folder = Folder::new().with("odd.jsonl", "{\"q\":\"Who?\",\"a\":\"Ada\",\"doc\":\"x\"}\n");
    let map = ["--map", "instruction=q", "--map", "answer=a", "--map", "context=doc"];
    let args = [&["inspect", "odd.jsonl", "--json"], &map[..]].concat();
    let report = document(&folder, &args);
    assert_eq!(report["files"][0]["records"], 1);
    let columns = &report["files"][0]["columns"];
    assert_eq!((&columns["instruction"], &columns["context"]), (&json!("q"), &json!("doc")));
}

#[test]
fn a_json_list_a_byte_order_mark_and_windows_lines() {
    let pair = PAIR.trim();
    let expected = inspected(PAIR.repeat(2));
    for text in [
        format!("[{pair},\n {pair}]"),
        format!("\u{FEFF}{PAIR}{PAIR}"),
        format!("{pair}\r\n\r\n{pair}\r\n"),
        format!("{pair}\n{pair}"),
    ] {
        assert_eq!(inspected(&text), expected, "{text}");
    }
}

#[test]
fn a_join_gives_the_contexts() {
    let folder = Folder::new().with("a.jsonl", PAIR).with("b.jsonl", DOCUMENT);
    let report = document(&folder, &["inspect", "a.jsonl", "--join", "b.jsonl", "--json"]);
    assert_eq!(report["files"][0]["columns"]["context"], "context");
    let report = document(&folder, &["lengths", "a.jsonl", "--join", "b.jsonl", "--json"]);
    assert!(group(&report, "context", "words").is_some_and(|group| group["mean"] == 7.0));
}

#[test]
fn several_files_and_a_limit() {
    let folder = Folder::new().with("a.jsonl", PAIR.repeat(3)).with("b.jsonl", DOCUMENT);
    let report = document(&folder, &["inspect", "a.jsonl", "b.jsonl", "--limit", "2", "--json"]);
    let records: Vec<_> =
        report["files"].as_array().into_iter().flatten().map(|file| &file["records"]).collect();
    assert_eq!(records, [&json!(2), &json!(1)]);
}

fn group<'a>(report: &'a Value, field: &str, unit: &str) -> Option<&'a Value> {
    let mut groups = report["groups"].as_array()?.iter();
    groups.find(|group| group["field"] == field && group["unit"] == unit)
}

#[test]
fn lengths_in_characters_and_words() {
    // 10, 20, …: characters are Unicode's, words are runs of non-white-space.
    let rows = [
        json!({"instruction": "Wer läutet?", "answer": "Ada", "context": "é  –\n\u{1F514} b", "task": "t"}),
        json!({"instruction": "Who?", "answer": "Ada Stone", "context": "a b c d e", "task": "t"}),
        json!({"instruction": "a\u{A0}b", "answer": "x", "context": "one", "task": "t"}),
    ];
    let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let folder = Folder::new().with("t.jsonl", text);
    let report = document(&folder, &["lengths", "t.jsonl", "--json"]);
    assert_eq!((&report["tokenizer"], &report["skipped"]), (&Value::Null, &json!(0)));
    for (field, unit, [a, b, c]) in [
        ("context", "chars", [3.0, 8.0, 9.0]),
        ("context", "words", [1.0, 4.0, 5.0]),
        ("instruction", "chars", [3.0, 4.0, 11.0]),
        ("instruction", "words", [1.0, 2.0, 2.0]),
        ("answer", "chars", [1.0, 3.0, 9.0]),
        ("answer", "words", [1.0, 1.0, 2.0]),
    ] {
        let group = group(&report, field, unit).unwrap_or_else(|| panic!("{field}, {unit}"));
        let place = (&group["strategy"], &group["task"], &group["n"]);
        assert_eq!(place, (&json!("human"), &json!("t"), &json!(3)));
        let at = |key: &str| group[key].as_f64().unwrap_or(f64::NAN);
        let mean: f64 = (a + b + c) / 3.0;
        let sd = ([a, b, c].map(|x: f64| (x - mean).powi(2)).iter().sum::<f64>() / 2.0).sqrt();
        for (key, expected) in [
            ("mean", mean),
            ("sd", sd),
            ("min", a),
            ("p5", a + 0.1 * (b - a)),
            ("p25", a + 0.5 * (b - a)),
            ("p50", b),
            ("p75", b + 0.5 * (c - b)),
            ("p95", b + 0.9 * (c - b)),
            ("max", c),
        ] {
            assert!((at(key) - expected).abs() < 1e-9, "{field} {unit} {key}: {group}");
        }
    }
    assert!(group(&report, "prompt", "words").is_some_and(|group| group["n"] == 3));
    assert!(group(&report, "context", "tokens").is_none());
}

#[test]
fn the_catalogue() {
    let folder = Folder::new();
    let report = document(&folder, &["models", "list", "--json"]);
    let home = folder.path("home").join("models");
    assert_eq!(report["folder"], home.to_string_lossy().into_owned());
    let small = |report: &Value| report["models"][0].clone();
    assert_eq!(small(&report)["name"], "smollm2-135m");
    assert_eq!(small(&report)["path"], Value::Null);
    // A model is there when its file is.
    std::fs::create_dir_all(&home).expect("a folder");
    let folder = folder.with("home/models/SmolLM2-135M-Instruct.Q4_1.gguf", "");
    let report = document(&folder, &["models", "list", "--json"]);
    assert!(small(&report)["path"].as_str().is_some_and(|path| path.ends_with("Q4_1.gguf")));
}

#[test]
fn help_and_version() {
    let folder = Folder::new();
    let help = folder.run(&["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    for command in
        ["demo", "models", "inspect", "lengths", "synth", "coherence", "compare", "logprobs"]
    {
        assert!(help.out.contains(command), "{}", help.out);
        let own = folder.run(&[command, "--help"]);
        assert!(own.code == 0 && own.out.contains("Usage"), "{command}: {}", own.err);
    }
    let version = folder.run(&["--version"]);
    let expected = format!("backstory {}", env!("CARGO_PKG_VERSION"));
    assert_eq!((version.code, version.out.trim()), (0, expected.as_str()));
}

#[test]
fn without_a_display_the_window_says_what_to_do() {
    let folder = Folder::new().with("a.jsonl", PAIR);
    for args in [&[][..], &["a.jsonl"], &["--view", "compare", "--screenshot", "out/w.png"]] {
        let run = folder.run(args);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
        for words in ["no window can be opened", "DISPLAY", "demo --out"] {
            assert!(run.err.contains(words), "{}", run.err);
        }
        assert!(!run.err.contains(".rs"), "{}", run.err);
    }
    for (args, words) in [
        (&["--view", "moon"][..], "compare"),
        (&["--size", "9x9"], "1440x900"),
        (&["--theme", "pink"], "dark"),
    ] {
        folder.refused(args, 2, &[words]);
    }
}

#[test]
fn without_json_people_get_lines() {
    let folder = Folder::new().with("a.jsonl", PAIR);
    for args in [&["inspect", "a.jsonl"][..], &["lengths", "a.jsonl"], &["models", "list"]] {
        let run = folder.run(args);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{args:?}");
        assert!(run.out.lines().count() > 1 && !run.out.starts_with('{'), "{}", run.out);
    }
}
