//! The words of `backstory report`, and those that name result folders.

use super::arguments::InputOptions;
use crate::report::CompareSettings;
use crate::workbench::{GapWish, Named, OpenRows, RESAMPLES, ReportJob, Taken};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Datasets, coherence rows, LongBench result folders and needle results
    #[arg(required_unless_present_any = ["label", "with"])]
    files: Vec<PathBuf>,
    #[command(flatten)]
    more: InputOptions,
    /// The folder to write; a new or an empty one
    #[arg(long)]
    out: PathBuf,
    /// Count tokens: a tokenizer.json, a .gguf file or a model of the catalogue
    #[arg(long)]
    tokenizer: Option<String>,
    /// What other strategies are measured against: a strategy or a file; else the first
    #[arg(long)]
    baseline: Option<String>,
    #[command(flatten)]
    results: ResultsArguments,
    /// Seed of the bootstrap and of random sign patterns
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Resamples of the bootstrap, and sign patterns that are counted at most
    #[arg(long, default_value_t = RESAMPLES as u32, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    resamples: u32,
    /// Replace an earlier report in that folder
    #[arg(long)]
    replace: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Result folders with names.
#[derive(Debug, Args)]
pub struct ResultsArguments {
    /// Of scores: a result folder as NAME=DIR; may be given several times
    #[arg(long, value_name = "NAME=DIR", value_parser = named)]
    pub label: Vec<Named>,
    /// Of the gap: results of a model tuned with contexts; may be given several times
    #[arg(long, value_name = "[NAME=]DIR", value_parser = named)]
    pub with: Vec<Named>,
    /// Of the gap: results of its twin tuned without contexts, by the same name or in the same order
    #[arg(long, value_name = "[NAME=]DIR", value_parser = named)]
    pub without: Vec<Named>,
    /// Of scores and the gap: results that are drawn as a line, such as those of human data
    #[arg(long, value_name = "[NAME=]DIR", value_parser = named)]
    pub reference: Option<Named>,
}

/// `NAME=DIR`, or a folder alone.
fn named(text: &str) -> Result<Named, String> {
    let alone = Named { name: None, path: text.into() };
    match text.split_once('=').filter(|_| !alone.path.exists()) {
        None => Ok(alone),
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok(Named { name: Some(name.to_owned()), path: path.into() })
        }
        Some(_) => Err("write NAME=DIR, such as human=results/human".to_owned()),
    }
}

impl ResultsArguments {
    /// The named models, and what makes a gap.
    pub fn gap(self) -> (Vec<Named>, GapWish) {
        let Self { label, with, without, reference } = self;
        (label, GapWish { with, without, reference })
    }
}

impl ReportArguments {
    /// The job that the words mean.
    pub fn job(self) -> ReportJob {
        let (models, gap) = self.results.gap();
        ReportJob {
            inputs: self.more.inputs(self.files),
            rows: OpenRows::default(),
            models,
            gap,
            tokenizer: self.tokenizer,
            baseline: self.baseline,
            settings: CompareSettings { seed: self.seed, n_resamples: self.resamples as usize },
            out: self.out,
            taken: if self.replace { Taken::Replace } else { Taken::Refuse },
        }
    }
}
