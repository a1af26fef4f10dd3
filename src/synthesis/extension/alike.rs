//! Whether two contexts are so alike that one beside the other distracts nobody.

use crate::metrics::Plain;

/// Words of a run.
const RUN: usize = 5;

/// Runs that are kept of a short text, and the share of them that is kept of a long one.
const FEWEST_KEPT: usize = 256;
const KEPT_OF_LONG: u64 = 16;

/// Two texts are alike when this share of the shorter one's runs stands in the other: half of a document
/// that is there already is no new document, while contexts of several paragraphs may share one.
const ALIKE: f64 = 0.5;

/// The smallest of the hashes of a text's runs of words. Of two texts those below the smaller limit are a
/// fair sample of both (bottom-k sketch, Broder 1997), so that memory does not grow with the texts.
#[derive(Debug, Clone)]
pub struct Sketch {
    /// Ascending, each once.
    hashes: Box<[u64]>,
    /// All hashes below this are kept.
    limit: u64,
}

impl Sketch {
    pub fn new(plain: &Plain) -> Self {
        let words: Vec<&str> = plain.words().collect();
        let mut hashes: Vec<u64> = match words.len() {
            0..RUN => vec![hash(&words)],
            _ => words.windows(RUN).map(hash).collect(),
        };
        hashes.sort_unstable();
        hashes.dedup();
        let of_long = u64::MAX / KEPT_OF_LONG;
        let n_kept = hashes.partition_point(|hash| *hash < of_long).max(FEWEST_KEPT);
        let limit = hashes.get(n_kept).copied().unwrap_or(u64::MAX);
        hashes.truncate(n_kept);
        Self { hashes: hashes.into(), limit }
    }

    /// Whether half of one stands in the other.
    pub fn is_like(&self, other: &Self) -> bool {
        let limit = self.limit.min(other.limit);
        let below = |sketch: &Self| sketch.hashes.partition_point(|hash| *hash < limit);
        let (mut mine, mut others) = (&self.hashes[..below(self)], &other.hashes[..below(other)]);
        let shorter = mine.len().min(others.len());
        let mut n_shared = 0;
        while let ([a, ..], [b, ..]) = (mine, others) {
            n_shared += usize::from(a == b);
            (mine, others) = (&mine[usize::from(a <= b)..], &others[usize::from(b <= a)..]);
        }
        shorter > 0 && n_shared as f64 >= ALIKE * shorter as f64
    }
}

/// FNV-1a over the words, mixed so that small hashes are as likely as large ones.
fn hash(words: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for word in words {
        word.bytes().for_each(&mut add);
        add(b' ');
    }
    // The finalizer of SplitMix64.
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Stream;

    fn text(name: &str, n: usize) -> String {
        let mut stream = Stream::new(1, name, "words");
        let word = |_| format!("w{}", stream.below(5000));
        (0..n).map(word).collect::<Vec<_>>().join(" ")
    }

    fn alike(a: &str, b: &str) -> bool {
        let [a, b] = [a, b].map(|text| Sketch::new(&Plain::new(text)));
        assert_eq!(a.is_like(&b), b.is_like(&a));
        a.is_like(&b)
    }

    #[test]
    fn copies_and_parts_are_alike_and_strangers_are_not() {
        for n in [3, 40, 1000, 30_000] {
            let (own, other) = (text("own", n), text("other", n));
            assert!(alike(&own, &format!("{}!", own.to_uppercase())), "{n}");
            assert!(!alike(&own, &other), "{n}");
            // Of a text that is shorter than a run there is none that another could hold.
            assert_eq!(alike(&own, &format!("{other} {own}")), n >= RUN, "{n} within another");
        }
        let (own, other) = (text("own", 1000), text("other", 1000));
        let shares = |n: usize| {
            let part: Vec<&str> = own.split(' ').take(n).collect();
            alike(&own, &format!("{} {other}", part.join(" ")))
        };
        assert!(shares(600) && !shares(400));
        // A short one in a very long one.
        let long = text("long", 100_000);
        assert!(alike(&text("own", 500), &format!("{long} {}", text("own", 500))));
        assert!(!alike(&text("own", 500), &long));
        let chinese = "北京是中华人民共和国的首都，也是中国的政治中心。";
        assert!(
            alike(chinese, &chinese.replace('，', "")) && !alike(chinese, "上海是中国最大的城市。")
        );
    }
}
