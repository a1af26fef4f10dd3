//! All tasks in one panel, a violin or a box per strategy, and below them how far each strategy's
//! lengths are from those that they shall be like.

use super::forms::{self, Bandwidths, Strand};
use super::{Form, Scene, kernel, notes, unit};
use crate::data::StrategyId;
use crate::figure::{Axis, BoxNumbers, Mark, Panel};
use crate::report::bars::{Bar, bar_marks, breadth};
use crate::report::strategies::{strategy_title, task_title};
use crate::stats::{self, Tukey};

/// The height of each panel.
pub(super) const HEIGHT_IN: f64 = 1.6;

/// Where more records lie beyond the whiskers of a box, those of nearly one length are one ring.
const MOST_OUTLIERS: usize = 500;

/// The violins or boxes, the distances where there is something to be held against, and how to read them.
pub(super) fn panels(
    scene: &Scene<'_>,
    tasks: &[(&str, Vec<Strand<'_>>)],
    reference: Option<&StrategyId>,
    label: &str,
) -> (Vec<Panel>, String) {
    if tasks.is_empty() {
        return (Vec::new(), String::new());
    }
    let slots = Slots::of(scene, tasks.len());
    let names = || tasks.iter().map(|(task, _)| task_title(task)).collect();
    let is_box = scene.view.form == Form::Box;
    let spreads = tasks.iter().enumerate().flat_map(|(task_ix, (_, strands))| {
        strands.iter().filter_map(move |strand| match is_box {
            true => slots.boxed(scene, strand, task_ix),
            false => Some(slots.violin(scene, strand, task_ix)),
        })
    });
    let mut panels = vec![Panel {
        title: String::new(),
        x: Axis::category("", names()),
        y: scene.ruler.axis(label),
        marks: spreads.collect(),
    }];
    let mut how = match is_box {
        true => {
            "Boxes: from the lower to the upper quartile, with the median. Whiskers: the farthest \
                 records within 1.5 box lengths (Tukey); rings: records beyond."
                .to_owned()
        }
        false => format!(
            "{}, each as broad as its place allows. Lines across: quartiles and, thicker, medians.",
            kernel(scene.view.log)
        ),
    };
    if let Some(reference) = reference.filter(|_| scene.n_notes > 1) {
        let of = strategy_title(reference);
        let unit = unit(scene.view.unit, false);
        let bars = distances(&slots, tasks, reference);
        let top = bars.iter().flat_map(|(_, bars)| bars).map(|bar| bar.value).fold(1.0, f64::max);
        let marks = bars.iter().flat_map(|(strand, bars)| {
            let (hatch, paint) = (forms::hatch(strand.place), forms::bar_paint(strand.place));
            bar_marks(&strand.series(), bars, slots.width, hatch, paint)
        });
        panels.push(Panel {
            title: format!("Distance from {of}"),
            x: Axis::category("", names()),
            y: Axis::linear(&format!("W ({unit})"), 0.0, 1.06 * top),
            marks: marks.collect(),
        });
        how.push_str(&format!(" W: Wasserstein-1 distance from the lengths of {of}, in {unit}."));
    }
    (panels, how)
}

/// The places of the strategies in each task.
#[derive(Clone, Copy)]
struct Slots {
    breadth: f64,
    width: f64,
}

impl Slots {
    fn of(scene: &Scene<'_>, n_tasks: usize) -> Self {
        let breadth = breadth(n_tasks);
        Self { breadth, width: breadth / scene.n_notes.max(1) as f64 }
    }

    fn left(self, task_ix: usize, row: usize) -> f64 {
        task_ix as f64 - self.breadth / 2.0 + self.width * row as f64
    }

    fn middle(self, task_ix: usize, row: usize) -> f64 {
        self.left(task_ix, row) + self.width / 2.0
    }

    /// Boxes of lengths as they are: on a log axis the whiskers are not those of logarithms.
    fn boxed(self, scene: &Scene<'_>, strand: &Strand<'_>, task_ix: usize) -> Option<Mark> {
        let shown = |length: f64| scene.ruler.shown(length);
        let Tukey { quartiles, whiskers, outliers } = stats::tukey(&strand.group.lengths)?;
        let mut outliers: Vec<f64> = outliers.into_iter().map(shown).collect();
        if outliers.len() > MOST_OUTLIERS {
            let step = scene.ruler.reach() / MOST_OUTLIERS as f64;
            outliers.dedup_by_key(|at| (scene.ruler.measure(*at) / step).floor() as i64);
        }
        let (quartiles, whiskers) = (quartiles.map(shown), whiskers.map(shown));
        let numbers = BoxNumbers { whiskers, quartiles, outliers };
        Some(Mark::Boxes {
            series: strand.series(),
            x: vec![self.middle(task_ix, strand.row)],
            width: 0.78 * self.width,
            boxes: vec![numbers],
            hatch: forms::hatch(strand.place),
            paint: forms::bar_paint(strand.place).alpha(1.0),
        })
    }

    fn violin(self, scene: &Scene<'_>, strand: &Strand<'_>, task_ix: usize) -> Mark {
        let ruler = &scene.ruler;
        let density = strand.curve(ruler, &Bandwidths::on(ruler));
        let most = density.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        // What is thinner than a line says nothing but how far a bell reaches.
        let seen = ruler.places().into_iter().zip(density).filter(|(_, d)| *d > 0.01 * most);
        let (y, half_width) = seen.map(|(y, d)| (y, 0.46 * self.width * d / most)).unzip();
        let summary = &strand.group.summary;
        Mark::Violin {
            series: strand.series(),
            at: self.middle(task_ix, strand.row),
            y,
            half_width,
            quartiles: [summary.p25, summary.p50, summary.p75].map(|length| ruler.shown(length)),
            hatch: forms::hatch(strand.place),
            paint: forms::bar_paint(strand.place).alpha(1.0),
        }
    }
}

/// The distances of each strategy, task by task.
fn distances<'a, 'b>(
    slots: &Slots,
    tasks: &'b [(&str, Vec<Strand<'a>>)],
    reference: &StrategyId,
) -> Vec<(&'b Strand<'a>, Vec<Bar>)> {
    let mut all: Vec<(&Strand<'a>, Vec<Bar>)> = Vec::new();
    for (task_ix, (_, strands)) in tasks.iter().enumerate() {
        let theirs = strands.iter().find(|strand| strand.group.strategy == *reference);
        for strand in strands {
            let Some(value) = notes::distance(strand, theirs) else { continue };
            let bar = Bar { x: slots.left(task_ix, strand.row), value, ci95: None };
            match all.iter_mut().find(|(known, _)| known.row == strand.row) {
                Some((_, bars)) => bars.push(bar),
                None => all.push((strand, vec![bar])),
            }
        }
    }
    all
}
