//! The lengths figure: per task, how long a part of the records is under each strategy.
//!
//! Here is what the figure says; `forms` has the marks, `notes` what is written into the panels,
//! `ruler` the axis of lengths. Counting
//! belongs in `crate::lengths`, densities and bins in `stats`.

mod forms;
mod notes;
mod ruler;
mod table;
#[cfg(test)]
mod tests;
mod violins;

pub use table::lengths_table;

use super::selection::{PanelOf, Value};
use super::strategies::{color, ordered, strategy_title, task_title, tasks};
use crate::data::StrategyId;
use crate::figure::{Axis, Figure, LegendEntry, Mark, Paint, Panel, Swatch, palette};
use crate::lengths::{Field, Group, Lengths, Unit};
use forms::{Bandwidths, Strand};
use ruler::Ruler;
use serde::{Deserialize, Serialize};

/// How lengths are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A smooth curve per strategy, and each record as a point under it.
    #[default]
    Density,
    /// The share of a strategy's records in each bin.
    Histogram,
    /// The share of a strategy's records up to each length.
    Cumulative,
    /// All tasks in one panel: a violin per strategy and task, and the distances below.
    Violin,
    /// The same with boxes: quartiles, whiskers and what lies beyond them.
    Box,
}

/// What of the lengths is drawn, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LengthsView {
    /// The part of the records.
    pub field: Field,
    /// What is counted.
    pub unit: Unit,
    /// Curve, bins or staircase.
    pub form: Form,
    /// Whether the length axis counts in octaves.
    pub log: bool,
}

impl Form {
    /// Whether all tasks share a panel, in which lengths are upright.
    fn is_upright(self) -> bool {
        matches!(self, Self::Violin | Self::Box)
    }
}

impl LengthsView {
    /// Context, density, log axis; tokens where they were counted, else words.
    pub fn usual(lengths: &Lengths) -> Self {
        let unit = if lengths.tokenizer.is_some() { Unit::Tokens } else { Unit::Words };
        Self { field: Field::Context, unit, form: Form::Density, log: true }
    }
}

/// Points are left out where a strategy has more records in a task: they would be a smear.
const MOST_POINTS: usize = 1000;

/// A panel per task with the lengths of each strategy, the medians as vertical lines. All panels
/// share both axes. Without lengths of the view's field and unit, a figure without panels.
pub fn lengths_figure(lengths: &Lengths, view: LengthsView) -> Figure {
    let wanted = |group: &&Group| group.field == view.field && group.unit == view.unit;
    let groups: Vec<&Group> = lengths.groups.iter().filter(wanted).collect();
    let strategies = ordered(groups.iter().map(|group| &group.strategy));
    let of_task = |task: &str| -> Vec<Strand<'_>> {
        let strands = strategies.iter().enumerate().filter_map(|(row, (strategy, place))| {
            let group = groups.iter().find(|g| g.task == task && g.strategy == *strategy)?;
            Some(Strand { group, place: *place, row })
        });
        strands.collect()
    };
    let names = tasks(groups.iter().map(|group| group.task.as_str()));
    let tasks: Vec<(&str, Vec<Strand<'_>>)> =
        names.iter().map(|task| (task.as_str(), of_task(task))).collect();
    let reference = notes::reference(&strategies);
    let n_notes = strategies.len();
    let scene = Scene { view, groups: &groups, ruler: Ruler::of(&groups, view.log), n_notes };
    let label = x_label(lengths, view);
    let framed = |drawn| scene.framed(&tasks, reference, &label, drawn);
    let (panels, how) = match view.form {
        Form::Density => framed(scene.densities(&tasks)),
        Form::Histogram => framed(scene.histograms(&tasks)),
        Form::Cumulative => framed(scene.cumulative(&tasks)),
        Form::Violin | Form::Box => violins::panels(&scene, &tasks, reference, &label),
    };
    let is_upright = view.form.is_upright();
    Figure {
        title: title(view),
        caption: format!("{how}{}", zeros(view, &groups)),
        columns: if is_upright { 1 } else { panels.len().clamp(1, 4) },
        panels,
        panel_height_in: if is_upright { violins::HEIGHT_IN } else { scene.height_in() },
        legend: strategies
            .iter()
            .map(|(id, place)| entry(view, strategy_title(id), *place))
            .collect(),
        ..Figure::default()
    }
}

/// What each panel of [`lengths_figure`] is of.
pub fn lengths_panels(lengths: &Lengths, view: LengthsView) -> Vec<PanelOf> {
    let wanted = |group: &&Group| group.field == view.field && group.unit == view.unit;
    let groups = lengths.groups.iter().filter(wanted);
    let value = Some(Value::Length(view.field, view.unit));
    let names = tasks(groups.map(|group| group.task.as_str()));
    match view.form.is_upright() {
        // Below it only distances, which are no record's.
        true => vec![PanelOf { task: None, x: None, y: value }],
        false => {
            names.into_iter().map(|task| PanelOf { task: Some(task), x: value, y: None }).collect()
        }
    }
}

/// What all panels of a figure have in common.
struct Scene<'a> {
    view: LengthsView,
    groups: &'a [&'a Group],
    ruler: Ruler,
    /// Lines of notes in each panel.
    n_notes: usize,
}

/// The label of the upright axis, how to read the curves, and the marks of each task.
type Curves = (String, String, Vec<Vec<Mark>>);

/// The height of a panel without notes.
const HEIGHT_IN: f64 = 1.25;

impl Scene<'_> {
    /// Notes stand above everything else, where no curve crosses them.
    fn height_in(&self) -> f64 {
        HEIGHT_IN + notes::LINE_IN * self.n_notes as f64
    }

    /// A panel per task around these marks, and how to read them.
    fn framed(
        &self,
        tasks: &[(&str, Vec<Strand<'_>>)],
        reference: Option<&StrategyId>,
        x_label: &str,
        (y_label, how, mut marks): Curves,
    ) -> (Vec<Panel>, String) {
        let top = 1.08 * marks.iter().flatten().map(highest).fold(0.0, f64::max);
        let y = if self.has_points() {
            for ((_, strands), marks) in tasks.iter().zip(&mut marks) {
                marks.extend(strands.iter().map(|strand| strand.points(&self.ruler, top)));
            }
            let n_rows = tasks.iter().flat_map(|(_, strands)| strands).map(|s| s.row + 1).max();
            self.upright(&y_label, -top * forms::depth(n_rows.unwrap_or(0)), top)
        } else if self.view.form == Form::Cumulative {
            self.upright(&y_label, 0.0, 1.03)
        } else {
            self.upright(&y_label, 0.0, top)
        };
        let [bottom, ceiling] = y.range;
        let step = (ceiling - bottom) * notes::LINE_IN / self.height_in();
        let free = ceiling - step * self.n_notes as f64;
        let panels = tasks.iter().zip(marks).map(|((task, strands), mut marks)| {
            marks.extend(strands.iter().map(|strand| strand.median(&self.ruler, [bottom, free])));
            marks.extend(notes::notes(strands, reference, [self.ruler.range[1], ceiling], step));
            Panel {
                title: format!("{} ({})", task_title(task), counted(strands)),
                x: self.ruler.axis(x_label),
                y: y.clone(),
                marks,
            }
        });
        let distances = distances(self.view, reference.filter(|_| self.n_notes > 1));
        let how =
            format!("{how} Vertical lines are medians; n records of each strategy.{distances}");
        (panels.collect(), how)
    }

    /// An axis from below 0, where nothing is measured, to `top` and the notes above it.
    fn upright(&self, label: &str, bottom: f64, top: f64) -> Axis {
        let stretch = self.height_in() / HEIGHT_IN;
        let mut axis = Axis::linear(label, bottom, top);
        axis.ticks.retain(|tick| tick.at >= 0.0);
        axis.range[1] = bottom + stretch * (top - bottom);
        axis
    }

    fn has_points(&self) -> bool {
        let few = self.groups.iter().all(|group| group.lengths.len() <= MOST_POINTS);
        self.view.form == Form::Density && few
    }

    fn densities(&self, tasks: &[(&str, Vec<Strand<'_>>)]) -> Curves {
        let (ruler, log) = (&self.ruler, self.view.log);
        let bandwidths = Bandwidths::on(ruler);
        // Per word the numbers would be so small that their ticks could not be read.
        let per = if log { 1.0 } else { 10_f64.powf(ruler.reach().log10().floor()).max(1.0) };
        let label = match (log, per) {
            (true, _) => "density".to_owned(),
            (false, 1.0) => format!("density per {}", unit(self.view.unit, true)),
            (false, per) => {
                let per = if per < 1e3 { per.to_string() } else { format!("{}k", per / 1e3) };
                format!("density per {per} {}", unit(self.view.unit, false))
            }
        };
        let mut how = format!("{}.", kernel(log));
        if self.has_points() {
            how += " Each point under the axis is a record.";
        }
        let curves = |strands: &Vec<Strand<'_>>| {
            strands.iter().flat_map(|s| s.density(ruler, &bandwidths, per)).collect()
        };
        (label, how, tasks.iter().map(|(_, strands)| curves(strands)).collect())
    }

    fn histograms(&self, tasks: &[(&str, Vec<Strand<'_>>)]) -> Curves {
        let n_bins = self.ruler.bins().len().saturating_sub(1);
        let width = if self.view.log { "about equally wide in octaves" } else { "equally wide" };
        let how = format!(
            "Share of a strategy's records in each bin ({n_bins}, {width}, the same in all panels); \
             in a bin the lowest bar stands in front."
        );
        let marks =
            tasks.iter().map(|(_, strands)| forms::histograms(strands, &self.ruler)).collect();
        ("share of records".to_owned(), how, marks)
    }

    fn cumulative(&self, tasks: &[(&str, Vec<Strand<'_>>)]) -> Curves {
        let how = "Share of a strategy's records that are at most so long.".to_owned();
        let steps =
            |strands: &Vec<Strand<'_>>| strands.iter().map(|s| s.cumulative(&self.ruler)).collect();
        let marks = tasks.iter().map(|(_, strands)| steps(strands)).collect();
        ("share of records".to_owned(), how, marks)
    }
}

fn highest(mark: &Mark) -> f64 {
    match mark {
        Mark::Line { xy, .. } | Mark::Step { xy, .. } => {
            xy.iter().map(|[_, y]| *y).fold(0.0, f64::max)
        }
        _ => 0.0,
    }
}

/// What a density is of.
fn kernel(log: bool) -> String {
    let (what, least, of_one) = match log {
        true => ("the length's base-2 logarithm", "0.1", "0.25"),
        false => ("the length", "1% of the axis", "3%"),
    };
    format!(
        "Gaussian kernel density of {what} (bandwidth: Silverman's, at least {least}; {of_one} where all \
         lengths are equal)"
    )
}

/// "n = 3", or "n = 2–3" where the strategies differ.
fn counted(strands: &[Strand<'_>]) -> String {
    let ns = || strands.iter().map(|strand| strand.group.summary.n);
    match (ns().min(), ns().max()) {
        (Some(least), Some(most)) if least < most => format!("n = {least}\u{2013}{most}"),
        (n, _) => format!("n = {}", n.unwrap_or(0)),
    }
}

fn entry(view: LengthsView, label: String, place: usize) -> LegendEntry {
    let line = Paint::new(color(place)).dash(palette::dash(place));
    let (swatch, paint) = match view.form {
        Form::Density | Form::Cumulative => (Swatch::Line, line),
        Form::Histogram | Form::Violin | Form::Box => {
            (Swatch::Patch(forms::hatch(place)), forms::bar_paint(place))
        }
    };
    LegendEntry { label, swatch, paint }
}

fn title(view: LengthsView) -> String {
    let field = match view.field {
        Field::Context => "Context",
        Field::Instruction => "Instruction",
        Field::Answer => "Answer",
        Field::Prompt => "Prompt",
    };
    let form = if view.form == Form::Cumulative { ", cumulative" } else { "" };
    format!("{field} lengths{form}")
}

/// "context length (tokens, NAME)".
fn x_label(lengths: &Lengths, view: LengthsView) -> String {
    let field = match view.field {
        Field::Context => "context",
        Field::Instruction => "instruction",
        Field::Answer => "answer",
        Field::Prompt => "prompt",
    };
    let counted_by = match (&lengths.tokenizer, view.unit) {
        (Some(tokenizer), Unit::Tokens) => format!(", {tokenizer}"),
        _ => String::new(),
    };
    format!("{field} length ({}{counted_by})", unit(view.unit, false))
}

fn unit(unit: Unit, one: bool) -> &'static str {
    match (unit, one) {
        (Unit::Chars, true) => "character",
        (Unit::Chars, false) => "characters",
        (Unit::Words, true) => "word",
        (Unit::Words, false) => "words",
        (Unit::Tokens, true) => "token",
        (Unit::Tokens, false) => "tokens",
    }
}

/// What the notes mean.
fn distances(view: LengthsView, reference: Option<&StrategyId>) -> String {
    let Some(reference) = reference else { return String::new() };
    format!(
        " Above, in the legend's order: the median, and W, the Wasserstein-1 distance from the lengths \
         of {} in {}.",
        strategy_title(reference),
        unit(view.unit, false)
    )
}

/// What must be said where a log axis cannot show a length.
fn zeros(view: LengthsView, groups: &[&Group]) -> &'static str {
    let any = groups.iter().any(|group| group.summary.min < 1.0);
    if view.log && any { " Lengths of 0 stand at 1." } else { "" }
}
