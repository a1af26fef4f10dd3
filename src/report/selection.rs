//! The records that a person has chosen, marked in the figures: where they stand among the others.
//!
//! Which records that are is found by `workbench`; the figures themselves belong in `lengths` and
//! `coherence`.

use super::strategies::{ordered, place, strategy_title};
use crate::data::StrategyId;
use crate::figure::{
    Axis, Figure, LegendEntry, Mark, Marker, Paint, Panel, Scale, Swatch, palette,
};

/// The chosen records of a task and strategy, as values of what a panel shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The task, as the records have it.
    pub task: String,
    /// The strategy.
    pub strategy: StrategyId,
    /// A value per record.
    pub values: Vec<f64>,
}

/// The part of a figure that was brushed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Brushed {
    /// The panel.
    pub panel: usize,
    /// The task, where one panel shows several.
    pub task: Option<usize>,
    /// From where to where; an end may be infinite.
    pub range: [f64; 2],
}

/// Points of a strategy in a panel; more would stand on one another.
const MOST_POINTS: usize = 200;
/// From the top of a panel to the first row of points, and to the next, as shares of its height.
const FIRST_ROW: f64 = 0.05;
const ROW: f64 = 0.05;
/// Points of chosen records are easily told from the others.
const SIZE_PT: f64 = 4.2;

/// The lengths figure with the chosen records as large points: where it shows records as points,
/// on these, else in rows at the top. `tasks` are those of its panels.
pub fn lengths_with_selection(
    figure: &Figure,
    tasks: &[String],
    chosen: &[Chosen],
    brushed: Option<Brushed>,
) -> Figure {
    let mut figure = with_band(figure, brushed);
    let rows = ordered(chosen.iter().map(|chosen| &chosen.strategy));
    for (panel, task) in figure.panels.iter_mut().zip(tasks) {
        for (row, (strategy, _)) in rows.iter().enumerate() {
            let is_here = |c: &&Chosen| c.task == *task && c.strategy == *strategy;
            let values: Vec<f64> =
                chosen.iter().filter(is_here).flat_map(|c| c.values.iter().copied()).collect();
            let [lo, hi] = panel.y.range;
            let top = hi - (hi - lo) * (FIRST_ROW + ROW * row as f64);
            let y = row_of_points(panel, strategy).unwrap_or(top);
            let xy = spread(&panel.x, &values).into_iter().map(|x| [x, y]).collect();
            panel.marks.extend(points(strategy, xy));
        }
    }
    told(figure, chosen, "Large points: the selected records.")
}

/// The coherence figure with the gains of the chosen records as points on the bars of their own
/// contexts; `chosen` has those of each panel. `tasks` are those of the category axis. The axes stay
/// as they are, or a plot would change under the hand of who brushes it.
pub fn gains_with_selection(
    figure: &Figure,
    tasks: &[String],
    chosen: &[Vec<Chosen>],
    brushed: Option<Brushed>,
) -> Figure {
    let mut figure = figure.clone();
    for (panel, chosen) in figure.panels.iter_mut().zip(chosen) {
        let marks: Vec<Mark> = chosen
            .iter()
            .filter_map(|group| {
                let task = tasks.iter().position(|task| *task == group.task)?;
                let x = middle_of_bar(panel, &group.strategy, task)?;
                let [lo, hi] = panel.y.range;
                let seen: Vec<f64> = group.values.iter().map(|gain| gain.clamp(lo, hi)).collect();
                let ys = spread(&panel.y, &seen);
                points(&group.strategy, ys.into_iter().map(|y| [x, y]).collect())
            })
            .collect();
        panel.marks.extend(marks);
    }
    let figure = with_band(&figure, brushed);
    let first = chosen.first().map_or(&[][..], Vec::as_slice);
    told(
        figure,
        first,
        "Points: the gains of the selected records with their own contexts; those beyond an axis stand at its end.",
    )
}

/// The figure with what was brushed shaded.
fn with_band(figure: &Figure, brushed: Option<Brushed>) -> Figure {
    let mut figure = figure.clone();
    let Some(Brushed { panel, task, range }) = brushed else { return figure };
    if let Some(panel) = figure.panels.get_mut(panel) {
        let within = |axis: &Axis| [0, 1].map(|ix| range[ix].clamp(axis.range[0], axis.range[1]));
        let ([left, right], [bottom, top]) = match task {
            Some(task) => ([task as f64 - 0.5, task as f64 + 0.5], within(&panel.y)),
            None => (within(&panel.x), panel.y.range),
        };
        let band = Mark::Band {
            series: "selected range".into(),
            x: vec![left, right],
            lo: vec![bottom; 2],
            hi: vec![top; 2],
            paint: Paint::new([128; 3]).alpha(0.25),
        };
        panel.marks.insert(0, band);
    }
    figure
}

/// Legend and caption that say what the points are.
fn told(mut figure: Figure, chosen: &[Chosen], words: &str) -> Figure {
    if chosen.iter().any(|group| !group.values.is_empty()) {
        figure.legend.push(LegendEntry {
            label: "selected records".into(),
            swatch: Swatch::Point(Marker::Circle),
            paint: Paint::new([0; 3]),
        });
        figure.caption = format!("{} {words}", figure.caption);
    }
    figure
}

fn points(strategy: &StrategyId, xy: Vec<[f64; 2]>) -> Option<Mark> {
    (!xy.is_empty()).then(|| Mark::Points {
        series: format!("{}, selected", strategy_title(strategy)),
        xy,
        ids: Vec::new(),
        marker: palette::marker(place(strategy)),
        size_pt: SIZE_PT,
        paint: Paint::new([0; 3]),
    })
}

/// Where the records of a strategy stand as points already.
fn row_of_points(panel: &Panel, strategy: &StrategyId) -> Option<f64> {
    let title = strategy_title(strategy);
    panel.marks.iter().find_map(|mark| match mark {
        Mark::Points { series, xy, .. } if *series == title => xy.first().map(|[_, y]| *y),
        _ => None,
    })
}

fn middle_of_bar(panel: &Panel, strategy: &StrategyId, task: usize) -> Option<f64> {
    let wanted = format!("{}, own context", strategy_title(strategy));
    panel.marks.iter().find_map(|mark| match mark {
        Mark::Bars { series, x0, x1, .. } if *series == wanted => {
            let mut middles = x0.iter().zip(x1).map(|(x0, x1)| (x0 + x1) / 2.0);
            middles.find(|middle| (middle - task as f64).abs() < 0.5)
        }
        _ => None,
    })
}

/// Values of an axis, one for each of some equal parts of it that has any.
fn spread(axis: &Axis, values: &[f64]) -> Vec<f64> {
    let is_log = matches!(axis.scale, Scale::Log2 | Scale::Log10);
    let shown = |value: f64| if is_log { value.max(axis.range[0].max(1.0)) } else { value };
    let measure = |value: f64| if is_log { value.log2() } else { value };
    let [lo, hi] = axis.range.map(|end| measure(shown(end)));
    let mut values: Vec<f64> = values.iter().map(|value| shown(*value)).collect();
    values.sort_by(f64::total_cmp);
    let part =
        |value: &mut f64| ((measure(*value) - lo) / (hi - lo) * MOST_POINTS as f64).floor() as i64;
    values.dedup_by_key(part);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lengths::{Field, Group, Lengths, Unit};
    use crate::report::{LengthsView, lengths_figure};
    use crate::stats;

    fn lengths(n: u32) -> Lengths {
        let all: Vec<f64> = (1..=n).map(|i| f64::from(i * 10)).collect();
        let group = |task: &str| Group {
            strategy: "human".into(),
            task: task.into(),
            field: Field::Context,
            unit: Unit::Words,
            summary: stats::summarize(&all).unwrap(),
            lengths: all.clone(),
            records: Vec::new(),
        };
        Lengths { tokenizer: None, groups: vec![group("qasper"), group("hotpotqa")] }
    }

    fn chosen(values: &[f64]) -> Chosen {
        Chosen { task: "hotpotqa".into(), strategy: "human".into(), values: values.to_vec() }
    }

    fn marked(panel: &Panel) -> Vec<[f64; 2]> {
        let all = panel.marks.iter().filter_map(|mark| match mark {
            Mark::Points { series, xy, .. } if series == "human, selected" => Some(xy.clone()),
            _ => None,
        });
        all.flatten().collect()
    }

    #[test]
    fn chosen_records_stand_on_their_points_in_the_panel_of_their_task() {
        let all = lengths(40);
        let figure = lengths_figure(&all, LengthsView::usual(&all));
        let tasks = ["qasper", "hotpotqa"].map(str::to_owned);
        let brushed = Brushed { panel: 1, task: None, range: [95.0, 125.0] };
        let with = lengths_with_selection(
            &figure,
            &tasks,
            &[chosen(&[100.0, 110.0, 120.0])],
            Some(brushed),
        );
        assert_eq!(marked(&with.panels[0]), [[0.0; 2]; 0]);
        let points = marked(&with.panels[1]);
        assert_eq!(points.iter().map(|p| p[0]).collect::<Vec<_>>(), [100.0, 110.0, 120.0]);
        let row = row_of_points(&figure.panels[1], &"human".into()).unwrap();
        assert!(points.iter().all(|point| point[1] == row));
        assert!(matches!(&with.panels[1].marks[0], Mark::Band { x, .. } if *x == [95.0, 125.0]));
        assert!(with.caption.ends_with("the selected records."), "{}", with.caption);
        assert_eq!(with.legend.len(), figure.legend.len() + 1);
    }

    #[test]
    fn a_million_chosen_records_are_few_points() {
        let all = lengths(2000);
        let figure = lengths_figure(&all, LengthsView::usual(&all));
        let values: Vec<f64> = (0..1_000_000).map(|i| f64::from(i % 20_000)).collect();
        let tasks = ["qasper", "hotpotqa"].map(str::to_owned);
        let with = lengths_with_selection(&figure, &tasks, &[chosen(&values)], None);
        let points = marked(&with.panels[1]);
        assert!((20..=MOST_POINTS + 2).contains(&points.len()), "{}", points.len());
        let [lo, hi] = with.panels[1].y.range;
        assert!(points.iter().all(|[_, y]| (lo..hi).contains(y)));
    }
}
