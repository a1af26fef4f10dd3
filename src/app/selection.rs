//! Records that a view found and handed to Data, which then shows them alone: those with a fault, under the
//! words that say which.
//!
//! What is brushed in Compare is Compare's own and moves with its figures; Data shows whichever was handed
//! over last.

use super::View;
use super::views::data::counted;
use super::window::Window;
use crate::data::Dataset;
use crate::workbench::Place;
use egui::{Align, Layout, RichText, Ui};
use std::sync::Arc;

/// What was handed over.
#[derive(Default)]
pub struct State {
    handed: Option<Handed>,
    /// How often anything was.
    n_handed: u64,
}

/// Records with a name.
pub struct Handed {
    /// Which records they are: "with the fault …".
    pub name: String,
    /// They, in order.
    pub places: Arc<Vec<Place>>,
    /// What they are of: a file that is read again may have others in their places.
    pub datasets: Vec<(u64, Arc<Dataset>)>,
}

impl State {
    /// Forgets what was handed over.
    pub fn clear(&mut self) {
        self.handed = None;
    }
}

impl Window {
    /// Shows these records alone in Data.
    pub(super) fn hand_to_data(&mut self, handed: Handed) {
        self.handed.handed = Some(handed);
        self.handed.n_handed += 1;
        self.show_all_in_data();
        self.data.only_selected = true;
        self.show(View::Data);
    }

    /// Clears what Data leaves out.
    pub(super) fn show_all_in_data(&mut self) {
        self.data.search.clear();
        self.data.filter.text.clear();
        (self.data.task, self.data.strategy) = (None, None);
        self.data.only_selected = false;
    }

    /// The records that Data may be narrowed to, with a number that changes when they do.
    pub(super) fn selection(&self) -> Option<(u64, Arc<Vec<Place>>)> {
        match &self.handed.handed {
            // Counted down, so that no number is one of Compare's.
            Some(handed) => Some((u64::MAX - self.handed.n_handed, handed.places.clone())),
            None => self.compare.selection.places(),
        }
    }

    /// Forgets records of a file that was read again.
    pub(super) fn handed_logic(&mut self) {
        let is_same = |(key, dataset): &(u64, Arc<Dataset>)| {
            self.files.get(*key).is_none_or(|file| Arc::ptr_eq(&file.dataset, dataset))
        };
        let gone = self.handed.handed.take_if(|handed| !handed.datasets.iter().all(is_same));
        if gone.is_some() && self.data.only_selected {
            self.data.only_selected = false;
            self.tell("A file was read again, so Data shows all records: check them again.");
        }
    }

    /// Which records Data shows, where they were handed to it.
    pub(super) fn handed_ui(&mut self, ui: &mut Ui) {
        let Some(handed) = self.handed.handed.as_ref().filter(|_| self.data.only_selected) else {
            return;
        };
        let words = format!("Only {} {}", counted(handed.places.len(), "record"), handed.name);
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Back to Prepare").clicked() {
                    self.show(View::Prepare);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(egui::Label::new(RichText::new(words).strong()).truncate());
                });
            });
        });
    }
}
