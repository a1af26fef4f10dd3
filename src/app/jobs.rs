//! The jobs as the window knows them: what was asked, how it stands, what it said.

use crate::coherence::Settings as CoherenceSettings;
use crate::data::{Dataset, RecordId, Review};
use crate::job::Watch;
use crate::model::{Meter, Pace};
use crate::report::{CoherenceForm, LengthsView};
use crate::workbench::{
    BoardJob, CheckJob, ColumnsJob, CompareJob, ExportJob, ExtendJob, FigureSource, FindJob,
    GapStudyJob, JobId, NeedleDrawJob, NeedleMakeJob, NeedleRunJob, OpenFile, Place, SeedsJob,
    SelectJob, SynthEvent, TableJob, TextsJob, TokensJob, TruncateJob,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::files::file_name;

/// What was asked for; enough to ask again.
#[derive(Clone)]
pub enum Ask {
    /// Open a file.
    Open(OpenFile),
    /// Read results from a folder or file.
    OpenResults(PathBuf),
    /// Put results side by side.
    Board(Box<BoardJob>),
    /// Write a table.
    SaveTable(Box<TableJob>),
    /// Write and open the example project.
    Example,
    /// What models are there?
    Models,
    /// Read a prompt file.
    ReadPrompt(PathBuf),
    /// What is this model?
    Describe(String),
    /// Fetch a model of the catalogue.
    Fetch(String),
    /// Find records.
    Find(FindJob),
    /// Read records that are to be shown.
    ReadRecords(BTreeSet<Place>),
    /// Read the first records of a file that is being opened.
    FirstRows(OpenFile),
    /// Find places in the texts of this number.
    Texts(u64, TextsJob),
    /// Count tokens in the texts of this number.
    Tokens(u64, TokensJob),
    /// Read the columns of a file.
    Columns(ColumnsJob),
    /// Count lengths of a dataset.
    Lengths {
        /// The dataset.
        dataset: Arc<Dataset>,
        /// Counts tokens.
        tokenizer: Option<String>,
    },
    /// Draw the lengths figure.
    DrawLengths(LengthsView),
    /// Draw the coherence figure.
    DrawCoherence(CoherenceForm),
    /// Look for faults.
    Check(Box<CheckJob>),
    /// Find out what cutoffs would take away.
    Truncate(Box<TruncateJob>),
    /// Make records longer.
    Extend(Box<ExtendJob>),
    /// Make needle tests.
    NeedleMake(NeedleMakeJob),
    /// Answer needle tests.
    NeedleRun(Box<NeedleRunJob>),
    /// Study the tuning gap.
    Gap(Box<GapStudyJob>),
    /// Read a study from its folder.
    OpenStudy(PathBuf),
    /// Draw needle results.
    DrawNeedles(NeedleDrawJob),
    /// Compare what is shown, pair by pair.
    Compare(Box<CompareJob>),
    /// Find the records in a range of a plot.
    Select(Box<SelectJob>),
    /// Find out what belongs together.
    Link,
    /// Find seeds.
    FindSeeds(SeedsJob),
    /// Draw a figure for the clipboard.
    CopyFigure {
        /// The figure.
        figure: Box<FigureSource>,
        /// How wide it is to be.
        width_in: f64,
    },
    /// Make records.
    Synth(Box<SynthAsk>),
    /// Measure coherence.
    Coherence(Box<CoherenceAsk>),
    /// Write records.
    Export(Box<ExportJob>),
    /// Write a figure.
    SaveFigure {
        /// The figure.
        figure: Box<FigureSource>,
        /// How wide it is to be.
        width_in: f64,
        /// The file.
        out: PathBuf,
        /// Dots per inch of a PNG.
        dpi: f64,
        /// Replace what is there.
        replace: bool,
    },
    /// Write a report of what is shown.
    Report,
    /// Look whether open files have changed.
    LookAtFiles,
    /// Read what was said of records in earlier runs.
    ReadReviews,
    /// Write down what is said of records.
    Review(Vec<(RecordId, Review)>),
    /// Write the settings down.
    Remember,
    /// What is done and need not be asked again.
    Nothing,
}

/// A run of a strategy, as the form had it.
#[derive(Clone)]
pub struct SynthAsk {
    /// `context` or `instruction`.
    pub strategy: &'static str,
    /// The seeds.
    pub seeds: Arc<Dataset>,
    /// How many of them.
    pub n_seeds: usize,
    /// Path or name of the model.
    pub model: String,
    /// Where to.
    pub out: PathBuf,
    /// The rest.
    pub settings: super::views::synthesize::Form,
}

/// A measurement of coherence.
#[derive(Clone)]
pub struct CoherenceAsk {
    /// The records.
    pub datasets: Vec<Arc<Dataset>>,
    /// Only so many of each dataset.
    pub limit: usize,
    /// Path or name of the model.
    pub model: String,
    /// How.
    pub settings: CoherenceSettings,
    /// Where the rows go.
    pub out: Option<PathBuf>,
}

impl Ask {
    /// What it is called in the table of jobs.
    pub fn title(&self) -> String {
        match self {
            Self::Open(file) => format!("Open {}", file_name(&file.path)),
            Self::OpenResults(path) => format!("Open {}", file_name(path)),
            Self::Board(_) => "Compare scores".into(),
            Self::SaveTable(job) => format!("Save {}", file_name(&job.out)),
            Self::Example => "Open the example project".into(),
            Self::Models => "Look for models".into(),
            Self::ReadPrompt(path) => format!("Read the prompt {}", file_name(path)),
            Self::Describe(model) => format!("Read the header of {}", short(model)),
            Self::Fetch(name) => format!("Fetch {name}"),
            Self::Find(_) => "Search records".into(),
            Self::ReadRecords(_) => "Read records".into(),
            Self::FirstRows(file) => format!("Read the begin of {}", file_name(&file.path)),
            Self::Texts(..) => "Search a record".into(),
            Self::Tokens(..) => "Count the tokens of a context".into(),
            Self::Columns(job) => format!("Read the columns of {}", file_name(&job.path)),
            Self::Lengths { .. } => "Count lengths".into(),
            Self::DrawLengths(_) => "Draw lengths".into(),
            Self::DrawCoherence(_) => "Draw coherence".into(),
            Self::Check(job) => format!("Check {}", names(&job.inputs.loaded)),
            Self::Truncate(job) => format!("Cut off {}", names(&job.inputs.loaded)),
            Self::Extend(job) => format!("Lengthen {}", names(&job.inputs.loaded)),
            Self::NeedleMake(job) => format!("Make {}", file_name(&job.out)),
            Self::NeedleRun(job) => {
                let names: Vec<String> =
                    job.tests.files.iter().map(|path| file_name(path)).collect();
                format!("Answer {}", names.join(", "))
            }
            Self::Gap(job) if job.only_estimates => "Estimate a study of the tuning gap".into(),
            Self::Gap(job) => format!("Study the tuning gap in {}", file_name(&job.out)),
            Self::OpenStudy(path) => format!("Open {}", file_name(path)),
            Self::DrawNeedles(_) => "Draw needle results".into(),
            Self::Compare(_) => "Compare strategies".into(),
            Self::Select(_) => "Select records".into(),
            Self::Link => "Pair records".into(),
            Self::FindSeeds(_) => "Search seeds".into(),
            Self::CopyFigure { .. } => "Copy figure".into(),
            Self::Synth(ask) => format!(
                "{} synthesis, {} of {}",
                if ask.strategy == "context" { "Context" } else { "Instruction" },
                ask.n_seeds,
                file_name(&ask.seeds.path)
            ),
            Self::Coherence(ask) => format!("Coherence of {}", names(&ask.datasets)),
            Self::Export(job) => format!("Export {}", file_name(&job.out)),
            Self::SaveFigure { out, .. } => format!("Export {}", file_name(out)),
            Self::Report => "Write a report".into(),
            Self::LookAtFiles => "Look at the files".into(),
            Self::ReadReviews => "Read the reviews".into(),
            Self::Review(_) => "Write down reviews".into(),
            Self::Remember => "Remember the window".into(),
            Self::Nothing => String::new(),
        }
    }

    /// Whether it only serves the drawing of the window: shown in the table of jobs when it fails.
    pub fn is_quiet(&self) -> bool {
        matches!(
            self,
            Self::Models
                | Self::ReadPrompt(_)
                | Self::Describe(_)
                | Self::Find(_)
                | Self::ReadRecords(_)
                | Self::FirstRows(_)
                | Self::Columns(_)
                | Self::Texts(..)
                | Self::Tokens(..)
                | Self::Lengths { .. }
                | Self::DrawLengths(_)
                | Self::DrawCoherence(_)
                | Self::DrawNeedles(_)
                | Self::Compare(_)
                | Self::Board(_)
                | Self::Select(_)
                | Self::Link
                | Self::FindSeeds(_)
                | Self::CopyFigure { .. }
                | Self::LookAtFiles
                | Self::ReadReviews
                | Self::Review(_)
                | Self::Remember
        )
    }

    /// What is left of it when it is cancelled.
    pub fn when_cancelled(&self) -> &'static str {
        match self {
            Self::Synth(_) => {
                "Records that are finished are kept; the same settings go on from there."
            }
            Self::NeedleRun(_) => {
                "Tests that are answered are kept; the same settings go on from there."
            }
            Self::Gap(_) => {
                "What is trained and tested is kept; the same study goes on from there."
            }
            Self::Fetch(_) => "What has arrived is kept, and the next try goes on from there.",
            _ => "Nothing of it is kept.",
        }
    }

    /// Whether an older one of the same kind is of no use once there is a newer.
    pub fn is_newest_only(&self) -> bool {
        matches!(
            self,
            Self::Find(_)
                | Self::Columns(_)
                | Self::DrawLengths(_)
                | Self::DrawCoherence(_)
                | Self::DrawNeedles(_)
                | Self::Compare(_)
                | Self::Board(_)
                | Self::Link
                | Self::FindSeeds(_)
        )
    }

    /// Whether something would be lost if the window closed now.
    pub fn is_work(&self) -> bool {
        matches!(
            self,
            Self::Synth(_)
                | Self::Coherence(_)
                | Self::Fetch(_)
                | Self::Export(_)
                | Self::SaveFigure { .. }
                | Self::SaveTable(_)
                | Self::Extend(_)
                | Self::NeedleMake(_)
                | Self::NeedleRun(_)
                | Self::Gap(_)
                | Self::Report
        )
    }
}

fn names(datasets: &[Arc<Dataset>]) -> String {
    let names: Vec<String> = datasets.iter().map(|dataset| file_name(&dataset.path)).collect();
    names.join(", ")
}

fn short(model: &str) -> String {
    file_name(std::path::Path::new(model))
}

/// How a job stands.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// It waits for a worker.
    Waiting,
    /// It is worked on.
    Running,
    /// It is done, and what came out.
    Done(String),
    /// It was cancelled.
    Cancelled,
    /// It failed: what went wrong and what to do.
    Failed(String),
}

/// A job.
pub struct Entry {
    /// Its number.
    pub id: JobId,
    /// What was asked.
    pub ask: Ask,
    /// What it is called.
    pub title: String,
    /// See [`Ask::is_quiet`].
    pub is_quiet: bool,
    /// Its handle.
    pub watch: Watch,
    /// How it stands.
    pub state: State,
    /// When it was asked for.
    pub asked: Instant,
    /// Seconds from then to its end.
    pub took_secs: Option<f64>,
    /// The records that it writes.
    pub live: Option<Live>,
    /// What its model does, once it has one.
    pub meter: Option<Meter>,
}

impl Entry {
    /// Whether it waits or runs.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Waiting | State::Running)
    }

    /// Whether its model is at work now.
    pub fn uses_model(&self) -> bool {
        self.state == State::Running && self.meter.is_some() && !self.watch.is_paused()
    }

    /// How fast its model does what the job wants of it above all.
    pub fn pace(&self) -> Option<Pace> {
        let work = self.meter.as_ref()?.work();
        match self.ask {
            Ask::Synth(_) => Some(work.writing),
            Ask::Coherence(_) | Ask::NeedleRun(_) | Ask::Gap(_) => Some(work.reading),
            _ => None,
        }
    }
}

/// A record that is being written, or was.
#[derive(Default, Clone)]
pub struct LiveRecord {
    /// The assistant's turn so far, as it was begun and as it was written on; of the last try.
    pub text: String,
    /// How it ended: `Ok` made, `Err` why not.
    pub end: Option<Result<(), String>>,
}

/// What is heard of a synthesis while it runs.
#[derive(Default)]
pub struct Live {
    /// By the seed's place.
    pub records: BTreeMap<usize, LiveRecord>,
    /// Tokens written.
    pub n_tokens: u64,
    /// Records made.
    pub n_made: usize,
    /// Records rejected.
    pub n_rejected: usize,
    /// The record that wrote last.
    pub newest: Option<usize>,
}

impl Live {
    /// Takes in what was heard.
    pub fn hear(&mut self, event: SynthEvent) {
        match event {
            SynthEvent::Begun { ix, text } => {
                self.records.entry(ix).or_default().text = text;
                self.newest = Some(ix);
            }
            SynthEvent::Text { ix, text, n_tokens } => {
                self.records.entry(ix).or_default().text.push_str(&text);
                self.n_tokens += n_tokens as u64;
                self.newest = Some(ix);
            }
            SynthEvent::End { ix, rejected } => {
                match &rejected {
                    None => self.n_made += 1,
                    Some(_) => self.n_rejected += 1,
                }
                self.newest.get_or_insert(ix);
                self.records.entry(ix).or_default().end = Some(rejected.map_or(Ok(()), Err));
            }
        }
    }
}

/// All jobs of this run of the program.
#[derive(Default)]
pub struct Jobs {
    /// In the order in which they were asked.
    pub all: Vec<Entry>,
}

/// Quiet jobs that ended are forgotten beyond this number.
const MOST_QUIET: usize = 32;

impl Jobs {
    /// Takes in a new job.
    pub fn add(&mut self, id: JobId, ask: Ask, watch: Watch) {
        let is_quiet = |entry: &Entry| {
            entry.is_quiet && !entry.is_open() && !matches!(entry.state, State::Failed(_))
        };
        if self.all.iter().filter(|entry| is_quiet(entry)).count() > MOST_QUIET {
            self.all.retain(|entry| !is_quiet(entry));
        }
        let live = matches!(ask, Ask::Synth(_)).then(Live::default);
        let (title, is_quiet, asked) = (ask.title(), ask.is_quiet(), Instant::now());
        let (state, took_secs, meter) = (State::Waiting, None, None);
        let entry = Entry { id, ask, title, is_quiet, watch, state, asked, took_secs, live, meter };
        self.all.push(entry);
    }

    /// The job of this number.
    pub fn get_mut(&mut self, id: JobId) -> Option<&mut Entry> {
        self.all.iter_mut().rev().find(|entry| entry.id == id)
    }

    /// The jobs that wait or run and are worth showing.
    pub fn open(&self) -> impl Iterator<Item = &Entry> {
        self.all.iter().filter(|entry| entry.is_open() && !entry.is_quiet)
    }

    /// Whether anything waits or runs.
    pub fn is_idle(&self) -> bool {
        !self.all.iter().any(Entry::is_open)
    }

    /// The newest synthesis.
    pub fn synthesis(&self) -> Option<&Entry> {
        self.all.iter().rev().find(|entry| entry.live.is_some())
    }

    /// Whether a job of this kind waits or runs.
    pub fn has_open(&self, is: impl Fn(&Ask) -> bool) -> bool {
        self.all.iter().any(|entry| entry.is_open() && is(&entry.ask))
    }
}
