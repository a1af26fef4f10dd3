//! A graded answer to a needle test, as a line of a results file, and how it is graded.

use crate::metrics::{exact_match, string_match_all};
use serde::{Deserialize, Serialize};

/// One graded answer to a needle test: a line of the results file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NeedleRow {
    /// The needle task, such as `single`, `multi_key`, `multi_query` or `multi_value`.
    pub task: String,
    /// What the model was tuned on, or its name.
    #[serde(alias = "model")]
    pub composition: String,
    /// Tokens that the test's prompt was made for; 0 for the needle alone.
    pub test_length: u64,
    /// Where the needle stands in its context, 0 at the begin to 1 at the end; none where several are
    /// asked for, see `found`, and for the needle alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<f64>,
    /// 0 to 1; the accuracy is its mean.
    #[serde(alias = "accuracy")]
    pub grade: f64,
    /// What became of each needle that was asked for, where there are several at different depths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Found>,
}

/// Whether one needle was found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Where it stands, 0 at the begin to 1 at the end.
    pub depth: f64,
    /// 1 if its value is in the reply, else 0.
    pub grade: f64,
}

/// A row with what it was graded by, as `needle run` writes it; rows of other programs have only
/// some of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Task, lengths, grade.
    #[serde(flatten)]
    pub row: NeedleRow,
    /// The record's id.
    #[serde(default)]
    pub id: String,
    /// What was asked.
    #[serde(default)]
    pub question: String,
    /// What the reply should hold.
    #[serde(default)]
    pub values: Vec<String>,
    /// The reply.
    #[serde(default)]
    pub prediction: String,
    /// Whether the reply is the answer and nothing else.
    #[serde(default)]
    pub exact: bool,
    /// Tokens of the prompt.
    #[serde(default)]
    pub n_tokens: u64,
    /// The prompt does not fit the model's window: nothing was asked, and the grade is 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub too_long: bool,
}

/// How good a reply is.
#[derive(Debug, Clone, PartialEq)]
pub struct Grade {
    /// The share of the values that stand in the reply, as RULER's `string_match_all` has it.
    pub share: f64,
    /// Whether each value stands there.
    pub found: Vec<bool>,
    /// Whether the reply is the values in their order and nothing else; punctuation does not count.
    pub exact: bool,
}

/// Grades a reply by the values that it should hold, in the order of the question.
pub fn grade(reply: &str, values: &[String]) -> Grade {
    let holds = |value: &String| string_match_all(reply, std::slice::from_ref(value)) > 0.0;
    Grade {
        share: string_match_all(reply, values),
        found: values.iter().map(holds).collect(),
        exact: !values.is_empty() && exact_match(reply, &[values.join(", ")]) > 0.0,
    }
}

impl NeedleRow {
    /// What is wrong with the row.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn check(&self) -> Result<(), String> {
        let is_share = |value: f64| (0.0..=1.0).contains(&value);
        if !is_share(self.grade) {
            return Err(format!("the grade {} is not between 0 and 1", self.grade));
        }
        let depths = self.depth.into_iter().chain(self.found.iter().map(|found| found.depth));
        if let Some(depth) = depths.into_iter().find(|depth| !is_share(*depth)) {
            return Err(format!("the depth {depth} is not between 0 and 1"));
        }
        if let Some(found) = self.found.iter().find(|found| !is_share(found.grade)) {
            return Err(format!("the grade {} of a needle is not between 0 and 1", found.grade));
        }
        match self.task.trim().is_empty() || self.composition.trim().is_empty() {
            true => Err("task or composition is empty".to_owned()),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<NeedleRow, String> {
        let row: NeedleRow = serde_json::from_str(text).map_err(|error| error.to_string())?;
        row.check().map(|()| row)
    }

    #[test]
    fn rows_are_read_under_either_name() {
        let row =
            read(r#"{"task":"single","model":"SFT3","test_length":1024,"accuracy":0.5,"x":1}"#);
        let row = row.unwrap();
        assert_eq!((row.composition.as_str(), row.grade, row.depth), ("SFT3", 0.5, None));
        assert_eq!(
            serde_json::from_str::<NeedleRow>(&serde_json::to_string(&row).unwrap()).unwrap(),
            row
        );
    }

    #[test]
    fn replies_are_graded_by_the_values_in_them() {
        let values = ["1234567".to_owned(), "7654321".to_owned()];
        for (reply, share, exact) in [
            ("1234567, 7654321", 1.0, true),
            (" 1234567, 7654321.\n", 1.0, true),
            ("They are 7654321 and 1234567", 1.0, false),
            ("1234567, 1234567", 0.5, false),
            ("", 0.0, false),
        ] {
            let grade = grade(reply, &values);
            assert_eq!((grade.share, grade.exact), (share, exact), "{reply}");
        }
        assert_eq!(grade("a B", &["b".to_owned()]).found, [true]);
        assert_eq!(grade("any", &[]).share, 0.0);
    }

    #[test]
    fn an_answered_row_is_read_back_and_a_bare_one_too() {
        let bare = r#"{"task":"single","model":"m","test_length":0,"grade":1}"#;
        let mut answered: Answered = serde_json::from_str(bare).unwrap();
        assert!(answered.prediction.is_empty() && !answered.too_long);
        answered.row.found = vec![Found { depth: 0.5, grade: 1.0 }];
        answered.prediction = "7".into();
        let text = serde_json::to_string(&answered).unwrap();
        assert_eq!(serde_json::from_str::<Answered>(&text).unwrap(), answered);
        assert!(!text.contains("too_long"), "{text}");
    }

    #[test]
    fn impossible_rows_are_refused() {
        for (text, word) in [
            (r#"{"task":"s","composition":"c","test_length":1,"grade":1.5}"#, "grade 1.5"),
            (r#"{"task":"s","composition":"c","test_length":1,"grade":1,"depth":-1}"#, "depth -1"),
            (
                r#"{"task":"s","composition":"c","test_length":1,"grade":1,"found":[{"depth":2,"grade":1}]}"#,
                "depth 2",
            ),
            (r#"{"task":" ","composition":"c","test_length":1,"grade":1}"#, "empty"),
            (r#"{"task":"s","composition":"c","test_length":-1,"grade":1}"#, "expected u64"),
            (r#"{"task":"s","composition":"c","grade":1}"#, "test_length"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
