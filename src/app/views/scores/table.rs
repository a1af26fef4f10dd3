//! The table: tasks as rows in the paper's groups, results as columns.

use super::{Page, State};
use crate::app::theme;
use crate::app::ui::name_field;
use crate::app::window::Window;
use crate::report::{BoardCell, BoardRow, ScoreBoard};
use egui::text::LayoutJob;
use egui::{Align, FontFamily, FontId, Key, Layout, RichText, TextFormat, Ui};
use egui_extras::{Column, TableBuilder};

const ROW_HEIGHT: f32 = 22.0;
/// Widths of the baseline's column and of those that have a difference too.
const WIDTHS: [f32; 2] = [176.0, 212.0];

/// What the person asked of the table.
enum Wish {
    Records(String, u64),
    Baseline(u64),
    Remove(u64),
}

impl Window {
    pub(super) fn board_ui(&mut self, ui: &mut Ui, keys: &[u64], board: &ScoreBoard) {
        let mut wish = None;
        egui::ScrollArea::horizontal().auto_shrink([false, false]).show(ui, |ui| {
            let mut table = TableBuilder::new(ui)
                // Widths are of these columns and this baseline.
                .id_salt(("scores", keys, board.baseline))
                .striped(true)
                .auto_shrink([false, false])
                .cell_layout(Layout::left_to_right(Align::Center))
                .column(Column::initial(190.0).at_least(120.0).clip(true).resizable(true));
            for ix in 0..keys.len() {
                let width = WIDTHS[usize::from(ix != board.baseline)];
                table = table.column(Column::initial(width).at_least(150.0).clip(true));
            }
            table
                .header(28.0, |mut header| {
                    header.col(|ui| drop(ui.label(RichText::new("Task").weak())));
                    for (ix, key) in keys.iter().enumerate() {
                        header.col(|ui| {
                            let asked = head_ui(ui, &mut self.scores, *key, ix == board.baseline);
                            wish = asked.or(wish.take());
                        });
                    }
                })
                .body(|mut body| {
                    let mut group = "";
                    for row in &board.rows {
                        if row.group != group {
                            group = &row.group;
                            body.row(ROW_HEIGHT, |mut cells| {
                                cells.col(|ui| drop(ui.strong(group)));
                                keys.iter().for_each(|_| drop(cells.col(|_| {})));
                            });
                        }
                        body.row(ROW_HEIGHT, |mut cells| {
                            cells.col(|ui| title_ui(ui, row));
                            for (key, cell) in keys.iter().zip(&row.cells) {
                                cells.col(|ui| {
                                    let asked = self.cell_ui(ui, board, row, *key, cell.as_ref());
                                    wish = asked.or(wish.take());
                                });
                            }
                        });
                    }
                });
        });
        match wish {
            Some(Wish::Records(task, key)) => {
                self.scores.clicked = Some((task, key));
                self.scores.page = Page::Records;
                self.scores.reader = None;
            }
            Some(Wish::Baseline(key)) => self.scores.baseline = Some(key),
            Some(Wish::Remove(key)) => self.scores.remove(key),
            None => {}
        }
    }

    fn cell_ui(
        &self,
        ui: &mut Ui,
        board: &ScoreBoard,
        row: &BoardRow,
        key: u64,
        cell: Option<&BoardCell>,
    ) -> Option<Wish> {
        let Some(cell) = cell else {
            ui.add_space(ui.spacing().button_padding.x);
            ui.weak("\u{2013}");
            return None;
        };
        let name = self.scores.set(key).map_or("", |set| set.name.as_str());
        let theirs = board.names.get(board.baseline).map_or("", String::as_str);
        let told = told(cell, theirs);
        let text = cell_text(ui, cell, row.task.is_none());
        let Some(task) = row.task.as_ref().filter(|_| !cell.records.is_empty()) else {
            // In line with those that can be clicked.
            ui.add_space(ui.spacing().button_padding.x);
            ui.add(egui::Label::new(text)).on_hover_text(told);
            return None;
        };
        let is_shown = self.scores.page == Page::Records
            && self.scores.clicked.as_ref().is_some_and(|(t, k)| t == task && *k == key);
        let button = ui.add(egui::Button::selectable(is_shown, text));
        name_field(&button, &format!("{}: {name}", row.title));
        let clicked = button.on_hover_text(told).clicked();
        clicked.then(|| Wish::Records(task.clone(), key))
    }
}

/// A column's head: the baseline's mark, the name, and how to remove it.
fn head_ui(ui: &mut Ui, state: &mut State, key: u64, is_baseline: bool) -> Option<Wish> {
    let set = state.set(key)?;
    let (name, path) = (set.name.clone(), set.path.display().to_string());
    let mut wish = None;
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add_space(8.0);
        let remove = ui.small_button("×").on_hover_text("Close these results");
        name_field(&remove, &format!("Close {name}"));
        if remove.clicked() {
            wish = Some(Wish::Remove(key));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let mark = ui.radio(is_baseline, "");
            name_field(&mark, &format!("Measure against {name}"));
            if mark.on_hover_text("The baseline: the others are measured against it").clicked() {
                wish = Some(Wish::Baseline(key));
            }
            name_ui(ui, state, key, &name, &path);
        });
    });
    wish
}

/// The name, which a click makes a field.
fn name_ui(ui: &mut Ui, state: &mut State, key: u64, name: &str, path: &str) {
    if let Some((renamed, text)) = state.renaming.as_mut().filter(|(renamed, _)| *renamed == key) {
        let (key, mut written) = (*renamed, text.clone());
        let field = egui::TextEdit::singleline(&mut written).desired_width(f32::INFINITY);
        let field = ui.add(field);
        name_field(&field, "Name of the results");
        *text = written.clone();
        if field.lost_focus() {
            let keeps = !ui.input(|input| input.key_pressed(Key::Escape));
            let written = written.trim();
            if keeps && !written.is_empty() {
                let free = state.free_name(written, key);
                state.sets.iter_mut().filter(|s| s.key == key).for_each(|s| s.name = free.clone());
            }
            state.renaming = None;
        } else if !field.has_focus() {
            field.request_focus();
        }
        return;
    }
    let button = egui::Button::new(RichText::new(name).strong()).frame(false).truncate();
    let button = ui.add(button);
    name_field(&button, &format!("Rename {name}"));
    if button.on_hover_text(format!("{path}\nClick to give another name")).clicked() {
        state.renaming = Some((key, name.to_owned()));
    }
}

fn title_ui(ui: &mut Ui, row: &BoardRow) {
    let title = RichText::new(&row.title);
    let title = if row.task.is_none() { title.italics() } else { title };
    ui.add_space(10.0);
    ui.add(egui::Label::new(title).truncate());
}

/// Score, interval and difference, as one line.
fn cell_text(ui: &Ui, cell: &BoardCell, is_mean: bool) -> LayoutJob {
    let size = egui::TextStyle::Body.resolve(ui.style()).size;
    let (plain, weak) = (ui.visuals().text_color(), ui.visuals().weak_text_color());
    let format = |family: FontFamily, size: f32, color| TextFormat {
        italics: is_mean,
        valign: Align::Center,
        ..TextFormat::simple(FontId::new(size, family), color)
    };
    let mut job = LayoutJob::default();
    let family = if cell.is_best { theme::bold_family() } else { FontFamily::Proportional };
    job.append(&format!("{:.2}", cell.score), 0.0, format(family, size, plain));
    if let Some([lo, hi]) = cell.ci95 {
        let text = format!("[{lo:.1}, {hi:.1}]");
        job.append(&text, 6.0, format(FontFamily::Proportional, 0.8 * size, weak));
    }
    if let Some(against) = &cell.against {
        let color = match (against.stars().is_empty(), against.difference > 0.0) {
            (true, _) => weak,
            (false, true) => theme::success_color(ui),
            (false, false) => theme::error_color(ui),
        };
        let text = format!("{:+.2}{}", against.difference, against.stars());
        job.append(&text, 8.0, format(FontFamily::Proportional, size, color));
    }
    job
}

/// Everything that is known of a cell.
fn told(cell: &BoardCell, baseline: &str) -> String {
    let mut lines = vec![format!("Score: {}", cell.score)];
    match cell.ci95 {
        Some([lo, hi]) => lines.push(format!("95% interval over records: {lo:.3} to {hi:.3}")),
        None => lines.push("No interval: grades of records are not known".into()),
    }
    if !cell.records.is_empty() {
        lines.push(format!("{} records; click to see them", cell.records.len()));
    }
    if let Some(against) = &cell.against {
        lines.push(against.told(baseline));
        lines.push("* p below 0.05, ** below 0.01, *** below 0.001".into());
    }
    lines.join("\n")
}
