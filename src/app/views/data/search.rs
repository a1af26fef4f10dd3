//! Around the search field: a regular expression instead of words, and the keys that go from hit to hit.

use super::State;
use super::inspector::Inspector;
use crate::app::theme;
use crate::app::ui::name_field;
use crate::app::views::record_texts::{RecordTexts, Wanted};
use crate::app::window::Window;
use crate::data::SearchText;
use egui::{Key, RichText, Ui};

/// Whether what is searched for is a regular expression.
#[derive(Default)]
pub struct RegexToggle {
    /// Whether it is.
    pub on: bool,
    /// What was looked at last, and why it cannot be searched for.
    checked: Option<(SearchText, Option<String>)>,
}

impl RegexToggle {
    /// Why this cannot be searched for. An expression is built once, not for each picture.
    pub(super) fn refused(&mut self, search: SearchText) -> Option<&str> {
        let known = self.checked.take().filter(|(checked, _)| *checked == search);
        let checked = known.unwrap_or_else(|| {
            let why = search.matcher().err();
            (search, why)
        });
        self.checked.insert(checked).1.as_deref()
    }
}

impl State {
    /// What is searched for.
    pub fn search_text(&self) -> SearchText {
        // White space may matter in a regular expression; around words it does not.
        let text = if self.regex.on { self.search.as_str() } else { self.search.trim() };
        SearchText { text: text.to_owned(), regex: self.regex.on }
    }

    /// Makes the texts of the chosen record anew at the next picture.
    pub fn forget_texts(&mut self) {
        self.inspector = None;
    }

    /// The texts of the chosen record.
    pub fn texts(&mut self) -> Option<&mut RecordTexts> {
        self.inspector.as_mut().map(Inspector::texts)
    }
}

impl Window {
    /// Asks for what the chosen record's texts need.
    pub(super) fn serve_inspector(&mut self) {
        let (search, tokenizer) = (self.data.search_text(), self.tokenizer());
        let mut wanted = Wanted::default();
        if let Some(texts) = self.data.texts() {
            wanted.add(texts, &search, tokenizer.as_deref());
        }
        self.serve_texts(wanted);
    }

    /// Behind the search field: words or a regular expression. Enter in the field goes to the next hit.
    pub(super) fn search_more_ui(&mut self, ui: &mut Ui, field: &egui::Response) {
        let toggle =
            egui::Button::new(RichText::new(".*").monospace()).selected(self.data.regex.on);
        let toggle = ui.add(toggle).on_hover_text("Use a regular expression");
        name_field(&toggle, "Use a regular expression");
        if toggle.clicked() {
            self.data.regex.on = !self.data.regex.on;
        }
        let (enter, shift) =
            ui.input(|input| (input.key_pressed(Key::Enter), input.modifiers.shift));
        if field.lost_focus() && enter {
            self.step_hit(if shift { -1 } else { 1 });
            field.request_focus();
        }
    }

    /// Below the search field: why what stands in it cannot be searched for.
    pub(super) fn search_refused_ui(&mut self, ui: &mut Ui) {
        let search = self.data.search_text();
        if !search.regex {
            return;
        }
        // A job has found out for the chosen record; without one it is done here.
        let refused = match &self.data.inspector {
            Some(inspector) => inspector.refused(),
            None => self.data.regex.refused(search),
        };
        if let Some(why) = refused {
            let words = RichText::new(why).color(theme::error_color(ui)).small();
            ui.add(egui::Label::new(words).wrap());
        }
    }
}
