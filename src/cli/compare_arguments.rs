//! The words of `backstory compare`.

use super::arguments::InputOptions;
use super::lengths_arguments::{FieldArgument, UnitArgument};
use crate::coherence::Measure;
use crate::report::CompareSettings;
use crate::workbench::{CompareJob, CompareWish, OpenRows, RESAMPLES};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct CompareArguments {
    /// Datasets, files of coherence rows, or folders of results; the strategies of one file are compared too
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    more: InputOptions,
    /// What the others are measured against: a strategy or a file; else the first
    #[arg(long)]
    baseline: Option<String>,
    /// Of datasets: which part of the records; else contexts
    #[arg(long, value_enum)]
    field: Option<FieldArgument>,
    /// Of datasets: counted in what; tokens need a --tokenizer; else tokens with one and words without
    #[arg(long, value_enum)]
    unit: Option<UnitArgument>,
    /// Of datasets: counts tokens: a tokenizer.json, a .gguf file or a model of the catalogue
    #[arg(long)]
    tokenizer: Option<String>,
    /// Of coherence rows: which measure; may be given several times; else both gains
    #[arg(long, value_parser = measure)]
    value: Vec<Measure>,
    /// Only this task; may be given several times
    #[arg(long)]
    task: Vec<String>,
    /// Seed of the bootstrap and of random sign patterns
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Resamples of the bootstrap, and sign patterns that are counted at most
    #[arg(long, default_value_t = RESAMPLES as u32, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    resamples: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn measure(name: &str) -> Result<Measure, String> {
    let known = Measure::ALL.map(Measure::name);
    let found = Measure::ALL.into_iter().find(|measure| measure.name() == name);
    found.ok_or_else(|| format!("use one of: {}", known.join(", ")))
}

impl CompareArguments {
    /// The job that the words mean.
    pub fn job(self) -> CompareJob {
        CompareJob {
            inputs: self.more.inputs(self.files),
            rows: OpenRows::default(),
            counted: Vec::new(),
            wish: CompareWish {
                field: self.field.map(FieldArgument::field),
                unit: self.unit.map(UnitArgument::unit),
                tokenizer: self.tokenizer,
                measures: self.value,
                tasks: self.task,
                baseline: self.baseline,
            },
            settings: CompareSettings { seed: self.seed, n_resamples: self.resamples as usize },
        }
    }
}
