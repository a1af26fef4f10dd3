//! What can only be told of all records together: duplicates, and instructions that many share.

use super::checker::Looked;
use super::finding::{At, Check, Finding, Part, Related, Severity, Span};
use super::minhash::{Signature, most_similar_earlier};
use super::words::HashedMap;
use crate::data::RecordId;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Estimated share of shingles in common from which on two contexts are nearly the same. MinHash
/// filters of training data take a Jaccard similarity of 0.8; the estimate's standard error there is
/// 0.035, so that this finds 19 of 20 that are just as similar.
const NEAR: f64 = 0.74;

/// Records that share an instruction from which on it says nothing of their contexts.
const MANY: usize = 5;
/// The same where they are this share of their task, for small sets.
const MANY_SHARE: f64 = 0.2;
/// Fewer are no group.
const FEW: usize = 3;

/// What is kept of a record.
pub(super) struct Slot {
    pub at: At,
    pub id: RecordId,
    /// Dataset and strategy, within which records are compared: the same seeds under other strategies
    /// share contexts by design.
    pub group: u64,
    pub task: u64,
    /// A hash of the context made for this record, if it has one.
    pub context: Option<u64>,
    /// The bytes of that context.
    pub own: Range<usize>,
    pub signature: Option<Signature>,
    pub question: u64,
    /// Bytes of the instruction; 0 where it is not to be compared.
    pub instruction_bytes: usize,
    /// Whether its context was joined with others'.
    pub is_joined: bool,
}

/// Puts together what was seen of records, in any order.
pub struct Tally {
    checks: BTreeSet<Check>,
    findings: Vec<Finding>,
    slots: Vec<Slot>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// Records that were looked at.
    pub n_records: usize,
    /// For each check that was made, the records that it concerns.
    pub counts: BTreeMap<Check, usize>,
    /// All findings, in the order of the records, then of the checks.
    pub findings: Vec<Finding>,
}

impl Tally {
    pub(super) fn new(checks: BTreeSet<Check>) -> Self {
        Self { checks, findings: Vec::new(), slots: Vec::new() }
    }

    /// Takes in what was seen of a record.
    pub fn add(&mut self, looked: Looked) {
        self.findings.extend(looked.findings);
        self.slots.push(looked.slot);
    }

    /// What was found, the same in whatever order records were added.
    pub fn finish(self) -> Checked {
        let Self { checks, mut findings, mut slots } = self;
        slots.sort_by_key(|slot| slot.at);
        let firsts = firsts(&slots);
        findings.extend(duplicates(&slots, &firsts));
        findings.extend(near_duplicates(&slots, &firsts));
        findings.extend(shared_instructions(&slots));
        findings.retain(|finding| checks.contains(&finding.check));
        findings.sort();
        let count = |check| {
            let of = findings.iter().filter(|finding| finding.check == check);
            (check, of.flat_map(Finding::records).collect::<BTreeSet<At>>().len())
        };
        let counts = checks.iter().copied().map(count).collect();
        Checked { n_records: slots.len(), counts, findings }
    }
}

/// For each record the first one of its group with the same context, if it is another one.
fn firsts(slots: &[Slot]) -> Vec<Option<usize>> {
    let mut seen: HashedMap<Vec<usize>> = HashedMap::default();
    let first = |(ix, slot): (usize, &Slot)| {
        let others = seen.entry(slot.context?).or_default();
        let first = others.iter().copied().find(|other| slots[*other].group == slot.group);
        if first.is_none() {
            others.push(ix);
        }
        first
    };
    slots.iter().enumerate().map(first).collect()
}

fn duplicates(slots: &[Slot], firsts: &[Option<usize>]) -> Vec<Finding> {
    let pairs =
        slots.iter().zip(firsts).filter_map(|(slot, first)| Some((slot, &slots[(*first)?])));
    pairs
        .map(|(slot, first)| {
            let (why, severity) = match slot.question == first.question {
                true => ("context and instruction are those of an earlier record", Severity::Fault),
                false => {
                    ("another instruction for the context of an earlier record", Severity::Note)
                }
            };
            pair(slot, first, Check::DuplicateContext, severity, why.to_owned(), "the same text")
        })
        .collect()
}

fn near_duplicates(slots: &[Slot], firsts: &[Option<usize>]) -> Vec<Finding> {
    // Of those with the same context, the first stands for all.
    let pairs = slots.iter().zip(firsts);
    let texts: Vec<(u64, Option<&Signature>)> = pairs
        .map(|(slot, first)| (slot.group, slot.signature.as_ref().filter(|_| first.is_none())))
        .collect();
    let found = most_similar_earlier(&texts, NEAR);
    let pairs = slots.iter().zip(found).filter_map(|(slot, found)| Some((slot, found?)));
    pairs
        .map(|(slot, (other, similarity))| {
            let percent = (100.0 * similarity).round();
            let why =
                format!("about {percent}% of the context's five-word runs are an earlier record's");
            let check = Check::NearDuplicateContext;
            pair(slot, &slots[other], check, Severity::Warning, why, "nearly the same text")
        })
        .collect()
}

fn pair(
    slot: &Slot,
    other: &Slot,
    check: Check,
    severity: Severity,
    why: String,
    shows: &str,
) -> Finding {
    let span = |slot: &Slot| vec![Span::new(Part::Context, slot.own.clone(), shows)];
    let (at, id) = (other.at, other.id.clone());
    let related = Related { is_test: false, at, id, name: None, spans: span(other) };
    Finding {
        at: slot.at,
        check,
        severity,
        id: slot.id.clone(),
        why,
        spans: span(slot),
        related: Some(Box::new(related)),
        group: Vec::new(),
    }
}

/// Instructions that many records of one task share; one finding for each.
fn shared_instructions(slots: &[Slot]) -> Vec<Finding> {
    let mut groups: BTreeMap<(u64, u64), BTreeMap<u64, Vec<&Slot>>> = BTreeMap::new();
    for slot in slots.iter().filter(|slot| slot.instruction_bytes > 0) {
        let of_task = groups.entry((slot.group, slot.task)).or_default();
        of_task.entry(slot.question).or_default().push(slot);
    }
    let mut findings = Vec::new();
    for of_task in groups.values() {
        let n_task: usize = of_task.values().map(Vec::len).sum();
        let is_shared = |slots: &&Vec<&Slot>| {
            let n = slots.len();
            n >= MANY || n >= FEW && n as f64 >= MANY_SHARE * n_task as f64
        };
        findings.extend(of_task.values().filter(is_shared).map(|slots| shared(slots, n_task)));
    }
    findings
}

fn shared(slots: &[&Slot], n_task: usize) -> Finding {
    let n_joined = slots.iter().filter(|slot| slot.is_joined).count();
    let n = slots.len();
    let (why, severity) = match n_joined {
        0 => (
            format!(
                "{n} of the task's {n_task} records share this instruction; do not join their contexts, nothing \
                 would tell which one is meant"
            ),
            Severity::Note,
        ),
        _ => (
            format!(
                "{n} of the task's {n_task} records share this instruction, and {n_joined} of them have joined \
                 contexts: nothing tells which document is meant"
            ),
            Severity::Fault,
        ),
    };
    let first = slots[0];
    let span = Span::new(Part::Instruction, 0..first.instruction_bytes, "shared");
    Finding {
        at: first.at,
        check: Check::SharedInstruction,
        severity,
        id: first.id.clone(),
        why,
        spans: vec![span],
        related: None,
        group: slots[1..].iter().map(|slot| slot.at).collect(),
    }
}
