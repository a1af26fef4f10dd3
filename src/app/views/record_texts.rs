//! The three texts of a record as they are read: counted, with answers and what is searched for
//! marked, and with a map of the context.

mod hits;
mod offsets;
mod serving;
mod spans;

use super::data::counted;
use crate::app::ui::name_field;
use crate::app::widgets::long_text::{LongText, MarkKind, Marked};
use crate::checks::{self, Span};
use crate::coherence;
use crate::data::{Dataset, Record, SearchText};
use crate::job::Watch;
use crate::workbench::{Place, TextsJob, TextsRead};
use egui::{Align, Layout, RichText, Ui};
use hits::Hits;
use offsets::Tokens;
pub(in crate::app) use serving::Wanted;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Less height than this is left to the text alone.
const LEAST_HEIGHT: f32 = 96.0;

/// Beside a search there is room for all words of the buttons from this width on.
const WIDE: f32 = 330.0;

/// The three texts, in the order in which they are read.
const INSTRUCTION: usize = 0;
const ANSWER: usize = 1;
const CONTEXT: usize = 2;
const TITLES: [&str; 3] = ["Instruction", "Answer", "Context"];

/// Which of the three a part of a finding is.
fn text_of(part: checks::Part) -> usize {
    match part {
        checks::Part::Instruction => INSTRUCTION,
        checks::Part::Answer => ANSWER,
        checks::Part::Context => CONTEXT,
    }
}

/// A record's texts, prepared for drawing.
pub struct RecordTexts {
    /// The record.
    pub place: Place,
    /// Where it is in.
    pub dataset: Arc<Dataset>,
    /// Tells these texts from all others of this run of the program.
    id: u64,
    record: Arc<Record>,
    texts: [LongText; 3],
    /// What was searched for last, and what is marked.
    asked: SearchText,
    marked: SearchText,
    hits: Hits,
    is_asked: bool,
    /// Where the answers stand in the context; `None` before that is known.
    answers: Option<Vec<Range<usize>>>,
    is_yes_no: bool,
    /// What a finding shows of each text.
    spans: [Vec<Range<usize>>; 3],
    n_jumps: usize,
    tokens: Tokens,
}

impl RecordTexts {
    /// The texts of a record, which is at a place. Nothing is marked before a search was handed to
    /// [`Wanted::add`].
    pub fn new(dataset: Arc<Dataset>, record: Arc<Record>, place: Place) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let text = |text: &str| LongText::new(text.into(), Vec::new());
        let context = text(record.context.as_deref().unwrap_or_default());
        Self {
            texts: [
                text(&record.instruction),
                text(&record.answers.join("\n\nor:\n")),
                context.with_map(spans::regions(&record)),
            ],
            // A yes or a no stands in every text and answers nothing there.
            is_yes_no: coherence::is_yes_no(record.answer()),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            place,
            dataset,
            record,
            asked: SearchText::default(),
            marked: SearchText::default(),
            hits: Hits::default(),
            is_asked: false,
            answers: None,
            spans: Default::default(),
            n_jumps: 0,
            tokens: Tokens::default(),
        }
    }

    /// The record, to be held on to.
    pub fn shared(&self) -> Arc<Record> {
        self.record.clone()
    }

    /// The record.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Why what is searched for cannot be.
    pub fn refused(&self) -> Option<&str> {
        self.hits.refused.as_deref()
    }

    /// Marks what is searched for, at once in short texts; else the job that finds its places. The reader
    /// stays where they are.
    fn wanted(&mut self, search: &SearchText) -> Option<TextsJob> {
        let is_known = *search == self.asked || search.is_empty() && self.asked.is_empty();
        if is_known && self.is_asked {
            return None;
        }
        let answers = match self.answers.is_none() && !self.is_yes_no {
            true => self.record.answers.clone(),
            false => Vec::new(),
        };
        let texts = [INSTRUCTION, ANSWER, CONTEXT].map(|ix| self.texts[ix].shared());
        let job = TextsJob { texts, answers, search: search.clone() };
        (self.asked, self.is_asked) = (search.clone(), true);
        if !job.is_short() {
            return Some(job);
        }
        if let Ok(read) = job.find(&Watch::default()) {
            self.take(read);
        }
        None
    }

    /// Takes the places that were found.
    fn take(&mut self, read: TextsRead) {
        if read.search != self.asked {
            return;
        }
        let (places, refused) = match read.hits {
            Ok(places) => (places, None),
            Err(why) => (Default::default(), Some(why)),
        };
        self.hits = Hits { places, refused, current: None };
        self.marked = read.search;
        self.answers.get_or_insert(read.answers);
        self.set_marks();
    }

    fn set_marks(&mut self) {
        for (ix, text) in self.texts.iter_mut().enumerate() {
            let spans = &self.spans[ix];
            let is_free = |answer: &&Range<usize>| {
                spans.iter().all(|span| span.end <= answer.start || answer.end <= span.start)
            };
            let answers = self.answers.iter().flatten().filter(|_| ix == CONTEXT).filter(is_free);
            let mark = |range: &Range<usize>, kind| Marked { range: range.clone(), kind };
            let shown = spans.iter().map(|range| mark(range, MarkKind::Span));
            let answers = answers.map(|range| mark(range, MarkKind::Answer));
            // Of two that overlap the one that begins first is seen, and of those the first.
            text.set_marks(shown.chain(self.hits.marks(ix)).chain(answers).collect());
        }
    }

    /// Marks what a finding shows, instead of an answer that stands there too, and brings the first of it
    /// into view in each text.
    pub fn show_spans(&mut self, spans: &[Span]) {
        for ix in [INSTRUCTION, ANSWER, CONTEXT] {
            let of = spans.iter().filter(|span| text_of(span.part) == ix);
            let ranges: Vec<Range<usize>> = of.map(|span| span.bytes[0]..span.bytes[1]).collect();
            if let Some(first) = ranges.first() {
                self.texts[ix].jump_to(first.start);
            }
            self.spans[ix] = ranges;
        }
        self.set_marks();
    }

    /// Brings what a finding shows into view.
    pub fn jump_to(&mut self, span: &Span) {
        self.texts[text_of(span.part)].jump_to(span.bytes[0]);
    }

    /// Draws the instruction; `of` tells it from others on the screen, such as " of human".
    pub fn instruction_ui(&mut self, ui: &mut Ui, of: &str) {
        self.part_ui(ui, INSTRUCTION, of);
    }

    /// Draws the answers.
    pub fn answer_ui(&mut self, ui: &mut Ui, of: &str) {
        self.part_ui(ui, ANSWER, of);
    }

    /// Draws the context, with a way from answer to answer and from hit to hit.
    pub fn context_ui(&mut self, ui: &mut Ui, of: &str) {
        self.part_ui(ui, CONTEXT, of);
    }

    fn part_ui(&mut self, ui: &mut Ui, ix: usize, of: &str) {
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.head_ui(ui, ix, of));
        });
        let has_offsets = ix == CONTEXT && ui.available_height() > LEAST_HEIGHT;
        let line_height = ui.text_style_height(&egui::TextStyle::Small).ceil();
        let line = line_height + ui.spacing().item_spacing.y;
        egui::Frame::NONE
            .fill(ui.visuals().extreme_bg_color)
            .stroke(ui.visuals().widgets.noninteractive.bg_stroke)
            .corner_radius(4)
            .inner_margin(egui::Margin::symmetric(6, 4))
            .show(ui, |ui| {
                let size =
                    ui.available_size() - egui::vec2(0.0, if has_offsets { line } else { 0.0 });
                ui.set_min_size(size);
                ui.set_max_size(size);
                let name = format!("{}{of}", TITLES[ix]);
                self.texts[ix].ui(ui, &name, &name);
            });
        if has_offsets {
            let size = egui::vec2(ui.available_width(), line_height);
            let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
            // A panel grows with what is in it: no more than the line may be taken.
            let inside = egui::UiBuilder::new().max_rect(rect);
            self.offsets_ui(&mut ui.new_child(inside));
        }
    }

    /// Title and buttons, from right to left.
    fn head_ui(&mut self, ui: &mut Ui, ix: usize, of: &str) {
        let title = TITLES[ix];
        let lower = format!("{}{of}", title.to_lowercase());
        let copy = ui.small_button("Copy").on_hover_text(format!("Copy the whole {lower}"));
        name_field(&copy, &format!("Copy the {lower}"));
        if copy.clicked() {
            ui.ctx().copy_text(self.texts[ix].text().to_owned());
        }
        if ix == CONTEXT {
            if !self.texts[CONTEXT].text().is_empty() {
                let is_short = !self.asked.is_empty() && ui.available_width() < WIDE;
                self.jump_ui(ui, is_short);
            }
            if let Some(by) = self.hits_ui(ui, of) {
                self.step_hit(by);
            }
        }
        if ui.available_width() < 16.0 {
            return;
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(egui::Label::new(RichText::new(title).strong()).truncate());
            let words = RichText::new(counted(self.texts[ix].n_words(), "word")).weak();
            if ui.available_width() > 30.0 {
                ui.add(egui::Label::new(words).truncate());
            }
        });
    }

    /// The way from answer to answer, or why there is none; with few words where there is little room.
    fn jump_ui(&mut self, ui: &mut Ui, is_short: bool) {
        let answers = match &self.answers {
            Some(answers) if !self.is_yes_no && !answers.is_empty() => answers,
            _ if is_short => return,
            _ if self.is_yes_no => {
                let words = "Such an answer stands in every text, so its places are not marked";
                ui.label(RichText::new("yes or no").weak()).on_hover_text(words);
                return;
            }
            none => {
                let words = if none.is_some() { "answer not found" } else { "looking for it…" };
                ui.label(RichText::new(words).weak());
                return;
            }
        };
        let ix = self.n_jumps % answers.len();
        let words = format!("Next answer ({} of {})", ix + 1, answers.len());
        let button = ui.small_button(if is_short { "Answer" } else { &words });
        name_field(&button, &words);
        if button.on_hover_text("Go to where the answer stands in the context").clicked() {
            self.texts[CONTEXT].jump_to(answers[ix].start);
            self.n_jumps += 1;
        }
    }
}
