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

/// Nine colours from pale yellow over green and blue to near black. Each is as much darker than the
/// one before (about 10 of CIE L*), so that a grey print and every kind of colour blindness show the
/// same order.
const RAMP: [[u8; 3]; 9] = [
    [0xFA, 0xF8, 0xD9],
    [0xBB, 0xE5, 0xAF],
    [0x72, 0xD0, 0xA3],
    [0x00, 0xB7, 0xA3],
    [0x00, 0x97, 0x9F],
    [0x00, 0x78, 0x96],
    [0x00, 0x5B, 0x83],
    [0x1C, 0x40, 0x62],
    [0x1D, 0x28, 0x3E],
];

/// The colour of a value of a heat map: 0 the least, 1 the most, the ends beyond them.
pub fn ramp(share: f64) -> [u8; 3] {
    let place = share.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let below = (place as usize).min(RAMP.len() - 2);
    let part = place - below as f64;
    let mixed = |i: usize| {
        let [from, to] = [below, below + 1].map(|ix| f64::from(RAMP[ix][i]));
        (from + part * (to - from)).round() as u8
    };
    [0, 1, 2].map(mixed)
}

/// How light a colour looks, 0 black to 100 white: L* of CIE 1976 for sRGB under D65.
pub fn lightness(color: [u8; 3]) -> f64 {
    let linear = |byte: u8| match f64::from(byte) / 255.0 {
        v if v <= 0.04045 => v / 12.92,
        v => ((v + 0.055) / 1.055).powf(2.4),
    };
    let [r, g, b] = color.map(linear);
    let luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    if luminance <= 216.0 / 24389.0 {
        luminance * 24389.0 / 27.0
    } else {
        116.0 * luminance.cbrt() - 16.0
    }
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
    fn what_is_alike_in_grey_differs_in_marker_hatch_and_dash() {
        for i in 0..8 {
            for j in i + 1..8 {
                let apart = (lightness(okabe_ito(i)) - lightness(okabe_ito(j))).abs();
                if apart < 10.0 {
                    assert_ne!(marker(i), marker(j));
                }
                // Hatches and dashes begin again sooner; neighbours never share them.
                if apart < 10.0 && j - i < 4 {
                    assert!(hatch(i) != hatch(j) && dash(i) != dash(j), "{i} {j}");
                }
            }
        }
    }

    #[test]
    fn the_ramp_grows_darker_evenly() {
        let steps: Vec<f64> = (0..=16).map(|i| lightness(ramp(f64::from(i) / 16.0))).collect();
        for pair in steps.windows(2) {
            assert!((3.5..7.0).contains(&(pair[0] - pair[1])), "{steps:?}");
        }
        assert_eq!([ramp(-1.0), ramp(2.0)], [RAMP[0], RAMP[8]]);
        assert_eq!([lightness([0; 3]), lightness([255; 3]).round()], [0.0, 100.0]);
        assert!((lightness([119, 119, 119]) - 50.0).abs() < 0.1);
    }

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
