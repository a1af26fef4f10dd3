//! The contexts that may be put beside a record's own one.

use super::alike::Sketch;
use super::cuts::Measured;
use super::{GLUE, Ruler};
use crate::data::{Record, RecordId, StrategyId};
use crate::job::{Cancelled, Watch};
use crate::metrics::Plain;
use crate::prompt::Task;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Which contexts may be put beside a record's own one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PoolWish {
    /// Those of records of the same task and strategy.
    SameTask,
    /// Those of records of the same strategy and any other task.
    OtherTask,
    /// All.
    Any,
}

/// A context of the pool.
pub struct Member<'a> {
    /// The first record that has it.
    pub id: &'a RecordId,
    /// The seeds of all records that have it.
    pub seeds: BTreeSet<&'a RecordId>,
    /// The context, to the byte.
    pub text: &'a str,
    /// Its words.
    pub plain: Plain,
    pub sketch: Sketch,
    pub measured: Measured,
}

/// Members that a record may choose from.
#[derive(Default)]
pub struct Group {
    pub members: Vec<usize>,
    /// The same, the shortest first.
    pub by_length: Vec<usize>,
}

/// Task and strategy.
type Key = (String, StrategyId);

/// The contexts that may be put beside a record's own one, each once.
pub struct Pool<'a> {
    members: Vec<Member<'a>>,
    groups: BTreeMap<Key, Group>,
    all: Group,
    wish: PoolWish,
    /// What a blank line between two contexts adds to the length.
    pub(super) n_glue: u64,
}

fn key(record: &Record) -> Key {
    (Task::canonical(&record.task).to_owned(), record.strategy.clone())
}

impl<'a> Pool<'a> {
    /// The contexts of these records, measured; only counted ones (`--contexts`) need no ruler.
    ///
    /// # Errors
    /// The inner error is the ruler's.
    pub fn new<R: Ruler>(
        records: &[&'a Record],
        wish: PoolWish,
        ruler: Option<&R>,
        watch: &Watch,
    ) -> Result<Result<Self, R::Error>, Cancelled> {
        let distinct = distinct(records);
        watch.stage("measuring contexts", distinct.len() as u64);
        let measured: Vec<_> = distinct
            .par_iter()
            .map(|found| {
                // A pause waited for here would hold a thread that all of the program shares.
                let ends = match (ruler, watch.is_cancelled()) {
                    (_, true) => return None,
                    (None, false) => Ok(Vec::new()),
                    (Some(ruler), false) => ruler.ends(found.text),
                };
                watch.advance(1);
                let plain = Plain::new(found.text);
                Some(ends.map(|ends| {
                    let measured = Measured::new(found.text, &ends);
                    (Sketch::new(&plain), plain, measured)
                }))
            })
            .collect();
        let mut members = Vec::with_capacity(distinct.len());
        let mut keys: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
        for (found, measured) in distinct.into_iter().zip(measured) {
            let (sketch, plain, measured) = match measured.ok_or(Cancelled)? {
                Ok(measured) => measured,
                Err(error) => return Ok(Err(error)),
            };
            for key in found.keys {
                keys.entry(key).or_default().push(members.len());
            }
            let Found { id, seeds, text, .. } = found;
            members.push(Member { id, seeds, text, plain, sketch, measured });
        }
        let n_glue = match ruler.map(glue).transpose() {
            Ok(n_glue) => n_glue.unwrap_or(0),
            Err(error) => return Ok(Err(error)),
        };
        let (groups, all) = grouped(keys, wish, &members);
        Ok(Ok(Self { members, groups, all, wish, n_glue }))
    }

    /// What a record may choose from.
    pub fn group_of(&self, record: &Record) -> &Group {
        match self.wish {
            PoolWish::Any => &self.all,
            _ => self.groups.get(&key(record)).unwrap_or(&self.all),
        }
    }

    /// How many different contexts a record may choose from.
    pub fn n_for(&self, record: &Record) -> usize {
        self.group_of(record).members.len()
    }

    pub(super) fn member(&self, ix: usize) -> &Member<'a> {
        &self.members[ix]
    }
}

/// A context before it is measured.
struct Found<'a> {
    id: &'a RecordId,
    seeds: BTreeSet<&'a RecordId>,
    text: &'a str,
    keys: BTreeSet<Key>,
}

/// Each context once, in the order of the records: many questions are asked of one document.
fn distinct<'a>(records: &[&'a Record]) -> Vec<Found<'a>> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all: Vec<Found<'a>> = Vec::new();
    for record in records {
        let Some(text) = record.context.as_deref().filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        let ix = *places.entry(text.trim()).or_insert(all.len());
        if ix == all.len() {
            let (seeds, keys) = (BTreeSet::new(), BTreeSet::new());
            all.push(Found { id: &record.id, seeds, text, keys });
        }
        all[ix].seeds.insert(&record.seed_id);
        all[ix].keys.insert(key(record));
    }
    all
}

/// The groups of each task and strategy, and what a record of none of them may choose from.
fn grouped(
    keys: BTreeMap<Key, Vec<usize>>,
    wish: PoolWish,
    members: &[Member<'_>],
) -> (BTreeMap<Key, Group>, Group) {
    let group = |mut of: Vec<usize>| {
        of.sort_unstable();
        of.dedup();
        let mut by_length = of.clone();
        by_length.sort_by_key(|ix| (members[*ix].measured.n, *ix));
        Group { members: of, by_length }
    };
    match wish {
        PoolWish::Any => (BTreeMap::new(), group((0..members.len()).collect())),
        PoolWish::SameTask => {
            (keys.into_iter().map(|(key, of)| (key, group(of))).collect(), Group::default())
        }
        PoolWish::OtherTask => {
            let others = |(task, strategy): &Key| -> Vec<usize> {
                let is_other =
                    |(other, _): &(&Key, &Vec<usize>)| other.0 != *task && other.1 == *strategy;
                keys.iter().filter(is_other).flat_map(|(_, of)| of.iter().copied()).collect()
            };
            (keys.keys().map(|key| (key.clone(), group(others(key)))).collect(), Group::default())
        }
    }
}

/// What a blank line adds between two texts.
fn glue<R: Ruler>(ruler: &R) -> Result<u64, R::Error> {
    let [first, second] = ["It ends here.", "Another begins."];
    let whole = ruler.ends(&format!("{first}{GLUE}{second}"))?.len();
    let parts = ruler.ends(first)?.len() + ruler.ends(second)?.len();
    Ok(whole.saturating_sub(parts) as u64)
}
