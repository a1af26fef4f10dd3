//! What a body of the model must be able to do for `scoring` and `writing`, which are the same for all
//! bodies that compute here.

use super::sampler::{Adjust, Likely};
use super::{Error, LanguageModel, Pace, Work};
use crate::job::Watch;
use std::time::Instant;

/// New tokens of one sequence within a batch.
pub struct New<'a, R> {
    /// What the sequence has read since the shared past.
    pub run: &'a mut R,
    /// Its new tokens.
    pub tokens: &'a [u32],
}

/// A row of a batch and the tokens whose log-probability after it is asked for.
pub struct Asked {
    /// Index into the batch's new tokens.
    pub row: usize,
    /// The tokens.
    pub targets: Vec<u32>,
}

/// A model that reads tokens into caches.
pub trait Body: LanguageModel {
    /// The cache of a run of tokens.
    type Run;

    /// Tokens of a prompt that go through the layers together.
    const CHUNK: usize;
    /// Runs that read a token each in one step.
    const MOST_RUNS: usize;

    /// Tokens that a sequence may have.
    fn window(&self) -> usize {
        self.info().window
    }

    /// A run of no tokens after `past`, oldest first.
    ///
    /// # Errors
    /// When there is no memory for it.
    fn begin(&mut self, past: &[&Self::Run]) -> Result<Self::Run, Error>;
    /// The tokens that a run holds, without its past.
    fn tokens<'a>(&self, run: &'a Self::Run) -> &'a [u32];
    /// Forgets all tokens of a run from index `n_tokens` on.
    fn truncate(&mut self, run: &mut Self::Run, n_tokens: usize);
    /// Tells what only the body knows of its work: the use of its cache, unless the runs tell that
    /// themselves, and the times of its kernels. Asked after every piece of work.
    fn tell(&self, _work: &mut Work) {}

    /// Reads the new tokens of all runs after `past`: for each of `asked`, in order, each target's
    /// log-probability (nats) and whether it was the most likely token.
    ///
    /// # Errors
    /// Those of the arithmetic, and when it was cancelled.
    fn score_new(
        &mut self,
        past: &[&Self::Run],
        news: Vec<New<'_, Self::Run>>,
        asked: &[Asked],
        watch: &Watch,
    ) -> Result<Vec<Vec<(f32, bool)>>, Error>;
    /// Reads `tokens`, at least one and at most `CHUNK`, after what a run without a past holds: the
    /// most likely tokens after the last.
    ///
    /// # Errors
    /// As [`Body::score_new`].
    fn read(
        &mut self,
        run: &mut Self::Run,
        tokens: &[u32],
        adjust: &Adjust,
        watch: &Watch,
    ) -> Result<Likely, Error>;
    /// Reads one token for each run, at most [`Body::MOST_RUNS`]: the most likely tokens after it.
    ///
    /// # Errors
    /// As [`Body::score_new`].
    fn step(
        &mut self,
        runs: &mut [(&mut Self::Run, u32)],
        adjusts: &[Adjust],
        watch: &Watch,
    ) -> Result<Vec<Likely>, Error>;
    /// The adjusted logits `[V]` of a row of the newest `read` or `step`.
    ///
    /// # Errors
    /// Those of the device.
    fn logits(&mut self, row: usize) -> Result<Vec<f32>, Error>;
}

/// Lets a body work on `n_tokens`, and puts them and the time on one of the paces of its meter.
///
/// # Errors
/// Those of the work, of which the meter then tells nothing.
pub fn metered<B: Body, T>(
    body: &mut B,
    pace: impl FnOnce(&mut Work) -> &mut Pace,
    n_tokens: usize,
    watch: &Watch,
    work: impl FnOnce(&mut B) -> Result<T, Error>,
) -> Result<T, Error> {
    let (began, waited) = (Instant::now(), watch.waited());
    let done = work(body)?;
    let took = began.elapsed().saturating_sub(watch.waited() - waited);
    body.meter().update(|work| {
        pace(work).add(n_tokens as u64, took.as_secs_f64());
        body.tell(work);
    });
    Ok(done)
}
