//! Lengths as bytes, so that what was counted once need not be counted again.
//!
//! A line of JSON says what the groups are; behind it stand, group by group, the lengths and then the
//! numbers of their records, each in four bytes, the low one first.

use super::{Field, Group, Lengths, Unit};
use crate::data::StrategyId;
use crate::stats;
use serde::{Deserialize, Serialize};

/// The form of the bytes; another number makes earlier ones unreadable.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    tokenizer: Option<String>,
    groups: Vec<GroupHead>,
}

#[derive(Serialize, Deserialize)]
struct GroupHead {
    strategy: StrategyId,
    task: String,
    field: Field,
    unit: Unit,
    n: usize,
}

impl Lengths {
    /// These lengths as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = |group: &Group| GroupHead {
            strategy: group.strategy.clone(),
            task: group.task.clone(),
            field: group.field,
            unit: group.unit,
            n: group.lengths.len(),
        };
        let groups = self.groups.iter().map(head).collect();
        let head = Head { version: VERSION, tokenizer: self.tokenizer.clone(), groups };
        // Names and numbers only: there is nothing in it that JSON cannot say.
        let mut bytes = serde_json::to_vec(&head).unwrap_or_default();
        bytes.push(b'\n');
        for group in &self.groups {
            // Counts of what is in a file of records are whole and small.
            bytes.extend(group.lengths.iter().flat_map(|n| (*n as u32).to_le_bytes()));
            bytes.extend(group.records.iter().flat_map(|n| n.to_le_bytes()));
        }
        bytes
    }

    /// The lengths that these bytes say; `None` where they say none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(&bytes[..end]).ok()?;
        let mut rest = &bytes[end + 1..];
        let mut numbers = |n: usize| {
            let (taken, left) = rest.split_at_checked(n.checked_mul(4)?)?;
            rest = left;
            let number = |four: &[u8]| four.try_into().map(u32::from_le_bytes).unwrap_or_default();
            Some(taken.chunks_exact(4).map(number).collect::<Vec<u32>>())
        };
        let mut groups = Vec::new();
        for GroupHead { strategy, task, field, unit, n } in head.groups {
            let lengths: Vec<f64> = numbers(n)?.into_iter().map(f64::from).collect();
            let records = numbers(n)?;
            let summary = stats::summarize(&lengths)?;
            groups.push(Group { strategy, task, field, unit, summary, lengths, records });
        }
        (head.version == VERSION && rest.is_empty())
            .then_some(Self { tokenizer: head.tokenizer, groups })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Counter, measure};
    use super::*;
    use crate::data::{self, ReadOptions};
    use crate::job::Watch;

    #[test]
    fn bytes_say_the_same_lengths_and_damaged_ones_none() {
        let path = std::env::temp_dir().join(format!("backstory_stored_{}", std::process::id()));
        let line = |n: usize| {
            let task = if n.is_multiple_of(2) { "qasper" } else { "a \"b\"\n" };
            let row = serde_json::json!({
                "task": task, "instruction": "x".repeat(n + 1), "answer": "y z", "context": "w ".repeat(n)
            });
            format!("{row}\n")
        };
        std::fs::write(&path, (0..9).map(line).collect::<String>()).unwrap();
        let watch = Watch::default();
        let dataset = data::read_dataset(&path, &ReadOptions::default(), &watch).unwrap();
        std::fs::remove_file(path).unwrap();
        let counter = Counter { tokenizer: None, template: None };
        let mut lengths = measure(&[dataset], &counter, &watch).unwrap();
        lengths.tokenizer = Some("tiny".into());
        let bytes = lengths.to_bytes();
        assert_eq!(Lengths::from_bytes(&bytes), Some(lengths));
        for cut in [0, 1, 10, bytes.len() / 2, bytes.len() - 1] {
            assert_eq!(Lengths::from_bytes(&bytes[..cut]), None, "{cut}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Lengths::from_bytes(&longer), None);
        let huge = String::from_utf8_lossy(&bytes).replacen("\"n\":", "\"n\":9223372036854775", 1);
        assert_eq!(Lengths::from_bytes(huge.as_bytes()), None);
        let other = String::from_utf8_lossy(&bytes).replacen("\"version\":1", "\"version\":2", 1);
        assert_eq!(Lengths::from_bytes(other.as_bytes()), None);
    }
}
