//! The records of a dataset, held in memory or read when they are asked for.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use rayon::prelude::*;

use super::index::Index;
use super::scan::Entry;
use super::{DataError, Record, RecordId, StrategyId};
use crate::job::{Cancelled, Watch};

/// Records in their file's order. Those of a small file are held; of a large one only the places are,
/// and what is said of a record without its texts ([`Records::row`]).
#[derive(Clone)]
pub struct Records {
    kept: Kept,
    /// Which of those that are kept; none: the first `n`.
    chosen: Option<Arc<[u32]>>,
    n: usize,
}

#[derive(Clone)]
enum Kept {
    Held(Arc<[Arc<Record>]>),
    Indexed(Arc<Index>),
}

/// What is known of a record without reading it.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Its task.
    pub task: &'a str,
    /// Its strategy.
    pub strategy: &'a StrategyId,
    /// Its line in the file, from 1.
    pub line: usize,
    chars: Chars<'a>,
}

/// How many characters a record's texts have: known, or to be counted when somebody asks, as that takes
/// its time for a long text.
#[derive(Debug, Clone, Copy)]
enum Chars<'a> {
    Known { n_instruction: usize, n_context: Option<usize> },
    Of(&'a Record),
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = if self.is_held() { "held" } else { "indexed" };
        write!(f, "Records({} {kept})", self.n)
    }
}

impl From<Vec<Record>> for Records {
    fn from(records: Vec<Record>) -> Self {
        let records: Arc<[_]> = records.into_iter().map(Arc::new).collect();
        Self { n: records.len(), chosen: None, kept: Kept::Held(records) }
    }
}

impl From<Index> for Records {
    fn from(index: Index) -> Self {
        Self { n: index.len(), chosen: None, kept: Kept::Indexed(Arc::new(index)) }
    }
}

impl Records {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Whether all are in memory, so that reading one takes no time.
    pub fn is_held(&self) -> bool {
        matches!(self.kept, Kept::Held(_))
    }

    /// The first of them, at most so many.
    pub fn first(&self, n: usize) -> Self {
        Self { kept: self.kept.clone(), chosen: self.chosen.clone(), n: self.n.min(n) }
    }

    /// Those that are flagged.
    pub fn flagged(&self, flags: &[bool]) -> Self {
        let flagged = flags.iter().enumerate().filter(|(_, flag)| **flag);
        let chosen: Arc<[u32]> =
            flagged.filter_map(|(ix, _)| Some(self.place(ix)? as u32)).collect();
        Self { kept: self.kept.clone(), n: chosen.len(), chosen: Some(chosen) }
    }

    /// Where a record is among those that are kept.
    fn place(&self, ix: usize) -> Option<usize> {
        match &self.chosen {
            _ if ix >= self.n => None,
            None => Some(ix),
            Some(chosen) => chosen.get(ix).map(|ix| *ix as usize),
        }
    }

    /// The records from `from` on that are read together.
    fn block(&self, index: &Index, from: usize) -> Vec<u32> {
        let places = || (from..self.n).filter_map(|ix| Some(self.place(ix)? as u32));
        places().take(index.n_together(places())).collect()
    }

    /// One record; `None` behind the last.
    ///
    /// # Errors
    /// [`DataError::Changed`] where the file is no longer the one that was opened, or the system's error.
    pub fn get(&self, ix: usize) -> Result<Option<Arc<Record>>, DataError> {
        let Some(ix) = self.place(ix) else { return Ok(None) };
        match &self.kept {
            Kept::Held(records) => Ok(records.get(ix).cloned()),
            Kept::Indexed(index) => index.read(ix).map(Some),
        }
    }

    /// One record, if that takes no reading: it is held, or was read not long ago.
    pub fn peek(&self, ix: usize) -> Option<Arc<Record>> {
        let ix = self.place(ix)?;
        match &self.kept {
            Kept::Held(records) => records.get(ix).cloned(),
            Kept::Indexed(index) => index.peek(ix),
        }
    }

    /// All of them, in memory: for work that needs them at once.
    ///
    /// # Errors
    /// As [`Records::get`].
    pub fn all(&self) -> Result<Vec<Arc<Record>>, DataError> {
        self.iter().collect()
    }

    /// What is known of a record without reading it.
    pub fn row(&self, ix: usize) -> Option<Row<'_>> {
        let ix = self.place(ix)?;
        match &self.kept {
            Kept::Held(records) => records.get(ix).map(|record| Row::of(record)),
            Kept::Indexed(index) => {
                let entry = index.entry(ix)?;
                let n_context = Some(entry.n_context_chars as usize)
                    .filter(|_| entry.n_context_chars != Entry::NO_CONTEXT);
                Some(Row {
                    task: index.task(entry),
                    strategy: index.strategy(entry)?,
                    line: entry.line as usize,
                    chars: Chars::Known {
                        n_instruction: entry.n_instruction_chars as usize,
                        n_context,
                    },
                })
            }
        }
    }

    /// What is known of each record without reading it, in their order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.n).map_while(|ix| self.row(ix))
    }

    /// A record's id, without reading it.
    pub fn id(&self, ix: usize) -> Option<RecordId> {
        self.id_number(ix).map(RecordId::from_number)
    }

    /// The digits of a record's id as a number, which is smaller and sooner compared than their text.
    pub fn id_number(&self, ix: usize) -> Option<u64> {
        self.numbers(ix).map(|numbers| numbers[0])
    }

    /// The digits of a record's seed id as a number.
    pub fn seed_number(&self, ix: usize) -> Option<u64> {
        self.numbers(ix).map(|numbers| numbers[1])
    }

    fn numbers(&self, ix: usize) -> Option<[u64; 2]> {
        let ix = self.place(ix)?;
        match &self.kept {
            Kept::Held(records) => {
                records.get(ix).map(|record| [record.id.number(), record.seed_id.number()])
            }
            Kept::Indexed(index) => index.numbers(ix),
        }
    }

    /// All records in their order. A large file is read block by block, so that a loop over it holds
    /// no more than a block.
    pub fn iter(&self) -> impl Iterator<Item = Result<Arc<Record>, DataError>> + '_ {
        Iter { records: self, next: 0, block: VecDeque::new(), failed: false }
    }

    /// Calls `each` for every record, on all cores, and gives what it returns in the records' order.
    ///
    /// # Errors
    /// As [`Records::get`], what `each` returns, or the work was cancelled.
    pub fn par_map<T: Send, E: Send + From<DataError> + From<Cancelled>>(
        &self,
        watch: &Watch,
        each: impl Fn(usize, &Record) -> Result<T, E> + Sync,
    ) -> Result<Vec<T>, E> {
        let one = |ix: usize, record: &Record| {
            // A pause waited for here would hold a thread that all of the program shares.
            if watch.is_cancelled() {
                return Err(Cancelled.into());
            }
            let result = each(ix, record)?;
            watch.advance(1);
            Ok(result)
        };
        let index = match &self.kept {
            Kept::Held(records) => {
                let record = |ix: usize| records.get(self.place(ix)?);
                let each = (0..self.n).into_par_iter().filter_map(|ix| Some((ix, record(ix)?)));
                return each.map(|(ix, record)| one(ix, record)).collect();
            }
            Kept::Indexed(index) => index,
        };
        let mut all = Vec::with_capacity(self.n);
        while all.len() < self.n {
            watch.check()?;
            let begin = all.len();
            let records = index.read_many(&self.block(index, begin))?;
            let results = records.par_iter().enumerate();
            let results: Result<Vec<T>, E> =
                results.map(|(at, record)| one(begin + at, record)).collect();
            all.extend(results?);
        }
        Ok(all)
    }

    /// The words of each record's context, 0 where there is none.
    ///
    /// # Errors
    /// As [`Records::get`], or the work was cancelled.
    pub fn context_words(&self, watch: &Watch) -> Result<Vec<u32>, DataError> {
        match &self.kept {
            Kept::Held(_) => self.par_map(watch, |_, record| {
                let words = record.context.as_deref().map(|text| text.split_whitespace().count());
                Ok(words.unwrap_or(0) as u32)
            }),
            Kept::Indexed(index) => {
                let words = index.context_words(watch)?;
                let of = |ix| words.get(self.place(ix)?).copied();
                Ok((0..self.n).filter_map(of).collect())
            }
        }
    }
}

impl<'a> Row<'a> {
    /// What is known of a record that is there.
    pub fn of(record: &'a Record) -> Self {
        Self {
            task: &record.task,
            strategy: &record.strategy,
            line: record.source.line,
            chars: Chars::Of(record),
        }
    }

    /// Characters of its instruction.
    pub fn n_instruction_chars(&self) -> usize {
        match self.chars {
            Chars::Known { n_instruction, .. } => n_instruction,
            Chars::Of(record) => record.instruction.chars().count(),
        }
    }

    /// Characters of its context, if it has one.
    pub fn n_context_chars(&self) -> Option<usize> {
        match self.chars {
            Chars::Known { n_context, .. } => n_context,
            Chars::Of(record) => record.context.as_deref().map(|text| text.chars().count()),
        }
    }

    /// Whether it has a context, and that is not empty.
    pub fn has_context(&self) -> bool {
        match self.chars {
            Chars::Known { n_context, .. } => n_context > Some(0),
            Chars::Of(record) => record.context.as_deref().is_some_and(|text| !text.is_empty()),
        }
    }
}

struct Iter<'a> {
    records: &'a Records,
    next: usize,
    block: VecDeque<Arc<Record>>,
    failed: bool,
}

impl Iterator for Iter<'_> {
    type Item = Result<Arc<Record>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || (self.next >= self.records.n && self.block.is_empty()) {
            return None;
        }
        if let Kept::Held(records) = &self.records.kept {
            let record = self.records.place(self.next).and_then(|ix| records.get(ix)).cloned();
            self.next += 1;
            return record.map(Ok);
        }
        if self.block.is_empty()
            && let Kept::Indexed(index) = &self.records.kept
        {
            let block = self.records.block(index, self.next);
            self.next += block.len();
            match index.read_many(&block) {
                Ok(records) => self.block = records.into(),
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        self.block.pop_front().map(Ok)
    }
}
