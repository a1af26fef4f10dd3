//! The course of trainings: losses over steps.

use super::strategies::{color, places};
use crate::figure::{Axis, Dash, Figure, LegendEntry, Mark, Paint, Panel, Swatch};
use crate::tuning::Step;

/// Two panels: the loss of every step of each arm, and the held-out loss where it was measured. Arms are
/// told apart by colour and, where they are many, by their names in the legend.
pub fn course_figure<'a>(arms: impl Iterator<Item = (&'a str, &'a [Step])>) -> Figure {
    let arms: Vec<(&str, &[Step])> = arms.collect();
    let places = places(arms.iter().map(|(name, _)| *name));
    let paint = |ix: usize| {
        // The two arms of a dataset follow one another: the second is dashed.
        let dash = if ix.is_multiple_of(2) { Dash::Solid } else { Dash::Dashed };
        Paint { dash, ..Paint::new(color(places[ix / 2 * 2])) }
    };
    let loss = |step: &Step| Some(step.loss);
    let held_out = |step: &Step| step.held_out_loss;
    let panels =
        [panel("Training", &arms, &loss, &paint), panel("Held out", &arms, &held_out, &paint)];
    Figure {
        title: "Losses".into(),
        caption: "Mean loss of a token of the answers, in nats; a step's is over its own records."
            .into(),
        columns: 2,
        panels: panels.into_iter().flatten().collect(),
        legend: arms
            .iter()
            .enumerate()
            .map(|(ix, (name, _))| LegendEntry {
                label: (*name).to_owned(),
                swatch: Swatch::Line,
                paint: paint(ix),
            })
            .collect(),
        ..Figure::default()
    }
}

/// `None` where nothing was measured.
fn panel(
    title: &str,
    arms: &[(&str, &[Step])],
    value: &dyn Fn(&Step) -> Option<f64>,
    paint: &dyn Fn(usize) -> Paint,
) -> Option<Panel> {
    let mut marks = Vec::new();
    let (mut most_steps, mut range) = (1.0f64, [f64::INFINITY, 0.0f64]);
    for (ix, (name, steps)) in arms.iter().enumerate() {
        let points = steps.iter().filter_map(|step| Some([step.step as f64, value(step)?]));
        let xy: Vec<[f64; 2]> = points.collect();
        for [x, y] in &xy {
            most_steps = most_steps.max(*x);
            range = [range[0].min(*y), range[1].max(*y)];
        }
        if !xy.is_empty() {
            marks.push(Mark::Line { series: (*name).to_owned(), xy, paint: paint(ix) });
        }
    }
    (!marks.is_empty()).then(|| Panel {
        title: title.to_owned(),
        x: Axis::linear("step", 0.0, most_steps),
        y: Axis::linear("loss (nats per token)", range[0].min(0.9 * range[1]), 1.05 * range[1]),
        marks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_lines_and_what_was_not_measured_has_no_panel() {
        let step = |step: usize, loss: f64| Step {
            step,
            loss,
            grad_norm: 1.0,
            learning_rate: 1e-4,
            tokens: 10,
            held_out_loss: None,
        };
        let steps = [step(1, 3.0), step(2, 2.5)];
        let figure = course_figure([("human with contexts", &steps[..])].into_iter());
        assert_eq!(figure.panels.len(), 1);
        let Mark::Line { xy, .. } = &figure.panels[0].marks[0] else { panic!("a line") };
        assert_eq!(xy[..], [[1.0, 3.0], [2.0, 2.5]]);
        assert_eq!(figure.legend[0].label, "human with contexts");
    }
}
