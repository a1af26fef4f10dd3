//! 8-bit weights in tiles of 16 output rows: the matrix product that decoding on the CPU is made of.
//!
//! A tile holds, for each 32 inputs, 16 scales and the 16x32 quantized weights with four inputs of a
//! row side by side, so that one `vpdpbusd` adds four products to each of 16 outputs. The input is
//! quantized the same way (one scale per 32 values, as GGUF's Q8_0). Sums of products are exact
//! integers and each row of the input is treated alone, so an output has the same bits whichever
//! instruction set computes it and however many rows are computed together.
//!
//! Which weights are kept this way is decided in `linear`; prompts do not use this, see there.

use candle_core::utils::barrier_pool;
use half::f16;

/// Output rows of a tile.
const TILE: usize = 16;
/// Inputs that share a scale.
const BLOCK: usize = 32;
/// Groups of four inputs in a block.
const QUADS: usize = BLOCK / 4;

/// One block of inputs for 16 output rows.
#[derive(Clone)]
#[repr(C, align(64))]
struct Tile {
    /// `[QUADS][TILE][4]`: row `r`, input `4 q + j` at `(q * TILE + r) * 4 + j`.
    quants: [i8; BLOCK * TILE],
    scales: [f16; TILE],
}

/// A weight matrix `[n_out, n_in]` in 8-bit tiles.
pub struct Q8Tiles {
    n_out: usize,
    n_in: usize,
    /// `[n_out / 16, n_in / 32]`, the last tiles filled up with zero rows.
    tiles: Vec<Tile>,
}

/// Rows of input, quantized in blocks of 32.
struct Input {
    /// `[rows, n_in]`: the quantized value plus 128, four in a word.
    words: Vec<u32>,
    /// `[rows, n_in / 32]`
    scales: Vec<f32>,
}

impl Q8Tiles {
    /// Quantizes `weights` `[n_out, n_in]`; `n_in` must be a multiple of 32.
    pub fn new(weights: &[f32], n_out: usize, n_in: usize) -> Self {
        debug_assert_eq!(weights.len(), n_out * n_in);
        debug_assert!(n_in.is_multiple_of(BLOCK));
        let n_blocks = n_in / BLOCK;
        let empty = Tile { quants: [0; BLOCK * TILE], scales: [f16::ZERO; TILE] };
        let mut tiles = vec![empty; n_out.div_ceil(TILE) * n_blocks];
        for (row_ix, row) in weights.chunks_exact(n_in).enumerate() {
            let (tile_ix, lane) = (row_ix / TILE, row_ix % TILE);
            for (block_ix, block) in row.chunks_exact(BLOCK).enumerate() {
                let tile = &mut tiles[tile_ix * n_blocks + block_ix];
                let largest = block.iter().fold(0.0f32, |m, x| m.max(x.abs()));
                let scale = f16::from_f32(largest / 127.0);
                let inverse = inverse(scale.to_f32());
                tile.scales[lane] = scale;
                for (input_ix, x) in block.iter().enumerate() {
                    let at = (input_ix / 4 * TILE + lane) * 4 + input_ix % 4;
                    tile.quants[at] = (x * inverse).round().clamp(-127.0, 127.0) as i8;
                }
            }
        }
        Self { n_out, n_in, tiles }
    }

    /// Output rows.
    pub fn n_out(&self) -> usize {
        self.n_out
    }

    /// The weights as f32, `[n_out, n_in]`.
    pub fn dense(&self) -> Vec<f32> {
        let mut weights = vec![0.0; self.n_out * self.n_in];
        let n_blocks = self.n_in / BLOCK;
        for (row_ix, row) in weights.chunks_exact_mut(self.n_in).enumerate() {
            let (tile_ix, lane) = (row_ix / TILE, row_ix % TILE);
            for (block_ix, block) in row.chunks_exact_mut(BLOCK).enumerate() {
                let tile = &self.tiles[tile_ix * n_blocks + block_ix];
                let scale = tile.scales[lane].to_f32();
                for (input_ix, x) in block.iter_mut().enumerate() {
                    let at = (input_ix / 4 * TILE + lane) * 4 + input_ix % 4;
                    *x = f32::from(tile.quants[at]) * scale;
                }
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
        let n_tiles = self.n_out.div_ceil(TILE);
        barrier_pool().execute_chunked(n_tiles, |range| {
            let out = &out;
            for tile_ix in range {
                let tiles = &self.tiles[tile_ix * n_blocks..(tile_ix + 1) * n_blocks];
                let n_lanes = TILE.min(self.n_out - tile_ix * TILE);
                let mut row = 0;
                while row < n_rows {
                    let mut sums = [[0.0; TILE]; 4];
                    let n = if n_rows - row >= 4 { 4 } else { 1 };
                    level.dot(tiles, &input, row, n, &mut sums);
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

/// Where the workers write; each writes places of its own.
struct OutPtr(*mut f32);
// SAFETY: `matmul` hands disjoint parts of the buffer to the workers and outlives them.
unsafe impl Sync for OutPtr {}

fn inverse(scale: f32) -> f32 {
    if scale > 0.0 { 1.0 / scale } else { 0.0 }
}

impl Input {
    fn new(rows: &[f32]) -> Self {
        let n_blocks = rows.len() / BLOCK;
        let mut words = vec![0u32; n_blocks * QUADS];
        let mut scales = vec![0.0; n_blocks];
        pulp::Arch::new().dispatch(|| {
            for ((block, words), scale) in
                rows.chunks_exact(BLOCK).zip(words.chunks_exact_mut(QUADS)).zip(&mut scales)
            {
                let largest = block.iter().fold(0.0f32, |m, x| m.max(x.abs()));
                *scale = largest / 127.0;
                let inverse = inverse(*scale);
                let mut bytes = [0u8; BLOCK];
                for (byte, x) in bytes.iter_mut().zip(block) {
                    // Adding 128.5 and cutting off rounds to nearest for the whole range.
                    *byte = (x * inverse + 128.5) as u8;
                }
                for (word, quad) in words.iter_mut().zip(bytes.chunks_exact(4)) {
                    *word = u32::from_le_bytes([quad[0], quad[1], quad[2], quad[3]]);
                }
            }
        });
        Self { words, scales }
    }

    fn row(&self, row: usize, n_blocks: usize) -> (&[u32], &[f32]) {
        let words = &self.words[row * n_blocks * QUADS..(row + 1) * n_blocks * QUADS];
        (words, &self.scales[row * n_blocks..(row + 1) * n_blocks])
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

    /// Sums for `n` rows (1 or 4) of the input from `row` on, against one row of tiles.
    fn dot(self, tiles: &[Tile], input: &Input, row: usize, n: usize, sums: &mut [[f32; TILE]; 4]) {
        match self {
            Self::Plain => {
                for (ix, sums) in sums[..n].iter_mut().enumerate() {
                    let (words, scales) = input.row(row + ix, tiles.len());
                    plain::dot(tiles, words, scales, sums);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                for (ix, sums) in sums[..n].iter_mut().enumerate() {
                    let (words, scales) = input.row(row + ix, tiles.len());
                    // SAFETY: `detect` saw the instructions.
                    unsafe { x86::dot_avx2(tiles, words, scales, sums) };
                }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Vnni => {
                let rows = std::array::from_fn(|ix| input.row(row + ix.min(n - 1), tiles.len()));
                // SAFETY: `detect` saw the instructions.
                unsafe {
                    if n == 4 {
                        x86::dot_vnni::<4>(tiles, rows, sums);
                    } else {
                        x86::dot_vnni::<1>(tiles, rows, sums);
                    }
                }
            }
        }
    }
}

mod plain {
    use super::{QUADS, TILE, Tile};

    /// The twin of the vector forms: what they must equal to the bit.
    pub fn dot(tiles: &[Tile], words: &[u32], scales: &[f32], sums: &mut [f32; TILE]) {
        for ((tile, words), scale) in tiles.iter().zip(words.chunks_exact(QUADS)).zip(scales) {
            for (lane, sum) in sums.iter_mut().enumerate() {
                let mut total = 0i32;
                for (quad, word) in words.iter().enumerate() {
                    let weights = &tile.quants[(quad * TILE + lane) * 4..][..4];
                    for (byte, weight) in word.to_le_bytes().into_iter().zip(weights) {
                        total += (i32::from(byte) - 128) * i32::from(*weight);
                    }
                }
                *sum = (total as f32).mul_add(tile.scales[lane].to_f32() * scale, *sum);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{QUADS, TILE, Tile};
    use std::arch::x86_64::*;

    /// # Safety
    /// Needs AVX-512F and AVX-512 VNNI.
    #[target_feature(enable = "avx512f,avx512vnni")]
    pub unsafe fn dot_vnni<const N: usize>(
        tiles: &[Tile],
        rows: [(&[u32], &[f32]); 4],
        sums: &mut [[f32; TILE]; 4],
    ) {
        let mut acc = [_mm512_setzero_ps(); N];
        let bias = _mm512_set1_epi8(-128);
        for (block_ix, tile) in tiles.iter().enumerate() {
            // SAFETY: a tile holds 8 x 64 quants and 16 scales; slices are indexed with checks.
            unsafe {
                let quants = tile.quants.as_ptr();
                let weights: [__m512i; QUADS] =
                    std::array::from_fn(|quad| _mm512_load_si512(quants.add(quad * 64).cast()));
                // The input carries +128: `bias` (128 as unsigned) times the weights is taken off.
                let mut excess = [_mm512_setzero_si512(); 2];
                for (quad, weight) in weights.iter().enumerate() {
                    excess[quad % 2] = _mm512_dpbusd_epi32(excess[quad % 2], bias, *weight);
                }
                let excess = _mm512_add_epi32(excess[0], excess[1]);
                let scales = _mm512_cvtph_ps(_mm256_loadu_si256(tile.scales.as_ptr().cast()));
                for (acc, (words, input_scales)) in acc.iter_mut().zip(rows) {
                    let words = &words[block_ix * QUADS..][..QUADS];
                    let mut total = [_mm512_setzero_si512(); 2];
                    for quad in 0..QUADS {
                        let input = _mm512_set1_epi32(words[quad] as i32);
                        total[quad % 2] =
                            _mm512_dpbusd_epi32(total[quad % 2], input, weights[quad]);
                    }
                    let total = _mm512_sub_epi32(_mm512_add_epi32(total[0], total[1]), excess);
                    let scale = _mm512_mul_ps(scales, _mm512_set1_ps(input_scales[block_ix]));
                    *acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(total), scale, *acc);
                }
            }
        }
        for (acc, sums) in acc.iter().zip(sums) {
            // SAFETY: `sums` has 16 places.
            unsafe { _mm512_storeu_ps(sums.as_mut_ptr(), *acc) };
        }
    }

    /// # Safety
    /// Needs AVX2, FMA and F16C.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub unsafe fn dot_avx2(
        tiles: &[Tile],
        words: &[u32],
        input_scales: &[f32],
        sums: &mut [f32; TILE],
    ) {
        let mut acc = [_mm256_setzero_ps(); 2];
        let ones = _mm256_set1_epi16(1);
        for ((tile, words), scale) in tiles.iter().zip(words.chunks_exact(QUADS)).zip(input_scales)
        {
            for (half, acc) in acc.iter_mut().enumerate() {
                // SAFETY: a tile holds 8 x 64 quants and 16 scales.
                unsafe {
                    let mut total = _mm256_setzero_si256();
                    for (quad, word) in words.iter().enumerate() {
                        // `maddubs` saturates with +128 inputs, so the sign goes to the weights.
                        let input = _mm256_set1_epi32((word ^ 0x8080_8080) as i32);
                        let at = quad * 64 + half * 32;
                        let weights = _mm256_load_si256(tile.quants.as_ptr().add(at).cast());
                        let pairs = _mm256_maddubs_epi16(
                            _mm256_abs_epi8(input),
                            _mm256_sign_epi8(weights, input),
                        );
                        total = _mm256_add_epi32(total, _mm256_madd_epi16(pairs, ones));
                    }
                    let scales = tile.scales.as_ptr().add(half * 8);
                    let scales = _mm256_cvtph_ps(_mm_loadu_si128(scales.cast()));
                    let scale = _mm256_mul_ps(scales, _mm256_set1_ps(*scale));
                    *acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(total), scale, *acc);
                }
            }
        }
        for (half, acc) in acc.iter().enumerate() {
            // SAFETY: `sums` has 16 places.
            unsafe { _mm256_storeu_ps(sums.as_mut_ptr().add(half * 8), *acc) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    fn drawn(n: usize, purpose: &str) -> Vec<f32> {
        let mut stream = Stream::new(1, "q8", purpose);
        (0..n).map(|_| (stream.unit() * 2.0 - 1.0) as f32).collect()
    }

    #[test]
    fn product_is_close_to_the_exact_one_and_rows_do_not_touch() {
        for (n_rows, n_out, n_in) in [(1, 16, 32), (3, 37, 96), (9, 50, 576)] {
            let (weights, input) = (drawn(n_out * n_in, "w"), drawn(n_rows * n_in, "x"));
            let tiles = Q8Tiles::new(&weights, n_out, n_in);
            let mut out = vec![f32::NAN; n_rows * n_out];
            tiles.matmul(&input, n_rows, &mut out);
            let (mut error, mut energy) = (0.0, 0.0);
            for row in 0..n_rows {
                let mut alone = vec![0.0; n_out];
                tiles.matmul(&input[row * n_in..(row + 1) * n_in], 1, &mut alone);
                assert_eq!(alone, out[row * n_out..(row + 1) * n_out], "row {row} alone");
                for col in 0..n_out {
                    let exact: f64 = (0..n_in)
                        .map(|i| f64::from(weights[col * n_in + i] * input[row * n_in + i]))
                        .sum();
                    error += (f64::from(out[row * n_out + col]) - exact).powi(2);
                    energy += exact * exact;
                }
            }
            assert!(error / energy < 2e-4, "{}", error / energy);
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let (n_out, n_in, n_rows) = (32, 160, 4);
        let tiles = Q8Tiles::new(&drawn(n_out * n_in, "w"), n_out, n_in);
        let input = Input::new(&drawn(n_rows * n_in, "x"));
        let row_of_tiles = &tiles.tiles[n_in / BLOCK..];
        let run = |level: Level| {
            let mut sums = [[0.0; TILE]; 4];
            level.dot(row_of_tiles, &input, 0, 4, &mut sums);
            sums.map(|lanes| lanes.map(f32::to_bits))
        };
        let expected = run(Level::Plain);
        assert_ne!(expected[0], expected[1]);
        #[cfg(target_arch = "x86_64")]
        for (level, there) in [
            (Level::Avx2, is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")),
            (Level::Vnni, is_x86_feature_detected!("avx512vnni")),
        ] {
            if there {
                assert_eq!(run(level), expected, "{level:?}");
            } else {
                println!("SKIPPED: this processor has no {level:?}");
            }
        }
    }
}
