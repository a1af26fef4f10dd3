//! What stands under the table: the figures of the scores and of the gap, or the records behind a score.

use super::{Page, State};
use crate::app::ui::name_field;
use crate::app::widgets::figure_view::figure_ui;
use crate::app::window::Window;
use crate::workbench::BoardMade;
use egui::{RichText, Ui};

/// The sides of a gap, and what each is for.
const SIDES: [(&str, &str); 3] = [
    ("with contexts", "Tuned with contexts"),
    ("without", "Tuned without contexts"),
    ("reference", "Drawn as a line"),
];

impl Window {
    pub(super) fn under_table_ui(&mut self, ui: &mut Ui, made: &BoardMade) {
        let usual = 0.42 * ui.available_height();
        let panel = egui::Panel::bottom("under scores")
            .resizable(true)
            .default_size(self.settings.panel("under scores", usual))
            .size_range(90.0..=(0.75 * ui.available_height()).max(100.0))
            .show(ui, |ui| {
                ui.horizontal_wrapped(|ui| self.pages_ui(ui));
                match self.scores.page {
                    Page::Scores => figure_ui(ui, "scores figure", &made.scores),
                    Page::Gap => match &made.gap {
                        Some(gap) => figure_ui(ui, "gap figure", gap),
                        None => {
                            ui.add_space(16.0);
                            let words = "Choose the results of two models that were tuned on the same pairs, \
                                         one with contexts and one without.";
                            ui.vertical_centered(|ui| ui.label(RichText::new(words).weak()));
                        }
                    },
                    Page::Records => self.graded_ui(ui, &made.board),
                }
                // A page of few words keeps the height of the others.
                ui.take_available_space();
            });
        self.settings.set_panel("under scores", panel.response.rect.height());
    }

    fn pages_ui(&mut self, ui: &mut Ui) {
        let state = &mut self.scores;
        for (page, title) in
            [(Page::Scores, "Scores figure"), (Page::Gap, "Tuning gap"), (Page::Records, "Records")]
        {
            if ui.selectable_label(state.page == page, title).clicked() {
                state.page = page;
            }
        }
        if state.page == Page::Gap {
            ui.separator();
            for (side, (title, hover)) in SIDES.iter().enumerate() {
                side_ui(ui, state, side, title, hover);
            }
        }
    }
}

/// Which results are this side of the gap.
fn side_ui(ui: &mut Ui, state: &mut State, side: usize, title: &str, hover: &str) {
    ui.label(title);
    let chosen = state.gap[side].and_then(|key| state.set(key));
    let shown = chosen.map_or("none", |set| set.name.as_str());
    let combo = egui::ComboBox::from_id_salt(("gap", side)).selected_text(shown).truncate();
    let mut now = state.gap[side];
    let response = combo.show_ui(ui, |ui| {
        ui.selectable_value(&mut now, None, "none");
        for set in &state.sets {
            ui.selectable_value(&mut now, Some(set.key), &set.name);
        }
    });
    name_field(&response.response, hover);
    state.gap[side] = now;
}
