//! The board of scores: a row per task and mean, a column per model, each cell with its score, its
//! interval and its difference to the baseline, and the records behind it.

use super::super::comparison::{Difference, Row, Table, p_value};
use super::paired::{TaskPair, mean_difference, pair_tasks, plain_difference};
use super::{ModelScores, Score, Spot, TaskGroup, find, groups, of_paper, titled};
use crate::job::{Cancelled, Watch};
use crate::report::CompareSettings;
use std::sync::Arc;

/// Scores side by side.
#[derive(Debug, Clone)]
pub struct ScoreBoard {
    /// What the models are called.
    pub names: Vec<String>,
    /// The one that the others are measured against, by its place among them.
    pub baseline: usize,
    /// Task by task in the paper's groups, each followed by its mean; means over several groups last.
    pub rows: Vec<BoardRow>,
}

/// A task, or the mean of several.
#[derive(Debug, Clone)]
pub struct BoardRow {
    /// The group's title.
    pub group: String,
    /// The task's title, or which mean it is.
    pub title: String,
    /// The task's one name; `None` for a mean.
    pub task: Option<String>,
    /// One per model; `None` where it has no such score.
    pub cells: Vec<Option<BoardCell>>,
}

/// The score of a model.
#[derive(Debug, Clone)]
pub struct BoardCell {
    /// 0 to 100.
    pub score: f64,
    /// Its 95% interval, where grades of records are known.
    pub ci95: Option<[f64; 2]>,
    /// Whether no other of the row is higher, and some is lower.
    pub is_best: bool,
    /// The difference to the baseline; `None` for the baseline itself and where that has no score.
    pub against: Option<Against>,
    /// The records behind a task's score, the worst grade first.
    pub records: Arc<Vec<Behind>>,
}

/// A record behind a score, by its place among the task's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// Its place.
    pub ix: usize,
    /// The place of the baseline's record of the same test.
    pub baseline: Option<usize>,
}

/// How a score differs from the baseline's.
#[derive(Debug, Clone)]
pub struct Against {
    /// Over the paired records; else the difference of the scores.
    pub difference: f64,
    /// The comparison of the paired records; of a mean it has no `p_holm`.
    pub paired: Option<(usize, Difference)>,
    /// What should be known of it, such as why nothing is paired.
    pub notes: Vec<String>,
}

impl Against {
    /// p, adjusted over tasks where it is of a task.
    pub fn p(&self) -> Option<f64> {
        self.paired.as_ref().map(|(_, found)| found.p_holm.unwrap_or(found.p))
    }

    /// `*`, `**` or `***` below 0.05, 0.01 and 0.001.
    pub fn stars(&self) -> &'static str {
        match self.p() {
            Some(p) if p < 0.001 => "***",
            Some(p) if p < 0.01 => "**",
            Some(p) if p < 0.05 => "*",
            _ => "",
        }
    }
}

/// Puts scores side by side and compares each with the baseline's.
///
/// # Errors
/// [`Cancelled`].
pub fn score_board(
    models: &[ModelScores],
    baseline: usize,
    settings: CompareSettings,
    watch: &Watch,
) -> Result<ScoreBoard, Cancelled> {
    let mut rows: Vec<BoardRow> = lines(models)
        .into_iter()
        .map(|(group, spot)| {
            let task = match &spot {
                Spot::Task(task) => Some(task.clone()),
                Spot::Mean { .. } => None,
            };
            BoardRow { group, title: spot.title(), task, cells: scores(&spot, models) }
        })
        .collect();
    let spots: Vec<Spot> = lines(models).into_iter().map(|(_, spot)| spot).collect();
    if let Some(theirs) = models.get(baseline) {
        for (ix, model) in models.iter().enumerate() {
            let tasks = pair_tasks(theirs, model);
            let mut compared = Vec::new();
            if ix != baseline {
                compared = super::paired::rows(&tasks, theirs, model, settings, watch)?;
            }
            for (row, spot) in rows.iter_mut().zip(&spots) {
                watch.check()?;
                let Some(cell) = row.cells.get_mut(ix).and_then(Option::as_mut) else { continue };
                if let Spot::Task(task) = spot {
                    cell.records = behind(task, model, &tasks, ix == baseline);
                }
                if ix != baseline {
                    cell.against = against(spot, [theirs, model], &tasks, &compared, settings);
                }
            }
        }
    }
    let names = models.iter().map(|model| model.name.clone()).collect();
    Ok(ScoreBoard { names, baseline, rows })
}

/// Every row with its group's title.
fn lines(models: &[ModelScores]) -> Vec<(String, Spot)> {
    let groups = groups(models.iter().map(|model| &model.results));
    let mut lines = Vec::new();
    let mean = |title: &str, group: &TaskGroup| Spot::Mean {
        title: title.to_owned(),
        of: group.tasks.clone(),
    };
    for group in &groups {
        let tasks = group.tasks.iter().cloned().map(Spot::Task);
        let mean = group.has_mean.then(|| mean("mean", group));
        lines.extend(tasks.chain(mean).map(|spot| (group.title.clone(), spot)));
    }
    let over = "Means".to_owned();
    let of_paper = of_paper(&groups);
    let all: Vec<String> = groups.iter().flat_map(|group| group.tasks.clone()).collect();
    if let Some(paper) = &of_paper {
        lines.push((over.clone(), mean(&paper.title, paper)));
    }
    if groups.len() > 1 && of_paper.is_none_or(|paper| paper.tasks.len() < all.len()) {
        let title = format!("All {} tasks", all.len());
        lines.push((over, Spot::Mean { title, of: all }));
    }
    lines
}

fn scores(spot: &Spot, models: &[ModelScores]) -> Vec<Option<BoardCell>> {
    let scores: Vec<Option<Score>> =
        models.iter().map(|model| spot.score(&model.results)).collect();
    let values = || scores.iter().flatten().map(|score| score.value);
    let best = values().fold(f64::NEG_INFINITY, f64::max);
    let differ = values().any(|value| value < best);
    let cell = |score: &Option<Score>| {
        score.map(|score| BoardCell {
            score: score.value,
            ci95: score.ci95,
            is_best: differ && score.value == best,
            against: None,
            records: Arc::default(),
        })
    };
    scores.iter().map(cell).collect()
}

fn behind(
    task: &str,
    model: &ModelScores,
    tasks: &[TaskPair],
    is_baseline: bool,
) -> Arc<Vec<Behind>> {
    let Some(found) = find(&model.results, task) else { return Arc::default() };
    let mut all: Vec<Behind> =
        (0..found.records.len()).map(|ix| Behind { ix, baseline: None }).collect();
    let paired = tasks.iter().find(|pair| pair.canonical == task && !is_baseline);
    for [theirs, ours] in paired.iter().flat_map(|p| p.pairs.iter().flat_map(|found| &found.pairs))
    {
        if let Some(record) = all.get_mut(*ours) {
            record.baseline = Some(*theirs);
        }
    }
    all.sort_by(|a, b| found.records[a.ix].grade.total_cmp(&found.records[b.ix].grade));
    Arc::new(all)
}

fn against(
    spot: &Spot,
    sides: [&ModelScores; 2],
    tasks: &[TaskPair],
    rows: &[Row],
    settings: CompareSettings,
) -> Option<Against> {
    let of_task = |task: &String| tasks.iter().position(|pair| pair.canonical == *task);
    match spot {
        Spot::Task(task) => {
            let plain = plain_difference(sides.map(|side| find(&side.results, task)))?;
            let row = rows.get(of_task(task)?)?;
            let paired = row.difference.clone().map(|found| (row.n_pairs, found));
            let difference = paired.as_ref().map_or(plain, |(_, found)| found.centre.mean);
            Some(Against { difference, paired, notes: row.warnings.clone() })
        }
        Spot::Mean { of, .. } => {
            let [theirs, ours] = sides.map(|side| spot.score(&side.results));
            let plain = ours?.value - theirs?.value;
            let pairs: Option<Vec<&TaskPair>> =
                of.iter().map(|task| tasks.get(of_task(task)?)).collect();
            let pairs = pairs?;
            let n = pairs.iter().map(|pair| pair.grades[0].len()).sum();
            let paired = mean_difference(&pairs, settings).map(|found| (n, found));
            let difference = paired.as_ref().map_or(plain, |(_, found)| found.centre.mean);
            let lacks = pairs.iter().filter(|pair| pair.grades[0].is_empty()).count();
            let note = format!("not paired: {lacks} of its {} tasks are not", pairs.len());
            let notes = (lacks > 0).then_some(note).into_iter().collect();
            Some(Against { difference, paired, notes })
        }
    }
}

impl ScoreBoard {
    /// The board as cells: a column per model, and after each but the baseline one of its differences.
    pub fn table(&self) -> Table {
        let theirs = self.names.get(self.baseline).map(|name| titled(name)).unwrap_or_default();
        let mut columns = vec!["task".to_owned()];
        for (ix, name) in self.names.iter().enumerate() {
            columns.push(titled(name));
            if ix != self.baseline {
                columns.push(format!("{} less {theirs}", titled(name)));
            }
        }
        let cells = |row: &BoardRow| {
            let title = match row.task {
                None if row.group != "Means" => format!("{}: {}", row.group, row.title),
                _ => row.title.clone(),
            };
            let mut cells = vec![title];
            for (ix, cell) in row.cells.iter().enumerate() {
                cells.push(cell.as_ref().map_or_else(|| "-".to_owned(), BoardCell::text));
                if ix != self.baseline {
                    let against = cell.as_ref().and_then(|cell| cell.against.as_ref());
                    cells.push(against.map_or_else(|| "-".to_owned(), Against::text));
                }
            }
            cells
        };
        Table {
            title: "LongBench scores".into(),
            columns,
            rows: self.rows.iter().map(cells).collect(),
            notes: vec![
                "intervals of scores are 95% percentile bootstrap intervals over records, where grades of \
                 records are known; a mean is over tasks, and its interval resamples the records within each \
                 task"
                    .into(),
                "differences are over paired records where an interval is given, else of the scores; p is of \
                 paired sign flips, adjusted over tasks by Holm, and not adjusted for means"
                    .into(),
            ],
        }
    }
}

impl BoardCell {
    /// "38.57 [35.10, 41.92]".
    fn text(&self) -> String {
        Score { value: self.score, ci95: self.ci95 }.text()
    }
}

impl Against {
    /// "+1.20 [-0.30, 2.70], p 0.12".
    fn text(&self) -> String {
        let plain = format!("{:+.2}", self.difference);
        match (&self.paired, self.p()) {
            (Some((_, found)), Some(p)) => {
                let [lo, hi] = found.ci95;
                format!("{plain} [{lo:+.2}, {hi:+.2}], p {}", p_value(p))
            }
            _ => plain,
        }
    }

    /// Everything that is known of it, a line each.
    pub fn told(&self, baseline: &str) -> String {
        let mut lines = vec![format!("Difference to {baseline}: {:+.3}", self.difference)];
        if let Some((n, found)) = &self.paired {
            let [lo, hi] = found.ci95;
            lines.push(format!(
                "{n} pairs; 95% interval {lo:+.3} to {hi:+.3} ({})",
                found.ci_method
            ));
            let how = if found.p_exact { "exact" } else { "random sign flips" };
            lines.push(format!("p = {} ({how})", p_value(found.p)));
            if let Some(p) = found.p_holm {
                lines.push(format!("p = {} after Holm's adjustment over tasks", p_value(p)));
            } else {
                lines.push("of a mean, so not adjusted for the other tasks".to_owned());
            }
        }
        lines.extend(self.notes.iter().cloned());
        lines.join("\n")
    }
}
