//! Small shapes: markers and filled bars, the same in a panel and in the legend.

use super::super::marks::{Hatch, Marker, Paint};
use super::super::spec::Style;
use super::clip;
use super::primitive::{Ink, Primitive, Rect, Stroke};

/// A marker of a given width about a point.
pub fn marker(
    shape: Marker,
    [x, y]: [f64; 2],
    size: f64,
    paint: &Paint,
    style: Style,
) -> Primitive {
    let r = size / 2.0;
    let ink = Ink::of(paint, style);
    let stroke = Stroke { dash: Vec::new(), ..Stroke::of(paint, style) };
    let filled = |corners: &[[f64; 2]]| Primitive::Path {
        runs: vec![corners.iter().map(|c| [x + c[0] * r, y + c[1] * r]).collect()],
        closed: true,
        fill: Some(ink),
        stroke: None,
    };
    let crossed = |arm: [f64; 2]| {
        let [a, b] = arm.map(|v| v * r);
        let runs = vec![vec![[x - a, y - b], [x + a, y + b]], vec![[x + b, y - a], [x - b, y + a]]];
        Primitive::lines(runs, stroke.clone())
    };
    // Corners chosen so that all shapes look about equally large.
    match shape {
        Marker::Circle => {
            Primitive::Circle { at: [x, y], radius: r, fill: Some(ink), stroke: None }
        }
        Marker::Ring => {
            Primitive::Circle { at: [x, y], radius: r * 0.9, fill: None, stroke: Some(stroke) }
        }
        Marker::Square => filled(&[[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]),
        Marker::Triangle => filled(&[[0.0, -1.15], [1.1, 0.8], [-1.1, 0.8]]),
        Marker::TriangleDown => filled(&[[0.0, 1.15], [1.1, -0.8], [-1.1, -0.8]]),
        Marker::Diamond => filled(&[[0.0, -1.25], [1.05, 0.0], [0.0, 1.25], [-1.05, 0.0]]),
        Marker::Plus => crossed([0.0, 1.1]),
        Marker::Cross => crossed([0.85, 0.85]),
    }
}

/// A filled rectangle; `em` sets how dense a hatch is.
pub(super) fn bar(
    rect: Rect,
    hatch: Hatch,
    paint: &Paint,
    em: f64,
    style: Style,
) -> Vec<Primitive> {
    let ink = Ink::of(paint, style);
    match hatch {
        Hatch::Solid => vec![Primitive::Rect { rect, fill: Some(ink), stroke: None }],
        _ => pale_bar(rect, hatch, paint, em, style),
    }
}

/// A pale rectangle with its hatch and an outline in the full colour.
pub(super) fn pale_bar(
    rect: Rect,
    hatch: Hatch,
    paint: &Paint,
    em: f64,
    style: Style,
) -> Vec<Primitive> {
    let outline = Stroke::of(paint, style);
    let filled = |fill| Primitive::Rect { rect, fill: Some(fill), stroke: None };
    let mut drawn: Vec<_> = pale(hatch, paint, style).map(filled).collect();
    drawn.extend(strokes(hatching(&rect, hatch, DENSITY * em), &outline, em));
    drawn.push(Primitive::Rect { rect, fill: None, stroke: Some(outline) });
    drawn
}

/// A pale area with its hatch and an outline in the full colour.
pub(super) fn pale_area(
    outline: Vec<[f64; 2]>,
    hatch: Hatch,
    paint: &Paint,
    em: f64,
    style: Style,
) -> Vec<Primitive> {
    let pen = Stroke { dash: Vec::new(), ..Stroke::of(paint, style) };
    let around = clip::bounds(&outline);
    let across = hatching(&around, hatch, DENSITY * em);
    let inside: Vec<_> =
        across.iter().flat_map(|run| clip::inside([run[0], run[1]], &outline)).collect();
    let path =
        |fill, stroke| Primitive::Path { runs: vec![outline.clone()], closed: true, fill, stroke };
    let mut drawn: Vec<_> = pale(hatch, paint, style).map(|fill| path(Some(fill), None)).collect();
    drawn.extend(strokes(inside.into_iter().map(Vec::from).collect(), &pen, em));
    drawn.push(path(None, Some(pen)));
    drawn
}

/// Between two strokes of a hatch, in font sizes.
const DENSITY: f64 = 0.45;

/// What a pale filling is made of: an opaque ground, as what lies below would make the tint look
/// like another, and the tint unless it is to stay open.
pub fn pale(hatch: Hatch, paint: &Paint, style: Style) -> impl Iterator<Item = Ink> {
    let tint = (hatch != Hatch::Open).then(|| Ink::of(paint, style).fainter(0.25));
    std::iter::once(Ink::opaque(style.background())).chain(tint)
}

fn strokes(runs: Vec<Vec<[f64; 2]>>, outline: &Stroke, em: f64) -> Option<Primitive> {
    let stroke = Stroke::solid(outline.ink, (outline.width_pt * 0.8).min(0.12 * em));
    (!runs.is_empty()).then(|| Primitive::lines(runs, stroke))
}

/// Strokes on a grid of the whole page, so that neighbouring bars' hatches line up.
fn hatching(rect: &Rect, hatch: Hatch, gap: f64) -> Vec<Vec<[f64; 2]>> {
    let slope: &[f64] = match hatch {
        Hatch::Solid | Hatch::Open => &[],
        Hatch::Rising => &[-1.0],
        Hatch::Falling => &[1.0],
        Hatch::Cross => &[-1.0, 1.0],
        Hatch::Level => &[0.0],
    };
    let (left, right) = (rect.x, rect.right());
    let mut runs = Vec::new();
    for &slope in slope {
        // Lines y = slope * x + c for each c on the grid that can meet the rectangle.
        let gap = gap * f64::hypot(1.0, slope);
        let starts = [rect.y - slope * left, rect.y - slope * right];
        let first = starts[0].min(starts[1]);
        let last = starts[0].max(starts[1]) + rect.h;
        let mut step = (first / gap).ceil();
        while step * gap < last {
            let c = step * gap;
            let ends = [[left, slope * left + c], [right, slope * right + c]];
            runs.extend(clip::segment(ends[0], ends[1], rect).map(Vec::from));
            step += 1.0;
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Rect = Rect { x: 100.0, y: 50.0, w: 20.0, h: 40.0 };

    #[test]
    fn hatches_stay_inside_and_are_dense() {
        for hatch in [Hatch::Rising, Hatch::Falling, Hatch::Cross, Hatch::Level] {
            let runs = hatching(&BOX, hatch, 4.0);
            assert!(runs.len() >= 9, "{hatch:?} {}", runs.len());
            assert!(runs.iter().flatten().all(|p| BOX.holds(*p)));
        }
        assert!(hatching(&BOX, Hatch::Solid, 4.0).is_empty());
        let open = bar(BOX, Hatch::Open, &Paint::new([9; 3]), 8.0, Style::Paper);
        let inks: Vec<_> = open
            .iter()
            .map(|p| match p {
                Primitive::Rect { fill, stroke, .. } => {
                    (fill.map(|ink| ink.color), stroke.is_some())
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(inks, [(Some([255; 3]), false), (None, true)]);
        let rising = &hatching(&BOX, Hatch::Rising, 4.0)[3];
        assert!(rising[0][0] < rising[1][0] && rising[0][1] > rising[1][1]);
    }

    #[test]
    fn a_plus_is_upright_and_a_cross_is_not() {
        let arms = |shape| {
            let paint = Paint::new([0; 3]);
            match marker(shape, [0.0, 0.0], 4.0, &paint, Style::Paper) {
                Primitive::Path { runs, .. } => runs,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(arms(Marker::Plus)[0], [[0.0, -2.2], [0.0, 2.2]]);
        assert_eq!(arms(Marker::Cross)[0], [[-1.7, -1.7], [1.7, 1.7]]);
    }
}
