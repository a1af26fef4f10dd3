//! The typefaces that come with the program, for pictures and for the window.
//!
//! A picture must not depend on what is installed where it is drawn, and Chinese data must be
//! readable on a machine that has no Chinese font. DejaVu Sans is the face whose widths
//! [`super::text`] counts with, and it has Latin, Greek and Cyrillic letters with all accents,
//! Arabic and Hebrew; Droid Sans Fallback has Chinese characters and Japanese kana. No face here
//! has the syllables of Korean: they are drawn as boxes.
//! Their licences are in `assets/fonts/NOTICE.md`.
//!
//! Statics, not constants: a constant may be copied into the program wherever it is used.

use std::sync::{Arc, LazyLock};

use resvg::usvg::Options;
use resvg::usvg::fontdb::{Database, ID, Source};

/// DejaVu Sans.
pub static SANS: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans.ttf");

/// DejaVu Sans Bold.
pub static SANS_BOLD: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-Bold.ttf");

/// Droid Sans Fallback: Chinese characters and kana.
pub static CJK: &[u8] = include_bytes!("../../assets/fonts/DroidSansFallbackFull.ttf");

/// The faces above, for what turns text into glyphs. The first that has a character draws it,
/// beginning with the one asked for; no font of the machine is looked at, so a figure is the same
/// picture everywhere.
pub(super) static DATABASE: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    for face in faces() {
        fonts.load_font_source(Source::Binary(Arc::new(face)));
    }
    // What an SVG falls back to that asks for none of these families.
    fonts.set_serif_family("DejaVu Sans");
    fonts.set_sans_serif_family("DejaVu Sans");
    Arc::new(fonts)
});

fn faces() -> [&'static [u8]; 3] {
    [SANS, SANS_BOLD, CJK]
}

/// The file of a face of [`DATABASE`], and its PostScript name.
pub(super) fn file(id: ID) -> Option<(&'static [u8], &'static str)> {
    let loaded = DATABASE.faces().zip(faces());
    let named = loaded.map(|(info, file)| (info.id, (file, info.post_script_name.as_str())));
    named.into_iter().find(|(other, _)| *other == id).map(|(_, file)| file)
}

/// How text is read: at 72 dots per inch an SVG's points are its pixels.
pub(super) fn options() -> Options<'static> {
    Options { dpi: 72.0, fontdb: Arc::clone(&DATABASE), ..Options::default() }
}
