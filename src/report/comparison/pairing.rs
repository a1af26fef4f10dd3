//! The pairs of two sides: what both made of the same seed.

use super::sides::{Point, Side};
use crate::data::RecordId;
use crate::prompt::Task;
use std::collections::BTreeMap;

/// What two sides have of one task; in arrays the baseline comes first.
#[derive(Debug, Default)]
pub struct TaskPairs<'a> {
    /// The task, as the side says it that has it first.
    pub name: &'a str,
    /// One per seed that both have, by seed id.
    pub pairs: Vec<Pair<'a>>,
    /// Seeds that only one of them has.
    pub n_unpaired: [usize; 2],
    /// Seeds of a side that have several records.
    pub n_averaged: [usize; 2],
    /// Every value.
    pub values: [Vec<f64>; 2],
}

/// What both made of one seed. Several values of a side count as their mean, so that a seed is one
/// pair however often it was used.
#[derive(Debug)]
pub struct Pair<'a> {
    pub baseline: f64,
    pub other: f64,
    /// Contexts and instructions of the two sides, where they are known.
    pub contexts: [Option<&'a str>; 2],
    pub instructions: [Option<&'a str>; 2],
}

impl<'a> TaskPairs<'a> {
    /// Both as one.
    pub fn joined(mut self, other: Self) -> Self {
        self.pairs.extend(other.pairs);
        for side in [0, 1] {
            self.n_unpaired[side] += other.n_unpaired[side];
            self.n_averaged[side] += other.n_averaged[side];
        }
        let [baseline, others] = other.values;
        self.values[0].extend(baseline);
        self.values[1].extend(others);
        self
    }
}

/// The values of a seed on each side.
type Seeds<'a> = BTreeMap<&'a RecordId, [Vec<&'a Point<'a>>; 2]>;

/// Pairs the sides by task and seed, in the paper's order of tasks; aliases are one task.
pub fn pair<'a>(baseline: &'a Side<'a>, other: &'a Side<'a>) -> Vec<TaskPairs<'a>> {
    let mut tasks: BTreeMap<(usize, &str), (&str, Seeds<'a>)> = BTreeMap::new();
    for (side, points) in [&baseline.points, &other.points].into_iter().enumerate() {
        for point in points {
            let key = (Task::rank(point.task), Task::canonical(point.task));
            let (_, seeds) = tasks.entry(key).or_insert((point.task, Seeds::new()));
            seeds.entry(point.seed_id).or_default()[side].push(point);
        }
    }
    tasks.into_values().map(|(name, seeds)| of_task(name, seeds)).collect()
}

fn of_task<'a>(name: &'a str, seeds: Seeds<'a>) -> TaskPairs<'a> {
    let mut task = TaskPairs { name, ..TaskPairs::default() };
    for sides in seeds.into_values() {
        for (side, points) in sides.iter().enumerate() {
            task.values[side].extend(points.iter().map(|point| point.value));
            task.n_averaged[side] += usize::from(points.len() > 1);
        }
        match (mean(&sides[0]).zip(sides[0].first()), mean(&sides[1]).zip(sides[1].first())) {
            (Some((baseline, a)), Some((other, b))) => task.pairs.push(Pair {
                baseline,
                other,
                contexts: [a.context, b.context],
                instructions: [a.instruction, b.instruction],
            }),
            (Some(_), None) => task.n_unpaired[0] += 1,
            _ => task.n_unpaired[1] += 1,
        }
    }
    // A file's order has no part in a sum's rounding.
    task.values.iter_mut().for_each(|values| values.sort_by(f64::total_cmp));
    task
}

fn mean(points: &[&Point<'_>]) -> Option<f64> {
    let mut values: Vec<f64> = points.iter().map(|point| point.value).collect();
    values.sort_by(f64::total_cmp);
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
