//! Cases of the kernels of attention.

use super::draw::{Draw, UNWRITTEN};
use super::harness::Case;
use crate::gpu::shape::{self, Item, Parts};
use crate::gpu::{CachePrecision, Kernel, PAGE, Traits, attention_lanes};

pub fn rope(draw: &mut Draw, _: &Traits, number: usize) -> Case {
    rope_to(draw, number, CachePrecision::F32)
}

pub fn rope_to_halves(draw: &mut Draw, _: &Traits, number: usize) -> Case {
    rope_to(draw, number, CachePrecision::F16)
}

/// Rows whose keys and values go to places of the cache in no order.
fn rope_to(draw: &mut Draw, number: usize, cache: CachePrecision) -> Case {
    let (n, k, size) = (draw.size(5), draw.size(3), 4 * draw.size(16));
    let h = k * draw.size(3);
    let width = (h + 2 * k) * size;
    let turns = (0..n * size / 2).flat_map(|_| {
        let angle = draw.between(0.0, 6.0);
        [angle.cos().to_bits(), angle.sin().to_bits()]
    });
    let angles = turns.collect();
    let cached = vec![UNWRITTEN; cache.words((n + 2) * k * size)];
    let mut slots = draw.shuffled(n + 2);
    slots.truncate(n);
    let shape = shape::Rope { n_heads: h as u32, n_kv_heads: k as u32, size: size as u32 };
    Case {
        kernel: Kernel::Rope { halves: number % 2 == 1, cache },
        shape: shape.words(),
        groups: [(width / 4).div_ceil(64) as u32, n as u32],
        buffers: vec![angles, slots, draw.numbers(n * width), cached.clone(), cached],
    }
}

/// What attention reads, and where its results go.
struct Work {
    items: Vec<Item>,
    n_rows: usize,
    n_parts: usize,
    n_pages: usize,
}

/// Some sequences, their last rows cut into items of at most `n_rows_each`, their keys into parts of
/// `n_keys_each`.
fn work(draw: &mut Draw, n_rows_each: usize, n_keys_each: usize) -> Work {
    // A page number that is nobody's stands before those of the first sequence.
    let mut work = Work { items: Vec::new(), n_rows: 0, n_parts: 0, n_pages: 1 };
    let is_split = n_keys_each < usize::MAX;
    for _ in 0..draw.size(3) {
        let (n_past, n_new) = (draw.below(100), if is_split { 1 } else { draw.size(40) });
        for done in (0..n_new).step_by(n_rows_each) {
            let n = n_rows_each.min(n_new - done);
            let n_keys = n_past + done + n;
            for from in (0..n_keys).step_by(n_keys_each) {
                work.items.push(Item {
                    first_row: (work.n_rows + done) as u32,
                    n_rows: n as u32,
                    table: work.n_pages as u32,
                    position: (n_past + done) as u32,
                    from_key: from as u32,
                    to_key: from.saturating_add(n_keys_each).min(n_keys) as u32,
                    part: work.n_parts as u32,
                    spare: 0,
                });
                work.n_parts += 1;
            }
        }
        work.n_rows += n_new;
        work.n_pages += (n_past + n_new).div_ceil(PAGE as usize);
    }
    work
}

pub fn attention(draw: &mut Draw, _: &Traits, number: usize) -> Case {
    attention_over(draw, number, CachePrecision::F32)
}

pub fn attention_over_halves(draw: &mut Draw, _: &Traits, number: usize) -> Case {
    attention_over(draw, number, CachePrecision::F16)
}

/// Several sequences at once, whole or in parts, sometimes only the later items.
fn attention_over(draw: &mut Draw, number: usize, cache: CachePrecision) -> Case {
    let is_split = number % 2 == 1;
    let (k, group) = (draw.size(3), draw.one_of(&[1, 3, 4]));
    let quads = draw.one_of(&[4, 8, 16]);
    let (h, size) = (k * group, 4 * quads);
    let lanes = attention_lanes(group as u32, is_split);
    let work = work(draw, lanes as usize / group, if is_split { 37 } else { usize::MAX });
    let pages = draw.shuffled(work.n_pages + 1);
    let stride = (h + 2 * k) * size + 4 * draw.below(2);
    let n_cache = cache.words(pages.len() * PAGE as usize * k * size);
    let cached = |draw: &mut Draw| match cache {
        CachePrecision::F32 => draw.numbers(n_cache),
        CachePrecision::F16 => draw.halves(n_cache),
    };
    let (keys, values) = (cached(draw), cached(draw));
    let n_out = if is_split { work.n_parts * h * (size + 4) } else { work.n_rows * h * size };
    let first_group = draw.below(2).min(work.items.len() - 1);
    let shape = shape::Attention {
        n_heads: h as u32,
        n_kv_heads: k as u32,
        stride: stride as u32,
        scale: 1.0 / (size as f32).sqrt(),
        first_group: first_group as u32,
    };
    let (group, quads) = (group as u32, quads as u32);
    Case {
        kernel: Kernel::Attention { group, quads, is_split, lanes, cache },
        shape: shape.words(),
        groups: [k as u32, (work.items.len() - first_group) as u32],
        buffers: vec![
            work.items.iter().flat_map(|item| item.words()).collect(),
            pages,
            draw.numbers(work.n_rows * stride),
            keys,
            values,
            draw.unwritten(n_out),
        ],
    }
}

/// Rows of one and more parts.
pub fn attention_merge(draw: &mut Draw, _: &Traits, _: usize) -> Case {
    let (h, quads, n_rows) = (draw.size(9), draw.size(16), draw.size(4));
    let (size, mut rows, mut n_parts) = (4 * quads, Vec::new(), 0);
    for _ in 0..n_rows {
        let parts = Parts { first: n_parts, n: draw.size(5) as u32 };
        n_parts += parts.n;
        rows.extend(parts.words());
    }
    let mut inputs = Vec::new();
    for _ in 0..n_parts as usize * h {
        inputs.extend(draw.numbers(size));
        let ends = [draw.between(-9.0, 9.0), draw.between(1.0, 99.0), 0.0, 0.0];
        inputs.extend(ends.map(f32::to_bits));
    }
    let shape = shape::AttentionMerge { n_heads: h as u32, quads: quads as u32 };
    Case {
        kernel: Kernel::AttentionMerge,
        shape: shape.words(),
        groups: [(h * quads).div_ceil(16) as u32, n_rows as u32],
        buffers: vec![rows, inputs, draw.unwritten(n_rows * h * size)],
    }
}
