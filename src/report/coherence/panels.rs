//! What the panels of the coherence figures are of, in the order in which each form draws them.

use super::super::selection::{PanelOf, Value};
use super::super::strategies::tasks;
use super::{CoherenceForm, points, rank};
use crate::coherence::{Coherence, Measure};

/// The gains, instruction first.
const GAINS: [Measure; 2] = [Measure::InstructionGain, Measure::AnswerGain];
const AUCS: [Measure; 2] = [Measure::AucInstruction, Measure::AucAnswer];

/// What each panel of [`super::coherence_figure`] is of, for the same rows.
pub fn coherence_panels(form: CoherenceForm, rows: &[&Coherence]) -> Vec<PanelOf> {
    let names = tasks(rows.iter().map(|row| row.task.as_str()));
    let of_all = |measure| PanelOf { task: None, x: None, y: Some(Value::Measure(measure)) };
    let of_task = |task: &String, x, y| PanelOf { task: Some(task.clone()), x, y };
    match form {
        CoherenceForm::Bars => GAINS.map(of_all).to_vec(),
        CoherenceForm::Auc => AUCS.map(of_all).to_vec(),
        CoherenceForm::Scatter => {
            let [x, y] = GAINS.map(|gain| Some(Value::Measure(gain)));
            names.iter().map(|task| of_task(task, x, y)).collect()
        }
        CoherenceForm::Length => {
            let panel = |(task, measure)| {
                of_task(task, Some(Value::ScoredContext), Some(Value::Measure(measure)))
            };
            points::rows_of_panels(&names).map(panel).collect()
        }
        CoherenceForm::Rank => {
            let names = names.iter().filter(|task| rank::has_ranks(rows, task));
            names.map(|task| of_task(task, Some(Value::OwnRank), None)).collect()
        }
    }
}
