//! The row that opens results, and what is said while there are none.

use crate::app::View;
use crate::app::jobs::Ask;
use crate::app::picker::Purpose;
use crate::app::ui::name_field;
use crate::app::views::data::counted;
use crate::app::window::{Window, typed_path};
use crate::report::Table;
use egui::{Align, Key, Label, Layout, RichText, Sense, Ui};

/// The table as text.
type Written = fn(&Table) -> String;

/// Ways to write the table, and what the buttons do.
const COPIES: [(&str, &str, Written); 3] = [
    ("CSV", "Copy the table as CSV", Table::to_csv),
    ("Markdown", "Copy the table as Markdown", Table::to_markdown),
    ("LaTeX", "Copy the table as booktabs LaTeX", Table::to_latex),
];

impl Window {
    /// The path field at the left, what the table can be taken along as at the right.
    pub(super) fn results_row_ui(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let width = (ui.available_width() * 0.3).clamp(140.0, 320.0);
            let field = egui::TextEdit::singleline(&mut self.scores.path_field)
                .hint_text("a folder of results…")
                .desired_width(width);
            let field = ui.add(field);
            name_field(&field, "Path of a folder of results");
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let open = ui.button("Open results").on_hover_text(
                "LongBench's pred/MODEL, samples_*.jsonl of lm-evaluation-harness, result.json, or what \
                 `backstory evaluate` wrote",
            );
            if open.clicked() || entered {
                self.open_typed_results();
            }
            let browse = egui::Button::new("Browse…");
            if ui.add_enabled(!self.picker.is_open(), browse).clicked() {
                self.browse(Purpose::Results, None);
            }
            self.reading_ui(ui);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.take_along_ui(ui));
        });
    }

    /// The open results among the files at the left.
    pub(in crate::app) fn results_list_ui(&mut self, ui: &mut Ui) {
        if !self.scores.is_open() {
            return;
        }
        ui.add_space(6.0);
        ui.strong("Results");
        let (mut close, mut wanted) = (None, false);
        for set in &self.scores.sets {
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let button = ui.small_button("×").on_hover_text("Close these results");
                    name_field(&button, &format!("Close the results {}", set.name));
                    if button.clicked() {
                        close = Some(set.key);
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        let label = Label::new(&set.name).truncate().sense(Sense::click());
                        let path = set.path.display().to_string();
                        wanted |= ui.add(label).on_hover_text(path).clicked();
                    });
                });
            });
            let n_tasks = counted(set.results.tasks.len(), "task");
            ui.label(RichText::new(format!("scores of {n_tasks}")).weak().small());
        }
        if let Some(key) = close {
            self.scores.remove(key);
        }
        if wanted {
            self.show(View::Scores);
        }
    }

    fn open_typed_results(&mut self) {
        match typed_path(&std::mem::take(&mut self.scores.path_field)) {
            Some(path) => drop(self.start(Ask::OpenResults(path))),
            None => self.complain("Type the path of a folder of results, then press Open results."),
        }
    }

    /// What is being read or compared, to be stopped.
    fn reading_ui(&mut self, ui: &mut Ui) {
        let is_ours = |ask: &Ask| matches!(ask, Ask::Open(_) | Ask::OpenResults(_) | Ask::Board(_));
        let Some(entry) = self.jobs.open().find(|entry| is_ours(&entry.ask)) else { return };
        ui.spinner();
        let stop = ui.small_button("Cancel").on_hover_text(format!("Cancel: {}", entry.title));
        name_field(&stop, "Cancel reading results");
        if stop.clicked() {
            entry.watch.cancel();
        }
    }

    fn take_along_ui(&mut self, ui: &mut Ui) {
        let Some((_, made)) = &self.scores.made else { return };
        let mut saves = false;
        ui.menu_button("Table…", |ui| {
            for (title, name, text) in COPIES {
                let button = ui.button(format!("Copy {title}"));
                name_field(&button, name);
                if button.clicked() {
                    ui.ctx().copy_text(text(&made.board.table()));
                    ui.close();
                }
            }
            saves = ui.button("Save table…").clicked();
            if saves {
                ui.close();
            }
        });
        if saves {
            self.open_save_table();
        }
        if ui.button("Export figure…").clicked() {
            self.open_export(true);
        }
        let copy = ui.button("Copy figure");
        if copy.on_hover_text("As the export would write it (Ctrl+Shift+C)").clicked() {
            self.copy_figure();
        }
    }
}

pub(super) fn empty_ui(ui: &mut Ui) {
    ui.add_space(24.0);
    ui.vertical_centered(|ui| {
        ui.label(RichText::new("No results are open.").strong());
        ui.label(
            RichText::new(
                "Open folders of results with the field above, by dropping them here, or with `backstory DIR … \
                 --view scores`: LongBench's pred/MODEL, the samples_*.jsonl of lm-evaluation-harness, a folder \
                 with a result.json, or what `backstory evaluate … --out DIR` wrote.",
            )
            .weak(),
        );
    });
}
