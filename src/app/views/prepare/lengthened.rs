//! What came of making records longer: lengths, distances, and what was left out.

use super::fields::caution_ui;
use crate::app::files::file_name;
use crate::app::views::data::{counted, grouped};
use crate::workbench::{ExtendReport, LeftOutRecord, Spread};
use egui::{Align, Layout, RichText, Ui};
use egui_extras::{Column, TableBuilder};
use std::path::Path;

const ROW_HEIGHT: f32 = 20.0;

/// Warnings that are shown; more would hide the list below.
const MOST_WARNINGS: usize = 6;

/// Places of the own context that are told.
const MOST_POSITIONS: usize = 24;

/// Records that are listed where the page scrolls as a whole.
const MOST_LISTED: usize = 50;

/// Draws a report; `fills` where it has its own room, so that long lists scroll in it.
pub(super) fn report_ui(ui: &mut Ui, report: &ExtendReport, fills: bool) {
    let ExtendReport { path, made, kept, rejected, .. } = report;
    let words = format!("{made} made longer, {kept} kept as they are, {rejected} left out");
    ui.label(RichText::new(words).strong());
    let label = egui::Label::new(RichText::new(file_name(path)).weak()).truncate();
    ui.add(label).on_hover_text(path.display().to_string());
    ui.add_space(4.0);
    lengths_ui(ui, report);
    positions_ui(ui, report);
    for warning in report.warnings.iter().filter(|w| !is_of_record(w)).take(MOST_WARNINGS) {
        caution_ui(ui, &format!("Warning: {warning}"));
    }
    if report.left_out.is_empty() {
        return;
    }
    ui.add_space(6.0);
    ui.label(RichText::new("Left out").strong());
    let listed = if fills { report.left_out.len() } else { MOST_LISTED };
    let listed = &report.left_out[..listed.min(report.left_out.len())];
    if fills {
        left_out_ui(ui, listed);
        return;
    }
    for LeftOutRecord { source, line, reason, .. } in listed {
        let words = format!("{}, line {line}: {reason}", file_name(Path::new(source)));
        ui.add(egui::Label::new(words).wrap());
    }
    if let Some(more) = report.left_out.len().checked_sub(listed.len()).filter(|n| *n > 0) {
        let words = format!("{} more; a larger window lists all", counted(more, "record"));
        ui.label(RichText::new(words).weak());
    }
}

/// Warnings of single records stand in the list below.
fn is_of_record(warning: &str) -> bool {
    warning.contains(": left out, ") || warning.ends_with("--json names them all")
}

fn lengths_ui(ui: &mut Ui, report: &ExtendReport) {
    let (unit, after) = match (report.prompt_tokens, report.prompt_words) {
        (Some(after), _) => ("tokens", after),
        (None, Some(after)) => ("words", after),
        (None, None) => return,
    };
    let number = |value: f64| grouped(value.round().max(0.0) as u64);
    egui::Grid::new("lengths").num_columns(4).spacing([18.0, 3.0]).striped(true).show(ui, |ui| {
        let head = format!("Prompts, in {unit}");
        for head in [head.as_str(), "Shortest", "Median", "Longest"] {
            ui.label(RichText::new(head).weak());
        }
        ui.end_row();
        for (name, spread) in [("before", report.before), ("after", Some(after))] {
            let Some(Spread { min, p50, max }) = spread else { continue };
            ui.label(name);
            for value in [min, p50, max] {
                ui.label(number(value));
            }
            ui.end_row();
        }
    });
    if let (Some(before), Some(after)) = (report.distance_before, report.distance_after) {
        let words = format!(
            "Distance from the test file's lengths: {} {unit} before, {} after",
            number(before),
            number(after)
        );
        let about = "Wasserstein distance: how far a prompt's length is off in the mean";
        ui.add(egui::Label::new(words).wrap()).on_hover_text(about);
    }
    ui.add_space(4.0);
}

/// How often the own context stands behind how many others.
fn positions_ui(ui: &mut Ui, report: &ExtendReport) {
    if report.positions.is_empty() {
        return;
    }
    let shown = report.positions.iter().take(MOST_POSITIONS);
    let shown: Vec<String> =
        shown.map(|(before, n)| format!("{before} in {}", grouped(*n as u64))).collect();
    let more = if report.positions.len() > MOST_POSITIONS { ", …" } else { "" };
    let words = format!("Contexts before the own one: {}{more}", shown.join(", "));
    ui.add(egui::Label::new(RichText::new(words).weak()).wrap())
        .on_hover_text("How many contexts stand before the own one, in how many records");
    ui.add_space(4.0);
}

fn left_out_ui(ui: &mut Ui, listed: &[LeftOutRecord]) {
    TableBuilder::new(ui)
        .id_salt("left out")
        .striped(true)
        .auto_shrink([false, false])
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::initial(48.0).at_least(36.0))
        .column(Column::initial(120.0).at_least(60.0).clip(true))
        .column(Column::remainder().at_least(80.0).clip(true))
        .header(ROW_HEIGHT, |mut header| {
            for head in ["Line", "File", "Why"] {
                header.col(|ui| drop(ui.strong(head)));
            }
        })
        .body(|body| {
            body.rows(ROW_HEIGHT, listed.len(), |mut row| {
                let Some(record) = listed.get(row.index()) else { return };
                row.col(|ui| drop(ui.label(RichText::new(record.line.to_string()).weak())));
                let name = file_name(Path::new(&record.source));
                row.col(|ui| drop(ui.add(egui::Label::new(name).truncate())));
                row.col(|ui| {
                    let why = egui::Label::new(&record.reason).truncate();
                    ui.add(why).on_hover_text(&record.reason);
                });
            });
        });
}
