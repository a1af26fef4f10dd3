//! Commands: menus, keys and palette; and the window without a mouse.

use super::stage::{Setup, Stage};
use crate::program::records;
use crate::program::{DOCUMENT, PAIR};
use crate::slow_model::{LONG, SlowModel};
use backstory::app::View;
use backstory::workbench::OpenFile;
use egui::accesskit::Role;
use egui::{Key, Modifiers, ViewportCommand};
use egui_kittest::kittest::Queryable;

fn is_focused(stage: &Stage, role: Role, name: &str) -> bool {
    stage.find(role, name).is_focused()
}

#[test]
fn the_palette_finds_commands_by_their_words() {
    let mut stage = Setup::example().open();
    stage.ctrl(Key::K);
    assert!(is_focused(&stage, Role::TextInput, "Command"));
    let n_all = backstory::app::Command::ALL.len();
    let shown = |stage: &Stage| {
        let titles = backstory::app::Command::ALL.map(|command| command.title());
        let names = stage.names(Role::Button);
        names.iter().filter(|name| titles.iter().any(|title| name.starts_with(title))).count()
    };
    assert!(shown(&stage) >= n_all, "{}", stage.told());
    stage.harness.event(egui::Event::Text("jobs show".into()));
    stage.harness.run_steps(2);
    stage.key(Key::Enter);
    assert_eq!(stage.window().view(), View::Jobs);
    assert!(!stage.has(Role::TextInput, "Command"));
    // With arrows: the second of three.
    stage.ctrl(Key::K);
    stage.harness.event(egui::Event::Text("zoom".into()));
    stage.harness.run_steps(2);
    stage.key(Key::ArrowDown);
    stage.key(Key::Enter);
    stage.settle();
    assert!(stage.harness.ctx.zoom_factor() < 1.0);
    stage.ctrl(Key::Num0);
    stage.ctrl(Key::K);
    stage.harness.event(egui::Event::Text("no such thing".into()));
    stage.harness.run_steps(2);
    stage.must_show("No command has these words");
    stage.key(Key::Escape);
    assert!(!stage.has(Role::TextInput, "Command"));
}

#[test]
fn keys_lead_to_the_views() {
    let mut stage = Setup::example().open();
    for (key, view) in [
        (Key::Num2, View::Prepare),
        (Key::Num3, View::Synthesize),
        (Key::Num4, View::Compare),
        (Key::Num5, View::Scores),
        (Key::Num6, View::Needle),
        (Key::Num7, View::Gap),
        (Key::Num8, View::Jobs),
        (Key::Num1, View::Data),
    ] {
        stage.ctrl(key);
        stage.settle();
        assert_eq!(stage.window().view(), view);
        assert!(stage.is_on(Role::Button, view.title()), "the tab of {view:?}");
    }
    stage.show(View::Jobs);
    stage.ctrl(Key::F);
    assert_eq!(stage.window().view(), View::Data);
    assert!(is_focused(&stage, Role::TextInput, "Search records"));
}

#[test]
fn the_list_of_keys_names_every_key() {
    let mut stage = Setup::example().open();
    stage.key(Key::F1);
    stage.settle();
    for command in backstory::app::Command::ALL {
        let Some(keys) = command.shortcut() else { continue };
        let keys = stage.harness.ctx.format_shortcut(&keys);
        assert!(stage.has(Role::Label, command.title()), "{command:?}");
        assert!(stage.has(Role::Label, &keys), "{keys}");
    }
    stage.press("Close");
    stage.must_not_show("Tab and Shift+Tab go from control to control");
}

#[test]
fn everything_becomes_larger_and_smaller() {
    let mut stage = Setup::example().open();
    let mut zoom = |key| {
        stage.ctrl(key);
        stage.settle();
        stage.harness.ctx.zoom_factor()
    };
    let larger = zoom(Key::Plus);
    assert!(larger > 1.0);
    // The key of `=` is that of `+` on many keyboards.
    let largest = zoom(Key::Equals);
    assert!(largest > larger);
    assert!(zoom(Key::Minus) < largest);
    assert_eq!(zoom(Key::Num0), 1.0);
    assert!(zoom(Key::Minus) < 1.0);
}

#[test]
fn the_theme_can_be_switched_and_is_remembered() {
    let mut stage = Setup::example().open();
    assert_eq!(stage.harness.ctx.theme(), egui::Theme::Dark);
    stage.keys(Modifiers::COMMAND | Modifiers::SHIFT, Key::T);
    assert_eq!(stage.harness.ctx.theme(), egui::Theme::Light);
    assert_eq!(stage.window().settings().theme, "light");
    stage.press("View");
    stage.click(Role::RadioButton, "Dark theme");
    assert_eq!(stage.harness.ctx.theme(), egui::Theme::Dark);
    assert_eq!(stage.window().settings().theme, "dark");
}

#[test]
fn menus_name_their_keys_and_quit_quits() {
    let mut stage = Setup::example().open();
    stage.press("File");
    stage.must_show("Ctrl+O");
    stage.key(Key::Escape);
    assert!(stage.keys_make(Modifiers::COMMAND, Key::Q, &ViewportCommand::Close));
}

#[test]
fn recent_files_are_a_menu_away() {
    let mut stage = Setup::example().file("a.jsonl", PAIR).open();
    stage.choose_in_menu("File", "Close all files");
    stage.settle();
    assert!(!stage.has(Role::CheckBox, "Show a.jsonl"));
    stage.press("File");
    stage.press("Open recent");
    stage.press("a.jsonl");
    stage.settle();
    assert!(stage.is_on(Role::CheckBox, "Show a.jsonl"));
}

#[test]
fn what_the_window_remembers_is_kept_in_its_own_folder() {
    let mut stage = Setup::example().open();
    stage.show(View::Compare);
    stage.until("the settings are written", |stage| stage.path("home/settings.json").exists());
    let settings = backstory::workbench::Settings::read(&stage.path("home/settings.json"));
    assert_eq!(settings.view, "compare");
    assert_eq!(settings.open.len(), 4);
}

#[test]
fn the_window_opens_as_it_was_left() {
    let setup = Setup::example().beside("a.jsonl", PAIR).beside("b.jsonl", DOCUMENT);
    let stage = setup
        .remembering(|folder, settings| {
            settings.view = "jobs".into();
            let [a, b] = ["a.jsonl", "b.jsonl"].map(|name| folder.path(name));
            settings.open.push(OpenFile {
                path: a,
                join: Some(b),
                strategy: Some("own".into()),
                map: Vec::new(),
            });
            let path = folder.path("gone.jsonl");
            settings.open.push(OpenFile { path, join: None, strategy: None, map: Vec::new() });
        })
        .open();
    assert_eq!(stage.window().view(), View::Jobs);
    stage.must_show("1 record, own, contexts of b.jsonl");
    assert!(!stage.has(Role::CheckBox, "Show human.jsonl"));
    // A file that has gone is told and stands in nobody's way.
    stage.must_show("Open gone.jsonl: cannot read ");
}

#[test]
fn a_panel_that_is_moved_is_remembered() {
    let mut stage = Setup::example().open();
    let before = stage.window().settings().panel("files", 0.0);
    let splitters = stage.harness.query_all_by_role(Role::Splitter);
    let left = splitters.map(|node| node.rect()).min_by(|a, b| a.left().total_cmp(&b.left()));
    let middle = left.unwrap().center();
    stage.harness.hover_at(middle);
    stage.harness.drag_at(middle);
    stage.harness.hover_at(middle + egui::vec2(60.0, 0.0));
    stage.harness.drop_at(middle + egui::vec2(60.0, 0.0));
    stage.settle();
    let after = stage.window().settings().panel("files", 0.0);
    assert!((after - before - 60.0).abs() < 8.0, "from {before} to {after}");
}

#[test]
fn what_a_dialog_covers_is_not_set_off() {
    let mut stage = Setup::example().open();
    for (open, is_open) in [(Key::E, "Cancel"), (Key::K, "Keys…")] {
        stage.ctrl(open);
        stage.ctrl(Key::Num4);
        stage.ctrl(Key::Enter);
        stage.key(Key::ArrowDown);
        assert_eq!(stage.window().view(), View::Data, "under {open:?}");
        stage.must_show(is_open);
        stage.key(Key::Escape);
    }
    assert!(!stage.has(Role::Button, "Jobs (1)"));
    let first = &records(&stage.path("home/example/human.jsonl"))[0];
    assert_eq!(stage.value(Role::Document, "Instruction"), first.instruction);
}

/// Walks from control to control until this one has the focus.
fn tab_to(stage: &mut Stage, role: Role, name: &str) {
    for _ in 0..150 {
        stage.key(Key::Tab);
        if is_focused(stage, role, name) {
            return;
        }
    }
    panic!("Tab does not reach `{name}`:\n{}", stage.told());
}

#[test]
fn records_are_made_with_the_keyboard_alone() {
    let mut stage = Setup::example().answering(SlowModel::eager(LONG)).open();
    stage.ctrl(Key::Num3);
    stage.settle();
    tab_to(&mut stage, Role::RadioButton, "Context synthesis");
    stage.key(Key::Space);
    tab_to(&mut stage, Role::Button, "Run: 5 records");
    stage.key(Key::Space);
    stage.settle();
    stage.must_show("5 made, 0 rejected");
    assert_eq!(records(&stage.path("home/made/human.context_synthesis.jsonl")).len(), 5);
}

#[test]
fn every_control_of_every_view_is_reached_by_tab() {
    let mut stage = Setup::example().open();
    for view in View::ALL {
        stage.show(view);
        assert_reached(&mut stage, view.title());
    }
    stage.show(View::Prepare);
    stage.press("Check records");
    stage.settle();
    assert_reached(&mut stage, "faults");
    for page in ["Cutoff", "Lengthen"] {
        stage.turn_to(page);
        assert_reached(&mut stage, page);
    }
}

/// Walks with the Tab key until it has come to everything that takes input.
fn assert_reached(stage: &mut Stage, what: &str) {
    let roles = [
        Role::Button,
        Role::CheckBox,
        Role::RadioButton,
        Role::ComboBox,
        Role::TextInput,
        Role::SpinButton,
    ];
    let mut waiting = stage.enabled(|role| roles.contains(&role));
    let mut n_left = waiting.len() + 60;
    while n_left > 0 && !waiting.is_empty() {
        stage.key(Key::Tab);
        if let Some(focused) = stage.focused() {
            waiting.retain(|name| *name != focused);
        }
        n_left -= 1;
    }
    assert!(waiting.is_empty(), "{what}: Tab never came to {waiting:?}");
}
