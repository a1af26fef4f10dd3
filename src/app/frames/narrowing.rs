//! Filtering the table: typing an expression while the table is scrolled.

use super::{Bench, N_FRAMES};
use egui::{Event, Modifiers, MouseWheelUnit, TouchPhase, pos2, vec2};
use std::time::Duration;

/// Pictures between two letters: a fast typist.
const FRAMES_A_LETTER: usize = 5;

impl Bench {
    /// Times the pictures of a person who types a filter, letter by letter and again from the begin, while
    /// the table scrolls.
    pub(super) fn narrow(&mut self, filter: &str) -> anyhow::Result<Vec<f64>> {
        let letters: Vec<char> = filter.chars().collect();
        let mut times = Vec::new();
        for ix in 0..N_FRAMES.max(2 * FRAMES_A_LETTER * letters.len()) {
            let n_typed = 1 + ix / FRAMES_A_LETTER % letters.len().max(1);
            self.window.data.filter.text = letters[..n_typed.min(letters.len())].iter().collect();
            // Over the table, which stands above.
            self.events.push(Event::PointerMoved(pos2(900.0, 260.0)));
            self.events.push(Event::MouseWheel {
                unit: MouseWheelUnit::Point,
                delta: vec2(0.0, if ix % 40 < 20 { -120.0 } else { 120.0 }),
                source: egui::MouseWheelSource::Wheel,
                phase: TouchPhase::Move,
                modifiers: Modifiers::NONE,
            });
            times.push(self.frame());
            // As a screen of 60 pictures a second would; what is found comes in between them.
            std::thread::sleep(Duration::from_millis(16));
        }
        self.window.data.filter.text = filter.to_owned();
        self.settle()?;
        let refused = self.window.data.filter.refused.clone();
        let n_found = self.window.data.found.as_ref().map_or(0, Vec::len);
        self.window.data.filter.text.clear();
        self.settle()?;
        match (refused, n_found) {
            (Some(why), _) => anyhow::bail!("{why}"),
            (None, 0) => anyhow::bail!("`{filter}` holds of no record; filter for what there is"),
            (None, _) => Ok(times),
        }
    }
}
