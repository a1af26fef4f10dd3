//! The words of `backstory export`.

use super::arguments::InputArguments;
use super::filter_arguments::FilterArguments;
use crate::export::{Arm, Format, Split};
use crate::workbench::{ExportJob, Job};
use clap::Args;
use std::path::PathBuf;

/// Write records as training data
#[derive(Debug, Args)]
pub struct ExportArguments {
    #[command(flatten)]
    inputs: InputArguments,
    #[command(flatten)]
    filter: FilterArguments,
    /// How: jsonl, messages, sharegpt, alpaca, longalign, parquet or csv
    #[arg(long, value_parser = format)]
    format: Format,
    /// The file to write; a card, and for chats LLaMA-Factory's dataset_info.json, are written beside it
    #[arg(long)]
    out: PathBuf,
    /// With or without the context: with-context, without-context
    #[arg(long, value_parser = arm, default_value = "with-context")]
    arm: Arm,
    /// A prompt pack: LongBench's dataset2prompt.json, or the folder that holds it; else our own wording
    #[arg(long)]
    prompts: Option<PathBuf>,
    /// Counts the lengths of longalign and the tokens that a filter asks for: a tokenizer.json, a .gguf file or a model of the catalogue
    #[arg(long)]
    tokenizer: Option<String>,
    /// Keep about this share of the seeds for validation, in a second file; no seed is in both
    #[arg(long, value_name = "SHARE")]
    validation: Option<f64>,
    /// Seed of that choice
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// An arm by its name.
pub fn arm(name: &str) -> Result<Arm, String> {
    let found = Arm::ALL.into_iter().find(|arm| arm.name() == name);
    found.ok_or_else(|| format!("`{name}` is no arm; use {}", Arm::ALL.map(Arm::name).join(" or ")))
}

impl ExportArguments {
    /// The job that the words mean.
    pub fn job(self) -> Job {
        let seed = self.seed;
        let rows_files = self.filter.rows();
        Job::Export(Box::new(ExportJob {
            inputs: self.filter.on_with_rows(self.inputs.inputs(), self.tokenizer.clone()),
            only: None,
            rows: Vec::new(),
            rows_files,
            format: self.format,
            arm: self.arm,
            prompts: self.prompts,
            tokenizer: self.tokenizer,
            split: self.validation.map(|share| Split { share, seed }),
            out: self.out,
            replace: true,
        }))
    }
}

fn format(name: &str) -> Result<Format, String> {
    let known = Format::ALL.map(Format::name).join(", ");
    Format::parse(name).ok_or_else(|| format!("use one of: {known}"))
}
