//! A whole study of the tuning gap (`PAPER.md` section 3): arms, trainings, tests, numbers, figure.
//!
//! Which records are trained on and what the numbers say is `tuning`'s; how they are drawn `report`'s.
//! Every part goes on from where an earlier run stopped.

mod answers;
mod estimate;
pub(super) mod exporting;
mod files;
mod proxies;
#[cfg(test)]
mod tests;

pub use estimate::GapEstimate;
pub use exporting::{GapExportJob, GapExported};

use super::gap_spec::GapSpec;
use super::loading::{Inputs, ModelChoice, all_records, n_skipped};
use super::tuning::{Trains, Tuner};
use super::{Desk, WorkbenchError, evaluating, pack};
use crate::data::{Dataset, Record};
use crate::figure::Figure;
use crate::job::{Watch, duration};
use crate::prompt::PromptPack;
use crate::report;
use crate::tuning::{self, Example, GapStudy, LeftOut, Matched, Pool, Settings, Tuned, Validation};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// A study of the tuning gap.
#[derive(Debug, Clone)]
pub struct GapStudyJob {
    /// What it is made of.
    pub spec: GapSource,
    /// The folder to write into.
    pub out: PathBuf,
    /// Only tell what it would take.
    pub only_estimates: bool,
    /// Throw away an earlier study in the folder.
    pub overwrite: bool,
    /// Hears of every step of the trainings.
    pub course: super::Course,
}

/// Where a study is written down.
#[derive(Debug, Clone)]
pub enum GapSource {
    /// In a TOML file.
    File(PathBuf),
    /// Nowhere yet.
    Spec(Box<GapSpec>),
}

impl GapSource {
    fn read(&self) -> Result<GapSpec, WorkbenchError> {
        match self {
            Self::File(path) => GapSpec::read(path),
            Self::Spec(spec) => Ok((**spec).clone()),
        }
    }
}

/// What `backstory gap --json` prints.
#[derive(Debug, Serialize)]
pub struct GapReport {
    /// Before the start.
    pub estimate: GapEstimate,
    /// What was not trained on, by the datasets' labels.
    pub left_out: BTreeMap<String, LeftOut>,
    /// The numbers; `None` where only an estimate was wanted.
    pub study: Option<GapStudy>,
    /// The files of numbers and figure.
    pub files: Vec<PathBuf>,
    /// The figure.
    #[serde(skip)]
    pub figure: Option<Arc<Figure>>,
    /// Seconds of this run.
    pub elapsed_secs: f64,
    /// Lines of the files that could not be used.
    pub skipped: usize,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

/// Loads what trains.
pub(super) type LoadTrainer<'a> =
    &'a mut dyn FnMut(&ModelChoice, &mut Desk, &Watch) -> Result<Box<dyn Trains>, WorkbenchError>;

pub(super) fn run(
    job: &GapStudyJob,
    desk: &mut Desk,
    watch: &Watch,
) -> Result<GapReport, WorkbenchError> {
    let mut load = |choice: &ModelChoice, desk: &mut Desk, watch: &Watch| {
        Ok(Box::new(Tuner::load(choice, desk, watch)?) as Box<dyn Trains>)
    };
    run_with(job, desk, &mut load, watch)
}

/// The study with another trainer than ours, for tests.
pub(super) fn run_with(
    job: &GapStudyJob,
    desk: &mut Desk,
    load: LoadTrainer<'_>,
    watch: &Watch,
) -> Result<GapReport, WorkbenchError> {
    let started = Instant::now();
    let done = study(job, desk, load, watch);
    watch.part("");
    let mut report = done?;
    report.elapsed_secs = started.elapsed().as_secs_f64();
    report.warnings = watch.warnings();
    Ok(report)
}

/// A study that is done, read from its folder.
#[derive(Debug, Clone)]
pub struct StudyOpened {
    /// Where it lies.
    pub folder: PathBuf,
    /// The numbers.
    pub study: GapStudy,
    /// The figure.
    pub figure: Arc<Figure>,
}

/// Reads the numbers of a study from its folder, and draws them.
pub(super) fn open(folder: &Path) -> Result<StudyOpened, WorkbenchError> {
    let study = files::read_study(folder)?;
    let figure = Arc::new(report::gap_study_figure(&study));
    Ok(StudyOpened { folder: folder.to_owned(), study, figure })
}

/// What a study has read before it begins.
struct Begun {
    spec: GapSpec,
    choice: ModelChoice,
    pack: PromptPack,
    prompts_sha256: String,
    tests: Vec<Arc<Dataset>>,
    matched: Matched,
    n_skipped: usize,
}

impl Begun {
    fn read(spec: GapSpec, watch: &Watch) -> Result<Self, WorkbenchError> {
        watch.stage("reading", 0);
        let (pack, prompts_sha256) = pack::read(spec.prompts.as_deref())?;
        let mut read = Vec::new();
        for (label, data) in &spec.datasets {
            let join = data.join.iter().cloned().collect();
            let files = vec![data.path.clone()];
            let datasets = Inputs { files, join, ..Inputs::default() }.read(watch)?;
            read.push((label, datasets));
        }
        let general = spec.general.iter().cloned().collect::<Vec<PathBuf>>();
        let general = Inputs { files: general, ..Inputs::default() }.read(watch)?;
        let files = spec.tests.clone();
        let tests = Inputs { files, limit: spec.test_limit, ..Inputs::default() }.read(watch)?;
        let test_records = all_records(&tests)?;
        evaluating::check_tests(&test_records.iter().map(Arc::as_ref).collect::<Vec<&Record>>())?;
        let mut pools = Vec::new();
        for (label, datasets) in &read {
            pools.push(Pool { label: (*label).clone(), records: all_records(datasets)? });
        }
        pools.sort_by_key(order);
        let general_pool = match spec.general {
            Some(_) => Some(Pool { label: "general".into(), records: all_records(&general)? }),
            None => None,
        };
        let matched =
            tuning::matched(&pools, general_pool.as_ref(), &test_records, spec.pairs, spec.seed)?;
        let all = read.iter().flat_map(|(_, datasets)| datasets).chain(&general).chain(&tests);
        let n_skipped = n_skipped(&all.cloned().collect::<Vec<_>>());
        let choice =
            ModelChoice { model: spec.model.clone(), device: spec.device.clone(), adapter: None };
        Ok(Self { spec, choice, pack, prompts_sha256, tests, matched, n_skipped })
    }

    fn test_records(&self) -> Result<Vec<Arc<Record>>, WorkbenchError> {
        all_records(&self.tests)
    }

    /// The trainings, in their order: general data last.
    fn trainings(&self) -> Vec<Tuned> {
        let mut all = Vec::new();
        for seed in self.spec.seeds.iter().copied() {
            for set in &self.matched.sets {
                for with_context in [true, false] {
                    let dataset = set.label.clone();
                    all.push(Tuned::On { dataset, with_context, seed });
                }
            }
            all.extend(self.matched.general.as_ref().map(|_| Tuned::General { seed }));
        }
        all
    }

    /// The examples of every arm, the arms of one seed being those of every other.
    fn examples(&self, trainer: &dyn Trains) -> Result<Arms, WorkbenchError> {
        let framer = trainer.framer(&self.spec.tuning)?;
        let mut arms = Arms::new();
        for set in &self.matched.sets {
            for with_context in [true, false] {
                let made = tuning::examples(&set.records, with_context, &self.pack, &framer)?;
                arms.insert((set.label.clone(), with_context), made);
            }
        }
        if let Some(general) = &self.matched.general {
            let made = tuning::examples(&general.records, true, &self.pack, &framer)?;
            arms.insert((general.label.clone(), true), made);
        }
        Ok(arms)
    }

    /// Some tests whose loss is measured beside the trainings', with their documents.
    fn held_out(&self, trainer: &dyn Trains) -> Result<Vec<Example>, WorkbenchError> {
        let framer = trainer.framer(&self.spec.tuning)?;
        let mut tests = self.test_records()?;
        tests.retain(|test| !test.answer().trim().is_empty());
        tests.truncate(self.spec.held_out);
        Ok(tuning::examples(&tests, true, &self.pack, &framer)?)
    }
}

/// Examples by label, and whether with contexts.
type Arms = BTreeMap<(String, bool), Vec<Example>>;

/// Human data first, then the two strategies, then others by name.
fn order(pool: &Pool) -> (usize, String) {
    let strategy = pool.records.first().map(|record| record.strategy.as_str());
    let known = ["human", "context_synthesis", "instruction_synthesis"];
    let rank = known.iter().position(|name| Some(*name) == strategy);
    (rank.unwrap_or(known.len()), pool.label.clone())
}

/// "human with contexts, seed 0".
fn title(tuned: &Tuned) -> String {
    match tuned {
        Tuned::Base => "the base model".to_owned(),
        Tuned::General { seed } => format!("general data, seed {seed}"),
        Tuned::On { dataset, with_context, seed } => {
            let with = if *with_context { "with" } else { "without" };
            format!("{dataset} {with} contexts, seed {seed}")
        }
    }
}

/// The folder of a model below that of the arms or of the results.
fn folder(tuned: &Tuned) -> PathBuf {
    match tuned {
        Tuned::Base => PathBuf::from("base"),
        Tuned::General { seed } => PathBuf::from("general").join(format!("seed-{seed}")),
        Tuned::On { dataset, with_context, seed } => {
            let with = if *with_context { "with" } else { "without" };
            Path::new(dataset).join(with).join(format!("seed-{seed}"))
        }
    }
}

fn examples_of<'a>(arms: &'a Arms, tuned: &Tuned) -> &'a [Example] {
    let key = match tuned {
        Tuned::Base => return &[],
        Tuned::General { .. } => ("general".to_owned(), true),
        Tuned::On { dataset, with_context, .. } => (dataset.clone(), *with_context),
    };
    arms.get(&key).map_or(&[], Vec::as_slice)
}

fn seed_of(tuned: &Tuned) -> u64 {
    match tuned {
        Tuned::Base => 0,
        Tuned::General { seed } | Tuned::On { seed, .. } => *seed,
    }
}

fn study(
    job: &GapStudyJob,
    desk: &mut Desk,
    load: LoadTrainer<'_>,
    watch: &Watch,
) -> Result<GapReport, WorkbenchError> {
    let spec = job.spec.read()?;
    files::check_out(job)?;
    let begun = Begun::read(spec, watch)?;
    tell_left_out(&begun.matched, watch);
    let asked = answers::Questions::new(&begun, desk, watch)?;
    let test_speed = estimate::test_speed(&begun, &asked, desk, watch)?;
    let mut trainer = load(&begun.choice, desk, watch)?;
    let arms = begun.examples(&*trainer)?;
    let held_out = begun.held_out(&*trainer)?;
    let estimate = estimate::of(&begun, &arms, &asked, test_speed, job, &mut *trainer, watch)?;
    let labels = begun.matched.sets.iter().map(|set| set.label.clone());
    let left_out = labels.zip(begun.matched.left_out.iter().copied());
    let mut left_out: BTreeMap<String, LeftOut> = left_out.collect();
    if begun.matched.general.is_some() {
        left_out.insert("general".into(), begun.matched.general_left_out);
    }
    let mut report = GapReport {
        left_out,
        study: None,
        files: Vec::new(),
        figure: None,
        elapsed_secs: 0.0,
        skipped: begun.n_skipped,
        warnings: Vec::new(),
        estimate,
    };
    if job.only_estimates {
        return Ok(report);
    }
    files::begin(job, &begun)?;
    let mut clock = Clock::new(&report.estimate);
    train(job, &begun, &arms, &held_out, &mut *trainer, &mut clock, watch)?;
    drop(trainer);
    let mut runs = Vec::new();
    for tuned in [Tuned::Base].into_iter().chain(begun.trainings()) {
        let was_done = estimate::is_tested(job, &tuned);
        clock.begin("testing", &tuned, watch);
        runs.push(answers::run(job, &begun, &asked, tuned, desk, watch)?);
        clock.end(if was_done { 0.0 } else { report.estimate.secs_of_test });
    }
    watch.part("the proxies");
    let proxies = proxies::of(job, &begun, desk, watch)?;
    let tests = begun.test_records()?;
    let groups = report::gap_groups(tests.iter().map(|test| test.task.as_str()));
    let human =
        begun.matched.sets.iter().find(|set| {
            set.records.first().is_some_and(|record| record.strategy.as_str() == "human")
        });
    let blank = GapStudy {
        model: asked.model_name.clone(),
        datasets: begun.matched.sets.iter().map(|set| set.label.clone()).collect(),
        human: human.map(|set| set.label.clone()),
        seeds: begun.spec.seeds.clone(),
        n_pairs: begun.matched.sets.first().map_or(0, |set| set.records.len()),
        n_tests: tests.len(),
        rows: Vec::new(),
        references: Vec::new(),
        validation: Validation::default(),
        notes: Vec::new(),
    };
    watch.part("");
    watch.stage("drawing", 0);
    let study = tuning::study(blank, &runs, &groups, &proxies);
    let figure = Arc::new(report::gap_study_figure(&study));
    report.files = files::write_all(job, &begun, &study, &figure, &report)?;
    report.study = Some(study);
    report.figure = Some(figure);
    Ok(report)
}

fn train(
    job: &GapStudyJob,
    begun: &Begun,
    arms: &Arms,
    held_out: &[Example],
    trainer: &mut dyn Trains,
    clock: &mut Clock,
    watch: &Watch,
) -> Result<(), WorkbenchError> {
    for tuned in begun.trainings() {
        let was_done = estimate::is_trained(job, &tuned);
        clock.begin("training", &tuned, watch);
        let examples = examples_of(arms, &tuned);
        let settings = Settings { seed: seed_of(&tuned), ..begun.spec.tuning.clone() };
        let out = job.out.join("arms").join(folder(&tuned));
        super::tuning::make_room(&out, job.overwrite)?;
        job.course.begin(&title(&tuned));
        let mut hear = |step: &tuning::Step| job.course.push(step);
        trainer.train(examples, held_out, &settings, &out, &mut hear, watch)?;
        let planned = estimate::secs_of_training(examples, &settings, clock.train_rate);
        clock.end(if was_done { 0.0 } else { planned });
    }
    Ok(())
}

fn tell_left_out(matched: &Matched, watch: &Watch) {
    for (set, out) in matched.sets.iter().zip(&matched.left_out) {
        if let Some(sentence) = out.sentence() {
            watch.warn(format!("{}: records not trained on: {sentence}", set.label));
        }
    }
    if let Some(sentence) = matched.general_left_out.sentence() {
        watch.warn(format!("general data: records not trained on: {sentence}"));
    }
    let n = matched.general.as_ref().map_or(0, |general| general.records.len());
    if matched.n_general < n {
        watch.warn(format!(
            "general data: its {} records come again, so that all arms take as many steps as {n} records",
            matched.n_general
        ));
    }
}

/// How long it all takes, corrected by what it took so far.
struct Clock {
    n_done: usize,
    n_all: usize,
    train_rate: Option<f64>,
    secs_left: f64,
    /// Planned seconds of what is done, and those it took.
    planned: f64,
    took: f64,
    at: Instant,
}

impl Clock {
    fn new(estimate: &GapEstimate) -> Self {
        Self {
            n_done: 0,
            n_all: estimate.trainings + estimate.models_tested,
            train_rate: estimate.training_tokens_per_s,
            secs_left: estimate.secs_all,
            planned: 0.0,
            took: 0.0,
            at: Instant::now(),
        }
    }

    fn begin(&mut self, what: &str, tuned: &Tuned, watch: &Watch) {
        self.n_done += 1;
        let pace = if self.planned > 0.0 { self.took / self.planned } else { 1.0 };
        watch.part(&format!(
            "{} of {}, about {} for all that is left: {what} {}",
            self.n_done,
            self.n_all,
            duration(self.secs_left * pace),
            title(tuned)
        ));
        self.at = Instant::now();
    }

    /// What was planned for it is done, in part by an earlier run perhaps.
    fn end(&mut self, planned: f64) {
        let took = self.at.elapsed().as_secs_f64();
        self.secs_left = (self.secs_left - planned).max(0.0);
        // What an earlier run had done in part tells little of the pace.
        if took > 0.2 * planned && planned > 0.0 {
            self.planned += planned;
            self.took += took;
        }
    }
}
