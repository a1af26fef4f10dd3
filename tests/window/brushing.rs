//! Linked brushing in Compare, and one seed's records side by side.

use super::stage::{Setup, Stage};
use crate::program::records;
use backstory::app::View;
use egui::accesskit::Role;
use egui::{Key, Modifiers, Rect};
use egui_kittest::kittest::{NodeT, Queryable};

fn compare(page: &str) -> Stage {
    let mut stage = Setup::example().open();
    stage.show(View::Compare);
    stage.turn_to(page);
    stage
}

/// Where the panel stands whose name begins so.
fn plot(stage: &Stage, name: &str) -> Rect {
    let mut all = stage.harness.query_all_by_role(Role::Image);
    let is_it = |label: &String| label.starts_with(name) && label.contains(": ");
    let found = all.find(|node| node.accesskit_node().label().as_ref().is_some_and(is_it));
    found.unwrap_or_else(|| panic!("no panel {name}:\n{}", stage.told())).rect()
}

/// Brushes a part of the width, or of the height, of a panel.
fn brush(stage: &mut Stage, name: &str, from: [f32; 2], to: [f32; 2]) {
    let plot = plot(stage, name);
    let at = |[x, y]: [f32; 2]| plot.lerp_inside(egui::vec2(x, y));
    stage.drag(at(from), at(to));
}

/// The records that Data shows.
fn n_found(stage: &Stage) -> String {
    let labels = stage.harness.query_all_by_role(Role::Label);
    let words = labels.filter_map(|node| node.accesskit_node().value());
    words.into_iter().find(|words| words.ends_with("selected of 72 records")).unwrap_or_default()
}

#[test]
fn a_brushed_range_chooses_the_records_of_its_task_everywhere() {
    let mut stage = compare("Lengths");
    stage.must_show("Drag over a plot to select records");
    // All of a panel: the six human and instruction-made records and the three made contexts.
    brush(&mut stage, "HotpotQA", [0.0, 0.4], [1.0, 0.6]);
    stage.must_show("Selected: 9 of 72 records");
    stage.must_show("HotpotQA, context length of any size, tokens");
    assert!(stage.has(Role::Label, "selected records"), "a legend for the points");
    stage.must_show("Large points: the selected records.");
    // The contexts that were written are the short ones.
    brush(&mut stage, "HotpotQA", [0.0, 0.4], [0.6, 0.6]);
    stage.must_show("Selected: 3 of 72 records");
    stage.turn_to("Coherence");
    assert!(stage.has(Role::Label, "selected records"), "in the other figure too");
    stage.must_show("Large points: the selected records.");
    stage.press("Show in table");
    stage.settle();
    assert_eq!(n_found(&stage), "3 selected of 72 records");
    let shown = stage.value(Role::Document, "Context");
    let made = records(&stage.path("home/example/context_synthesis.jsonl"));
    let is_made = |record: &backstory::data::Record| {
        record.task == "hotpotqa"
            && record.context.as_deref().is_some_and(|c| c.starts_with(&shown))
    };
    assert!(made.iter().any(is_made), "{shown}");
    stage.press("Clear");
    stage.settle();
    stage.must_show("72 records");
    stage.show(View::Compare);
    stage.press("Clear selection");
    stage.settle();
    stage.must_not_show("Selected: ");
    assert!(!stage.has(Role::Label, "selected records"));
}

#[test]
fn a_selection_stays_when_another_part_is_shown_and_goes_with_its_file() {
    let mut stage = compare("Lengths");
    brush(&mut stage, "Qasper", [0.0, 0.4], [1.0, 0.6]);
    stage.must_show("Selected: 9 of 72 records");
    stage.pick("Field", "Answer");
    stage.must_show("Qasper, context length of any size, tokens");
    assert!(stage.has(Role::Label, "selected records"));
    stage.click(Role::CheckBox, "context_synthesis.jsonl in the figure");
    stage.settle();
    stage.must_show("Selected: 6 of 48 records");
}

#[test]
fn gains_are_brushed_along_their_own_axis() {
    let mut stage = compare("Coherence");
    // The column of the first task, all of its height, and then only the upper half.
    brush(&mut stage, "Instruction", [0.06, 0.0], [0.06, 1.0]);
    stage.must_show("Selected: 9 of 72 records");
    stage.must_show("NarrativeQA, instruction gain of any size, nats per token");
    brush(&mut stage, "Instruction", [0.06, 0.0], [0.06, 0.5]);
    stage.must_not_show("Selected: 9 of 72 records");
    stage.must_show("NarrativeQA, instruction gain from ");
}

#[test]
fn a_scatter_is_brushed_in_a_rectangle_and_narrows_the_seeds() {
    let mut stage = compare("Coherence");
    stage.press("Scatter");
    stage.settle();
    // All of the panel of a task.
    brush(&mut stage, "HotpotQA", [0.0, 0.0], [1.0, 1.0]);
    stage.must_show("Selected: 9 of 72 records");
    stage.must_show(
        "HotpotQA, instruction gain of any size, nats per token, answer gain of any size",
    );
    // Its left half, along the one axis only.
    brush(&mut stage, "HotpotQA", [0.0, 0.5], [0.5, 0.5]);
    stage.must_show("HotpotQA, instruction gain up to ");
    stage.must_not_show("answer gain up to");
    stage.press("Over length");
    stage.settle();
    brush(&mut stage, "Qasper", [0.0, 0.5], [1.0, 0.5]);
    stage.must_show("Qasper, context length of any size, tokens of the scorer");
    stage.must_show("Selected: 9 of 72 records");
    assert!(stage.has(Role::Label, "selected records"), "in this figure too");
    stage.turn_to("Same seed");
    stage.must_show("Seed 1 of 3 with selected records");
    stage.press("All seeds");
    stage.settle();
    stage.must_show("Seed 1 of 24");
}

#[test]
fn a_point_of_the_scatter_tells_and_opens_its_record() {
    let mut stage = compare("Coherence");
    stage.press("Scatter");
    stage.settle();
    let plot = plot(&stage, "HotpotQA");
    let rows = records(&stage.path("home/example/human.jsonl"));
    let is_told = |stage: &Stage| rows.iter().any(|record| stage.shows(&record.instruction));
    let mut at = None;
    'search: for y in 0..40 {
        for x in 0..40 {
            let place = plot.lerp_inside(egui::vec2(x as f32 / 40.0, y as f32 / 40.0));
            stage.harness.hover_at(place);
            stage.harness.step();
            stage.harness.step();
            if is_told(&stage) {
                at = Some(place);
                break 'search;
            }
        }
    }
    let at = at.expect("no point tells its record");
    stage.must_show("instruction gain: ");
    stage.must_show("answer gain: ");
    stage.must_show("n = 3");
    stage.click_place(at);
    assert!(stage.has(Role::Document, "Context of human"), "the record beside those of its seed");
    let shown = stage.value(Role::Document, "Instruction of human");
    let is_shown =
        |record: &backstory::data::Record| record.task == "hotpotqa" && record.instruction == shown;
    assert!(rows.iter().any(is_shown), "{shown}");
    // The table has it too.
    stage.show(View::Data);
    assert_eq!(stage.value(Role::Document, "Instruction"), shown);
}

#[test]
fn violins_and_boxes_are_brushed_along_their_own_axis() {
    let mut stage = compare("Lengths");
    for form in ["Violins", "Boxes"] {
        stage.press(form);
        stage.settle();
        // The column of the first task, all of its height.
        brush(&mut stage, "Context lengths", [0.06, 0.0], [0.06, 1.0]);
        stage.must_show("Selected: 9 of 72 records");
        stage.must_show("NarrativeQA, context length of any size, tokens");
        stage.press("Clear selection");
        stage.settle();
    }
}

#[test]
fn what_is_pointed_at_tells_its_value_and_how_many_records_it_is_of() {
    let mut stage = compare("Coherence");
    // The first bar of the first task, just above zero.
    let plot = plot(&stage, "Instruction");
    stage.harness.hover_at(plot.lerp_inside(egui::vec2(0.018, 0.3)));
    stage.harness.run_steps(3);
    stage.must_show("human, own context");
    stage.must_show("instruction gain: ");
    stage.must_show("n = 3");
}

#[test]
fn tasks_that_are_left_out_are_nowhere() {
    let mut stage = compare("Lengths");
    stage.press("Tasks");
    stage.harness.run_steps(3);
    stage.press("None");
    stage.settle();
    stage.must_show("Every task is left out. Choose some above.");
    for task in ["HotpotQA", "GovReport"] {
        stage.click(Role::CheckBox, task);
    }
    stage.key(Key::Escape);
    stage.settle();
    assert!(stage.has(Role::Button, "Tasks"));
    let panels: Vec<String> =
        stage.names(Role::Image).into_iter().filter(|name| name.contains(": ")).collect();
    assert_eq!(panels.len(), 2, "{panels:?}");
    for words in ["HotpotQA", "GovReport", "all tasks"] {
        assert!(stage.count(Role::Label, words) >= 1, "no row {words}");
    }
    assert_eq!(stage.count(Role::Label, "Qasper"), 0);
    let settings = stage.window().settings();
    assert_eq!(settings.compare.without.len(), 6, "it is remembered");
    // What is exported is what is shown.
    stage.press("Export figure…");
    stage.fill("File to export to", &stage.path("two.svg").display().to_string());
    stage.press_nth("Export", 1);
    stage.settle();
    let svg = stage.read("two.svg");
    assert!(svg.contains("HotpotQA") && !svg.contains("Qasper"));
}

#[test]
fn one_seed_stands_under_every_strategy() {
    let mut stage = compare("Same seed");
    stage.must_show("Seed 1 of 24");
    let human = &records(&stage.path("home/example/human.jsonl"))[0];
    assert_eq!(stage.value(Role::Document, "Instruction of human"), human.instruction);
    for strategy in ["human", "context synthesis", "instruction synthesis"] {
        for part in ["Instruction", "Answer", "Context"] {
            assert!(
                stage.has(Role::Document, &format!("{part} of {strategy}")),
                "{part} {strategy}"
            );
        }
    }
    // The seed's own question goes with the written context.
    assert_eq!(stage.value(Role::Document, "Instruction of context synthesis"), human.instruction);
    stage.must_show("instruction gain +3.18 (other contexts +0.27), AUC 1.00");
    stage.keys(Modifiers::ALT, Key::ArrowDown);
    stage.settle();
    stage.must_show("Seed 2 of 24");
    stage.press("Previous seed");
    stage.settle();
    stage.must_show("Seed 1 of 24");
    stage.fill("Search seeds", "no record holds this");
    stage.settle();
    stage.must_show("0 seeds fit");
    stage.fill("Search seeds", "ferry");
    stage.settle();
    stage.must_not_show("0 seeds fit");
}

#[test]
fn a_record_of_the_table_leads_to_its_seed() {
    let mut stage = Setup::example().open();
    stage.press("Same seed");
    stage.settle();
    stage.must_show("Seed 1 of 24");
    stage.show(View::Data);
    stage.keys(Modifiers::ALT, Key::ArrowDown);
    stage.press("Same seed");
    stage.settle();
    stage.must_show("Seed 2 of 24");
}

#[test]
fn a_point_leads_to_its_seed() {
    let mut stage = compare("Lengths");
    stage.pick("Unit", "Words");
    brush(&mut stage, "HotpotQA", [0.0, 0.4], [0.6, 0.6]);
    // The rows of points stand in the lowest part; the made contexts are in the second.
    let plot = plot(&stage, "HotpotQA");
    let is_there = |stage: &Stage| stage.shows("Seed ");
    'search: for x in 0..60 {
        for y in [0.86, 0.89, 0.92, 0.95] {
            let at = plot.lerp_inside(egui::vec2(x as f32 / 60.0, y));
            stage.click_place(at);
            if is_there(&stage) {
                break 'search;
            }
        }
    }
    assert!(is_there(&stage), "no point could be clicked");
    assert!(stage.has(Role::Document, "Context of human"));
}
