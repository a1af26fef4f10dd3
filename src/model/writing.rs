//! Writing: sequences that decode together, each with its own cache, stops and random numbers.

use super::body::{Body, New, metered};
use super::sampler::{Adjust, Likely, choose};
use super::{Error, Feed, Finish, GenerateRequest, Reply, Utf8Stream};
use crate::job::Watch;

/// See `LanguageModel::generate`.
pub fn write<B: Body>(
    model: &mut B,
    feed: &mut dyn Feed,
    n_parallel: usize,
    watch: &Watch,
) -> Result<(), Error> {
    let written = write_all(model, feed, n_parallel, watch);
    // The cache is empty again.
    model.meter().update(|work| model.tell(work));
    written
}

fn write_all<B: Body>(
    model: &mut B,
    feed: &mut dyn Feed,
    n_parallel: usize,
    watch: &Watch,
) -> Result<(), Error> {
    let mut running: Vec<Slot<B::Run>> = Vec::new();
    let n_parallel = n_parallel.clamp(1, B::MOST_RUNS);
    loop {
        watch.check()?;
        while running.len() < n_parallel
            && let Some(request) = feed.next()
        {
            let run = model.begin(&[])?;
            running.push(Slot::begin(model, run, request, watch)?);
            settle(model, &mut running, feed, watch)?;
        }
        if running.is_empty() {
            return Ok(());
        }
        let adjusts: Vec<Adjust> = running.iter().map(|slot| slot.adjust(model)).collect();
        let mut runs: Vec<(&mut B::Run, u32)> = Vec::new();
        for slot in &mut running {
            if let Some(last) = slot.written.last() {
                runs.push((&mut slot.run, *last));
            }
        }
        let n = runs.len();
        let step = |model: &mut B| model.step(&mut runs, &adjusts, watch);
        let likely = metered(model, |work| &mut work.writing, n, watch, step)?;
        for (row, (slot, likely)) in running.iter_mut().zip(likely).enumerate() {
            slot.choose(model, row, &likely)?;
        }
        settle(model, &mut running, feed, watch)?;
    }
}

/// Reads a prompt, or what is new of it, chunk by chunk: the most likely tokens after it.
fn read<B: Body>(
    model: &mut B,
    run: &mut B::Run,
    tokens: &[u32],
    adjust: &Adjust,
    watch: &Watch,
) -> Result<Likely, Error> {
    let n_first = tokens.len().saturating_sub(1) / B::CHUNK * B::CHUNK;
    let (first, last) = tokens.split_at(n_first);
    for tokens in first.chunks(B::CHUNK) {
        let news = vec![New { run: &mut *run, tokens }];
        let read = |model: &mut B| model.score_new(&[], news, &[], watch);
        metered(model, |work| &mut work.reading, tokens.len(), watch, read)?;
    }
    let read = |model: &mut B| model.read(run, last, adjust, watch);
    metered(model, |work| &mut work.reading, last.len(), watch, read)
}

/// Hands out new text and takes finished sequences away, or lets them go on as the feed says.
fn settle<B: Body>(
    model: &mut B,
    running: &mut Vec<Slot<B::Run>>,
    feed: &mut dyn Feed,
    watch: &Watch,
) -> Result<(), Error> {
    let mut ix = 0;
    while ix < running.len() {
        let finish = running[ix].take_text(model, feed);
        let Some(finish) = finish else {
            ix += 1;
            continue;
        };
        let slot = running.swap_remove(ix);
        let reply = Reply { text: slot.text, n_tokens: slot.written.len(), finish };
        if let Some(next) = feed.done(slot.request.id, reply) {
            // Checked again from its first token on.
            running.insert(ix, Slot::begin(model, slot.run, next, watch)?);
        }
    }
    Ok(())
}

/// A sequence that is being written.
struct Slot<R> {
    request: GenerateRequest,
    run: R,
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

impl<R> Slot<R> {
    /// Reads the prompt, as far as `run` does not hold it yet, and chooses the first token.
    fn begin<B: Body<Run = R>>(
        model: &mut B,
        mut run: R,
        request: GenerateRequest,
        watch: &Watch,
    ) -> Result<Self, Error> {
        let n = request.prompt.len();
        if n >= model.window() {
            return Err(Error::TooLong { n_tokens: n, window: model.window() });
        }
        let Some(last) = n.checked_sub(1) else {
            return Err(Error::Request("an empty prompt".into()));
        };
        let known = model.tokens(&run);
        let shared = known.iter().zip(&request.prompt).take_while(|(a, b)| a == b).count();
        model.truncate(&mut run, shared.min(last));
        let mut slot = Self {
            request,
            run,
            written: Vec::new(),
            utf8: Utf8Stream::default(),
            text: String::new(),
            n_shown: 0,
            n_told: 0,
            n_read: 0,
        };
        let adjust = slot.adjust(model);
        let new = &slot.request.prompt[shared.min(last)..];
        let likely = read(model, &mut slot.run, new, &adjust, watch)?;
        slot.choose(model, 0, &likely)?;
        Ok(slot)
    }

    fn adjust(&self, model: &impl Body<Run = R>) -> Adjust {
        let GenerateRequest { sampling, banned, .. } = &self.request;
        Adjust::new(sampling, &self.written, banned, model.tokenizer().stop_ids())
    }

    /// Takes the next token; `row` is the sequence's in the newest pass.
    fn choose(
        &mut self,
        model: &mut impl Body<Run = R>,
        row: usize,
        likely: &Likely,
    ) -> Result<(), Error> {
        let GenerateRequest { sampling, stream, .. } = &mut self.request;
        self.written.push(choose(likely, sampling, stream, || model.logits(row))?);
        Ok(())
    }

    /// Turns the newest token into text and says whether the sequence ended.
    fn take_text(&mut self, model: &impl Body<Run = R>, feed: &mut dyn Feed) -> Option<Finish> {
        let mut finish = None;
        for id in &self.written[self.n_read..] {
            if model.tokenizer().stop_ids().contains(id) {
                finish = Some(Finish::Stop);
            } else {
                self.text.push_str(&self.utf8.push(&model.tokenizer().token_bytes(*id)));
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

    fn ends_at_limit(&self, model: &impl Body<Run = R>) -> bool {
        self.written.len() >= self.request.sampling.max_new_tokens.max(1)
            || self.request.prompt.len() + self.written.len() >= model.window()
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
