//! In which order found records stand.

use super::{FindJob, Place, Searched};
use crate::data::filter::{Measure, Part, Unit};
use crate::data::{Record, Review, Verdict};
use crate::job::Watch;
use crate::workbench::WorkbenchError;
use crate::workbench::filtering::measured;
use std::cmp::Ordering;

/// What records are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortBy {
    /// The line in the file.
    Line,
    /// The strategy's name.
    Strategy,
    /// The task's name.
    Task,
    /// Words of the context.
    ContextWords,
    /// Tokens of the context, where they were counted.
    ContextTokens,
    /// The beginning of the instruction.
    Instruction,
    /// The beginning of the answer.
    Answer,
    /// What a person said: accepted, undecided, discarded, and the better rated first.
    Review,
    /// What was measured.
    Measure(Measure),
}

/// An order. Records that lack the value stand last, whichever way it goes; equal ones stay in the order
/// of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub by: SortBy,
    /// The largest first.
    pub descending: bool,
}

/// What a record is ordered by.
enum Key {
    Missing,
    Number(f64),
    Text(Box<str>),
}

/// Characters of a text that its place in the order depends on.
const TEXT_CHARS: usize = 48;

pub(super) fn sorted(
    found: Vec<Place>,
    sort: Sort,
    job: &FindJob,
    watch: &Watch,
) -> Result<Vec<Place>, WorkbenchError> {
    let mut keyed: Vec<(Key, Place)> = Vec::with_capacity(found.len());
    for searched in &job.datasets {
        let begin =
            found.partition_point(|(key, _)| order_of(job, *key) < order_of(job, searched.key));
        let of_it = found[begin..].iter().take_while(|(key, _)| *key == searched.key);
        let places: Vec<usize> = of_it.map(|(_, ix)| *ix).collect();
        watch.check()?;
        let keys = keys(&places, sort.by, searched, job, watch)?;
        keyed.extend(keys.into_iter().zip(places.iter().map(|ix| (searched.key, *ix))));
    }
    keyed.sort_by(|(one, _), (two, _)| compared(one, two, sort.descending));
    Ok(keyed.into_iter().map(|(_, place)| place).collect())
}

/// Where a dataset stands among those that are searched.
fn order_of(job: &FindJob, key: u64) -> Option<usize> {
    job.datasets.iter().position(|searched| searched.key == key)
}

fn compared(one: &Key, two: &Key, descending: bool) -> Ordering {
    let turned = |order: Ordering| if descending { order.reverse() } else { order };
    match (one, two) {
        (Key::Number(one), Key::Number(two)) => turned(one.total_cmp(two)),
        (Key::Text(one), Key::Text(two)) => turned(one.cmp(two)),
        (Key::Missing, Key::Missing) => Ordering::Equal,
        (Key::Missing, _) => Ordering::Greater,
        (_, Key::Missing) => Ordering::Less,
        (Key::Number(_), Key::Text(_)) => Ordering::Less,
        (Key::Text(_), Key::Number(_)) => Ordering::Greater,
    }
}

fn keys(
    places: &[usize],
    by: SortBy,
    searched: &Searched,
    job: &FindJob,
    watch: &Watch,
) -> Result<Vec<Key>, WorkbenchError> {
    let records = &searched.dataset.records;
    let row = |ix: &usize| records.row(*ix);
    let number = |number: Option<f64>| match number {
        Some(number) if !number.is_nan() => Key::Number(number),
        _ => Key::Missing,
    };
    let each = |key: &dyn Fn(&usize) -> Key| places.iter().map(key).collect();
    Ok(match by {
        SortBy::Line => each(&|ix| number(row(ix).map(|row| row.line as f64))),
        SortBy::Strategy => each(&|ix| text(row(ix).map(|row| row.strategy.as_str()))),
        SortBy::Task => each(&|ix| text(row(ix).map(|row| row.task))),
        SortBy::ContextWords | SortBy::ContextTokens => {
            let unit = if by == SortBy::ContextWords { Unit::Words } else { Unit::Tokens };
            let lengths = searched.known(Part::Context, unit).unwrap_or_default();
            each(&|ix| number(lengths.get(*ix).copied().flatten()))
        }
        SortBy::Review => each(&|ix| {
            let id = records.id_number(*ix);
            let review = id.and_then(|id| job.beside.reviews.of_number(id));
            number(Some(review.map_or(0.0, worth)))
        }),
        SortBy::Measure(measure) => {
            let links = job.beside.links.as_deref();
            each(&|ix| {
                let row = links.and_then(|links| links.row_of((searched.key, *ix)));
                number(row.and_then(|row| measured(row, measure)))
            })
        }
        SortBy::Instruction | SortBy::Answer => {
            let of = |record: &Record| match by {
                SortBy::Instruction => text(Some(&record.instruction)),
                _ => text(Some(record.answer())),
            };
            let mut flags = vec![false; records.len()];
            places.iter().for_each(|ix| flags[*ix] = true);
            return records.flagged(&flags).par_map(watch, |_, record| Ok(of(record)));
        }
    })
}

/// Accepted before undecided before discarded, and by rating among these.
fn worth(review: &Review) -> f64 {
    let verdict = match review.verdict {
        Some(Verdict::Accepted) => 1.0,
        None => 0.0,
        Some(Verdict::Discarded) => -1.0,
    };
    10.0 * verdict + review.rating.map_or(0.0, f64::from)
}

/// How a text is ordered: without regard to case and to what stands before its first letter.
fn text(text: Option<&str>) -> Key {
    let text = text.unwrap_or_default().trim_start_matches(|c: char| !c.is_alphanumeric());
    match text.is_empty() {
        true => Key::Missing,
        false => {
            let begin: String =
                text.chars().take(TEXT_CHARS).flat_map(char::to_lowercase).collect();
            Key::Text(begin.into())
        }
    }
}
