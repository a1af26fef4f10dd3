//! The merge loop of byte pair encoding: a row of symbols in, fewer symbols out.
//!
//! Byte-level BPE and SentencePiece share it; they differ in where the ranks come from (the order
//! of the merges, or the scores of the pieces). What the first symbols are is for the callers.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Stands for a byte or character that the vocabulary has no token for.
pub(super) const NO_TOKEN: u32 = u32::MAX;

/// A token and how many bytes of text it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol {
    pub id: u32,
    pub n_bytes: usize,
}

/// Which neighbours become one, and which of them first.
#[derive(Debug, Default)]
pub(super) struct Merges {
    by_pair: HashMap<(u32, u32), Merge>,
}

#[derive(Debug, Clone, Copy)]
struct Merge {
    rank: u32,
    into: u32,
}

/// Ordered by rank, then by place: of two equal merges the left one goes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    rank: u32,
    left_ix: usize,
    right_ix: usize,
    left_id: u32,
    right_id: u32,
    into: u32,
}

/// A symbol in the linked row that merging shortens.
struct Link {
    symbol: Symbol,
    previous: Option<usize>,
    next: Option<usize>,
    gone: bool,
}

impl Merges {
    /// An empty table with room for `n` merges that were really read.
    pub fn with_capacity(n: usize) -> Self {
        Self { by_pair: HashMap::with_capacity(n) }
    }

    /// Adds one merge; a lower rank goes first. A pair that is there already keeps its rank.
    pub fn insert(&mut self, left: u32, right: u32, rank: u32, into: u32) {
        self.by_pair.entry((left, right)).or_insert(Merge { rank, into });
    }

    /// Merges until no pair of neighbours has a merge left.
    pub fn apply(&self, symbols: &mut Vec<Symbol>) {
        if symbols.len() < 2 {
            return;
        }
        let last_ix = symbols.len() - 1;
        let mut row: Vec<Link> = symbols
            .iter()
            .enumerate()
            .map(|(ix, &symbol)| Link {
                symbol,
                previous: ix.checked_sub(1),
                next: (ix < last_ix).then_some(ix + 1),
                gone: false,
            })
            .collect();
        // Collected first and made a heap at once: that is linear, pushing one by one is not.
        let first: Vec<_> =
            (0..last_ix).filter_map(|ix| self.candidate(&row, ix, ix + 1)).collect();
        let mut queue = BinaryHeap::from(first);
        while let Some(Reverse(best)) = queue.pop() {
            self.merge(&mut row, &best, &mut queue);
        }
        symbols.clear();
        symbols.extend(row.iter().filter(|link| !link.gone).map(|link| link.symbol));
    }

    fn merge(
        &self,
        row: &mut [Link],
        best: &Candidate,
        queue: &mut BinaryHeap<Reverse<Candidate>>,
    ) {
        let (left, right) = (&row[best.left_ix], &row[best.right_ix]);
        let stale = left.gone
            || right.gone
            || left.symbol.id != best.left_id
            || right.symbol.id != best.right_id
            || left.next != Some(best.right_ix);
        if stale {
            return;
        }
        let (n_right, after, before) = (right.symbol.n_bytes, right.next, left.previous);
        row[best.right_ix].gone = true;
        let merged = &mut row[best.left_ix];
        merged.symbol.id = best.into;
        merged.symbol.n_bytes += n_right;
        merged.next = after;
        if let Some(after) = after {
            row[after].previous = Some(best.left_ix);
            queue.extend(self.candidate(row, best.left_ix, after));
        }
        if let Some(before) = before {
            queue.extend(self.candidate(row, before, best.left_ix));
        }
    }

    fn candidate(
        &self,
        row: &[Link],
        left_ix: usize,
        right_ix: usize,
    ) -> Option<Reverse<Candidate>> {
        let (left_id, right_id) = (row[left_ix].symbol.id, row[right_ix].symbol.id);
        let merge = self.by_pair.get(&(left_id, right_id))?;
        Some(Reverse(Candidate {
            rank: merge.rank,
            left_ix,
            right_ix,
            left_id,
            right_id,
            into: merge.into,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ids: &[u32]) -> Vec<Symbol> {
        ids.iter().map(|&id| Symbol { id, n_bytes: 1 }).collect()
    }

    fn ids(symbols: &[Symbol]) -> Vec<u32> {
        symbols.iter().map(|symbol| symbol.id).collect()
    }

    #[test]
    fn the_lowest_rank_goes_first() {
        let mut merges = Merges::default();
        merges.insert(1, 2, 1, 12);
        merges.insert(2, 3, 0, 23);
        merges.insert(1, 23, 2, 123);
        let mut symbols = row(&[1, 2, 3]);
        merges.apply(&mut symbols);
        assert_eq!(symbols, [Symbol { id: 123, n_bytes: 3 }]);
    }

    #[test]
    fn equal_ranks_go_from_left_to_right() {
        let mut merges = Merges::default();
        merges.insert(1, 1, 0, 11);
        let mut symbols = row(&[1, 1, 1, 1, 1]);
        merges.apply(&mut symbols);
        assert_eq!(ids(&symbols), [11, 11, 1]);
    }

    #[test]
    fn what_has_no_token_never_merges() {
        let mut merges = Merges::default();
        merges.insert(1, 2, 0, 12);
        let mut symbols = row(&[1, NO_TOKEN, 2, 1, 2]);
        merges.apply(&mut symbols);
        assert_eq!(ids(&symbols), [1, NO_TOKEN, 2, 12]);
    }
}
