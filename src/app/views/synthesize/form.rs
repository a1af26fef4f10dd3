//! The form: strategy, seeds, sampling, where to write, and the button.

use super::STRATEGIES;
use crate::app::picker::Purpose;
use crate::app::theme;
use crate::app::ui::name_field;
use crate::app::views::data::counted;
use crate::app::views::jobs::{pause_and_cancel_ui, progress_ui};
use crate::app::window::Window;
use egui::{Align, DragValue, Layout, RichText, Ui};
use std::path::PathBuf;

impl Window {
    pub(super) fn strategy_ui(&mut self, ui: &mut Ui) {
        section(ui, "Strategy");
        for (name, title, about) in STRATEGIES {
            if ui.radio(self.synthesize.form.strategy == name, title).on_hover_text(about).clicked()
            {
                self.synthesize.set_strategy(name);
            }
        }
        let about = STRATEGIES.iter().find(|(name, ..)| *name == self.synthesize.form.strategy);
        ui.label(RichText::new(about.map_or("", |(_, _, about)| about)).weak().small());
    }

    pub(super) fn seeds_ui(&mut self, ui: &mut Ui) {
        section(ui, "Seeds");
        let chosen = self.synthesize.seeds.and_then(|key| self.files.get(key));
        let title = chosen.map_or("no file is open".to_owned(), |file| file.name());
        let n = chosen.map_or(1, |file| file.dataset.records.len().max(1));
        let chosen_is_none = chosen.is_none();
        let mut picked = None;
        let combo = egui::ComboBox::from_id_salt("seeds")
            .selected_text(title)
            .width(ui.available_width() - 12.0)
            .truncate();
        let response = combo.show_ui(ui, |ui| {
            for file in &self.files.all {
                let words = format!("{} ({})", file.name(), counted(file.report.records, "record"));
                if ui.selectable_label(self.synthesize.seeds == Some(file.key), words).clicked() {
                    picked = Some(file.key);
                }
            }
        });
        name_field(&response.response, "Seeds");
        if let Some(key) = picked {
            self.synthesize.choose_seeds(key);
        }
        if chosen_is_none {
            return;
        }
        row(ui, "Records", "From the first of the file on", |ui| {
            let drag = ui.add(DragValue::new(&mut self.synthesize.n_seeds).range(1..=n));
            if ui.button(format!("All {n}")).clicked() {
                self.synthesize.n_seeds = n;
            }
            drag
        });
    }

    pub(super) fn sampling_ui(&mut self, ui: &mut Ui) {
        section(ui, "Writing");
        let form = &mut self.synthesize.form;
        let sampling = &mut form.sampling;
        row(
            ui,
            "Words asked for",
            "The paper asks for 2,000; small models write less than they are asked",
            |ui| ui.add(DragValue::new(&mut form.n_words).range(20..=20_000).speed(5)),
        );
        row(
            ui,
            "Limit of a reply",
            "In tokens; a reply that is cut here is kept and marked",
            |ui| {
                ui.add(
                    DragValue::new(&mut sampling.max_new_tokens)
                        .range(1..=32_768)
                        .speed(5)
                        .suffix(" tokens"),
                )
            },
        );
        row(ui, "Temperature", "0 always takes the most likely token; the paper has 0.8", |ui| {
            ui.add(
                DragValue::new(&mut sampling.temperature)
                    .range(0.0..=2.0)
                    .speed(0.01)
                    .fixed_decimals(2),
            )
        });
        row(ui, "Top-p", "Keeps the likeliest tokens that together have this probability", |ui| {
            ui.add(
                DragValue::new(&mut sampling.top_p).range(0.01..=1.0).speed(0.01).fixed_decimals(2),
            )
        });
        row(ui, "Top-k", "Keeps so many of the likeliest tokens; 0 keeps all", |ui| {
            ui.add(DragValue::new(&mut sampling.top_k).range(0..=1000))
        });
        row(
            ui,
            "Repetition penalty",
            "Makes tokens that the reply already holds less likely; 1 does nothing",
            |ui| {
                let drag = DragValue::new(&mut sampling.repetition_penalty);
                ui.add(drag.range(1.0..=2.0).speed(0.01).fixed_decimals(2))
            },
        );
        row(ui, "Tries", "For each record, when a reply will not do", |ui| {
            ui.add(DragValue::new(&mut form.n_attempts).range(1..=20))
        });
        row(ui, "At a time", "Records written together; does not change them", |ui| {
            ui.add(DragValue::new(&mut form.n_parallel).range(1..=64))
        });
        row(ui, "Seed", "The same seed gives the same records", |ui| {
            ui.add(DragValue::new(&mut form.seed))
        });
    }

    pub(super) fn out_ui(&mut self, ui: &mut Ui) {
        section(ui, "Write to");
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Browse…").on_hover_text("Choose the file to write").clicked() {
                    let suggested = PathBuf::from(&self.synthesize.out);
                    self.browse(Purpose::SynthOut, Some(&suggested));
                }
                let field = egui::TextEdit::singleline(&mut self.synthesize.out)
                    .desired_width(f32::INFINITY);
                let field = ui.add(field).on_hover_text(&self.synthesize.out);
                name_field(&field, "File to write");
                self.synthesize.out_is_own |= field.changed();
            });
        });
        ui.checkbox(
            &mut self.synthesize.form.overwrite,
            "Replace an earlier run with other settings",
        )
        .on_hover_text(
            "Without this, a run with the same settings goes on, and one with others is refused",
        );
        ui.add_space(8.0);
    }

    pub(super) fn run_ui(&mut self, ui: &mut Ui) {
        ui.add_space(6.0);
        let running = self.jobs.synthesis().filter(|entry| entry.is_open());
        match running {
            Some(entry) => {
                ui.horizontal(|ui| {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        pause_and_cancel_ui(ui, entry)
                    });
                });
                progress_ui(ui, entry);
            }
            None => {
                let words = format!(
                    "Run: {} record{}",
                    self.synthesize.n_seeds,
                    if self.synthesize.n_seeds == 1 { "" } else { "s" }
                );
                let button = egui::Button::new(RichText::new(words).strong())
                    .fill(ui.visuals().selection.bg_fill);
                let size = egui::vec2(ui.available_width(), 30.0);
                if ui.add_sized(size, button).on_hover_text("Ctrl+Enter").clicked() {
                    self.run_synthesis();
                }
            }
        }
        if let Some(why) = &self.synthesize.refused {
            ui.add(egui::Label::new(RichText::new(why).color(theme::error_color(ui))).wrap());
        }
        ui.add_space(4.0);
    }
}

pub(super) fn section(ui: &mut Ui, title: &str) {
    ui.add_space(8.0);
    ui.strong(title);
    ui.add_space(2.0);
}

/// A setting with its name at the left and its meaning on hover.
fn row(ui: &mut Ui, name: &str, about: &str, add: impl FnOnce(&mut Ui) -> egui::Response) {
    ui.horizontal(|ui| {
        let width = 140.0;
        ui.allocate_ui_with_layout(
            egui::vec2(width, 22.0),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.set_min_width(width);
                ui.label(name).on_hover_text(about);
            },
        );
        let response = add(ui);
        name_field(&response, name);
        response.on_hover_text(about);
    });
}
