//! The Prepare view's page of faults: the checks, their findings, the evidence, and the way into Data.

use super::stage::{Setup, Stage};
use crate::program::records;
use backstory::app::View;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use serde_json::{Value, json};

/// Of these sentences no two documents have the same.
pub fn document(n: usize) -> String {
    let sentence = |ix: usize| {
        let (day, hour) = (n * 7 + ix, ix * 3 + n);
        format!(
            "On day {day} the keeper of house {n} wrote {hour} lines about boat number {ix}{n}."
        )
    };
    (0..24).map(sentence).collect::<Vec<String>>().join(" ")
}

pub fn record(n: usize, instruction: &str, answer: &str, context: &str) -> Value {
    json!({"id": format!("r{n}"), "task": "musique", "instruction": instruction, "answers": [answer],
           "context": context})
}

/// A clean record.
fn clean(n: usize) -> Value {
    let fact = format!("It was Ada{n} Stone who rang the bell of tower {n}.");
    let context = document(n).replacen(". On", &format!(". {fact} On"), 1) + " They all went home.";
    record(
        n,
        &format!("Who rang the bell in tower number {n}?"),
        &format!("Ada{n} Stone"),
        &context,
    )
}

const TEST_SENTENCE: &str = "The committee on harbours recommended in its last chapter the cost of dredging the \
                             northern channel without naming the firms that had been asked.";

pub fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// Twenty clean records; then a duplicate of the third, one without an answer, and one with a sentence of
/// the test.
pub fn faulty() -> Vec<Value> {
    let mut all: Vec<Value> = (0..20).map(clean).collect();
    all.push(all[2].clone());
    all.push(record(21, "Who lit the lamp of the mill?", "Bela Quint", &document(40)));
    let spoiled = document(41) + " " + TEST_SENTENCE;
    let spoiled = spoiled.replacen("boat number", "Cora Finch, on boat number", 1);
    all.push(record(22, "Who sailed on the boat?", "Cora Finch", &spoiled));
    all
}

fn tests() -> String {
    let text = format!("{} {TEST_SENTENCE}", document(90));
    lines(&[
        json!({"_id": "t7", "task": "qasper", "instruction": "What did the committee recommend?",
                   "answers": ["dredging"], "context": text}),
    ])
}

pub fn prepare(setup: Setup) -> Stage {
    let mut stage = setup.open();
    stage.show(View::Prepare);
    stage
}

fn faults() -> Stage {
    prepare(Setup::example().file("made.jsonl", &lines(&faulty())).beside("tests.jsonl", &tests()))
}

fn check(stage: &mut Stage) {
    stage.press("Check records");
    stage.settle();
}

#[test]
fn before_a_check_the_page_says_what_it_would_tell() {
    let mut stage = faults();
    stage.must_show("The records are not checked yet.");
    stage.must_show("23 records of 1 file");
    stage.click(Role::CheckBox, "Show made.jsonl");
    stage.press("Check records");
    stage.must_show("No shown file has records");
}

#[test]
fn each_check_tells_its_records_or_why_it_was_not_made() {
    let mut stage = faults();
    check(&mut stage);
    for words in [
        "The answer is not in the context: 1 record, 4.3 %, 1 warning",
        "Another record has the same context: 1 record, 4.3 %, 1 fault",
        "A model refused instead of writing: none",
        "Text of a test stands in the record: not made: needs test files",
        "The answer is known without the context: not made: needs coherence rows, measure in Compare",
    ] {
        let names = stage.names(Role::Button);
        assert!(names.iter().any(|name| name.starts_with(words)), "no {words}: {names:#?}");
    }
}

/// Shows the findings of a check.
fn choose(stage: &mut Stage, check: &str) {
    let names = stage.names(Role::Button);
    let name = names.iter().find(|name| name.starts_with(check));
    let name = name.unwrap_or_else(|| panic!("no {check}: {names:#?}")).clone();
    stage.press(&name);
    stage.settle();
}

#[test]
fn a_duplicate_stands_beside_the_record_that_it_repeats() {
    let mut stage = faults();
    check(&mut stage);
    choose(&mut stage, "Another record has the same context");
    stage.must_show("context and instruction are those of an earlier record");
    stage.must_show("made.jsonl, line 21, MuSiQue");
    stage.must_show("made.jsonl, line 3, MuSiQue");
    let own = stage.value(Role::Document, "Context");
    let other = stage.value(Role::Document, "Context of the other record");
    assert!(!own.is_empty() && own == other, "{own}\n{other}");
    stage.press("Show the answer of the other record");
    stage.settle();
    assert_eq!(stage.value(Role::Document, "Answer of the other record"), "Ada2 Stone");
}

#[test]
fn tests_that_the_person_names_are_shown_beside_what_was_copied_from_them() {
    let mut stage = faults();
    let path = stage.path("tests.jsonl").display().to_string();
    stage.enter("Test file", &path);
    assert!(stage.has(Role::Button, "Leave out the tests tests.jsonl"));
    check(&mut stage);
    choose(&mut stage, "Text of a test stands in the record: 1 record");
    stage.must_show("made.jsonl, line 23, MuSiQue");
    stage.must_show("Test, tests.jsonl, line 1, Qasper");
    // The sentence, which ends both texts, is in view.
    for name in ["Context", "Context of the other record"] {
        let shown = stage.value(Role::Document, name);
        assert!(shown.contains("recommended in its last chapter"), "{name}: {shown}");
    }
    // Without the tests the findings are of another wish.
    stage.press("Leave out the tests tests.jsonl");
    stage.settle();
    stage.must_show("Files, rows or tests have changed since: check again.");
}

#[test]
fn the_records_of_a_fault_are_shown_alone_in_data_and_exported() {
    let mut stage = faults();
    check(&mut stage);
    choose(&mut stage, "The answer is not in the context");
    stage.press("Show these records in Data");
    stage.settle();
    assert_eq!(stage.window().view(), View::Data);
    stage.must_show("Only 1 record with the fault: The answer is not in the context");
    stage.must_show("1 selected of 23 records");
    assert_eq!(stage.value(Role::Document, "Answer"), "Bela Quint");
    stage.press("Export records…");
    stage.must_show("Only the 1 records that Data shows now");
    let out = stage.path("faulty.jsonl").display().to_string();
    stage.fill("File to export to", &out);
    stage.press_nth("Export", 1);
    stage.settle();
    let written = records(&stage.path("faulty.jsonl"));
    assert_eq!(written.len(), 1);
    assert_eq!(written[0].answer(), "Bela Quint");
    stage.press("Back to Prepare");
    stage.settle();
    stage.must_show("made.jsonl, line 22");
    stage.press("Open in Data");
    stage.settle();
    stage.must_show("23 records");
    assert_eq!(stage.value(Role::Document, "Answer"), "Bela Quint");
}

#[test]
fn findings_are_walked_through_with_the_keys() {
    let mut all = faulty();
    all.push(record(23, "Who lit the lamp of the inn?", "Dora Plum", &document(42)));
    let mut stage = prepare(Setup::example().file("made.jsonl", &lines(&all)));
    check(&mut stage);
    choose(&mut stage, "The answer is not in the context: 2 records");
    stage.must_show("made.jsonl, line 22");
    stage.keys(Modifiers::ALT, Key::ArrowDown);
    stage.settle();
    stage.must_show("made.jsonl, line 24");
    // A click into the table gives it the plain arrows.
    let place = stage.harness.ctx.content_rect().center_top() + egui::vec2(200.0, 4.0);
    stage.click_place(place);
    stage.harness.ctx.memory_mut(|memory| {
        if let Some(id) = memory.focused() {
            memory.surrender_focus(id);
        }
    });
    stage.key(Key::ArrowUp);
    stage.settle();
    stage.must_show("made.jsonl, line 22");
}

/// A file whose check takes a while.
pub fn large() -> String {
    lines(&(0..6000).map(clean).collect::<Vec<Value>>())
}

#[test]
fn a_check_is_cancelled_where_it_was_begun() {
    let mut stage = prepare(Setup::example().file("large.jsonl", &large()));
    stage.press("Check records");
    stage.press("Pause");
    stage.until_shown("checking records: ");
    stage.must_show("Check large.jsonl");
    assert!(!stage.has(Role::Button, "Check records"));
    stage.press_nth("Cancel", 1);
    stage.settle();
    stage.must_show("Cancelled. Nothing of it is kept.");
    assert!(stage.has(Role::Button, "Check records"));
}

#[test]
fn a_test_file_that_is_not_there_is_told() {
    let mut stage = faults();
    let path = stage.path("gone.jsonl").display().to_string();
    stage.enter("Test file", &path);
    check(&mut stage);
    stage.must_show("cannot read ");
    stage.must_show("gone.jsonl");
    stage.must_show("The records are not checked yet.");
}

#[test]
fn records_that_share_an_instruction_are_looked_at_one_after_the_other() {
    let mut all: Vec<Value> = (0..20).map(clean).collect();
    for n in 50..56 {
        all.push(record(n, "Tell me about the text.", &format!("Text {n}"), &document(n)));
    }
    let mut stage = prepare(Setup::example().file("made.jsonl", &lines(&all)));
    check(&mut stage);
    choose(&mut stage, "Many records share one instruction: 6 records");
    stage.must_show("made.jsonl, line 21");
    stage.must_show("made.jsonl, line 22");
    stage.must_show("1 of 5");
    stage.press("Previous record of the group");
    stage.settle();
    stage.must_show("made.jsonl, line 26");
    stage.press("Next record of the group");
    stage.settle();
    stage.must_show("made.jsonl, line 22");
}

#[test]
fn a_file_that_is_read_again_makes_its_findings_old() {
    let mut stage = faults();
    check(&mut stage);
    stage.must_not_show("have changed since");
    std::fs::write(stage.path("made.jsonl"), lines(&faulty()[..21])).unwrap();
    let path = stage.path("made.jsonl").display().to_string();
    stage.enter("Path of a data file", &path);
    stage.settle();
    stage.must_show("Files, rows or tests have changed since: check again.");
    assert!(!stage.is_enabled(Role::Button, "Show these records in Data"));
    stage.press("Check again");
    stage.settle();
    stage.must_not_show("have changed since");
    stage.must_show("in 21 records");
}

#[test]
fn a_record_that_cannot_be_read_any_more_is_told() {
    // More than is kept in memory, so that evidence is read when it is looked at.
    let faulty = |n: usize| record(n, "Who lit the lamp?", &format!("Bela{n} Quint"), &document(n));
    let mut all = vec![faulty(16_000)];
    all.extend((0..16_000).map(clean));
    all.push(faulty(16_001));
    let text = lines(&all);
    assert!(text.len() > 32 << 20, "{}", text.len());
    let mut stage = prepare(Setup::example().file("made.jsonl", &text));
    check(&mut stage);
    choose(&mut stage, "The answer is not in the context: 2 records");
    assert_eq!(stage.value(Role::Document, "Answer"), "Bela16000 Quint");
    std::fs::write(stage.path("made.jsonl"), "{}\n").unwrap();
    stage.keys(Modifiers::ALT, Key::ArrowDown);
    stage.settle();
    stage.must_show("Its file has changed or gone: open it again, then check again.");
}
