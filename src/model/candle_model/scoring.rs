//! Log-probabilities out of hidden states, without ever holding all logits.

use super::VOCAB_TILE;
use crate::job::Watch;
use crate::model::body::Asked;
use crate::model::linear::{self, Linear};
use crate::model::{Error, simd};

/// Log-probability of each row's targets, over tiles of the vocabulary: the whole `[rows, V]` is
/// never held.
pub fn log_probabilities(
    output: &Linear,
    width: usize,
    rows: &[f32],
    asked: &[Asked],
    watch: &Watch,
) -> Result<Vec<Vec<(f32, bool)>>, Error> {
    let n_rows = asked.len();
    let weights = output.dense()?;
    let mut sums = vec![(f32::NEG_INFINITY, 0u32, f32::NEG_INFINITY); n_rows];
    let mut logits: Vec<Vec<f32>> =
        asked.iter().map(|asked| vec![0.0; asked.targets.len()]).collect();
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
            for (target, logit) in asked[row_ix].targets.iter().zip(&mut logits[row_ix]) {
                if (first..first + n).contains(&(*target as usize)) {
                    *logit = row[*target as usize - first];
                }
            }
        }
    }
    let score = |row: usize| {
        let (total, best, _) = sums[row];
        let with = logits[row].iter().zip(&asked[row].targets);
        with.map(|(logit, target)| (logit - total, *target == best)).collect()
    };
    Ok((0..n_rows).map(score).collect())
}

/// `ln(e^a + e^b)`
fn add_logs(a: f32, b: f32) -> f32 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f32::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}
