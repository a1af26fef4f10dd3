//! What the person before the window does, with mouse and keyboard.
//!
//! What is pressed must be in sight, uncovered and enabled.

use super::stage::Stage;
use egui::accesskit::{NodeId, Role};
use egui::{Key, Modifiers, OutputCommand, ViewportCommand, ViewportEvent, ViewportId};
use egui_kittest::Node;
use egui_kittest::kittest::{NodeT, Queryable};

/// Where to click.
struct Target {
    id: NodeId,
    middle: egui::Pos2,
    name: String,
    is_disabled: bool,
}

impl Target {
    fn of(node: &Node<'_>) -> Self {
        let seen = node.accesskit_node();
        Self {
            id: seen.locate().0,
            middle: node.rect().center(),
            name: seen.label().or(seen.value()).unwrap_or_default(),
            is_disabled: seen.is_disabled(),
        }
    }
}

impl Stage {
    /// Presses the button of this name, of which there is one.
    pub fn press(&mut self, name: &str) {
        self.click(Role::Button, name);
    }

    /// Presses the one of several buttons of this name that was drawn as number `ix`.
    pub fn press_nth(&mut self, name: &str, ix: usize) {
        let buttons: Vec<_> =
            self.harness.query_all_by_role_and_label(Role::Button, name).collect();
        let button = buttons.get(ix).unwrap_or_else(|| panic!("{ix} `{name}`:\n{}", self.told()));
        let target = Target::of(button);
        self.click_at(target);
    }

    /// Clicks at the widget of this role and name, of which there is one.
    pub fn click(&mut self, role: Role, name: &str) {
        let target = Target::of(&self.find(role, name));
        self.click_at(target);
    }

    /// Opens a menu and presses a button in it.
    pub fn choose_in_menu(&mut self, menu: &str, name: &str) {
        self.press(menu);
        let target = Target::of(&self.named(Role::Button, name, true));
        self.click_at(target);
    }

    fn click_at(&mut self, target: Target) {
        self.point_at(&target);
        self.let_go(&target);
        self.harness.step();
        self.harness.check_accessibility();
    }

    fn point_at(&mut self, target: &Target) {
        let Target { id, middle, name, is_disabled } = target;
        self.harness.hover_at(*middle);
        self.harness.step();
        let is_below = self.harness.ctx.interaction_snapshot(|pointed| {
            // In no order, which does not matter to whether one of them is it.
            let mut is_below = false;
            for below in &pointed.contains_pointer {
                is_below |= below.accesskit_id() == *id;
            }
            is_below
        });
        assert!(is_below, "`{name}` is covered or out of sight:\n{}", self.told());
        assert!(!is_disabled, "`{name}` is disabled:\n{}", self.told());
    }

    /// Presses and lets go; the picture that answers is the last one.
    fn let_go(&mut self, target: &Target) {
        for pressed in [true, false] {
            self.harness.event(egui::Event::PointerButton {
                pos: target.middle,
                button: egui::PointerButton::Primary,
                pressed,
                modifiers: Modifiers::NONE,
            });
        }
        self.harness.step();
    }

    /// Draws the pointer from one place to another with the button held down, in a few steps.
    pub fn drag(&mut self, from: egui::Pos2, to: egui::Pos2) {
        const N_STEPS: usize = 5;
        self.harness.hover_at(from);
        self.harness.step();
        self.press_at(from, true);
        for step in 1..=N_STEPS {
            self.harness.hover_at(from.lerp(to, step as f32 / N_STEPS as f32));
            self.harness.step();
        }
        self.press_at(to, false);
        self.settle();
    }

    /// Clicks at a place.
    pub fn click_place(&mut self, pos: egui::Pos2) {
        self.harness.hover_at(pos);
        self.harness.step();
        for pressed in [true, false] {
            let (button, modifiers) = (egui::PointerButton::Primary, Modifiers::NONE);
            self.harness.event(egui::Event::PointerButton { pos, button, pressed, modifiers });
        }
        self.harness.step();
        self.settle();
    }

    fn press_at(&mut self, pos: egui::Pos2, pressed: bool) {
        let (button, modifiers) = (egui::PointerButton::Primary, Modifiers::NONE);
        self.harness.event(egui::Event::PointerButton { pos, button, pressed, modifiers });
        self.harness.step();
    }

    /// Scrolls until a widget is in view.
    pub fn reach(&mut self, role: Role, name: &str) {
        self.find(role, name).scroll_to_me();
        self.settle();
    }

    /// Opens a box of choices and takes one.
    pub fn pick(&mut self, choices: &str, choice: &str) {
        self.click(Role::ComboBox, choices);
        let target = Target::of(&self.after(Role::ComboBox, choices, Role::Button, choice));
        self.click_at(target);
        self.settle();
    }

    /// Replaces the text of a field.
    pub fn fill(&mut self, field: &str, text: &str) {
        let node = self.text_field(field);
        node.focus();
        self.harness.step();
        self.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        self.harness.key_press(Key::Delete);
        if !text.is_empty() {
            self.harness.event(egui::Event::Text(text.to_owned()));
        }
        self.harness.step();
        self.harness.step();
    }

    /// Types behind what stands in the field that has the cursor.
    pub fn type_on(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.harness.step();
        self.harness.step();
    }

    /// Replaces the text of a field, then presses Enter.
    pub fn enter(&mut self, field: &str, text: &str) {
        self.fill(field, text);
        self.key(Key::Enter);
    }

    /// Sets a number, as assistive technologies do.
    pub fn set(&mut self, number: &str, value: f64) {
        self.find(Role::SpinButton, number).set_value_accesskit(value);
        self.harness.step();
        self.harness.step();
    }

    pub fn key(&mut self, key: Key) {
        self.keys(Modifiers::NONE, key);
    }

    pub fn keys(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.step();
        self.harness.step();
    }

    pub fn ctrl(&mut self, key: Key) {
        self.keys(Modifiers::COMMAND, key);
    }

    /// Presses a button and returns what it put on the clipboard.
    pub fn copied_by(&mut self, button: &str) -> String {
        let target = Target::of(&self.find(Role::Button, button));
        self.point_at(&target);
        self.let_go(&target);
        let commands = &self.harness.output().platform_output.commands;
        let copied = commands.iter().find_map(|command| match command {
            OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        });
        copied.unwrap_or_else(|| panic!("`{button}` copied nothing"))
    }

    /// Presses keys: whether the window then tells this to the window system.
    pub fn keys_make(&mut self, modifiers: Modifiers, key: Key, command: &ViewportCommand) -> bool {
        let press = |pressed| egui::Event::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers,
        };
        self.harness.event(press(true));
        self.harness.step();
        let was_told = self.was_told(command);
        self.harness.event(press(false));
        self.harness.step();
        was_told
    }

    /// Asks the window to close; whether it closes.
    pub fn closes(&mut self) -> bool {
        let viewports = &mut self.harness.input_mut().viewports;
        viewports.get_mut(&ViewportId::ROOT).unwrap().events.push(ViewportEvent::Close);
        self.harness.step();
        !self.was_told(&ViewportCommand::CancelClose)
    }

    /// Whether the window told this to the window system in the last picture.
    pub fn was_told(&self, command: &ViewportCommand) -> bool {
        let root = self.harness.output().viewport_output.get(&ViewportId::ROOT);
        root.is_some_and(|root| root.commands.contains(command))
    }
}
