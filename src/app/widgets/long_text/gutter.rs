//! Right of the text: where the view stands in the whole, and where marks are.

use egui::accesskit::Role;
use egui::{CursorIcon, Id, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use super::Content;
use super::marked::MarkKind;
use super::pieces::{Piece, piece_at};
use super::typeset::{Measure, Place, Typesetter};

/// Width of the strip that shows where marks are.
const TICKS_WIDTH: f32 = 8.0;

/// Width of the scroll bar.
const BAR_WIDTH: f32 = 10.0;

/// Between text, ticks and bar.
const GAP: f32 = 2.0;

/// A handle is never shorter: it has to be caught.
const LEAST_HANDLE: f32 = 24.0;

/// The area of the text and that of the gutter.
pub fn split(rect: Rect) -> (Rect, Rect) {
    let width = (GAP + TICKS_WIDTH + GAP + BAR_WIDTH).min(rect.width());
    rect.split_left_right_at_x(rect.right() - width)
}

/// A mark's tick, or that of several in the same place.
struct Tick {
    y: f32,
    kind: MarkKind,
    /// First byte of the first mark.
    at: usize,
}

/// The scroll bar, and ticks for marks.
///
/// A piece's share of the bar is its estimated height, whatever it turns out to be: were the
/// shares to change, the text would slide away below a handle that is held still.
#[derive(Default)]
pub struct Gutter {
    /// Estimated heights of all pieces before each, and of all.
    sums: Vec<f64>,
    weighed_for: Option<Measure>,
    /// For which height.
    ticks: Option<(f32, Vec<Tick>)>,
    /// Where in the handle the pointer holds it.
    grip: Option<f32>,
}

/// How the bar is drawn for a view of a certain height.
struct Handle {
    rect: Rect,
    /// How far it can go.
    room: f32,
    /// Estimated height of all that is above the last page.
    most: f64,
}

impl Tick {
    /// Each kind has its own place and size, so that it can be told apart without its colour.
    fn rect(&self, strip: Rect) -> Rect {
        let (left, right, height) = match self.kind {
            MarkKind::Answer => (0.0, 1.0, 4.0),
            MarkKind::Search => (0.0, 0.5, 2.0),
            MarkKind::Span => (0.5, 1.0, 2.0),
        };
        let x = strip.left() + strip.width() * left..=strip.left() + strip.width() * right;
        let top = (strip.top() + self.y).min(strip.bottom() - height);
        Rect::from_x_y_ranges(x, top..=top + height)
    }
}

impl Gutter {
    /// Estimates heights anew if what they depend on has changed.
    pub fn weigh(&mut self, pieces: &[Piece], measure: &Measure) {
        if self.weighed_for.as_ref() == Some(measure) {
            return;
        }
        let row_ems = measure.row_ems();
        let mut sum = 0.0;
        let heights = pieces.iter().map(|piece| {
            sum += f64::from(piece.estimated_rows(row_ems) * measure.row_height);
            sum
        });
        self.sums = std::iter::once(0.0).chain(heights).collect();
        self.weighed_for = Some(measure.clone());
        self.forget_ticks();
    }

    /// Marks have changed.
    pub fn forget_ticks(&mut self) {
        self.ticks = None;
    }

    /// Where the bar is drawn to, or the tick that is clicked. `top` is where the view stands.
    pub fn interact_ui(
        &mut self,
        ui: &Ui,
        id: Id,
        rect: Rect,
        top: Place,
        setter: &mut Typesetter<'_>,
    ) -> Option<Place> {
        let (strip, bar) = strip_and_bar(rect);
        let drawn_to = self.bar_ui(ui, id, bar, top, setter);
        drawn_to.or_else(|| self.strip_ui(ui, id, strip, setter))
    }

    fn bar_ui(
        &mut self,
        ui: &Ui,
        id: Id,
        bar: Rect,
        top: Place,
        setter: &mut Typesetter<'_>,
    ) -> Option<Place> {
        // Not focusable: the text is, and takes the keys.
        let response = ui.interact(bar, id.with("bar"), Sense::CLICK | Sense::DRAG);
        response.widget_info(|| WidgetInfo::new(Role::ScrollBar));
        let Some(pointer) = response.interact_pointer_pos() else {
            self.grip = None;
            return None;
        };
        let handle = self.handle(bar, top, setter)?;
        let middle = handle.rect.height() / 2.0;
        let is_on_handle = handle.rect.contains(pointer);
        let grip = *self.grip.get_or_insert(match is_on_handle {
            true => pointer.y - handle.rect.top(),
            false => middle,
        });
        let share = ((pointer.y - grip - bar.top()) / handle.room).clamp(0.0, 1.0);
        Some(self.place(handle.most * f64::from(share), setter))
    }

    fn strip_ui(
        &mut self,
        ui: &Ui,
        id: Id,
        strip: Rect,
        setter: &mut Typesetter<'_>,
    ) -> Option<Place> {
        let content = setter.content();
        if content.marks.is_empty() {
            return None;
        }
        let response = ui.interact(strip, id.with("ticks"), Sense::CLICK);
        if response.hovered() {
            ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
        }
        let pointer = response.interact_pointer_pos().filter(|_| response.clicked())?;
        let y = pointer.y - strip.top();
        let ticks = self.ticks(strip.height(), content).iter();
        let nearest = ticks.min_by(|a, b| (a.y - y).abs().total_cmp(&(b.y - y).abs()))?;
        Some(setter.in_view(nearest.at, strip.height()))
    }

    /// Draws both. `top` is where the view stands.
    pub fn paint_ui(&mut self, ui: &Ui, rect: Rect, top: Place, setter: &mut Typesetter<'_>) {
        let (strip, bar) = strip_and_bar(rect);
        let painter = ui.painter_at(rect);
        for tick in self.ticks(strip.height(), setter.content()) {
            let colour = tick.kind.colours(ui.visuals().dark_mode).line;
            painter.rect_filled(tick.rect(strip), 0.0, colour);
        }
        let Some(handle) = self.handle(bar, top, setter) else {
            return;
        };
        let strength = match ui.rect_contains_pointer(bar) {
            _ if self.grip.is_some() => 0.9,
            true => 0.7,
            false => 0.5,
        };
        // The fills of egui's own handles hardly stand out from a light page.
        let colour = ui.visuals().widgets.inactive.fg_stroke.color.gamma_multiply(strength);
        painter.rect_filled(bar, BAR_WIDTH / 2.0, ui.visuals().extreme_bg_color);
        painter.rect_filled(handle.rect, BAR_WIDTH / 2.0, colour);
    }

    fn handle(&self, bar: Rect, top: Place, setter: &mut Typesetter<'_>) -> Option<Handle> {
        let height = bar.height();
        let last = setter.last_top(height);
        if last == Place::START {
            return None;
        }
        let most = self.along(last, setter);
        let len = (height * height / self.sum() as f32).max(LEAST_HANDLE).min(height / 2.0);
        let room = height - len;
        let share = (self.along(top, setter) / most).min(1.0);
        let at = pos2(bar.left(), bar.top() + room * share as f32);
        Some(Handle { rect: Rect::from_min_size(at, vec2(bar.width(), len)), room, most })
    }

    fn sum(&self) -> f64 {
        self.sums.last().copied().unwrap_or(0.0)
    }

    /// Estimated height above a place.
    fn along(&self, place: Place, setter: &mut Typesetter<'_>) -> f64 {
        let share = (place.down / setter.height(place.ix).max(1.0)).clamp(0.0, 1.0);
        self.within(place.ix, f64::from(share))
    }

    /// Estimated height above a share of a piece.
    fn within(&self, ix: usize, share: f64) -> f64 {
        self.sums[ix] + share * (self.sums[ix + 1] - self.sums[ix])
    }

    /// The place that has so much estimated height above it.
    fn place(&self, above: f64, setter: &mut Typesetter<'_>) -> Place {
        let n_pieces = self.sums.len() - 1;
        let ix = self.sums.partition_point(|sum| *sum <= above).saturating_sub(1).min(n_pieces - 1);
        let share = (above - self.sums[ix]) / (self.sums[ix + 1] - self.sums[ix]);
        Place { ix, down: setter.height(ix) * share.clamp(0.0, 1.0) as f32 }
    }

    /// Ticks for a strip of this height, top to bottom. However many marks there are, no more are
    /// drawn than there is room for.
    fn ticks(&mut self, height: f32, content: &Content) -> &[Tick] {
        let known = self.ticks.take().filter(|(known_height, _)| *known_height == height);
        let ticks = known.unwrap_or_else(|| (height, self.new_ticks(height, content)));
        &self.ticks.insert(ticks).1
    }

    fn new_ticks(&self, height: f32, content: &Content) -> Vec<Tick> {
        let mut ticks: Vec<Tick> = Vec::new();
        for mark in &content.marks {
            let at = mark.range.start;
            let ix = piece_at(&content.pieces, at);
            let piece = &content.pieces[ix].range;
            let share = (at - piece.start) as f64 / piece.len() as f64;
            let y = (f64::from(height) * self.within(ix, share) / self.sum()).round() as f32;
            let kind = mark.kind;
            let is_there = |tick: &&Tick| tick.y == y && tick.kind == kind;
            // As many as there are kinds may share a place.
            if ticks.iter().rev().take(3).find(is_there).is_none() {
                ticks.push(Tick { y, kind, at });
            }
        }
        ticks
    }
}

fn strip_and_bar(rect: Rect) -> (Rect, Rect) {
    let bar_left = (rect.right() - BAR_WIDTH).max(rect.left());
    let (strip, bar) = rect.split_left_right_at_x(bar_left);
    let inside = rect.left() + GAP..=(strip.right() - GAP).max(rect.left() + GAP);
    (Rect::from_x_y_ranges(inside, rect.y_range()), bar)
}
