//! The CPU body as `scoring` and `writing` see it.

use super::scoring::log_probabilities;
use super::{CHUNK, CandleModel};
use crate::job::Watch;
use crate::model::Error;
use crate::model::attention::{Segment, Span};
use crate::model::body::{Asked, Body, New};
use crate::model::linear::Path as Product;
use crate::model::sampler::{Adjust, Likely};
use rayon::prelude::*;

impl Body for CandleModel {
    type Run = Segment;

    const CHUNK: usize = CHUNK;
    const MOST_RUNS: usize = usize::MAX;

    fn begin(&mut self, _: &[&Segment]) -> Result<Segment, Error> {
        Ok(Segment::new(self.config.n_layers, &self.known.meter))
    }

    fn tokens<'a>(&self, run: &'a Segment) -> &'a [u32] {
        &run.tokens
    }

    fn truncate(&mut self, run: &mut Segment, n_tokens: usize) {
        run.truncate(n_tokens, self.config.heads);
    }

    fn score_new(
        &mut self,
        past: &[&Segment],
        news: Vec<New<'_, Segment>>,
        asked: &[Asked],
        watch: &Watch,
    ) -> Result<Vec<Vec<(f32, bool)>>, Error> {
        let span = |New { run, tokens }| Span { past, own: run, new: tokens };
        let mut spans: Vec<Span<'_>> = news.into_iter().map(span).collect();
        let hidden = self.forward(&mut spans, Product::Prompt, watch)?;
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let width = self.config.width;
        let row = |asked: &Asked| &hidden[asked.row * width..(asked.row + 1) * width];
        let rows: Vec<f32> = asked.iter().flat_map(row).copied().collect();
        log_probabilities(&self.output, width, &rows, asked, watch)
    }

    fn read(
        &mut self,
        run: &mut Segment,
        tokens: &[u32],
        adjust: &Adjust,
        watch: &Watch,
    ) -> Result<Likely, Error> {
        // One token, as after a prompt that is known already, is bound by bytes like decoding.
        let product = if tokens.len() == 1 { Product::Decode } else { Product::Prompt };
        let mut spans = [Span { past: &[], own: run, new: tokens }];
        let hidden = self.forward(&mut spans, product, watch)?;
        let last = &hidden[hidden.len() - self.config.width..];
        self.output.forward(last, 1, Product::Decode, &mut self.logits)?;
        adjust.apply(&mut self.logits);
        Ok(Likely::of(&self.logits, adjust.temperature))
    }

    fn step(
        &mut self,
        runs: &mut [(&mut Segment, u32)],
        adjusts: &[Adjust],
        watch: &Watch,
    ) -> Result<Vec<Likely>, Error> {
        let n_rows = runs.len();
        let mut spans: Vec<Span<'_>> = Vec::new();
        for (run, new) in runs {
            spans.push(Span { past: &[], own: run, new: std::slice::from_ref(new) });
        }
        let hidden = self.forward(&mut spans, Product::Decode, watch)?;
        self.output.forward(&hidden, n_rows, Product::Decode, &mut self.logits)?;
        let rows = self.logits.par_chunks_exact_mut(self.config.n_vocab).zip(adjusts);
        let likely = |(logits, adjust): (&mut [f32], &Adjust)| {
            adjust.apply(logits);
            Likely::of(logits, adjust.temperature)
        };
        Ok(rows.map(likely).collect())
    }

    fn logits(&mut self, row: usize) -> Result<Vec<f32>, Error> {
        let n_vocab = self.config.n_vocab;
        Ok(self.logits[row * n_vocab..(row + 1) * n_vocab].to_vec())
    }
}
