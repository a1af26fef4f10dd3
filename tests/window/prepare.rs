//! The Prepare view's other pages: what cutoffs take away, and records made longer.

use super::faults::{document, faulty, large, lines, prepare, record};
use super::stage::{Setup, Stage, tiny_model};
use crate::program::records;
use backstory::job::Watch;
use backstory::lengths::truncation::Policy;
use backstory::workbench::{self, Desk, Inputs, Job, Product, TruncateJob, TruncateReport};
use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use serde_json::Value;

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
