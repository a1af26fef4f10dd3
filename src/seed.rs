//! Where every random choice comes from: one stream per (run seed, record, purpose).
//!
//! A choice never depends on how many workers run or in which order records are taken, because no
//! two records share a stream. What is chosen belongs to the callers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// A stream of random numbers, fixed by its three names for all time (see the test vectors).
#[derive(Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of `purpose` for `record` in the run with `run_seed`.
    ///
    /// The key is SHA-256 over the seed (8 bytes, little endian) and the two names, each led by
    /// its length (8 bytes, little endian); the generator is ChaCha8.
    pub fn new(run_seed: u64, record: &str, purpose: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(run_seed.to_le_bytes());
        for name in [record, purpose] {
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
        }
        Self(ChaCha8Rng::from_seed(hash.finalize().into()))
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `[0, 1)` with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A whole number below `n`; 0 when `n` is 0. The bias is under `n / 2^64`.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Puts `items` into random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_fixed_for_all_time() {
        let mut stream = Stream::new(42, "a1b2", "chunk");
        let drawn: Vec<u64> = (0..2).map(|_| stream.bits()).collect();
        assert_eq!(drawn, [4_355_588_031_111_275_033, 12_724_904_098_272_293_511]);
    }

    #[test]
    fn names_are_not_glued_together() {
        let first = Stream::new(1, "ab", "c").bits();
        assert_ne!(first, Stream::new(1, "a", "bc").bits());
        assert_ne!(first, Stream::new(2, "ab", "c").bits());
    }

    #[test]
    fn below_reaches_every_value_and_no_more() {
        let mut stream = Stream::new(7, "r", "below");
        let mut seen = [0; 5];
        for _ in 0..1000 {
            seen[stream.below(5)] += 1;
        }
        assert!(seen.iter().all(|&n| n > 150), "{seen:?}");
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..50).collect();
        Stream::new(7, "r", "shuffle").shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
