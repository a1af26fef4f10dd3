//! The variants that only some adapters take: tiles in workgroup memory, subgroups, half precision.

use super::{Draw, N_SHAPES, assert_close, device, floats, n_in_for, run, words};
use crate::gpu::decide::{CachePrecision, MatmulTile, NormTile, RegisterTile, WorkgroupTile};
use crate::gpu::shape::{self, Item};
use crate::gpu::{Format, Gpu, Kernel, PAGE, attention_lanes, repack, twins};
use half::f16;

/// A product's sides.
struct Product {
    format: Format,
    bytes: Vec<u8>,
    inputs: Vec<f32>,
    n_in: usize,
    n_out: usize,
    bias: Vec<f32>,
    before: Vec<f32>,
    has_bias: bool,
    adds: bool,
}

/// The column of the first output, and columns beside the outputs.
const FIRST: usize = 3;
const BESIDE: usize = 5;

impl Product {
    fn drawn(draw: &mut Draw, case: usize, n_rows: usize) -> Self {
        let format = Format::ALL[case % Format::ALL.len()];
        let (n_in, n_out) = (n_in_for(draw, format), draw.size(150));
        Self {
            format,
            bytes: draw.bytes(format, n_out * n_in),
            inputs: draw.values(n_rows * n_in),
            n_in,
            n_out,
            bias: draw.values(n_out + FIRST),
            before: draw.values(n_rows * (n_out + BESIDE)),
            has_bias: draw.0.below(2) == 1,
            adds: draw.0.below(2) == 1,
        }
    }

    fn n_rows(&self) -> usize {
        self.inputs.len() / self.n_in
    }

    /// Its outputs, and what is beside them, by the kernel.
    fn by(&self, gpu: &mut Gpu, tile: MatmulTile) -> Vec<u32> {
        let shape = shape::Matmul {
            n_rows: self.n_rows() as u32,
            n_in: self.n_in as u32,
            n_out: self.n_out as u32,
            stride: (self.n_out + BESIDE) as u32,
            first: FIRST as u32,
            has_bias: u32::from(self.has_bias),
            adds: u32::from(self.adds),
            words: self.format.row_words(self.n_in) as u32,
            first_group: 0,
        };
        let weights = repack(self.format, &self.bytes, self.n_out, self.n_in);
        let buffers = [&weights, words(&self.bias), words(&self.inputs), words(&self.before)];
        let groups = [shape.n_out.div_ceil(tile.outputs()), shape.n_rows.div_ceil(tile.rows())];
        let kernel = Kernel::Matmul(self.format, tile);
        run(gpu, kernel, &buffers, &shape.words(), groups).swap_remove(3)
    }

    /// Its outputs, and what is beside them, by the twin.
    fn by_twin(&self, tile: MatmulTile) -> Vec<f64> {
        let mut weights = twins::weights(self.format, &self.bytes);
        if matches!(tile, MatmulTile::Workgroup(tile) if tile.is_half) {
            weights.iter_mut().for_each(|weight| *weight = f16::from_f64(*weight).to_f64());
        }
        let mut expected: Vec<f64> = self.before.iter().map(|x| f64::from(*x)).collect();
        let products = twins::matmul(&self.inputs, &weights, self.n_in);
        let rows = expected.chunks_exact_mut(self.n_out + BESIDE);
        for (row, products) in rows.zip(products.chunks_exact(self.n_out)) {
            for (ix, product) in (FIRST..).zip(products) {
                let bias = if self.has_bias { f64::from(self.bias[ix]) } else { 0.0 };
                row[ix] = product + bias + if self.adds { row[ix] } else { 0.0 };
            }
        }
        expected
    }

    /// The same product with the first rows only.
    fn first_rows(&self, n: usize) -> Self {
        Self {
            bytes: self.bytes.clone(),
            inputs: self.inputs[..n * self.n_in].to_vec(),
            bias: self.bias.clone(),
            before: self.before[..n * (self.n_out + BESIDE)].to_vec(),
            ..*self
        }
    }
}

fn has(is_there: bool, what: &str) -> bool {
    if !is_there {
        println!("SKIPPED: the adapter has no {what}");
    }
    is_there
}

/// Tiles that add within subgroups of this adapter, each with a number of tokens.
fn subgroup_tiles(size: u32) -> Vec<RegisterTile> {
    let mut tiles = Vec::new();
    for lanes in [1, 2, 4, 8].into_iter().filter(|lanes| *lanes < size) {
        for slices in [2, 4, 8, 16, 32].into_iter().filter(|n| (lanes * n).is_multiple_of(size)) {
            for (tokens, quads) in [(1, 8), (2, 8), (4, 1), (8, 1)] {
                tiles.push(RegisterTile { lanes, slices, tokens, quads, subgroup: size });
            }
        }
    }
    tiles
}

fn workgroup_tiles(has_f16: bool) -> Vec<MatmulTile> {
    let tile = |(row_quads, is_half)| MatmulTile::Workgroup(WorkgroupTile { row_quads, is_half });
    let all = [(1, false), (2, false), (1, true), (2, true)];
    all.into_iter().filter(|(_, is_half)| has_f16 || !is_half).map(tile).collect()
}

#[test]
fn gpu_matmul_tile_equals_its_twin() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("matmul_tile");
    let tiles = workgroup_tiles(has(gpu.traits().has_f16, "half precision"));
    for case in 0..N_SHAPES {
        let n_rows = draw.size(100);
        let product = Product::drawn(&mut draw, case, n_rows);
        let tile = tiles[draw.0.below(tiles.len())];
        let (format, n_out, n_in) = (product.format, product.n_out, product.n_in);
        let what = format!("{format:?} {tile:?} {n_rows} rows, {n_out} of {n_in}");
        assert_close(&floats(&product.by(&mut gpu, tile)), &product.by_twin(tile), &what);
    }
}

#[test]
fn gpu_matmul_with_subgroups_equals_its_twin() {
    let Some(mut gpu) = device() else { return };
    let size = gpu.traits().subgroup_size;
    if !has(size.is_some(), "subgroups of one size") {
        return;
    }
    let tiles = subgroup_tiles(size.unwrap());
    let mut draw = Draw::new("matmul subgroups");
    for case in 0..N_SHAPES {
        let n_rows = draw.size(17);
        let product = Product::drawn(&mut draw, case, n_rows);
        let tile = MatmulTile::Registers(tiles[case % tiles.len()]);
        let (format, n_out, n_in) = (product.format, product.n_out, product.n_in);
        let what = format!("{format:?} {tile:?} {n_rows} rows, {n_out} of {n_in}");
        assert_close(&floats(&product.by(&mut gpu, tile)), &product.by_twin(tile), &what);
    }
}

#[test]
fn gpu_products_in_every_tile_are_the_same_bits_in_any_company() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("company of tiles");
    let traits = *gpu.traits();
    for case in 0..Format::ALL.len() {
        let product = Product::drawn(&mut draw, case, 70);
        let width = product.n_out + BESIDE;
        // Tiles of one kind add in one order, whatever their rows.
        for is_half in [false, true].into_iter().filter(|is_half| traits.has_f16 || !is_half) {
            let tile = |row_quads| MatmulTile::Workgroup(WorkgroupTile { row_quads, is_half });
            let all = product.by(&mut gpu, tile(2));
            for n_rows in [1, 2, 5, 31, 32, 33, 64, 70] {
                let some = product.first_rows(n_rows);
                for row_quads in [1, 2] {
                    let found = some.by(&mut gpu, tile(row_quads));
                    assert_eq!(found, all[..n_rows * width], "{n_rows} rows, {row_quads}");
                }
            }
        }
        // Making so many kernels ready takes its time: one format is enough.
        let Some(size) = traits.subgroup_size.filter(|_| case == 0) else { continue };
        for tile in subgroup_tiles(size).into_iter().filter(|tile| tile.tokens == 1) {
            let by = |gpu: &mut Gpu, product: &Product, tokens, quads| {
                product.by(gpu, MatmulTile::Registers(RegisterTile { tokens, quads, ..tile }))
            };
            let all = by(&mut gpu, &product.first_rows(9), 8, 1);
            for (n_rows, tokens, quads) in [(1, 1, 8), (2, 2, 8), (4, 4, 1), (7, 8, 1)] {
                let found = by(&mut gpu, &product.first_rows(n_rows), tokens, quads);
                assert_eq!(found, all[..n_rows * width], "{n_rows} rows, {tile:?}");
            }
        }
    }
}

#[test]
fn gpu_norms_with_subgroups_equal_their_twin() {
    let Some(mut gpu) = device() else { return };
    let size = gpu.traits().subgroup_size;
    if !has(size.is_some(), "subgroups of one size") {
        return;
    }
    let subgroup = size.unwrap();
    let mut draw = Draw::new("norm subgroups");
    for case in 0..N_SHAPES {
        let (n_rows, width) = (draw.size(5), draw.size(300));
        let (gain, inputs) = (draw.values(width), draw.values(n_rows * width));
        let (epsilon, before) = (1e-5_f32, vec![0; inputs.len()]);
        let slices = [subgroup, 2 * subgroup, 128.max(subgroup)][case % 3];
        let kernel = Kernel::RmsNorm(NormTile { slices, subgroup });
        let shape = shape::RmsNorm { width: width as u32, epsilon }.words();
        let buffers = [words(&gain), words(&inputs), &before];
        let out = run(&mut gpu, kernel, &buffers, &shape, [n_rows as u32, 1]);
        let expected = twins::rms_norm(&inputs, &gain, epsilon);
        assert_close(&floats(&out[2]), &expected, &format!("{kernel:?} {n_rows} {width}"));
    }
}

/// Values as pairs of half-precision numbers.
fn packed(values: &[f32]) -> Vec<u32> {
    let half = |value: f32| u32::from(f16::from_f32(value).to_bits());
    values.chunks_exact(2).map(|pair| half(pair[0]) | half(pair[1]) << 16).collect()
}

fn unpacked(words: &[u32]) -> Vec<f32> {
    let half = |bits: u32| f16::from_bits(bits as u16).to_f32();
    words.iter().flat_map(|word| [half(*word), half(word >> 16)]).collect()
}

#[test]
fn gpu_rope_into_a_half_precision_cache_equals_its_twin() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("rope in halves");
    for case in 0..N_SHAPES {
        let (n, k, size) = (draw.size(5), draw.size(3), 4 * draw.size(16));
        let h = k * draw.size(3);
        let width = (h + 2 * k) * size;
        let angles: Vec<f32> = (0..n * size / 2)
            .flat_map(|_| {
                let angle = draw.0.unit() * 6.0;
                [angle.cos() as f32, angle.sin() as f32]
            })
            .collect();
        let mut rows = draw.values(n * width);
        // Too large for half precision.
        *rows.last_mut().unwrap() = 1e6;
        let slots: Vec<u32> = (0..n).map(|row| (n - 1 - row) as u32).collect();
        let cache = vec![0; n * k * size / 2];
        let halves = case % 2 == 1;
        let kernel = Kernel::Rope { halves, cache: CachePrecision::F16 };
        let shape = shape::Rope { n_heads: h as u32, n_kv_heads: k as u32, size: size as u32 };
        let buffers = [words(&angles), &slots, words(&rows), &cache, &cache];
        let groups = [(width / 4).div_ceil(64) as u32, n as u32];
        let out = run(&mut gpu, kernel, &buffers, &shape.words(), groups);
        let turned = twins::rope(&rows, width, &angles, size, halves);
        let (keys_at, values_at) = (h * size, (h + k) * size);
        let plain = rows.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
        for (from, of, found) in [(keys_at, &turned, &out[3]), (values_at, &plain, &out[4])] {
            let found = unpacked(found);
            let row = |row: usize| of[row * width + from..][..k * size].to_vec();
            let expected: Vec<f64> = (0..n).rev().flat_map(row).collect();
            for (ix, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let expected = expected.clamp(-65504.0, 65504.0);
                // Adapters may round up or down, and may take the smallest numbers for 0.
                let most = (expected.abs() * 2.0_f64.powi(-10)).max(2.0_f64.powi(-14));
                let off = (f64::from(*found) - expected).abs();
                assert!(off <= most, "{kernel:?} {shape:?} {ix}: {found} for {expected}");
            }
        }
        let queries = |rows: &[f64]| -> Vec<f64> {
            rows.chunks_exact(width).flat_map(|row| row[..keys_at].to_vec()).collect()
        };
        let found: Vec<f64> = floats(&out[2]).into_iter().map(f64::from).collect();
        let found: Vec<f32> = queries(&found).into_iter().map(|x| x as f32).collect();
        assert_close(&found, &queries(&turned), &format!("{kernel:?} {shape:?}"));
    }
}

#[test]
fn gpu_attention_over_a_half_precision_cache_equals_its_twin() {
    let Some(mut gpu) = device() else { return };
    let mut draw = Draw::new("attention in halves");
    for case in 0..N_SHAPES {
        let is_split = case % 2 == 1;
        let [k, group] = [draw.size(3), [1, 3, 4][draw.0.below(3)]];
        let size = [16, 32, 64][draw.0.below(3)];
        let (h, quads) = (k * group, size / 4);
        let lanes = attention_lanes(group as u32, is_split) as usize;
        let n_rows = if is_split { 1 } else { draw.size(lanes / group) };
        let n_keys = n_rows + draw.0.below(100);
        let mut pages: Vec<u32> = (0..n_keys.div_ceil(PAGE as usize) as u32 + 2).collect();
        draw.0.shuffle(&mut pages);
        let mut cached = || unpacked(&packed(&draw.values(n_keys * k * size)));
        let (keys, values) = (cached(), cached());
        let place = |plain: &[f32]| {
            let mut paged = vec![9.0; pages.len() * PAGE as usize * k * size];
            for (token, row) in plain.chunks_exact(k * size).enumerate() {
                let page = pages[1 + token / PAGE as usize] as usize;
                let at = (page * PAGE as usize + token % PAGE as usize) * k * size;
                paged[at..at + k * size].copy_from_slice(row);
            }
            packed(&paged)
        };
        let stride = (h + 2 * k) * size;
        let rows = draw.values(n_rows * stride);
        let each = if is_split { 37 } else { n_keys };
        let parts = (0..n_keys).step_by(each).enumerate();
        let items: Vec<u32> = parts
            .flat_map(|(part, from)| {
                let to = (from + each).min(n_keys);
                [0, n_rows, 1, n_keys - n_rows, from, to, part, 0].map(|n| n as u32)
            })
            .collect();
        let n_items = items.len() / Item::N_WORDS;
        let n_out = if is_split { n_items * h * (size + 4) } else { n_rows * h * size };
        let cache = CachePrecision::F16;
        let (group, quads, lanes) = (group as u32, quads as u32, lanes as u32);
        let kernel = Kernel::Attention { group, quads, is_split, lanes, cache };
        let shape = shape::Attention {
            n_heads: h as u32,
            n_kv_heads: k as u32,
            stride: stride as u32,
            scale: 1.0 / (size as f32).sqrt(),
            first_group: 0,
        };
        let (paged_keys, paged_values, before) = (place(&keys), place(&values), vec![0; n_out]);
        let buffers = [&items, &pages, words(&rows), &paged_keys, &paged_values, &before];
        let groups = [k as u32, n_items as u32];
        let mut found = run(&mut gpu, kernel, &buffers, &shape.words(), groups).swap_remove(5);
        if is_split {
            let buffers: [&[u32]; 3] = [&[0, n_items as u32], &found, &vec![0; h * size]];
            let shape = shape::AttentionMerge { n_heads: h as u32, quads };
            let groups = [(h as u32 * quads).div_ceil(16), 1];
            found = run(&mut gpu, Kernel::AttentionMerge, &buffers, &shape.words(), groups)
                .swap_remove(2);
        }
        let queries: Vec<f32> =
            rows.chunks_exact(stride).flat_map(|row| row[..h * size].to_vec()).collect();
        let expected = twins::attention(&queries, &keys, &values, [h, k, size]);
        assert_close(&floats(&found), &expected, &format!("{kernel:?} {n_rows} of {n_keys}"));
    }
}
