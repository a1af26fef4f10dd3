//! A point per record: one gain over the other, or both over the context's length.

use super::super::strategies::{color, strategy_title, task_title};
use super::{Scene, with_zero, zero};
use crate::coherence::{Coherence, Estimate, Measure};
use crate::data::StrategyId;
use crate::figure::{Axis, Figure, Mark, Paint, Panel, Swatch, palette};
use crate::stats;

/// A panel per task: the answer gain of each record over its instruction gain, and the means of each
/// strategy with their intervals.
pub(super) fn scatter(scene: &Scene<'_>) -> Figure {
    let of = |measure: Measure| scene.rows.iter().filter_map(move |row| measure.of(row));
    let [x, y] = [Measure::InstructionGain, Measure::AnswerGain].map(|measure| {
        let [lo, hi] = with_zero(of(measure));
        Axis::linear(measure.title(), lo, hi)
    });
    let panels = scene.tasks.iter().map(|task| {
        let mut marks = vec![zero(true), zero(false)];
        for (strategy, place) in &scene.strategies {
            let pair = |row: &Coherence| row.instruction_gain.zip(row.answer_gain);
            let rows = scene.of_group(task, strategy);
            let spots = rows.iter().filter_map(|row| Some((pair(row)?.into(), *row))).collect();
            marks.push(cloud(strategy, *place, spots));
        }
        for (strategy, place) in &scene.strategies {
            marks.extend(cross(scene, task, strategy, *place));
        }
        Panel { title: titled(scene, task), x: x.clone(), y: y.clone(), marks }
    });
    Figure {
        title: "Answer gain over instruction gain".into(),
        caption: format!(
            "Gains in log-probability that the own context brings over none{}. Each point is a record; \
             crosses are means with 95% percentile bootstrap intervals.",
            scene.scored_by()
        ),
        columns: scene.tasks.len().clamp(1, 4),
        panels: panels.collect(),
        panel_height_in: 1.5,
        legend: scene.legend(|place| Swatch::Point(palette::marker(place))),
        ..Figure::default()
    }
}

/// How many tasks stand beside each other.
fn n_columns(tasks: &[String]) -> usize {
    tasks.len().clamp(1, 4)
}

/// The tasks of a row of panels with the one gain, then the same tasks with the other, and so on.
pub(super) fn rows_of_panels(tasks: &[String]) -> impl Iterator<Item = (&String, Measure)> {
    tasks.chunks(n_columns(tasks)).flat_map(|tasks| {
        [Measure::InstructionGain, Measure::AnswerGain]
            .into_iter()
            .flat_map(move |measure| tasks.iter().map(move |task| (task, measure)))
    })
}

/// Below each other, per task, the instruction's and the answer's gain of each record over the length
/// of its context, with the means of equally many records as a line.
pub(super) fn over_length(scene: &Scene<'_>) -> Figure {
    let lengths = || scene.rows.iter().map(|row| length(row));
    let least = lengths().fold(f64::INFINITY, f64::min);
    let most = lengths().fold(1.0, f64::max);
    let x = Axis::log2("context length (tokens)", least.min(most) / 1.2, most * 1.2);
    let rows = rows_of_panels(&scene.tasks);
    let panels = rows.map(|(task, measure)| {
        let [lo, hi] = with_zero(scene.rows.iter().filter_map(|row| measure.of(row)));
        let mut marks = vec![zero(true)];
        let mut lines = Vec::new();
        for (strategy, place) in &scene.strategies {
            let rows = scene.of_group(task, strategy);
            let spot = |row: &Coherence| Some([length(row), measure.of(row)?]);
            let spots: Vec<_> = rows.iter().filter_map(|row| Some((spot(row)?, *row))).collect();
            let xy: Vec<[f64; 2]> = spots.iter().map(|(at, _)| *at).collect();
            lines.push(trend(strategy, *place, xy));
            marks.push(cloud(strategy, *place, spots));
        }
        marks.extend(lines.into_iter().flatten());
        Panel {
            title: titled(scene, task),
            x: x.clone(),
            y: Axis::linear(measure.title(), lo, hi),
            marks,
        }
    });
    Figure {
        title: "Coherence over context length".into(),
        caption: format!(
            "Gains in log-probability that the own context brings over none{}, in whose tokens contexts are \
             counted. Each point is a record; lines \
             join the means of bins of {LEAST_IN_BIN} or more records, equally many in each, at \
             their median length.{}",
            scene.scored_by(),
            cut_off(scene)
        ),
        columns: n_columns(&scene.tasks),
        panels: panels.collect(),
        panel_height_in: 1.1,
        legend: scene.legend(|place| Swatch::Point(palette::marker(place))),
        ..Figure::default()
    }
}

/// Nothing stands at 0 on a log axis: an empty context stands at 1.
fn length(row: &Coherence) -> f64 {
    row.n_context_tokens.max(1) as f64
}

/// What must be said where the scorer did not see whole contexts.
fn cut_off(scene: &Scene<'_>) -> String {
    match scene.rows.iter().filter(|row| row.truncated).count() {
        0 => String::new(),
        n => format!(" Of {n} records the scorer saw only a part of the context."),
    }
}

/// "HotpotQA (n = 40)", "HotpotQA (n = 38\u{2013}40)".
fn titled(scene: &Scene<'_>, task: &str) -> String {
    let groups = scene.summary.groups.iter().filter(|group| group.task == task);
    let ns: Vec<usize> = groups.map(|group| group.n).collect();
    let (least, most) = (ns.iter().min().unwrap_or(&0), ns.iter().max().unwrap_or(&0));
    match least < most {
        true => format!("{} (n = {least}\u{2013}{most})", task_title(task)),
        false => format!("{} (n = {most})", task_title(task)),
    }
}

/// The records of a strategy, each with its id.
fn cloud(strategy: &StrategyId, place: usize, spots: Vec<([f64; 2], &Coherence)>) -> Mark {
    Mark::Points {
        series: strategy_title(strategy),
        xy: spots.iter().map(|(at, _)| *at).collect(),
        ids: spots.iter().map(|(_, row)| row.id.to_string()).collect(),
        marker: palette::marker(place),
        size_pt: 3.0,
        paint: Paint::new(color(place)).alpha(0.55),
    }
}

/// The means of both gains, each with its interval.
fn cross(scene: &Scene<'_>, task: &str, strategy: &StrategyId, place: usize) -> Vec<Mark> {
    let groups = &scene.summary.groups;
    let Some(group) = groups.iter().find(|g| g.task == task && g.strategy == *strategy) else {
        return Vec::new();
    };
    let Some((x, y)) = group.instruction_gain.zip(group.answer_gain) else { return Vec::new() };
    let arm = |at: f64, estimate: Estimate, horizontal| Mark::ErrorBars {
        series: format!("{}, mean", strategy_title(strategy)),
        x: vec![at],
        lo: vec![estimate.ci95[0]],
        hi: vec![estimate.ci95[1]],
        horizontal,
        paint: Paint::new(color(place)).width(1.4),
    };
    vec![arm(y.mean, x, true), arm(x.mean, y, false)]
}

/// Fewer records have no mean worth a line.
const LEAST_IN_BIN: usize = 5;
/// More bins would follow single records.
const MOST_BINS: usize = 5;

/// The mean gain in bins of equally many records, at their median length.
fn trend(strategy: &StrategyId, place: usize, mut xy: Vec<[f64; 2]>) -> Option<Mark> {
    let n_bins = (xy.len() / LEAST_IN_BIN).min(MOST_BINS);
    if n_bins < 2 {
        return None;
    }
    xy.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let bin = |ix: usize| &xy[ix * xy.len() / n_bins..(ix + 1) * xy.len() / n_bins];
    let vertex = |bin: &[[f64; 2]]| {
        let of = |side: usize| bin.iter().map(|at| at[side]).collect::<Vec<f64>>();
        Some([stats::quantile(&of(0), 0.5)?, stats::mean(&of(1))?])
    };
    Some(Mark::Line {
        series: format!("{}, means", strategy_title(strategy)),
        xy: (0..n_bins).map(bin).filter_map(vertex).collect(),
        paint: Paint::new(color(place)).width(1.3).dash(palette::dash(place)),
    })
}
