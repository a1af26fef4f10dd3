//! The lengths figure: per task, how long the contexts of each strategy are.

use super::strategies::{color, ordered, strategy_title, task_title, tasks};
use crate::figure::{Axis, Figure, LegendEntry, Mark, Paint, Panel, Swatch, palette};
use crate::lengths::{Field, Group, Lengths, Unit};
use crate::stats;

/// A panel per task: the density of the context lengths of each strategy over a log2 axis, each
/// record as a point under it, the medians as rules. Lengths are in tokens where they were counted,
/// else in words.
pub fn lengths_figure(lengths: &Lengths) -> Figure {
    let unit = if lengths.tokenizer.is_some() { Unit::Tokens } else { Unit::Words };
    let groups: Vec<&Group> = lengths
        .groups
        .iter()
        .filter(|group| group.field == Field::Context && group.unit == unit)
        .collect();
    let label = match &lengths.tokenizer {
        Some(tokenizer) => format!("context length (tokens, {tokenizer})"),
        None => "context length (words)".to_owned(),
    };
    let least = groups.iter().map(|group| group.summary.min).fold(f64::INFINITY, f64::min).max(1.0);
    let most = groups.iter().map(|group| group.summary.max).fold(1.0, f64::max);
    let range = (least / 1.5, most * 1.5);
    let strategies = ordered(groups.iter().map(|group| &group.strategy));
    let names = tasks(groups.iter().map(|group| group.task.as_str()));
    let of_task = |task: &str| -> Vec<(&Group, usize)> {
        let found = strategies.iter().filter_map(|(strategy, place)| {
            let group = groups.iter().find(|g| g.task == task && g.strategy == *strategy);
            group.map(|group| (*group, *place))
        });
        found.collect()
    };
    let panels: Vec<(&String, Vec<Mark>)> = names
        .iter()
        .map(|task| {
            let groups = of_task(task);
            let curves = groups.iter().flat_map(|(group, place)| curve(group, *place, range));
            (task, curves.collect())
        })
        .collect();
    let top = panels.iter().flat_map(|(_, marks)| marks).map(highest).fold(0.1, f64::max) * 1.08;
    let panels: Vec<Panel> = panels
        .into_iter()
        .map(|(task, mut marks)| {
            let groups = of_task(task);
            marks.extend(groups.iter().map(|(group, place)| points(group, *place, top)));
            let ns: Vec<usize> = groups.iter().map(|(group, _)| group.summary.n).collect();
            Panel {
                title: format!("{} ({})", task_title(task), counted(&ns)),
                x: Axis::log2(&label, range.0, range.1),
                y: Axis::linear("density", -0.24 * top, top),
                marks,
            }
        })
        .collect();
    let legend = strategies
        .iter()
        .map(|(strategy, place)| LegendEntry {
            label: strategy_title(strategy),
            swatch: Swatch::Line,
            paint: Paint::new(color(*place)).dash(palette::dash(*place)),
        })
        .collect();
    Figure {
        title: "Context lengths".into(),
        caption: "Gaussian kernel density of the logarithm of the length (Silverman's bandwidth); each \
                  point under the axis is a record, vertical lines are medians; n records per strategy."
            .into(),
        columns: panels.len().clamp(1, 4),
        panels,
        panel_height_in: 1.25,
        legend,
        ..Figure::default()
    }
}

fn highest(mark: &Mark) -> f64 {
    match mark {
        Mark::Line { xy, .. } => xy.iter().map(|[_, y]| *y).fold(0.0, f64::max),
        _ => 0.0,
    }
}

/// "n = 3", or "n = 2 to 3" where the strategies differ.
fn counted(ns: &[usize]) -> String {
    match (ns.iter().min(), ns.iter().max()) {
        (Some(least), Some(most)) if least < most => format!("n = {least} to {most}"),
        (Some(n), _) => format!("n = {n}"),
        _ => "n = 0".to_owned(),
    }
}

/// A strategy's records as a row of points under the axis of a panel whose highest value is `top`.
fn points(group: &Group, place: usize, top: f64) -> Mark {
    let row = -top * (0.05 + 0.055 * (place % 4) as f64);
    Mark::Points {
        series: strategy_title(&group.strategy),
        xy: group.lengths.iter().map(|n| [*n, row]).collect(),
        marker: palette::marker(place),
        size_pt: 2.2,
        paint: Paint::new(color(place)).alpha(0.7),
    }
}

fn curve(group: &Group, place: usize, range: (f64, f64)) -> [Mark; 3] {
    let paint = Paint::new(color(place)).dash(palette::dash(place));
    let series = strategy_title(&group.strategy);
    let logs: Vec<f64> = group.lengths.iter().map(|n| n.max(1.0).log2()).collect();
    let at = stats::log_edges(range.0, range.1, 160);
    let at_logs: Vec<f64> = at.iter().map(|x| x.log2()).collect();
    // A few records of nearly one length would give a needle that flattens all other curves.
    let bandwidth = stats::silverman_bandwidth(&logs).unwrap_or(0.1).max(0.1);
    let density = stats::kde(&logs, &at_logs, bandwidth);
    [
        Mark::Band {
            series: series.clone(),
            x: at.clone(),
            lo: vec![0.0; at.len()],
            hi: density.clone(),
            paint: paint.alpha(0.15),
        },
        Mark::Line {
            series: series.clone(),
            xy: at.iter().zip(density).map(|(x, y)| [*x, y]).collect(),
            paint,
        },
        Mark::Rule { series, at: group.summary.p50, horizontal: false, paint: paint.width(0.6) },
    ]
}
