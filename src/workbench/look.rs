//! What the Compare view shows, as it is remembered.

use crate::coherence::Measure;
use crate::lengths::{Field, Unit};
use crate::report::{CoherenceForm, Form, LengthsView};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The pages of the Compare view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparePage {
    /// Lengths.
    Lengths,
    /// Coherence.
    Coherence,
    /// One seed under every strategy.
    SameSeed,
}

/// What the Compare view shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompareLook {
    /// The page; `None`: coherence where it is measured, else lengths.
    pub page: Option<ComparePage>,
    /// What of the lengths; `unit` is the wish, as tokens cannot be counted without a model.
    pub lengths: LengthsView,
    /// How coherence is drawn.
    pub coherence: CoherenceForm,
    /// Which measure of coherence the statistics are of.
    pub measure: Measure,
    /// Tasks that are left out, by their canonical names.
    pub without: BTreeSet<String>,
    /// What the others are compared with; `None`: instruction synthesis where it is there, else the
    /// first.
    pub baseline: Option<String>,
    /// Whether the statistics are shown as a table too; `None`: where there is room.
    pub table: Option<bool>,
}

impl Default for CompareLook {
    fn default() -> Self {
        let lengths = LengthsView {
            field: Field::Context,
            unit: Unit::Tokens,
            form: Form::default(),
            log: true,
        };
        let measure = Measure::InstructionGain;
        let without = BTreeSet::new();
        let coherence = CoherenceForm::default();
        Self { page: None, lengths, coherence, measure, without, baseline: None, table: None }
    }
}
