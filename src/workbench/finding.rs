//! Finding records: which of the open ones hold a text, by task and strategy, of which an expression
//! holds; and in which order.

mod order;
#[cfg(test)]
mod tests;

pub use order::{Sort, SortBy};

use super::filtering::{Asking, KnownOf, counted_in, field};
use super::{Links, WorkbenchError};
use crate::data::filter::{Filter, Needs, Part, Unit};
use crate::data::{Dataset, Matcher, Record, Reviews, Row, SearchText};
use crate::job::Watch;
use crate::lengths::Lengths;
use crate::prompt::Task;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Find records.
#[derive(Debug, Clone, Default)]
pub struct FindJob {
    /// Where to look.
    pub datasets: Vec<Searched>,
    /// What the instruction, an answer or the context must hold, or the id begin with. Empty: anything.
    pub search: SearchText,
    /// The task; `None`: any.
    pub task: Option<String>,
    /// The strategy; `None`: any.
    pub strategy: Option<String>,
    /// Tasks that are left out, by their canonical names.
    pub without: BTreeSet<String>,
    /// Only these, which are in order; `None`: any.
    pub only: Option<Arc<Vec<Place>>>,
    /// What must hold of them; `None`: nothing.
    pub filter: Option<Arc<Filter>>,
    /// Their order; `None`: that of the files.
    pub sort: Option<Sort>,
    /// What filter and order may ask for beside the records.
    pub beside: Beside,
}

/// A dataset that is searched, with what was counted of it before.
#[derive(Debug, Clone)]
pub struct Searched {
    /// The caller's number for it.
    pub key: u64,
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// Words of each record's context; of no record where they were not counted.
    pub n_context_words: Arc<Vec<u32>>,
    /// Its lengths, tokens among them only if the tokenizer of [`Beside`] counted them.
    pub lengths: Option<Arc<Lengths>>,
}

/// What is known of records beside what stands in them.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// Counts tokens: a `tokenizer.json`, a `.gguf` or a name of the catalogue.
    pub tokenizer: Option<String>,
    /// Which coherence row is of which record.
    pub links: Option<Arc<Links>>,
    /// What a person said of them.
    pub reviews: Arc<Reviews>,
}

/// A found record: the caller's number of its dataset, and its place in it.
pub type Place = (u64, usize);

pub(super) fn run(job: &FindJob, watch: &Watch) -> Result<Vec<Place>, WorkbenchError> {
    let tokenizer = job.beside.tokenizer.as_deref();
    let reviews = || Some(job.beside.reviews.clone());
    let asking = job.filter.as_deref();
    let asking =
        asking.map(|filter| Asking::new(filter, tokenizer, reviews(), watch)).transpose()?;
    let mut found = Vec::new();
    for searched in &job.datasets {
        let flags = job.flags(searched, asking.as_ref(), watch)?;
        let wanted = flags.into_iter().enumerate().filter(|(_, flag)| *flag);
        found.extend(wanted.map(|(ix, _)| (searched.key, ix)));
    }
    match job.sort {
        Some(sort) => order::sorted(found, sort, job, watch),
        None => Ok(found),
    }
}

impl FindJob {
    /// Which records of a dataset are wanted. What is quickly known is asked first, so that a record is
    /// read only if all the rest fits.
    fn flags(
        &self,
        searched: &Searched,
        asking: Option<&Asking<'_>>,
        watch: &Watch,
    ) -> Result<Vec<bool>, WorkbenchError> {
        watch.check()?;
        let records = &searched.dataset.records;
        let may_be = |(ix, row): (usize, Row<'_>)| {
            let is_chosen =
                |only: &Arc<Vec<Place>>| only.binary_search(&(searched.key, ix)).is_ok();
            self.only.as_ref().is_none_or(is_chosen) && self.wants(row)
        };
        let mut flags: Vec<bool> = records.rows().enumerate().map(may_be).collect();
        if let Some((asking, filter)) = asking.zip(self.filter.as_deref()) {
            let links = self.beside.links.as_deref();
            let row = |ix| links.and_then(|links| links.row_of((searched.key, ix)));
            let known = KnownOf { row: &row, lengths: searched.lengths_for(filter.needs()) };
            let holds = asking.flags(&searched.dataset, &known, watch)?;
            flags.iter_mut().zip(holds).for_each(|(flag, holds)| *flag &= holds);
        }
        if !self.search.is_empty() {
            let matcher = self.search.matcher().map_err(WorkbenchError::Wish)?;
            let id = self.search.text.trim().to_lowercase();
            let chosen = records.flagged(&flags);
            let hits = chosen.par_map::<bool, WorkbenchError>(watch, |_, record| {
                let is_id = !self.search.regex && record.id.as_str().starts_with(&id);
                Ok(is_id || holds(record, &matcher))
            })?;
            let wanted = flags.iter_mut().filter(|flag| **flag);
            wanted.zip(hits).for_each(|(flag, hit)| *flag = hit);
        }
        Ok(flags)
    }

    fn wants(&self, row: Row<'_>) -> bool {
        let is =
            |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|w| w == value);
        is(&self.task, row.task)
            && is(&self.strategy, row.strategy.as_str())
            && !self.without.contains(Task::canonical(row.task))
    }
}

impl Searched {
    /// Of the lengths that an expression asks for those that were counted before.
    fn lengths_for(&self, needs: &Needs) -> BTreeMap<(Part, Unit), Vec<Option<f64>>> {
        let known = |(part, unit): &(Part, Unit)| Some(((*part, *unit), self.known(*part, *unit)?));
        needs.lengths.iter().filter_map(known).collect()
    }

    /// Tokens of each record's context, if they were counted before; `None` where there is no context.
    pub fn context_tokens(&self) -> Option<Vec<Option<f64>>> {
        self.known(Part::Context, Unit::Tokens)
    }

    /// The length of a part of each record, if it was counted before.
    fn known(&self, part: Part, unit: Unit) -> Option<Vec<Option<f64>>> {
        let records = &self.dataset.records;
        if (part, unit) == (Part::Context, Unit::Words) {
            let has_context = |ix: usize| records.row(ix).is_some_and(|row| row.has_context());
            let words = self.n_context_words.iter().enumerate();
            let words = words.map(|(ix, n)| has_context(ix).then_some(f64::from(*n)));
            return (self.n_context_words.len() == records.len()).then(|| words.collect());
        }
        let (field, unit) = (field(part), counted_in(unit));
        let lengths = self.lengths.as_ref()?;
        let is_it = |group: &&crate::lengths::Group| group.field == field && group.unit == unit;
        lengths
            .groups
            .iter()
            .any(|group| is_it(&group))
            .then(|| lengths.of_each(&self.dataset, field, unit))
    }
}

/// Whether what is searched for stands anywhere in a record.
fn holds(record: &Record, matcher: &Matcher) -> bool {
    matcher.is_in(&record.instruction)
        || record.answers.iter().any(|answer| matcher.is_in(answer))
        || record.context.as_deref().is_some_and(|context| matcher.is_in(context))
}
