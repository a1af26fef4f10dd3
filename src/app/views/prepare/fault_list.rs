//! The checks, each with how many records it concerns, or why it was not made.

use crate::app::theme;
use crate::app::ui::name_field;
use crate::app::views::data::{counted, grouped};
use crate::app::window::Window;
use crate::checks::{Check, Severity};
use crate::workbench::CheckReport;
use egui::text::LayoutJob;
use egui::{Align, Color32, Layout, TextFormat, TextStyle, Ui};
use std::collections::BTreeMap;

/// How bad a finding is, with a sign, and its colour.
pub(super) fn severity(ui: &Ui, severity: Severity) -> (&'static str, Color32) {
    match severity {
        Severity::Fault => ("✖ Fault", theme::error_color(ui)),
        Severity::Warning => ("⚠ Warning", theme::warning_color(ui)),
        Severity::Note => ("ℹ Note", ui.visuals().text_color()),
    }
}

/// What came of a check.
pub(super) struct Told {
    pub check: Check,
    /// In words.
    words: String,
    /// The worst of its findings.
    worst: Option<Severity>,
}

impl Told {
    /// The check and what came of it, in one line.
    fn line(&self) -> String {
        format!("{}: {}", self.check.title(), self.words)
    }
}

/// What came of all checks, counted once.
pub(super) fn tell(report: &CheckReport) -> Vec<Told> {
    let told = |check: Check| {
        let findings = report.by_check.get(&check).into_iter().flatten();
        let severities = findings.filter_map(|ix| Some(report.list.get(*ix)?.severity));
        let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
        severities.for_each(|severity| *counts.entry(severity).or_default() += 1);
        let worst = counts.last_key_value().map(|(severity, _)| *severity);
        Told { check, words: words(report, check, &counts), worst }
    };
    Check::ALL.into_iter().map(told).collect()
}

fn words(report: &CheckReport, check: Check, counts: &BTreeMap<Severity, usize>) -> String {
    let Some(count) = report.checks.get(&check) else {
        return match check {
            Check::ClosedBook => "not made: needs coherence rows, measure in Compare",
            Check::Contamination => "not made: needs test files, add one above",
            _ => "not made",
        }
        .to_owned();
    };
    if count.records == 0 {
        return "none".to_owned();
    }
    let mut words = format!("{}, {:.1} %", counted(count.records, "record"), 100.0 * count.share);
    for (severity, n) in counts.iter().rev() {
        let one = match severity {
            Severity::Fault => "fault",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        words.push_str(&format!(", {}", counted(*n, one)));
    }
    words
}

/// A check's words for the list.
fn entry(ui: &Ui, Told { check, words, worst }: &Told) -> LayoutJob {
    let (plain, weak) = (ui.visuals().text_color(), ui.visuals().weak_text_color());
    let format = |style: TextStyle, color| TextFormat::simple(style.resolve(ui.style()), color);
    let mut job = LayoutJob::default();
    if let Some(worst) = *worst {
        let (sign, color) = severity(ui, worst);
        let sign = sign.split(' ').next().unwrap_or_default();
        job.append(&format!("{sign} "), 0.0, format(TextStyle::Body, color));
    }
    let color = if worst.is_some() { plain } else { weak };
    job.append(check.title(), 0.0, format(TextStyle::Body, color));
    job.append(&format!("\n{words}"), 0.0, format(TextStyle::Small, weak));
    job
}

impl Window {
    /// The checks one below the other.
    pub(super) fn fault_list_ui(&mut self, ui: &mut Ui) {
        // A panel is as large as what is in it, also when that is little.
        ui.set_min_height(ui.available_height());
        let Some(checked) = self.prepare.faults.checked() else { return };
        let n = grouped(checked.report.findings as u64);
        ui.strong(format!("{n} findings in {}", counted(checked.report.records, "record")));
        let chosen = self.prepare.faults.check();
        let scroll = egui::ScrollArea::vertical().id_salt("checks").auto_shrink([false, false]);
        let clicked = scroll.show(ui, |ui| {
            ui.with_layout(Layout::top_down_justified(Align::Min), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                let mut clicked = None;
                for told in &checked.told {
                    let button = egui::Button::selectable(told.check == chosen, entry(ui, told));
                    let button = ui.add(button.wrap());
                    name_field(&button, &told.line());
                    if button.clicked() {
                        clicked = Some(told.check);
                    }
                }
                clicked
            })
            .inner
        });
        if let Some(check) = clicked.inner {
            self.prepare.faults.choose(check);
        }
    }

    /// The checks in a box, where there is no room for a list.
    pub(super) fn fault_box_ui(&mut self, ui: &mut Ui) {
        let Some(checked) = self.prepare.faults.checked() else { return };
        let chosen = self.prepare.faults.check();
        let mut clicked = None;
        let combo = egui::ComboBox::from_id_salt("fault").width(ui.available_width() - 10.0);
        let shown = checked.told.iter().find(|told| told.check == chosen).map(Told::line);
        let combo = combo.truncate().selected_text(shown.unwrap_or_default()).show_ui(ui, |ui| {
            for told in &checked.told {
                if ui.selectable_label(told.check == chosen, told.line()).clicked() {
                    clicked = Some(told.check);
                }
            }
        });
        name_field(&combo.response, "Fault");
        if let Some(check) = clicked {
            self.prepare.faults.choose(check);
        }
    }
}
