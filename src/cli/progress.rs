//! Progress on standard error while a job runs: stage, share, speed of the model, time left.

use super::print::speeds;
use crate::job::{Watch, duration};
use crate::model::Meter;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

/// Prints where a job stands until it is told to finish.
pub struct Progress {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to print: a line that is rewritten on a terminal, else a line each ten seconds. `meter`
    /// is that of the model, once there is one.
    pub fn show(watch: Watch, meter: Arc<OnceLock<Meter>>) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let stop = done.clone();
        let thread = std::thread::spawn(move || follow(&watch, &meter, &stop));
        Self { done, thread: Some(thread) }
    }

    /// Stops printing and leaves a clean line.
    pub fn finish(mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A printing thread that panicked has nothing to say about the job.
            let _ = thread.join();
        }
    }
}

fn follow(watch: &Watch, meter: &OnceLock<Meter>, stop: &AtomicBool) {
    let terminal = std::io::stderr().is_terminal();
    let every = if terminal { 4 } else { 200 };
    let mut last = String::new();
    for tick in 1.. {
        std::thread::sleep(Duration::from_millis(50));
        if stop.load(Ordering::Relaxed) {
            break;
        }
        if tick % every != 0 {
            continue;
        }
        let line = line(watch, meter.get());
        if line.is_empty() || line == last {
            continue;
        }
        let mut stderr = std::io::stderr().lock();
        // Progress that cannot be printed is no reason to stop the work.
        let _ = if terminal {
            write!(stderr, "\r\x1b[2K{line}").and_then(|()| stderr.flush())
        } else {
            writeln!(stderr, "{line}")
        };
        last = line;
    }
    if terminal && !last.is_empty() {
        let _ = write!(std::io::stderr(), "\r\x1b[2K");
    }
}

fn line(watch: &Watch, meter: Option<&Meter>) -> String {
    let progress = watch.progress();
    if progress.stage.is_empty() {
        return String::new();
    }
    let mut line = progress.stage.clone();
    let n_done = 100 * progress.n_done.min(progress.n_total);
    if let Some(share) = n_done.checked_div(progress.n_total) {
        line.push_str(&format!(": {} of {} ({share}%)", progress.n_done, progress.n_total));
    }
    for speed in meter.into_iter().flat_map(|meter| speeds(&meter.work())) {
        line.push_str(&format!(", {speed}"));
    }
    if let Some(secs) = progress.secs_left() {
        line.push_str(&format!(", {} left", duration(secs)));
    }
    line
}
