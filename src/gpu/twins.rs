//! The kernels' twins: what a dispatch does to its buffers, in plain Rust and double precision.
//!
//! A twin takes what the device takes, so that either can do any dispatch of a recording. It shares
//! neither code nor order of sums with the kernel. An index past a buffer's end is a panic here, where
//! the device would read or write something else.

mod attending;
mod weights;

use super::decide::MatmulTile;
use super::format::Format;
use super::kernel::{Kernel, PARTS};
use super::shape::{self, Change, Found, State};
use attending::{attention, attention_merge, rope};
use half::f16;
use weights::unpacked;

/// Does a dispatch: a kernel, the words of its shape, its workgroups and its buffers' words.
pub type Twin = fn(Kernel, &[u32], [u32; 2], &mut [Vec<u32>]);

/// The twin of each kernel.
pub fn twin(kernel: Kernel, shape: &[u32], groups: [u32; 2], buffers: &mut [Vec<u32>]) {
    macro_rules! shape {
        ($name:ident) => {
            shape::$name::from_words(shape.try_into().unwrap())
        };
    }
    let groups = groups.map(|n| n as usize);
    match kernel {
        Kernel::Embedding(format) => {
            embedding(format, shape!(Embedding), groups, bound(buffers));
        }
        Kernel::Matmul(format, tile) => {
            matmul(format, tile, shape!(Matmul), groups, bound(buffers));
        }
        Kernel::RmsNorm(_) => rms_norm(shape!(RmsNorm), groups, bound(buffers)),
        Kernel::HeadNorm => head_norm(shape!(HeadNorm), groups, bound(buffers)),
        Kernel::Rope { halves, cache } => {
            rope(halves, cache, shape!(Rope), groups, bound(buffers));
        }
        Kernel::Attention { group, quads, is_split, lanes, cache } => {
            let sizes = [group, 4 * quads, lanes].map(|n| n as usize);
            attention(sizes, (is_split, cache), shape!(Attention), groups, bound(buffers));
        }
        Kernel::AttentionMerge => attention_merge(shape!(AttentionMerge), groups, bound(buffers)),
        Kernel::Gated => gated(shape!(Gated), groups, bound(buffers)),
        Kernel::LogSums => log_sums(shape!(LogSums), groups, bound(buffers)),
        Kernel::Pick => pick(shape!(Pick), groups, bound(buffers)),
        Kernel::Adjust => adjust(shape!(Adjust), groups, bound(buffers)),
        Kernel::Top { n, lanes } => {
            top([n, lanes].map(|n| n as usize), shape!(Top), groups, bound(buffers));
        }
        Kernel::GatherRows => gather_rows(shape!(GatherRows), groups, bound(buffers)),
        Kernel::MoveWords => move_words(shape!(MoveWords), groups, bound(buffers)),
    }
}

fn bound<const N: usize>(buffers: &mut [Vec<u32>]) -> &mut [Vec<u32>; N] {
    buffers.try_into().unwrap()
}

fn number(word: u32) -> f64 {
    f64::from(f32::from_bits(word))
}

fn word(number: f64) -> u32 {
    (number as f32).to_bits()
}

fn numbers(words: &[u32]) -> impl Iterator<Item = f64> + Clone {
    words.iter().map(|word| number(*word))
}

fn dot(a: &[u32], b: &[u32]) -> f64 {
    numbers(a).zip(numbers(b)).map(|(a, b)| a * b).sum()
}

fn embedding(
    format: Format,
    shape: shape::Embedding,
    [x, y]: [usize; 2],
    [weights, ids, outputs]: &mut [Vec<u32>; 3],
) {
    let n_in = shape.n_in as usize;
    assert_eq!(shape.words as usize, format.row_words(n_in));
    for (id, out) in ids.iter().zip(outputs.chunks_mut(n_in)).take(y) {
        let row = id.wrapping_sub(shape.first);
        if row < shape.n_out {
            let row = unpacked(format, weights, n_in, row as usize);
            for (out, value) in out.iter_mut().zip(row).take(256 * x) {
                *out = word(value);
            }
        }
    }
}

fn matmul(
    format: Format,
    tile: MatmulTile,
    shape: shape::Matmul,
    [x, y]: [usize; 2],
    [weights, bias, inputs, outputs]: &mut [Vec<u32>; 4],
) {
    let (n_in, stride, first) = (shape.n_in as usize, shape.stride as usize, shape.first as usize);
    assert_eq!(shape.words as usize, format.row_words(n_in));
    let n_rows = tile.rows() as usize;
    let first_row = shape.first_group as usize * n_rows;
    let rows = first_row..(first_row + y * n_rows).min(shape.n_rows as usize);
    let is_half = matches!(tile, MatmulTile::Workgroup(tile) if tile.is_half);
    for column in 0..(tile.outputs() as usize * x).min(shape.n_out as usize) {
        let mut weights = unpacked(format, weights, n_in, column);
        if is_half {
            weights.iter_mut().for_each(|weight| *weight = f16::from_f64(*weight).to_f64());
        }
        for row in rows.clone() {
            let inputs = numbers(&inputs[row * n_in..][..n_in]);
            let mut sum: f64 = inputs.zip(&weights).map(|(x, w)| x * w).sum();
            let out = &mut outputs[row * stride + first + column];
            if shape.has_bias != 0 {
                sum += number(bias[first + column]);
            }
            if shape.adds != 0 {
                sum += number(*out);
            }
            *out = word(sum);
        }
    }
}

/// A row divided by its root mean square and weighed.
fn normed(row: &[u32], gain: &[u32], epsilon: f32) -> Vec<u32> {
    let factor = 1.0 / (dot(row, row) / row.len() as f64 + f64::from(epsilon)).sqrt();
    numbers(row).zip(numbers(gain)).map(|(x, gain)| word(x * factor * gain)).collect()
}

fn rms_norm(
    shape: shape::RmsNorm,
    [x, _]: [usize; 2],
    [weights, inputs, outputs]: &mut [Vec<u32>; 3],
) {
    let width = shape.width as usize;
    for row in (0..x).map(|row| row * width..(row + 1) * width) {
        let normed = normed(&inputs[row.clone()], &weights[..width], shape.epsilon);
        outputs[row].copy_from_slice(&normed);
    }
}

fn head_norm(shape: shape::HeadNorm, [x, y]: [usize; 2], [weights, values]: &mut [Vec<u32>; 2]) {
    let size = shape.size as usize;
    for row in 0..y {
        for head in 0..(8 * x).min(shape.n_heads as usize) {
            let start = row * shape.stride as usize + shape.first as usize + head * size;
            let head = &mut values[start..start + size];
            let normed = normed(head, &weights[..size], shape.epsilon);
            head.copy_from_slice(&normed);
        }
    }
}

fn gated(shape: shape::Gated, [x, y]: [usize; 2], [inputs, outputs]: &mut [Vec<u32>; 2]) {
    let width = shape.width as usize;
    for (inputs, outputs) in inputs.chunks(2 * width).zip(outputs.chunks_mut(width)).take(y) {
        let (gates, ups) = inputs.split_at(width);
        let pairs = numbers(gates).zip(numbers(ups));
        for (out, (gate, up)) in outputs.iter_mut().zip(pairs).take(64 * x) {
            *out = word(gate / (1.0 + (-gate).exp()) * up);
        }
    }
}

fn log_sums(shape: shape::LogSums, [x, _]: [usize; 2], [logits, states]: &mut [Vec<u32>; 2]) {
    let (width, n_parts) = (shape.width as usize, PARTS as usize);
    let states = states.as_chunks_mut().0.iter_mut().take(x * n_parts).enumerate();
    for (ix, words) in states {
        let (row, part) = (ix / n_parts, ix % n_parts);
        let mut state = State { largest: -3.0e38, sum: 0.0, entry: 0, spare: 0 };
        if shape.first > 0 {
            state = State::from_words(*words);
        }
        let logits = &logits[row * width..(row + 1) * width];
        let before = (f64::from(state.largest), f64::from(state.sum));
        for (column, logit) in logits.iter().enumerate().skip(part).step_by(n_parts) {
            let logit = f32::from_bits(*logit);
            if logit > state.largest {
                (state.largest, state.entry) = (logit, shape.first + column as u32);
            }
        }
        let under = |logit: f64| (logit - f64::from(state.largest)).exp();
        let new = logits.iter().skip(part).step_by(n_parts).map(|logit| under(number(*logit)));
        state.sum = (before.1 * under(before.0) + new.sum::<f64>()) as f32;
        words.copy_from_slice(&state.words());
    }
}

fn pick(shape: shape::Pick, [x, _]: [usize; 2], [logits, targets, outputs]: &mut [Vec<u32>; 3]) {
    let n = (64 * x).min(shape.n as usize);
    for (target, out) in targets.chunks_exact(2).zip(outputs).take(n) {
        let column = target[1].wrapping_sub(shape.first);
        if column < shape.width {
            *out = logits[(target[0] * shape.width + column) as usize];
        }
    }
}

fn adjust(shape: shape::Adjust, [x, _]: [usize; 2], [changes, logits]: &mut [Vec<u32>; 2]) {
    let changes = changes.as_chunks().0.iter().map(|words| Change::from_words(*words));
    for Change { row, entry, factor, .. } in changes.take((64 * x).min(shape.n as usize)) {
        let logit = &mut logits[(row * shape.width + entry) as usize];
        let (was, factor) = (number(*logit), f64::from(factor));
        *logit = match factor {
            0.0 => (-3.0e38_f32).to_bits(),
            _ if was > 0.0 => word(was / factor),
            _ => word(was * factor),
        };
    }
}

fn top(
    [n, lanes]: [usize; 2],
    shape: shape::Top,
    [x, _]: [usize; 2],
    [logits, inverses, outputs]: &mut [Vec<u32>; 3],
) {
    let width = shape.width as usize;
    let rows = logits.chunks_exact(width).zip(inverses).zip(outputs.chunks_mut(2 * (n + lanes)));
    for ((logits, inverse), outputs) in rows.take(x) {
        let mut sorted: Vec<(u32, f32)> =
            (0..).zip(logits.iter().map(|word| f32::from_bits(*word))).collect();
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let largest = f64::from(sorted[0].1);
        // Those that share the last place are in only if all of them are.
        let next = sorted.get(n).map(|next| next.1);
        sorted.truncate(n);
        sorted.retain(|(_, logit)| Some(*logit) != next);
        let found = sorted.into_iter().map(|(entry, value)| Found { entry, value });
        let none = |value: f64| Found { entry: u32::MAX, value: value as f32 };
        let part = |lane: usize| {
            let logits = numbers(logits).skip(lane).step_by(lanes);
            none(logits.map(|logit| ((logit - largest) * number(*inverse)).exp()).sum())
        };
        let all = found.chain(std::iter::repeat(none(0.0))).take(n).chain((0..lanes).map(part));
        for (out, found) in outputs.chunks_exact_mut(2).zip(all) {
            out.copy_from_slice(&found.words());
        }
    }
}

fn gather_rows(
    shape: shape::GatherRows,
    [x, y]: [usize; 2],
    [rows, inputs, outputs]: &mut [Vec<u32>; 3],
) {
    let (width, n) = (shape.width as usize, (64 * x).min(shape.width as usize));
    for (row, out) in rows.iter().zip(outputs.chunks_mut(width)).take(y) {
        out[..n].copy_from_slice(&inputs[*row as usize * width..][..n]);
    }
}

fn move_words(shape: shape::MoveWords, [x, _]: [usize; 2], [values]: &mut [Vec<u32>; 1]) {
    let (source, n) = (shape.source as usize, (64 * x).min(shape.n as usize));
    values.copy_within(source..source + n, shape.place as usize);
}
