//! Reading a record: opening its texts, scrolling through the context, and searching in it.

use super::{Bench, FrameTimes, N_FRAMES, summary};
use egui::{Event, Modifiers, MouseWheelUnit, TouchPhase, pos2, vec2};
use std::collections::BTreeMap;
use std::time::Duration;

/// Openings of the same record that are counted.
const N_OPENINGS: usize = 24;
/// Pictures between two letters of a search: a fast typist.
const FRAMES_A_LETTER: usize = 5;
/// Points of a turn of the wheel.
const TURN: f32 = 120.0;

impl Bench {
    /// Times the pictures of a person who reads the first record and types a search.
    pub(super) fn read(
        &mut self,
        search: &str,
        regex: bool,
    ) -> anyhow::Result<BTreeMap<&'static str, FrameTimes>> {
        let found = self.window.data.found.as_ref();
        let Some(place) = found.and_then(|found| found.first().copied()) else {
            anyhow::bail!("no record is open that could be read; name a file of records");
        };
        self.window.select(place);
        self.settle()?;
        let mut all = BTreeMap::new();
        all.insert("reading: open", summary(&self.open_again()?));
        all.insert("reading: scroll", summary(&self.scroll()));
        all.insert("reading: search", summary(&self.search(search, regex)?));
        Ok(all)
    }

    /// The pictures in which the record's texts are made ready.
    fn open_again(&mut self) -> anyhow::Result<Vec<f64>> {
        let mut times = Vec::new();
        for _ in 0..N_OPENINGS {
            self.window.data.forget_texts();
            times.push(self.frame());
            self.settle()?;
        }
        Ok(times)
    }

    fn turn(&mut self, by: f32) {
        // Over the context, which stands below at the right.
        self.events.push(Event::PointerMoved(pos2(1150.0, 700.0)));
        self.events.push(Event::MouseWheel {
            unit: MouseWheelUnit::Point,
            delta: vec2(0.0, -by),
            source: egui::MouseWheelSource::Wheel,
            phase: TouchPhase::Move,
            modifiers: Modifiers::NONE,
        });
    }

    fn scroll(&mut self) -> Vec<f64> {
        let mut times = Vec::new();
        for _ in 0..N_FRAMES {
            self.turn(TURN);
            times.push(self.frame());
            std::thread::sleep(Duration::from_millis(4));
        }
        times
    }

    /// Types the search letter by letter, again and again, while the context is scrolled; a hit is gone to
    /// whenever the search stands there whole.
    fn search(&mut self, search: &str, regex: bool) -> anyhow::Result<Vec<f64>> {
        let letters: Vec<char> = search.chars().collect();
        let mut times = Vec::new();
        self.window.data.regex.on = regex;
        self.window.data.focus_search = true;
        self.frame();
        for ix in 0..N_FRAMES {
            let at = ix / FRAMES_A_LETTER % (letters.len() + 1);
            if ix % FRAMES_A_LETTER == 0 {
                match letters.get(at) {
                    Some(_) if at == 0 => self.window.data.search = letters[..1].iter().collect(),
                    Some(letter) => self.events.push(Event::Text(letter.to_string())),
                    None => self.window.step_hit(1),
                }
            }
            self.turn(if ix % 40 < 20 { TURN } else { -TURN });
            times.push(self.frame());
            // As a screen of 60 pictures a second would; what is found comes in between them.
            std::thread::sleep(Duration::from_millis(16));
        }
        self.window.data.search = search.to_owned();
        self.settle()?;
        let n_hits = self.window.data.texts().map_or(0, |texts| texts.n_hits());
        self.window.data.search.clear();
        self.settle()?;
        match n_hits {
            0 => anyhow::bail!("`{search}` is nowhere in the first record; search for what is"),
            _ => Ok(times),
        }
    }
}
