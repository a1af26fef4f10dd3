//! A read-only text of a few bytes up to several megabytes, some of it marked.
//!
//! The text is cut once into pieces of about 2,000 bytes; a frame lays out the pieces
//! that can be seen, those of the last page and, within a line too long for one piece, a few
//! before them, whose rows they go on with. Where the view stands is a piece and a distance below
//! its top, so a piece above that turns out higher than was thought moves nothing. The scroll bar
//! goes by estimated heights only and never learns the real ones: it stays where the hand holds
//! it.
//!
//! Selecting is done here and not by egui's labels: they forget a selection whose other end is
//! not drawn, and put a line break between two labels where the text has none.
//!
//! What does **not** belong here: what is marked and why (the pages), editing (`egui::TextEdit`).
//! The order of right-to-left runs is egui's: it shapes their letters but lays rows out from the
//! left, and a selection inside such a run is only nearly where it looks to be.

mod gutter;
mod map;
mod marked;
mod pieces;
mod regions;
mod scroll;
mod select;
#[cfg(test)]
mod tests;
mod typeset;

use std::ops::Range;
use std::sync::Arc;

use egui::accesskit::Role;
use egui::emath::TSTransform;
use egui::text_selection::accesskit_text;
use egui::text_selection::visuals::paint_text_selection;
use egui::{Pos2, Rect, Response, Sense, Ui, UiBuilder, WidgetInfo, vec2};

pub use marked::{MarkKind, Marked};
pub use regions::{Region, RegionKind};

use gutter::Gutter;
use pieces::{Counted, Piece};
use scroll::View;
use select::Selection;
use typeset::{Look, Typesetter, Visible};

/// Between the text and the edges of its area, so that marks are not cut off.
const PADDING: f32 = 4.0;

/// What is shown.
struct Content {
    text: Arc<str>,
    pieces: Vec<Piece>,
    /// The whole of it.
    counted: Counted,
    marks: Vec<Marked>,
    regions: Vec<Region>,
    /// Whether a map of the whole is drawn beside it.
    has_map: bool,
}

/// A text, prepared for being shown, and how far it is scrolled.
pub struct LongText {
    content: Content,
    gutter: Gutter,
    view: View,
    selection: Option<Selection>,
    /// The byte that the pointer is at, if it is over the text.
    pointed: Option<usize>,
}

/// A place in a text, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    /// Unicode characters before it.
    pub chars: usize,
    /// The word that it is in, or the next one.
    pub words: usize,
}

impl LongText {
    /// Prepares a text. Of marks that overlap the later one loses what both cover; what of a mark
    /// is not in the text, or only part of a character, is left out.
    pub fn new(text: Arc<str>, marks: Vec<Marked>) -> Self {
        let (pieces, counted) = pieces::cut(&text);
        let marks = marked::tidy(&text, marks);
        let content = Content { pieces, counted, marks, regions: Vec::new(), has_map: false, text };
        Self {
            content,
            gutter: Gutter::default(),
            view: View::default(),
            selection: None,
            pointed: None,
        }
    }

    /// With a map of the whole text beside it, and bars beside these stretches.
    pub fn with_map(mut self, regions: Vec<Region>) -> Self {
        self.content.regions = regions::tidy(&self.content.text, regions);
        self.content.has_map = true;
        self
    }

    /// Marks other parts of the same text.
    pub fn set_marks(&mut self, marks: Vec<Marked>) {
        self.content.marks = marked::tidy(&self.content.text, marks);
        self.gutter.forget_ticks();
    }

    /// What is marked, in ascending order.
    pub fn marks(&self) -> &[Marked] {
        &self.content.marks
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.content.text
    }

    /// The whole text, to be held on to.
    pub fn shared(&self) -> Arc<str> {
        self.content.text.clone()
    }

    /// Unicode characters of the whole text.
    pub fn n_chars(&self) -> usize {
        self.content.counted.n_chars
    }

    /// Words of the whole text: runs of anything but white space.
    pub fn n_words(&self) -> usize {
        self.content.counted.n_words
    }

    /// Bytes of what is selected, else an empty range at the pointer, if it was over the text in the last
    /// frame.
    pub fn pointed(&self) -> Option<Range<usize>> {
        let selected = self.selection.as_ref().map(Selection::range);
        selected.filter(|range| !range.is_empty()).or(self.pointed.map(|at| at..at))
    }

    /// Where byte `at` stands.
    pub fn offset(&self, at: usize) -> Offset {
        let text = &self.content.text;
        let at = text.floor_char_boundary(at);
        let ix = pieces::piece_at(&self.content.pieces, at);
        let Some(piece) = self.content.pieces.get(ix) else { return Offset { chars: 0, words: 0 } };
        let start = piece.range.start;
        let counted = Counted::after(&text[..start], piece).and(&text[start..at.max(start)]);
        // Of a word that has begun before, the place is in it; else the next one is meant.
        let is_within = !counted.is_after_space()
            && text[at..].chars().next().is_some_and(|c| !c.is_whitespace());
        let words = counted.n_words - usize::from(is_within);
        Offset { chars: counted.n_chars, words }
    }

    /// Scrolls so that byte `at` is in view at the next frame. Nothing moves if it is already.
    pub fn jump_to(&mut self, at: usize) {
        self.view.jump_to(at.min(self.content.text.len()));
    }

    /// Shows the text in all the room there is. `label` is the region's accessible name.
    pub fn ui(&mut self, ui: &mut Ui, id_salt: &str, label: &str) {
        let (rect, _) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
        let id = ui.make_persistent_id(id_salt);
        let (text_rect, gutter_rect) = gutter::split(rect, self.content.has_map);
        let region = ui.interact(text_rect, id, Sense::click_and_drag());
        region.widget_info(|| WidgetInfo::labeled(Role::Document, ui.is_enabled(), label));
        if text_rect.width() < 1.0 || text_rect.height() < 1.0 || !ui.is_rect_visible(rect) {
            return;
        }
        if self.content.text.is_empty() {
            let inside = UiBuilder::new().max_rect(text_rect.shrink(PADDING));
            ui.scope_builder(inside, |ui| ui.weak("(empty)"));
            return;
        }
        self.content_ui(ui, &region, gutter_rect, label);
        if region.has_focus() {
            let stroke = ui.visuals().selection.stroke;
            ui.painter().rect_stroke(rect, 2.0, stroke, egui::StrokeKind::Inside);
        }
    }

    fn content_ui(&mut self, ui: &mut Ui, region: &Response, gutter_rect: Rect, label: &str) {
        let ctx = ui.ctx().clone();
        let left = self.left();
        let look = Look::of(ui, region.rect.width() - left - PADDING);
        let mut setter = Typesetter::new(&ctx, &self.content, look);
        self.gutter.weigh(&self.content.pieces, setter.measure());
        let top = self.view.top();
        let of = (top, label);
        let by_hand = self.gutter.interact_ui(ui, region.id, gutter_rect, of, &mut setter);
        let selecting = self.selection.as_ref().is_some_and(|selection| selection.dragging);
        let top = self.view.scroll_ui(ui, region, selecting, by_hand, &mut setter);
        self.gutter.paint_ui(ui, gutter_rect, top, &mut setter);
        let visible = setter.visible(top, region.rect.height());
        let origin = region.rect.left_top() + vec2(left, 0.0);
        select::select_ui(&mut self.selection, ui, region, origin, &visible, &self.content.text);
        self.pieces_ui(ui, region, origin, &visible);
        let pointer = region.hover_pos();
        self.pointed = pointer.and_then(|pointer| select::byte_at(origin, &visible, pointer));
        if !self.content.regions.is_empty() {
            let (clip, regions) = (region.rect, &self.content.regions);
            regions::bars_ui(ui, region.id, clip, origin.y, &visible, regions);
        }
    }

    /// Between the text and the left edge of its area.
    fn left(&self) -> f32 {
        if self.content.regions.is_empty() { PADDING } else { PADDING + regions::BARS_WIDTH }
    }

    fn pieces_ui(&self, ui: &mut Ui, region: &Response, origin: Pos2, visible: &[Visible]) {
        let inside = UiBuilder::new()
            .id_salt(region.id.with("pieces"))
            .max_rect(region.rect)
            .accessibility_parent(region.id);
        let mut ui = ui.new_child(inside);
        ui.shrink_clip_rect(region.rect);
        let selected = self.selection.as_ref().map(Selection::range).unwrap_or_default();
        for piece in visible {
            piece_ui(&ui, region, origin + vec2(0.0, piece.y), piece, &selected);
        }
    }
}

fn piece_ui(ui: &Ui, region: &Response, at: Pos2, piece: &Visible, selected: &Range<usize>) {
    let rect = Rect::from_min_size(at, piece.galley.size());
    let response = ui.interact(rect, region.id.with(piece.ix), Sense::hover());
    let text = piece.galley.text();
    response.widget_info(|| WidgetInfo::labeled(Role::Label, ui.is_enabled(), text));
    let cursors = piece.cursors(selected);
    let moved = TSTransform::from_translation(at.to_vec2());
    let (ctx, id) = (ui.ctx(), response.id);
    accesskit_text::update_accesskit_for_text_widget(ctx, id, cursors, moved, &piece.galley);
    let mut galley = Arc::clone(&piece.galley);
    if let Some(cursors) = cursors {
        paint_text_selection(&mut galley, ui.visuals(), &cursors, None);
    }
    ui.painter().galley(at, galley, ui.visuals().text_color());
}
