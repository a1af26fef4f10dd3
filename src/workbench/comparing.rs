//! Comparing strategies: which files they are in, and what of them is compared.

use super::loading::{self, Inputs, n_skipped};
use super::measure::check_unit;
use super::{Named, OpenRows, WorkbenchError, grades, opening};
use crate::coherence::{Coherence, Measure};
use crate::data::{Dataset, Record};
use crate::job::Watch;
use crate::lengths::{self, Counter, Field, Lengths, Unit};
use crate::model;
use crate::prompt::Task;
use crate::report::{self, CompareSettings, Comparison, ModelScores, Quantity, Side};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Resamples where the person does not say; with it, thirteen pairs have an exact p-value.
pub const RESAMPLES: usize = 9999;

/// Which of several strategies gives more on the same seeds?
#[derive(Debug, Clone)]
pub struct CompareJob {
    /// Datasets, files of coherence rows, or folders of results.
    pub inputs: Inputs,
    /// Coherence rows that are open already; they come before the files.
    pub rows: OpenRows,
    /// The lengths of the datasets that are open already, in their order, where they are counted: none,
    /// or one for each.
    pub counted: Vec<Arc<Lengths>>,
    /// What is compared.
    pub wish: CompareWish,
    /// How.
    pub settings: CompareSettings,
}

/// What is compared, as far as the person says.
#[derive(Debug, Clone, Default)]
pub struct CompareWish {
    /// Which part of a dataset's records; else contexts.
    pub field: Option<Field>,
    /// Counted in what; else tokens with a tokenizer and words without.
    pub unit: Option<Unit>,
    /// Counts tokens: a `tokenizer.json`, a `.gguf` or a name of the catalogue.
    pub tokenizer: Option<String>,
    /// Which measures of coherence rows; with none, both gains.
    pub measures: Vec<Measure>,
    /// Only these tasks; with none, all.
    pub tasks: Vec<String>,
    /// What the others are measured against: a strategy or a file; else the first.
    pub baseline: Option<String>,
}

/// What `backstory compare --json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct CompareReport {
    /// Counted the tokens of datasets.
    pub tokenizer: Option<String>,
    /// Seed of the bootstrap and of random sign patterns.
    pub seed: u64,
    /// Resamples of each.
    pub resamples: usize,
    /// What was compared, the baseline first.
    pub sides: Vec<SideReport>,
    /// Each other side with the baseline, in each quantity.
    pub comparisons: Vec<Comparison>,
    /// Lines that could not be used.
    pub skipped: usize,
    /// What should be known of the files.
    pub warnings: Vec<String>,
}

/// One strategy of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideReport {
    /// What it is called.
    pub name: String,
    /// The file.
    pub path: String,
    /// The strategy; `None` of results.
    pub strategy: Option<String>,
    /// Its records.
    pub records: usize,
}

/// The files by what they hold.
enum Loaded {
    Datasets(Vec<Arc<Dataset>>),
    Rows(Vec<(PathBuf, Arc<Vec<Coherence>>)>),
    Results(Vec<ModelScores>),
}

pub(super) fn run(job: &CompareJob, watch: &Watch) -> Result<CompareReport, WorkbenchError> {
    let wish = &job.wish;
    let mut report = CompareReport {
        tokenizer: None,
        seed: job.settings.seed,
        resamples: job.settings.n_resamples,
        sides: Vec::new(),
        comparisons: Vec::new(),
        skipped: 0,
        warnings: Vec::new(),
    };
    match load(job, watch)? {
        Loaded::Results(models) => {
            let tasks = models.iter().flat_map(|model| &model.results.tasks);
            check_tasks(wish, tasks.map(|task| task.task.as_str()))?;
            add_results(&mut report, models, job, watch)?;
        }
        Loaded::Datasets(datasets) => {
            let tokenizer = wish.tokenizer.as_deref().filter(|_| job.counted.is_empty());
            let loaded = tokenizer.map(|name| loading::tokenizer(name, watch)).transpose()?;
            let counter = Counter {
                tokenizer: loaded.as_ref().map(|(tokenizer, _)| tokenizer),
                template: loaded.as_ref().and_then(|(_, template)| template.as_ref()),
            };
            check_tasks(wish, datasets.iter().flat_map(|d| d.records.rows()).map(|row| row.task))?;
            let counted_by = || job.counted.iter().find_map(|counted| counted.tokenizer.clone());
            let named = |tokenizer: &model::Tokenizer| tokenizer.name().to_owned();
            report.tokenizer = counter.tokenizer.map(named).or_else(counted_by);
            report.skipped = n_skipped(&datasets);
            let quantity = length_quantity(wish, report.tokenizer.as_deref());
            check_unit(wish.unit, report.tokenizer.is_some())?;
            let unit = unit(wish, report.tokenizer.is_some());
            let sides: Result<Vec<LengthSide>, WorkbenchError> = (0..datasets.len())
                .map(|ix| length_side(job, &datasets, ix, unit, &counter, watch))
                .collect();
            let sides = sides?;
            let sides = sides.iter().flat_map(LengthSide::sides).collect();
            add(&mut report, quantity, sides, job, watch)?;
        }
        Loaded::Rows(files) => {
            check_tasks(wish, files.iter().flat_map(|(_, rows)| &**rows).map(|r| r.task.as_str()))?;
            let both = [Measure::InstructionGain, Measure::AnswerGain];
            let measures = if wish.measures.is_empty() { &both[..] } else { &wish.measures };
            let measures: BTreeSet<Measure> = measures.iter().copied().collect();
            for measure in measures {
                let sides = files.iter().flat_map(|(path, rows)| {
                    let rows: Vec<&Coherence> =
                        rows.iter().filter(|row| wants(wish, &row.task)).collect();
                    report::row_sides(path, &rows, measure)
                });
                let (name, title) = (measure.name().to_owned(), measure.title().to_owned());
                add(&mut report, Quantity { name, title }, sides.collect(), job, watch)?;
            }
        }
    }
    report.warnings = watch.warnings();
    Ok(report)
}

/// Reads the files, which must all hold the same kind of thing.
fn load(job: &CompareJob, watch: &Watch) -> Result<Loaded, WorkbenchError> {
    if let Some(results) = result_folders(job)? {
        return Ok(Loaded::Results(grades::all(&results, watch)?));
    }
    let mut rows = job.rows.by_file();
    let mut other: Option<&Path> = job.inputs.loaded.first().map(|dataset| dataset.path.as_path());
    for path in &job.inputs.files {
        match opening::read_rows(path, watch)? {
            Some(found) => rows.push((path.clone(), Arc::new(found))),
            None => other = other.or(Some(path)),
        }
    }
    let wish = |message: String| Err(WorkbenchError::Wish(message));
    let CompareWish { field, unit, tokenizer, measures, .. } = &job.wish;
    match (rows.first(), other) {
        (Some((rows, _)), Some(dataset)) => wish(format!(
            "{} holds coherence rows and {} does not; give files of one kind",
            rows.display(),
            dataset.display()
        )),
        (None, _) if !measures.is_empty() => wish(
            "--value is for coherence rows, which `backstory coherence … --out` writes; for lengths of \
             datasets use --field and --unit"
                .into(),
        ),
        (None, _) => Ok(Loaded::Datasets(job.inputs.read(watch)?)),
        (Some(_), None) => {
            let Inputs { join, map, limit, .. } = &job.inputs;
            let plain = join.is_empty() && map.is_empty() && limit.is_none();
            match plain && field.is_none() && unit.is_none() && tokenizer.is_none() {
                true => Ok(Loaded::Rows(rows)),
                false => wish(
                    "coherence rows take no --join, --map, --limit, --field, --unit and --tokenizer; use \
                     --value to say what is compared"
                        .into(),
                ),
            }
        }
    }
}

/// The folders of results, if the files are such; with another kind among them they are refused.
fn result_folders(job: &CompareJob) -> Result<Option<Vec<Named>>, WorkbenchError> {
    let files = &job.inputs.files;
    let is_of_results =
        |path: &&PathBuf| path.is_dir() || path.file_name().is_some_and(|n| n == "result.json");
    let Some(folder) = files.iter().find(is_of_results) else { return Ok(None) };
    if let Some(other) = files.iter().find(|path| !is_of_results(path)) {
        return Err(WorkbenchError::Wish(format!(
            "{} is a folder of results and {} is not; give files of one kind",
            folder.display(),
            other.display()
        )));
    }
    let (Inputs { join, map, limit, .. }, CompareWish { field, unit, tokenizer, measures, .. }) =
        (&job.inputs, &job.wish);
    let plain = join.is_empty() && map.is_empty() && limit.is_none() && field.is_none();
    if !plain || unit.is_some() || tokenizer.is_some() || !measures.is_empty() {
        return Err(WorkbenchError::Wish(
            "folders of results take no --join, --map, --limit, --field, --unit, --tokenizer and --value; their \
             scores are compared"
                .into(),
        ));
    }
    Ok(Some(files.iter().map(|path| Named { name: None, path: path.clone() }).collect()))
}

/// Compares the scores of the other models with the baseline's, and adds that to the report.
fn add_results(
    report: &mut CompareReport,
    mut models: Vec<ModelScores>,
    job: &CompareJob,
    watch: &Watch,
) -> Result<(), WorkbenchError> {
    for model in &mut models {
        model.results.tasks.retain(|task| wants(&job.wish, &task.task));
    }
    if let [only] = &models[..] {
        return Err(WorkbenchError::Wish(format!(
            "there is only {}, and nothing to compare it with; name another folder of results too",
            only.results.path.display()
        )));
    }
    let baseline = baseline_model(&models, job.wish.baseline.as_deref())?;
    let baseline = models.remove(baseline);
    let describe = |model: &ModelScores| SideReport {
        name: model.name.clone(),
        path: model.results.path.display().to_string(),
        strategy: None,
        records: model.results.tasks.iter().map(|task| task.records.len()).sum(),
    };
    report.sides = std::iter::once(&baseline).chain(&models).map(describe).collect();
    for other in &models {
        watch.stage("comparing scores", other.results.tasks.len() as u64);
        report.comparisons.push(report::compare_results(&baseline, other, job.settings, watch)?);
    }
    Ok(())
}

/// The model that the word means, by its name or its path, else the first.
fn baseline_model(models: &[ModelScores], word: Option<&str>) -> Result<usize, WorkbenchError> {
    let Some(word) = word else { return Ok(0) };
    let is_meant =
        |model: &ModelScores| model.name == word || model.results.path == Path::new(word);
    models.iter().position(is_meant).ok_or_else(|| {
        let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
        WorkbenchError::Wish(format!(
            "--baseline {word} means nothing; use one of: {}",
            names.join(", ")
        ))
    })
}

fn wants(wish: &CompareWish, task: &str) -> bool {
    let same = |wanted: &String| Task::canonical(wanted) == Task::canonical(task);
    wish.tasks.is_empty() || wish.tasks.iter().any(same)
}

/// A task that is in no file is a slip of the pen.
fn check_tasks<'a>(
    wish: &CompareWish,
    tasks: impl Iterator<Item = &'a str>,
) -> Result<(), WorkbenchError> {
    let there: BTreeSet<&str> = tasks.collect();
    let is_there =
        |wanted: &&String| there.iter().any(|t| Task::canonical(t) == Task::canonical(wanted));
    match wish.tasks.iter().find(|wanted| !is_there(wanted)) {
        None => Ok(()),
        Some(missing) => Err(WorkbenchError::Wish(format!(
            "no record has the task `{missing}`; use one of: {}",
            there.into_iter().collect::<Vec<_>>().join(", ")
        ))),
    }
}

fn unit(wish: &CompareWish, has_tokenizer: bool) -> Unit {
    wish.unit.unwrap_or(if has_tokenizer { Unit::Tokens } else { Unit::Words })
}

fn length_quantity(wish: &CompareWish, tokenizer: Option<&str>) -> Quantity {
    let unit = unit(wish, tokenizer.is_some());
    let field = match wish.field.unwrap_or(Field::Context) {
        Field::Context => "context",
        Field::Instruction => "instruction",
        Field::Answer => "answer",
        Field::Prompt => "prompt",
    };
    let (unit, counted_by) = match unit {
        Unit::Chars => ("chars", "characters".to_owned()),
        Unit::Words => ("words", "words".to_owned()),
        Unit::Tokens => ("tokens", format!("tokens, {}", tokenizer.unwrap_or_default())),
    };
    Quantity { name: format!("{field}_{unit}"), title: format!("{field} length ({counted_by})") }
}

/// The records of a file that are compared, and their lengths.
struct LengthSide<'a> {
    path: &'a Path,
    records: Vec<Arc<Record>>,
    lengths: Vec<Option<f64>>,
}

impl LengthSide<'_> {
    fn sides(&self) -> Vec<Side<'_>> {
        let records: Vec<&Record> = self.records.iter().map(Arc::as_ref).collect();
        report::dataset_sides(self.path, &records, &self.lengths)
    }
}

fn length_side<'a>(
    job: &CompareJob,
    datasets: &'a [Arc<Dataset>],
    ix: usize,
    unit: Unit,
    counter: &Counter<'_>,
    watch: &Watch,
) -> Result<LengthSide<'a>, WorkbenchError> {
    let (wish, dataset) = (&job.wish, &datasets[ix]);
    let tokenizer = counter.tokenizer.filter(|_| unit == Unit::Tokens);
    let counter = Counter { tokenizer, ..*counter };
    let field = wish.field.unwrap_or(Field::Context);
    let wanted = |task: &str| wants(wish, task);
    let records = dataset.records.iter().filter(|record| match record {
        Ok(record) => wanted(&record.task),
        Err(_) => true,
    });
    let records = records.collect::<Result<Vec<Arc<Record>>, _>>()?;
    let lengths = match job.counted.get(ix) {
        Some(counted) => {
            let both = dataset.records.rows().zip(counted.of_each(dataset, field, unit));
            both.filter(|(row, _)| wanted(row.task)).map(|(_, length)| length).collect()
        }
        None => {
            let records: Vec<&Record> = records.iter().map(Arc::as_ref).collect();
            lengths::of_each(&records, field, unit, &counter, watch)?
        }
    };
    Ok(LengthSide { path: &dataset.path, records, lengths })
}

/// Compares each other side with the baseline, and adds that to the report.
fn add(
    report: &mut CompareReport,
    quantity: Quantity,
    mut sides: Vec<Side<'_>>,
    job: &CompareJob,
    watch: &Watch,
) -> Result<(), WorkbenchError> {
    report::name_sides(&mut sides);
    check_sides(&sides)?;
    let baseline = baseline(&sides, job.wish.baseline.as_deref())?;
    let baseline = sides.remove(baseline);
    let describe = |side: &Side<'_>| SideReport {
        name: side.name.clone(),
        path: side.path.display().to_string(),
        strategy: Some(side.strategy.to_string()),
        records: side.n_records,
    };
    report.sides = std::iter::once(&baseline).chain(&sides).map(describe).collect();
    watch.stage(&format!("comparing {}", quantity.title), 0);
    for other in &sides {
        let found = report::compare(&quantity, &baseline, other, job.settings, watch)?;
        report.comparisons.push(found);
    }
    Ok(())
}

fn check_sides(sides: &[Side<'_>]) -> Result<(), WorkbenchError> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = sides.iter().find(|side| !seen.insert(&side.name)) {
        return Err(WorkbenchError::Wish(format!(
            "{} is there twice; name each file once",
            twice.path.display()
        )));
    }
    match sides {
        [] => Err(WorkbenchError::Wish("no records are left; name other files or tasks".into())),
        [only] => Err(WorkbenchError::Wish(format!(
            "there is only {} of {}, and nothing to compare it with; name another file too",
            only.strategy,
            only.path.display()
        ))),
        _ => Ok(()),
    }
}

/// The side that the word means, else the first.
fn baseline(sides: &[Side<'_>], word: Option<&str>) -> Result<usize, WorkbenchError> {
    let Some(word) = word else { return Ok(0) };
    let meant: Vec<usize> = (0..sides.len()).filter(|ix| sides[*ix].is_meant(word)).collect();
    match meant[..] {
        [one] => Ok(one),
        _ => {
            let how = if meant.is_empty() { "nothing" } else { "several of them" };
            let names: Vec<&str> = sides.iter().map(|side| side.name.as_str()).collect();
            Err(WorkbenchError::Wish(format!(
                "--baseline {word} means {how}; use one of: {}",
                names.join(", ")
            )))
        }
    }
}
