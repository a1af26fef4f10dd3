//! The command line: words in, a [`Job`] through the workbench, JSON or a few lines out.
//!
//! No science and no files here; what a command does belongs in `workbench` and below.

mod arguments;
mod check_arguments;
mod compare_arguments;
mod evaluate_arguments;
mod export_arguments;
mod extend_arguments;
mod figure_arguments;
mod filter_arguments;
mod gap_arguments;
mod lengths_arguments;
mod needle_arguments;
mod print;
mod progress;
mod report_arguments;
mod score_arguments;
mod truncate_arguments;
mod tune_arguments;
mod window_arguments;

use crate::job::Watch;
use crate::model::catalogue;
use crate::workbench::{self, Desk, FramesWish, Job, Opening, Product, WorkbenchError};
use arguments::{Arguments, Command, ModelsCommand};
use clap::Parser;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

/// What is left to do when the words are read.
pub enum Asked {
    /// Nothing: the command has run.
    Nothing(ExitCode),
    /// The window is wanted.
    Window(Opening),
    /// The window's pictures are to be timed.
    Frames(FramesWish),
}

/// Runs the command line of this process, but for what is the window's to do.
pub fn main() -> Asked {
    match parse() {
        Ok(arguments) => match arguments.asked() {
            Ok(asked) => asked,
            Err(command) => Asked::Nothing(run_and_tell(command)),
        },
        Err(code) => Asked::Nothing(code),
    }
}

fn parse() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().and_then(Arguments::checked).map_err(|error| {
        // clap knows which of help, version and error goes where.
        let wrong = error.use_stderr();
        let _ = error.print();
        ExitCode::from(if wrong { 2 } else { 0 })
    })
}

fn run_and_tell(command: Command) -> ExitCode {
    match run(command) {
        Ok(code) => code,
        Err(error) => {
            // Each message is complete: it holds what its cause says.
            eprintln!("error: {error}");
            let is_use = error.is::<WrongUse>()
                || matches!(error.downcast_ref(), Some(WorkbenchError::Wish(_)));
            ExitCode::from(if is_use { 2 } else { 1 })
        }
    }
}

/// The words make no command.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct WrongUse(String);

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let json = command.json();
    if let Command::Models { command: ModelsCommand::List { .. } } = &command {
        print::catalogue(json, &catalogue::folder()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let job: Job = command.job().map_err(WrongUse)?;
    let watch = Watch::default();
    // A command has one model, whichever of its jobs takes it first.
    let meter = Arc::new(OnceLock::new());
    let progress = progress::Progress::show(watch.clone(), meter.clone());
    let mut desk = Desk::default();
    let told = meter.clone();
    desk.tell(move |loaded| drop(told.set(loaded.meter)));
    let product = workbench::run(job, &mut desk, &watch, &mut |_| {});
    progress.finish();
    for warning in watch.warnings() {
        eprintln!("warning: {warning}");
    }
    let product = product?;
    print::product(&product, json)?;
    if let Some(meter) = meter.get().filter(|_| !json) {
        print::work(&product, &meter.work())?;
    }
    Ok(ExitCode::from(exit_code(&product)))
}

/// 3 when records were rejected or lines skipped, else 0; the demo counts them in its summary.
fn exit_code(product: &Product) -> u8 {
    let n = match product {
        Product::Inspect(report) => report.files.iter().map(|file| file.skipped.len()).sum(),
        Product::Lengths(report) => report.skipped,
        Product::Truncated(report) => report.left_out + report.skipped,
        Product::Synth(report) => report.rejected + report.skipped,
        Product::Extended(report) => report.rejected + report.skipped,
        Product::Coherence(report) => report.skipped,
        Product::Checked(report) => report.skipped,
        Product::Compared(report) => report.skipped,
        Product::Evaluated(report) => report.skipped,
        Product::Tuned(report) => report.skipped + report.left_out,
        Product::Gap(report) => report.skipped,
        Product::GapExported(report) => report.skipped,
        Product::Scored(report) => report.skipped,
        Product::Exported(report) => report.exported.n_left_out + report.skipped,
        Product::Saved(saved) => saved.skipped,
        Product::NeedleAnswered(report) => report.skipped,
        Product::Reported(made) => made.skipped,
        _ => 0,
    };
    if n > 0 { 3 } else { 0 }
}
