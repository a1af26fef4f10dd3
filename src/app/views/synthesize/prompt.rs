//! The prompt: as the model will read it for a seed, and to be edited.

use super::own_prompt;
use crate::app::picker::Purpose;
use crate::app::theme;
use crate::app::ui::name_field;
use crate::app::window::Window;
use crate::workbench::{NoPreview, Preview};
use egui::{DragValue, RichText, Ui};

impl Window {
    pub(super) fn preview_ui(&mut self, ui: &mut Ui) {
        let n = self
            .synthesize
            .seeds
            .and_then(|key| self.files.get(key))
            .map_or(0, |file| file.dataset.records.len());
        if n == 0 {
            ui.label(RichText::new("Open seeds to see what the model will be asked.").weak());
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.label("For record");
            let mut shown = self.synthesize.seed_ix + 1;
            let drag = ui.add(DragValue::new(&mut shown).range(1..=n));
            name_field(&drag, "Shown seed");
            self.synthesize.seed_ix = shown.saturating_sub(1);
            ui.label(format!("of {n}"));
            let before = ui.button("◀").on_hover_text("The record before");
            name_field(&before, "The record before");
            if before.clicked() {
                self.synthesize.seed_ix = self.synthesize.seed_ix.saturating_sub(1);
            }
            let next = ui.button("▶").on_hover_text("The next record");
            name_field(&next, "The next record");
            if next.clicked() {
                self.synthesize.seed_ix = (self.synthesize.seed_ix + 1).min(n - 1);
            }
        });
        match &mut self.synthesize.preview {
            Some(Ok(text)) => text.ui(ui, "preview", "Prompt preview"),
            Some(Err(NoPreview::Prompt(why) | NoPreview::Seed(why))) => {
                let words = RichText::new(why.as_str()).color(theme::error_color(ui));
                ui.add(egui::Label::new(words).wrap().selectable(true));
            }
            None => {}
        }
    }

    pub(super) fn prompt_ui(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            let own = own_prompt(self.synthesize.form.strategy);
            let changed = self.synthesize.form.prompt_text != own;
            if ui.add_enabled(changed, egui::Button::new("Back to the bundled prompt")).clicked() {
                self.synthesize.form.prompt_text = own.to_owned();
            }
            if ui.button("Open prompt…").clicked() {
                self.browse(Purpose::Prompt, None);
            }
            let words = if changed { "edited" } else { "bundled" };
            ui.label(RichText::new(words).weak());
        });
        match &self.synthesize.preview {
            Some(Err(NoPreview::Prompt(why))) => {
                ui.add(egui::Label::new(RichText::new(why).color(theme::error_color(ui))).wrap());
            }
            _ => {
                ui.label(RichText::new("Parts [system], [user] and [assistant]; blanks in braces are filled for each record.").weak());
            }
        }
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            let field = egui::TextEdit::multiline(&mut self.synthesize.form.prompt_text)
                .font(egui::TextStyle::Monospace)
                .desired_width(f32::INFINITY)
                .desired_rows(24);
            let field = ui.add(field);
            name_field(&field, "Prompt");
        });
    }
}

/// The ask as the model reads it, part by part.
pub(super) fn written(preview: &Preview) -> String {
    let mut text = String::new();
    for (role, content) in &preview.messages {
        text.push_str(&format!("── {role} ──\n{content}\n\n"));
    }
    text.push_str("── assistant, begun for the model ──\n");
    text.push_str(&preview.begun);
    text
}
