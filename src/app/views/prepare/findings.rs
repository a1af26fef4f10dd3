//! The findings of a check in a table, above the evidence of one.

use super::fault_list::severity;
use crate::app::files::file_name;
use crate::app::window::Window;
use crate::checks::Finding;
use crate::report;
use egui::{Align, Layout, RichText, Ui};
use egui_extras::{Column, TableBuilder};

const ROW_HEIGHT: f32 = 20.0;

impl Window {
    /// The table and the evidence.
    pub(super) fn found_ui(&mut self, ui: &mut Ui) {
        let check = self.prepare.faults.check();
        let Some(checked) = self.prepare.faults.checked() else { return };
        let n = checked.of(check).len();
        if n == 0 {
            let made = checked.report.checks.contains_key(&check);
            let words = if made { "No record has this fault." } else { "This check was not made." };
            ui.add_space(24.0);
            ui.vertical_centered(|ui| ui.label(RichText::new(words).weak()));
            return;
        }
        let height = ui.available_height();
        let panel = egui::Panel::bottom("evidence")
            .resizable(true)
            .default_size(self.settings.panel("evidence", height * 0.6))
            .size_range(100.0..=(height - 80.0).max(110.0))
            .show(ui, |ui| self.evidence_ui(ui));
        self.settings.set_panel("evidence", panel.response.rect.height());
        egui::CentralPanel::default().frame(egui::Frame::NONE).show(ui, |ui| self.findings_ui(ui));
    }

    fn findings_ui(&mut self, ui: &mut Ui) {
        let state = &self.prepare.faults;
        let (check, at, scrolls) = (state.check(), state.at, state.scrolls);
        let Some(checked) = state.checked() else { return };
        let of_check = checked.of(check);
        let has_files = checked.report.datasets.len() > 1 && ui.available_width() > 600.0;
        let mut table = TableBuilder::new(ui)
            .id_salt(("findings", has_files))
            .striped(true)
            .auto_shrink([false, false])
            // No cell is a stop of the Tab key: the arrows walk through the table.
            .sense(egui::Sense::CLICK)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::initial(48.0).at_least(36.0));
        if has_files {
            table = table.column(Column::initial(130.0).at_least(60.0).clip(true).resizable(true));
        }
        table = table
            .column(Column::initial(90.0).at_least(50.0).clip(true).resizable(true))
            .column(Column::initial(82.0).at_least(60.0).clip(true))
            .column(Column::remainder().at_least(80.0).clip(true));
        if scrolls {
            table = table.scroll_to_row(at, None);
        }
        let heads = ["Line", "File", "Task", "Severity", "Why"];
        let is_shown = |(ix, _): &(usize, &str)| has_files || *ix != 1;
        let mut clicked = None;
        table
            .header(ROW_HEIGHT, |mut header| {
                for (_, head) in heads.into_iter().enumerate().filter(is_shown) {
                    header.col(|ui| drop(ui.strong(head)));
                }
            })
            .body(|body| {
                body.rows(ROW_HEIGHT, of_check.len(), |mut row| {
                    let ix = row.index();
                    row.set_selected(ix == at);
                    if let Some(finding) = checked.report.list.get(of_check[ix]) {
                        self.finding_ui(&mut row, finding, has_files);
                    }
                    if row.response().clicked() {
                        clicked = Some(ix);
                    }
                });
            });
        self.prepare.faults.scrolls = false;
        if let Some(ix) = clicked {
            self.prepare.faults.at = ix;
            // The keys of the table are its own again after a click into it.
            ui.memory_mut(|memory| {
                if let Some(id) = memory.focused() {
                    memory.surrender_focus(id);
                }
            });
        }
        let steps = self.table_steps(ui);
        steps.into_iter().for_each(|by| self.prepare.faults.step(by));
    }

    fn finding_ui(
        &self,
        row: &mut egui_extras::TableRow<'_, '_>,
        finding: &Finding,
        has_files: bool,
    ) {
        let checked = self.prepare.faults.checked();
        let Some((place, dataset)) = checked.and_then(|all| all.place(false, finding.at)) else {
            return;
        };
        let known = dataset.records.row(place.1);
        let line = known.map_or_else(String::new, |known| known.line.to_string());
        row.col(|ui| drop(ui.label(RichText::new(line).weak())));
        if has_files {
            let name = file_name(&dataset.path);
            row.col(|ui| drop(ui.add(egui::Label::new(name).truncate())));
        }
        let task = known.map_or_else(String::new, |known| report::task_title(known.task));
        row.col(|ui| drop(ui.add(egui::Label::new(task).truncate())));
        row.col(|ui| {
            let (words, color) = severity(ui, finding.severity);
            ui.label(RichText::new(words).color(color));
        });
        row.col(|ui| drop(ui.add(egui::Label::new(&finding.why).truncate())));
    }
}
