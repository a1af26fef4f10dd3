//! Commands that write what others use: figures, training files, and how fast the window draws.

use crate::program::{DOCUMENT, Folder, PAIR};
use serde_json::Value;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A file of the repository, by its path from there.
fn ours(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn a_figure_of_lengths_is_written_in_every_form_and_drawn_again_from_its_spec() {
    let folder = Folder::new();
    let seeds = ours("assets/example/seeds/hotpotqa.jsonl");
    let outs = ["--out", "out/l.svg", "--out", "out/l.png", "--out", "out/l.csv"];
    let args =
        [&["figure", "lengths", seeds.as_str(), "--dpi", "50", "--json"], &outs[..]].concat();
    let run = folder.run(&args);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let files = parsed(&run.out)["files"].clone();
    // The spec comes along, beside the first file.
    for name in ["out/l.svg", "out/l.png", "out/l.csv", "out/l.json"] {
        assert!(files.as_array().is_some_and(|files| files.contains(&name.into())), "{files}");
    }
    let svg = folder.read("out/l.svg");
    for words in ["Context lengths", "HotpotQA", "(n = 3)", "human"] {
        assert!(svg.contains(words), "no {words}");
    }
    let png = std::fs::read(folder.path("out/l.png")).unwrap();
    assert!(png.starts_with(PNG));
    // 6.8 inches wide, unless the person says otherwise.
    assert_eq!(u32::from_be_bytes([png[16], png[17], png[18], png[19]]), 340);
    assert!(folder.read("out/l.csv").lines().count() > 3);
    let again = folder.run(&["figure", "--spec", "out/l.json", "--out", "out/again.svg"]);
    assert_eq!((again.code, again.err.as_str()), (0, ""));
    assert_eq!(folder.read("out/again.svg"), svg);
}

#[test]
fn a_figure_of_coherence_comes_from_rows() {
    let folder = Folder::new();
    let rows = ours("assets/example/coherence.jsonl");
    let run =
        folder.run(&["figure", "coherence", &rows, "--out", "out/c.svg", "--out", "out/c.png"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let svg = folder.read("out/c.svg");
    for words in ["instruction gain", "answer gain", "context synthesis", "GovReport"] {
        assert!(svg.contains(words), "no {words}");
    }
    assert!(std::fs::read(folder.path("out/c.png")).unwrap().starts_with(PNG));
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let folder = Folder::new().with("a.jsonl", PAIR).with("spec.json", "{}");
    let lengths = ["figure", "lengths", "a.jsonl", "--out"];
    folder.refused(&[&lengths[..], &["out/l.bmp"]].concat(), 2, &["svg, pdf, png, csv or json"]);
    folder.refused(&[&lengths[..], &["none/l.svg"]].concat(), 1, &["none", "does not exist"]);
    let rows = ["figure", "coherence", "a.jsonl", "--out", "out/c.svg"];
    folder.refused(&rows, 1, &["a.jsonl holds no coherence rows"]);
    folder.refused(&["figure", "--spec", "spec.json", "--out", "out/s.svg"], 1, &["spec.json"]);
}

#[test]
fn records_are_exported_as_they_are_and_as_chats() {
    let triple = r#"{"task":"qasper","instruction":"Who?","answer":"Ada","context":"Ada rang."}"#;
    let folder = Folder::new().with("a.jsonl", format!("{triple}\n{DOCUMENT}"));
    let jsonl = ["export", "a.jsonl", "--format", "jsonl", "--out", "out/all.jsonl", "--json"];
    let run = folder.run(&jsonl);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let report = parsed(&run.out);
    assert_eq!((&report["n_written"], &report["n_left_out"]), (&2.into(), &0.into()));
    let back = folder.run(&["inspect", "out/all.jsonl", "--json"]);
    assert_eq!(parsed(&back.out)["files"][0]["records"], 2);
    // A document alone asks nothing, so that there is nothing to train on; it is counted.
    let messages =
        ["export", "a.jsonl", "--format", "messages", "--out", "out/chats.jsonl", "--json"];
    let run = folder.run(&messages);
    assert_eq!(run.code, 3);
    assert!(run.err.contains("1 of 2 records left out"), "{}", run.err);
    let report = parsed(&run.out);
    assert_eq!((&report["n_written"], &report["n_left_out"]), (&1.into(), &1.into()));
    let chats = folder.read("out/chats.jsonl");
    let chat = parsed(chats.trim());
    let asked = chat["messages"][0]["content"].as_str().unwrap();
    assert!(asked.contains("Ada rang.") && asked.contains("Who?"), "{asked}");
    assert_eq!(chat["messages"][1]["content"], "Ada");
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let folder = Folder::new().with("a.jsonl", PAIR).with("docs.jsonl", DOCUMENT);
    let export = |file, format, out| ["export", file, "--format", format, "--out", out];
    folder.refused(&export("a.jsonl", "xml", "out/a"), 2, &["jsonl, messages"]);
    folder.refused(&export("a.jsonl", "jsonl", "a.jsonl"), 1, &["a.jsonl", "choose another"]);
    folder.refused(&export("a.jsonl", "jsonl", "out"), 1, &["is a folder"]);
    folder.refused(&export("docs.jsonl", "messages", "out/d.jsonl"), 1, &["none of the 1 records"]);
}

#[test]
fn the_windows_frames_are_timed_for_each_view() {
    let folder = Folder::new();
    let (seeds, model) =
        (ours("assets/example/seeds/hotpotqa.jsonl"), ours("tests/data/tiny_llama.gguf"));
    let run = folder.run(&["bench", "frames", &seeds, "--model", &model, "--json"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let times = parsed(&run.out);
    let views: Vec<&String> =
        times.as_object().into_iter().flat_map(|times| times.keys()).collect();
    assert_eq!(
        views,
        ["compare", "data", "gap", "jobs", "needle", "prepare", "scores", "synthesize"]
    );
    for view in views {
        let at = |key| times[view][key].as_f64().unwrap_or(f64::NAN);
        let (p50, p99) = (at("p50_ms"), at("p99_ms"));
        assert!(p50 > 0.0 && p50 <= p99 && p99 < 10_000.0, "{view}: {p50} and {p99} ms");
    }
    // What the person's own window remembers is left alone.
    assert!(!folder.path("home/settings.json").exists());
    let missing = folder.run(&["bench", "frames", "none.jsonl", "--model", &model, "--json"]);
    assert_eq!((missing.code, missing.out.as_str()), (1, ""));
    assert!(missing.err.contains("there is no such file"), "{}", missing.err);
}

#[test]
fn reading_a_record_is_timed_while_it_is_searched() {
    let folder = Folder::new();
    let (seeds, model) =
        (ours("assets/example/seeds/hotpotqa.jsonl"), ours("tests/data/tiny_llama.gguf"));
    let bench = ["bench", "frames", &seeds, "--model", &model, "--view", "data", "--json"];
    let run = folder.run(&[&bench[..], &["--search", "t.e", "--regex"]].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let times = parsed(&run.out);
    for what in ["data", "reading: open", "reading: scroll", "reading: search"] {
        let p99 = times[what]["p99_ms"].as_f64().unwrap_or(f64::NAN);
        assert!(p99 > 0.0 && p99 < 10_000.0, "{what}: {p99} ms");
    }
    let nowhere = folder.run(&[&bench[..], &["--search", "qqqq"]].concat());
    assert_eq!((nowhere.code, nowhere.out.as_str()), (1, ""));
    assert!(nowhere.err.contains("`qqqq` is nowhere"), "{}", nowhere.err);
    let filter =
        [&bench[..], &["--filter", "len_words(context) >= 0 || len_words(context) == null"]];
    let run = folder.run(&filter.concat());
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(parsed(&run.out)["filtering"]["p99_ms"].as_f64().unwrap() > 0.0);
    let run = folder.run(&[&bench[..], &["--filter", "answer_gain > 1"]].concat());
    assert!(run.code == 1 && run.err.contains("answer_gain is not measured"), "{}", run.err);
}
