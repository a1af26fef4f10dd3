//! Bars: the mean gain with the own context beside that with other contexts.

use super::super::bars::{Bar, bar_marks, breadth, fillings};
use super::super::strategies::{color, ordered, strategy_title, task_title, tasks};
use super::{scored_by, zero};
use crate::coherence::{Estimate, GroupSummary, Summary};
use crate::data::StrategyId;
use crate::figure::{Axis, Figure, Hatch, LegendEntry, Paint, Panel, Swatch};

/// What a panel shows of a group: its y label, and the gains with the own and the other contexts.
type Gains = fn(&GroupSummary) -> (Option<Estimate>, Option<Estimate>);

/// Two panels (instruction, answer): per task and strategy the gain with the own context (filled)
/// and with other contexts (open), with 95% intervals.
pub(super) fn figure(summary: &Summary) -> Figure {
    let strategies = ordered(summary.groups.iter().map(|group| &group.strategy));
    let names = tasks(summary.groups.iter().map(|group| group.task.as_str()));
    let panels: [(&str, &str, Gains); 2] = [
        ("Instruction", "instruction gain (nats per token)", |g| {
            (g.instruction_gain, g.instruction_gain_shuffled)
        }),
        ("Answer", "answer gain (nats per token)", |g| (g.answer_gain, g.answer_gain_shuffled)),
    ];
    let panels = panels
        .iter()
        .map(|(name, label, gains)| panel(summary, &strategies, &names, name, label, *gains))
        .collect();
    let mut legend: Vec<LegendEntry> = strategies
        .iter()
        .map(|(strategy, place)| LegendEntry {
            label: strategy_title(strategy),
            swatch: Swatch::Patch(fillings(*place)[0]),
            paint: Paint::new(color(*place)).width(0.6),
        })
        .collect();
    legend.push(LegendEntry {
        label: "other contexts".into(),
        swatch: Swatch::Patch(Hatch::Open),
        paint: Paint::new([90, 90, 90]).width(0.6),
    });
    let mut ns: Vec<usize> = summary.groups.iter().map(|group| group.n).collect();
    ns.sort_unstable();
    let n = match (ns.first(), ns.last()) {
        (Some(least), Some(most)) if least == most => format!("n = {least}"),
        (Some(least), Some(most)) => format!("n = {least} to {most}"),
        _ => "n = 0".to_owned(),
    };
    Figure {
        title: "Instruction-context coherence".into(),
        caption: format!(
            "Gain in log-probability over no context{}. Filled: the record's own context; \
             open: the mean over {} other context(s) of the same task. Whiskers: 95% percentile \
             bootstrap intervals over records; {n} records per task and strategy.",
            scored_by(summary),
            summary.shuffles
        ),
        panels,
        columns: 1,
        panel_height_in: 1.9,
        legend,
        ..Figure::default()
    }
}

fn panel(
    summary: &Summary,
    strategies: &[(StrategyId, usize)],
    names: &[String],
    name: &str,
    label: &str,
    gains: Gains,
) -> Panel {
    let mut marks = vec![zero(true)];
    let (mut lowest, mut highest) = (0.0f64, 0.0f64);
    let breadth = breadth(names.len());
    let width = breadth / (2 * strategies.len()).max(1) as f64;
    for (ix, (strategy, place)) in strategies.iter().enumerate() {
        for (side, hatch) in fillings(*place).into_iter().enumerate() {
            let mut bars = Vec::new();
            for (task_ix, task) in names.iter().enumerate() {
                let group =
                    summary.groups.iter().find(|g| g.task == *task && g.strategy == *strategy);
                let estimate = group.map(gains).and_then(|g| if side == 0 { g.0 } else { g.1 });
                if let Some(estimate) = estimate {
                    let x = task_ix as f64 - breadth / 2.0 + width * (2 * ix + side) as f64;
                    lowest = lowest.min(estimate.ci95[0]);
                    highest = highest.max(estimate.ci95[1]);
                    bars.push(Bar { x, value: estimate.mean, ci95: Some(estimate.ci95) });
                }
            }
            let kind = if side == 0 { "own" } else { "other" };
            let series = format!("{}, {kind} context", strategy_title(strategy));
            marks.extend(bar_marks(&series, &bars, width, hatch, Paint::new(color(*place))));
        }
    }
    let margin = 0.06 * (highest - lowest).max(0.1);
    let tasks: Vec<String> = names.iter().map(|task| task_title(task)).collect();
    Panel {
        title: name.to_owned(),
        x: Axis::category("", tasks),
        y: Axis::linear(label, if lowest < 0.0 { lowest - margin } else { 0.0 }, highest + margin),
        marks,
    }
}
