//! The Jobs view, and leaving while something runs.

use super::stage::{Setup, Stage};
use crate::program::PAIR;
use crate::slow_model::{Gate, LONG, SlowModel};
use backstory::app::View;
use egui::ViewportCommand;
use egui::accesskit::Role;

/// The Jobs view while a record is being written.
fn busy() -> (Stage, Gate) {
    let (model, gate) = SlowModel::new(LONG);
    let mut stage = Setup::example().answering(model).open();
    stage.show(View::Synthesize);
    stage.press("Run: 5 records");
    stage.until_shown("Jobs (1)");
    stage.press("Jobs (1)");
    stage.until_shown("writing context_synthesis: 0 of 5");
    (stage, gate)
}

#[test]
fn what_ended_can_be_forgotten() {
    let mut stage = Setup::example().open();
    stage.show(View::Jobs);
    for words in ["Open the example project", "Open human.jsonl", "Done", "72 coherence rows"] {
        assert!(stage.has(Role::Label, words), "no {words}:\n{}", stage.told());
    }
    // The newest is on top.
    stage.press_nth("Forget", 0);
    stage.must_not_show("Open coherence.jsonl");
    stage.must_show("Open human.jsonl");
    stage.press("Forget what ended");
    stage.must_not_show("Open human.jsonl");
    stage.must_show("No job has run yet.");
}

#[test]
fn jobs_of_the_window_itself_show_only_when_asked_for() {
    let mut stage = Setup::example().open();
    stage.show(View::Jobs);
    stage.must_not_show("Search records");
    stage.click(Role::CheckBox, "Show background jobs");
    stage.must_show("Search records");
    stage.must_show("Read the header of tiny_llama.gguf");
}

#[test]
fn a_running_job_can_be_paused_and_cancelled() {
    let (mut stage, _gate) = busy();
    stage.must_show("Context synthesis, 5 of human.jsonl");
    assert!(stage.has(Role::Label, "Running"));
    stage.press("Pause");
    assert!(stage.has(Role::Label, "Paused"));
    stage.press("Forget what ended");
    assert!(stage.has(Role::Label, "Paused"), "what runs is not forgotten");
    stage.press("Resume");
    assert!(stage.has(Role::Label, "Running"));
    // All of them by one key each.
    stage.ctrl(egui::Key::P);
    assert!(stage.has(Role::Label, "Paused"));
    stage.ctrl(egui::Key::Period);
    stage.settle();
    assert!(stage.has(Role::Label, "Cancelled") && !stage.has(Role::Button, "Jobs (1)"));
    stage.must_show("Context synthesis, 5 of human.jsonl: cancelled");
    // Nothing was made, so there is nothing to open.
    assert!(!stage.has(Role::Label, "Failed"), "{}", stage.told());
}

#[test]
fn a_job_that_failed_can_be_tried_again() {
    let mut stage = Setup::example().open();
    let path = stage.path("late.jsonl");
    stage.enter("Path of a data file", &path.display().to_string());
    stage.settle();
    stage.press("Close this message");
    stage.show(View::Jobs);
    assert!(stage.has(Role::Label, "Failed"));
    stage.must_show("there is no such file; check the path");
    assert!(stage.copied_by("Copy message").starts_with("Open late.jsonl: cannot read "));
    std::fs::write(&path, PAIR).unwrap();
    stage.press("Try again");
    stage.settle();
    assert!(stage.is_on(Role::CheckBox, "Show late.jsonl"));
}

#[test]
fn a_mistake_of_the_program_is_a_failed_job_and_the_next_one_runs() {
    let mut n_calls = 0;
    let script = Box::new(move |_: &str, _| {
        n_calls += 1;
        assert!(n_calls > 1, "the model fell over");
        (LONG.to_owned(), backstory::model::Finish::Stop)
    });
    let model = backstory::model::ScriptedModel::new(1_000_000, script).unwrap();
    let mut stage = Setup::example().on_desk(Box::new(model)).open();
    stage.show(View::Synthesize);
    stage.press("Run: 5 records");
    stage.settle();
    stage.must_show("the program made a mistake (the model fell over); please report this message");
    assert!(stage.has(Role::Label, "Failed"));
    // The desk is bare now, and the model of the settings is loaded: too small for any prompt.
    stage.press("Run: 5 records");
    stage.settle();
    stage.must_show("0 made, 5 rejected");
    stage.press("Why does Mr Dovrin keep leaving the accordion on the bus?");
    stage.must_show("window of 256");
}

#[test]
fn the_window_asks_before_it_cuts_work_short() {
    let (mut stage, gate) = busy();
    assert!(!stage.closes());
    stage.harness.step();
    stage.must_show("Work is still running");
    stage.must_show("• Context synthesis, 5 of human.jsonl");
    stage.press("Keep working");
    stage.must_not_show("Work is still running");
    assert!(stage.has(Role::Label, "Running"));
    // Escape means the same.
    assert!(!stage.closes());
    stage.harness.step();
    stage.key(egui::Key::Escape);
    stage.must_not_show("Work is still running");
    assert!(!stage.closes());
    stage.harness.step();
    stage.press("Cancel the work and quit");
    stage.until("the window closes", |stage| stage.was_told(&ViewportCommand::Close));
    assert!(stage.closes(), "it was said yes to");
    drop(gate);
}

#[test]
fn the_question_goes_away_with_the_work() {
    let (mut stage, gate) = busy();
    assert!(!stage.closes());
    stage.until_shown("Work is still running");
    drop(gate);
    stage.until("the window closes by itself", |stage| stage.was_told(&ViewportCommand::Close));
    assert!(stage.closes());
}

#[test]
fn without_work_the_window_closes_and_knows_what_was_open() {
    let mut stage = Setup::example().file("a.jsonl", PAIR).open();
    assert!(stage.closes());
    stage.must_not_show("Work is still running");
    let open = &stage.window().settings().open;
    assert_eq!(open.iter().map(|file| &file.path).collect::<Vec<_>>(), [&stage.path("a.jsonl")]);
}
