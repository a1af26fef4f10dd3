//! Scoring: the tree of the requests' common prefixes, each edge computed once.

use super::{CHUNK, CandleModel, Product, VOCAB_TILE};
use crate::job::Watch;
use crate::model::attention::{Segment, Span};
use crate::model::linear::{self, Linear};
use crate::model::{Error, ScoreRequest, TokenScores, simd};
use std::collections::BTreeMap;

/// Scores the requests, and the positions that were computed for it.
pub fn score(
    model: &CandleModel,
    requests: &[ScoreRequest],
    watch: &Watch,
) -> Result<(Vec<TokenScores>, u64), Error> {
    let mut scoring = Scoring::new(model, requests, watch)?;
    let mut all: Vec<usize> = (0..requests.len()).collect();
    all.retain(|ix| scoring.n_needed[*ix] > 0);
    all.sort_by(|a, b| requests[*a].tokens.cmp(&requests[*b].tokens).then(a.cmp(b)));
    scoring.descend(&all, 0, &[])?;
    let (found, n_computed) = (scoring.found, scoring.n_computed);
    let scores = requests.iter().zip(found).map(|(request, found)| collect_scores(request, &found));
    Ok((scores.collect::<Result<_, _>>()?, n_computed))
}

/// Walks the tree of the requests' common prefixes, computing each edge once.
struct Scoring<'a> {
    model: &'a CandleModel,
    requests: &'a [ScoreRequest],
    watch: &'a Watch,
    /// Tokens of each request that must be read to score it.
    n_needed: Vec<usize>,
    /// For each request: place of the scored token -> (log-probability, argmax).
    found: Vec<BTreeMap<usize, (f32, bool)>>,
    n_computed: u64,
}

/// A part of the batch of one forward pass: tokens `from..to` of all of `group`.
struct Edge {
    group: Vec<usize>,
    from: usize,
    to: usize,
}

impl<'a> Scoring<'a> {
    fn new(
        model: &'a CandleModel,
        requests: &'a [ScoreRequest],
        watch: &'a Watch,
    ) -> Result<Self, Error> {
        let mut n_needed = Vec::new();
        for request in requests {
            let end = request.scored.iter().map(|range| range.end).max().unwrap_or(0);
            let bad = request.scored.iter().any(|r| r.start == 0 || r.start > r.end);
            if bad || end > request.tokens.len() {
                let n = request.tokens.len();
                return Err(Error::Request(format!("scoring {:?} of {n} tokens", request.scored)));
            }
            if end > model.config.window {
                return Err(Error::TooLong { n_tokens: end, window: model.config.window });
            }
            n_needed.push(end.saturating_sub(1));
        }
        let found = vec![BTreeMap::new(); requests.len()];
        Ok(Self { model, requests, watch, n_needed, found, n_computed: 0 })
    }

    /// The group's tokens from `from` on; `past` holds what comes before. The group is sorted.
    fn descend(&mut self, group: &[usize], from: usize, past: &[&Segment]) -> Result<(), Error> {
        let mut leaves: Vec<Edge> = Vec::new();
        let mut n_rows = 0;
        for edge in self.edges(group, from) {
            if edge.group.iter().all(|ix| self.n_needed[*ix] <= edge.to) {
                n_rows += edge.to - edge.from;
                leaves.push(edge);
                if n_rows >= CHUNK {
                    self.run_leaves(std::mem::take(&mut leaves), past)?;
                    n_rows = 0;
                }
            } else {
                let mut own = self.model.segment();
                self.run(&edge, past, &mut own)?;
                let mut longer = past.to_vec();
                longer.push(&own);
                self.descend(&edge.group, edge.to, &longer)?;
            }
        }
        self.run_leaves(leaves, past)
    }

    /// Cuts a sorted group by its next token, each part as long as its members agree.
    fn edges(&self, group: &[usize], from: usize) -> Vec<Edge> {
        let mut edges: Vec<Edge> = Vec::new();
        let token = |ix: usize| self.requests[ix].tokens[from];
        for ix in group.iter().copied().filter(|ix| self.n_needed[*ix] > from) {
            match edges.last_mut() {
                Some(edge) if token(edge.group[0]) == token(ix) => edge.group.push(ix),
                _ => edges.push(Edge { group: vec![ix], from, to: from }),
            }
        }
        for edge in &mut edges {
            let first = &self.requests[edge.group[0]].tokens[from..];
            let agreed = |ix: &usize| {
                let tokens = &self.requests[*ix].tokens[from..self.n_needed[*ix].max(from)];
                let n = tokens.iter().zip(first).take_while(|(a, b)| a == b).count();
                // A member that ends inside the others' run does not cut it.
                if n == tokens.len() { usize::MAX } else { n }
            };
            let longest = edge.group.iter().map(|ix| self.n_needed[*ix]).max().unwrap_or(from);
            let n = edge.group.iter().map(agreed).min().unwrap_or(0).min(longest - from);
            edge.to = from + n;
        }
        edges
    }

    fn run(&mut self, edge: &Edge, past: &[&Segment], own: &mut Segment) -> Result<(), Error> {
        let tokens = self.longest(edge);
        for (ix, new) in tokens.chunks(CHUNK).enumerate() {
            let mut spans = [Span { past, own: &mut *own, new }];
            let hidden = self.model.forward(&mut spans, Product::Prompt, self.watch)?;
            self.n_computed += new.len() as u64;
            let first = edge.from + ix * CHUNK;
            self.take(&hidden, &[(&edge.group, first, new.len())])?;
        }
        Ok(())
    }

    /// Many short edges after the same past, in one pass.
    fn run_leaves(&mut self, edges: Vec<Edge>, past: &[&Segment]) -> Result<(), Error> {
        let is_long = |edge: &Edge| edge.to - edge.from > CHUNK;
        for edge in edges.iter().filter(|edge| is_long(edge)) {
            self.run(edge, past, &mut self.model.segment())?;
        }
        let short: Vec<&Edge> = edges.iter().filter(|edge| !is_long(edge)).collect();
        if short.is_empty() {
            return Ok(());
        }
        let mut owns: Vec<Segment> = short.iter().map(|_| self.model.segment()).collect();
        let tokens: Vec<&[u32]> = short.iter().map(|edge| self.longest(edge)).collect();
        let mut spans: Vec<Span<'_>> =
            owns.iter_mut().zip(&tokens).map(|(own, new)| Span { past, own, new }).collect();
        let hidden = self.model.forward(&mut spans, Product::Prompt, self.watch)?;
        self.n_computed += tokens.iter().map(|new| new.len() as u64).sum::<u64>();
        let parts: Vec<(&[usize], usize, usize)> =
            short.iter().map(|edge| (&edge.group[..], edge.from, edge.to - edge.from)).collect();
        self.take(&hidden, &parts)
    }

    fn longest(&self, edge: &Edge) -> &'a [u32] {
        let ix = edge.group.iter().max_by_key(|ix| self.n_needed[**ix]).copied().unwrap_or(0);
        &self.requests[ix].tokens[edge.from..edge.to]
    }

    /// Reads the scores out of hidden states; `parts` are (requests, first place, rows) in order.
    fn take(&mut self, hidden: &[f32], parts: &[(&[usize], usize, usize)]) -> Result<(), Error> {
        // Row of `hidden` -> the tokens asked for after it, and by which request.
        let mut asked: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        let mut first_row = 0;
        for (group, first, n) in parts {
            for ix in *group {
                for range in &self.requests[*ix].scored {
                    for place in range.clone().filter(|p| (*first..first + n).contains(&(p - 1))) {
                        asked.entry(first_row + place - 1 - first).or_default().push((*ix, place));
                    }
                }
            }
            first_row += n;
        }
        let width = self.model.config.width;
        let rows: Vec<f32> =
            asked.keys().flat_map(|row| &hidden[row * width..(row + 1) * width]).copied().collect();
        if rows.is_empty() {
            return Ok(());
        }
        let targets: Vec<Vec<u32>> = asked
            .values()
            .map(|asked| asked.iter().map(|(ix, p)| self.requests[*ix].tokens[*p]).collect())
            .collect();
        let scores = log_probabilities(&self.model.output, width, &rows, &targets, self.watch)?;
        for (asked, scores) in asked.values().zip(scores) {
            for ((ix, place), score) in asked.iter().zip(scores) {
                self.found[*ix].insert(*place, score);
            }
        }
        Ok(())
    }
}

/// Log-probability of each row's targets, over tiles of the vocabulary: the whole `[rows, V]` is
/// never held.
fn log_probabilities(
    output: &Linear,
    width: usize,
    rows: &[f32],
    targets: &[Vec<u32>],
    watch: &Watch,
) -> Result<Vec<Vec<(f32, bool)>>, Error> {
    let n_rows = targets.len();
    let weights = output.dense()?;
    let mut sums = vec![(f32::NEG_INFINITY, 0u32, f32::NEG_INFINITY); n_rows];
    let mut logits: Vec<Vec<f32>> = targets.iter().map(|t| vec![0.0; t.len()]).collect();
    let mut scratch = Vec::new();
    for (tile_ix, tile) in weights.chunks(VOCAB_TILE * width).enumerate() {
        watch.check()?;
        let (first, n) = (tile_ix * VOCAB_TILE, tile.len() / width);
        let mut block = vec![0.0; n_rows * n];
        linear::product(rows, n_rows, tile, width, &mut block);
        for (row_ix, row) in block.chunks_exact(n).enumerate() {
            let (lse, place) = simd::log_sum_exp(row, &mut scratch);
            let (total, best, best_logit) = &mut sums[row_ix];
            *total = add_logs(*total, lse);
            if row[place] > *best_logit {
                (*best, *best_logit) = ((first + place) as u32, row[place]);
            }
            for (target, logit) in targets[row_ix].iter().zip(&mut logits[row_ix]) {
                if (first..first + n).contains(&(*target as usize)) {
                    *logit = row[*target as usize - first];
                }
            }
        }
    }
    let score = |row: usize| {
        let (total, best, _) = sums[row];
        let with = logits[row].iter().zip(&targets[row]);
        with.map(|(logit, target)| (logit - total, *target == best)).collect()
    };
    Ok((0..n_rows).map(score).collect())
}

/// `ln(e^a + e^b)`
fn add_logs(a: f32, b: f32) -> f32 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f32::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

fn collect_scores(
    request: &ScoreRequest,
    found: &BTreeMap<usize, (f32, bool)>,
) -> Result<TokenScores, Error> {
    let mut scores = TokenScores::default();
    for place in request.scored.iter().flat_map(Clone::clone) {
        let Some((logprob, argmax)) = found.get(&place) else {
            return Err(Error::Request(format!("no score came out for token {place}")));
        };
        scores.logprobs.push(*logprob);
        scores.argmax.push(*argmax);
    }
    Ok(scores)
}
