//! Where the view stands, and what moves it.

use egui::{EventFilter, Key, Modifiers, Response, Ui};

use super::typeset::{Measure, Place, Typesetter};

/// An arrow key moves by so many rows.
const ARROW_ROWS: f32 = 2.0;

/// A page keeps so many rows of the one before.
const PAGE_OVERLAP_ROWS: f32 = 2.0;

/// How fast a selection scrolls on, per second, for each point that the pointer is outside.
const PULL_PER_SEC: f32 = 12.0;

/// Where the view stands.
pub struct View {
    top: Place,
    /// First byte in view: what stays there when rows are wrapped elsewhere.
    first: usize,
    laid_for: Option<Measure>,
    jump: Option<usize>,
}

impl Default for View {
    fn default() -> Self {
        Self { top: Place::START, first: 0, laid_for: None, jump: None }
    }
}

impl View {
    /// What was at its top in the last frame.
    pub fn top(&self) -> Place {
        self.top
    }

    /// Brings a byte into view at the next frame.
    pub fn jump_to(&mut self, at: usize) {
        self.jump = Some(at);
    }

    /// Takes all that moves the view and says what is at its top now. `by_hand` is what the
    /// scroll bar was drawn to; `selecting` whether a selection is being drawn.
    pub fn scroll_ui(
        &mut self,
        ui: &Ui,
        region: &Response,
        selecting: bool,
        by_hand: Option<Place>,
        setter: &mut Typesetter<'_>,
    ) -> Place {
        let height = region.rect.height();
        let last = setter.last_top(height);
        self.keep_first(setter);
        let before = self.top;
        if let Some(at) = self.jump.take() {
            self.top = self.jumped(at, height, setter);
        }
        self.top = by_hand.unwrap_or(self.top);
        match key(ui, region) {
            Some(Move::Start) => self.top = Place::START,
            Some(Move::End) => self.top = last,
            Some(Move::Rows(n)) => self.shift(n * setter.measure().row_height, setter),
            Some(Move::Pages(n)) => {
                let kept = PAGE_OVERLAP_ROWS * setter.measure().row_height;
                self.shift(n * (height - kept).max(height / 2.0), setter);
            }
            None => {}
        }
        if selecting {
            self.shift(pull(ui, region), setter);
        }
        self.wheel(ui, region, last, setter);
        if self.top > last {
            self.top = last;
        }
        if self.top != before {
            self.first = setter.byte_at(self.top);
        }
        self.top
    }

    /// Rows that are wrapped elsewhere must not move the text away from the reader.
    fn keep_first(&mut self, setter: &mut Typesetter<'_>) {
        if self.laid_for.as_ref() == Some(setter.measure()) {
            return;
        }
        if self.laid_for.is_some() {
            self.top = setter.row_of(self.first).0;
        }
        self.laid_for = Some(setter.measure().clone());
    }

    fn jumped(&self, at: usize, height: f32, setter: &mut Typesetter<'_>) -> Place {
        let (row, row_height) = setter.row_of(at);
        match setter.below(self.top, row, height - row_height) {
            Some(_) => self.top,
            None => setter.in_view(at, height),
        }
    }

    fn shift(&mut self, by: f32, setter: &mut Typesetter<'_>) {
        if by != 0.0 {
            self.top = setter.shift(self.top, by);
        }
    }

    fn wheel(&mut self, ui: &Ui, region: &Response, last: Place, setter: &mut Typesetter<'_>) {
        if !ui.is_enabled() {
            return;
        }
        let touch = ui.input(|input| input.has_touch_screen()) && region.dragged();
        if touch {
            self.shift(-region.drag_delta().y, setter);
            return;
        }
        let by = -ui.input(|input| input.smooth_scroll_delta().y);
        if by == 0.0 || !ui.rect_contains_pointer(region.rect) {
            return;
        }
        let before = self.top;
        self.shift(by, setter);
        if self.top > last {
            self.top = last;
        }
        // What moves nothing here is left to what is around.
        if self.top != before {
            ui.input_mut(|input| input.smooth_scroll_delta.y = 0.0);
        }
    }
}

enum Move {
    Start,
    End,
    Rows(f32),
    Pages(f32),
}

/// The key that was pressed for this text: it has the focus, or nothing has and the pointer is
/// over it.
fn key(ui: &Ui, region: &Response) -> Option<Move> {
    if region.has_focus() {
        let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(region.id, filter));
    } else if !ui.is_enabled()
        || !ui.rect_contains_pointer(region.rect)
        || ui.memory(|memory| memory.focused().is_some())
    {
        return None;
    }
    let n = |key| ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key)) as f32;
    let far = |key| ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, key));
    let pages = n(Key::PageDown) - n(Key::PageUp);
    let rows = ARROW_ROWS * (n(Key::ArrowDown) - n(Key::ArrowUp));
    if n(Key::Home) > 0.0 || far(Key::Home) {
        Some(Move::Start)
    } else if n(Key::End) > 0.0 || far(Key::End) {
        Some(Move::End)
    } else if pages != 0.0 {
        Some(Move::Pages(pages))
    } else {
        (rows != 0.0).then_some(Move::Rows(rows))
    }
}

/// How far a selection drawn beyond the view's edge takes the view along.
fn pull(ui: &Ui, region: &Response) -> f32 {
    let Some(pointer) = ui.ctx().pointer_interact_pos() else {
        return 0.0;
    };
    let above = (pointer.y - region.rect.top()).min(0.0);
    let below = (pointer.y - region.rect.bottom()).max(0.0);
    let outside = above + below;
    if outside != 0.0 {
        ui.ctx().request_repaint();
    }
    outside * PULL_PER_SEC * ui.input(|input| input.stable_dt).min(0.1)
}
