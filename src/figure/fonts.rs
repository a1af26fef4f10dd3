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

/// DejaVu Sans.
pub static SANS: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans.ttf");

/// DejaVu Sans Bold.
pub static SANS_BOLD: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-Bold.ttf");

/// Droid Sans Fallback: Chinese characters and kana.
pub static CJK: &[u8] = include_bytes!("../../assets/fonts/DroidSansFallbackFull.ttf");
