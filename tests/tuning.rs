//! Trainings from records to adapters that both bodies read, and what is refused.

use crate::program::Folder;
use backstory::export::Arm;
use backstory::job::Watch;
use backstory::tuning::Settings;
use backstory::workbench::{
    self, Course, Desk, Inputs, Job, ModelChoice, Product, TuneJob, TuneReport, WorkbenchError,
};
use serde_json::json;
use std::path::{Path, PathBuf};

fn model() -> String {
    format!("{}/tests/data/tiny_llama.gguf", env!("CARGO_MANIFEST_DIR"))
}

/// Records that ask for a letter which their contexts tell.
fn data(folder: &Path, name: &str, letters: &str) -> PathBuf {
    let line = |(ix, letter): (usize, char)| {
        let record = json!({
            "task": "hotpotqa", "instruction": format!("Which letter does box {name} {ix} hold?"),
            "answer": letter.to_string().repeat(3), "context": format!("The box holds {letter}."),
        });
        format!("{record}\n")
    };
    let path = folder.join(format!("{name}.jsonl"));
    std::fs::write(&path, letters.chars().enumerate().map(line).collect::<String>()).unwrap();
    path
}

fn job(folder: &Path, arm: Arm) -> TuneJob {
    let files = |path: PathBuf| Inputs { files: vec![path], ..Inputs::default() };
    TuneJob {
        data: files(data(folder, "train", "aabbccdd")),
        arm,
        held_out: files(data(folder, "test", "abcd")),
        model: ModelChoice { model: model(), device: "cpu".into(), adapter: None },
        out: folder.join(arm.name()),
        prompts: None,
        settings: Settings { batch: 4, learning_rate: 1e-2, epochs: 3, ..Settings::default() },
        only_estimates: false,
        overwrite: false,
        course: Course::default(),
    }
}

fn run(job: TuneJob) -> Result<TuneReport, WorkbenchError> {
    let job = Job::Tune(Box::new(job));
    match workbench::run(job, &mut Desk::default(), &Watch::default(), &mut |_| {})? {
        Product::Tuned(report) => Ok(*report),
        other => panic!("{other:?}"),
    }
}

fn logprobs(text: &Path, device: &str, adapter: Option<PathBuf>) -> Vec<f32> {
    let model = ModelChoice { model: model(), device: device.into(), adapter };
    let job = Job::Logprobs { file: text.to_owned(), model };
    match workbench::run(job, &mut Desk::default(), &Watch::default(), &mut |_| {}).unwrap() {
        Product::Logprobs(report) => report.logprobs,
        other => panic!("{other:?}"),
    }
}

#[test]
fn gpu_both_arms_are_trained_and_both_bodies_read_them() {
    let kept = Folder::new();
    let folder = kept.path("out");
    let folder = folder.as_path();
    let with = job(folder, Arm::WithContext);
    let course = with.course.clone();
    let report = run(with).unwrap();
    assert_eq!((report.examples, report.steps, report.resumed, report.left_out), (8, 6, 0, 0));
    let [first, last] = report.loss.unwrap();
    assert!(last < first && report.held_out_loss.unwrap().is_finite(), "{report:?}");
    let arms = course.arms();
    assert_eq!((arms.len(), arms[0].name.as_str(), arms[0].steps.len()), (1, "with-context", 6));
    // Nothing is left to do; the arm without contexts takes as many steps over fewer tokens.
    assert_eq!(run(job(folder, Arm::WithContext)).unwrap().resumed, 6);
    let without = run(job(folder, Arm::WithoutContext)).unwrap();
    assert_eq!(without.steps, report.steps);
    assert!(without.estimate.needs.tokens < report.estimate.needs.tokens);

    let text = folder.join("text.txt");
    std::fs::write(&text, "The box holds a. Which letter?").unwrap();
    let adapter = || Some(folder.join("with-context"));
    let base = logprobs(&text, "cpu", None);
    let tuned = logprobs(&text, "cpu", adapter());
    assert!(base.iter().zip(&tuned).any(|(x, y)| (x - y).abs() > 0.05));
    if crate::gpu::has_adapter() {
        let on_gpu = logprobs(&text, "gpu", adapter());
        assert!(tuned.iter().zip(&on_gpu).all(|(x, y)| (x - y).abs() < 1e-3));
    }
}

#[test]
fn what_cannot_be_trained_is_refused_with_a_next_step() {
    let kept = Folder::new();
    let folder = kept.path("out");
    let folder = folder.as_path();
    let refused = |change: &dyn Fn(&mut TuneJob)| {
        let mut job = job(folder, Arm::WithContext);
        job.out = folder.join("refused");
        change(&mut job);
        run(job).unwrap_err().to_string()
    };
    let leak = refused(&|job| job.held_out = job.data.clone());
    assert!(leak.contains("train.jsonl, line 1") && leak.contains("take it out"), "{leak}");
    let rank = refused(&|job| job.settings.rank = 0);
    assert!(rank.contains("`rank` is 0; take 1 to"), "{rank}");
    let device = refused(&|job| job.model.device = "tpu".into());
    assert!(device.contains("use cpu, cuda or metal"), "{device}");
    if !cfg!(feature = "cuda") {
        let device = refused(&|job| job.model.device = "cuda".into());
        assert!(device.contains("--features cuda"), "{device}");
    }
    let empty = folder.join("empty.jsonl");
    std::fs::write(&empty, "").unwrap();
    let nothing = refused(&|job| job.data.files = vec![empty.clone()]);
    assert!(nothing.contains("empty.jsonl") && nothing.contains("is empty"), "{nothing}");
    std::fs::create_dir_all(folder.join("refused")).unwrap();
    std::fs::write(folder.join("refused/thesis.txt"), "mine").unwrap();
    let foreign = refused(&|_| {});
    assert!(foreign.contains("has files in it"), "{foreign}");
}
