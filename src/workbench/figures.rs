//! Figures from what is open or measured, and their files.

use super::loading::check_output;
use super::{LengthsJob, WorkbenchError, measure, opening};
use crate::coherence::{self, Coherence};
use crate::data::{Dataset, RecordId, write_atomic};
use crate::figure::{self, Figure};
use crate::job::Watch;
use crate::lengths::Lengths;
use crate::report::{self, LengthsView};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Draw a figure.
#[derive(Debug, Clone)]
pub enum FigureJob {
    /// Lengths of what is measured already.
    Lengths {
        /// One per dataset.
        parts: Vec<Arc<Lengths>>,
        /// What to show.
        view: LengthsView,
    },
    /// Lengths of files.
    LengthsOf(LengthsJob),
    /// Coherence of what is measured already.
    Coherence {
        /// Rows of several measurements, oldest first; of a record that was measured twice, the
        /// last row counts.
        parts: Vec<Arc<Vec<Coherence>>>,
        /// Datasets whose records are not to be shown.
        hidden: Vec<Arc<Dataset>>,
    },
    /// Coherence of files of rows.
    CoherenceOf(Vec<PathBuf>),
}

/// Seed of the bootstrap of rows that were measured earlier; the default of the command line.
const SEED: u64 = 42;

pub(super) fn draw(job: FigureJob, watch: &Watch) -> Result<Figure, WorkbenchError> {
    Ok(match job {
        FigureJob::Lengths { parts, view } => {
            let lengths = Lengths::merged(parts.iter().map(|part| &**part));
            report::lengths_figure(&lengths, view)
        }
        FigureJob::LengthsOf(job) => {
            let lengths = measure::lengths(&job, watch)?.lengths;
            report::lengths_figure(&lengths, LengthsView::usual(&lengths))
        }
        FigureJob::Coherence { parts, hidden } => {
            let rows = shown_rows(&parts, &hidden);
            report::coherence_figure(&coherence::summarize(rows, SEED))
        }
        FigureJob::CoherenceOf(files) => {
            let mut rows = Vec::new();
            for file in &files {
                rows.extend(opening::read_rows(file, watch)?.ok_or_else(|| {
                    WorkbenchError::Refused(format!(
                        "{} holds no coherence rows; make them with `backstory coherence … --out`",
                        file.display()
                    ))
                })?);
            }
            report::coherence_figure(&coherence::summarize(&rows, SEED))
        }
    })
}

/// The rows to show, each record once, in the order in which they were measured.
fn shown_rows<'a>(
    parts: &'a [Arc<Vec<Coherence>>],
    hidden: &[Arc<Dataset>],
) -> impl Iterator<Item = &'a Coherence> {
    let all = hidden.iter().flat_map(|dataset| &dataset.records);
    let mut seen: BTreeSet<RecordId> = all.map(|record| record.id.clone()).collect();
    let newest_first = parts.iter().rev().flat_map(|part| part.iter().rev());
    let mut rows: Vec<&Coherence> =
        newest_first.filter(|row| seen.insert(row.id.clone())).collect();
    rows.reverse();
    rows.into_iter()
}

/// Dots per inch of a PNG where the person does not say: what journals ask for.
pub const DPI: f64 = 300.0;

/// The files that a figure can be written as.
const KINDS: &str = "svg, png, csv or json";

/// Writes a figure to each path as its ending says, and the spec that draws it again beside the
/// first: all files written.
pub(super) fn save(
    figure: &Figure,
    paths: &[PathBuf],
    dpi: f64,
) -> Result<Vec<PathBuf>, WorkbenchError> {
    let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for path in paths {
        check_output(path)?;
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let bytes = match extension.as_str() {
            "svg" => figure::to_svg(figure).into_bytes(),
            "png" => figure::to_png(figure, dpi).map_err(|e| refused(&e))?,
            "csv" => figure::to_csv(figure).into_bytes(),
            "json" => figure::to_json(figure).map_err(|e| refused(&e))?.into_bytes(),
            _ => {
                return Err(WorkbenchError::Wish(format!(
                    "a figure cannot be written as {}; give a name that ends with {KINDS}",
                    path.display()
                )));
            }
        };
        files.push((path.clone(), bytes));
    }
    if let Some(spec) = paths.first().map(|path| path.with_extension("json"))
        && !paths.contains(&spec)
    {
        let json = figure::to_json(figure).map_err(|e| refused(&e))?;
        files.push((spec, json.into_bytes()));
    }
    for (path, bytes) in &files {
        write_atomic(path, |out| out.write_all(bytes))?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

fn refused(error: &dyn std::error::Error) -> WorkbenchError {
    WorkbenchError::Refused(format!("the figure cannot be saved: {error}"))
}

/// Reads a spec that [`save`] wrote.
pub(super) fn read_spec(path: &Path) -> Result<Figure, WorkbenchError> {
    let fail = |source| WorkbenchError::File { verb: "read", path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(fail)?;
    figure::from_json(&text)
        .map_err(|error| WorkbenchError::Refused(format!("{}: {error}", path.display())))
}
