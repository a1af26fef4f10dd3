//! A window without a screen, in a folder of its own. What the person before it does is in `hands`,
//! what they see in `eyes`.
//!
//! Whenever the window has come to rest, everything that takes input has a name.

use crate::program::Folder;
use crate::slow_model::{SlowModel, quiet_model};
use backstory::app::{View, Window, apply_theme, window_ui};
use backstory::model::LanguageModel;
use backstory::workbench::{Desk, OpenFile, Settings};
use egui_kittest::Harness;
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
    pub folder: Folder,
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
        self.files.push(OpenFile { path, join: None, strategy: None, map: Vec::new() });
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

/// The pages of a view.
impl Stage {
    pub fn turn_to(&mut self, page: &str) {
        self.press(page);
        self.settle();
    }
}
