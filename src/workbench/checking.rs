//! What is wrong with the person's records.

use super::WorkbenchError;
use super::loading::{self, Inputs};
use super::opening::rows_of;
use crate::checks::{At, Check, Checked, Checker, Finding, Gains, Looked, Settings, Tests};
use crate::coherence::Coherence;
use crate::data::{Dataset, Record, RecordId, Records, StrategyId, write_atomic};
use crate::job::Watch;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is wrong with the records?
#[derive(Debug, Clone, Default)]
pub struct CheckJob {
    /// The records.
    pub inputs: Inputs,
    /// Tests that must not stand in them.
    pub tests: Inputs,
    /// Coherence rows of them that are open already.
    pub rows: Vec<Arc<Vec<Coherence>>>,
    /// Files of such rows.
    pub rows_files: Vec<PathBuf>,
    /// Only these checks; `None`: all that can be made.
    pub only: Option<BTreeSet<Check>>,
    /// Where a row per finding goes.
    pub out: Option<PathBuf>,
}

/// What `backstory check --json` prints.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    /// Records that were looked at.
    pub records: usize,
    /// Findings; one of a group of records counts once.
    pub findings: usize,
    /// For each check that was made: the records that it concerns.
    pub checks: BTreeMap<Check, CheckCount>,
    /// Lines that could not be used.
    pub skipped: usize,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
    /// The findings, in the order of the records, then of the checks; datasets are numbered as the job
    /// named them.
    #[serde(skip)]
    pub list: Arc<Vec<Finding>>,
    /// Of each check that was made, where its findings stand in the list.
    #[serde(skip)]
    pub by_check: BTreeMap<Check, Vec<usize>>,
    /// The datasets of the records, as the findings number them.
    #[serde(skip)]
    pub datasets: Vec<Arc<Dataset>>,
    /// The datasets of the tests, likewise.
    #[serde(skip)]
    pub tests: Vec<Arc<Dataset>>,
}

/// How many records a check concerns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CheckCount {
    /// Records.
    pub records: usize,
    /// Their share of all, 0 to 1.
    pub share: f64,
}

pub(super) fn run(job: &CheckJob, watch: &Watch) -> Result<CheckReport, WorkbenchError> {
    if let Some(out) = &job.out {
        loading::check_output(out)?;
        let Inputs { files, join, .. } = &job.inputs;
        let read = files.iter().chain(join).chain(&job.tests.files).chain(&job.rows_files);
        loading::check_not_input(out, read)?;
    }
    let gains = gains(job, watch)?;
    let test_sets = job.tests.read(watch)?;
    let checker = checker(job, &test_sets, gains.is_some(), watch)?;
    let datasets = job.inputs.read(watch)?;
    let checked = look_at_all(&checker, &datasets, gains.as_ref(), watch)?;
    if let Some(gains) = gains.filter(|_| checker.checks().contains(&Check::ClosedBook)) {
        warn_of_unmeasured(&datasets, &gains, watch);
    }
    if let Some(out) = &job.out {
        write_findings(out, &checked.findings, &datasets, &test_sets)?;
    }
    Ok(report(checked, datasets, test_sets, watch))
}

fn report(
    checked: Checked,
    datasets: Vec<Arc<Dataset>>,
    tests: Vec<Arc<Dataset>>,
    watch: &Watch,
) -> CheckReport {
    let mut by_check: BTreeMap<Check, Vec<usize>> =
        checked.counts.keys().map(|check| (*check, Vec::new())).collect();
    for (ix, finding) in checked.findings.iter().enumerate() {
        by_check.entry(finding.check).or_default().push(ix);
    }
    let n = checked.n_records;
    let count = |(check, records): (&Check, &usize)| {
        let share = *records as f64 / n.max(1) as f64;
        (*check, CheckCount { records: *records, share })
    };
    CheckReport {
        records: n,
        findings: checked.findings.len(),
        checks: checked.counts.iter().map(count).collect(),
        skipped: loading::n_skipped(&datasets) + loading::n_skipped(&tests),
        warnings: watch.warnings(),
        list: Arc::new(checked.findings),
        by_check,
        datasets,
        tests,
    }
}

/// What models said of records, by record and strategy.
type AllGains = BTreeMap<(RecordId, StrategyId), Gains>;

/// The gains of all rows, of a record that was measured twice the last ones; `None` without rows.
fn gains(job: &CheckJob, watch: &Watch) -> Result<Option<AllGains>, WorkbenchError> {
    let mut all = job.rows.clone();
    for path in &job.rows_files {
        all.push(Arc::new(rows_of(path, watch)?));
    }
    let gains = |row: &Coherence| {
        let Coherence { answer_gain, answer_gain_shuffled, context_ifd, .. } = *row;
        let gains = Gains { answer_gain, answer_gain_shuffled, context_ifd };
        ((row.id.clone(), row.strategy.clone()), gains)
    };
    let rows = all.iter().flat_map(|rows| rows.iter());
    Ok((!all.is_empty()).then(|| rows.map(gains).collect()))
}

fn checker(
    job: &CheckJob,
    test_sets: &[Arc<Dataset>],
    has_gains: bool,
    watch: &Watch,
) -> Result<Checker, WorkbenchError> {
    let settings = Settings { only: job.only.clone(), has_gains };
    let wants = |check| job.only.as_ref().is_some_and(|only| only.contains(&check));
    for (check, is_missing, what) in [
        (Check::Contamination, test_sets.is_empty(), "test files (`--tests FILE`)"),
        (Check::ClosedBook, !has_gains, "coherence rows (`--rows FILE`)"),
    ] {
        if wants(check) && is_missing {
            let name = check.name();
            return Err(WorkbenchError::Wish(format!(
                "{name} needs {what}; give them, or drop it"
            )));
        }
    }
    let mut tests = Tests::default();
    if job.only.is_none() || wants(Check::Contamination) {
        let n = test_sets.iter().map(|set| set.records.len() as u64).sum();
        watch.stage("reading the tests", n);
        for (dataset, set) in (0..).zip(test_sets) {
            for (record, test) in (0..).zip(set.records.iter()) {
                watch.check()?;
                tests.add(At { dataset, record }, &*test?);
                watch.advance(1);
            }
        }
        tests.index();
    }
    Ok(Checker::new(&settings, tests))
}

fn look_at_all(
    checker: &Checker,
    datasets: &[Arc<Dataset>],
    gains: Option<&AllGains>,
    watch: &Watch,
) -> Result<Checked, WorkbenchError> {
    let n = datasets.iter().map(|dataset| dataset.records.len() as u64).sum();
    watch.stage("checking records", n);
    let mut tally = checker.tally();
    for (dataset, records) in (0..).zip(datasets.iter().map(|dataset| &dataset.records)) {
        let look = |ix: usize, record: &Record| {
            let at = At { dataset, record: ix as u32 };
            let key = || (record.id.clone(), record.strategy.clone());
            Ok(checker.look(at, record, gains.and_then(|all| all.get(&key()))))
        };
        let looked = records.par_map::<Looked, WorkbenchError>(watch, look)?;
        looked.into_iter().for_each(|looked| tally.add(looked));
    }
    Ok(tally.finish())
}

/// Records without a row are not told of by `closed_book`, which must not look like innocence.
fn warn_of_unmeasured(datasets: &[Arc<Dataset>], gains: &AllGains, watch: &Watch) {
    let is_unmeasured = |records: &Records, ix: usize| {
        let strategy = records.row(ix).map(|row| row.strategy.clone());
        records.id(ix).zip(strategy).is_some_and(|key| !gains.contains_key(&key))
    };
    let of =
        |records: &Records| (0..records.len()).filter(|ix| is_unmeasured(records, *ix)).count();
    let n: usize = datasets.iter().map(|dataset| of(&dataset.records)).sum();
    if n > 0 {
        watch.warn(format!(
            "{n} records have no coherence row, so closed_book says nothing of them; measure them with \
             `backstory coherence`"
        ));
    }
}

/// A line of the findings' file: a finding with the names of its files.
#[derive(Serialize)]
struct Row<'a> {
    path: &'a Path,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    related_path: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    related_line: Option<usize>,
    #[serde(flatten)]
    finding: &'a Finding,
}

fn write_findings(
    out: &Path,
    findings: &[Finding],
    datasets: &[Arc<Dataset>],
    tests: &[Arc<Dataset>],
) -> Result<(), WorkbenchError> {
    fn source(sets: &[Arc<Dataset>], at: At) -> Option<(&Path, usize)> {
        let set = sets.get(at.dataset as usize)?;
        Some((set.path.as_path(), set.records.row(at.record as usize)?.line))
    }
    write_atomic(out, |file| {
        for finding in findings {
            let (path, line) = source(datasets, finding.at).unwrap_or((Path::new(""), 0));
            let related = finding
                .related
                .as_ref()
                .and_then(|other| source(if other.is_test { tests } else { datasets }, other.at));
            let (related_path, related_line) = related.unzip();
            let row = Row { path, line, related_path, related_line, finding };
            serde_json::to_writer(&mut *file, &row)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })?;
    Ok(())
}
