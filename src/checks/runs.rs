//! Runs of words that two texts have in common.

use super::words::{Word, grams};
use std::ops::Range;

/// Runs of fewer words are not looked for.
const LEAST: usize = 4;

/// The longest run of words of `short` that stands in `long` too, of at least four words (or all of a
/// shorter one): its places in both. Of equals, the first in `long`.
pub fn longest_common(short: &[Word], long: &[Word]) -> Option<(Range<usize>, Range<usize>)> {
    let n = LEAST.min(short.len());
    if n == 0 {
        return None;
    }
    let mut index: Vec<(u64, usize)> = grams(short, n).zip(0..).collect();
    index.sort_unstable();
    let mut best: Option<(Range<usize>, Range<usize>)> = None;
    for (at, gram) in grams(long, n).enumerate() {
        let from = index.partition_point(|(hash, _)| *hash < gram);
        for (_, there) in index[from..].iter().take_while(|(hash, _)| *hash == gram) {
            // Where the words before are equal too, the run was seen from its beginning.
            if *there > 0 && at > 0 && short[there - 1].hash == long[at - 1].hash {
                continue;
            }
            let pairs = short[*there..].iter().zip(&long[at..]);
            let len = pairs.take_while(|(a, b)| a.hash == b.hash).count();
            if best.as_ref().is_none_or(|(run, _)| len > run.len()) {
                best = Some((*there..there + len, at..at + len));
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn the_longest_run_is_found() {
        let [short, long] = ["a b c d e f g", "x a b c d y b c d e f z a b c d"].map(words);
        assert_eq!(longest_common(&short, &long), Some((1..6, 6..11)));
        assert_eq!(longest_common(&words("p q"), &words("o p q r")), Some((0..2, 1..3)));
        assert_eq!(longest_common(&short, &words("a b c x d e f")), None);
        assert_eq!(longest_common(&[], &long), None);
    }
}
