//! The record, and the hash that names it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{RecordId, StrategyId};

/// Where a record stood when it was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The file, as it was named by the caller.
    pub path: PathBuf,
    /// The line, from 1; in a JSON array the element, from 1.
    pub line: usize,
}

/// One example: an instruction with its answers, its context, or both. Never edited after loading.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Hash of task, instruction, answers, context and occurrence.
    pub id: RecordId,
    /// The seed's id: equal for what different strategies made of one seed.
    pub seed_id: RecordId,
    /// Where it was read.
    pub source: Source,
    /// The task, as the file says it (aliases are not resolved here).
    pub task: String,
    /// How it came to be.
    pub strategy: StrategyId,
    /// The instruction; empty in a record that is a context alone.
    pub instruction: String,
    /// The accepted answers, best first; empty in a record that is a context alone.
    pub answers: Vec<String>,
    /// The long context, if it has one yet.
    pub context: Option<String>,
    /// Every other column, in the file's order.
    pub extra: Map<String, Value>,
}

/// The keys that a record's own fields have in our JSONL; no column of `extra` is written under one.
pub(super) const RESERVED: [&str; 7] =
    ["id", "seed_id", "task", "strategy", "instruction", "answers", "context"];

impl Record {
    /// The first answer, or nothing.
    pub fn answer(&self) -> &str {
        self.answers.first().map_or("", String::as_str)
    }

    /// The record as a line of our JSONL holds it: own fields first, then `extra`.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("id".into(), self.id.as_str().into());
        object.insert("seed_id".into(), self.seed_id.as_str().into());
        object.insert("task".into(), self.task.as_str().into());
        object.insert("strategy".into(), self.strategy.as_str().into());
        object.insert("instruction".into(), self.instruction.as_str().into());
        object.insert("answers".into(), self.answers.clone().into());
        if let Some(context) = &self.context {
            object.insert("context".into(), context.as_str().into());
        }
        let others = self.extra.iter().filter(|(key, _)| !RESERVED.contains(&key.as_str()));
        object.extend(others.map(|(key, value)| (key.clone(), value.clone())));
        Value::Object(object)
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

/// The id of a record with these values; `occurrence` counts the equal ones before it in the file.
///
/// Every part is hashed with its length (and a context with a flag that it is there), so no two
/// different records share an encoding. The strategy is not part: it says how, not what.
pub fn record_id(
    task: &str,
    instruction: &str,
    answers: &[String],
    context: Option<&str>,
    occurrence: usize,
) -> RecordId {
    numbered(&hash(task, instruction, answers, context), occurrence)
}

/// All of an id's values but the occurrence.
fn hash(task: &str, instruction: &str, answers: &[String], context: Option<&str>) -> Sha256 {
    let mut hasher = Sha256::new();
    let number = |hasher: &mut Sha256, value: usize| hasher.update((value as u64).to_le_bytes());
    let text = |hasher: &mut Sha256, value: &str| {
        number(hasher, value.len());
        hasher.update(value.as_bytes());
    };
    hasher.update(b"backstory record\0");
    text(&mut hasher, task);
    text(&mut hasher, instruction);
    number(&mut hasher, answers.len());
    for answer in answers {
        text(&mut hasher, answer);
    }
    hasher.update([u8::from(context.is_some())]);
    if let Some(context) = context {
        text(&mut hasher, context);
    }
    hasher
}

fn numbered(hash: &Sha256, occurrence: usize) -> RecordId {
    let mut hasher = hash.clone();
    hasher.update((occurrence as u64).to_le_bytes());
    RecordId::from_hash(hasher)
}

/// Gives every record its id, and a seed id to those whose seed id is [`RecordId::unset`].
///
/// The seed id of a pair leaves the context out, so a seed and the same seed with its context agree.
/// Occurrences are counted in the slice's order; records that bring a seed id are not counted for it.
pub fn assign_ids(records: &mut [Record]) {
    let mut numbering = Numbering::default();
    records.iter_mut().for_each(|record| numbering.assign(record));
}

/// What a record's ids are made of; cheap to keep when the record itself is not.
pub(super) struct Values {
    all: Sha256,
    /// Without the context; none where the record is no pair.
    pair: Option<Sha256>,
    /// The seed id that the file gives.
    seed_id: Option<RecordId>,
}

impl Values {
    pub fn of(record: &Record) -> Self {
        let Record { task, instruction, answers, context, .. } = record;
        let is_told = !record.seed_id.is_unset();
        let needs_pair = !is_told && !answers.is_empty();
        Self {
            all: hash(task, instruction, answers, context.as_deref()),
            pair: needs_pair.then(|| hash(task, instruction, answers, None)),
            seed_id: is_told.then(|| record.seed_id.clone()),
        }
    }
}

/// Gives ids to the records of one file as they come, as [`assign_ids`] gives them to all at once.
#[derive(Debug, Default)]
pub struct Numbering {
    ids: BTreeMap<RecordId, usize>,
    seed_ids: BTreeMap<RecordId, usize>,
}

impl Numbering {
    /// Gives the next record its id, and a seed id where it has none.
    pub fn assign(&mut self, record: &mut Record) {
        (record.id, record.seed_id) = self.next(&Values::of(record));
    }

    /// The id and the seed id of the file's next record.
    pub(super) fn next(&mut self, values: &Values) -> (RecordId, RecordId) {
        let id = next_of(&mut self.ids, &values.all);
        let seed_id = match (&values.seed_id, &values.pair) {
            (Some(seed_id), _) => seed_id.clone(),
            (None, Some(pair)) => next_of(&mut self.seed_ids, pair),
            (None, None) => id.clone(),
        };
        (id, seed_id)
    }
}

fn next_of(counts: &mut BTreeMap<RecordId, usize>, hash: &Sha256) -> RecordId {
    let first = numbered(hash, 0);
    let count = counts.entry(first.clone()).or_insert(0);
    let occurrence = *count;
    *count += 1;
    if occurrence == 0 { first } else { numbered(hash, occurrence) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_do_not_change_between_versions() {
        let answers = ["oui".to_owned(), "é".to_owned()];
        // Computed by a few lines of Python (hashlib, struct) from the encoding described above.
        assert_eq!(record_id("t", "why", &answers, Some("c"), 0).as_str(), "8428679ebd0477aa");
        assert_eq!(record_id("t", "why", &answers, None, 1).as_str(), "c02a00391ae47266");
    }

    #[test]
    fn no_two_values_share_an_encoding() {
        let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect::<Vec<_>>();
        let ids = [
            record_id("ab", "c", &list(&["x"]), None, 0),
            record_id("a", "bc", &list(&["x"]), None, 0),
            record_id("ab", "c", &list(&["x", ""]), None, 0),
            record_id("ab", "c", &list(&["x"]), Some(""), 0),
            record_id("ab", "c", &list(&["x"]), None, 1),
            record_id("ab", "c", &list(&[]), Some("x"), 0),
        ];
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
    }
}
