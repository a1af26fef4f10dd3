//! The words of `backstory tune`, and its answer in lines.

use super::arguments::InputOptions;
use super::export_arguments::arm;
use crate::export::Arm;
use crate::job::duration;
use crate::model::adapter::Projection;
use crate::model::catalogue;
use crate::tuning::{Batching, Settings};
use crate::workbench::{Inputs, ModelChoice, TuneJob, TuneReport};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

/// Train an adapter (LoRA) on records, with their contexts or without
#[derive(Debug, Args)]
pub struct TuneArguments {
    /// Records with instructions and answers
    #[arg(long, required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    #[command(flatten)]
    more: InputOptions,
    /// With or without their contexts: with-context, without-context
    #[arg(long, value_parser = arm, default_value = "with-context")]
    arm: Arm,
    /// Records of which only the loss is measured, once an epoch, with their contexts
    #[arg(long, num_args = 1..)]
    held_out: Vec<PathBuf>,
    /// The base model: a .gguf file, a folder of safetensors or a model of the catalogue
    #[arg(long, default_value = catalogue::DEFAULT)]
    model: String,
    /// Where to train: cpu, or cuda or metal where the program is built with them
    #[arg(long, default_value = "cpu")]
    device: String,
    /// The folder of the adapter (PEFT's two files), of the losses' course and of the checkpoint from
    /// which a training goes on
    #[arg(long)]
    out: PathBuf,
    /// A prompt pack: LongBench's dataset2prompt.json, or the folder that holds it; else our own wording
    #[arg(long)]
    prompts: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingsArguments,
    /// Only tell what it would take: steps, tokens, memory, time
    #[arg(long)]
    estimate: bool,
    /// Throw away an earlier training in --out
    #[arg(long)]
    overwrite: bool,
    /// Print counts, losses and speed as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
struct SettingsArguments {
    /// Rank of the adapter
    #[arg(long, default_value_t = Settings::default().rank)]
    rank: usize,
    /// LoRA's alpha: the change is scaled by alpha / rank
    #[arg(long, default_value_t = Settings::default().alpha)]
    alpha: f64,
    /// Share of the adapter's inputs that a step drops
    #[arg(long, default_value_t = Settings::default().dropout)]
    dropout: f64,
    /// The matrices to adapt: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj; without it
    /// all of them
    #[arg(long, value_delimiter = ',', value_parser = projection)]
    targets: Vec<Projection>,
    /// Peak of the learning rate
    #[arg(long, default_value_t = Settings::default().learning_rate)]
    learning_rate: f64,
    /// How often every record is used
    #[arg(long, default_value_t = Settings::default().epochs)]
    epochs: usize,
    /// Records of a step
    #[arg(long, default_value_t = Settings::default().batch)]
    batch: usize,
    /// Bring records of similar length together instead of taking them in random order
    #[arg(long)]
    sorted: bool,
    /// Tokens that are computed together; the packs of a step are accumulated
    #[arg(long, default_value_t = Settings::default().pack_tokens)]
    pack_tokens: usize,
    /// Tokens of a record; of a longer prompt the middle is left out; 0: the model's window
    #[arg(long, default_value_t = Settings::default().max_tokens)]
    max_tokens: usize,
    /// Share of the steps in which the learning rate rises
    #[arg(long, default_value_t = Settings::default().warmup_ratio)]
    warmup_ratio: f64,
    /// The norm to which gradients are clipped
    #[arg(long, default_value_t = Settings::default().max_grad_norm)]
    max_grad_norm: f64,
    /// AdamW's decay of the weights
    #[arg(long, default_value_t = Settings::default().weight_decay)]
    weight_decay: f64,
    /// Seed of the adapter's first values, of the order and of dropout
    #[arg(long, default_value_t = Settings::default().seed)]
    seed: u64,
}

fn projection(name: &str) -> Result<Projection, String> {
    let found = Projection::ALL.into_iter().find(|projection| projection.name() == name);
    found.ok_or_else(|| {
        let names = Projection::ALL.map(Projection::name).join(", ");
        format!("`{name}` is no matrix of a layer; use {names}")
    })
}

impl SettingsArguments {
    fn settings(self) -> Settings {
        Settings {
            rank: self.rank,
            alpha: self.alpha,
            dropout: self.dropout,
            targets: match self.targets.is_empty() {
                true => Settings::default().targets,
                false => self.targets.into_iter().collect(),
            },
            learning_rate: self.learning_rate,
            epochs: self.epochs,
            batch: self.batch,
            batching: if self.sorted { Batching::Sorted } else { Batching::Packed },
            pack_tokens: self.pack_tokens,
            max_tokens: self.max_tokens,
            warmup_ratio: self.warmup_ratio,
            max_grad_norm: self.max_grad_norm,
            weight_decay: self.weight_decay,
            seed: self.seed,
        }
    }
}

impl TuneArguments {
    /// The job that the words mean.
    pub fn job(self) -> TuneJob {
        TuneJob {
            data: self.more.inputs(self.data),
            arm: self.arm,
            held_out: Inputs { files: self.held_out, ..Inputs::default() },
            model: ModelChoice { model: self.model, device: self.device, adapter: None },
            out: self.out,
            prompts: self.prompts,
            settings: self.settings.settings(),
            only_estimates: self.estimate,
            overwrite: self.overwrite,
            course: Default::default(),
        }
    }
}

/// A few lines.
pub fn print(out: &mut impl Write, report: &TuneReport) -> std::io::Result<()> {
    let needs = report.estimate.needs;
    let time = report.estimate.secs.map_or_else(|| "-".to_owned(), duration);
    writeln!(
        out,
        "before the start: {} records, {} steps, {} tokens, {} MiB of memory, about {time} at the speed of the \
         first pack",
        report.examples,
        needs.steps,
        needs.tokens,
        needs.bytes >> 20
    )?;
    writeln!(out, "{} left out, {} cut", report.left_out, report.cut)?;
    let Some([first, last]) = report.loss else { return Ok(()) };
    let speed = report.tokens_per_s.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.0}"));
    writeln!(
        out,
        "{} steps, {} of them by an earlier run; loss {first:.4} to {last:.4} nats a token; {speed} tokens/s; {}",
        report.steps,
        report.resumed,
        duration(report.elapsed_secs)
    )?;
    match report.held_out_loss {
        Some(loss) => writeln!(out, "held-out loss {loss:.4} nats a token"),
        None => Ok(()),
    }
}
