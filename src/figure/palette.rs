//! Colours, markers, hatches and dashes by index, so that kinds differ without colour too.

use super::marks::{Dash, Hatch, Marker};

/// The colour-blind safe colours of M. Okabe and K. Ito, "Color Universal Design" (2008).
pub const OKABE_ITO: [[u8; 3]; 8] = [
    [0xE6, 0x9F, 0x00],
    [0x56, 0xB4, 0xE9],
    [0x00, 0x9E, 0x73],
    [0xF0, 0xE4, 0x42],
    [0x00, 0x72, 0xB2],
    [0xD5, 0x5E, 0x00],
    [0xCC, 0x79, 0xA7],
    [0x00, 0x00, 0x00],
];

/// The `i`th colour, beginning again after eight.
pub fn okabe_ito(i: usize) -> [u8; 3] {
    OKABE_ITO[i % OKABE_ITO.len()]
}

/// The `i`th marker, beginning again after eight.
pub fn marker(i: usize) -> Marker {
    const MARKERS: [Marker; 8] = [
        Marker::Circle,
        Marker::Square,
        Marker::Triangle,
        Marker::Diamond,
        Marker::TriangleDown,
        Marker::Plus,
        Marker::Cross,
        Marker::Ring,
    ];
    MARKERS[i % MARKERS.len()]
}

/// The `i`th filling, solid first, beginning again after five.
pub fn hatch(i: usize) -> Hatch {
    const HATCHES: [Hatch; 5] =
        [Hatch::Solid, Hatch::Rising, Hatch::Falling, Hatch::Cross, Hatch::Level];
    HATCHES[i % HATCHES.len()]
}

/// The `i`th line pattern, solid first, beginning again after four.
pub fn dash(i: usize) -> Dash {
    const DASHES: [Dash; 4] = [Dash::Solid, Dash::Dashed, Dash::Dotted, Dash::DashDot];
    DASHES[i % DASHES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_begin_again_and_differ_before() {
        assert_eq!(okabe_ito(0), [230, 159, 0]);
        assert_eq!(okabe_ito(8), okabe_ito(0));
        assert_eq!(marker(9), Marker::Square);
        assert_eq!(hatch(5), Hatch::Solid);
        assert_eq!(dash(4), Dash::Solid);
        for i in 0..8 {
            for j in 0..i {
                assert_ne!(okabe_ito(i), okabe_ito(j));
                assert_ne!(marker(i), marker(j));
            }
        }
    }
}
