//! The gains, effects and AUC of each group as cells.

use super::super::comparison::Table;
use super::super::strategies::{strategy_title, task_title};
use super::scored_by;
use crate::coherence::{Estimate, GroupSummary, Summary};

/// A row per strategy and task.
pub fn coherence_table(summary: &Summary) -> Table {
    let columns = [
        "task: strategy",
        "n",
        "instruction gain: own [95%]",
        "other",
        "d_z",
        "AUC [95%]",
        "answer gain: own [95%]",
        "other",
        "d_z",
        "AUC [95%]",
    ];
    Table {
        title: format!("Coherence (nats per token){}", scored_by(summary)),
        columns: columns.map(str::to_owned).to_vec(),
        rows: summary.groups.iter().map(cells).collect(),
        notes: vec![
            format!(
                "own: gain in log-probability that the own context brings over none; other: the mean of {} \
                 other context(s) of the same task; d_z: mean of own less other in its standard \
                 deviations; AUC: share of the other contexts that the own one beats",
                summary.shuffles
            ),
            "intervals are 95% percentile bootstrap intervals over records".to_owned(),
        ],
    }
}

/// The same for a page: instruction and answer below each other, as side by side they are wider
/// than the text of a page, and no signs before numbers that are all gains.
pub fn coherence_latex(summary: &Summary) -> String {
    let whole = coherence_table(summary);
    let part = |(name, first): (&str, usize)| {
        let columns = ["task: strategy", "n", "own [95%]", "other", "d_z", "AUC [95%]"];
        let row = |row: &Vec<String>| {
            let part = row[..2].iter().chain(&row[first..first + 4]);
            part.map(|cell| cell.replace('+', "")).collect()
        };
        Table {
            title: whole.title.replace("Coherence", &format!("Coherence of the {name}")),
            columns: columns.map(str::to_owned).to_vec(),
            rows: whole.rows.iter().map(row).collect(),
            notes: whole.notes.clone(),
        }
        .to_latex()
    };
    [("instruction", 2), ("answer", 6)].map(part).join("\n")
}

fn cells(group: &GroupSummary) -> Vec<String> {
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let gain = |e: Option<Estimate>| {
        text(e.map(|e| format!("{:+.2} [{:+.2}, {:+.2}]", e.mean, e.ci95[0], e.ci95[1])))
    };
    let mean = |e: Option<Estimate>| text(e.map(|e| format!("{:+.2}", e.mean)));
    let effect = |d: Option<f64>| text(d.map(|d| format!("{d:+.2}")));
    let auc = |auc: Option<f64>, ci: Option<[f64; 2]>| {
        text(auc.zip(ci).map(|(auc, [lo, hi])| format!("{auc:.2} [{lo:.2}, {hi:.2}]")))
    };
    vec![
        format!("{}: {}", task_title(&group.task), strategy_title(&group.strategy)),
        group.n.to_string(),
        gain(group.instruction_gain),
        mean(group.instruction_gain_shuffled),
        effect(group.effect_instruction),
        auc(group.auc_instruction, group.auc_instruction_ci95),
        gain(group.answer_gain),
        mean(group.answer_gain_shuffled),
        effect(group.effect_answer),
        auc(group.auc_answer, group.auc_answer_ci95),
    ]
}
