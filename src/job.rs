//! How work is watched: cancelled, followed and warned about.
//!
//! This module knows no work. What runs, on which thread, belongs in `workbench`; how progress is
//! drawn belongs in the two doors.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The work was cancelled by the person who asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// Where a job stands, read without waiting for the job.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What is being done now, in words.
    pub stage: String,
    /// Units finished of this stage.
    pub n_done: u64,
    /// Units of this stage in all; 0 while unknown.
    pub n_total: u64,
    /// Seconds since this stage began.
    pub elapsed_secs: f64,
}

impl Progress {
    /// Seconds that this stage still needs if it goes on as before; `None` before it can be told.
    pub fn secs_left(&self) -> Option<f64> {
        if self.n_done == 0 || self.n_total < self.n_done || self.elapsed_secs <= 0.0 {
            return None;
        }
        let per_unit = self.elapsed_secs / self.n_done as f64;
        Some(per_unit * (self.n_total - self.n_done) as f64)
    }
}

struct Shared {
    cancel: AtomicBool,
    n_done: AtomicU64,
    n_total: AtomicU64,
    stage: Mutex<(String, Instant)>,
    warnings: Mutex<Vec<String>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// A handle on a running job; clones share it. The worker reports through it, the watcher reads
/// it and may cancel.
#[derive(Clone)]
pub struct Watch(Arc<Shared>);

impl Default for Watch {
    fn default() -> Self {
        Self::new(|| {})
    }
}

impl Watch {
    /// A watch that calls `wake` after every change that is worth drawing.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared {
            cancel: AtomicBool::new(false),
            n_done: AtomicU64::new(0),
            n_total: AtomicU64::new(0),
            stage: Mutex::new((String::new(), Instant::now())),
            warnings: Mutex::new(Vec::new()),
            wake: Box::new(wake),
        }))
    }

    /// Asks the job to stop as soon as it can.
    pub fn cancel(&self) {
        self.0.cancel.store(true, Ordering::Relaxed);
    }

    /// Whether the job was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancel.load(Ordering::Relaxed)
    }

    /// `Err` once the job was asked to stop; workers call it between small pieces of work.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Begins a stage of `n_total` units (0: unknown).
    pub fn stage(&self, name: &str, n_total: u64) {
        *lock(&self.0.stage) = (name.to_owned(), Instant::now());
        self.0.n_done.store(0, Ordering::Relaxed);
        self.0.n_total.store(n_total, Ordering::Relaxed);
        (self.0.wake)();
    }

    /// `n` more units of the stage are finished.
    pub fn advance(&self, n: u64) {
        self.0.n_done.fetch_add(n, Ordering::Relaxed);
        (self.0.wake)();
    }

    /// Reports something that the person should know and that does not stop the work. The same
    /// sentence is kept once.
    pub fn warn(&self, warning: impl Into<String>) {
        let warning = warning.into();
        let mut warnings = lock(&self.0.warnings);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Every warning so far, oldest first.
    pub fn warnings(&self) -> Vec<String> {
        lock(&self.0.warnings).clone()
    }

    /// Where the job stands.
    pub fn progress(&self) -> Progress {
        let (stage, since) = lock(&self.0.stage).clone();
        Progress {
            stage,
            n_done: self.0.n_done.load(Ordering::Relaxed),
            n_total: self.0.n_total.load(Ordering::Relaxed),
            elapsed_secs: since.elapsed().as_secs_f64(),
        }
    }
}

/// A poisoned lock still holds a usable value here: only strings are behind it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_cancel_progress_and_warnings() {
        let watch = Watch::default();
        let worker = watch.clone();
        worker.stage("reading", 4);
        worker.advance(3);
        worker.warn("line 2 is broken");
        worker.warn("line 2 is broken");
        watch.cancel();
        assert_eq!(worker.check(), Err(Cancelled));
        assert_eq!(watch.progress().n_done, 3);
        assert_eq!(watch.warnings(), ["line 2 is broken"]);
        let progress = Progress { elapsed_secs: 6.0, ..watch.progress() };
        assert_eq!(progress.secs_left(), Some(2.0));
    }
}
