//! What speaks against believing a comparison.

use super::pairing::{Pair, TaskPairs};
use super::table::p_value;
use super::{Quantity, Row, Side};
use std::collections::BTreeSet;

/// Below this a p-value counts as small.
const LEVEL: f64 = 0.05;

/// Below this many pairs a bootstrap interval is clearly too narrow: of the 95 % that it claims it
/// holds about 90 at ten normal differences, and about 93 at twenty.
const FEW_PAIRS: usize = 20;

/// A text of each side of a pair.
type Part = for<'a> fn(&Pair<'a>) -> [Option<&'a str>; 2];

/// What should be known of the pairs of a task that is one of `n_tasks` with pairs.
pub fn of_row(task: &TaskPairs<'_>, n_tasks: usize, baseline: &str, other: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    match task.pairs.len() {
        0 => warnings.push("no seed has a value on both sides".to_owned()),
        n => warnings.extend(few(n, n_tasks, "seeds")),
    }
    for (side, name) in [baseline, other].into_iter().enumerate() {
        warnings.extend(averaged(task.n_averaged[side], name));
    }
    let parts: [(&str, Part); 2] =
        [("context", |pair| pair.contexts), ("instruction", |pair| pair.instructions)];
    for (what, part) in parts {
        let shared = |side: usize| shared(&task.pairs, what, |pair| part(pair)[side]);
        match (shared(0), shared(1)) {
            (Some(a), Some(b)) if a == b => {
                warnings.push(format!("{a} on both sides; {DEPENDENT}"))
            }
            (a, b) => {
                for (found, name) in [(a, baseline), (b, other)] {
                    warnings.extend(found.map(|found| format!("{found} in {name}; {DEPENDENT}")));
                }
            }
        }
    }
    warnings
}

const DEPENDENT: &str =
    "they are not independent, so the interval may be too narrow and p too small";

/// Too few pairs: for a small p, or for a good interval; more of `what` would help.
pub(in crate::report) fn few(n: usize, n_tasks: usize, what: &str) -> Option<String> {
    let pairs = if n == 1 { "1 pair".to_owned() } else { format!("{n} pairs") };
    let least = 2.0 * 0.5_f64.powi(n.min(1000) as i32);
    let adjusted = (least * n_tasks as f64).min(1.0);
    if adjusted > LEVEL {
        let holm = match n_tasks {
            0 | 1 => String::new(),
            n_tasks => {
                format!(", and adjusted for {n_tasks} tasks not below {}", p_value(adjusted))
            }
        };
        let least = p_value(least);
        return Some(format!("only {pairs}: p cannot be below {least}{holm}; use more {what}"));
    }
    (n < FEW_PAIRS).then(|| format!("only {pairs}: the interval is rather too narrow"))
}

fn averaged(n: usize, name: &str) -> Option<String> {
    let seeds = if n == 1 { "seed has" } else { "seeds have" };
    (n > 0).then(|| format!("{n} {seeds} several records in {name}, whose mean counts"))
}

/// "40 pairs have only 3 contexts", if they do.
fn shared<'a>(
    pairs: &[Pair<'a>],
    what: &str,
    part: impl Fn(&Pair<'a>) -> Option<&'a str>,
) -> Option<String> {
    let texts: Vec<&str> = pairs.iter().filter_map(part).collect();
    let n_distinct = texts.iter().collect::<BTreeSet<_>>().len();
    let s = if n_distinct == 1 { "" } else { "s" };
    let n = texts.len();
    (n_distinct < n).then(|| format!("{n} pairs have only {n_distinct} {what}{s}"))
}

/// What should be known of two sides as a whole.
pub fn of_sides(
    quantity: &Quantity,
    baseline: &Side<'_>,
    other: &Side<'_>,
    rows: &[Row],
) -> Vec<String> {
    let mut warnings = Vec::new();
    for side in [baseline, other] {
        let n_without = side.n_records - side.points.len();
        if n_without > 0 {
            let (name, what) = (&side.name, &quantity.name);
            warnings.push(format!(
                "{n_without} of {} records of {name} have no {what}",
                side.n_records
            ));
        }
    }
    if rows.iter().all(|row| row.n_pairs == 0) {
        warnings.push(format!(
            "nothing is paired: {} and {} share no seed of which both have a value; compare what was \
             made of the same seeds, or give the seeds' names with --map seed_id=COLUMN",
            baseline.name, other.name
        ));
    }
    let models: BTreeSet<&str> = baseline.models.union(&other.models).copied().collect();
    if models.len() > 1 {
        let names = models.into_iter().collect::<Vec<_>>().join(" and ");
        warnings.push(format!(
            "the rows were scored by {names}; only scores of one model can be compared: measure \
             again with one"
        ));
    }
    warnings
}
