//! What is painted on the page, as PDF operators (ISO 32000-1, 8 and 9).

use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::writers::{ExtGraphicsState, Resources};
use pdf_writer::{Content, Name, Str};

use super::super::layout::{Ink, Primitive, Rect, Stroke, TextRun};
use super::super::shaping::Glyph;
use super::PdfError;
use super::fonts::Fonts;

/// Operators in the making. What was set last is remembered, so that it is not set again.
pub(super) struct Page {
    content: Content,
    height: f64,
    fill: Option<[u8; 3]>,
    line: Option<[u8; 3]>,
    width: Option<f32>,
    dash: Option<Vec<f32>>,
    /// The opacities in percent that are used, by the number in the name of their graphics state.
    opacities: Vec<u8>,
    opacity: u8,
}

impl Page {
    pub(super) fn new(height: f64) -> Self {
        let mut content = Content::new();
        content.set_line_join(LineJoinStyle::RoundJoin);
        content.set_line_cap(LineCapStyle::ButtCap);
        Self {
            content,
            height,
            fill: None,
            line: None,
            width: None,
            dash: None,
            opacities: Vec::new(),
            opacity: 100,
        }
    }

    /// The operators.
    pub(super) fn finish(self) -> Vec<u8> {
        self.content.finish().into_vec()
    }

    /// Names the opacities that [`Page::shape`] and [`Page::text`] used.
    pub(super) fn states(&self, resources: &mut Resources<'_>) {
        let mut states = resources.ext_g_states();
        for (ix, percent) in self.opacities.iter().enumerate() {
            let alpha = f32::from(*percent) / 100.0;
            let mut state =
                states.insert(Name(state_name(ix).as_bytes())).start::<ExtGraphicsState<'_>>();
            state.non_stroking_alpha(alpha).stroking_alpha(alpha);
        }
    }

    /// Paints anything but text.
    pub(super) fn shape(&mut self, primitive: &Primitive) {
        let (fill, stroke) = match primitive {
            Primitive::Path { fill, stroke, .. }
            | Primitive::Rect { fill, stroke, .. }
            | Primitive::Circle { fill, stroke, .. } => (fill, stroke),
            Primitive::Text(_) => return,
        };
        if let Some(ink) = fill {
            self.set_fill(*ink);
            self.trace(primitive);
            self.content.fill_nonzero();
        }
        if let Some(stroke) = stroke {
            self.set_stroke(stroke);
            self.trace(primitive);
            self.content.stroke();
        }
    }

    /// Sets a text in the faces that its glyphs are in.
    pub(super) fn text(
        &mut self,
        run: &TextRun,
        glyphs: &[Glyph],
        fonts: &mut Fonts,
    ) -> Result<(), PdfError> {
        if glyphs.is_empty() {
            return Ok(());
        }
        self.set_fill(run.ink);
        self.content.begin_text();
        let same_line = |a: &Glyph, b: &Glyph| a.face == b.face && a.at[1] == b.at[1];
        for piece in glyphs.chunk_by(same_line) {
            self.piece(run, piece, fonts)?;
        }
        self.content.end_text();
        Ok(())
    }

    /// Sets glyphs of one face on one line, each where it was placed: where the widths of those
    /// before it do not lead there, a number moves it.
    fn piece(
        &mut self,
        run: &TextRun,
        glyphs: &[Glyph],
        fonts: &mut Fonts,
    ) -> Result<(), PdfError> {
        let font = fonts.font(glyphs[0].face)?;
        let (sin, cos) = run.turn_deg.to_radians().sin_cos();
        let [along, down] = glyphs[0].at;
        let [x, y] =
            self.at([run.at[0] + along * cos - down * sin, run.at[1] + along * sin + down * cos]);
        let [sin, cos] = [sin, cos].map(|v| (v * 1e6).round() as f32 / 1e6);
        self.content.set_font(Name(font.name.as_bytes()), short(run.size_pt));
        self.content.set_text_matrix([cos, -sin, sin, cos, x, y]);
        let mut shown = self.content.show_positioned();
        let mut items = shown.items();
        let (mut codes, mut pen) = (Vec::new(), 0.0);
        for glyph in glyphs {
            // In thousandths of the font size, as the widths are.
            let wanted = (glyph.at[0] - along) / run.size_pt * 1000.0;
            let off = (wanted - pen).round();
            if off.abs() >= 1.0 && !codes.is_empty() {
                items.show(Str(&codes));
                codes.clear();
                items.adjust(-off as f32);
                pen += off;
            }
            let code = font.code(glyph);
            codes.extend(code.to_be_bytes());
            pen += font.width(glyph.id);
        }
        items.show(Str(&codes));
        Ok(())
    }

    fn trace(&mut self, primitive: &Primitive) {
        match primitive {
            Primitive::Path { runs, closed, .. } => {
                runs.iter().for_each(|run| self.polyline(run, *closed));
            }
            Primitive::Rect { rect: Rect { x, y, w, h }, .. } => {
                let [left, bottom] = self.at([*x, y + h]);
                self.content.rect(left, bottom, short(*w), short(*h));
            }
            Primitive::Circle { at, radius, .. } => self.circle(*at, *radius),
            Primitive::Text(_) => {}
        }
    }

    fn polyline(&mut self, run: &[[f64; 2]], closed: bool) {
        for (ix, point) in run.iter().enumerate() {
            let [x, y] = self.at(*point);
            match ix {
                0 => self.content.move_to(x, y),
                _ => self.content.line_to(x, y),
            };
        }
        if closed {
            self.content.close_path();
        }
    }

    /// Four cubic curves, off a circle by at most 0.03 % of its radius.
    fn circle(&mut self, [x, y]: [f64; 2], r: f64) {
        const ARM: f64 = 0.551_915;
        let arm = ARM * r;
        let [east_x, east_y] = self.at([x + r, y]);
        self.content.move_to(east_x, east_y);
        let quarters = [
            [[x + r, y + arm], [x + arm, y + r], [x, y + r]],
            [[x - arm, y + r], [x - r, y + arm], [x - r, y]],
            [[x - r, y - arm], [x - arm, y - r], [x, y - r]],
            [[x + arm, y - r], [x + r, y - arm], [x + r, y]],
        ];
        for quarter in quarters {
            let [[x1, y1], [x2, y2], [x3, y3]] = quarter.map(|p| self.at(p));
            self.content.cubic_to(x1, y1, x2, y2, x3, y3);
        }
        self.content.close_path();
    }

    fn set_fill(&mut self, ink: Ink) {
        self.set_opacity(ink.alpha);
        if self.fill.replace(ink.color) != Some(ink.color) {
            let [r, g, b] = ink.color.map(share);
            self.content.set_fill_rgb(r, g, b);
        }
    }

    fn set_stroke(&mut self, stroke: &Stroke) {
        self.set_opacity(stroke.ink.alpha);
        if self.line.replace(stroke.ink.color) != Some(stroke.ink.color) {
            let [r, g, b] = stroke.ink.color.map(share);
            self.content.set_stroke_rgb(r, g, b);
        }
        let width = short(stroke.width_pt);
        if self.width.replace(width) != Some(width) {
            self.content.set_line_width(width);
        }
        let dash: Vec<f32> = stroke.dash.iter().map(|v| short(*v)).collect();
        if self.dash.as_ref() != Some(&dash) {
            self.content.set_dash_pattern(dash.iter().copied(), 0.0);
            self.dash = Some(dash);
        }
    }

    fn set_opacity(&mut self, alpha: f64) {
        let percent = (100.0 * alpha).round().clamp(0.0, 100.0) as u8;
        if percent == self.opacity {
            return;
        }
        self.opacity = percent;
        let known = self.opacities.iter().position(|other| *other == percent);
        let ix = known.unwrap_or_else(|| {
            self.opacities.push(percent);
            self.opacities.len() - 1
        });
        self.content.set_parameters(Name(state_name(ix).as_bytes()));
    }

    /// A place on a page whose y goes upwards.
    fn at(&self, [x, y]: [f64; 2]) -> [f32; 2] {
        [short(x), short(self.height - y)]
    }
}

fn state_name(ix: usize) -> String {
    format!("A{ix}")
}

/// Two decimals, as in the SVG: finer than any printer's dot, and short.
fn short(value: f64) -> f32 {
    if value.is_finite() { ((value * 100.0).round() / 100.0) as f32 } else { 0.0 }
}

/// Three decimals tell 256 shades apart.
fn share(byte: u8) -> f32 {
    (f64::from(byte) / 255.0 * 1000.0).round() as f32 / 1000.0
}
