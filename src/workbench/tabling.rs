//! Tables as files.

use super::WorkbenchError;
use super::figures::Saved;
use super::loading::{check_output, check_replaces};
use crate::data::write_atomic;
use crate::report::Table;
use std::path::PathBuf;

/// Write a table.
#[derive(Debug, Clone)]
pub struct TableJob {
    /// The table.
    pub table: Table,
    /// Where to; its ending says how: csv, md or tex.
    pub out: PathBuf,
    /// Replace what is there.
    pub replace: bool,
}

pub(super) fn run(job: &TableJob) -> Result<Saved, WorkbenchError> {
    let ending = job.out.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let text = match ending.as_str() {
        "csv" => job.table.to_csv(),
        "md" | "markdown" => job.table.to_markdown(),
        "tex" => job.table.to_latex(),
        _ => {
            return Err(WorkbenchError::Wish(format!(
                "a table cannot be written as {}; give a name that ends with csv, md or tex",
                job.out.display()
            )));
        }
    };
    check_output(&job.out)?;
    check_replaces(&job.out, job.replace)?;
    write_atomic(&job.out, |out| std::io::Write::write_all(out, text.as_bytes()))?;
    Ok(Saved { files: vec![job.out.clone()], skipped: 0 })
}
