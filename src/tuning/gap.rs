//! The tuning gap in numbers: what the tests say of models tuned with and without contexts, how sure
//! that is, and whether the likelihood measures foretell it.
//!
//! The likelihood measures are the gap's training-free proxies (`PAPER.md` section 3) and keep their own
//! names. How tasks are grouped and how all this is drawn belongs in `report`.

use crate::seed::Stream;
use crate::stats;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Seed of the bootstrap.
const SEED: u64 = 42;
const RESAMPLES: usize = 2000;

/// Fewer points have no rank correlation that is worth a word: of 4 points even the perfect order comes
/// by chance once in 24.
const LEAST_POINTS: usize = 5;

/// What is read off the tests. The two have different units and never share an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// LongBench's grade, 0 to 100.
    Score,
    /// Mean log-probability of the reference answer given the test's prompt, nats per token.
    AnswerLogprob,
}

impl Measure {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Score, Self::AnswerLogprob];

    /// Its name in print.
    pub fn title(self) -> &'static str {
        match self {
            Self::Score => "score (0\u{2013}100)",
            Self::AnswerLogprob => "log p (nats per token)",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Score => "the gap in score",
            Self::AnswerLogprob => "the gap in the answer's log-probability",
        }
    }
}

/// What the tests were asked of.
#[derive(Debug, Clone, PartialEq)]
pub enum Tuned {
    /// The model as it was.
    Base,
    /// Tuned on general data.
    General {
        /// The tuning seed.
        seed: u64,
    },
    /// Tuned on an arm of a dataset.
    On {
        /// The dataset's label.
        dataset: String,
        /// Whether with their contexts.
        with_context: bool,
        /// The tuning seed.
        seed: u64,
    },
}

/// What one model got in the tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The model.
    pub tuned: Tuned,
    /// For each task and measure the value of each test, in the order of the tests; a task without
    /// grades has no score.
    pub values: BTreeMap<(String, Measure), Vec<f64>>,
}

/// Tasks that a row is about: one, or several of which each counts as much as the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// In print.
    pub title: String,
    /// The tasks, as the tests call them.
    pub tasks: Vec<String>,
    /// Whether it is a mean over tasks.
    pub is_mean: bool,
}

/// A mean with its 95% percentile bootstrap interval over tuning seeds and tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The interval.
    pub ci95: Option<[f64; 2]>,
    /// The mean of each tuning seed.
    pub by_seed: Vec<f64>,
}

/// The gap of one dataset in one task or group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GapRow {
    /// What is measured.
    pub measure: Measure,
    /// The dataset.
    pub dataset: String,
    /// The task or group, in print.
    pub title: String,
    /// Its tasks.
    pub tasks: Vec<String>,
    /// Whether it is a mean over tasks.
    pub is_mean: bool,
    /// Tests behind it.
    pub n_tests: usize,
    /// Tuned without contexts.
    pub without: Estimate,
    /// Tuned with contexts.
    pub with: Estimate,
    /// With less without, paired by seed and test.
    pub gap: Estimate,
}

/// What a model without arms got: the base model, or one tuned on general data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// `base` or `general`.
    pub name: String,
    /// What is measured.
    pub measure: Measure,
    /// The task or group, in print.
    pub title: String,
    /// What it got.
    pub value: Estimate,
}

/// A dataset and task: what the proxies say, and the gap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The dataset.
    pub dataset: String,
    /// The task.
    pub task: String,
    /// Records behind the proxies.
    pub n_records: usize,
    /// Mean `instruction_dependence` of the training records, nats per token.
    pub instruction_dependence: Option<f64>,
    /// Mean `answer_dependence` of the training records, nats per token.
    pub answer_dependence: Option<f64>,
    /// The gap in score.
    pub gap_score: Option<f64>,
    /// The gap in the answer's log-probability, nats per token.
    pub gap_answer_logprob: Option<f64>,
}

impl Point {
    /// The gap in this measure.
    pub fn gap(&self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Score => self.gap_score,
            Measure::AnswerLogprob => self.gap_answer_logprob,
        }
    }

    /// The proxies by name.
    pub fn proxies(&self) -> [(&'static str, Option<f64>); 2] {
        [
            ("instruction_dependence", self.instruction_dependence),
            ("answer_dependence", self.answer_dependence),
        ]
    }
}

/// Spearman's rank correlation of a proxy and a gap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rank {
    /// The proxy.
    pub proxy: String,
    /// The gap's measure.
    pub measure: Measure,
    /// Points that have both.
    pub n: usize,
    /// The correlation; none for too few points.
    pub rho: Option<f64>,
    /// Its 95% percentile bootstrap interval over the points.
    pub ci95: Option<[f64; 2]>,
    /// What may be said.
    pub sentence: String,
}

/// Whether the proxies foretell the gap.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Validation {
    /// A point per dataset and task.
    pub points: Vec<Point>,
    /// Each proxy against each gap.
    pub ranks: Vec<Rank>,
    /// What the data allow to say, and no more.
    pub sentence: String,
}

/// All numbers of a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GapStudy {
    /// The base model.
    pub model: String,
    /// The datasets, in the order of the spec.
    pub datasets: Vec<String>,
    /// The dataset that is the human reference, where there is one.
    pub human: Option<String>,
    /// Tuning seeds.
    pub seeds: Vec<u64>,
    /// Training records of an arm.
    pub n_pairs: usize,
    /// Tests.
    pub n_tests: usize,
    /// The gaps.
    pub rows: Vec<GapRow>,
    /// The base model and general data.
    pub references: Vec<Reference>,
    /// The proxies.
    pub validation: Validation,
    /// What should be known beside the numbers.
    pub notes: Vec<String>,
}

/// What the proxies say of a dataset's training records, by dataset and task.
pub type Proxies = BTreeMap<(String, String), Proxy>;

/// The proxies of a dataset and task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proxy {
    /// Records behind them.
    pub n_records: usize,
    /// Mean `instruction_dependence`.
    pub instruction: Option<f64>,
    /// Mean `answer_dependence`.
    pub answer: Option<f64>,
}

/// Fills rows, references and validation of a study from what the models got.
pub fn study(blank: GapStudy, runs: &[Run], groups: &[Group], proxies: &Proxies) -> GapStudy {
    let mut rows = Vec::new();
    let mut references = Vec::new();
    for measure in Measure::ALL {
        for group in groups {
            for dataset in &blank.datasets {
                rows.extend(row(measure, group, dataset, &blank.seeds, runs));
            }
            for name in ["base", "general"] {
                let found = of(runs, measure, group, |tuned| match tuned {
                    Tuned::Base => name == "base",
                    Tuned::General { .. } => name == "general",
                    Tuned::On { .. } => false,
                });
                let purpose = format!("{name}/{}", group.title);
                let value = found.and_then(|lists| estimate(&lists, measure, &purpose));
                references.extend(value.map(|value| {
                    let (name, title) = (name.to_owned(), group.title.clone());
                    Reference { name, measure, title, value }
                }));
            }
        }
    }
    let validation = validation(points(&rows, proxies));
    let notes = notes(&blank, &rows);
    GapStudy { rows, references, validation, notes, ..blank }
}

/// For each task of the group, run by run, the values of its tests; `None` where a run lacks one.
fn of(
    runs: &[Run],
    measure: Measure,
    group: &Group,
    wanted: impl Fn(&Tuned) -> bool,
) -> Option<Vec<Vec<Vec<f64>>>> {
    let runs: Vec<&Run> = runs.iter().filter(|run| wanted(&run.tuned)).collect();
    let of_task = |task: &String| {
        let values = runs.iter().map(|run| run.values.get(&(task.clone(), measure)).cloned());
        values.collect::<Option<Vec<_>>>()
    };
    let lists: Option<Vec<_>> = group.tasks.iter().map(of_task).collect();
    lists.filter(|_| !runs.is_empty())
}

fn row(
    measure: Measure,
    group: &Group,
    dataset: &str,
    seeds: &[u64],
    runs: &[Run],
) -> Option<GapRow> {
    let side = |wanted: bool| {
        // In the order of the seeds, so that the two arms of a seed are a pair.
        let mut lists: Vec<Vec<Vec<f64>>> = vec![Vec::new(); group.tasks.len()];
        for seed in seeds {
            let of_seed = of(runs, measure, group, |tuned| {
                matches!(tuned, Tuned::On { dataset: d, with_context, seed: s }
                    if d == dataset && *with_context == wanted && s == seed)
            })?;
            for (list, runs) in lists.iter_mut().zip(of_seed) {
                list.extend(runs);
            }
        }
        Some(lists)
    };
    let (without, with) = (side(false)?, side(true)?);
    let gaps: Vec<Vec<Vec<f64>>> = with.iter().zip(&without).map(|(a, b)| less(a, b)).collect();
    let purpose = |what: &str| format!("{dataset}/{}/{what}", group.title);
    Some(GapRow {
        measure,
        dataset: dataset.to_owned(),
        title: group.title.clone(),
        tasks: group.tasks.clone(),
        is_mean: group.is_mean,
        n_tests: with.iter().map(|runs| runs.first().map_or(0, Vec::len)).sum(),
        without: estimate(&without, measure, &purpose("without"))?,
        with: estimate(&with, measure, &purpose("with"))?,
        gap: estimate(&gaps, measure, &purpose("gap"))?,
    })
}

/// Run by run and test by test.
fn less(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let run = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| a - b).collect();
    a.iter().zip(b).map(run).collect()
}

/// The mean over tasks of the mean over runs and tests.
fn estimate(lists: &[Vec<Vec<f64>>], measure: Measure, purpose: &str) -> Option<Estimate> {
    let n_runs = lists.first()?.len();
    let of_run = |ix: usize| {
        let means: Option<Vec<f64>> = lists.iter().map(|runs| stats::mean(runs.get(ix)?)).collect();
        stats::mean(&means?)
    };
    let by_seed: Vec<f64> = (0..n_runs).map(of_run).collect::<Option<_>>()?;
    let mut stream = Stream::new(SEED, "", &format!("gap study/{measure:?}/{purpose}"));
    let ci = stats::bootstrap_runs_ci(lists, 0.95, RESAMPLES, &mut || stream.bits());
    let mean = stats::mean(&by_seed)?;
    Some(Estimate { mean, ci95: ci.map(|(lo, hi)| [lo, hi]), by_seed })
}

/// A point per dataset and single task.
fn points(rows: &[GapRow], proxies: &Proxies) -> Vec<Point> {
    let mut points: BTreeMap<(&str, &str), Point> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.is_mean) {
        let [task] = row.tasks.as_slice() else { continue };
        let Some(proxy) = proxies.get(&(row.dataset.clone(), task.clone())) else { continue };
        let point = points.entry((&row.dataset, task)).or_insert_with(|| Point {
            dataset: row.dataset.clone(),
            task: task.clone(),
            n_records: proxy.n_records,
            instruction_dependence: proxy.instruction,
            answer_dependence: proxy.answer,
            gap_score: None,
            gap_answer_logprob: None,
        });
        match row.measure {
            Measure::Score => point.gap_score = Some(row.gap.mean),
            Measure::AnswerLogprob => point.gap_answer_logprob = Some(row.gap.mean),
        }
    }
    points.into_values().collect()
}

fn validation(points: Vec<Point>) -> Validation {
    let mut ranks = Vec::new();
    for measure in Measure::ALL {
        for proxy in ["instruction_dependence", "answer_dependence"] {
            ranks.push(rank(proxy, measure, &points));
        }
    }
    let n = ranks.iter().map(|rank| rank.n).max().unwrap_or(0);
    let sentence = match n {
        0 => "There is no dataset and task with both a proxy and a gap, so nothing is said of the \
              proxies."
            .to_owned(),
        n if n < LEAST_POINTS => too_few(n),
        _ => ranks.iter().map(|rank| rank.sentence.as_str()).collect::<Vec<&str>>().join(" "),
    };
    Validation { points, ranks, sentence }
}

fn too_few(n: usize) -> String {
    let points = if n == 1 { "is 1 point" } else { &format!("are {n} points") };
    format!(
        "There {points} (datasets x tasks): with fewer than {LEAST_POINTS}, no correlation of the proxies with \
         the gap is claimed."
    )
}

fn rank(proxy: &str, measure: Measure, points: &[Point]) -> Rank {
    let pair = |point: &Point| {
        let (_, value) = point.proxies().into_iter().find(|(name, _)| *name == proxy)?;
        Some((value?, point.gap(measure)?))
    };
    let (x, y): (Vec<f64>, Vec<f64>) = points.iter().filter_map(pair).unzip();
    let n = x.len();
    let is_enough = n >= LEAST_POINTS;
    let rho = is_enough.then(|| stats::spearman(&x, &y)).flatten();
    let mut stream = Stream::new(SEED, "", &format!("gap study/{proxy}/{measure:?}"));
    let ci95 = rho.and_then(|_| {
        let ci = stats::bootstrap_spearman_ci(&x, &y, 0.95, RESAMPLES, &mut || stream.bits());
        ci.map(|(lo, hi)| [lo, hi])
    });
    let sentence = said(proxy, measure, n, rho, ci95);
    Rank { proxy: proxy.to_owned(), measure, n, rho, ci95, sentence }
}

/// What a correlation allows to say.
fn said(
    proxy: &str,
    measure: Measure,
    n: usize,
    rho: Option<f64>,
    ci95: Option<[f64; 2]>,
) -> String {
    let gap = measure.words();
    match (rho, ci95) {
        _ if n < LEAST_POINTS => too_few(n),
        (Some(rho), Some([lo, hi])) => {
            let told = format!(
                "Mean {proxy} and {gap}: Spearman's rho {rho:+.2} [{lo:+.2}, {hi:+.2}] over {n} points"
            );
            match (lo, hi) {
                (lo, _) if lo > 0.0 => {
                    format!("{told}; in these data a larger {proxy} goes with a larger gap.")
                }
                (_, hi) if hi < 0.0 => {
                    format!("{told}; in these data a larger {proxy} goes with a smaller gap.")
                }
                _ => format!(
                    "{told}; the interval contains 0, so these data do not show that {proxy} foretells it."
                ),
            }
        }
        _ => format!(
            "Mean {proxy} and {gap}: no interval of the correlation over {n} points, so these data do not \
             show that {proxy} foretells it."
        ),
    }
}

fn notes(blank: &GapStudy, rows: &[GapRow]) -> Vec<String> {
    let mut notes = Vec::new();
    notes.push(match blank.seeds.len() {
        0 | 1 => "One tuning seed: the intervals are over tests only, how much another tuning would differ is not \
                  covered."
            .to_owned(),
        n => format!(
            "Intervals: 95% percentile bootstrap over {n} tuning seeds and over the tests within each task; \
             so few seeds tell little of how much another tuning would differ."
        ),
    });
    if !rows.iter().any(|row| row.measure == Measure::Score) {
        notes.push("No task of the tests is LongBench's, so there are no scores.".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(dataset: &str, with_context: bool, seed: u64, values: &[(&str, &[f64])]) -> Run {
        let tuned = Tuned::On { dataset: dataset.into(), with_context, seed };
        let of = |(task, values): &(&str, &[f64])| {
            (((*task).to_owned(), Measure::AnswerLogprob), values.to_vec())
        };
        Run { tuned, values: values.iter().map(of).collect() }
    }

    fn blank(seeds: &[u64]) -> GapStudy {
        GapStudy {
            model: "m".into(),
            datasets: vec!["human".into()],
            human: Some("human".into()),
            seeds: seeds.to_vec(),
            n_pairs: 3,
            n_tests: 5,
            rows: Vec::new(),
            references: Vec::new(),
            validation: Validation::default(),
            notes: Vec::new(),
        }
    }

    fn group(title: &str, tasks: &[&str]) -> Group {
        let tasks: Vec<String> = tasks.iter().map(|task| (*task).to_owned()).collect();
        Group { title: title.into(), is_mean: tasks.len() > 1, tasks }
    }

    #[test]
    fn the_gap_is_paired_by_seed_and_test_and_a_mean_weighs_tasks_alike() {
        let runs = [
            run("human", true, 0, &[("a", &[-1.0, -2.0]), ("b", &[-1.0, -1.0, -1.0])]),
            run("human", true, 1, &[("a", &[-2.0, -3.0]), ("b", &[-1.0, -1.0, -1.0])]),
            run("human", false, 1, &[("a", &[-4.0, -5.0]), ("b", &[-2.0, -3.0, -4.0])]),
            run("human", false, 0, &[("a", &[-2.0, -3.0]), ("b", &[-2.0, -3.0, -4.0])]),
        ];
        let groups = [group("A", &["a"]), group("both", &["a", "b"])];
        let study = study(blank(&[0, 1]), &runs, &groups, &Proxies::new());
        let [a, both] = study.rows.as_slice() else { panic!("{:?}", study.rows) };
        assert_eq!((a.with.mean, a.without.mean, a.gap.mean), (-2.0, -3.5, 1.5));
        assert_eq!(a.gap.by_seed, [1.0, 2.0]);
        // No test differs from another within a seed: the interval is over the seeds alone.
        assert_eq!(a.gap.ci95, Some([1.0, 2.0]));
        assert_eq!((both.gap.mean, both.n_tests, both.is_mean), (1.75, 5, true));
        assert!(study.notes[0].contains("2 tuning seeds"), "{:?}", study.notes);
        assert!(study.validation.sentence.contains("nothing is said"));
    }

    #[test]
    fn one_seed_says_that_seeds_are_not_covered() {
        let runs = [
            run("human", true, 3, &[("a", &[-1.0, -2.0])]),
            run("human", false, 3, &[("a", &[-2.0, -2.0])]),
            Run {
                tuned: Tuned::Base,
                values: [(("a".into(), Measure::AnswerLogprob), vec![-9.0, -7.0])].into(),
            },
        ];
        let study = study(blank(&[3]), &runs, &[group("A", &["a"])], &Proxies::new());
        assert_eq!((study.rows[0].gap.mean, study.rows[0].gap.ci95), (0.5, Some([0.0, 1.0])));
        assert!(study.notes[0].contains("not covered"), "{:?}", study.notes);
        assert!(study.notes[1].contains("no scores"), "{:?}", study.notes);
        assert_eq!(
            (study.references[0].name.as_str(), study.references[0].value.mean),
            ("base", -8.0)
        );
    }

    fn point(ix: usize, proxy: f64, gap: f64) -> Point {
        Point {
            dataset: format!("d{ix}"),
            task: "a".into(),
            n_records: 10,
            instruction_dependence: Some(proxy),
            answer_dependence: None,
            gap_score: Some(gap),
            gap_answer_logprob: None,
        }
    }

    #[test]
    fn a_correlation_is_claimed_only_where_the_data_show_one() {
        let three = validation((0..3).map(|ix| point(ix, ix as f64, ix as f64)).collect());
        assert!(three.ranks.iter().all(|rank| rank.rho.is_none()));
        assert!(three.sentence.contains("3 points") && three.sentence.contains("no correlation"));
        let many = validation((0..12).map(|ix| point(ix, ix as f64, ix as f64)).collect());
        assert_eq!((many.ranks[0].n, many.ranks[0].rho), (12, Some(1.0)));
        assert!(many.ranks[0].sentence.contains("goes with a larger gap"), "{:?}", many.ranks);
        let noise =
            validation((0..12).map(|ix| point(ix, ix as f64, (ix * 7 % 12) as f64)).collect());
        assert!(noise.ranks[0].sentence.contains("do not show that"), "{:?}", noise.ranks[0]);
        assert!(many.ranks[1].sentence.contains("no correlation"), "{:?}", many.ranks[1]);
    }
}
