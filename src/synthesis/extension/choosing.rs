//! Which contexts are put beside a record's own one.

use super::SLACK;
use super::alike::Sketch;
use super::cuts::Cut;
use super::pool::{Group, Pool};
use crate::data::{Record, RecordId};
use crate::metrics::Plain;
use crate::seed::Stream;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Counts of the whole prompt for one record; estimates meet the count in two or three.
const MOST_COUNTS: usize = 8;

/// Contexts that are looked at for the one that fills what is left best.
const LOOKED_AT: usize = 200;

/// Contexts of which the best to be cut is taken.
const CUT_FROM: usize = 64;

/// The contexts beside the own one, as places in the pool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Those that stay whole, as they were drawn.
    pub whole: Vec<usize>,
    /// One that is cut, and where.
    pub cut: Option<(usize, usize)>,
    /// Whether the pool had no more to give.
    pub ran_out: bool,
}

impl Chosen {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.whole.len() + usize::from(self.cut.is_some())
    }

    fn has(&self, ix: usize) -> bool {
        self.whole.contains(&ix) || self.cut.is_some_and(|(cut, _)| cut == ix)
    }
}

/// Draws contexts for one record.
pub struct Choosing<'a> {
    pool: &'a Pool<'a>,
    group: &'a Group,
    seed_id: &'a RecordId,
    own: Sketch,
    answers: Vec<Plain>,
    stream: Stream,
    /// Members drawn so far, in their order: a shuffle of which only the begin is known (Fisher-Yates with
    /// the swaps in a map), so that a draw costs the same from any pool.
    drawn: Vec<usize>,
    swapped: HashMap<usize, usize>,
    /// Whether a member may stand beside the own context, as far as was asked.
    fits: BTreeMap<usize, bool>,
}

impl<'a> Choosing<'a> {
    /// No context that holds one of `answers` is chosen.
    pub fn new(
        pool: &'a Pool<'a>,
        record: &'a Record,
        own: &str,
        answers: Vec<Plain>,
        stream: Stream,
    ) -> Self {
        Self {
            pool,
            group: pool.group_of(record),
            seed_id: &record.seed_id,
            own: Sketch::new(&Plain::new(own)),
            answers,
            stream,
            drawn: Vec::new(),
            swapped: HashMap::new(),
            fits: BTreeMap::new(),
        }
    }

    /// The member that was drawn as number `n`; `None` when all are drawn.
    fn draw(&mut self, n: usize) -> Option<usize> {
        while self.drawn.len() <= n {
            let from = self.drawn.len();
            let n_left = self.group.members.len().checked_sub(from).filter(|left| *left > 0)?;
            let to = from + self.stream.below(n_left);
            let at = |place: usize| self.swapped.get(&place).copied().unwrap_or(place);
            let (taken, moved) = (at(to), at(from));
            self.swapped.insert(to, moved);
            self.drawn.push(self.group.members[taken]);
        }
        Some(self.drawn[n])
    }

    /// Whether a member may stand beside the own context.
    fn fits_own(&mut self, ix: usize) -> bool {
        let Self { pool, seed_id, own, answers, .. } = self;
        *self.fits.entry(ix).or_insert_with(|| {
            let member = pool.member(ix);
            !member.seeds.contains(seed_id)
                && !member.sketch.is_like(own)
                && !answers.iter().any(|answer| member.plain.holds(answer))
        })
    }

    /// Whether a member may be added to the chosen ones.
    fn may_join(&mut self, ix: usize, chosen: &Chosen) -> bool {
        if chosen.has(ix) || !self.fits_own(ix) {
            return false;
        }
        let sketch = &self.pool.member(ix).sketch;
        !chosen.whole.iter().any(|other| self.pool.member(*other).sketch.is_like(sketch))
    }

    /// So many contexts, or all there are.
    pub fn count(&mut self, n: usize) -> Chosen {
        let mut chosen = Chosen::default();
        for number in 0.. {
            if chosen.whole.len() >= n {
                break;
            }
            let Some(ix) = self.draw(number) else {
                chosen.ran_out = true;
                break;
            };
            if self.may_join(ix, &chosen) {
                chosen.whole.push(ix);
            }
        }
        chosen
    }

    /// Contexts that make the prompt as long as can be and no longer than `most`, and its length. `measure`
    /// counts the whole prompt; the lengths of its parts only estimate it, for tokens may merge where
    /// parts meet.
    pub fn fill<E>(
        &mut self,
        most: u64,
        measure: impl Fn(&Chosen) -> Result<u64, E>,
    ) -> Result<(Chosen, u64), E> {
        let none = Chosen::default();
        let alone = measure(&none)?;
        let mut best = (none, alone);
        // How much longer the prompt is than its parts say.
        let mut slip: i64 = 0;
        let mut tried = BTreeSet::new();
        for _ in 0..MOST_COUNTS {
            let room = most as i64 - alone as i64 - slip;
            let Ok(room) = u64::try_from(room) else { break };
            if !tried.insert(room) {
                break;
            }
            let chosen = self.within(room);
            if chosen.len() == 0 {
                best.0.ran_out |= chosen.ran_out;
                break;
            }
            let length = measure(&chosen)?;
            slip = length as i64 - alone as i64 - self.estimate(&chosen) as i64;
            if length <= most && length > best.1 {
                best = (chosen, length);
            }
            if length <= most && most - length <= SLACK {
                break;
            }
            // What is too long by the estimate's own fault is tried again with less room in any case.
            if length > most {
                slip = slip.max(most as i64 - alone as i64 - room as i64 + 1);
            }
        }
        Ok(best)
    }

    fn estimate(&self, chosen: &Chosen) -> u64 {
        let whole = chosen.whole.iter().map(|ix| self.cost(self.pool.member(*ix).measured.n));
        let cut = chosen.cut.map(|(ix, end)| {
            let measured = &self.pool.member(ix).measured;
            let cuts = measured.paragraphs.iter().chain(&*measured.sentences);
            self.cost(cuts.filter(|cut| cut.end == end).map(|cut| cut.n).max().unwrap_or(0))
        });
        whole.sum::<u64>() + cut.unwrap_or(0)
    }

    fn cost(&self, n: u64) -> u64 {
        n + self.pool.n_glue
    }

    /// Contexts of at most `room` units by the estimate: by chance while they fit, then those that fill
    /// what is left best, then one that is cut.
    fn within(&mut self, room: u64) -> Chosen {
        let mut chosen = Chosen::default();
        let mut left = room;
        let mut number = 0;
        loop {
            let Some(ix) = self.draw(number) else {
                chosen.ran_out = true;
                return chosen;
            };
            number += 1;
            if !self.may_join(ix, &chosen) {
                continue;
            }
            match left.checked_sub(self.cost(self.pool.member(ix).measured.n)) {
                Some(less) => left = less,
                None => break,
            }
            chosen.whole.push(ix);
        }
        while left > SLACK
            && let Some(ix) = self.longest_within(left, &chosen)
        {
            left -= self.cost(self.pool.member(ix).measured.n);
            chosen.whole.push(ix);
        }
        if left > SLACK {
            chosen.cut = self.cut(left, &chosen, number);
        }
        chosen
    }

    /// The longest context that fits, among the longest of those that do.
    fn longest_within(&mut self, left: u64, chosen: &Chosen) -> Option<usize> {
        let room = left.checked_sub(self.pool.n_glue)?;
        let group = self.group;
        let end = group.by_length.partition_point(|ix| self.pool.member(*ix).measured.n <= room);
        let candidates = group.by_length[..end].iter().rev().take(LOOKED_AT);
        candidates.copied().find(|ix| self.may_join(*ix, chosen))
    }

    /// The context that fills what is left best when it is cut behind a paragraph, or, where no paragraph
    /// fits, behind a sentence.
    fn cut(&mut self, left: u64, chosen: &Chosen, drawn: usize) -> Option<(usize, usize)> {
        let room = left.checked_sub(self.pool.n_glue)?;
        let mut candidates = Vec::new();
        // The one that was drawn last did not fit, and comes first.
        for number in drawn.saturating_sub(1)..drawn + LOOKED_AT {
            let Some(ix) = self.draw(number).filter(|_| candidates.len() < CUT_FROM) else { break };
            if self.may_join(ix, chosen) {
                candidates.push(ix);
            }
        }
        let pool = self.pool;
        let mut found: Vec<(bool, Cut, usize)> = Vec::new();
        for ix in candidates {
            let measured = &pool.member(ix).measured;
            found.extend(measured.paragraphs_within(room).map(|cut| (true, cut, ix)));
            found.extend(measured.sentences_within(room).map(|cut| (false, cut, ix)));
        }
        // Paragraphs before sentences, then the longest; of equal ones the first that was drawn.
        found.sort_by_key(|(is_paragraph, cut, _)| std::cmp::Reverse((*is_paragraph, cut.n)));
        let is_new = |cut: Cut, ix: usize| {
            // A part may be a copy of what is there although the whole is none.
            let sketch = Sketch::new(&Plain::new(&pool.member(ix).text[..cut.end]));
            let others = chosen.whole.iter().map(|other| &pool.member(*other).sketch);
            !others.chain([&self.own]).any(|other| other.is_like(&sketch))
        };
        let mut worth = found.into_iter().filter(|(_, cut, _)| cut.n > 0);
        worth.find(|(_, cut, ix)| is_new(*cut, *ix)).map(|(_, cut, ix)| (ix, cut.end))
    }
}
