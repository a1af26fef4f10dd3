//! The words of the command line (`INTERFACE.md`) and the jobs that they mean.

use super::Asked;
use super::check_arguments::CheckArguments;
use super::compare_arguments::CompareArguments;
use super::evaluate_arguments::EvaluateArguments;
use super::export_arguments::ExportArguments;
use super::extend_arguments::ExtendArguments;
use super::figure_arguments::{FigureArguments, FormArgument};
use super::filter_arguments::FilterArguments;
use super::gap_arguments::GapArguments;
use super::needle_arguments::NeedleCommand;
use super::report_arguments::ReportArguments;
use super::score_arguments::ScoreArguments;
use super::truncate_arguments::TruncateArguments;
use super::tune_arguments::TuneArguments;
use super::window_arguments::{ViewArgument, WindowArguments, column, word};
use crate::coherence::{Negatives, Settings};
use crate::model::{Sampling, catalogue};
use crate::synthesis;
use crate::workbench::{
    BenchJob, BenchOpenJob, CoherenceJob, DemoJob, FramesWish, Inputs, Job, LengthsJob,
    ModelChoice, Prompt, SynthJob,
};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A workbench for long-context instruction data.
///
/// It writes the missing context of an instruction-answer pair, or the missing question of a
/// document, and measures how much each instruction depends on its context. Without a command it opens
/// its window.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    window: WindowArguments,
}

impl Arguments {
    /// Refuses a word that is neither a command nor a file, which would open an empty window.
    pub fn checked(self) -> Result<Self, clap::Error> {
        let is_word = |path: &&PathBuf| {
            !path.exists() && path.extension().is_none() && path.components().count() == 1
        };
        let (n_join, n_files) = (self.window.join.len(), self.window.files.len());
        if n_join > 0 && n_join != n_files {
            return Err(Self::command().error(
                clap::error::ErrorKind::WrongNumberOfValues,
                format!("{n_files} files and {n_join} --join files; give one --join for each file"),
            ));
        }
        let word = self.window.files.iter().find(is_word).filter(|_| self.command.is_none());
        match word {
            None => Ok(self),
            Some(word) => {
                let mut known = Self::command();
                let names: Vec<&str> =
                    known.get_subcommands().map(clap::Command::get_name).collect();
                let message = format!(
                    "`{}` is neither a command nor a file; use one of {}, or name a data file",
                    word.display(),
                    names.join(", ")
                );
                Err(known.error(clap::error::ErrorKind::InvalidSubcommand, message))
            }
        }
    }

    /// What is the window's to do; else the command.
    pub fn asked(self) -> Result<Asked, Command> {
        match self.command {
            Some(Command::Bench {
                command:
                    BenchCommand::Frames {
                        files,
                        model,
                        view,
                        form,
                        during_synth,
                        search,
                        regex,
                        filter,
                        json,
                    },
            }) => {
                let view = view.and_then(word);
                let form = form.and_then(FormArgument::of_coherence).unwrap_or_default();
                Ok(Asked::Frames(FramesWish {
                    files,
                    model,
                    view,
                    form,
                    during_synth,
                    search,
                    regex,
                    filter,
                    json,
                }))
            }
            Some(command) => Err(command),
            None => Ok(Asked::Window(self.window.opening())),
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The main job on the bundled seeds: both strategies, lengths, coherence, figures
    Demo {
        /// The folder to write into
        #[arg(long)]
        out: PathBuf,
        /// Throw away an earlier demo in that folder
        #[arg(long)]
        overwrite: bool,
        /// Print the summary as JSON
        #[arg(long)]
        json: bool,
    },
    /// Models that can be fetched by name
    Models {
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// What is in data files: format, tasks, strategies, columns, broken lines
    Inspect {
        #[command(flatten)]
        inputs: InputArguments,
        #[command(flatten)]
        filter: FilterArguments,
        /// Counts the tokens that a filter asks for: a tokenizer.json, a .gguf file or a model of the
        /// catalogue
        #[arg(long, requires = "filter")]
        tokenizer: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Lengths of contexts, instructions, answers and prompts
    Lengths {
        #[command(flatten)]
        inputs: InputArguments,
        #[command(flatten)]
        filter: FilterArguments,
        /// Count tokens too: a tokenizer.json, a .gguf file or a model of the catalogue
        #[arg(long)]
        tokenizer: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// What a cutoff would take away: tokens, evidence, answers
    Truncate(TruncateArguments),
    /// Make records from seeds
    Synth(Box<SynthArguments>),
    /// Make records longer: their own context among others, to a number of contexts or tokens
    Extend(Box<ExtendArguments>),
    /// Measure how much instructions and answers depend on their contexts
    Coherence {
        #[command(flatten)]
        inputs: InputArguments,
        #[command(flatten)]
        model: ModelArguments,
        /// Contexts of other records to compare with
        #[arg(long, default_value_t = 1)]
        shuffles: usize,
        /// How these are chosen
        #[arg(long, value_enum, default_value_t = NegativesArgument::Random)]
        negatives: NegativesArgument,
        /// Seed of the choice
        #[arg(long, default_value_t = 42)]
        seed: u64,
        /// Where to write a row per record
        #[arg(long)]
        out: Option<PathBuf>,
        /// Print the summary as JSON
        #[arg(long)]
        json: bool,
    },
    /// What is wrong with records: leaks, missing evidence, duplicates, loops, contamination
    Check(Box<CheckArguments>),
    /// Which strategy gives more on the same seeds, and how sure that is
    Compare(Box<CompareArguments>),
    /// Answer test records as LongBench does, and grade the answers
    Evaluate(Box<EvaluateArguments>),
    /// Train an adapter (LoRA) on records, with their contexts or without
    Tune(Box<TuneArguments>),
    /// The tuning gap of several datasets: train both arms of each, test all, draw the difference
    Gap(GapArguments),
    /// Grade predictions as LongBench does
    Score(ScoreArguments),
    /// Draw a figure: SVG, PDF, PNG, CSV, and the JSON that draws it again
    Figure(Box<FigureArguments>),
    /// Figures, tables and dataset cards in one folder, with a page that stands alone
    Report(Box<ReportArguments>),
    /// Write records as training data
    Export(Box<ExportArguments>),
    /// The pilot study: how well a model finds code numbers in long texts
    Needle {
        #[command(subcommand)]
        command: NeedleCommand,
    },
    /// The log-probability of every token of a text file
    Logprobs {
        /// The text
        file: PathBuf,
        #[command(flatten)]
        model: ModelArguments,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Measure speed on this machine
    Bench {
        #[command(subcommand)]
        command: BenchCommand,
    },
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// The catalogue, and which models are on this machine
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Fetch a model
    Get {
        /// Its name in the catalogue
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Tokens per second of prompt and decoding
    Model {
        #[command(flatten)]
        model: ModelArguments,
        /// Tokens of the prompt
        #[arg(long, default_value_t = 512)]
        prompt: usize,
        /// Tokens that each sequence writes
        #[arg(long, default_value_t = 64)]
        generate: usize,
        /// Sequences at once
        #[arg(long, default_value_t = 1)]
        batch: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// How soon a file is there: first rows, index, words, ids, and the memory for that
    Open {
        /// The file
        file: PathBuf,
        /// A column for a field, such as `context=document`; may be given several times
        #[arg(long, value_parser = column)]
        map: Vec<(String, String)>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Processor time of the window's pictures, without a screen
    Frames {
        /// Data files that are open meanwhile; with none, the example project
        files: Vec<PathBuf>,
        /// A .gguf file or a model of the catalogue
        #[arg(long, default_value = catalogue::DEFAULT)]
        model: String,
        /// Only this view; in compare a plot is brushed all the time
        #[arg(long, value_enum)]
        view: Option<ViewArgument>,
        /// How compare draws coherence, where rows of it are among the files
        #[arg(long, value_enum)]
        form: Option<FormArgument>,
        /// Let records be written meanwhile
        #[arg(long)]
        during_synth: bool,
        /// In data, open the first record again and again, scroll its context and type this search
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// The search is a regular expression
        #[arg(long, requires = "search")]
        regex: bool,
        /// In data, type this expression into the filter while the table scrolls
        #[arg(long, value_name = "EXPR")]
        filter: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct InputArguments {
    /// Data files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    more: InputOptions,
}

#[derive(Debug, Args)]
pub struct InputOptions {
    /// A context file that belongs to FILE line by line (one for each FILE, in the same order)
    #[arg(long)]
    join: Vec<PathBuf>,
    /// A column for a field, such as `context=document`; may be given several times
    #[arg(long, value_parser = column)]
    map: Vec<(String, String)>,
    /// Only the first N records of each file, of those that a filter wants
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

#[derive(Debug, Args)]
pub struct ModelArguments {
    /// A .gguf file, a folder with config.json and *.safetensors, or a model of the catalogue
    #[arg(long, default_value = catalogue::DEFAULT)]
    model: String,
    /// A folder with a LoRA adapter (PEFT's files) to apply to the model
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// Where to compute: auto, gpu or cpu
    #[arg(long, default_value = "auto")]
    device: String,
}

#[derive(Debug, Args)]
pub struct SynthArguments {
    /// Which way: write contexts for pairs, or questions and answers for documents
    #[arg(long, value_enum)]
    strategy: StrategyArgument,
    /// Seed files: pairs for `context`, documents for `instruction`
    #[arg(long, required = true, num_args = 1..)]
    seeds: Vec<PathBuf>,
    #[command(flatten)]
    more: InputOptions,
    #[command(flatten)]
    model: ModelArguments,
    /// The dataset to write; the journal lies beside it as F.journal
    #[arg(long)]
    out: PathBuf,
    /// Words to ask for
    #[arg(long, default_value_t = 2000)]
    words: usize,
    /// The limit of a reply in tokens
    #[arg(long, default_value_t = Sampling::default().max_new_tokens)]
    max_new_tokens: usize,
    /// 0 takes the most likely token
    #[arg(long, default_value_t = Sampling::default().temperature, allow_negative_numbers = true)]
    temperature: f32,
    /// Keep the likeliest tokens that together have this probability
    #[arg(long, default_value_t = Sampling::default().top_p)]
    top_p: f32,
    /// Keep this many of the likeliest tokens; 0 keeps all
    #[arg(long, default_value_t = Sampling::default().top_k)]
    top_k: usize,
    /// Make tokens that the reply already holds less likely; 1 does nothing
    #[arg(long, default_value_t = Sampling::default().repetition_penalty)]
    repetition_penalty: f32,
    /// Records written at the same time; does not change them
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    parallel: u16,
    /// Tries for each record
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    attempts: u16,
    /// A prompt file in the form of prompts/synthesis/
    #[arg(long)]
    prompt: Option<PathBuf>,
    /// Seed of everything random: the same seed gives the same bytes
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Throw away an earlier run in --out
    #[arg(long)]
    overwrite: bool,
    /// Print the counts as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StrategyArgument {
    #[value(alias = "context_synthesis")]
    Context,
    #[value(alias = "instruction_synthesis")]
    Instruction,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum NegativesArgument {
    /// By chance
    Random,
    /// The most similar ones
    Nearest,
}

impl Command {
    /// Whether JSON was asked for.
    pub fn json(&self) -> bool {
        match self {
            Self::Demo { json, .. }
            | Self::Inspect { json, .. }
            | Self::Lengths { json, .. }
            | Self::Coherence { json, .. }
            | Self::Logprobs { json, .. }
            | Self::Models { command: ModelsCommand::List { json } }
            | Self::Models { command: ModelsCommand::Get { json, .. } }
            | Self::Bench { command: BenchCommand::Model { json, .. } }
            | Self::Bench { command: BenchCommand::Open { json, .. } }
            | Self::Bench { command: BenchCommand::Frames { json, .. } } => *json,
            Self::Truncate(truncate) => truncate.json,
            Self::Synth(synth) => synth.json,
            Self::Export(export) => export.json,
            Self::Extend(extend) => extend.json,
            Self::Needle { command } => command.json(),
            Self::Check(check) => check.json,
            Self::Compare(compare) => compare.json,
            Self::Evaluate(evaluate) => evaluate.json,
            Self::Tune(tune) => tune.json,
            Self::Gap(gap) => gap.json,
            Self::Score(score) => score.json,
            Self::Figure(figure) => figure.json,
            Self::Report(report) => report.json,
        }
    }

    /// The job that the words mean.
    pub fn job(self) -> Result<Job, String> {
        Ok(match self {
            Self::Demo { out, overwrite, .. } => Job::Demo(DemoJob { out, overwrite }),
            Self::Models { command: ModelsCommand::Get { name, .. } } => Job::Fetch { name },
            Self::Models { .. } => return Err("`models list` runs no job".to_owned()),
            Self::Inspect { inputs, filter, tokenizer, .. } => {
                Job::Inspect(filter.on(inputs.inputs(), tokenizer)?)
            }
            Self::Lengths { inputs, filter, tokenizer, .. } => {
                let inputs = filter.on(inputs.inputs(), tokenizer.clone())?;
                Job::Lengths(LengthsJob { inputs, tokenizer, kept: None })
            }
            Self::Truncate(truncate) => Job::Truncate(truncate.job()?),
            Self::Synth(synth) => Job::Synth(Box::new(synth.job()?)),
            Self::Extend(extend) => Job::Extend(Box::new(extend.job()?)),
            Self::Coherence { inputs, model, shuffles, negatives, seed, out, .. } => {
                let negatives = match negatives {
                    NegativesArgument::Random => Negatives::Random,
                    NegativesArgument::Nearest => Negatives::Nearest,
                };
                Job::Coherence(CoherenceJob {
                    inputs: inputs.inputs(),
                    model: model.choice(),
                    settings: Settings { n_shuffles: shuffles, negatives, seed },
                    out,
                })
            }
            Self::Check(check) => Job::Check(Box::new(check.job())),
            Self::Compare(compare) => Job::Compare(compare.job()),
            Self::Evaluate(evaluate) => Job::Evaluate(Box::new(evaluate.job())),
            Self::Tune(tune) => Job::Tune(Box::new(tune.job())),
            Self::Gap(gap) => gap.job()?,
            Self::Score(score) => Job::Score(score.job()),
            Self::Report(report) => Job::Report(Box::new(report.job())),
            Self::Figure(figure) => Job::SaveFigure(figure.job()?),
            Self::Export(export) => export.job(),
            Self::Bench { command: BenchCommand::Frames { .. } } => {
                return Err("`bench frames` runs no job".to_owned());
            }
            Self::Needle { command } => command.job(),
            Self::Logprobs { file, model, .. } => Job::Logprobs { file, model: model.choice() },
            Self::Bench { command: BenchCommand::Open { file, map, .. } } => {
                Job::BenchOpen(BenchOpenJob { path: file, map })
            }
            Self::Bench { command: BenchCommand::Model { model, prompt, generate, batch, .. } } => {
                Job::Bench(BenchJob {
                    model: model.choice(),
                    n_prompt: prompt,
                    n_generate: generate,
                    n_batch: batch,
                })
            }
        })
    }
}

impl InputArguments {
    /// These files, read as the options say.
    pub fn inputs(self) -> Inputs {
        self.more.inputs(self.files)
    }
}

impl InputOptions {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.join.is_empty() && self.map.is_empty() && self.limit.is_none()
    }

    /// These files, read as the options say.
    pub fn inputs(self, files: Vec<PathBuf>) -> Inputs {
        Inputs {
            files,
            loaded: Vec::new(),
            join: self.join,
            map: self.map,
            filter: None,
            limit: self.limit.map(|n| n as usize),
        }
    }
}

impl ModelArguments {
    pub fn choice(self) -> ModelChoice {
        ModelChoice { model: self.model, device: self.device, adapter: self.adapter }
    }
}

impl SynthArguments {
    fn job(self) -> Result<SynthJob, String> {
        let name = match self.strategy {
            StrategyArgument::Context => "context",
            StrategyArgument::Instruction => "instruction",
        };
        let strategy = synthesis::strategy(name).ok_or_else(|| format!("no strategy `{name}`"))?;
        Ok(SynthJob {
            strategy,
            seeds: self.more.inputs(self.seeds),
            model: self.model.choice(),
            out: self.out,
            n_words: self.words,
            sampling: Sampling {
                temperature: self.temperature,
                top_p: self.top_p,
                top_k: self.top_k,
                repetition_penalty: self.repetition_penalty,
                max_new_tokens: self.max_new_tokens,
                min_new_tokens: 0,
            },
            n_parallel: usize::from(self.parallel),
            n_attempts: usize::from(self.attempts),
            prompt: self.prompt.map_or(Prompt::OfStrategy, Prompt::File),
            seed: self.seed,
            overwrite: self.overwrite,
        })
    }
}
