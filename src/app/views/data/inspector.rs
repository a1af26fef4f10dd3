//! The chosen record in full: instruction, answer and context side by side.

use super::counted;
use crate::app::command::View;
use crate::app::ui::{name_field, swatch_ui};
use crate::app::widgets::long_text::{
    LongText, MarkKind, Marked, occurrences, occurrences_anywhere,
};
use crate::app::window::Window;
use crate::coherence;
use crate::data::{Dataset, Record, StrategyId};
use crate::report;
use crate::workbench::Place;
use egui::{Align, Layout, RichText, Ui};
use std::sync::Arc;

/// Occurrences that are marked; a text full of marks says nothing more.
const MOST_MARKS: usize = 2000;

/// The chosen record's texts, prepared for drawing.
pub struct Inspector {
    /// The record.
    place: Place,
    dataset: Arc<Dataset>,
    /// What is marked besides the answers.
    search: String,
    instruction: Part,
    answer: Part,
    context: Part,
    /// What was open when the next two were found.
    version: Option<u64>,
    /// How it was scored, in words.
    gains: Option<String>,
    /// The same seed under other strategies: place, strategy.
    siblings: Vec<(Place, StrategyId)>,
    /// Where the answers stand in the context, and how often one was jumped to.
    answers: Vec<std::ops::Range<usize>>,
    is_yes_no: bool,
    n_jumps: usize,
}

/// A text, and its words, counted once.
struct Part {
    text: LongText,
    n_words: usize,
}

impl Part {
    fn new(text: Arc<str>) -> Self {
        Self { n_words: text.split_whitespace().count(), text: LongText::new(text, Vec::new()) }
    }
}

impl Window {
    pub(super) fn prepare_inspector(&mut self) {
        let chosen = self.data.selected.and_then(|place| {
            let dataset = &self.files.get(place.0)?.dataset;
            dataset.records.get(place.1).map(|_| (place, dataset.clone()))
        });
        let Some((place, dataset)) = chosen else {
            self.data.inspector = None;
            return;
        };
        let is_same = |inspector: &&mut Inspector| {
            inspector.place == place && Arc::ptr_eq(&inspector.dataset, &dataset)
        };
        let search = self.data.search.trim();
        match self.data.inspector.as_mut().filter(is_same) {
            // Another search only marks other places: the reader stays where they are.
            Some(inspector) if inspector.search != search => inspector.mark(search),
            Some(_) => {}
            None => self.data.inspector = Some(Inspector::new(dataset, place, search)),
        }
        let version = self.files.version;
        if let Some(mut inspector) = self.data.inspector.take() {
            if let Some(record) = inspector.dataset.records.get(place.1)
                && inspector.version != Some(version)
            {
                let strategy =
                    |place: Place| Some((place, self.files.record(place)?.strategy.clone()));
                let siblings = self.files.siblings(record).into_iter().filter_map(strategy);
                inspector.siblings = siblings.collect();
                inspector.gains = self.files.row_of(record).map(gains);
                inspector.version = Some(version);
            }
            self.data.inspector = Some(inspector);
        }
    }

    pub(super) fn inspector_ui(&mut self, ui: &mut Ui) {
        // A panel is as large as what is in it, also when that is little.
        ui.set_min_height(ui.available_height());
        let Some(mut inspector) = self.data.inspector.take() else {
            ui.label(RichText::new("Choose a record to read it.").weak());
            return;
        };
        let dataset = inspector.dataset.clone();
        let Some(record) = dataset.records.get(inspector.place.1) else { return };
        ui.add_space(4.0);
        ui.horizontal(|ui| self.inspector_head_ui(ui, record, &mut inspector));
        let width = ui.available_width();
        let spacing = ui.spacing().item_spacing.x;
        let side = ((width - 2.0 * spacing) * 0.24).max(120.0);
        let rect = ui.available_rect_before_wrap();
        let columns = [
            (0.0, side),
            (side + spacing, side),
            (2.0 * (side + spacing), width - 2.0 * (side + spacing)),
        ];
        for (ix, (x, w)) in columns.into_iter().enumerate() {
            let min = egui::pos2(rect.left() + x, rect.top());
            let column = egui::Rect::from_min_size(min, egui::vec2(w, rect.height()));
            let builder = egui::UiBuilder::new().max_rect(column).id_salt(ix);
            ui.scope_builder(builder, |ui| {
                ui.set_clip_rect(column.intersect(ui.clip_rect()));
                match ix {
                    0 => part_ui(ui, "Instruction", &mut inspector.instruction, None),
                    1 => part_ui(ui, "Answer", &mut inspector.answer, None),
                    _ => {
                        let Inspector { context, answers, is_yes_no, n_jumps, .. } = &mut inspector;
                        let jumps = Jumps { answers, is_yes_no: *is_yes_no, n_jumps };
                        part_ui(ui, "Context", context, Some(jumps));
                    }
                }
            });
        }
        ui.advance_cursor_after_rect(rect);
        self.data.inspector = Some(inspector);
    }

    fn inspector_head_ui(&mut self, ui: &mut Ui, record: &Record, inspector: &mut Inspector) {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui
                .button("Use as seed")
                .on_hover_text("Show this record's prompt in Synthesize")
                .clicked()
            {
                self.synthesize.choose_seed(inspector.place);
                self.show(View::Synthesize);
            }
            for (place, strategy) in inspector.siblings.iter().rev() {
                if *place == inspector.place {
                    continue;
                }
                let title = report::strategy_title(strategy);
                let button = ui.button(title).on_hover_text("The same seed in another file");
                swatch_ui(ui, strategy);
                if button.clicked() {
                    self.select(*place);
                }
            }
            if inspector.siblings.len() > 1 && ui.available_width() > 260.0 {
                ui.label(RichText::new("Same seed:").weak());
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                swatch_ui(ui, &record.strategy);
                let strategy = RichText::new(report::strategy_title(&record.strategy)).strong();
                ui.add(egui::Label::new(strategy).truncate());
                if ui.available_width() > 60.0 {
                    ui.add(egui::Label::new(report::task_title(&record.task)).truncate());
                }
                let source = &record.source;
                let name = crate::app::files::file_name(&source.path);
                let mut words = format!("{name}, line {}", source.line);
                if let Some(gains) = &inspector.gains {
                    words.push_str(&format!("; {gains}"));
                }
                if ui.available_width() > 30.0 {
                    ui.add(egui::Label::new(RichText::new(&words).weak()).truncate())
                        .on_hover_text(format!("{}\n{words}", source.path.display()));
                }
            });
        });
    }
}

impl Inspector {
    fn new(dataset: Arc<Dataset>, place: Place, search: &str) -> Self {
        let record = &dataset.records[place.1];
        let context: Arc<str> = record.context.as_deref().unwrap_or_default().into();
        // A yes or a no stands in every text and answers nothing there.
        let is_yes_no = coherence::is_yes_no(record.answer());
        let looked_for = record.answers.iter().filter(|_| !is_yes_no);
        let mut answers: Vec<std::ops::Range<usize>> =
            looked_for.flat_map(|answer| occurrences(&context, answer, MOST_MARKS)).collect();
        answers.sort_unstable_by_key(|range| range.start);
        let mut inspector = Self {
            instruction: Part::new(record.instruction.as_str().into()),
            answer: Part::new(record.answers.join("\n\nor:\n").into()),
            context: Part::new(context),
            place,
            dataset,
            search: String::new(),
            version: None,
            gains: None,
            siblings: Vec::new(),
            answers,
            is_yes_no,
            n_jumps: 0,
        };
        inspector.mark(search);
        inspector
    }

    /// Marks what is searched for, and the answers in the context.
    fn mark(&mut self, search: &str) {
        let hits = |part: &Part| -> Vec<Marked> {
            let found = occurrences_anywhere(part.text.text(), search, MOST_MARKS);
            marked(found, MarkKind::Search).collect()
        };
        for part in [&mut self.instruction, &mut self.answer] {
            let marks = hits(part);
            part.text.set_marks(marks);
        }
        let mut marks: Vec<Marked> = marked(self.answers.clone(), MarkKind::Answer).collect();
        marks.extend(hits(&self.context));
        self.context.text.set_marks(marks);
        search.clone_into(&mut self.search);
    }
}

fn marked(ranges: Vec<std::ops::Range<usize>>, kind: MarkKind) -> impl Iterator<Item = Marked> {
    ranges.into_iter().map(move |range| Marked { range, kind })
}

/// Where the answers stand, for the button that goes from one to the next.
struct Jumps<'a> {
    answers: &'a [std::ops::Range<usize>],
    is_yes_no: bool,
    n_jumps: &'a mut usize,
}

/// One of the three texts with its head.
fn part_ui(ui: &mut Ui, name: &str, part: &mut Part, jumps: Option<Jumps<'_>>) {
    let Part { text, n_words } = part;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let lower = name.to_lowercase();
            let copy = ui.small_button("Copy").on_hover_text(format!("Copy the whole {lower}"));
            name_field(&copy, &format!("Copy the {lower}"));
            if copy.clicked() {
                ui.ctx().copy_text(text.text().to_owned());
            }
            if let Some(jumps) = jumps.filter(|_| !text.text().is_empty()) {
                jump_ui(ui, text, jumps);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(RichText::new(name).strong()).truncate());
                let words = RichText::new(counted(*n_words, "word")).weak();
                if ui.available_width() > 30.0 {
                    ui.add(egui::Label::new(words).truncate());
                }
            });
        });
    });
    egui::Frame::NONE
        .fill(ui.visuals().extreme_bg_color)
        .stroke(ui.visuals().widgets.noninteractive.bg_stroke)
        .corner_radius(4)
        .inner_margin(egui::Margin::symmetric(6, 4))
        .show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            text.ui(ui, name, name);
        });
}

fn jump_ui(ui: &mut Ui, text: &mut LongText, Jumps { answers, is_yes_no, n_jumps }: Jumps<'_>) {
    if is_yes_no {
        ui.label(RichText::new("yes or no").weak())
            .on_hover_text("Such an answer stands in every text, so its places are not marked");
        return;
    }
    if answers.is_empty() {
        ui.label(RichText::new("answer not found").weak());
        return;
    }
    let ix = *n_jumps % answers.len();
    let words = format!("Next answer ({} of {})", ix + 1, answers.len());
    let button = ui.small_button(words);
    if button.on_hover_text("Go to where the answer stands in the context").clicked() {
        text.jump_to(answers[ix].start);
        *n_jumps += 1;
    }
}

/// A record's gains in a few words.
fn gains(row: &coherence::Coherence) -> String {
    let gain = |own: Option<f64>, other: Option<f64>| match (own, other) {
        (Some(own), Some(other)) => format!("{own:+.2} (other contexts {other:+.2})"),
        (Some(own), None) => format!("{own:+.2}"),
        _ => "none".to_owned(),
    };
    format!(
        "instruction gain {}, answer gain {}",
        gain(row.instruction_gain, row.instruction_gain_shuffled),
        gain(row.answer_gain, row.answer_gain_shuffled)
    )
}
