//! A record's texts: searched by words and by regular expression, with places, offsets and a map.

use super::stage::{Setup, Stage};
use egui::accesskit::Role;
use egui::{Key, Modifiers, pos2, vec2};
use serde_json::{Value, json};

/// A record whose context has numbered lines, with more fields.
fn record(n_lines: usize, more: &Value) -> String {
    let line = |n: usize| match n {
        7 | 9 => format!("{n}: Ada Stone rang the bell."),
        n => format!("{n}: nothing happened."),
    };
    let context = (0..n_lines).map(line).collect::<Vec<_>>().join("\n");
    let mut row = json!({"instruction": "Who rang?", "answer": "Ada Stone", "context": context});
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    format!("{row}\n")
}

fn context(stage: &Stage) -> String {
    stage.value(Role::Document, "Context")
}

#[test]
fn hits_are_gone_through_by_key_button_and_enter() {
    let mut stage = Setup::example().file("bell.jsonl", &record(400, &json!({}))).open();
    stage.fill("Search records", "rang");
    stage.settle();
    stage.must_show("3 hits");
    stage.key(Key::F3);
    stage.must_show("1 of 3");
    stage.keys(Modifiers::SHIFT, Key::F3);
    stage.must_show("3 of 3");
    stage.press("Previous hit");
    stage.must_show("2 of 3");
    stage.press("Next hit");
    stage.must_show("3 of 3");
    stage.fill("Search records", "399:");
    stage.settle();
    assert!(!context(&stage).contains("399:"));
    stage.key(Key::Enter);
    stage.settle();
    stage.must_show("1 of 1");
    assert!(context(&stage).contains("399:"), "{}", context(&stage));
    // Enter leaves the cursor where it is.
    assert_eq!(stage.focused().map(|(_, name)| name).as_deref(), Some("Search records"));
    stage.fill("Search records", "Who rang");
    stage.settle();
    stage.must_show("1 hit");
}

#[test]
fn a_regular_expression_is_one_only_when_that_is_said() {
    let mut stage = Setup::example().file("bell.jsonl", &record(400, &json!({}))).open();
    // The record is chosen, and stays whatever is searched for.
    stage.key(Key::ArrowDown);
    stage.click(Role::Button, "Use a regular expression");
    stage.fill("Search records", r"^\d{3}: n.*\.$");
    stage.settle();
    stage.must_show("300 hits");
    stage.key(Key::F3);
    stage.settle();
    assert!(context(&stage).contains("100: nothing"), "{}", context(&stage));
    stage.fill("Search records", "(bell");
    stage.settle();
    stage.must_show("the regular expression cannot be read (unclosed group); write another");
    stage.click(Role::Button, "Use a regular expression");
    stage.settle();
    stage.must_not_show("cannot be read");
    stage.must_show("no hit");
}

#[test]
fn a_long_record_is_searched_beside_the_drawing() {
    let mut stage = Setup::example().file("bell.jsonl", &record(20_000, &json!({}))).open();
    stage.must_show("Next answer (1 of 2)");
    stage.key(Key::ArrowDown);
    stage.click(Role::Button, "Use a regular expression");
    stage.fill("Search records", r"^1999\d: .*");
    stage.settle();
    stage.must_show("10 hits");
    stage.key(Key::F3);
    stage.settle();
    assert!(context(&stage).contains("19990: nothing"), "{}", context(&stage));
    stage.fill("Search records", "nothing");
    stage.settle();
    stage.must_show("5,000+ hits");
}

#[test]
fn the_place_under_the_pointer_is_told_in_characters_words_and_tokens() {
    let mut stage = Setup::example().file("bell.jsonl", &record(400, &json!({}))).open();
    let text = record(400, &json!({}));
    let row: Value = serde_json::from_str(&text).unwrap();
    let text = row["context"].as_str().unwrap().to_owned();
    let (n_chars, n_words) = (text.chars().count(), text.split_whitespace().count());
    stage.must_show(&format!("{} characters, ", grouped(n_chars)));
    let corner = stage.find(Role::Document, "Context").rect().left_top();
    // The first row, then the second.
    let tokenizer =
        backstory::model::read_tokenizer(super::stage::tiny_model().as_ref()).unwrap().0;
    let tokens = tokenizer.encode(&text).unwrap();
    for (row, start) in [(0.5, 0), (1.5, text.find("1: ").unwrap())] {
        let height = row_height(&stage);
        stage.harness.hover_at(pos2(corner.x + 5.0, corner.y + row * height));
        stage.settle();
        stage.harness.run_steps(2);
        let token = tokens.iter().position(|token| token.bytes.end > start).unwrap();
        let word = text[..start].split_whitespace().count();
        stage.must_show(&format!(
            "char {start} of {}, word {word} of {}, token {token} of {} ({} tokenizer)",
            grouped(n_chars),
            grouped(n_words),
            grouped(tokens.len()),
            tokenizer.name()
        ));
    }
}

#[test]
fn a_selection_is_told_and_copied() {
    let mut stage = Setup::example().file("bell.jsonl", &record(400, &json!({}))).open();
    let corner = stage.find(Role::Document, "Context").rect().left_top();
    let height = row_height(&stage);
    // From the begin of the first row to that of the third.
    let at = |row: f32| corner + vec2(4.0, row * height);
    stage.drag(at(0.5), at(2.5));
    let first = "0: nothing happened.\n1: nothing happened.\n";
    stage.must_show(&format!("chars 0 to {} of ", first.len() - 1));
    stage.must_show("words 0 to 5 of ");
    stage.harness.event(egui::Event::Copy);
    stage.harness.step();
    let copied = stage.harness.output().platform_output.commands.iter().find_map(|c| match c {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(copied.as_deref(), Some(first));
}

#[test]
fn the_evidence_stands_on_the_map_and_beside_the_text() {
    let text = record(400, &json!({}));
    let row: Value = serde_json::from_str(&text).unwrap();
    let length = row["context"].as_str().unwrap().len();
    let more = json!({
        "gold_span": [200, 400], "distractor_ids": ["aa", "bb"],
        "distractor_spans": [[0, 198], [402, length]],
    });
    let mut stage = Setup::example().file("bell.jsonl", &record(400, &more)).open();
    let map = stage.find(Role::Image, "Map of Context").rect();
    stage.harness.hover_at(map.center());
    stage.harness.run_steps(60);
    for words in ["gold span", "other contexts; a stroke where one begins (2)", "answers (2)"] {
        stage.must_show(words);
    }
    let document = stage.find(Role::Document, "Context").rect();
    stage.harness.hover_at(document.left_top() + vec2(4.0, 4.0));
    stage.harness.run_steps(60);
    stage.must_show("Other context 1 of 2, of record aa");
    // A click on the map goes there.
    assert!(!context(&stage).contains("399:"));
    stage.click_place(map.center_bottom() - vec2(0.0, 1.0));
    assert!(context(&stage).contains("399:"), "{}", context(&stage));
}

#[test]
fn the_texts_stay_where_they_are() {
    let mut stage = Setup::example().size([1100.0, 700.0]).open();
    let before = stage.find(Role::Document, "Context").rect();
    stage.harness.run_steps(60);
    stage.key(Key::ArrowDown);
    stage.settle();
    assert_eq!(stage.find(Role::Document, "Context").rect(), before);
}

fn row_height(stage: &Stage) -> f32 {
    let font = egui::TextStyle::Body.resolve(&stage.harness.ctx.global_style());
    stage.harness.ctx.fonts_mut(|fonts| fonts.row_height(&font)).round()
}

fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let (head, tail) = digits.split_at(digits.len().saturating_sub(3));
    if head.is_empty() { tail.to_owned() } else { format!("{head},{tail}") }
}
