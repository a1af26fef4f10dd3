//! The key-value cache and causal attention over it, on the CPU.
//!
//! A sequence reads a chain of segments: what it shares with others comes first, its own comes last.
//! So the same context, scored with many instructions, is held and computed once.

use super::linear::{Matrix, multiply};
use super::{Meter, simd};
use candle_core::utils::barrier_pool;
use gemm::Parallelism;
use rayon::prelude::*;

/// The sizes that attention needs.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Query heads (H).
    pub n_heads: usize,
    /// Key and value heads (K); H is a multiple.
    pub n_kv_heads: usize,
    /// Values a head.
    pub head_size: usize,
}

impl Heads {
    /// Width of a row of keys (or of values).
    pub fn kv_width(&self) -> usize {
        self.n_kv_heads * self.head_size
    }

    /// Width of a row of queries.
    pub fn q_width(&self) -> usize {
        self.n_heads * self.head_size
    }

    fn kv_offset(&self, head: usize) -> usize {
        head / (self.n_heads / self.n_kv_heads) * self.head_size
    }
}

/// Keys and values of one layer, `[T, K x head size]` each.
#[derive(Default)]
pub struct LayerCache {
    keys: Vec<f32>,
    values: Vec<f32>,
}

/// Keys and values of a run of tokens, for every layer.
pub struct Segment {
    pub tokens: Vec<u32>,
    layers: Vec<LayerCache>,
    meter: Meter,
    /// Bytes that the meter was told are used and held.
    told: [u64; 2],
}

impl Segment {
    /// A segment of no tokens, which tells `meter` how large it is.
    pub fn new(n_layers: usize, meter: &Meter) -> Self {
        let layers = (0..n_layers).map(|_| LayerCache::default()).collect();
        Self { tokens: Vec::new(), layers, meter: meter.clone(), told: [0; 2] }
    }

    /// Takes in the tokens whose keys and values every layer has now.
    pub fn has_read(&mut self, tokens: &[u32]) {
        self.tokens.extend_from_slice(tokens);
        self.tell();
    }

    fn tell(&mut self) {
        let values = self.layers.iter().flat_map(|layer| [&layer.keys, &layer.values]);
        let bytes = values.fold([0; 2], |[used, held], values| {
            [used + 4 * values.len() as u64, held + 4 * values.capacity() as u64]
        });
        self.tell_bytes(bytes);
    }

    fn tell_bytes(&mut self, [used, held]: [u64; 2]) {
        let before = std::mem::replace(&mut self.told, [used, held]);
        self.meter.update(|work| {
            let cache = work.cache;
            work.cache.set(cache.used - before[0] + used, cache.held - before[1] + held);
        });
    }

    /// Forgets all tokens from index `n_tokens` on.
    pub fn truncate(&mut self, n_tokens: usize, heads: Heads) {
        self.tokens.truncate(n_tokens);
        for layer in &mut self.layers {
            layer.keys.truncate(n_tokens * heads.kv_width());
            layer.values.truncate(n_tokens * heads.kv_width());
        }
        self.tell();
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.tell_bytes([0; 2]);
    }
}

/// A piece of a sequence inside a batch: `n_rows` new tokens after `past` and what `own` holds.
pub struct Span<'a> {
    pub past: &'a [&'a Segment],
    pub own: &'a mut Segment,
    pub new: &'a [u32],
}

impl Span<'_> {
    /// Tokens before the new ones.
    pub fn n_before(&self) -> usize {
        self.past.iter().map(|segment| segment.tokens.len()).sum::<usize>() + self.own.tokens.len()
    }
}

/// Attention of a batch in one layer: appends the new `keys` and `values` `[rows, K x head size]` to
/// the spans' own segments and writes `[rows, H x head size]` for `queries` of that shape to `out`.
pub fn attend(
    spans: &mut [Span<'_>],
    layer: usize,
    heads: Heads,
    queries: &[f32],
    keys: &[f32],
    values: &[f32],
    out: &mut Vec<f32>,
) {
    let width = heads.kv_width();
    let mut first = 0;
    for span in spans.iter_mut() {
        let rows = first * width..(first + span.new.len()) * width;
        span.own.layers[layer].keys.extend_from_slice(&keys[rows.clone()]);
        span.own.layers[layer].values.extend_from_slice(&values[rows]);
        first += span.new.len();
    }
    out.clear();
    out.resize(queries.len(), 0.0);
    let (mut queries, mut rest) = (queries, &mut out[..]);
    let mut single = Vec::new();
    for span in spans.iter() {
        let (query, queries_left) = queries.split_at(span.new.len() * heads.q_width());
        let (out, rest_left) = rest.split_at_mut(query.len());
        (queries, rest) = (queries_left, rest_left);
        let chain = Chain::new(span, layer, width);
        if span.new.len() == 1 {
            single.push((chain, query, out));
        } else {
            attend_rows(&chain, heads, span.new.len(), query, out);
        }
    }
    attend_singles(single, heads);
}

/// The parts of a sequence's cache in one layer, oldest first.
struct Chain<'a> {
    parts: Vec<(&'a [f32], &'a [f32], usize)>,
    n_tokens: usize,
}

impl<'a> Chain<'a> {
    fn new(span: &'a Span<'_>, layer: usize, width: usize) -> Self {
        let segments = span.past.iter().copied().chain(std::iter::once(&*span.own));
        let parts: Vec<_> = segments
            .map(|segment| &segment.layers[layer])
            .map(|cache| (&cache.keys[..], &cache.values[..], cache.keys.len() / width))
            .filter(|(_, _, n)| *n > 0)
            .collect();
        let n_tokens = parts.iter().map(|(_, _, n)| n).sum();
        Self { parts, n_tokens }
    }
}

/// One new token each for many sequences: the work items are (sequence, head), so that what is
/// computed for a sequence does not depend on the others.
fn attend_singles(mut singles: Vec<(Chain<'_>, &[f32], &mut [f32])>, heads: Heads) {
    let size = heads.head_size;
    let mut items: Vec<(&Chain<'_>, usize, &[f32], &mut [f32])> = Vec::new();
    for (chain, query, out) in &mut singles {
        let rows = query.chunks_exact(size).zip(out.chunks_exact_mut(size));
        items.extend(rows.enumerate().map(|(head, (query, out))| (&*chain, head, query, out)));
    }
    let items: Vec<_> = items.into_iter().map(|item| std::sync::Mutex::new(Some(item))).collect();
    barrier_pool().execute_chunked(items.len(), |range| {
        let mut scores = Vec::new();
        for item in &items[range] {
            let taken = item.lock().ok().and_then(|mut item| item.take());
            if let Some((chain, head, query, out)) = taken {
                attend_one(chain, heads, head, query, out, &mut scores);
            }
        }
    });
}

fn attend_one(
    chain: &Chain<'_>,
    heads: Heads,
    head: usize,
    query: &[f32],
    out: &mut [f32],
    scores: &mut Vec<f32>,
) {
    let (size, width, offset) = (heads.head_size, heads.kv_width(), heads.kv_offset(head));
    let scale = 1.0 / (size as f32).sqrt();
    scores.clear();
    for (keys, _, _) in &chain.parts {
        simd::push_scores(scores, query, keys, width, offset, scale);
    }
    let total = simd::weights(scores);
    let mut first = 0;
    for (_, values, n) in &chain.parts {
        simd::add_weighted(out, &scores[first..first + n], values, width, offset);
        first += n;
    }
    out.iter_mut().for_each(|x| *x /= total);
}

/// Query rows that are computed at once: with their scores over a long context they fit the cache.
const ROWS: usize = 64;

/// Many new tokens of one sequence: blocks of scores by matrix products, masked, then weighed.
fn attend_rows(chain: &Chain<'_>, heads: Heads, n_rows: usize, queries: &[f32], out: &mut [f32]) {
    let width = heads.q_width();
    let blocks: Vec<usize> = (0..n_rows).step_by(ROWS).collect();
    let items: Vec<(usize, usize)> =
        blocks.iter().flat_map(|row| (0..heads.n_heads).map(|head| (*row, head))).collect();
    let results: Vec<Vec<f32>> = items
        .par_iter()
        .map_init(Vec::new, |scores, (row, head)| {
            let n = ROWS.min(n_rows - row);
            let n_before = chain.n_tokens - n_rows + row;
            let query = &queries[row * width + head * heads.head_size..];
            let query =
                Matrix { data: query, n_rows: n, n_cols: heads.head_size, row_stride: width };
            attend_block(chain, heads, *head, n_before, query, scores)
        })
        .collect();
    for ((row, head), block) in items.into_iter().zip(results) {
        for (ix, values) in block.chunks_exact(heads.head_size).enumerate() {
            let at = (row + ix) * width + head * heads.head_size;
            out[at..at + heads.head_size].copy_from_slice(values);
        }
    }
}

/// One head of a block of rows, of which the first has `n_before` tokens before it.
fn attend_block(
    chain: &Chain<'_>,
    heads: Heads,
    head: usize,
    n_before: usize,
    query: Matrix<'_>,
    scores: &mut Vec<f32>,
) -> Vec<f32> {
    let (size, width, offset) = (heads.head_size, heads.kv_width(), heads.kv_offset(head));
    let scale = 1.0 / (size as f32).sqrt();
    let n_seen = n_before + query.n_rows;
    scores.clear();
    scores.resize(query.n_rows * n_seen, 0.0);
    let mut at = 0;
    let parts = || {
        let mut left = n_seen;
        chain.parts.iter().filter_map(move |(keys, values, n)| {
            let n = (*n).min(left);
            left -= n;
            (n > 0).then_some((keys, values, n))
        })
    };
    for (keys, _, n) in parts() {
        let keys = Matrix { data: &keys[offset..], n_rows: n, n_cols: size, row_stride: width };
        multiply(query, keys.transposed(), &mut scores[at..], n_seen, false, Parallelism::None);
        at += n;
    }
    let mut totals = vec![0.0; query.n_rows];
    simd::causal_weights(scores, n_seen, n_before, scale, &mut totals);
    let mut out = vec![0.0; query.n_rows * size];
    at = 0;
    for (_, values, n) in parts() {
        let weights =
            Matrix { data: &scores[at..], n_rows: query.n_rows, n_cols: n, row_stride: n_seen };
        let values = Matrix { data: &values[offset..], n_rows: n, n_cols: size, row_stride: width };
        multiply(weights, values, &mut out, size, at > 0, Parallelism::None);
        at += n;
    }
    for (row, total) in out.chunks_exact_mut(size).zip(totals) {
        row.iter_mut().for_each(|x| *x /= total);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    const HEADS: Heads = Heads { n_heads: 4, n_kv_heads: 2, head_size: 8 };

    /// The textbook form in f64 over one unbroken sequence.
    fn twin(queries: &[f32], keys: &[f32], values: &[f32]) -> Vec<f64> {
        let (q_width, width, size) = (HEADS.q_width(), HEADS.kv_width(), HEADS.head_size);
        let n = queries.len() / q_width;
        let mut out = Vec::new();
        for row in 0..n {
            for head in 0..HEADS.n_heads {
                let offset = HEADS.kv_offset(head);
                let query = &queries[row * q_width + head * size..][..size];
                let score = |t: usize| -> f64 {
                    let key = &keys[t * width + offset..][..size];
                    let dot: f64 = query.iter().zip(key).map(|(a, b)| f64::from(a * b)).sum();
                    dot / (size as f64).sqrt()
                };
                let weights: Vec<f64> = (0..=row).map(|t| score(t).exp()).collect();
                let total: f64 = weights.iter().sum();
                out.extend((0..size).map(|i| {
                    let value = |t: usize| f64::from(values[t * width + offset + i]);
                    weights.iter().enumerate().map(|(t, w)| w / total * value(t)).sum::<f64>()
                }));
            }
        }
        out
    }

    #[test]
    fn chains_blocks_and_single_rows_equal_the_textbook() {
        let n = 150;
        let mut stream = Stream::new(5, "attention", "test");
        let mut draw =
            |n: usize| (0..n).map(|_| (stream.unit() * 4.0 - 2.0) as f32).collect::<Vec<_>>();
        let (q, k, v) = (draw(n * 32), draw(n * 16), draw(n * 16));
        let expected = twin(&q, &k, &v);
        let tokens = vec![0u32; n];
        let rows = |all: &[f32], from: usize, to: usize, width: usize| -> Vec<f32> {
            all[from * width..to * width].to_vec()
        };
        // A first segment of 70, shared; then 79 rows in one go, then one alone.
        let meter = Meter::default();
        let mut shared = Segment::new(1, &meter);
        let mut out = Vec::new();
        let mut run = |past: &[&Segment], own: &mut Segment, from: usize, to: usize| {
            let new = &tokens[from..to];
            let mut spans = [Span { past, own, new }];
            let (q, k, v) =
                (rows(&q, from, to, 32), rows(&k, from, to, 16), rows(&v, from, to, 16));
            let mut part = Vec::new();
            attend(&mut spans, 0, HEADS, &q, &k, &v, &mut part);
            out.extend(part);
            own.has_read(new);
        };
        run(&[], &mut shared, 0, 70);
        let mut own = Segment::new(1, &meter);
        run(&[&shared], &mut own, 70, 149);
        run(&[&shared], &mut own, 149, 150);
        let (mut error, mut energy) = (0.0, 0.0);
        for (x, y) in out.iter().zip(&expected) {
            error += (f64::from(*x) - y).powi(2);
            energy += y * y;
        }
        assert!(error / energy < 1e-10, "{}", error / energy);
        assert_eq!(out.len(), expected.len());
        // 150 tokens of 16 keys and 16 values, four bytes each; freed with the segments.
        let cache = meter.work().cache;
        assert_eq!((cache.used, cache.most_used), (150 * 32 * 4, 150 * 32 * 4));
        assert!(cache.held >= cache.used, "{cache:?}");
        own.truncate(10, HEADS);
        assert_eq!(meter.work().cache.used, 80 * 32 * 4);
        drop((shared, own));
        assert_eq!((meter.work().cache.used, meter.work().cache.held), (0, 0));
    }
}
