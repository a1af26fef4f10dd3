//! What a model has done since it was loaded: tokens, seconds, bytes of cache, kernels.
//!
//! Here is the arithmetic and what is shared with whoever watches. Where the numbers come from belongs
//! in the bodies and in `scoring` and `writing`, how they are shown in the doors.

use crate::gpu::KernelTime;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A speed is told of about so many seconds of work.
const LATE_SECS: f64 = 4.0;

/// Tokens and the seconds spent on them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pace {
    /// Tokens since the model was loaded.
    pub n_tokens: u64,
    /// Seconds spent on them; waiting and pauses are none.
    pub secs: f64,
    /// Tokens and seconds again, but of each the less, the more work came after it.
    late: (f64, f64),
}

impl Pace {
    /// Takes in `n_tokens` that took `secs` together.
    pub fn add(&mut self, n_tokens: u64, secs: f64) {
        let kept = (-secs / LATE_SECS).exp();
        // What a second counts fades within the new piece too, which may be a long one.
        let counted = if secs > 0.0 { LATE_SECS * (1.0 - kept) / secs } else { 1.0 };
        self.n_tokens += n_tokens;
        self.secs += secs;
        let (tokens, late_secs) = self.late;
        self.late.0 = tokens * kept + n_tokens as f64 * counted;
        self.late.1 = late_secs * kept + secs * counted;
    }

    /// Tokens per second of the last seconds of work, however long ago they were: what was slow at
    /// first, as the making of pipelines is, is soon forgotten, and a pause changes nothing. `None`
    /// before there was any work.
    pub fn tokens_per_s(&self) -> Option<f64> {
        (self.late.1 > 0.0).then(|| self.late.0 / self.late.1)
    }
}

/// Bytes of the cache of keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheUse {
    /// Those that hold tokens now.
    pub used: u64,
    /// The most that ever held tokens.
    pub most_used: u64,
    /// Those that are taken from the memory, in use or not.
    pub held: u64,
}

impl CacheUse {
    /// Takes note of what is used and held now.
    pub fn set(&mut self, used: u64, held: u64) {
        *self = Self { used, most_used: self.most_used.max(used), held };
    }
}

/// What a model has done since it was loaded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Work {
    /// Tokens read as prompts, or to score what follows them.
    pub reading: Pace,
    /// Tokens written, all sequences together.
    pub writing: Pace,
    /// The cache.
    pub cache: CacheUse,
    /// What each kernel took, the longest first; empty where there are none.
    pub kernels: Vec<KernelTime>,
}

/// The kernels, each with its share (0 to 1) of their time together.
pub fn kernel_shares(kernels: &[KernelTime]) -> impl Iterator<Item = (&KernelTime, f64)> {
    let total: f64 = kernels.iter().map(|kernel| kernel.secs).sum();
    kernels.iter().map(move |kernel| (kernel, kernel.secs / total.max(f64::MIN_POSITIVE)))
}

/// Shows the work of a model while it works, and after; clones show the same.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Work>>);

impl Meter {
    /// What has been done so far.
    pub fn work(&self) -> Work {
        self.lock().clone()
    }

    /// Changes what has been done.
    pub fn update(&self, change: impl FnOnce(&mut Work)) {
        change(&mut self.lock());
    }

    /// A poisoned lock still holds usable numbers.
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_shows_every_clone_the_same() {
        let meter = Meter::default();
        let shown = meter.clone();
        meter.update(|work| work.reading.add(30, 0.5));
        meter.update(|work| work.writing.add(8, 0.25));
        let work = shown.work();
        assert_eq!((work.reading.n_tokens, work.reading.secs), (30, 0.5));
        assert_eq!((work.writing.n_tokens, work.writing.secs), (8, 0.25));
    }

    #[test]
    fn a_steady_meter_tells_that_speed_and_none_before() {
        let mut pace = Pace::default();
        assert_eq!(pace.tokens_per_s(), None);
        for secs in [0.01, 2.0, 0.5, 30.0, 0.001] {
            pace.add((secs * 1000.0) as u64, secs);
            let speed = pace.tokens_per_s().unwrap();
            assert!((speed - 1000.0).abs() < 1e-6, "{speed} after {secs} s more");
        }
        assert_eq!(pace.n_tokens, 32_511);
        assert!((pace.secs - 32.511).abs() < 1e-9);
    }

    #[test]
    fn a_meter_tells_the_speed_of_late() {
        let mut pace = Pace::default();
        // A slow beginning, then many quick steps.
        pace.add(1, 10.0);
        for _ in 0..200 {
            pace.add(10, 0.1);
        }
        let speed = pace.tokens_per_s().unwrap();
        assert!((speed - 100.0).abs() < 1.0, "{speed}: the beginning still counts");
        // On the whole it was slower.
        assert!((pace.n_tokens as f64 / pace.secs) < 70.0);
        // What took no time, as far as the clock can tell, is no endless speed.
        pace.add(1, 0.0);
        assert!(pace.tokens_per_s().unwrap().is_finite());
    }

    #[test]
    fn a_meter_remembers_the_fullest_cache() {
        let mut cache = CacheUse::default();
        cache.set(10, 16);
        cache.set(30, 32);
        cache.set(0, 32);
        assert_eq!(cache, CacheUse { used: 0, most_used: 30, held: 32 });
    }

    #[test]
    fn shares_of_kernels_sum_to_one_and_nothing_has_no_share() {
        let kernel = |name, secs| KernelTime { name, n_runs: 1, secs };
        let kernels = [kernel("matmul", 6.0), kernel("attention", 1.5), kernel("rope", 0.5)];
        let shares: Vec<f64> = kernel_shares(&kernels).map(|(_, share)| share).collect();
        assert_eq!(shares, [0.75, 0.1875, 0.0625]);
        let idle = [kernel("matmul", 0.0)];
        assert_eq!(kernel_shares(&idle).map(|(_, share)| share).sum::<f64>(), 0.0);
    }
}
