//! The words that say what a figure of lengths shows.

use crate::lengths::{Field, Unit};
use crate::report::Form;
use crate::workbench::LengthsWish;
use clap::{Args, ValueEnum};

/// What a figure of lengths shows.
#[derive(Debug, Args)]
pub struct LengthsArguments {
    /// Which part of the records
    #[arg(long, value_enum)]
    field: Option<FieldArgument>,
    /// Counted in what; tokens need a --tokenizer
    #[arg(long, value_enum)]
    unit: Option<UnitArgument>,
    /// On a log axis, as usual
    #[arg(long, conflicts_with = "linear")]
    log: bool,
    /// On a linear axis
    #[arg(long)]
    linear: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum FieldArgument {
    Context,
    Instruction,
    Answer,
    Prompt,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum UnitArgument {
    Tokens,
    Words,
    Chars,
}

impl FieldArgument {
    /// What is meant.
    pub fn field(self) -> Field {
        match self {
            Self::Context => Field::Context,
            Self::Instruction => Field::Instruction,
            Self::Answer => Field::Answer,
            Self::Prompt => Field::Prompt,
        }
    }
}

impl UnitArgument {
    /// What is meant.
    pub fn unit(self) -> Unit {
        match self {
            Self::Tokens => Unit::Tokens,
            Self::Words => Unit::Words,
            Self::Chars => Unit::Chars,
        }
    }
}

impl LengthsArguments {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        let Self { field, unit, log, linear } = self;
        field.is_none() && unit.is_none() && !log && !linear
    }

    /// What is said, with the form that is said elsewhere.
    pub fn wish(self, form: Option<Form>) -> LengthsWish {
        LengthsWish {
            field: self.field.map(FieldArgument::field),
            unit: self.unit.map(UnitArgument::unit),
            form,
            log: (self.log || self.linear).then_some(self.log),
        }
    }
}
