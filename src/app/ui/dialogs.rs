//! Dialogs over the whole window: the palette, the keys, and the question at the end.

use super::name_field;
use crate::app::command::Command;
use crate::app::window::{Closing, Window};
use egui::{Key, RichText, Ui};

/// A dialog with room around its words.
pub fn modal(ui: &Ui, id: egui::Id) -> egui::Modal {
    egui::Modal::new(id).frame(egui::Frame::popup(ui.style()).inner_margin(16))
}

/// Every command by name: type, arrow, Enter.
pub(super) fn palette_ui(window: &mut Window, ui: &mut Ui) {
    let Some(mut typed) = window.palette.take() else { return };
    let mut chosen = None;
    let id = egui::Id::unique("palette");
    let modal = modal(ui, id).show(ui.ctx(), |ui| {
        ui.set_width(420.0);
        let field = egui::TextEdit::singleline(&mut typed)
            .hint_text("What do you want to do?")
            .desired_width(f32::INFINITY);
        let field = ui.add(field);
        name_field(&field, "Command");
        field.request_focus();
        let words: Vec<String> =
            typed.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let fits = |command: &&Command| {
            let title = command.title().to_lowercase();
            words.iter().all(|word| title.contains(word.as_str()))
        };
        let found: Vec<Command> = Command::ALL.iter().filter(fits).copied().collect();
        let mut at: usize = ui.data(|data| data.get_temp(id)).unwrap_or(0);
        let (down, up, enter) = ui.input(|input| {
            let key = |key| input.key_pressed(key);
            (key(Key::ArrowDown), key(Key::ArrowUp), key(Key::Enter))
        });
        at = (at + usize::from(down)).saturating_sub(usize::from(up));
        at = at.min(found.len().saturating_sub(1));
        ui.data_mut(|data| data.insert_temp(id, at));
        egui::ScrollArea::vertical().max_height(380.0).show(ui, |ui| {
            for (ix, command) in found.iter().enumerate() {
                let keys = command.shortcut().map(|keys| ui.ctx().format_shortcut(&keys));
                let button = egui::Button::selectable(ix == at, command.title())
                    .shortcut_text(keys.unwrap_or_default())
                    .min_size(egui::vec2(ui.available_width(), 0.0));
                let button = ui.add(button);
                if ix == at && (down || up) {
                    button.scroll_to_me(None);
                }
                if button.clicked() || (enter && ix == at) {
                    chosen = Some(*command);
                }
            }
        });
        if found.is_empty() {
            ui.label(RichText::new("No command has these words").weak());
        }
    });
    match chosen {
        Some(command) => {
            let ctx = ui.ctx().clone();
            window.run(command, &ctx);
        }
        None if modal.should_close() => {}
        None => window.palette = Some(typed),
    }
    if window.palette.is_none() {
        ui.data_mut(|data| data.remove::<usize>(id));
    }
}

pub(super) fn keys_ui(window: &mut Window, ui: &mut Ui) {
    if !window.keys_shown {
        return;
    }
    let modal = modal(ui, egui::Id::unique("keys")).show(ui.ctx(), |ui| {
        ui.heading("Keys");
        ui.add_space(6.0);
        let most = ui.ctx().content_rect().height() - 180.0;
        egui::ScrollArea::vertical().max_height(most).show(ui, |ui| {
            let grid = egui::Grid::new("keys").num_columns(2).spacing([24.0, 4.0]).striped(true);
            grid.show(ui, |ui| {
                for command in Command::ALL {
                    let Some(keys) = command.shortcut() else { continue };
                    ui.label(command.title());
                    ui.monospace(ui.ctx().format_shortcut(&keys));
                    ui.end_row();
                }
            });
        });
        ui.add_space(6.0);
        ui.label("Tab and Shift+Tab go from control to control, Space or Enter press them.");
        ui.add_space(6.0);
        ui.button("Close").clicked()
    });
    if modal.inner || modal.should_close() {
        window.keys_shown = false;
    }
}

pub(super) fn closing_ui(window: &mut Window, ui: &mut Ui) {
    if let Closing::Stopping(_) = window.closing {
        modal(ui, egui::Id::unique("closing")).show(ui.ctx(), |ui| {
            ui.set_width(430.0);
            ui.heading("Stopping");
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label("What is finished is being written.");
            });
        });
        return;
    }
    if window.closing != Closing::Asking {
        return;
    }
    let running: Vec<(String, &'static str)> = window
        .jobs
        .open()
        .filter(|entry| entry.ask.is_work())
        .map(|entry| (entry.title.clone(), entry.ask.when_cancelled()))
        .collect();
    let shown = modal(ui, egui::Id::unique("closing")).show(ui.ctx(), |ui| {
        ui.set_width(430.0);
        ui.heading("Work is still running");
        ui.add_space(4.0);
        for (title, kept) in &running {
            ui.label(format!("• {title}"));
            ui.label(RichText::new(*kept).weak());
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let stay = ui.button("Keep working").clicked();
            let leave = ui.button("Cancel the work and quit").clicked();
            (stay, leave)
        })
        .inner
    });
    let (stay, leave) = shown.inner;
    if leave || running.is_empty() {
        window.stop_and_leave();
    } else if stay || shown.should_close() {
        window.closing = Closing::No;
    }
}
