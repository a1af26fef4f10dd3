//! Which texts are nearly the same, told from signatures of fixed size: one-permutation MinHash with
//! optimal densification (Shrivastava 2017) and locality-sensitive hashing in bands.

use super::words::{Word, grams, mix, mostly_alone};

/// Places of a signature. The estimate of a Jaccard similarity of 0.8 has a standard error of 0.035.
const N: usize = 128;

/// Places of a band: texts with a similarity of 0.8 share one of the 32 bands with a probability of
/// 1 - (1 - 0.8^4)^32 = 0.99999996, those with one of 0.1 with 0.003.
const ROWS: usize = 4;

/// Words (or characters of a script without spaces) of a shingle.
const SHINGLE: usize = 5;

/// Words that a text must have: of a shorter one a signature says too little.
const LEAST_WORDS: usize = 50;

/// Earlier texts of a band's group that one is compared with, so that a million texts of one form
/// need no million million comparisons.
const MOST_COMPARED: usize = 64;

/// What is kept of a text: 256 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature(Box<[u16; N]>);

impl Signature {
    /// The signature of a text; `None` for one that is too short.
    pub fn of(words: &[Word]) -> Option<Self> {
        // Five characters are fewer words than five words, but runs of five are as telling.
        let least = if mostly_alone(words) { 2 * LEAST_WORDS } else { LEAST_WORDS };
        if words.len() < least {
            return None;
        }
        let mut bins = [u64::MAX; N];
        for hash in grams(words, SHINGLE) {
            let bin = &mut bins[(hash >> 57) as usize];
            *bin = (*bin).min(hash & (u64::MAX >> 7));
        }
        let filled = |ix: usize| Some(bins[ix]).filter(|value| *value != u64::MAX);
        let place = |ix: usize| {
            // An empty place borrows from another one, the same for all texts.
            let borrowed = (0_u64..).find_map(|n| match n {
                0 => filled(ix),
                n => filled(mix(ix as u64 | n << 8) as usize % N),
            });
            mix(borrowed.unwrap_or(0)) as u16
        };
        Some(Self(Box::new(std::array::from_fn(place))))
    }

    /// The estimated share of shingles that two texts have in common, 0 to 1.
    pub fn similarity(&self, other: &Self) -> f64 {
        let same = self.0.iter().zip(other.0.iter()).filter(|(a, b)| a == b).count();
        same as f64 / N as f64
    }

    fn band(&self, band: usize) -> u64 {
        let rows = &self.0[band * ROWS..(band + 1) * ROWS];
        rows.iter().fold(0, |key, row| key << 16 | u64::from(*row))
    }
}

/// For each text, the earlier one most similar to it (of equals the first), and how similar, if that
/// is at least `least`. Texts are compared within their group only, and one that has no signature
/// with none.
pub fn most_similar_earlier(
    texts: &[(u64, Option<&Signature>)],
    least: f64,
) -> Vec<Option<(usize, f64)>> {
    let mut found: Vec<Option<(usize, f64)>> = vec![None; texts.len()];
    for band in 0..N / ROWS {
        let keyed = texts.iter().enumerate();
        let keyed = keyed.filter_map(|(ix, (group, s))| Some((*group, s.as_ref()?.band(band), ix)));
        let mut keyed: Vec<(u64, u64, usize)> = keyed.collect();
        keyed.sort_unstable();
        for bucket in keyed.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            compare(bucket, texts, least, &mut found);
        }
    }
    found
}

/// Compares the texts of one group that share a band.
fn compare(
    bucket: &[(u64, u64, usize)],
    texts: &[(u64, Option<&Signature>)],
    least: f64,
    found: &mut [Option<(usize, f64)>],
) {
    // Those that are like no earlier one stand for those that are like them.
    let mut leaders: Vec<(usize, &Signature)> = Vec::new();
    for (_, _, ix) in bucket {
        let Some(signature) = texts[*ix].1 else { continue };
        let mut is_like_one = false;
        for (leader, other) in leaders.iter().take(MOST_COMPARED) {
            let similarity = signature.similarity(other);
            is_like_one |= similarity >= least;
            let is_better = |(before, best): (usize, f64)| {
                similarity > best || similarity == best && *leader < before
            };
            if similarity >= least && found[*ix].is_none_or(is_better) {
                found[*ix] = Some((*leader, similarity));
            }
        }
        if !is_like_one && leaders.len() < MOST_COMPARED {
            leaders.push((*ix, signature));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;
    use crate::seed::Stream;
    use std::collections::BTreeSet;

    fn text(name: &str, n: usize) -> Vec<String> {
        let mut stream = Stream::new(1, name, "minhash");
        (0..n).map(|_| format!("w{}", stream.below(3000))).collect()
    }

    fn true_similarity(a: &str, b: &str) -> f64 {
        let sets = [a, b].map(|text| grams(&words(text), SHINGLE).collect::<BTreeSet<u64>>());
        let common = sets[0].intersection(&sets[1]).count() as f64;
        common / (sets[0].len() + sets[1].len()) as f64
            * (1.0 / (1.0 - common / (sets[0].len() + sets[1].len()) as f64))
    }

    #[test]
    fn the_estimate_is_near_the_truth_for_short_and_long_texts() {
        for n in [60, 300, 3000] {
            let mut worst: f64 = 0.0;
            for case in 0..20 {
                let first = text(&format!("{n} {case}"), n);
                let mut second = first.clone();
                second.truncate(n - n * case / 60);
                second.extend(text("more", n * case / 60));
                let (first, second) = (first.join(" "), second.join(" "));
                let signatures = [&first, &second].map(|text| Signature::of(&words(text)).unwrap());
                let estimate = signatures[0].similarity(&signatures[1]);
                worst = worst.max((estimate - true_similarity(&first, &second)).abs());
            }
            assert!(worst < 0.15, "{n}: off by {worst}");
        }
        assert_eq!(Signature::of(&words(&text("short", 49).join(" "))), None);
    }

    #[test]
    fn near_duplicates_are_found_and_parts_in_common_are_none() {
        let mut texts: Vec<String> =
            (0..300).map(|ix| text(&ix.to_string(), 400).join(" ")).collect();
        texts.push(texts[7].replace("w1 ", "other ").replace(" w2 ", " x "));
        // Half of the text is another one's.
        texts.push([&text("9", 400)[..200], &text("half", 200)[..]].concat().join(" "));
        let chinese: String =
            (0..300).filter_map(|ix| char::from_u32(0x4e00 + mix(ix) as u32 % 2000)).collect();
        texts.push(format!("甲乙丙丁{chinese}"));
        texts.push(format!("甲乙丙{chinese}丁"));
        let signatures: Vec<Option<Signature>> =
            texts.iter().map(|text| Signature::of(&words(text))).collect();
        let all: Vec<(u64, Option<&Signature>)> =
            signatures.iter().map(|s| (1, s.as_ref())).collect();
        let found = most_similar_earlier(&all, 0.8);
        let pairs: Vec<(usize, usize)> =
            (0..).zip(&found).filter_map(|(ix, f)| f.map(|(other, _)| (ix, other))).collect();
        assert_eq!(pairs, [(300, 7), (303, 302)]);
        let apart: Vec<(u64, Option<&Signature>)> =
            (0..).zip(&signatures).map(|(group, s)| (group, s.as_ref())).collect();
        assert!(most_similar_earlier(&apart, 0.8).iter().all(Option::is_none));
    }
}
