//! What is compared: the values of one strategy's records in one file.

use super::super::strategies::ordered;
use crate::coherence::{Coherence, Measure};
use crate::data::{Record, RecordId, StrategyId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What one strategy has in one file.
#[derive(Debug, Clone)]
pub struct Side<'a> {
    /// What it is called; see [`name_sides`].
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// The strategy.
    pub strategy: StrategyId,
    /// Its records, with or without a value.
    pub n_records: usize,
    /// Who scored, where the values are scores.
    pub models: BTreeSet<&'a str>,
    pub(super) points: Vec<Point<'a>>,
}

/// The value of one record, and what may tie it to others.
#[derive(Debug, Clone)]
pub(super) struct Point<'a> {
    pub task: &'a str,
    pub seed_id: &'a RecordId,
    pub value: f64,
    /// Where they are known.
    pub context: Option<&'a str>,
    pub instruction: Option<&'a str>,
}

impl<'a> Side<'a> {
    fn new(path: &Path, strategy: StrategyId) -> Self {
        let path = path.to_owned();
        let (name, models, points) = (String::new(), BTreeSet::new(), Vec::new());
        Self { name, path, strategy, n_records: 0, models, points }
    }

    fn take(&mut self, value: Option<f64>, point: impl FnOnce(f64) -> Point<'a>) {
        self.n_records += 1;
        self.points.extend(value.filter(|value| value.is_finite()).map(point));
    }

    /// Whether somebody who says `word` may mean this side.
    pub fn is_meant(&self, word: &str) -> bool {
        let part = |part: Option<&std::ffi::OsStr>| part.is_some_and(|part| part == word);
        self.name == word
            || self.strategy.as_str() == word
            || self.path == Path::new(word)
            || part(self.path.file_name())
            || part(self.path.file_stem())
    }
}

/// A side for each strategy among the records of a file, human ones first; `lengths` has one
/// length per record.
pub fn dataset_sides<'a>(
    path: &Path,
    records: &[&'a Record],
    lengths: &[Option<f64>],
) -> Vec<Side<'a>> {
    let mut sides = empty(path, records.iter().map(|record| &record.strategy));
    for (record, length) in records.iter().zip(lengths) {
        let Some(side) = sides.get_mut(&record.strategy) else { continue };
        side.take(*length, |value| Point {
            task: &record.task,
            seed_id: &record.seed_id,
            value,
            context: record.context.as_deref(),
            instruction: Some(&record.instruction),
        });
    }
    in_order(sides)
}

/// A side for each strategy among the coherence rows of a file, human ones first. Of a record that
/// was measured several times the last row counts.
pub fn row_sides<'a>(path: &Path, rows: &[&'a Coherence], measure: Measure) -> Vec<Side<'a>> {
    let mut sides = empty(path, rows.iter().map(|row| &row.strategy));
    let mut seen = BTreeSet::new();
    let newest_first = rows.iter().rev();
    for row in newest_first.filter(|row| seen.insert((&row.id, &row.strategy))) {
        let Some(side) = sides.get_mut(&row.strategy) else { continue };
        // Rows of earlier versions do not name their scorer.
        side.models.extend(Some(row.model.as_str()).filter(|model| !model.is_empty()));
        side.take(measure.of(row), |value| Point {
            task: &row.task,
            seed_id: &row.seed_id,
            value,
            context: None,
            instruction: None,
        });
    }
    in_order(sides)
}

fn empty<'a, 'b>(
    path: &Path,
    strategies: impl Iterator<Item = &'b StrategyId>,
) -> BTreeMap<StrategyId, Side<'a>> {
    strategies.map(|strategy| (strategy.clone(), Side::new(path, strategy.clone()))).collect()
}

fn in_order(mut sides: BTreeMap<StrategyId, Side<'_>>) -> Vec<Side<'_>> {
    let order = ordered(sides.keys());
    order.iter().filter_map(|(strategy, _)| sides.remove(strategy)).collect()
}

/// Names the sides by what tells them apart: the strategy, else the file, else both.
pub fn name_sides(sides: &mut [Side<'_>]) {
    let strategy = |side: &Side<'_>| side.strategy.to_string();
    let stem =
        |side: &Side<'_>| side.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let both = |side: &Side<'_>| format!("{} ({})", stem(side), side.strategy);
    let whole = |side: &Side<'_>| format!("{} ({})", side.path.display(), side.strategy);
    let ways: [&dyn Fn(&Side<'_>) -> String; 4] = [&strategy, &stem, &both, &whole];
    let tells_apart = |way: &&&dyn Fn(&Side<'_>) -> String| {
        sides.iter().map(way).collect::<BTreeSet<String>>().len() == sides.len()
    };
    let way = ways.iter().find(tells_apart).unwrap_or(&ways[3]);
    let names: Vec<String> = sides.iter().map(way).collect();
    for (side, name) in sides.iter_mut().zip(names) {
        side.name = name;
    }
}
