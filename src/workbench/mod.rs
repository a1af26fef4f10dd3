//! Running jobs: what is loaded, the threads, the journal, the files that come out.
//!
//! Both doors (`cli` and the window) speak only [`Job`] -> [`Product`]. No formula lives here and no
//! widget: measures belong in their rooms, drawing in `report` and the doors.

mod answering;
mod bench;
mod bench_open;
mod boarding;
mod checking;
mod columns;
mod comparing;
mod counted;
mod demo;
mod desk;
mod evaluating;
mod example;
mod exporting;
mod extending;
mod figures;
mod filtering;
mod finding;
mod gap_spec;
mod gapping;
mod grades;
mod inspect;
mod journal;
mod linking;
mod loading;
mod logprobs;
mod look;
mod measure;
mod needle_answers;
mod needle_results;
mod needle_sets;
mod opening;
mod outcomes;
mod pack;
mod reporting;
mod result_lines;
mod rows;
mod runner;
mod score;
mod selecting;
mod settings;
mod signature;
mod synth;
mod tabling;
mod texts;
mod truncating;
mod tuning;
mod wishes;

pub use bench::{BenchJob, BenchReport};
pub use bench_open::{BenchOpenJob, BenchOpenReport};
pub use boarding::{BoardGap, BoardJob, BoardMade};
pub use checking::{CheckCount, CheckJob, CheckReport};
pub use columns::{Cells, ColumnsJob, ColumnsRead, RowRead};
pub use comparing::{CompareJob, CompareReport, CompareWish, RESAMPLES, SideReport};
pub use demo::{DemoJob, DemoReport};
pub use desk::{Desk, LoadedModel};
pub use evaluating::{Estimate, EvaluateJob, EvaluateReport};
pub use exporting::{ExportJob, ExportReport};
pub use extending::{ExtendJob, ExtendPool, ExtendReport, ExtendSize, LeftOutRecord, Spread};
pub use figures::{
    DPI, Drawn, FigureJob, FigureSource, LengthsWish, Picture, PictureJob, SaveJob, Saved,
};
pub use filtering::{FilterWish, measured};
pub use finding::{Beside, FindJob, Place, Searched, Sort, SortBy};
pub use gap_spec::{GapData, GapExportSpec, GapSpec};
pub use gapping::{
    GapEstimate, GapExportJob, GapExported, GapReport, GapSource, GapStudyJob, StudyOpened,
};
pub use grades::{GapWish, Named};
pub use inspect::{FileReport, InspectReport};
pub use journal::JournalError;
pub use linking::{LinkJob, Links, SeedsJob};
pub use loading::{CatalogueRow, Inputs, ModelCard, ModelChoice};
pub use logprobs::LogprobsReport;
pub use look::{CompareLook, ComparePage};
pub use measure::{CoherenceJob, CoherenceReport, LengthsJob, LengthsReport};
pub use needle_answers::{NeedleReport, NeedleRunJob, NeedleScore};
pub use needle_results::{NeedleDrawJob, NeedleDrawn, NeedlePart};
pub use needle_sets::{NeedleGroup, NeedleMade, NeedleMakeJob};
pub use opening::{OpenJob, Opened, Stamp};
pub use reporting::{ReportJob, ReportMade, Taken};
pub use rows::{OpenRows, RowsPart};
pub use runner::{Failure, JobId, Report, Runner};
pub use score::{ScoreJob, ScoreReport};
pub use selecting::{Brush, SelectJob, Selected};
pub use settings::{OpenFile, Settings};
pub use synth::{NoPreview, Preview, Prompt, SynthEvent, SynthJob, SynthReport, preview};
pub use tabling::TableJob;
pub use texts::{MOST_PLACES, TextsJob, TextsRead, TokenEnds, TokensJob};
pub use truncating::{TruncateJob, TruncateReport};
pub use tuning::{Course, CourseArm, TuneEstimate, TuneJob, TuneReport};
pub use wishes::{FramesWish, Opening};

use crate::coherence::CoherenceError;
use crate::data::{DataError, Dataset, RecordId, Review, Reviews, append_reviews};
use crate::export::ExportError;
use crate::job::{Cancelled, Watch};
use crate::lengths::LengthsError;
use crate::longbench::{AskError, ResultsError, ScoreError};
use crate::model;
use crate::model::catalogue::{self, CatalogueError};
use crate::needle::NeedleError;
use crate::prompt::{PackError, PromptError};
use crate::tuning::{ArmsError, TuningError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// What can be asked for.
pub enum Job {
    /// What is in these files?
    Inspect(Inputs),
    /// How long are the records?
    Lengths(LengthsJob),
    /// What would a cutoff take away?
    Truncate(TruncateJob),
    /// Make records.
    Synth(Box<SynthJob>),
    /// Make records longer.
    Extend(Box<ExtendJob>),
    /// Do the instructions depend on their contexts?
    Coherence(CoherenceJob),
    /// What is wrong with the records?
    Check(Box<CheckJob>),
    /// Which of several strategies gives more on the same seeds?
    Compare(CompareJob),
    /// Answer test records with a model and grade the answers.
    Evaluate(Box<EvaluateJob>),
    /// Train an adapter.
    Tune(Box<TuneJob>),
    /// Study the tuning gap.
    Gap(Box<GapStudyJob>),
    /// Read a study of the tuning gap from its folder.
    OpenStudy(PathBuf),
    /// Write the arms of such a study for other trainers.
    GapExport(GapExportJob),
    /// What grades do predictions get?
    Score(ScoreJob),
    /// The log-probability of every token of a text file.
    Logprobs {
        /// The text.
        file: PathBuf,
        /// The scoring model.
        model: ModelChoice,
    },
    /// How fast is the model here?
    Bench(BenchJob),
    /// How soon is a file there?
    BenchOpen(BenchOpenJob),
    /// Fetch a model of the catalogue.
    Fetch {
        /// Its name.
        name: String,
    },
    /// The main job on the bundled seeds.
    Demo(DemoJob),
    /// Open a file.
    Open(OpenJob),
    /// Read the first records of a large file.
    FirstRows(OpenJob),
    /// Look whether files have changed.
    Stamps(BTreeSet<PathBuf>),
    /// Which column of a file is what?
    Columns(ColumnsJob),
    /// Read results from a folder, or from a file of predictions.
    OpenResults(PathBuf),
    /// Put results side by side.
    Board(Box<BoardJob>),
    /// Write a table.
    SaveTable(Box<TableJob>),
    /// The example project, written into a folder.
    Example {
        /// The folder.
        folder: PathBuf,
    },
    /// The catalogue as it is on this machine.
    Models,
    /// Read a prompt file.
    ReadPrompt(PathBuf),
    /// What is known of a model before it is loaded.
    Describe(ModelChoice),
    /// Find records among those that are open.
    Find(FindJob),
    /// Read records of large files, so that they are in memory for a while.
    ReadRecords(Vec<(Arc<Dataset>, usize)>),
    /// Find places in the texts of a record.
    Texts(TextsJob),
    /// Cut a text into tokens.
    Tokens(TokensJob),
    /// Draw a figure.
    Figure(FigureJob),
    /// Find the records in a range of a plot.
    Select(Box<SelectJob>),
    /// Find out what belongs together.
    Link(LinkJob),
    /// Find seeds.
    FindSeeds(SeedsJob),
    /// Draw a figure as pixels.
    Picture(PictureJob),
    /// Write a figure to files.
    SaveFigure(SaveJob),
    /// Write a report.
    Report(Box<ReportJob>),
    /// Write records as training data.
    Export(Box<ExportJob>),
    /// Answer needle tests.
    NeedleRun(Box<NeedleRunJob>),
    /// Draw needle results that are open.
    DrawNeedles(NeedleDrawJob),
    /// Make needle tests or a training set.
    NeedleMake(NeedleMakeJob),
    /// Read what was said of records in earlier runs.
    ReadReviews(PathBuf),
    /// Write down what is said of records.
    Review {
        /// The file that it is added to.
        path: PathBuf,
        /// The records, and what is said of each from now on.
        changes: Vec<(RecordId, Review)>,
    },
    /// Write down what the window remembers.
    Remember {
        /// What that is.
        settings: Box<Settings>,
        /// The file.
        path: PathBuf,
    },
}

/// Who does a job, so that a long one keeps none waiting that the window needs to draw.
enum Worker {
    /// The one that owns the model.
    Model,
    /// One of those that read, count and write files.
    Io,
    /// The one for what takes no time worth telling.
    Quick,
}

impl Job {
    /// Which worker does it.
    fn worker(&self) -> Worker {
        match self {
            Self::Tokens(job) if !job.is_quick() => Worker::Io,
            Self::Synth(_)
            | Self::Coherence(_)
            | Self::Evaluate(_)
            | Self::Tune(_)
            | Self::Gap(_)
            | Self::Logprobs { .. }
            | Self::Bench(_)
            | Self::NeedleRun(_)
            | Self::Demo(_) => Worker::Model,
            Self::Models
            | Self::ReadPrompt(_)
            | Self::Describe(_)
            | Self::Find(_)
            | Self::ReadRecords(_)
            | Self::FirstRows(_)
            | Self::Texts(_)
            | Self::Tokens(_)
            | Self::Columns(_)
            | Self::Figure(_)
            | Self::Select(_)
            | Self::Link(_)
            | Self::FindSeeds(_)
            | Self::Picture(_)
            | Self::DrawNeedles(_)
            | Self::Stamps(_)
            | Self::ReadReviews(_)
            | Self::Review { .. }
            | Self::Remember { .. } => Worker::Quick,
            Self::Inspect(_)
            | Self::Lengths(_)
            | Self::Truncate(_)
            | Self::Check(_)
            | Self::Compare(_)
            | Self::Score(_)
            | Self::Fetch { .. }
            | Self::Open(_)
            | Self::OpenResults(_)
            | Self::OpenStudy(_)
            | Self::BenchOpen(_)
            | Self::Board(_)
            | Self::SaveTable(_)
            | Self::Example { .. }
            | Self::SaveFigure(_)
            | Self::Report(_)
            | Self::NeedleMake(_)
            | Self::Extend(_)
            | Self::GapExport(_)
            | Self::Export(_) => Worker::Io,
        }
    }
}

/// What came out.
#[derive(Debug)]
pub enum Product {
    /// See [`Job::Inspect`].
    Inspect(InspectReport),
    /// See [`Job::Lengths`].
    Lengths(LengthsReport),
    /// See [`Job::Truncate`].
    Truncated(TruncateReport),
    /// See [`Job::Synth`].
    Synth(SynthReport),
    /// See [`Job::Extend`].
    Extended(Box<ExtendReport>),
    /// See [`Job::Coherence`].
    Coherence(Box<CoherenceReport>),
    /// See [`Job::Check`].
    Checked(Box<CheckReport>),
    /// See [`Job::Compare`].
    Compared(Box<CompareReport>),
    /// See [`Job::Evaluate`].
    Evaluated(Box<EvaluateReport>),
    /// See [`Job::Tune`].
    Tuned(Box<TuneReport>),
    /// See [`Job::OpenStudy`].
    Study(Box<StudyOpened>),
    /// See [`Job::Gap`].
    Gap(Box<GapReport>),
    /// See [`Job::GapExport`].
    GapExported(Box<GapExported>),
    /// See [`Job::Score`].
    Scored(Box<ScoreReport>),
    /// See [`Job::Logprobs`].
    Logprobs(LogprobsReport),
    /// See [`Job::Bench`].
    Bench(BenchReport),
    /// See [`Job::BenchOpen`].
    BenchOpen(BenchOpenReport),
    /// Where the model lies.
    Fetched(PathBuf),
    /// See [`Job::Demo`].
    Demo(Box<DemoReport>),
    /// See [`Job::Open`] and [`Job::OpenResults`].
    Opened(Opened),
    /// See [`Job::FirstRows`].
    FirstRows(Option<Opened>),
    /// See [`Job::Columns`].
    Columns(Box<ColumnsRead>),
    /// See [`Job::Board`].
    Board(Box<BoardMade>),
    /// The files of the example project, human records first.
    Example(Vec<PathBuf>),
    /// See [`Job::Models`].
    Models(Vec<CatalogueRow>),
    /// A prompt's text.
    Prompt(String),
    /// See [`Job::Describe`].
    Described(ModelCard),
    /// See [`Job::Find`].
    Found(Vec<Place>),
    /// See [`Job::Texts`].
    Texts(Box<TextsRead>),
    /// See [`Job::Tokens`].
    Tokens(Box<TokenEnds>),
    /// See [`Job::ReadRecords`].
    RecordsRead,
    /// See [`Job::Figure`].
    Figure(Drawn),
    /// See [`Job::Select`].
    Selected(Selected),
    /// See [`Job::Link`].
    Linked(Arc<Links>),
    /// The numbers of the seeds, in order.
    Seeds(Vec<u32>),
    /// See [`Job::Picture`].
    Picture(Picture),
    /// See [`Job::SaveFigure`].
    Saved(Saved),
    /// See [`Job::Report`].
    Reported(Box<ReportMade>),
    /// See [`Job::Export`].
    Exported(Box<ExportReport>),
    /// See [`Job::NeedleRun`].
    NeedleAnswered(Box<NeedleReport>),
    /// See [`Job::DrawNeedles`].
    Needles(Box<NeedleDrawn>),
    /// See [`Job::NeedleMake`].
    NeedleMade(NeedleMade),
    /// See [`Job::Stamps`].
    Stamps(BTreeMap<PathBuf, Stamp>),
    /// See [`Job::ReadReviews`].
    Reviews {
        /// What was said.
        reviews: Reviews,
        /// Lines that could not be read.
        n_damaged: usize,
    },
    /// See [`Job::Review`].
    Reviewed,
    /// See [`Job::Remember`].
    Remembered,
}

/// What can go wrong in a job.
#[derive(Debug, thiserror::Error)]
pub enum WorkbenchError {
    /// A data file.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// The catalogue.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// Coherence.
    #[error(transparent)]
    Coherence(#[from] CoherenceError),
    /// Lengths.
    #[error(transparent)]
    Lengths(#[from] LengthsError),
    /// Results of a benchmark.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// Needle tests.
    #[error(transparent)]
    Needle(#[from] NeedleError),
    /// Predictions.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// The journal of a run.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An export.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A training.
    #[error(transparent)]
    Tuning(#[from] TuningError),
    /// The arms of a study.
    #[error(transparent)]
    Arms(#[from] ArmsError),
    /// A prompt file.
    #[error("the prompt {path} cannot be used: {source}")]
    Prompt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: PromptError,
    },
    /// A prompt pack.
    #[error("the prompt pack {path} cannot be used: {source}")]
    Pack {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: PackError,
    },
    /// A test that cannot be asked.
    #[error("{path}, line {line}: {source}")]
    Ask {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: usize,
        /// What is wrong.
        source: Box<AskError>,
    },
    /// A file that cannot be read or written.
    #[error("cannot {verb} {path}: {source}; check the path and the permissions")]
    File {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Words that make no sense together: wrong use.
    #[error("{0}")]
    Wish(String),
    /// A wish that cannot be met here and now.
    #[error("{0}")]
    Refused(String),
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Runs a job to its end on this thread; `follow` hears of records while they are written.
///
/// # Errors
/// See [`WorkbenchError`]; nothing half-written is left behind under a final name.
pub fn run(
    job: Job,
    desk: &mut Desk,
    watch: &Watch,
    follow: &mut dyn FnMut(SynthEvent),
) -> Result<Product, WorkbenchError> {
    Ok(match job {
        Job::Inspect(inputs) => Product::Inspect(inspect::run(&inputs, watch)?),
        Job::Lengths(job) => Product::Lengths(measure::lengths(&job, watch)?),
        Job::Truncate(job) => Product::Truncated(truncating::run(&job, watch)?),
        Job::Synth(job) => Product::Synth(synth::run(*job, desk, watch, follow)?),
        Job::Extend(job) => Product::Extended(Box::new(extending::run(&job, watch)?)),
        Job::Coherence(job) => Product::Coherence(Box::new(measure::coherence(&job, desk, watch)?)),
        Job::Check(job) => Product::Checked(Box::new(checking::run(&job, watch)?)),
        Job::Compare(job) => Product::Compared(Box::new(comparing::run(&job, watch)?)),
        Job::Evaluate(job) => Product::Evaluated(Box::new(evaluating::run(&job, desk, watch)?)),
        Job::Tune(job) => Product::Tuned(Box::new(tuning::run(&job, desk, watch)?)),
        Job::OpenStudy(folder) => Product::Study(Box::new(gapping::open(&folder)?)),
        Job::Gap(job) => Product::Gap(Box::new(gapping::run(&job, desk, watch)?)),
        Job::GapExport(job) => {
            Product::GapExported(Box::new(gapping::exporting::run(&job, watch)?))
        }
        Job::Score(job) => Product::Scored(Box::new(score::run(&job, watch)?)),
        Job::Logprobs { file, model } => {
            Product::Logprobs(logprobs::run(&file, &model, desk, watch)?)
        }
        Job::Bench(job) => Product::Bench(bench::run(&job, desk, watch)?),
        Job::BenchOpen(job) => Product::BenchOpen(bench_open::run(&job, watch)?),
        Job::Fetch { name } => {
            Product::Fetched(catalogue::entry(&name)?.fetch(&catalogue::folder()?, watch)?)
        }
        Job::Demo(job) => Product::Demo(Box::new(demo::run(job, desk, watch, follow)?)),
        Job::Open(job) => Product::Opened(opening::run(&job, watch)?),
        Job::FirstRows(job) => Product::FirstRows(opening::first_rows(&job, watch)?),
        Job::Columns(job) => Product::Columns(Box::new(columns::run(&job, watch)?)),
        Job::OpenResults(path) => Product::Opened(opening::results(&path, watch)?),
        Job::SaveTable(job) => Product::Saved(tabling::run(&job)?),
        Job::Board(job) => Product::Board(Box::new(boarding::run(&job, watch)?)),
        Job::Example { folder } => Product::Example(example::unpack(&folder)?),
        Job::Models => Product::Models(loading::models()?),
        Job::ReadPrompt(path) => Product::Prompt(synth::read_prompt_file(&path)?),
        Job::Describe(choice) => Product::Described(loading::describe(&choice)?),
        Job::Find(job) => Product::Found(finding::run(&job, watch)?),
        Job::Texts(job) => Product::Texts(Box::new(job.find(watch)?)),
        Job::Tokens(job) => Product::Tokens(Box::new(texts::tokens(&job, watch)?)),
        Job::ReadRecords(places) => {
            for (dataset, ix) in places {
                watch.check()?;
                dataset.records.get(ix)?;
            }
            Product::RecordsRead
        }
        Job::Figure(job) => Product::Figure(figures::draw(job, watch)?),
        Job::Select(job) => Product::Selected(selecting::run(&job, watch)?),
        Job::Link(job) => Product::Linked(Arc::new(linking::run(&job, watch)?)),
        Job::FindSeeds(job) => Product::Seeds(linking::find_seeds(&job, watch)?),
        Job::Picture(job) => Product::Picture(figures::picture(job, watch)?),
        Job::SaveFigure(job) => Product::Saved(figures::run(job, watch)?),
        Job::Report(job) => Product::Reported(Box::new(reporting::run(&job, watch)?)),
        Job::NeedleRun(job) => {
            Product::NeedleAnswered(Box::new(needle_answers::run(&job, desk, watch)?))
        }
        Job::DrawNeedles(job) => Product::Needles(Box::new(needle_results::draw(job, watch)?)),
        Job::NeedleMake(job) => Product::NeedleMade(needle_sets::make(&job, watch)?),
        Job::Export(job) => Product::Exported(Box::new(exporting::run(&job, watch)?)),
        Job::Stamps(paths) => Product::Stamps(opening::stamps(&paths)),
        Job::ReadReviews(path) => {
            let (reviews, n_damaged) = Reviews::read(&path)?;
            Product::Reviews { reviews, n_damaged }
        }
        Job::Review { path, changes } => {
            append_reviews(&path, &changes)?;
            Product::Reviewed
        }
        Job::Remember { settings, path } => {
            settings.write(&path)?;
            Product::Remembered
        }
    })
}
