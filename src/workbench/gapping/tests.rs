//! A whole study with a scripted trainer and a scripted model: what is left behind, what is asked again.

use super::super::tuning::Trains;
use super::super::tuning::TuneEstimate;
use super::super::{Course, Desk, WorkbenchError};
use super::exporting::{self, GapExportJob};
use super::{GapReport, GapSource, GapStudyJob, run_with};
use crate::job::Watch;
use crate::model::{ChatTemplate, Finish, ScriptedModel, Tokenizer};
use crate::tuning::{Example, Framer, Measure, Needs, Settings, Step, Trained};
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The trainings so far: the folder's end, the examples' ids, and the seed.
type Log = Rc<RefCell<Vec<(String, Vec<String>, u64)>>>;

struct Scripted {
    tokenizer: Tokenizer,
    template: ChatTemplate,
    log: Log,
    /// The training during which somebody cancels.
    cancel_at: Option<usize>,
}

impl Trains for Scripted {
    fn framer(&self, _: &Settings) -> Result<Framer<'_>, WorkbenchError> {
        Ok(Framer::new(&self.tokenizer, &self.template, 4000)?)
    }

    fn estimate(
        &mut self,
        examples: &[Example],
        settings: &Settings,
        _: &Watch,
    ) -> Result<TuneEstimate, WorkbenchError> {
        let steps = settings.n_steps(examples.len());
        Ok(TuneEstimate { needs: Needs { steps, tokens: 1000, bytes: 1 << 20 }, secs: Some(2.0) })
    }

    fn train(
        &mut self,
        examples: &[Example],
        _: &[Example],
        settings: &Settings,
        folder: &Path,
        _: &mut dyn FnMut(&Step),
        watch: &Watch,
    ) -> Result<Trained, WorkbenchError> {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("checkpoint.safetensors"), "").unwrap();
        if self.cancel_at == Some(self.log.borrow().len()) {
            watch.cancel();
        }
        watch.check()?;
        let ids = examples.iter().map(|example| example.id.to_string()).collect();
        let mut parts: Vec<String> =
            folder.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let name = parts.split_off(parts.len() - 3).join("/");
        let lens: Vec<usize> = examples.iter().map(|example| example.tokens.len()).collect();
        std::fs::write(folder.join("adapter_model.safetensors"), format!("{name} {lens:?}"))
            .unwrap();
        self.log.borrow_mut().push((name, ids, settings.seed));
        Ok(Trained { steps: Vec::new(), n_resumed: 0, n_tokens: 0, secs: 0.0 })
    }
}

struct Bench {
    folder: tempfile::TempDir,
    log: Log,
    /// Tests that the model was asked.
    n_asked: Arc<AtomicUsize>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pair = |ix: usize, task: &str, context: String, strategy: &str| {
            let (instruction, answer) = (format!("Who is {ix}?"), format!("It is {ix}"));
            json!({"task": task, "instruction": instruction, "answers": [answer], "context": context, "strategy": strategy})
        };
        let lines = |name: &str, all: Vec<serde_json::Value>| {
            let text: String = all.iter().map(|line| format!("{line}\n")).collect();
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        let human =
            |ix| pair(ix, "2wikimqa", format!("Person {ix} is known, it is {ix}."), "human");
        let made = |ix| pair(ix, "2wikimqa", format!("Nothing of {ix}."), "context_synthesis");
        lines("human.jsonl", (0..6).map(human).collect());
        lines("made.jsonl", (1..7).map(made).collect());
        let test = |ix: usize| {
            let task = if ix.is_multiple_of(2) { "2wikimqa" } else { "qasper" };
            pair(ix, task, format!("TESTED document about {ix}."), "test")
        };
        lines("tests.jsonl", (5..11).map(test).collect());
        let spec = "model = \"scripted\"\ndevice = \"cpu\"\ntests = [\"tests.jsonl\"]\nseeds = [0, 7]\n\
                    held_out = 2\ngeneral = \"made.jsonl\"\n[datasets]\nhuman = \"human.jsonl\"\nmade = \"made.jsonl\"\n";
        std::fs::write(folder.path().join("gap.toml"), spec).unwrap();
        Self { folder, log: Log::default(), n_asked: Arc::default() }
    }

    fn run(&self, estimate: bool, cancel_at: Option<usize>) -> Result<GapReport, WorkbenchError> {
        let job = GapStudyJob {
            spec: GapSource::File(self.folder.path().join("gap.toml")),
            out: self.folder.path().join("out"),
            only_estimates: estimate,
            overwrite: false,
            course: Course::default(),
        };
        let n_asked = self.n_asked.clone();
        let script = move |prompt: &str, _| {
            if prompt.contains("TESTED") {
                n_asked.fetch_add(1, Ordering::Relaxed);
            }
            let told = if prompt.contains("about 6") { "It is 6" } else { "no" };
            (told.to_owned(), Finish::Stop)
        };
        let mut desk =
            Desk::with_model(Box::new(ScriptedModel::new(4000, Box::new(script)).unwrap()));
        let mut load = |_: &_, _: &mut _, _: &_| {
            let source = "{% for m in messages %}[{{ m.content }}]{% endfor %}";
            let trainer = Scripted {
                tokenizer: Tokenizer::bytes("bytes").unwrap(),
                template: ChatTemplate::new(source, None, None).unwrap(),
                log: self.log.clone(),
                cancel_at,
            };
            Ok(Box::new(trainer) as Box<dyn Trains>)
        };
        run_with(&job, &mut desk, &mut load, &Watch::default())
    }

    /// The files below the study's folder, but for journals, whose lines stand as they came.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.folder.path().join("out")];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                match path.is_dir() {
                    true => folders.push(path),
                    false if path.extension().is_some_and(|e| e == "journal") => {}
                    false => {
                        files.insert(path.clone(), std::fs::read(path).unwrap());
                    }
                }
            }
        }
        files
    }
}

#[test]
fn a_study_trains_both_arms_of_the_same_pairs_and_goes_on_after_a_cancel() {
    let bench = Bench::new();
    let estimate = bench.run(true, None).unwrap().estimate;
    // Pairs 1 to 4: 0 and 6 are in one dataset only, and 5 is a test.
    assert_eq!((estimate.trainings, estimate.models_tested), (10, 11));
    assert_eq!((estimate.pairs, estimate.tests), (4, 6));
    assert!(estimate.sentence().contains("10 trainings of 4 pairs"), "{}", estimate.sentence());
    assert!(!bench.folder.path().join("out").exists(), "an estimate writes nothing");

    let cancelled = bench.run(false, Some(3));
    assert!(matches!(cancelled, Err(WorkbenchError::Cancelled(_))), "{cancelled:?}");
    assert_eq!(bench.log.borrow().len(), 3);
    bench.log.borrow_mut().clear();
    let report = bench.run(false, None).unwrap();
    let log = bench.log.borrow().clone();
    assert_eq!(log.len(), 10);
    assert_eq!(log[0].0, "human/with/seed-0");
    assert_eq!(log[0].1, log[1].1, "both arms are of the same records in the same order");
    assert_eq!((log[0].2, log[9].2), (0, 7));
    assert_eq!(log[4].0, "arms/general/seed-0");
    assert_eq!(report.left_out["human"].among_tests, 1);

    let study = report.study.unwrap();
    // Two tasks, of two kinds of which each is alone in its group, and the mean over both.
    let titles: Vec<&str> = study
        .rows
        .iter()
        .filter(|r| r.dataset == "made" && r.measure == Measure::Score)
        .map(|r| r.title.as_str())
        .collect();
    assert_eq!(titles, ["Qasper", "2WikiMQA", "All 2 tasks of the paper: mean"]);
    let row =
        study.rows.iter().find(|r| r.title == "2WikiMQA" && r.measure == Measure::Score).unwrap();
    // One of three answers is right, and the scripted model answers every adapter alike.
    assert!((row.with.mean - 100.0 / 3.0).abs() < 0.01, "{row:?}");
    assert_eq!((row.gap.mean, row.gap.ci95, row.n_tests), (0.0, Some([0.0, 0.0]), 3));
    assert_eq!(study.human.as_deref(), Some("human"));
    assert!(study.references.iter().any(|reference| reference.name == "general"));
    assert_eq!(study.validation.points.len(), 2);
    assert!(study.validation.points.iter().all(|point| point.n_records == 4));
    assert!(study.validation.sentence.contains("no correlation"), "{}", study.validation.sentence);
    assert_eq!(bench.n_asked.load(Ordering::Relaxed), 11 * 6);

    let files = bench.files();
    let out = bench.folder.path().join("out");
    for name in [
        "arms.json",
        "study.json",
        "gap.json",
        "gap.svg",
        "gap.png",
        "gap.pdf",
        "gap.csv",
        "README.md",
        "results/base/2wikimqa.jsonl",
        "results/made/without/seed-7/answer_logprobs.jsonl",
        "results/general/seed-0/result.json",
        "coherence/human.rows",
    ] {
        assert!(files.contains_key(&out.join(name)), "{name} is missing");
    }
    let again = bench.run(false, None).unwrap();
    assert_eq!(again.estimate.secs_all, 0.0, "nothing is left to do");
    assert_eq!(bench.n_asked.load(Ordering::Relaxed), 11 * 6, "no test is asked twice");
    assert_eq!(bench.files(), files);
}

#[test]
fn the_answers_log_probability_is_the_mean_over_its_tokens_after_the_whole_prompt() {
    let bench = Bench::new();
    bench.run(false, None).unwrap();
    let path = bench.folder.path().join("out/results/base/answer_logprobs.jsonl");
    let rows = std::fs::read_to_string(path).unwrap();
    let first: serde_json::Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    // "It is 5" after a prompt that holds all its bytes: each has probability 1/2.
    assert_eq!(first["n_tokens"], 7);
    assert!((first["logprob_nats"].as_f64().unwrap() - 0.5f64.ln()).abs() < 1e-6, "{first}");
}

#[test]
fn a_foreign_folder_is_left_alone() {
    let bench = Bench::new();
    std::fs::create_dir(bench.folder.path().join("out")).unwrap();
    std::fs::write(bench.folder.path().join("out/mine.txt"), "x").unwrap();
    let error = bench.run(false, None).unwrap_err().to_string();
    assert!(error.contains("arms.json") && error.contains("--overwrite"), "{error}");
}

#[test]
fn arms_are_written_for_trainers_with_the_commands() {
    let bench = Bench::new();
    let spec = GapSource::File(bench.folder.path().join("gap.toml"));
    let out = bench.folder.path().join("arms");
    let job = GapExportJob { spec, out: out.clone(), replace: false };
    let made = exporting::run(&job, &Watch::default()).unwrap();
    assert_eq!((made.pairs, made.trainings), (4, 10));
    assert!(made.files.iter().all(|file| file.exists()), "{:?}", made.files);
    let rows = |name: &str| -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(out.join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (with, without) = (rows("human.with-context.jsonl"), rows("human.without-context.jsonl"));
    let seeds = |rows: &[serde_json::Value]| -> Vec<String> {
        rows.iter().map(|row| row["seed_id"].to_string()).collect()
    };
    assert_eq!(seeds(&with), seeds(&without));
    assert_eq!(seeds(&with), seeds(&rows("made.with-context.jsonl")));
    let asked = |rows: &[serde_json::Value]| rows[0]["messages"][0]["content"].to_string();
    assert!(asked(&with).contains("is known") && !asked(&without).contains("is known"));
    let text = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let list: serde_json::Value = serde_json::from_str(&text("dataset_info.json")).unwrap();
    assert_eq!(list.as_object().unwrap().len(), 5, "{list}");
    let yaml = text("llamafactory/human.with-context.seed-7.yaml");
    assert!(yaml.contains("dataset: \"human.with-context,general\"") && yaml.contains("\nseed: 7"));
    let readme = text("README.md");
    for words in [
        "llamafactory-cli train llamafactory/general.seed-0.yaml",
        "backstory figure gap --with human=results/human.with-context.seed-0 --without human=",
    ] {
        assert!(readme.contains(words), "{words}\n{readme}");
    }
    let again = exporting::run(&job, &Watch::default()).unwrap_err().to_string();
    assert!(again.contains("README.md"), "{again}");
}
