//! How soon a file is there: its first rows, its index, its words and ids, and the memory that took.

use super::WorkbenchError;
use crate::data::{self, OpeningTimes, ReadOptions};
use crate::job::Watch;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// What to measure.
#[derive(Debug, Clone)]
pub struct BenchOpenJob {
    /// The file.
    pub path: PathBuf,
    /// Columns by field.
    pub map: Vec<(String, String)>,
}

/// What `backstory bench open --json` prints.
#[derive(Debug, Serialize)]
pub struct BenchOpenReport {
    /// The file's size.
    pub bytes: u64,
    /// Its records.
    pub records: usize,
    /// Until the first rows can be shown, in milliseconds.
    pub first_rows_ms: f64,
    /// Until every record is found, and its task and characters known, in milliseconds.
    pub indexed_ms: f64,
    /// For the words of all contexts, in milliseconds; after that.
    pub words_ms: f64,
    /// For the ids of all records, in milliseconds; after that.
    pub named_ms: f64,
    /// The most anonymous memory at a time, in bytes; pages of the file do not count where the system
    /// tells them apart (Linux).
    pub peak_anon_bytes: u64,
    /// Each task.
    pub tasks: BTreeMap<String, TaskReport>,
}

/// The records of a task.
#[derive(Debug, Serialize)]
pub struct TaskReport {
    /// How many.
    pub records: usize,
    /// Mean length of a context, in characters; a record without one counts as 0.
    pub mean_context_chars: f64,
}

pub(super) fn run(job: &BenchOpenJob, watch: &Watch) -> Result<BenchOpenReport, WorkbenchError> {
    let options = ReadOptions { map: job.map.clone(), ..ReadOptions::default() };
    let (times, peak_anon_bytes) = with_peak(|| data::time_opening(&job.path, &options, watch));
    let times = times?;
    let ms = |secs: f64| secs * 1000.0;
    let OpeningTimes { bytes, n_records, tasks, .. } = times;
    let task =
        |(name, (records, mean_context_chars))| (name, TaskReport { records, mean_context_chars });
    Ok(BenchOpenReport {
        bytes,
        records: n_records,
        first_rows_ms: ms(times.first_rows_secs),
        indexed_ms: ms(times.indexed_secs),
        words_ms: ms(times.words_secs),
        named_ms: ms(times.named_secs),
        peak_anon_bytes,
        tasks: tasks.into_iter().map(task).collect(),
    })
}

/// Runs work, and gives the most anonymous memory that was seen meanwhile.
fn with_peak<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let (ended, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                peak.fetch_max(anonymous_bytes(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let result = work();
        ended.store(true, Ordering::Relaxed);
        result
    });
    (result, peak.into_inner())
}

fn anonymous_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map_or_else(resident_bytes, |kib| 1024 * kib)
}

/// All memory of the process, where the system does not tell its kinds apart.
fn resident_bytes() -> u64 {
    let pid = Pid::from_u32(std::process::id());
    let Ok(mut system) = System::new() else { return 0 };
    let wanted = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, wanted);
    system.process(pid).map_or(0, sysinfo::Process::memory)
}
