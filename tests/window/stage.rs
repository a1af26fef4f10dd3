//! A window without a screen, in a folder of its own, and the hands and eyes of the person before it.
//!
//! Widgets are found by role and name, as a screen reader finds them. What is pressed must be on the
//! screen and enabled; whenever the window has come to rest, everything that takes input has a name.

use crate::program::Folder;
use crate::slow_model::{SlowModel, quiet_model};
use backstory::app::{View, Window, apply_theme, window_ui};
use backstory::model::LanguageModel;
use backstory::workbench::{Desk, OpenFile, Settings};
use egui::accesskit::{NodeId, Role};
use egui::{Key, Modifiers, OutputCommand, ViewportCommand, ViewportEvent, ViewportId};
use egui_kittest::kittest::{AccessKitNode, By, NodeT, Queryable};
use egui_kittest::{Harness, Node};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longer than anything here takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a test begins with.
pub struct Setup {
    folder: Folder,
    files: Vec<OpenFile>,
    settings: Settings,
    model: Box<dyn LanguageModel>,
    size: [f32; 2],
    theme: egui::Theme,
}

/// The window, and the folder in which it lives.
pub struct Stage {
    // Dropped before the folder, so that nothing is written where it was.
    pub harness: Harness<'static, Window>,
    folder: Folder,
}

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

/// A model file whose header can be read, so that the window lets a run begin.
pub fn tiny_model() -> String {
    format!("{}/tests/data/tiny_llama.gguf", env!("CARGO_MANIFEST_DIR"))
}

impl Setup {
    /// A window that will show the example project, beside a model that says nothing.
    pub fn example() -> Self {
        let folder = Folder::new();
        for name in ["home/made", "home/coherence"] {
            std::fs::create_dir_all(folder.path(name)).unwrap();
        }
        Self {
            folder,
            files: Vec::new(),
            settings: Settings { model: tiny_model(), ..Settings::default() },
            model: quiet_model(),
            size: [1440.0, 900.0],
            theme: egui::Theme::Dark,
        }
    }

    /// A file that is open instead of the example project.
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.folder = self.folder.with(name, text);
        let path = self.folder.path(name);
        self.files.push(OpenFile { path, join: None, strategy: None });
        self
    }

    /// A file that lies in the folder and is not open.
    pub fn beside(mut self, name: &str, text: &str) -> Self {
        self.folder = self.folder.with(name, text);
        self
    }

    /// The model that answers, whatever the person chooses.
    pub fn answering(self, model: SlowModel) -> Self {
        self.on_desk(Box::new(model))
    }

    pub fn on_desk(mut self, model: Box<dyn LanguageModel>) -> Self {
        self.model = model;
        self
    }

    /// The model that is chosen.
    pub fn choosing(mut self, model: &str) -> Self {
        self.settings.model = model.to_owned();
        self
    }

    /// What the window remembers of an earlier time.
    pub fn remembering(mut self, remember: impl FnOnce(&Folder, &mut Settings)) -> Self {
        remember(&self.folder, &mut self.settings);
        self
    }

    pub fn size(mut self, size: [f32; 2]) -> Self {
        self.size = size;
        self
    }

    pub fn theme(mut self, theme: egui::Theme) -> Self {
        self.theme = theme;
        self
    }

    /// Opens the window and waits until everything is drawn.
    pub fn open(self) -> Stage {
        let home = self.folder.path("home");
        let desk = Desk::with_model(self.model);
        let window = Window::new(desk, self.settings, home, self.files, || {});
        let harness = Harness::builder()
            .with_size(self.size)
            .with_theme(self.theme)
            .with_context_setup(apply_theme)
            .with_render_cursor(false)
            .build_ui_state(
                |ui, window: &mut Window| {
                    window.logic(&ui.ctx().clone());
                    window_ui(window, ui);
                },
                window,
            );
        let mut stage = Stage { harness, folder: self.folder };
        stage.settle();
        stage
    }
}

/// What the person waits for.
impl Stage {
    /// Draws until nothing is under way and nothing changes any more.
    pub fn settle(&mut self) {
        let mut n_idle = 0;
        self.until("nothing is under way", |stage| {
            n_idle = if stage.harness.state().is_idle() { n_idle + 1 } else { 0 };
            n_idle == 3
        });
        self.harness.run();
    }

    /// Draws until something is so.
    pub fn until(&mut self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        loop {
            self.harness.step();
            if is_so(self) {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "{what} never came:\n{}", self.told());
            std::thread::sleep(Duration::from_millis(1));
        }
        self.harness.check_accessibility();
    }

    /// Draws until these words are somewhere in the window.
    pub fn until_shown(&mut self, words: &str) {
        self.until(&format!("`{words}`"), |stage| stage.shows(words));
        // What is new may move what was there before.
        self.harness.run_steps(2);
    }

    pub fn show(&mut self, view: View) {
        self.press(view.title());
        self.settle();
    }
}

/// What the person does.
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
            pointed.contains_pointer.iter().any(|below| below.accesskit_id() == *id)
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

/// What the person sees.
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
    fn named(&self, role: Role, name: &str, in_menu: bool) -> Node<'_> {
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

    fn text_field(&self, name: &str) -> Node<'_> {
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

/// The records of a file, read by the library.
pub fn records(path: &Path) -> Vec<backstory::data::Record> {
    backstory::data::read_dataset(path, &Default::default()).unwrap().records
}
