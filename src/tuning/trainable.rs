//! What a training asks of a model: losses and gradients.
//!
//! [`super::Body`] computes them on the CPU by hand, [`super::Tensors`] by candle's automatic
//! differentiation on any of its devices; each is the other's twin.

use super::TuningError;
use super::lora::{Dropout, Layout};
use super::pack::Pack;
use crate::job::Watch;
use crate::model::dense::DenseWeights;

/// A model with frozen weights and an adapter.
pub trait Trainable {
    /// The frozen weights.
    fn weights(&self) -> &DenseWeights;
    /// `-ln p` (nats) of each target of the pack.
    ///
    /// # Errors
    /// When it was cancelled; those of the device.
    fn losses(
        &mut self,
        layout: &Layout,
        values: &[f32],
        pack: &Pack,
        watch: &Watch,
    ) -> Result<Vec<f32>, TuningError>;
    /// As [`Trainable::losses`]; adds the gradients of their weighted sum to `grads`.
    ///
    /// # Errors
    /// As [`Trainable::losses`].
    fn gradients(
        &mut self,
        layout: &Layout,
        values: &[f32],
        dropout: Option<Dropout>,
        pack: &Pack,
        grads: &mut [f32],
        watch: &Watch,
    ) -> Result<Vec<f32>, TuningError>;
}
