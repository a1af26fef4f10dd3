//! Quantized weights in tiles of 16 output rows: the matrix product that decoding on the CPU is made
//! of.
//!
//! A tile holds 32 inputs of 16 rows, four inputs of a row side by side, so that one `vpdpbusd` adds
//! four products to each of 16 outputs. Weights have 8 bits (`scale * quant`) or 4 bits
//! (`scale * quant + least`, which holds GGUF's Q4_0 and Q4_1 without loss). The input is quantized
//! to 8 bits with one scale per 32 values, as other runtimes of these formats do. Sums of products
//! are exact integers and each row of the input is treated alone, so an output has the same bits
//! whichever instruction set computes it and however many rows are computed together.
//!
//! Which weights are kept this way is decided in `linear`; prompts do not use this, see there.

mod dot;

use self::dot::Dot;
use super::simd::vectorized;
use candle_core::quantized::QuantizedType;
use candle_core::utils::barrier_pool;
use half::f16;

/// Output rows of a tile.
const TILE: usize = 16;
/// Inputs that share a scale.
const BLOCK: usize = 32;
/// Groups of four inputs in a block.
const QUADS: usize = BLOCK / 4;

/// 32 inputs of 16 output rows in 8 bits.
#[derive(Clone)]
#[repr(C, align(64))]
struct Tile8 {
    /// `[QUADS][TILE][4]`: row `r`, input `4 q + j` at `(q * TILE + r) * 4 + j`.
    quants: [i8; BLOCK * TILE],
    scales: [f16; TILE],
}

/// 32 inputs of 16 output rows in 4 bits.
#[derive(Clone)]
#[repr(C, align(64))]
struct Tile4 {
    /// `[QUADS / 2][TILE][4]`: quad `q` in the low half of a byte, quad `q + 4` in the high one.
    quants: [u8; BLOCK / 2 * TILE],
    scales: [f16; TILE],
    least: [f16; TILE],
}

enum Tiled {
    Eight(Vec<Tile8>),
    Four(Vec<Tile4>),
}

/// A weight matrix `[n_out, n_in]` in tiles.
pub struct Tiles {
    n_out: usize,
    n_in: usize,
    /// `[n_out / 16, n_in / 32]`, the last tiles filled up with zero rows.
    tiled: Tiled,
}

/// Rows of input, quantized in blocks of 32.
struct Input {
    /// `[rows, n_in]`: the quantized value plus 128, four in a word.
    words: Vec<u32>,
    /// The same without the 128.
    signed: Vec<u32>,
    /// `[rows, n_in / 32]`
    scales: Vec<f32>,
    /// `[rows, n_in / 32]`: scale times the sum of the quantized values.
    sums: Vec<f32>,
}

/// The tile, the lane and the column's place of a row's input.
fn place(row: usize, input: usize, n_in: usize) -> (usize, usize, usize) {
    (row / TILE * (n_in / BLOCK) + input / BLOCK, row % TILE, input % BLOCK)
}

impl Tiles {
    /// Quantizes `weights` `[n_out, n_in]` to 8 bits; `n_in` must be a multiple of 32.
    pub fn eight(weights: &[f32], n_out: usize, n_in: usize) -> Self {
        debug_assert_eq!(weights.len(), n_out * n_in);
        debug_assert!(n_in.is_multiple_of(BLOCK));
        let empty = Tile8 { quants: [0; BLOCK * TILE], scales: [f16::ZERO; TILE] };
        let mut tiles = vec![empty; n_out.div_ceil(TILE) * (n_in / BLOCK)];
        for (row, inputs) in weights.chunks_exact(n_in).enumerate() {
            for (block_ix, block) in inputs.chunks_exact(BLOCK).enumerate() {
                let (tile, lane, _) = place(row, block_ix * BLOCK, n_in);
                let tile = &mut tiles[tile];
                let largest = block.iter().fold(0.0f32, |m, x| m.max(x.abs()));
                let scale = f16::from_f32(largest / 127.0);
                let inverse = inverse(scale.to_f32());
                tile.scales[lane] = scale;
                for (input, x) in block.iter().enumerate() {
                    let at = (input / 4 * TILE + lane) * 4 + input % 4;
                    tile.quants[at] = (x * inverse).round().clamp(-127.0, 127.0) as i8;
                }
            }
        }
        Self { n_out, n_in, tiled: Tiled::Eight(tiles) }
    }

    /// Takes over matrices of Q4_1 (`has_least`) or Q4_0 blocks, one above the other, without loss.
    pub fn four(parts: &[(&dyn QuantizedType, usize, bool)], n_in: usize) -> Self {
        let n_out = parts.iter().map(|(_, n, _)| n).sum();
        let empty = Tile4 {
            quants: [0; BLOCK / 2 * TILE],
            scales: [f16::ZERO; TILE],
            least: [f16::ZERO; TILE],
        };
        let mut tiles = vec![empty; usize::div_ceil(n_out, TILE) * (n_in / BLOCK)];
        let mut first = 0;
        for (blocks, n, has_least) in parts {
            // SAFETY: candle's storage is one run of this many bytes, alive as long as `blocks`.
            let bytes = unsafe {
                std::slice::from_raw_parts(blocks.as_ptr(), blocks.storage_size_in_bytes())
            };
            let n_head = if *has_least { 4 } else { 2 };
            for (block_ix, block) in bytes.chunks_exact(n_head + BLOCK / 2).enumerate() {
                let (row, input) = (first + block_ix * BLOCK / n_in, block_ix * BLOCK % n_in);
                let (tile, lane, _) = place(row, input, n_in);
                tiles[tile].set(lane, block, *has_least);
            }
            first += n;
        }
        Self { n_out, n_in, tiled: Tiled::Four(tiles) }
    }

    /// Output rows.
    pub fn n_out(&self) -> usize {
        self.n_out
    }

    /// The weights as f32, `[n_out, n_in]`.
    pub fn dense(&self) -> Vec<f32> {
        let mut weights = Vec::with_capacity(self.n_out * self.n_in);
        for row in 0..self.n_out {
            for input in 0..self.n_in {
                let (tile, lane, at) = place(row, input, self.n_in);
                weights.push(match &self.tiled {
                    Tiled::Eight(tiles) => tiles[tile].weight(lane, at),
                    Tiled::Four(tiles) => tiles[tile].weight(lane, at),
                });
            }
        }
        weights
    }

    /// `out [rows, n_out] = input [rows, n_in] x weights^T`
    pub fn matmul(&self, input: &[f32], n_rows: usize, out: &mut [f32]) {
        assert_eq!(input.len(), n_rows * self.n_in);
        assert_eq!(out.len(), n_rows * self.n_out);
        let input = Input::new(input);
        let n_blocks = self.n_in / BLOCK;
        let level = Level::detect();
        let out = OutPtr(out.as_mut_ptr());
        barrier_pool().execute_chunked(self.n_out.div_ceil(TILE), |range| {
            let out = &out;
            for tile_ix in range {
                let tiles = tile_ix * n_blocks..(tile_ix + 1) * n_blocks;
                let n_lanes = TILE.min(self.n_out - tile_ix * TILE);
                let mut row = 0;
                while row < n_rows {
                    let mut sums = [[0.0; TILE]; ROWS];
                    let n = if n_rows - row >= ROWS { ROWS } else { 1 };
                    match &self.tiled {
                        Tiled::Eight(all) => {
                            level.dot(&all[tiles.clone()], &input, row, n, &mut sums)
                        }
                        Tiled::Four(all) => {
                            level.dot(&all[tiles.clone()], &input, row, n, &mut sums)
                        }
                    }
                    for (ix, lanes) in sums[..n].iter().enumerate() {
                        let at = (row + ix) * self.n_out + tile_ix * TILE;
                        // SAFETY: `at + n_lanes <= n_rows * n_out`, checked above against the
                        // slice, and each (row, tile) is written by exactly one work item.
                        unsafe {
                            std::ptr::copy_nonoverlapping(lanes.as_ptr(), out.0.add(at), n_lanes);
                        }
                    }
                    row += n;
                }
            }
        });
    }
}

/// Rows of input that share one reading of a tile.
const ROWS: usize = 4;

impl Tile8 {
    fn weight(&self, lane: usize, input: usize) -> f32 {
        let quant = self.quants[(input / 4 * TILE + lane) * 4 + input % 4];
        f32::from(quant) * self.scales[lane].to_f32()
    }
}

impl Tile4 {
    /// Puts a Q4_0 or Q4_1 block (scale, least value, 16 bytes whose low halves come first) into a
    /// lane.
    fn set(&mut self, lane: usize, block: &[u8], has_least: bool) {
        let scale = f16::from_le_bytes([block[0], block[1]]);
        self.scales[lane] = scale;
        let (least, quants) = if has_least {
            (f16::from_le_bytes([block[2], block[3]]), &block[4..])
        } else {
            (f16::from_f32(-8.0 * scale.to_f32()), &block[2..])
        };
        self.least[lane] = least;
        for (input, byte) in quants.iter().enumerate() {
            self.quants[(input / 4 * TILE + lane) * 4 + input % 4] = *byte;
        }
    }

    fn quant(&self, lane: usize, input: usize) -> u8 {
        let half = input % (BLOCK / 2);
        let byte = self.quants[(half / 4 * TILE + lane) * 4 + half % 4];
        if input < BLOCK / 2 { byte & 15 } else { byte >> 4 }
    }

    fn weight(&self, lane: usize, input: usize) -> f32 {
        let quant = f32::from(self.quant(lane, input));
        quant * self.scales[lane].to_f32() + self.least[lane].to_f32()
    }
}

/// Where the workers write; each writes places of its own.
struct OutPtr(*mut f32);
// SAFETY: `matmul` hands disjoint parts of the buffer to the workers and outlives them.
unsafe impl Sync for OutPtr {}

#[inline(always)]
fn inverse(scale: f32) -> f32 {
    if scale > 0.0 { 1.0 / scale } else { 0.0 }
}

vectorized! {
    /// Blocks of 32 values as 8-bit numbers plus 128, their scales, and the sums of their values.
    fn quantize(rows: &[f32], words: &mut [u32], scales: &mut [f32], sums: &mut [f32]) {
        let outs = words.chunks_exact_mut(QUADS).zip(scales.iter_mut().zip(sums));
        for (block, (words, (scale, sum))) in rows.chunks_exact(BLOCK).zip(outs) {
            let largest = block.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            *scale = largest / 127.0;
            let inverse = inverse(*scale);
            let mut bytes = [0u8; BLOCK];
            for (byte, x) in bytes.iter_mut().zip(block) {
                // Adding 128.5 and cutting off rounds to nearest for the whole range.
                *byte = (x * inverse + 128.5) as u8;
            }
            let total: i32 = bytes.iter().map(|byte| i32::from(*byte) - 128).sum();
            *sum = *scale * total as f32;
            for (word, quad) in words.iter_mut().zip(bytes.chunks_exact(4)) {
                *word = u32::from_le_bytes([quad[0], quad[1], quad[2], quad[3]]);
            }
        }
    }
}

/// The quantized input of one row.
#[derive(Clone, Copy)]
struct Row<'a> {
    words: &'a [u32],
    signed: &'a [u32],
    scales: &'a [f32],
    sums: &'a [f32],
}

impl Input {
    fn new(rows: &[f32]) -> Self {
        let n_blocks = rows.len() / BLOCK;
        let mut words = vec![0u32; n_blocks * QUADS];
        let mut scales = vec![0.0; n_blocks];
        let mut sums = vec![0.0; n_blocks];
        quantize(rows, &mut words, &mut scales, &mut sums);
        let signed = words.iter().map(|word| word ^ 0x8080_8080).collect();
        Self { words, signed, scales, sums }
    }

    fn row(&self, row: usize, n_blocks: usize) -> Row<'_> {
        let words = row * n_blocks * QUADS..(row + 1) * n_blocks * QUADS;
        let blocks = row * n_blocks..(row + 1) * n_blocks;
        Row {
            words: &self.words[words.clone()],
            signed: &self.signed[words],
            scales: &self.scales[blocks.clone()],
            sums: &self.sums[blocks],
        }
    }
}

/// The widest instructions that this processor has for the product.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Vnni,
}

impl Level {
    fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512f") {
                return Self::Vnni;
            }
            if is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c")
            {
                return Self::Avx2;
            }
        }
        Self::Plain
    }

    /// Sums for `n` rows (1 or `ROWS`) of the input from `row` on, against one row of tiles.
    fn dot<T: Dot>(
        self,
        tiles: &[T],
        input: &Input,
        row: usize,
        n: usize,
        sums: &mut [[f32; TILE]; ROWS],
    ) {
        let row = |ix: usize| input.row(row + ix, tiles.len());
        match self {
            Self::Plain => {
                sums[..n].iter_mut().enumerate().for_each(|(ix, s)| T::plain(tiles, row(ix), s));
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                for (ix, sums) in sums[..n].iter_mut().enumerate() {
                    // SAFETY: `detect` saw the instructions.
                    unsafe { T::avx2(tiles, row(ix), sums) };
                }
            }
            // SAFETY: `detect` saw the instructions.
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => unsafe {
                if n == ROWS {
                    T::vnni::<ROWS>(tiles, std::array::from_fn(row), sums);
                } else {
                    T::vnni::<1>(tiles, [row(0)], sums);
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;
    use candle_core::quantized::GgmlDType;

    fn drawn(n: usize, purpose: &str) -> Vec<f32> {
        let mut stream = Stream::new(1, "tiles", purpose);
        (0..n).map(|_| (stream.unit() * 2.0 - 1.0) as f32).collect()
    }

    fn four(dtype: GgmlDType, n_out: usize, n_in: usize) -> (Tiles, Vec<f32>) {
        let mut blocks = dtype.cpu_zeros(n_out * n_in);
        blocks.from_float(&drawn(n_out * n_in, "w"));
        let weights = match blocks.dequantize(n_out * n_in).unwrap() {
            candle_core::CpuStorage::F32(weights) => weights,
            _ => unreachable!(),
        };
        let tiles = Tiles::four(&[(&*blocks, n_out, dtype == GgmlDType::Q4_1)], n_in);
        (tiles, weights)
    }

    /// The product is close to the exact one with the tiles' own weights, and no row touches another.
    fn check(tiles: &Tiles, n_rows: usize) {
        let (n_out, n_in) = (tiles.n_out, tiles.n_in);
        let (weights, input) = (tiles.dense(), drawn(n_rows * n_in, "x"));
        let mut out = vec![f32::NAN; n_rows * n_out];
        tiles.matmul(&input, n_rows, &mut out);
        let (mut error, mut energy) = (0.0, 0.0);
        for row in 0..n_rows {
            let mut alone = vec![0.0; n_out];
            tiles.matmul(&input[row * n_in..(row + 1) * n_in], 1, &mut alone);
            assert_eq!(alone, out[row * n_out..(row + 1) * n_out], "row {row} alone");
            for col in 0..n_out {
                let exact: f64 = (0..n_in)
                    .map(|i| f64::from(weights[col * n_in + i]) * f64::from(input[row * n_in + i]))
                    .sum();
                error += (f64::from(out[row * n_out + col]) - exact).powi(2);
                energy += exact * exact;
            }
        }
        assert!(error / energy < 1e-4, "normalized error {}", error / energy);
    }

    #[test]
    fn products_are_close_to_the_exact_ones_and_rows_do_not_touch() {
        for (n_rows, n_out, n_in) in [(1, 16, 32), (3, 37, 96), (9, 50, 576)] {
            let weights = drawn(n_out * n_in, "w");
            let eight = Tiles::eight(&weights, n_out, n_in);
            for (kept, given) in eight.dense().iter().zip(&weights) {
                assert!((kept - given).abs() < 0.005, "{kept} for {given}");
            }
            check(&eight, n_rows);
            check(&four(GgmlDType::Q4_0, n_out, n_in).0, n_rows);
            check(&four(GgmlDType::Q4_1, n_out, n_in).0, n_rows);
        }
    }

    #[test]
    fn four_bit_blocks_are_taken_over_without_loss() {
        for dtype in [GgmlDType::Q4_0, GgmlDType::Q4_1] {
            let (tiles, weights) = four(dtype, 21, 64);
            for (kept, given) in tiles.dense().iter().zip(&weights) {
                assert!((kept - given).abs() < 1e-6, "{dtype:?}: {kept} for {given}");
            }
        }
    }

    fn same_bits<T: Dot>(tiles: &[T], input: &Input) {
        let run = |level: Level| {
            let mut sums = [[0.0; TILE]; ROWS];
            level.dot(tiles, input, 0, ROWS, &mut sums);
            sums.map(|lanes| lanes.map(f32::to_bits))
        };
        let expected = run(Level::Plain);
        assert_ne!(expected[0], expected[1]);
        #[cfg(target_arch = "x86_64")]
        for (level, there) in [
            (Level::Avx2, is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c")),
            (Level::Vnni, is_x86_feature_detected!("avx512vnni")),
        ] {
            if there {
                assert_eq!(run(level), expected, "{level:?}");
            } else {
                println!("SKIPPED: this processor has no {level:?}");
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let (n_out, n_in) = (32, 160);
        let input = Input::new(&drawn(ROWS * n_in, "x"));
        let eight = Tiles::eight(&drawn(n_out * n_in, "w"), n_out, n_in);
        for tiles in [eight, four(GgmlDType::Q4_1, n_out, n_in).0] {
            match &tiles.tiled {
                Tiled::Eight(all) => same_bits(&all[n_in / BLOCK..], &input),
                Tiled::Four(all) => same_bits(&all[n_in / BLOCK..], &input),
            }
        }
    }
}
