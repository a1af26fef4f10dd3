//! The rows of the forms, and words that stand at several places.

use super::Field;
use crate::app::theme;
use crate::app::ui::name_field;
use egui::{Align, Layout, RichText, Ui};

/// Width of the words before the fields.
const NAMES: f32 = 96.0;

/// A row of a form: words, then fields.
pub fn row_ui(ui: &mut Ui, name: &str, add: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        let size = egui::vec2(NAMES, ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(NAMES);
            ui.label(name);
        });
        add(ui);
    });
}

/// A row with a text.
pub fn text_ui(ui: &mut Ui, name: &str, text: &mut String, hint: &str) {
    row_ui(ui, name, |ui| {
        let field = egui::TextEdit::singleline(text).hint_text(hint).desired_width(f32::INFINITY);
        name_field(&ui.add(field).on_hover_text(hint), name);
    });
}

/// A row with a path, and the button of its file dialog; whether that was pressed.
pub fn path_ui(
    ui: &mut Ui,
    name: &str,
    path: &mut String,
    hint: &str,
    field: Field,
) -> Option<Field> {
    let mut asked = None;
    row_ui(ui, name, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let browse = ui.button("Browse…");
            name_field(&browse, &format!("Browse for {name}"));
            asked = browse.clicked().then_some(field);
            let field =
                egui::TextEdit::singleline(path).hint_text(hint).desired_width(f32::INFINITY);
            name_field(&ui.add(field).on_hover_text(hint), name);
        });
    });
    asked
}

/// A box to choose one of a few.
pub fn combo_ui<T: Clone + PartialEq>(
    ui: &mut Ui,
    name: &str,
    width: f32,
    all: &[(T, String)],
    chosen: &mut T,
) {
    let shown = all.iter().find(|(value, _)| value == chosen);
    let shown = shown.map_or_else(String::new, |(_, title)| title.clone());
    let combo = egui::ComboBox::from_id_salt(name).width(width).truncate().selected_text(shown);
    let combo = combo.show_ui(ui, |ui| {
        for (value, title) in all {
            ui.selectable_value(chosen, value.clone(), title);
        }
    });
    name_field(&combo.response, name);
}

/// Why something did not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It failed, or could not begin.
    Failed(String),
    /// The person did not want it any more; what is kept of it.
    Cancelled(&'static str),
}

/// Says why something did not come about.
pub fn ended_ui(ui: &mut Ui, ended: Option<&Ended>) {
    let words = match ended {
        None => return,
        Some(Ended::Failed(why)) => RichText::new(why).color(theme::error_color(ui)),
        Some(Ended::Cancelled(kept)) => RichText::new(format!("Cancelled. {kept}")),
    };
    ui.add(egui::Label::new(words).wrap().selectable(true));
}

/// What a person should know of a result.
pub fn caution_ui(ui: &mut Ui, words: &str) {
    let words = RichText::new(words).color(theme::warning_color(ui));
    ui.add(egui::Label::new(words).wrap());
}

/// What was warned of in one line, and all of it when it is pointed at.
pub fn warnings_ui(ui: &mut Ui, warnings: &[String]) {
    let Some(first) = warnings.first() else { return };
    let more = if warnings.len() > 1 { " …" } else { "" };
    let words = RichText::new(format!("Warning: {first}{more}")).color(theme::warning_color(ui));
    ui.add(egui::Label::new(words).truncate()).on_hover_text(warnings.join("\n"));
}

/// Words where nothing else stands.
pub fn empty_ui(ui: &mut Ui, title: &str, about: &str) {
    ui.add_space(24.0);
    ui.vertical_centered(|ui| {
        ui.label(RichText::new(title).strong());
        ui.label(RichText::new(about).weak());
    });
}
