//! Formats of weights, and how their blocks lie on the GPU.
//!
//! Of a matrix `[n_out, n_in]` 64 rows lie together, word by word: first the first words of all 64,
//! then their second words, so that threads with neighbouring rows read neighbouring words, and a
//! workgroup reads on without jumps. Within a row the file's bits are kept, put into the order in
//! which the kernels read them (`shaders/shared/`).

/// Rows of a matrix that lie together.
pub const TILE_ROWS: usize = 64;

/// A format of weights that the kernels read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Single precision.
    F32,
    /// Half precision.
    F16,
    /// The upper half of single precision.
    BF16,
    /// Signed bytes with a scale for 32.
    Q8_0,
    /// Nibbles with a scale for 32.
    Q4_0,
    /// Nibbles with a scale and an offset for 32.
    Q4_1,
    /// Nibbles, with 6-bit scales and offsets for 32 and a pair of factors for 256.
    Q4K,
    /// Like `Q4K` with a fifth bit.
    Q5K,
    /// 6 bits, with 8-bit scales for 16 and a factor for 256.
    Q6K,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::Q8_0,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
    ];

    /// Weights in a block of the file, and its bytes.
    pub fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::BF16 => (1, 2),
            Self::Q8_0 => (32, 34),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }

    /// Words of a row of `n_in` weights on the GPU.
    pub fn row_words(self, n_in: usize) -> usize {
        let n_blocks = n_in / 32;
        match self {
            Self::F32 => n_in,
            Self::F16 | Self::BF16 => n_in / 2,
            Self::Q8_0 => 8 * n_blocks + n_blocks.div_ceil(2),
            Self::Q4_0 => 4 * n_blocks + n_blocks.div_ceil(2),
            Self::Q4_1 => 5 * n_blocks,
            Self::Q4K => n_in / 256 * 36,
            Self::Q5K => n_in / 256 * 44,
            Self::Q6K => n_in / 256 * 53,
        }
    }

    /// Words of a matrix `[n_out, n_in]` on the GPU, its last rows filled up.
    pub fn matrix_words(self, n_out: usize, n_in: usize) -> usize {
        n_out.next_multiple_of(TILE_ROWS) * self.row_words(n_in)
    }

    /// Whether rows of `n_in` weights can be read: whole blocks, and whole steps of the kernels.
    pub fn fits(self, n_in: usize) -> bool {
        n_in > 0 && n_in.is_multiple_of(32) && n_in.is_multiple_of(self.block().0)
    }
}

/// The file's `bytes` of a matrix `[n_out, n_in]` as words for the GPU,
/// [`Format::matrix_words`]. Bytes that are missing count as 0.
pub fn repack(format: Format, bytes: &[u8], n_out: usize, n_in: usize) -> Vec<u32> {
    let n_words = format.row_words(n_in);
    let (n_block, n_bytes) = format.block();
    let row_bytes = n_in / n_block * n_bytes;
    let mut words = vec![0; format.matrix_words(n_out, n_in)];
    let mut row = vec![0; n_words];
    for (ix, bytes) in bytes.chunks_exact(row_bytes).take(n_out).enumerate() {
        row.fill(0);
        repack_row(format, bytes, &mut row);
        let base = ix / TILE_ROWS * TILE_ROWS * n_words + ix % TILE_ROWS;
        for (place, word) in row.iter().enumerate() {
            words[base + place * TILE_ROWS] = *word;
        }
    }
    words
}

fn half(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

fn repack_row(format: Format, bytes: &[u8], row: &mut [u32]) {
    let (_, n_bytes) = format.block();
    let blocks = bytes.chunks_exact(n_bytes).enumerate();
    match format {
        Format::F32 | Format::F16 | Format::BF16 => {
            for (word, bytes) in row.iter_mut().zip(bytes.chunks_exact(4)) {
                *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
        }
        Format::Q8_0 => {
            let n_quants = bytes.len() / n_bytes * 8;
            for (ix, block) in blocks {
                row[n_quants + ix / 2] |= half(block, 0) << (16 * (ix % 2));
                pack(&mut row[ix * 8..], 8, (0..32).map(|i| u32::from(block[2 + i])));
            }
        }
        Format::Q4_0 => {
            let n_quants = bytes.len() / n_bytes * 4;
            for (ix, block) in blocks {
                row[n_quants + ix / 2] |= half(block, 0) << (16 * (ix % 2));
                pack(&mut row[ix * 4..], 4, (0..32).map(|i| nibble(&block[2..], i, 16)));
            }
        }
        Format::Q4_1 => {
            for (ix, block) in blocks {
                row[ix * 5] = half(block, 0) | half(block, 2) << 16;
                pack(&mut row[ix * 5 + 1..], 4, (0..32).map(|i| nibble(&block[4..], i, 16)));
            }
        }
        Format::Q4K | Format::Q5K => {
            let n_words = if format == Format::Q4K { 36 } else { 44 };
            for (ix, block) in blocks {
                let row = &mut row[ix * n_words..];
                pack(row, 8, block[..16].iter().map(|b| u32::from(*b)));
                let low = if format == Format::Q4K { &block[16..] } else { &block[48..] };
                // 64 weights share 32 bytes: the first 32 are the lower nibbles.
                pack(&mut row[4..], 4, (0..256).map(|i| nibble(&low[i / 64 * 32..], i % 64, 32)));
                if format == Format::Q5K {
                    let fifth = |i: usize| u32::from(block[16 + i % 32] >> (i / 32) & 1);
                    pack(&mut row[36..], 1, (0..256).map(fifth));
                }
            }
        }
        Format::Q6K => {
            for (ix, block) in blocks {
                let row = &mut row[ix * 53..];
                // 128 weights share 64 bytes of nibbles and 32 bytes of pairs.
                let low = |i: usize| nibble(&block[i / 128 * 64..], i % 128, 64);
                let pair = |i: usize| {
                    u32::from(block[128 + i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3)
                };
                pack(row, 4, (0..256).map(low));
                pack(&mut row[32..], 2, (0..256).map(pair));
                pack(&mut row[48..], 8, block[192..208].iter().map(|b| u32::from(*b)));
                row[52] = half(block, 208);
            }
        }
    }
}

/// Value `ix` of nibbles of which the first `n` stand in the lower halves of as many bytes.
fn nibble(bytes: &[u8], ix: usize, n: usize) -> u32 {
    u32::from(bytes[ix % n] >> (4 * (ix / n)) & 15)
}

/// Puts values of `n_bits` one after the other into words, the first lowest.
fn pack(words: &mut [u32], n_bits: usize, values: impl Iterator<Item = u32>) {
    let a_word = 32 / n_bits;
    for (ix, value) in values.enumerate() {
        words[ix / a_word] |= value << (n_bits * (ix % a_word));
    }
}
