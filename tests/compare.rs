//! `backstory compare`: pairs by seed, numbers that can be told by hand, and what it refuses.

use crate::program::{DOCUMENT, Folder, PAIR};
use serde_json::{Value, json};

/// A file of the repository, by its path from there.
fn ours(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// The document on standard output, which must be all that is there.
fn document(folder: &Folder, args: &[&str]) -> Value {
    let run = folder.run(args);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{args:?}");
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error} in {}", run.out))
}

/// Records of a strategy: for each seed a context of so many words.
fn records(task: &str, strategy: &str, lengths: &[(usize, usize)]) -> String {
    let line = |(seed, n): &(usize, usize)| {
        let context = format!("{strategy}{seed} {}", "x ".repeat(n - 1));
        let record = json!({
            "seed_id": format!("{seed:016x}"), "task": task, "strategy": strategy,
            "instruction": format!("Question {seed}?"), "answers": ["yes"], "context": context,
        });
        format!("{record}\n")
    };
    lengths.iter().map(line).collect()
}

/// Two tasks with differences 1, 2, …, 6 and -1, 2, 3, 4, 5, and seeds that only one has.
fn two_strategies() -> Folder {
    let a: Vec<_> = (1..=7).map(|seed| (seed, 10 * seed)).collect();
    let b: Vec<_> = (1..=6).rev().map(|seed| (seed, 10 * seed + seed)).collect();
    let c: Vec<_> = (11..=15).map(|seed| (seed, 20)).collect();
    let d = [(11, 19), (12, 22), (13, 23), (14, 24), (15, 25), (16, 99)];
    let human = records("hotpotqa", "human", &a) + &records("qasper", "human", &c);
    let mine = records("qasper", "mine", &d) + &records("hotpotqa", "mine", &b);
    Folder::new().with("human.jsonl", human).with("mine.jsonl", mine)
}

#[test]
fn datasets_are_compared_by_the_lengths_of_what_came_of_the_same_seeds() {
    let folder = two_strategies();
    let args = ["compare", "human.jsonl", "mine.jsonl", "--json"];
    let report = document(&folder, &args);
    assert_eq!((&report["seed"], &report["resamples"]), (&json!(42), &json!(9999)));
    assert_eq!((&report["tokenizer"], &report["skipped"]), (&Value::Null, &json!(0)));
    let side = |name: &str, n: usize| {
        let path = format!("{name}.jsonl");
        json!({"name": name, "path": path, "strategy": name, "records": n})
    };
    assert_eq!(report["sides"], json!([side("human", 12), side("mine", 12)]));
    let comparison = &report["comparisons"][0];
    assert_eq!(comparison["name"], "context_words");
    assert_eq!((&comparison["baseline"], &comparison["other"]), (&json!("human"), &json!("mine")));
    let rows = comparison["rows"].as_array().expect("rows");
    let tasks: Vec<&Value> = rows.iter().map(|row| &row["task"]).collect();
    assert_eq!(tasks, [&json!("qasper"), &json!("hotpotqa"), &Value::Null]);
    let row = &rows[1];
    assert_eq!((&row["n_pairs"], &row["n_unpaired_baseline"]), (&json!(6), &json!(1)));
    assert_eq!(row["n_unpaired_other"], 0);
    assert_eq!(row["baseline"], json!({"mean": 35.0, "median": 35.0}));
    assert_eq!(row["other"], json!({"mean": 38.5, "median": 38.5}));
    let difference = &row["difference"];
    assert_eq!((&difference["mean"], &difference["median"]), (&json!(3.5), &json!(3.5)));
    // 2 of 64 patterns of signs, and the smaller of two.
    assert_eq!(difference["p"], 2.0 / 64.0);
    assert_eq!((&difference["p_holm"], &difference["p_exact"]), (&json!(4.0 / 64.0), &json!(true)));
    assert_eq!(
        (&difference["ci_method"], &difference["ci_fallback"]),
        (&json!("bca"), &Value::Null)
    );
    assert_eq!(difference["rank_biserial"], 1.0);
    let dz = difference["cohens_dz"].as_f64().expect("d_z");
    assert!((dz - 3.5 / 3.5f64.sqrt()).abs() < 1e-12, "{dz}");
    assert_eq!(rows[0]["difference"]["p_holm"], rows[0]["difference"]["p"]);
    assert_eq!(rows[2]["n_pairs"], 11);
    assert_eq!(rows[2]["difference"]["p_holm"], Value::Null);
    assert!(rows[1]["warnings"][0].as_str().is_some_and(|w| w.contains("only 6 pairs")), "{row}");
    // The same seed gives the same bytes, another seed another interval.
    assert_eq!(document(&folder, &args), report);
    let other = document(&folder, &[&args[..], &["--seed", "7", "--resamples", "100"]].concat());
    let interval =
        |report: &Value| report["comparisons"][0]["rows"][2]["difference"]["ci95"].clone();
    assert_ne!(interval(&other), interval(&report));
}

#[test]
fn the_baseline_the_part_and_the_tasks_can_be_named() {
    let folder = two_strategies();
    let report = document(
        &folder,
        &[
            "compare",
            "human.jsonl",
            "mine.jsonl",
            "--baseline",
            "mine",
            "--task",
            "HotpotQA",
            "--field",
            "answer",
            "--unit",
            "chars",
            "--json",
        ],
    );
    let comparison = &report["comparisons"][0];
    assert_eq!((&comparison["baseline"], &comparison["other"]), (&json!("mine"), &json!("human")));
    assert_eq!(comparison["name"], "answer_chars");
    assert_eq!(comparison["rows"].as_array().map(Vec::len), Some(2));
    let row = &comparison["rows"][0];
    assert_eq!((&row["task"], &row["n_unpaired_other"]), (&json!("hotpotqa"), &json!(1)));
    let expected = json!({"mean": 0.0, "median": 0.0, "ci95": [0.0, 0.0], "ci_method": "percentile",
        "ci_fallback": "all values are equal", "p": 1.0, "p_exact": true, "p_holm": 1.0,
        "cohens_dz": null, "rank_biserial": null});
    assert_eq!(row["difference"], expected);
}

#[test]
fn the_strategies_of_one_file_of_rows_are_compared() {
    let folder = Folder::new();
    let rows = ours("assets/example/coherence.jsonl");
    let report = document(&folder, &["compare", &rows, "--json"]);
    let comparisons = report["comparisons"].as_array().expect("comparisons");
    let what: Vec<[&str; 3]> = comparisons
        .iter()
        .map(|c| ["name", "baseline", "other"].map(|key| c[key].as_str().unwrap_or_default()))
        .collect();
    let expected = [
        ["instruction_gain", "human", "context_synthesis"],
        ["instruction_gain", "human", "instruction_synthesis"],
        ["answer_gain", "human", "context_synthesis"],
        ["answer_gain", "human", "instruction_synthesis"],
    ];
    assert_eq!(what, expected);
    // Eight tasks and all of them, the mean of a task as its rows have it.
    assert_eq!(comparisons[0]["rows"].as_array().map(Vec::len), Some(9));
    let text = std::fs::read_to_string(&rows).expect("the example's rows");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a row"));
    let gains: Vec<f64> = lines
        .filter(|row| row["task"] == "qasper" && row["strategy"] == "context_synthesis")
        .filter_map(|row| row["instruction_gain"].as_f64())
        .collect();
    let mean = gains.iter().sum::<f64>() / gains.len() as f64;
    let row = &comparisons[0]["rows"][1];
    assert_eq!(row["task"], "qasper");
    assert!(row["other"]["mean"].as_f64().is_some_and(|other| (other - mean).abs() < 1e-12));
    let args =
        ["compare", &rows, "--value", "auc_answer", "--value", "answer_dependence", "--json"];
    let report = document(&folder, &args);
    let names = |ix: usize| report["comparisons"][ix]["name"].clone();
    assert_eq!([names(0), names(2)], ["answer_dependence", "auc_answer"]);
}

#[test]
fn people_get_a_table_with_its_doubts() {
    let run = two_strategies().run(&["compare", "human.jsonl", "mine.jsonl"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines[0], "context length (words): mine less human");
    assert!(lines[3].starts_with("HotpotQA "), "{}", run.out);
    for words in ["35.00 (35.00)", "38.50 (38.50)", "+3.50 [", "0.031", "0.062", "+1.00"] {
        assert!(lines[3].contains(words), "no {words} in {}", lines[3]);
    }
    let n_columns: Vec<usize> = lines[1..=4].iter().map(|line| line.chars().count()).collect();
    assert!(n_columns.iter().all(|n| *n == n_columns[0]), "{}", run.out);
    let notes: Vec<&&str> = lines.iter().filter(|line| line.starts_with("note: ")).collect();
    assert!(notes.iter().any(|note| note.contains("only 5 pairs: p cannot be below 0.062")));
}

#[test]
fn broken_lines_are_counted_and_named() {
    let folder = two_strategies();
    let broken = folder.read("mine.jsonl") + "{\"instruction\":\n";
    let folder = folder.with("mine.jsonl", broken);
    let run = folder.run(&["compare", "human.jsonl", "mine.jsonl", "--json"]);
    assert_eq!(run.code, 3, "{}", run.err);
    assert!(run.err.contains("mine.jsonl, line 13"), "{}", run.err);
    let report: Value = serde_json::from_str(&run.out).expect("one JSON document");
    assert_eq!(report["skipped"], 1);
    assert!(report["warnings"][0].as_str().is_some_and(|w| w.contains("line 13")), "{report}");
}

#[test]
fn data_without_pairs_says_so_and_still_has_its_distance() {
    let folder = Folder::new().with("a.jsonl", DOCUMENT).with("b.jsonl", PAIR);
    let report = document(&folder, &["compare", "a.jsonl", "b.jsonl", "--json"]);
    let comparison = &report["comparisons"][0];
    let warnings = comparison["warnings"].to_string();
    for words in ["1 of 1 records of b have no context_words", "nothing is paired"] {
        assert!(warnings.contains(words), "no {words} in {warnings}");
    }
    let run = folder.run(&["compare", "a.jsonl", "b.jsonl"]);
    assert!(run.code == 0 && run.out.contains("note: nothing is paired: a and b"), "{}", run.out);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let rows = std::fs::read_to_string(ours("assets/example/coherence.jsonl")).expect("rows");
    let human: String = rows.lines().take(2).map(|line| format!("{line}\n")).collect();
    let folder = two_strategies().with("rows.jsonl", &rows).with("some.jsonl", &human);
    let broken = folder.read("some.jsonl") + "{\"id\":7}\n";
    let folder = folder.with("broken.jsonl", broken);
    let refused = |args: &[&str], code: i32, words: &[&str]| {
        folder.refused(&[&["compare"], args].concat(), code, words);
    };
    refused(&["human.jsonl"], 2, &["only human of human.jsonl", "name another file"]);
    refused(&["human.jsonl", "human.jsonl"], 2, &["human.jsonl is there twice"]);
    refused(&["human.jsonl", "none.jsonl"], 1, &["none.jsonl", "no such file"]);
    refused(&["human.jsonl", "out"], 2, &["out is a folder of results", "files of one kind"]);
    refused(&["out", "out"], 1, &["out holds no result.json", "LongBench's scorer"]);
    let kinds = ["rows.jsonl holds coherence rows and human.jsonl does not"];
    refused(&["human.jsonl", "rows.jsonl"], 2, &kinds);
    refused(&["rows.jsonl", "broken.jsonl"], 1, &["broken.jsonl, line 3", "measure again"]);
    refused(&["human.jsonl", "mine.jsonl", "--value", "answer_gain"], 2, &["--field and --unit"]);
    refused(&["rows.jsonl", "--unit", "words"], 2, &["take no", "--value"]);
    refused(&["rows.jsonl", "--value", "moon"], 2, &["moon", "use one of: instruction_gain"]);
    refused(&["rows.jsonl", "--task", "moon"], 2, &["`moon`", "use one of: 2wikimqa"]);
    refused(&["rows.jsonl", "--baseline", "moon"], 2, &["moon means nothing", "use one of: human"]);
    let two = ["rows.jsonl", "some.jsonl", "--baseline", "human"];
    refused(&two, 2, &["human means several of them", "rows (human)"]);
    refused(&["human.jsonl", "mine.jsonl", "--unit", "tokens"], 2, &["needs a --tokenizer"]);
    refused(&["human.jsonl", "mine.jsonl", "--resamples", "5"], 2, &["100..=1000000"]);
    refused(&[], 2, &["FILES"]);
}
