//! The paged cache of keys and values: runs of tokens that share a past share its pages.

use crate::gpu::{Buffer, CachePrecision, Dispatch, Gpu, Kernel, PAGE, Recording, shape};
use crate::model::Error;
use crate::model::config::Config;
use std::sync::{Arc, Mutex, PoisonError};

/// Pages at the beginning; they are doubled when they are used up.
const FIRST_PAGES: usize = 16;
const PAGE_TOKENS: usize = PAGE as usize;

type Free = Arc<Mutex<Vec<u32>>>;

/// A page in use; it becomes free when the last run that holds it is gone.
pub struct Page {
    id: u32,
    free: Free,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.id);
    }
}

/// What a sequence has read.
pub struct Run {
    /// Its tokens without those of its past.
    pub tokens: Vec<u32>,
    n_past: usize,
    /// Pages of the past and of its own; the last of the past may be shared and half full.
    pages: Vec<Arc<Page>>,
}

impl Run {
    /// A run of no tokens after `past`.
    pub fn after(past: Option<&Self>) -> Self {
        let n_past = past.map_or(0, Self::n_tokens);
        let pages = past.map(|past| past.pages.clone()).unwrap_or_default();
        Self { tokens: Vec::new(), n_past, pages }
    }

    /// Tokens of the past and its own.
    pub fn n_tokens(&self) -> usize {
        self.n_past + self.tokens.len()
    }

    /// Forgets its tokens from index `n_tokens` on.
    pub fn truncate(&mut self, n_tokens: usize) {
        self.tokens.truncate(n_tokens);
        self.pages.truncate(self.n_tokens().div_ceil(PAGE_TOKENS));
    }

    /// The numbers of its pages.
    pub fn page_ids(&self) -> impl Iterator<Item = u32> {
        self.pages.iter().map(|page| page.id)
    }

    /// Where in the cache the token at this place lies.
    pub fn slot(&self, place: usize) -> u32 {
        self.pages[place / PAGE_TOKENS].id * PAGE + (place % PAGE_TOKENS) as u32
    }
}

/// Keys and values of every layer, `[pages x PAGE, K x head size]` each.
pub struct Cache {
    pub keys: Vec<Buffer>,
    pub values: Vec<Buffer>,
    pub precision: CachePrecision,
    free: Free,
    n_pages: usize,
    /// Words of a page in one layer.
    page_words: usize,
}

impl Cache {
    /// Bytes that a token takes.
    pub fn bytes_per_token(config: &Config, precision: CachePrecision) -> u64 {
        (2 * 4 * precision.words(config.heads.kv_width()) * config.n_layers) as u64
    }

    pub fn new(config: &Config, precision: CachePrecision, gpu: &mut Gpu) -> Result<Self, Error> {
        let page_words = PAGE_TOKENS * precision.words(config.heads.kv_width());
        let mut layers = || -> Result<Vec<Buffer>, Error> {
            let buffers =
                (0..config.n_layers).map(|_| gpu.buffer(FIRST_PAGES * page_words, "the cache"));
            Ok(buffers.collect::<Result<_, _>>()?)
        };
        let (keys, values) = (layers()?, layers()?);
        let free = Arc::new(Mutex::new((0..FIRST_PAGES as u32).rev().collect()));
        Ok(Self { keys, values, precision, free, n_pages: FIRST_PAGES, page_words })
    }

    /// Bytes of the pages in use, and of all pages.
    pub fn bytes(&self) -> (u64, u64) {
        let n_free = self.free.lock().unwrap_or_else(PoisonError::into_inner).len();
        let held: u64 = self.keys.iter().chain(&self.values).map(|b| b.n_words() * 4).sum();
        (held / self.n_pages as u64 * (self.n_pages - n_free) as u64, held)
    }

    /// Makes room for `n_new` more tokens of a run. Copies that must be made first go to `recording`.
    pub fn extend(
        &mut self,
        run: &mut Run,
        n_new: usize,
        gpu: &mut Gpu,
        recording: &mut Recording,
    ) -> Result<(), Error> {
        let n_before = run.n_tokens();
        if !n_before.is_multiple_of(PAGE_TOKENS)
            && let Some(last) = run.pages.last().filter(|last| Arc::strong_count(last) > 1)
        {
            // Others read this page: what is written next goes to a copy.
            let from = last.id;
            let own = self.page(gpu, recording)?;
            self.copy_page(from, own.id, recording);
            run.pages.pop();
            run.pages.push(own);
        }
        while run.pages.len() * PAGE_TOKENS < n_before + n_new {
            let page = self.page(gpu, recording)?;
            run.pages.push(page);
        }
        Ok(())
    }

    fn page(&mut self, gpu: &mut Gpu, recording: &mut Recording) -> Result<Arc<Page>, Error> {
        let free = |cache: &Self| cache.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let id = match free(self) {
            Some(id) => Some(id),
            None => {
                self.grow(gpu, recording)?;
                free(self)
            }
        };
        let id = id.ok_or_else(|| Error::Request("the cache gave no page".into()))?;
        Ok(Arc::new(Page { id, free: Arc::clone(&self.free) }))
    }

    fn copy_page(&self, from: u32, to: u32, recording: &mut Recording) {
        let n = self.page_words as u32;
        for buffer in self.keys.iter().chain(&self.values) {
            recording.run(Dispatch {
                kernel: Kernel::MoveWords,
                buffers: vec![buffer.clone()],
                shape: shape::MoveWords { source: from * n, place: to * n, n }.words(),
                groups: [n.div_ceil(64), 1],
                work: u64::from(n),
                cuts: false,
            });
        }
    }

    /// Twice as many pages. What is recorded already goes to the old buffers, which are copied last.
    fn grow(&mut self, gpu: &mut Gpu, recording: &mut Recording) -> Result<(), Error> {
        let n_new = 2 * self.n_pages;
        for buffer in self.keys.iter_mut().chain(&mut self.values) {
            let larger = gpu.buffer(n_new * self.page_words, "the cache")?;
            recording.copy(buffer, 0, &larger, 0, buffer.n_words());
            *buffer = larger;
        }
        gpu.forget_bindings();
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.extend((self.n_pages as u32..n_new as u32).rev());
        self.n_pages = n_new;
        Ok(())
    }
}
