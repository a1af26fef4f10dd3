//! What Compare says in numbers, and the figure on the clipboard.

use super::stage::{Setup, Stage};
use backstory::app::View;
use backstory::figure;
use egui::accesskit::Role;
use egui::{Key, Modifiers, OutputCommand};
use serde_json::json;

fn compare(page: &str) -> Stage {
    let mut stage = Setup::example().open();
    stage.show(View::Compare);
    stage.turn_to(page);
    stage
}

#[test]
fn the_figures_are_compared_in_words_and_numbers() {
    let mut stage = compare("Lengths");
    stage.must_show(
        "contexts of instruction synthesis are longer than those of context synthesis: by ",
    );
    stage.must_show("24 pairs. By itself it is clear in ");
    for head in ["task", "pairs", "p (Holm)", "d_z", "difference\n[95%]"] {
        assert!(stage.has(Role::Label, head), "no column {head}:\n{}", stage.told());
    }
    stage.must_show("only 3 pairs: p cannot be below 0.250");
    assert_eq!(stage.value(Role::ComboBox, "Baseline"), "instruction_synthesis");
    stage.pick("Baseline", "human");
    stage.must_show("human\nmean (median)");
    stage.pick("Field", "Answer");
    stage.must_show("answer length (tokens, tiny_llama): ");
    stage.turn_to("Coherence");
    stage.must_show("instruction gain (nats per token): context_synthesis less human");
    stage.pick("Value", "Answer gain");
    stage.must_show("answer gain (nats per token): context_synthesis less human");
}

#[test]
fn the_table_goes_to_the_clipboard_and_can_be_closed() {
    let mut stage = compare("Coherence");
    let markdown = stage.copied_by("Copy the table as Markdown");
    assert!(
        markdown.starts_with("## instruction gain (nats per token): human less "),
        "{markdown}"
    );
    assert_eq!(markdown.matches("| all tasks").count(), 2, "{markdown}");
    let csv = stage.copied_by("Copy the table as CSV");
    assert_eq!(csv.lines().filter(|line| line.starts_with("HotpotQA,3,")).count(), 2, "{csv}");
    stage.press("Table");
    stage.settle();
    assert!(!stage.has(Role::Label, "p (Holm)"));
    stage.must_show("human instructions depend more on their contexts");
}

#[test]
fn with_one_strategy_it_says_what_is_missing() {
    let line = json!({"task": "qasper", "instruction": "Who?", "answer": "Zed", "context": "Zed."});
    let mut stage = Setup::example().file("one.jsonl", &format!("{line}\n")).open();
    stage.show(View::Compare);
    stage.must_show("Open a second strategy to compare the two.");
    assert!(!stage.has(Role::Button, "Table"));
    assert_eq!(stage.window().complaints().count(), 0);
}

/// What the last pictures put on the clipboard as an image.
fn image(stage: &mut Stage) -> egui::ColorImage {
    let mut found = None;
    stage.until("an image on the clipboard", |stage| {
        let commands = &stage.harness.output().platform_output.commands;
        found = commands.iter().find_map(|command| match command {
            OutputCommand::CopyImage(image) => Some(image.clone()),
            _ => None,
        });
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn the_figure_goes_to_the_clipboard_as_the_export_writes_it() {
    let mut stage = compare("Lengths");
    stage.harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::C);
    let copied = image(&mut stage);
    stage.settle();
    stage.must_show("The figure is on the clipboard.");
    stage.press("Export figure…");
    stage.fill("File to export to", &stage.path("figure.svg").display().to_string());
    stage.press_nth("Export", 1);
    stage.settle();
    let spec = figure::from_json(&stage.read("figure.json")).unwrap();
    let png = figure::to_png(&spec, 192.0).unwrap();
    let exported = eframe::icon_data::from_png_bytes(&png).unwrap();
    assert_eq!(copied.size, [exported.width as usize, exported.height as usize]);
    assert_eq!(copied.width(), (6.8 * 192.0_f64).round() as usize, "twice a screen's dots");
    assert!(copied.as_raw() == exported.rgba, "the very same pixels");
    // The button does it too.
    stage.turn_to("Coherence");
    stage.press("Copy figure");
    assert_ne!(image(&mut stage).size, copied.size);
}

#[test]
fn what_is_shown_is_remembered() {
    let mut stage = compare("Lengths");
    stage.pick("Field", "Answer");
    stage.press("Histogram");
    stage.click(Role::CheckBox, "context_synthesis.jsonl in the figure");
    stage.settle();
    let remembered = stage.window().settings().clone();
    let text = serde_json::to_string(&remembered.compare).unwrap();
    assert!(text.contains("\"histogram\"") && text.contains("\"answer\""), "{text}");
    let again = Setup::example().remembering(|_, settings| settings.compare = remembered.compare);
    let mut stage = again.open();
    stage.show(View::Compare);
    assert_eq!(stage.value(Role::ComboBox, "Field"), "Answer");
    stage.must_show("Answer lengths");
    stage.must_show("Share of a strategy's records in each bin");
}

#[test]
fn a_file_that_was_switched_off_stays_so() {
    let line = json!({"task": "qasper", "instruction": "Who?", "answer": "Zed", "context": "Zed."});
    let line = format!("{line}\n");
    let setup = Setup::example().file("a.jsonl", &line).file("b.jsonl", &line);
    let stage = setup
        .remembering(|folder, settings| settings.hidden = [folder.path("b.jsonl")].into())
        .open();
    assert!(stage.is_on(Role::CheckBox, "Show a.jsonl"));
    assert!(!stage.is_on(Role::CheckBox, "Show b.jsonl"));
}
