//! Pieces laid out for one frame, and ways through them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use egui::emath::GuiRounding;
use egui::text::{ByteIndex, CCursor, CharIndex, LayoutJob, LayoutSection};
use egui::text_selection::{CCursorRange, text_cursor_state};
use egui::{Context, FontId, Galley, Rect, TextFormat, TextStyle, Ui, Vec2};

use super::Content;
use super::marked::{self, MarkKind};
use super::pieces::piece_at;

/// Narrower than this nothing can be read, and every letter would be a row.
const LEAST_WIDTH: f32 = 24.0;

/// How far from the top a place jumped to comes to stand, of the view's height.
const JUMP_SHARE: f32 = 0.3;

/// All that heights depend on, besides the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    font: FontId,
    pixels_per_point: f32,
    /// Where rows are wrapped.
    pub width: f32,
    /// Of one row.
    pub row_height: f32,
}

impl Measure {
    /// How many font sizes wide a row is.
    pub fn row_ems(&self) -> f32 {
        self.width / self.font.size
    }
}

/// How the text looks in this frame.
pub struct Look {
    measure: Measure,
    plain: TextFormat,
    answer: TextFormat,
    search: TextFormat,
    current: TextFormat,
    span: TextFormat,
}

impl Look {
    /// As the style in force says, wrapped at `width`.
    pub fn of(ui: &Ui, width: f32) -> Self {
        let font = TextStyle::Body.resolve(ui.style());
        let pixels_per_point = ui.pixels_per_point();
        // Rows are as high as whole pixels.
        let row_height = ui.fonts_mut(|fonts| fonts.row_height(&font));
        let row_height = row_height.round_to_pixels(pixels_per_point);
        let visuals = ui.visuals();
        Self {
            plain: TextFormat::simple(font.clone(), visuals.text_color()),
            answer: MarkKind::Answer.format(&font, visuals),
            search: MarkKind::Search.format(&font, visuals),
            current: MarkKind::Current.format(&font, visuals),
            span: MarkKind::Span.format(&font, visuals),
            measure: Measure {
                font,
                pixels_per_point,
                width: width.floor().max(LEAST_WIDTH),
                row_height,
            },
        }
    }

    fn format(&self, kind: Option<MarkKind>) -> &TextFormat {
        match kind {
            None => &self.plain,
            Some(MarkKind::Answer) => &self.answer,
            Some(MarkKind::Search) => &self.search,
            Some(MarkKind::Current) => &self.current,
            Some(MarkKind::Span) => &self.span,
        }
    }
}

/// A place in the laid-out text. The later one is the greater one.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Place {
    /// Which piece.
    pub ix: usize,
    /// How far below the top of the piece.
    pub down: f32,
}

impl Place {
    /// Where the text begins.
    pub const START: Self = Self { ix: 0, down: 0.0 };
}

/// A piece that is in view.
pub struct Visible {
    /// Which piece.
    pub ix: usize,
    /// Its top, below the view's.
    pub y: f32,
    /// Its bytes of the text.
    pub range: Range<usize>,
    /// Its rows.
    pub galley: Arc<Galley>,
}

impl Visible {
    /// The byte of the text that is nearest to a point below and right of the piece's corner.
    pub fn byte_at(&self, point: Vec2) -> usize {
        let cursor = self.galley.cursor_from_pos(point);
        self.range.start + byte_of(&self.galley, cursor.index)
    }

    /// The cursor before byte `at` of the text, as high as its row, below and right of the piece's corner.
    pub fn row_of(&self, at: usize) -> Rect {
        let cursor = cursor_of(&self.galley, at.saturating_sub(self.range.start));
        self.galley.pos_from_cursor(cursor)
    }

    /// Whether a point is left of where the first row begins: in the piece before.
    pub fn is_before(&self, point: Vec2) -> bool {
        let Some(row) = self.galley.rows.first() else {
            return false;
        };
        let begins = match row.glyphs.first() {
            Some(_) => row.rect_without_leading_space().left(),
            None => f32::INFINITY,
        };
        point.y < row.max_y() && point.x < begins
    }

    /// What of a range of bytes is in this piece, for drawing it as selected.
    pub fn cursors(&self, selected: &Range<usize>) -> Option<CCursorRange> {
        let start = selected.start.max(self.range.start);
        let end = selected.end.min(self.range.end);
        let cursor = |at: usize| cursor_of(&self.galley, at - self.range.start);
        (start < end).then(|| CCursorRange::two(cursor(start), cursor(end)))
    }
}

/// Lays pieces out when they are asked for.
///
/// Nothing is kept beyond the frame but what egui keeps itself: it throws laid-out text away when
/// its atlas of glyphs is full, and only it knows when.
pub struct Typesetter<'a> {
    ctx: &'a Context,
    content: &'a Content,
    look: Look,
    laid: BTreeMap<usize, Arc<Galley>>,
}

impl<'a> Typesetter<'a> {
    /// For a text that is not empty.
    pub fn new(ctx: &'a Context, content: &'a Content, look: Look) -> Self {
        Self { ctx, content, look, laid: BTreeMap::new() }
    }

    /// What heights depend on.
    pub fn measure(&self) -> &Measure {
        &self.look.measure
    }

    /// The text.
    pub fn content(&self) -> &'a Content {
        self.content
    }

    fn galley(&mut self, ix: usize) -> Arc<Galley> {
        if let Some(galley) = self.laid.get(&ix) {
            return Arc::clone(galley);
        }
        let indent = match self.content.pieces[ix].joins {
            true => self.galley(ix - 1).rows.last().map_or(0.0, |row| row.rect().right()),
            false => 0.0,
        };
        let job = job(self.content, &self.look, ix, indent);
        let galley = self.ctx.fonts_mut(|fonts| fonts.layout_job(job));
        self.laid.insert(ix, Arc::clone(&galley));
        galley
    }

    /// How far below a piece's top the next one's is.
    pub fn height(&mut self, ix: usize) -> f32 {
        let own = self.galley(ix).size().y;
        let next_joins = self.content.pieces.get(ix + 1).is_some_and(|next| next.joins);
        // The row they have in common counts once.
        if next_joins { own - self.look.measure.row_height } else { own }
    }

    /// The place that is lower by so much, but within the text.
    pub fn shift(&mut self, place: Place, by: f32) -> Place {
        let Place { mut ix, mut down } = place;
        down += by;
        while down < 0.0 {
            if ix == 0 {
                return Place::START;
            }
            ix -= 1;
            down += self.height(ix);
        }
        while ix + 1 < self.content.pieces.len() && down >= self.height(ix) {
            down -= self.height(ix);
            ix += 1;
        }
        Place { ix, down: down.min(self.height(ix)) }
    }

    /// The lowest place that a view of this height may begin at.
    pub fn last_top(&mut self, height: f32) -> Place {
        let mut room = height;
        for ix in (0..self.content.pieces.len()).rev() {
            let own = self.height(ix);
            if own >= room {
                return Place { ix, down: own - room };
            }
            room -= own;
        }
        Place::START
    }

    /// The top of the row that shows byte `at`, and how high the row is.
    pub fn row_of(&mut self, at: usize) -> (Place, f32) {
        let ix = piece_at(&self.content.pieces, at);
        let start = self.content.pieces[ix].range.start;
        let galley = self.galley(ix);
        let row = galley.pos_from_cursor(cursor_of(&galley, at.saturating_sub(start)));
        (Place { ix, down: row.min.y }, row.height())
    }

    /// Where a view of this height begins that shows byte `at` somewhat below its top.
    pub fn in_view(&mut self, at: usize, height: f32) -> Place {
        let (row, _) = self.row_of(at);
        self.shift(row, -height * JUMP_SHARE)
    }

    /// The first byte of the row at a place.
    pub fn byte_at(&mut self, place: Place) -> usize {
        let start = self.content.pieces[place.ix].range.start;
        let galley = self.galley(place.ix);
        let above = galley.rows.iter().take_while(|row| row.max_y() <= place.down);
        let n_chars = above.map(|row| row.char_count_including_newline().0).sum();
        start + byte_of(&galley, CharIndex(n_chars))
    }

    /// How far `to` is below `from`, if it is not above it and less than `limit`.
    pub fn below(&mut self, from: Place, to: Place, limit: f32) -> Option<f32> {
        let mut distance = -from.down;
        for ix in from.ix..to.ix {
            distance += self.height(ix);
            if distance >= limit {
                return None;
            }
        }
        distance += to.down;
        (from <= to && distance < limit).then_some(distance)
    }

    /// The pieces in a view that begins at `top`.
    pub fn visible(&mut self, top: Place, height: f32) -> Vec<Visible> {
        let mut y = -top.down;
        let mut first = top.ix;
        // The row at the top may begin in a piece before.
        while self.content.pieces[first].joins && y + self.look.measure.row_height > 0.0 {
            first -= 1;
            y -= self.height(first);
        }
        let mut visible = Vec::new();
        for (ix, piece) in self.content.pieces.iter().enumerate().skip(first) {
            if y >= height {
                break;
            }
            visible.push(Visible { ix, y, range: piece.range.clone(), galley: self.galley(ix) });
            y += self.height(ix);
        }
        visible
    }
}

fn job(content: &Content, look: &Look, ix: usize, indent: f32) -> LayoutJob {
    let piece = &content.pieces[ix];
    let shown = piece.shown(&content.text);
    let start = piece.range.start;
    let mut parts = marked::parts(&(start..start + shown.len()), &content.marks);
    if parts.is_empty() {
        // An empty line is as high as another only if it has a font.
        parts.push((start..start, None));
    }
    let section = |(range, kind): (Range<usize>, Option<MarkKind>)| LayoutSection {
        leading_space: if range.start == start { indent } else { 0.0 },
        byte_range: ByteIndex(range.start - start)..ByteIndex(range.end - start),
        format: look.format(kind).clone(),
    };
    LayoutJob {
        text: shown.to_owned(),
        sections: parts.into_iter().map(section).collect(),
        wrap: egui::text::TextWrapping::wrap_at_width(look.measure.width),
        // A first row without room for a word is there all the same.
        first_row_min_height: look.measure.row_height,
        ..LayoutJob::default()
    }
}

fn byte_of(galley: &Galley, index: CharIndex) -> usize {
    text_cursor_state::byte_index_from_char_index(galley.text(), index).0
}

fn cursor_of(galley: &Galley, byte: usize) -> CCursor {
    let at = galley.text().floor_char_boundary(byte);
    let index = text_cursor_state::char_index_from_byte_index(galley.text(), ByteIndex(at));
    // Shaping may leave fewer glyphs than characters; a cursor beyond them is nowhere.
    CCursor { index: index.min(galley.end().index), prefer_next_row: true }
}
