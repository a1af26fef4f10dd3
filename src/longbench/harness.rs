//! Samples as lm-evaluation-harness logs them (`--log_samples`): `samples_TASK_DATE.jsonl` with
//! `doc`, `target`, `resps`, `filtered_resps` and the metrics of the task.

use super::predictions::{Prediction, id, kind, length, texts};
use crate::prompt::Task;
use serde_json::{Map, Value};

/// The task in `samples_longbench_hotpotqa_2024-11-07T12-30-10.1` and the rest of its name, by which runs
/// stand in order.
pub(super) fn task_of(stem: &str) -> Option<(&'static Task, &str)> {
    let (name, date) = stem.strip_prefix("samples_")?.rsplit_once('_')?;
    Some((Task::find(name)?, date))
}

/// A logged sample; the line number is not known here.
pub(super) fn prediction(
    fields: &mut Map<String, Value>,
    task: &Task,
) -> Result<Prediction, String> {
    let Some(Value::Object(mut doc)) = fields.remove("doc") else {
        return Err("`doc` must be an object with the test record; log the samples again".into());
    };
    let grade = grade(fields, task)?;
    let text = response(fields, "filtered_resps")
        .or_else(|| response(fields, "resps"))
        .ok_or("neither `filtered_resps` nor `resps` holds a text; log the samples again")?;
    let answers = match texts(&mut doc, "answers")? {
        Some(answers) => answers,
        None => target(fields)?,
    };
    Ok(Prediction {
        line: 0,
        id: id(&doc, &["_id", "id"]).or_else(|| id(fields, &["doc_id"])),
        text,
        answers,
        all_classes: texts(&mut doc, "all_classes")?,
        length: length(&doc)?,
        grade,
    })
}

/// The first text in lists of lists.
fn response(fields: &Map<String, Value>, name: &str) -> Option<String> {
    let mut value = fields.get(name)?;
    while let Value::Array(list) = value {
        value = list.first()?;
    }
    value.as_str().map(str::to_owned)
}

fn target(fields: &mut Map<String, Value>) -> Result<Vec<String>, String> {
    match fields.remove("target") {
        Some(Value::String(target)) => Ok(vec![target]),
        Some(list @ Value::Array(_)) => {
            let mut alone = Map::from_iter([("target".to_owned(), list)]);
            texts(&mut alone, "target").map(Option::unwrap_or_default)
        }
        Some(other) => {
            Err(format!("`target` must be a text or a list of texts, not {}", kind(&other)))
        }
        None => Err("`doc.answers` and `target` are missing; log the samples again".into()),
    }
}

/// The sample's own grade: the task's metric by its name, or `score`.
fn grade(fields: &Map<String, Value>, task: &Task) -> Result<Option<f64>, String> {
    let own = format!("{}_score", task.metric.name());
    let Some((name, value)) =
        [own.as_str(), "score"].into_iter().find_map(|name| Some((name, fields.get(name)?)))
    else {
        return Ok(None);
    };
    match value.as_f64().filter(|grade| (0.0..=1.0).contains(grade)) {
        Some(grade) => Ok(Some(grade)),
        None => Err(format!("`{name}` must be a number from 0 to 1, not {}", kind(value))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Prediction, String> {
        let Value::Object(mut fields) = value else { panic!("an object") };
        prediction(&mut fields, Task::find("hotpotqa").unwrap())
    }

    #[test]
    fn tasks_are_found_in_file_names() {
        let (task, date) = task_of("samples_longbench_2wikimqa_2024-11-07T12-30-10.12").unwrap();
        assert_eq!((task.name, date), ("2wikimqa", "2024-11-07T12-30-10.12"));
        let (task, _) = task_of("samples_longbench_passage_retrieval_en_e_2024").unwrap();
        assert_eq!(task.name, "passage_retrieval_en");
        assert!(task_of("samples_gsm8k_2024").is_none() && task_of("hotpotqa").is_none());
    }

    #[test]
    fn samples_have_prediction_reference_and_grade() {
        let doc = json!({"_id": "a1", "answers": ["Ada"], "length": 4100, "context": "c"});
        let sample = json!({
            "doc_id": 3, "doc": doc, "target": "['Ada']", "resps": [["Ada, then."]],
            "filtered_resps": ["Ada"], "qa_f1_score": 0.5, "metrics": ["qa_f1_score"],
        });
        let found = read(sample.clone()).unwrap();
        assert_eq!((found.id.as_deref(), found.text.as_str()), (Some("a1"), "Ada"));
        assert_eq!((found.answers, found.length), (vec!["Ada".to_owned()], Some(4100)));
        assert_eq!(found.grade, Some(0.5));
        let bare = json!({"doc_id": 3, "doc": {}, "target": "Ada", "resps": [["Ada, then."]]});
        let found = read(bare).unwrap();
        assert_eq!((found.id.as_deref(), found.text.as_str()), (Some("3"), "Ada, then."));
        assert_eq!((found.answers, found.grade), (vec!["Ada".to_owned()], None));
        for (field, value, words) in [
            ("doc", json!(1), "`doc` must be"),
            ("qa_f1_score", json!("high"), "`qa_f1_score` must be"),
            ("filtered_resps", json!([[]]), ""),
        ] {
            let mut broken = sample.clone();
            broken[field] = value;
            match read(broken) {
                Err(reason) => assert!(!words.is_empty() && reason.contains(words), "{reason}"),
                Ok(found) => assert_eq!((words, found.text.as_str()), ("", "Ada, then.")),
            }
        }
        let mut none = sample;
        (none["filtered_resps"], none["resps"]) = (json!([]), json!(7));
        assert!(read(none).unwrap_err().contains("neither `filtered_resps` nor"));
    }
}
