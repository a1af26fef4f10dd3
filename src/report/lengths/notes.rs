//! What is written into each panel: the medians, and how far each strategy's lengths are from those
//! that they shall be like.

use super::forms::Strand;
use crate::data::StrategyId;
use crate::figure::{Anchor, Mark, Paint};
use crate::report::strategies::strategy_title;
use crate::stats;

/// The height of a line of notes at the usual size of text.
pub(super) const LINE_IN: f64 = 0.12;

/// The strategy that the others are held against: the test set, else the first of `order`.
pub(super) fn reference(order: &[(StrategyId, usize)]) -> Option<&StrategyId> {
    let test = StrategyId::test();
    order.iter().map(|(id, _)| id).find(|id| **id == test).or(order.first().map(|(id, _)| id))
}

/// A line for each strategy of a panel, right-aligned at `right`, the legend's first at the height
/// `top` and each next one `step` lower.
pub(super) fn notes(
    strands: &[Strand<'_>],
    reference: Option<&StrategyId>,
    [right, top]: [f64; 2],
    step: f64,
) -> Vec<Mark> {
    let theirs = strands.iter().find(|strand| Some(&strand.group.strategy) == reference);
    let note = |strand: &Strand<'_>| Mark::Text {
        series: strategy_title(&strand.group.strategy),
        at: [right, top - step * (strand.row as f64 + 0.5)],
        text: words(strand, theirs),
        anchor: Anchor::End,
        paint: Paint::new(strand.color()),
    };
    strands.iter().map(note).collect()
}

/// "median 935", "590, W 431": no more than narrow panels have room for.
fn words(strand: &Strand<'_>, reference: Option<&Strand<'_>>) -> String {
    let median = short(strand.group.summary.p50);
    match distance(strand, reference) {
        Some(distance) => format!("{median}, W {}", short(distance)),
        None => format!("median {median}"),
    }
}

/// How far the lengths of a strategy are from those of the reference; `None` for itself.
pub(super) fn distance(strand: &Strand<'_>, reference: Option<&Strand<'_>>) -> Option<f64> {
    let other = reference.filter(|other| other.group.strategy != strand.group.strategy)?;
    stats::wasserstein(&strand.group.lengths, &other.group.lengths)
}

/// About three digits.
fn short(length: f64) -> String {
    match length {
        length if length < 9.95 && length.fract() != 0.0 => format!("{length:.1}"),
        length if length < 9999.5 => format!("{length:.0}"),
        length if length < 99_950.0 => format!("{:.1}k", length / 1e3),
        length => format!("{:.0}k", length / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let all = [0.0, 0.26, 7.0, 935.4, 9999.0, 12_345.0, 123_456.0].map(short);
        assert_eq!(all, ["0", "0.3", "7", "935", "9999", "12.3k", "123k"]);
    }

    #[test]
    fn the_test_set_is_what_others_are_held_against() {
        let [human, test, mine] = ["human", "test", "mine"].map(StrategyId::from);
        let order = [(human.clone(), 0), (test.clone(), 3), (mine, 9)];
        assert_eq!(reference(&order), Some(&test));
        assert_eq!(reference(&order[..1]), Some(&human));
        assert_eq!(reference(&[]), None);
    }
}
