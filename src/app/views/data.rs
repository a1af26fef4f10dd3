//! Data: the records of all shown files in one table, search, and the chosen record in full.

use crate::app::command::View;
use crate::app::jobs::Ask;
use crate::app::ui::{name_field, swatch_ui};
use crate::app::widgets::long_text::{
    LongText, MarkKind, Marked, occurrences, occurrences_anywhere,
};
use crate::app::window::Window;
use crate::data::Record;
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
    /// What they were prepared for.
    place: Place,
    version: u64,
    search: String,
    instruction: Part,
    answer: Part,
    context: Part,
    /// How it was scored, in words.
    gains: Option<String>,
    /// The same seed under other strategies: place, strategy.
    siblings: Vec<(Place, crate::data::StrategyId)>,
    /// Where the answer stands in the context, and which of them was jumped to last.
    answers_at: Vec<usize>,
    n_jumps: usize,
}

/// A text, and its words, counted once.
struct Part {
    text: LongText,
    n_words: usize,
}

impl Part {
    fn new(text: Arc<str>, marks: Vec<Marked>) -> Self {
        Self { n_words: text.split_whitespace().count(), text: LongText::new(text, marks) }
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
            // A search that nobody waits for any more need not end.
            for entry in &self.jobs.all {
                if entry.is_open() && matches!(entry.ask, Ask::Find(_)) {
                    entry.watch.cancel();
                }
            }
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
        let Some(place) = self.data.selected else {
            self.data.inspector = None;
            return;
        };
        let (version, search) = (self.files.version, self.data.search.trim().to_owned());
        let ready = self.data.inspector.as_ref().is_some_and(|inspector| {
            (inspector.place, inspector.version, &inspector.search) == (place, version, &search)
        });
        if ready {
            return;
        }
        let Some(record) = self.files.record(place) else { return };
        let siblings = self.files.siblings(record);
        let strategy = |place: Place| Some((place, self.files.record(place)?.strategy.clone()));
        let siblings = siblings.into_iter().filter_map(strategy).collect();
        let gains = self.files.row_of(record).map(gains);
        let inspector = Inspector::new(record, place, version, search, siblings);
        self.data.inspector = Some(Inspector { gains, ..inspector });
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
            .sense(egui::Sense::click())
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
        if ui.memory(|memory| memory.focused().is_some()) {
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
        let Some(record) = self.files.record(inspector.place).cloned() else { return };
        ui.add_space(4.0);
        ui.horizontal(|ui| self.inspector_head_ui(ui, &record, &mut inspector));
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
                        let jumps = (&inspector.answers_at[..], &mut inspector.n_jumps);
                        part_ui(ui, "Context", &mut inspector.context, Some(jumps));
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
    fn new(
        record: &Record,
        place: Place,
        version: u64,
        search: String,
        siblings: Vec<(Place, crate::data::StrategyId)>,
    ) -> Self {
        let context: Arc<str> = record.context.as_deref().unwrap_or_default().into();
        let mut marks: Vec<Marked> = Vec::new();
        let mut answers_at = Vec::new();
        // A yes or a no stands in every text and answers nothing there.
        if !crate::coherence::is_yes_no(record.answer()) {
            for answer in &record.answers {
                let found = occurrences(&context, answer, MOST_MARKS);
                marks.extend(marked(found, MarkKind::Answer));
            }
            answers_at = marks.iter().map(|mark| mark.range.start).collect();
            answers_at.sort_unstable();
        }
        let hits = |text: &str| -> Vec<Marked> {
            marked(occurrences_anywhere(text, &search, MOST_MARKS), MarkKind::Search).collect()
        };
        marks.extend(hits(&context));
        let text = |text: &str| Part::new(text.into(), hits(text));
        let answers = record.answers.join("\n\nor:\n");
        Self {
            place,
            version,
            instruction: text(&record.instruction),
            answer: text(&answers),
            context: Part::new(context, apart(marks)),
            search,
            gains: None,
            siblings,
            answers_at,
            n_jumps: 0,
        }
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

/// One of the three texts with its head.
fn part_ui(
    ui: &mut Ui,
    name: &str,
    Part { text, n_words }: &mut Part,
    jumps: Option<(&[usize], &mut usize)>,
) {
    ui.horizontal(|ui| {
        ui.strong(name);
        ui.label(RichText::new(format!("{} words", grouped(*n_words as u64))).weak());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let copy = ui
                .small_button("Copy")
                .on_hover_text(format!("Copy the whole {}", name.to_lowercase()));
            name_field(&copy, &format!("Copy the {}", name.to_lowercase()));
            if copy.clicked() {
                ui.ctx().copy_text(text.text().to_owned());
            }
            let Some((answers_at, n_jumps)) = jumps else { return };
            if text.text().is_empty() {
                return;
            }
            if answers_at.is_empty() {
                ui.label(RichText::new("answer not found").weak());
                return;
            }
            let words = format!(
                "Next answer ({} of {})",
                (*n_jumps % answers_at.len()) + 1,
                answers_at.len()
            );
            if ui
                .small_button(words)
                .on_hover_text("Go to where the answer stands in the context")
                .clicked()
            {
                text.jump_to(answers_at[*n_jumps % answers_at.len()]);
                *n_jumps += 1;
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
fn gains(row: &crate::coherence::Coherence) -> String {
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
