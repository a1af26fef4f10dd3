//! The three texts of a record as they are read: counted, with answers and what is searched for
//! marked.

use super::data::counted;
use crate::app::ui::name_field;
use crate::app::widgets::long_text::{
    LongText, MarkKind, Marked, occurrences, occurrences_anywhere,
};
use crate::checks::{self, Span};
use crate::coherence;
use crate::data::{Dataset, Record};
use crate::workbench::Place;
use egui::{Align, Layout, RichText, Ui};
use std::ops::Range;
use std::sync::Arc;

/// Occurrences that are marked; a text full of marks says nothing more.
const MOST_MARKS: usize = 2000;

/// A record's texts, prepared for drawing.
pub struct RecordTexts {
    /// The record.
    pub place: Place,
    /// Where it is in.
    pub dataset: Arc<Dataset>,
    record: Arc<Record>,
    /// What is marked besides the answers.
    search: String,
    instruction: Part,
    answer: Part,
    context: Part,
    /// Where the answers stand in the context, and how often one was jumped to.
    answers: Vec<Range<usize>>,
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

impl RecordTexts {
    /// The texts of a record, which is at a place.
    pub fn new(dataset: Arc<Dataset>, record: Arc<Record>, place: Place, search: &str) -> Self {
        let context: Arc<str> = record.context.as_deref().unwrap_or_default().into();
        // A yes or a no stands in every text and answers nothing there.
        let is_yes_no = coherence::is_yes_no(record.answer());
        let looked_for = record.answers.iter().filter(|_| !is_yes_no);
        let mut answers: Vec<Range<usize>> =
            looked_for.flat_map(|answer| occurrences(&context, answer, MOST_MARKS)).collect();
        answers.sort_unstable_by_key(|range| range.start);
        let mut texts = Self {
            instruction: Part::new(record.instruction.as_str().into()),
            answer: Part::new(record.answers.join("\n\nor:\n").into()),
            context: Part::new(context),
            place,
            dataset,
            record,
            search: String::new(),
            answers,
            is_yes_no,
            n_jumps: 0,
        };
        texts.mark(search);
        texts
    }

    /// The record, to be held on to.
    pub fn shared(&self) -> Arc<Record> {
        self.record.clone()
    }

    /// The record.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Marks what is searched for, and the answers in the context. The reader stays where they are.
    pub fn mark(&mut self, search: &str) {
        if search == self.search && !search.is_empty() {
            return;
        }
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

    /// Marks what a finding shows, instead of an answer that stands there too, and brings the first of it
    /// into view in each text.
    pub fn show_spans(&mut self, spans: &[Span]) {
        let ranges = |part: checks::Part| -> Vec<Range<usize>> {
            let of = spans.iter().filter(|span| span.part == part);
            of.map(|span| span.bytes[0]..span.bytes[1]).collect()
        };
        for part in [checks::Part::Instruction, checks::Part::Answer, checks::Part::Context] {
            let ranges = ranges(part);
            let mut marks: Vec<Marked> = marked(ranges.clone(), MarkKind::Span).collect();
            if part == checks::Part::Context {
                let is_free = |answer: &&Range<usize>| {
                    ranges.iter().all(|r| r.end <= answer.start || answer.end <= r.start)
                };
                let free: Vec<Range<usize>> =
                    self.answers.iter().filter(is_free).cloned().collect();
                marks.extend(marked(free, MarkKind::Answer));
            }
            let text = &mut self.part(part).text;
            text.set_marks(marks);
            if let Some(first) = ranges.first() {
                text.jump_to(first.start);
            }
        }
    }

    /// Brings what a finding shows into view.
    pub fn jump_to(&mut self, span: &Span) {
        self.part(span.part).text.jump_to(span.bytes[0]);
    }

    fn part(&mut self, part: checks::Part) -> &mut Part {
        match part {
            checks::Part::Context => &mut self.context,
            checks::Part::Instruction => &mut self.instruction,
            checks::Part::Answer => &mut self.answer,
        }
    }

    /// Whether another search is marked.
    pub fn is_marked_for(&self, search: &str) -> bool {
        self.search == search
    }

    /// Draws the instruction; `of` tells it from others on the screen, such as " of human".
    pub fn instruction_ui(&mut self, ui: &mut Ui, of: &str) {
        part_ui(ui, ["Instruction", of], &mut self.instruction, None);
    }

    /// Draws the answers.
    pub fn answer_ui(&mut self, ui: &mut Ui, of: &str) {
        part_ui(ui, ["Answer", of], &mut self.answer, None);
    }

    /// Draws the context, with a way from answer to answer.
    pub fn context_ui(&mut self, ui: &mut Ui, of: &str) {
        let Self { context, answers, is_yes_no, n_jumps, .. } = self;
        let jumps = Jumps { answers, is_yes_no: *is_yes_no, n_jumps };
        part_ui(ui, ["Context", of], context, Some(jumps));
    }
}

fn marked(ranges: Vec<Range<usize>>, kind: MarkKind) -> impl Iterator<Item = Marked> {
    ranges.into_iter().map(move |range| Marked { range, kind })
}

/// Where the answers stand, for the button that goes from one to the next.
struct Jumps<'a> {
    answers: &'a [Range<usize>],
    is_yes_no: bool,
    n_jumps: &'a mut usize,
}

fn part_ui(ui: &mut Ui, [title, of]: [&str; 2], part: &mut Part, jumps: Option<Jumps<'_>>) {
    let Part { text, n_words } = part;
    let name = format!("{title}{of}");
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let lower = format!("{}{of}", title.to_lowercase());
            let copy = ui.small_button("Copy").on_hover_text(format!("Copy the whole {lower}"));
            name_field(&copy, &format!("Copy the {lower}"));
            if copy.clicked() {
                ui.ctx().copy_text(text.text().to_owned());
            }
            if let Some(jumps) = jumps.filter(|_| !text.text().is_empty()) {
                jump_ui(ui, text, jumps);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(RichText::new(title).strong()).truncate());
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
            text.ui(ui, &name, &name);
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
