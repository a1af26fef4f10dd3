//! The open files at the left, and the ways to open more.

use super::{name_field, swatch_ui};
use crate::app::command::View;
use crate::app::files::{Files, file_name};
use crate::app::jobs::Ask;
use crate::app::picker::Purpose;
use crate::app::theme;
use crate::app::views::data::counted;
use crate::app::window::Window;
use crate::report;
use crate::workbench::OpenFile;
use egui::{Align, Key, Layout, RichText, Ui};

/// The open files, and the ways to open more.
pub(super) fn files_ui(window: &mut Window, ui: &mut Ui) {
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
        let Files { all, rows, needles, .. } = &window.files;
        let is_empty = all.is_empty() && rows.is_empty() && needles.is_empty();
        if is_empty && !window.scores.is_open() {
            ui.label(
                RichText::new("Nothing is open. Open a file, or see the example project.").weak(),
            );
            if ui.button("Open the example project").clicked() {
                window.start(Ask::Example);
            }
        }
        // Each may close one, itself or another, while it is drawn.
        let keys: Vec<u64> = window.files.all.iter().map(|file| file.key).collect();
        for key in keys {
            file_ui(window, ui, key);
        }
        rows_ui(window, ui);
        window.results_list_ui(ui);
        needles_ui(window, ui);
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

fn file_ui(window: &mut Window, ui: &mut Ui, key: u64) {
    let Some(file) = window.files.get(key) else { return };
    let (name, mut shown) = (file.name(), file.shown);
    let strategies = file.strategies();
    let n_records = file.report.records;
    let path = file.origin.path.display().to_string();
    let joined = file.origin.join.as_deref().map(file_name);
    let (lacks, alone) = (file.lacks_contexts, file.is_contexts_alone);
    let (is_begin, has_changed) = (file.is_begin, file.has_changed);
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
        let n = counted(n_records, "record");
        let n = if is_begin { format!("first {n}, the rest is being read") } else { n };
        let mut words = format!("{n}, {}", names.join(", "));
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
                if has_changed {
                    changed_ui(window, ui, key);
                }
                join_ui(window, ui, key);
            });
        });
    });
}

/// The file is another on the disk than it was when it was read.
fn changed_ui(window: &mut Window, ui: &mut Ui, key: u64) {
    let words = RichText::new("changed on the disk since").small();
    ui.label(words.color(theme::warning_color(ui)));
    let again = ui.small_button("Read the new one");
    let Some(file) = window.files.get(key) else { return };
    if again.on_hover_text(file.origin.path.display().to_string()).clicked() {
        let origin = file.origin.clone();
        window.start(Ask::Open(origin));
    }
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
        let columns = ui.button("Columns…");
        if columns.on_hover_text("Say which column of the file is what").clicked() {
            ui.close();
            window.choose_columns(key);
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
                let origin = OpenFile { strategy, ..origin.clone() };
                window.start(Ask::Open(origin));
            }
        });
        if ui.button("Read again").clicked() {
            ui.close();
            window.start(Ask::Open(origin.clone()));
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
        let words = format!("coherence of {}", counted(rows.rows.len(), "record"));
        ui.label(RichText::new(words).weak().small());
    }
    if let Some(ix) = close {
        window.files.rows.remove(ix);
        window.files.version += 1;
    }
}

/// Results of needle tests: which of them the figure shows.
fn needles_ui(window: &mut Window, ui: &mut Ui) {
    let (mut close, mut wanted) = (None, false);
    if !window.files.needles.is_empty() {
        ui.add_space(6.0);
        ui.strong("Needle results");
    }
    for (ix, needles) in window.files.needles.iter_mut().enumerate() {
        let name = file_name(&needles.path);
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let button = ui.small_button("×").on_hover_text("Close these results");
                name_field(&button, &format!("Close {name}"));
                if button.clicked() {
                    close = Some(ix);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let check = ui.checkbox(&mut needles.shown, "");
                    name_field(&check.on_hover_text("Show in the figure"), &format!("Show {name}"));
                    let label = egui::Label::new(&name).truncate().sense(egui::Sense::click());
                    let path = needles.path.display().to_string();
                    wanted |= ui.add(label).on_hover_text(path).clicked();
                });
            });
        });
        let words = counted(needles.rows.len(), "needle result");
        ui.label(RichText::new(words).weak().small());
    }
    if let Some(ix) = close {
        window.files.needles.remove(ix);
    }
    if wanted {
        window.show(View::Needle);
    }
}
