//! The Jobs view, and leaving while something runs.

use super::stage::{Setup, Stage};
use crate::program::PAIR;
use crate::slow_model::{Gate, LONG, SlowModel};
use backstory::app::View;
use backstory::gpu::KernelTime;
use backstory::model::{Finish, LanguageModel, Meter, ScriptedModel};
use egui::ViewportCommand;
use egui::accesskit::Role;
use std::time::Duration;

/// The Jobs view while a record is being written.
fn busy() -> (Stage, Gate) {
    let (stage, gate, _) = busy_in(Setup::example());
    (stage, gate)
}

/// The same in a window of one's own, with the model's meter.
fn busy_in(setup: Setup) -> (Stage, Gate, Meter) {
    let (model, gate) = SlowModel::new(LONG);
    let meter = model.meter().clone();
    let mut stage = setup.answering(model).open();
    stage.show(View::Synthesize);
    stage.press("Run: 5 records");
    stage.until_shown("Jobs (1)");
    stage.press("Jobs (1)");
    stage.until_shown("writing context_synthesis: 0 of 5");
    (stage, gate, meter)
}

/// Work as a graphics adapter would do it.
fn work_as_on_a_gpu(meter: &Meter) {
    meter.update(|work| {
        work.reading.add(12_345, 15.0);
        work.writing.add(1000, 25.0);
        work.cache.set(40 << 20, 64 << 20);
        work.cache.set(12 << 20, 64 << 20);
        let kernel = |name, n_runs, secs| KernelTime { name, n_runs, secs };
        work.kernels = vec![
            kernel("matmul", 123_456, 30.0),
            kernel("attention_merge", 789, 9.6),
            kernel("rope", 12, 0.4),
        ];
    });
}

/// How long the window waits until it draws itself again.
fn draws_again_after(stage: &Stage) -> Duration {
    stage.harness.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay
}

#[test]
fn the_model_at_work_shows_its_speeds_and_where_its_time_goes() {
    let mut stage = Setup::example().open();
    stage.show(View::Jobs);
    stage.must_show("No model has been loaded yet.");
    let (mut stage, gate, meter) = busy_in(Setup::example());
    stage.must_not_show("No model has been loaded yet.");
    for words in ["Model scripted", "Device", "CPU", "Prompt", "Decoding", "0.0 of 0.0 MiB"] {
        assert!(stage.has(Role::Label, words), "no {words}:\n{}", stage.told());
    }
    assert_eq!(stage.count(Role::Label, "nothing yet"), 2);
    stage.must_show("On the CPU there are no kernels to list.");
    // It looks by itself while a job runs, and calmly.
    work_as_on_a_gpu(&meter);
    let waits = draws_again_after(&stage);
    assert!(waits > Duration::from_millis(100) && waits < Duration::from_secs(1), "{waits:?}");
    stage.until_shown("823 tokens/s (12,345 tokens in 15 s)");
    let shown = |stage: &Stage| {
        for words in [
            "40.0 tokens/s (1,000 tokens in 25 s)",
            "12.0 of 64.0 MiB",
            "40.0 MiB",
            "matmul",
            "75.0 %",
            "30 s",
            "123,456",
            "attention_merge",
            "24.0 %",
            "9.6 s",
            "rope",
            "1.0 %",
            "400.0 ms",
        ] {
            assert!(stage.has(Role::Label, words), "no {words}:\n{}", stage.told());
        }
        stage.must_not_show("there are no kernels to list");
        for kernel in ["matmul", "attention_merge", "rope"] {
            assert!(stage.has(Role::ProgressIndicator, &format!("Share of {kernel}")));
        }
    };
    shown(&stage);
    // The longest is on top.
    let top = |name: &str| stage.find(Role::Label, name).rect().top();
    assert!(top("matmul") < top("attention_merge") && top("attention_merge") < top("rope"));
    // The job itself tells how fast it is written.
    stage.must_show("0 of 5, 40.0 tokens/s");
    stage.press("Pause");
    stage.harness.run_steps(2);
    assert!(draws_again_after(&stage) > Duration::from_secs(60), "nothing changes in a pause");
    drop(gate);
    stage.press("Resume");
    stage.settle();
    shown(&stage);
    stage.click(Role::DisclosureTriangle, "Where time goes");
    stage.must_not_show("attention_merge");
}

#[test]
fn the_card_of_the_chosen_model_tells_its_speeds_once_it_has_worked() {
    let script = Box::new(|_: &str, _| (LONG.to_owned(), Finish::Stop));
    let model = ScriptedModel::new(1_000_000, script).unwrap();
    let mut stage = Setup::example().on_desk(Box::new(model)).open();
    stage.show(View::Synthesize);
    stage.must_not_show("tokens/s");
    stage.press("Run: 5 records");
    stage.settle();
    assert!(stage.has(Role::Label, "1,000 tokens/s"), "{}", stage.told());
    assert!(stage.has(Role::Label, "100 tokens/s"), "{}", stage.told());
    // They are that model's, not those of the next that is chosen.
    stage.enter(
        "Path of a model",
        &format!("{}/tests/data/tiny_qwen2.gguf", env!("CARGO_MANIFEST_DIR")),
    );
    stage.settle();
    stage.must_show("qwen2");
    stage.must_not_show("tokens/s");
}

#[test]
fn the_model_at_work_fits_beside_the_jobs_and_above_them() {
    for (size, is_wide) in
        [([776.0, 496.0], false), ([1116.0, 716.0], true), ([1456.0, 916.0], true)]
    {
        let (mut stage, _gate, meter) = busy_in(Setup::example().size(size));
        work_as_on_a_gpu(&meter);
        stage.until_shown("823 tokens/s");
        if !is_wide {
            // There is not much room: the table comes when it is asked for.
            stage.must_not_show("123,456");
            stage.click(Role::DisclosureTriangle, "Where time goes");
        }
        stage.until_shown("123,456");
        let screen = stage.harness.ctx.content_rect();
        let rect = |words: &str| stage.find(Role::Label, words).rect();
        for words in ["823 tokens/s (12,345 tokens in 15 s)", "123,456", "24.0 %", "Runs"] {
            assert!(rect(words).right() <= screen.right(), "{size:?}: {words}");
        }
        assert!(rect("attention_merge").right() < rect("24.0 %").left(), "{size:?}");
        let (job, model) = (rect("Running"), rect("Model scripted"));
        assert_eq!(job.right() < model.left(), is_wide, "{size:?}");
        assert!(is_wide || job.top() > model.bottom(), "{size:?}");
    }
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
    stage.must_not_show("Open gap");
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
        (LONG.to_owned(), Finish::Stop)
    });
    let model = ScriptedModel::new(1_000_000, script).unwrap();
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
    // It may have closed already while the button was pressed, so that it is asked rather than heard.
    let closes = (0..20_000).any(|_| {
        std::thread::sleep(Duration::from_millis(1));
        stage.closes()
    });
    assert!(closes, "it was said yes to");
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
