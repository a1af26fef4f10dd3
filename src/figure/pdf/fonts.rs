//! The faces of a PDF: which glyphs of each are used, and the font objects that hold them (ISO
//! 32000-1, 9.7 composite fonts).

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::writers::Resources;
use pdf_writer::{Filter, Finish, Name, Pdf, Ref, Str};
use resvg::usvg::fontdb::ID;
use sha2::{Digest, Sha256};
use subsetter::GlyphRemapper;
use ttf_parser::{Face, GlyphId};

use super::super::fonts::file;
use super::super::shaping::Glyph;
use super::{PdfError, packed};

const SYSTEM: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The faces that are used, in the order of their first glyphs.
#[derive(Default)]
pub(super) struct Fonts(Vec<Font>);

/// One face, and what is used of it.
pub(super) struct Font {
    id: ID,
    /// Its name in the page's resources.
    pub(super) name: String,
    post_script_name: &'static str,
    data: &'static [u8],
    face: Face<'static>,
    /// Glyphs are numbered anew, in the order of their use.
    codes: GlyphRemapper,
    /// What the new numbers stand for.
    texts: BTreeMap<u16, String>,
}

impl Fonts {
    /// The face with this id, opened when it is asked for the first time.
    pub(super) fn font(&mut self, id: ID) -> Result<&mut Font, PdfError> {
        let ix = match self.0.iter().position(|font| font.id == id) {
            Some(ix) => ix,
            None => {
                self.0.push(Font::open(id, format!("F{}", self.0.len()))?);
                self.0.len() - 1
            }
        };
        Ok(&mut self.0[ix])
    }

    /// Names the faces for the page.
    pub(super) fn references(&self, next: &mut Ref, resources: &mut Resources<'_>) -> Vec<Ref> {
        let mut named = resources.fonts();
        let mut references = Vec::new();
        for font in &self.0 {
            let reference = next.bump();
            named.pair(Name(font.name.as_bytes()), reference);
            references.push(reference);
        }
        references
    }

    /// Writes the faces, each at its reference.
    pub(super) fn write(
        &self,
        pdf: &mut Pdf,
        references: Vec<Ref>,
        next: &mut Ref,
    ) -> Result<(), PdfError> {
        let mut each = self.0.iter().zip(references);
        each.try_for_each(|(font, reference)| font.write(pdf, reference, next))
    }
}

impl Font {
    fn open(id: ID, name: String) -> Result<Self, PdfError> {
        // No text can have glyphs of a face that is not there.
        let (data, post_script_name) = file(id).unwrap_or_default();
        let face = Face::parse(data, 0)
            .map_err(|source| PdfError::Face { face: post_script_name.to_owned(), source })?;
        let codes = GlyphRemapper::new();
        Ok(Self { id, name, post_script_name, data, face, codes, texts: BTreeMap::new() })
    }

    /// The number of a glyph in this file, which from now on it has.
    pub(super) fn code(&mut self, glyph: &Glyph) -> u16 {
        let code = self.codes.remap(glyph.id);
        self.texts.entry(code).or_insert_with(|| glyph.text.clone());
        code
    }

    /// How far a glyph moves the next, in thousandths of the font size.
    pub(super) fn width(&self, glyph: u16) -> f64 {
        let units = self.face.glyph_hor_advance(GlyphId(glyph)).unwrap_or(0);
        self.thousandths(f64::from(units))
    }

    fn thousandths(&self, units: f64) -> f64 {
        units * 1000.0 / f64::from(self.face.units_per_em())
    }

    fn write(&self, pdf: &mut Pdf, reference: Ref, next: &mut Ref) -> Result<(), PdfError> {
        let [descendant, descriptor, characters, program] = [(); 4].map(|()| next.bump());
        let subset = subsetter::subset(self.data, 0, &self.codes).map_err(|source| {
            PdfError::Subset { face: self.post_script_name.to_owned(), source }
        })?;
        let base = format!("{}+{}", tag(&subset), self.post_script_name);
        let base = Name(base.as_bytes());
        pdf.type0_font(reference)
            .base_font(base)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(descendant)
            .to_unicode(characters);
        let mut cid = pdf.cid_font(descendant);
        cid.subtype(CidFontType::Type2).base_font(base).system_info(SYSTEM);
        cid.font_descriptor(descriptor).default_width(0.0);
        cid.cid_to_gid_map_predefined(Name(b"Identity"));
        cid.widths().consecutive(0, self.codes.remapped_gids().map(|id| self.width(id) as f32));
        cid.finish();
        self.describe(pdf, base, descriptor, program);
        pdf.cmap(characters, &self.characters());
        let length = subset.len() as i32;
        let stream = packed(&subset);
        let mut stream = pdf.stream(program, &stream);
        stream.filter(Filter::FlateDecode).pair(Name(b"Length1"), length);
        Ok(())
    }

    fn describe(&self, pdf: &mut Pdf, name: Name<'_>, descriptor: Ref, program: Ref) {
        let face = &self.face;
        let length = |units: i16| self.thousandths(f64::from(units)) as f32;
        let bounds = face.global_bounding_box();
        pdf.font_descriptor(descriptor)
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(pdf_writer::Rect::new(
                length(bounds.x_min),
                length(bounds.y_min),
                length(bounds.x_max),
                length(bounds.y_max),
            ))
            .italic_angle(face.italic_angle())
            .ascent(length(face.ascender()))
            .descent(length(face.descender()))
            .cap_height(length(face.capital_height().unwrap_or(face.ascender())))
            // No face says it, and no viewer needs it for a font that is there: that of Helvetica.
            .stem_v(if face.is_bold() { 140.0 } else { 88.0 })
            .font_file2(program);
    }

    /// What the glyphs stand for, so that text can be found and copied.
    fn characters(&self) -> Vec<u8> {
        let mut map = UnicodeCmap::new(Name(b"Characters"), SYSTEM);
        for (code, text) in self.texts.iter().filter(|(_, text)| !text.is_empty()) {
            map.pair_with_multiple(*code, text.chars());
        }
        map.finish().into_vec()
    }
}

/// Six letters that tell this subset from others of the same face (ISO 32000-1, 9.6.4).
fn tag(subset: &[u8]) -> String {
    let hash = Sha256::digest(subset);
    hash.iter().take(6).map(|byte| char::from(b'A' + byte % 26)).collect()
}
