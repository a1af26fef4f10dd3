//! The Prepare view: faults with their evidence, cutoffs, records made longer.

use super::stage::{Setup, Stage, tiny_model};
use crate::program::records;
use backstory::app::View;
use backstory::job::Watch;
use backstory::lengths::truncation::Policy;
use backstory::workbench::{self, Desk, Inputs, Job, Product, TruncateJob, TruncateReport};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use serde_json::{Value, json};

/// Of these sentences no two documents have the same.
fn document(n: usize) -> String {
    let sentence = |ix: usize| {
        let (day, hour) = (n * 7 + ix, ix * 3 + n);
        format!(
            "On day {day} the keeper of house {n} wrote {hour} lines about boat number {ix}{n}."
        )
    };
    (0..24).map(sentence).collect::<Vec<String>>().join(" ")
}

fn record(n: usize, instruction: &str, answer: &str, context: &str) -> Value {
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

fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// Twenty clean records; then a duplicate of the third, one without an answer, and one with a sentence of
/// the test.
fn faulty() -> Vec<Value> {
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

fn prepare(setup: Setup) -> Stage {
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
fn large() -> String {
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

fn cutoff(setup: Setup) -> Stage {
    let mut stage = prepare(setup);
    stage.turn_to("Cutoff");
    stage
}

/// What the command line's job finds of the same file.
fn truncated(stage: &Stage, cutoffs: &[usize]) -> TruncateReport {
    let job = Job::Truncate(TruncateJob {
        inputs: Inputs { files: vec![stage.path("made.jsonl")], ..Inputs::default() },
        tokenizer: tiny_model(),
        prompts: None,
        cutoffs: cutoffs.to_vec(),
        policies: Policy::ALL.to_vec(),
    });
    let product = workbench::run(job, &mut Desk::default(), &Watch::default(), &mut |_| {});
    match product.unwrap() {
        Product::Truncated(report) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cutoff_tells_what_it_takes_from_each_task() {
    let mut stage = cutoff(Setup::example().file("made.jsonl", &lines(&faulty())));
    stage.must_show("No cutoff is simulated yet.");
    stage.must_show("23 records of 1 file");
    let report = truncated(&stage, &[1024, 4096]);
    let loss = &report.runs.iter().find(|run| run.policy == Policy::Head).unwrap().groups[0];
    let most = report.runs.iter().flat_map(|run| &run.groups).map(|loss| loss.lossless_cutoff);
    let most = most.max().unwrap();
    // The cutoffs lie on both sides of what the records have.
    assert!(loss.over > 0 && (1024..4096).contains(&most), "{loss:?}");
    stage.fill("Cutoffs", "4k, 1k, 1024");
    stage.press("Simulate");
    stage.settle();
    let n = format!("{},{:03}", most / 1000, most % 1000);
    stage.must_show(&format!("Nothing is lost from {n} tokens on."));
    let share = 100.0 * loss.share_lost;
    let lost = format!("{},{:03} ({share:.1} %)", loss.tokens_lost / 1000, loss.tokens_lost % 1000);
    assert!(
        loss.tokens_lost < 1_000_000 && stage.has(Role::Label, &lost),
        "{lost}: {}",
        stage.told()
    );
    assert!(stage.has(Role::Label, "23 (100.0 %)"));
    // A policy and a cutoff alone.
    let heads = stage.count(Role::Label, "head");
    stage.pick("Policy shown", "drop");
    assert!(heads > 0 && !stage.has(Role::Label, "head"));
    stage.pick("Cutoff shown", "4,096 tokens");
    assert_eq!(stage.count(Role::Label, "drop"), 1);
    assert!(stage.has(Role::Label, "0 (0.0 %)"));
    stage.must_not_show("have changed since");
    stage.click(Role::CheckBox, "tail");
    stage.settle();
    stage.must_show("Files or settings have changed since: simulate again.");
}

#[test]
fn a_cutoff_that_cannot_be_simulated_says_why() {
    let mut stage = cutoff(Setup::example().choosing("").file("made.jsonl", &lines(&faulty())));
    stage.press("Simulate");
    stage.must_show("There is no model to count with");
    let gone = stage.path("gone.gguf").display().to_string();
    stage.fill("Tokenizer", &gone);
    stage.fill("Cutoffs", "many");
    stage.press("Simulate");
    stage.must_show("`many` is no length");
    stage.fill("Cutoffs", "2048");
    for policy in Policy::ALL {
        stage.click(Role::CheckBox, policy.name());
    }
    stage.press("Simulate");
    stage.must_show("Tick a policy.");
    stage.click(Role::CheckBox, "drop");
    stage.press("Simulate");
    stage.settle();
    stage.must_show("gone.gguf");
    stage.must_show("No cutoff is simulated yet.");
    // The other one is there.
    stage.fill("Tokenizer", &tiny_model());
    stage.press("Simulate");
    stage.settle();
    stage.must_show("Nothing is lost from ");
}

#[test]
fn a_simulation_is_cancelled_where_it_was_begun() {
    let mut stage = cutoff(Setup::example().file("large.jsonl", &large()));
    stage.press("Simulate");
    stage.press("Pause");
    stage.until_shown("Cut off large.jsonl");
    stage.press_nth("Cancel", 1);
    stage.settle();
    stage.must_show("Cancelled. Nothing of it is kept.");
}

fn lengthen(setup: Setup) -> Stage {
    let mut stage = prepare(setup);
    stage.turn_to("Lengthen");
    stage
}

#[test]
fn longer_records_open_by_themselves_with_a_report() {
    let mut stage = lengthen(Setup::example().file("made.jsonl", &lines(&faulty()[..20])));
    stage.must_show("Nothing is made longer yet.");
    stage.pick("Size by", "number of contexts");
    stage.set("Contexts", 3.0);
    stage.pick("Own context", "at the end");
    stage.press("Make longer");
    stage.settle();
    stage.must_show("20 made longer, 0 kept as they are, 0 left out");
    assert!(stage.is_on(Role::CheckBox, "Show made.longer.jsonl"));
    let (before, after) =
        (records(&stage.path("made.jsonl")), records(&stage.path("made.longer.jsonl")));
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        let (short, long) = (before.context.as_deref(), after.context.as_deref());
        let (short, long) = (short.unwrap(), long.unwrap());
        assert!(long.ends_with(short) && long.len() > 2 * short.len());
    }
    for words in ["Prompts, in tokens", "Shortest", "before", "after"] {
        assert!(stage.has(Role::Label, words), "no {words}: {}", stage.told());
    }
    // What is there is not replaced unasked.
    stage.pick("Records of", "made.jsonl");
    stage.press("Make longer");
    stage.settle();
    let n_told =
        |stage: &Stage| stage.harness.query_all_by_label_contains("is there already").count();
    assert_eq!(n_told(&stage), 2, "in a notice, and where it was begun");
    stage.click(Role::CheckBox, "Replace the file if it is there");
    stage.press("Make longer");
    stage.settle();
    assert_eq!(n_told(&stage), 1, "only in the notice");
}

#[test]
fn what_does_not_fit_is_left_out_and_told_line_by_line() {
    let mut all = faulty()[..5].to_vec();
    all.push(record(30, "", "", "A text about which nothing is asked."));
    let mut stage = lengthen(Setup::example().file("made.jsonl", &lines(&all)));
    stage.fill("Tokens", "9k");
    stage.press("Make longer");
    stage.settle();
    stage.must_show("5 made longer, 0 kept as they are, 1 left out");
    stage.must_show("it has no instruction");
    assert!(stage.has(Role::Label, "6"), "its line");
    stage.must_show("records stay below 9216 tokens");
}

#[test]
fn lengths_follow_those_of_a_test_file() {
    let tests: Vec<Value> = (60..70)
        .map(|n| {
            let context: Vec<String> = (0..3 + n % 3).map(|part| document(n * 9 + part)).collect();
            record(n, "Who was it?", "Bela Quint", &context.join(" "))
        })
        .collect();
    let setup = Setup::example().file("made.jsonl", &lines(&faulty()[..20]));
    let mut stage = lengthen(setup.beside("tests.jsonl", &lines(&tests)));
    stage.pick("Size by", "lengths of a test file");
    stage.press("Make longer");
    stage.must_show("Name the test file whose lengths to follow.");
    let path = stage.path("tests.jsonl").display().to_string();
    stage.fill("Like", &path);
    stage.press("Make longer");
    stage.settle();
    stage.must_show("20 made longer");
    let labels = stage.harness.query_all_by_role(Role::Label);
    let words: Vec<String> = labels.filter_map(|node| node.accesskit_node().value()).collect();
    let distance = words.iter().find(|words| words.starts_with("Distance from the test file"));
    let distance = distance.unwrap_or_else(|| panic!("no distance: {words:#?}"));
    let numbers: Vec<u64> = distance
        .replace(',', "")
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    assert!(numbers.len() == 2 && 4 * numbers[1] < numbers[0], "{distance}");
}

#[test]
fn making_longer_is_cancelled_at_once_and_writes_nothing() {
    let mut stage = lengthen(Setup::example().file("large.jsonl", &large()));
    stage.press("Make longer");
    stage.press("Pause");
    stage.until_shown("Lengthen large.jsonl");
    // Whoever leaves now is asked.
    assert!(!stage.closes());
    stage.until_shown("Work is still running");
    stage.press("Keep working");
    stage.press_nth("Cancel", 1);
    stage.settle();
    stage.must_show("Cancelled. Nothing of it is kept.");
    assert!(!stage.path("large.longer.jsonl").exists());
}
