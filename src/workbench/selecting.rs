//! From a range of a plot to the records in it, and to where they stand in the other plots.

use super::{Drawn, OpenRows, Place, WorkbenchError};
use crate::coherence::{Coherence, Measure};
use crate::data::{Dataset, RecordId, StrategyId};
use crate::figure::Figure;
use crate::job::Watch;
use crate::lengths::{Field, Lengths, Unit};
use crate::report::{self, Brushed, Chosen, LengthsView};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A range of a plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Brush {
    /// What the plot's axis measures.
    pub value: BrushValue,
    /// The task whose records were brushed.
    pub task: String,
    /// From where to where, both included; an end may be infinite.
    pub range: [f64; 2],
}

/// What can be brushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrushValue {
    /// The length of a part.
    Length(Field, Unit),
    /// A measure of coherence.
    Coherence(Measure),
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
    /// The figure of lengths and what it shows.
    pub lengths: Option<(Drawn, LengthsView)>,
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
    let lengths = job.lengths.as_ref().map(|(drawn, view)| {
        let brushed = job.brushed_length(drawn, *view);
        let chosen = job.lengths_of(&flags, *view);
        report::lengths_with_selection(&drawn.figure, &drawn.tasks, &chosen, brushed)
    });
    watch.check()?;
    let coherence = job.coherence.as_ref().map(|drawn| {
        let chosen = job.gains_of(&flags, &rows);
        let brushed = job.brushed_gain(drawn);
        report::gains_with_selection(&drawn.figure, &drawn.tasks, &chosen, brushed)
    });
    Ok(Selected {
        places: Arc::new(places),
        lengths: lengths.map(Arc::new),
        coherence: coherence.map(Arc::new),
    })
}

/// The measures of the panels of the coherence figure, in their order.
pub const GAINS: [Measure; 2] = [Measure::InstructionGain, Measure::AnswerGain];

impl Brush {
    fn holds(&self, value: f64) -> bool {
        (self.range[0]..=self.range[1]).contains(&value)
    }
}

impl SelectJob {
    /// For each dataset, which of its records are in the range.
    fn flags(&self, rows: &[&Coherence]) -> Vec<Vec<bool>> {
        let empty = |dataset: &Dataset| vec![false; dataset.records.len()];
        match self.brush.value {
            BrushValue::Length(field, unit) => {
                let flags = self.datasets.iter().map(|(_, dataset, lengths)| {
                    let mut flags = empty(dataset);
                    let groups = lengths.iter().flat_map(|lengths| &lengths.groups);
                    for group in groups.filter(|group| {
                        (group.field, group.unit) == (field, unit) && group.task == self.brush.task
                    }) {
                        for (record, length) in group.records.iter().zip(&group.lengths) {
                            if let Some(flag) = flags.get_mut(*record as usize) {
                                *flag = self.brush.holds(*length);
                            }
                        }
                    }
                    flags
                });
                flags.collect()
            }
            BrushValue::Coherence(measure) => {
                let is_in = |row: &&&Coherence| {
                    row.task == self.brush.task
                        && measure.of(row).is_some_and(|value| self.brush.holds(value))
                };
                let ids: BTreeSet<&RecordId> = rows.iter().filter(is_in).map(|r| &r.id).collect();
                let flags = self.datasets.iter().map(|(_, dataset, _)| {
                    dataset.records.iter().map(|record| ids.contains(&record.id)).collect()
                });
                flags.collect()
            }
        }
    }

    fn brushed_length(&self, drawn: &Drawn, view: LengthsView) -> Option<Brushed> {
        let Brush { value, task, range } = &self.brush;
        let is_shown = *value == BrushValue::Length(view.field, view.unit);
        let panel = drawn.tasks.iter().position(|name| name == task).filter(|_| is_shown)?;
        Some(Brushed { panel, task: None, range: *range })
    }

    fn brushed_gain(&self, drawn: &Drawn) -> Option<Brushed> {
        let Brush { value, task, range } = &self.brush;
        let panel = GAINS.iter().position(|gain| *value == BrushValue::Coherence(*gain))?;
        let task = drawn.tasks.iter().position(|name| name == task);
        Some(Brushed { panel, task: Some(task?), range: *range })
    }

    fn lengths_of(&self, flags: &[Vec<bool>], view: LengthsView) -> Vec<Chosen> {
        let mut chosen = Groups::default();
        for ((_, _, lengths), flags) in self.datasets.iter().zip(flags) {
            let groups = lengths.iter().flat_map(|lengths| &lengths.groups);
            for group in groups.filter(|g| (g.field, g.unit) == (view.field, view.unit)) {
                let values = group.records.iter().zip(&group.lengths);
                let is_chosen = |record: u32| flags.get(record as usize).is_some_and(|flag| *flag);
                let values = values.filter(|(record, _)| is_chosen(**record)).map(|(_, n)| *n);
                chosen.add(&group.task, &group.strategy, values);
            }
        }
        chosen.finish()
    }

    /// The gains of the flagged records, for each panel.
    fn gains_of(&self, flags: &[Vec<bool>], rows: &[&Coherence]) -> Vec<Vec<Chosen>> {
        let measured: BTreeSet<&RecordId> = rows.iter().map(|row| &row.id).collect();
        if measured.is_empty() {
            return vec![Vec::new(); GAINS.len()];
        }
        let records = self.datasets.iter().zip(flags).flat_map(|((_, dataset, _), flags)| {
            dataset.records.iter().zip(flags).filter(|(_, flag)| **flag).map(|(record, _)| record)
        });
        let ids = records.map(|record| &record.id).filter(|id| measured.contains(id));
        let ids: BTreeSet<&RecordId> = ids.collect();
        let of = |measure: &Measure| {
            let mut chosen = Groups::default();
            for row in rows.iter().filter(|row| ids.contains(&row.id)) {
                chosen.add(&row.task, &row.strategy, measure.of(row).into_iter());
            }
            chosen.finish()
        };
        GAINS.iter().map(of).collect()
    }
}

#[derive(Default)]
struct Groups<'a>(BTreeMap<(&'a str, &'a StrategyId), Vec<f64>>);

impl<'a> Groups<'a> {
    fn add(&mut self, task: &'a str, strategy: &'a StrategyId, values: impl Iterator<Item = f64>) {
        let mut values = values.peekable();
        if values.peek().is_some() {
            self.0.entry((task, strategy)).or_default().extend(values);
        }
    }

    fn finish(self) -> Vec<Chosen> {
        let groups = self.0.into_iter();
        let chosen = |((task, strategy), values): ((&str, &StrategyId), _)| Chosen {
            task: task.to_owned(),
            strategy: strategy.clone(),
            values,
        };
        groups.map(chosen).collect()
    }
}
