//! The words of `backstory gap`.

use crate::workbench::{Course, GapExportJob, GapExported, GapReport, GapSource, GapStudyJob, Job};
use clap::Args;
use std::io::{self, Write};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct GapArguments {
    /// The study as a TOML file: model, datasets, tests, seeds, tuning
    #[arg(long)]
    spec: PathBuf,
    /// The folder to write into: adapters, results, numbers, figure; an earlier run in it goes on
    #[arg(long, required_unless_present = "export")]
    out: Option<PathBuf>,
    /// Train nothing: write the arms into this folder as training sets, with configurations for
    /// LLaMA-Factory and Axolotl
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "estimate"])]
    export: Option<PathBuf>,
    /// Only tell what it would take: trainings, tests, tokens, time, memory
    #[arg(long)]
    estimate: bool,
    /// Throw away an earlier study in --out
    #[arg(long)]
    overwrite: bool,
    /// Print numbers and counts as JSON
    #[arg(long)]
    pub json: bool,
}

impl GapArguments {
    /// The job that the words mean.
    ///
    /// # Errors
    /// No folder.
    pub fn job(self) -> Result<Job, String> {
        let spec = GapSource::File(self.spec);
        Ok(match (self.export, self.out) {
            (Some(out), _) => Job::GapExport(GapExportJob { spec, out, replace: self.overwrite }),
            (None, Some(out)) => Job::Gap(Box::new(GapStudyJob {
                spec,
                out,
                only_estimates: self.estimate,
                overwrite: self.overwrite,
                course: Course::default(),
            })),
            (None, None) => return Err("name the folder to write into with --out".to_owned()),
        })
    }
}

/// What is printed for people.
pub fn print(out: &mut impl Write, report: &GapReport) -> io::Result<()> {
    writeln!(out, "{}", report.estimate.sentence())?;
    let Some(study) = &report.study else { return Ok(()) };
    super::print::table(out, &crate::report::gap_study_table(study))?;
    writeln!(out, "{}", study.validation.sentence)?;
    report.files.iter().try_for_each(|file| writeln!(out, "{}", file.display()))
}

/// What is printed of an export.
pub fn print_exported(out: &mut impl Write, report: &GapExported) -> io::Result<()> {
    let (n, pairs) = (report.trainings, report.pairs);
    writeln!(out, "{n} trainings of {pairs} pairs")?;
    report.files.iter().try_for_each(|file| writeln!(out, "{}", file.display()))
}
