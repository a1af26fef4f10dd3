//! Which examples make which step.
//!
//! The order depends on the seed, on the number of examples and, where it is asked for, on their
//! lengths, and on nothing else: two arms over the same pairs take the same steps.

use super::settings::{Batching, Settings};
use crate::seed::Stream;

/// For each step the indices of its examples.
pub fn steps(lens: &[usize], settings: &Settings) -> Vec<Vec<usize>> {
    let mut steps = Vec::new();
    for epoch in 0..settings.epochs {
        let mut stream = Stream::new(settings.seed, "", &format!("tuning order {epoch}"));
        let mut order: Vec<usize> = (0..lens.len()).collect();
        stream.shuffle(&mut order);
        if settings.batching == Batching::Sorted {
            order.sort_by_key(|ix| lens[*ix]);
        }
        let mut batches: Vec<Vec<usize>> =
            order.chunks(settings.batch).map(<[usize]>::to_vec).collect();
        if settings.batching == Batching::Sorted {
            stream.shuffle(&mut batches);
        }
        steps.extend(batches);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_uses_every_example_once() {
        for batching in [Batching::Packed, Batching::Sorted] {
            let settings = Settings { epochs: 3, batch: 4, batching, ..Settings::default() };
            let lens: Vec<usize> = (0..10).map(|ix| (ix * 7) % 10 + 1).collect();
            let steps = steps(&lens, &settings);
            assert_eq!(steps.len(), settings.n_steps(10));
            for epoch in steps.chunks(3) {
                let mut used: Vec<usize> = epoch.concat();
                used.sort_unstable();
                assert_eq!(used, (0..10).collect::<Vec<_>>());
            }
            assert_ne!(steps[..3], steps[3..6]);
            if batching == Batching::Sorted {
                let spread = |step: &Vec<usize>| {
                    let lens = step.iter().map(|ix| lens[*ix]);
                    lens.clone().max().unwrap() - lens.min().unwrap()
                };
                assert!(steps.iter().all(|step| spread(step) < 4));
            }
        }
    }

    #[test]
    fn arms_of_other_lengths_take_the_same_steps() {
        let settings = Settings::default();
        assert_eq!(steps(&[5; 20], &settings), steps(&[900; 20], &settings));
    }
}
