//! The main job without a window: bundled seeds through both strategies, lengths, coherence, figures.

use super::example::write_seeds;
use super::loading::{Inputs, ModelChoice, default_model};
use super::synth::{Prompt, run_loaded};
use super::{Desk, SynthEvent, SynthJob, SynthReport, WorkbenchError, figures, measure};
use crate::coherence::{self, Coherence, Settings};
use crate::data::{self, Dataset, ReadOptions, write_atomic};
use crate::figure::Figure;
use crate::job::Watch;
use crate::lengths::{self, Counter, Lengths};
use crate::model::{LanguageModel, Sampling};
use crate::report::{self, CoherenceForm, LengthsView};
use crate::synthesis::strategy;
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// The demo.
#[derive(Debug, Clone)]
pub struct DemoJob {
    /// The folder to write into.
    pub out: PathBuf,
    /// Throw away an earlier demo in it.
    pub overwrite: bool,
}

/// What `summary.json` holds.
#[derive(Debug, Serialize)]
pub struct DemoReport {
    /// The model.
    pub model: String,
    /// Where it ran.
    pub device: String,
    /// Human records.
    pub human: usize,
    /// The run of context synthesis.
    pub context_synthesis: SynthReport,
    /// The run of instruction synthesis.
    pub instruction_synthesis: SynthReport,
    /// Lengths of all three datasets.
    pub lengths: Lengths,
    /// Coherence of all three datasets.
    pub coherence: coherence::Summary,
    /// The files that were written, by name.
    pub files: Vec<String>,
    /// Seconds for everything.
    pub elapsed_secs: f64,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

/// A model of 135 million parameters writes short texts; the paper's 2,000 words are for large ones.
const WORDS: usize = 200;
const MAX_NEW_TOKENS: usize = 400;
/// Sequences decoded together: the weights are read once for all of them.
const PARALLEL: usize = 8;

pub(super) fn run(
    job: DemoJob,
    desk: &mut Desk,
    watch: &Watch,
    follow: &mut dyn FnMut(SynthEvent),
) -> Result<DemoReport, WorkbenchError> {
    let started = Instant::now();
    let make = |source| WorkbenchError::File { verb: "make", path: job.out.clone(), source };
    std::fs::create_dir_all(&job.out).map_err(make)?;
    let choice = default_model(watch)?;
    let model = desk.model(&choice, watch)?;
    let human_path = job.out.join("human.jsonl");
    let seeds = write_seeds(&job.out, &human_path)?;
    let mut synth = |name: &str| -> Result<(SynthReport, Dataset), WorkbenchError> {
        let out = job.out.join(format!("{name}_synthesis.jsonl"));
        let synth = synth_job(name, &choice, &out, job.overwrite)?;
        let seeds = [Arc::new(data::read_dataset(&human_path, &ReadOptions::default(), watch)?)];
        let report = run_loaded(synth, &seeds, model, watch, follow)?;
        Ok((report, data::read_dataset(&out, &ReadOptions::default(), watch)?))
    };
    let (context_synthesis, by_context) = synth("context")?;
    let (instruction_synthesis, by_instruction) = synth("instruction")?;
    let human = seeds.records.len();
    let datasets = [seeds, by_context, by_instruction];
    let (lengths, coherence) = measure_all(&job.out, &datasets, model, watch)?;
    let mut report = DemoReport {
        model: model.info().name.clone(),
        device: model.info().device.clone(),
        human,
        context_synthesis,
        instruction_synthesis,
        lengths,
        coherence,
        files: Vec::new(),
        elapsed_secs: started.elapsed().as_secs_f64(),
        warnings: watch.warnings(),
    };
    let summary = job.out.join("summary.json");
    report.files = files(&job.out).map_err(make)?;
    write_atomic(&summary, |file| {
        serde_json::to_writer_pretty(&mut *file, &report)?;
        file.write_all(b"\n")
    })?;
    Ok(report)
}

fn synth_job(
    name: &str,
    model: &ModelChoice,
    out: &Path,
    overwrite: bool,
) -> Result<SynthJob, WorkbenchError> {
    let strategy = strategy(name)
        .ok_or_else(|| WorkbenchError::Wish(format!("the strategy `{name}` is unknown")))?;
    Ok(SynthJob {
        strategy,
        seeds: Inputs::default(),
        model: model.clone(),
        out: out.to_owned(),
        n_words: WORDS,
        sampling: Sampling { max_new_tokens: MAX_NEW_TOKENS, ..Sampling::default() },
        n_parallel: PARALLEL,
        n_attempts: 3,
        prompt: Prompt::OfStrategy,
        seed: 42,
        overwrite,
    })
}

fn measure_all(
    folder: &Path,
    datasets: &[Dataset],
    model: &mut dyn LanguageModel,
    watch: &Watch,
) -> Result<(Lengths, coherence::Summary), WorkbenchError> {
    let (tokenizer, template) = (model.tokenizer().clone(), model.template().clone());
    let counter = Counter { tokenizer: Some(&tokenizer), template: Some(&template) };
    let lengths = lengths::measure(datasets, &counter, watch)?;
    let view = LengthsView::usual(&lengths);
    write_figure(&folder.join("lengths"), &report::lengths_figure(&lengths, view))?;
    let settings = Settings { n_shuffles: 1, negatives: coherence::Negatives::Random, seed: 42 };
    let measured = coherence::measure(model, datasets, settings, watch)?;
    measure::write_rows(&folder.join("coherence.jsonl"), &measured.rows)?;
    let rows: Vec<&Coherence> = measured.rows.iter().collect();
    let figure = report::coherence_figure(CoherenceForm::Bars, &rows, &measured.summary);
    write_figure(&folder.join("coherence"), &figure)?;
    Ok((lengths, measured.summary))
}

/// The figure as SVG, its numbers as CSV, and the JSON spec that draws it again.
fn write_figure(stem: &Path, figure: &Figure) -> Result<(), WorkbenchError> {
    let paths = ["svg", "csv"].map(|extension| stem.with_extension(extension));
    figures::save(figure, &paths, figures::DPI).map(|_| ())
}

fn files(folder: &Path) -> Result<Vec<String>, std::io::Error> {
    let mut names = vec!["summary.json".to_owned()];
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() && !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
