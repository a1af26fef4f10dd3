//! A dataset's card: what is in it, who made it, and what it says of its sources.

use crate::data::{Dataset, Record};
use crate::stats;
use serde_json::Value;
use std::collections::BTreeMap;

/// What should be known of a dataset before it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The file's name.
    pub title: String,
    /// Name and value of each fact.
    pub facts: Vec<(String, String)>,
    /// Heads of the columns of `groups`.
    pub columns: Vec<String>,
    /// One per task and strategy.
    pub groups: Vec<Vec<String>>,
}

/// Values of a fact that are listed; what a dataset has more is counted.
const MOST_VALUES: usize = 6;

/// Columns that say where the data is from and what may be done with it.
const SOURCES: [&str; 8] =
    ["license", "licence", "source", "source_url", "url", "citation", "language", "dataset"];

/// The card of a dataset.
pub fn card(dataset: &Dataset) -> Card {
    let records = &dataset.records;
    let mut facts = vec![
        ("file".to_owned(), dataset.path.display().to_string()),
        ("bytes".to_owned(), dataset.bytes.to_string()),
        ("records".to_owned(), records.len().to_string()),
        ("lines that could not be used".to_owned(), dataset.skipped.len().to_string()),
    ];
    let of = |name: &str| listed(records.iter().filter_map(|record| record.extra.get(name)));
    let made = |path: &[&str]| {
        listed(records.iter().filter_map(|record| {
            path.iter().try_fold(record.extra.get("provenance")?, |value, key| value.get(*key))
        }))
    };
    let known: [(&str, &[&str]); 11] = [
        ("written by", &["model"]),
        ("SHA-256 of the model", &["model_sha256"]),
        ("on", &["device"]),
        ("prompt", &["prompt"]),
        ("SHA-256 of the prompt", &["prompt_sha256"]),
        ("words asked for", &["words"]),
        ("sampling", &["sampling"]),
        ("seed", &["seed"]),
        ("attempts", &["attempts"]),
        ("replies that ended by", &["finish"]),
        ("version of Backstory", &["version"]),
    ];
    let known = known.iter().filter_map(|(name, path)| Some(((*name).to_owned(), made(path)?)));
    facts.extend(known);
    let sources = SOURCES.iter().filter_map(|name| Some(((*name).to_owned(), of(name)?)));
    facts.extend(sources);
    if !SOURCES[..2].iter().any(|name| of(name).is_some()) {
        facts.push(("licence".to_owned(), "the file says none".to_owned()));
    }
    let columns = [
        "task: strategy",
        "records",
        "without context",
        "without answer",
        "context words: median [5%, 95%]",
        "answer words: median [5%, 95%]",
    ];
    let file_name = dataset.path.file_name().unwrap_or_default().to_string_lossy();
    Card {
        title: file_name.into_owned(),
        facts,
        columns: columns.map(str::to_owned).to_vec(),
        groups: groups(records),
    }
}

/// "A (12), B (3)": the values by how often they are there, the most frequent first.
fn listed<'a>(values: impl Iterator<Item = &'a Value>) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(plain(value)).or_insert(0) += 1;
    }
    let n_values = counts.len();
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let shown = counts.iter().take(MOST_VALUES).map(|(value, n)| format!("{value} ({n})"));
    let mut text = shown.collect::<Vec<String>>().join(", ");
    if n_values > MOST_VALUES {
        text.push_str(&format!(" and {} more", n_values - MOST_VALUES));
    }
    (n_values > 0).then_some(text)
}

/// A value in a line of text that is no longer than people read.
fn plain(value: &Value) -> String {
    const LONGEST: usize = 120;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Object(object) => {
            let pairs = object.iter().map(|(key, value)| format!("{key} {}", plain(value)));
            pairs.collect::<Vec<String>>().join(", ")
        }
        // 0.8 was kept as the nearest number of 32 bits.
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map_or_else(|| number.to_string(), |n| (n as f32).to_string())
        }
        other => other.to_string(),
    };
    let words = text.split_whitespace().collect::<Vec<&str>>().join(" ");
    match words.chars().count() > LONGEST {
        true => words.chars().take(LONGEST).chain(['\u{2026}']).collect(),
        false => words,
    }
}

fn groups(records: &[Record]) -> Vec<Vec<String>> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Record>> = BTreeMap::new();
    for record in records {
        groups.entry((&record.task, record.strategy.as_str())).or_default().push(record);
    }
    let cells = |((task, strategy), records): ((&str, &str), Vec<&Record>)| {
        let context = |record: &&Record| record.context.clone().filter(|text| !text.is_empty());
        let contexts: Vec<String> = records.iter().filter_map(context).collect();
        let answers = records.iter().map(|record| record.answer()).filter(|text| !text.is_empty());
        let answers: Vec<&str> = answers.collect();
        vec![
            format!("{task}: {strategy}"),
            records.len().to_string(),
            (records.len() - contexts.len()).to_string(),
            (records.len() - answers.len()).to_string(),
            spread(contexts.iter().map(String::as_str)),
            spread(answers.into_iter()),
        ]
    };
    groups.into_iter().map(cells).collect()
}

/// "504 [210, 1031]" words.
fn spread<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<f64> = texts.map(|text| text.split_whitespace().count() as f64).collect();
    let sorted = stats::finite_sorted(&words);
    let at = |share| stats::quantile(&sorted, share);
    match (at(0.5), at(0.05), at(0.95)) {
        (Some(median), Some(lo), Some(hi)) => format!("{median:.0} [{lo:.0}, {hi:.0}]"),
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ReadOptions, read_dataset};

    fn of(text: &str) -> Card {
        let path = std::env::temp_dir().join(format!("bs-card-{}.jsonl", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let dataset = read_dataset(&path, &ReadOptions::default()).unwrap();
        std::fs::remove_file(path).unwrap();
        card(&dataset)
    }

    #[test]
    fn makers_sources_and_gaps_are_told() {
        let line = |context: &str, model: &str| {
            format!(
                r#"{{"task":"qasper","strategy":"context_synthesis","instruction":"Why?","answers":["so it is"],"context":"{context}","license":"CC0","provenance":{{"model":"{model}","sampling":{{"temperature":0.800000011920929,"top_k":0}}}}}}"#
            )
        };
        let bare = r#"{"task":"qasper","strategy":"human","instruction":"Why?","answers":["b"]}"#;
        let text =
            [line("a b c", "small"), line("a", "small"), line("a b", "large"), bare.to_owned()];
        let card = of(&text.join("\n"));
        let fact = |name: &str| card.facts.iter().find(|fact| fact.0 == name).unwrap().1.clone();
        assert_eq!(fact("written by"), "small (2), large (1)");
        assert_eq!(fact("sampling"), "temperature 0.8, top_k 0 (3)");
        assert_eq!((fact("license"), fact("records")), ("CC0 (3)".into(), "4".into()));
        assert!(!card.facts.iter().any(|fact| fact.0 == "licence"));
        let group = ["qasper: context_synthesis", "3", "0", "0", "2 [1, 3]", "3 [3, 3]"];
        assert_eq!(card.groups[0], group);
        assert_eq!(card.groups[1][..5], ["qasper: human", "1", "1", "0", "-"]);
    }

    #[test]
    fn a_file_that_says_no_licence_is_told_so_and_many_values_are_counted() {
        let lines: Vec<String> = (0..9)
            .map(|i| format!(r#"{{"instruction":"q{i}","answer":"a","source":"page {i}"}}"#))
            .collect();
        let card = of(&lines.join("\n"));
        let fact = |name: &str| card.facts.iter().find(|fact| fact.0 == name).unwrap().1.clone();
        assert_eq!(fact("licence"), "the file says none");
        assert!(fact("source").ends_with("page 5 (1) and 3 more"), "{}", fact("source"));
    }
}
