//! Files of unknown shape: which column is what.

use super::stage::{Setup, Stage};
use egui::Key;
use egui::accesskit::Role;
use std::io::Write;

const ODD: &str = r#"{"n":1,"document":"The bell of Ada Stone.","ask":"Whose bell?","reply":"Ada Stone's"}
{"n":2,"document":"It rang twice.","ask":"How often?","reply":"Twice"}
"#;

/// Chooses question and answer; the document is guessed.
fn choose(stage: &mut Stage) {
    stage.pick("Instruction column", "ask");
    stage.must_show("the first 2 rows are records");
    stage.press("Open with these columns");
    stage.settle();
}

#[test]
fn a_file_of_unknown_shape_is_asked_about_and_opens() {
    let mut stage = Setup::example().file("odd.jsonl", ODD).open();
    stage.must_show("Which column is what?");
    stage.must_show("not a shape that is known without being told");
    assert_eq!(stage.value(Role::ComboBox, "Context column"), "document");
    assert_eq!(stage.value(Role::ComboBox, "Answer column"), "reply");
    assert_eq!(stage.value(Role::ComboBox, "Instruction column"), "not mapped");
    stage.must_show("0 of the first 2 rows are records");
    choose(&mut stage);
    stage.must_not_show("Which column is what?");
    assert_eq!(stage.value(Role::Document, "Instruction"), "Whose bell?");
    assert_eq!(stage.value(Role::Document, "Context"), "The bell of Ada Stone.");
    stage.must_not_show("Failed");
}

#[test]
fn the_words_are_those_of_the_command_line() {
    let mut stage = Setup::example().file("odd.jsonl", ODD).open();
    stage.pick("Instruction column", "ask");
    let words = stage.copied_by("Copy the words for the command line");
    assert_eq!(words, "--map context=document --map instruction=ask --map answer=reply");
    let words: Vec<&str> = words.split(' ').chain(["--json"]).collect();
    let run = stage.folder.run(&[&["inspect", "odd.jsonl"], &words[..]].concat());
    assert!(run.code == 0 && run.out.contains(r#""records":2"#), "{}{}", run.out, run.err);
}

#[test]
fn a_mapping_is_remembered_when_the_file_is_closed() {
    let mut stage = Setup::example().file("odd.jsonl", ODD).open();
    choose(&mut stage);
    stage.press("More for odd.jsonl");
    stage.press("Close");
    stage.settle();
    let path = stage.path("odd.jsonl").display().to_string();
    stage.enter("Path of a data file", &path);
    stage.settle();
    stage.must_not_show("Which column is what?");
    assert_eq!(stage.value(Role::Document, "Instruction"), "Whose bell?");
}

#[test]
fn columns_of_an_open_file_are_chosen_anew() {
    let mut stage = Setup::example().file("odd.jsonl", ODD).open();
    choose(&mut stage);
    stage.press("More for odd.jsonl");
    stage.press("Columns…");
    stage.settle();
    assert_eq!(stage.value(Role::ComboBox, "Instruction column"), "ask");
    // Cancelled, everything is as it was.
    stage.pick("Context column", "reply");
    stage.must_show("one of the two is mapped already; map each once");
    assert!(!stage.is_enabled(Role::Button, "Open with these columns"));
    stage.key(Key::Escape);
    stage.settle();
    assert_eq!(stage.value(Role::Document, "Context"), "The bell of Ada Stone.");
    stage.press("More for odd.jsonl");
    stage.press("Columns…");
    stage.settle();
    assert_eq!(stage.value(Role::ComboBox, "Context column"), "document");
    stage.pick("Answer column", "not mapped");
    stage.pick("Instruction column", "not mapped");
    stage.press("Open with these columns");
    stage.settle();
    stage.must_show("2 records, human, contexts alone");
}

#[test]
fn a_mapped_column_that_is_gone_is_asked_about() {
    let setup = Setup::example().file("odd.jsonl", ODD).remembering(|folder, settings| {
        let map = vec![("context".to_owned(), "passage".to_owned())];
        settings.remember_map(&folder.path("odd.jsonl"), &map);
    });
    let mut stage = setup.open();
    stage.must_show("no line of");
    assert_eq!(stage.value(Role::ComboBox, "Context column"), "passage");
    stage.press("Cancel");
    stage.settle();
    assert!(!stage.has(Role::CheckBox, "Show odd.jsonl"));
}

#[test]
fn a_packed_table_is_asked_about() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"passage,query,gold\nRain fell.,What fell?,\"[\"\"Rain\"\"]\"\n").unwrap();
    let packed = packed.finish().unwrap();
    let mut stage = Setup::example().open();
    std::fs::write(stage.path("table.csv.gz"), packed).unwrap();
    let path = stage.path("table.csv.gz").display().to_string();
    stage.enter("Path of a data file", &path);
    stage.settle();
    assert_eq!(stage.value(Role::ComboBox, "Answer column"), "gold");
    stage.must_show("CSV, the first row is a record");
    stage.must_show("Rain fell.");
    assert_eq!(
        stage.copied_by("Copy the words for the command line"),
        "--map context=passage --map instruction=query --map answers=gold"
    );
    stage.press("Open with these columns");
    stage.settle();
    stage.must_show("1 record, human");
    assert_eq!(stage.value(Role::Document, "Answer"), "Rain");
}

#[test]
fn files_wait_for_each_other() {
    let names = ["a.jsonl", "b.jsonl", "c.jsonl"];
    let setup = names.iter().fold(Setup::example(), |setup, name| setup.file(name, ODD));
    let mut stage = setup.open();
    stage.must_show("2 more to come");
    stage.press("Cancel");
    stage.settle();
    stage.must_show("1 more to come");
    choose(&mut stage);
    assert_eq!(stage.value(Role::ComboBox, "Context column"), "document");
    stage.press("Cancel");
    stage.settle();
    stage.must_not_show("Which column is what?");
    assert!(stage.has(Role::Label, "2 records"));
}
