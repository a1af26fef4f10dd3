//! The words of `backstory extend`.

use super::arguments::InputArguments;
use super::filter_arguments::FilterArguments;
use crate::needle::parse_length;
use crate::synthesis::extension::Position;
use crate::workbench::{ExtendJob, ExtendPool, ExtendSize};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct ExtendArguments {
    #[command(flatten)]
    inputs: InputArguments,
    #[command(flatten)]
    filter: FilterArguments,
    #[command(flatten)]
    size: SizeArguments,
    /// Who counts tokens: a tokenizer.json, a .gguf file or a model of the catalogue; without one, words
    /// are counted
    #[arg(long)]
    tokenizer: Option<String>,
    /// A prompt pack: LongBench's dataset2prompt.json, or the folder that holds it; without it our own
    /// wording
    #[arg(long)]
    prompts: Option<PathBuf>,
    /// Where the own context stands: uniform, start, middle, end or a depth from 0 to 1
    #[arg(long, value_parser = Position::parse, default_value = "uniform")]
    position: Position,
    /// Where other contexts come from: same-task, other-task or a file of records
    #[arg(long, value_parser = pool, default_value = "same-task")]
    pool: ExtendPool,
    /// Allow contexts that hold the record's answer
    #[arg(long)]
    allow_answers: bool,
    /// Seed of everything random: the same seed gives the same bytes
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// The dataset to write
    #[arg(long)]
    out: PathBuf,
    /// Print counts and lengths as JSON
    #[arg(long)]
    pub json: bool,
}

/// How long records shall become.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct SizeArguments {
    /// The own context and N-1 others
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    contexts: Option<u32>,
    /// As many as make the whole prompt this long, such as 8192 or 8k; never longer
    #[arg(long, value_name = "N", value_parser = parse_length)]
    tokens: Option<u64>,
    /// As many as make all prompts together as long as those of this file of tests
    #[arg(long, value_name = "TESTS")]
    target: Option<PathBuf>,
}

fn pool(text: &str) -> Result<ExtendPool, String> {
    Ok(match text {
        "same-task" => ExtendPool::SameTask,
        "other-task" => ExtendPool::OtherTask,
        file => {
            let path = PathBuf::from(file);
            if !path.exists() {
                return Err(format!(
                    "`{file}` is no pool and no file; use same-task, other-task or a file of records"
                ));
            }
            ExtendPool::File(path)
        }
    })
}

impl SizeArguments {
    fn size(self) -> ExtendSize {
        match self {
            Self { contexts: Some(n), .. } => ExtendSize::Contexts(n as usize),
            Self { target: Some(path), .. } => ExtendSize::Target(path),
            Self { tokens, .. } => ExtendSize::Tokens(tokens.unwrap_or_default()),
        }
    }
}

impl ExtendArguments {
    /// The job that the words mean.
    ///
    /// # Errors
    /// Words that make no sense together.
    pub fn job(self) -> Result<ExtendJob, String> {
        Ok(ExtendJob {
            inputs: self.filter.on(self.inputs.inputs(), self.tokenizer.clone())?,
            size: self.size.size(),
            tokenizer: self.tokenizer,
            prompts: self.prompts,
            position: self.position,
            pool: self.pool,
            allow_answers: self.allow_answers,
            seed: self.seed,
            out: self.out,
            replace: true,
        })
    }
}
