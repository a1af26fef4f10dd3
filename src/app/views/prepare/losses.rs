//! What cutoffs would take away, in a table: a row for each task, strategy, policy and cutoff.

use super::cutoff::{Simulated, about_policy};
use super::fields::combo_ui;
use crate::app::ui::swatch_ui;
use crate::app::views::data::grouped;
use crate::app::window::Window;
use crate::lengths::truncation::{Loss, Policy};
use crate::report;
use crate::workbench::TruncateReport;
use egui::{Align, Layout, RichText, Ui};
use egui_extras::{Column, TableBuilder};
use std::collections::BTreeSet;

const ROW_HEIGHT: f32 = 20.0;

/// The columns of numbers: head, width, and what it says.
const NUMBERS: [(&str, f32, &str); 8] = [
    ("Cutoff", 62.0, "Tokens of prompt and answer together"),
    ("Records", 62.0, "Records of the task"),
    ("Cut", 108.0, "Records that are longer than the cutoff"),
    ("Tokens lost", 130.0, "Tokens that are taken away, and their share of all"),
    ("Gold cut", 96.0, "Gold spans that are lost wholly + partly, of the records that have one"),
    (
        "Answers lost",
        96.0,
        "Records that keep their answer nowhere in the context, of those that have it there",
    ),
    ("Targets cut", 96.0, "Answers to train on that are lost wholly + partly, of all"),
    ("Lossless from", 96.0, "The smallest cutoff in tokens at which the task loses nothing"),
];

/// What a task loses.
pub(super) struct Row {
    policy: Policy,
    cutoff: usize,
    pub loss: Loss,
}

impl Row {
    /// All rows of a report: those of a task stand together.
    pub fn all(report: &TruncateReport) -> Vec<Self> {
        let n_groups = report.runs.iter().map(|run| run.groups.len()).max().unwrap_or(0);
        let mut rows = Vec::new();
        for group in 0..n_groups {
            let of_group = report.runs.iter().filter_map(|run| {
                let loss = run.groups.get(group)?.clone();
                Some(Self { policy: run.policy, cutoff: run.cutoff, loss })
            });
            let mut of_group: Vec<Self> = of_group.collect();
            of_group.sort_by_key(|row| (row.policy, row.cutoff));
            rows.extend(of_group);
        }
        rows
    }

    /// The numbers as people read them, in the order of the columns.
    fn numbers(&self) -> [String; 8] {
        let Loss { n, over, tokens_lost, with_gold, targets, .. } = self.loss;
        let share = |of: f64| format!("{:.1} %", 100.0 * of);
        let of = |fully: usize, partly: usize, n: usize| match n {
            0 => "–".to_owned(),
            _ => format!("{fully} + {partly} of {n}"),
        };
        let loss = &self.loss;
        [
            grouped(self.cutoff as u64),
            grouped(n as u64),
            format!("{} ({})", grouped(over as u64), share(over as f64 / n.max(1) as f64)),
            format!("{} ({})", grouped(tokens_lost), share(loss.share_lost)),
            of(loss.gold_cut_fully, loss.gold_cut_partly, with_gold),
            match loss.with_answer {
                0 => "–".to_owned(),
                n => format!("{} of {n}", loss.answers_lost),
            },
            of(loss.targets_cut_fully, loss.targets_cut_partly, targets),
            grouped(loss.lossless_cutoff as u64),
        ]
    }
}

impl Window {
    /// The choices and the table.
    pub(super) fn losses_ui(&mut self, ui: &mut Ui, simulated: &Simulated) {
        let state = &mut self.prepare.cutoff;
        let cutoffs: BTreeSet<usize> = simulated.rows.iter().map(|row| row.cutoff).collect();
        let policies: BTreeSet<Policy> = simulated.rows.iter().map(|row| row.policy).collect();
        ui.horizontal(|ui| {
            ui.label("Show");
            let mut all = vec![(None, "all cutoffs".to_owned())];
            all.extend(
                cutoffs.iter().map(|n| (Some(*n), format!("{} tokens", grouped(*n as u64)))),
            );
            combo_ui(ui, "Cutoff shown", 110.0, &all, &mut state.only_cutoff);
            let mut all = vec![(None, "all policies".to_owned())];
            all.extend(policies.iter().map(|policy| (Some(*policy), policy.name().to_owned())));
            combo_ui(ui, "Policy shown", 100.0, &all, &mut state.only_policy);
        });
        let (cutoff, policy) = (state.only_cutoff, state.only_policy);
        let is_shown = |row: &&Row| {
            cutoff.is_none_or(|cutoff| cutoff == row.cutoff)
                && policy.is_none_or(|policy| policy == row.policy)
        };
        let rows: Vec<&Row> = simulated.rows.iter().filter(is_shown).collect();
        egui::ScrollArea::horizontal()
            .id_salt("losses")
            .auto_shrink([false, false])
            .show(ui, |ui| table_ui(ui, &rows));
    }
}

fn table_ui(ui: &mut Ui, rows: &[&Row]) {
    let mut table = TableBuilder::new(ui)
        .id_salt("losses")
        .striped(true)
        .auto_shrink([false, false])
        .cell_layout(Layout::left_to_right(Align::Center))
        .column(Column::initial(96.0).at_least(60.0).clip(true))
        .column(Column::initial(150.0).at_least(60.0).clip(true))
        .column(Column::exact(54.0));
    for (_, width, _) in NUMBERS {
        table = table.column(Column::exact(width).clip(true));
    }
    table
        .header(ROW_HEIGHT, |mut header| {
            for head in ["Task", "Strategy", "Policy"] {
                header.col(|ui| drop(ui.strong(head)));
            }
            for (head, _, about) in NUMBERS {
                header.col(|ui| {
                    right_ui(ui, |ui| drop(ui.strong(head).on_hover_text(about)));
                });
            }
        })
        .body(|body| {
            body.rows(ROW_HEIGHT, rows.len(), |mut cells| {
                let Some(row) = rows.get(cells.index()) else { return };
                cells.col(|ui| {
                    ui.add(egui::Label::new(report::task_title(&row.loss.task)).truncate());
                });
                cells.col(|ui| {
                    swatch_ui(ui, &row.loss.strategy);
                    let title = report::strategy_title(&row.loss.strategy);
                    ui.add(egui::Label::new(title).truncate());
                });
                cells.col(|ui| {
                    ui.label(row.policy.name()).on_hover_text(about_policy(row.policy));
                });
                for (number, (_, _, about)) in row.numbers().into_iter().zip(NUMBERS) {
                    let is_none = number.starts_with("0 ") || number == "–";
                    let words = RichText::new(number);
                    let words = if is_none { words.weak() } else { words };
                    cells.col(|ui| {
                        right_ui(ui, |ui| drop(ui.label(words).on_hover_text(about)));
                    });
                }
            });
        });
}

/// Numbers stand at the right.
fn right_ui(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.with_layout(Layout::right_to_left(Align::Center), add);
}
