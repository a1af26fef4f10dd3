//! Accepting, discarding, rating and tagging records, and taking it back.

use super::stage::{Setup, Stage};
use crate::program::records;
use egui::accesskit::Role;
use egui::{Key, Modifiers};

fn instruction(stage: &Stage) -> String {
    stage.value(Role::Document, "Instruction")
}

fn three() -> Setup {
    let row = |name: &str| {
        let row = serde_json::json!({
            "task": "qasper", "instruction": format!("{name}?"), "answer": name, "context": "c"
        });
        format!("{row}\n")
    };
    Setup::example().file("three.jsonl", &["one", "two", "three"].map(row).concat())
}

#[test]
fn the_keys_judge_and_go_on() {
    let mut stage = three().open();
    stage.key(Key::Enter);
    assert_eq!(instruction(&stage), "two?");
    stage.key(Key::D);
    assert_eq!(instruction(&stage), "three?");
    stage.key(Key::Num4);
    stage.settle();
    assert_eq!(instruction(&stage), "three?", "a rating stays at the record");
    for words in ["accepted", "discarded", "rated 4 of 5"] {
        assert_eq!(stage.count(Role::Label, words), 1, "{words}");
    }
    // In a field the same keys are letters.
    stage.fill("Search records", "d4");
    stage.settle();
    assert_eq!(stage.text_of("Search records"), "d4");
    stage.fill("Search records", "");
    stage.settle();
    assert_eq!(stage.count(Role::Label, "discarded"), 1);
}

#[test]
fn everything_can_be_taken_back_and_said_again() {
    let mut stage = three().open();
    stage.key(Key::Enter);
    stage.key(Key::D);
    stage.key(Key::Num2);
    stage.key(Key::Num0);
    let n = |stage: &Stage, words: &str| stage.count(Role::Label, words);
    let state =
        |stage: &Stage| (n(stage, "accepted"), n(stage, "discarded"), n(stage, "rated 2 of 5"));
    assert_eq!(state(&stage), (1, 1, 0));
    for expected in [(1, 1, 1), (1, 1, 0), (1, 0, 0), (0, 0, 0)] {
        stage.ctrl(Key::Z);
        assert_eq!(state(&stage), expected);
    }
    assert_eq!(instruction(&stage), "one?", "what is taken back is shown");
    stage.ctrl(Key::Z);
    stage.must_show("Nothing was said that could be taken back.");
    for expected in [(1, 0, 0), (1, 1, 0), (1, 1, 1), (1, 1, 0)] {
        stage.keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
        assert_eq!(state(&stage), expected);
    }
}

#[test]
fn buttons_do_what_the_keys_do() {
    let mut stage = three().open();
    stage.press("Discard");
    assert_eq!(instruction(&stage), "two?");
    stage.press("Rate 3");
    stage.enter("Tags", "odd, too-long odd");
    stage.settle();
    assert_eq!(stage.text_of("Tags"), "odd too-long");
    assert_eq!(stage.count(Role::Label, "rated 3 of 5, tags: odd too-long"), 1);
    stage.press("Rate 3");
    assert_eq!(stage.count(Role::Label, "tags: odd too-long"), 1);
    stage.key(Key::Home);
    stage.press("Discard");
    assert_eq!((instruction(&stage).as_str(), stage.count(Role::Label, "discarded")), ("one?", 0));
}

#[test]
fn reviews_can_be_asked_for_and_sorted_by() {
    let mut stage = three().open();
    stage.key(Key::D);
    stage.key(Key::Enter);
    stage.key(Key::Num5);
    stage.enter("Tags", "good");
    stage.settle();
    for (filter, first) in [
        ("accepted", "two?"),
        ("discarded", "one?"),
        ("rating >= 4", "three?"),
        ("tag(\"good\")", "three?"),
    ] {
        stage.fill("Filter records", filter);
        stage.settle();
        stage.must_show("1 of 3 records");
        assert_eq!(instruction(&stage), first, "{filter}");
    }
    // What is discarded leaves the list that leaves discarded ones out.
    stage.fill("Filter records", "!discarded");
    stage.settle();
    stage.must_show("2 of 3 records");
    stage.click(Role::Label, "two?");
    stage.key(Key::D);
    stage.settle();
    stage.must_show("1 of 3 records");
    stage.press("Clear");
    stage.press("Sort by Review");
    stage.press("Sort by Review");
    stage.settle();
    stage.key(Key::Home);
    assert_eq!(instruction(&stage), "three?");
}

#[test]
fn reviews_are_there_at_the_next_start_and_on_the_command_line() {
    let mut stage = three().open();
    stage.key(Key::Enter);
    stage.key(Key::D);
    stage.settle();
    let lines = stage.read("home/reviews.jsonl");
    assert_eq!(lines.lines().count(), 2, "{lines}");
    let text = stage.read("three.jsonl");
    let again =
        Setup::example().file("moved.jsonl", &text).beside("home/reviews.jsonl", &lines).open();
    assert_eq!(again.count(Role::Label, "accepted"), 1, "a record is known in another file too");
    let run = stage.folder.run(&["inspect", "three.jsonl", "--json", "--filter", "discarded"]);
    assert!(run.out.contains("\"records\":1,"), "{}{}", run.out, run.err);
}

#[test]
fn discarded_records_are_not_exported_unless_asked_for() {
    let mut stage = three().open();
    stage.key(Key::D);
    stage.key(Key::Enter);
    stage.settle();
    for (said, n) in
        [("Leave out discarded ones", 2), ("Only accepted ones", 1), ("All, discarded ones too", 3)]
    {
        stage.press("Export records…");
        stage.pick("Reviewed", said);
        let path = stage.path(&format!("{n}.jsonl"));
        stage.fill("File to export to", &path.display().to_string());
        stage.press_nth("Export", 1);
        stage.settle();
        assert_eq!(records(&path).len(), n, "{said}");
    }
}
