//! JSONL of any size, looked through in parallel: where each record stands, and what an index says of it.

use std::collections::BTreeMap;
use std::io;

use rayon::prelude::*;

use super::fields::read_fields;
use super::gather::{Gather, Keep, Known, Reading, stem};
use super::light::{Fitting, LightLine, Pattern, n_chars};
use super::sniff::{BYTE_ORDER_MARK, read_error};
use super::source::Source;
use super::{DataError, Record, StrategyId, sniff};

/// What one thread looks through at a time, in bytes.
const PART_BYTES: u64 = 4 << 20;

/// Where a record stands, and what can be said of it without reading it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its first byte.
    pub at: u64,
    pub n_bytes: u32,
    pub line: u32,
    /// Number of its task.
    pub task: u32,
    /// Number of its strategy.
    pub strategy: u32,
    pub n_instruction_chars: u32,
    /// [`Entry::NO_CONTEXT`] where there is none.
    pub n_context_chars: u32,
    /// Where in the record the JSON string of the context stands; no bytes where that is not known.
    pub context_at: u32,
    pub n_context_bytes: u32,
}

impl Entry {
    pub const NO_CONTEXT: u32 = u32::MAX;
}

/// The entries of a file, or of a part of it.
#[derive(Default)]
pub(super) struct Entries {
    pub all: Vec<Entry>,
    pub tasks: Numbered<String>,
    pub strategies: Numbered<StrategyId>,
    /// Where the record that comes next stands: first byte, bytes.
    pub next: (u64, u32),
}

/// Things that occur over and over, each with the number of its first occurrence.
pub(super) struct Numbered<T> {
    pub all: Vec<T>,
    numbers: BTreeMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { all: Vec::new(), numbers: BTreeMap::new() }
    }
}

impl<T: Ord + Clone> Numbered<T> {
    pub fn number(&mut self, thing: &T) -> u32 {
        if let Some(number) = self.numbers.get(thing) {
            return *number;
        }
        // There are no more of them than lines, which are numbered so too.
        let number = self.all.len() as u32;
        self.all.push(thing.clone());
        self.numbers.insert(thing.clone(), number);
        number
    }
}

impl Keep for Entries {
    fn keep(&mut self, record: Record) -> Result<(), DataError> {
        let (at, n_bytes) = self.next;
        let n_context = record.context.as_deref().map(|text| text.chars().count() as u32);
        self.all.push(Entry {
            at,
            n_bytes,
            line: record.source.line as u32,
            task: self.tasks.number(&record.task),
            strategy: self.strategies.number(&record.strategy),
            n_instruction_chars: record.instruction.chars().count() as u32,
            n_context_chars: n_context.unwrap_or(Entry::NO_CONTEXT),
            context_at: 0,
            n_context_bytes: 0,
        });
        Ok(())
    }

    fn n_kept(&self) -> usize {
        self.all.len()
    }
}

impl Entries {
    fn append(&mut self, part: Self, n_lines: usize) {
        let tasks: Vec<u32> = part.tasks.all.iter().map(|task| self.tasks.number(task)).collect();
        let strategies = part.strategies.all.iter();
        let strategies: Vec<u32> = strategies.map(|one| self.strategies.number(one)).collect();
        let number = |numbers: &[u32], ix: u32| numbers.get(ix as usize).copied().unwrap_or(0);
        self.all.extend(part.all.into_iter().map(|entry| Entry {
            line: entry.line + n_lines as u32,
            task: number(&tasks, entry.task),
            strategy: number(&strategies, entry.strategy),
            ..entry
        }));
    }
}

/// Looks through all lines behind `start`.
///
/// # Errors
/// The file cannot be read, has a line that is too long, or no record; or the reading was cancelled.
pub(super) fn scan(
    reading: Reading<'_>,
    source: &Source,
    start: u64,
) -> Result<(Entries, Known), DataError> {
    let failed = |cause: io::Error| read_error(reading.path, cause);
    let n_bytes = source.n_bytes().map_err(failed)?;
    let begins: Vec<u64> = (start..n_bytes).step_by(PART_BYTES as usize).collect();
    reading.watch.stage("indexing", n_bytes);
    // A buffer for each thread: fresh memory has to be cleared first.
    let part = |bytes: &mut Vec<u8>, begin: &u64| {
        if reading.watch.is_cancelled() {
            return Err(crate::job::Cancelled.into());
        }
        let part = Part::read(reading, source, start, *begin, bytes)?;
        reading.watch.advance(PART_BYTES);
        Ok(part)
    };
    let parts: Result<Vec<Part<'_>>, DataError> =
        begins.par_iter().map_init(Vec::new, part).collect();
    let mut whole = Gather::new(reading, Entries::default());
    let mut n_lines = 0;
    for mut part in parts? {
        if n_lines + part.n_lines > u32::MAX as usize {
            let (path, limit) = (reading.path.into(), u32::MAX as usize);
            return Err(DataError::TooManyLines { path, limit });
        }
        whole.kept.append(std::mem::take(&mut part.gather.kept), n_lines);
        whole.append(part.gather, n_lines)?;
        n_lines += part.n_lines;
    }
    if !whole.any_json && !whole.skipped.is_empty() {
        let mut first = vec![0; 4096];
        let n_read = source.read_at(&mut first, start).map_err(failed)?;
        let line = first.get(..n_read).unwrap_or_default().trim_ascii_start();
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        return Err(whole.not_json(sniff::looks_like(line)));
    }
    whole.finish()
}

/// The lines that begin in one part of a file.
struct Part<'a> {
    gather: Gather<'a, Entries>,
    n_lines: usize,
    /// What the last line that was looked at closely looks like, and its strategy.
    pattern: Option<Pattern>,
    usual: StrategyId,
    /// The task of records that do not say theirs.
    stem: String,
}

impl<'a> Part<'a> {
    fn read(
        reading: Reading<'a>,
        source: &Source,
        start: u64,
        begin: u64,
        bytes: &mut Vec<u8>,
    ) -> Result<Self, DataError> {
        let mut part = Self {
            gather: Gather::new(reading, Entries::default()),
            n_lines: 0,
            pattern: None,
            usual: StrategyId::human(),
            stem: stem(reading.path),
        };
        let failed = |cause: io::Error| read_error(reading.path, cause);
        // A line begins behind the end of another, which may be the last byte before this part.
        let from = if begin > start { begin - 1 } else { begin };
        let n_own = (begin + PART_BYTES - from) as usize;
        bytes.resize(n_own, 0);
        let n_read = source.read_at(bytes, from).map_err(failed)?;
        bytes.truncate(n_read);
        let mut is_end = n_read < n_own;
        let mut at = match from < begin {
            false => 0,
            true => match memchr::memchr(b'\n', bytes) {
                Some(end) => end + 1,
                None => return Ok(part),
            },
        };
        while at < n_own && at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\n', rest).map(|end| at + end + 1) else {
                if is_end {
                    part.take_line(from + at as u64, rest)?;
                    break;
                }
                part.check_length(rest.len())?;
                // The part's last line goes on in the next; what is read grows with it.
                let n_before = bytes.len();
                let n_more = (n_before - at).max(1 << 20);
                bytes.resize(n_before + n_more, 0);
                let more = bytes.get_mut(n_before..).unwrap_or_default();
                let n_read = source.read_at(more, from + n_before as u64).map_err(failed)?;
                bytes.truncate(n_before + n_read);
                is_end = n_read < n_more;
                continue;
            };
            let line = bytes.get(at..end).unwrap_or_default();
            part.check_length(line.len())?;
            part.take_line(from + at as u64, line)?;
            at = end;
        }
        Ok(part)
    }

    fn check_length(&self, n_bytes: usize) -> Result<(), DataError> {
        let (path, limit_bytes) = (self.gather.path.into(), self.gather.limits.line_bytes);
        match n_bytes as u64 > limit_bytes {
            // The lines of earlier parts are not known here.
            true => Err(DataError::TooLong { path, line: self.n_lines + 1, limit_bytes }),
            false => Ok(()),
        }
    }

    fn take_line(&mut self, at: u64, line: &[u8]) -> Result<(), DataError> {
        self.n_lines += 1;
        let text = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        let at = at + (line.len() - text.len()) as u64;
        self.gather.kept.next = (at, text.len() as u32);
        if self.take_light(text)? {
            return Ok(());
        }
        match super::lines::parse_line(text) {
            Ok(value) => self.gather.take(self.n_lines, value),
            Err(reason) => self.gather.skip(self.n_lines, reason),
        }
    }

    /// Takes a line whose long texts need not be decoded; false where it is not such a line.
    fn take_light(&mut self, line: &[u8]) -> Result<bool, DataError> {
        let Some(light) = LightLine::read(line) else { return Ok(false) };
        if let Some(pattern) = &self.pattern
            && let Some(fitting) = pattern.fit(&light)
            && let Some(entry) = self.fitting(line, &fitting)
        {
            self.gather.kept.all.push(entry);
            return Ok(true);
        }
        let Some(object) = light.object() else { return Ok(false) };
        self.gather.note_keys(&object);
        let mut fields = match read_fields(object, self.gather.map) {
            Ok(fields) => fields,
            Err(reason) => {
                self.gather.any_json = true;
                return self.gather.skip(self.n_lines, reason).map(|()| true);
            }
        };
        let raw = |field: &str| {
            let (_, column) = fields.columns.iter().find(|(name, _)| *name == field)?;
            light.long(column)
        };
        // What is compared with other records must be known in full.
        if ["task", "strategy", "seed_id"].iter().any(|field| raw(field).is_some()) {
            return Ok(false);
        }
        let (context, instruction) = (raw("context"), raw("instruction"));
        self.gather.any_json = true;
        self.pattern = Pattern::of(&light, &fields.columns);
        self.usual = fields.strategy.clone();
        self.gather.note_columns(&mut fields);
        self.gather.keep(self.n_lines, fields)?;
        let Some(entry) = self.gather.kept.all.last_mut() else { return Ok(true) };
        if let Some(raw) = context {
            entry.n_context_chars = n_chars(raw).unwrap_or(0) as u32;
            (entry.context_at, entry.n_context_bytes) = span(line, raw);
        }
        if let Some(raw) = instruction {
            entry.n_instruction_chars = n_chars(raw).unwrap_or(0) as u32;
        }
        Ok(true)
    }

    /// The entry of a line that fits the pattern.
    fn fitting(&mut self, line: &[u8], fitting: &Fitting<'_>) -> Option<Entry> {
        let entries = &mut self.gather.kept;
        let (at, n_bytes) = entries.next;
        let n_instruction_chars = fitting.instruction.map_or(Some(0), n_chars)? as u32;
        let n_context_chars =
            fitting.context.map_or(Some(Entry::NO_CONTEXT as usize), n_chars)? as u32;
        let (context_at, n_context_bytes) = fitting.context.map_or((0, 0), |raw| span(line, raw));
        let task = fitting.task.as_deref().unwrap_or(&self.stem);
        let task = match entries.tasks.numbers.get(task) {
            Some(number) => *number,
            None => entries.tasks.number(&task.to_owned()),
        };
        let strategy = match &fitting.strategy {
            Some(name) => entries.strategies.number(&StrategyId::from(name.as_ref())),
            None => entries.strategies.number(&self.usual),
        };
        let line = self.n_lines as u32;
        Some(Entry {
            at,
            n_bytes,
            line,
            task,
            strategy,
            n_instruction_chars,
            n_context_chars,
            context_at,
            n_context_bytes,
        })
    }
}

/// Where a part of a line stands in it: first byte, bytes.
fn span(line: &[u8], part: &str) -> (u32, u32) {
    ((part.as_ptr() as usize - line.as_ptr() as usize) as u32, part.len() as u32)
}
