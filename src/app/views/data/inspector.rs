//! The chosen record in full: instruction, answer and context side by side.

use crate::app::command::View;
use crate::app::ui::swatch_ui;
use crate::app::views::record_texts::RecordTexts;
use crate::app::window::Window;
use crate::coherence;
use crate::data::{Record, StrategyId};
use crate::report;
use crate::workbench::Place;
use egui::{Align, Layout, RichText, Ui};
use std::sync::Arc;

/// The chosen record's texts, and what is known of it.
pub struct Inspector {
    texts: RecordTexts,
    /// What was open when the next two were found, and whether it was known what belongs together.
    version: Option<(u64, bool)>,
    /// How it was scored, in words.
    gains: Option<String>,
    /// The same seed under other strategies: place, strategy.
    siblings: Vec<(Place, StrategyId)>,
}

impl Inspector {
    /// The record's texts.
    pub(super) fn texts(&mut self) -> &mut RecordTexts {
        &mut self.texts
    }

    /// Why what is searched for cannot be.
    pub(super) fn refused(&self) -> Option<&str> {
        self.texts.refused()
    }
}

impl Window {
    pub(super) fn prepare_inspector(&mut self) {
        let chosen = self.data.selected.and_then(|place| {
            let dataset = self.files.get(place.0)?.dataset.clone();
            Some((place, dataset, self.files.record(place)?))
        });
        let Some((place, dataset, record)) = chosen else {
            self.data.inspector = None;
            return;
        };
        let is_same = |inspector: &&mut Inspector| {
            inspector.texts.place == place && Arc::ptr_eq(&inspector.texts.dataset, &dataset)
        };
        if self.data.inspector.as_mut().filter(is_same).is_none() {
            let texts = RecordTexts::new(dataset, record, place);
            let new = Inspector { texts, version: None, gains: None, siblings: Vec::new() };
            self.data.inspector = Some(new);
        }
        self.serve_inspector();
        let version = Some((self.files.version, self.links().is_some()));
        if let Some(mut inspector) = self.data.inspector.take_if(|one| one.version != version) {
            if let Some(links) = self.links() {
                let members = links.seed_of(place).map_or(&[][..], |seed| links.members(seed));
                let strategy =
                    |place: &Place| Some((*place, self.files.row(*place)?.strategy.clone()));
                inspector.siblings = members.iter().filter_map(strategy).collect();
                inspector.gains = links.row_of(place).map(gains);
            }
            inspector.version = version;
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
        let record = inspector.texts.shared();
        ui.add_space(4.0);
        ui.horizontal(|ui| self.inspector_head_ui(ui, &record, &mut inspector));
        self.review_ui(ui);
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
                    0 => inspector.texts.instruction_ui(ui, ""),
                    1 => inspector.texts.answer_ui(ui, ""),
                    _ => inspector.texts.context_ui(ui, ""),
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
                self.synthesize.choose_seed(inspector.texts.place);
                self.show(View::Synthesize);
            }
            // Side by side they are seen together, so that is what remains where there is little room.
            let is_wide = ui.available_width() > 620.0;
            for (place, strategy) in inspector.siblings.iter().rev() {
                if *place == inspector.texts.place || !is_wide {
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
                let button = ui.button("Same seed");
                if button.on_hover_text("Side by side in Compare").clicked() {
                    self.open_seed(inspector.texts.place);
                }
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
