//! What the words of a repacked matrix mean; the test holds that to what the file's bytes mean.

use crate::gpu::format::{Format, TILE_ROWS};
use half::{bf16, f16};

/// A row of a repacked matrix with rows of `n_in` weights.
pub fn unpacked(format: Format, matrix: &[u32], n_in: usize, row: usize) -> Vec<f64> {
    let n_words = format.row_words(n_in);
    let first = row / TILE_ROWS * TILE_ROWS * n_words + row % TILE_ROWS;
    let words: Vec<u32> =
        matrix[first..].iter().step_by(TILE_ROWS).take(n_words).copied().collect();
    let n_blocks = n_in / 32;
    match format {
        Format::F32 => words.iter().map(|word| f64::from(f32::from_bits(*word))).collect(),
        Format::F16 => (0..n_in).map(|ix| half(&words, ix)).collect(),
        Format::BF16 => {
            (0..n_in).map(|ix| bf16::from_bits(bits(&words, 16, ix) as u16).to_f64()).collect()
        }
        Format::Q8_0 => {
            let (quants, scales) = words.split_at(8 * n_blocks);
            (0..n_in).map(|ix| half(scales, ix / 32) * signed_byte(quants, ix)).collect()
        }
        Format::Q4_0 => {
            let (quants, scales) = words.split_at(4 * n_blocks);
            let value = |ix: usize| f64::from(bits(quants, 4, ix)) - 8.0;
            (0..n_in).map(|ix| half(scales, ix / 32) * value(ix)).collect()
        }
        Format::Q4_1 => blocks(&words, 5, 32, |block, ix| {
            half(block, 0) * f64::from(bits(&block[1..], 4, ix)) + half(block, 1)
        }),
        Format::Q4K => blocks(&words, 36, 256, |block, ix| {
            let (scale, offset) = k_scales(block, ix / 32);
            scale * f64::from(bits(&block[4..], 4, ix)) - offset
        }),
        Format::Q5K => blocks(&words, 44, 256, |block, ix| {
            let (scale, offset) = k_scales(block, ix / 32);
            let value = bits(&block[4..], 4, ix) + 16 * bits(&block[36..], 1, ix);
            scale * f64::from(value) - offset
        }),
        Format::Q6K => blocks(&words, 53, 256, |block, ix| {
            let value = bits(block, 4, ix) + 16 * bits(&block[32..], 2, ix);
            half(block, 104) * signed_byte(&block[48..], ix / 16) * (f64::from(value) - 32.0)
        }),
    }
}

/// The weights of a row's blocks of `n_words` words and `n` weights.
fn blocks(words: &[u32], n_words: usize, n: usize, value: fn(&[u32], usize) -> f64) -> Vec<f64> {
    words.chunks(n_words).flat_map(|block| (0..n).map(|ix| value(block, ix))).collect()
}

/// Number `ix` of numbers of `n_bits` that lie one after the other, the first lowest.
fn bits(words: &[u32], n_bits: usize, ix: usize) -> u32 {
    words[ix * n_bits / 32] >> (ix * n_bits % 32) & ((1 << n_bits) - 1)
}

fn half(words: &[u32], ix: usize) -> f64 {
    f16::from_bits(bits(words, 16, ix) as u16).to_f64()
}

fn signed_byte(words: &[u32], ix: usize) -> f64 {
    f64::from(bits(words, 8, ix) as i8)
}

/// Scale and offset of block `ix` of a super-block. Its first word are the two factors; then twelve
/// bytes. The first four blocks have the lower 6 bits of bytes 0 to 3 (scales) and 4 to 7 (offsets);
/// the others have their lower 4 bits in bytes 8 to 11 and their upper 2 where the first left room.
fn k_scales(block: &[u32], ix: usize) -> (f64, f64) {
    let byte = |ix: usize| bits(&block[1..4], 8, ix);
    let (scale, offset) = if ix < 4 {
        (byte(ix) % 64, byte(4 + ix) % 64)
    } else {
        let low = byte(4 + ix);
        (low % 16 + byte(ix - 4) / 64 * 16, low / 16 + byte(ix) / 64 * 16)
    };
    (half(block, 0) * f64::from(scale), half(block, 1) * f64::from(offset))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::parity::Draw;
    use crate::gpu::repack;

    /// The weights that a file's bytes mean, by the formats' own definitions.
    fn defined(format: Format, bytes: &[u8]) -> Vec<f64> {
        let (_, n_bytes) = format.block();
        bytes.chunks_exact(n_bytes).flat_map(|block| defined_block(format, block)).collect()
    }

    fn defined_block(format: Format, block: &[u8]) -> Vec<f64> {
        let half = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]).to_f64();
        let nibble =
            |at: usize, high: bool| f64::from(if high { block[at] >> 4 } else { block[at] & 15 });
        match format {
            Format::F32 => {
                vec![f64::from(f32::from_le_bytes([block[0], block[1], block[2], block[3]]))]
            }
            Format::F16 => vec![half(0)],
            Format::BF16 => vec![bf16::from_le_bytes([block[0], block[1]]).to_f64()],
            Format::Q8_0 => (0..32).map(|i| half(0) * f64::from(block[2 + i] as i8)).collect(),
            Format::Q4_0 => {
                (0..32).map(|i| half(0) * (nibble(2 + i % 16, i >= 16) - 8.0)).collect()
            }
            Format::Q4_1 => {
                (0..32).map(|i| half(0) * nibble(4 + i % 16, i >= 16) + half(2)).collect()
            }
            Format::Q4K | Format::Q5K => {
                let scale = |i: usize| -> (f64, f64) {
                    let (low, high) = (&block[4..12], &block[12..16]);
                    let (scale, offset) = if i < 4 {
                        (low[i] & 63, low[i + 4] & 63)
                    } else {
                        let packed = high[i - 4];
                        ((packed & 15) | (low[i - 4] >> 6 << 4), (packed >> 4) | (low[i] >> 6 << 4))
                    };
                    (half(0) * f64::from(scale), half(2) * f64::from(offset))
                };
                let first = if format == Format::Q4K { 16 } else { 48 };
                let value = |i: usize| {
                    let (part, is_high) = (i / 64, i % 64 >= 32);
                    let fifth = match format {
                        Format::Q5K => f64::from(block[16 + i % 32] >> (i / 32) & 1) * 16.0,
                        _ => 0.0,
                    };
                    let (scale, offset) = scale(i / 32);
                    scale * (nibble(first + 32 * part + i % 32, is_high) + fifth) - offset
                };
                (0..256).map(value).collect()
            }
            Format::Q6K => {
                let value = |i: usize| {
                    let (part, quarter, l) = (i / 128, i % 128 / 32, i % 32);
                    let low = nibble(64 * part + l + 32 * (quarter % 2), quarter >= 2);
                    let high = f64::from(block[128 + 32 * part + l] >> (2 * quarter) & 3);
                    half(208) * f64::from(block[192 + i / 16] as i8) * (low + 16.0 * high - 32.0)
                };
                (0..256).map(value).collect()
            }
        }
    }

    #[test]
    fn gpu_words_on_the_device_mean_what_the_files_bytes_mean() {
        let mut draw = Draw::new("weights");
        for format in Format::ALL {
            for n_out in [1, 63, 64, 65, 130] {
                let n_in = draw.n_in(format);
                let bytes = draw.bytes(format, n_out * n_in);
                let words = repack(format, &bytes, n_out, n_in);
                let found: Vec<f64> =
                    (0..n_out).flat_map(|row| unpacked(format, &words, n_in, row)).collect();
                assert_eq!(found, defined(format, &bytes), "{format:?} [{n_out}, {n_in}]");
            }
        }
    }

    /// The definitions above against another program's.
    #[test]
    fn gpu_the_files_bytes_mean_what_candle_says() {
        use candle_core::CpuStorage;
        use candle_core::quantized::GgmlDType;
        let mut draw = Draw::new("definitions");
        for (format, dtype) in [
            (Format::Q8_0, GgmlDType::Q8_0),
            (Format::Q4_0, GgmlDType::Q4_0),
            (Format::Q4_1, GgmlDType::Q4_1),
            (Format::Q4K, GgmlDType::Q4K),
            (Format::Q5K, GgmlDType::Q5K),
            (Format::Q6K, GgmlDType::Q6K),
        ] {
            let bytes = draw.bytes(format, 1024);
            let ours = defined(format, &bytes);
            let CpuStorage::F32(theirs) = dtype.from_data(bytes.into()).dequantize(1024).unwrap()
            else {
                panic!("{format:?} became something else")
            };
            for (ix, (x, y)) in ours.iter().zip(theirs).enumerate() {
                // Single precision, of a scaled value less an offset.
                assert!((x - f64::from(y)).abs() < 1e-5, "{format:?}, {ix}: {x} for {y}");
            }
        }
    }
}
