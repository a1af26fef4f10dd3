//! The measures of a row by name, for whoever compares rows.

use super::Coherence;
use serde::{Deserialize, Serialize};

/// A measure of which more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// See [`Coherence::instruction_gain`].
    InstructionGain,
    /// See [`Coherence::answer_gain`].
    AnswerGain,
    /// See [`Coherence::instruction_dependence`].
    InstructionDependence,
    /// See [`Coherence::answer_dependence`].
    AnswerDependence,
    /// See [`Coherence::auc_instruction`].
    AucInstruction,
    /// See [`Coherence::auc_answer`].
    AucAnswer,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 6] = [
        Self::InstructionGain,
        Self::AnswerGain,
        Self::InstructionDependence,
        Self::AnswerDependence,
        Self::AucInstruction,
        Self::AucAnswer,
    ];

    /// Its key in a row.
    pub fn name(self) -> &'static str {
        match self {
            Self::InstructionGain => "instruction_gain",
            Self::AnswerGain => "answer_gain",
            Self::InstructionDependence => "instruction_dependence",
            Self::AnswerDependence => "answer_dependence",
            Self::AucInstruction => "auc_instruction",
            Self::AucAnswer => "auc_answer",
        }
    }

    /// What it is called in print, with its unit.
    pub fn title(self) -> &'static str {
        match self {
            Self::InstructionGain => "instruction gain (nats per token)",
            Self::AnswerGain => "answer gain (nats per token)",
            Self::InstructionDependence => {
                "instruction gain, own less other contexts (nats per token)"
            }
            Self::AnswerDependence => "answer gain, own less other contexts (nats per token)",
            Self::AucInstruction => "share of other contexts beaten for the instruction (AUC)",
            Self::AucAnswer => "share of other contexts beaten for the answer (AUC)",
        }
    }

    /// The measure of a row, if it has one.
    pub fn of(self, row: &Coherence) -> Option<f64> {
        match self {
            Self::InstructionGain => row.instruction_gain,
            Self::AnswerGain => row.answer_gain,
            Self::InstructionDependence => row.instruction_dependence,
            Self::AnswerDependence => row.answer_dependence,
            Self::AucInstruction => row.auc_instruction,
            Self::AucAnswer => row.auc_answer,
        }
    }
}
