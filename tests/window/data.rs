//! The Data view, and the files at its left.

use super::stage::{Setup, Stage};
use crate::program::records;
use crate::program::{DOCUMENT, PAIR};
use egui::accesskit::Role;
use egui::{Key, Modifiers};

fn instruction(stage: &Stage) -> String {
    stage.value(Role::Document, "Instruction")
}

/// All records of the example project that is open.
fn example(stage: &Stage) -> Vec<backstory::data::Record> {
    let names = ["human", "context_synthesis", "instruction_synthesis"];
    let paths = names.map(|name| stage.path(&format!("home/example/{name}.jsonl")));
    paths.iter().flat_map(|path| records(path)).collect()
}

#[test]
fn with_nothing_open_it_says_how_to_open_something() {
    let mut stage = Setup::example().open();
    stage.choose_in_menu("File", "Close all files");
    stage.settle();
    for words in [
        "Nothing is open. Open a file, or see the example project.",
        "No records are open. Open a file on the left",
        "Choose a record to read it.",
        "0 records",
    ] {
        stage.must_show(words);
    }
    assert_eq!(stage.window().title(), "Backstory");
    stage.press("Open the example project");
    stage.settle();
    stage.must_show("72 records");
    assert_eq!(stage.window().title(), "Example project - Backstory");
}

#[test]
fn a_record_is_shown_with_its_three_texts() {
    let stage = Setup::example().open();
    let first = &example(&stage)[0];
    assert_eq!(instruction(&stage), first.instruction);
    assert_eq!(stage.value(Role::Document, "Answer"), first.answer());
    let context = stage.value(Role::Document, "Context");
    assert!(first.context.as_deref().unwrap().starts_with(&context), "{context}");
    for name in ["Review", "Line", "Strategy", "Task", "Context words", "Instruction", "Answer"] {
        assert!(stage.has(Role::Button, &format!("Sort by {name}")), "no column {name}");
    }
    stage.must_show("human.jsonl, line 1; instruction gain +3.18 (other contexts +0.27)");
    stage.must_show("1,681 words");
}

#[test]
fn a_search_narrows_the_table() {
    let mut stage = Setup::example().open();
    let holds = |record: &&backstory::data::Record| {
        let texts =
            [&record.instruction, &record.answers.join(" ")].map(|text| text.to_lowercase());
        let context = record.context.as_deref().unwrap_or_default().to_lowercase();
        texts.iter().chain([&context]).any(|text| text.contains("ferry"))
    };
    let all = example(&stage);
    let n = all.iter().filter(holds).count();
    assert!((1..72).contains(&n));
    stage.fill("Search records", "FERRY");
    stage.settle();
    stage.must_show(&format!("{n} of 72 records"));
    assert_eq!(instruction(&stage), all.iter().find(holds).unwrap().instruction);
    stage.fill("Search records", "no record holds this");
    stage.settle();
    stage.must_show("0 of 72 records");
    stage.must_show("No record fits. Clear the search, or choose another task or strategy.");
    stage.press("Clear");
    stage.settle();
    assert_eq!(stage.text_of("Search records"), "");
    assert!(stage.has(Role::Label, "72 records"));
}

#[test]
fn task_and_strategy_narrow_the_table() {
    let mut stage = Setup::example().open();
    stage.pick("Task", "HotpotQA");
    stage.must_show("9 of 72 records");
    stage.pick("Strategy", "instruction synthesis");
    stage.must_show("3 of 72 records");
    stage.must_show("instruction_synthesis.jsonl, line 7");
    assert_eq!(stage.value(Role::ComboBox, "Task"), "HotpotQA");
    stage.pick("Task", "All tasks");
    stage.must_show("24 of 72 records");
}

#[test]
fn the_keyboard_walks_through_the_table() {
    let mut stage = Setup::example().open();
    let all = example(&stage);
    let mut walk = |modifiers, key, ix: usize| {
        stage.keys(modifiers, key);
        assert_eq!(instruction(&stage), all[ix].instruction, "{modifiers:?} {key:?}");
    };
    walk(Modifiers::NONE, Key::ArrowDown, 1);
    walk(Modifiers::ALT, Key::ArrowDown, 2);
    walk(Modifiers::ALT, Key::ArrowUp, 1);
    walk(Modifiers::NONE, Key::PageDown, 13);
    walk(Modifiers::NONE, Key::PageUp, 1);
    walk(Modifiers::NONE, Key::End, 71);
    walk(Modifiers::NONE, Key::ArrowDown, 71);
    walk(Modifiers::NONE, Key::Home, 0);
    // While a text is being typed, the arrows are the text's.
    stage.fill("Search records", "");
    stage.key(Key::ArrowDown);
    assert_eq!(instruction(&stage), all[0].instruction);
    stage.keys(Modifiers::ALT, Key::ArrowDown);
    assert_eq!(instruction(&stage), all[1].instruction);
}

#[test]
fn a_row_is_chosen_with_the_mouse() {
    let mut stage = Setup::example().open();
    stage.click(Role::Label, "Constant Anne");
    assert_eq!(stage.value(Role::Document, "Answer"), "Constant Anne");
}

#[test]
fn the_answer_is_found_in_its_context() {
    let line = |n| match n {
        200 | 390 => format!("{n}: Ada Stone rang the bell."),
        n => format!("{n}: nothing happened."),
    };
    let context = (0..400).map(line).collect::<Vec<_>>().join("\n");
    let row = |context: &str| {
        let row = serde_json::json!({
            "instruction": "Who?", "answer": "Ada Stone", "context": context
        });
        format!("{row}\n")
    };
    let text = row(&context) + &row("Nobody is named.");
    let mut stage = Setup::example().file("bell.jsonl", &text).open();
    let context = |stage: &Stage| stage.value(Role::Document, "Context");
    assert!(!context(&stage).contains("Ada Stone"));
    stage.press("Next answer (1 of 2)");
    stage.settle();
    assert!(context(&stage).contains("200: Ada Stone"), "{}", context(&stage));
    stage.press("Next answer (2 of 2)");
    stage.settle();
    assert!(context(&stage).contains("390: Ada Stone"), "{}", context(&stage));
    stage.key(Key::ArrowDown);
    stage.must_show("answer not found");
}

#[test]
fn a_yes_or_a_no_is_not_looked_for() {
    let mut stage = Setup::example().open();
    stage.click(Role::Label, "no");
    assert_eq!(stage.value(Role::Document, "Answer"), "no");
    stage.must_show("yes or no");
    stage.must_not_show("Next answer");
}

#[test]
fn a_search_leaves_the_reader_where_they_are() {
    let mut stage = Setup::example().open();
    stage.click(Role::Label, "Constant Anne");
    stage.fill("Search records", "frog");
    stage.settle();
    assert_eq!(stage.value(Role::Document, "Answer"), "Constant Anne");
}

#[test]
fn the_same_seed_is_one_press_away_under_the_other_strategies() {
    let mut stage = Setup::example().open();
    stage.press("context synthesis");
    stage.settle();
    stage.must_show("context_synthesis.jsonl, line 1");
    assert_eq!(instruction(&stage), example(&stage)[24].instruction);
    stage.press("instruction synthesis");
    stage.settle();
    assert_eq!(instruction(&stage), example(&stage)[48].instruction);
    stage.press("human");
    stage.settle();
    stage.must_show("human.jsonl, line 1;");
}

#[test]
fn texts_and_paths_can_be_copied() {
    let mut stage = Setup::example().open();
    let first = example(&stage)[0].clone();
    assert_eq!(stage.copied_by("Copy the instruction"), first.instruction);
    assert_eq!(Some(stage.copied_by("Copy the context")), first.context);
    stage.press("More for human.jsonl");
    let path = stage.path("home/example/human.jsonl").display().to_string();
    assert_eq!(stage.copied_by("Copy path"), path);
}

#[test]
fn a_path_that_is_not_there_is_told_with_what_to_do() {
    let mut stage = Setup::example().open();
    let path = stage.path("missing.jsonl").display().to_string();
    stage.enter("Path of a data file", &path);
    stage.settle();
    let words =
        format!("Open missing.jsonl: cannot read {path}: there is no such file; check the path");
    stage.must_show(&words);
    assert!(stage.has(Role::Label, "Failed"));
    assert_eq!(stage.copied_by("Copy"), words);
    stage.press("Close this message");
    stage.must_not_show("missing.jsonl");
    // An empty field is answered too.
    stage.press("Open");
    stage.must_show("Type the path of a data file, then press Open.");
}

#[test]
fn a_path_may_come_in_quotes_or_as_an_address() {
    let mut stage = Setup::example().beside("a.jsonl", PAIR).beside("b.jsonl", PAIR).open();
    let path = |stage: &Stage, name| stage.path(name).display().to_string();
    let quoted = format!("  '{}' ", path(&stage, "a.jsonl"));
    stage.fill("Path of a data file", &quoted);
    stage.press("Open");
    stage.settle();
    let address = format!("file://{}", path(&stage, "b.jsonl"));
    stage.enter("Path of a data file", &address);
    stage.settle();
    for name in ["Show a.jsonl", "Show b.jsonl"] {
        assert!(stage.is_on(Role::CheckBox, name), "{name}");
    }
    assert_eq!(stage.text_of("Path of a data file"), "");
}

#[test]
fn a_file_with_a_broken_line_opens_without_it_and_says_so() {
    let text = format!("{PAIR}{{\"instruction\": \n{PAIR}");
    let mut stage = Setup::example().file("torn.jsonl", &text).open();
    stage.must_show("torn.jsonl: line 2 could not be used: ");
    assert!(stage.has(Role::Label, "2 records, human, no contexts"));
    stage.must_show("torn.jsonl, line 1");
    stage.key(Key::ArrowDown);
    stage.must_show("torn.jsonl, line 3");
}

#[test]
fn contexts_join_the_instructions_that_are_open() {
    let pairs = PAIR.repeat(2);
    let contexts = format!("{DOCUMENT}{{\"context\":\"It rang twice.\"}}\n");
    let mut stage =
        Setup::example().file("pairs.jsonl", &pairs).file("contexts.jsonl", &contexts).open();
    stage.must_show("2 records, human, no contexts");
    stage.must_show("2 records, human, contexts alone");
    stage.press("Join with the open contexts");
    stage.settle();
    stage.must_show("2 records, human, contexts of contexts.jsonl");
    assert!(!stage.has(Role::Button, "More for contexts.jsonl"));
    stage.key(Key::ArrowDown);
    assert_eq!(stage.value(Role::Document, "Context"), "It rang twice.");
}

#[test]
fn files_are_closed_one_by_one() {
    let names = ["a.jsonl", "b.jsonl", "c.jsonl"];
    let setup = names.iter().fold(Setup::example(), |setup, name| setup.file(name, PAIR));
    let mut stage = setup.open();
    assert_eq!(stage.window().title(), "a.jsonl and 2 more - Backstory");
    for (name, left) in
        [("a.jsonl", "2 records"), ("c.jsonl", "1 record"), ("b.jsonl", "0 records")]
    {
        stage.press(&format!("More for {name}"));
        stage.press("Close");
        stage.settle();
        stage.must_show(left);
        assert!(!stage.has(Role::CheckBox, &format!("Show {name}")));
    }
    stage.must_show("Nothing is open.");
}

#[test]
fn a_file_can_be_hidden() {
    let mut stage = Setup::example().open();
    stage.click(Role::CheckBox, "Show human.jsonl");
    stage.settle();
    stage.must_show("48 records");
    stage.must_show("context_synthesis.jsonl, line 1");
    for name in ["context_synthesis", "instruction_synthesis"] {
        stage.click(Role::CheckBox, &format!("Show {name}.jsonl"));
    }
    stage.settle();
    stage.must_show("All files are hidden. Tick one on the left.");
    // Read again, a hidden file stays hidden.
    stage.press("More for human.jsonl");
    stage.press("Read again");
    stage.settle();
    assert!(!stage.is_on(Role::CheckBox, "Show human.jsonl"));
    stage.press("Close coherence.jsonl");
    stage.must_not_show("72 coherence rows");
}

#[test]
fn a_file_gets_a_strategy_of_the_persons_own() {
    let mut stage = Setup::example().file("a.jsonl", PAIR).open();
    stage.press("More for a.jsonl");
    stage.click(Role::Button, "Strategy");
    stage.fill("Name of the strategy", "by hand");
    stage.press("Use this name");
    stage.settle();
    stage.pick("Strategy", "by hand");
    stage.must_show("1 record");
    assert!(stage.has(Role::Label, "by hand"));
}

#[test]
fn a_file_that_is_dropped_onto_the_window_opens() {
    #[derive(Debug)]
    struct Dropped(std::path::PathBuf);
    impl egui::DroppedFile for Dropped {
        fn path(&self) -> &std::path::Path {
            &self.0
        }
        fn bytes(&self) -> Result<Vec<u8>, String> {
            Err("the window reads no file while it draws".into())
        }
    }
    let mut stage = Setup::example().beside("a.jsonl", PAIR).open();
    let file = std::sync::Arc::new(Dropped(stage.path("a.jsonl")));
    let hovered = egui::HoveredFile { path: Some(stage.path("a.jsonl")), ..Default::default() };
    stage.harness.input_mut().hovered_files.push(hovered);
    stage.harness.step();
    assert!(stage.painted().contains(&"Drop to open 1 file".to_owned()));
    stage.harness.input_mut().hovered_files.clear();
    stage.harness.input_mut().dropped_files.push(file);
    stage.settle();
    // The example project makes room for files of the person's own.
    assert!(stage.is_on(Role::CheckBox, "Show a.jsonl"));
    assert!(!stage.has(Role::CheckBox, "Show human.jsonl"));
}

#[test]
fn a_file_that_changes_is_told_and_read_again() {
    let mut stage = Setup::example().file("pairs.jsonl", PAIR).open();
    stage.must_not_show("changed on the disk since");
    std::fs::write(stage.path("pairs.jsonl"), PAIR.repeat(3)).unwrap();
    // The person has been elsewhere, and comes back.
    stage.harness.event(egui::Event::WindowFocused(true));
    stage.harness.step();
    stage.settle();
    stage.must_show("changed on the disk since");
    stage.press("Read the new one");
    stage.settle();
    stage.must_show("3 records");
    stage.must_not_show("changed on the disk since");
}
