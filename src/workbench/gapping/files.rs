//! The files of a study beside its adapters and results.

use super::super::WorkbenchError;
use super::super::figures::{DPI, save};
use super::{Begun, GapReport, GapStudyJob};
use crate::data::write_atomic;
use crate::figure::Figure;
use crate::report;
use crate::tuning::GapStudy;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Which records make the arms; written before the first training, so it marks a folder as a study's.
const ARMS: &str = "arms.json";
/// The numbers.
const STUDY: &str = "study.json";

/// The folder must be ours to write into: new, empty, or that of an earlier run.
pub fn check_out(job: &GapStudyJob) -> Result<(), WorkbenchError> {
    let out = job.out.display();
    if job.out.exists() && !job.out.is_dir() {
        return Err(WorkbenchError::Refused(format!(
            "{out} is a file; name a folder to write into"
        )));
    }
    if !job.out.is_dir() || job.overwrite || job.only_estimates || job.out.join(ARMS).exists() {
        return Ok(());
    }
    let fail = |source| WorkbenchError::File { verb: "read", path: job.out.clone(), source };
    match std::fs::read_dir(&job.out).map_err(fail)?.next() {
        None => Ok(()),
        Some(_) => Err(WorkbenchError::Refused(format!(
            "{out} has files in it and no {ARMS} of an earlier study; choose another folder to write to, or let \
             it be used (--overwrite)"
        ))),
    }
}

/// Writes down what the arms are made of.
pub fn begin(job: &GapStudyJob, begun: &Begun) -> Result<(), WorkbenchError> {
    let fail = |source| WorkbenchError::File { verb: "make", path: job.out.clone(), source };
    std::fs::create_dir_all(&job.out).map_err(fail)?;
    let matched = &begun.matched;
    let set = |label: &str, ids: Vec<&str>, out: &crate::tuning::LeftOut| json!({"label": label, "records": ids, "left_out": out});
    let ids = |pool: &crate::tuning::Pool| {
        pool.records.iter().map(|record| record.id.to_string()).collect::<Vec<String>>()
    };
    let mut sets = Vec::new();
    for (pool, out) in matched.sets.iter().zip(&matched.left_out) {
        sets.push(set(&pool.label, ids(pool).iter().map(String::as_str).collect(), out));
    }
    if let Some(pool) = &matched.general {
        let ids = ids(pool);
        sets.push(set(
            "general",
            ids.iter().map(String::as_str).collect(),
            &matched.general_left_out,
        ));
    }
    let first = matched.sets.first().map(|set| &set.records);
    let seeds: Vec<&str> =
        first.into_iter().flatten().map(|record| record.seed_id.as_str()).collect();
    let text = format!("{:#}\n", json!({"seeds": seeds, "sets": sets}));
    write(&job.out.join(ARMS), &text)
}

fn write(path: &Path, text: &str) -> Result<(), WorkbenchError> {
    Ok(write_atomic(path, |file| file.write_all(text.as_bytes()))?)
}

/// Writes numbers and figure, and what all files are; those of numbers and figure.
pub fn write_all(
    job: &GapStudyJob,
    begun: &Begun,
    study: &GapStudy,
    figure: &Figure,
    report: &GapReport,
) -> Result<Vec<PathBuf>, WorkbenchError> {
    let figures = ["gap.svg", "gap.png", "gap.pdf", "gap.csv"].map(|name| job.out.join(name));
    let mut files = save(figure, &figures, DPI)?;
    let numbers = job.out.join(STUDY);
    let text = serde_json::to_string_pretty(study).map_err(|error| {
        WorkbenchError::Refused(format!("the numbers cannot be written: {error}"))
    })?;
    write(&numbers, &text)?;
    let readme = job.out.join("README.md");
    write(&readme, &words(begun, study, report))?;
    files.extend([numbers, readme]);
    Ok(files)
}

/// What the folder holds and what came out.
fn words(begun: &Begun, study: &GapStudy, report: &GapReport) -> String {
    let mut text = format!(
        "# Tuning gap of {}\n\n{} was tuned on the same {} instruction-answer pairs of each dataset, with their \
         contexts and without, with the tuning seeds {}; then every model was asked {} tests with their \
         documents.\n\n",
        study.model,
        study.model,
        study.n_pairs,
        study.seeds.iter().map(u64::to_string).collect::<Vec<String>>().join(", "),
        study.n_tests
    );
    text.push_str(
        "- `arms.json`: the seeds in their order, the records of each arm, and what was left out\n\
         - `arms/LABEL/{with,without}/seed-S/`: the adapter (PEFT) and `training.jsonl`, its losses\n\
         - `results/base`, `results/LABEL/{with,without}/seed-S/`: LongBench's predictions, `result.json`, and \
         `answer_logprobs.jsonl`, the mean log-probability of the first reference answer in nats per token\n\
         - `study.json`: the numbers; `gap.json`: the figure, drawn again by `backstory figure --spec gap.json`\n\n",
    );
    for (label, out) in &report.left_out {
        if let Some(sentence) = out.sentence() {
            text.push_str(&format!("Not trained on, {label}: {sentence}.\n"));
        }
    }
    let tuning = &begun.spec.tuning;
    text.push_str(&format!(
        "\nTuning: LoRA of rank {}, alpha {}, learning rate {}, {} epochs, {} examples a step.\n\n",
        tuning.rank, tuning.alpha, tuning.learning_rate, tuning.epochs, tuning.batch
    ));
    text.push_str(&report::gap_study_table(study).to_markdown());
    text.push_str("\n## Proxies and gap\n\n");
    for point in &study.validation.points {
        let number = |x: Option<f64>| x.map_or("-".to_owned(), |x| format!("{x:+.3}"));
        text.push_str(&format!(
            "- {}, {}: instruction dependence {}, answer dependence {} ({} records); gap in score {}, in \
             log-probability {}\n",
            point.dataset,
            report::task_title(&point.task),
            number(point.instruction_dependence),
            number(point.answer_dependence),
            point.n_records,
            number(point.gap_score),
            number(point.gap_answer_logprob)
        ));
    }
    text.push_str(&format!("\n{}\n", study.validation.sentence));
    text
}

/// The numbers of a study from its folder.
///
/// # Errors
/// [`WorkbenchError::Refused`] for a folder without them, or numbers that make no sense.
pub fn read_study(folder: &Path) -> Result<GapStudy, WorkbenchError> {
    let path = folder.join(STUDY);
    let refuse = |reason: String| {
        WorkbenchError::Refused(format!(
            "{}: {reason}; name the folder that `backstory gap --out` wrote",
            path.display()
        ))
    };
    let text = std::fs::read_to_string(&path).map_err(|error| refuse(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))
}
