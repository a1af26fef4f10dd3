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

/// The product of a row of tiles and rows of input, by instruction set.
trait Dot: Sized {
    /// The twin of the vector forms: what they must equal to the bit.
    fn plain(tiles: &[Self], row: Row<'_>, sums: &mut [f32; TILE]);
    /// # Safety
    /// Needs AVX2, FMA and F16C.
    #[cfg(target_arch = "x86_64")]
    unsafe fn avx2(tiles: &[Self], row: Row<'_>, sums: &mut [f32; TILE]);
    /// # Safety
    /// Needs AVX-512F and AVX-512 VNNI.
    #[cfg(target_arch = "x86_64")]
    unsafe fn vnni<const N: usize>(tiles: &[Self], rows: [Row<'_>; N], sums: &mut [[f32; TILE]]);
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

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

impl Dot for Tile8 {
    fn plain(tiles: &[Self], row: Row<'_>, sums: &mut [f32; TILE]) {
        for ((tile, words), scale) in
            tiles.iter().zip(row.words.chunks_exact(QUADS)).zip(row.scales)
        {
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

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn avx2(tiles: &[Self], row: Row<'_>, sums: &mut [f32; TILE]) {
        let mut acc = [_mm256_setzero_ps(); 2];
        let ones = _mm256_set1_epi16(1);
        for ((tile, words), scale) in
            tiles.iter().zip(row.signed.chunks_exact(QUADS)).zip(row.scales)
        {
            for (half, acc) in acc.iter_mut().enumerate() {
                // SAFETY: a tile holds 8 x 64 quants and 16 scales.
                unsafe {
                    let mut total = _mm256_setzero_si256();
                    for (quad, word) in words.iter().enumerate() {
                        // `maddubs` saturates with the full range of both sides, so the sign of
                        // the input goes to the weights.
                        let input = _mm256_set1_epi32(*word as i32);
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

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn vnni<const N: usize>(tiles: &[Self], rows: [Row<'_>; N], sums: &mut [[f32; TILE]]) {
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
                for (acc, row) in acc.iter_mut().zip(&rows) {
                    let words = &row.words[block_ix * QUADS..][..QUADS];
                    let mut total = [_mm512_setzero_si512(); 2];
                    for quad in 0..QUADS {
                        let input = _mm512_set1_epi32(words[quad] as i32);
                        total[quad % 2] =
                            _mm512_dpbusd_epi32(total[quad % 2], input, weights[quad]);
                    }
                    let total = _mm512_sub_epi32(_mm512_add_epi32(total[0], total[1]), excess);
                    let scale = _mm512_mul_ps(scales, _mm512_set1_ps(row.scales[block_ix]));
                    *acc = _mm512_fmadd_ps(_mm512_cvtepi32_ps(total), scale, *acc);
                }
            }
        }
        for (acc, sums) in acc.iter().zip(sums) {
            // SAFETY: `sums` has 16 places.
            unsafe { _mm512_storeu_ps(sums.as_mut_ptr(), *acc) };
        }
    }
}

impl Dot for Tile4 {
    fn plain(tiles: &[Self], row: Row<'_>, sums: &mut [f32; TILE]) {
        let blocks = row.words.chunks_exact(QUADS).zip(row.scales.iter().zip(row.sums));
        for (tile, (words, (scale, input_sum))) in tiles.iter().zip(blocks) {
            for (lane, sum) in sums.iter_mut().enumerate() {
                let bytes = words.iter().flat_map(|word| word.to_le_bytes());
                let total: i32 = bytes
                    .enumerate()
                    .map(|(ix, byte)| (i32::from(byte) - 128) * i32::from(tile.quant(lane, ix)))
                    .sum();
                *sum = (total as f32).mul_add(tile.scales[lane].to_f32() * scale, *sum);
                *sum = tile.least[lane].to_f32().mul_add(*input_sum, *sum);
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn avx2(tiles: &[Self], row: Row<'_>, sums: &mut [f32; TILE]) {
        let mut acc = [_mm256_setzero_ps(); 2];
        let (ones, low) = (_mm256_set1_epi16(1), _mm256_set1_epi8(15));
        let blocks = row.signed.chunks_exact(QUADS).zip(row.scales.iter().zip(row.sums));
        for (tile, (words, (scale, input_sum))) in tiles.iter().zip(blocks) {
            for (half, acc) in acc.iter_mut().enumerate() {
                // SAFETY: a tile holds 4 x 64 quants, 16 scales and 16 least values.
                unsafe {
                    let mut total = _mm256_setzero_si256();
                    for quad in 0..QUADS / 2 {
                        let at = quad * 64 + half * 32;
                        let both = _mm256_load_si256(tile.quants.as_ptr().add(at).cast());
                        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(both), low);
                        let pairs =
                            [(_mm256_and_si256(both, low), words[quad]), (high, words[quad + 4])];
                        for (weights, word) in pairs {
                            let input = _mm256_set1_epi32(word as i32);
                            let products = _mm256_maddubs_epi16(weights, input);
                            total = _mm256_add_epi32(total, _mm256_madd_epi16(products, ones));
                        }
                    }
                    let eight = |values: &[f16; TILE]| {
                        _mm256_cvtph_ps(_mm_loadu_si128(values.as_ptr().add(half * 8).cast()))
                    };
                    let scale = _mm256_mul_ps(eight(&tile.scales), _mm256_set1_ps(*scale));
                    *acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(total), scale, *acc);
                    *acc = _mm256_fmadd_ps(eight(&tile.least), _mm256_set1_ps(*input_sum), *acc);
                }
            }
        }
        for (half, acc) in acc.iter().enumerate() {
            // SAFETY: `sums` has 16 places.
            unsafe { _mm256_storeu_ps(sums.as_mut_ptr().add(half * 8), *acc) };
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn vnni<const N: usize>(tiles: &[Self], rows: [Row<'_>; N], sums: &mut [[f32; TILE]]) {
        let mut acc = [_mm512_setzero_ps(); N];
        let low = _mm512_set1_epi32(0x0f0f_0f0f);
        for (block_ix, tile) in tiles.iter().enumerate() {
            // SAFETY: a tile holds 4 x 64 quants, 16 scales and 16 least values; slices are indexed
            // with checks.
            unsafe {
                let weights: [__m512i; QUADS] = std::array::from_fn(|quad| {
                    let at = tile.quants.as_ptr().add(quad % 4 * 64);
                    let both = _mm512_load_si512(at.cast());
                    let half = if quad < 4 { both } else { _mm512_srli_epi32::<4>(both) };
                    _mm512_and_si512(half, low)
                });
                let scales = _mm512_cvtph_ps(_mm256_loadu_si256(tile.scales.as_ptr().cast()));
                let least = _mm512_cvtph_ps(_mm256_loadu_si256(tile.least.as_ptr().cast()));
                for (acc, row) in acc.iter_mut().zip(&rows) {
                    let words = &row.signed[block_ix * QUADS..][..QUADS];
                    let mut total = [_mm512_setzero_si512(); 2];
                    for quad in 0..QUADS {
                        let input = _mm512_set1_epi32(words[quad] as i32);
                        total[quad % 2] =
                            _mm512_dpbusd_epi32(total[quad % 2], weights[quad], input);
                    }
                    let total = _mm512_cvtepi32_ps(_mm512_add_epi32(total[0], total[1]));
                    let scale = _mm512_mul_ps(scales, _mm512_set1_ps(row.scales[block_ix]));
                    *acc = _mm512_fmadd_ps(total, scale, *acc);
                    *acc = _mm512_fmadd_ps(least, _mm512_set1_ps(row.sums[block_ix]), *acc);
                }
            }
        }
        for (acc, sums) in acc.iter().zip(sums) {
            // SAFETY: `sums` has 16 places.
            unsafe { _mm512_storeu_ps(sums.as_mut_ptr(), *acc) };
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
