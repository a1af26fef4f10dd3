//! Strategies compared on the same seeds: what one makes longer or more coherent than another, how
//! sure that is, and what speaks against believing it.
//!
//! `sides` says what is compared, `pairing` finds the pairs, `cautions` the doubts, `table` puts a
//! comparison into cells that a terminal, the window and a folder of results can show, `words` into
//! a sentence. The arithmetic belongs in `stats`; reading files belongs in `workbench`.

mod cautions;
mod pairing;
mod sides;
mod table;
#[cfg(test)]
mod tests;
mod words;

pub(super) use cautions::few;
pub use sides::{Side, dataset_sides, name_sides, row_sides};
pub use table::Table;
pub(super) use table::p_value;

use crate::job::{Cancelled, Watch};
use crate::seed::Stream;
use crate::stats;
use pairing::{Pair, TaskPairs};
use serde::Serialize;

/// How to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompareSettings {
    /// Seed of the bootstrap and of random sign patterns.
    pub seed: u64,
    /// Resamples of each.
    pub n_resamples: usize,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quantity {
    /// Its name for scripts: `context_words`, `instruction_gain`.
    pub name: String,
    /// Its name in print, with its unit.
    pub title: String,
}

/// Two sides compared in one quantity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// What is compared.
    #[serde(flatten)]
    pub quantity: Quantity,
    /// The name of the side that the other is measured against.
    pub baseline: String,
    /// The name of the other side; a difference is what it has more.
    pub other: String,
    /// One per task in the paper's order, then one over all.
    pub rows: Vec<Row>,
    /// What should be known of the sides as a whole.
    pub warnings: Vec<String>,
}

/// The pairs of a task, or of all tasks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The task as the baseline calls it; `None`: all tasks together.
    pub task: Option<String>,
    /// Seeds of which both sides have a value; each is one pair.
    pub n_pairs: usize,
    /// Seeds of which only the baseline has a value.
    pub n_unpaired_baseline: usize,
    /// Seeds of which only the other side has a value.
    pub n_unpaired_other: usize,
    /// The baseline's paired values.
    pub baseline: Option<Centre>,
    /// The other side's paired values.
    pub other: Option<Centre>,
    /// Other less baseline; `None` without a pair.
    pub difference: Option<Difference>,
    /// Wasserstein-1 distance of all values of the two sides, paired or not, in their unit.
    pub wasserstein: Option<f64>,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

/// Where values lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Centre {
    /// Their mean.
    pub mean: f64,
    /// Their median.
    pub median: f64,
}

/// The differences of pairs, other less baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Mean and median.
    #[serde(flatten)]
    pub centre: Centre,
    /// 95% bootstrap interval of the mean.
    pub ci95: [f64; 2],
    /// `bca` or `percentile`.
    pub ci_method: &'static str,
    /// Why it is no BCa interval.
    pub ci_fallback: Option<String>,
    /// Two-sided p-value of the paired sign-flip test of the mean.
    pub p: f64,
    /// Whether every sign pattern was counted.
    pub p_exact: bool,
    /// p adjusted by Holm over the tasks of this comparison; `None` over all tasks.
    pub p_holm: Option<f64>,
    /// Cohen's d of the pairs; `None` where all differences are equal.
    pub cohens_dz: Option<f64>,
    /// Matched-pairs rank-biserial correlation, -1 to 1; `None` where all differences are zero.
    pub rank_biserial: Option<f64>,
}

/// Compares the values of two sides, task by task and over all, on the seeds that both have.
///
/// The same values, seeds and settings give the same numbers, in whatever order and under whatever
/// names the files have them.
///
/// # Errors
/// [`Cancelled`].
pub fn compare(
    quantity: &Quantity,
    baseline: &Side<'_>,
    other: &Side<'_>,
    settings: CompareSettings,
    watch: &Watch,
) -> Result<Comparison, Cancelled> {
    let tasks = pairing::pair(baseline, other);
    let n_tasks = tasks.iter().filter(|task| !task.pairs.is_empty()).count();
    let mut rows = Vec::new();
    for task in &tasks {
        watch.check()?;
        let mut row = row(&quantity.name, task, settings);
        row.task = Some(task.name.to_owned());
        row.warnings = cautions::of_row(task, n_tasks, &baseline.name, &other.name);
        rows.push(row);
        watch.advance(1);
    }
    adjust(&mut rows);
    watch.check()?;
    rows.extend(over_all(&quantity.name, &rows, tasks, settings, [&baseline.name, &other.name]));
    let warnings = cautions::of_sides(quantity, baseline, other, &rows);
    let (baseline, other) = (baseline.name.clone(), other.name.clone());
    Ok(Comparison { quantity: quantity.clone(), baseline, other, rows, warnings })
}

/// The row over all tasks; of one task it is that task's.
fn over_all(
    quantity: &str,
    rows: &[Row],
    tasks: Vec<TaskPairs<'_>>,
    settings: CompareSettings,
    [baseline, other]: [&str; 2],
) -> Option<Row> {
    if let [only] = rows {
        let mut row = Row { task: None, ..only.clone() };
        if let Some(difference) = &mut row.difference {
            difference.p_holm = None;
        }
        return Some(row);
    }
    let all = tasks.into_iter().reduce(TaskPairs::joined)?;
    let warnings = cautions::of_row(&all, 1, baseline, other);
    Some(Row { warnings, ..row(quantity, &TaskPairs { name: "", ..all }, settings) })
}

fn row(quantity: &str, task: &TaskPairs<'_>, settings: CompareSettings) -> Row {
    let of = |value: fn(&Pair<'_>) -> f64| task.pairs.iter().map(value).collect::<Vec<f64>>();
    let differences = of(|pair| pair.other - pair.baseline);
    Row {
        task: None,
        n_pairs: task.pairs.len(),
        n_unpaired_baseline: task.n_unpaired[0],
        n_unpaired_other: task.n_unpaired[1],
        baseline: centre(&of(|pair| pair.baseline)),
        other: centre(&of(|pair| pair.other)),
        difference: difference(quantity, task.name, &differences, settings),
        wasserstein: stats::wasserstein(&task.values[0], &task.values[1]),
        warnings: Vec::new(),
    }
}

pub(super) fn centre(values: &[f64]) -> Option<Centre> {
    let median = stats::quantile(&stats::finite_sorted(values), 0.5)?;
    Some(Centre { mean: stats::mean(values)?, median })
}

pub(super) fn difference(
    quantity: &str,
    task: &str,
    differences: &[f64],
    settings: CompareSettings,
) -> Option<Difference> {
    let CompareSettings { seed, n_resamples } = settings;
    // Sides and files have no part in the names, so that a file may be renamed.
    let stream = |purpose| Stream::new(seed, "", &format!("compare/{quantity}/{task}/{purpose}"));
    let (mut picks, mut signs) = (stream("bootstrap"), stream("signs"));
    let interval = stats::bca_mean_ci(differences, 0.95, n_resamples, &mut || picks.bits())?;
    let test = stats::sign_flip_test(differences, n_resamples, &mut || signs.bits())?;
    Some(Difference {
        centre: centre(differences)?,
        ci95: [interval.lo, interval.hi],
        ci_method: if interval.no_bca.is_none() { "bca" } else { "percentile" },
        ci_fallback: interval.no_bca.map(|reason| reason.to_string()),
        p: test.p,
        p_exact: test.exact,
        p_holm: None,
        cohens_dz: stats::cohens_dz(differences),
        rank_biserial: stats::rank_biserial(differences),
    })
}

/// Adjusts the p-values of the tasks for there being several.
pub(super) fn adjust(rows: &mut [Row]) {
    let tested: Vec<&mut Difference> =
        rows.iter_mut().filter_map(|row| row.difference.as_mut()).collect();
    let adjusted = stats::holm(&tested.iter().map(|found| found.p).collect::<Vec<f64>>());
    for (difference, p) in tested.into_iter().zip(adjusted) {
        difference.p_holm = p;
    }
}
