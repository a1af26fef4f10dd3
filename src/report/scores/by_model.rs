//! Scores of each model, task by task in the paper's groups.

use super::super::bars::{bar_marks, breadth};
use super::super::comparison::Table;
use super::super::strategies::{color, places};
use super::{
    ModelScores, Spot, TaskGroup, bars, groups, lines, of_intervals, of_paper, reference_line,
    reference_paint, score_axis, spots, titled,
};
use crate::figure::{Axis, Figure, LegendEntry, Paint, Panel, Swatch, palette};

/// A panel per group of tasks: a bar per task and model, and the mean over the group's tasks; the
/// reference as a line.
pub fn scores_figure(models: &[ModelScores], reference: Option<&ModelScores>) -> Figure {
    let all = || models.iter().chain(reference).map(|model| &model.results);
    let groups = groups(all());
    let places = places(models.iter().map(|model| model.name.as_str()));
    let y = score_axis(&lines(&groups), all());
    let panel = |group: &TaskGroup, spots: &[Spot]| {
        let n_bars = models.len().max(1) as f64;
        let breadth = breadth(spots.len());
        let width = breadth / n_bars;
        let mut marks = Vec::new();
        for (ix, (model, place)) in models.iter().zip(&places).enumerate() {
            let left = width * ix as f64 - breadth / 2.0;
            let drawn = bars(spots, &model.results, left);
            let (hatch, paint) = (palette::hatch(*place), Paint::new(color(*place)));
            marks.extend(bar_marks(&titled(&model.name), &drawn, width, hatch, paint));
        }
        if let Some(ModelScores { name, results }) = reference {
            marks.push(reference_line(&titled(name), spots, results));
        }
        Panel {
            title: group.title.clone(),
            x: Axis::category("", spots.iter().map(Spot::title).collect()),
            y: y.clone(),
            marks,
        }
    };
    let mut panels: Vec<Panel> = groups.iter().map(|group| panel(group, &spots(group))).collect();
    if let Some(paper) = of_paper(&groups) {
        let mean = Spot::Mean { title: "mean".into(), of: paper.tasks.clone() };
        panels.push(panel(&paper, &[mean]));
    }
    let bar = |(model, place): (&ModelScores, &usize)| LegendEntry {
        label: titled(&model.name),
        swatch: Swatch::Patch(palette::hatch(*place)),
        paint: Paint::new(color(*place)).width(0.6),
    };
    let line = |model: &ModelScores| LegendEntry {
        label: titled(&model.name),
        swatch: Swatch::Line,
        paint: reference_paint(),
    };
    Figure {
        title: "LongBench scores".into(),
        caption: format!(
            "Scores as LongBench grades them. A mean is over the tasks of its panel and stands only where a \
             model has them all.{}{}",
            reference.map_or_else(String::new, |r| format!(" Dashed line: {}.", titled(&r.name))),
            of_intervals(all())
        ),
        columns: 2,
        panels,
        panel_height_in: 1.5,
        legend: models.iter().zip(&places).map(bar).chain(reference.map(line)).collect(),
        ..Figure::default()
    }
}

/// A row per task and mean, a column per model, the reference last.
pub fn scores_table(models: &[ModelScores], reference: Option<&ModelScores>) -> Table {
    let all = || models.iter().chain(reference);
    let cells = |spot: &Spot| {
        let score = |model: &ModelScores| {
            spot.score(&model.results).map_or_else(|| "-".to_owned(), super::Score::text)
        };
        std::iter::once(spot.title()).chain(all().map(score)).collect()
    };
    Table {
        title: "LongBench scores".into(),
        columns: std::iter::once("task".to_owned()).chain(all().map(|m| titled(&m.name))).collect(),
        rows: lines(&groups(all().map(|model| &model.results))).iter().map(cells).collect(),
        notes: vec![
            "intervals are 95% percentile bootstrap intervals over records, where grades of records are known; \
             a mean is over tasks, and its interval resamples the records within each task"
                .into(),
        ],
    }
}
