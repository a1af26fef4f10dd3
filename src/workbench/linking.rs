//! Which records were made of the same seed, and which coherence row is of which record.

use super::{FindJob, Place, RowsPart, WorkbenchError, finding};
use crate::coherence::Coherence;
use crate::data::Dataset;
use crate::job::Watch;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What belongs together?
#[derive(Debug, Clone)]
pub struct LinkJob {
    /// The datasets that are open, with the caller's numbers.
    pub datasets: Vec<(u64, Arc<Dataset>)>,
    /// The measurements that are open, oldest first.
    pub rows: Vec<RowsPart>,
}

/// What belongs together. Plain arrays, so that a million records cost little to keep and to drop.
#[derive(Debug, Default)]
pub struct Links {
    /// All places, seed by seed.
    members: Vec<Place>,
    /// Where in `members` each seed begins, and at last their number; seeds in the order of their
    /// first records.
    starts: Vec<u32>,
    /// For each dataset, which seed each record has.
    seeds: BTreeMap<u64, Vec<u32>>,
    /// For each dataset, the measurement and row of each record, [`NO_ROW`] where there is none.
    rows: BTreeMap<u64, Vec<(u32, u32)>>,
    parts: Vec<Arc<Vec<Coherence>>>,
    /// The measured records by their ids, as the numbers that these are.
    measured: Vec<(u64, Place)>,
}

const NO_ROW: (u32, u32) = (u32::MAX, u32::MAX);

pub(super) fn run(job: &LinkJob, watch: &Watch) -> Result<Links, WorkbenchError> {
    let mut all: Vec<(Option<u64>, Place)> = Vec::new();
    for (key, dataset) in &job.datasets {
        let places = 0..dataset.records.len();
        all.extend(places.map(|ix| (dataset.records.seed_number(ix), (*key, ix))));
    }
    all.sort_unstable();
    watch.check()?;
    // By the first record of each seed; files in the order in which they were opened.
    let order: BTreeMap<u64, usize> =
        job.datasets.iter().enumerate().map(|(ix, (key, _))| (*key, ix)).collect();
    let rank = |place: Place| (order.get(&place.0).copied(), place.1);
    let mut groups: Vec<&mut [(Option<u64>, Place)]> =
        all.chunk_by_mut(|a, b| a.0 == b.0).collect();
    for group in &mut groups {
        group.sort_unstable_by_key(|(_, place)| rank(*place));
    }
    groups.sort_unstable_by_key(|group| rank(group[0].1));
    watch.check()?;
    let mut links = Links { starts: vec![0], ..Links::default() };
    for (key, dataset) in &job.datasets {
        links.seeds.insert(*key, vec![0; dataset.records.len()]);
    }
    for (seed, group) in (0_u32..).zip(&groups) {
        for (_, place) in group.iter() {
            links.members.push(*place);
            if let Some(seeds) = links.seeds.get_mut(&place.0) {
                seeds[place.1] = seed;
            }
        }
        links.starts.push(links.members.len() as u32);
    }
    links.rows = rows_of(job);
    links.measured = measured(job, &links.rows);
    links.parts = job.rows.iter().map(|part| part.rows.clone()).collect();
    Ok(links)
}

/// The newest row of each record.
fn rows_of(job: &LinkJob) -> BTreeMap<u64, Vec<(u32, u32)>> {
    let mut newest: BTreeMap<Option<u64>, (u32, u32)> = BTreeMap::new();
    for (part, rows) in (0_u32..).zip(&job.rows) {
        let ids = rows.rows.iter().map(|row| number(row.id.as_str()));
        newest.extend((0_u32..).zip(ids).map(|(ix, id)| (id, (part, ix))));
    }
    let of = |dataset: &Dataset, ix| {
        newest.get(&dataset.records.id_number(ix)).copied().unwrap_or(NO_ROW)
    };
    let all = |dataset: &Dataset| (0..dataset.records.len()).map(|ix| of(dataset, ix)).collect();
    job.datasets.iter().map(|(key, dataset)| (*key, all(dataset))).collect()
}

/// Ids are hex digits of 64 bits, which are smaller and sooner compared than their text.
fn number(id: &str) -> Option<u64> {
    u64::from_str_radix(id, 16).ok()
}

fn measured(job: &LinkJob, rows: &BTreeMap<u64, Vec<(u32, u32)>>) -> Vec<(u64, Place)> {
    let mut all: Vec<(u64, Place)> = Vec::new();
    for (key, dataset) in &job.datasets {
        let rows = rows.get(key).into_iter().flatten();
        let measured = rows.enumerate().filter(|(_, row)| **row != NO_ROW);
        all.extend(
            measured.filter_map(|(ix, _)| Some((dataset.records.id_number(ix)?, (*key, ix)))),
        );
    }
    all.sort_unstable();
    all
}

impl Links {
    /// Where the measured records of this id are; in several files where these hold the same.
    pub fn places_of(&self, id: &str) -> impl Iterator<Item = Place> {
        let id = number(id);
        let first = self.measured.partition_point(|(known, _)| Some(*known) < id);
        let found = self.measured[first..].iter().take_while(move |(known, _)| Some(*known) == id);
        found.map(|(_, place)| *place)
    }

    /// How many seeds there are.
    pub fn n_seeds(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The records that were made of a seed, and it itself.
    pub fn members(&self, seed: u32) -> &[Place] {
        let end = |ix: u32| self.starts.get(ix as usize).map(|start| *start as usize);
        let range = end(seed).zip(seed.checked_add(1).and_then(end));
        range.map_or(&[], |(from, to)| &self.members[from..to])
    }

    /// The seed of a record.
    pub fn seed_of(&self, (key, ix): Place) -> Option<u32> {
        self.seeds.get(&key)?.get(ix).copied()
    }

    /// The newest coherence row of a record.
    pub fn row_of(&self, (key, ix): Place) -> Option<&Coherence> {
        let (part, row) = *self.rows.get(&key)?.get(ix)?;
        self.parts.get(part as usize)?.get(row as usize)
    }
}

/// Which seeds have a record that fits?
#[derive(Debug, Clone)]
pub struct SeedsJob {
    /// What the records must be.
    pub find: FindJob,
    /// The seeds.
    pub links: Arc<Links>,
}

/// The numbers of the seeds, in order.
pub(super) fn find_seeds(job: &SeedsJob, watch: &Watch) -> Result<Vec<u32>, WorkbenchError> {
    let places = finding::run(&job.find, watch)?;
    let seeds: BTreeSet<u32> =
        places.into_iter().filter_map(|place| job.links.seed_of(place)).collect();
    Ok(seeds.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{self, ReadOptions};

    fn dataset(name: &str, lines: &[(&str, &str)]) -> Arc<Dataset> {
        let path = std::env::temp_dir().join(format!("backstory_{}_{name}", std::process::id()));
        let line = |(seed, instruction): &(&str, &str)| {
            format!(
                "{{\"task\": \"qasper\", \"instruction\": \"{instruction}\", \"answer\": \"a\", \
                 \"context\": \"c\", \"seed_id\": \"{seed}\"}}\n"
            )
        };
        std::fs::write(&path, lines.iter().map(line).collect::<String>()).unwrap();
        let dataset =
            data::read_dataset(&path, &ReadOptions::default(), &Watch::default()).unwrap();
        std::fs::remove_file(path).unwrap();
        Arc::new(dataset)
    }

    #[test]
    fn records_of_one_seed_are_found_from_each_of_them() {
        let human = dataset("links_h.jsonl", &[("2", "x"), ("1", "y"), ("3", "z")]);
        let made = dataset("links_m.jsonl", &[("1", "yy"), ("4", "w"), ("2", "xx"), ("2", "xxx")]);
        let job = LinkJob { datasets: vec![(9, human), (4, made)], rows: Vec::new() };
        let links = run(&job, &Watch::default()).unwrap();
        assert_eq!(links.n_seeds(), 4);
        let all: Vec<&[Place]> = (0..4).map(|seed| links.members(seed)).collect();
        let expected: [&[Place]; 4] =
            [&[(9, 0), (4, 2), (4, 3)], &[(9, 1), (4, 0)], &[(9, 2)], &[(4, 1)]];
        assert_eq!(all, expected);
        assert_eq!(links.seed_of((4, 3)), Some(0));
        assert_eq!((links.seed_of((4, 9)), links.members(4)), (None, &[][..]));
        assert!(links.row_of((9, 0)).is_none());
        assert_eq!(links.places_of("00").count(), 0, "nothing is measured");
    }
}
