//! The words of `backstory score`.

use crate::longbench::GROUPS_E;
use crate::report::Table;
use crate::workbench::{ScoreJob, ScoreReport};
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct ScoreArguments {
    /// Prediction files named after their data sets, such as hotpotqa.jsonl, or folders of them
    #[arg(required = true, value_name = "PRED")]
    predictions: Vec<PathBuf>,
    /// By the length of the contexts: below 4,000, to 7,999 and above
    #[arg(long)]
    longbench_e: bool,
    /// Where to write a row per record
    #[arg(long)]
    per_record: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl ScoreArguments {
    pub fn job(self) -> ScoreJob {
        let Self { predictions, longbench_e: edition_e, per_record, json: _ } = self;
        ScoreJob { predictions, edition_e, per_record }
    }
}

/// The scores for people.
pub fn table(report: &ScoreReport) -> Table {
    let score =
        |value: &Value| value.as_f64().map_or("-".to_owned(), |score| format!("{score:.2}"));
    let scores = |value: &Value| match value {
        Value::Object(groups) => GROUPS_E.iter().map(|name| score(&groups[*name])).collect(),
        value => vec![score(value)],
    };
    let heads: &[&str] = if report.average.is_object() { &GROUPS_E } else { &["score"] };
    let columns = [&["task", "metric", "records"], heads].concat();
    let row = |of: &crate::longbench::Scored| {
        let firsts = [of.task.name, of.task.metric.name(), &of.records.len().to_string()];
        let firsts = firsts.map(str::to_owned).into_iter();
        firsts.chain(scores(&report.tasks[of.task.name])).collect()
    };
    let mean = ["average", "", ""].map(str::to_owned).into_iter();
    let mean: Vec<String> = mean.chain(scores(&report.average)).collect();
    Table {
        title: format!("Scores, edition {}", report.edition),
        columns: columns.into_iter().map(str::to_owned).collect(),
        rows: report.scored.iter().map(row).chain([mean]).collect(),
        notes: Vec::new(),
    }
}
