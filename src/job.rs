//! How work is watched: cancelled, paused, followed and warned about.
//!
//! This module knows no work. What runs, on which thread, belongs in `workbench`; how progress is
//! drawn belongs in the two doors.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
    /// Seconds since this stage began, pauses left out.
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
    /// Whether `clock` holds the beginning of a pause; asked without a lock between pieces of work.
    paused: AtomicBool,
    n_done: AtomicU64,
    n_total: AtomicU64,
    waited_nanos: AtomicU64,
    clock: Mutex<Clock>,
    resumed: Condvar,
    warnings: Mutex<Vec<String>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// The stage and its time.
struct Clock {
    stage: String,
    /// What the stages from now on are a part of.
    part: String,
    /// When the stage would have begun if there had been no pauses.
    since: Instant,
    paused_at: Option<Instant>,
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
            paused: AtomicBool::new(false),
            n_done: AtomicU64::new(0),
            n_total: AtomicU64::new(0),
            waited_nanos: AtomicU64::new(0),
            clock: Mutex::new(Clock {
                stage: String::new(),
                part: String::new(),
                since: Instant::now(),
                paused_at: None,
            }),
            resumed: Condvar::new(),
            warnings: Mutex::new(Vec::new()),
            wake: Box::new(wake),
        }))
    }

    /// Asks the job to stop as soon as it can, a paused one too.
    pub fn cancel(&self) {
        let _clock = lock(&self.0.clock);
        self.0.cancel.store(true, Ordering::Relaxed);
        self.0.resumed.notify_all();
    }

    /// Asks the job to wait, after the piece of work that it is in, until it is resumed.
    pub fn pause(&self) {
        let mut clock = lock(&self.0.clock);
        clock.paused_at.get_or_insert_with(Instant::now);
        self.0.paused.store(true, Ordering::Relaxed);
    }

    /// Lets a paused job go on.
    pub fn resume(&self) {
        let mut clock = lock(&self.0.clock);
        if let Some(paused_at) = clock.paused_at.take() {
            clock.since += paused_at.elapsed();
        }
        self.0.paused.store(false, Ordering::Relaxed);
        self.0.resumed.notify_all();
    }

    /// Whether the job was asked to wait.
    pub fn is_paused(&self) -> bool {
        self.0.paused.load(Ordering::Relaxed)
    }

    /// Whether the job was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancel.load(Ordering::Relaxed)
    }

    /// `Err` once the job was asked to stop; waits here while it is paused. Workers call it between
    /// small pieces of work.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_paused() {
            let clock = lock(&self.0.clock);
            let waits = |clock: &mut Clock| clock.paused_at.is_some() && !self.is_cancelled();
            let began = Instant::now();
            // The guard that comes back, poisoned or not, has nothing more to tell.
            drop(self.0.resumed.wait_while(clock, waits));
            let nanos = began.elapsed().as_nanos() as u64;
            self.0.waited_nanos.fetch_add(nanos, Ordering::Relaxed);
        }
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// How long the job has waited in [`Watch::check`] so far: no time of work.
    pub fn waited(&self) -> Duration {
        Duration::from_nanos(self.0.waited_nanos.load(Ordering::Relaxed))
    }

    /// The stages that begin from now on are parts of this; nothing where it is empty.
    pub fn part(&self, name: &str) {
        name.clone_into(&mut lock(&self.0.clock).part);
    }

    /// Begins a stage of `n_total` units (0: unknown).
    pub fn stage(&self, name: &str, n_total: u64) {
        {
            let mut clock = lock(&self.0.clock);
            let now = Instant::now();
            clock.stage = match clock.part.as_str() {
                "" => name.to_owned(),
                part => format!("{part}: {name}"),
            };
            clock.since = now;
            clock.paused_at = clock.paused_at.map(|_| now);
        }
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
        let clock = lock(&self.0.clock);
        let now = clock.paused_at.unwrap_or_else(Instant::now);
        Progress {
            stage: clock.stage.clone(),
            n_done: self.0.n_done.load(Ordering::Relaxed),
            n_total: self.0.n_total.load(Ordering::Relaxed),
            elapsed_secs: now.saturating_duration_since(clock.since).as_secs_f64(),
        }
    }
}

/// Seconds in words that a person reads at a glance.
pub fn duration(secs: f64) -> String {
    match secs {
        secs if !secs.is_finite() => "?".to_owned(),
        secs if secs < 9.95 => format!("{secs:.1} s"),
        secs if secs < 99.5 => format!("{secs:.0} s"),
        secs if secs < 6000.0 => {
            let secs = secs as u64;
            format!("{} min {} s", secs / 60, secs % 60)
        }
        secs => {
            let secs = secs as u64;
            format!("{} h {} min", secs / 3600, secs % 3600 / 60)
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

    #[test]
    fn a_paused_job_waits_until_it_is_resumed_or_cancelled() {
        for cancel in [false, true] {
            let watch = Watch::default();
            watch.stage("writing", 2);
            watch.pause();
            let before = watch.progress().elapsed_secs;
            let worker = watch.clone();
            let (sender, receiver) = std::sync::mpsc::sync_channel(1);
            let thread = std::thread::spawn(move || sender.send(worker.check()));
            let wait = Duration::from_millis(30);
            assert!(receiver.recv_timeout(wait).is_err(), "it did not wait");
            assert_eq!(watch.progress().elapsed_secs, before, "a pause is no work");
            assert_eq!(watch.waited(), Duration::ZERO, "it waits still");
            if cancel {
                watch.cancel()
            } else {
                watch.resume()
            }
            let expected = if cancel { Err(Cancelled) } else { Ok(()) };
            assert_eq!(receiver.recv().unwrap(), expected);
            thread.join().unwrap().unwrap();
            assert!(watch.waited() > wait / 2, "{:?}", watch.waited());
        }
    }
}
