//! The figure as pixels: our own SVG, rasterized with the fonts that come with the program.

use resvg::tiny_skia::{Color, IntSize, Pixmap, Transform};
use resvg::usvg::Tree;

use super::fonts;
use super::layout::layout;
use super::spec::Figure;
use super::svg::write_svg;

/// The most pixels a side.
const MAX_SIDE: u32 = 20_000;
/// The most pixels in all: 800 MB while the picture is drawn.
const MAX_PIXELS: u64 = 200_000_000;

/// Why a picture could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// Not a resolution.
    #[error("making a PNG: {dpi} dots per inch is not a resolution")]
    Dpi {
        /// What was asked for.
        dpi: f64,
    },
    /// More pixels than memory should be spent on, or none.
    #[error(
        "making a PNG of {width} x {height} pixels: it must have between 1 and {MAX_SIDE} a side, \
         and at most {MAX_PIXELS} in all"
    )]
    Size {
        /// Pixels in a row.
        width: f64,
        /// Rows.
        height: f64,
    },
    /// The pixels handed over are not as many as said.
    #[error("making a PNG of {width} x {height} pixels: {n_bytes} bytes are not four for each")]
    Pixels {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// What there was.
        n_bytes: usize,
    },
    /// The SVG was refused.
    #[error("making a PNG: {0}")]
    Svg(#[from] resvg::usvg::Error),
    /// The pixels could not be packed.
    #[error("packing a PNG: {0}")]
    Packing(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Draws a figure with so many pixels to an inch of paper; the file says how many, so that it
/// is printed in its size. The same figure gives the same bytes.
///
/// # Errors
/// See [`PngError`].
pub fn to_png(figure: &Figure, dpi: f64) -> Result<Vec<u8>, PngError> {
    if !(dpi.is_finite() && dpi > 0.0) {
        return Err(PngError::Dpi { dpi });
    }
    let drawing = layout(figure);
    let scale = dpi / 72.0;
    let pixels = |points: f64| (points * scale).round().max(1.0);
    let size = size(pixels(drawing.width_pt), pixels(drawing.height_pt))?;
    let mut pixmap = blank(size)?;
    // The page ends between two pixels; without this its last row would be half transparent.
    let [r, g, b] = figure.style.background();
    pixmap.fill(Color::from_rgba8(r, g, b, 255));
    let tree = Tree::from_str(&write_svg(&drawing), &fonts::options())?;
    let transform = Transform::from_scale(scale as f32, scale as f32);
    resvg::render(&tree, transform, &mut pixmap.as_mut());
    Ok(with_resolution(pack(&pixmap)?, dpi))
}

/// Packs pixels as they come from a window: rows from the top, four bytes each (red, green, blue
/// and an opacity that is not looked at, because a window has none).
///
/// # Errors
/// See [`PngError`].
pub fn rgba_to_png(width: u32, height: u32, rgba: &[u8]) -> Result<Vec<u8>, PngError> {
    let mut pixmap = blank(size(f64::from(width), f64::from(height))?)?;
    if pixmap.data().len() != rgba.len() {
        return Err(PngError::Pixels { width, height, n_bytes: rgba.len() });
    }
    for (to, from) in pixmap.data_mut().chunks_exact_mut(4).zip(rgba.chunks_exact(4)) {
        to.copy_from_slice(&[from[0], from[1], from[2], 255]);
    }
    pack(&pixmap)
}

fn size(width: f64, height: f64) -> Result<IntSize, PngError> {
    let side = 1.0..=f64::from(MAX_SIDE);
    let fits = side.contains(&width) && side.contains(&height);
    let size = IntSize::from_wh(width as u32, height as u32);
    size.filter(|_| fits && width * height <= MAX_PIXELS as f64)
        .ok_or(PngError::Size { width, height })
}

fn blank(size: IntSize) -> Result<Pixmap, PngError> {
    let (width, height) = (size.width(), size.height());
    let too_large = PngError::Size { width: width.into(), height: height.into() };
    Pixmap::new(width, height).ok_or(too_large)
}

fn pack(pixmap: &Pixmap) -> Result<Vec<u8>, PngError> {
    pixmap.encode_png().map_err(|error| PngError::Packing(error.into()))
}

/// Adds the chunk that says how many pixels a metre has (PNG specification, 11.3.4.3 pHYs). It
/// stands right after the header, which is always as long.
fn with_resolution(mut png: Vec<u8>, dpi: f64) -> Vec<u8> {
    const SIGNATURE_AND_HEADER: usize = 8 + 25;
    const METRE: u8 = 1;
    let per_metre = ((dpi / 0.0254).round() as u32).to_be_bytes();
    let mut chunk = Vec::from(9u32.to_be_bytes());
    chunk.extend(b"pHYs");
    chunk.extend(per_metre);
    chunk.extend(per_metre);
    chunk.push(METRE);
    let crc = crc32(&chunk[4..]);
    chunk.extend(crc.to_be_bytes());
    png.splice(SIGNATURE_AND_HEADER..SIGNATURE_AND_HEADER, chunk);
    png
}

/// The check sum of the PNG specification, annex D, a bit at a time: it is for thirteen bytes.
fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc));
    !bytes.iter().fold(u32::MAX, byte)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::super::spec::Style;
    use super::*;

    fn titled(title: &str) -> Figure {
        Figure { title: title.into(), width_in: 2.0, ..Figure::default() }
    }

    fn drawn(figure: &Figure) -> Pixmap {
        Pixmap::decode_png(&to_png(figure, 96.0).unwrap()).unwrap()
    }

    #[test]
    fn the_same_figure_gives_the_same_bytes() {
        for figure in samples::all() {
            assert_eq!(to_png(&figure, 72.0).unwrap(), to_png(&figure.clone(), 72.0).unwrap());
        }
    }

    #[test]
    fn the_size_follows_the_resolution() {
        let figure = samples::every_mark();
        let height_in = layout(&figure).height_pt / 72.0;
        for dpi in [72.0, 96.0, 300.0] {
            let png = to_png(&figure, dpi).unwrap();
            let pixmap = Pixmap::decode_png(&png).unwrap();
            assert_eq!(f64::from(pixmap.width()), (6.8 * dpi).round());
            assert_eq!(f64::from(pixmap.height()), (height_in * dpi).round());
            let per_metre = ((dpi / 0.0254).round() as u32).to_be_bytes();
            assert_eq!((&png[37..41], &png[41..45]), (&b"pHYs"[..], &per_metre[..]));
        }
    }

    #[test]
    fn check_sums_are_those_of_the_specification() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        // Every PNG ends in this chunk.
        assert_eq!(crc32(b"IEND"), 0xAE42_6082);
    }

    #[test]
    fn every_script_has_its_glyphs() {
        // Of what no font has, two different characters are drawn as the same box.
        let pairs = [("中", "文"), ("か", "な"), ("é", "è"), ("ж", "я"), ("λ", "ω")];
        for (one, other) in pairs {
            assert_ne!(drawn(&titled(one)), drawn(&titled(other)), "{one} {other}");
        }
        assert_eq!(drawn(&titled("\u{1F9F0}")), drawn(&titled("\u{1F9F1}")));
        let ink = |title| {
            let dark = |p: &&resvg::tiny_skia::PremultipliedColorU8| p.red() < 128;
            drawn(&titled(title)).pixels().iter().filter(dark).count()
        };
        assert!(ink("中文") > ink("") + 30);
    }

    #[test]
    fn the_page_is_opaque_up_to_its_edges() {
        for style in [Style::Paper, Style::ScreenLight, Style::ScreenDark] {
            let page = drawn(&Figure { style, font_pt: 7.3, ..titled("a") });
            assert!(page.pixels().iter().all(|p| p.alpha() == 255));
            let [r, g, b] = style.background();
            let corner = page.pixel(page.width() - 1, page.height() - 1).unwrap();
            assert_eq!([corner.red(), corner.green(), corner.blue()], [r, g, b]);
        }
    }

    #[test]
    fn senseless_sizes_are_refused() {
        let figure = samples::every_mark();
        for dpi in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(to_png(&figure, dpi), Err(PngError::Dpi { .. })), "{dpi}");
        }
        let error = to_png(&figure, 30_000.0).unwrap_err().to_string();
        assert!(error.contains("204000 x") && error.contains("20000 a side"), "{error}");
        assert!(to_png(&figure, 1e-9).is_ok());
    }

    #[test]
    fn pixels_of_a_window_come_back() {
        let png = rgba_to_png(2, 1, &[1, 2, 3, 255, 250, 100, 0, 7]).unwrap();
        let pixels = Pixmap::decode_png(&png).unwrap();
        assert_eq!(pixels.data(), [1, 2, 3, 255, 250, 100, 0, 255]);
        assert!(matches!(rgba_to_png(2, 2, &[0; 8]), Err(PngError::Pixels { n_bytes: 8, .. })));
        assert!(matches!(rgba_to_png(0, 2, &[]), Err(PngError::Size { .. })));
        assert!(matches!(rgba_to_png(u32::MAX, 2, &[]), Err(PngError::Size { .. })));
    }
}
