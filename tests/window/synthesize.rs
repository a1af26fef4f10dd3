//! The Synthesize view: form, prompt, and the records while they are written.

use super::stage::{Setup, Stage};
use crate::program::records;
use crate::slow_model::{Gate, LONG, SlowModel};
use backstory::app::View;
use backstory::model::catalogue;
use egui::accesskit::Role;

/// Where the records made of the example's human records go.
const MADE: &str = "home/made/human.context_synthesis.jsonl";

/// The example project in Synthesize, with so many records to make.
fn synthesize(setup: Setup, n_records: usize) -> Stage {
    let mut stage = setup.open();
    stage.show(View::Synthesize);
    stage.set("Records", n_records as f64);
    stage
}

fn preview(stage: &Stage) -> String {
    stage.value(Role::Document, "Prompt preview")
}

#[test]
fn without_seeds_it_says_what_to_do() {
    let mut stage = Setup::example().open();
    stage.choose_in_menu("File", "Close all files");
    stage.show(View::Synthesize);
    assert_eq!(stage.value(Role::ComboBox, "Seeds"), "no file is open");
    stage.must_show("Open seeds to see what the model will be asked.");
    stage.press("Records");
    stage.must_show("Records show here while they are written. Press Run.");
    stage.press("Run: 5 records");
    stage.must_show("There are no seeds: open a file of question-answer pairs or documents first.");
}

#[test]
fn the_preview_is_what_the_model_will_read() {
    let mut stage = synthesize(Setup::example(), 5);
    let seeds = records(&stage.path("home/example/human.jsonl"));
    assert!(preview(&stage).contains(&format!("Question: {}", seeds[0].instruction)));
    assert!(
        preview(&stage).contains("in about 200 words") && preview(&stage).ends_with("Context:")
    );
    stage.press("The next record");
    assert!(preview(&stage).contains(&format!("Question: {}", seeds[1].instruction)));
    assert!(preview(&stage).contains(&format!("Answer: {}", seeds[1].answer())));
    stage.set("Words asked for", 321.0);
    assert!(preview(&stage).contains("in about 321 words"));
    stage.click(Role::RadioButton, "Instruction synthesis");
    let beginning: String = seeds[1].context.as_deref().unwrap().chars().take(200).collect();
    assert!(
        preview(&stage).contains(&beginning) && !preview(&stage).contains(&seeds[1].instruction)
    );
    assert!(stage.text_of("File to write").ends_with("human.instruction_synthesis.jsonl"));
}

#[test]
fn the_models_header_is_told() {
    let stage = synthesize(Setup::example(), 5);
    for words in ["Architecture", "llama", "Quantization", "F32", "256 tokens", "CPU"] {
        assert!(stage.has(Role::Label, words), "no {words}:\n{}", stage.told());
    }
    assert_eq!(stage.value(Role::ComboBox, "Model"), "tiny_llama.gguf");
}

#[test]
fn a_broken_prompt_is_told_and_not_run() {
    let mut stage = synthesize(Setup::example(), 5);
    stage.press("Edit prompt");
    assert!(!stage.is_enabled(Role::Button, "Back to the bundled prompt"));
    stage.must_show("bundled");
    stage.fill("Prompt", "[user]\nWrite about {nonsense}.\n[assistant]\nContext:");
    stage.must_show("edited");
    stage.must_show("nonsense");
    stage.press("Run: 5 records");
    stage.must_show("The prompt cannot be used: ");
    stage.press("Prompt preview");
    stage.must_show("nonsense");
    stage.press("Edit prompt");
    stage.press("Back to the bundled prompt");
    stage.must_show("Parts [system], [user] and [assistant]");
    stage.must_not_show("nonsense");
}

#[test]
fn an_edited_prompt_is_what_is_previewed_and_recorded() {
    let mut stage = synthesize(Setup::example().answering(SlowModel::eager(LONG)), 1);
    stage.press("Edit prompt");
    let bundled = stage.text_of("Prompt");
    stage.fill("Prompt", &bundled.replace("The document is missing.", "It is gone, dear model."));
    stage.press("Prompt preview");
    assert!(preview(&stage).contains("It is gone, dear model."));
    stage.press("Run: 1 record");
    stage.settle();
    let made = records(&stage.path(MADE));
    assert_eq!(made[0].extra["provenance"]["prompt"], "edited");
}

#[test]
fn records_are_written_opened_and_shown() {
    let mut stage = synthesize(Setup::example().answering(SlowModel::eager(LONG)), 2);
    let path = stage.path(MADE).display().to_string();
    assert_eq!(stage.text_of("File to write"), path);
    stage.press("Run: 2 records");
    stage.settle();
    stage.must_show(&format!(
        "Context synthesis, 2 of human.jsonl: 2 made, 0 rejected; records in {path}"
    ));
    stage.must_show("2 made, 0 rejected");
    stage.must_show("; done");
    assert!(stage.is_on(Role::CheckBox, "Show human.context_synthesis.jsonl"));
    let (made, seeds) =
        (records(&stage.path(MADE)), records(&stage.path("home/example/human.jsonl")));
    assert_eq!(made.len(), 2);
    for (made, seed) in made.iter().zip(&seeds) {
        assert_eq!(made.context.as_deref(), Some(LONG));
        assert_eq!(made.strategy.as_str(), "context_synthesis");
        assert_eq!((&made.seed_id, &made.instruction), (&seed.seed_id, &seed.instruction));
    }
    stage.press("Show in Data");
    stage.settle();
    assert_eq!(stage.window().view(), View::Data);
    stage.must_show("human.context_synthesis.jsonl, line 1");
    assert_eq!(stage.value(Role::Document, "Context"), LONG);
}

/// A run of three records that waits after the first was made, in the middle of the second.
fn half_way() -> (Stage, Gate) {
    let (model, gate) = SlowModel::new(LONG);
    let mut stage = synthesize(Setup::example().answering(model), 3);
    stage.press("Run: 3 records");
    gate.pass_once();
    let n_tokens = LONG.len() + LONG.len() / 2;
    stage.until_shown(&format!("1 made, 0 rejected, {n_tokens} tokens written"));
    (stage, gate)
}

/// The text of the record that is being written.
fn written(stage: &Stage) -> String {
    stage.value(Role::Document, "Text of the record")
}

#[test]
fn while_it_writes_it_shows_the_text_and_can_be_paused() {
    let (mut stage, gate) = half_way();
    let half = format!("Context:{}", &LONG[..LONG.len() / 2]);
    assert_eq!(written(&stage), half);
    stage.must_show("writing context_synthesis: 1 of 3");
    assert!(!stage.has(Role::Button, "Run: 3 records"));
    stage.press("Pause");
    stage.must_show("; paused");
    stage.must_show(" (paused)");
    stage.press("Resume");
    stage.must_not_show("paused");
    // Another record may be looked at meanwhile.
    let seed = &records(&stage.path("home/example/human.jsonl"))[0];
    stage.press(&seed.instruction);
    assert_eq!(written(&stage), format!("Context:{LONG}"));
    stage.press("Follow what is being written");
    assert_eq!(written(&stage), half);
    drop(gate);
    stage.settle();
    stage.must_show("3 made, 0 rejected");
    assert_eq!(records(&stage.path(MADE)).len(), 3);
}

#[test]
fn a_second_run_waits_for_the_first() {
    let (mut stage, _gate) = half_way();
    stage.keys(egui::Modifiers::COMMAND, egui::Key::Enter);
    stage.must_show("A synthesis is running: wait for it, or cancel it first.");
}

#[test]
fn what_was_made_before_a_cancel_is_kept_and_gone_on_from() {
    let (mut stage, gate) = half_way();
    stage.press_nth("Cancel", 0);
    stage.settle();
    stage.must_show("cancelled, what was made is kept");
    assert_eq!(records(&stage.path(MADE)).len(), 1);
    assert!(stage.is_on(Role::CheckBox, "Show human.context_synthesis.jsonl"));
    drop(gate);
    stage.press("Run: 3 records");
    stage.settle();
    stage.must_show("3 made, 0 rejected, 1 from an earlier run");
    assert_eq!(records(&stage.path(MADE)).len(), 3);
}

#[test]
fn a_run_that_made_nothing_stands_in_nobodys_way() {
    let (model, gate) = SlowModel::new(LONG);
    let mut stage = synthesize(Setup::example().answering(model), 1);
    stage.press("Run: 1 record");
    stage.until_shown("writing context_synthesis: 0 of 1");
    stage.press_nth("Cancel", 0);
    stage.settle();
    stage.set("Words asked for", 250.0);
    drop(gate);
    stage.press("Run: 1 record");
    stage.settle();
    stage.must_show("1 made, 0 rejected");
}

#[test]
fn rejected_records_say_why() {
    let mut stage = synthesize(Setup::example().answering(SlowModel::eager("Too short.")), 2);
    stage.press("Run: 2 records");
    stage.settle();
    stage.must_show("0 made, 2 rejected");
    stage.must_show("Rejected: the context has 2 words");
    assert!(stage.read("home/made/human.context_synthesis.rejected.jsonl").contains("Too short."));
    // There is nothing to open, and that is no failure.
    assert!(!stage.has(Role::Label, "Failed"), "{}", stage.told());
}

#[test]
fn without_a_model_nothing_runs() {
    let folder = catalogue::folder().unwrap();
    let absent = catalogue::ENTRIES.iter().find(|entry| entry.fetched(&folder).is_none());
    let Some(absent) = absent else {
        println!("SKIPPED: every model of the catalogue is on this machine");
        return;
    };
    let mut stage = synthesize(Setup::example().choosing(absent.name), 5);
    stage.must_show("This model is not on this machine.");
    let fetch = format!("Fetch {} ({} MB)", absent.name, absent.megabytes);
    assert!(stage.is_enabled(Role::Button, &fetch));
    stage.press("Run: 5 records");
    stage
        .must_show("There is no model yet: fetch one above, or choose a .gguf file that you have.");
}

#[test]
fn a_file_that_is_no_model_says_why_and_what_to_do() {
    let mut stage = synthesize(Setup::example().beside("no.gguf", "not a model"), 5);
    let path = stage.path("no.gguf").display().to_string();
    stage.enter("Path of a model", &path);
    stage.settle();
    stage.must_show(&format!("the model {path} cannot be used: "));
    stage.press("Run: 5 records");
    stage.must_show("There is no model yet");
    // A file that is not there at all.
    stage.enter("Path of a model", &stage.path("none.gguf").display().to_string());
    stage.settle();
    stage.must_show("check the path");
}

#[test]
fn a_run_with_other_settings_is_refused_until_it_may_replace_the_first() {
    let mut stage = synthesize(Setup::example().answering(SlowModel::eager(LONG)), 1);
    stage.press("Run: 1 record");
    stage.settle();
    stage.set("Words asked for", 250.0);
    stage.press("Run: 1 record");
    stage.settle();
    let told = "belongs to a run with other settings (words)";
    stage.must_show(told);
    assert!(stage.has(Role::Label, "Failed"));
    stage.press_nth("Close this message", 1);
    stage.show(View::Jobs);
    stage.must_show(told);
    assert!(stage.copied_by("Copy message").contains(told));
    stage.press("Try again");
    stage.settle();
    assert_eq!(stage.names(Role::Button).iter().filter(|name| *name == "Try again").count(), 2);
    stage.show(View::Synthesize);
    stage.reach(Role::CheckBox, "Replace an earlier run with other settings");
    stage.click(Role::CheckBox, "Replace an earlier run with other settings");
    stage.press("Run: 1 record");
    stage.settle();
    stage.must_show("1 made, 0 rejected");
    assert_eq!(records(&stage.path(MADE))[0].extra["provenance"]["words"], 250);
}

#[test]
fn a_record_of_the_table_becomes_the_seed_whose_prompt_is_shown() {
    let mut stage = Setup::example().open();
    stage.click(Role::Label, "Constant Anne");
    stage.press("Use as seed");
    stage.settle();
    assert_eq!(stage.window().view(), View::Synthesize);
    assert!(preview(&stage).contains("Answer: Constant Anne"));
    stage.show(View::Data);
    stage.press("More for instruction_synthesis.jsonl");
    stage.press("Use as seeds");
    stage.settle();
    assert_eq!(stage.value(Role::ComboBox, "Seeds"), "instruction_synthesis.jsonl");
}
