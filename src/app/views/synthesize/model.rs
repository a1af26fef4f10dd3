//! The model: which one, what is known of it before it is loaded, and how to get it.

use super::form::section;
use crate::app::files::file_name;
use crate::app::jobs::Ask;
use crate::app::picker::Purpose;
use crate::app::theme;
use crate::app::ui::name_field;
use crate::app::views::data::grouped;
use crate::app::views::jobs::{device, progress_ui, speed};
use crate::app::window::{Window, typed_path};
use egui::{Align, Layout, RichText, Ui};
use std::path::Path;

impl Window {
    pub(super) fn model_ui(&mut self, ui: &mut Ui) {
        section(ui, "Model");
        let mut picked = None;
        let current = self.settings.model.clone();
        let combo = egui::ComboBox::from_id_salt("model")
            .selected_text(file_name(Path::new(&current)))
            .width(ui.available_width() - 12.0)
            .truncate();
        let response = combo.show_ui(ui, |ui| {
            for row in &self.models {
                let there = match row.path {
                    Some(_) => "on this machine".to_owned(),
                    None => format!("{} MB to fetch", row.entry.megabytes),
                };
                let words = format!("{} ({there})", row.entry.name);
                if ui
                    .selectable_label(current == row.entry.name, words)
                    .on_hover_text(row.entry.about)
                    .clicked()
                {
                    picked = Some(row.entry.name.to_owned());
                }
            }
        });
        name_field(&response.response, "Model");
        if let Some(model) = picked {
            self.choose_model(model);
        }
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Browse…").on_hover_text("Choose a .gguf file").clicked() {
                    self.browse(Purpose::Model, None);
                }
                let field = egui::TextEdit::singleline(&mut self.synthesize.model_field)
                    .hint_text("or the path of a .gguf file, and Enter")
                    .desired_width(f32::INFINITY);
                let field = ui.add(field);
                name_field(&field, "Path of a model");
                if field.lost_focus()
                    && ui.input(|input| input.key_pressed(egui::Key::Enter))
                    && let Some(path) = typed_path(&self.synthesize.model_field)
                {
                    self.choose_model(path.to_string_lossy().into_owned());
                }
            });
        });
        self.card_ui(ui);
    }

    /// What is known of the chosen model, or how to get it.
    fn card_ui(&mut self, ui: &mut Ui) {
        let card = self.card.as_ref().filter(|(model, _)| *model == self.settings.model);
        let Some((_, card)) = card else {
            ui.spinner();
            return;
        };
        let card = match card {
            Ok(card) => card,
            Err(why) => {
                let why = why.clone();
                self.fetch_ui(ui, &why);
                return;
            }
        };
        let info = &card.info;
        let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
        let mut rows = vec![
            ("Architecture", info.architecture.clone()),
            ("Quantization", info.quantization.clone()),
            ("Window", format!("{} tokens", grouped(info.window as u64))),
            ("Memory", mib(info.weight_bytes)),
            ("Cache", format!("{} per 1,000 tokens", mib(1000 * info.cache_bytes_per_token))),
            ("Device", device(&info.device, card.adapter.as_deref())),
        ];
        // Of the chosen model only, and once it has worked.
        let loaded = self.loaded.as_ref().filter(|l| l.choice.model == self.settings.model);
        if let Some(work) = loaded.map(|loaded| loaded.meter.work()) {
            let paces = [("Prompt", work.reading), ("Decoding", work.writing)];
            rows.extend(paces.into_iter().filter_map(|(name, pace)| Some((name, speed(&pace)?))));
        }
        egui::Frame::group(ui.style())
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                egui::Grid::new("model card")
                    .num_columns(2)
                    .max_col_width(230.0)
                    .spacing([16.0, 2.0])
                    .show(ui, |ui| {
                        for (name, value) in rows {
                            ui.label(RichText::new(name).weak());
                            ui.add(egui::Label::new(value).wrap());
                            ui.end_row();
                        }
                    });
            })
            .response
            .on_hover_text(card.path.display().to_string());
    }

    fn fetch_ui(&mut self, ui: &mut Ui, why: &str) {
        let row = self.models.iter().find(|row| row.entry.name == self.settings.model);
        let Some(row) = row.filter(|row| row.path.is_none()) else {
            ui.add(egui::Label::new(RichText::new(why).color(theme::error_color(ui))).wrap());
            return;
        };
        let (name, megabytes, about) = (row.entry.name, row.entry.megabytes, row.entry.about);
        egui::Frame::group(ui.style()).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label("This model is not on this machine.");
            ui.label(RichText::new(about).weak().small());
            let fetching = self.jobs.all.iter().find(|entry| {
                entry.is_open() && matches!(&entry.ask, Ask::Fetch(model) if model == name)
            });
            match fetching {
                Some(entry) => {
                    progress_ui(ui, entry);
                    if ui.button("Cancel").clicked() {
                        entry.watch.cancel();
                    }
                }
                None => {
                    if ui.button(format!("Fetch {name} ({megabytes} MB)")).clicked() {
                        self.start(Ask::Fetch(name.to_owned()));
                    }
                }
            }
        });
    }
}
