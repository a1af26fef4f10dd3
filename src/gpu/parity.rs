//! Every kernel against its twin, over ragged sizes; every variant through the validator.

use super::decide::{Traits, matmul_tile};
use super::kernel::{ITEM_WORDS, Kernel, PAGE, PARTS, attention_lanes};
use super::recording::{Dispatch, Recording};
use super::{Format, Gpu, MatmulTile, choose, repack, twins};
use crate::job::Watch;
use crate::seed::Stream;
use half::f16;

/// Words behind each buffer that no kernel may touch.
const GUARD: [u32; 8] = [0x7fc0_dead; 8];
/// Squared errors in relation to squared values that single precision explains.
const MOST: f64 = 1e-9;
const N_SHAPES: usize = 200;

/// The device, where there is an adapter; where there must be one, its absence fails.
pub fn device() -> Option<Gpu> {
    match choose() {
        Ok(_) => Some(Gpu::open(None).unwrap()),
        Err(error) if std::env::var_os("REQUIRE_GPU").is_some_and(|value| value == "1") => {
            panic!("{error}")
        }
        Err(_) => {
            println!("SKIPPED: there is no graphics adapter");
            None
        }
    }
}

/// Normalized mean squared error, and the index of the largest error; a NaN is the largest of all.
fn error(found: &[f32], expected: &[f64]) -> (f64, usize) {
    assert_eq!(found.len(), expected.len());
    let square = |(x, y): (&f32, &f64)| (f64::from(*x) - y).powi(2);
    let errors: Vec<f64> = found.iter().zip(expected).map(square).collect();
    let energy: f64 = expected.iter().map(|y| y * y).sum();
    let worst = errors.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(ix, _)| ix);
    (errors.iter().sum::<f64>() / energy.max(1e-30), worst)
}

fn assert_close(found: &[f32], expected: &[f64], what: &str) {
    let (error, worst) = error(found, expected);
    let (x, y) = (found[worst], expected[worst]);
    assert!(error < MOST, "{what}: error {error:e}, worst at {worst}: {x} for {y}");
}

/// Runs one kernel over copies of `buffers` and gives back what is in them then; nothing may be
/// written behind them.
pub fn run(
    gpu: &mut Gpu,
    kernel: Kernel,
    all: &[&[u32]],
    shape: &[u32],
    groups: [u32; 2],
) -> Vec<Vec<u32>> {
    let mut buffers = Vec::new();
    for words in all {
        let mut words = words.to_vec();
        words.resize(words.len().next_multiple_of(4), 0);
        words.extend(GUARD);
        buffers.push(gpu.upload(&words, "a test").unwrap());
    }
    let mut recording = Recording::default();
    let (shape, work) = (shape.to_vec(), 1 << 20);
    recording.run(Dispatch { kernel, buffers: buffers.clone(), shape, groups, work, cuts: false });
    gpu.run(&recording, &Watch::default()).unwrap();
    let read = |(buffer, words): (&super::Buffer, &&[u32])| {
        let mut found = gpu.read(buffer, 0, buffer.n_words() as usize).unwrap();
        assert_eq!(found[found.len() - 8..], GUARD, "{kernel:?} wrote past a buffer's end");
        found.truncate(words.len());
        found
    };
    let found = buffers.iter().zip(all).map(read).collect();
    gpu.forget_bindings();
    found
}

pub fn floats(words: &[u32]) -> Vec<f32> {
    words.iter().map(|word| f32::from_bits(*word)).collect()
}

pub fn words(values: &[f32]) -> &[u32] {
    bytemuck::cast_slice(values)
}

pub struct Draw(pub Stream);

impl Draw {
    pub fn new(purpose: &str) -> Self {
        Self(Stream::new(11, "parity", purpose))
    }

    pub fn values(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| (self.0.unit() * 2.0 - 1.0) as f32).collect()
    }

    pub fn size(&mut self, most: usize) -> usize {
        1 + self.0.below(most)
    }

    /// The bytes of a matrix as a file would hold it.
    fn bytes(&mut self, format: Format, n: usize) -> Vec<u8> {
        let (n_block, n_bytes) = format.block();
        let mut bytes: Vec<u8> =
            (0..n / n_block * n_bytes).map(|_| self.0.below(256) as u8).collect();
        for block in bytes.chunks_exact_mut(n_bytes) {
            let value = (self.0.unit() - 0.5) as f32;
            let mut put = |at: usize, value: f32| {
                block[at..at + 2].copy_from_slice(&f16::from_f32(value).to_le_bytes());
            };
            match format {
                Format::F32 => block.copy_from_slice(&value.to_le_bytes()),
                Format::BF16 => block.copy_from_slice(&half::bf16::from_f32(value).to_le_bytes()),
                Format::F16 | Format::Q8_0 | Format::Q4_0 => put(0, value / 8.0),
                Format::Q4_1 | Format::Q4K | Format::Q5K => {
                    put(0, value / 8.0);
                    put(2, 0.03 - value / 9.0);
                }
                Format::Q6K => put(208, value / 64.0),
            }
        }
        bytes
    }
}

fn n_in_for(draw: &mut Draw, format: Format) -> usize {
    let block = format.block().0.max(32);
    draw.size(if block == 256 { 2 } else { 9 }) * block
}

/// A real adapter's traits: the variants that it would take run here too.
fn hardware() -> Traits {
    Traits {
        is_software: false,
        max_threads: 256,
        max_shared_bytes: 16384,
        max_binding_bytes: 128 << 20,
    }
}

#[test]
fn gpu_matmul_equals_its_twin() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("matmul");
    for case in 0..N_SHAPES {
        let is_hardware = case % 4 == 3;
        let format = match is_hardware {
            true => [Format::F32, Format::Q4_1][case / 4 % 2],
            false => Format::ALL[case % Format::ALL.len()],
        };
        let n_rows = [1, 2, 3, 4, 5, 8, 13, 17][draw.0.below(8)];
        let (n_in, n_out) = (n_in_for(&mut draw, format), draw.size(150));
        let traits = if is_hardware { hardware() } else { *gpu.traits() };
        let tile = matmul_tile(&traits, n_rows, n_out, n_in);
        let bytes = draw.bytes(format, n_out * n_in);
        let (inputs, bias) = (draw.values(n_rows * n_in), draw.values(n_out + 3));
        let (stride, first, adds, has_bias) = (n_out + 5, 3, case % 2, case / 2 % 2);
        let before = draw.values(n_rows * stride);
        let words_a_row = format.row_words(n_in);
        let shape = [n_rows, n_in, n_out, stride, first, has_bias, adds, words_a_row, 0];
        let groups =
            [n_out.div_ceil(4 * tile.lanes as usize), n_rows.div_ceil(tile.tokens as usize)];
        let weights = repack(format, &bytes, n_out, n_in);
        let buffers = [&weights[..], words(&bias), words(&inputs), words(&before)];
        let kernel = Kernel::Matmul(format, tile);
        let out =
            run(&mut gpu, kernel, &buffers, &shape.map(|n| n as u32), groups.map(|n| n as u32));
        let found = floats(&out[3]);
        let mut expected: Vec<f64> = before.iter().map(|x| f64::from(*x)).collect();
        let products = twins::matmul(&inputs, &twins::weights(format, &bytes), n_in);
        for (row, products) in products.chunks_exact(n_out).enumerate() {
            for (ix, product) in products.iter().enumerate() {
                let place = &mut expected[row * stride + first + ix];
                let bias = if has_bias == 1 { f64::from(bias[first + ix]) } else { 0.0 };
                *place = product + bias + if adds == 1 { *place } else { 0.0 };
            }
        }
        assert_close(&found, &expected, &format!("{kernel:?} {shape:?}"));
    }
}

#[test]
fn gpu_products_of_a_row_are_the_same_bits_in_any_company() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("company");
    for (traits, format) in [(*gpu.traits(), Format::Q4_1), (hardware(), Format::Q8_0)] {
        let (n_in, n_out) = (256, 70);
        let weights = repack(format, &draw.bytes(format, n_in * n_out), n_out, n_in);
        let inputs = draw.values(9 * n_in);
        let mut product = |n_rows: usize| {
            let tile = matmul_tile(&traits, n_rows, n_out, n_in);
            let shape = [n_rows, n_in, n_out, n_out, 0, 0, 0, format.row_words(n_in), 0];
            let groups =
                [n_out.div_ceil(4 * tile.lanes as usize), n_rows.div_ceil(tile.tokens as usize)];
            let before = vec![0; n_rows * n_out];
            let buffers = [&weights[..], &weights, words(&inputs[..n_rows * n_in]), &before];
            let kernel = Kernel::Matmul(format, tile);
            let groups = groups.map(|n| n as u32);
            run(&mut gpu, kernel, &buffers, &shape.map(|n| n as u32), groups).swap_remove(3)
        };
        let all = product(9);
        for n_rows in 1..9 {
            assert_eq!(product(n_rows), all[..n_rows * n_out], "{n_rows} rows");
        }
    }
}

#[test]
fn gpu_embedding_equals_its_twin() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("embedding");
    for case in 0..N_SHAPES {
        let format = Format::ALL[case % Format::ALL.len()];
        let (n_in, n_out, n) = (n_in_for(&mut draw, format), draw.size(90), draw.size(6));
        let bytes = draw.bytes(format, n_out * n_in);
        // The buffer holds the rows from 5 on; the others are another buffer's.
        let ids: Vec<u32> = (0..n).map(|_| draw.0.below(n_out + 10) as u32).collect();
        let weights = repack(format, &bytes, n_out, n_in);
        let before = vec![0; n * n_in];
        let shape = [5, n_in, n_out, format.row_words(n_in)].map(|n| n as u32);
        let groups = [(n_in / 4).div_ceil(64) as u32, n as u32];
        let kernel = Kernel::Embedding(format);
        let out = run(&mut gpu, kernel, &[&weights, &ids, &before], &shape, groups);
        let rows = twins::weights(format, &bytes);
        let expected: Vec<f64> = ids
            .iter()
            .flat_map(|id| {
                let row = (*id as usize).checked_sub(5).filter(|row| *row < n_out);
                row.map_or(vec![0.0; n_in], |row| rows[row * n_in..(row + 1) * n_in].to_vec())
            })
            .collect();
        assert_close(&floats(&out[2]), &expected, &format!("{kernel:?} {shape:?}"));
    }
}

#[test]
fn gpu_norms_equal_their_twins() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("norms");
    for case in 0..N_SHAPES {
        let (n_rows, width) = (draw.size(5), draw.size(300));
        let (gain, inputs) = (draw.values(width), draw.values(n_rows * width));
        let epsilon = 1e-5_f32;
        let before = vec![0; inputs.len()];
        let kernel = Kernel::RmsNorm(if case % 2 == 0 { 1 } else { 128 });
        let shape = [width as u32, epsilon.to_bits()];
        let buffers = [words(&gain), words(&inputs), &before];
        let out = run(&mut gpu, kernel, &buffers, &shape, [n_rows as u32, 1]);
        let expected = twins::rms_norm(&inputs, &gain, epsilon);
        assert_close(&floats(&out[2]), &expected, &format!("{kernel:?} {n_rows} {width}"));

        // Heads in the middle of rows: what is beside them stays.
        let (n_heads, size, first) = (draw.size(11), 4 * draw.size(16), 7);
        let stride = n_heads * size + 12;
        let (gain, rows) = (draw.values(size), draw.values(n_rows * stride));
        let shape = [n_rows, stride, first, n_heads, size].map(|n| n as u32);
        let shape = [&shape[..], &[epsilon.to_bits()]].concat();
        let buffers = [words(&gain), words(&rows)];
        let groups = [n_heads.div_ceil(8) as u32, n_rows as u32];
        let out = run(&mut gpu, Kernel::HeadNorm, &buffers, &shape, groups);
        let mut expected: Vec<f64> = rows.iter().map(|x| f64::from(*x)).collect();
        for (row, out) in rows.chunks_exact(stride).zip(expected.chunks_exact_mut(stride)) {
            let heads = first..first + n_heads * size;
            out[heads.clone()].copy_from_slice(&twins::rms_norm(&row[heads], &gain, epsilon));
        }
        assert_close(&floats(&out[1]), &expected, &format!("head_norm {shape:?}"));
    }
}

#[test]
fn gpu_rope_equals_its_twin() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("rope");
    for case in 0..N_SHAPES {
        let (n, k, size) = (draw.size(5), draw.size(3), 2 * draw.size(32));
        let h = k * draw.size(3);
        let width = (h + 2 * k) * size;
        let angles: Vec<f32> = (0..n * size / 2)
            .flat_map(|_| {
                let angle = draw.0.unit() * 6.0;
                [angle.cos() as f32, angle.sin() as f32]
            })
            .collect();
        let rows = draw.values(n * width);
        let slots: Vec<u32> = (0..n).map(|row| (n - 1 - row) as u32).collect();
        let cache = vec![0; n * k * size];
        let kernel = Kernel::Rope(case % 2 == 1);
        let shape = [h, k, size].map(|n| n as u32);
        let buffers = [words(&angles), &slots, words(&rows), &cache, &cache];
        let groups = [(width / 2).div_ceil(64) as u32, n as u32];
        let out = run(&mut gpu, kernel, &buffers, &shape, groups);
        let turned = twins::rope(&rows, width, &angles, size, case % 2 == 1);
        let (mut keys, mut values, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        let (keys_at, values_at) = (h * size, (h + k) * size);
        for row in (0..n).rev() {
            keys.extend(&turned[row * width + keys_at..row * width + values_at]);
            let plain = &rows[row * width + values_at..(row + 1) * width];
            values.extend(plain.iter().map(|x| f64::from(*x)));
        }
        for row in 0..n {
            expected.extend(&turned[row * width..row * width + keys_at]);
            let plain = &rows[row * width + keys_at..(row + 1) * width];
            expected.extend(plain.iter().map(|x| f64::from(*x)));
        }
        let what = format!("{kernel:?} {shape:?}");
        assert_close(&floats(&out[2]), &expected, &what);
        assert_close(&floats(&out[3]), &keys, &what);
        assert_close(&floats(&out[4]), &values, &what);
    }
}

#[test]
fn gpu_attention_equals_its_twin_whole_and_in_parts() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("attention");
    for case in 0..N_SHAPES {
        let is_split = case % 2 == 1;
        let [k, group] = [draw.size(3), [1, 3, 4][draw.0.below(3)]];
        let size = [16, 32, 64][draw.0.below(3)];
        let (h, quads) = (k * group, size / 4);
        let lanes = attention_lanes(group as u32, is_split) as usize;
        let n_rows = if is_split { 1 } else { draw.size(lanes / group) };
        let n_keys = n_rows + draw.0.below(100);
        let n_pages = n_keys.div_ceil(PAGE as usize);
        let mut pages: Vec<u32> = (0..n_pages as u32 + 2).collect();
        draw.0.shuffle(&mut pages);
        let (keys, values) = (draw.values(n_keys * k * size), draw.values(n_keys * k * size));
        let place = |plain: &[f32]| {
            let mut paged = vec![9.0; pages.len() * PAGE as usize * k * size];
            for (token, row) in plain.chunks_exact(k * size).enumerate() {
                let page = pages[1 + token / PAGE as usize] as usize;
                let at = (page * PAGE as usize + token % PAGE as usize) * k * size;
                paged[at..at + k * size].copy_from_slice(row);
            }
            paged
        };
        let stride = (h + 2 * k) * size;
        let rows = draw.values(n_rows * stride);
        let each = if is_split { 37 } else { n_keys };
        let mut items: Vec<u32> = Vec::new();
        for (part, from) in (0..n_keys).step_by(each).enumerate() {
            let to = (from + each).min(n_keys);
            items.extend([0, n_rows, 1, n_keys - n_rows, from, to, part, 0].map(|n| n as u32));
        }
        let n_items = items.len() / ITEM_WORDS;
        let n_out = if is_split { n_items * h * (size + 4) } else { n_rows * h * size };
        let kernel = Kernel::Attention {
            group: group as u32,
            quads: quads as u32,
            is_split,
            lanes: lanes as u32,
        };
        let scale = 1.0 / (size as f32).sqrt();
        let shape = [h as u32, k as u32, stride as u32, scale.to_bits(), 0];
        let (paged_keys, paged_values, before) = (place(&keys), place(&values), vec![0; n_out]);
        let buffers =
            [&items, &pages, words(&rows), words(&paged_keys), words(&paged_values), &before];
        let groups = [k as u32, n_items as u32];
        let mut found = run(&mut gpu, kernel, &buffers, &shape, groups).swap_remove(5);
        if is_split {
            let buffers: [&[u32]; 3] = [&[0, n_items as u32], &found, &vec![0; h * size]];
            let groups = [(h * quads).div_ceil(16) as u32, 1];
            let shape = [h as u32, quads as u32];
            found = run(&mut gpu, Kernel::AttentionMerge, &buffers, &shape, groups).swap_remove(2);
        }
        let queries: Vec<f32> =
            rows.chunks_exact(stride).flat_map(|row| row[..h * size].to_vec()).collect();
        let expected = twins::attention(&queries, &keys, &values, [h, k, size]);
        assert_close(&floats(&found), &expected, &format!("{kernel:?} {n_rows} of {n_keys}"));
    }
}

#[test]
fn gpu_gates_sums_and_copies_equal_their_twins() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("gated");
    for _ in 0..N_SHAPES {
        let (n_rows, width) = (draw.size(5), draw.size(200));
        let inputs: Vec<f32> = draw.values(2 * n_rows * width).iter().map(|x| x * 9.0).collect();
        let before = vec![0; n_rows * width];
        let groups = [width.div_ceil(64) as u32, n_rows as u32];
        let (gated, shape) = (Kernel::Gated, [width as u32]);
        let out = run(&mut gpu, gated, &[words(&inputs), &before], &shape, groups);
        assert_close(&floats(&out[1]), &twins::gated(&inputs, width), &format!("gated {width}"));

        let rows: Vec<u32> = (0..3).map(|_| draw.0.below(n_rows) as u32).collect();
        let buffers = [&rows, words(&inputs[..n_rows * width]), &vec![0; 3 * width]];
        let groups = [width.div_ceil(64) as u32, 3];
        let out = run(&mut gpu, Kernel::GatherRows, &buffers, &shape, groups);
        let expected: Vec<f32> =
            rows.iter().flat_map(|row| inputs[*row as usize * width..][..width].to_vec()).collect();
        assert_eq!(floats(&out[2]), expected);

        let n = draw.0.below(width);
        let shape = [0, (2 * n_rows * width - n) as u32, n as u32];
        let groups = [n.div_ceil(64) as u32, 1];
        let mut expected = inputs.clone();
        let at = expected.len() - n;
        expected.copy_within(..n, at);
        let out = run(&mut gpu, Kernel::MoveWords, &[words(&inputs)], &shape, groups);
        assert_eq!(floats(&out[0]), expected);

        // Two tiles of logits, and entries picked from both.
        let n_first = draw.size(width);
        let targets: Vec<u32> = (0..5)
            .flat_map(|_| [draw.0.below(n_rows), draw.0.below(width)])
            .map(|n| n as u32)
            .collect();
        let mut states = vec![0; n_rows * PARTS as usize * 4];
        let mut picked = vec![0; 5];
        for (first, n) in [(0, n_first), (n_first, width - n_first)] {
            if n == 0 {
                continue;
            }
            let tile: Vec<f32> = inputs[..n_rows * width]
                .chunks_exact(width)
                .flat_map(|row| row[first..first + n].to_vec())
                .collect();
            let shape = [n as u32, first as u32];
            let buffers = [words(&tile), &states];
            states =
                run(&mut gpu, Kernel::LogSums, &buffers, &shape, [n_rows as u32, 1]).swap_remove(1);
            let shape = [n as u32, first as u32, 5];
            let buffers = [words(&tile), &targets, &picked];
            picked = run(&mut gpu, Kernel::Pick, &buffers, &shape, [1, 1]).swap_remove(2);
        }
        for (row, states) in inputs.chunks_exact(width).zip(states.chunks_exact(PARTS as usize * 4))
        {
            let sums =
                states.chunks_exact(4).map(|s| (f32::from_bits(s[0]), f32::from_bits(s[1]), s[2]));
            let total: f64 =
                sums.clone().map(|(top, sum, _)| f64::from(top).exp() * f64::from(sum)).sum();
            let expected: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
            assert!((total / expected - 1.0).abs() < 1e-5, "{total} for {expected}");
            let best = sums.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, _, entry)| entry as usize);
            let largest = row.iter().copied().fold(f32::MIN, f32::max);
            assert_eq!(row[best.unwrap()], largest);
        }
        for (target, picked) in targets.chunks_exact(2).zip(picked) {
            assert_eq!(
                f32::from_bits(picked),
                inputs[target[0] as usize * width + target[1] as usize]
            );
        }
    }
}

#[test]
fn gpu_a_wrong_twin_a_permuted_output_and_a_nan_are_caught() {
    let right = [1.0, -2.0, 3.0, 0.5];
    assert!(error(&[1.0, -2.0, 3.0, 0.5], &right).0 < 1e-12);
    assert_eq!(error(&[1.0, -2.0, 2.0, 0.5], &right), (1.0 / 14.25, 2));
    assert!(error(&[-2.0, 1.0, 3.0, 0.5], &right).0 > MOST, "permuted");
    let (with_nan, worst) = error(&[1.0, f32::NAN, 3.0, 0.5], &right);
    assert!(with_nan.is_nan() && worst == 1, "a NaN is below no bound");
    assert!(error(&[1.0, -2.0, 3.0, 0.501], &right).0 > MOST, "one value a little off");
}

/// Every variant that some adapter might take.
fn variants() -> Vec<Kernel> {
    let mut all = vec![
        Kernel::HeadNorm,
        Kernel::AttentionMerge,
        Kernel::Gated,
        Kernel::LogSums,
        Kernel::Pick,
        Kernel::Adjust,
        Kernel::Top { n: 64, lanes: 64 },
        Kernel::Top { n: 64, lanes: 256 },
        Kernel::GatherRows,
        Kernel::MoveWords,
    ];
    all.extend([1, 128].map(Kernel::RmsNorm));
    all.extend([false, true].map(Kernel::Rope));
    for format in Format::ALL {
        all.push(Kernel::Embedding(format));
        for lanes in [8, 16, 32] {
            for slices in [1, 2, 4, 8, 16].into_iter().filter(|slices| lanes * slices <= 128) {
                for (tokens, quads) in [(1, 8), (2, 8), (4, 1), (8, 1)] {
                    let tile = MatmulTile { lanes, slices, tokens, quads };
                    all.push(Kernel::Matmul(format, tile));
                }
            }
        }
    }
    for group in [1, 3, 7, 16] {
        for quads in [4, 16, 20, 32] {
            for is_split in [false, true] {
                let lanes = attention_lanes(group, is_split);
                all.push(Kernel::Attention { group, quads, is_split, lanes });
            }
        }
    }
    all
}

#[test]
fn gpu_every_variant_is_valid_and_its_bindings_and_shape_are_as_the_host_says() {
    use naga::{AddressSpace, valid};
    for kernel in variants() {
        let source = kernel.source();
        let module = naga::front::wgsl::parse_str(&source)
            .unwrap_or_else(|error| panic!("{kernel:?}: {}", error.emit_to_string(&source)));
        let capabilities =
            valid::Capabilities::IMMEDIATES | valid::Capabilities::SHADER_FLOAT16_IN_FLOAT32;
        let mut validator = valid::Validator::new(valid::ValidationFlags::all(), capabilities);
        validator.validate(&module).unwrap_or_else(|error| panic!("{kernel:?}: {error:?}"));
        let (mut n_bindings, mut n_words) = (0, 0);
        for (_, variable) in module.global_variables.iter() {
            match variable.space {
                AddressSpace::Storage { .. } => n_bindings += 1,
                AddressSpace::Immediate => {
                    if let naga::TypeInner::Struct { span, .. } = module.types[variable.ty].inner {
                        n_words = span / 4;
                    }
                }
                _ => {}
            }
        }
        assert_eq!((n_bindings, n_words), signature(kernel), "{kernel:?}");
        let threads: u32 = module.entry_points[0].workgroup_size.iter().product();
        assert!(threads <= 256, "{kernel:?} has {threads} threads");
    }
}

/// Bindings, and words of the shape, as the host gives them.
fn signature(kernel: Kernel) -> (u32, u32) {
    match kernel {
        Kernel::Embedding(_) => (3, 4),
        Kernel::Matmul(..) => (4, 9),
        Kernel::RmsNorm(_) => (3, 2),
        Kernel::HeadNorm => (2, 6),
        Kernel::Rope(_) => (5, 3),
        Kernel::Attention { .. } => (6, 5),
        Kernel::AttentionMerge => (3, 2),
        Kernel::Gated => (2, 1),
        Kernel::LogSums => (2, 2),
        Kernel::Pick => (3, 3),
        Kernel::Adjust => (2, 2),
        Kernel::Top { .. } => (3, 1),
        Kernel::GatherRows => (3, 1),
        Kernel::MoveWords => (1, 3),
    }
}
