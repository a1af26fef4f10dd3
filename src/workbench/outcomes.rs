//! What the journal of `synth` holds of a finished seed.

use crate::data::{Record, RecordId, Source, StrategyId};
use crate::synthesis::{Attempt, Made, Outcome, RejectedRecord};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// A finished seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It became a record.
    Made(Box<MadeLine>),
    /// It came to nothing.
    Rejected(Box<RejectedRecord>),
}

/// A made record without what follows from its place in the dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MadeLine {
    seed_id: RecordId,
    task: String,
    strategy: StrategyId,
    instruction: String,
    answers: Vec<String>,
    context: Option<String>,
    extra: Map<String, Value>,
    attempts: Vec<Attempt>,
}

impl From<Outcome> for End {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Made(made) => Self::Made(Box::new(MadeLine::new(*made))),
            Outcome::Rejected(rejected) => Self::Rejected(rejected),
        }
    }
}

impl MadeLine {
    fn new(made: Made) -> Self {
        let Made { record, attempts } = made;
        let Record { seed_id, task, strategy, instruction, answers, context, extra, .. } = record;
        Self { seed_id, task, strategy, instruction, answers, context, extra, attempts }
    }

    /// The record; its id follows from its place.
    pub fn record(&self) -> Record {
        Record {
            id: RecordId::unset(),
            seed_id: self.seed_id.clone(),
            source: Source { path: PathBuf::new(), line: 0 },
            task: self.task.clone(),
            strategy: self.strategy.clone(),
            instruction: self.instruction.clone(),
            answers: self.answers.clone(),
            context: self.context.clone(),
            extra: self.extra.clone(),
        }
    }
}
