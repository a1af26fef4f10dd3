//! Where things lie: at the smallest size that the window can have, nothing covers a control.

use super::stage::{Setup, Stage};
use backstory::app::View;
use egui::accesskit::Role;
use egui::{Key, Modifiers, Rect};
use egui_kittest::Node;
use egui_kittest::kittest::NodeT;

/// The window's smallest size, and the margin that the harness leaves around it.
const SMALLEST: [f32; 2] = [760.0 + 16.0, 480.0 + 16.0];

const CONTROLS: [Role; 6] = [
    Role::Button,
    Role::CheckBox,
    Role::RadioButton,
    Role::ComboBox,
    Role::TextInput,
    Role::SpinButton,
];

/// A control, or words beside one.
struct Thing {
    /// The panel that it is in: what is scrolled out of one may lie below another.
    panel: usize,
    role: Role,
    name: String,
    rect: Rect,
}

fn gather(node: &Node<'_>, panel: usize, n_panels: &mut usize, things: &mut Vec<Thing>) {
    let seen = node.accesskit_node();
    let role = seen.role();
    let mut panel = panel;
    if role == Role::Pane {
        *n_panels += 1;
        panel = *n_panels;
    }
    let name = if role == Role::Label { seen.value() } else { seen.label() };
    if CONTROLS.contains(&role) || role == Role::Label {
        let (name, rect) = (name.unwrap_or_default(), node.rect());
        things.push(Thing { panel, role, name, rect });
    } else if role != Role::Document {
        node.children().for_each(|child| gather(&child, panel, n_panels, things));
    }
}

/// What is wrong with where things lie, in words.
fn faults(stage: &Stage) -> Vec<String> {
    let mut things = Vec::new();
    gather(&stage.harness.root(), 0, &mut 0, &mut things);
    let screen = stage.harness.ctx.content_rect();
    let mut faults = Vec::new();
    for (ix, one) in things.iter().enumerate() {
        let is_control = CONTROLS.contains(&one.role);
        if is_control && (one.rect.right() > screen.right() || one.rect.left() < screen.left()) {
            faults.push(format!("`{}` is cut off at {:?}", one.name, one.rect));
        }
        for other in things[ix + 1..].iter().filter(|other| other.panel == one.panel) {
            let either = is_control || CONTROLS.contains(&other.role);
            if either && one.rect.shrink(1.0).intersects(other.rect.shrink(1.0)) {
                let (a, b) = (&one.name, &other.name);
                faults.push(format!("`{a}` at {:?} meets `{b}` at {:?}", one.rect, other.rect));
            }
        }
    }
    faults
}

fn assert_tidy(stage: &Stage, what: &str) {
    let faults = faults(stage);
    assert!(faults.is_empty(), "{what}:\n{}", faults.join("\n"));
}

#[test]
fn nothing_covers_a_control_in_the_smallest_window() {
    let mut stage = Setup::example().size(SMALLEST).open();
    for view in View::ALL {
        stage.show(view);
        assert_tidy(&stage, view.title());
    }
    stage.show(View::Data);
    stage.fill("Search records", "a");
    stage.settle();
    assert_tidy(&stage, "a search");
    stage.show(View::Synthesize);
    for tab in ["Edit prompt", "Records"] {
        stage.press(tab);
        assert_tidy(&stage, tab);
    }
    stage.show(View::Prepare);
    stage.press("Check records");
    stage.settle();
    assert_tidy(&stage, "faults");
    stage.press("Cutoff");
    stage.press("Simulate");
    stage.settle();
    assert_tidy(&stage, "a simulated cutoff");
    stage.turn_to("Lengthen");
    assert_tidy(&stage, "Lengthen");
    stage.show(View::Compare);
    stage.press("Coherence");
    stage.settle();
    assert_tidy(&stage, "Coherence");
    stage.press("Table");
    stage.settle();
    assert_tidy(&stage, "the table of Coherence");
    stage.press("Table");
    stage.turn_to("Lengths");
    assert_tidy(&stage, "Lengths");
    // Three columns of text do not fit there; where they do, nothing is cut off.
    let mut stage = Setup::example().size([1100.0, 700.0]).open();
    stage.show(View::Prepare);
    stage.press("Check records");
    stage.settle();
    assert_tidy(&stage, "faults beside the checks");
    stage.turn_to("Lengthen");
    assert_tidy(&stage, "Lengthen beside its report");
    stage.show(View::Compare);
    stage.turn_to("Same seed");
    assert_tidy(&stage, "Same seed");
}

#[test]
fn the_dialogs_fit_into_the_smallest_window() {
    let mut stage = Setup::example().size(SMALLEST).open();
    let (ctrl, shifted) = (Modifiers::COMMAND, Modifiers::COMMAND | Modifiers::SHIFT);
    for (modifiers, key, role, name) in [
        (ctrl, Key::E, Role::Button, "Cancel"),
        (shifted, Key::E, Role::Button, "Cancel"),
        (ctrl, Key::K, Role::TextInput, "Command"),
        (Modifiers::NONE, Key::F1, Role::Button, "Close"),
    ] {
        stage.keys(modifiers, key);
        stage.settle();
        let (screen, rect) = (stage.harness.ctx.content_rect(), stage.find(role, name).rect());
        assert!(screen.contains_rect(rect), "{key:?}: `{name}` at {rect:?}");
        stage.key(Key::Escape);
        assert!(!stage.has(role, name), "Escape leaves");
    }
}

#[test]
fn the_question_for_columns_fits_into_the_smallest_window() {
    let text = "{\"document\":\"D\",\"ask\":\"A\",\"reply\":\"R\"}\n".repeat(9);
    let stage = Setup::example().file("odd.jsonl", &text).size(SMALLEST).open();
    let screen = stage.harness.ctx.content_rect();
    for (role, name) in [
        (Role::ComboBox, "Seed column"),
        (Role::Button, "Open with these columns"),
        (Role::Button, "Copy the words for the command line"),
    ] {
        let rect = stage.find(role, name).rect();
        assert!(screen.contains_rect(rect), "`{name}` at {rect:?}");
    }
}
