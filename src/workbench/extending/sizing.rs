//! How long each record shall become.

use super::ruling::Ruling;
use super::{ExtendJob, ExtendSize, WorkbenchError};
use crate::data::Record;
use crate::job::{Cancelled, Watch};
use crate::prompt::Task;
use crate::seed::Stream;
use crate::synthesis::extension::{Ruler, Size, target_lengths};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The lengths of a test file's prompts, by task.
pub fn test_lengths(
    path: &Path,
    ruling: &Ruling<'_>,
    watch: &Watch,
) -> Result<BTreeMap<String, Vec<u64>>, WorkbenchError> {
    let datasets = super::read(path, watch)?;
    let held = super::loading::all_records(&datasets)?;
    let records: Vec<&Record> = held.iter().map(Arc::as_ref).collect();
    let mut lengths: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (record, length) in records.iter().zip(prompt_lengths(&records, ruling, watch)?) {
        let task = Task::canonical(&record.task).to_owned();
        lengths.entry(task).or_default().extend(length);
    }
    if lengths.values().all(Vec::is_empty) {
        return Err(WorkbenchError::Refused(format!(
            "{} holds no record with a context and an instruction, so that there is no length to follow; \
             give a file of tests",
            path.display()
        )));
    }
    Ok(lengths)
}

/// The length of each record's prompt as it is.
fn prompt_lengths(
    records: &[&Record],
    ruling: &Ruling<'_>,
    watch: &Watch,
) -> Result<Vec<Option<u64>>, WorkbenchError> {
    watch.stage("counting prompts", records.len() as u64);
    let length = |record: &&Record| {
        if watch.is_cancelled() {
            return Err(WorkbenchError::from(Cancelled));
        }
        watch.advance(1);
        let context = record.context.as_deref().filter(|_| !record.instruction.is_empty());
        Ok(context.map(|context| ruling.prompt(record, context)).transpose()?)
    };
    records.par_iter().map(length).collect()
}

/// How long each record shall become.
pub fn sizes(
    job: &ExtendJob,
    records: &[&Record],
    tests: Option<&BTreeMap<String, Vec<u64>>>,
    ruling: &Ruling<'_>,
    watch: &Watch,
) -> Result<Vec<Size>, WorkbenchError> {
    let tests = match (&job.size, tests) {
        (ExtendSize::Contexts(n), _) => return Ok(vec![Size::Contexts(*n); records.len()]),
        (ExtendSize::Tokens(n), _) => return Ok(vec![Size::Prompt(*n); records.len()]),
        (ExtendSize::Target(_), tests) => tests.cloned().unwrap_or_default(),
    };
    let own = prompt_lengths(records, ruling, watch)?;
    // What has no prompt is left out whatever its size.
    let mut sizes = vec![Size::Prompt(0); records.len()];
    let mut groups: BTreeMap<&str, Vec<(usize, u64)>> = BTreeMap::new();
    for (ix, (record, own)) in records.iter().zip(own).enumerate() {
        if let Some(own) = own {
            groups.entry(Task::canonical(&record.task)).or_default().push((ix, own));
        }
    }
    let every: Vec<u64> = tests.values().flatten().copied().collect();
    for (task, group) in groups {
        let of_task = tests.get(task).filter(|lengths| !lengths.is_empty());
        if of_task.is_none() {
            watch.warn(format!(
                "the test file has no record of the task `{task}`: its records follow the lengths of all tests"
            ));
        }
        let own: Vec<u64> = group.iter().map(|(_, own)| *own).collect();
        let mut stream = Stream::new(job.seed, task, "extend/target");
        let lengths = target_lengths(&own, of_task.unwrap_or(&every), &mut stream);
        for ((ix, own), length) in group.into_iter().zip(lengths) {
            // One that is longer than its target stays as it is.
            sizes[ix] = Size::Prompt(length.max(own));
        }
    }
    Ok(sizes)
}
