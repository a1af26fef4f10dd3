//! What the person says of records, and taking it back.

use super::command::View;
use super::jobs::{Ask, Entry};
use super::window::Window;
use crate::data::{RecordId, Review, Reviews, Verdict};
use crate::workbench::Place;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What was said, what of it can be taken back, and what is not written down yet.
#[derive(Default)]
pub struct Reviewing {
    /// What holds now.
    pub reviews: Arc<Reviews>,
    /// Raised with every change.
    pub version: u64,
    /// Whether what was said in earlier runs is known: before, a change would wipe it out.
    is_read: bool,
    done: Vec<Edit>,
    undone: Vec<Edit>,
    unsaved: Vec<(RecordId, Review)>,
    /// Writing failed: the next try comes with the next change.
    waits: bool,
}

/// One thing that the person said.
#[derive(Clone)]
struct Edit {
    place: Place,
    id: RecordId,
    before: Review,
    after: Review,
}

/// Something to say of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is to be used, or not; `None` takes that back.
    Judge(Option<Verdict>),
    /// How good it is; `None` takes that back.
    Rate(Option<u8>),
    /// The person's own words for it.
    Tag(BTreeSet<String>),
}

impl Reviewing {
    fn set(&mut self, id: &RecordId, review: Review) -> Review {
        self.version += 1;
        self.waits = false;
        self.unsaved.push((id.clone(), review.clone()));
        Arc::make_mut(&mut self.reviews).set(id, review)
    }

    /// Takes in what was said in earlier runs of the program.
    pub fn take(&mut self, reviews: Reviews) {
        self.reviews = Arc::new(reviews);
        self.is_read = true;
        self.version += 1;
    }

    /// Takes back what could not be written.
    pub fn keep_unsaved(&mut self, changes: &[(RecordId, Review)]) {
        self.unsaved.splice(0..0, changes.iter().cloned());
        self.waits = true;
    }
}

impl Window {
    /// The id of the record that is shown in full, and what is said of it.
    pub(super) fn reviewed(&self) -> Option<(Place, RecordId, Review)> {
        let place = self.data.selected?;
        let id = self.files.get(place.0)?.dataset.records.id(place.1)?;
        let review = self.reviewing.reviews.get(&id).cloned().unwrap_or_default();
        Some((place, id, review))
    }

    /// What is said of the record at a place.
    pub(super) fn review_of(&self, (key, ix): Place) -> Option<&Review> {
        let id = self.files.get(key)?.dataset.records.id_number(ix)?;
        self.reviewing.reviews.of_number(id)
    }

    /// Says something of the record that is shown in full.
    pub(super) fn review(&mut self, change: Change) {
        if self.view != View::Data {
            self.show(View::Data);
            return self.tell("This is the chosen record: say it again.");
        }
        if !self.reviewing.is_read {
            let words = "The reviews of earlier runs are not read yet, or cannot be: see Jobs.";
            return self.complain(words);
        }
        let Some((place, id, before)) = self.reviewed() else {
            return self.tell("Choose a record in Data first.");
        };
        let mut after = before.clone();
        match change {
            Change::Judge(verdict) => after.verdict = verdict,
            Change::Rate(rating) => after.rating = rating,
            Change::Tag(tags) => after.tags = tags,
        }
        if after == before {
            return;
        }
        self.reviewing.set(&id, after.clone());
        self.reviewing.done.push(Edit { place, id, before, after });
        self.reviewing.undone.clear();
    }

    /// Judges the record that is shown in full, and goes on to the next.
    pub(super) fn judge(&mut self, verdict: Verdict) {
        let is_seen = self.view == View::Data && self.reviewing.is_read;
        self.review(Change::Judge(Some(verdict)));
        if is_seen {
            self.step(1);
        }
    }

    /// Takes back what was said last.
    pub(super) fn undo_review(&mut self) {
        match self.reviewing.done.pop() {
            Some(edit) => {
                self.reviewing.set(&edit.id, edit.before.clone());
                self.return_to(&edit);
                self.reviewing.undone.push(edit);
            }
            None => self.tell("Nothing was said that could be taken back."),
        }
    }

    /// Says again what was taken back last.
    pub(super) fn redo_review(&mut self) {
        match self.reviewing.undone.pop() {
            Some(edit) => {
                self.reviewing.set(&edit.id, edit.after.clone());
                self.return_to(&edit);
                self.reviewing.done.push(edit);
            }
            None => self.tell("Nothing was taken back that could be said again."),
        }
    }

    /// Shows the record of a change, if it still is where it was.
    fn return_to(&mut self, edit: &Edit) {
        self.show(View::Data);
        let (key, ix) = edit.place;
        let there = self.files.get(key).and_then(|file| file.dataset.records.id(ix));
        if there.as_ref() == Some(&edit.id) {
            self.select(edit.place);
        }
    }

    /// Has what was said written down.
    pub(super) fn save_reviews(&mut self) {
        let is_writing = |entry: &Entry| entry.is_open() && matches!(entry.ask, Ask::Review(_));
        let state = &mut self.reviewing;
        if state.unsaved.is_empty() || state.waits || self.jobs.all.iter().any(is_writing) {
            return;
        }
        let changes = std::mem::take(&mut state.unsaved);
        self.start(Ask::Review(changes));
    }

    /// What was said and may not be written down yet, to be written when the window has closed.
    pub(super) fn unsaved_reviews(&self) -> Vec<(RecordId, Review)> {
        let written = |entry: &Entry| match &entry.ask {
            Ask::Review(changes) if entry.is_open() => changes.clone(),
            _ => Vec::new(),
        };
        let on_their_way = self.jobs.all.iter().flat_map(written);
        on_their_way.chain(self.reviewing.unsaved.iter().cloned()).collect()
    }
}
