//! Results as others leave them: a `result.json` with a score per task, with a grade per record in
//! `per_sample.json` where there is one; or the predictions themselves, which are graded here: LongBench's
//! `pred/MODEL/` and lm-evaluation-harness's `samples_*.jsonl`.

use super::joining::{graded_now, join_predictions};
use super::score_error::ScoreError;
use super::scoring::Graded;
use crate::job::Watch;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The scores of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// The folder or file, as it was named.
    pub path: PathBuf,
    /// One per task, by the file's names in alphabetical order.
    pub tasks: Vec<TaskGrade>,
    /// What should be known beside the numbers.
    pub warnings: Vec<String>,
}

/// The score of one task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskGrade {
    /// The task, as the file calls it.
    pub task: String,
    /// 0 to 100.
    pub score: f64,
    /// The grade of each record, 0 to 100, in the order of the predictions; empty where unknown.
    pub grades: Vec<f64>,
    /// The records behind the score, in the same order; empty where unknown.
    pub records: Arc<Vec<Graded>>,
}

/// Why results could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// Nothing of this name.
    #[error("cannot read {}: there is no such folder; check the path", path.display())]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// A folder with other things in it.
    #[error("{} holds no result.json: {found}", path.display())]
    NoResults {
        /// The folder.
        path: PathBuf,
        /// What it holds instead, and what to do.
        found: &'static str,
    },
    /// The system refused.
    #[error("cannot read {}: {cause}; check its permissions and the disk", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Larger than any such file is.
    #[error("cannot read {}: it is larger than {limit_mib} MiB; give the file that the scorer wrote", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit_mib: u64,
    },
    /// Not JSON, or not a JSON object.
    #[error("cannot read {} as grades: {reason}; let the scorer write it again", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// JSON, but no grades.
    #[error(
        "cannot read {} as grades: {reason}; give a result.json as LongBench's scorer writes it, with a \
         number from 0 to 100 for each task",
        path.display()
    )]
    NoGrades {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Predictions that cannot be graded.
    #[error(transparent)]
    Predictions(#[from] ScoreError),
}

/// The most that a file of scores, and one of grades per record, may hold. A real one has some hundred
/// bytes, and 20 bytes a record.
const SCORES_MIB: u64 = 1;
const GRADES_MIB: u64 = 64;

/// Reads the results in a folder, or in a file: scores, or predictions that are graded now.
///
/// # Errors
/// See [`ResultsError`]. Grades and predictions that do not fit the scores are left out with a warning.
pub fn read_results(path: &Path, watch: &Watch) -> Result<Results, ResultsError> {
    let (scores, folder) = match path.is_dir() {
        true => (path.join("result.json"), path),
        false => (path.to_owned(), path.parent().unwrap_or(Path::new(""))),
    };
    let is_of_predictions = match path.is_dir() {
        true => !scores.is_file(),
        false => path.extension().is_some_and(|e| e == "jsonl"),
    };
    if is_of_predictions {
        return graded_now(path, watch);
    }
    let mut tasks = read_scores(&scores)?;
    let mut warnings = Vec::new();
    read_grades(&mut tasks, &folder.join("per_sample.json"), &mut warnings)?;
    if path.is_dir() {
        join_predictions(&mut tasks, folder, &mut warnings, watch)?;
    }
    Ok(Results { path: path.to_owned(), tasks, warnings })
}

/// Takes in a grade per record, where there is such a file.
fn read_grades(
    tasks: &mut [TaskGrade],
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<(), ResultsError> {
    if !path.is_file() {
        return Ok(());
    }
    let mut of_task: BTreeMap<String, Value> = read_json(path, GRADES_MIB)?;
    for task in tasks {
        let Some(found) = of_task.remove(&task.task) else { continue };
        match grades_of(&found, task.score) {
            Ok(found) => task.grades = found,
            Err(reason) => warnings.push(format!(
                "{}: the grades of {} are left out: {reason}",
                path.display(),
                task.task
            )),
        }
    }
    Ok(())
}

/// What a folder without results holds.
pub(super) fn instead(folder: &Path) -> &'static str {
    let holds = |wanted: &str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.take(10_000).any(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name == wanted || wanted.starts_with('.') && name.ends_with(wanted)
        })
    };
    if holds("result_e.json") {
        return "it has a result_e.json, whose scores by length are other numbers; score the predictions \
                without `--e` and give the result.json that comes of it";
    }
    match holds(".jsonl") {
        true => {
            "it has .jsonl files; if these are predictions, name each after its data set of LongBench, such \
             as hotpotqa.jsonl"
        }
        false => "give a folder in which LongBench's scorer has left its results",
    }
}

fn read_scores(path: &Path) -> Result<Vec<TaskGrade>, ResultsError> {
    let no_grades = |reason: String| ResultsError::NoGrades { path: path.to_owned(), reason };
    let mut object: Map<String, Value> = read_json(path, SCORES_MIB)?;
    // Our own `score --json` has the tasks one level down.
    if let Some(Value::Object(tasks)) = object.remove("tasks") {
        object = tasks;
    }
    if object.is_empty() {
        return Err(no_grades("there is no task in it".into()));
    }
    let mut tasks = Vec::new();
    for (task, value) in object {
        let score = match &value {
            Value::Object(_) => {
                return Err(no_grades(format!("`{task}` has scores by length")));
            }
            value => value.as_f64().filter(|score| (0.0..=100.0).contains(score)),
        };
        let Some(score) = score else {
            let value: String = value.to_string().chars().take(40).collect();
            return Err(no_grades(format!("`{task}` has {value}")));
        };
        let (grades, records) = (Vec::new(), Arc::default());
        tasks.push(TaskGrade { task, score, grades, records });
    }
    tasks.sort_by(|a, b| a.task.cmp(&b.task));
    Ok(tasks)
}

/// Grades of 0 to 1 as 0 to 100, if the score is their mean as the scorer rounds it.
fn grades_of(value: &Value, score: f64) -> Result<Vec<f64>, String> {
    let list = value.as_array().filter(|list| !list.is_empty()).ok_or("they are no list")?;
    let grade = |value: &Value| value.as_f64().filter(|grade| (0.0..=1.0).contains(grade));
    let grades: Option<Vec<f64>> = list.iter().map(|value| Some(100.0 * grade(value)?)).collect();
    let grades = grades.ok_or("they are not all numbers from 0 to 1")?;
    let mean = grades.iter().sum::<f64>() / grades.len() as f64;
    match (mean - score).abs() < 0.0051 {
        true => Ok(grades),
        false => Err(format!("their mean is {mean:.2} and the score {score}")),
    }
}

fn read_json<T: DeserializeOwned>(path: &Path, limit_mib: u64) -> Result<T, ResultsError> {
    let read = |cause: io::Error| match cause.kind() {
        io::ErrorKind::NotFound => ResultsError::NotFound { path: path.to_owned() },
        _ => ResultsError::Read { path: path.to_owned(), cause },
    };
    let file = File::open(path).map_err(read)?;
    let mut bytes = Vec::new();
    let limit = limit_mib << 20;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(read)?;
    if bytes.len() as u64 > limit {
        return Err(ResultsError::TooLarge { path: path.to_owned(), limit_mib });
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        let nan = bytes.windows(3).any(|word| word == b"NaN");
        let hint = if nan { " (a task without predictions has the score NaN)" } else { "" };
        ResultsError::Broken { path: path.to_owned(), reason: format!("{error}{hint}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A folder with these files, gone with the returned guard.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("bs-results-{name}-{}-{n}", std::process::id());
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&path).unwrap();
            for (name, text) in files {
                std::fs::write(path.join(name), text).unwrap();
            }
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn read(path: &Path) -> Result<Results, ResultsError> {
        read_results(path, &Watch::default())
    }

    fn error(files: &[(&str, &str)]) -> String {
        let folder = Folder::new("error", files);
        read(&folder.0).unwrap_err().to_string()
    }

    #[test]
    fn scores_and_grades_that_belong_together_are_read() {
        let folder = Folder::new(
            "good",
            &[
                ("result.json", r#"{"qasper": 33.33, "2wikimqa": 100, "lcc": 5}"#),
                ("per_sample.json", r#"{"qasper": [0, 0, 1], "lcc": [0.5], "musique": [1]}"#),
            ],
        );
        let results = read(&folder.0).unwrap();
        let tasks: Vec<(&str, f64, usize)> =
            results.tasks.iter().map(|t| (t.task.as_str(), t.score, t.grades.len())).collect();
        assert_eq!(tasks, [("2wikimqa", 100.0, 0), ("lcc", 5.0, 0), ("qasper", 33.33, 3)]);
        assert_eq!(results.warnings.len(), 1);
        assert!(results.warnings[0].contains("their mean is 50.00 and the score 5"));
        let alone = read(&folder.0.join("result.json")).unwrap();
        assert_eq!(alone.tasks, results.tasks);
    }

    #[test]
    fn what_score_prints_is_read_too() {
        let text = r#"{"edition": "longbench", "tasks": {"qasper": 12.5}, "average": 12.5}"#;
        let folder = Folder::new("own", &[("result.json", text)]);
        assert_eq!(read(&folder.0).unwrap().tasks[0].score, 12.5);
    }

    const TWO: &str = "{\"pred\": \"Ada\", \"answers\": [\"Ada\"], \"length\": 10}\n\
                       {\"pred\": \"Ada Stone\", \"answers\": [\"Ada\"], \"_id\": \"b\"}\n";

    #[test]
    fn predictions_are_graded_when_they_are_opened() {
        let folder = Folder::new("predictions", &[("qasper.jsonl", TWO), ("mine.jsonl", "{}")]);
        for path in [folder.0.clone(), folder.0.join("qasper.jsonl")] {
            let results = read(&path).unwrap();
            let [task] = &results.tasks[..] else { panic!("one task") };
            assert_eq!((task.task.as_str(), task.score), ("qasper", 83.33));
            assert_eq!(task.grades, [100.0, 100.0 * (2.0 / 3.0)]);
            let record = &task.records[1];
            assert_eq!((record.line, record.id.as_deref()), (2, Some("b")));
            assert_eq!((record.prediction.as_str(), record.length), ("Ada Stone", None));
        }
        let watch = Watch::default();
        watch.cancel();
        let stopped = read_results(&folder.0, &watch);
        assert!(matches!(stopped, Err(ResultsError::Predictions(ScoreError::Cancelled(_)))));
    }

    #[test]
    fn samples_of_the_harness_are_results() {
        let sample = |grade: f64| {
            let doc = r#"{"answers": ["Ada"], "length": 10}"#;
            format!(r#"{{"doc": {doc}, "filtered_resps": ["Ada"], "qa_f1_score": {grade}}}"#)
        };
        let (old, new) = (sample(0.0), sample(0.25) + "\n" + &sample(1.0));
        let files = [
            ("samples_longbench_qasper_2024-01-01T00-00-00.jsonl", old.as_str()),
            ("samples_longbench_qasper_2024-01-02T00-00-00.jsonl", &new),
        ];
        let results = read(&Folder::new("harness", &files).0).unwrap();
        assert_eq!((results.tasks[0].score, results.tasks[0].records.len()), (62.5, 2));
    }

    #[test]
    fn scores_grades_and_predictions_are_joined_where_they_agree() {
        let read = |score: &str, grades: Option<&str>| {
            let scores = format!(r#"{{"qasper": {score}}}"#);
            let mut files = vec![("result.json", scores.as_str()), ("qasper.jsonl", TWO)];
            files.extend(grades.map(|grades| ("per_sample.json", grades)));
            let results = read(&Folder::new("joined", &files).0).unwrap();
            let grades: Vec<f64> = results.tasks[0].records.iter().map(|r| r.grade).collect();
            (grades, results.tasks[0].grades.len(), results.warnings.join(" "))
        };
        assert_eq!(read("83.33", None), (vec![1.0, 2.0 / 3.0], 2, String::new()));
        let given = read("75", Some(r#"{"qasper": [1, 0.5]}"#));
        assert_eq!(given, (vec![1.0, 0.5], 2, String::new()));
        let (records, n, warning) = read("75", None);
        assert!(records.is_empty() && n == 0 && warning.contains("they give 83.33"), "{warning}");
        let (records, n, warning) = read("50", Some(r#"{"qasper": [1, 0.5, 0]}"#));
        assert!(records.is_empty() && n == 3 && warning.contains("2 of them and 3 grades"));
    }

    #[test]
    fn wrong_folders_are_told_what_they_hold() {
        assert!(error(&[]).contains("LongBench's scorer has left"));
        assert!(error(&[("result_e.json", "{}")]).contains("other numbers"));
        assert!(error(&[("mine.jsonl", "")]).contains("name each after its data set"));
        assert!(error(&[("qasper.jsonl", "")]).contains("the file is empty"));
        let missing = read(Path::new("/none/of/this")).unwrap_err().to_string();
        assert!(missing.contains("no such folder"), "{missing}");
    }

    #[test]
    fn hostile_files_are_refused() {
        let of = |text: &str| error(&[("result.json", text)]);
        for (text, words) in [
            ("", "EOF"),
            ("[1]", "expected a map"),
            ("{}", "no task"),
            (r#"{"qasper": NaN}"#, "without predictions has the score NaN"),
            (r#"{"qasper": 1e999}"#, "out of range"),
            (r#"{"qasper": 101}"#, "`qasper` has 101"),
            (r#"{"qasper": -0.1}"#, "`qasper` has -0.1"),
            (r#"{"qasper": "12"}"#, "`qasper` has \"12\""),
            (r#"{"qasper": {"0-4k": 1}}"#, "scores by length"),
        ] {
            assert!(of(text).contains(words), "{text}: {}", of(text));
        }
        let long = format!(r#"{{"qasper": "{}"}}"#, "x".repeat(2 << 20));
        assert!(of(&long).contains("larger than 1 MiB"));
        assert!(of(&format!("{}1{}", "[".repeat(500), "]".repeat(500))).contains("as grades"));
        let wrong = r#"{"qasper": [2]}"#;
        let folder = Folder::new(
            "grades",
            &[("result.json", r#"{"qasper": 2}"#), ("per_sample.json", wrong)],
        );
        let results = read(&folder.0).unwrap();
        assert!(results.tasks[0].grades.is_empty());
        assert!(results.warnings[0].contains("numbers from 0 to 1"));
    }
}
