//! Contexts of other records, to compare the own context with.

use super::Settings;
use crate::data::Record;
use crate::job::Watch;
use crate::seed::Stream;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the other contexts are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Negatives {
    /// By chance.
    #[default]
    Random,
    /// The most similar ones by TF-IDF: the harder test.
    Nearest,
}

/// For each record the places of K other records whose context text differs.
pub fn choose(records: &[&Record], settings: Settings, watch: &Watch) -> Vec<Vec<usize>> {
    let vectors = match settings.negatives {
        Negatives::Random => Vec::new(),
        Negatives::Nearest => tf_idf(records),
    };
    let mut fewest = settings.n_shuffles;
    let chosen = records
        .iter()
        .enumerate()
        .map(|(ix, record)| {
            let mut others: Vec<usize> =
                (0..records.len()).filter(|o| records[*o].context != record.context).collect();
            match settings.negatives {
                Negatives::Random => {
                    Stream::new(settings.seed, record.id.as_str(), "negatives")
                        .shuffle(&mut others);
                }
                Negatives::Nearest => {
                    let near = |other: &usize| similarity(&vectors[ix], &vectors[*other]);
                    others.sort_by(|a, b| near(b).total_cmp(&near(a)).then(a.cmp(b)));
                }
            }
            others.truncate(settings.n_shuffles);
            fewest = fewest.min(others.len());
            others
        })
        .collect();
    if fewest < settings.n_shuffles
        && let Some(record) = records.first()
    {
        watch.warn(format!(
            "task `{}`: only {fewest} other contexts for {} shuffles",
            record.task, settings.n_shuffles
        ));
    }
    chosen
}

/// Unit vectors of term weights: (1 + ln tf) ln(n / df).
fn tf_idf(records: &[&Record]) -> Vec<BTreeMap<String, f64>> {
    let counts: Vec<BTreeMap<String, f64>> = records
        .iter()
        .map(|record| {
            let mut counts = BTreeMap::new();
            for term in crate::metrics::terms(record.context.as_deref().unwrap_or_default()) {
                *counts.entry(term).or_insert(0.0) += 1.0;
            }
            counts
        })
        .collect();
    let mut documents: BTreeMap<&str, f64> = BTreeMap::new();
    for term in counts.iter().flat_map(BTreeMap::keys) {
        *documents.entry(term).or_insert(0.0) += 1.0;
    }
    let n = records.len() as f64;
    let weigh = |counts: &BTreeMap<String, f64>| {
        let mut vector: BTreeMap<String, f64> = counts
            .iter()
            .map(|(term, tf)| (term.clone(), (1.0 + tf.ln()) * (n / documents[term.as_str()]).ln()))
            .collect();
        let length = vector.values().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        vector.values_mut().for_each(|x| *x /= length);
        vector
    };
    counts.iter().map(weigh).collect()
}

fn similarity(a: &BTreeMap<String, f64>, b: &BTreeMap<String, f64>) -> f64 {
    let (small, large) = if a.len() < b.len() { (a, b) } else { (b, a) };
    small.iter().filter_map(|(term, x)| large.get(term).map(|y| x * y)).sum()
}
