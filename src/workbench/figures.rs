//! Figures from what is open or measured, and their files.

use super::loading::{check_output, check_replaces};
use super::{
    GapWish, LengthsJob, Named, OpenRows, SelectJob, WorkbenchError, grades, measure, opening,
    selecting,
};
use crate::coherence::{self, Coherence};
use crate::data::{StrategyId, write_atomic};
use crate::figure::{self, Figure};
use crate::job::Watch;
use crate::lengths::{Field, Group, Lengths, Unit};
use crate::prompt::Task;
use crate::report::{self, CoherenceForm, Form, LengthsView, NeedleForm, PanelOf};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
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
        /// Tasks that are left out, by their canonical names.
        without: BTreeSet<String>,
    },
    /// Lengths of files.
    LengthsOf {
        /// The files.
        job: LengthsJob,
        /// What to show.
        wish: LengthsWish,
    },
    /// Coherence of what is measured already.
    Coherence {
        /// Which of them count.
        open: OpenRows,
        /// Drawn how.
        form: CoherenceForm,
        /// Of many records only some as points, so that a window can draw them again and again.
        thinned: bool,
    },
    /// Scores of models.
    Scores {
        /// Their results.
        models: Vec<Named>,
        /// Drawn as a line.
        reference: Option<Named>,
    },
    /// The tuning gap.
    Gap(GapWish),
    /// Accuracy in needle tests.
    Needle {
        /// Files of results.
        files: Vec<PathBuf>,
        /// Drawn how.
        form: NeedleForm,
    },
    /// Coherence of files of rows.
    CoherenceOf {
        /// The files.
        files: Vec<PathBuf>,
        /// Drawn how.
        form: CoherenceForm,
    },
}

/// What to show of lengths, as far as the person says; the rest is as usual.
#[derive(Debug, Clone, Copy, Default)]
pub struct LengthsWish {
    /// Which part of the records.
    pub field: Option<Field>,
    /// Counted in what.
    pub unit: Option<Unit>,
    /// Drawn how.
    pub form: Option<Form>,
    /// On a log axis.
    pub log: Option<bool>,
}

/// A figure as it was drawn.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The figure.
    pub figure: Arc<Figure>,
    /// The tasks of its panels, or of its panels' category axis, in their order.
    pub tasks: Vec<String>,
    /// What each panel is of; empty where nobody asks.
    pub panels: Vec<PanelOf>,
    /// Whether points are left out that an export has.
    pub is_thinned: bool,
    /// How many records each task and strategy has.
    pub sizes: BTreeMap<(String, StrategyId), usize>,
    /// Lines of its files that could not be used.
    pub skipped: usize,
}

impl Drawn {
    /// A figure of tasks in the paper's order.
    fn of<'a>(
        figure: Figure,
        panels: Vec<PanelOf>,
        groups: impl Iterator<Item = (&'a str, &'a StrategyId, usize)>,
    ) -> Self {
        let mut sizes: BTreeMap<(String, StrategyId), usize> = BTreeMap::new();
        for (task, strategy, n) in groups {
            *sizes.entry((task.to_owned(), strategy.clone())).or_default() += n;
        }
        let tasks = report::ordered_tasks(sizes.keys().map(|(task, _)| task.as_str()));
        let figure = Arc::new(figure);
        Self { figure, tasks, panels, is_thinned: false, sizes, skipped: 0 }
    }

    /// The task of a panel, or of a category of a panel that shows several.
    pub fn task(&self, panel: usize, category: Option<usize>) -> Option<&str> {
        let task = self.panels.get(panel)?.task.as_ref();
        task.or_else(|| self.tasks.get(category?)).map(String::as_str)
    }

    /// How many records stand behind a series of a panel, or of a category of it.
    pub fn size(&self, panel: usize, category: Option<usize>, series: &str) -> Option<usize> {
        let task = self.task(panel, category)?;
        let is_it = |strategy: &StrategyId| {
            let title = report::strategy_title(strategy);
            // "human, own context", "human, mean"; of those that are selected there are fewer.
            let rest = series.strip_prefix(title.as_str());
            rest.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(", ") && rest != ", selected"
            })
        };
        let mut sizes = self.sizes.iter();
        sizes.find_map(|((name, strategy), n)| (name == task && is_it(strategy)).then_some(*n))
    }
}

/// Seed of the bootstrap of rows that were measured earlier; the default of the command line.
const SEED: u64 = 42;

/// Draws a figure.
pub(super) fn draw(job: FigureJob, watch: &Watch) -> Result<Drawn, WorkbenchError> {
    Ok(match job {
        FigureJob::Lengths { parts, view, without } => {
            let is_shown = |group: &Group| {
                let is_asked = group.field == view.field && group.unit == view.unit;
                is_asked && !without.contains(Task::canonical(&group.task))
            };
            lengths(&Lengths::merged(parts.iter().map(|part| &**part), is_shown), view, 0)
        }
        FigureJob::LengthsOf { job, wish } => {
            let report = measure::lengths(&job, watch)?;
            let usual = LengthsView::usual(&report.lengths);
            measure::check_unit(wish.unit, report.lengths.tokenizer.is_some())?;
            let view = LengthsView {
                field: wish.field.unwrap_or(usual.field),
                unit: wish.unit.unwrap_or(usual.unit),
                form: wish.form.unwrap_or(usual.form),
                log: wish.log.unwrap_or(usual.log),
            };
            lengths(&report.lengths, view, report.skipped)
        }
        FigureJob::Coherence { open, form, thinned } => {
            let rows = open.counting().into_iter().map(|(_, row)| row).collect();
            let drawn = coherence(form, rows);
            match thinned.then(|| figure::thinned(&drawn.figure)).flatten() {
                Some(thin) => Drawn { figure: Arc::new(thin), is_thinned: true, ..drawn },
                None => drawn,
            }
        }
        FigureJob::Scores { models, reference } => {
            let models = grades::models(&models, watch)?;
            let reference = reference.map(|named| grades::model(&named, watch)).transpose()?;
            alone(report::scores_figure(&models, reference.as_ref()))
        }
        FigureJob::Gap(wish) => {
            let (pairs, reference) = grades::pairs(&wish, watch)?;
            alone(report::gap_figure(&pairs, reference.as_ref()))
        }
        FigureJob::Needle { files, form } => {
            alone(report::needle_figure(form, &grades::needle_rows(&files, watch)?))
        }
        FigureJob::CoherenceOf { files, form } => {
            let mut rows = Vec::new();
            for file in &files {
                rows.extend(opening::read_rows(file, watch)?.ok_or_else(|| {
                    WorkbenchError::Refused(format!(
                        "{} holds no coherence rows; make them with `backstory coherence … --out`",
                        file.display()
                    ))
                })?);
            }
            coherence(form, rows.iter().collect())
        }
    })
}

/// A figure of which nobody asks for the tasks.
fn alone(figure: Figure) -> Drawn {
    Drawn::of(figure, Vec::new(), std::iter::empty())
}

fn lengths(lengths: &Lengths, view: LengthsView, skipped: usize) -> Drawn {
    let is_drawn = |group: &&Group| group.field == view.field && group.unit == view.unit;
    let groups = lengths.groups.iter().filter(is_drawn);
    let groups = groups.map(|group| (group.task.as_str(), &group.strategy, group.summary.n));
    let figure = report::lengths_figure(lengths, view);
    Drawn { skipped, ..Drawn::of(figure, report::lengths_panels(lengths, view), groups) }
}

/// The figure of these rows.
fn coherence(form: CoherenceForm, rows: Vec<&Coherence>) -> Drawn {
    let rows = newest(rows);
    let summary = coherence::summarize(rows.iter().copied(), SEED);
    let figure = report::coherence_figure(form, &rows, &summary);
    let panels = report::coherence_panels(form, &rows);
    Drawn::of(figure, panels, rows.iter().map(|row| (row.task.as_str(), &row.strategy, 1)))
}

/// The last one of each record and strategy, in their order.
pub(super) fn newest(rows: Vec<&Coherence>) -> Vec<&Coherence> {
    let mut seen = BTreeSet::new();
    let newest_first = rows.into_iter().rev();
    let mut rows: Vec<&Coherence> =
        newest_first.filter(|row| seen.insert((&row.id, &row.strategy))).collect();
    rows.reverse();
    rows
}

/// Write a figure.
pub struct SaveJob {
    /// The figure.
    pub figure: FigureSource,
    /// Where to; the endings say how.
    pub out: Vec<PathBuf>,
    /// Dots per inch of a PNG.
    pub dpi: f64,
    /// Another width than the figure's.
    pub width_in: Option<f64>,
    /// Another size of text than the figure's.
    pub font_pt: Option<f64>,
    /// Replace what is there.
    pub replace: bool,
}

/// A figure that is to be written.
#[derive(Debug, Clone)]
pub enum FigureSource {
    /// As it was drawn.
    Drawn(Arc<Figure>),
    /// To be drawn first.
    Draw(FigureJob),
    /// A figure of coherence to be drawn first, with what is selected in it.
    Selected(FigureJob, Box<SelectJob>),
    /// From the spec that was written beside an earlier one.
    Spec(PathBuf),
}

impl FigureSource {
    /// The figure, and the lines of its files that could not be used.
    fn drawn(self, watch: &Watch) -> Result<(Arc<Figure>, usize), WorkbenchError> {
        Ok(match self {
            Self::Drawn(figure) => (figure, 0),
            Self::Draw(job) => {
                let drawn = draw(job, watch)?;
                (drawn.figure, drawn.skipped)
            }
            Self::Selected(job, mut select) => {
                let drawn = draw(job, watch)?;
                select.coherence = Some(drawn.clone());
                let selected = selecting::run(&select, watch)?;
                (selected.coherence.unwrap_or(drawn.figure), drawn.skipped)
            }
            Self::Spec(path) => (Arc::new(read_spec(&path)?), 0),
        })
    }
}

/// What `backstory figure --json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Saved {
    /// The files that were written.
    pub files: Vec<PathBuf>,
    /// Lines that could not be used.
    pub skipped: usize,
}

pub(super) fn run(job: SaveJob, watch: &Watch) -> Result<Saved, WorkbenchError> {
    let sane = |value: Option<f64>, range: std::ops::RangeInclusive<f64>, name: &str| match value {
        Some(value) if !range.contains(&value) => Err(WorkbenchError::Wish(format!(
            "{name} must be between {} and {}",
            range.start(),
            range.end()
        ))),
        _ => Ok(()),
    };
    sane(job.width_in, 1.0..=100.0, "--width-in")?;
    sane(job.font_pt, 3.0..=72.0, "--font-pt")?;
    let (figure, skipped) = job.figure.drawn(watch)?;
    let figure = Figure {
        width_in: job.width_in.unwrap_or(figure.width_in),
        font_pt: job.font_pt.unwrap_or(figure.font_pt),
        ..(*figure).clone()
    };
    for path in &job.out {
        check_replaces(path, job.replace)?;
    }
    Ok(Saved { files: save(&figure, &job.out, job.dpi)?, skipped })
}

/// Draw a figure as pixels.
#[derive(Debug, Clone)]
pub struct PictureJob {
    /// The figure.
    pub figure: FigureSource,
    /// How wide it is to be.
    pub width_in: f64,
    /// Dots per inch.
    pub dpi: f64,
}

/// Pixels: rows from the top, red, green, blue and opacity of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Four bytes for each.
    pub rgba: Vec<u8>,
}

/// The very pixels that the PNG of a figure has.
pub(super) fn picture(job: PictureJob, watch: &Watch) -> Result<Picture, WorkbenchError> {
    let (figure, _) = job.figure.drawn(watch)?;
    let figure = Figure { width_in: job.width_in, ..(*figure).clone() };
    let png = figure::to_png(&figure, job.dpi).map_err(|e| refused(&e))?;
    let pixels = resvg::tiny_skia::Pixmap::decode_png(&png).map_err(|e| refused(&e))?;
    // No pixel of a page is transparent, so that none has to be divided by its opacity.
    Ok(Picture { width: pixels.width(), height: pixels.height(), rgba: pixels.take() })
}

/// Dots per inch of a PNG where the person does not say: what journals ask for.
pub const DPI: f64 = 300.0;

/// The files that a figure can be written as.
const KINDS: &str = "svg, pdf, png, csv or json";

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
        let bytes = encode(figure, &extension, dpi)?.ok_or_else(|| {
            WorkbenchError::Wish(format!(
                "a figure cannot be written as {}; give a name that ends with {KINDS}",
                path.display()
            ))
        })?;
        files.push((path.clone(), bytes));
    }
    if let Some(spec) = paths.first().map(|path| path.with_extension("json"))
        && !paths.contains(&spec)
    {
        let json = figure::to_json(figure).map_err(|e| refused(&e))?;
        files.push((spec, json.into_bytes()));
    }
    for (path, _) in &files {
        check_spec(path)?;
    }
    for (path, bytes) in &files {
        write_atomic(path, |out| out.write_all(bytes))?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// The figure as a file with this ending; `None` where there is no such.
pub(super) fn encode(
    figure: &Figure,
    ending: &str,
    dpi: f64,
) -> Result<Option<Vec<u8>>, WorkbenchError> {
    Ok(Some(match ending {
        "svg" => figure::to_svg(figure).into_bytes(),
        "pdf" => figure::to_pdf(figure).map_err(|e| refused(&e))?,
        "png" => figure::to_png(figure, dpi).map_err(|e| refused(&e))?,
        "csv" => figure::to_csv(figure).into_bytes(),
        "json" => figure::to_json(figure).map_err(|e| refused(&e))?.into_bytes(),
        _ => return Ok(None),
    }))
}

/// A JSON file that is no figure's spec is somebody's data, which a figure must not replace.
fn check_spec(path: &Path) -> Result<(), WorkbenchError> {
    let is_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    if is_json && path.exists() && read_spec(path).is_err() {
        return Err(WorkbenchError::Refused(format!(
            "{} exists and is no figure of this program; choose another name for the figure, as its spec is \
             written there",
            path.display()
        )));
    }
    Ok(())
}

fn refused(error: &dyn std::error::Error) -> WorkbenchError {
    WorkbenchError::Refused(format!("the figure cannot be saved: {error}"))
}

/// Reads a spec that [`save`] wrote.
pub(super) fn read_spec(path: &Path) -> Result<Figure, WorkbenchError> {
    let fail = |source| WorkbenchError::File { verb: "read", path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(fail)?;
    figure::from_json(&text).map_err(|error| {
        WorkbenchError::Refused(format!(
            "{}: {error}; give the JSON that was written beside a figure",
            path.display()
        ))
    })
}
