//! The page of lengths: what is counted, and its figure.

use super::combo_ui;
use crate::app::jobs::Ask;
use crate::app::window::Window;
use crate::lengths::{Field, Unit};
use crate::report::{Form, LengthsView};
use egui::{RichText, Ui};

impl Window {
    /// What the lengths figure shows: tokens only where they can be counted.
    pub(super) fn lengths_view(&self) -> LengthsView {
        let view = self.settings.compare.lengths;
        match view.unit {
            Unit::Tokens if self.tokenizer().is_none() => LengthsView { unit: Unit::Words, ..view },
            _ => view,
        }
    }

    /// Shown datasets whose lengths are not asked for yet.
    pub(super) fn lengths_wanted(&self) -> impl Iterator<Item = u64> {
        let tokenizer = Some(self.tokenizer());
        self.files.shown().filter(move |file| file.lengths_asked != tokenizer).map(|file| file.key)
    }

    /// Has the shown files counted whose lengths nobody has asked for yet.
    pub(in crate::app) fn ask_lengths(&mut self) {
        let tokenizer = self.tokenizer();
        for key in self.lengths_wanted().collect::<Vec<u64>>() {
            let Some(file) = self.files.all.iter_mut().find(|file| file.key == key) else {
                continue;
            };
            file.lengths_asked = Some(tokenizer.clone());
            let dataset = file.dataset.clone();
            self.start(Ask::Lengths { dataset, tokenizer: tokenizer.clone() });
        }
    }

    pub(super) fn lengths_ui(&mut self, ui: &mut Ui) {
        let shown = self.lengths_view();
        let has_tokenizer = self.tokenizer().is_some();
        ui.horizontal_wrapped(|ui| {
            self.narrow_tasks_ui(ui);
            let view = &mut self.settings.compare.lengths;
            let fields = [
                (Field::Context, "Context"),
                (Field::Instruction, "Instruction"),
                (Field::Answer, "Answer"),
                (Field::Prompt, "Whole prompt"),
            ];
            combo_ui(ui, "Field", &fields, &shown.field, |field| view.field = field);
            let units =
                [(Unit::Tokens, "Tokens"), (Unit::Words, "Words"), (Unit::Chars, "Characters")];
            let units = if has_tokenizer { &units[..] } else { &units[1..] };
            combo_ui(ui, "Unit", units, &shown.unit, |unit| view.unit = unit);
            if !has_tokenizer {
                ui.label(RichText::new("tokens need a model").weak())
                    .on_hover_text("Fetch a model, or choose a .gguf file, in Synthesize");
            }
            ui.separator();
            let forms = [
                (Form::Histogram, "Histogram"),
                (Form::Density, "Density"),
                (Form::Cumulative, "Cumulative"),
                (Form::Violin, "Violins"),
                (Form::Box, "Boxes"),
            ];
            for (form, title) in forms {
                ui.selectable_value(&mut view.form, form, title);
            }
            ui.checkbox(&mut view.log, "Log axis");
        });
        self.figure_page_ui(ui, |window, ui| {
            let is_hidden = |task: &String| !window.takes_part(task);
            let tasks = window.files.all_tasks();
            let empty = match !tasks.is_empty() && tasks.iter().all(is_hidden) {
                true => "Every task is left out. Choose some above.",
                false => "No records are shown. Open files, or switch one on above.",
            };
            window.drawn_ui(ui, "lengths", empty);
        });
    }
}
