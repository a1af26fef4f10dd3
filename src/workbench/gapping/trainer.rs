//! What a study asks of a trainer; ours is [`Tuner`].

use super::super::tuning::{TuneEstimate, Tuner};
use super::super::{Desk, ModelChoice, WorkbenchError};
use crate::job::Watch;
use crate::tuning::{Example, Framer, Settings, Step, Trained};
use std::path::Path;

/// Trains adapters of one base model, one after another.
pub trait Trains {
    /// Makes examples for these settings.
    ///
    /// # Errors
    /// Those of the chat template.
    fn framer(&self, settings: &Settings) -> Result<Framer<'_>, WorkbenchError>;
    /// What a training takes, at a speed that is measured now.
    ///
    /// # Errors
    /// Those of the training.
    fn estimate(
        &mut self,
        examples: &[Example],
        settings: &Settings,
        watch: &Watch,
    ) -> Result<TuneEstimate, WorkbenchError>;
    /// Trains an adapter in `folder`, from where an earlier run stopped.
    ///
    /// # Errors
    /// Those of the training.
    fn train(
        &mut self,
        examples: &[Example],
        held_out: &[Example],
        settings: &Settings,
        folder: &Path,
        hear: &mut dyn FnMut(&Step),
        watch: &Watch,
    ) -> Result<Trained, WorkbenchError>;
}

impl Trains for Tuner {
    fn framer(&self, settings: &Settings) -> Result<Framer<'_>, WorkbenchError> {
        Self::framer(self, settings)
    }

    fn estimate(
        &mut self,
        examples: &[Example],
        settings: &Settings,
        watch: &Watch,
    ) -> Result<TuneEstimate, WorkbenchError> {
        Self::estimate(self, examples, settings, watch)
    }

    fn train(
        &mut self,
        examples: &[Example],
        held_out: &[Example],
        settings: &Settings,
        folder: &Path,
        hear: &mut dyn FnMut(&Step),
        watch: &Watch,
    ) -> Result<Trained, WorkbenchError> {
        Self::train(self, examples, held_out, settings, folder, hear, watch)
    }
}

/// Loads our own trainer.
pub fn load(
    choice: &ModelChoice,
    desk: &mut Desk,
    watch: &Watch,
) -> Result<Box<dyn Trains>, WorkbenchError> {
    Ok(Box::new(Tuner::load(choice, desk, watch)?))
}
