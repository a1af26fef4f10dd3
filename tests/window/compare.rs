//! The Compare view: figures of lengths and coherence, and measuring.

use super::stage::{Setup, Stage};
use crate::slow_model::SlowModel;
use backstory::app::View;
use egui::accesskit::Role;
use serde_json::json;

const TASKS: [&str; 8] =
    ["NarrativeQA", "Qasper", "HotpotQA", "2WikiMQA", "MuSiQue", "GovReport", "QMSum", "MultiNews"];

/// The names of the panels of the figure that is shown.
fn panels(stage: &Stage) -> Vec<String> {
    // Patches of colour are images too.
    stage.names(Role::Image).into_iter().filter(|name| name.contains(": ")).collect()
}

fn compare(setup: Setup) -> Stage {
    let mut stage = setup.open();
    stage.show(View::Compare);
    stage.turn_to("Lengths");
    stage
}

/// Records that can be measured, and nobody has.
fn triples() -> Setup {
    let rows =
        [("Who?", "Zed", "Quick waxy Zed jumps."), ("How?", "by boat", "They came by boat.")];
    let line = |(instruction, answer, context): &(&str, &str, &str)| {
        let row = json!({
            "task": "qasper", "instruction": instruction, "answer": answer, "context": context
        });
        format!("{row}\n")
    };
    Setup::example().file("triples.jsonl", &rows.iter().map(line).collect::<String>())
}

#[test]
fn with_nothing_open_it_says_so() {
    let mut stage = Setup::example().open();
    stage.choose_in_menu("File", "Close all files");
    stage.show(View::Compare);
    stage.must_show("No records are shown. Open files, or switch one on above.");
    stage.turn_to("Coherence");
    stage.must_show("The shown records are not measured yet. Press Measure.");
    stage.press("Measure");
    stage.must_show("No shown file has instructions, answers and contexts");
    assert_eq!(panels(&stage), [""; 0]);
}

#[test]
fn every_task_has_a_panel_of_lengths() {
    let stage = compare(Setup::example());
    let expected = TASKS
        .map(|task| format!("{task} (n = 3): density over context length (tokens, tiny_llama)"));
    assert_eq!(panels(&stage), expected);
    stage.must_show("Context lengths");
    for strategy in ["human", "context synthesis", "instruction synthesis"] {
        assert_eq!(stage.count(Role::Label, strategy), 1, "{strategy} in the legend");
    }
}

#[test]
fn field_unit_form_and_axis_can_be_chosen() {
    let mut stage = compare(Setup::example());
    let mut first = |what: &dyn Fn(&mut Stage)| {
        what(&mut stage);
        stage.settle();
        assert_eq!(panels(&stage).len(), 8);
        panels(&stage)[0].clone()
    };
    let words = first(&|stage| stage.pick("Unit", "Words"));
    assert_eq!(words, "NarrativeQA (n = 3): density over context length (words)");
    let characters = first(&|stage| stage.pick("Unit", "Characters"));
    assert_eq!(characters, "NarrativeQA (n = 3): density over context length (characters)");
    for (form, caption) in [
        ("Histogram", "Share of a strategy's records in each bin"),
        ("Cumulative", "Share of a strategy's records that are at most so long."),
    ] {
        let shares = first(&|stage| {
            stage.press(form);
            stage.settle();
            stage.must_show(caption);
        });
        assert!(shares.starts_with("NarrativeQA (n = 3): share of records over"), "{shares}");
    }
    let answers = first(&|stage| stage.pick("Field", "Answer"));
    assert!(answers.ends_with("over answer length (characters)"), "{answers}");
    // On a linear axis there is a zero.
    let zeros = |stage: &Stage| stage.painted().iter().filter(|word| *word == "0").count();
    let before = zeros(&stage);
    stage.click(Role::CheckBox, "Log axis");
    stage.settle();
    assert!(zeros(&stage) > before, "{:?}", stage.painted());
}

#[test]
fn a_dataset_that_is_switched_off_leaves_the_figure() {
    let mut stage = compare(Setup::example());
    stage.click(Role::CheckBox, "context_synthesis.jsonl in the figure");
    stage.settle();
    assert!(!stage.has(Role::Label, "context synthesis"));
    assert!(stage.has(Role::Label, "instruction synthesis"));
    stage.turn_to("Coherence");
    assert!(!stage.has(Role::Label, "context synthesis"));
    stage.click(Role::CheckBox, "context_synthesis.jsonl in the figure");
    stage.settle();
    assert!(stage.has(Role::Label, "context synthesis"));
}

#[test]
fn without_a_model_lengths_are_counted_in_words() {
    let mut stage = compare(Setup::example().choosing("none/such.gguf"));
    assert_eq!(stage.value(Role::ComboBox, "Unit"), "Words");
    stage.must_show("tokens need a model");
    assert!(panels(&stage)[0].ends_with("context length (words)"));
    stage.turn_to("Coherence");
    stage.press("Measure");
    stage
        .must_show("There is no model yet: fetch one in Synthesize, or choose a .gguf file there.");
}

#[test]
fn the_examples_coherence_is_there_from_the_start() {
    let mut stage = compare(Setup::example());
    stage.turn_to("Coherence");
    let panels = panels(&stage);
    assert_eq!(panels.len(), 2, "{panels:?}");
    assert!(panels[0].to_lowercase().contains("instruction"), "{panels:?}");
    assert!(panels[1].to_lowercase().contains("answer"), "{panels:?}");
}

#[test]
fn every_form_of_coherence_is_drawn_and_exported_as_it_is_shown() {
    let mut stage = compare(Setup::example());
    stage.turn_to("Coherence");
    for (form, title, n_panels) in [
        ("AUC", "How often the own context beats others", 2),
        ("Scatter", "Answer gain over instruction gain", 8),
        ("Over length", "Coherence over context length", 16),
        ("Rank", "Rank of the own context", 5),
        ("Bars", "Instruction-context coherence", 2),
    ] {
        stage.press(form);
        stage.settle();
        stage.must_show(title);
        let shown = panels(&stage);
        assert!(
            shown.len() == n_panels || form == "Rank" && !shown.is_empty(),
            "{form}: {shown:?}"
        );
        stage.press("Export figure…");
        let file = format!("{}.svg", form.replace(' ', "_"));
        stage.fill("File to export to", &stage.path(&file).display().to_string());
        stage.press_nth("Export", 1);
        stage.settle();
        assert!(stage.read(&file).contains(title), "{form} is what is written");
    }
}

#[test]
fn measuring_writes_rows_and_draws_them() {
    let mut stage = compare(triples().answering(SlowModel::eager("")));
    stage.turn_to("Coherence");
    stage.must_show("The shown records are not measured yet. Press Measure.");
    stage.press("Measure");
    stage.settle();
    assert_eq!(panels(&stage).len(), 2);
    stage.must_show("Coherence of triples.jsonl: 2 records, scored by scripted");
    let names = stage.names_in("home/coherence");
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(stage.read(&format!("home/coherence/{}", names[0])).lines().count(), 2);
    assert!(stage.has(Role::Button, &format!("Close {}", names[0])));
    // The table tells the gains of a record.
    stage.show(View::Data);
    stage.must_show("instruction gain ");
}

#[test]
fn measuring_can_be_watched_and_cancelled() {
    let (model, gate) = SlowModel::new("");
    let mut stage = compare(triples().answering(model));
    stage.turn_to("Coherence");
    stage.press("Measure");
    stage.until_shown("scoring: 0 of 6");
    assert!(stage.has(Role::Button, "Pause") && !stage.has(Role::Button, "Measure"));
    stage.ctrl(egui::Key::M);
    assert!(stage.has(Role::Button, "Jobs (1)"), "one at a time");
    stage.press_nth("Cancel", 1);
    stage.settle();
    stage.must_show("Coherence of triples.jsonl: cancelled");
    stage.must_show("The shown records are not measured yet. Press Measure.");
    assert_eq!(stage.names_in("home/coherence"), [""; 0]);
    drop(gate);
    stage.press("Measure");
    stage.settle();
    assert_eq!(panels(&stage).len(), 2);
}
