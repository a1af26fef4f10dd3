//! `backstory compare` on folders of results: pairs by record, numbers that can be told by hand, and what
//! it refuses.

use crate::program::Folder;
use serde_json::{Value, json};

/// Predictions as LongBench writes them: id, answer given, answer wanted.
fn predictions(records: &[(Option<&str>, &str, &str)]) -> String {
    let line = |(id, said, wanted): &(Option<&str>, &str, &str)| {
        let mut record = json!({"pred": said, "answers": [wanted], "length": 10});
        if let Some(id) = id {
            record["_id"] = json!(id);
        }
        format!("{record}\n")
    };
    records.iter().map(line).collect()
}

fn made(folders: &[(&str, &[(&str, String)])]) -> Folder {
    let mut folder = Folder::new();
    for (name, files) in folders {
        std::fs::create_dir_all(folder.path(name)).expect("a folder");
        for (file, text) in *files {
            folder = folder.with(&format!("{name}/{file}"), text);
        }
    }
    folder
}

/// qasper: six ids in another order, all wrong in `base` and right in `tuned`, and one id more in each;
/// hotpotqa: three lines without ids, of which one became right; musique: no pairs; trec: only in one.
fn two_models() -> Folder {
    let ids = ["a", "b", "c", "d", "e", "f"];
    let mut wrong: Vec<_> = ids.iter().map(|id| (Some(*id), "Bob", "Ada")).collect();
    wrong.push((Some("g"), "Ada", "Ada"));
    let mut right: Vec<_> = ids.iter().rev().map(|id| (Some(*id), "Ada", "Ada")).collect();
    right.push((Some("h"), "Bob", "Ada"));
    let lines = |said: [&'static str; 3]| {
        let wanted = ["Ada", "Bob", "Cy"];
        let all: Vec<_> = said.into_iter().zip(wanted).map(|(s, w)| (None, s, w)).collect();
        predictions(&all)
    };
    made(&[
        (
            "base",
            &[
                ("qasper.jsonl", predictions(&wrong)),
                ("hotpotqa.jsonl", lines(["Ada", "Bob", "no"])),
                ("musique.jsonl", predictions(&[(None, "Ada", "Ada")])),
            ],
        ),
        (
            "tuned",
            &[
                ("qasper.jsonl", predictions(&right)),
                ("hotpotqa.jsonl", lines(["Ada", "Bob", "Cy"])),
                ("musique.jsonl", predictions(&[(None, "Ada", "Ada"), (None, "Bob", "Bob")])),
                ("triviaqa.jsonl", predictions(&[(None, "Ada", "Ada")])),
            ],
        ),
    ])
}

fn compared(folder: &Folder, args: &[&str]) -> Value {
    let run = folder.run(&[&["compare"], args, &["--json"]].concat());
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{args:?}");
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error} in {}", run.out))
}

fn row<'a>(report: &'a Value, task: &Value) -> &'a Value {
    let rows = report["comparisons"][0]["rows"].as_array().expect("rows");
    rows.iter().find(|row| row["task"] == *task).unwrap_or_else(|| panic!("no {task} in {rows:?}"))
}

#[track_caller]
fn near(value: &Value, expected: f64) {
    let found = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
}

#[test]
fn folders_of_results_are_compared_record_by_record() {
    let folder = two_models();
    let report = compared(&folder, &["base", "tuned"]);
    let comparison = &report["comparisons"][0];
    assert_eq!(
        [&comparison["name"], &comparison["baseline"], &comparison["other"]],
        ["score", "base", "tuned"]
    );
    let side = json!({"name": "base", "path": "base", "strategy": null, "records": 11});
    assert_eq!(report["sides"][0], side);
    // Six differences of 100: of 2^6 patterns two are as extreme.
    let qasper = row(&report, &json!("qasper"));
    assert_eq!([&qasper["n_pairs"], &qasper["n_unpaired_baseline"]], [6, 1]);
    assert_eq!(qasper["n_unpaired_other"], 1);
    let found = &qasper["difference"];
    near(&qasper["baseline"]["mean"], 0.0);
    near(&found["mean"], 100.0);
    near(&found["p"], 2.0 / 64.0);
    near(&found["p_holm"], 2.0 * 2.0 / 64.0);
    assert_eq!((&found["p_exact"], &found["ci95"]), (&json!(true), &json!([100.0, 100.0])));
    // Differences of 0, 0 and 100: every pattern is as extreme.
    let hotpotqa = row(&report, &json!("hotpotqa"));
    assert_eq!(hotpotqa["n_pairs"], 3);
    near(&hotpotqa["difference"]["mean"], 100.0 / 3.0);
    near(&hotpotqa["difference"]["p"], 1.0);
    near(&hotpotqa["difference"]["p_holm"], 1.0);
    for (task, words) in [
        ("musique", "not paired: they share no ids, and there are 1 records and 2"),
        ("triviaqa", "not paired: base has no score of it"),
    ] {
        let row = row(&report, &json!(task));
        assert_eq!((&row["n_pairs"], &row["difference"]), (&json!(0), &Value::Null));
        assert_eq!(row["warnings"], json!([words]));
    }
    // Over all, each task counts as much as the others.
    let all = row(&report, &Value::Null);
    assert_eq!((&all["n_pairs"], &all["n_unpaired_other"]), (&json!(9), &json!(1)));
    near(&all["baseline"]["mean"], (0.0 + 200.0 / 3.0) / 2.0);
    near(&all["difference"]["mean"], (100.0 + 100.0 / 3.0) / 2.0);
    assert_eq!(all["warnings"], json!(["only 2 of 4 tasks are paired"]));
}

#[test]
fn the_baseline_and_the_tasks_are_chosen() {
    let folder = two_models();
    let report = compared(&folder, &["base", "tuned", "--baseline", "tuned", "--task", "qasper"]);
    assert_eq!(report["comparisons"][0]["baseline"], "tuned");
    let qasper = row(&report, &json!("qasper"));
    near(&qasper["difference"]["mean"], -100.0);
    near(&qasper["difference"]["p_holm"], 2.0 / 64.0);
    assert_eq!(report["comparisons"][0]["rows"].as_array().map(Vec::len), Some(2));
    let run = folder.run(&["compare", "base", "tuned"]);
    assert!(run.out.contains("score (0\u{2013}100): tuned less base"), "{}", run.out);
}

#[test]
fn lines_with_other_references_are_no_pairs() {
    let folder = made(&[
        ("a", &[("qasper.jsonl", predictions(&[(None, "x", "Ada"), (None, "x", "Bob")]))]),
        ("b", &[("qasper.jsonl", predictions(&[(None, "x", "Ada"), (None, "x", "Cy")]))]),
        ("scores", &[("result.json", r#"{"qasper": 50}"#.to_owned())]),
    ]);
    let report = compared(&folder, &["a", "b"]);
    let warnings = row(&report, &json!("qasper"))["warnings"].to_string();
    assert!(warnings.contains("the references of line 2 are not those of line 2"), "{warnings}");
    let report = compared(&folder, &["a", "scores"]);
    let warnings = row(&report, &json!("qasper"))["warnings"].to_string();
    assert!(warnings.contains("records behind the score of scores are not known"), "{warnings}");
    assert!(report["comparisons"][0]["warnings"][0].to_string().contains("nothing is paired"));
}

#[test]
fn what_is_no_results_is_refused() {
    let folder = two_models();
    std::fs::create_dir_all(folder.path("broken")).expect("a folder");
    std::fs::create_dir_all(folder.path("binary")).expect("a folder");
    let folder = folder
        .with("broken/qasper.jsonl", "{\"pred\": 7, \"answers\": \"x\"}\n")
        .with("binary/result.json", [0xff, 0xfe, 0x00, 0x7b])
        .with("lengths.jsonl", "{\"instruction\":\"a\",\"answer\":\"b\"}\n");
    let refused = |args: &[&str], code: i32, words: &[&str]| {
        folder.refused(&[&["compare"], args].concat(), code, words);
    };
    refused(&["base"], 2, &["there is only base", "name another folder"]);
    refused(&["base", "base"], 2, &["base is there twice"]);
    refused(&["base", "out"], 1, &["out holds no result.json"]);
    refused(&["base", "none"], 2, &["base is a folder of results and none is not"]);
    refused(&["base", "lengths.jsonl"], 2, &["files of one kind"]);
    refused(&["base", "broken"], 1, &["broken", "line 1"]);
    refused(&["base", "binary"], 1, &["result.json"]);
    refused(&["base", "tuned", "--unit", "words"], 2, &["folders of results take no"]);
    refused(&["base", "tuned", "--task", "moon"], 2, &["`moon`", "qasper"]);
    refused(&["base", "tuned", "--baseline", "moon"], 2, &["moon means nothing", "base, tuned"]);
}
