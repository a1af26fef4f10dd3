//! The Gap view: the study of the example project, and the dialog that begins one.

use super::stage::Setup;
use backstory::app::View;

#[test]
fn the_example_shows_a_study_with_the_sentence_that_the_data_allow() {
    let mut stage = Setup::example().open();
    stage.show(View::Gap);
    stage.must_show("Tuning gap");
    stage.must_show("pairs of each dataset");
    stage.must_show("no correlation of the proxies with the gap is claimed");
    stage.must_show("log p(answer): 2WikiMQA: human");
}

#[test]
fn a_study_is_begun_only_with_tests_and_another_is_opened_by_its_folder() {
    let mut stage = Setup::example().open();
    stage.show(View::Gap);
    stage.press("New study…");
    stage.must_show("Study the tuning gap");
    stage.press("Start");
    stage.settle();
    stage.must_show("Name the file of tests.");
    stage.fill("Tests", "tests.jsonl");
    stage.fill("Tuning seeds", "0, one");
    stage.press("Start");
    stage.settle();
    stage.must_show("Write the tuning seeds as whole numbers");
    stage.key(egui::Key::Escape);
    let none = stage.path("nothing");
    stage.fill("The folder of a study", &none.display().to_string());
    stage.press("Open study");
    stage.settle();
    stage.must_show("name the folder that `backstory gap --out` wrote");
}
