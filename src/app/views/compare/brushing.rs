//! Brushing: a range of one plot chooses records, which are then shown in the other plots and in the
//! table of records.

use crate::app::jobs::Ask;
use crate::app::views::data::{counted, grouped};
use crate::app::widgets::figure_view::Touch;
use crate::app::window::Window;
use crate::lengths::{Field, Unit};
use crate::report::{self, Value};
use crate::workbench::{Brush, Place, SelectJob, Selected};
use egui::{RichText, Ui};
use std::sync::Arc;

/// What is chosen.
#[derive(Default)]
pub struct State {
    brush: Option<Brush>,
    asked: Option<Key>,
    selected: Option<Selected>,
    /// Raised with every change of what is chosen.
    version: u64,
}

/// What was brushed, among which files, lengths and figures.
type Key = (Brush, u64, u64, u64);

impl State {
    /// Takes the records that were found.
    pub fn take(&mut self, selected: Selected) {
        // What was cleared meanwhile is not wanted any more.
        if self.brush.is_some() {
            self.selected = Some(selected);
            self.version += 1;
        }
    }

    /// What is chosen, as far as it is known.
    pub fn selected(&self) -> Option<&Selected> {
        self.selected.as_ref()
    }

    /// The chosen records, with a number that changes when they do.
    pub fn places(&self) -> Option<(u64, Arc<Vec<Place>>)> {
        self.selected.as_ref().map(|selected| (self.version, selected.places.clone()))
    }

    /// The lengths figure was drawn anew.
    pub(super) fn forget_lengths(&mut self) {
        if let Some(selected) = &mut self.selected {
            selected.lengths = None;
        }
    }

    /// The coherence figure was drawn anew.
    pub(super) fn forget_coherence(&mut self) {
        if let Some(selected) = &mut self.selected {
            selected.coherence = None;
        }
    }

    pub(super) fn clear(&mut self) {
        (self.brush, self.asked, self.selected) = (None, None, None);
        self.version += 1;
    }
}

impl Window {
    fn selection_key(&self) -> Option<Key> {
        let brush = self.compare.selection.brush.clone()?;
        Some((brush, self.files.version, self.files.n_measured, self.compare.n_drawn))
    }

    pub(super) fn wants_selection(&self) -> bool {
        self.compare.selection.asked != self.selection_key()
    }

    /// Asks for the records in the range. While a range grows, one search after the other is made, so
    /// that some of them end.
    pub(super) fn selection_logic(&mut self) {
        let busy = |ask: &Ask| {
            matches!(
                ask,
                Ask::Select(_)
                    | Ask::DrawLengths(_)
                    | Ask::DrawCoherence(_)
                    | Ask::Open(_)
                    | Ask::Lengths { .. }
            )
        };
        if !self.wants_selection() || self.jobs.has_open(busy) {
            return;
        }
        self.compare.selection.asked = self.selection_key();
        if let Some(job) = self.select_job() {
            self.start(Ask::Select(Box::new(job)));
        }
    }

    /// The search for the records in the range, if there is one.
    pub(in crate::app) fn select_job(&self) -> Option<SelectJob> {
        let datasets = self.files.shown().map(|file| {
            let lengths = file.lengths.as_ref().map(|(_, lengths)| lengths.clone());
            (file.key, file.dataset.clone(), lengths)
        });
        Some(SelectJob {
            brush: self.compare.selection.brush.clone()?,
            datasets: datasets.collect(),
            rows: self.open_rows(),
            lengths: self.compare.lengths.clone(),
            coherence: self.compare.coherence.clone(),
        })
    }

    /// What the person did in the figure.
    pub(super) fn touched(&mut self, touch: Touch) {
        match touch {
            Touch::Range { panel, category, ranges, .. } => {
                if let Some(brush) = self.brushed(panel, category, ranges) {
                    self.compare.selection.brush = Some(brush);
                }
            }
            // Compare draws no maps.
            Touch::Cell { .. } => {}
            Touch::Point { panel, series, at, id } => {
                let place = match &id {
                    Some(id) => self.place_of(id, panel, &series),
                    None => self.pointed_at(panel, &series, at),
                };
                match (place, id) {
                    (Some(place), _) => {
                        self.select(place);
                        self.open_seed(place);
                    }
                    (None, Some(id)) => self.complain(format!(
                        "Record {id} is in no shown file: open the dataset that was measured, or switch it on."
                    )),
                    (None, None) => {}
                }
            }
        }
    }

    /// What was brushed: what the panel's axes measure, and the task.
    fn brushed(
        &self,
        panel: usize,
        category: Option<usize>,
        ranges: [Option<[f64; 2]>; 2],
    ) -> Option<Brush> {
        let drawn = self.drawn()?;
        let of = drawn.panels.get(panel)?;
        let measured = [of.x, of.y].into_iter().zip(ranges);
        let ranges: Vec<(Value, [f64; 2])> =
            measured.filter_map(|(value, range)| Some((value?, range?))).collect();
        let task = drawn.task(panel, category)?.to_owned();
        (!ranges.is_empty()).then_some(Brush { task, ranges })
    }

    /// Where the record of an id is among those that are shown; of several the one of the series.
    fn place_of(&self, id: &str, panel: usize, series: &str) -> Option<Place> {
        let task = self.drawn()?.panels.get(panel)?.task.clone();
        let is_shown = |place: &Place| self.files.get(place.0).is_some_and(|file| file.shown);
        let mut places = self.links()?.places_of(id).filter(is_shown).peekable();
        let first = places.peek().copied();
        let is_it = |place: &Place| {
            self.files.row(*place).is_some_and(|row| {
                task.as_ref().is_none_or(|task| *task == row.task)
                    && report::strategy_title(row.strategy) == strategy_of(series)
            })
        };
        places.find(is_it).or(first)
    }

    /// The record that a point stands for.
    fn pointed_at(&self, panel: usize, series: &str, at: [f64; 2]) -> Option<Place> {
        let drawn = self.drawn()?;
        let of = drawn.panels.get(panel)?;
        let (value, at, category) = match (of.x, of.y) {
            (Some(value), None) => (value, at[0], None),
            (None, Some(value)) => (value, at[1], Some(at[0].round().max(0.0) as usize)),
            _ => return None,
        };
        let (task, strategy) = (drawn.task(panel, category)?, strategy_of(series));
        let Value::Length(field, unit) = value else {
            // Only the selected ones are drawn as points.
            let (links, selected) = (self.links()?, self.compare.selection.selected()?);
            let of = |place: &Place| {
                let row = links.row_of(*place)?;
                let is_it = row.task == task && report::strategy_title(&row.strategy) == strategy;
                let value = value.of(row).filter(|_| is_it);
                value.map(|value| ((value - at).abs(), *place))
            };
            let nearest = selected.places.iter().filter_map(of).min_by(|a, b| a.0.total_cmp(&b.0));
            return nearest.map(|(_, place)| place);
        };
        let files =
            self.files.shown().filter_map(|file| Some((file.key, &file.lengths.as_ref()?.1)));
        let groups = files.flat_map(|(key, lengths)| lengths.groups.iter().map(move |g| (key, g)));
        let groups = groups.filter(|(_, group)| {
            (group.field, group.unit) == (field, unit)
                && group.task == task
                && report::strategy_title(&group.strategy) == strategy
        });
        let points = groups.flat_map(|(key, group)| {
            let points = group.records.iter().zip(&group.lengths);
            points.map(move |(ix, length)| ((length - at).abs(), (key, *ix as usize)))
        });
        points.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, place)| place)
    }

    /// What is chosen, in words, and what can be done with it.
    pub(super) fn selection_ui(&mut self, ui: &mut Ui) {
        let Some(brush) = &self.compare.selection.brush else {
            if self.shown_figure().is_some_and(|figure| !figure.panels.is_empty()) {
                // As high as what will stand here: a plot must not move under the hand that brushes it.
                ui.horizontal(|ui| {
                    ui.set_min_height(ui.spacing().interact_size.y);
                    let words = "Drag over a plot to select records; Shift and drag moves it.";
                    ui.add(egui::Label::new(RichText::new(words).weak().small()).truncate());
                });
            }
            return;
        };
        let words = told(brush);
        let n = self.compare.selection.selected.as_ref().map(|selected| selected.places.len());
        ui.horizontal(|ui| {
            let n_all: usize = self.files.shown().map(|file| file.dataset.records.len()).sum();
            let count = match n {
                Some(n) => format!("{} of {}", grouped(n as u64), counted(n_all, "record")),
                None => "…".to_owned(),
            };
            let count = RichText::new(format!("Selected: {count}")).strong();
            ui.label(count).on_hover_text(&words);
            let show = ui.add_enabled(n.is_some_and(|n| n > 0), egui::Button::new("Show in table"));
            if show.on_hover_text("Only these records in Data").clicked() {
                self.handed.clear();
                self.data.only_selected = true;
                self.show(crate::app::View::Data);
            }
            if ui.button("Clear selection").clicked() {
                self.compare.selection.clear();
            }
            ui.add(egui::Label::new(words).truncate());
        });
    }
}

/// The strategy of a series of points.
fn strategy_of(series: &str) -> &str {
    series.strip_suffix(", selected").unwrap_or(series)
}

/// "NarrativeQA, context length 512 to 2,048 tokens".
fn told(brush: &Brush) -> String {
    let ranges = brush.ranges.iter().map(|(value, range)| told_range(*value, *range));
    let all = std::iter::once(report::task_title(&brush.task)).chain(ranges);
    all.collect::<Vec<String>>().join(", ")
}

fn told_range(value: Value, [lo, hi]: [f64; 2]) -> String {
    let (what, unit) = match value {
        Value::Length(field, unit) => (length_title(field), unit_title(unit)),
        Value::ScoredContext => ("context length", "tokens of the scorer"),
        Value::OwnRank => ("rank of the own context", ""),
        Value::Measure(measure) => {
            let (what, unit) = measure.title().split_once(" (").unwrap_or((measure.title(), ""));
            (what, unit.trim_end_matches(')'))
        }
    };
    let is_whole = matches!(value, Value::Length(..) | Value::ScoredContext);
    let number = |value: f64| match is_whole {
        true => grouped(value.max(0.0) as u64),
        false => format!("{value:.2}"),
    };
    // Lengths are whole numbers: those in the range are from the next above to the next below.
    let (lo, hi) = if is_whole { (lo.ceil(), hi.floor()) } else { (lo, hi) };
    let range = match (lo.is_finite(), hi.is_finite()) {
        (true, true) => format!("{} to {}", number(lo), number(hi)),
        (true, false) => format!("from {}", number(lo)),
        (false, true) => format!("up to {}", number(hi)),
        (false, false) => "of any size,".to_owned(),
    };
    format!("{what} {range} {unit}").trim_end().trim_end_matches(',').to_owned()
}

fn length_title(field: Field) -> &'static str {
    match field {
        Field::Context => "context length",
        Field::Instruction => "instruction length",
        Field::Answer => "answer length",
        Field::Prompt => "prompt length",
    }
}

/// What is counted, in the plural.
pub(super) fn unit_title(unit: Unit) -> &'static str {
    match unit {
        Unit::Chars => "characters",
        Unit::Words => "words",
        Unit::Tokens => "tokens",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coherence::Measure;

    #[test]
    fn a_range_is_told_as_people_count() {
        let brush = |ranges: &[(Value, [f64; 2])]| Brush {
            task: "2wikiqa".into(),
            ranges: ranges.to_vec(),
        };
        let tokens = Value::Length(Field::Context, Unit::Tokens);
        let [instruction, answer] =
            [Measure::InstructionGain, Measure::AnswerGain].map(Value::Measure);
        let any = [f64::NEG_INFINITY, f64::INFINITY];
        for (ranges, words) in [
            (vec![(tokens, [511.2, 2048.9])], "context length 512 to 2,048 tokens"),
            (vec![(tokens, [f64::NEG_INFINITY, 9.5])], "context length up to 9 tokens"),
            (vec![(answer, [0.456, f64::INFINITY])], "answer gain from 0.46 nats per token"),
            (vec![(Value::OwnRank, any)], "rank of the own context of any size"),
            (
                vec![(instruction, [0.1, 0.2]), (answer, [-1.0, 0.5])],
                "instruction gain 0.10 to 0.20 nats per token, answer gain -1.00 to 0.50 nats per token",
            ),
        ] {
            assert_eq!(told(&brush(&ranges)), format!("2WikiMQA, {words}"));
        }
    }
}
