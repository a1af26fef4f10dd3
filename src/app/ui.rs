//! The frame around the views: menus, tabs, open files, notices, palette, and the question at the end.

use super::command::{Command, View};
use super::files::file_name;
use super::jobs::State;
use super::picker::Purpose;
use super::theme;
use super::window::{Closing, Window};
use crate::data::StrategyId;
use crate::report;
use egui::{Align, Key, Layout, RichText, Ui};

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
        .show(ui, |ui| files_ui(window, ui));
    window.settings.set_panel("files", files.response.rect.width());
    egui::CentralPanel::default().show(ui, |ui| match window.view {
        View::Data => window.data_ui(ui),
        View::Synthesize => window.synthesize_ui(ui),
        View::Compare => window.compare_ui(ui),
        View::Jobs => window.jobs_ui(ui),
    });
    window.export_ui(ui);
    palette_ui(window, ui);
    keys_ui(window, ui);
    closing_ui(window, ui);
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

/// The open files, and the ways to open more.
fn files_ui(window: &mut Window, ui: &mut Ui) {
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.strong("Files");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let browse = ui.add_enabled(!window.picker.is_open(), egui::Button::new("Open files…"));
            if browse
                .on_hover_text("Choose data files (Ctrl+O), or drop them onto the window")
                .clicked()
            {
                window.browse(Purpose::Open, None);
            }
        });
    });
    path_field_ui(window, ui);
    ui.separator();
    egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        if window.files.all.is_empty() && window.files.rows.is_empty() {
            ui.label(
                RichText::new("Nothing is open. Open a file, or see the example project.").weak(),
            );
            if ui.button("Open the example project").clicked() {
                window.start(super::jobs::Ask::Example);
            }
        }
        // Each may close one, itself or another, while it is drawn.
        let keys: Vec<u64> = window.files.all.iter().map(|file| file.key).collect();
        for key in keys {
            file_ui(window, ui, key);
        }
        rows_ui(window, ui);
    });
}

fn path_field_ui(window: &mut Window, ui: &mut Ui) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let open = ui.button("Open").on_hover_text("Open the file with this path");
            let field = egui::TextEdit::singleline(&mut window.path_field)
                .hint_text("or a path…")
                .desired_width(f32::INFINITY);
            let field = ui.add(field);
            name_field(&field, "Path of a data file");
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if open.clicked() || entered {
                let path = std::mem::take(&mut window.path_field);
                window.open_typed(&path);
            }
        });
    });
}

/// Gives a text field its name for screen readers and tests.
pub fn name_field(response: &egui::Response, name: &str) {
    let name = name.to_owned();
    response.ctx.accesskit_node_builder(response.id, |node| node.set_label(name));
}

fn file_ui(window: &mut Window, ui: &mut Ui, key: u64) {
    let Some(file) = window.files.get(key) else { return };
    let (name, mut shown) = (file.name(), file.shown);
    let strategies = file.strategies();
    let n_records = file.report.records;
    let path = file.origin.path.display().to_string();
    let joined = file.origin.join.as_deref().map(file_name);
    let (lacks, alone) = (file.lacks_contexts, file.is_contexts_alone);
    ui.push_id(key, |ui| {
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                file_menu_ui(window, ui, key);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let check = egui::Checkbox::new(&mut shown, "");
                    let check = ui.add(check).on_hover_text("Show in tables and figures");
                    name_field(&check, &format!("Show {name}"));
                    if check.changed() {
                        window.files.set_shown(key, shown);
                    }
                    strategies.iter().for_each(|id| swatch_ui(ui, id));
                    ui.add(egui::Label::new(&name).truncate()).on_hover_text(&path);
                });
            });
        });
        let names: Vec<String> = strategies.iter().map(report::strategy_title).collect();
        let mut words = format!("{n_records} records, {}", names.join(", "));
        words.push_str(match () {
            () if alone => ", contexts alone",
            () if lacks => ", no contexts",
            () => "",
        });
        if let Some(joined) = joined {
            words.push_str(&format!(", contexts of {joined}"));
        }
        ui.horizontal(|ui| {
            ui.add_space(24.0);
            ui.vertical(|ui| {
                ui.label(RichText::new(words).weak().small());
                join_ui(window, ui, key);
            });
        });
    });
}

/// Pairs without contexts, and contexts without pairs, belong together line by line.
fn join_ui(window: &mut Window, ui: &mut Ui, key: u64) {
    let Some(file) = window.files.get(key).filter(|file| file.lacks_contexts) else { return };
    let n = file.report.records;
    let partner = window
        .files
        .all
        .iter()
        .find(|other| other.is_contexts_alone && other.report.records == n && other.key != key);
    let partner = partner.map(|other| other.origin.path.clone());
    if let Some(path) = partner {
        let offer = ui.small_button("Join with the open contexts");
        if offer.on_hover_text(format!("Line by line with {}", path.display())).clicked() {
            window.join(key, path);
        }
    } else if ui
        .small_button("Join contexts…")
        .on_hover_text("Choose the file whose line i holds the context of record i")
        .clicked()
    {
        window.browse(Purpose::Join(key), None);
    }
}

fn file_menu_ui(window: &mut Window, ui: &mut Ui, key: u64) {
    let Some(file) = window.files.get(key) else { return };
    let (name, origin) = (file.name(), file.origin.clone());
    let strategies = file.strategies();
    let menu = ui.menu_button("⋯", |ui| {
        if ui.button("Use as seeds").clicked() {
            ui.close();
            window.synthesize.choose_seeds(key);
            window.show(View::Synthesize);
        }
        if ui.button("Join contexts…").clicked() {
            ui.close();
            window.browse(Purpose::Join(key), None);
        }
        ui.menu_button("Strategy", |ui| {
            let id = egui::Id::unique(("strategy name", key));
            let first = || strategies.first().map_or(String::new(), |s| s.as_str().to_owned());
            let mut text = ui.data_mut(|data| data.get_temp_mut_or_insert_with(id, first).clone());
            ui.label("Call the records of this file:");
            let field = ui.text_edit_singleline(&mut text);
            name_field(&field, "Name of the strategy");
            ui.data_mut(|data| data.insert_temp(id, text.clone()));
            let usable = !text.trim().is_empty();
            if ui.add_enabled(usable, egui::Button::new("Use this name")).clicked() {
                ui.close();
                let strategy = Some(text.trim().to_owned());
                let origin = crate::workbench::OpenFile { strategy, ..origin.clone() };
                window.start(super::jobs::Ask::Open(origin));
            }
        });
        if ui.button("Read again").clicked() {
            ui.close();
            window.start(super::jobs::Ask::Open(origin.clone()));
        }
        if ui.button("Copy path").clicked() {
            ui.close();
            ui.ctx().copy_text(origin.path.display().to_string());
        }
        ui.separator();
        if ui.button("Close").clicked() {
            ui.close();
            window.files.close(key);
        }
    });
    name_field(&menu.response, &format!("More for {name}"));
}

fn rows_ui(window: &mut Window, ui: &mut Ui) {
    let mut close = None;
    if !window.files.rows.is_empty() {
        ui.add_space(6.0);
        ui.strong("Measurements");
    }
    for (ix, rows) in window.files.rows.iter().enumerate() {
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let name = file_name(&rows.path);
                let button = ui.small_button("×").on_hover_text("Close these measurements");
                name_field(&button, &format!("Close {name}"));
                if button.clicked() {
                    close = Some(ix);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let path = rows.path.display().to_string();
                    ui.add(egui::Label::new(name).truncate()).on_hover_text(path);
                });
            });
        });
        let words = format!("coherence of {} records", rows.rows.len());
        ui.label(RichText::new(words).weak().small());
    }
    if let Some(ix) = close {
        window.files.rows.remove(ix);
        window.files.version += 1;
    }
}

/// A small patch of a strategy's colour, which tells its name when it is pointed at.
pub fn swatch_ui(ui: &mut Ui, id: &StrategyId) {
    let (rect, response) = ui.allocate_exact_size(egui::vec2(10.0, 10.0), egui::Sense::hover());
    ui.painter().rect_filled(rect, 2.0, theme::strategy_color(ui, id));
    let title = report::strategy_title(id);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &title));
    response.on_hover_text(title);
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

/// A dialog with room around its words.
pub fn modal(ui: &Ui, id: egui::Id) -> egui::Modal {
    egui::Modal::new(id).frame(egui::Frame::popup(ui.style()).inner_margin(16))
}

/// Every command by name: type, arrow, Enter.
fn palette_ui(window: &mut Window, ui: &mut Ui) {
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

fn keys_ui(window: &mut Window, ui: &mut Ui) {
    if !window.keys_shown {
        return;
    }
    let modal = modal(ui, egui::Id::unique("keys")).show(ui.ctx(), |ui| {
        ui.heading("Keys");
        ui.add_space(6.0);
        egui::Grid::new("keys").num_columns(2).spacing([24.0, 4.0]).striped(true).show(ui, |ui| {
            for command in Command::ALL {
                let Some(keys) = command.shortcut() else { continue };
                ui.label(command.title());
                ui.monospace(ui.ctx().format_shortcut(&keys));
                ui.end_row();
            }
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

fn closing_ui(window: &mut Window, ui: &mut Ui) {
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
        let names: Vec<String> = self.files.all.iter().map(super::files::File::name).collect();
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
