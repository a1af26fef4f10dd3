//! The metrics against what LongBench's own scorer gives: `golden/make_metrics.py` says how.

use backstory::metrics::Metric;
use serde_json::Value;
use std::collections::BTreeMap;

fn golden() -> Value {
    let text = include_str!("golden/metrics.json");
    serde_json::from_str(text).expect("tests/golden/metrics.json")
}

/// A text, or `[text, times]`.
fn text(value: &Value) -> String {
    match value.as_array() {
        Some(of) => of[0].as_str().expect("text").repeat(of[1].as_u64().expect("times") as usize),
        None => value.as_str().expect("a text").to_owned(),
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

#[test]
fn hostile_predictions_get_longbenchs_grades() {
    let golden = golden();
    let mut n_of: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in golden["cases"].as_array().expect("cases") {
        let name = case["metric"].as_str().expect("a metric");
        let metric = Metric::ALL.into_iter().find(|metric| metric.name() == name);
        let prediction = text(&case["prediction"]);
        let (answers, classes) = (texts(&case["answers"]), texts(&case["all_classes"]));
        let grade = metric.expect(name).grade(&prediction, &answers, &classes);
        let wanted = case["grade"].as_f64().expect("a grade");
        *n_of.entry(name).or_default() += 1;
        if (grade - wanted).abs() > 1e-9 {
            wrong.push(format!("{grade} instead of {wanted}: {case}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(n_of.len(), Metric::ALL.len());
    assert!(n_of.values().all(|n| *n >= 150), "{n_of:?}");
}
