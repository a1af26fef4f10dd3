//! The coherence figures and their table: what the own context does for instruction and answer,
//! beside what other contexts do.
//!
//! Here is which figure it is and what all have in common; each form has its marks in a file of its
//! own. Gains and their intervals belong in `crate::coherence`.

mod auc;
mod bars;
mod panels;
mod points;
mod rank;
mod table;
#[cfg(test)]
mod tests;

pub use panels::coherence_panels;
pub use table::{coherence_latex, coherence_table};

use super::strategies::{color, ordered, strategy_title, tasks};
use crate::coherence::{Coherence, Summary};
use crate::data::StrategyId;
use crate::figure::{Figure, LegendEntry, Mark, Paint, Swatch, palette};
use serde::{Deserialize, Serialize};

/// How coherence is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoherenceForm {
    /// Mean gains with the own and with other contexts, as bars.
    #[default]
    Bars,
    /// The share of other contexts that the own one beats.
    Auc,
    /// Each record's answer gain over its instruction gain.
    Scatter,
    /// Each record's gains over the length of its context.
    Length,
    /// The share of records whose own context is among the first.
    Rank,
}

/// Draws the rows, of which `summary` is the summary.
pub fn coherence_figure(form: CoherenceForm, rows: &[&Coherence], summary: &Summary) -> Figure {
    let scene = Scene::of(rows, summary);
    match form {
        CoherenceForm::Bars => bars::figure(summary),
        CoherenceForm::Auc => auc::figure(&scene),
        CoherenceForm::Scatter => points::scatter(&scene),
        CoherenceForm::Length => points::over_length(&scene),
        CoherenceForm::Rank => rank::figure(&scene),
    }
}

/// What a figure of rows is made from.
struct Scene<'a> {
    rows: &'a [&'a Coherence],
    summary: &'a Summary,
    /// Each with its place in the palettes.
    strategies: Vec<(StrategyId, usize)>,
    tasks: Vec<String>,
}

impl<'a> Scene<'a> {
    fn of(rows: &'a [&'a Coherence], summary: &'a Summary) -> Self {
        Self {
            rows,
            summary,
            strategies: ordered(rows.iter().map(|row| &row.strategy)),
            tasks: tasks(rows.iter().map(|row| row.task.as_str())),
        }
    }

    /// The rows of one task and strategy.
    fn of_group(&self, task: &str, strategy: &StrategyId) -> Vec<&'a Coherence> {
        let mine = |row: &&&Coherence| row.task == task && row.strategy == *strategy;
        self.rows.iter().filter(mine).copied().collect()
    }

    /// A legend entry for each strategy.
    fn legend(&self, swatch: impl Fn(usize) -> Swatch) -> Vec<LegendEntry> {
        let entry = |(strategy, place): &(StrategyId, usize)| LegendEntry {
            label: strategy_title(strategy),
            swatch: swatch(*place),
            paint: Paint::new(color(*place)).dash(palette::dash(*place)),
        };
        self.strategies.iter().map(entry).collect()
    }

    /// ", scored by NAME"; rows of earlier versions do not name their scorer.
    fn scored_by(&self) -> String {
        scored_by(self.summary)
    }
}

fn scored_by(summary: &Summary) -> String {
    match summary.model.as_str() {
        "" => String::new(),
        model => format!(", scored by {model}"),
    }
}

/// A line where a gain or a difference is nothing.
fn zero(horizontal: bool) -> Mark {
    Mark::Rule { series: "zero".into(), at: 0.0, horizontal, paint: Paint::new([0; 3]).width(0.5) }
}

/// A range that holds all values and 0, with some air; something to show where there are none.
fn with_zero(values: impl IntoIterator<Item = f64>) -> [f64; 2] {
    let finite = values.into_iter().filter(|value| value.is_finite());
    let [lo, hi] = finite.fold([0.0_f64, 0.0_f64], |[lo, hi], v| [lo.min(v), hi.max(v)]);
    let air = 0.06 * (hi - lo).max(0.1);
    [lo - air, hi + air]
}
