//! What the person before the window sees: widgets by role and name, as a screen reader finds them.

use super::stage::Stage;
use backstory::app::Window;
use egui::accesskit::Role;
use egui_kittest::Node;
use egui_kittest::kittest::{AccessKitNode, By, NodeT, Queryable};
use std::path::PathBuf;

impl Stage {
    pub fn window(&self) -> &Window {
        self.harness.state()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    pub fn read(&self, name: &str) -> String {
        self.folder.read(name)
    }

    /// The names in a folder, in order.
    pub fn names_in(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Whether these words are on a label, a button, or in a text that is shown.
    pub fn shows(&self, words: &str) -> bool {
        self.harness.query_all_by_label_contains(words).next().is_some()
    }

    pub fn must_show(&self, words: &str) {
        assert!(self.shows(words), "`{words}` is not there:\n{}", self.told());
    }

    pub fn must_not_show(&self, words: &str) {
        assert!(!self.shows(words), "`{words}` is there:\n{}", self.told());
    }

    /// How many widgets have this role and exactly this name.
    pub fn count(&self, role: Role, name: &str) -> usize {
        self.harness.query_all_by_role_and_label(role, name).count()
    }

    pub fn has(&self, role: Role, name: &str) -> bool {
        self.count(role, name) > 0
    }

    /// The names of all widgets of a role.
    pub fn names(&self, role: Role) -> Vec<String> {
        let all = self.harness.query_all_by_role(role);
        all.filter_map(|node| node.accesskit_node().label()).collect()
    }

    /// What stands in a field, a box of choices, or a text.
    pub fn value(&self, role: Role, name: &str) -> String {
        self.find(role, name).value().unwrap_or_default()
    }

    /// What stands in a text field.
    pub fn text_of(&self, field: &str) -> String {
        self.text_field(field).value().unwrap_or_default()
    }

    pub fn is_on(&self, role: Role, name: &str) -> bool {
        let toggled = self.find(role, name).accesskit_node().toggled();
        toggled == Some(egui::accesskit::Toggled::True)
    }

    pub fn is_enabled(&self, role: Role, name: &str) -> bool {
        !self.find(role, name).accesskit_node().is_disabled()
    }

    /// Role and name of every widget of some roles that can be used now.
    pub fn enabled(&self, is_wanted: impl Fn(Role) -> bool) -> Vec<(Role, String)> {
        let all = self.harness.root().children_recursive().map(|node| node.accesskit_node());
        all.filter(|node| is_wanted(node.role()) && !node.is_disabled())
            .map(|node| (node.role(), node.label().unwrap_or_default()))
            .collect()
    }

    /// Role and name of the widget that has the keyboard.
    pub fn focused(&self) -> Option<(Role, String)> {
        let mut all = self.harness.root().children_recursive();
        let node = all.find(|node| node.is_focused())?.accesskit_node();
        Some((node.role(), node.label().unwrap_or_default()))
    }

    /// The one widget of this role and name.
    pub fn find(&self, role: Role, name: &str) -> Node<'_> {
        self.named(role, name, false)
    }

    /// The first widget of a role and name that comes after another.
    pub fn after(&self, first: Role, first_name: &str, role: Role, name: &str) -> Node<'_> {
        let is = |node: &Node<'_>, role, name: &str| {
            let node = node.accesskit_node();
            node.role() == role && node.label().is_some_and(|label| label == name)
        };
        let mut all = self.harness.root().children_recursive();
        all.find(|node| is(node, first, first_name));
        let found = all.find(|node| is(node, role, name));
        found.unwrap_or_else(|| panic!("no `{name}` after `{first_name}`:\n{}", self.told()))
    }

    /// In menus the keys stand behind the name.
    pub fn named(&self, role: Role, name: &str, in_menu: bool) -> Node<'_> {
        let wanted = name.to_owned();
        let fits = move |node: &AccessKitNode<'_>| {
            let name = if role == Role::Label { node.value() } else { node.label() };
            name.is_some_and(|name| name == wanted || in_menu && name.starts_with(&wanted))
        };
        let mut found: Vec<_> =
            self.harness.query_all(By::new().role(role).predicate(fits)).collect();
        match found.len() {
            1 => found.remove(0),
            n => panic!("{n} of {role:?} `{name}`:\n{}", self.told()),
        }
    }

    pub fn text_field(&self, name: &str) -> Node<'_> {
        let roles = [Role::TextInput, Role::MultilineTextInput];
        let is_there = |role: &&Role| self.count(**role, name) == 1;
        let role = roles.iter().find(is_there);
        self.find(*role.unwrap_or(&Role::TextInput), name)
    }

    /// Every word that is painted, also where no widget bears it: ticks of axes, marks.
    pub fn painted(&self) -> Vec<String> {
        fn gather(shape: &egui::Shape, words: &mut Vec<String>) {
            match shape {
                egui::Shape::Text(text) => words.push(text.galley.text().to_owned()),
                egui::Shape::Vec(shapes) => shapes.iter().for_each(|shape| gather(shape, words)),
                _ => {}
            }
        }
        let mut words = Vec::new();
        self.harness.output().shapes.iter().for_each(|clipped| gather(&clipped.shape, &mut words));
        words
    }

    /// The window as a screen reader would tell it, for messages.
    pub fn told(&self) -> String {
        fn tell(node: &Node<'_>, told: &mut String) {
            let seen = node.accesskit_node();
            let name = seen.label();
            let value = seen.value().map(|value| value.chars().take(300).collect::<String>());
            if seen.role() != Role::TextRun && (name.is_some() || value.is_some()) {
                let name = name.unwrap_or_default();
                told.push_str(&format!(
                    "{:?} `{name}` {}\n",
                    seen.role(),
                    value.unwrap_or_default()
                ));
            }
            node.children().for_each(|child| tell(&child, told));
        }
        let mut told = String::new();
        tell(&self.harness.root(), &mut told);
        told
    }
}
