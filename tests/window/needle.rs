//! The Needle view: results side by side, the tests behind a cell, the figure's export.

use super::stage::{Setup, Stage};
use backstory::app::View;
use egui::Rect;
use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT, Queryable};

/// Two tests in each cell, one of them answered right where `right` says so.
fn rows(model: &str, right: impl Fn(u64, f64) -> bool) -> String {
    let mut lines = String::new();
    for task in ["single", "multi_key"] {
        for length in [1024_u64, 4096] {
            for depth in [0.0, 0.5, 1.0] {
                for ix in 0..2 {
                    let grade = f64::from(u8::from(ix == 0 || right(length, depth)));
                    let row = serde_json::json!({
                        "task": task, "composition": model, "test_length": length, "depth": depth,
                        "grade": grade, "id": format!("{task}-{length}-{depth}-{ix}"),
                        "question": format!("What is the code number for key-{ix}?"),
                        "values": [format!("100000{ix}")], "prediction": format!("said {ix}"),
                        "exact": false,
                    });
                    lines.push_str(&format!("{row}\n"));
                }
            }
        }
    }
    lines
}

fn needle(setup: Setup) -> Stage {
    let mut stage = setup.open();
    stage.show(View::Needle);
    stage
}

fn one_file() -> Setup {
    Setup::example().file("results.jsonl", &rows("tuned", |length, _| length < 4096))
}

/// Where the panel stands whose name begins so.
fn plot(stage: &Stage, name: &str) -> Rect {
    let mut all = stage.harness.query_all_by_role(Role::Image);
    let is_it = |label: &String| label.starts_with(name) && label.contains(": ");
    let found = all.find(|node| node.accesskit_node().label().as_ref().is_some_and(is_it));
    found.unwrap_or_else(|| panic!("no panel {name}:\n{}", stage.told())).rect()
}

#[test]
fn without_results_the_view_says_how_to_get_some() {
    let stage = needle(Setup::example());
    stage.must_show("No needle results are open.");
    stage.must_show("backstory needle run");
}

#[test]
fn a_click_on_a_cell_lists_its_tests_and_closes_again() {
    let mut stage = needle(one_file());
    stage.must_show("24 needle results");
    stage.must_show("Needle tests by depth");
    // The right half is the longer tests, the lowest third the end of the context.
    let map = plot(&stage, "multi key: depth of the needle over test length");
    stage.click_place(map.lerp_inside(egui::vec2(0.75, 0.84)));
    stage.must_show("multi key, 4k, 100%: 2 tests");
    for words in
        ["What is the code number for key-1?", "1000001", "said 1", "0%", "multi_key-4096-1"]
    {
        stage.must_show(words);
    }
    stage.press("Close the list of tests");
    stage.settle();
    stage.must_not_show("said 1");
    stage.must_show("Click a cell or a point");
}

#[test]
fn tasks_and_files_are_left_out_and_taken_in() {
    let second = rows("tuned", |_, _| true);
    let mut stage = needle(one_file().file("other.jsonl", &second));
    let panels = |stage: &Stage| {
        let names = stage.names(Role::Image);
        names.into_iter().filter(|name| name.contains("over test length")).count()
    };
    assert_eq!(panels(&stage), 4, "a panel for each task and file");
    stage.must_show("single: tuned (other.jsonl)");
    stage.click(Role::CheckBox, "Show the task single");
    stage.settle();
    assert_eq!(panels(&stage), 2);
    stage.click(Role::CheckBox, "Show other.jsonl");
    stage.settle();
    assert_eq!(panels(&stage), 1);
    stage.press("Close other.jsonl");
    stage.settle();
    stage.must_not_show("other.jsonl");
    stage.click(Role::CheckBox, "Show results.jsonl");
    stage.settle();
    stage.must_show("No task or no file is ticked.");
}

#[test]
fn lines_tell_of_their_points_and_the_figure_is_exported() {
    let mut stage = needle(one_file());
    stage.press("Lines over length");
    stage.settle();
    let map = plot(&stage, "multi key: accuracy (%) over test length");
    // The shorter tests were all right: their point stands near the top of the left half.
    let top = egui::lerp(map.top()..=map.bottom(), 3.0 / 105.0);
    stage.click_place(egui::pos2(map.lerp_inside(egui::vec2(0.25, 0.0)).x, top));
    stage.must_show("multi key, 1k, tuned: 6 tests");
    stage.press("Export figure…");
    stage.must_show("as Needle shows it");
    let path = stage.path("needle").display().to_string();
    stage.fill("File to export to", &path);
    stage.press_nth("Export", 1);
    stage.settle();
    let svg = stage.read("needle.svg");
    assert!(svg.contains("multi key") && svg.contains("accuracy"), "{}", &svg[..200]);
}

#[test]
fn a_broken_row_is_told_with_its_line() {
    let text = format!("{}{{\"task\":\"single\",\"model\":\"m\"}}\n", rows("m", |_, _| true));
    let stage = Setup::example().file("broken.jsonl", &text).open();
    stage.must_show("broken.jsonl, line 25");
}

#[test]
fn tests_are_made_and_answered_from_the_window() {
    let mut stage = needle(Setup::example());
    let [tests, results] =
        ["made.jsonl", "answers.jsonl"].map(|name| stage.path(name).display().to_string());
    stage.press("Make tests…");
    stage.fill("Lengths", "0, two");
    stage.set("Records of each task and length", 2.0);
    stage.fill("Write to", &tests);
    stage.press("Make");
    stage.settle();
    stage.must_show("`two` is no length");
    stage.fill("Lengths", "0, 2k");
    stage.press("Make");
    stage.settle();
    stage.must_show("Make made.jsonl: 16 records in");
    stage.press("Run tests…");
    assert_eq!(stage.text_of("Tests"), tests);
    stage.fill("Called", "tuned on nothing");
    stage.fill("Write to", &results);
    stage.press("Run");
    stage.settle();
    stage.must_show("Answer made.jsonl: 16 tests in");
    stage.must_show("16 needle results");
    stage.must_show("Needle tests by depth");
    let rows = stage.read("answers.jsonl");
    assert_eq!(rows.lines().filter(|row| row.contains("tuned on nothing")).count(), 16);
    // A dialog in front keeps the keys of what is behind it.
    stage.press("Run tests…");
    stage.key(egui::Key::Escape);
    assert!(!stage.has(Role::TextInput, "Tests"));
}
