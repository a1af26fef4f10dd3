//! Lengths to order from the command line: budgets, targets, the same bytes again, and what is refused.

use crate::program::{Folder, records};
use backstory::data::Record;
use backstory::job::{Progress, Watch};
use backstory::lengths::{Counter, Field, Unit, of_each};
use backstory::model::read_tokenizer;
use backstory::seed::Stream;
use backstory::synthesis::extension::Position;
use backstory::workbench::{
    self, Desk, ExtendJob, ExtendPool, ExtendSize, Inputs, Job, Product, WorkbenchError,
};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};

/// Its tokens are the bytes, so that prompts are long in tokens.
fn tokenizer() -> String {
    format!("{}/tests/data/tiny_llama.gguf", env!("CARGO_MANIFEST_DIR"))
}

/// How far below its budget a prompt may stay here, where a sentence has about as many tokens.
const ROOM: u64 = 80;

/// A document of its own: paragraphs of sentences of made-up words.
fn document(name: &str, n_paragraphs: usize) -> String {
    let mut stream = Stream::new(1, name, "document");
    let mut word = || {
        let syllable = |n: usize| ["ka", "lo", "mi", "ren", "su", "té", "vor", "zha"][n];
        (0..3).map(|_| syllable(stream.below(8))).collect::<String>()
    };
    let mut sentence = || (0..8).map(|_| word()).collect::<Vec<_>>().join(" ") + ".";
    let mut paragraph = || (0..3).map(|_| sentence()).collect::<Vec<_>>().join(" ");
    (0..n_paragraphs).map(|_| paragraph()).collect::<Vec<_>>().join("\n\n")
}

fn data(task: &str, n: usize) -> String {
    let line = |ix: usize| {
        let context = document(&format!("{task}{ix}"), 1 + ix % 3);
        json!({
            "task": task, "instruction": format!("Who was number {ix}?"),
            "answers": [format!("Nobody{ix}")], "context": context, "strategy": "context_synthesis",
            "provenance": {"model": "m", "seed": 3},
        })
    };
    (0..n).map(|ix| format!("{}\n", line(ix))).collect()
}

fn folder() -> Folder {
    Folder::new().with("data.jsonl", data("hotpotqa", 40))
}

/// Extends with the program; what it printed.
fn extend(folder: &Folder, code: i32, args: &[&str]) -> Value {
    let tokenizer = tokenizer();
    let fixed = ["extend", "data.jsonl", "--json", "--tokenizer", tokenizer.as_str()];
    let run = folder.run(&[&fixed[..], args].concat());
    assert_eq!(run.code, code, "{args:?}: {}", run.err);
    serde_json::from_str(&run.out).unwrap()
}

/// The tokens of each prompt as `lengths` counts them.
fn prompt_tokens(records: &[Record]) -> Vec<u64> {
    let (tokenizer, template) = read_tokenizer(Path::new(&tokenizer())).unwrap();
    let counter = Counter { tokenizer: Some(&tokenizer), template: template.as_ref() };
    let records: Vec<&Record> = records.iter().collect();
    let counted = of_each(&records, Field::Prompt, Unit::Tokens, &counter, &Watch::default());
    counted.unwrap().into_iter().flatten().map(|n| n as u64).collect()
}

#[test]
fn prompts_fill_their_budget_and_keep_what_the_records_had() {
    let folder = folder();
    let printed = extend(&folder, 0, &["--tokens", "4k", "--out", "long.jsonl"]);
    let counts = ["made", "kept", "rejected"].map(|key| printed[key].clone());
    assert_eq!(counts, [json!(40), json!(0), json!(0)]);
    let own = records(&folder.path("data.jsonl"));
    let long = records(&folder.path("long.jsonl"));
    let lengths = prompt_tokens(&long);
    let mut slots = std::collections::BTreeMap::new();
    for ((own, long), length) in own.iter().zip(&long).zip(&lengths) {
        assert!((4096 - ROOM..=4096).contains(length), "{length}");
        let fields = |record: &Record| {
            let Record { seed_id, task, strategy, instruction, answers, .. } = record.clone();
            (seed_id, task, strategy, instruction, answers)
        };
        assert_eq!(fields(own), fields(long));
        let context = long.context.as_deref().unwrap();
        let text = |span: &Value| {
            let at = |ix: usize| span[ix].as_u64().unwrap() as usize;
            &context[at(0)..at(1)]
        };
        assert_eq!(text(&long.extra["gold_span"]), own.context.as_deref().unwrap());
        let ids = long.extra["distractor_ids"].as_array().unwrap();
        let spans = long.extra["distractor_spans"].as_array().unwrap();
        assert_eq!(ids.len(), spans.len());
        for (id, span) in ids.iter().zip(spans) {
            let from = self::records(&folder.path("data.jsonl"));
            let from = from.iter().find(|record| record.id.as_str() == id).unwrap();
            assert!(from.context.as_deref().unwrap().starts_with(text(span)));
        }
        let provenance = &long.extra["provenance"];
        assert_eq!((&provenance["model"], &provenance["seed"]), (&json!("m"), &json!(3)));
        let told = &provenance["extension"];
        assert_eq!(told["tokens"], 4096);
        assert_eq!(told["prompt_tokens"], *length);
        assert_eq!((&told["seed"], &told["position"]), (&json!(42), &json!("uniform")));
        *slots.entry(told["slot"].as_u64().unwrap()).or_insert(0) += 1;
    }
    let told: std::collections::BTreeMap<u64, u64> =
        serde_json::from_value(printed["positions"].clone()).unwrap();
    assert_eq!(told, slots);
    let spread = &printed["prompt_tokens"];
    assert_eq!(spread["max"].as_f64(), lengths.iter().max().map(|n| *n as f64));
    assert_eq!(spread["min"].as_f64(), lengths.iter().min().map(|n| *n as f64));
    assert!(printed["prompt_words"].is_null() && printed["distance_after"].is_null());
    // The ids in the file are those that a reader computes.
    let lines = folder.read("long.jsonl");
    for (line, record) in lines.lines().zip(&long) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["id"], record.id.as_str());
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
    let folder = folder();
    let extend_with = |threads: &str, out: &str, seed: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_backstory"))
            .args(["extend", "data.jsonl", "--tokens", "3000", "--out", out, "--seed", seed])
            .args(["--tokenizer", &tokenizer()])
            .current_dir(folder.path(""))
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        folder.read(out)
    };
    let first = extend_with("1", "a.jsonl", "3");
    assert_eq!(extend_with("4", "b.jsonl", "3"), first);
    assert_ne!(extend_with("4", "c.jsonl", "4"), first);
    assert_eq!(first.lines().count(), 40);
}

#[test]
fn contexts_are_counted_and_words_where_there_is_no_tokenizer() {
    let folder = folder();
    let args = ["extend", "data.jsonl", "--contexts", "10", "--position", "end", "--out"];
    let run = folder.run(&[&args[..], &["ten.jsonl", "--json"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let printed: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(printed["positions"], json!({"9": 40}));
    assert!(printed["prompt_tokens"].is_null());
    assert!(printed["prompt_words"]["min"].as_f64().unwrap() > 300.0);
    for record in records(&folder.path("ten.jsonl")) {
        assert_eq!(record.extra["distractor_ids"].as_array().unwrap().len(), 9);
        let context = record.context.as_deref().unwrap();
        assert_eq!(record.extra["gold_span"][1], context.len());
    }
    // As lines for people.
    let run = folder.run(&[&args[..], &["again.jsonl"]].concat());
    assert!(run.out.starts_with("40 made longer, 0 kept as they are, 0 left out: again.jsonl"));
    assert_eq!(folder.read("again.jsonl"), folder.read("ten.jsonl"));
}

#[test]
fn too_few_contexts_are_said_and_no_reason_to_wait() {
    let few = Folder::new().with("data.jsonl", data("qmsum", 3) + &data("hotpotqa", 2));
    let printed = extend(&few, 0, &["--contexts", "10", "--out", "out.jsonl"]);
    assert_eq!((&printed["made"], &printed["kept"]), (&json!(5), &json!(0)));
    let warnings = printed["warnings"].to_string();
    assert!(warnings.contains("`qmsum`: 3 records stay below 10 contexts"), "{warnings}");
    assert!(warnings.contains("`hotpotqa`: 2 records stay below"), "{warnings}");
    // The two of the one task hold the same document: nothing can be added to either.
    let line = data("hotpotqa", 1);
    let same =
        Folder::new().with("data.jsonl", line.clone() + &line.replace("number 0", "number 9"));
    let printed = extend(&same, 0, &["--tokens", "5000", "--out", "out.jsonl"]);
    assert_eq!((&printed["made"], &printed["kept"]), (&json!(0), &json!(2)));
    assert_eq!(
        prompt_tokens(&records(&same.path("out.jsonl"))),
        prompt_tokens(&records(&same.path("data.jsonl")))
    );
    // Where all ask the same, nothing tells which context is meant.
    let report = data("gov_report", 12);
    let reports = Folder::new().with("data.jsonl", report);
    let printed = extend(&reports, 0, &["--contexts", "3", "--out", "out.jsonl"]);
    let warnings = printed["warnings"].to_string();
    assert!(warnings.contains("`gov_report`") && warnings.contains("tells which"), "{warnings}");
}

#[test]
fn records_without_a_place_in_the_budget_are_left_out_and_named() {
    let bare = json!({"task": "hotpotqa", "instruction": "Who?", "answers": ["x"]});
    let long = json!({
        "task": "hotpotqa", "instruction": "Why?", "answers": ["x"], "context": document("long", 30),
    });
    let lines = format!("{bare}\n{long}\n{}", data("hotpotqa", 20));
    let folder = Folder::new().with("data.jsonl", lines);
    let printed = extend(&folder, 3, &["--tokens", "3000", "--out", "out.jsonl"]);
    assert_eq!((&printed["made"], &printed["rejected"]), (&json!(20), &json!(2)));
    let reason = |ix: usize| printed["left_out"][ix]["reason"].as_str().unwrap().to_owned();
    assert_eq!(printed["left_out"][0]["line"], 1);
    assert!(reason(0).contains("no context") && reason(1).contains("more than 3000"));
    let warnings = printed["warnings"].to_string();
    assert!(warnings.contains("data.jsonl, line 2: left out"), "{warnings}");
    assert_eq!(records(&folder.path("out.jsonl")).len(), 20);
}

#[test]
fn other_pools_give_other_contexts() {
    let folder = Folder::new().with("data.jsonl", data("hotpotqa", 4) + &data("qasper", 5)).with(
        "pool.jsonl",
        (0..9)
            .map(|ix| format!("{}\n", json!({"context": document(&format!("pool{ix}"), 2)})))
            .collect::<String>(),
    );
    let ids = |out: &str| -> Vec<Vec<String>> {
        let of = |record: &Record| {
            serde_json::from_value(record.extra["distractor_ids"].clone()).unwrap()
        };
        records(&folder.path(out)).iter().map(of).collect()
    };
    let tasks_of = |from: &str| -> std::collections::BTreeMap<String, String> {
        let all = records(&folder.path(from));
        all.into_iter().map(|record| (record.id.to_string(), record.task)).collect()
    };
    extend(&folder, 0, &["--contexts", "4", "--pool", "other-task", "--out", "o.jsonl"]);
    let tasks = tasks_of("data.jsonl");
    for (record, ids) in records(&folder.path("o.jsonl")).iter().zip(ids("o.jsonl")) {
        assert!(ids.len() == 3 && ids.iter().all(|id| tasks[id] != record.task));
    }
    extend(&folder, 0, &["--contexts", "10", "--pool", "pool.jsonl", "--out", "p.jsonl"]);
    let tasks = tasks_of("pool.jsonl");
    for ids in ids("p.jsonl") {
        assert!(ids.len() == 9 && ids.iter().all(|id| tasks[id] == "pool"));
    }
    let args = ["extend", "data.jsonl", "--contexts", "2", "--out", "out/x.jsonl"];
    folder.refused(&[&args[..], &["--pool", "none"]].concat(), 2, &["`none`", "same-task"]);
}

#[test]
fn lengths_follow_those_of_a_test_file() {
    let tests: String = (0..30)
        .map(|ix| {
            let context = document(&format!("test{ix}"), 4 + ix / 2);
            let line = json!({
                "input": "Who?", "context": context, "answers": ["x"], "length": 1,
                "dataset": "hotpotqa", "language": "en", "all_classes": null, "_id": "1",
            });
            format!("{line}\n")
        })
        .collect();
    let folder = folder().with("tests.jsonl", tests);
    let printed = extend(&folder, 0, &["--target", "tests.jsonl", "--out", "out.jsonl"]);
    let distance = |key: &str| printed[key].as_f64().unwrap();
    let (before, after) = (distance("distance_before"), distance("distance_after"));
    assert!(before > 1000.0 && after < 0.05 * before, "{before} {after}");
    // It is the distance of the lengths as they are counted elsewhere.
    let as_f64 = |path: &str| -> Vec<f64> {
        let lengths = prompt_tokens(&records(&folder.path(path)));
        lengths.into_iter().map(|length| length as f64).collect()
    };
    let tests = as_f64("tests.jsonl");
    let wasserstein = |path: &str| backstory::stats::wasserstein(&as_f64(path), &tests);
    assert_eq!(wasserstein("out.jsonl"), Some(after));
    assert_eq!(wasserstein("data.jsonl"), Some(before));
    let args = ["extend", "data.jsonl", "--out", "out/x.jsonl", "--target"];
    folder.refused(&[&args[..], &["none.jsonl"]].concat(), 1, &["none.jsonl", "no such file"]);
    let folder = folder.with("bare.jsonl", "{\"instruction\":\"Who?\",\"answer\":\"x\"}\n");
    folder.refused(
        &[&args[..], &["bare.jsonl"]].concat(),
        1,
        &["bare.jsonl", "no length to follow"],
    );
}

#[test]
fn a_pack_of_the_users_is_counted_as_it_stands() {
    let pack = r#"{"hotpotqa": "{context}\n\nQ: {input}\nA:"}"#;
    let folder = folder().with("pack.json", pack);
    let printed =
        extend(&folder, 0, &["--tokens", "2000", "--prompts", "pack.json", "--out", "out.jsonl"]);
    assert_eq!(printed["made"], 40);
    let (tokenizer, template) = read_tokenizer(Path::new(&tokenizer())).unwrap();
    for record in records(&folder.path("out.jsonl")) {
        let text =
            format!("{}\n\nQ: {}\nA:", record.context.as_deref().unwrap(), record.instruction);
        let user = [backstory::model::Message::new("user", text)];
        let chat = backstory::model::chat_tokens(template.as_ref().unwrap(), &tokenizer, &user, "");
        let n = chat.unwrap().tokens.len();
        assert!((2000 - ROOM..=2000).contains(&(n as u64)), "{n}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_leaves_nothing() {
    let folder = folder();
    let tokenizer = tokenizer();
    let with = |more: &[&'static str]| [&["extend", "data.jsonl"], more].concat();
    let out = ["--out", "out/x.jsonl"];
    for (more, code, words) in [
        (&["--out", "out/x.jsonl"][..], 2, &["--contexts", "--tokens", "--target"][..]),
        (
            &["--out", "out/x.jsonl", "--contexts", "2", "--tokens", "5"],
            2,
            &["cannot be used with"],
        ),
        (&["--out", "out/x.jsonl", "--contexts", "0"], 2, &["0"]),
        (&["--out", "out/x.jsonl", "--tokens", "x"], 2, &["x"]),
        (&["--out", "out/x.jsonl", "--tokens", "500"], 2, &["--tokenizer", "give"]),
        (&["--out", "out/x.jsonl", "--contexts", "2", "--position", "2"], 2, &["position"]),
        (&["--out", "none/x.jsonl", "--contexts", "2"], 1, &["none", "does not exist"]),
        (&["--out", "data.jsonl", "--contexts", "2"], 1, &["data.jsonl", "read by this very job"]),
    ] {
        let args = with(more);
        let run = folder.run(&args);
        assert_eq!(run.code, code, "{args:?}: {}", run.err);
        assert!(words.iter().all(|word| run.err.contains(word)), "{args:?}: {}", run.err);
    }
    let zero =
        [&["extend", "data.jsonl", "--tokens", "0", "--tokenizer", &tokenizer][..], &out].concat();
    folder.refused(&zero, 2, &["--tokens", "at least 1"]);
    assert_eq!(folder.read("data.jsonl"), data("hotpotqa", 40));
    assert!(std::fs::read_dir(folder.path("out")).unwrap().next().is_none());
    // One that cannot be in any budget leaves a file without records.
    let printed = extend(&folder, 3, &["--tokens", "5", "--out", "out/none.jsonl"]);
    assert_eq!((&printed["made"], &printed["rejected"]), (&json!(0), &json!(40)));
}

/// A watch whose person cancels once some records are extended.
fn cancelled_midway() -> Watch {
    let own: Arc<OnceLock<Watch>> = Arc::default();
    let seen = own.clone();
    let watch = Watch::new(move || {
        let is_late =
            |progress: Progress| progress.stage.starts_with("extending") && progress.n_done > 4;
        if let Some(watch) = seen.get().filter(|watch| is_late(watch.progress())) {
            watch.cancel();
        }
    });
    assert!(own.set(watch.clone()).is_ok());
    watch
}

#[test]
fn a_cancel_leaves_the_file_that_was_there() {
    let folder = folder().with("out.jsonl", "old");
    let job = |watch: &Watch| {
        let job = ExtendJob {
            inputs: Inputs { files: vec![folder.path("data.jsonl")], ..Inputs::default() },
            size: ExtendSize::Contexts(3),
            tokenizer: None,
            prompts: None,
            position: Position::default(),
            pool: ExtendPool::SameTask,
            allow_answers: false,
            seed: 1,
            out: folder.path("out.jsonl"),
            replace: true,
        };
        workbench::run(Job::Extend(Box::new(job)), &mut Desk::default(), watch, &mut |_| {})
    };
    let before = folder.names();
    let failed = job(&cancelled_midway());
    assert!(matches!(failed, Err(WorkbenchError::Cancelled(_))), "{failed:?}");
    assert_eq!((folder.read("out.jsonl").as_str(), folder.names()), ("old", before));
    let watch = Watch::default();
    assert!(matches!(job(&watch), Ok(Product::Extended(report)) if report.made == 40));
    assert_eq!(watch.progress().n_done, 40);
}
