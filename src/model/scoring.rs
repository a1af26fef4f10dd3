//! Scoring: the tree of the requests' common prefixes, each edge computed once.

use super::body::{Asked, Body, New, metered};
use super::{Error, ScoreRequest, TokenScores};
use crate::job::Watch;
use std::collections::BTreeMap;

/// See `LanguageModel::score`.
pub fn score<B: Body>(
    model: &mut B,
    requests: &[ScoreRequest],
    watch: &Watch,
) -> Result<Vec<TokenScores>, Error> {
    let mut scoring = Scoring::new(model, requests, watch)?;
    let mut all: Vec<usize> = (0..requests.len()).collect();
    all.retain(|ix| scoring.n_needed[*ix] > 0);
    all.sort_by(|a, b| requests[*a].tokens.cmp(&requests[*b].tokens).then(a.cmp(b)));
    let read = scoring.descend(&all, 0, &[]);
    let found = scoring.found;
    // The cache is empty again.
    model.meter().update(|work| model.tell(work));
    read?;
    requests.iter().zip(found).map(|(request, found)| collect_scores(request, &found)).collect()
}

/// Walks the tree of the requests' common prefixes, computing each edge once.
struct Scoring<'a, B> {
    model: &'a mut B,
    requests: &'a [ScoreRequest],
    watch: &'a Watch,
    /// Tokens of each request that must be read to score it.
    n_needed: Vec<usize>,
    /// For each request: place of the scored token -> (log-probability, argmax).
    found: Vec<BTreeMap<usize, (f32, bool)>>,
}

/// A part of the batch of one forward pass: tokens `from..to` of all of `group`.
struct Edge {
    group: Vec<usize>,
    from: usize,
    to: usize,
}

impl<'a, B: Body> Scoring<'a, B> {
    fn new(
        model: &'a mut B,
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
            if end > model.window() {
                return Err(Error::TooLong { n_tokens: end, window: model.window() });
            }
            n_needed.push(end.saturating_sub(1));
        }
        let found = vec![BTreeMap::new(); requests.len()];
        Ok(Self { model, requests, watch, n_needed, found })
    }

    /// The group's tokens from `from` on; `past` holds what comes before. The group is sorted.
    fn descend(&mut self, group: &[usize], from: usize, past: &[&B::Run]) -> Result<(), Error> {
        let mut leaves: Vec<Edge> = Vec::new();
        let mut n_rows = 0;
        for edge in self.edges(group, from) {
            if edge.group.iter().all(|ix| self.n_needed[*ix] <= edge.to) {
                n_rows += edge.to - edge.from;
                leaves.push(edge);
                if n_rows >= B::CHUNK {
                    self.run_leaves(std::mem::take(&mut leaves), past)?;
                    n_rows = 0;
                }
            } else {
                let mut own = self.model.begin(past)?;
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

    fn run(&mut self, edge: &Edge, past: &[&B::Run], own: &mut B::Run) -> Result<(), Error> {
        let tokens = self.longest(edge);
        for (ix, new) in tokens.chunks(B::CHUNK).enumerate() {
            let first = edge.from + ix * B::CHUNK;
            let news = vec![New { run: &mut *own, tokens: new }];
            self.read(past, news, &[(&edge.group, first, new.len())])?;
        }
        Ok(())
    }

    /// Many short edges after the same past, in one pass.
    fn run_leaves(&mut self, edges: Vec<Edge>, past: &[&B::Run]) -> Result<(), Error> {
        let is_long = |edge: &Edge| edge.to - edge.from > B::CHUNK;
        for edge in edges.iter().filter(|edge| is_long(edge)) {
            let mut own = self.model.begin(past)?;
            self.run(edge, past, &mut own)?;
        }
        let short: Vec<&Edge> = edges.iter().filter(|edge| !is_long(edge)).collect();
        if short.is_empty() {
            return Ok(());
        }
        let mut owns = Vec::new();
        for _ in &short {
            owns.push(self.model.begin(past)?);
        }
        let tokens: Vec<&[u32]> = short.iter().map(|edge| self.longest(edge)).collect();
        let news = owns.iter_mut().zip(&tokens).map(|(run, tokens)| New { run, tokens }).collect();
        let parts: Vec<(&[usize], usize, usize)> =
            short.iter().map(|edge| (&edge.group[..], edge.from, edge.to - edge.from)).collect();
        self.read(past, news, &parts)
    }

    fn longest(&self, edge: &Edge) -> &'a [u32] {
        let ix = edge.group.iter().max_by_key(|ix| self.n_needed[**ix]).copied().unwrap_or(0);
        &self.requests[ix].tokens[edge.from..edge.to]
    }

    /// Reads new tokens and keeps the scores asked for among them; `parts` are (requests, first
    /// place, rows) of the new tokens, in order.
    fn read(
        &mut self,
        past: &[&B::Run],
        news: Vec<New<'_, B::Run>>,
        parts: &[(&[usize], usize, usize)],
    ) -> Result<(), Error> {
        // Row -> the places asked for after it, and by which request.
        let mut wanted: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        let mut first_row = 0;
        for (group, first, n) in parts {
            for ix in *group {
                for range in &self.requests[*ix].scored {
                    for place in range.clone().filter(|p| (*first..first + n).contains(&(p - 1))) {
                        wanted.entry(first_row + place - 1 - first).or_default().push((*ix, place));
                    }
                }
            }
            first_row += n;
        }
        let target = |(ix, place): &(usize, usize)| self.requests[*ix].tokens[*place];
        let asked: Vec<Asked> = wanted
            .iter()
            .map(|(row, wanted)| Asked { row: *row, targets: wanted.iter().map(target).collect() })
            .collect();
        let watch = self.watch;
        let read = |model: &mut B| model.score_new(past, news, &asked, watch);
        let scores = metered(self.model, |work| &mut work.reading, first_row, watch, read)?;
        for (wanted, scores) in wanted.values().zip(scores) {
            for ((ix, place), score) in wanted.iter().zip(scores) {
                self.found[*ix].insert(*place, score);
            }
        }
        Ok(())
    }
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
