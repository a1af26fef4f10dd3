//! The product of a row of tiles with rows of input, for each instruction set.

use super::{QUADS, Row, TILE, Tile4, Tile8};
use half::f16;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// The product of a row of tiles and rows of input, by instruction set.
pub(super) trait Dot: Sized {
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
