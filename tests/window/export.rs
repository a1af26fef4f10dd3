//! Exports: the dialog for records and figures, and the files that come out.

use super::stage::{Setup, Stage};
use crate::program::records;
use backstory::app::View;
use egui::accesskit::Role;
use egui::{Key, Modifiers};

const PNG: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// The example project with the dialog for records open.
fn exporting() -> Stage {
    let mut stage = Setup::example().open();
    stage.press("Export records…");
    stage
}

/// The menu has the same name, and comes first.
fn press_export(stage: &mut Stage) {
    stage.press_nth("Export", 1);
}

fn export_to(stage: &mut Stage, name: &str) {
    let path = stage.path(name).display().to_string();
    stage.fill("File to export to", &path);
    press_export(stage);
    stage.settle();
}

#[test]
fn records_come_back_as_they_were() {
    let mut stage = exporting();
    stage.must_show("Everything about each record, one a line");
    export_to(&mut stage, "all.jsonl");
    let path = stage.path("all.jsonl");
    stage.must_show(&format!("Export all.jsonl: 72 records in {}", path.display()));
    assert!(!stage.has(Role::TextInput, "File to export to"));
    let back = records(&path);
    let names = ["human", "context_synthesis", "instruction_synthesis"];
    let paths = names.map(|name| stage.path(&format!("home/example/{name}.jsonl")));
    let all: Vec<_> = paths.iter().flat_map(|path| records(path)).collect();
    assert_eq!(back.len(), all.len());
    for (back, record) in back.iter().zip(&all) {
        assert_eq!((&back.seed_id, &back.context), (&record.seed_id, &record.context));
        assert_eq!((&back.instruction, &back.answers), (&record.instruction, &record.answers));
        assert_eq!((&back.strategy, &back.task), (&record.strategy, &record.task));
    }
}

#[test]
fn messages_hold_the_prompt_and_the_answer() {
    let mut stage = exporting();
    stage.click(Role::CheckBox, "Export instruction_synthesis.jsonl");
    stage.pick("Format", "messages JSONL");
    export_to(&mut stage, "chats.jsonl");
    let first = &records(&stage.path("home/example/human.jsonl"))[0];
    let text = stage.read("chats.jsonl");
    let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let asked = line["messages"][0]["content"].as_str().unwrap();
    assert!(
        asked.contains(first.context.as_deref().unwrap()) && asked.contains(&first.instruction)
    );
    assert_eq!(line["messages"][1]["content"], first.answer());
    assert_eq!(records(&stage.path("chats.jsonl")).len(), 48);
}

#[test]
fn only_what_the_table_shows_is_exported_where_it_is_narrowed() {
    let mut stage = Setup::example().open();
    stage.pick("Task", "HotpotQA");
    stage.ctrl(Key::E);
    stage.must_show("Only the 9 records that Data shows now");
    export_to(&mut stage, "some.jsonl");
    let back = records(&stage.path("some.jsonl"));
    assert_eq!(back.len(), 9);
    assert!(back.iter().all(|record| record.task == "hotpotqa"));
    // Or all the same.
    stage.ctrl(Key::E);
    stage.click(Role::CheckBox, "Only the 9 records that Data shows now");
    export_to(&mut stage, "all.jsonl");
    assert_eq!(records(&stage.path("all.jsonl")).len(), 72);
}

#[test]
fn a_name_without_an_ending_gets_one() {
    let mut stage = exporting();
    export_to(&mut stage, "bare");
    assert_eq!(records(&stage.path("bare.jsonl")).len(), 72);
}

#[test]
fn what_cannot_be_written_says_what_to_do() {
    let mut stage = exporting();
    stage.fill("File to export to", " ");
    press_export(&mut stage);
    stage.must_show("Say where to write.");
    let names = ["human", "context_synthesis", "instruction_synthesis"]
        .map(|name| format!("Export {name}.jsonl"));
    names.iter().for_each(|name| stage.click(Role::CheckBox, name));
    stage.fill("File to export to", "x.jsonl");
    press_export(&mut stage);
    stage.must_show("No file is ticked.");
    stage.click(Role::CheckBox, &names[0]);
    export_to(&mut stage, "none/x.jsonl");
    assert!(stage.has(Role::Label, "Failed"));
    stage.must_show("does not exist; make it first or choose another");
    // The dialog stays, so that another name can be given.
    std::fs::write(stage.path("there.jsonl"), "precious").unwrap();
    export_to(&mut stage, "there.jsonl");
    stage.must_show("there.jsonl is there already; choose another name, or let it be replaced");
    assert_eq!(stage.read("there.jsonl"), "precious");
    stage.click(Role::CheckBox, "Replace the file if it is there");
    // What the records were read from is never written over.
    export_to(&mut stage, "home/example/human.jsonl");
    stage.must_show("the records were read from this file");
    assert_eq!(records(&stage.path("home/example/human.jsonl")).len(), 24);
    export_to(&mut stage, "there.jsonl");
    assert_eq!(records(&stage.path("there.jsonl")).len(), 24);
    assert!(!stage.has(Role::TextInput, "File to export to"));
}

#[test]
fn the_dialog_can_be_left() {
    let mut stage = exporting();
    stage.press("Cancel");
    assert!(!stage.has(Role::TextInput, "File to export to"));
    stage.ctrl(Key::E);
    assert!(stage.has(Role::TextInput, "File to export to"));
    stage.key(Key::Escape);
    assert!(!stage.has(Role::TextInput, "File to export to"));
}

#[test]
fn a_figure_becomes_an_svg_and_the_spec_beside_it() {
    let mut stage = Setup::example().open();
    stage.show(View::Compare);
    stage.turn_to("Lengths");
    stage.press("Export figure…");
    stage.must_show("Context lengths, as Compare shows it");
    stage.press("one column");
    export_to(&mut stage, "lengths");
    let svg = stage.read("lengths.svg");
    assert!(svg.starts_with("<svg") && svg.contains("Context lengths"), "{}", &svg[..200]);
    for words in ["HotpotQA", "(n = 3)", "human", "context synthesis"] {
        assert!(svg.contains(words), "no {words}");
    }
    let spec = backstory::figure::from_json(&stage.read("lengths.json")).unwrap();
    assert_eq!((spec.width_in, spec.panels.len()), (3.3, 8));
}

#[test]
fn the_coherence_figure_becomes_a_png_of_the_wanted_size() {
    let mut stage = Setup::example().open();
    stage.show(View::Compare);
    stage.press("Coherence");
    stage.settle();
    stage.keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    stage.click(Role::RadioButton, "PNG");
    assert!(stage.text_of("File to export to").ends_with("coherence.png"));
    stage.set("Width in inches", 4.0);
    stage.set("Dots per inch", 100.0);
    export_to(&mut stage, "coherence.png");
    let png = std::fs::read(stage.path("coherence.png")).unwrap();
    assert_eq!(png[..8], PNG);
    let width = u32::from_be_bytes([png[16], png[17], png[18], png[19]]);
    assert_eq!(width, 400);
}

#[test]
fn a_report_of_what_is_shown_takes_one_key_and_replaces_nothing() {
    let mut stage = Setup::example().open();
    for folder in ["report", "report-2"] {
        stage.keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::R);
        stage.settle();
        let page = stage.read(&format!("home/example/{folder}/index.html"));
        for words in ["Context lengths", "Instruction-context coherence", "human.jsonl"] {
            assert!(page.contains(words), "no {words}");
        }
        let path = stage.path(&format!("home/example/{folder}/index.html"));
        stage.must_show(&path.display().to_string());
    }
    let [first, second] = ["report", "report-2"]
        .map(|folder| stage.read(&format!("home/example/{folder}/index.html")));
    assert!(first == second, "the same files give the same page");
}

#[test]
fn without_files_there_is_nothing_to_report() {
    let mut stage = Setup::example().open();
    stage.choose_in_menu("File", "Close all files");
    stage.keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::R);
    stage.must_show("Nothing is shown that could be reported: open files first.");
}

#[test]
fn the_card_tells_how_coherent_the_records_are() {
    let mut stage = exporting();
    export_to(&mut stage, "all.jsonl");
    let card = stage.read("all.card.md");
    let told = "- coherence, NarrativeQA, human: instruction gain ";
    assert!(card.contains(told) && card.contains("from other contexts"), "{card}");
    // The command line tells the same.
    let file = |name: &str| stage.path(name).display().to_string();
    let (human, rows) = (file("home/example/human.jsonl"), file("home/example/coherence.jsonl"));
    let out = file("human.jsonl");
    let run =
        stage.folder.run(&["export", &human, "--rows", &rows, "--format", "jsonl", "--out", &out]);
    assert_eq!(run.code, 0, "{}", run.err);
    let line = |card: &str| card.lines().find(|line| line.starts_with(told)).map(str::to_owned);
    assert_eq!(line(&stage.read("human.card.md")), line(&card));
}
