//! A dataset's card: what is in it, who made it, and what it says of its sources.

use crate::data::{DataError, Dataset, Record, RecordId};
use crate::stats;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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

/// What a record says of how it was made: words of the card, and where it stands in `provenance`.
const MADE: [(&str, &[&str]); 11] = [
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

/// The card of a dataset.
///
/// # Errors
/// A record cannot be read.
pub fn card(dataset: &Dataset) -> Result<Card, DataError> {
    let facts = vec![
        ("file".to_owned(), dataset.path.display().to_string()),
        ("bytes".to_owned(), dataset.bytes.to_string()),
        ("lines that could not be used".to_owned(), dataset.skipped.len().to_string()),
    ];
    let mut of = CardOf::default();
    for record in dataset.records.iter() {
        of.add(&*record?);
    }
    let file_name = dataset.path.file_name().unwrap_or_default().to_string_lossy();
    Ok(of.finish(&file_name, facts))
}

/// The card of records that come one after the other.
#[derive(Default)]
pub(super) struct CardOf {
    n_records: usize,
    seeds: BTreeSet<RecordId>,
    made: BTreeMap<usize, Values>,
    sources: BTreeMap<usize, Values>,
    groups: BTreeMap<(String, String), Group>,
}

impl CardOf {
    pub fn add(&mut self, record: &Record) {
        self.n_records += 1;
        self.seeds.insert(record.seed_id.clone());
        if let Some(provenance) = record.extra.get("provenance") {
            for (ix, (_, path)) in MADE.iter().enumerate() {
                let value = path.iter().try_fold(provenance, |value, key| value.get(*key));
                value.into_iter().for_each(|value| self.made.entry(ix).or_default().add(value));
            }
        }
        for (ix, name) in SOURCES.iter().enumerate() {
            let value = record.extra.get(*name);
            value.into_iter().for_each(|value| self.sources.entry(ix).or_default().add(value));
        }
        let key = (record.task.clone(), record.strategy.as_str().to_owned());
        self.groups.entry(key).or_default().add(record);
    }

    /// The card; `facts` come first.
    pub fn finish(self, title: &str, mut facts: Vec<(String, String)>) -> Card {
        facts.push(("records".to_owned(), self.n_records.to_string()));
        facts.push(("seeds".to_owned(), self.seeds.len().to_string()));
        let says_licence = (0..2).any(|ix| self.sources.contains_key(&ix));
        let made = self.made.iter().filter_map(|(ix, values)| Some((MADE.get(*ix)?.0, values)));
        let sources =
            self.sources.iter().filter_map(|(ix, values)| Some((*SOURCES.get(*ix)?, values)));
        let known = made.chain(sources);
        facts.extend(known.map(|(name, values)| (name.to_owned(), values.listed())));
        if !says_licence {
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
        Card {
            title: title.to_owned(),
            facts,
            columns: columns.map(str::to_owned).to_vec(),
            groups: self.groups.into_iter().map(|(key, group)| group.cells(key)).collect(),
        }
    }
}

/// The values of one fact, and how often each is there.
#[derive(Default)]
struct Values(BTreeMap<String, usize>);

impl Values {
    fn add(&mut self, value: &Value) {
        *self.0.entry(plain(value)).or_insert(0) += 1;
    }

    /// "A (12), B (3)": the most frequent first.
    fn listed(&self) -> String {
        let n_values = self.0.len();
        let mut counts: Vec<(&String, &usize)> = self.0.iter().collect();
        counts.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let shown = counts.iter().take(MOST_VALUES).map(|(value, n)| format!("{value} ({n})"));
        let mut text = shown.collect::<Vec<String>>().join(", ");
        if n_values > MOST_VALUES {
            text.push_str(&format!(" and {} more", n_values - MOST_VALUES));
        }
        text
    }
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

/// The records of a task and strategy: how many, and the words of the contexts and answers there are.
#[derive(Default)]
struct Group {
    n: usize,
    contexts: Vec<f64>,
    answers: Vec<f64>,
}

impl Group {
    fn add(&mut self, record: &Record) {
        self.n += 1;
        let words = |text: &str| text.split_whitespace().count() as f64;
        let context = record.context.as_deref().filter(|text| !text.is_empty());
        self.contexts.extend(context.map(words));
        self.answers.extend(Some(record.answer()).filter(|text| !text.is_empty()).map(words));
    }

    fn cells(self, (task, strategy): (String, String)) -> Vec<String> {
        vec![
            format!("{task}: {strategy}"),
            self.n.to_string(),
            (self.n - self.contexts.len()).to_string(),
            (self.n - self.answers.len()).to_string(),
            spread(&self.contexts),
            spread(&self.answers),
        ]
    }
}

/// "504 [210, 1031]" words.
fn spread(words: &[f64]) -> String {
    let sorted = stats::finite_sorted(words);
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
    use crate::job::Watch;

    fn of(text: &str) -> Card {
        // A file of its own, as other tests write theirs at the same time.
        let file = tempfile::Builder::new().suffix(".jsonl").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let options = ReadOptions::default();
        let dataset = read_dataset(file.path(), &options, &Watch::default()).unwrap();
        card(&dataset).unwrap()
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
