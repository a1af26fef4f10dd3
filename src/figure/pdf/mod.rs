//! Primitives as a PDF of one page: paths stay paths and text stays text, to be found and copied, in
//! fonts that come along, cut down to the glyphs that are used.
//!
//! The file says nothing of when or where it was made, so the same figure gives the same bytes.

mod fonts;
mod page;

use pdf_writer::{Filter, Finish, Pdf, Ref, TextStr};

use super::layout::{Drawing, Primitive, layout};
use super::shaping::shape;
use super::spec::Figure;
use fonts::Fonts;
use page::Page;

/// Why a PDF could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// The texts were refused.
    #[error("setting the text of a PDF: {0}")]
    Text(#[from] resvg::usvg::Error),
    /// A face could not be read.
    #[error("reading the font {face} for a PDF: {source}")]
    Face {
        /// Its name.
        face: String,
        /// What is wrong with it.
        source: ttf_parser::FaceParsingError,
    },
    /// A face could not be cut down.
    #[error("embedding the font {face} in a PDF: {source}")]
    Subset {
        /// Its name.
        face: String,
        /// What is wrong with it.
        source: subsetter::Error,
    },
}

/// Draws a figure as a PDF of its size. The same figure gives the same bytes.
///
/// # Errors
/// See [`PdfError`].
pub fn to_pdf(figure: &Figure) -> Result<Vec<u8>, PdfError> {
    let drawing = layout(figure);
    let runs: Vec<_> = drawing
        .primitives
        .iter()
        .filter_map(|primitive| match primitive {
            Primitive::Text(run) => Some(run),
            _ => None,
        })
        .collect();
    let mut texts = shape(&runs)?.into_iter();
    let mut fonts = Fonts::default();
    let mut page = Page::new(drawing.height_pt);
    for primitive in &drawing.primitives {
        match primitive {
            Primitive::Text(run) => {
                page.text(run, &texts.next().unwrap_or_default(), &mut fonts)?;
            }
            shape => page.shape(shape),
        }
    }
    write(&drawing, page, &fonts)
}

fn write(drawing: &Drawing, page: Page, fonts: &Fonts) -> Result<Vec<u8>, PdfError> {
    let mut pdf = Pdf::new();
    // What every LaTeX takes without a word; transparency came with it.
    pdf.set_version(1, 4);
    let mut next = Ref::new(1);
    let [catalog, pages, leaf, content, info] = [(); 5].map(|()| next.bump());
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([leaf]).count(1);
    let mut written = pdf.page(leaf);
    let (width, height) = (drawing.width_pt as f32, drawing.height_pt as f32);
    written.parent(pages).contents(content);
    written.media_box(pdf_writer::Rect::new(0.0, 0.0, width, height));
    // What is half transparent is mixed as screens mix it, also where the page is printed.
    written.group().transparency().color_space().device_rgb();
    let mut resources = written.resources();
    page.states(&mut resources);
    let references = fonts.references(&mut next, &mut resources);
    resources.finish();
    written.finish();
    let stream = packed(&page.finish());
    pdf.stream(content, &stream).filter(Filter::FlateDecode);
    fonts.write(&mut pdf, references, &mut next)?;
    let mut about = pdf.document_info(info);
    about.producer(TextStr("Backstory"));
    if !drawing.title.is_empty() {
        about.title(TextStr(&drawing.title));
    }
    if !drawing.description.is_empty() {
        about.subject(TextStr(&drawing.description));
    }
    about.finish();
    Ok(pdf.finish())
}

/// Packed for [`Filter::FlateDecode`]. miniz_oxide gives the same bytes on every processor, as
/// faster ones do not promise. Of a hundred thousand points a better packing saves a fifth and takes
/// six times as long.
fn packed(bytes: &[u8]) -> Vec<u8> {
    const LARGE: usize = 1 << 20;
    let level = if bytes.len() < LARGE { 6 } else { 1 };
    miniz_oxide::deflate::compress_to_vec_zlib(bytes, level)
}

#[cfg(test)]
mod tests;
