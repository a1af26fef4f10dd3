//! Making the test and training sets of the pilot study.

use super::WorkbenchError;
use super::loading::{self, check_not_input, check_output, check_replaces};
use crate::data::{DataError, Record, write_atomic};
use crate::job::Watch;
use crate::needle::{self, Counting, Haystack, NeedleError, Plan, Sizes};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Make needle tests or a training set.
#[derive(Debug, Clone)]
pub struct NeedleMakeJob {
    /// What to make.
    pub plan: Plan,
    /// The text to hide needles in; the bundled one where none is named.
    pub haystack: Option<PathBuf>,
    /// Who counts tokens: a file or a name of the catalogue.
    pub tokenizer: String,
    /// The file of records.
    pub out: PathBuf,
    /// Replace what is there.
    pub replace: bool,
}

/// What `backstory needle make --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NeedleMade {
    /// The file of records.
    pub path: PathBuf,
    /// Records in it.
    pub records: usize,
    /// What counted tokens.
    pub tokenizer: String,
    /// What is counted, in words.
    pub counted: &'static str,
    /// The text that needles are hidden in.
    pub haystack: String,
    /// Its tokens.
    pub haystack_tokens: u64,
    /// One per task and length, in the order of the file.
    pub groups: Vec<NeedleGroup>,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

/// The records of one task and length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NeedleGroup {
    /// The task, as results call it.
    pub task: String,
    /// The tokens that were asked for; 0 for the needles alone.
    pub length: u64,
    /// Records.
    pub n: usize,
    /// Tokens of the shortest prompt.
    pub shortest: u64,
    /// Tokens of the longest prompt.
    pub longest: u64,
}

/// Words of the bundled text where lengths ask for no more; it holds several stretches of 64k tokens.
const BUNDLED_WORDS: usize = 200_000;

/// Words of it beyond the longest length. A word is a token at the least.
const SPARE_WORDS: usize = 50_000;

/// The largest text file in bytes: far more than the longest prompt needs.
const LARGEST_HAYSTACK: u64 = 1 << 28;

pub(super) fn make(job: &NeedleMakeJob, watch: &Watch) -> Result<NeedleMade, WorkbenchError> {
    let NeedleMakeJob { plan, out, .. } = job;
    check_output(out)?;
    check_replaces(out, job.replace)?;
    check_not_input(out, &job.haystack)?;
    check_plan(plan)?;
    let (name, text) = text(job)?;
    let (tokenizer, template) = loading::tokenizer(&job.tokenizer, watch)?;
    let counting = Counting { tokenizer: &tokenizer, template: template.as_ref() };
    let haystack = Haystack::new(&name, &text, &tokenizer, watch)?;
    let mut groups: Vec<NeedleGroup> = Vec::new();
    write(out, |sink| {
        let mut counted = |record: Record| {
            count(&mut groups, &record);
            sink(record)
        };
        needle::make(plan, &haystack, &text, &counting, watch, &mut counted)
    })?;
    Ok(NeedleMade {
        path: out.clone(),
        records: groups.iter().map(|group| group.n).sum(),
        tokenizer: tokenizer.name().to_owned(),
        counted: match template {
            Some(_) => "the whole prompt in the chat template",
            None => "the whole prompt, without a chat template",
        },
        haystack: name,
        haystack_tokens: haystack.n_tokens(),
        groups,
        warnings: watch.warnings(),
    })
}

/// The name and the words of the text to hide needles in.
fn text(job: &NeedleMakeJob) -> Result<(String, String), WorkbenchError> {
    match &job.haystack {
        Some(path) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok((name, read_text(path)?))
        }
        None => Ok(("bundled".to_owned(), bundled(&job.plan)?)),
    }
}

/// Takes a record.
type Sink<'a> = &'a mut dyn FnMut(Record) -> Result<(), Stop>;

/// Writes the records that `make` hands over; the file is there when all of them are.
fn write(
    out: &Path,
    make: impl FnOnce(Sink<'_>) -> Result<(), Stop>,
) -> Result<(), WorkbenchError> {
    let mut failed = None;
    let written = write_atomic(out, |file| {
        let mut sink = |record: Record| {
            serde_json::to_writer(&mut *file, &record)?;
            file.write_all(b"\n").map_err(Stop::Io)
        };
        make(&mut sink).map_err(|stop| match stop {
            Stop::Io(error) => error,
            Stop::Needle(error) => {
                failed = Some(error);
                io::Error::other("the records could not be made")
            }
        })
    });
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(written?),
    }
}

/// Why writing stopped.
enum Stop {
    Io(io::Error),
    Needle(NeedleError),
}

impl From<NeedleError> for Stop {
    fn from(error: NeedleError) -> Self {
        Self::Needle(error)
    }
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Self::Io(error.into())
    }
}

/// What makes no sense together.
fn check_plan(plan: &Plan) -> Result<(), WorkbenchError> {
    let wish = |what: &str| Err(WorkbenchError::Wish(what.to_owned()));
    if plan.n == 0 {
        return wish("--n must be at least 1");
    }
    if plan.tasks.is_empty() {
        return wish("name a --task: single, multi-key, multi-query or multi-value");
    }
    if matches!(&plan.sizes, Sizes::Tests(lengths) if lengths.is_empty()) {
        return wish("name the --lengths of the tests, such as 0,1k,4k");
    }
    Ok(())
}

fn bundled(plan: &Plan) -> Result<String, NeedleError> {
    let longest = match &plan.sizes {
        Sizes::Tests(lengths) => lengths.iter().copied().max().unwrap_or(0),
        Sizes::Training(_, length) => *length,
    };
    let n_words = (longest as usize).saturating_add(SPARE_WORDS).max(BUNDLED_WORDS);
    needle::town(n_words).map_err(NeedleError::Town)
}

/// A text file, as UTF-8.
fn read_text(path: &Path) -> Result<String, WorkbenchError> {
    let fail = |cause: io::Error| match cause.kind() {
        io::ErrorKind::NotFound => DataError::NotFound { path: path.to_owned() },
        _ => DataError::Read { path: path.to_owned(), cause },
    };
    if path.is_dir() {
        return Err(DataError::Folder { path: path.to_owned() }.into());
    }
    let refused = |what: Cow<'static, str>| {
        NeedleError::Haystack { name: path.display().to_string(), what: what.into_owned() }.into()
    };
    if std::fs::metadata(path).map_err(fail)?.len() > LARGEST_HAYSTACK {
        return Err(refused("it is larger than 256 MiB; give a part of it".into()));
    }
    let bytes = std::fs::read(path).map_err(fail)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        refused(format!("line {line} is not UTF-8; save it as UTF-8 text").into())
    })
}

/// Adds a record to its group, which is the last one or a new one.
fn count(groups: &mut Vec<NeedleGroup>, record: &Record) {
    let number = |key: &str| record.extra.get(key).and_then(serde_json::Value::as_u64);
    let length = number("test_length").or(number("length")).unwrap_or(0);
    let n_tokens = number("n_tokens").unwrap_or(0);
    let task = needle::NeedleTask::of_record(&record.task).map_or("", |task| task.name());
    match groups.last_mut().filter(|group| group.task == task && group.length == length) {
        Some(group) => {
            group.n += 1;
            group.shortest = group.shortest.min(n_tokens);
            group.longest = group.longest.max(n_tokens);
        }
        None => groups.push(NeedleGroup {
            task: task.to_owned(),
            length,
            n: 1,
            shortest: n_tokens,
            longest: n_tokens,
        }),
    }
}
