//! The words of `backstory evaluate`.

use super::arguments::{InputOptions, ModelArguments};
use crate::workbench::EvaluateJob;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct EvaluateArguments {
    /// Test files: LongBench's, or records with a context, a question and answers
    #[arg(long, required = true, num_args = 1..)]
    tests: Vec<PathBuf>,
    #[command(flatten)]
    more: InputOptions,
    #[command(flatten)]
    model: ModelArguments,
    /// The folder to write into: predictions, grades, and the journal from which a run goes on
    #[arg(long)]
    out: PathBuf,
    /// A prompt pack: LongBench's dataset2prompt.json (with dataset2maxlen.json beside it), or the
    /// folder that holds it; without it our own wording
    #[arg(long)]
    prompts: Option<PathBuf>,
    /// Tokens of prompt and answer together, if fewer than the model can read
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    window: Option<u32>,
    /// Tests answered at the same time; does not change the answers
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    parallel: u16,
    /// Write the text of each prompt into prompts.jsonl
    #[arg(long)]
    save_prompts: bool,
    /// Only tell what it would take: tests, tokens, time
    #[arg(long)]
    estimate: bool,
    /// Throw away an earlier run in --out
    #[arg(long)]
    overwrite: bool,
    /// Print scores and counts as JSON
    #[arg(long)]
    pub json: bool,
}

impl EvaluateArguments {
    /// The job that the words mean.
    pub fn job(self) -> EvaluateJob {
        EvaluateJob {
            tests: self.more.inputs(self.tests),
            model: self.model.choice(),
            out: self.out,
            prompts: self.prompts,
            window: self.window.map(|n| n as usize),
            n_parallel: usize::from(self.parallel),
            saves_prompts: self.save_prompts,
            only_estimates: self.estimate,
            overwrite: self.overwrite,
        }
    }
}
