//! The frame around the views: menus, tabs, what runs, notices.

mod dialogs;
mod files_panel;

use super::command::{Command, View};
use super::files::file_name;
use super::jobs::State;
use super::theme;
use super::window::Window;
use crate::data::StrategyId;
use crate::report;
use egui::{Align, Layout, RichText, Ui};

pub use dialogs::modal;

/// Draws the whole window.
pub fn window_ui(window: &mut Window, ui: &mut Ui) {
    egui::Panel::top("menus").show(ui, |ui| menu_bar_ui(window, ui));
    egui::Panel::top("tabs").show(ui, |ui| tabs_ui(window, ui));
    if !window.notices.is_empty() {
        egui::Panel::bottom("notices").show(ui, |ui| notices_ui(window, ui));
    }
    let files = egui::Panel::left("files")
        .resizable(true)
        .default_size(window.settings.panel("files", 250.0))
        .size_range(180.0..=420.0)
        .show(ui, |ui| files_panel::files_ui(window, ui));
    window.settings.set_panel("files", files.response.rect.width());
    egui::CentralPanel::default().show(ui, |ui| match window.view {
        View::Data => window.data_ui(ui),
        View::Prepare => window.prepare_ui(ui),
        View::Synthesize => window.synthesize_ui(ui),
        View::Compare => window.compare_ui(ui),
        View::Scores => window.scores_ui(ui),
        View::Needle => window.needle_ui(ui),
        View::Gap => window.gap_ui(ui),
        View::Jobs => window.jobs_ui(ui),
    });
    window.export_ui(ui);
    window.save_table_ui(ui);
    window.columns_dialog_ui(ui);
    window.needle_form_ui(ui);
    window.gap_form_ui(ui);
    dialogs::palette_ui(window, ui);
    dialogs::keys_ui(window, ui);
    dialogs::closing_ui(window, ui);
    drop_hint_ui(ui);
}

fn command_button(window: &mut Window, ui: &mut Ui, command: Command) {
    let mut button = egui::Button::new(command.title());
    if let Some(keys) = command.shortcut() {
        button = button.shortcut_text(ui.ctx().format_shortcut(&keys));
    }
    if ui.add(button).clicked() {
        ui.close();
        let ctx = ui.ctx().clone();
        window.run(command, &ctx);
    }
}

fn menu_bar_ui(window: &mut Window, ui: &mut Ui) {
    egui::MenuBar::new().ui(ui, |ui| {
        ui.menu_button("File", |ui| {
            command_button(window, ui, Command::Open);
            recent_menu_ui(window, ui);
            command_button(window, ui, Command::OpenExample);
            command_button(window, ui, Command::CloseAll);
            ui.separator();
            command_button(window, ui, Command::Quit);
        });
        ui.menu_button("Export", |ui| {
            command_button(window, ui, Command::ExportDataset);
            command_button(window, ui, Command::ExportFigure);
            command_button(window, ui, Command::CopyFigure);
            command_button(window, ui, Command::Report);
        });
        ui.menu_button("View", |ui| {
            for view in View::ALL {
                command_button(window, ui, Command::Show(view));
            }
            ui.separator();
            for (name, title) in
                [("auto", "Theme of the system"), ("dark", "Dark theme"), ("light", "Light theme")]
            {
                if ui.radio(window.settings.theme == name, title).clicked() {
                    let ctx = ui.ctx().clone();
                    window.set_theme(name, &ctx);
                }
            }
            ui.separator();
            command_button(window, ui, Command::ZoomIn);
            command_button(window, ui, Command::ZoomOut);
            command_button(window, ui, Command::ZoomReset);
        });
        ui.menu_button("Help", |ui| {
            command_button(window, ui, Command::Palette);
            command_button(window, ui, Command::Keys);
            ui.label(RichText::new(concat!("Backstory ", env!("CARGO_PKG_VERSION"))).weak());
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| running_ui(window, ui));
    });
}

fn recent_menu_ui(window: &mut Window, ui: &mut Ui) {
    let recent = window.settings.recent.clone();
    ui.add_enabled_ui(!recent.is_empty(), |ui| {
        ui.menu_button("Open recent", |ui| {
            for path in &recent {
                let button = ui.button(file_name(path)).on_hover_text(path.display().to_string());
                if button.clicked() {
                    ui.close();
                    window.open_path(path.clone());
                }
            }
        });
    });
}

/// What runs, in a corner that is always in view.
fn running_ui(window: &mut Window, ui: &mut Ui) {
    let Some(entry) = window.jobs.open().next() else { return };
    let n_more = window.jobs.open().count() - 1;
    if ui.small_button("Cancel").on_hover_text("Cancel this job").clicked() {
        entry.watch.cancel();
    }
    let progress = entry.watch.progress();
    if progress.n_total > 0 {
        let share = progress.n_done as f32 / progress.n_total as f32;
        ui.add(egui::ProgressBar::new(share.min(1.0)).desired_width(90.0).show_percentage());
    } else if entry.state == State::Running {
        ui.spinner();
    }
    let mut words = entry.title.clone();
    if let Some(secs) = progress.secs_left() {
        words.push_str(&format!(", {} left", crate::job::duration(secs)));
    }
    if n_more > 0 {
        words.push_str(&format!(", {n_more} more"));
    }
    if entry.watch.is_paused() {
        words.push_str(" (paused)");
    }
    ui.add(egui::Label::new(words).truncate());
}

fn tabs_ui(window: &mut Window, ui: &mut Ui) {
    ui.horizontal(|ui| {
        ui.spacing_mut().button_padding = egui::vec2(14.0, 5.0);
        for (ix, view) in View::ALL.into_iter().enumerate() {
            let n_open = if view == View::Jobs { window.jobs.open().count() } else { 0 };
            let title = match n_open {
                0 => view.title().to_owned(),
                n => format!("{} ({n})", view.title()),
            };
            let tab = ui.selectable_label(window.view == view, RichText::new(title).size(15.0));
            if tab.on_hover_text(format!("Ctrl+{}", ix + 1)).clicked() {
                window.show(view);
            }
        }
    });
}

/// Gives a text field its name for screen readers and tests.
pub fn name_field(response: &egui::Response, name: &str) {
    let name = name.to_owned();
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name));
}

/// A small patch of a strategy's colour, which tells its name when it is pointed at.
pub fn swatch_ui(ui: &mut Ui, id: &StrategyId) {
    let (rect, response) = ui.allocate_exact_size(egui::vec2(10.0, 10.0), egui::Sense::hover());
    ui.painter().rect_filled(rect, 2.0, theme::strategy_color(ui, id));
    response.on_hover_text(report::strategy_title(id));
}

fn notices_ui(window: &mut Window, ui: &mut Ui) {
    let mut closed = None;
    ui.add_space(2.0);
    egui::ScrollArea::vertical().max_height(120.0).auto_shrink([false, true]).show(ui, |ui| {
        for (ix, notice) in window.notices.iter().enumerate() {
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                    let button = ui.small_button("×").on_hover_text("Close this message");
                    name_field(&button, "Close this message");
                    if button.clicked() {
                        closed = Some(ix);
                    }
                    if ui.small_button("Copy").clicked() {
                        ui.ctx().copy_text(notice.text.clone());
                    }
                    ui.with_layout(Layout::left_to_right(Align::Min).with_main_wrap(false), |ui| {
                        let (mark, color) = match notice.failed {
                            true => ("Failed", theme::error_color(ui)),
                            false => ("Done", theme::success_color(ui)),
                        };
                        ui.label(RichText::new(mark).color(color).strong());
                        ui.add(egui::Label::new(&notice.text).wrap().selectable(true));
                    });
                });
            });
        }
    });
    if let Some(ix) = closed {
        window.notices.remove(ix);
    }
}

/// While files hang over the window.
fn drop_hint_ui(ui: &Ui) {
    let n = ui.input(|input| input.raw.hovered_files.len());
    if n == 0 {
        return;
    }
    let rect = ui.ctx().content_rect();
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop hint"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_filled(rect, 0.0, egui::Color32::from_black_alpha(160));
    painter.text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        format!("Drop to open {n} file{}", if n == 1 { "" } else { "s" }),
        egui::FontId::proportional(24.0),
        egui::Color32::WHITE,
    );
}

impl Window {
    /// The window's title: the project first.
    pub fn title(&self) -> String {
        let names: Vec<String> = self.files.all.iter().map(crate::app::files::File::name).collect();
        match names.as_slice() {
            [] => "Backstory".to_owned(),
            _ if self
                .files
                .all
                .iter()
                .all(|file| file.origin.path.starts_with(self.home.join("example"))) =>
            {
                "Example project - Backstory".to_owned()
            }
            [one] => format!("{one} - Backstory"),
            [first, rest @ ..] => format!("{first} and {} more - Backstory", rest.len()),
        }
    }
}
