//! Right of the text: where the view stands in the whole, and where marks are.

use egui::accesskit::Role;
use egui::{CursorIcon, Id, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use super::Content;
use super::map::{self, MAP_WIDTH, Stretch, TICKS_WIDTH, Tick};
use super::pieces::{Piece, piece_at};
use super::typeset::{Measure, Place, Typesetter};

/// Width of the scroll bar.
const BAR_WIDTH: f32 = 10.0;

/// Between text, ticks and bar.
const GAP: f32 = 2.0;

/// A handle is never shorter: it has to be caught.
const LEAST_HANDLE: f32 = 24.0;

/// The area of the text and that of the gutter.
pub fn split(rect: Rect, has_map: bool) -> (Rect, Rect) {
    let strip = if has_map { MAP_WIDTH } else { TICKS_WIDTH };
    let width = (GAP + strip + GAP + BAR_WIDTH).min(rect.width());
    rect.split_left_right_at_x(rect.right() - width)
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
    stretches: Option<(f32, Vec<Stretch>)>,
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
        self.forget_stretches();
    }

    /// Marks have changed.
    pub fn forget_ticks(&mut self) {
        self.ticks = None;
    }

    /// Regions have changed.
    pub fn forget_stretches(&mut self) {
        self.stretches = None;
    }

    /// Where the bar is drawn to, or what is clicked on the strip. `top` is where the view stands, `label`
    /// the text's name.
    pub fn interact_ui(
        &mut self,
        ui: &Ui,
        id: Id,
        rect: Rect,
        (top, label): (Place, &str),
        setter: &mut Typesetter<'_>,
    ) -> Option<Place> {
        let (strip, bar) = strip_and_bar(rect);
        let drawn_to = self.bar_ui(ui, id, bar, top, setter);
        drawn_to.or_else(|| self.strip_ui(ui, (id, label), strip, setter))
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
        (id, label): (Id, &str),
        strip: Rect,
        setter: &mut Typesetter<'_>,
    ) -> Option<Place> {
        let content = setter.content();
        if content.marks.is_empty() && !content.has_map {
            return None;
        }
        let response = ui.interact(strip, id.with("ticks"), Sense::CLICK | Sense::DRAG);
        if response.hovered() {
            ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
        }
        if content.has_map {
            map::name(ui, &response, label);
        }
        let pointer = response.interact_pointer_pos();
        let (is_clicked, is_dragged) = (response.clicked(), response.dragged());
        if content.has_map {
            response.on_hover_ui(|ui| map::legend_ui(ui, content));
        }
        let pointer = pointer?;
        let height = strip.height();
        let nearest = map::nearest(self.ticks(height, content), pointer.y - strip.top());
        match nearest.filter(|_| is_clicked) {
            Some(tick) => Some(setter.in_view(tick.at, height)),
            None if is_clicked || is_dragged => {
                let above = self.sum() * map::share(strip, pointer);
                let place = self.place(above, setter);
                // What is pointed at comes to stand in the middle.
                Some(setter.shift(place, -height / 2.0))
            }
            None => None,
        }
    }

    /// Draws both. `top` is where the view stands.
    pub fn paint_ui(&mut self, ui: &Ui, rect: Rect, top: Place, setter: &mut Typesetter<'_>) {
        let (strip, bar) = strip_and_bar(rect);
        let painter = ui.painter_at(rect);
        let content = setter.content();
        let height = strip.height();
        let seen = content.has_map.then(|| {
            let scale = f64::from(height) / self.sum().max(1.0);
            let from = self.along(top, setter) * scale;
            [from as f32, (from + f64::from(height) * scale) as f32]
        });
        self.ticks(height, content);
        self.stretches(height, content);
        if let (Some((_, ticks)), Some((_, stretches))) = (&self.ticks, &self.stretches) {
            map::paint(ui, strip, stretches, ticks, seen);
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
            let y = self.height_of(at, height, content).round();
            let kind = mark.kind;
            let is_there = |tick: &&Tick| tick.y == y && tick.kind == kind;
            // As many as there are kinds may share a place.
            if ticks.iter().rev().take(4).find(is_there).is_none() {
                ticks.push(Tick { y, kind, at });
            }
        }
        ticks
    }

    /// How far down a strip of this height byte `at` is.
    fn height_of(&self, at: usize, height: f32, content: &Content) -> f32 {
        let ix = piece_at(&content.pieces, at);
        let piece = &content.pieces[ix].range;
        let share = (at - piece.start).min(piece.len()) as f64 / piece.len() as f64;
        (f64::from(height) * self.within(ix, share) / self.sum()) as f32
    }

    /// Regions on a strip of this height; the most important come last. Of those that begin in the same
    /// place only the first is drawn.
    fn stretches(&mut self, height: f32, content: &Content) {
        if self.stretches.as_ref().is_some_and(|(known, _)| *known == height) {
            return;
        }
        let mut stretches: Vec<Stretch> = Vec::new();
        for region in &content.regions {
            let from = self.height_of(region.range.start, height, content).floor();
            let to = self.height_of(region.range.end, height, content);
            let kind = region.kind;
            let is_there = |other: &&Stretch| other.kind == kind && other.from == from;
            if stretches.iter().rev().take(4).find(is_there).is_none() {
                stretches.push(Stretch { from, to, kind });
            }
        }
        stretches.sort_by_key(|stretch| stretch.kind);
        self.stretches = Some((height, stretches));
    }
}

fn strip_and_bar(rect: Rect) -> (Rect, Rect) {
    let bar_left = (rect.right() - BAR_WIDTH).max(rect.left());
    let (strip, bar) = rect.split_left_right_at_x(bar_left);
    let inside = rect.left() + GAP..=(strip.right() - GAP).max(rect.left() + GAP);
    (Rect::from_x_y_ranges(inside, rect.y_range()), bar)
}
