//! How alike two texts are, as Python's `difflib.SequenceMatcher(None, a, b).ratio()` has it.

use std::collections::BTreeMap;
use std::ops::Range;

/// In a second text of this many characters the frequent ones are left out (`autojunk`).
const LONG: usize = 200;

/// Twice the characters in matching blocks over all characters, 0 to 1. Not symmetric.
pub(super) fn ratio(a: &str, b: &str) -> f64 {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let n = a.len() + b.len();
    if n == 0 {
        return 1.0;
    }
    2.0 * matches(&a, &b) as f64 / n as f64
}

/// Characters in the matching blocks: the longest block, then those on both sides of it.
fn matches(a: &[char], b: &[char]) -> usize {
    let mut finder = Finder::new(a, b);
    let mut n_matching = 0;
    let mut parts = vec![(0..a.len(), 0..b.len())];
    while let Some((in_a, in_b)) = parts.pop() {
        let Block { at_a, at_b, len } = finder.longest(in_a.clone(), in_b.clone());
        if len == 0 {
            continue;
        }
        n_matching += len;
        for (left, right) in
            [(in_a.start..at_a, in_b.start..at_b), (at_a + len..in_a.end, at_b + len..in_b.end)]
        {
            if !left.is_empty() && !right.is_empty() {
                parts.push((left, right));
            }
        }
    }
    n_matching
}

struct Block {
    at_a: usize,
    at_b: usize,
    len: usize,
}

struct Finder<'t> {
    a: &'t [char],
    b: &'t [char],
    /// Where in `b` the character at each place of `a` stands, rising; none for frequent ones.
    places: Vec<Vec<usize>>,
    of_a: Vec<usize>,
    /// Lengths of the blocks that end at a place of `b`, in the row before and in this one.
    before: Vec<usize>,
    now: Vec<usize>,
}

impl<'t> Finder<'t> {
    fn new(a: &'t [char], b: &'t [char]) -> Self {
        let mut in_b: BTreeMap<char, Vec<usize>> = BTreeMap::new();
        for (at, c) in b.iter().enumerate() {
            in_b.entry(*c).or_default().push(at);
        }
        if b.len() >= LONG {
            in_b.retain(|_, at| at.len() <= b.len() / 100 + 1);
        }
        let ids: BTreeMap<char, usize> = in_b.keys().copied().zip(1..).collect();
        let of_a = a.iter().map(|c| ids.get(c).copied().unwrap_or(0)).collect();
        let places = std::iter::once(Vec::new()).chain(in_b.into_values()).collect();
        Self { a, b, places, of_a, before: vec![0; b.len() + 1], now: vec![0; b.len() + 1] }
    }

    /// The longest matching block; of equal ones the first in `a`, and of these the first in `b`.
    fn longest(&mut self, in_a: Range<usize>, in_b: Range<usize>) -> Block {
        let mut best = Block { at_a: in_a.start, at_b: in_b.start, len: 0 };
        for at_a in in_a.clone() {
            for &at_b in within(&self.places[self.of_a[at_a]], &in_b) {
                let len = self.before[at_b] + 1;
                self.now[at_b + 1] = len;
                if len > best.len {
                    best = Block { at_a: at_a + 1 - len, at_b: at_b + 1 - len, len };
                }
            }
            // What the row before held gives way to this one's.
            if at_a > in_a.start {
                for &at_b in within(&self.places[self.of_a[at_a - 1]], &in_b) {
                    self.before[at_b + 1] = 0;
                }
            }
            std::mem::swap(&mut self.before, &mut self.now);
        }
        if let Some(last) = in_a.clone().last() {
            for &at_b in within(&self.places[self.of_a[last]], &in_b) {
                self.before[at_b + 1] = 0;
            }
        }
        self.widen(best, &in_a, &in_b)
    }

    /// Takes in equal neighbours, which frequent characters are too.
    fn widen(&self, mut block: Block, in_a: &Range<usize>, in_b: &Range<usize>) -> Block {
        while block.at_a > in_a.start
            && block.at_b > in_b.start
            && self.a[block.at_a - 1] == self.b[block.at_b - 1]
        {
            block = Block { at_a: block.at_a - 1, at_b: block.at_b - 1, len: block.len + 1 };
        }
        while block.at_a + block.len < in_a.end
            && block.at_b + block.len < in_b.end
            && self.a[block.at_a + block.len] == self.b[block.at_b + block.len]
        {
            block.len += 1;
        }
        block
    }
}

/// The places that lie in a range.
fn within<'p>(places: &'p [usize], range: &Range<usize>) -> &'p [usize] {
    let from = places.partition_point(|at| *at < range.start);
    let to = places.partition_point(|at| *at < range.end);
    &places[from..to]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_as_difflib_finds_them() {
        // Values of Python's difflib.
        assert_eq!(ratio("", ""), 1.0);
        assert_eq!(ratio("abcd", "bcde"), 0.75);
        assert_eq!(ratio("private Thread t;", "private volatile Thread t;"), 0.7906976744186046);
        assert_eq!(ratio("tide", "diet"), 0.25);
        assert_eq!(ratio("diet", "tide"), 0.5);
    }

    #[test]
    fn frequent_characters_of_a_long_text_begin_no_block() {
        // Values of Python's difflib.
        let long = "ab".repeat(100);
        assert_eq!(ratio(&format!("c{long}"), &long), 0.0);
        // Equal beginnings are found all the same.
        assert_eq!(ratio(&long, &long), 1.0);
        assert_eq!(ratio(&format!("c{long}"), &format!("{long}c")), 2.0 / 402.0);
        let short = "ab".repeat(99);
        assert_eq!(ratio(&format!("c{short}"), &short), 0.9974811083123426);
    }
}
