//! The Scores view: results side by side, the records behind a score, the gap, what can be taken along.

use super::stage::{Setup, Stage};
use backstory::app::View;
use backstory::workbench::OpenFile;
use egui::accesskit::Role;
use std::fmt::Write;

/// Predictions of ten records of which the first `n_right` are right, each with an id.
fn predictions(n_right: usize) -> String {
    (0..10).fold(String::new(), |mut text, ix| {
        let said = if ix < n_right { format!("Ada{ix}") } else { format!("wrong words {ix}") };
        let record = serde_json::json!({
            "pred": said, "answers": [format!("Ada{ix}")], "length": 1000 + ix,
            "_id": format!("record-{ix}"),
        });
        let _ = writeln!(text, "{record}");
        text
    })
}

/// Folders of results, each with qasper and hotpotqa; the named ones are open.
fn setup(open: &[&str]) -> Setup {
    let open: Vec<String> = open.iter().map(|name| (*name).to_owned()).collect();
    Setup::example().remembering(move |folder, settings| {
        for (name, qasper, hotpotqa) in [("plain", 0, 5), ("tuned", 10, 6), ("other", 3, 4)] {
            let path = folder.path(name);
            std::fs::create_dir_all(&path).unwrap();
            std::fs::write(path.join("qasper.jsonl"), predictions(qasper)).unwrap();
            std::fs::write(path.join("hotpotqa.jsonl"), predictions(hotpotqa)).unwrap();
        }
        std::fs::create_dir_all(folder.path("broken")).unwrap();
        std::fs::write(folder.path("broken/qasper.jsonl"), "{\"pred\": []}\n").unwrap();
        std::fs::create_dir_all(folder.path("binary")).unwrap();
        std::fs::write(folder.path("binary/result.json"), [0xff, 0x00, 0x7b]).unwrap();
        for name in &open {
            settings.open.push(OpenFile {
                path: folder.path(name),
                join: None,
                strategy: None,
                map: Vec::new(),
            });
        }
    })
}

fn scores(open: &[&str]) -> Stage {
    let mut stage = setup(open).open();
    stage.show(View::Scores);
    stage
}

/// The button whose name begins so.
fn score(stage: &Stage, begin: &str) -> String {
    let names = stage.names(Role::Button);
    let found = names.iter().find(|name| name.starts_with(begin));
    found.unwrap_or_else(|| panic!("no {begin} among {names:?}")).clone()
}

#[test]
fn without_results_the_view_says_how_to_get_some() {
    let mut stage = scores(&[]);
    stage.must_show("No results are open.");
    stage.must_show("backstory evaluate");
    let path = stage.path("plain").display().to_string();
    stage.enter("Path of a folder of results", &path);
    stage.settle();
    stage.must_not_show("No results are open.");
    assert!(stage.has(Role::Button, "Rename plain"));
}

#[test]
fn a_click_on_a_score_shows_what_stands_behind_it() {
    let mut stage = scores(&["plain", "tuned"]);
    assert!(stage.is_on(Role::RadioButton, "Measure against plain"));
    let cell = score(&stage, "Qasper: tuned");
    stage.press(&cell);
    stage.settle();
    stage.must_show("tuned: 10 records, the lowest grade first");
    stage.must_show("Prediction of plain");
    stage.must_show("wrong words 3");
    stage.press("Read record record-3");
    stage.settle();
    assert!(stage.has(Role::Document, "Record behind the score"));
    let painted = stage.painted().join("\n");
    assert!(painted.contains("tuned, grade 100.00") && painted.contains("plain, grade 0.00"));
    stage.press("Close this record");
    stage.settle();
    assert!(!stage.has(Role::Document, "Record behind the score"));
}

#[test]
fn differences_are_to_the_baseline_that_is_chosen() {
    let mut stage = scores(&["plain", "tuned", "other"]);
    let table = |stage: &mut Stage| {
        stage.press("Table…");
        stage.copied_by("Copy the table as CSV")
    };
    let csv = table(&mut stage);
    let head = csv.lines().next().unwrap_or_default();
    assert_eq!(head, "task,plain,tuned,tuned less plain,other,other less plain");
    // Ten differences of 100: p is 2 in 2^10, times two tasks.
    let qasper = csv.lines().find(|line| line.starts_with("Qasper")).unwrap_or_default();
    assert!(qasper.contains("0.00") && qasper.contains("100.00"), "{qasper}");
    assert!(qasper.contains("\"+100.00 [+100.00, +100.00], p 0.0039\""), "{qasper}");
    stage.click(Role::RadioButton, "Measure against tuned");
    stage.settle();
    let csv = table(&mut stage);
    assert!(csv.contains("plain less tuned") && csv.contains("-100.00 [-100.00"), "{csv}");
    // The chosen baseline may be closed: then the first is it.
    stage.press("Close tuned");
    stage.settle();
    assert!(stage.is_on(Role::RadioButton, "Measure against plain"));
    assert!(!stage.has(Role::Button, "Rename tuned"));
}

#[test]
fn results_are_renamed_and_figures_drawn_and_exported() {
    let mut stage = scores(&["plain", "tuned"]);
    stage.press("Rename tuned");
    stage.enter("Name of the results", "with contexts");
    stage.settle();
    assert!(stage.has(Role::Button, "Rename with contexts"));
    stage.must_show("LongBench scores");
    stage.press("Tuning gap");
    stage.settle();
    stage.must_show("Choose the results of two models");
    stage.pick("Tuned with contexts", "with contexts");
    stage.pick("Tuned without contexts", "plain");
    stage.settle();
    stage.must_not_show("Choose the results of two models");
    stage.press("Export figure…");
    stage.must_show("Tuning gap, as Scores shows it");
    let path = stage.path("gap").display().to_string();
    stage.fill("File to export to", &path);
    stage.press_nth("Export", 1);
    stage.settle();
    assert!(stage.read("gap.svg").contains("with contexts"));
}

#[test]
fn the_table_is_saved_and_never_over_another_file_unasked() {
    let mut stage = scores(&["plain", "tuned"]);
    let path = stage.path("scores.tex").display().to_string();
    for replaced in [false, true] {
        stage.press("Table…");
        stage.press("Save table…");
        stage.fill("File to save the table in", &path);
        stage.press("Save");
        stage.settle();
        assert_eq!(stage.has(Role::TextInput, "File to save the table in"), replaced);
    }
    let tex = stage.read("scores.tex");
    assert!(tex.contains("\\toprule") && tex.contains("tuned less plain"), "{tex}");
    stage.press("Cancel");
}

#[test]
fn what_holds_no_results_is_told_and_nothing_breaks() {
    let mut stage = scores(&["plain"]);
    for (name, words) in [
        ("broken", "line 1"),
        ("binary", "result.json"),
        ("home", "holds no result.json"),
        ("nowhere", "nowhere"),
    ] {
        let path = stage.path(name).display().to_string();
        stage.enter("Path of a folder of results", &path);
        stage.settle();
        stage.must_show(words);
    }
    assert_eq!(stage.names(Role::RadioButton).len(), 1);
}

#[test]
fn a_small_window_has_all_of_it() {
    let mut stage = setup(&["plain", "tuned", "other"]).size([1100.0, 700.0]).open();
    stage.show(View::Scores);
    let cell = score(&stage, "HotpotQA: other");
    stage.press(&cell);
    stage.settle();
    stage.must_show("other: 10 records");
}
