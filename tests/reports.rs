//! Figures of scores, gaps, needles and coherence, and reports that hold all of it.

use crate::program::{Folder, PAIR};
use backstory::job::Watch;
use backstory::report::CompareSettings;
use backstory::workbench::{
    self, Desk, GapWish, Inputs, Job, OpenRows, ReportJob, Taken, WorkbenchError,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// A coherence row, by its number.
fn row(strategy: &str, i: u32) -> Value {
    let gain = 1.0 + f64::from(i) / 10.0;
    json!({
        "id": format!("{i:015x}{}", strategy.len() % 10), "seed_id": format!("{i:016x}"),
        "task": "hotpotqa", "strategy": strategy, "n_context_tokens": 100 + 50 * i,
        "n_instruction_tokens": 5, "n_answer_tokens": 2, "instruction_gain": gain,
        "instruction_gain_shuffled": 0.1, "answer_gain": gain / 2.0, "answer_gain_shuffled": 0.1,
        "instruction_dependence": gain - 0.1, "answer_dependence": gain / 2.0 - 0.1, "own_rank": 1.0,
        "truncated": false, "kept_tokens": 100, "tokens_differ": false, "model": "scorer",
        "shuffles": 2, "auc_instruction": 1.0, "auc_answer": 0.5,
    })
}

fn rows() -> String {
    let all =
        ["human", "context_synthesis"].into_iter().flat_map(|s| (0..6).map(move |i| row(s, i)));
    all.map(|row| format!("{row}\n")).collect()
}

/// Human records, and records of the same seeds with other contexts.
fn records(strategy: &str, context: &str) -> String {
    let record = |i: u32| {
        json!({
            "seed_id": format!("{i:016x}"), "task": "hotpotqa", "strategy": strategy,
            "instruction": format!("Who rang bell {i}?"), "answers": ["Ada <b>Stone</b>"],
            "context": context.repeat(i as usize + 1), "license": "CC0",
            "provenance": {"model": "writer", "model_sha256": "ab12", "device": "cpu", "seed": 7},
        })
    };
    (0..6).map(|i| format!("{}\n", record(i))).collect()
}

fn needles() -> String {
    let all = [("SFT1", 0.0), ("SFT2", 1.0)].into_iter().flat_map(|(composition, grade)| {
        [0, 1024].map(|test_length| {
            json!({"task": "single", "composition": composition, "test_length": test_length, "grade": grade})
        })
    });
    all.map(|row| format!("{row}\n")).collect()
}

/// A folder with inputs of every kind.
fn folder() -> Folder {
    let folder = Folder::new()
        .with("rows.jsonl", rows())
        .with("human.jsonl", records("human", "Ada Stone rang the bell at noon. "))
        .with("ours.jsonl", records("context_synthesis", "It rang. "))
        .with("needle.jsonl", needles());
    for (name, score) in [("small", 20.0), ("large", 40.0), ("bare", 30.0)] {
        std::fs::create_dir(folder.path(name)).unwrap();
        let result = json!({"qasper": score, "hotpotqa": score + 5.0}).to_string();
        std::fs::write(folder.path(name).join("result.json"), result).unwrap();
        let grades = json!({"qasper": [score / 50.0, 0.0]}).to_string();
        std::fs::write(folder.path(name).join("per_sample.json"), grades).unwrap();
    }
    folder
}

/// Runs a command that must draw, and returns its SVG.
fn drawn(folder: &Folder, args: &[&str]) -> String {
    let run = folder.run(&[&["figure"], args, &["--out", "out/f.svg"]].concat());
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{args:?}");
    folder.read("out/f.svg")
}

#[test]
fn coherence_is_drawn_in_every_form_and_a_point_tells_its_record() {
    let folder = folder();
    for (form, words) in [
        ("bars", "Instruction-context coherence"),
        ("auc", "How often the own context beats others"),
        ("length", "Coherence over context length"),
        ("rank", "Rank of the own context"),
    ] {
        let svg = drawn(&folder, &["coherence", "rows.jsonl", "--form", form]);
        assert!(svg.contains(words) && svg.contains("context synthesis"), "{form}");
    }
    assert!(
        drawn(&folder, &["scatter", "rows.jsonl"]).contains("Answer gain over instruction gain")
    );
    let spec = folder.read("out/f.json");
    let id = row("human", 3)["id"].as_str().unwrap().to_owned();
    assert!(spec.contains(&id), "the window opens a record by its id");
    let svg = drawn(&folder, &["lengths", "human.jsonl", "ours.jsonl", "--form", "violin"]);
    assert!(svg.contains("Distance from human") && svg.contains("W (words)"));
    let lengths = ["figure", "lengths", "human.jsonl", "--out", "out/l.svg", "--form"];
    folder.refused(&[&lengths[..], &["auc"]].concat(), 2, &["density, histogram"]);
    let scatter = ["figure", "scatter", "rows.jsonl", "--form", "bars", "--out", "out/s.svg"];
    folder.refused(&scatter, 2, &["--form"]);
}

#[test]
fn scores_and_gaps_come_from_result_folders() {
    let folder = folder();
    let svg = drawn(&folder, &["scores", "small", "--label", "context_synthesis=large"]);
    for words in ["Single-document QA", "Multi-document QA", "small", "context synthesis", "mean"] {
        assert!(svg.contains(words), "no {words}");
    }
    let svg = drawn(
        &folder,
        &["gap", "--with", "ours=large", "--without", "ours=bare", "--reference", "small"],
    );
    for words in ["without context", "Dashed line: small.", "Qasper"] {
        assert!(svg.contains(words), "no {words}");
    }
    let svg = drawn(&folder, &["needle", "needle.jsonl"]);
    let heat = drawn(&folder, &["needle", "needle.jsonl", "--form", "heat"]);
    for words in ["needle only", "1k", "SFT1", "accuracy (%)"] {
        assert!(svg.contains(words) && heat.contains(words), "no {words}");
    }
}

#[test]
fn results_that_are_none_are_refused() {
    let folder = folder().with("out.json", "{}");
    std::fs::create_dir(folder.path("preds")).unwrap();
    std::fs::write(folder.path("preds").join("qasper.jsonl"), "{}").unwrap();
    let scores = |path| ["figure", "scores", path, "--out", "out/s.svg"];
    folder.refused(&scores("preds"), 1, &["qasper.jsonl", "line 1: `pred` is missing"]);
    folder.refused(&scores("none"), 1, &["no such folder"]);
    folder.refused(
        &scores("human.jsonl"),
        1,
        &["human.jsonl", "`human` is no data set of LongBench"],
    );
    let twice = ["figure", "scores", "small", "--label", "small=large", "--out", "out/s.svg"];
    folder.refused(&twice, 2, &["called small", "NAME=DIR"]);
    let gap = ["figure", "gap", "--out", "out/g.svg", "--with", "large"];
    folder.refused(&gap, 2, &["1 result folders with contexts and 0 without"]);
    let other = [&gap[..3], &["out/g.svg", "--with", "a=large", "--without", "b=bare"]].concat();
    folder.refused(
        &[&["figure", "gap", "--out"], &other[3..]].concat(),
        2,
        &["no --without called a"],
    );
    let lengths = ["figure", "lengths", "human.jsonl", "--with", "small", "--out", "out/l.svg"];
    folder.refused(&lengths, 2, &["figure gap"]);
    folder.refused(
        &["figure", "needle", "human.jsonl", "--out", "out/n.svg"],
        1,
        &["no needle results"],
    );
    let broken =
        needles() + "{\"task\":\"single\",\"composition\":\"x\",\"test_length\":1,\"grade\":7}\n";
    let folder = folder.with("broken.jsonl", broken);
    let needle = ["figure", "needle", "broken.jsonl", "--out", "out/n.svg"];
    folder.refused(&needle, 1, &["broken.jsonl, line 5", "grade 7"]);
}

const EVERYTHING: [&str; 14] = [
    "report",
    "human.jsonl",
    "ours.jsonl",
    "rows.jsonl",
    "needle.jsonl",
    "small",
    "--label",
    "second=large",
    "--with",
    "ours=large",
    "--without",
    "ours=bare",
    "--reference",
    "small",
];

/// The files below a folder by path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_report_holds_everything_and_is_the_same_every_time() {
    let folder = folder();
    let run = folder.run(&[&EVERYTHING[..], &["--out", "out/report", "--json"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let made: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&made["figures"], &made["skipped"]), (&json!(13), &json!(0)));
    let first = files(&folder.path("out/report"));
    let listed: Vec<&str> =
        made["files"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(listed.len(), first.len());
    assert!(listed.iter().all(|name| first.contains_key(*name)), "{listed:?}");
    for name in [
        "figures/lengths.svg",
        "figures/coherence_scatter.png",
        "figures/coherence_scatter.pdf",
        "figures/gap.csv",
        "figures/lengths_violin.pdf",
        "figures/needle_heat.svg",
        "tables/scores.tex",
        "figures/needle.json",
        "tables/compare_lengths_01.md",
        "tables/coherence.csv",
        "tables/coherence.tex",
        "cards/01_human.jsonl.md",
        "configuration.json",
    ] {
        assert!(first.get(name).is_some_and(|bytes| !bytes.is_empty()), "no {name}");
    }
    let page = String::from_utf8(first["index.html"].clone()).unwrap();
    for words in
        ["Context lengths", "AUC", "Tuning gap", "Needle tests", "writer (6)", "CC0 (6)", "ab12"]
    {
        assert!(page.contains(words), "no {words}");
    }
    // Every link on the page is to a file of the report.
    for link in page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(link.starts_with('#') || first.contains_key(link), "{link}");
    }
    assert!(!page.contains("<script") && !page.contains("src="));
    let configuration: Value = serde_json::from_slice(&first["configuration.json"]).unwrap();
    assert_eq!(configuration["scorers"], json!(["scorer"]));
    assert_eq!(configuration["writers"][0]["model_sha256"], "ab12");
    assert_eq!(configuration["inputs"].as_array().unwrap().len(), 9);
    // The same inputs give the same bytes, also where an earlier report is replaced.
    let stale = folder.path("out/report/figures/old.svg");
    std::fs::write(folder.path("out/report/mine.txt"), "mine").unwrap();
    let mut earlier = configuration.clone();
    earlier["files"].as_array_mut().unwrap().push("figures/old.svg".into());
    std::fs::write(&stale, "old").unwrap();
    std::fs::write(folder.path("out/report/configuration.json"), earlier.to_string()).unwrap();
    let again = folder.run(&[&EVERYTHING[..], &["--out", "out/report", "--replace"]].concat());
    assert_eq!(again.code, 0, "{}", again.err);
    assert!(!stale.exists(), "what the earlier report had more is gone");
    assert_eq!(folder.read("out/report/mine.txt"), "mine");
    std::fs::remove_file(folder.path("out/report/mine.txt")).unwrap();
    assert!(files(&folder.path("out/report")) == first, "the bytes differ");
}

#[test]
fn a_report_replaces_nothing_that_is_not_its_own() {
    let folder = folder().with("out/mine.txt", "mine").with("pair.jsonl", PAIR);
    let report = |more: &[&'static str]| [&["report", "rows.jsonl", "--out"], more].concat();
    folder.refused(&report(&["out"]), 1, &["not empty", "--replace"]);
    folder.refused(&report(&["out", "--replace"]), 1, &["no report of this program"]);
    folder.refused(&report(&["none/report"]), 1, &["does not exist"]);
    folder.refused(&report(&["pair.jsonl"]), 1, &["is a file"]);
    // A configuration that names files outside of the folder is none of ours.
    let evil = r#"{"report_format": 1, "files": ["../pair.jsonl"]}"#;
    let folder = folder.with("out/configuration.json", evil);
    folder.refused(&report(&["out", "--replace"]), 1, &["no report of this program"]);
    assert_eq!(folder.read("pair.jsonl"), PAIR);
    folder.refused(&["report", "none.jsonl", "--out", "out/r"], 1, &["no such file"]);
}

#[test]
fn a_report_of_one_file_tells_what_there_is() {
    let folder = Folder::new().with("pair.jsonl", format!("{PAIR}not json\n"));
    let run = folder.run(&["report", "pair.jsonl", "--out", "out/r"]);
    assert_eq!(run.code, 3, "{}", run.err);
    let page = folder.read("out/r/index.html");
    assert!(page.contains("line 2: skipped") && page.contains("the file says none"));
    assert!(!page.contains("<svg"), "there are no contexts to draw");
}

#[test]
fn a_cancelled_report_leaves_nothing() {
    let folder = folder();
    let out = folder.path("out/r");
    let job = ReportJob {
        inputs: Inputs { files: vec![folder.path("human.jsonl")], ..Inputs::default() },
        rows: OpenRows::default(),
        models: Vec::new(),
        gap: GapWish::default(),
        tokenizer: None,
        baseline: None,
        settings: CompareSettings { seed: 1, n_resamples: 100 },
        out: out.clone(),
        taken: Taken::Refuse,
    };
    let watch = Watch::default();
    watch.cancel();
    let job = Job::Report(Box::new(job));
    let ended = workbench::run(job, &mut Desk::default(), &watch, &mut |_| {});
    assert!(matches!(ended, Err(WorkbenchError::Cancelled(_))), "{ended:?}");
    assert!(!out.exists());
}
