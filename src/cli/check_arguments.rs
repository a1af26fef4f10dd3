//! The words of `backstory check`.

use super::arguments::InputArguments;
use crate::checks::Check;
use crate::report::Table;
use crate::workbench::{CheckJob, CheckReport, Inputs};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct CheckArguments {
    #[command(flatten)]
    inputs: InputArguments,
    /// Test files, of which nothing may stand in the records
    #[arg(long, num_args = 1.., value_name = "FILE")]
    tests: Vec<PathBuf>,
    /// Coherence rows of the records, which `backstory coherence --out` wrote
    #[arg(long, num_args = 1.., value_name = "FILE")]
    rows: Vec<PathBuf>,
    /// Only these checks, with commas between them
    #[arg(long, value_delimiter = ',', value_parser = check, value_name = "NAME")]
    only: Vec<Check>,
    /// Where to write a row per finding
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn check(name: &str) -> Result<Check, String> {
    let known = Check::ALL.map(Check::name).join(", ");
    Check::parse(name).ok_or_else(|| format!("use one of: {known}"))
}

impl CheckArguments {
    pub fn job(self) -> CheckJob {
        CheckJob {
            inputs: self.inputs.inputs(),
            tests: Inputs { files: self.tests, ..Inputs::default() },
            rows: Vec::new(),
            rows_files: self.rows,
            only: (!self.only.is_empty()).then(|| self.only.into_iter().collect()),
            out: self.out,
        }
    }
}

/// The counts for people.
pub fn table(report: &CheckReport) -> Table {
    let row = |(check, count): (&Check, &crate::workbench::CheckCount)| {
        let share = format!("{:.1} %", 100.0 * count.share);
        vec![check.title().to_owned(), check.name().to_owned(), count.records.to_string(), share]
    };
    Table {
        title: format!("{} records, {} findings", report.records, report.findings),
        columns: ["what it says", "check", "records", "share"].map(str::to_owned).to_vec(),
        rows: report.checks.iter().map(row).collect(),
        notes: Vec::new(),
    }
}
