//! The Data view: filter by expression, order, and columns.

use super::stage::{Setup, Stage};
use egui::accesskit::Role;

fn instruction(stage: &Stage) -> String {
    stage.value(Role::Document, "Instruction")
}

/// Four records whose order differs by every column.
fn four() -> Setup {
    let row = |task: &str, instruction: &str, answer: &str, n_words: usize| {
        let context = vec!["word"; n_words].join(" ");
        let row = serde_json::json!({
            "task": task, "instruction": instruction, "answer": answer, "context": context
        });
        format!("{row}\n")
    };
    let text = row("qasper", "delta?", "ww", 40)
        + &row("hotpotqa", "Alpha?", "zz", 30)
        + &row("qasper", "charlie?", "xx", 2000)
        + &row("hotpotqa", "bravo?", "yy", 10);
    Setup::example().file("four.jsonl", &text)
}

/// The instructions from the first row down.
fn order(stage: &mut Stage, n: usize) -> Vec<String> {
    stage.key(egui::Key::Home);
    let mut all = vec![instruction(stage)];
    for _ in 1..n {
        stage.key(egui::Key::ArrowDown);
        all.push(instruction(stage));
    }
    all
}

#[test]
fn an_expression_narrows_the_table() {
    let mut stage = four().open();
    stage.fill("Filter records", "task == \"qasper\" && len_words(context) < 100");
    stage.settle();
    stage.must_show("1 of 4 records");
    assert_eq!(instruction(&stage), "delta?");
    stage.fill("Filter records", "contains(instruction, \"a?\") || line == 4");
    stage.settle();
    stage.must_show("3 of 4 records");
    // Search and filter hold together.
    stage.fill("Search records", "ALPHA");
    stage.settle();
    stage.must_show("1 of 4 records");
    stage.press("Clear");
    stage.settle();
    assert_eq!(stage.text_of("Filter records"), "");
    stage.must_show("4 records");
}

#[test]
fn what_cannot_be_read_is_told_and_the_table_stays() {
    let mut stage = four().open();
    stage.fill("Filter records", "task == \"qasper\"");
    stage.settle();
    stage.must_show("2 of 4 records");
    for (more, told) in [
        (" and", "write `&&` for and"),
        (" && tusk == 1", "the name `tusk` is unknown"),
        (" && answer_gain < 0.1", "answer_gain is not measured: measure coherence (Ctrl+M)"),
    ] {
        stage.type_on(more);
        stage.settle();
        stage.must_show(told);
        stage.must_show("2 of 4 records");
        for _ in 0..more.len() {
            stage.key(egui::Key::Backspace);
        }
        stage.settle();
    }
    stage.fill("Filter records", "");
    stage.settle();
    stage.must_show("4 records");
    stage.must_not_show("is not measured");
}

#[test]
fn a_file_that_is_opened_beside_a_broken_filter_is_searched_too() {
    let mut stage = four().open();
    stage.fill("Filter records", "task == \"qasper\"");
    stage.settle();
    stage.type_on(" and");
    stage.settle();
    let text = stage.read("four.jsonl");
    std::fs::write(stage.path("more.jsonl"), text.replace('?', "!")).unwrap();
    let path = stage.path("more.jsonl").display().to_string();
    stage.fill("Path of a data file", &path);
    stage.press("Open");
    stage.settle();
    stage.must_show("write `&&` for and");
    stage.must_show("4 of 8 records");
}

#[test]
fn measurements_can_be_asked_for_where_they_are_open() {
    let mut stage = Setup::example().open();
    let rows = stage.read("home/example/coherence.jsonl");
    let gain = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        row["instruction_gain"].as_f64().unwrap_or(f64::NAN)
    };
    let n = rows.lines().filter(|line| gain(line) > 1.0).count();
    assert!((1..72).contains(&n));
    stage.fill("Filter records", "instruction_gain > 1");
    stage.settle();
    stage.must_show(&format!("{n} of 72 records"));
    stage.must_not_show("is not measured");
}

#[test]
fn tokens_are_counted_for_the_filter_that_asks_for_them() {
    let mut stage = four().open();
    stage.fill("Filter records", "len_tokens(context) > 1000");
    stage.settle();
    stage.must_show("1 of 4 records");
    assert_eq!(instruction(&stage), "charlie?");
    let mut stage = four().choosing("there is no such model").open();
    stage.fill("Filter records", "len_tokens(context) > 100");
    stage.settle();
    stage.must_show("len_tokens needs the tokenizer of a model");
    stage.must_show("4 records");
}

#[test]
fn a_click_on_a_head_sorts() {
    let mut stage = four().open();
    let in_file = ["delta?", "Alpha?", "charlie?", "bravo?"];
    assert_eq!(order(&mut stage, 4), in_file);
    for (head, up) in [
        ("Instruction", ["Alpha?", "bravo?", "charlie?", "delta?"]),
        ("Answer", ["delta?", "charlie?", "bravo?", "Alpha?"]),
        ("Context words", ["bravo?", "Alpha?", "delta?", "charlie?"]),
        ("Task", ["Alpha?", "bravo?", "delta?", "charlie?"]),
    ] {
        stage.press(&format!("Sort by {head}"));
        stage.settle();
        assert_eq!(order(&mut stage, 4), up, "{head}");
        stage.press(&format!("Sort by {head}"));
        stage.settle();
        let mut down = up.to_vec();
        down.reverse();
        if head == "Task" {
            // Equal ones stay in the order of the file.
            down = vec!["delta?", "charlie?", "Alpha?", "bravo?"];
        }
        assert_eq!(order(&mut stage, 4), down, "{head} turned");
        stage.press(&format!("Sort by {head}"));
        stage.settle();
        assert_eq!(order(&mut stage, 4), in_file, "{head} taken away");
    }
}

#[test]
fn columns_are_chosen_and_remembered() {
    let mut stage = four().open();
    assert!(!stage.has(Role::Button, "Sort by Context tokens"));
    stage.press("Columns");
    for column in ["Context tokens", "Answer gain", "File"] {
        stage.click(Role::CheckBox, column);
    }
    stage.click(Role::CheckBox, "Task");
    stage.key(egui::Key::Escape);
    stage.settle();
    assert!(
        stage.has(Role::Button, "Sort by Context tokens")
            && !stage.has(Role::Button, "Sort by Task")
    );
    stage.press("Sort by Context tokens");
    stage.settle();
    assert_eq!(order(&mut stage, 4)[0], "bravo?");
    let remembered = &stage.window().settings().columns;
    assert!(remembered.contains(&"File".to_owned()), "{remembered:?}");
    stage.press("Columns");
    stage.press("The usual ones");
    stage.settle();
    assert!(stage.window().settings().columns.is_empty());
}

#[test]
fn tokens_are_counted_once() {
    let mut stage = four().open();
    let ask = |stage: &mut Stage| {
        stage.fill("Filter records", "len_tokens(context) > 1000");
        stage.settle();
        stage.must_show("1 of 4 records");
    };
    ask(&mut stage);
    let kept = stage.names_in("home/lengths");
    assert_eq!(kept.len(), 1, "{kept:?}");
    // What is kept is believed: other lengths there are what the next window shows.
    let path = stage.path("home/lengths").join(&kept[0]);
    let mut bytes = std::fs::read(&path).unwrap();
    let numbers = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    bytes[numbers..].chunks_exact_mut(4).for_each(|four| four.copy_from_slice(&[0; 4]));
    std::fs::write(&path, bytes).unwrap();
    let open = stage.path("four.jsonl");
    stage.press("More for four.jsonl");
    stage.press("Read again");
    stage.settle();
    stage.must_show("0 of 4 records");
    // A file that says something else is counted anew.
    let text = stage.read("four.jsonl").replace("word word", "word of words");
    std::fs::write(open, text).unwrap();
    stage.press("More for four.jsonl");
    stage.press("Read again");
    stage.settle();
    stage.must_show("1 of 4 records");
    assert_eq!(stage.names_in("home/lengths").len(), 2);
}
