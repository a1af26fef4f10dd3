//! Cutting shapes at a rectangle, so that no writer needs clip paths and no coordinate is far
//! outside the page.

use super::primitive::Rect;

type Point = [f64; 2];

/// The part of a segment inside, by Liang and Barsky's parameters.
pub(super) fn segment(from: Point, to: Point, rect: &Rect) -> Option<[Point; 2]> {
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    let low = [rect.x, rect.y];
    let high = [rect.right(), rect.bottom()];
    for axis in 0..2 {
        let step = to[axis] - from[axis];
        if step == 0.0 {
            if from[axis] < low[axis] || from[axis] > high[axis] {
                return None;
            }
            continue;
        }
        let a = (low[axis] - from[axis]) / step;
        let b = (high[axis] - from[axis]) / step;
        enter = enter.max(a.min(b));
        leave = leave.min(a.max(b));
    }
    let at = |t: f64| {
        let along = |axis: usize| {
            let v = from[axis] + t * (to[axis] - from[axis]);
            v.clamp(low[axis], high[axis])
        };
        [along(0), along(1)]
    };
    // Ends inside are kept exactly, so that consecutive segments meet.
    let start = if enter == 0.0 { from } else { at(enter) };
    let end = if leave == 1.0 { to } else { at(leave) };
    (enter <= leave).then_some([start, end])
}

/// The parts of a polyline inside.
pub(super) fn polyline(points: &[Point], rect: &Rect) -> Vec<Vec<Point>> {
    let mut runs: Vec<Vec<Point>> = Vec::new();
    for pair in points.windows(2) {
        let Some([start, end]) = segment(pair[0], pair[1], rect) else {
            continue;
        };
        match runs.last_mut() {
            Some(run) if run.last() == Some(&start) => run.push(end),
            _ => runs.push(vec![start, end]),
        }
    }
    runs
}

/// The part of a polygon inside (Sutherland and Hodgman: one edge of the rectangle at a time).
pub(super) fn polygon(points: &[Point], rect: &Rect) -> Vec<Point> {
    let edges =
        [(0, rect.x, 1.0), (0, rect.right(), -1.0), (1, rect.y, 1.0), (1, rect.bottom(), -1.0)];
    edges
        .iter()
        .fold(points.to_vec(), |kept, &(axis, edge, side)| half_plane(&kept, axis, edge, side))
}

fn half_plane(points: &[Point], axis: usize, edge: f64, side: f64) -> Vec<Point> {
    let inside = |p: &Point| (p[axis] - edge) * side >= 0.0;
    let mut kept = Vec::with_capacity(points.len() + 4);
    for (i, to) in points.iter().enumerate() {
        let from = &points[(i + points.len() - 1) % points.len()];
        if inside(from) != inside(to) {
            let t = (edge - from[axis]) / (to[axis] - from[axis]);
            let other = 1 - axis;
            let mut crossing = [edge; 2];
            crossing[other] = from[other] + t * (to[other] - from[other]);
            kept.push(crossing);
        }
        if inside(to) {
            kept.push(*to);
        }
    }
    kept
}

/// The parts of a segment inside a polygon of any shape, from its begin to its end.
pub(super) fn inside([from, to]: [Point; 2], polygon: &[Point]) -> Vec<[Point; 2]> {
    let along = [to[0] - from[0], to[1] - from[1]];
    // On which side of the segment's line a corner lies, and how far along that line.
    let side = |p: &Point| along[0] * (p[1] - from[1]) - along[1] * (p[0] - from[0]);
    let length_sq = along[0] * along[0] + along[1] * along[1];
    let reach = |p: &Point| ((p[0] - from[0]) * along[0] + (p[1] - from[1]) * along[1]) / length_sq;
    let edges = polygon.iter().zip(polygon.iter().cycle().skip(1));
    let mut crossings: Vec<f64> = edges
        .filter(|(a, b)| (side(a) < 0.0) != (side(b) < 0.0))
        .map(|(a, b)| {
            let part = side(a) / (side(a) - side(b));
            reach(a) + part * (reach(b) - reach(a))
        })
        .collect();
    crossings.sort_by(f64::total_cmp);
    let at = |t: f64| [from[0] + t * along[0], from[1] + t * along[1]];
    let within = crossings.chunks_exact(2).map(|pair| [pair[0].max(0.0), pair[1].min(1.0)]);
    within.filter(|[enter, leave]| enter < leave).map(|ends| ends.map(at)).collect()
}

/// The smallest rectangle that holds all points.
pub(super) fn bounds(points: &[Point]) -> Rect {
    let mut ends = points.first().map_or([[0.0; 2]; 2], |first| [*first, *first]);
    for point in points {
        for axis in 0..2 {
            ends[0][axis] = ends[0][axis].min(point[axis]);
            ends[1][axis] = ends[1][axis].max(point[axis]);
        }
    }
    Rect::spanned(ends[0], ends[1])
}

/// The common part of two rectangles, if it has an area.
pub(super) fn overlap(a: &Rect, b: &Rect) -> Option<Rect> {
    let (x, y) = (a.x.max(b.x), a.y.max(b.y));
    let w = a.right().min(b.right()) - x;
    let h = a.bottom().min(b.bottom()) - y;
    (w > 0.0 && h > 0.0).then_some(Rect { x, y, w, h })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Rect = Rect { x: 0.0, y: 0.0, w: 10.0, h: 10.0 };

    #[test]
    fn segments_are_cut_at_the_edge() {
        assert_eq!(segment([-5.0, 5.0], [15.0, 5.0], &BOX), Some([[0.0, 5.0], [10.0, 5.0]]));
        assert_eq!(segment([1.0, 1.0], [2.0, 9.0], &BOX), Some([[1.0, 1.0], [2.0, 9.0]]));
        assert_eq!(segment([-5.0, 0.0], [5.0, -10.0], &BOX), None);
        assert_eq!(segment([11.0, 1.0], [11.0, 2.0], &BOX), None);
        let steep = segment([5.0, 5.0], [5.0, 1e12], &BOX);
        assert_eq!(steep, Some([[5.0, 5.0], [5.0, 10.0]]));
    }

    #[test]
    fn a_line_that_leaves_comes_back_as_another_run() {
        let line = [[1.0, 1.0], [5.0, 20.0], [9.0, 1.0], [9.0, 2.0]];
        let runs = polyline(&line, &BOX);
        assert_eq!(runs.len(), 2);
        assert_eq!(runs[1].len(), 3);
        assert_eq!(runs[0][1][1], 10.0);
    }

    #[test]
    fn polygons_lose_what_is_outside() {
        let cut = polygon(&[[-5.0, 2.0], [5.0, 2.0], [5.0, 4.0], [-5.0, 4.0]], &BOX);
        assert_eq!(cut.len(), 4);
        assert!(cut.iter().all(|p| BOX.holds(*p)));
        assert!(cut.contains(&[0.0, 2.0]) && cut.contains(&[0.0, 4.0]));
        assert!(polygon(&[[11.0, 1.0], [12.0, 1.0], [12.0, 2.0]], &BOX).is_empty());
        assert!(polygon(&[], &BOX).is_empty());
    }

    #[test]
    fn segments_leave_and_enter_what_is_not_convex() {
        let notched = [[0.0, 0.0], [10.0, 0.0], [10.0, 8.0], [5.0, 2.0], [0.0, 8.0]];
        let parts = inside([[-5.0, 4.0], [20.0, 4.0]], &notched);
        assert_eq!(parts.len(), 2);
        assert!((parts[0][0][0] - 0.0).abs() < 1e-9 && (parts[1][1][0] - 10.0).abs() < 1e-9);
        assert!((parts[0][1][0] - 10.0 / 3.0).abs() < 1e-9, "{parts:?}");
        assert_eq!(inside([[1.0, 1.0], [2.0, 1.0]], &notched), [[[1.0, 1.0], [2.0, 1.0]]]);
        assert!(inside([[-5.0, 9.0], [20.0, 9.0]], &notched).is_empty());
        assert_eq!(bounds(&notched), Rect { x: 0.0, y: 0.0, w: 10.0, h: 8.0 });
    }

    #[test]
    fn rectangles_overlap_or_not() {
        let part = overlap(&Rect::spanned([8.0, 8.0], [20.0, 9.0]), &BOX);
        assert_eq!(part, Some(Rect { x: 8.0, y: 8.0, w: 2.0, h: 1.0 }));
        assert_eq!(overlap(&Rect::spanned([10.0, 0.0], [20.0, 9.0]), &BOX), None);
    }
}
