//! A run of a strategy over seeds: journal, resume, and the dataset at the end.

use super::journal::{Journal, JournalError, Key, keys};
use super::loading::{
    Inputs, ModelChoice, all_records, check_not_input, check_output, limited, n_skipped,
};
use super::outcomes::End;
use super::signature::{Signature, seeds_sha256, text_sha256};
use super::{Desk, WorkbenchError};
use crate::data::{self, Dataset, Record};
use crate::drive::{self, DriveError, Event, Talk, Traffic, Turn};
use crate::job::Watch;
use crate::model::{LanguageModel, Sampling};
use crate::synthesis::{Drafting, Origin, Outcome, Plan, RejectedRecord, Strategy};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// A run of a strategy.
pub struct SynthJob {
    /// The strategy.
    pub strategy: Box<dyn Strategy>,
    /// The seeds.
    pub seeds: Inputs,
    /// Who writes.
    pub model: ModelChoice,
    /// The dataset to write.
    pub out: PathBuf,
    /// The number of words to ask for.
    pub n_words: usize,
    /// How to choose tokens.
    pub sampling: Sampling,
    /// Records in flight.
    pub n_parallel: usize,
    /// Tries for each record.
    pub n_attempts: usize,
    /// What the model is told.
    pub prompt: Prompt,
    /// The run's seed.
    pub seed: u64,
    /// Throw away an earlier run.
    pub overwrite: bool,
}

/// Where the prompt of a run comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Prompt {
    /// Our prompt for the strategy.
    #[default]
    OfStrategy,
    /// A file of the person's own.
    File(PathBuf),
    /// A text of the person's own, written in the window.
    Text(String),
}

/// What is heard while a run goes on.
#[derive(Debug)]
pub enum SynthEvent {
    /// The model is asked for a record: for the first time, for its next part, or for another try.
    Begun {
        /// Place of the seed in the run.
        ix: usize,
        /// What stands there before the model writes.
        text: String,
    },
    /// More text of a record.
    Text {
        /// Place of the seed in the run.
        ix: usize,
        /// The new text.
        text: String,
        /// Tokens that were written for it.
        n_tokens: usize,
    },
    /// A record is finished.
    End {
        /// Place of the seed in the run.
        ix: usize,
        /// `None` for a made record, else why it was rejected.
        rejected: Option<String>,
    },
}

/// The name in the provenance of a prompt that was written in the window.
const EDITED: &str = "edited";

/// What a model would be asked first for a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Who says what: `system`, `user`.
    pub messages: Vec<(String, String)>,
    /// The beginning of the assistant's turn.
    pub begun: String,
}

/// Why there is no preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPreview {
    /// The prompt's text cannot be used, for no seed.
    Prompt(String),
    /// This seed gives nothing to ask; others may.
    Seed(String),
}

/// The first ask about `seed`, without a model.
///
/// # Errors
/// What is wrong with the prompt's text or with the seed, in words.
pub fn preview(
    strategy: Box<dyn Strategy>,
    prompt: &str,
    n_words: usize,
    run_seed: u64,
    seed: &Record,
) -> Result<Preview, NoPreview> {
    let conversation =
        strategy.conversation(prompt).map_err(|error| NoPreview::Prompt(error.to_string()))?;
    let origin = Origin {
        model: String::new(),
        model_sha256: String::new(),
        device: String::new(),
        prompt: String::new(),
        prompt_sha256: String::new(),
        sampling: Sampling::default(),
        words: n_words,
        seed: run_seed,
        version: String::new(),
    };
    let plan = Plan { strategy, conversation, origin, n_attempts: 1 };
    match Drafting::new(&plan, seed).begin() {
        Turn::Ask(ask) => Ok(Preview {
            messages: ask.messages.into_iter().map(|m| (m.role, m.content)).collect(),
            begun: ask.begun,
        }),
        Turn::End(Outcome::Rejected(rejected)) => Err(NoPreview::Seed(rejected.reason)),
        Turn::End(Outcome::Made(_)) => {
            Err(NoPreview::Seed("the record is complete already".to_owned()))
        }
    }
}

/// What `backstory synth --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SynthReport {
    /// Records in the dataset.
    pub made: usize,
    /// Seeds that came to nothing.
    pub rejected: usize,
    /// Seeds that an earlier run had finished.
    pub resumed: usize,
    /// Tokens of the prompts of this run.
    pub tokens_in: u64,
    /// Tokens written in this run.
    pub tokens_out: u64,
    /// Seconds of this run.
    pub elapsed_secs: f64,
    /// Lines of the seed files that could not be used.
    pub skipped: usize,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

pub(super) fn run(
    job: SynthJob,
    desk: &mut Desk,
    watch: &Watch,
    follow: &mut dyn FnMut(SynthEvent),
) -> Result<SynthReport, WorkbenchError> {
    check_out(&job)?;
    // The files are read and the settings checked before minutes go into loading a model.
    check_sampling(&job.sampling)?;
    let prompt = read_prompt(&job)?;
    let (datasets, seeds_sha256) = read_seeds(&job.seeds, watch)?;
    let model = desk.model(&job.model, watch)?;
    let n_skipped = n_skipped(&datasets);
    let mut report = write_records(job, prompt, &datasets, seeds_sha256, model, watch, follow)?;
    report.skipped = n_skipped;
    report.warnings = watch.warnings();
    Ok(report)
}

/// The dataset must have a place, and not that of its seeds or of one whose origin is unknown.
fn check_out(job: &SynthJob) -> Result<(), WorkbenchError> {
    check_output(&job.out)?;
    let Inputs { loaded, files, join, .. } = &job.seeds;
    let inputs = loaded.iter().map(|dataset| &dataset.path).chain(files).chain(join);
    check_not_input(&job.out, inputs)?;
    let has_journal = job.out.with_extension("journal").exists();
    if job.out.exists() && !has_journal && !job.overwrite {
        return Err(JournalError::NoJournal { path: job.out.clone() }.into());
    }
    Ok(())
}

/// The seeds, and the hash over all of them, those beyond the limit too.
fn read_seeds(
    inputs: &Inputs,
    watch: &Watch,
) -> Result<(Vec<Arc<Dataset>>, String), WorkbenchError> {
    let datasets = Inputs { limit: None, ..inputs.clone() }.read(watch)?;
    let sha256 = seeds_sha256(&datasets);
    Ok((datasets.into_iter().map(|d| limited(d, inputs.limit)).collect(), sha256))
}

/// Name, text and parsed form of the prompt.
struct Worded {
    name: String,
    text: String,
    conversation: crate::prompt::Conversation,
}

fn read_prompt(job: &SynthJob) -> Result<Worded, WorkbenchError> {
    let (path, text) = match &job.prompt {
        Prompt::OfStrategy => {
            (PathBuf::from(job.strategy.id().as_str()), job.strategy.prompt_text().to_owned())
        }
        Prompt::Text(text) => (PathBuf::from(EDITED), text.clone()),
        Prompt::File(path) => (path.clone(), read_prompt_file(path)?),
    };
    let conversation = job
        .strategy
        .conversation(&text)
        .map_err(|source| WorkbenchError::Prompt { path: path.clone(), source })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Worded { name, text, conversation })
}

/// The text of a prompt file.
pub(super) fn read_prompt_file(path: &Path) -> Result<String, WorkbenchError> {
    // A prompt is some hundred words; anything large is a file of another kind.
    const MOST_BYTES: u64 = 1 << 20;
    let fail = |source| WorkbenchError::File { verb: "read", path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(fail)?.len() > MOST_BYTES {
        return Err(WorkbenchError::Refused(format!(
            "{} is larger than 1 MiB, so it is no prompt; give a text file in the form of the bundled prompts",
            path.display()
        )));
    }
    std::fs::read_to_string(path).map_err(fail)
}

fn check_sampling(sampling: &Sampling) -> Result<(), WorkbenchError> {
    let wish = |what: &str| Err(WorkbenchError::Wish(what.to_owned()));
    if !sampling.temperature.is_finite() || sampling.temperature < 0.0 {
        return wish("--temperature must be 0 or more");
    }
    if !(sampling.top_p > 0.0 && sampling.top_p <= 1.0) {
        return wish("--top-p must be above 0 and at most 1");
    }
    if !sampling.repetition_penalty.is_finite() || sampling.repetition_penalty <= 0.0 {
        return wish("--repetition-penalty must be above 0");
    }
    if sampling.max_new_tokens == 0 {
        return wish("--max-new-tokens must be at least 1");
    }
    Ok(())
}

/// Makes what is not in the journal yet, then writes the dataset.
fn write_records(
    job: SynthJob,
    prompt: Worded,
    datasets: &[Arc<Dataset>],
    seeds_sha256: String,
    model: &mut dyn LanguageModel,
    watch: &Watch,
    follow: &mut dyn FnMut(SynthEvent),
) -> Result<SynthReport, WorkbenchError> {
    let started = Instant::now();
    let records = all_records(datasets)?;
    let seeds: Vec<&Record> = records.iter().map(Arc::as_ref).collect();
    let keys = keys(seeds.iter().map(|seed| &seed.id));
    let origin = Origin {
        model: model.info().name.clone(),
        model_sha256: model.info().sha256.clone(),
        device: model.info().device.clone(),
        prompt: prompt.name,
        prompt_sha256: text_sha256(&prompt.text),
        sampling: Sampling {
            min_new_tokens: job.strategy.least_tokens().min(job.sampling.max_new_tokens),
            ..job.sampling
        },
        words: job.n_words,
        seed: job.seed,
        version: env!("CARGO_PKG_VERSION").into(),
    };
    let signature = Signature {
        strategy: job.strategy.id().as_str().to_owned(),
        seeds_sha256,
        attempts: job.n_attempts,
        origin: origin.clone(),
    };
    let journal_path = job.out.with_extension("journal");
    let mut journal = Journal::open(&journal_path, &signature, job.overwrite)?;
    let plan = Plan {
        strategy: job.strategy,
        conversation: prompt.conversation,
        origin,
        n_attempts: job.n_attempts,
    };
    let todo: Vec<usize> =
        (0..seeds.len()).filter(|ix| !journal.ended().contains_key(&keys[*ix])).collect();
    let resumed = seeds.len() - todo.len();
    watch.stage(&format!("writing {}", plan.strategy.id()), todo.len() as u64);
    let talks = todo.iter().map(|ix| Drafting::new(&plan, seeds[*ix])).collect();
    let mut sink = |event| match event {
        Event::Begun { ix, text } => {
            follow(SynthEvent::Begun { ix: todo[ix], text });
            Ok(())
        }
        Event::Text { ix, text, n_tokens } => {
            follow(SynthEvent::Text { ix: todo[ix], text, n_tokens });
            Ok(())
        }
        Event::End { ix, outcome } => {
            let rejected = match &outcome {
                Outcome::Made(_) => None,
                Outcome::Rejected(rejected) => Some(rejected.reason.clone()),
            };
            journal.add(keys[todo[ix]].clone(), outcome.into())?;
            follow(SynthEvent::End { ix: todo[ix], rejected });
            Ok(())
        }
    };
    let driven = if todo.is_empty() {
        Ok(Traffic::default())
    } else {
        drive::run(model, talks, job.n_parallel, watch, &mut sink).map_err(|error| match error {
            DriveError::Model(error) => WorkbenchError::from(error),
            DriveError::Sink(error) => WorkbenchError::Journal(error),
        })
    };
    // What a run made before it was cancelled, or before the model failed, is a dataset too.
    let (made, rejected) = match &driven {
        Err(_) if journal.ended().is_empty() => (0, 0),
        _ => finish(&job.out, &keys, &journal)?,
    };
    let traffic = driven?;
    Ok(SynthReport {
        made,
        rejected,
        resumed,
        tokens_in: traffic.tokens_in,
        tokens_out: traffic.tokens_out,
        elapsed_secs: started.elapsed().as_secs_f64(),
        skipped: 0,
        warnings: Vec::new(),
    })
}

/// Writes the dataset and the rejected seeds in the order of the seeds: (made, rejected).
fn finish(
    out: &Path,
    keys: &[Key],
    journal: &Journal<End>,
) -> Result<(usize, usize), WorkbenchError> {
    let mut records: Vec<Record> = Vec::new();
    let mut rejected: Vec<&RejectedRecord> = Vec::new();
    for outcome in keys.iter().filter_map(|key| journal.ended().get(key)) {
        match outcome {
            End::Made(made) => records.push(made.record()),
            End::Rejected(record) => rejected.push(record),
        }
    }
    data::assign_ids(&mut records);
    let rejected_path = out.with_extension("rejected.jsonl");
    if rejected.is_empty() {
        match std::fs::remove_file(&rejected_path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(WorkbenchError::File { verb: "remove", path: rejected_path, source });
            }
            _ => {}
        }
    } else {
        data::write_atomic(&rejected_path, |file| {
            rejected.iter().try_for_each(|record| {
                serde_json::to_writer(&mut *file, record)?;
                file.write_all(b"\n")
            })
        })?;
    }
    data::write_records(out, records.iter())?;
    Ok((records.len(), rejected.len()))
}

/// Makes a dataset with a model that is loaded already, from seeds that are read already.
pub(super) fn run_loaded(
    job: SynthJob,
    datasets: &[Arc<Dataset>],
    model: &mut dyn LanguageModel,
    watch: &Watch,
    follow: &mut dyn FnMut(SynthEvent),
) -> Result<SynthReport, WorkbenchError> {
    check_out(&job)?;
    let prompt = read_prompt(&job)?;
    let sha256 = seeds_sha256(datasets);
    write_records(job, prompt, datasets, sha256, model, watch, follow)
}
