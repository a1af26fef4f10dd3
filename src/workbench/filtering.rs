//! Which records of the inputs are wanted: an expression asked of each of them.

use super::opening::rows_of;
use super::{WorkbenchError, loading};
use crate::coherence::Coherence;
use crate::data::filter::{Filter, LightRow, Measure, Part, RecordRow, Unit, Value};
use crate::data::{Dataset, Record, RecordId, Reviews, StrategyId};
use crate::job::Watch;
use crate::lengths::{self, Counter, Field, LengthsError};
use crate::model::{ChatTemplate, Tokenizer, catalogue};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// An expression, and what it may ask for beside the records.
#[derive(Debug, Clone)]
pub struct FilterWish {
    /// The expression.
    pub filter: Filter,
    /// Files of coherence rows.
    pub rows: Vec<PathBuf>,
    /// Counts tokens: a `tokenizer.json`, a `.gguf` or a name of the catalogue.
    pub tokenizer: Option<String>,
    /// What a person said of records; `None`: what the window has kept of that.
    pub reviews: Option<Arc<Reviews>>,
}

/// An expression with all that it asks for at hand, but for the coherence rows.
pub(super) struct Asking<'a> {
    filter: &'a Filter,
    counted: Option<(Tokenizer, Option<ChatTemplate>)>,
    reviews: Option<Arc<Reviews>>,
}

/// An expression with all that it asks for at hand.
pub(super) struct Filtering<'a> {
    asking: Asking<'a>,
    rows: Vec<Coherence>,
}

/// What is known of a dataset's records before any is read.
pub(super) struct KnownOf<'a> {
    /// The newest coherence row of a record.
    pub row: &'a (dyn Fn(usize) -> Option<&'a Coherence> + Sync),
    /// The lengths that were counted, in the order of the records.
    pub lengths: BTreeMap<(Part, Unit), Vec<Option<f64>>>,
}

impl FilterWish {
    /// Reads what the expression asks for.
    ///
    /// # Errors
    /// [`WorkbenchError::Wish`] where it asks for what was not given; else those of reading.
    pub(super) fn prepare(&self, watch: &Watch) -> Result<Filtering<'_>, WorkbenchError> {
        self.check()?;
        let mut rows = Vec::new();
        for path in self.rows.iter().filter(|_| self.filter.needs().measure().is_some()) {
            rows.extend(rows_of(path, watch)?);
        }
        let tokenizer = self.tokenizer.as_deref();
        let asking = Asking::new(&self.filter, tokenizer, self.reviews.clone(), watch)?;
        Ok(Filtering { asking, rows })
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
        let key = |row: &Coherence| (row.id.clone(), row.strategy.clone());
        let rows: BTreeMap<(RecordId, StrategyId), &Coherence> =
            self.rows.iter().map(|row| (key(row), row)).collect();
        let records = &dataset.records;
        let row = |ix: usize| {
            if rows.is_empty() {
                return None;
            }
            let key = records.id(ix).zip(records.row(ix).map(|row| row.strategy.clone()))?;
            rows.get(&key).copied()
        };
        let known = KnownOf { row: &row, lengths: BTreeMap::new() };
        let flags = self.asking.flags(dataset, &known, watch)?;
        self.warn(dataset, &flags, |ix| row(ix).is_some(), watch);
        Ok(flags)
    }

    /// Says where a filter does what nobody can have meant.
    fn warn(
        &self,
        dataset: &Dataset,
        flags: &[bool],
        is_measured: impl Fn(usize) -> bool,
        watch: &Watch,
    ) {
        let path = dataset.path.display();
        if !flags.is_empty() && !flags.contains(&true) {
            watch.warn(format!("{path}: the filter wants none of its {} records", flags.len()));
        }
        let asks = self.asking.filter.needs().measure().is_some();
        if asks && !(0..flags.len()).any(is_measured) {
            watch.warn(format!(
                "{path}: none of its records has a coherence row, so that the filter finds nothing measured; \
                 measure this file with `backstory coherence`"
            ));
        }
    }
}

impl<'a> Asking<'a> {
    /// Reads what the expression asks for.
    ///
    /// # Errors
    /// Those of reading the tokenizer or the reviews.
    pub(super) fn new(
        filter: &'a Filter,
        tokenizer: Option<&str>,
        reviews: Option<Arc<Reviews>>,
        watch: &Watch,
    ) -> Result<Self, WorkbenchError> {
        let needs = filter.needs();
        let counted = tokenizer.filter(|_| needs.tokens());
        let counted = counted.map(|name| loading::tokenizer(name, watch)).transpose()?;
        let reviews = match reviews {
            None if needs.reviews() => {
                let path = Reviews::path_in(&catalogue::home()?);
                let (reviews, n_damaged) = Reviews::read(&path)?;
                if n_damaged > 0 {
                    let path = path.display();
                    watch.warn(format!("{path}: {n_damaged} damaged lines left out"));
                }
                Some(Arc::new(reviews))
            }
            reviews => reviews,
        };
        Ok(Self { filter, counted, reviews })
    }

    /// Which records of a dataset are wanted. Those of a large file are read only where the expression
    /// asks for what is not known of them.
    ///
    /// # Errors
    /// Those of reading and counting, and a cancel.
    pub(super) fn flags(
        &self,
        dataset: &Dataset,
        known: &KnownOf<'_>,
        watch: &Watch,
    ) -> Result<Vec<bool>, WorkbenchError> {
        let records = &dataset.records;
        let is_counted = |part, unit| known.lengths.contains_key(&(part, unit));
        if !records.is_held() && LightRow::answers(self.filter.needs(), is_counted) {
            return self.light_flags(dataset, known, watch);
        }
        records.par_map(watch, |ix, record| self.wants(ix, record, known))
    }

    fn light_flags(
        &self,
        dataset: &Dataset,
        known: &KnownOf<'_>,
        watch: &Watch,
    ) -> Result<Vec<bool>, WorkbenchError> {
        const OFTEN: usize = 1 << 14;
        let records = &dataset.records;
        let mut flags = Vec::with_capacity(records.len());
        for (ix, row) in records.rows().enumerate() {
            if ix % OFTEN == 0 {
                watch.check()?;
            }
            let id = records.id_number(ix).unwrap_or_default();
            let measured = (known.row)(ix).map(|row| move |measure| value(row, measure));
            let light = LightRow {
                known: row,
                path: &dataset.path,
                ids: [id, records.seed_number(ix).unwrap_or_default()],
                measured: measured.as_ref().map(|measured| measured as _),
                review: self.reviews.as_ref().and_then(|reviews| reviews.of_number(id)),
                counted: &|part, unit| counted(known, ix, part, unit).flatten(),
            };
            flags.push(self.filter.wants(&light));
        }
        watch.advance(records.len() as u64);
        Ok(flags)
    }

    fn wants(
        &self,
        ix: usize,
        record: &Record,
        known: &KnownOf<'_>,
    ) -> Result<bool, WorkbenchError> {
        let counter = Counter {
            tokenizer: self.counted.as_ref().map(|(tokenizer, _)| tokenizer),
            template: self.counted.as_ref().and_then(|(_, template)| template.as_ref()),
        };
        let failed: RefCell<Option<LengthsError>> = RefCell::new(None);
        let count = |part, unit| {
            if let Some(length) = counted(known, ix, part, unit) {
                return length;
            }
            counter.length(record, field(part), counted_in(unit)).unwrap_or_else(|error| {
                *failed.borrow_mut() = Some(error);
                None
            })
        };
        let row = (known.row)(ix);
        let measured = |measure| row.map_or(Value::Missing, |row| value(row, measure));
        let review = self.reviews.as_ref().and_then(|reviews| reviews.get(&record.id));
        let row = RecordRow { record, measured: Some(&measured), count: Some(&count), review };
        let wants = self.filter.wants(&row);
        match failed.into_inner() {
            Some(error) => Err(error.into()),
            None => Ok(wants),
        }
    }
}

/// The length of a part of a record: `None` where nobody has counted it, `Some(None)` where the record
/// lacks the part.
fn counted(known: &KnownOf<'_>, ix: usize, part: Part, unit: Unit) -> Option<Option<f64>> {
    known.lengths.get(&(part, unit)).map(|lengths| lengths.get(ix).copied().flatten())
}

/// A dataset without the records that are not wanted.
pub(super) fn kept(dataset: Arc<Dataset>, flags: &[bool]) -> Arc<Dataset> {
    if !flags.contains(&false) {
        return dataset;
    }
    loading::with_records(&dataset, dataset.records.flagged(flags))
}

pub(super) fn field(part: Part) -> Field {
    match part {
        Part::Context => Field::Context,
        Part::Instruction => Field::Instruction,
        Part::Answer => Field::Answer,
        Part::Prompt => Field::Prompt,
    }
}

pub(super) fn counted_in(unit: Unit) -> lengths::Unit {
    match unit {
        Unit::Chars => lengths::Unit::Chars,
        Unit::Words => lengths::Unit::Words,
        Unit::Tokens => lengths::Unit::Tokens,
    }
}

/// What a coherence row says, as a number; yes is 1, no 0, and `None` what it does not say.
pub fn measured(row: &Coherence, measure: Measure) -> Option<f64> {
    match value(row, measure) {
        Value::Number(number) => Some(number),
        Value::Bool(is) => Some(f64::from(u8::from(is))),
        _ => None,
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
