//! A file that is too large to be held: where its records stand, and reading them when they are asked for.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rayon::prelude::*;

use super::gather::{self, Keep, Known, Reading};
use super::lines::parse_line;
use super::read::ReadOptions;
use super::record::{Numbering, Values};
use super::scan::{Entries, Entry, scan};
use super::sniff::read_error;
use super::source::{Source, Spool};
use super::{DataError, Record, RecordId, StrategyId, fields};
use crate::job::Watch;

/// What is read at once when all records are gone through, in bytes.
const BLOCK_BYTES: u64 = 4 << 20;

/// Parsed records that are kept because they may be asked for again, in bytes of their lines.
const CACHE_BYTES: usize = 64 << 20;

/// The records of one file, of which only the places are held.
pub(super) struct Index {
    path: PathBuf,
    source: Source,
    /// How the file was when it was opened; none for a copy of our own.
    stamp: Option<Stamp>,
    map: Vec<(String, String)>,
    options: ReadOptions,
    entries: Vec<Entry>,
    tasks: Vec<String>,
    strategies: Vec<StrategyId>,
    /// Ids and seed ids.
    names: Vec<[u64; 2]>,
    cache: Mutex<Cache>,
}

/// What tells a file from the same file after somebody wrote to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    n_bytes: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { n_bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl Index {
    /// Looks through JSONL where it stands; ids are not known before [`Index::name`].
    ///
    /// # Errors
    /// See [`scan`].
    pub fn of_lines(
        reading: Reading<'_>,
        source: Source,
        start: u64,
        options: &ReadOptions,
    ) -> Result<(Self, Known), DataError> {
        let failed = |cause: io::Error| read_error(reading.path, cause);
        let stamp = match &source {
            Source::File(file) => Some(Stamp::of(&file.metadata().map_err(failed)?)),
            Source::Unpacked(_) => None,
        };
        let (entries, known) = scan(reading, &source, start)?;
        let mut index = Self::new(reading.path, source, entries);
        index.stamp = stamp;
        index.map = reading.map.to_vec();
        index.options = options.clone();
        index.apply_options();
        Ok((index, known))
    }

    fn new(path: &Path, source: Source, entries: Entries) -> Self {
        Self {
            path: path.into(),
            source,
            stamp: None,
            map: Vec::new(),
            options: ReadOptions::default(),
            entries: entries.all,
            tasks: entries.tasks.all,
            strategies: entries.strategies.all,
            names: Vec::new(),
            cache: Mutex::new(Cache::default()),
        }
    }

    fn apply_options(&mut self) {
        if let Some(task) = &self.options.task {
            self.tasks = vec![task.clone()];
            self.entries.iter_mut().for_each(|entry| entry.task = 0);
        }
        if let Some(strategy) = &self.options.strategy {
            self.strategies = vec![strategy.clone()];
            self.entries.iter_mut().for_each(|entry| entry.strategy = 0);
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn entry(&self, ix: usize) -> Option<&Entry> {
        self.entries.get(ix)
    }

    pub fn task(&self, entry: &Entry) -> &str {
        self.tasks.get(entry.task as usize).map_or("", String::as_str)
    }

    pub fn strategy(&self, entry: &Entry) -> Option<&StrategyId> {
        self.strategies.get(entry.strategy as usize)
    }

    /// Records and mean characters of a context, by task; records without a context count as empty.
    pub fn tasks(&self) -> BTreeMap<String, (usize, f64)> {
        let mut sums = vec![(0_usize, 0_u64); self.tasks.len()];
        for entry in &self.entries {
            let Some((n, sum)) = sums.get_mut(entry.task as usize) else { continue };
            let n_chars = Some(entry.n_context_chars).filter(|n| *n != Entry::NO_CONTEXT);
            (*n, *sum) = (*n + 1, *sum + u64::from(n_chars.unwrap_or(0)));
        }
        let named = self.tasks.iter().zip(sums).filter(|(_, (n, _))| *n > 0);
        named.map(|(task, (n, sum))| (task.clone(), (n, sum as f64 / n as f64))).collect()
    }

    /// Whether the records have ids.
    pub fn is_named(&self) -> bool {
        self.names.len() == self.entries.len()
    }

    /// A record's id and seed id, as numbers.
    pub fn numbers(&self, ix: usize) -> Option<[u64; 2]> {
        self.names.get(ix).copied()
    }

    /// One record.
    ///
    /// # Errors
    /// The file has changed, or cannot be read.
    pub fn read(&self, ix: usize) -> Result<Arc<Record>, DataError> {
        if let Some(record) = self.cache().get(ix) {
            return Ok(record);
        }
        self.check_unchanged()?;
        let entry = self.entries.get(ix).ok_or_else(|| self.changed())?;
        let mut bytes = vec![0; entry.n_bytes as usize];
        let n_read = self.source.read_at(&mut bytes, entry.at);
        let n_read = n_read.map_err(|cause| read_error(&self.path, cause))?;
        let record = Arc::new(self.parse(ix, bytes.get(..n_read).unwrap_or_default())?);
        self.cache().put(ix, record.clone(), bytes.len());
        Ok(record)
    }

    /// One record, if it was read not long ago.
    pub fn peek(&self, ix: usize) -> Option<Arc<Record>> {
        self.cache().get(ix)
    }

    /// Records whose numbers go up, read together and parsed on all cores.
    ///
    /// # Errors
    /// As [`Index::read`].
    pub fn read_many(&self, ixs: &[u32]) -> Result<Vec<Arc<Record>>, DataError> {
        self.with_bytes(ixs, |ix, _, bytes| self.parse(ix, bytes).map(Arc::new))?
            .into_iter()
            .collect()
    }

    /// How many of these records, whose numbers go up, are read together.
    pub fn n_together(&self, ixs: impl IntoIterator<Item = u32>) -> usize {
        let mut begin = None;
        let is_near = |ix: &u32| {
            let at = self.entries.get(*ix as usize).map_or(0, |entry| entry.at);
            at < *begin.get_or_insert(at) + BLOCK_BYTES
        };
        ixs.into_iter().take_while(is_near).count()
    }

    /// Calls `each` for records, whose numbers go up, with the bytes of their lines.
    fn with_bytes<T: Send>(
        &self,
        ixs: &[u32],
        each: impl Fn(usize, &Entry, &[u8]) -> T + Sync,
    ) -> Result<Vec<T>, DataError> {
        let mut bytes = Vec::new();
        let begin = self.read_lines(ixs, &mut bytes)?;
        ixs.par_iter().map(|ix| self.with_line(*ix, begin, &bytes, &each)).collect()
    }

    /// Reads the lines of records, whose numbers go up, and all between them; gives where they begin.
    fn read_lines(&self, ixs: &[u32], bytes: &mut Vec<u8>) -> Result<u64, DataError> {
        self.check_unchanged()?;
        let entry = |ix: &u32| self.entries.get(*ix as usize).ok_or_else(|| self.changed());
        let (Some(first), Some(last)) = (ixs.first(), ixs.last()) else { return Ok(0) };
        let (first, last) = (entry(first)?, entry(last)?);
        bytes.resize((last.at + u64::from(last.n_bytes) - first.at) as usize, 0);
        let n_read = self.source.read_at(bytes, first.at);
        match n_read.map_err(|cause| read_error(&self.path, cause))? < bytes.len() {
            true => Err(self.changed()),
            false => Ok(first.at),
        }
    }

    fn with_line<T>(
        &self,
        ix: u32,
        begin: u64,
        bytes: &[u8],
        each: impl Fn(usize, &Entry, &[u8]) -> T,
    ) -> Result<T, DataError> {
        let entry = self.entries.get(ix as usize).ok_or_else(|| self.changed())?;
        let at = (entry.at - begin) as usize;
        let line = bytes.get(at..at + entry.n_bytes as usize).unwrap_or_default();
        Ok(each(ix as usize, entry, line))
    }

    /// Goes through all records, block by block.
    fn each_block<T: Send>(
        &self,
        watch: &Watch,
        each: impl Fn(usize, &Entry, &[u8]) -> Result<T, DataError> + Sync,
        mut take: impl FnMut(T),
    ) -> Result<(), DataError> {
        let all: Vec<u32> = (0..self.len() as u32).collect();
        let mut rest = &all[..];
        let mut blocks = Vec::new();
        while !rest.is_empty() {
            let (block, others) = rest.split_at(self.n_together(rest.iter().copied()));
            rest = others;
            blocks.push(block);
        }
        // Each thread reads its own blocks, so that none waits for the disk of another.
        let one = |bytes: &mut Vec<u8>, block: &&[u32]| {
            let begin = self.read_lines(block, bytes)?;
            let each = |ix: &u32| self.with_line(*ix, begin, bytes, &each)?;
            block.iter().map(each).collect::<Result<Vec<T>, DataError>>()
        };
        for group in blocks.chunks(4 * rayon::current_num_threads()) {
            watch.check()?;
            let results: Vec<_> = group.par_iter().map_init(Vec::new, one).collect();
            for results in results {
                let results = results?;
                watch.advance(results.len() as u64);
                results.into_iter().for_each(&mut take);
            }
        }
        Ok(())
    }

    fn parse(&self, ix: usize, line: &[u8]) -> Result<Record, DataError> {
        // The line was a record when the file was opened.
        let object = parse_line(line).map_err(|_| self.changed())?;
        let fields = fields::read_fields(object, &self.map).map_err(|_| self.changed())?;
        let number = self.entries.get(ix).map_or(0, |entry| entry.line as usize);
        let mut record = gather::record(fields, &self.path, number, &gather::stem(&self.path));
        self.options.apply(&mut record);
        if let Some([id, seed_id]) = self.numbers(ix).map(|two| two.map(RecordId::from_number)) {
            (record.id, record.seed_id) = (id, seed_id);
        }
        Ok(record)
    }

    /// Gives all records their ids, which takes reading them all.
    ///
    /// # Errors
    /// As [`Index::read`], or the reading was cancelled.
    pub fn name(&mut self, watch: &Watch) -> Result<(), DataError> {
        watch.stage("naming records", self.len() as u64);
        let mut names = Numbering::default();
        let mut all = Vec::with_capacity(self.len());
        self.each_block(
            watch,
            |ix, _, bytes| Ok(Values::of(&self.parse(ix, bytes)?)),
            |values| {
                let (id, seed_id) = names.next(&values);
                all.push([id.number(), seed_id.number()]);
            },
        )?;
        self.names = all;
        Ok(())
    }

    /// The words of each record's context, 0 where there is none.
    ///
    /// # Errors
    /// As [`Index::name`].
    pub fn context_words(&self, watch: &Watch) -> Result<Vec<u32>, DataError> {
        watch.stage("counting words", self.len() as u64);
        let mut all = Vec::with_capacity(self.len());
        let count = |ix: usize, entry: &Entry, line: &[u8]| {
            let at = entry.context_at as usize;
            if let Some(raw) = line.get(at..at + entry.n_context_bytes as usize)
                && !raw.is_empty()
            {
                return Ok(super::light::n_words(raw) as u32);
            }
            let record = self.parse(ix, line)?;
            let words = record.context.as_deref().map(|text| text.split_whitespace().count());
            Ok(words.unwrap_or(0) as u32)
        };
        self.each_block(watch, count, |count| all.push(count))?;
        Ok(all)
    }

    fn check_unchanged(&self) -> Result<(), DataError> {
        let Some(stamp) = self.stamp else { return Ok(()) };
        let metadata = match &self.source {
            Source::File(file) => File::metadata(file),
            Source::Unpacked(_) => return Ok(()),
        };
        let metadata = metadata.map_err(|cause| read_error(&self.path, cause))?;
        if Stamp::of(&metadata) == stamp { Ok(()) } else { Err(self.changed()) }
    }

    fn changed(&self) -> DataError {
        DataError::Changed { path: self.path.clone() }
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records that were read last.
#[derive(Default)]
struct Cache {
    records: BTreeMap<usize, Cached>,
    /// Record by when it was last asked for.
    order: BTreeMap<u64, usize>,
    now: u64,
    n_bytes: usize,
}

struct Cached {
    record: Arc<Record>,
    n_bytes: usize,
    last: u64,
}

impl Cache {
    fn get(&mut self, ix: usize) -> Option<Arc<Record>> {
        let cached = self.records.get_mut(&ix)?;
        self.now += 1;
        self.order.remove(&cached.last);
        self.order.insert(self.now, ix);
        cached.last = self.now;
        Some(cached.record.clone())
    }

    fn put(&mut self, ix: usize, record: Arc<Record>, n_bytes: usize) {
        self.now += 1;
        let cached = Cached { record, n_bytes, last: self.now };
        if let Some(before) = self.records.insert(ix, cached) {
            self.order.remove(&before.last);
            self.n_bytes -= before.n_bytes;
        }
        self.order.insert(self.now, ix);
        self.n_bytes += n_bytes;
        while self.n_bytes > CACHE_BYTES && self.records.len() > 1 {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            let Some(gone) = self.records.remove(&oldest) else { break };
            self.n_bytes -= gone.n_bytes;
        }
    }
}

/// Records of a file that cannot be read at any place, written down as our own JSONL.
pub(super) struct Copied {
    spool: Spool,
    entries: Entries,
    names: Numbering,
    ids: Vec<[u64; 2]>,
    options: ReadOptions,
    line: Vec<u8>,
}

impl Copied {
    pub fn new(options: &ReadOptions) -> Self {
        Self {
            spool: Spool::new(),
            entries: Entries::default(),
            names: Numbering::default(),
            ids: Vec::new(),
            options: options.clone(),
            line: Vec::new(),
        }
    }

    pub fn finish(self, path: &Path) -> Result<Index, DataError> {
        let source = self.spool.finish().map_err(|cause| DataError::Spool { cause })?;
        let mut index = Index::new(path, source, self.entries);
        index.names = self.ids;
        Ok(index)
    }
}

impl Keep for Copied {
    fn keep(&mut self, mut record: Record) -> Result<(), DataError> {
        self.options.apply(&mut record);
        self.names.assign(&mut record);
        self.ids.push([record.id.number(), record.seed_id.number()]);
        self.line.clear();
        serde_json::to_writer(&mut self.line, &record)
            .map_err(|error| DataError::Spool { cause: error.into() })?;
        let at = self.entries.all.last().map_or(0, |entry| entry.at + u64::from(entry.n_bytes));
        self.entries.next = (at, self.line.len() as u32);
        self.spool.write_all(&self.line).map_err(|cause| DataError::Spool { cause })?;
        self.entries.keep(record)
    }

    fn n_kept(&self) -> usize {
        self.entries.n_kept()
    }
}

/// Records that are held while they are few, and written down once they are not: how much a file of packed
/// columns holds is known when it is read.
pub(super) struct Growing {
    held: Vec<Record>,
    n_bytes: u64,
    held_bytes: u64,
    copied: Option<Box<Copied>>,
    options: ReadOptions,
}

impl Growing {
    pub fn new(options: &ReadOptions, held_bytes: u64) -> Self {
        let options = options.clone();
        Self { held: Vec::new(), n_bytes: 0, held_bytes, copied: None, options }
    }

    /// The records, or where they stand.
    pub fn finish(self, path: &Path) -> Result<Result<Vec<Record>, Index>, DataError> {
        match self.copied {
            None => Ok(Ok(self.held)),
            Some(copied) => copied.finish(path).map(Err),
        }
    }
}

impl Keep for Growing {
    fn keep(&mut self, record: Record) -> Result<(), DataError> {
        if let Some(copied) = &mut self.copied {
            return copied.keep(record);
        }
        let context = record.context.as_ref().map_or(0, String::len);
        self.n_bytes += (context + record.instruction.len() + record.answer().len()) as u64;
        self.held.push(record);
        if self.n_bytes > self.held_bytes {
            let mut copied = Copied::new(&self.options);
            std::mem::take(&mut self.held).into_iter().try_for_each(|one| copied.keep(one))?;
            self.copied = Some(Box::new(copied));
        }
        Ok(())
    }

    fn n_kept(&self) -> usize {
        self.copied.as_ref().map_or(self.held.len(), |copied| copied.n_kept())
    }
}
