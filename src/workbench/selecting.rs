//! From a range of a plot to the records in it, and to where they stand in the other plots.

use super::{Drawn, OpenRows, Place, WorkbenchError};
use crate::coherence::Coherence;
use crate::data::{Dataset, RecordId, StrategyId};
use crate::figure::Figure;
use crate::job::Watch;
use crate::lengths::{Field, Group, Lengths, Unit};
use crate::report::{self, Brushed, Chosen, PanelOf, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A range of a plot, or a rectangle of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Brush {
    /// The task whose records were brushed.
    pub task: String,
    /// What is measured, and from where to where, both included; an end may be infinite. All of them
    /// are of lengths of datasets, or all of coherence rows.
    pub ranges: Vec<(Value, [f64; 2])>,
}

/// Which records are in a range, and where do they stand in the figures?
#[derive(Debug, Clone)]
pub struct SelectJob {
    /// The range.
    pub brush: Brush,
    /// The datasets that are shown: the caller's number for each, and the lengths where they are
    /// counted.
    pub datasets: Vec<(u64, Arc<Dataset>, Option<Arc<Lengths>>)>,
    /// The coherence rows.
    pub rows: OpenRows,
    /// The figure of lengths.
    pub lengths: Option<Drawn>,
    /// The figure of coherence.
    pub coherence: Option<Drawn>,
}

/// The records in a range.
#[derive(Debug, Clone)]
pub struct Selected {
    /// They, in order.
    pub places: Arc<Vec<Place>>,
    /// The figure of lengths with them.
    pub lengths: Option<Arc<Figure>>,
    /// The figure of coherence with them.
    pub coherence: Option<Arc<Figure>>,
}

pub(super) fn run(job: &SelectJob, watch: &Watch) -> Result<Selected, WorkbenchError> {
    let rows: Vec<&Coherence> = job.rows.counting().into_iter().map(|(_, row)| row).collect();
    watch.check()?;
    let flags = job.flags(&rows);
    watch.check()?;
    let of = |(ix, flags): (usize, &Vec<bool>)| -> Vec<Place> {
        let key = job.datasets[ix].0;
        (0..flags.len()).filter(|record| flags[*record]).map(|record| (key, record)).collect()
    };
    let mut places: Vec<Place> = flags.iter().enumerate().flat_map(of).collect();
    places.sort_unstable();
    let shown = |drawn: &Drawn, chosen: Vec<Vec<Chosen<'_>>>| {
        let brushed = job.brush.in_panels(drawn);
        Arc::new(report::with_selection(&drawn.figure, &drawn.tasks, &chosen, &brushed))
    };
    let lengths = job.lengths.as_ref().map(|drawn| {
        let of = |panel: &PanelOf| job.lengths_of(&flags, panel);
        shown(drawn, drawn.panels.iter().map(of).collect())
    });
    watch.check()?;
    let coherence = job.coherence.as_ref().map(|drawn| {
        let rows = job.chosen_rows(&flags, &rows);
        let of = |panel: &PanelOf| gains_of(&rows, panel);
        shown(drawn, drawn.panels.iter().map(of).collect())
    });
    Ok(Selected { places: Arc::new(places), lengths, coherence })
}

impl Brush {
    /// What was brushed where lengths of datasets are measured.
    fn length(&self) -> Option<(Field, Unit, [f64; 2])> {
        self.ranges.iter().find_map(|(value, range)| match value {
            Value::Length(field, unit) => Some((*field, *unit, *range)),
            _ => None,
        })
    }

    fn range(&self, value: Option<Value>) -> Option<[f64; 2]> {
        let value = value?;
        self.ranges.iter().find(|(brushed, _)| *brushed == value).map(|(_, range)| *range)
    }

    /// Where it stands in the panels of its task that measure the same.
    fn in_panels(&self, drawn: &Drawn) -> Vec<Brushed> {
        let task = drawn.tasks.iter().position(|task| *task == self.task);
        let of = |(panel, of): (usize, &PanelOf)| {
            let ranges = [self.range(of.x), self.range(of.y)];
            let is_shown = ranges.iter().any(Option::is_some);
            let category = match &of.task {
                Some(task) if *task == self.task => None,
                Some(_) => return None,
                None => Some(task?),
            };
            is_shown.then_some(Brushed { panel, category, ranges })
        };
        drawn.panels.iter().enumerate().filter_map(of).collect()
    }
}

fn is_within(range: &[f64; 2], value: f64) -> bool {
    (range[0]..=range[1]).contains(&value)
}

impl SelectJob {
    /// For each dataset, which of its records are in the range.
    fn flags(&self, rows: &[&Coherence]) -> Vec<Vec<bool>> {
        if let Some((field, unit, range)) = self.brush.length() {
            let of = |(_, dataset, lengths): &(u64, Arc<Dataset>, Option<Arc<Lengths>>)| {
                let mut flags = vec![false; dataset.records.len()];
                let groups = lengths.iter().flat_map(|lengths| &lengths.groups);
                let is_it = |group: &&Group| {
                    (group.field, group.unit) == (field, unit) && group.task == self.brush.task
                };
                for group in groups.filter(is_it) {
                    for (record, length) in group.records.iter().zip(&group.lengths) {
                        if let Some(flag) = flags.get_mut(*record as usize) {
                            *flag = is_within(&range, *length);
                        }
                    }
                }
                flags
            };
            return self.datasets.iter().map(of).collect();
        }
        let Brush { task, ranges } = &self.brush;
        let is_in = |row: &&&Coherence| {
            let holds = |(value, range): &(Value, [f64; 2])| {
                value.of(row).is_some_and(|value| is_within(range, value))
            };
            row.task == *task && ranges.iter().all(holds)
        };
        let ids: BTreeSet<&RecordId> = rows.iter().filter(is_in).map(|r| &r.id).collect();
        let of = |dataset: &Dataset| {
            let records = &dataset.records;
            let is_in = |ix| records.id(ix).is_some_and(|id| ids.contains(&id));
            (0..records.len()).map(is_in).collect()
        };
        self.datasets.iter().map(|(_, dataset, _)| of(dataset)).collect()
    }

    /// The lengths of the flagged records in a panel.
    fn lengths_of(&self, flags: &[Vec<bool>], panel: &PanelOf) -> Vec<Chosen<'_>> {
        let mut chosen = Groups::default();
        let (upright, value) = match (panel.x, panel.y) {
            (Some(value), _) => (false, value),
            (None, Some(value)) => (true, value),
            (None, None) => return Vec::new(),
        };
        let place = |length| if upright { [f64::NAN, length] } else { [length, f64::NAN] };
        for ((_, _, lengths), flags) in self.datasets.iter().zip(flags) {
            let groups = lengths.iter().flat_map(|lengths| &lengths.groups);
            let is_here = |group: &&Group| {
                Value::Length(group.field, group.unit) == value
                    && panel.task.as_ref().is_none_or(|task| *task == group.task)
            };
            for group in groups.filter(is_here) {
                let values = group.records.iter().zip(&group.lengths);
                let is_chosen = |record: u32| flags.get(record as usize).is_some_and(|flag| *flag);
                for (_, length) in values.filter(|(record, _)| is_chosen(**record)) {
                    chosen.add(&group.task, &group.strategy, place(*length), None);
                }
            }
        }
        chosen.finish()
    }

    /// The rows of the flagged records.
    fn chosen_rows<'a>(&self, flags: &[Vec<bool>], rows: &[&'a Coherence]) -> Vec<&'a Coherence> {
        let measured: BTreeSet<&RecordId> = rows.iter().map(|row| &row.id).collect();
        if measured.is_empty() {
            return Vec::new();
        }
        let ids = self.datasets.iter().zip(flags).flat_map(|((_, dataset, _), flags)| {
            let flagged = flags.iter().enumerate().filter(|(_, flag)| **flag);
            flagged.filter_map(|(ix, _)| dataset.records.id(ix))
        });
        let ids: BTreeSet<RecordId> = ids.filter(|id| measured.contains(id)).collect();
        rows.iter().filter(|row| ids.contains(&row.id)).copied().collect()
    }
}

/// The values of these rows in a panel.
fn gains_of<'a>(rows: &[&'a Coherence], panel: &PanelOf) -> Vec<Chosen<'a>> {
    let mut chosen = Groups::default();
    for row in rows.iter().filter(|row| panel.task.as_ref().is_none_or(|task| *task == row.task)) {
        let of = |value: Option<Value>| match value {
            Some(value) => value.of(row),
            None => Some(f64::NAN),
        };
        if let (Some(x), Some(y)) = (of(panel.x), of(panel.y)) {
            chosen.add(&row.task, &row.strategy, [x, y], Some(row.id.as_str()));
        }
    }
    chosen.finish()
}

/// Where records stand, and their ids.
type Spots<'a> = (Vec<[f64; 2]>, Vec<&'a str>);

#[derive(Default)]
struct Groups<'a>(BTreeMap<(&'a str, &'a StrategyId), Spots<'a>>);

impl<'a> Groups<'a> {
    fn add(&mut self, task: &'a str, strategy: &'a StrategyId, at: [f64; 2], id: Option<&'a str>) {
        let (xy, ids) = self.0.entry((task, strategy)).or_default();
        xy.push(at);
        ids.extend(id);
    }

    fn finish(self) -> Vec<Chosen<'a>> {
        let groups = self.0.into_iter();
        groups.map(|((task, strategy), (xy, ids))| Chosen { task, strategy, xy, ids }).collect()
    }
}
