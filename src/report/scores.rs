//! Figures and tables of benchmark scores: what each strategy's model gets, and the tuning gap.
//!
//! Here is how tasks are grouped and what is known of a score; `by_model` and `gap` draw, `paired` compares
//! two models record by record, `board` puts all side by side. Reading results belongs in
//! `crate::longbench`.

mod board;
mod by_model;
mod gap;
mod paired;
mod study;
#[cfg(test)]
mod tests;

pub use board::{Against, Behind, BoardCell, BoardRow, ScoreBoard, score_board};
pub use by_model::{scores_figure, scores_table};
pub use gap::{GapPair, gap_figure, gap_table};
pub use paired::{RecordPairs, compare_results, pair_records};
pub use study::{gap_groups, gap_study_figure, gap_study_table};

use super::bars::Bar;
use super::strategies::task_title;
use crate::figure::{Axis, Dash, Mark, Paint};
use crate::longbench::{Results, TaskGrade};
use crate::prompt::{Task, TaskKind};
use crate::seed::Stream;
use crate::stats;
use std::collections::BTreeSet;

/// The results of a model, and what it is called.
#[derive(Debug, Clone)]
pub struct ModelScores {
    /// Its name in print.
    pub name: String,
    /// Its results.
    pub results: Results,
}

/// Seed of the bootstrap.
const SEED: u64 = 42;
const RESAMPLES: usize = 2000;

/// A score of 0 to 100, with a 95% interval where grades of records are known.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Score {
    value: f64,
    ci95: Option<[f64; 2]>,
}

impl Score {
    /// "38.57", "38.57 [35.10, 41.92]".
    fn text(self) -> String {
        match self.ci95 {
            Some([lo, hi]) => format!("{:.2} [{lo:.2}, {hi:.2}]", self.value),
            None => format!("{:.2}", self.value),
        }
    }
}

/// A name in print.
fn titled(name: &str) -> String {
    name.replace('_', " ")
}

fn find<'a>(results: &'a Results, task: &str) -> Option<&'a TaskGrade> {
    results.tasks.iter().find(|found| Task::canonical(&found.task) == task)
}

fn score(results: &Results, task: &str) -> Option<Score> {
    let found = find(results, task)?;
    let mut stream = Stream::new(SEED, "", &format!("scores/{task}"));
    let interval = stats::bootstrap_mean_ci(&found.grades, 0.95, RESAMPLES, &mut || stream.bits());
    Some(Score { value: found.score, ci95: interval.map(|(lo, hi)| [lo, hi]) })
}

/// The mean over tasks, of which all must be there, each as much as the others; with an interval
/// where grades of records are known of all.
fn mean(results: &Results, tasks: &[String]) -> Option<Score> {
    let found: Option<Vec<&TaskGrade>> = tasks.iter().map(|task| find(results, task)).collect();
    let found = found?;
    let scores: Vec<f64> = found.iter().map(|task| task.score).collect();
    let grades: Vec<&[f64]> = found.iter().map(|task| task.grades.as_slice()).collect();
    Some(Score { value: stats::mean(&scores)?, ci95: mean_interval("scores", tasks, &grades) })
}

/// A 95% interval of a mean over tasks: their records are resampled task by task.
fn mean_interval(purpose: &str, tasks: &[String], lists: &[&[f64]]) -> Option<[f64; 2]> {
    let mut stream = Stream::new(SEED, "", &format!("{purpose}/mean of {}", tasks.join(" ")));
    let interval = stats::bootstrap_mean_of_means_ci(lists, 0.95, RESAMPLES, &mut || stream.bits());
    interval.map(|(lo, hi)| [lo, hi])
}

/// Tasks that are reported together.
struct TaskGroup {
    title: String,
    /// By their one name, in the paper's order.
    tasks: Vec<String>,
    /// Whether a mean over them is worth a bar.
    has_mean: bool,
}

/// Where tasks are reported together.
#[derive(Clone, Copy, PartialEq)]
enum Together {
    /// The paper's tasks of this kind: a mean over more tasks would not be the paper's number.
    OfPaper(TaskKind),
    /// LongBench's other tasks of this kind.
    Other(TaskKind),
    Unknown,
}

impl Together {
    fn of(task: &str) -> Self {
        match Task::find(task) {
            Some(task) if task.is_of_paper() => Self::OfPaper(task.kind),
            Some(task) => Self::Other(task.kind),
            None => Self::Unknown,
        }
    }

    fn title(self) -> String {
        let shared = |kind| Task::all().iter().any(|task| task.is_of_paper() && task.kind == kind);
        match self {
            Self::OfPaper(kind) => kind.title().to_owned(),
            Self::Other(kind) if shared(kind) => format!("{}, other tasks", kind.title()),
            Self::Other(kind) => kind.title().to_owned(),
            Self::Unknown => "Other tasks".to_owned(),
        }
    }
}

/// The groups that the results have tasks of: the paper's three, then LongBench's other tasks by
/// kind, then all others.
fn groups<'a>(all: impl Iterator<Item = &'a Results>) -> Vec<TaskGroup> {
    groups_of(all.flat_map(|results| &results.tasks).map(|task| task.task.as_str()))
}

/// The groups that these tasks belong to.
fn groups_of<'a>(tasks: impl Iterator<Item = &'a str>) -> Vec<TaskGroup> {
    let names: BTreeSet<&str> = tasks.map(Task::canonical).collect();
    let of = |together: Together| {
        let mut tasks: Vec<String> = names
            .iter()
            .filter(|name| Together::of(name) == together)
            .map(|name| (*name).to_owned())
            .collect();
        tasks.sort_by_key(|task| Task::rank(task));
        let has_mean = together != Together::Unknown && tasks.len() > 1;
        TaskGroup { title: together.title(), tasks, has_mean }
    };
    let kinds = || TaskKind::ALL.into_iter();
    let known = kinds().map(Together::OfPaper).chain(kinds().map(Together::Other));
    known.chain([Together::Unknown]).map(of).filter(|group| !group.tasks.is_empty()).collect()
}

/// The groups of the paper's tasks.
fn groups_of_paper(groups: &[TaskGroup]) -> impl Iterator<Item = &TaskGroup> {
    groups.iter().filter(|group| Task::find(&group.tasks[0]).is_some_and(Task::is_of_paper))
}

/// The paper's tasks among the groups, where these are of several kinds.
fn of_paper(groups: &[TaskGroup]) -> Option<TaskGroup> {
    let tasks: Vec<String> =
        groups_of_paper(groups).flat_map(|group| group.tasks.clone()).collect();
    let title = format!("All {} tasks of the paper", tasks.len());
    (groups_of_paper(groups).count() > 1).then_some(TaskGroup { title, tasks, has_mean: true })
}

/// A column of a panel or a row of a table.
enum Spot {
    Task(String),
    Mean { title: String, of: Vec<String> },
}

impl Spot {
    fn title(&self) -> String {
        match self {
            Self::Task(task) => task_title(task),
            Self::Mean { title, .. } => title.clone(),
        }
    }

    fn score(&self, results: &Results) -> Option<Score> {
        match self {
            Self::Task(task) => score(results, task),
            Self::Mean { of, .. } => mean(results, of),
        }
    }
}

/// The tasks of a group and their mean.
fn spots(group: &TaskGroup) -> Vec<Spot> {
    let tasks = group.tasks.iter().cloned().map(Spot::Task);
    let mean = Spot::Mean { title: "mean".into(), of: group.tasks.clone() };
    tasks.chain(group.has_mean.then_some(mean)).collect()
}

/// The tasks of all groups and the mean of each, for a table.
fn lines(groups: &[TaskGroup]) -> Vec<Spot> {
    let named = |group: &TaskGroup| {
        let title = format!("{}: mean", group.title);
        group.has_mean.then(|| Spot::Mean { title, of: group.tasks.clone() })
    };
    let of_group = |group: &TaskGroup| {
        let tasks = group.tasks.iter().cloned().map(Spot::Task);
        tasks.chain(named(group)).collect::<Vec<Spot>>()
    };
    groups.iter().flat_map(of_group).chain(of_paper(groups).as_ref().and_then(named)).collect()
}

/// The bars of a model, the first category's at `left`.
fn bars(spots: &[Spot], results: &Results, left: f64) -> Vec<Bar> {
    let at = |(x, spot): (u32, &Spot)| {
        let score = spot.score(results)?;
        Some(Bar { x: f64::from(x) + left, value: score.value, ci95: score.ci95 })
    };
    (0..).zip(spots).filter_map(at).collect()
}

/// A line over each category at the reference's score.
fn reference_line(name: &str, spots: &[Spot], results: &Results) -> Mark {
    let mut xy = Vec::new();
    for (x, score) in (0..).map(f64::from).zip(spots.iter().map(|spot| spot.score(results))) {
        if let Some(score) = score {
            xy.extend([[x - 0.46, score.value], [x + 0.46, score.value], [f64::NAN; 2]]);
        }
    }
    Mark::Line { series: name.to_owned(), xy, paint: reference_paint() }
}

/// It stands over bars of every colour.
fn reference_paint() -> Paint {
    Paint::new([0; 3]).width(1.3).dash(Dash::Dashed)
}

/// From 0 to the highest of all scores, or to 100 where they are near.
fn score_axis<'a>(spots: &[Spot], all: impl Iterator<Item = &'a Results>) -> Axis {
    let scores = all.flat_map(|results| spots.iter().filter_map(|spot| spot.score(results)));
    let tops = scores.map(|score| score.ci95.map_or(score.value, |[_, hi]| hi));
    let top = tops.fold(1.0, f64::max);
    Axis::linear("score (0\u{2013}100)", 0.0, if top > 90.0 { 103.0 } else { 1.08 * top })
}

/// What must be said of intervals, by whether there are any.
fn of_intervals<'a>(all: impl Iterator<Item = &'a Results>) -> &'static str {
    match all.flat_map(|results| &results.tasks).any(|task| !task.grades.is_empty()) {
        true => {
            " Whiskers: 95% percentile bootstrap intervals over records, where grades of records are known; those of \
             a mean resample the records within each task."
        }
        false => " Grades of records are not known, so there are no intervals.",
    }
}
