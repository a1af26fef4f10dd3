//! Writing: sequences that decode together, each with its own cache, stops and random numbers.

use super::{CandleModel, Product};
use crate::job::Watch;
use crate::model::attention::{Segment, Span};
use crate::model::sampler::choose;
use crate::model::{Error, Feed, Finish, GenerateRequest, Reply, Utf8Stream};

impl CandleModel {
    /// See `LanguageModel::generate`.
    pub(super) fn write(
        &self,
        feed: &mut dyn Feed,
        n_parallel: usize,
        watch: &Watch,
    ) -> Result<(), Error> {
        let mut running: Vec<Slot> = Vec::new();
        let mut logits = Vec::new();
        loop {
            watch.check()?;
            while running.len() < n_parallel.max(1)
                && let Some(request) = feed.next()
            {
                let slot = Slot::begin(self, self.segment(), request, watch)?;
                running.push(slot);
                self.settle(&mut running, feed, watch)?;
            }
            if running.is_empty() {
                return Ok(());
            }
            let mut spans: Vec<Span<'_>> = Vec::new();
            let new: Vec<u32> =
                running.iter().filter_map(|slot| slot.written.last().copied()).collect();
            for (slot, new) in running.iter_mut().zip(&new) {
                spans.push(Span {
                    past: &[],
                    own: &mut slot.segment,
                    new: std::slice::from_ref(new),
                });
            }
            let hidden = self.forward(&mut spans, Product::Decode, watch)?;
            let n_rows = running.len();
            self.output.forward(&hidden, n_rows, Product::Decode, &mut logits)?;
            for (slot, logits) in
                running.iter_mut().zip(logits.chunks_exact_mut(self.config.n_vocab))
            {
                slot.choose(self, logits);
            }
            self.settle(&mut running, feed, watch)?;
        }
    }

    /// Hands out new text and takes finished sequences away, or lets them go on as the feed says.
    fn settle(
        &self,
        running: &mut Vec<Slot>,
        feed: &mut dyn Feed,
        watch: &Watch,
    ) -> Result<(), Error> {
        let mut ix = 0;
        while ix < running.len() {
            let finish = running[ix].take_text(self, feed);
            let Some(finish) = finish else {
                ix += 1;
                continue;
            };
            let slot = running.swap_remove(ix);
            let reply = Reply { text: slot.text, n_tokens: slot.written.len(), finish };
            if let Some(next) = feed.done(slot.request.id, reply) {
                // Checked again from its first token on.
                running.insert(ix, Slot::begin(self, slot.segment, next, watch)?);
            }
        }
        Ok(())
    }
}

/// A sequence that is being written.
struct Slot {
    request: GenerateRequest,
    segment: Segment,
    written: Vec<u32>,
    utf8: Utf8Stream,
    text: String,
    /// Bytes of `text` that were handed out.
    n_shown: usize,
    /// Tokens of `written` that were told of with them.
    n_told: usize,
    /// Tokens of `written` that are in `text`.
    n_read: usize,
}

impl Slot {
    /// Reads the prompt, as far as `segment` does not hold it yet, and chooses the first token.
    fn begin(
        model: &CandleModel,
        mut segment: Segment,
        request: GenerateRequest,
        watch: &Watch,
    ) -> Result<Self, Error> {
        let n = request.prompt.len();
        if n >= model.config.window {
            return Err(Error::TooLong { n_tokens: n, window: model.config.window });
        }
        let Some(last) = n.checked_sub(1) else {
            return Err(Error::Request("an empty prompt".into()));
        };
        let shared = segment.tokens.iter().zip(&request.prompt).take_while(|(a, b)| a == b).count();
        segment.truncate(shared.min(last), model.config.heads);
        let hidden = model.read(&mut segment, &request.prompt[shared.min(last)..], watch)?;
        let mut logits = Vec::new();
        model.output.forward(&hidden, 1, Product::Decode, &mut logits)?;
        let mut slot = Self {
            request,
            segment,
            written: Vec::new(),
            utf8: Utf8Stream::default(),
            text: String::new(),
            n_shown: 0,
            n_told: 0,
            n_read: 0,
        };
        slot.choose(model, &mut logits);
        Ok(slot)
    }

    fn choose(&mut self, model: &CandleModel, logits: &mut [f32]) {
        let GenerateRequest { sampling, stream, banned, .. } = &mut self.request;
        for id in banned {
            logits[*id as usize] = f32::NEG_INFINITY;
        }
        if self.written.len() < sampling.min_new_tokens {
            for id in model.tokenizer.stop_ids() {
                logits[*id as usize] = f32::NEG_INFINITY;
            }
        }
        self.written.push(choose(logits, &self.written, sampling, stream));
    }

    /// Turns the newest token into text and says whether the sequence ended.
    fn take_text(&mut self, model: &CandleModel, feed: &mut dyn Feed) -> Option<Finish> {
        let mut finish = None;
        for id in &self.written[self.n_read..] {
            if model.tokenizer.stop_ids().contains(id) {
                finish = Some(Finish::Stop);
            } else {
                self.text.push_str(&self.utf8.push(&model.tokenizer.token_bytes(*id)));
            }
        }
        self.n_read = self.written.len();
        if finish.is_none() && self.ends_at_limit(model) {
            finish = Some(Finish::Length);
        }
        if finish.is_some() {
            let rest = self.utf8.finish();
            self.text.push_str(&rest);
        }
        let first = self.request.stop.iter().filter_map(|stop| self.text.find(stop.as_str())).min();
        if let Some(at) = first {
            self.text.truncate(at);
            finish = Some(Finish::Stop);
        }
        let n_ready = if finish.is_some() { self.text.len() } else { self.n_safe() };
        if n_ready > self.n_shown {
            let n_tokens = self.written.len() - self.n_told;
            feed.piece(self.request.id, &self.text[self.n_shown..n_ready], n_tokens);
            self.n_shown = n_ready;
            self.n_told = self.written.len();
        }
        finish
    }

    fn ends_at_limit(&self, model: &CandleModel) -> bool {
        self.written.len() >= self.request.sampling.max_new_tokens.max(1)
            || self.request.prompt.len() + self.written.len() >= model.config.window
    }

    /// Bytes of the text that cannot be the beginning of a stop text.
    fn n_safe(&self) -> usize {
        let mut safe = self.text.len();
        for stop in &self.request.stop {
            let begins = |at: &usize| stop.as_bytes().starts_with(&self.text.as_bytes()[*at..]);
            let from = self.text.len().saturating_sub(stop.len());
            safe = (from..self.text.len()).find(begins).unwrap_or(safe).min(safe);
        }
        safe
    }
}
