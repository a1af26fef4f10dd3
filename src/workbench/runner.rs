//! Jobs on threads: one named worker owns the model, two read, count and write files, one answers what
//! the window needs to draw.
//!
//! Whoever asks never waits: a job is handed in with [`Runner::submit`] and heard of through
//! [`Runner::poll`]. A panic in a worker becomes a failed job with its message.

use super::{Desk, Job, LoadedModel, Product, SynthEvent, WorkbenchError, Worker, run};
use crate::job::Watch;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// A job's number, in the order in which they were handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// What is heard of a job.
#[derive(Debug)]
pub enum Report {
    /// A worker has begun it.
    Started(JobId),
    /// It has its model, which begins to work.
    Model(JobId, Box<LoadedModel>),
    /// A record is being written.
    Synth(JobId, SynthEvent),
    /// It is over.
    Ended(JobId, Result<Box<Product>, Failure>),
}

/// Why a job gave nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The person cancelled it.
    Cancelled,
    /// What went wrong and what to do.
    Failed(String),
    /// The same, where saying which column of the file is what may help.
    Unmapped(String),
}

/// A job on its way to a worker.
type Task = (JobId, Job, Watch);

/// Tasks that may wait for a worker; more than a person asks for.
const MOST_WAITING: usize = 1024;
/// Reports that may wait to be heard; a worker that is ahead by more waits.
const MOST_REPORTS: usize = 4096;

/// The workers and the way to them.
pub struct Runner {
    model: SyncSender<Task>,
    io: SyncSender<Task>,
    quick: SyncSender<Task>,
    reports: Receiver<Report>,
    refused: Vec<Report>,
    wake: Arc<dyn Fn() + Send + Sync>,
    n_submitted: u64,
}

impl Runner {
    /// Starts the workers; `wake` is called whenever there may be something to hear or draw.
    pub fn new(desk: Desk, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(wake);
        let (report, reports) = sync_channel(MOST_REPORTS);
        let (model, model_tasks) = sync_channel::<Task>(MOST_WAITING);
        let (io, io_tasks) = sync_channel::<Task>(MOST_WAITING);
        let (quick, quick_tasks) = sync_channel::<Task>(MOST_WAITING);
        let model_tasks = Arc::new(Mutex::new(model_tasks));
        let io_tasks = Arc::new(Mutex::new(io_tasks));
        let workers = [
            ("model", model_tasks, desk),
            ("io 1", io_tasks.clone(), Desk::default()),
            ("io 2", io_tasks, Desk::default()),
            ("quick", Arc::new(Mutex::new(quick_tasks)), Desk::default()),
        ];
        for (name, tasks, desk) in workers {
            let (report, wake) = (report.clone(), wake.clone());
            let work = move || work(&tasks, desk, report, wake);
            // A kind of jobs without a worker says so when the first of them is handed in.
            let _ = std::thread::Builder::new().name(name.into()).spawn(work);
        }
        Self { model, io, quick, reports, refused: Vec::new(), wake, n_submitted: 0 }
    }

    /// Hands a job in. The watch pauses and cancels it, also while it waits for a worker.
    pub fn submit(&mut self, job: Job) -> (JobId, Watch) {
        self.n_submitted += 1;
        let id = JobId(self.n_submitted);
        let wake = self.wake.clone();
        let watch = Watch::new(move || wake());
        let worker = match job.worker() {
            Worker::Model => &self.model,
            Worker::Io => &self.io,
            Worker::Quick => &self.quick,
        };
        if worker.try_send((id, job, watch.clone())).is_err() {
            let message =
                "no worker takes this job; wait for the others, or start the program again";
            self.refused.push(Report::Ended(id, Err(Failure::Failed(message.into()))));
        }
        (id, watch)
    }

    /// The next thing to hear, if there is one.
    pub fn poll(&mut self) -> Option<Report> {
        match self.reports.try_recv() {
            Ok(report) => Some(report),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => self.refused.pop(),
        }
    }
}

/// A worker's life: task after task until the runner is gone.
fn work(
    tasks: &Mutex<Receiver<Task>>,
    mut desk: Desk,
    reports: SyncSender<Report>,
    wake: Arc<dyn Fn() + Send + Sync>,
) {
    // A send fails only when nobody listens any more, and then nobody misses the report.
    let send = move |report| {
        let _ = reports.send(report);
        wake();
    };
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((id, job, watch)) = task else { return };
        let tell = send.clone();
        desk.tell(move |loaded| tell(Report::Model(id, Box::new(loaded))));
        send(Report::Started(id));
        let mut follow = |event| send(Report::Synth(id, event));
        let ran = match watch.check() {
            Ok(()) => catch_unwind(AssertUnwindSafe(|| run(job, &mut desk, &watch, &mut follow))),
            Err(cancelled) => Ok(Err(cancelled.into())),
        };
        let ended = match ran {
            Ok(Ok(product)) => Ok(Box::new(product)),
            Ok(Err(error)) if error.is_cancelled() => Err(Failure::Cancelled),
            Ok(Err(WorkbenchError::Data(error))) if error.wants_columns() => {
                Err(Failure::Unmapped(error.to_string()))
            }
            Ok(Err(error)) => Err(Failure::Failed(error.to_string())),
            Err(panic) => {
                // What the panic left behind cannot be trusted.
                desk = Desk::default();
                Err(Failure::Failed(panic_message(&*panic)))
            }
        };
        send(Report::Ended(id, ended));
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    format!("the program made a mistake ({said}); please report this message, then try again")
}

impl WorkbenchError {
    /// Whether the work was cancelled, wherever it was.
    pub fn is_cancelled(&self) -> bool {
        let mut error: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(current) = error {
            if current.is::<crate::job::Cancelled>() {
                return true;
            }
            error = current.source();
        }
        // A transparent error passes its source on instead of being one.
        self.to_string() == crate::job::Cancelled.to_string()
    }
}
