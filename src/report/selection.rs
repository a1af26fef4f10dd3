//! The records that a person has chosen, marked in the figures: where they stand among the others.
//!
//! Which records that are is found by `workbench`; the figures themselves belong in `lengths` and
//! `coherence`.

use super::strategies::{ordered, place, strategy_title};
use crate::coherence::{Coherence, Measure};
use crate::data::StrategyId;
use crate::figure::{
    Axis, Figure, LegendEntry, Mark, Marker, Paint, Panel, Scale, Swatch, palette,
};
use crate::lengths::{Field, Unit};
use std::collections::BTreeSet;

/// A number of a record that an axis measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// The length of a part.
    Length(Field, Unit),
    /// A measure of coherence.
    Measure(Measure),
    /// The length of the context in the scorer's tokens; nothing stands at 0 on a log axis, so an
    /// empty context counts as 1.
    ScoredContext,
    /// The rank of the own context among all that were tried.
    OwnRank,
}

impl Value {
    /// That of a coherence row; `None` where the row has none, and for lengths of datasets.
    pub fn of(self, row: &Coherence) -> Option<f64> {
        match self {
            Self::Length(..) => None,
            Self::Measure(measure) => measure.of(row),
            Self::ScoredContext => Some(row.n_context_tokens.max(1) as f64),
            Self::OwnRank => row.own_rank,
        }
    }
}

/// What a panel is of, so that a range of it means records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelOf {
    /// The task; `None`: all, as the categories of the horizontal axis.
    pub task: Option<String>,
    /// What the horizontal axis measures of a record, where it does.
    pub x: Option<Value>,
    /// The same of the vertical axis.
    pub y: Option<Value>,
}

/// The chosen records of a task and strategy in a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen<'a> {
    /// The task, as the records have it.
    pub task: &'a str,
    /// The strategy.
    pub strategy: &'a StrategyId,
    /// The values of each record on both axes; NaN on one that measures nothing of it.
    pub xy: Vec<[f64; 2]>,
    /// Which records these are, in the same order; may be empty.
    pub ids: Vec<&'a str>,
}

/// The part of a figure that was brushed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Brushed {
    /// The panel.
    pub panel: usize,
    /// The category, where one panel shows several tasks.
    pub category: Option<usize>,
    /// From where to where along x and along y, where that was brushed; an end may be infinite.
    pub ranges: [Option<[f64; 2]>; 2],
}

/// Points of a strategy in a panel along one axis; more would stand on one another.
const MOST_POINTS: usize = 200;
/// Squares along each axis of which a cloud has one point each.
const SQUARES: f64 = 60.0;
/// From the top of a panel to the first row of points, and to the next, as shares of its height.
const FIRST_ROW: f64 = 0.05;
const ROW: f64 = 0.05;
/// Points of chosen records are easily told from the others.
const SIZE_PT: f64 = 4.2;

/// The figure with the chosen records as large points: at their own places where a panel shows
/// records as points, else on the mark of their strategy, else in rows at the top. `chosen` has
/// those of each panel, `tasks` are those of a category axis. The axes stay as they are, or a plot
/// would change under the hand of who brushes it.
pub fn with_selection(
    figure: &Figure,
    tasks: &[String],
    chosen: &[Vec<Chosen<'_>>],
    brushed: &[Brushed],
) -> Figure {
    let mut figure = figure.clone();
    let all = || chosen.iter().flatten();
    let rows = ordered(all().map(|group| group.strategy));
    for (panel, chosen) in figure.panels.iter_mut().zip(chosen) {
        let marks: Vec<Mark> = chosen
            .iter()
            .filter_map(|group| {
                let row = rows.iter().position(|(strategy, _)| strategy == group.strategy)?;
                let (xy, ids) = places(panel, group, row, tasks)?;
                points(group.strategy, xy, ids)
            })
            .collect();
        panel.marks.extend(marks);
    }
    for brushed in brushed {
        shade(&mut figure, *brushed);
    }
    if all().any(|group| !group.xy.is_empty()) {
        figure.legend.push(LegendEntry {
            label: "selected records".into(),
            swatch: Swatch::Point(Marker::Circle),
            paint: Paint::new([0; 3]),
        });
        let words = "Large points: the selected records. Those beyond an axis stand at its end.";
        figure.caption = format!("{} {words}", figure.caption);
    }
    figure
}

/// Points, and of which records they are.
type Spots = (Vec<[f64; 2]>, Vec<String>);

/// Where the records of a group stand in a panel.
fn places(panel: &Panel, group: &Chosen<'_>, row: usize, tasks: &[String]) -> Option<Spots> {
    let measures = |axis: usize| group.xy.iter().any(|at| at[axis].is_finite());
    let along = |axis: usize| -> Vec<f64> { group.xy.iter().map(|at| at[axis]).collect() };
    match [measures(0), measures(1)] {
        [true, true] => Some(cloud(panel, group)),
        [true, false] => {
            let [lo, hi] = panel.y.range;
            let top = hi - (hi - lo) * (FIRST_ROW + ROW * row as f64);
            let y = row_of_points(panel, group.strategy).unwrap_or(top);
            Some((spread(&panel.x, &along(0)).into_iter().map(|x| [x, y]).collect(), Vec::new()))
        }
        [false, true] => {
            let task = tasks.iter().position(|task| *task == group.task)?;
            let x = middle(panel, group.strategy, task)?;
            Some((spread(&panel.y, &along(1)).into_iter().map(|y| [x, y]).collect(), Vec::new()))
        }
        [false, false] => None,
    }
}

/// Of the records in each square of a panel the first.
fn cloud(panel: &Panel, group: &Chosen<'_>) -> Spots {
    let mut taken = BTreeSet::new();
    let (mut xy, mut ids) = (Vec::new(), Vec::new());
    for (ix, at) in group.xy.iter().enumerate() {
        let shown = [held(&panel.x, at[0]), held(&panel.y, at[1])];
        let shares = [panel.x.place(shown[0]), panel.y.place(shown[1])];
        let [Some(across), Some(up)] = shares else { continue };
        if taken.insert([across, up].map(|share| (share * SQUARES).floor() as i64)) {
            xy.push(shown);
            ids.extend(group.ids.get(ix).map(|id| (*id).to_owned()));
        }
    }
    (xy, ids)
}

/// A value where an axis can show it.
fn held(axis: &Axis, value: f64) -> f64 {
    let [a, b] = axis.range;
    if value.is_nan() { value } else { value.clamp(a.min(b), a.max(b)) }
}

/// Shades what was brushed.
fn shade(figure: &mut Figure, Brushed { panel, category, ranges }: Brushed) {
    let Some(panel) = figure.panels.get_mut(panel) else { return };
    let within = |axis: &Axis, range: Option<[f64; 2]>| match range {
        Some(range) => range.map(|end| held(axis, end)),
        None => axis.range,
    };
    let [left, right] = match category {
        Some(ix) => [ix as f64 - 0.5, ix as f64 + 0.5],
        None => within(&panel.x, ranges[0]),
    };
    let [bottom, top] = within(&panel.y, ranges[1]);
    let band = Mark::Band {
        series: "selected range".into(),
        x: vec![left, right],
        lo: vec![bottom; 2],
        hi: vec![top; 2],
        paint: Paint::new([128; 3]).alpha(0.25),
    };
    panel.marks.insert(0, band);
}

fn points(strategy: &StrategyId, xy: Vec<[f64; 2]>, ids: Vec<String>) -> Option<Mark> {
    (!xy.is_empty()).then(|| Mark::Points {
        series: format!("{}, selected", strategy_title(strategy)),
        xy,
        ids,
        marker: palette::marker(place(strategy)),
        size_pt: SIZE_PT,
        paint: Paint::new([0; 3]),
    })
}

/// Where the records of a strategy stand in a row of points already.
fn row_of_points(panel: &Panel, strategy: &StrategyId) -> Option<f64> {
    let title = strategy_title(strategy);
    panel.marks.iter().find_map(|mark| match mark {
        Mark::Points { series, xy, .. } if *series == title => {
            let y = xy.first()?[1];
            xy.iter().all(|at| at[1] == y).then_some(y)
        }
        _ => None,
    })
}

/// The middle of what a strategy has over a category: its bar of own contexts, box, violin or point.
fn middle(panel: &Panel, strategy: &StrategyId, task: usize) -> Option<f64> {
    let title = strategy_title(strategy);
    let own = format!("{title}, own context");
    let mut middles = panel.marks.iter().flat_map(|mark| -> Vec<f64> {
        match mark {
            Mark::Bars { series, x0, x1, .. } if *series == own => {
                x0.iter().zip(x1).map(|(x0, x1)| (x0 + x1) / 2.0).collect()
            }
            Mark::Violin { series, at, .. } if *series == title => vec![*at],
            Mark::Boxes { series, x, .. } if *series == title => x.clone(),
            Mark::Points { series, xy, .. } if *series == title => {
                xy.iter().map(|at| at[0]).collect()
            }
            _ => Vec::new(),
        }
    });
    middles.find(|middle| (middle - task as f64).abs() < 0.5)
}

/// Values of an axis, one for each of some equal parts of it that has any.
fn spread(axis: &Axis, values: &[f64]) -> Vec<f64> {
    let is_log = matches!(axis.scale, Scale::Log2 | Scale::Log10);
    let shown = |value: f64| held(axis, if is_log { value.max(1.0) } else { value });
    let mut values: Vec<f64> = values.iter().map(|value| shown(*value)).collect();
    values.sort_by(f64::total_cmp);
    let part = |value: &mut f64| {
        axis.place(*value).map(|share| (share * MOST_POINTS as f64).floor() as i64)
    };
    values.dedup_by_key(part);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lengths::{Group, Lengths};
    use crate::report::{Form, LengthsView, lengths_figure};
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

    /// The figure in a form, with these lengths of HotpotQA chosen.
    fn with(form: Form, n: u32, values: &[f64], brushed: &[Brushed]) -> [Figure; 2] {
        let all = lengths(n);
        let figure = lengths_figure(&all, LengthsView { form, ..LengthsView::usual(&all) });
        let upright = matches!(form, Form::Violin | Form::Box);
        let at = |value: &f64| if upright { [f64::NAN, *value] } else { [*value, f64::NAN] };
        let human = StrategyId::from("human");
        let (xy, ids) = (values.iter().map(at).collect(), Vec::new());
        let group = Chosen { task: "hotpotqa", strategy: &human, xy, ids };
        let chosen =
            if upright { vec![vec![group], Vec::new()] } else { vec![Vec::new(), vec![group]] };
        let tasks = ["qasper", "hotpotqa"].map(str::to_owned);
        let selected = with_selection(&figure, &tasks, &chosen, brushed);
        [figure, selected]
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
        let brushed = Brushed { panel: 1, category: None, ranges: [Some([95.0, 125.0]), None] };
        let [figure, with] = with(Form::Density, 40, &[100.0, 110.0, 120.0], &[brushed]);
        assert_eq!(marked(&with.panels[0]), [[0.0; 2]; 0]);
        let points = marked(&with.panels[1]);
        assert_eq!(points.iter().map(|p| p[0]).collect::<Vec<_>>(), [100.0, 110.0, 120.0]);
        let row = row_of_points(&figure.panels[1], &"human".into()).unwrap();
        assert!(points.iter().all(|point| point[1] == row));
        assert!(matches!(&with.panels[1].marks[0], Mark::Band { x, .. } if *x == [95.0, 125.0]));
        assert!(with.caption.contains("the selected records."), "{}", with.caption);
        assert_eq!(with.legend.len(), figure.legend.len() + 1);
    }

    #[test]
    fn chosen_records_stand_on_the_violin_or_box_of_their_task() {
        let ends = [Some([-1.0, 9.0]), Some([f64::NEG_INFINITY, 115.0])];
        let brushed = Brushed { panel: 0, category: Some(1), ranges: ends };
        for form in [Form::Violin, Form::Box] {
            let [_, with] = with(form, 40, &[100.0, 110.0], &[brushed]);
            let points = marked(&with.panels[0]);
            assert_eq!(points, [[1.0, 100.0], [1.0, 110.0]], "{form:?}");
            let Mark::Band { x, lo, hi, .. } = &with.panels[0].marks[0] else { panic!("a band") };
            assert_eq!((&x[..], hi[0]), (&[0.5, 1.5][..], 115.0));
            assert_eq!(lo[0], with.panels[0].y.range[0]);
        }
    }

    #[test]
    fn a_million_chosen_records_are_few_points() {
        let values: Vec<f64> = (0..1_000_000).map(|i| f64::from(i % 20_000)).collect();
        let [_, with] = with(Form::Density, 2000, &values, &[]);
        let points = marked(&with.panels[1]);
        assert!((20..=MOST_POINTS + 2).contains(&points.len()), "{}", points.len());
        let [lo, hi] = with.panels[1].y.range;
        assert!(points.iter().all(|[_, y]| (lo..hi).contains(y)));
    }

    #[test]
    fn a_chosen_cloud_keeps_one_record_of_each_square_and_says_which() {
        let (x, y) = (Axis::linear("", 0.0, 1.0), Axis::linear("", 0.0, 1.0));
        let panel = Panel { title: String::new(), x, y, marks: Vec::new() };
        let figure = Figure { panels: vec![panel], ..Figure::default() };
        let human = StrategyId::from("human");
        let xy = vec![[0.501, 0.501], [0.502, 0.502], [0.9, 3.0], [f64::NAN, 0.1]];
        let group = Chosen { task: "a", strategy: &human, xy, ids: vec!["p", "q", "r", "s"] };
        let with = with_selection(&figure, &["a".to_owned()], &[vec![group]], &[]);
        let Mark::Points { xy, ids, .. } = &with.panels[0].marks[0] else { panic!("points") };
        assert_eq!(*xy, [[0.501, 0.501], [0.9, 1.0]]);
        assert_eq!(*ids, ["p", "r"]);
    }
}
