//! `backstory score`: LongBench's own scores and grades to the last digit, and predictions that cannot be
//! graded.

use crate::program::Folder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn document(folder: &Folder, args: &[&str], code: i32) -> Value {
    let run = folder.run(args);
    assert_eq!(run.code, code, "{args:?}: {}", run.err);
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error} in {}", run.out))
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a golden file");
    serde_json::from_str(&text).expect("golden JSON")
}

/// Scores, scores by length and grades of all 21 data sets against what LongBench's scorer left.
fn like_longbench(golden: &Path) {
    let folder = Folder::new();
    let path = golden.to_string_lossy();
    let args = ["score", path.as_ref(), "--json", "--per-record", "out/rows.jsonl"];
    let report = document(&folder, &args, 0);
    let wanted = read(&golden.join("result.json"));
    assert_eq!(wanted.as_object().map(|tasks| tasks.len()), Some(21));
    assert_eq!((&report["edition"], &report["skipped"]), (&json!("longbench"), &json!(0)));
    assert_eq!(report["tasks"], wanted);
    let scores: Vec<f64> =
        wanted.as_object().expect("scores").values().filter_map(Value::as_f64).collect();
    let average = report["average"].as_f64().expect("an average");
    assert!((average - scores.iter().sum::<f64>() / 21.0).abs() < 0.0051);
    let by_length = document(&folder, &["score", path.as_ref(), "--json", "--longbench-e"], 0);
    assert_eq!(by_length["edition"], "longbench-e");
    assert_eq!(by_length["tasks"], read(&golden.join("result_e.json")));
    let mut grades: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in folder.read("out/rows.jsonl").lines() {
        let row: Value = serde_json::from_str(line).expect("a row");
        let task = row["task"].as_str().expect("a task").to_owned();
        let of_task = grades.entry(task).or_default();
        of_task.push(row["grade"].as_f64().expect("a grade"));
        assert_eq!(row["line"], of_task.len());
    }
    let wanted: BTreeMap<String, Vec<f64>> =
        serde_json::from_value(read(&golden.join("per_sample.json"))).expect("grades");
    assert_eq!(grades.len(), 21);
    for (task, wanted) in wanted {
        let grades = &grades[&task];
        assert_eq!(grades.len(), wanted.len(), "{task}");
        for (line, (grade, wanted)) in (1..).zip(grades.iter().zip(wanted)) {
            assert!((grade - wanted).abs() < 1e-9, "{task}, line {line}: {grade} not {wanted}");
        }
    }
}

#[test]
fn our_golden_predictions_get_longbenchs_scores() {
    like_longbench(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/longbench_own"));
}

#[test]
fn real_golden_predictions_get_longbenchs_scores() {
    let shared = std::env::var_os("BACKSTORY_SHARED").map_or("../shared".into(), PathBuf::from);
    let golden = shared.join("data/longbench/golden_real");
    match std::path::absolute(&golden).ok().filter(|golden| golden.is_dir()) {
        Some(golden) => like_longbench(&golden),
        None => println!("SKIPPED: there is no {}", golden.display()),
    }
}

/// A usable line of a task that takes any text.
const LINE: &str =
    "{\"pred\":\"Ada Stone\",\"answers\":[\"Ada\"],\"all_classes\":null,\"length\":10}\n";

#[test]
fn a_table_for_people() {
    let folder = Folder::new().with("qasper.jsonl", LINE);
    let run = folder.run(&["score", "qasper.jsonl"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert!(run.out.contains("edition longbench\n"), "{}", run.out);
    assert!(run.out.lines().any(|line| line.starts_with("qasper") && line.ends_with("66.67")));
    let run = folder.run(&["score", "qasper.jsonl", "--longbench-e"]);
    assert!(
        run.out.lines().any(|line| line.starts_with("average") && line.ends_with("-       -")
            || line.starts_with("average") && line.contains("66.67")),
        "{}",
        run.out
    );
}

#[test]
fn groups_of_lengths_begin_at_4000_and_8000_and_may_be_empty() {
    let line = |length: u64, pred: &str| {
        format!(
            "{}\n",
            json!({"pred": pred, "answers": ["7"], "all_classes": null, "length": length})
        )
    };
    let few = line(3999, "7") + &line(4000, "no") + &line(7999, "7");
    let folder = Folder::new().with("passage_count_e.jsonl", &few);
    let args = ["score", "passage_count_e.jsonl", "--longbench-e", "--json"];
    let report = document(&folder, &args, 0);
    let groups = json!({"0-4k": 100.0, "4-8k": 50.0, "8k+": null});
    assert_eq!(report["tasks"], json!({ "passage_count": groups }));
    assert_eq!(report["average"], groups);
    let folder = Folder::new().with("passage_count.jsonl", few + &line(8000, "7"));
    let args = ["score", "passage_count.jsonl", "--longbench-e", "--json"];
    assert_eq!(document(&folder, &args, 0)["average"]["8k+"], 100.0);
}

#[test]
fn a_folder_may_hold_other_files_and_both_editions() {
    let folder = Folder::new()
        .with("qasper.jsonl", LINE)
        .with("qasper_e.jsonl", LINE.replace("Ada Stone", "Ada"))
        .with("result.json", "{}")
        .with("mine.jsonl", "{}");
    let run = folder.run(&["score", ".", "--json"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("`mine` is no data set of LongBench"), "{}", run.err);
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(report["tasks"], json!({"qasper": 66.67}));
    let report = document(&folder, &["score", ".", "--longbench-e", "--json"], 0);
    assert_eq!(report["tasks"]["qasper"]["0-4k"], 100.0);
}

#[test]
fn rows_do_not_take_the_place_of_predictions() {
    let folder = Folder::new().with("qasper.jsonl", LINE);
    let args = ["score", ".", "--per-record", "qasper.jsonl"];
    folder.refused(&args, 2, &["qasper.jsonl", "another name"]);
    assert_eq!(folder.read("qasper.jsonl"), LINE);
    folder.refused(&["score", ".", "--per-record", "none/rows.jsonl"], 1, &["none"]);
}

/// A file with nothing to grade is refused by name, line and what is wrong.
fn refused(name: &str, bytes: impl AsRef<[u8]>, words: &[&str]) {
    let folder = Folder::new().with(name, bytes);
    let words = [&[name], words].concat();
    folder.refused(&["score", name, "--json", "--per-record", "out/rows.jsonl"], 1, &words);
}

/// The second line is left out, and told of with these words; the first is graded.
fn skipped(name: &str, first: &str, second: impl AsRef<[u8]>, words: &[&str]) {
    let bytes = [first.as_bytes(), second.as_ref(), b"\n"].concat();
    let folder = Folder::new().with(name, bytes);
    let run = folder.run(&["score", name, "--json"]);
    assert_eq!(run.code, 3, "{words:?}: {}", run.err);
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(report["skipped"], 1, "{report}");
    assert_eq!(
        report["records"].as_object().map(|r| r.values().cloned().collect()),
        Some(vec![json!(1)])
    );
    let place = format!("{name}, line 2: ");
    for word in [&[place.as_str(), "left out"], words].concat() {
        assert!(run.err.contains(word), "no `{word}`: {}", run.err);
    }
    refused(name, [second.as_ref(), b"\n"].concat(), &[&["line 1"], words].concat());
}

#[test]
fn hostile_lines_cost_themselves_only() {
    let nested =
        format!("{{\"pred\":\"a\",\"answers\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = format!("{{\"pred\":{}1{}}}", "{\"a\":".repeat(5000), "}".repeat(5000));
    let lines: [(&[u8], &[&str]); 33] = [
        (b"{", &["not valid JSON", "EOF"]),
        (b"}", &["not valid JSON at column 1"]),
        (b"null", &["not a JSON object", "null"]),
        (b"[]", &["not a JSON object"]),
        (b"[{\"pred\":\"a\",\"answers\":[\"a\"]}]", &["not a JSON object"]),
        (b"\"pred\"", &["not a JSON object"]),
        (b"12", &["not a JSON object"]),
        (b"NaN", &["not valid JSON"]),
        (b"pred,answers", &["not valid JSON"]),
        (b"<html>", &["not valid JSON"]),
        (b"\xff\xfe{\x00}\x00", &["not valid UTF-8 at byte 1"]),
        (b"{\"pred\":\"\xc3\x28\",\"answers\":[\"a\"]}", &["not valid UTF-8 at byte 10"]),
        (b"\x00\x00\x00\x00", &["not valid JSON"]),
        (b"{\"pred\":\"a\",\"answers\":[\"a\"]", &["EOF"]),
        (b"{\"pred\":\"a\" \"answers\":[\"a\"]}", &["expected `,` or `}` at column", "column"]),
        (b"{\"pred\":\"a\",\"answers\":[\"a\"],}", &["trailing comma"]),
        (b"{'pred':'a','answers':['a']}", &["not valid JSON"]),
        (b"{\"pred\":\"\\ud800\",\"answers\":[\"a\"]}", &["not valid JSON", "hex escape"]),
        (b"{\"pred\":\"a\",\"answers\":[\"a\"]} {\"pred\":\"a\"}", &["trailing characters"]),
        (b"{}", &["`pred` is missing"]),
        (b"{\"answers\":[\"a\"]}", &["`pred` is missing"]),
        (b"{\"pred\":null,\"answers\":[\"a\"]}", &["`pred` must be a text, not null"]),
        (b"{\"pred\":7,\"answers\":[\"a\"]}", &["`pred` must be a text, not a number"]),
        (b"{\"pred\":[\"a\"],\"answers\":[\"a\"]}", &["`pred` must be a text, not a list"]),
        (b"{\"pred\":\"a\"}", &["`answers` is missing"]),
        (b"{\"pred\":\"a\",\"answers\":null}", &["`answers` is missing"]),
        (b"{\"pred\":\"a\",\"answers\":\"a\"}", &["`answers` must be a list of texts, not a text"]),
        (b"{\"pred\":\"a\",\"answers\":{\"0\":\"a\"}}", &["`answers` must be a list", "an object"]),
        (b"{\"pred\":\"a\",\"answers\":[\"a\",1]}", &["`answers` must hold texts, but number 2"]),
        (b"{\"pred\":\"a\",\"answers\":[[\"a\"]]}", &["`answers` must hold texts, but number 1"]),
        (b"{\"pred\":\"a\",\"answers\":[\"a\"],\"length\":\"10\"}", &["`length` must be a number"]),
        (b"{\"pred\":\"a\",\"answers\":[\"a\"],\"length\":-1}", &["`length` must be 0 or more"]),
        (
            b"{\"pred\":\"a\",\"answers\":[\"a\"],\"all_classes\":\"a\"}",
            &["`all_classes` must be a list"],
        ),
    ];
    for (line, words) in lines {
        let words: Vec<&str> =
            words.iter().map(|word| word.trim_end_matches(" at column")).collect();
        skipped("qasper.jsonl", LINE, line, &words);
    }
    for line in [nested, deep] {
        skipped("qasper.jsonl", LINE, line, &["recursion limit"]);
    }
}

#[test]
fn each_metric_says_what_it_needs() {
    let class =
        "{\"pred\":\"Date\",\"answers\":[\"Date\"],\"all_classes\":[\"Date\"],\"length\":1}\n";
    for line in [
        "{\"pred\":\"Date\",\"answers\":[\"Date\"]}",
        "{\"pred\":\"a\",\"answers\":[],\"all_classes\":null}",
    ] {
        skipped("trec.jsonl", class, line, &["`all_classes` is missing"]);
        skipped("lsht.jsonl", class, line, &["`all_classes` is missing"]);
    }
    let number = "{\"pred\":\"7\",\"answers\":[\"Paragraph 7\"]}\n";
    for answer in ["7", "paragraph 7", "Paragraph seven"] {
        let line = json!({"pred": "7", "answers": [answer]}).to_string();
        skipped("passage_retrieval_en.jsonl", number, line, &["`answers` holds an answer without"]);
    }
    let number = "{\"pred\":\"7\",\"answers\":[\"段落7\"]}\n";
    let line = "{\"pred\":\"7\",\"answers\":[\"段落\"]}";
    skipped("passage_retrieval_zh.jsonl", number, line, &["`answers` holds an answer without"]);
    let folder = Folder::new().with("qasper.jsonl", "{\"pred\":\"a\",\"answers\":[\"a\"]}\n");
    let args = ["score", "qasper.jsonl", "--longbench-e"];
    folder.refused(&args, 1, &["qasper.jsonl", "line 1", "`length` is missing"]);
}

#[test]
fn files_that_cannot_be_graded_at_all() {
    refused("qasper.jsonl", "", &["empty", "check"]);
    refused("qasper.jsonl", "\n \r\n\t\n", &["empty"]);
    refused("qasper.jsonl", "\u{feff}", &["empty"]);
    refused("answers.jsonl", LINE, &["`answers` is no data set", "hotpotqa", "name the file"]);
    refused("qasper-old.jsonl", LINE, &["`qasper-old` is no data set"]);
    refused("samples_longbench_qasper_2024.jsonl", LINE, &["line 1", "`doc` must be an object"]);
    refused("samples_gsm8k_2024.jsonl", LINE, &["is no data set"]);
    let folder = Folder::new().with("qasper.jsonl", LINE).with("qasper_e.jsonl", LINE);
    folder.refused(&["score", "none.jsonl"], 1, &["none.jsonl", "no such file", "check"]);
    folder.refused(&["score", "out"], 1, &["out", "holds no predictions", "give"]);
    let twice = ["score", "qasper.jsonl", "qasper_e.jsonl"];
    folder.refused(&twice, 1, &["both qasper.jsonl and qasper_e.jsonl", "give one"]);
    folder.refused(&["score", "qasper.jsonl", "."], 1, &["both", "qasper"]);
    let folder = Folder::new().with("2wikiqa.jsonl", LINE).with("2wikimqa.jsonl", LINE);
    folder.refused(&["score", "."], 1, &["2wikiqa.jsonl", "2wikimqa.jsonl", "give one"]);
}

#[test]
fn odd_but_sound_files_are_graded() {
    let graded = |name: &str, bytes: String| {
        let folder = Folder::new().with(name, bytes);
        let report = document(&folder, &["score", name, "--json"], 0);
        report["tasks"].as_object().expect("tasks").values().next().expect("a task").clone()
    };
    assert_eq!(graded("qasper.jsonl", format!("\u{feff}{LINE}")), 66.67);
    assert_eq!(graded("qasper.jsonl", format!("\n\n{}\n\n", LINE.replace('\n', "\r\n"))), 66.67);
    assert_eq!(graded("qasper.jsonl", LINE.trim_end().to_owned()), 66.67);
    assert_eq!(graded("Qasper.jsonl", LINE.repeat(1000)), 66.67);
    assert_eq!(graded("qasper.jsonl", LINE.replace("[\"Ada\"]", "[]")), 0.0);
    let long = LINE.replace("Ada Stone", &"word. ".repeat(200_000));
    assert_eq!(graded("gov_report.jsonl", long.clone()), 0.0);
    assert_eq!(graded("gov_report.jsonl", long.replace('.', "")), 0.0);
    let more = format!("{{\"x\":{}1{},", "[".repeat(100), "]".repeat(100));
    assert_eq!(graded("qasper.jsonl", LINE.replacen('{', &more, 1)), 66.67);
    let many = LINE.replace("[\"Ada\"]", &json!(vec!["Ada Stone"; 10_000]).to_string());
    assert_eq!(graded("qasper.jsonl", many), 100.0);
}
