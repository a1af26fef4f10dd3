//! The rows of the forms, and words that stand at several places.

use crate::app::theme;
use egui::{RichText, Ui};

/// Why something did not come about.
pub fn failed_ui(ui: &mut Ui, why: Option<&str>) {
    if let Some(why) = why {
        let words = RichText::new(why).color(theme::error_color(ui));
        ui.add(egui::Label::new(words).wrap().selectable(true));
    }
}

/// What a person should know of a result.
pub fn caution_ui(ui: &mut Ui, words: &str) {
    let words = RichText::new(words).color(theme::warning_color(ui));
    ui.add(egui::Label::new(words).wrap());
}

/// Words where nothing else stands.
pub fn empty_ui(ui: &mut Ui, title: &str, about: &str) {
    ui.add_space(24.0);
    ui.vertical_centered(|ui| {
        ui.label(RichText::new(title).strong());
        ui.label(RichText::new(about).weak());
    });
}
