//! Running jobs: what is loaded, the journal, the files that come out.
//!
//! Both doors (`cli` and the window) speak only [`Job`] -> [`Product`]. No formula lives here and no
//! widget: measures belong in their rooms, drawing in `report` and the doors.

mod bench;
mod demo;
mod inspect;
mod journal;
mod loading;
mod logprobs;
mod measure;
mod signature;
mod synth;

pub use bench::{BenchJob, BenchReport};
pub use demo::{DemoJob, DemoReport};
pub use inspect::{FileReport, InspectReport};
pub use journal::JournalError;
pub use loading::{Inputs, ModelChoice};
pub use logprobs::LogprobsReport;
pub use measure::{CoherenceJob, CoherenceReport, LengthsJob, LengthsReport};
pub use synth::{SynthEvent, SynthJob, SynthReport};

use crate::coherence::CoherenceError;
use crate::data::DataError;
use crate::job::{Cancelled, Watch};
use crate::lengths::LengthsError;
use crate::model;
use crate::model::catalogue::{self, CatalogueError};
use crate::prompt::PromptError;
use std::path::PathBuf;

/// What can be asked for.
pub enum Job {
    /// What is in these files?
    Inspect(Inputs),
    /// How long are the records?
    Lengths(LengthsJob),
    /// Make records.
    Synth(Box<SynthJob>),
    /// Do the instructions depend on their contexts?
    Coherence(CoherenceJob),
    /// The log-probability of every token of a text file.
    Logprobs {
        /// The text.
        file: PathBuf,
        /// The scoring model.
        model: ModelChoice,
    },
    /// How fast is the model here?
    Bench(BenchJob),
    /// Fetch a model of the catalogue.
    Fetch {
        /// Its name.
        name: String,
    },
    /// The main job on the bundled seeds.
    Demo(DemoJob),
}

/// What came out.
#[derive(Debug)]
pub enum Product {
    /// See [`Job::Inspect`].
    Inspect(InspectReport),
    /// See [`Job::Lengths`].
    Lengths(LengthsReport),
    /// See [`Job::Synth`].
    Synth(SynthReport),
    /// See [`Job::Coherence`].
    Coherence(Box<CoherenceReport>),
    /// See [`Job::Logprobs`].
    Logprobs(LogprobsReport),
    /// See [`Job::Bench`].
    Bench(BenchReport),
    /// Where the model lies.
    Fetched(PathBuf),
    /// See [`Job::Demo`].
    Demo(Box<DemoReport>),
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
    /// The journal of a run.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A prompt file.
    #[error("the prompt {path} cannot be used: {source}")]
    Prompt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: PromptError,
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
    watch: &Watch,
    follow: &mut dyn FnMut(SynthEvent),
) -> Result<Product, WorkbenchError> {
    Ok(match job {
        Job::Inspect(inputs) => Product::Inspect(inspect::run(&inputs)?),
        Job::Lengths(job) => Product::Lengths(measure::lengths(&job, watch)?),
        Job::Synth(job) => Product::Synth(synth::run(*job, watch, follow)?),
        Job::Coherence(job) => Product::Coherence(Box::new(measure::coherence(&job, watch)?)),
        Job::Logprobs { file, model } => Product::Logprobs(logprobs::run(&file, &model, watch)?),
        Job::Bench(job) => Product::Bench(bench::run(&job, watch)?),
        Job::Fetch { name } => {
            Product::Fetched(catalogue::entry(&name)?.fetch(&catalogue::folder()?, watch)?)
        }
        Job::Demo(job) => Product::Demo(Box::new(demo::run(job, watch, follow)?)),
    })
}
