//! From one place of what is searched for to the next, through instruction, answer and context.

use super::RecordTexts;
use crate::app::ui::name_field;
use crate::app::views::data::grouped;
use crate::app::widgets::long_text::{MarkKind, Marked};
use crate::workbench::MOST_PLACES;
use egui::{RichText, Ui};
use std::ops::Range;

/// Room for the count.
const LEAST_WIDTH: f32 = 70.0;

/// The places of what is searched for.
#[derive(Default)]
pub(super) struct Hits {
    /// In each of the three texts.
    pub places: [Vec<Range<usize>>; 3],
    /// Why it cannot be searched for.
    pub refused: Option<String>,
    /// The one that the reader is at, counted through all three.
    pub current: Option<usize>,
}

impl Hits {
    fn n(&self) -> usize {
        self.places.iter().map(Vec::len).sum()
    }

    /// The text and the number in it of a hit.
    fn find(&self, mut ix: usize) -> Option<(usize, usize)> {
        for (part, places) in self.places.iter().enumerate() {
            if ix < places.len() {
                return Some((part, ix));
            }
            ix -= places.len();
        }
        None
    }

    /// Moves to the next hit or the one before, around at either end: its text and bytes.
    fn step(&mut self, by: isize) -> Option<(usize, Range<usize>)> {
        let n = self.n();
        if n == 0 {
            return None;
        }
        let next = match self.current {
            None if by < 0 => n - 1,
            None => 0,
            Some(at) => (at as isize + by).rem_euclid(n as isize) as usize,
        };
        self.current = Some(next);
        let (part, ix) = self.find(next)?;
        Some((part, self.places[part][ix].clone()))
    }

    /// The hits of a text as marks.
    pub fn marks(&self, part: usize) -> impl Iterator<Item = Marked> + '_ {
        let current = self.current.and_then(|ix| self.find(ix));
        self.places[part].iter().enumerate().map(move |(ix, range)| Marked {
            range: range.clone(),
            kind: match current == Some((part, ix)) {
                true => MarkKind::Current,
                false => MarkKind::Search,
            },
        })
    }

    /// "3 of 17", or how many there are.
    fn told(&self) -> String {
        let n = self.n();
        let is_capped = self.places.iter().any(|places| places.len() >= MOST_PLACES);
        let all = format!("{}{}", grouped(n as u64), if is_capped { "+" } else { "" });
        match self.current {
            Some(at) => format!("{} of {all}", grouped(at as u64 + 1)),
            None if n == 1 => "1 hit".to_owned(),
            None => format!("{all} hits"),
        }
    }
}

impl RecordTexts {
    /// Goes to the next place of what is searched for, or to one before.
    pub fn step_hit(&mut self, by: isize) {
        if let Some((part, range)) = self.hits.step(by) {
            self.texts[part].jump_to(range.start);
            self.set_marks();
        }
    }

    /// Places of what is searched for, in all three texts.
    pub fn n_hits(&self) -> usize {
        self.hits.n()
    }

    /// The count of hits, and the way from one to the next; from right to left. What is clicked comes back.
    pub(super) fn hits_ui(&self, ui: &mut Ui, of: &str) -> Option<isize> {
        if self.asked.is_empty() || self.hits.refused.is_some() {
            return None;
        }
        if self.asked != self.marked {
            ui.label(RichText::new("searching…").weak());
            return None;
        }
        if self.hits.n() == 0 {
            ui.label(RichText::new("no hit").weak());
            return None;
        }
        let mut step = None;
        for (sign, name, keys, by) in
            [("▼", "Next hit", "F3", 1), ("▲", "Previous hit", "Shift+F3", -1)]
        {
            let button = ui.small_button(sign).on_hover_text(format!("{name} ({keys})"));
            name_field(&button, &format!("{name}{of}"));
            if button.clicked() {
                step = Some(by);
            }
        }
        if ui.available_width() < LEAST_WIDTH {
            return step;
        }
        let most = format!("{} places are marked at most", grouped(MOST_PLACES as u64));
        ui.label(RichText::new(self.hits.told()).weak()).on_hover_text(most);
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_around_through_all_texts() {
        let mut hits = Hits { places: [vec![5..6], vec![], vec![1..2, 8..9]], ..Hits::default() };
        assert_eq!(hits.told(), "3 hits");
        let all = [(0, 5..6), (2, 1..2), (2, 8..9), (0, 5..6)];
        for (n, wanted) in all.into_iter().enumerate() {
            assert_eq!(hits.step(1), Some(wanted), "step {n}");
        }
        assert_eq!(hits.step(-1), Some((2, 8..9)));
        assert_eq!(hits.told(), "3 of 3");
        let kinds: Vec<MarkKind> = hits.marks(2).map(|mark| mark.kind).collect();
        assert_eq!(kinds, [MarkKind::Search, MarkKind::Current]);
        assert_eq!(Hits::default().step(1), None);
    }
}
