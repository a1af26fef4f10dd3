//! The records behind a score: grade, prediction and references, beside what the baseline answered; a
//! long text opens whole at the side.

use super::Set;
use crate::app::ui::name_field;
use crate::app::views::data::counted;
use crate::app::widgets::long_text::LongText;
use crate::app::window::Window;
use crate::longbench::{Graded, TaskGrade};
use crate::prompt::Task;
use crate::report::{Behind, ScoreBoard, task_title};
use egui::accesskit::Role;
use egui::text::LayoutJob;
use egui::{Align, Label, Layout, RichText, Sense, TextStyle, Ui, WidgetInfo};

/// Height of a row: two lines of text.
const ROW_HEIGHT: f32 = 38.0;
/// No more of a text is laid out in a row.
const MOST_CHARS: usize = 400;

/// A record that is read whole.
pub(super) struct Reader {
    title: String,
    text: LongText,
}

impl Window {
    /// The list of records of the score that was clicked.
    pub(super) fn graded_ui(&mut self, ui: &mut Ui, board: &ScoreBoard) {
        let Some((task, key)) = self.scores.clicked.clone() else {
            let words = "Click a score to see the records behind it.";
            ui.label(RichText::new(words).weak());
            return;
        };
        let ix = self.scores.place(Some(key));
        let row = board.rows.iter().find(|row| row.task.as_ref() == Some(&task));
        let cell = row.zip(ix).and_then(|(row, ix)| row.cells.get(ix)?.as_ref());
        let (Some(ix), Some(cell)) = (ix, cell) else { return };
        let (Some(ours), Some(theirs)) =
            (self.scores.sets.get(ix), self.scores.sets.get(board.baseline))
        else {
            return;
        };
        let Some(found) = of_task(ours, &task) else { return };
        let beside = (ix != board.baseline).then(|| of_task(theirs, &task)).flatten();
        let title = format!(
            "{}, {}: {}, the lowest grade first",
            task_title(&task),
            ours.name,
            counted(cell.records.len(), "record")
        );
        ui.strong(title);
        let widths = widths(ui.available_width(), beside.is_some(), ui.spacing().item_spacing.x);
        let heads = heads(beside.is_some(), &theirs.name);
        ui.horizontal(|ui| {
            for (head, width) in heads.iter().zip(&widths) {
                cell_ui(ui, *width, 18.0, head, true);
            }
        });
        let mut opened = None;
        let scroll = egui::ScrollArea::vertical().id_salt((&task, key)).auto_shrink([false, false]);
        scroll.show_rows(ui, ROW_HEIGHT, cell.records.len(), |ui, range| {
            for behind in cell.records.get(range).unwrap_or_default() {
                let Some(record) = found.records.get(behind.ix) else { continue };
                let other = other(beside, behind);
                if row_ui(ui, &widths, record, beside.is_some().then_some(other)) {
                    opened = Some(Reader::of(record, [&ours.name, &theirs.name], other));
                }
            }
        });
        if opened.is_some() {
            self.scores.reader = opened;
        }
    }

    /// The record that is read whole, at the right.
    pub(super) fn reader_ui(&mut self, ui: &mut Ui) {
        let Some(reader) = &mut self.scores.reader else { return };
        let mut closes = false;
        let panel = egui::Panel::right("record behind a score")
            .resizable(true)
            .default_size(self.settings.panel("record behind a score", 320.0))
            .size_range(180.0..=(0.6 * ui.available_width()).max(200.0))
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        let close = ui.small_button("×").on_hover_text("Close this record");
                        name_field(&close, "Close this record");
                        closes = close.clicked();
                        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                            ui.add(Label::new(RichText::new(&reader.title).strong()).truncate());
                        });
                    });
                });
                reader.text.ui(ui, "record behind a score", "Record behind the score");
            });
        self.settings.set_panel("record behind a score", panel.response.rect.width());
        if closes {
            self.scores.reader = None;
        }
    }
}

impl Reader {
    fn of(record: &Graded, [ours, theirs]: [&str; 2], other: Option<&Graded>) -> Self {
        let mut text = format!("{ours}, grade {}\n{}\n", grade(record), said(record));
        if let Some(other) = other {
            text.push_str(&format!("\n{theirs}, grade {}\n{}\n", grade(other), said(other)));
        }
        text.push_str("\nReferences\n");
        for answer in &record.answers {
            text.push_str(answer);
            text.push('\n');
        }
        if let Some(length) = record.length {
            text.push_str(&format!("\nLength {length}\n"));
        }
        Self { title: name(record), text: LongText::new(text.into(), Vec::new()) }
    }
}

fn of_task<'a>(set: &'a Set, task: &str) -> Option<&'a TaskGrade> {
    set.results.tasks.iter().find(|found| Task::canonical(&found.task) == task)
}

fn other<'a>(beside: Option<&'a TaskGrade>, behind: &Behind) -> Option<&'a Graded> {
    beside?.records.get(behind.baseline?)
}

/// The whole prediction, of which nothing would show if it were empty.
fn said(record: &Graded) -> &str {
    if record.prediction.trim().is_empty() { "(empty)" } else { &record.prediction }
}

/// The id of a record, else its line.
fn name(record: &Graded) -> String {
    record.id.clone().unwrap_or_else(|| format!("line {}", record.line))
}

fn grade(record: &Graded) -> String {
    format!("{:.2}", 100.0 * record.grade)
}

fn heads(has_baseline: bool, theirs: &str) -> Vec<String> {
    let plain = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<String>>();
    let mut heads = plain(&["Record", "Length", "Grade", "Prediction"]);
    if has_baseline {
        heads.extend([format!("Grade of {theirs}"), format!("Prediction of {theirs}")]);
    }
    heads.push("References".into());
    heads
}

fn widths(width: f32, has_baseline: bool, spacing: f32) -> Vec<f32> {
    let fixed = [110.0, 52.0, 52.0];
    let n = if has_baseline { 7.0 } else { 5.0 };
    let more = if has_baseline { 90.0 } else { 0.0 };
    let free = width - fixed.iter().sum::<f32>() - more - spacing * n - 16.0;
    let free = free.max(240.0);
    match has_baseline {
        true => vec![110.0, 52.0, 52.0, 0.36 * free, 90.0, 0.36 * free, 0.28 * free],
        false => vec![110.0, 52.0, 52.0, 0.55 * free, 0.45 * free],
    }
}

/// One record; whether it was clicked. `other` is there where there is a baseline.
fn row_ui(ui: &mut Ui, widths: &[f32], record: &Graded, other: Option<Option<&Graded>>) -> bool {
    let length = record.length.map_or_else(|| "\u{2013}".to_owned(), |n| n.to_string());
    let mut cells = vec![name(record), length, grade(record), shown(&record.prediction)];
    if let Some(other) = other {
        cells.push(other.map_or_else(|| "not paired".to_owned(), grade));
        cells.push(other.map_or_else(String::new, |other| shown(&other.prediction)));
    }
    cells.push(shown(&record.answers.join(" | ")));
    let row = ui.horizontal_top(|ui| {
        for (text, width) in cells.iter().zip(widths) {
            cell_ui(ui, *width, ROW_HEIGHT, text, false);
        }
    });
    let id = ui.scope_id().with(("record", record.line));
    let response = ui.interact(row.response.rect, id, Sense::click());
    let (enabled, label) = (ui.is_enabled(), format!("Read record {}", name(record)));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, &label));
    if response.hovered() {
        let fill = ui.visuals().widgets.hovered.bg_fill.gamma_multiply(0.25);
        ui.painter().rect_filled(row.response.rect, 2.0, fill);
    }
    response.on_hover_text("Click to read it whole").clicked()
}

/// The beginning of a text on one line.
fn shown(text: &str) -> String {
    let mut shown: String = text.trim().chars().take(MOST_CHARS).collect();
    if shown.is_empty() {
        return "(empty)".to_owned();
    }
    if text.trim().chars().nth(MOST_CHARS).is_some() {
        shown.push('…');
    }
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One cell: two lines of its text, one of a head.
fn cell_ui(ui: &mut Ui, width: f32, height: f32, text: &str, is_head: bool) {
    let style = if is_head { TextStyle::Small } else { TextStyle::Body };
    let visuals = ui.visuals();
    let color = if is_head { visuals.weak_text_color() } else { visuals.text_color() };
    let mut job = LayoutJob::simple(text.to_owned(), style.resolve(ui.style()), color, width);
    job.wrap.max_rows = if is_head { 1 } else { 2 };
    let layout = Layout::top_down(Align::Min);
    ui.allocate_ui_with_layout(egui::vec2(width, height), layout, |ui| {
        ui.set_min_size(egui::vec2(width, height));
        ui.set_max_height(height);
        ui.shrink_clip_rect(ui.max_rect());
        ui.add(Label::new(job));
    });
}
