//! The words of `backstory needle`.

use super::arguments::ModelArguments;
use crate::needle::{Depths, NeedleTask, Plan, Sizes, parse_length};
use crate::workbench::{Inputs, Job, NeedleMakeJob, NeedleRunJob};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum NeedleCommand {
    /// Build tests over lengths, or a training set of one composition
    Make(Box<MakeArguments>),
    /// Let a model answer tests, and grade its replies
    Run(Box<RunArguments>),
}

#[derive(Debug, Args)]
pub struct MakeArguments {
    /// single, multi-key, multi-query, multi-value, with commas between them; else all four
    #[arg(long, value_delimiter = ',', value_parser = task)]
    task: Vec<NeedleTask>,
    /// Of a training set: needle (the needles alone), needle+1k, needle+64k, or tokens such as 4k
    #[arg(long, value_parser = Sizes::training, conflicts_with = "lengths", required_unless_present = "lengths")]
    composition: Option<Sizes>,
    /// Of tests: tokens of the prompts, such as 0,512,1k,64k; 1k is 1024, 0 the needles alone
    #[arg(long, value_delimiter = ',', value_parser = parse_length)]
    lengths: Vec<u64>,
    /// Records of each task and length
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    n: u32,
    /// Where needles stand: depths from 0 to 1 that are taken in turn, or uniform
    #[arg(long, value_parser = Depths::parse, default_value = "0,0.25,0.5,0.75,1")]
    depths: Depths,
    /// The text to hide needles in: a text file, or bundled
    #[arg(long, default_value = BUNDLED)]
    haystack: PathBuf,
    /// Who counts tokens: a tokenizer.json, a .gguf file or a model of the catalogue
    #[arg(long)]
    tokenizer: String,
    /// Seed of everything random: the same seed gives the same bytes
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// The file of records to write
    #[arg(long)]
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct RunArguments {
    /// Files of tests that `needle make --lengths` wrote
    #[arg(required = true)]
    tests: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArguments,
    /// Only the first N tests of each file
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// What to call the results, such as what the model was tuned on; else the model's name
    #[arg(long)]
    name: Option<String>,
    /// Tests answered at the same time; does not change the replies
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    parallel: u16,
    /// The file of results to write; the journal lies beside it as F.journal
    #[arg(long)]
    out: PathBuf,
    /// Throw away an earlier run in --out
    #[arg(long)]
    overwrite: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The text that comes with the program.
const BUNDLED: &str = "bundled";

fn task(name: &str) -> Result<NeedleTask, String> {
    let known = "single, multi-key, multi-query or multi-value";
    NeedleTask::parse(name.trim()).ok_or_else(|| format!("no such needle task; use {known}"))
}

impl NeedleCommand {
    /// Whether JSON was asked for.
    pub fn json(&self) -> bool {
        match self {
            Self::Make(make) => make.json,
            Self::Run(run) => run.json,
        }
    }

    /// The job that the words mean.
    pub fn job(self) -> Job {
        match self {
            Self::Make(make) => Job::NeedleMake(make.job()),
            Self::Run(run) => Job::NeedleRun(Box::new(run.job())),
        }
    }
}

impl MakeArguments {
    fn job(self) -> NeedleMakeJob {
        let mut tasks: Vec<NeedleTask> = self.task;
        if tasks.is_empty() {
            tasks.extend(NeedleTask::ALL);
        }
        // In the paper's order, and each once: a task that is named twice would come twice.
        tasks.sort_unstable();
        tasks.dedup();
        let mut lengths = self.lengths;
        lengths.sort_unstable();
        lengths.dedup();
        NeedleMakeJob {
            plan: Plan {
                tasks,
                sizes: self.composition.unwrap_or(Sizes::Tests(lengths)),
                n: self.n as usize,
                depths: self.depths,
                seed: self.seed,
            },
            haystack: Some(self.haystack).filter(|path| path.as_os_str() != BUNDLED),
            tokenizer: self.tokenizer,
            out: self.out,
            replace: true,
        }
    }
}

impl RunArguments {
    fn job(self) -> NeedleRunJob {
        let limit = self.limit.map(|n| n as usize);
        NeedleRunJob {
            tests: Inputs { files: self.tests, limit, ..Inputs::default() },
            model: self.model.choice(),
            out: self.out,
            name: self.name,
            n_parallel: usize::from(self.parallel),
            overwrite: self.overwrite,
        }
    }
}
