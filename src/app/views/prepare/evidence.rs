//! The evidence of a finding: its record with what was found marked, and beside it the other record that the
//! finding is about.

use super::fault_list::severity;
use super::faults::Checked;
use crate::app::View;
use crate::app::files::file_name;
use crate::app::ui::name_field;
use crate::app::views::record_texts::{RecordTexts, Wanted};
use crate::app::window::Window;
use crate::checks::{At, Finding, Part, Span};
use crate::data::{Dataset, SearchText};
use crate::report;
use crate::workbench::Place;
use egui::{Align, Layout, Rect, RichText, Ui, UiBuilder};
use std::sync::Arc;

/// From this width on the three texts of a record stand side by side.
const WIDE: f32 = 700.0;

/// The texts behind a finding.
pub(super) struct Evidence {
    /// The place of the finding in the list.
    finding: usize,
    own: Side,
    other: Option<Side>,
    /// Which of a group's other records is beside it.
    of_group: usize,
}

/// A record of a finding.
struct Side {
    place: Place,
    dataset: Arc<Dataset>,
    title: String,
    spans: Vec<Span>,
    /// The text that is shown, where there is room for one.
    part: Part,
    n_jumps: usize,
    /// The texts, once they are read.
    texts: Option<RecordTexts>,
}

impl Side {
    fn new(checked: &Checked, is_test: bool, at: At, spans: Vec<Span>) -> Option<Self> {
        let (place, dataset) = checked.place(is_test, at)?;
        let row = dataset.records.row(place.1)?;
        let what = if is_test { "Test, " } else { "" };
        let (name, line) = (file_name(&dataset.path), row.line);
        Some(Self {
            title: format!("{what}{name}, line {line}, {}", report::task_title(row.task)),
            place,
            dataset: dataset.clone(),
            part: spans.first().map_or(Part::Context, |span| span.part),
            spans,
            n_jumps: 0,
            texts: None,
        })
    }

    fn count(&self, part: Part) -> usize {
        self.spans.iter().filter(|span| span.part == part).count()
    }

    /// Goes to the next of what was found.
    fn jump(&mut self) {
        // The first is in view already.
        self.n_jumps += 1;
        let Some(span) = self.spans.get(self.n_jumps % self.spans.len().max(1)) else { return };
        self.part = span.part;
        if let Some(texts) = &mut self.texts {
            texts.jump_to(span);
        }
    }
}

impl Evidence {
    fn sides(&mut self) -> impl Iterator<Item = &mut Side> {
        std::iter::once(&mut self.own).chain(&mut self.other)
    }

    /// The texts that are read.
    pub(super) fn texts(&mut self) -> impl Iterator<Item = &mut RecordTexts> {
        self.sides().filter_map(|side| side.texts.as_mut())
    }

    fn new(checked: &Checked, ix: usize, finding: &Finding, of_group: usize) -> Option<Self> {
        let own = Side::new(checked, false, finding.at, finding.spans.clone())?;
        let other = match (&finding.related, finding.group.get(of_group)) {
            (Some(other), _) => Side::new(checked, other.is_test, other.at, other.spans.clone()),
            (None, Some(at)) => {
                let mut other = Side::new(checked, false, *at, Vec::new());
                if let Some(other) = &mut other {
                    other.part = own.part;
                }
                other
            }
            (None, None) => None,
        };
        Some(Self { finding: ix, own, other, of_group })
    }
}

/// The title of a text.
fn title(part: Part) -> &'static str {
    match part {
        Part::Context => "Context",
        Part::Instruction => "Instruction",
        Part::Answer => "Answer",
    }
}

/// What was clicked beside the evidence.
#[derive(Clone, Copy)]
enum Wish {
    /// Show a record in Data.
    Open(Place),
    /// Show all records of the check in Data.
    OpenAll,
    /// Show another record of the group.
    OfGroup(usize),
}

impl Window {
    /// Makes the evidence of the chosen finding, and reads what is not in memory.
    pub(super) fn prepare_evidence(&mut self) {
        let mut evidence = self.prepare.faults.evidence.take();
        let state = &self.prepare.faults;
        let Some((ix, finding)) = state.finding() else { return };
        evidence.take_if(|evidence| evidence.finding != ix);
        if evidence.is_none()
            && let Some(checked) = state.checked()
        {
            evidence = Evidence::new(checked, ix, finding, 0);
        }
        let mut wanted = Wanted::default();
        let (search, tokenizer) = (SearchText::default(), self.tokenizer());
        if let Some(evidence) = &mut evidence {
            for side in evidence.sides() {
                if side.texts.is_none()
                    && let Some(record) = self.files.record(side.place)
                {
                    let dataset = side.dataset.clone();
                    let mut texts = RecordTexts::new(dataset, record, side.place);
                    texts.show_spans(&side.spans);
                    side.texts = Some(texts);
                }
                if let Some(texts) = &mut side.texts {
                    wanted.add(texts, &search, tokenizer.as_deref());
                }
            }
        }
        self.prepare.faults.evidence = evidence;
        self.serve_texts(wanted);
    }

    /// Draws the evidence.
    pub(super) fn evidence_ui(&mut self, ui: &mut Ui) {
        // A panel is as large as what is in it, also when that is little.
        ui.set_min_height(ui.available_height());
        let Some(mut evidence) = self.prepare.faults.evidence.take() else {
            ui.spinner();
            return;
        };
        ui.add_space(4.0);
        let mut wish = self.evidence_head_ui(ui, &evidence);
        let rect = ui.available_rect_before_wrap();
        let spacing = ui.spacing().item_spacing.x;
        match &mut evidence.other {
            None => {
                let asked = self.side_ui(ui, &mut evidence.own, rect, "");
                wish = wish.or(asked);
            }
            Some(other) => {
                let width = (rect.width() - spacing) / 2.0;
                let size = egui::vec2(width, rect.height());
                let left = Rect::from_min_size(rect.min, size);
                let right = left.translate(egui::vec2(width + spacing, 0.0));
                let asked = self.side_ui(ui, &mut evidence.own, left, "");
                wish = wish.or(asked);
                let asked = self.side_ui(ui, other, right, " of the other record");
                wish = wish.or(asked);
            }
        }
        ui.advance_cursor_after_rect(rect);
        self.prepare.faults.evidence = Some(evidence);
        match wish {
            Some(Wish::Open(place)) => {
                self.show_all_in_data();
                self.select(place);
                self.show(View::Data);
            }
            Some(Wish::OpenAll) => self.show_faulty(),
            Some(Wish::OfGroup(of_group)) => {
                let state = &self.prepare.faults;
                let evidence = state.finding().zip(state.checked());
                let evidence = evidence.and_then(|((ix, finding), checked)| {
                    Evidence::new(checked, ix, finding, of_group)
                });
                self.prepare.faults.evidence = evidence;
            }
            None => {}
        }
    }

    /// What was found, in words, and what can be done with all such records.
    fn evidence_head_ui(&self, ui: &mut Ui, evidence: &Evidence) -> Option<Wish> {
        let (_, finding) = self.prepare.faults.finding()?;
        let mut wish = None;
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let all = egui::Button::new("Show these records in Data");
                let all = ui.add_enabled(self.can_show_faulty(), all);
                let about = "All records with this fault, to be discarded or exported";
                let all = all.on_hover_text(about);
                let why = "The checked files are not open as they were, or not shown: check again";
                if all.on_disabled_hover_text(why).clicked() {
                    wish = Some(Wish::OpenAll);
                }
                if finding.group.len() > 1 {
                    let (n, ix) = (finding.group.len(), evidence.of_group);
                    let next = ui.small_button("›");
                    name_field(&next, "Next record of the group");
                    ui.label(RichText::new(format!("{} of {n}", ix + 1)).weak());
                    let last = ui.small_button("‹");
                    name_field(&last, "Previous record of the group");
                    let by = usize::from(next.clicked()) + (n - 1) * usize::from(last.clicked());
                    if by > 0 {
                        wish = Some(Wish::OfGroup((ix + by) % n));
                    }
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let (words, color) = severity(ui, finding.severity);
                    ui.label(RichText::new(words).color(color).strong());
                    let why = egui::Label::new(&finding.why).truncate();
                    ui.add(why).on_hover_text(&finding.why);
                });
            });
        });
        wish
    }

    /// A record of the finding.
    fn side_ui(&self, ui: &mut Ui, side: &mut Side, rect: Rect, of: &str) -> Option<Wish> {
        let mut wish = None;
        let inside = UiBuilder::new().max_rect(rect).id_salt(("side", of));
        ui.scope_builder(inside, |ui| {
            ui.set_clip_rect(rect.intersect(ui.clip_rect()));
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    wish = self.open_ui(ui, side, of);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let words = egui::Label::new(RichText::new(&side.title).weak()).truncate();
                        ui.add(words).on_hover_text(side.dataset.path.display().to_string());
                    });
                });
            });
            let is_wide = rect.width() >= WIDE;
            if !is_wide || side.spans.len() > 1 {
                ui.horizontal_wrapped(|ui| choices_ui(ui, side, of, is_wide));
            }
            match &mut side.texts {
                None if self.files.is_unreadable(side.place.0) => {
                    let words = "Its file has changed or gone: open it again, then check again.";
                    ui.add(egui::Label::new(words).wrap());
                }
                None => drop(ui.spinner()),
                Some(texts) if is_wide => texts_ui(ui, texts, of),
                Some(texts) => match side.part {
                    Part::Context => texts.context_ui(ui, of),
                    Part::Instruction => texts.instruction_ui(ui, of),
                    Part::Answer => texts.answer_ui(ui, of),
                },
            }
        });
        wish
    }

    /// The way to a record in Data; tests are not open there.
    fn open_ui(&self, ui: &mut Ui, side: &Side, of: &str) -> Option<Wish> {
        let file = self.files.holding(&side.dataset);
        let is_of_records = |checked: &Checked| {
            checked.report.datasets.iter().any(|dataset| Arc::ptr_eq(dataset, &side.dataset))
        };
        if !self.prepare.faults.checked().is_some_and(is_of_records) {
            return None;
        }
        let file = file.filter(|file| file.shown);
        let button = ui.add_enabled(file.is_some(), egui::Button::new("Open in Data").small());
        name_field(&button, &format!("Open in Data{of}"));
        let why = "Its file is not open as it was, or not shown: check again";
        let clicked = button.on_disabled_hover_text(why).clicked();
        file.filter(|_| clicked).map(|file| Wish::Open((file.key, side.place.1)))
    }
}

/// Which text is shown, and the way through what was found.
fn choices_ui(ui: &mut Ui, side: &mut Side, of: &str, is_wide: bool) {
    for part in [Part::Context, Part::Instruction, Part::Answer] {
        if is_wide {
            continue;
        }
        let words = match side.count(part) {
            0 => title(part).to_owned(),
            n => format!("{} ({n})", title(part)),
        };
        let choice = ui.selectable_label(side.part == part, words);
        name_field(&choice, &format!("Show the {}{of}", title(part).to_lowercase()));
        if choice.clicked() {
            side.part = part;
        }
    }
    let n = side.spans.len();
    if n > 1 {
        let ix = side.n_jumps % n;
        let button = ui.small_button(format!("Next mark ({} of {n})", ix + 1));
        name_field(&button, &format!("Next mark{of}"));
        if button.on_hover_text(&side.spans[ix].why).clicked() {
            side.jump();
        }
        ui.add(egui::Label::new(RichText::new(&side.spans[ix].why).weak()).truncate());
    }
}

/// All three texts side by side.
fn texts_ui(ui: &mut Ui, texts: &mut RecordTexts, of: &str) {
    let rect = ui.available_rect_before_wrap();
    let spacing = ui.spacing().item_spacing.x;
    let side = ((rect.width() - 2.0 * spacing) * 0.24).max(120.0);
    let mut x = rect.left();
    for (ix, width) in [side, side, rect.width() - 2.0 * (side + spacing)].into_iter().enumerate() {
        let size = egui::vec2(width, rect.height());
        let column = Rect::from_min_size(egui::pos2(x, rect.top()), size);
        x += width + spacing;
        let inside = UiBuilder::new().max_rect(column).id_salt(("text", ix));
        ui.scope_builder(inside, |ui| {
            ui.set_clip_rect(column.intersect(ui.clip_rect()));
            match ix {
                0 => texts.instruction_ui(ui, of),
                1 => texts.answer_ui(ui, of),
                _ => texts.context_ui(ui, of),
            }
        });
    }
    ui.advance_cursor_after_rect(rect);
}
