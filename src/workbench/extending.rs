//! Making the records of files longer, with a word on what came of it.

mod ruling;
mod sizing;
mod told;

pub use told::{ExtendReport, LeftOutRecord, Spread};

use self::ruling::Ruling;
use self::sizing::{sizes, test_lengths};
use self::told::Telling;
use super::WorkbenchError;
use super::loading::{self, Inputs, check_not_input, check_output, check_replaces, n_skipped};
use super::pack;
use crate::data::{self, Dataset, Numbering, Record};
use crate::job::{Cancelled, Watch};
use crate::lengths::{LengthsError, Prompts};
use crate::synthesis::extension::{self, Extension, Outcome, Pool, PoolWish, Position, Size};
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Records that are in memory at once beside those that were read: what comes out is many times longer.
const AT_ONCE: usize = 64;

/// Make records longer.
#[derive(Debug, Clone)]
pub struct ExtendJob {
    /// The records.
    pub inputs: Inputs,
    /// How long they shall become.
    pub size: ExtendSize,
    /// Counts tokens: a `tokenizer.json`, a `.gguf` or a name of the catalogue.
    pub tokenizer: Option<String>,
    /// A prompt pack; our own wording where none is named.
    pub prompts: Option<PathBuf>,
    /// Where the own context stands among the others.
    pub position: Position,
    /// Where the others come from.
    pub pool: ExtendPool,
    /// Whether a context may be added that holds the record's answer.
    pub allow_answers: bool,
    /// The seed of every random choice.
    pub seed: u64,
    /// The file to write.
    pub out: PathBuf,
    /// Replace what is there.
    pub replace: bool,
}

/// How long records shall become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtendSize {
    /// The own context and others, so many in all.
    Contexts(usize),
    /// So many tokens of the whole prompt, or few less.
    Tokens(u64),
    /// As long as the prompts of this test file, all of them together.
    Target(PathBuf),
}

/// Where other contexts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtendPool {
    /// Records of the same task and strategy.
    SameTask,
    /// Records of the same strategy and any other task.
    OtherTask,
    /// The records of this file.
    File(PathBuf),
}

pub(super) fn run(job: &ExtendJob, watch: &Watch) -> Result<ExtendReport, WorkbenchError> {
    check(job)?;
    let loaded =
        job.tokenizer.as_deref().map(|name| loading::tokenizer(name, watch)).transpose()?;
    let (pack, pack_sha256) = pack::read(job.prompts.as_deref())?;
    let ruling = Ruling(Prompts {
        pack: &pack,
        tokenizer: loaded.as_ref().map(|(tokenizer, _)| tokenizer),
        template: loaded.as_ref().and_then(|(_, template)| template.as_ref()),
    });
    let datasets = job.inputs.read(watch)?;
    let held = loading::all_records(&datasets)?;
    let records: Vec<&Record> = held.iter().map(Arc::as_ref).collect();
    let other = match &job.pool {
        ExtendPool::File(path) => Some(read(path, watch)?),
        _ => None,
    };
    let other_held = other.as_deref().map(loading::all_records).transpose()?;
    let (wish, of_pool): (_, Vec<&Record>) = match (&job.pool, &other_held) {
        (_, Some(other)) => (PoolWish::Any, other.iter().map(Arc::as_ref).collect()),
        (ExtendPool::OtherTask, _) => (PoolWish::OtherTask, records.clone()),
        _ => (PoolWish::SameTask, records.clone()),
    };
    let needs_ruler = !matches!(job.size, ExtendSize::Contexts(_));
    let pool = Pool::new(&of_pool, wish, needs_ruler.then_some(&ruling), watch)??;
    let tests = match &job.size {
        ExtendSize::Target(path) => Some(test_lengths(path, &ruling, watch)?),
        _ => None,
    };
    let sizes = sizes(job, &records, tests.as_ref(), &ruling, watch)?;
    let settings = extension::Settings {
        position: job.position,
        allow_answers: job.allow_answers,
        seed: job.seed,
        told: told_of(job, &ruling, &pack_sha256),
    };
    let extension =
        Extension { pool: &pool, ruler: &ruling, unit: ruling.unit(), settings: &settings };
    let mut telling = Telling::new(tests, ruling.unit());
    telling.warn_of_tasks(&records, &pool, watch);
    write(job, &records, &sizes, &extension, &mut telling, watch)?;
    telling.warn(job, watch);
    let skipped = n_skipped(&datasets) + other.as_deref().map_or(0, n_skipped);
    Ok(telling.report(&job.out, skipped, watch))
}

fn check(job: &ExtendJob) -> Result<(), WorkbenchError> {
    let wish = |what: &str| Err(WorkbenchError::Wish(what.to_owned()));
    match job.size {
        ExtendSize::Contexts(0) => return wish("--contexts must be at least 1, the own context"),
        ExtendSize::Tokens(0) => return wish("--tokens must be at least 1"),
        ExtendSize::Tokens(_) if job.tokenizer.is_none() => {
            return wish(
                "--tokens needs a --tokenizer; give a tokenizer.json, a .gguf file or a model of the catalogue",
            );
        }
        _ => {}
    }
    check_output(&job.out)?;
    check_replaces(&job.out, job.replace)?;
    let mut read: Vec<&PathBuf> = job.inputs.files.iter().chain(&job.inputs.join).collect();
    read.extend(job.inputs.loaded.iter().map(|dataset| &dataset.path));
    if let ExtendPool::File(path) = &job.pool {
        read.push(path);
    }
    if let ExtendSize::Target(path) = &job.size {
        read.push(path);
    }
    check_not_input(&job.out, read)
}

/// The datasets of one file beside the inputs.
fn read(path: &Path, watch: &Watch) -> Result<Vec<Arc<Dataset>>, WorkbenchError> {
    Inputs { files: vec![path.to_owned()], ..Inputs::default() }.read(watch)
}

/// What is the same in the provenance of all records.
fn told_of(job: &ExtendJob, ruling: &Ruling<'_>, pack_sha256: &str) -> Map<String, Value> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut told = Map::new();
    match &job.size {
        ExtendSize::Contexts(n) => told.insert("contexts".into(), json!(n)),
        ExtendSize::Tokens(n) => told.insert("tokens".into(), json!(n)),
        ExtendSize::Target(path) => told.insert("target".into(), json!(name(path))),
    };
    let pool = match &job.pool {
        ExtendPool::SameTask => "same-task".to_owned(),
        ExtendPool::OtherTask => "other-task".to_owned(),
        ExtendPool::File(path) => name(path),
    };
    told.insert("tokenizer".into(), json!(ruling.0.tokenizer.map(|tokenizer| tokenizer.name())));
    told.insert("chat_template".into(), json!(ruling.0.template.is_some()));
    if job.prompts.is_some() {
        told.insert("prompts_sha256".into(), json!(pack_sha256));
    }
    told.insert("position".into(), json!(job.position.to_string()));
    told.insert("pool".into(), json!(pool));
    told.insert("allow_answers".into(), json!(job.allow_answers));
    told.insert("version".into(), json!(env!("CARGO_PKG_VERSION")));
    told
}

/// Extends and writes the records, a few at a time; the file is there when all of them are.
fn write(
    job: &ExtendJob,
    records: &[&Record],
    sizes: &[Size],
    extension: &Extension<'_, Ruling<'_>>,
    telling: &mut Telling,
    watch: &Watch,
) -> Result<(), WorkbenchError> {
    watch.stage("extending records", records.len() as u64);
    let mut failed = None;
    let written = data::write_atomic(&job.out, |file| {
        let mut numbering = Numbering::default();
        let all: Vec<(&&Record, &Size)> = records.iter().zip(sizes).collect();
        for some in all.chunks(AT_ONCE) {
            let outcomes = extend(some, extension, watch);
            let outcomes = outcomes.map_err(|error| {
                failed = Some(error);
                io::Error::other("the records could not be extended")
            })?;
            for ((record, _), outcome) in some.iter().zip(outcomes) {
                put(file, record, outcome, &mut numbering, telling)?;
            }
        }
        Ok(())
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(written?),
    }
}

fn extend(
    some: &[(&&Record, &Size)],
    extension: &Extension<'_, Ruling<'_>>,
    watch: &Watch,
) -> Result<Vec<Outcome>, WorkbenchError> {
    watch.check()?;
    let one = |(record, size): &(&&Record, &Size)| -> Result<Outcome, WorkbenchError> {
        if watch.is_cancelled() {
            return Err(Cancelled.into());
        }
        let outcome: Result<Outcome, LengthsError> = extension.extend(record, **size);
        watch.advance(1);
        Ok(outcome?)
    };
    some.par_iter().map(one).collect()
}

fn put(
    file: &mut BufWriter<std::fs::File>,
    record: &Record,
    outcome: Outcome,
    numbering: &mut Numbering,
    telling: &mut Telling,
) -> io::Result<()> {
    telling.hear(record, &outcome);
    if let Ok(mut extended) = outcome {
        numbering.assign(&mut extended.record);
        serde_json::to_writer(&mut *file, &extended.record)?;
        file.write_all(b"\n")?;
    }
    Ok(())
}
