//! The twins of attention's kernels.

use super::{number, numbers, word};
use crate::gpu::shape::{self, Item, Parts};
use crate::gpu::{CachePrecision, PAGE};
use half::f16;

/// Value `ix` of the cache.
fn from_cache(cached: &[u32], precision: CachePrecision, ix: usize) -> f64 {
    match precision {
        CachePrecision::F32 => number(cached[ix]),
        CachePrecision::F16 => f16::from_bits((cached[ix / 2] >> (16 * (ix % 2))) as u16).to_f64(),
    }
}

/// Puts a number at place `ix` of the cache; in half precision none is infinite.
fn to_cache(cached: &mut [u32], precision: CachePrecision, ix: usize, number: u32) {
    match precision {
        CachePrecision::F32 => cached[ix] = number,
        CachePrecision::F16 => {
            let half = f16::from_f32(f32::from_bits(number)).clamp(f16::MIN, f16::MAX);
            let (place, shift) = (&mut cached[ix / 2], 16 * (ix % 2));
            *place = *place & !(0xffff << shift) | u32::from(half.to_bits()) << shift;
        }
    }
}

pub fn rope(
    halves: bool,
    cache: CachePrecision,
    shape: shape::Rope,
    [x, y]: [usize; 2],
    [angles, slots, values, keys_out, values_out]: &mut [Vec<u32>; 5],
) {
    let [h, k, size] = [shape.n_heads, shape.n_kv_heads, shape.size].map(|n| n as usize);
    for (row, slot) in slots.iter().enumerate().take(y) {
        let slot = *slot as usize * k;
        for pair in 0..(2 * 64 * x).min((h + 2 * k) * size / 2) {
            let (head, pair) = (pair / (size / 2), pair % (size / 2));
            let places = if halves { [pair, pair + size / 2] } else { [2 * pair, 2 * pair + 1] };
            let from = (row * (h + 2 * k) + head) * size;
            let plain = places.map(|place| values[from + place]);
            let [a, b] = plain.map(number);
            let turn = (row * (size / 2) + pair) * 2;
            let (cos, sin) = (number(angles[turn]), number(angles[turn + 1]));
            let turned = [word(a * cos - b * sin), word(a * sin + b * cos)];
            let (to, precision, start, pair) = if head < h {
                (&mut *values, CachePrecision::F32, from, turned)
            } else if head < h + k {
                (&mut *keys_out, cache, (slot + head - h) * size, turned)
            } else {
                (&mut *values_out, cache, (slot + head - h - k) * size, plain)
            };
            for (place, word) in places.into_iter().zip(pair) {
                to_cache(to, precision, start + place, word);
            }
        }
    }
}

pub fn attention(
    [group, size, lanes]: [usize; 3],
    (is_split, cache): (bool, CachePrecision),
    shape: shape::Attention,
    [x, y]: [usize; 2],
    [items, pages, queries, keys, values, outputs]: &mut [Vec<u32>; 6],
) {
    let (h, k, page) = (shape.n_heads as usize, shape.n_kv_heads as usize, PAGE as usize);
    let items = items.as_chunks().0.iter().map(|words| Item::from_words(*words));
    for item in items.skip(shape.first_group as usize).take(y) {
        let [first_row, n_rows, table] =
            [item.first_row, item.n_rows, item.table].map(|n| n as usize);
        let threads = (0..(n_rows * group).min(lanes)).flat_map(|t| (0..x).map(move |x| (t, x)));
        for (thread, kv_head) in threads {
            let (row, head) = (thread / group, kv_head * group + thread % group);
            let query = (first_row + row) * shape.stride as usize + head * size;
            let last = item.position as usize + row;
            let seen = item.from_key as usize..(item.to_key as usize).min(last + 1);
            let places = seen.map(|key| {
                let slot = pages[table + key / page] as usize * page + key % page;
                (slot * k + kv_head) * size
            });
            let query = numbers(&queries[query..][..size]);
            let score = |at: usize| {
                let keys = (at..).map(|ix| from_cache(keys, cache, ix));
                let products = query.clone().zip(keys).map(|(q, key)| q * key);
                products.sum::<f64>() * f64::from(shape.scale)
            };
            let scores: Vec<(usize, f64)> = places.map(|at| (at, score(at))).collect();
            let least = f64::from(-3.0e38_f32);
            let largest = scores.iter().map(|(_, score)| *score).fold(least, f64::max);
            let weights = scores.iter().map(|(at, score)| (*at, (score - largest).exp()));
            let total: f64 = weights.clone().map(|(_, weight)| weight).sum();
            let sum = |ix| {
                let value = |at| from_cache(values, cache, at + ix);
                weights.clone().map(|(at, weight)| weight * value(at)).sum::<f64>()
            };
            if is_split {
                let out = &mut outputs[(item.part as usize * h + head) * (size + 4)..][..size + 4];
                let ends = [largest, total, 0.0, 0.0];
                let words: Vec<u32> = (0..size).map(sum).chain(ends).map(word).collect();
                out.copy_from_slice(&words);
            } else {
                let out = &mut outputs[((first_row + row) * h + head) * size..][..size];
                let words: Vec<u32> = (0..size).map(|ix| word(sum(ix) / total)).collect();
                out.copy_from_slice(&words);
            }
        }
    }
}

pub fn attention_merge(
    shape: shape::AttentionMerge,
    [x, y]: [usize; 2],
    [rows, inputs, outputs]: &mut [Vec<u32>; 3],
) {
    let (h, size) = (shape.n_heads as usize, 4 * shape.quads as usize);
    let rows = rows.as_chunks().0.iter().map(|words| Parts::from_words(*words));
    for (row, parts) in rows.take(y).enumerate() {
        for value in 0..(64 * x).min(h * size) {
            let (head, ix) = (value / size, value % size);
            let part = |part: u32| &inputs[(part as usize * h + head) * (size + 4)..][..size + 4];
            let parts = (parts.first..parts.first + parts.n).map(part);
            let largest =
                parts.clone().map(|part| number(part[size])).fold(f64::NEG_INFINITY, f64::max);
            let weigh = |part: &[u32]| (number(part[size]) - largest).exp();
            let total: f64 = parts.clone().map(|part| weigh(part) * number(part[size + 1])).sum();
            let sum: f64 = parts.map(|part| weigh(part) * number(part[ix])).sum();
            outputs[row * h * size + value] = word(sum / total);
        }
    }
}
