//! Records out of the program, as the files that others train on.
//!
//! Here belongs what a training file looks like and which records can stand in one. Our own JSONL
//! is `data`'s form and only offered here; the wording of a task's prompt belongs in `prompt`, a
//! model's chat format in `model`, choosing the records in `workbench` and the doors.

mod card;
mod chat;
mod columns;
mod error;
mod registry;
mod split;
mod trainers;

pub use card::{Card, card};
pub use error::ExportError;
pub use registry::register;
pub use split::Split;
pub use trainers::{GENERAL, Recipe, Text, set_name, texts, write_texts};

use crate::data::{self, Dataset, Record, StrategyId};
use crate::job::Watch;
use crate::model::Tokenizer;
use crate::prompt::PromptPack;
use card::CardOf;
use chat::Exchange;
use columns::{Cells, Columns, Parquet};
use serde::Serialize;
use split::Side;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A form that records are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Our own JSONL: nothing is lost.
    Jsonl,
    /// One conversation a line: the task's prompt as the user's message, the first answer as the
    /// assistant's (`PAPER.md` section 1, Training text).
    Messages,
    /// The same as ShareGPT writes it, under `conversations`.
    ShareGpt,
    /// The same as Alpaca's `instruction`, `input` (empty) and `output`.
    Alpaca,
    /// `messages` with the `length` that LongAlign sorts and packs by.
    LongAlign,
    /// Our own fields as columns.
    Parquet,
    /// Our own fields as cells.
    Csv,
}

/// What of a record is in its prompt: the two arms of the tuning gap (`PAPER.md` section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arm {
    /// The task's prompt with the context.
    #[default]
    WithContext,
    /// The task's prompt with its document part taken out; in our own forms, records without contexts.
    WithoutContext,
}

impl Arm {
    /// Both.
    pub const ALL: [Self; 2] = [Self::WithContext, Self::WithoutContext];

    /// What it is called on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::WithContext => "with-context",
            Self::WithoutContext => "without-context",
        }
    }
}

/// How records are to be written.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The form.
    pub format: Format,
    /// With or without contexts.
    pub arm: Arm,
    /// The wording of prompts.
    pub pack: &'a PromptPack,
    /// Counts LongAlign's lengths; without it they are words.
    pub tokenizer: Option<&'a Tokenizer>,
    /// Which seeds go to a second file.
    pub split: Option<Split>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The file.
    pub path: PathBuf,
    /// Records in it.
    pub n_written: usize,
    /// Records that the form has no place for.
    pub n_left_out: usize,
    /// The file of the seeds that are kept for validation, and its records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<(PathBuf, usize)>,
    /// What should be known of the records that were written, those for validation too.
    #[serde(skip)]
    pub card: Card,
}

impl Format {
    /// Every format, the one that loses nothing first.
    pub const ALL: [Self; 7] = [
        Self::Jsonl,
        Self::Messages,
        Self::ShareGpt,
        Self::Alpaca,
        Self::LongAlign,
        Self::Parquet,
        Self::Csv,
    ];

    /// How it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Messages => "messages",
            Self::ShareGpt => "sharegpt",
            Self::Alpaca => "alpaca",
            Self::LongAlign => "longalign",
            Self::Parquet => "parquet",
            Self::Csv => "csv",
        }
    }

    /// The format of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The ending of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            _ => "jsonl",
        }
    }

    /// Whether a line is an exchange to train on, rather than a record.
    pub fn is_chat(self) -> bool {
        !matches!(self, Self::Jsonl | Self::Parquet | Self::Csv)
    }
}

/// Which records are written: the dataset's number and the record's, from 0.
pub type Wanted<'a> = dyn Fn(usize, usize) -> bool + 'a;

/// Writes records to `path` in their order, record by record, so that any number of them takes little
/// memory. A file of that name is replaced once all is written; after an error or a cancel it is as it
/// was.
///
/// # Errors
/// See [`ExportError`].
pub fn write(
    datasets: &[Arc<Dataset>],
    wanted: &Wanted<'_>,
    wish: &Wish<'_>,
    path: &Path,
    watch: &Watch,
) -> Result<Exported, ExportError> {
    watch.check()?;
    let rows = |at: usize, dataset: &Dataset| {
        (0..dataset.records.len()).filter(move |ix| wanted(at, *ix)).count()
    };
    let n_records = datasets.iter().enumerate().map(|(at, dataset)| rows(at, dataset)).sum();
    check_target(datasets, n_records, path)?;
    let mut export = Export {
        datasets,
        wanted,
        wish,
        watch,
        n_records,
        columns: Columns::default(),
        card: CardOf::default(),
        n_left_out: 0,
        n_tests: 0,
        n_longer: 0,
    };
    if matches!(wish.format, Format::Parquet | Format::Csv) {
        watch.stage("looking at columns", n_records as u64);
        let mut columns = Columns::default();
        export.each(|record| {
            columns.add(&record);
            Ok(())
        })?;
        export.columns = columns;
    }
    let validation = wish.split.map(|split| (split, split::beside(path)));
    let stage = if validation.is_some() { "writing the training file" } else { "writing records" };
    let n_written =
        export.file(path, stage, validation.as_ref().map(|(split, _)| (*split, Side::Training)))?;
    let validation = match validation {
        None => None,
        Some((split, path)) => {
            let n = export.file(
                &path,
                "writing the validation file",
                Some((split, Side::Validation)),
            )?;
            Some((path, n))
        }
    };
    export.warn(path);
    let n_left_out = export.n_left_out;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let card = export.card.finish(&name, Vec::new());
    Ok(Exported { path: path.to_path_buf(), n_written, n_left_out, validation, card })
}

fn check_target(
    datasets: &[Arc<Dataset>],
    n_records: usize,
    path: &Path,
) -> Result<(), ExportError> {
    let to = || path.to_path_buf();
    if path.is_dir() {
        return Err(ExportError::Folder { path: to() });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(ExportError::NoFolder { path: to(), folder: folder.to_path_buf() });
    }
    if n_records == 0 {
        return Err(ExportError::NoRecords { path: to() });
    }
    // What is not there yet is nobody's source.
    let Ok(target) = fs::canonicalize(path) else { return Ok(()) };
    let is_target = |source: &Path| fs::canonicalize(source).is_ok_and(|source| source == target);
    match datasets.iter().any(|dataset| is_target(&dataset.path)) {
        true => Err(ExportError::OverSource { path: to() }),
        false => Ok(()),
    }
}

/// An export on its way.
struct Export<'a> {
    datasets: &'a [Arc<Dataset>],
    wanted: &'a Wanted<'a>,
    wish: &'a Wish<'a>,
    watch: &'a Watch,
    n_records: usize,
    columns: Columns,
    card: CardOf,
    n_left_out: usize,
    n_tests: usize,
    n_longer: usize,
}

impl Export<'_> {
    /// Hands every wanted record on, in their order.
    fn each(
        &self,
        mut take: impl FnMut(Arc<Record>) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        for (at, dataset) in self.datasets.iter().enumerate() {
            for (ix, record) in dataset.records.iter().enumerate() {
                self.watch.check()?;
                if (self.wanted)(at, ix) {
                    take(record?)?;
                    self.watch.advance(1);
                }
            }
        }
        Ok(())
    }

    /// Writes one file; of a split only the records of one side.
    fn file(
        &mut self,
        path: &Path,
        stage: &str,
        side: Option<(Split, Side)>,
    ) -> Result<usize, ExportError> {
        self.watch.stage(stage, self.n_records as u64);
        let mut result = Ok(0);
        let written = data::write_atomic(path, |file| {
            result = self.rows(file, side);
            match &result {
                Ok(_) => Ok(()),
                // Why it ended is told by the result; the writer below knows only the system's errors.
                Err(_) => Err(io::Error::other("the export ended")),
            }
        });
        let n_written = match (result, written) {
            (Err(ExportError::Io(cause)), _) => {
                let doing = "writing";
                return Err(data::DataError::Write { path: path.into(), doing, cause }.into());
            }
            (Err(failed), _) => return Err(failed),
            (Ok(n_written), written) => written.map(|()| n_written)?,
        };
        Ok(n_written)
    }

    fn rows(
        &mut self,
        file: &mut BufWriter<File>,
        side: Option<(Split, Side)>,
    ) -> Result<usize, ExportError> {
        let mut writer = match self.wish.format {
            Format::Csv => Rows::Cells(Box::new(Cells::new(&self.columns, file)?)),
            Format::Parquet => Rows::Parquet(Box::new(Parquet::new(&self.columns, file)?)),
            _ => Rows::Lines(file),
        };
        let (mut n_written, mut n_seen) = (0, 0);
        let mut card = std::mem::take(&mut self.card);
        let (mut n_left_out, mut n_tests, mut n_longer) = (0, 0, 0);
        self.each(|record| {
            if side.is_some_and(|(split, side)| split.side(&record.seed_id) != side) {
                return Ok(());
            }
            n_seen += 1;
            if !self.row(&mut writer, &record)? {
                n_left_out += 1;
                return Ok(());
            }
            n_written += 1;
            n_tests += usize::from(record.strategy == StrategyId::test());
            n_longer += usize::from(chat::says_more(&record));
            card.add(&record);
            Ok(())
        })?;
        self.card = card;
        self.n_left_out += n_left_out;
        self.n_tests += n_tests;
        self.n_longer += n_longer;
        if n_written == 0 && n_seen > 0 {
            let format = self.wish.format.name();
            return Err(ExportError::NoneUsable { format, n_records: n_seen });
        }
        writer.finish()?;
        Ok(n_written)
    }

    /// Writes a record; false where the form has no place for it.
    fn row(&self, writer: &mut Rows<'_>, record: &Arc<Record>) -> Result<bool, ExportError> {
        let wish = self.wish;
        if wish.format.is_chat() {
            let Some(exchange) = Exchange::of(record, wish.arm, wish.pack)? else {
                return Ok(false);
            };
            writer.line(&exchange.line(wish)?)?;
            return Ok(true);
        }
        // A context alone is nothing without it.
        if wish.arm == Arm::WithoutContext && record.instruction.is_empty() {
            return Ok(false);
        }
        let record = match wish.arm {
            Arm::WithContext => record.clone(),
            Arm::WithoutContext => Arc::new(Record { context: None, ..Record::clone(record) }),
        };
        match writer {
            Rows::Lines(_) => writer.line(&*record)?,
            Rows::Cells(cells) => cells.add(&record)?,
            Rows::Parquet(parquet) => parquet.add(record)?,
        }
        Ok(true)
    }

    /// Says what of the records does not come along, or should not be trained on.
    fn warn(&self, path: &Path) {
        let Self { n_left_out, n_tests, n_longer, n_records, watch, .. } = self;
        if *n_left_out > 0 {
            watch.warn(format!(
                "{n_left_out} of {n_records} records left out of {}: they have no instruction or no answer, \
                 so there is nothing to train on",
                path.display()
            ));
        }
        if !self.wish.format.is_chat() {
            return;
        }
        if *n_tests > 0 {
            watch.warn(format!(
                "{n_tests} of the exported records are a benchmark's (strategy `test`): a model that is \
                 trained on them cannot be measured with them"
            ));
        }
        if *n_longer > 0 {
            watch.warn(format!(
                "{n_longer} of the exported records come from conversations with a system text or more \
                 turns: only the first question and its answer are in the file; `jsonl` keeps all"
            ));
        }
        if self.wish.format == Format::LongAlign && self.wish.tokenizer.is_none() {
            watch.warn("`length` counts words, as no tokenizer is given");
        }
    }
}

/// What rows are written with.
enum Rows<'a> {
    Lines(&'a mut BufWriter<File>),
    Cells(Box<Cells<&'a mut BufWriter<File>>>),
    Parquet(Box<Parquet<&'a mut BufWriter<File>>>),
}

impl Rows<'_> {
    fn line(&mut self, row: &impl Serialize) -> Result<(), ExportError> {
        if let Self::Lines(file) = self {
            serde_json::to_writer(&mut **file, row).map_err(io::Error::from)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    }

    fn finish(self) -> Result<(), ExportError> {
        match self {
            Self::Lines(_) => Ok(()),
            Self::Cells(cells) => Ok(cells.finish()?),
            Self::Parquet(parquet) => Ok(parquet.finish()?),
        }
    }
}

#[cfg(test)]
mod tests;
