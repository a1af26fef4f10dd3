//! The controlled pilot study, as far as its results: a row per answered test.
//!
//! Drawing them belongs in `report`; reading the file belongs in `workbench`.

use serde::{Deserialize, Serialize};

/// One graded answer to a needle test: a line of the results file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NeedleRow {
    /// The needle task, such as `single`, `multi_key`, `multi_query` or `multi_value`.
    pub task: String,
    /// What the model was tuned on, or its name.
    #[serde(alias = "model")]
    pub composition: String,
    /// Tokens of the test's context; 0 for the needle alone.
    pub test_length: u64,
    /// Where the needle stands in it, 0 at the begin to 1 at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<f64>,
    /// 0 to 1; the accuracy is its mean.
    #[serde(alias = "accuracy")]
    pub grade: f64,
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
        if let Some(depth) = self.depth.filter(|depth| !is_share(*depth)) {
            return Err(format!("the depth {depth} is not between 0 and 1"));
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
    fn impossible_rows_are_refused() {
        for (text, word) in [
            (r#"{"task":"s","composition":"c","test_length":1,"grade":1.5}"#, "grade 1.5"),
            (r#"{"task":"s","composition":"c","test_length":1,"grade":1,"depth":-1}"#, "depth -1"),
            (r#"{"task":" ","composition":"c","test_length":1,"grade":1}"#, "empty"),
            (r#"{"task":"s","composition":"c","test_length":-1,"grade":1}"#, "expected u64"),
            (r#"{"task":"s","composition":"c","grade":1}"#, "test_length"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
