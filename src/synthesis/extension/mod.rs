//! Length extension by concatenation: the own context of a record among contexts of other records
//! (`PAPER.md` section 1), to a number of contexts or to a length of the whole prompt.
//!
//! Pure: how long texts and prompts are is told by a [`Ruler`]; files, pools' files and reports belong in
//! `workbench`, counting prompts in `lengths`.

mod alike;
mod choosing;
mod cuts;
mod joining;
mod pool;
mod position;
mod target;

pub use cuts::Measured;
pub use pool::{Pool, PoolWish};
pub use position::Position;
pub use target::target_lengths;

use crate::data::Record;
use crate::metrics::Plain;
use crate::seed::Stream;
use choosing::{Choosing, Chosen};
use joining::Joined;
use serde_json::{Map, Value, json};

/// How far a prompt may stay below its length, in units, before a last context is cut to fill it.
pub const SLACK: u64 = 24;

/// Between two contexts.
pub const GLUE: &str = "\n\n";

/// Says how long things are, in tokens or in words.
pub trait Ruler: Sync {
    /// What can go wrong.
    type Error: Send;
    /// The byte at which each unit of a text ends, in order.
    ///
    /// # Errors
    /// The ruler's own.
    fn ends(&self, text: &str) -> Result<Vec<usize>, Self::Error>;
    /// The length of the whole prompt of `record` with another context.
    ///
    /// # Errors
    /// The ruler's own.
    fn prompt(&self, record: &Record, context: &str) -> Result<u64, Self::Error>;
}

/// What is the same for all records of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Where the own context stands.
    pub position: Position,
    /// Whether a context that holds the answer may be put beside the own one.
    pub allow_answers: bool,
    /// The seed of every random choice.
    pub seed: u64,
    /// What else is said of the run in each record's provenance.
    pub told: Map<String, Value>,
}

/// How long a record shall become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Contexts, the own one included.
    Contexts(usize),
    /// Units of the whole prompt at most.
    Prompt(u64),
}

/// A record that was extended, or has its own context alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Extended {
    /// The record; its id is set when the dataset is written.
    pub record: Record,
    /// Contexts before the own one.
    pub slot: usize,
    /// Contexts beside the own one.
    pub n_distractors: usize,
    /// Whether contexts ran out before the size was reached.
    pub ran_out: bool,
    /// The length of the prompt as it was, where there is a prompt.
    pub before: Option<u64>,
    /// The length of the prompt as it is.
    pub after: Option<u64>,
}

/// Why a record is left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeftOut {
    /// There is nothing to extend.
    #[error("it has no context; join one with --join, or write one with `backstory synth`")]
    NoContext,
    /// Nothing is asked, so there is no prompt to be filled.
    #[error("it has no instruction, so that there is no prompt to fill; use --contexts")]
    NoInstruction,
    /// The prompt is too long without any other context.
    #[error(
        "its prompt has {length} {unit} with its own context alone, more than {most}; allow more"
    )]
    TooLong {
        /// The length of the prompt.
        length: u64,
        /// The most that it may have.
        most: u64,
        /// What is counted.
        unit: &'static str,
    },
}

/// What comes of a record.
pub type Outcome = Result<Extended, LeftOut>;

/// Extends the records of a run, one independent of the other.
pub struct Extension<'a, R> {
    /// Where other contexts come from.
    pub pool: &'a Pool<'a>,
    /// Says how long things are.
    pub ruler: &'a R,
    /// What it counts: `tokens` or `words`.
    pub unit: &'static str,
    /// What is the same for all.
    pub settings: &'a Settings,
}

impl<R: Ruler> Extension<'_, R> {
    /// Extends a record.
    ///
    /// The same record, pool, settings and size give the same bytes. A record to which nothing can be
    /// added keeps its own context alone, and all of that is its `gold_span`; one whose prompt is too long
    /// from the start is left out.
    ///
    /// # Errors
    /// The ruler's.
    pub fn extend(&self, record: &Record, size: Size) -> Result<Outcome, R::Error> {
        let Some(own) = record.context.as_deref().filter(|text| !text.trim().is_empty()) else {
            return Ok(Err(LeftOut::NoContext));
        };
        let asks = !record.instruction.is_empty();
        let before = asks.then(|| self.ruler.prompt(record, own)).transpose()?;
        if let Some(reason) = self.left_out(size, before) {
            return Ok(Err(reason));
        }
        let one = One { run: self, record, own };
        let (chosen, length) = one.choose(size, before)?;
        let joined = one.join(&chosen);
        let after = match (before, length) {
            (Some(_), None) => Some(self.ruler.prompt(record, &joined.text)?),
            (_, length) => length,
        };
        let told = self.told(size, joined.slot, after);
        Ok(Ok(Extended {
            slot: joined.slot,
            n_distractors: chosen.len(),
            ran_out: chosen.ran_out,
            before,
            after,
            record: joined.record(record, told),
        }))
    }

    fn left_out(&self, size: Size, before: Option<u64>) -> Option<LeftOut> {
        let unit = self.unit;
        match (size, before) {
            (Size::Prompt(_), None) => Some(LeftOut::NoInstruction),
            (Size::Prompt(most), Some(length)) if length > most => {
                Some(LeftOut::TooLong { length, most, unit })
            }
            _ => None,
        }
    }

    /// What the provenance says of the extension.
    fn told(&self, size: Size, slot: usize, length: Option<u64>) -> Map<String, Value> {
        let mut told = self.settings.told.clone();
        told.insert("seed".into(), json!(self.settings.seed));
        told.insert("slot".into(), json!(slot));
        if let Size::Prompt(most) = size {
            told.insert(format!("most_{}", self.unit), json!(most));
        }
        if let Some(length) = length {
            told.insert(format!("prompt_{}", self.unit), json!(length));
        }
        told
    }
}

/// One record on its way.
struct One<'a, R> {
    run: &'a Extension<'a, R>,
    record: &'a Record,
    own: &'a str,
}

impl<'a, R: Ruler> One<'a, R> {
    fn stream(&self, purpose: &str) -> Stream {
        let seed = self.run.settings.seed;
        Stream::new(seed, self.record.id.as_str(), &format!("extend/{purpose}"))
    }

    /// The own context among the chosen ones; the same ones give the same text.
    fn join(&self, chosen: &Chosen) -> Joined<'a> {
        let Settings { position, .. } = self.run.settings;
        let slot = position.slot(chosen.len(), &mut self.stream("slot"));
        Joined::new(self.own, self.run.pool, chosen, slot, &mut self.stream("order"))
    }

    /// Contexts to put beside the own one, and the length of the prompt with them where it was counted.
    fn choose(&self, size: Size, before: Option<u64>) -> Result<(Chosen, Option<u64>), R::Error> {
        let Settings { allow_answers, .. } = self.run.settings;
        let answers = self.record.answers.iter().map(|answer| Plain::new(answer));
        let answers = answers.filter(|answer| !allow_answers && !answer.is_commonplace()).collect();
        let stream = self.stream("pool");
        let mut choosing = Choosing::new(self.run.pool, self.record, self.own, answers, stream);
        let most = match size {
            Size::Contexts(n) => return Ok((choosing.count(n.saturating_sub(1)), None)),
            Size::Prompt(most) => most,
        };
        let measure = |chosen: &Chosen| match chosen.len() {
            0 => Ok(before.unwrap_or_default()),
            _ => self.run.ruler.prompt(self.record, &self.join(chosen).text),
        };
        let (chosen, length) = choosing.fill(most, measure)?;
        Ok((chosen, Some(length)))
    }
}

#[cfg(test)]
mod tests;
