//! Sequences that are computed together, one after another, and whose loss counts where.
//!
//! Nothing is padded: attention and positions begin anew with each sequence. Which examples make a
//! step is `order`'s.

use super::example::Example;

/// A token whose loss counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// The row of the pack after which it is foretold.
    pub row: usize,
    /// The token.
    pub id: u32,
    /// What its loss is multiplied with.
    pub weight: f32,
}

/// Sequences one after another.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pack {
    /// The tokens of all sequences.
    pub ids: Vec<u32>,
    /// Tokens of each sequence.
    pub lens: Vec<usize>,
    /// In the order of their rows.
    pub targets: Vec<Target>,
}

impl Pack {
    /// Adds an example of which each answer token weighs `weight` divided by their number, so that
    /// every example weighs the same however long its answer is: LongAlign's loss weights
    /// (arXiv 2401.18058, section 3.2.2).
    pub fn push(&mut self, example: &Example, weight: f64) {
        let first = self.ids.len();
        let weight = (weight / example.answer.len().max(1) as f64) as f32;
        let targets = example.answer.clone().map(|ix| Target {
            row: first + ix - 1,
            id: example.tokens[ix],
            weight,
        });
        self.targets.extend(targets);
        // The last token foretells nothing, so it need not be read.
        let n_read = example.answer.end - 1;
        self.ids.extend_from_slice(&example.tokens[..n_read]);
        self.lens.push(n_read);
    }

    /// Packs of at most `most` tokens, or of one longer example, from examples in their order.
    pub fn fill<'a>(
        examples: impl IntoIterator<Item = &'a Example>,
        most: usize,
        weight: f64,
    ) -> Vec<Self> {
        let mut packs: Vec<Self> = Vec::new();
        for example in examples {
            match packs.last_mut() {
                Some(pack) if pack.ids.len() + example.answer.end - 1 <= most => {
                    pack.push(example, weight);
                }
                _ => {
                    let mut pack = Self::default();
                    pack.push(example, weight);
                    packs.push(pack);
                }
            }
        }
        packs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::RecordId;

    fn example(n_prompt: u32, n_answer: u32) -> Example {
        let n = n_prompt + n_answer;
        let answer = n_prompt as usize..n as usize;
        Example { id: RecordId::unset(), tokens: (0..n).collect(), answer, n_cut: 0 }
    }

    #[test]
    fn examples_weigh_the_same_and_lie_one_after_another() {
        let examples = [example(3, 2), example(2, 4), example(30, 1)];
        let packs = Pack::fill(&examples, 10, 1.0 / 3.0);
        assert_eq!(
            packs.iter().map(|pack| pack.lens.clone()).collect::<Vec<_>>(),
            [vec![4, 5], vec![30]]
        );
        let pack = &packs[0];
        assert_eq!(pack.ids, [0, 1, 2, 3, 0, 1, 2, 3, 4]);
        let places: Vec<_> = pack.targets.iter().map(|t| (t.row, t.id)).collect();
        assert_eq!(places, [(2, 3), (3, 4), (5, 2), (6, 3), (7, 4), (8, 5)]);
        let weighs = |pack: &Pack| pack.targets.iter().map(|t| t.weight).sum::<f32>();
        assert!((weighs(pack) - 2.0 / 3.0).abs() < 1e-6);
        assert!((weighs(&packs[1]) - 1.0 / 3.0).abs() < 1e-6);
    }
}
