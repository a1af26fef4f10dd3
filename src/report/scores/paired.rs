//! Two models' results compared record by record: who does better on the same tests, and how sure that is.
//!
//! Which records are pairs is said here once, for the command and for the window. What a comparison is
//! belongs in `comparison`.

use super::super::comparison::{self, Centre, Comparison, Difference, Quantity, Row};
use super::gap::evenly;
use super::{ModelScores, find};
use crate::job::{Cancelled, Watch};
use crate::longbench::{Graded, Results, TaskGrade};
use crate::prompt::Task;
use crate::report::CompareSettings;
use crate::seed::Stream;
use crate::stats;
use std::collections::{BTreeMap, BTreeSet};

/// The records of a task that two results have both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPairs {
    /// Places among the baseline's records and among the other's, in the order of the other's.
    pub pairs: Vec<[usize; 2]>,
    /// Records that only the baseline has, and that only the other has.
    pub n_unpaired: [usize; 2],
    /// Pairs whose references differ, so that they may be different tests of one id.
    pub n_other_answers: usize,
}

/// Pairs the records behind two scores of a task: by their ids where all have one of their own, else in
/// their order where there are equally many and each has the same references.
///
/// # Errors
/// Why they are no pairs, in words.
pub fn pair_records(baseline: &[Graded], other: &[Graded]) -> Result<RecordPairs, String> {
    if let Some((theirs, ours)) = by_id(baseline).zip(by_id(other)) {
        let pair = |(ix, record): (usize, &Graded)| Some([*theirs.get(record.id.as_deref()?)?, ix]);
        let pairs: Vec<[usize; 2]> = other.iter().enumerate().filter_map(pair).collect();
        if !pairs.is_empty() {
            let differ = |[a, b]: &&[usize; 2]| baseline[*a].answers != other[*b].answers;
            return Ok(RecordPairs {
                n_unpaired: [theirs.len() - pairs.len(), ours.len() - pairs.len()],
                n_other_answers: pairs.iter().filter(differ).count(),
                pairs,
            });
        }
    }
    let (n, m) = (baseline.len(), other.len());
    if n != m {
        return Err(format!("they share no ids, and there are {n} records and {m}"));
    }
    let mut both = baseline.iter().zip(other);
    if let Some((a, b)) = both.find(|(a, b)| a.answers != b.answers) {
        return Err(format!(
            "they share no ids, and the references of line {} are not those of line {}",
            a.line, b.line
        ));
    }
    let pairs = (0..n).map(|ix| [ix, ix]).collect();
    Ok(RecordPairs { pairs, n_unpaired: [0; 2], n_other_answers: 0 })
}

/// Where each id stands; `None` unless every record has one of its own.
fn by_id(records: &[Graded]) -> Option<BTreeMap<&str, usize>> {
    let named = records.iter().enumerate();
    let ids: Option<BTreeMap<&str, usize>> =
        named.map(|(ix, record)| Some((record.id.as_deref()?, ix))).collect();
    ids.filter(|ids| ids.len() == records.len() && !ids.is_empty())
}

/// A task of two results.
pub(super) struct TaskPair {
    /// As the baseline calls it.
    pub name: String,
    /// Its one name.
    pub canonical: String,
    /// The pairs, or why there are none.
    pub pairs: Result<RecordPairs, String>,
    /// Grades of 0 to 100 of the pairs, the baseline's and the other's.
    pub grades: [Vec<f64>; 2],
}

impl TaskPair {
    fn differences(&self) -> Vec<f64> {
        self.grades[0].iter().zip(&self.grades[1]).map(|(a, b)| b - a).collect()
    }
}

/// The tasks that either has, in the paper's order.
pub(super) fn pair_tasks(baseline: &ModelScores, other: &ModelScores) -> Vec<TaskPair> {
    let both = [&baseline.results, &other.results];
    let names: BTreeSet<&str> =
        both.iter().flat_map(|r| &r.tasks).map(|task| Task::canonical(&task.task)).collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_by_key(|name| Task::rank(name));
    names.into_iter().map(|name| pair_task(name, both, [&baseline.name, &other.name])).collect()
}

fn pair_task(canonical: &str, results: [&Results; 2], names: [&str; 2]) -> TaskPair {
    let found = results.map(|results| find(results, canonical));
    let named = found.iter().flatten().map(|task| task.task.clone()).next();
    let lacks = |side: usize| match found[side] {
        None => Some(format!("{} has no score of it", names[side])),
        Some(task) if task.records.is_empty() => {
            Some(format!("the records behind the score of {} are not known", names[side]))
        }
        Some(_) => None,
    };
    let pairs = match (found, lacks(0).or_else(|| lacks(1))) {
        (_, Some(reason)) => Err(reason),
        ([Some(a), Some(b)], None) => pair_records(&a.records, &b.records),
        _ => Err("it has no score".to_owned()),
    };
    let grades = [0, 1].map(|side| {
        let records = found[side].map(|task| &task.records);
        let at = |pair: &[usize; 2]| Some(100.0 * records?.get(pair[side])?.grade);
        pairs.iter().flat_map(|found| &found.pairs).filter_map(at).collect()
    });
    let name = named.unwrap_or_else(|| canonical.to_owned());
    TaskPair { name, canonical: canonical.to_owned(), pairs, grades }
}

/// What is compared, for scripts and in print.
fn quantity() -> Quantity {
    Quantity { name: "score".into(), title: "score (0\u{2013}100)".into() }
}

/// Compares two results task by task, and over all tasks that are paired, each as much as the others.
///
/// # Errors
/// [`Cancelled`].
pub fn compare_results(
    baseline: &ModelScores,
    other: &ModelScores,
    settings: CompareSettings,
    watch: &Watch,
) -> Result<Comparison, Cancelled> {
    let tasks = pair_tasks(baseline, other);
    let mut rows = rows(&tasks, baseline, other, settings, watch)?;
    let paired: Vec<&TaskPair> = tasks.iter().filter(|task| !task.grades[0].is_empty()).collect();
    let mut warnings = Vec::new();
    if paired.is_empty() {
        warnings.push(format!(
            "nothing is paired: {} and {} share no records; give folders with the predictions of the same tests",
            baseline.name, other.name
        ));
    }
    rows.push(over_all(&paired, tasks.len(), settings));
    let (baseline, other) = (baseline.name.clone(), other.name.clone());
    Ok(Comparison { quantity: quantity(), baseline, other, rows, warnings })
}

/// A row per task, with p-values that are adjusted for there being several.
pub(super) fn rows(
    tasks: &[TaskPair],
    baseline: &ModelScores,
    other: &ModelScores,
    settings: CompareSettings,
    watch: &Watch,
) -> Result<Vec<Row>, Cancelled> {
    let n_paired = tasks.iter().filter(|task| !task.grades[0].is_empty()).count();
    let mut rows = Vec::new();
    for task in tasks {
        watch.check()?;
        rows.push(row(task, n_paired, [baseline, other], settings));
        watch.advance(1);
    }
    comparison::adjust(&mut rows);
    Ok(rows)
}

fn row(
    task: &TaskPair,
    n_paired: usize,
    sides: [&ModelScores; 2],
    settings: CompareSettings,
) -> Row {
    let mut row = Row {
        task: Some(task.name.clone()),
        n_pairs: task.grades[0].len(),
        n_unpaired_baseline: 0,
        n_unpaired_other: 0,
        baseline: comparison::centre(&task.grades[0]),
        other: comparison::centre(&task.grades[1]),
        difference: comparison::difference("score", &task.canonical, &task.differences(), settings),
        wasserstein: None,
        warnings: Vec::new(),
    };
    let found = sides.map(|side| find(&side.results, &task.canonical));
    match &task.pairs {
        Err(reason) => {
            let n = found.map(|task| task.map_or(0, |task| task.records.len()));
            [row.n_unpaired_baseline, row.n_unpaired_other] = n;
            row.warnings.push(format!("not paired: {reason}"));
        }
        Ok(pairs) => {
            [row.n_unpaired_baseline, row.n_unpaired_other] = pairs.n_unpaired;
            row.warnings.extend(comparison::few(row.n_pairs, n_paired, "records"));
            if pairs.n_other_answers > 0 {
                let n = pairs.n_other_answers;
                row.warnings.push(format!("{n} pairs of one id have different references"));
            }
            let values = found.map(|task| task.map_or(&[][..], |task| task.grades.as_slice()));
            row.wasserstein = stats::wasserstein(values[0], values[1]);
        }
    }
    row
}

/// The row over all tasks that are paired, each of which counts as much as the others.
fn over_all(paired: &[&TaskPair], n_tasks: usize, settings: CompareSettings) -> Row {
    let sum = |of: &dyn Fn(&RecordPairs) -> usize| {
        paired.iter().filter_map(|task| task.pairs.as_ref().ok()).map(of).sum::<usize>()
    };
    let mut warnings = Vec::new();
    if paired.len() < n_tasks {
        warnings.push(format!("only {} of {n_tasks} tasks are paired", paired.len()));
    }
    Row {
        task: None,
        n_pairs: paired.iter().map(|task| task.grades[0].len()).sum(),
        n_unpaired_baseline: sum(&|pairs| pairs.n_unpaired[0]),
        n_unpaired_other: sum(&|pairs| pairs.n_unpaired[1]),
        baseline: centre_of_means(paired.iter().map(|task| task.grades[0].as_slice())),
        other: centre_of_means(paired.iter().map(|task| task.grades[1].as_slice())),
        difference: mean_difference(paired, settings),
        wasserstein: None,
        warnings,
    }
}

/// Where the means of lists lie.
fn centre_of_means<'a>(lists: impl Iterator<Item = &'a [f64]>) -> Option<Centre> {
    comparison::centre(&lists.filter_map(stats::mean).collect::<Vec<f64>>())
}

/// The mean over tasks of their mean differences; records are resampled, and signs flipped, within each
/// task. Effect sizes of records are not given, as tasks have grades of different kinds.
pub(super) fn mean_difference(
    tasks: &[&TaskPair],
    settings: CompareSettings,
) -> Option<Difference> {
    let lists: Vec<Vec<f64>> = tasks.iter().map(|task| task.differences()).collect();
    if lists.is_empty() || lists.iter().any(Vec::is_empty) {
        return None;
    }
    let CompareSettings { seed, n_resamples } = settings;
    let names: Vec<&str> = tasks.iter().map(|task| task.canonical.as_str()).collect();
    let names = names.join(" ");
    let stream = |purpose| Stream::new(seed, "", &format!("compare/score/{names}/{purpose}"));
    let (mut picks, mut signs) = (stream("bootstrap"), stream("signs"));
    let slices: Vec<&[f64]> = lists.iter().map(Vec::as_slice).collect();
    let (lo, hi) =
        stats::bootstrap_mean_of_means_ci(&slices, 0.95, n_resamples, &mut || picks.bits())?;
    let test = stats::sign_flip_test(&evenly(&lists), n_resamples, &mut || signs.bits())?;
    Some(Difference {
        centre: centre_of_means(slices.iter().copied())?,
        ci95: [lo, hi],
        ci_method: "percentile",
        ci_fallback: None,
        p: test.p,
        p_exact: test.exact,
        p_holm: None,
        cohens_dz: None,
        rank_biserial: None,
    })
}

/// The score of a task, for those that are not paired.
pub(super) fn plain_difference(found: [Option<&TaskGrade>; 2]) -> Option<f64> {
    let [a, b] = found;
    Some(b?.score - a?.score)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: usize, id: Option<&str>, answer: &str) -> Graded {
        Graded {
            line,
            id: id.map(str::to_owned),
            prediction: String::new(),
            answers: vec![answer.to_owned()],
            length: None,
            grade: 0.0,
        }
    }

    #[test]
    fn ids_pair_in_whatever_order_they_stand() {
        let a = [record(1, Some("x"), "1"), record(2, Some("y"), "2"), record(3, Some("z"), "3")];
        let b = [record(1, Some("z"), "3"), record(2, Some("w"), "4"), record(3, Some("x"), "no")];
        let found = pair_records(&a, &b).unwrap();
        assert_eq!(found.pairs, [[2, 0], [0, 2]]);
        assert_eq!((found.n_unpaired, found.n_other_answers), ([1, 1], 1));
    }

    #[test]
    fn ids_that_are_not_unique_or_not_shared_leave_the_order() {
        let a = [record(1, Some("x"), "1"), record(2, Some("x"), "2")];
        let b = [record(1, Some("p"), "1"), record(4, Some("q"), "2")];
        for (a, b) in [(&a, &b), (&b, &a), (&a, &a)] {
            assert_eq!(pair_records(a, b).unwrap().pairs, [[0, 0], [1, 1]]);
        }
        assert!(pair_records(&a, &b[..1]).unwrap_err().contains("2 records and 1"));
        let c = [record(1, None, "1"), record(5, None, "other")];
        assert!(pair_records(&a, &c).unwrap_err().contains("line 2 are not those of line 5"));
    }
}
