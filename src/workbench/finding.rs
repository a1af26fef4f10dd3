//! Finding records: which of the open ones hold a text, by task and strategy.

use super::WorkbenchError;
use crate::data::{Dataset, Record, Row};
use crate::job::Watch;
use crate::prompt::Task;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Find records.
#[derive(Debug, Clone)]
pub struct FindJob {
    /// Where to look: the caller's number for each dataset, and the dataset.
    pub datasets: Vec<(u64, Arc<Dataset>)>,
    /// What the instruction, an answer, the context or the id must hold; upper and lower case are
    /// one. Empty: anything.
    pub text: String,
    /// The task; `None`: any.
    pub task: Option<String>,
    /// The strategy; `None`: any.
    pub strategy: Option<String>,
    /// Tasks that are left out, by their canonical names.
    pub without: BTreeSet<String>,
    /// Only these, which are in order; `None`: any.
    pub only: Option<Arc<Vec<Place>>>,
}

/// A found record: the caller's number of its dataset, and its place in it.
pub type Place = (u64, usize);

pub(super) fn run(job: &FindJob, watch: &Watch) -> Result<Vec<Place>, WorkbenchError> {
    let needle = job.text.trim().to_lowercase();
    let mut found = Vec::new();
    for (key, dataset) in &job.datasets {
        let records = &dataset.records;
        let may_be = |ix: usize, row: Row<'_>| job.may_be((*key, ix)) && job.wants(row);
        if needle.is_empty() {
            watch.check()?;
            let rows = records.rows().enumerate().filter(|(ix, row)| may_be(*ix, *row));
            found.extend(rows.map(|(ix, _)| (*key, ix)));
            continue;
        }
        let hits = records.par_map::<bool, WorkbenchError>(watch, |ix, record| {
            let row = records.row(ix);
            Ok(row.is_some_and(|row| may_be(ix, row)) && holds(record, &needle))
        })?;
        let hits = hits.into_iter().enumerate().filter(|(_, hit)| *hit);
        found.extend(hits.map(|(ix, _)| (*key, ix)));
    }
    Ok(found)
}

impl FindJob {
    fn may_be(&self, place: Place) -> bool {
        self.only.as_ref().is_none_or(|only| only.binary_search(&place).is_ok())
    }

    fn wants(&self, row: Row<'_>) -> bool {
        let is =
            |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|w| w == value);
        is(&self.task, row.task)
            && is(&self.strategy, row.strategy.as_str())
            && !self.without.contains(Task::canonical(row.task))
    }
}

/// Whether a record has a text, in lower case, anywhere, or an id that begins so.
fn holds(record: &Record, needle: &str) -> bool {
    let holds = |text: &str| text.to_lowercase().contains(needle);
    record.id.as_str().starts_with(needle)
        || holds(&record.instruction)
        || record.answers.iter().any(|answer| holds(answer))
        || record.context.as_deref().is_some_and(holds)
}
