//! Data: the records of all shown files in one table, search, and the chosen record in full.

use crate::app::command::View;
use crate::app::jobs::Ask;
use crate::app::ui::{name_field, swatch_ui};
use crate::app::widgets::long_text::{
    LongText, MarkKind, Marked, occurrences, occurrences_anywhere,
};
use crate::app::window::Window;
use crate::coherence;
use crate::data::{Dataset, Record, StrategyId};
use crate::report;
use crate::workbench::{FindJob, Place};
use egui::{Align, Key, Layout, RichText, Ui};
use egui_extras::{Column, TableBuilder};
use std::sync::Arc;

/// Occurrences that are marked; a text full of marks says nothing more.
const MOST_MARKS: usize = 2000;

/// The columns of the table.
const HEADS: [&str; 6] = ["Line", "Strategy", "Task", "Context words", "Instruction", "Answer"];

/// What the view remembers.
#[derive(Default)]
pub struct State {
    /// What is searched for.
    pub search: String,
    /// Only this task.
    pub task: Option<String>,
    /// Only this strategy.
    pub strategy: Option<String>,
    /// The records that fit; `None` before the first search.
    pub found: Option<Vec<Place>>,
    /// The record that is shown in full.
    pub selected: Option<Place>,
    /// Whether the person chose it; until then it is the first.
    chosen: bool,
    /// Put the cursor into the search field at the next picture.
    pub focus_search: bool,
    /// Bring the chosen row into view at the next picture.
    scroll_to_selected: bool,
    /// What `found` was asked with.
    asked: Option<(u64, String, Option<String>, Option<String>)>,
    inspector: Option<Inspector>,
}

/// The chosen record's texts, prepared for drawing.
struct Inspector {
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
    /// Asks for the records to show when what is asked has changed; prepares the chosen record.
    pub(in crate::app) fn data_logic(&mut self) {
        let state = &mut self.data;
        let (search, task, strategy) =
            (state.search.clone(), state.task.clone(), state.strategy.clone());
        let wanted = (self.files.version, search.clone(), task.clone(), strategy.clone());
        if state.asked.as_ref() != Some(&wanted) {
            state.asked = Some(wanted);
            let datasets = self.files.shown().map(|file| (file.key, file.dataset.clone()));
            let job = FindJob { datasets: datasets.collect(), text: search, task, strategy };
            self.start(Ask::Find(job));
        }
        let exists = self.data.selected.is_some_and(|place| self.files.record(place).is_some());
        if !exists || !self.data.chosen {
            self.data.chosen = false;
            self.data.selected = self.data.found.as_ref().and_then(|found| found.first().copied());
        }
        self.prepare_inspector();
    }

    fn prepare_inspector(&mut self) {
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

    /// Goes to another record of the table.
    pub(in crate::app) fn step(&mut self, by: isize) {
        let Some(found) = &self.data.found else { return };
        let at = self.data.selected.and_then(|place| found.iter().position(|p| *p == place));
        let at = at.map_or(0, |at| at.saturating_add_signed(by)).min(found.len().saturating_sub(1));
        if let Some(place) = found.get(at) {
            self.select(*place);
        }
    }

    /// Shows a record in full, and its row.
    pub(in crate::app) fn select(&mut self, place: Place) {
        self.data.selected = Some(place);
        self.data.chosen = true;
        self.data.scroll_to_selected = true;
    }

    /// Draws the view.
    pub(in crate::app) fn data_ui(&mut self, ui: &mut Ui) {
        self.filter_ui(ui);
        ui.separator();
        let height = ui.available_height();
        let inspector = egui::Panel::bottom("inspector")
            .resizable(true)
            .default_size(self.settings.panel("inspector", height * 0.55))
            .size_range(120.0..=(height - 90.0).max(130.0))
            .show(ui, |ui| self.inspector_ui(ui));
        self.settings.set_panel("inspector", inspector.response.rect.height());
        egui::CentralPanel::default().frame(egui::Frame::NONE).show(ui, |ui| self.table_ui(ui));
    }

    fn filter_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let field = egui::TextEdit::singleline(&mut self.data.search)
                .hint_text("Search instruction, answer, context")
                .desired_width(280.0);
            let field = ui.add(field);
            name_field(&field, "Search records");
            if std::mem::take(&mut self.data.focus_search) {
                field.request_focus();
            }
            let (tasks, strategies) = (self.files.tasks(), self.files.strategies());
            let task = |name: &str| report::task_title(name);
            choice_ui(ui, "Task", "All tasks", tasks, &mut self.data.task, task);
            let strategy = |name: &str| report::strategy_title(&name.into());
            choice_ui(
                ui,
                "Strategy",
                "All strategies",
                strategies,
                &mut self.data.strategy,
                strategy,
            );
            if self.filters()
                && ui.button("Clear").on_hover_text("Show all records again").clicked()
            {
                self.data.search.clear();
                (self.data.task, self.data.strategy) = (None, None);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Export records…").clicked() {
                    self.open_export(false);
                }
                let n_all: usize = self.files.shown().map(|file| file.dataset.records.len()).sum();
                let n = self.data.found.as_ref().map_or(0, Vec::len);
                let words = if n == n_all {
                    format!("{n} records")
                } else {
                    format!("{n} of {n_all} records")
                };
                ui.add(egui::Label::new(RichText::new(words).weak()).truncate());
            });
        });
    }

    fn table_ui(&mut self, ui: &mut Ui) {
        let Some(found) = self.data.found.take() else {
            ui.spinner();
            return;
        };
        if found.is_empty() {
            ui.add_space(24.0);
            ui.vertical_centered(|ui| {
                ui.label(RichText::new(self.why_empty()).weak());
            });
            self.data.found = Some(found);
            return;
        }
        let selected_row = self.data.selected.and_then(|p| found.iter().position(|f| *f == p));
        let instruction = ((ui.available_width() - 440.0) * 0.62).max(120.0);
        let mut table = TableBuilder::new(ui)
            .id_salt("records")
            .striped(true)
            .resizable(true)
            // No cell is a stop of the Tab key: the arrows walk through the table.
            .sense(egui::Sense::CLICK)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::initial(44.0).at_least(36.0))
            .column(Column::initial(150.0).at_least(60.0).clip(true))
            .column(Column::initial(90.0).at_least(60.0).clip(true))
            .column(Column::initial(96.0).at_least(60.0).clip(true))
            .column(Column::initial(instruction).at_least(80.0).clip(true))
            .column(Column::remainder().at_least(60.0).clip(true));
        if std::mem::take(&mut self.data.scroll_to_selected)
            && let Some(row) = selected_row
        {
            table = table.scroll_to_row(row, None);
        }
        let mut clicked = None;

        table
            .header(20.0, |mut header| {
                for head in HEADS {
                    header.col(|ui| {
                        ui.strong(head);
                    });
                }
            })
            .body(|body| {
                body.rows(20.0, found.len(), |mut row| {
                    let ix = row.index();
                    row.set_selected(Some(ix) == selected_row);
                    self.row_ui(&mut row, found[ix]);
                    if row.response().clicked() {
                        clicked = Some(found[ix]);
                    }
                });
            });
        if clicked.is_some() {
            self.data.selected = clicked;
            self.data.chosen = true;
            // The keys of the table are its own again after a click into it.
            ui.memory_mut(|memory| {
                if let Some(id) = memory.focused() {
                    memory.surrender_focus(id)
                }
            });
        }
        self.data.found = Some(found);
        self.table_keys(ui);
    }

    /// Arrows walk through the table while nothing else wants them.
    fn table_keys(&mut self, ui: &Ui) {
        if self.has_dialog() || ui.memory(|memory| memory.focused().is_some()) {
            return;
        }
        let page = 12;
        let keys = [
            (Key::ArrowDown, 1),
            (Key::ArrowUp, -1),
            (Key::PageDown, page),
            (Key::PageUp, -page),
            (Key::End, isize::MAX / 2),
            (Key::Home, isize::MIN / 2),
        ];
        for (key, by) in keys {
            if ui.input(|input| input.modifiers.is_none() && input.key_pressed(key)) {
                self.step(by);
            }
        }
    }

    fn why_empty(&self) -> &'static str {
        if self.files.all.is_empty() {
            "No records are open. Open a file on the left, or drop one onto the window."
        } else if self.files.shown().next().is_none() {
            "All files are hidden. Tick one on the left."
        } else {
            "No record fits. Clear the search, or choose another task or strategy."
        }
    }

    fn row_ui(&self, row: &mut egui_extras::TableRow<'_, '_>, place: Place) {
        let Some((file, record)) = self.files.get(place.0).zip(self.files.record(place)) else {
            // Its file was closed or read again, and the search for what is there now still runs.
            for _ in HEADS {
                row.col(|_| {});
            }
            return;
        };
        row.col(|ui| {
            ui.label(RichText::new(record.source.line.to_string()).weak());
        });
        row.col(|ui| {
            swatch_ui(ui, &record.strategy);
            ui.add(egui::Label::new(report::strategy_title(&record.strategy)).truncate());
        });
        row.col(|ui| {
            ui.add(egui::Label::new(report::task_title(&record.task)).truncate());
        });
        row.col(|ui| {
            let n = file.n_context_words.get(place.1).copied().unwrap_or(0);
            let words = if n == 0 { "none".to_owned() } else { grouped(u64::from(n)) };
            ui.label(words);
        });
        row.col(|ui| {
            ui.add(egui::Label::new(beginning(&record.instruction)).truncate());
        });
        row.col(|ui| {
            ui.add(egui::Label::new(beginning(record.answer())).truncate());
        });
    }

    fn inspector_ui(&mut self, ui: &mut Ui) {
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
            if inspector.siblings.len() > 1 {
                ui.label(RichText::new("Same seed:").weak());
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                swatch_ui(ui, &record.strategy);
                ui.strong(report::strategy_title(&record.strategy));
                ui.label(report::task_title(&record.task));
                let source = &record.source;
                let name = crate::app::files::file_name(&source.path);
                let mut words = format!("{name}, line {}", source.line);
                if let Some(gains) = &inspector.gains {
                    words.push_str(&format!("; {gains}"));
                }
                ui.add(egui::Label::new(RichText::new(&words).weak()).truncate())
                    .on_hover_text(format!("{}\n{words}", source.path.display()));
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
        self.context.text.set_marks(apart(marks));
        search.clone_into(&mut self.search);
    }
}

fn marked(ranges: Vec<std::ops::Range<usize>>, kind: MarkKind) -> impl Iterator<Item = Marked> {
    ranges.into_iter().map(move |range| Marked { range, kind })
}

/// Marks in order, without those that begin inside another.
fn apart(mut marks: Vec<Marked>) -> Vec<Marked> {
    marks.sort_by_key(|mark| (mark.range.start, mark.range.end));
    let mut end = 0;
    marks.retain(|mark| {
        let keep = mark.range.start >= end;
        if keep {
            end = mark.range.end;
        }
        keep
    });
    marks
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
        ui.strong(name);
        ui.label(RichText::new(format!("{} words", grouped(*n_words as u64))).weak());
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

/// A box to choose one of some names, or all.
fn choice_ui(
    ui: &mut Ui,
    label: &str,
    all: &str,
    names: std::collections::BTreeSet<String>,
    chosen: &mut Option<String>,
    title: impl Fn(&str) -> String,
) {
    let shown = chosen.as_deref().map_or(all.to_owned(), &title);
    let combo = egui::ComboBox::from_id_salt(label).selected_text(shown).width(130.0);
    let response = combo.show_ui(ui, |ui| {
        ui.selectable_value(chosen, None, all);
        for name in names {
            let words = title(&name);
            ui.selectable_value(chosen, Some(name), words);
        }
    });
    name_field(&response.response, label);
}

/// The beginning of a text, as much as a row can show.
fn beginning(text: &str) -> String {
    let cut = text.char_indices().nth(240).map_or(text.len(), |(at, _)| at);
    text[..cut].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A number with its thousands apart.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (ix, digit) in digits.chars().enumerate() {
        if ix > 0 && (digits.len() - ix).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_row_shows_one_line() {
        assert_eq!(beginning("a\n  b\tc"), "a b c");
        assert!(beginning(&"é".repeat(10_000)).len() <= 480);
    }

    #[test]
    fn marks_that_cross_are_left_out() {
        let mark = |range| Marked { range, kind: MarkKind::Search };
        let kept = apart(vec![mark(4..9), mark(0..5), mark(5..6)]);
        let kept: Vec<_> = kept.into_iter().map(|mark| mark.range).collect();
        assert_eq!(kept, [0..5, 5..6]);
    }
}
