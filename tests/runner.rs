//! Jobs on threads: what is heard of them, and what becomes of one that fails, panics or is cancelled.

use crate::program::{Folder, PAIR};
use crate::slow_model::{LONG, SlowModel};
use backstory::data::ReadOptions;
use backstory::job::Watch;
use backstory::model::{Finish, LanguageModel, Sampling, ScriptedModel};
use backstory::synthesis::strategy;
use backstory::workbench::{
    Desk, Failure, Inputs, Job, JobId, ModelChoice, OpenJob, Product, Prompt, Report, Runner,
    SynthEvent, SynthJob,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A runner, and a folder with seeds for it.
struct Shop {
    runner: Runner,
    folder: Folder,
    n_wakes: Arc<AtomicUsize>,
}

impl Shop {
    fn new(model: impl LanguageModel + 'static) -> Self {
        let n_wakes: Arc<AtomicUsize> = Arc::default();
        let counted = n_wakes.clone();
        let wake = move || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        let runner = Runner::new(Desk::with_model(Box::new(model)), wake);
        let folder = Folder::new().with("seeds.jsonl", PAIR.repeat(2));
        Self { runner, folder, n_wakes }
    }

    /// Asks for contexts of both seeds.
    fn synth(&mut self, out: &str) -> (JobId, Watch) {
        let files = vec![self.folder.path("seeds.jsonl")];
        self.runner.submit(Job::Synth(Box::new(SynthJob {
            strategy: strategy("context").unwrap(),
            seeds: Inputs { files, ..Inputs::default() },
            model: ModelChoice { model: "any".into(), device: "auto".into(), adapter: None },
            out: self.folder.path(out),
            n_words: 200,
            sampling: Sampling::default(),
            n_parallel: 1,
            n_attempts: 1,
            prompt: Prompt::OfStrategy,
            seed: 1,
            overwrite: false,
        })))
    }

    fn open(&mut self, name: &str) -> (JobId, Watch) {
        let options = ReadOptions::default();
        self.runner.submit(Job::Open(OpenJob { path: self.folder.path(name), options }))
    }

    /// Hears the next report that fits.
    fn hear<T>(&mut self, mut fits: impl FnMut(Report) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            match self.runner.poll() {
                Some(report) => {
                    if let Some(found) = fits(report) {
                        return found;
                    }
                }
                None => std::thread::sleep(Duration::from_millis(1)),
            }
            assert!(began.elapsed() < Duration::from_secs(60), "nothing more is heard");
        }
    }

    fn end_of(&mut self, id: JobId) -> Result<Box<Product>, Failure> {
        self.hear(|report| match report {
            Report::Ended(ended, result) if ended == id => Some(result),
            _ => None,
        })
    }
}

#[test]
fn reports_come_in_order() {
    let mut shop = Shop::new(SlowModel::eager(LONG));
    let (first, second) = (shop.synth("a.jsonl").0, shop.synth("b.jsonl").0);
    let mut told = Vec::new();
    shop.hear(|report| {
        let (id, word) = match report {
            Report::Started(id) => (id, "started"),
            Report::Synth(id, SynthEvent::Text { .. }) => (id, "text"),
            Report::Synth(id, SynthEvent::End { rejected: None, .. }) => (id, "made"),
            Report::Ended(id, Ok(_)) => (id, "done"),
            Report::Ended(id, Err(why)) => panic!("{id:?}: {why:?}"),
            // What else is told of a record does not matter here.
            _ => return None,
        };
        told.push((id, word));
        ((id, word) == (second, "done")).then_some(())
    });
    let one = ["started", "text", "text", "made", "text", "text", "made", "done"];
    let of = |id| one.map(|word| (id, word));
    assert_eq!(told, [of(first), of(second)].concat());
    assert!(shop.n_wakes.load(Ordering::Relaxed) >= told.len(), "somebody must look");
    assert_eq!((first, second), (JobId(1), JobId(2)));
}

#[test]
fn a_job_tells_which_model_it_has_before_that_works() {
    let script = Box::new(|_: &str, _| (LONG.to_owned(), Finish::Stop));
    let mut shop = Shop::new(ScriptedModel::new(100_000, script).unwrap());
    for (n_done, out) in [(2, "a.jsonl"), (4, "b.jsonl")] {
        let id = shop.synth(out).0;
        let loaded = shop.hear(|report| match report {
            Report::Model(of, loaded) => Some((of, loaded)),
            Report::Synth(..) | Report::Ended(..) => panic!("{report:?} came first"),
            Report::Started(_) => None,
        });
        let (of, loaded) = loaded;
        assert_eq!((of, loaded.choice.model.as_str(), &*loaded.info.name), (id, "any", "scripted"));
        assert_eq!(loaded.adapter, None);
        assert!(shop.end_of(id).is_ok());
        // Two records of it; the meter goes on from job to job.
        assert_eq!(loaded.meter.work().writing.n_tokens, n_done * LONG.len() as u64);
        assert_eq!(loaded.meter.work().writing.tokens_per_s().map(f64::round), Some(100.0));
    }
    // What needs no model tells of none.
    let id = shop.open("seeds.jsonl").0;
    shop.hear(|report| match report {
        Report::Model(..) => panic!("a file was opened by a model"),
        Report::Ended(ended, _) => (ended == id).then_some(()),
        _ => None,
    });
}

#[test]
fn a_panic_is_a_failed_job_and_the_workers_go_on() {
    let script = Box::new(|_: &str, _| -> (String, Finish) { panic!("the model fell over") });
    let mut shop = Shop::new(ScriptedModel::new(100_000, script).unwrap());
    let id = shop.synth("a.jsonl").0;
    let failed = shop.end_of(id).unwrap_err();
    assert!(
        matches!(&failed, Failure::Failed(why) if why.contains("(the model fell over)")
            && why.contains("report this message")),
        "{failed:?}"
    );
    // The desk was cleared, so that the next job loads the model that it names.
    let id = shop.synth("b.jsonl").0;
    let failed = shop.end_of(id).unwrap_err();
    assert!(matches!(&failed, Failure::Failed(why) if why.contains("`any`")), "{failed:?}");
    let id = shop.open("seeds.jsonl").0;
    assert!(matches!(*shop.end_of(id).unwrap(), Product::Opened(_)));
}

#[test]
fn a_job_that_is_cancelled_while_it_waits_never_begins() {
    let (model, gate) = SlowModel::new(LONG);
    let mut shop = Shop::new(model);
    let (first, _) = shop.synth("a.jsonl");
    let (second, watch) = shop.synth("b.jsonl");
    watch.cancel();
    drop(gate);
    assert!(shop.end_of(first).is_ok());
    assert_eq!(shop.end_of(second).unwrap_err(), Failure::Cancelled);
    assert!(!shop.folder.path("b.journal").exists());
}

#[test]
fn a_running_job_ends_when_it_is_cancelled_also_while_it_is_paused() {
    for pause in [false, true] {
        let (model, gate) = SlowModel::new(LONG);
        let mut shop = Shop::new(model);
        let (id, watch) = shop.synth("a.jsonl");
        gate.pass_once();
        shop.hear(|report| {
            matches!(report, Report::Synth(_, SynthEvent::End { .. })).then_some(())
        });
        if pause {
            watch.pause();
        }
        watch.cancel();
        assert_eq!(shop.end_of(id).unwrap_err(), Failure::Cancelled);
        let made = backstory::data::read_dataset(
            &shop.folder.path("a.jsonl"),
            &ReadOptions::default(),
            &backstory::job::Watch::default(),
        );
        assert_eq!(made.unwrap().records.len(), 1, "what was made is kept");
    }
}

#[test]
fn files_open_while_the_model_is_busy() {
    let (model, gate) = SlowModel::new(LONG);
    let mut shop = Shop::new(model);
    let (synth, _) = shop.synth("a.jsonl");
    let (open, _) = shop.open("seeds.jsonl");
    let (missing, _) = shop.open("none.jsonl");
    let mut n_open = 2;
    shop.hear(|report| match report {
        Report::Ended(id, _) if id == synth => panic!("the model did not wait"),
        Report::Ended(id, ended) => {
            assert_eq!((id == open, id == missing), (ended.is_ok(), ended.is_err()));
            n_open -= 1;
            (n_open == 0).then_some(())
        }
        _ => None,
    });
    drop(gate);
    assert!(shop.end_of(synth).is_ok());
}

#[test]
fn a_mistake_in_the_middle_of_a_run_is_no_cancel() {
    let template = "{{ raise_exception('this model answers no one') }}";
    let mut shop = Shop::new(SlowModel::eager(LONG).with_template(template));
    let id = shop.synth("a.jsonl").0;
    let failed = shop.end_of(id).unwrap_err();
    assert!(
        matches!(&failed, Failure::Failed(why) if why.contains("this model answers no one")),
        "{failed:?}"
    );
}
