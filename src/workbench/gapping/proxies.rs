//! The gap's training-free proxies: coherence of the very records that the arms are trained on.

use super::super::{CoherenceJob, Desk, Inputs, WorkbenchError, measure, opening};
use super::{Begun, GapStudyJob};
use crate::coherence::{Coherence, Negatives, Settings};
use crate::data::{Dataset, Format, RecordId, Records};
use crate::job::Watch;
use crate::prompt::Task;
use crate::stats;
use crate::tuning::{Pool, Proxies, Proxy};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Other contexts that each record is compared with, where it is measured here.
const SHUFFLES: usize = 4;

/// The means of the proxies by dataset and task.
pub fn of(
    job: &GapStudyJob,
    begun: &Begun,
    desk: &mut Desk,
    watch: &Watch,
) -> Result<Proxies, WorkbenchError> {
    let mut proxies = Proxies::new();
    for set in &begun.matched.sets {
        let ids: BTreeSet<&RecordId> = set.records.iter().map(|record| &record.id).collect();
        let given = begun.spec.coherence.get(&set.label);
        let rows = match given {
            Some(path) => opening::rows_of(path, watch)?,
            None => measured(job, begun, set, &ids, desk, watch)?,
        };
        let rows: Vec<&Coherence> = rows.iter().filter(|row| ids.contains(&row.id)).collect();
        if let Some(path) = given {
            check_covers(&set.label, path, rows.len(), ids.len(), watch)?;
        }
        let mut by_task: BTreeMap<&str, Vec<&Coherence>> = BTreeMap::new();
        for row in rows {
            by_task.entry(Task::canonical(&row.task)).or_default().push(row);
        }
        for (task, rows) in by_task {
            let mean = |of: fn(&Coherence) -> Option<f64>| {
                let values: Vec<f64> = rows.iter().filter_map(|row| of(row)).collect();
                stats::mean(&values)
            };
            let proxy = Proxy {
                n_records: rows.len(),
                instruction: mean(|row| row.instruction_dependence),
                answer: mean(|row| row.answer_dependence),
            };
            proxies.insert((set.label.clone(), task.to_owned()), proxy);
        }
    }
    Ok(proxies)
}

fn check_covers(
    label: &str,
    path: &Path,
    n_found: usize,
    n: usize,
    watch: &Watch,
) -> Result<(), WorkbenchError> {
    let path = path.display();
    if n_found == 0 {
        return Err(WorkbenchError::Refused(format!(
            "{path} has no row of a record that `{label}` is trained on; give its own rows, or leave the line \
             out to have them measured"
        )));
    }
    if n_found < n {
        watch.warn(format!("{path}: rows of {n_found} of the {n} training records of {label}"));
    }
    Ok(())
}

/// Rows that an earlier run has measured, else those of now.
fn measured(
    job: &GapStudyJob,
    begun: &Begun,
    set: &Pool,
    ids: &BTreeSet<&RecordId>,
    desk: &mut Desk,
    watch: &Watch,
) -> Result<Vec<Coherence>, WorkbenchError> {
    let folder = job.out.join("coherence");
    let failed = |source| WorkbenchError::File { verb: "make", path: folder.clone(), source };
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let out = folder.join(format!("{}.rows", set.label));
    if !job.overwrite && out.exists() {
        let rows = opening::rows_of(&out, watch)?;
        let there: BTreeSet<&RecordId> = rows.iter().map(|row| &row.id).collect();
        let model = &desk.model(&begun.choice, watch)?.info().name;
        if there == *ids && rows.iter().all(|row| row.model == *model) {
            return Ok(rows);
        }
    }
    let records: Vec<_> = set.records.iter().map(|record| (**record).clone()).collect();
    let dataset = Arc::new(Dataset {
        path: out.clone(),
        format: Format::Jsonl,
        bytes: 0,
        columns: BTreeMap::new(),
        records: Records::from(records),
        skipped: Vec::new(),
    });
    let job = CoherenceJob {
        inputs: Inputs { loaded: vec![dataset], ..Inputs::default() },
        model: begun.choice.clone(),
        settings: Settings {
            n_shuffles: SHUFFLES,
            negatives: Negatives::Random,
            seed: begun.spec.seed,
        },
        out: Some(out),
    };
    Ok(measure::coherence(&job, desk, watch)?.rows.to_vec())
}
