//! The words of `backstory truncate`.

use super::arguments::InputArguments;
use super::filter_arguments::FilterArguments;
use crate::lengths::truncation::Policy;
use crate::needle::parse_length;
use crate::workbench::TruncateJob;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct TruncateArguments {
    #[command(flatten)]
    inputs: InputArguments,
    #[command(flatten)]
    filter: FilterArguments,
    /// Who counts tokens: a tokenizer.json, a .gguf file or a model of the catalogue
    #[arg(long)]
    tokenizer: String,
    /// Tokens of prompt and answer together, such as 2048 or 2k,8k; 1k is 1024
    #[arg(long, required = true, value_delimiter = ',', value_parser = parse_length)]
    cutoff: Vec<u64>,
    /// What is done with longer ones: drop, head (keep the head), tail (keep the tail), middle (take the
    /// middle out), with commas between them
    #[arg(long, value_delimiter = ',', value_parser = policy, default_value = "head")]
    policy: Vec<Policy>,
    /// A prompt pack: LongBench's dataset2prompt.json, or the folder that holds it; without it our own
    /// wording
    #[arg(long)]
    prompts: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn policy(name: &str) -> Result<Policy, String> {
    let known = Policy::ALL.map(Policy::name).join(", ");
    let found = Policy::ALL.into_iter().find(|policy| policy.name() == name.trim());
    found.ok_or_else(|| format!("no such policy; use {known}"))
}

impl TruncateArguments {
    /// The job that the words mean.
    ///
    /// # Errors
    /// Words that make no sense together.
    pub fn job(self) -> Result<TruncateJob, String> {
        Ok(TruncateJob {
            inputs: self.filter.on(self.inputs.inputs(), Some(self.tokenizer.clone()))?,
            tokenizer: self.tokenizer,
            prompts: self.prompts,
            cutoffs: self.cutoff.into_iter().map(|n| n as usize).collect(),
            policies: self.policy,
        })
    }
}
