//! The tuning gap (`PAPER.md` section 3): the same pairs tuned on with and without their contexts.

use super::super::bars::{Bar, bar_marks, breadth, fillings};
use super::super::comparison::{Table, p_value};
use super::super::strategies::{color, places};
use super::{
    ModelScores, SEED, Score, Spot, TaskGroup, bars, find, groups, groups_of_paper, lines,
    mean_interval, of_intervals, of_paper, reference_line, reference_paint, score_axis, titled,
};
use crate::figure::{Axis, Figure, Hatch, LegendEntry, Mark, Paint, Panel, Swatch};
use crate::longbench::Results;
use crate::seed::Stream;
use crate::stats;

/// Two models tuned on the same instruction-answer pairs.
#[derive(Debug, Clone)]
pub struct GapPair {
    /// What made the contexts.
    pub name: String,
    /// Tuned without contexts.
    pub without: Results,
    /// Tuned with contexts.
    pub with: Results,
}

impl GapPair {
    fn sides(&self) -> [&Results; 2] {
        [&self.without, &self.with]
    }
}

/// Two panels, groups of tasks and tasks: for each pair the score without contexts (open) and with
/// them (filled), and the reference as a line.
pub fn gap_figure(pairs: &[GapPair], reference: Option<&ModelScores>) -> Figure {
    let theirs = reference.map(|reference| &reference.results);
    let all = || pairs.iter().flat_map(GapPair::sides).chain(theirs);
    let groups = groups(all());
    let places = places(pairs.iter().map(|pair| pair.name.as_str()));
    let y = score_axis(&lines(&groups), all());
    let panel = |title: &str, spots: &[Spot]| {
        let mut marks = Vec::new();
        for (ix, (pair, place)) in pairs.iter().zip(&places).enumerate() {
            marks.extend(pair_marks(
                &titled(&pair.name),
                *place,
                (ix, pairs.len()),
                spots.len(),
                [&|left| bars(spots, &pair.without, left), &|left| bars(spots, &pair.with, left)],
            ));
        }
        if let Some(ModelScores { name, results }) = reference {
            marks.push(reference_line(&titled(name), spots, results));
        }
        Panel {
            title: title.to_owned(),
            x: Axis::category("", spots.iter().map(Spot::title).collect()),
            y: y.clone(),
            marks,
        }
    };
    let tasks: Vec<Spot> =
        groups.iter().flat_map(|group| &group.tasks).cloned().map(Spot::Task).collect();
    let means = means(&groups);
    let mut panels = Vec::new();
    if !means.is_empty() {
        panels.push(panel("Means of groups", &means));
    }
    if !tasks.is_empty() {
        panels.push(panel("Tasks", &tasks));
    }
    Figure {
        title: "Tuning gap".into(),
        caption: format!(
            "LongBench scores of models that were tuned on the same instruction-answer pairs with their contexts \
             (filled) and without (open); the benchmark is always asked with its documents. A \
             mean stands only where a model has all tasks of the group.{}{}",
            reference.map_or_else(String::new, |r| format!(" Dashed line: {}.", titled(&r.name))),
            of_intervals(all())
        ),
        columns: 1,
        panels,
        panel_height_in: 1.6,
        legend: legend(pairs, &places, reference),
        ..Figure::default()
    }
}

/// The bars of one pair of arms, `ix` of `n` side by side: without contexts open, with them filled.
pub(super) fn pair_marks(
    name: &str,
    place: usize,
    (ix, n): (usize, usize),
    n_categories: usize,
    arms: [&dyn Fn(f64) -> Vec<Bar>; 2],
) -> Vec<Mark> {
    let breadth = breadth(n_categories);
    let width = breadth / (2 * n).max(1) as f64;
    let [with, without] = fillings(place);
    let paint = Paint::new(color(place));
    let mut marks = Vec::new();
    let sides = [("without", arms[0], without), ("with", arms[1], with)];
    for (side, (arm, bars, hatch)) in sides.into_iter().enumerate() {
        let left = width * (2 * ix + side) as f64 - breadth / 2.0;
        let series = format!("{name}, {arm} context");
        marks.extend(bar_marks(&series, &bars(left), width, hatch, paint));
    }
    marks
}

/// The mean of each of the paper's groups, and of all its tasks.
fn means(groups: &[TaskGroup]) -> Vec<Spot> {
    let of = |group: &TaskGroup, title: &str| Spot::Mean {
        title: title.to_owned(),
        of: group.tasks.clone(),
    };
    let kinds = groups_of_paper(groups).map(|group| of(group, &group.title));
    kinds.chain(of_paper(groups).map(|paper| of(&paper, "all of these"))).collect()
}

fn legend(
    pairs: &[GapPair],
    places: &[usize],
    reference: Option<&ModelScores>,
) -> Vec<LegendEntry> {
    let mut entries = arms_legend(pairs.iter().map(|pair| pair.name.as_str()), places);
    entries.extend(reference.map(|reference| LegendEntry {
        label: titled(&reference.name),
        swatch: Swatch::Line,
        paint: reference_paint(),
    }));
    entries
}

/// Each name with the filling of its arm with contexts, and what open bars are.
pub(super) fn arms_legend<'a>(
    names: impl Iterator<Item = &'a str>,
    places: &[usize],
) -> Vec<LegendEntry> {
    let patch = |label: &str, hatch, color| LegendEntry {
        label: label.to_owned(),
        swatch: Swatch::Patch(hatch),
        paint: Paint::new(color).width(0.6),
    };
    let mut entries: Vec<LegendEntry> = names
        .zip(places)
        .map(|(name, place)| patch(&titled(name), fillings(*place)[0], color(*place)))
        .collect();
    entries.push(patch("without context", Hatch::Open, [90; 3]));
    entries
}

/// A row per pair and task or mean: both scores, the gap, and how sure it is.
pub fn gap_table(pairs: &[GapPair], reference: Option<&ModelScores>) -> Table {
    let theirs = reference.map(|reference| &reference.results);
    let lines = lines(&groups(pairs.iter().flat_map(GapPair::sides).chain(theirs)));
    let mut columns = vec!["task: strategy", "without", "with", "gap [95%]", "p"];
    let theirs_name = reference.map(|reference| titled(&reference.name));
    columns.extend(theirs_name.as_deref());
    let row = |spot: &Spot, pair: &GapPair| {
        let scores = pair.sides().map(|results| spot.score(results));
        let text = |score: Option<Score>| score.map_or_else(dash, |s| format!("{:.2}", s.value));
        let [gap, p] = gap(spot, pair);
        let mut cells = vec![format!("{}: {}", spot.title(), titled(&pair.name))];
        cells.extend(scores.map(text).into_iter().chain([gap, p]));
        cells.extend(theirs.map(|results| text(spot.score(results))));
        cells
    };
    let rows = lines.iter().flat_map(|spot| pairs.iter().map(move |pair| row(spot, pair)));
    Table {
        title: "Tuning gap".into(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        rows: rows.collect(),
        notes: vec![
            "gap: score with contexts less score without; its BCa interval and p (paired sign flips) are over \
             records, where grades of as many records are known of both; a mean is over tasks, and its \
             percentile interval resamples the records within each task"
                .into(),
        ],
    }
}

fn dash() -> String {
    "-".to_owned()
}

/// The gap with its interval, and p.
fn gap(spot: &Spot, pair: &GapPair) -> [String; 2] {
    let [Some(without), Some(with)] = pair.sides().map(|results| spot.score(results)) else {
        return [dash(), dash()];
    };
    let plain = format!("{:+.2}", with.value - without.value);
    let stream = |purpose| Stream::new(SEED, "", &format!("gap/{}/{purpose}", spot.title()));
    let (interval, weighed) = match spot {
        Spot::Task(task) => {
            let Some(differences) = differences(task, pair) else { return [plain, dash()] };
            let mut picks = stream("bootstrap");
            let interval =
                stats::bca_mean_ci(&differences, 0.95, super::RESAMPLES, &mut || picks.bits());
            (interval.map(|i| [i.lo, i.hi]), differences)
        }
        Spot::Mean { of, .. } => {
            let all: Option<Vec<Vec<f64>>> =
                of.iter().map(|task| differences(task, pair)).collect();
            let Some(all) = all else { return [plain, dash()] };
            let lists: Vec<&[f64]> = all.iter().map(Vec::as_slice).collect();
            (mean_interval("gap", of, &lists), evenly(&all))
        }
    };
    let mut signs = stream("signs");
    let test = stats::sign_flip_test(&weighed, super::RESAMPLES, &mut || signs.bits());
    let sure = interval.map(|[lo, hi]| format!("{plain} [{lo:+.2}, {hi:+.2}]"));
    [sure.unwrap_or(plain), test.map_or_else(dash, |test| p_value(test.p))]
}

/// All differences, so weighed that their mean is the mean of the tasks' means.
pub(super) fn evenly(all: &[Vec<f64>]) -> Vec<f64> {
    let n: usize = all.iter().map(Vec::len).sum();
    let weigh = |list: &Vec<f64>| n as f64 / (all.len() * list.len()) as f64;
    all.iter().flat_map(|list| list.iter().map(move |value| value * weigh(list))).collect()
}

/// With less without, record by record; the predictions of both stand in the benchmark's order.
fn differences(task: &str, pair: &GapPair) -> Option<Vec<f64>> {
    let [without, with] = pair.sides().map(|results| find(results, task));
    let (without, with) = (&without?.grades, &with?.grades);
    let paired = !with.is_empty() && with.len() == without.len();
    paired.then(|| with.iter().zip(without).map(|(with, without)| with - without).collect())
}
