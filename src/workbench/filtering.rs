//! Which records of the inputs are wanted: an expression asked of each of them.

use super::opening::read_rows;
use super::{WorkbenchError, loading};
use crate::coherence::Coherence;
use crate::data::filter::{Filter, Measure, Part, RecordRow, Unit, Value};
use crate::data::{Dataset, Record, RecordId, StrategyId};
use crate::job::Watch;
use crate::lengths::{self, Counter, Field, LengthsError};
use crate::model::{ChatTemplate, Tokenizer};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// An expression, and what it may ask for beside the records.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterWish {
    /// The expression.
    pub filter: Filter,
    /// Files of coherence rows.
    pub rows: Vec<PathBuf>,
    /// Counts tokens: a `tokenizer.json`, a `.gguf` or a name of the catalogue.
    pub tokenizer: Option<String>,
}

/// An expression with all that it asks for at hand.
pub(super) struct Filtering<'a> {
    filter: &'a Filter,
    rows: Vec<Coherence>,
    counted: Option<(Tokenizer, Option<ChatTemplate>)>,
}

impl FilterWish {
    /// Reads what the expression asks for.
    ///
    /// # Errors
    /// [`WorkbenchError::Wish`] where it asks for what was not given; else those of reading.
    pub(super) fn prepare(&self, watch: &Watch) -> Result<Filtering<'_>, WorkbenchError> {
        self.check()?;
        let needs = self.filter.needs();
        let counted = self.tokenizer.as_deref().filter(|_| needs.tokens());
        let counted = counted.map(|name| loading::tokenizer(name, watch)).transpose()?;
        let mut rows = Vec::new();
        for path in self.rows.iter().filter(|_| needs.measure().is_some()) {
            let read = read_rows(path, watch)?;
            rows.extend(read.ok_or_else(|| {
                WorkbenchError::Refused(format!(
                    "{} holds no coherence rows; give a file that `backstory coherence --out` wrote",
                    path.display()
                ))
            })?);
        }
        Ok(Filtering { filter: &self.filter, rows, counted })
    }

    /// Refuses an expression that asks for what was not given.
    ///
    /// # Errors
    /// [`WorkbenchError::Wish`].
    pub(super) fn check(&self) -> Result<(), WorkbenchError> {
        let needs = self.filter.needs();
        if let Some(measure) = needs.measure().filter(|_| self.rows.is_empty()) {
            let name = measure.name();
            return Err(WorkbenchError::Wish(format!(
                "the filter asks for {name}, which stands in coherence rows and not in records; give the \
                 rows with --rows FILE (`backstory coherence --out FILE` writes them)"
            )));
        }
        if needs.tokens() && self.tokenizer.is_none() {
            return Err(WorkbenchError::Wish(
                "the filter asks for len_tokens and there is no tokenizer; give one with --tokenizer (a \
                 tokenizer.json, a .gguf file or a model of the catalogue), or use len_words"
                    .into(),
            ));
        }
        Ok(())
    }
}

impl Filtering<'_> {
    /// Which records of a dataset are wanted.
    ///
    /// # Errors
    /// Those of counting, and a cancel.
    pub(super) fn flags(
        &self,
        dataset: &Dataset,
        watch: &Watch,
    ) -> Result<Vec<bool>, WorkbenchError> {
        watch.stage("filtering records", dataset.records.len() as u64);
        // Of a record that was measured twice, the last row counts.
        let key = |row: &'_ Coherence| (row.id.clone(), row.strategy.clone());
        let rows: BTreeMap<(RecordId, StrategyId), &Coherence> =
            self.rows.iter().map(|row| (key(row), row)).collect();
        let flag = |_, record: &Record| {
            let row = match rows.is_empty() {
                true => None,
                false => rows.get(&(record.id.clone(), record.strategy.clone())).copied(),
            };
            self.wants(record, row)
        };
        let flags = dataset.records.par_map::<_, WorkbenchError>(watch, flag)?;
        self.warn(dataset, &flags, &rows, watch);
        Ok(flags)
    }

    fn wants(&self, record: &Record, row: Option<&Coherence>) -> Result<bool, WorkbenchError> {
        let counter = Counter {
            tokenizer: self.counted.as_ref().map(|(tokenizer, _)| tokenizer),
            template: self.counted.as_ref().and_then(|(_, template)| template.as_ref()),
        };
        let failed: RefCell<Option<LengthsError>> = RefCell::new(None);
        let count = |part, unit| {
            counter.length(record, field(part), counted_in(unit)).unwrap_or_else(|error| {
                *failed.borrow_mut() = Some(error);
                None
            })
        };
        let measured = |measure| row.map_or(Value::Missing, |row| value(row, measure));
        let row = RecordRow { record, measured: Some(&measured), count: Some(&count) };
        let wants = self.filter.wants(&row);
        match failed.into_inner() {
            Some(error) => Err(error.into()),
            None => Ok(wants),
        }
    }

    /// Says where a filter does what nobody can have meant.
    fn warn(
        &self,
        dataset: &Dataset,
        flags: &[bool],
        rows: &BTreeMap<(RecordId, StrategyId), &Coherence>,
        watch: &Watch,
    ) {
        let path = dataset.path.display();
        if !flags.is_empty() && !flags.contains(&true) {
            watch.warn(format!("{path}: the filter wants none of its {} records", flags.len()));
        }
        let records = &dataset.records;
        let of_dataset = |ix| {
            let key = records.id(ix).zip(records.row(ix).map(|row| row.strategy.clone()));
            key.is_some_and(|key| rows.contains_key(&key))
        };
        if self.filter.needs().measure().is_some() && !(0..records.len()).any(of_dataset) {
            watch.warn(format!(
                "{path}: none of its records has a coherence row, so that the filter finds nothing measured; \
                 measure this file with `backstory coherence`"
            ));
        }
    }
}

/// A dataset without the records that are not wanted.
pub(super) fn kept(dataset: Arc<Dataset>, flags: &[bool]) -> Arc<Dataset> {
    if !flags.contains(&false) {
        return dataset;
    }
    loading::with_records(&dataset, dataset.records.flagged(flags))
}

fn field(part: Part) -> Field {
    match part {
        Part::Context => Field::Context,
        Part::Instruction => Field::Instruction,
        Part::Answer => Field::Answer,
        Part::Prompt => Field::Prompt,
    }
}

fn counted_in(unit: Unit) -> lengths::Unit {
    match unit {
        Unit::Chars => lengths::Unit::Chars,
        Unit::Words => lengths::Unit::Words,
        Unit::Tokens => lengths::Unit::Tokens,
    }
}

fn value(row: &Coherence, measure: Measure) -> Value<'static> {
    let number = |number: Option<f64>| number.map_or(Value::Missing, Value::Number);
    let count = |n: usize| Value::Number(n as f64);
    match measure {
        Measure::InstructionGain => number(row.instruction_gain),
        Measure::InstructionGainShuffled => number(row.instruction_gain_shuffled),
        Measure::InstructionDependence => number(row.instruction_dependence),
        Measure::AnswerGain => number(row.answer_gain),
        Measure::AnswerGainShuffled => number(row.answer_gain_shuffled),
        Measure::AnswerDependence => number(row.answer_dependence),
        Measure::ContextIfd => number(row.context_ifd),
        Measure::OwnRank => number(row.own_rank),
        Measure::AucInstruction => number(row.auc_instruction),
        Measure::AucAnswer => number(row.auc_answer),
        Measure::AnswerInContext => row.answer_in_context.map_or(Value::Missing, Value::Bool),
        Measure::AnswerPosition => number(row.answer_position),
        Measure::InstructionOverlap => number(row.instruction_overlap),
        Measure::NContextTokens => count(row.n_context_tokens),
        Measure::NInstructionTokens => count(row.n_instruction_tokens),
        Measure::NAnswerTokens => count(row.n_answer_tokens),
        Measure::KeptTokens => count(row.kept_tokens),
        Measure::Truncated => Value::Bool(row.truncated),
    }
}
