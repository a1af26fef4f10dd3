//! From a record of a needle test to the question to the model, and from its reply to a graded row.

use super::NeedleTask;
use super::row::{Answered, Found, NeedleRow, grade};
use crate::data::Record;
use crate::drive::Ask;
use crate::model::{Message, Sampling};
use crate::prompt::TaskPrompt;
use crate::seed::Stream;
use serde_json::{Map, Value};

/// Tokens that a reply may have: RULER's limit for its needle tasks, enough for four values with their
/// keys.
pub const MOST_ANSWER_TOKENS: usize = 128;

/// A test that can be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct NeedleTest<'a> {
    record: &'a Record,
    context: &'a str,
    task: NeedleTask,
    test_length: u64,
    /// The values that are asked for, in the order in which the reply should give them, and the depth of
    /// each one's needle.
    values: Vec<(String, Option<f64>)>,
}

impl<'a> NeedleTest<'a> {
    /// The test that a record holds.
    ///
    /// # Errors
    /// Which field is missing or wrong, in words for people.
    pub fn of(record: &'a Record) -> Result<Self, String> {
        let task = NeedleTask::of_record(&record.task).ok_or_else(|| {
            format!("the task `{}` is no needle task such as needle_single", record.task)
        })?;
        let context = record.context.as_deref().ok_or("`context` is missing")?;
        if record.instruction.trim().is_empty() {
            return Err("`instruction` is empty".into());
        }
        let extra = &record.extra;
        let length = extra.get("test_length").or_else(|| extra.get("length"));
        let test_length =
            length.and_then(Value::as_u64).ok_or("`test_length` is no number of tokens")?;
        let depths = depths(extra)?;
        let values = values(extra)?.into_iter().map(|value| {
            let depth = depths.iter().find(|(of, _)| *of == value).and_then(|(_, depth)| *depth);
            (value, depth)
        });
        Ok(Self { record, context, task, test_length, values: values.collect() })
    }

    /// The question to the model: always its likeliest token. The wording is one that could be filled
    /// before, so that it can be filled again.
    pub fn ask(&self, prompt: &TaskPrompt) -> Ask {
        let filled = prompt.fill(self.context, &self.record.instruction);
        Ask {
            messages: vec![Message::new("user", filled.map(|f| f.text).unwrap_or_default())],
            plain: false,
            begun: String::new(),
            stop: Vec::new(),
            banned: Vec::new(),
            sampling: Sampling {
                temperature: 0.0,
                repetition_penalty: 1.0,
                max_new_tokens: MOST_ANSWER_TOKENS,
                ..Sampling::default()
            },
            // Nothing is drawn at temperature 0.
            stream: Stream::new(0, "", "greedy"),
        }
    }

    /// The graded row for a reply; `None` for a prompt that the model cannot read, which is wrong.
    pub fn answered(&self, composition: &str, reply: Option<&str>, n_tokens: u64) -> Answered {
        let values: Vec<String> = self.values.iter().map(|(value, _)| value.clone()).collect();
        let prediction = reply.unwrap_or_default();
        let graded = grade(prediction, &values);
        let (depth, found) = match &self.values[..] {
            [(_, depth)] => (*depth, Vec::new()),
            several => {
                let each = several.iter().zip(&graded.found);
                let found = each.filter_map(|((_, depth), found)| {
                    Some(Found { depth: (*depth)?, grade: f64::from(u8::from(*found)) })
                });
                (None, found.collect())
            }
        };
        Answered {
            row: NeedleRow {
                task: self.task.name().to_owned(),
                composition: composition.to_owned(),
                test_length: self.test_length,
                depth,
                grade: graded.share,
                found,
            },
            id: self.record.id.to_string(),
            question: self.record.instruction.clone(),
            values,
            prediction: prediction.to_owned(),
            exact: graded.exact,
            n_tokens,
            too_long: reply.is_none(),
        }
    }
}

fn values(extra: &Map<String, Value>) -> Result<Vec<String>, String> {
    let listed = extra.get("values").and_then(Value::as_array).ok_or("`values` is no list")?;
    let text =
        |value: &Value| value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let values: Option<Vec<String>> = listed.iter().map(text).collect();
    match values {
        Some(values) if !values.is_empty() => Ok(values),
        _ => Err("`values` must hold texts, and one at least".into()),
    }
}

/// Values and the depths of their needles; none where the record does not tell.
fn depths(extra: &Map<String, Value>) -> Result<Vec<(String, Option<f64>)>, String> {
    let Some(needles) = extra.get("needles") else { return Ok(Vec::new()) };
    let needles = needles.as_array().ok_or("`needles` is no list")?;
    let needle = |needle: &Value| {
        let value = needle.get("value").and_then(Value::as_str)?.to_owned();
        match needle.get("depth") {
            None | Some(Value::Null) => Some((value, None)),
            Some(depth) => {
                let depth = depth.as_f64().filter(|depth| (0.0..=1.0).contains(depth))?;
                Some((value, Some(depth)))
            }
        }
    };
    let all: Option<Vec<_>> = needles.iter().map(needle).collect();
    all.ok_or_else(|| "`needles` must hold objects with a value and a depth from 0 to 1".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{RecordId, Source, StrategyId};
    use serde_json::json;

    fn record(task: &str, extra: Value) -> Record {
        Record {
            id: RecordId::unset(),
            seed_id: RecordId::unset(),
            source: Source { path: "t.jsonl".into(), line: 1 },
            task: task.into(),
            strategy: StrategyId::test(),
            instruction: "Which?".into(),
            answers: vec!["7, 8".into()],
            context: Some("7 and 8.".into()),
            extra: extra.as_object().cloned().unwrap_or_default(),
        }
    }

    #[test]
    fn a_reply_becomes_a_row_with_each_needle_at_its_depth() {
        let needles = json!([{"value": "8", "depth": 0.25}, {"value": "7", "depth": 1.0}]);
        let extra = json!({"test_length": 512, "values": ["7", "8"], "needles": needles});
        let record = record("needle_multi_query", extra);
        let test = NeedleTest::of(&record).unwrap();
        let ask = test.ask(&TaskPrompt::needle().unwrap());
        assert!(ask.messages[0].content.contains("7 and 8.") && ask.sampling.temperature == 0.0);
        let row = test.answered("m", Some("It is 8."), 500);
        assert_eq!((row.row.grade, row.row.depth, row.exact), (0.5, None, false));
        let found: Vec<(f64, f64)> = row.row.found.iter().map(|f| (f.depth, f.grade)).collect();
        assert_eq!(found, [(1.0, 0.0), (0.25, 1.0)]);
        assert!(test.answered("m", Some("7, 8."), 500).exact);
        let unread = test.answered("m", None, 9000);
        assert!(unread.too_long && unread.row.grade == 0.0 && unread.n_tokens == 9000);
    }

    #[test]
    fn one_value_has_the_depth_of_its_needle() {
        let needles =
            json!([{"value": "8", "depth": 0.0, "asked": false}, {"value": "7", "depth": 0.5}]);
        let extra = json!({"length": 512, "values": ["7"], "needles": needles});
        let record = record("needle_multi_key", extra);
        let row = NeedleTest::of(&record).unwrap().answered("m", Some("7"), 1).row;
        assert_eq!((row.depth, row.task.as_str(), row.grade), (Some(0.5), "multi_key", 1.0));
        assert!(row.check().is_ok());
    }

    #[test]
    fn what_is_no_test_says_which_field_is_wrong() {
        let good = json!({"test_length": 1, "values": ["7"]});
        let cases: Vec<(&str, Value, &str)> = vec![
            ("hotpotqa", good.clone(), "hotpotqa"),
            ("single", good, "`single` is no needle task"),
            ("needle_single", json!({"values": ["7"]}), "test_length"),
            ("needle_single", json!({"test_length": -1, "values": ["7"]}), "test_length"),
            ("needle_single", json!({"test_length": 1}), "`values`"),
            ("needle_single", json!({"test_length": 1, "values": []}), "`values`"),
            ("needle_single", json!({"test_length": 1, "values": ["7", 8]}), "`values`"),
            ("needle_single", json!({"test_length": 1, "values": [" "]}), "`values`"),
            (
                "needle_single",
                json!({"test_length": 1, "values": ["7"], "needles": 3}),
                "`needles`",
            ),
            (
                "needle_single",
                json!({"test_length": 1, "values": ["7"], "needles": [{"value": "7", "depth": 2}]}),
                "`needles`",
            ),
        ];
        for (task, extra, word) in cases {
            let record = record(task, extra.clone());
            let error = NeedleTest::of(&record).unwrap_err();
            assert!(error.contains(word), "{task} {extra}: {error}");
        }
        let mut bare = record("needle_single", json!({"test_length": 1, "values": ["7"]}));
        bare.context = None;
        assert!(NeedleTest::of(&bare).unwrap_err().contains("`context`"));
        bare.context = Some(String::new());
        bare.instruction.clear();
        assert!(NeedleTest::of(&bare).unwrap_err().contains("`instruction`"));
    }
}
