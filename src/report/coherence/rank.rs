//! The own-rank curve: among how many contexts the own one is found.

use super::super::strategies::{color, strategy_title, task_title};
use super::Scene;
use crate::coherence::Coherence;
use crate::data::StrategyId;
use crate::figure::{Axis, Dash, Figure, LegendEntry, Mark, Paint, Panel, Swatch, palette};

/// A panel per task: the share of records whose own context is among the first r by the likelihood of
/// the instruction.
pub(super) fn figure(scene: &Scene<'_>) -> Figure {
    let n_contexts = scene.rows.iter().filter(|row| ranked(row)).map(|row| row.shuffles + 1).max();
    let panels: Vec<Panel> = match n_contexts {
        Some(n_contexts) => (scene.tasks.iter())
            .filter(|task| has_ranks(scene.rows, task))
            .map(|task| panel(scene, task, n_contexts))
            .collect(),
        None => Vec::new(),
    };
    let mut legend = scene.legend(|_| Swatch::Line);
    legend.push(LegendEntry {
        label: "chance".into(),
        swatch: Swatch::Line,
        paint: chance_paint(),
    });
    Figure {
        title: "Rank of the own context".into(),
        caption: format!(
            "Share of records whose own context is among the first r of all contexts that were tried, by the \
             log-probability of the instruction{}; ties share the mean rank. Tasks whose instructions \
             are all the same have no rank.",
            scene.scored_by()
        ),
        columns: panels.len().clamp(1, 4),
        panels,
        panel_height_in: 1.25,
        legend,
        ..Figure::default()
    }
}

fn chance_paint() -> Paint {
    Paint::new([110; 3]).width(0.8).dash(Dash::Dotted)
}

/// Where all instructions of a group are one, the AUC is null, and a rank says no more.
fn ranked(row: &Coherence) -> bool {
    row.own_rank.is_some() && row.auc_instruction.is_some() && row.shuffles > 0
}

/// Whether a task has a panel.
pub(super) fn has_ranks(rows: &[&Coherence], task: &str) -> bool {
    rows.iter().any(|row| row.task == task && ranked(row))
}

fn panel(scene: &Scene<'_>, task: &str, n_contexts: usize) -> Panel {
    let stairs = |share: &dyn Fn(usize) -> f64| -> Vec<[f64; 2]> {
        (1..=n_contexts).map(|rank| [rank as f64, share(rank)]).collect()
    };
    let chance = stairs(&|rank| rank as f64 / n_contexts as f64);
    let mut marks = vec![Mark::Line { series: "chance".into(), xy: chance, paint: chance_paint() }];
    for (strategy, place) in &scene.strategies {
        let ranks = ranks(scene, task, strategy);
        if ranks.is_empty() {
            continue;
        }
        let within = |rank: usize| ranks.iter().filter(|own| **own <= rank as f64).count();
        let xy = stairs(&|rank| within(rank) as f64 / ranks.len() as f64);
        let series = strategy_title(strategy);
        let paint = Paint::new(color(*place));
        let dashed = paint.dash(palette::dash(*place)).width(1.2);
        marks.push(Mark::Line { series: series.clone(), xy: xy.clone(), paint: dashed });
        let (marker, ids) = (palette::marker(*place), Vec::new());
        marks.push(Mark::Points { series, xy, ids, marker, size_pt: 3.5, paint });
    }
    let mut x = Axis::linear("rank r", 0.75, n_contexts as f64 + 0.25);
    x.ticks.retain(|tick| tick.at.fract() == 0.0);
    for tick in &mut x.ticks {
        tick.label = tick.at.to_string();
    }
    Panel { title: task_title(task), x, y: Axis::linear("share of records", 0.0, 1.04), marks }
}

fn ranks(scene: &Scene<'_>, task: &str, strategy: &StrategyId) -> Vec<f64> {
    let rows = scene.of_group(task, strategy);
    rows.iter().filter(|row| ranked(row)).filter_map(|row| row.own_rank).collect()
}
