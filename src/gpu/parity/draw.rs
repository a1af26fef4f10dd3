//! Random sizes, numbers and weights for the cases.

use crate::gpu::{Format, repack};
use crate::seed::Stream;
use half::{bf16, f16};

/// What stands in outputs before anything was written: no number.
pub const UNWRITTEN: u32 = 0x7fc0_0bad;

pub struct Draw(Stream);

impl Draw {
    pub fn new(purpose: &str) -> Self {
        Self(Stream::new(11, "parity", purpose))
    }

    /// From 0 to less than `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.below(n)
    }

    /// From 1 to `most`.
    pub fn size(&mut self, most: usize) -> usize {
        1 + self.0.below(most)
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.0.below(all.len())]
    }

    pub fn shuffled(&mut self, n: usize) -> Vec<u32> {
        let mut all: Vec<u32> = (0..n as u32).collect();
        self.0.shuffle(&mut all);
        all
    }

    pub fn between(&mut self, least: f64, most: f64) -> f32 {
        (least + (most - least) * self.0.unit()) as f32
    }

    /// Words of numbers between -1 and 1.
    pub fn numbers(&mut self, n: usize) -> Vec<u32> {
        (0..n).map(|_| self.between(-1.0, 1.0).to_bits()).collect()
    }

    /// Words of two half-precision numbers each, between -1 and 1.
    pub fn halves(&mut self, n: usize) -> Vec<u32> {
        let mut half = || u32::from(f16::from_f32(self.between(-1.0, 1.0)).to_bits());
        (0..n).map(|_| half() | half() << 16).collect()
    }

    /// Words below `n_below`.
    pub fn words(&mut self, n: usize, n_below: usize) -> Vec<u32> {
        (0..n).map(|_| self.0.below(n_below) as u32).collect()
    }

    /// A buffer for `n` words of output, and sometimes for more.
    pub fn unwritten(&mut self, n: usize) -> Vec<u32> {
        vec![UNWRITTEN; n + self.below(2) * self.below(9)]
    }

    /// Weights a row.
    pub fn n_in(&mut self, format: Format) -> usize {
        let block = format.block().0.max(32);
        self.size(if block == 256 { 2 } else { 9 }) * block
    }

    /// The words of a matrix.
    pub fn matrix(&mut self, format: Format, n_out: usize, n_in: usize) -> Vec<u32> {
        repack(format, &self.bytes(format, n_out * n_in), n_out, n_in)
    }

    /// The bytes of a matrix of `n` weights as a file would hold it.
    pub fn bytes(&mut self, format: Format, n: usize) -> Vec<u8> {
        let (n_block, n_bytes) = format.block();
        let mut bytes: Vec<u8> =
            (0..n / n_block * n_bytes).map(|_| self.0.below(256) as u8).collect();
        for block in bytes.chunks_exact_mut(n_bytes) {
            let value = self.between(-0.5, 0.5);
            let mut put = |at: usize, value: f32| {
                block[at..at + 2].copy_from_slice(&f16::from_f32(value).to_le_bytes());
            };
            match format {
                Format::F32 => block.copy_from_slice(&value.to_le_bytes()),
                Format::BF16 => block.copy_from_slice(&bf16::from_f32(value).to_le_bytes()),
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
