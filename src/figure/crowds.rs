//! Clouds of points that a window can draw again and again.
//!
//! Files make few markers of many points by themselves (`layout`'s `thin`), once; a window draws sixty
//! pictures a second and asks in each which point is under the pointer. So of a figure with more
//! points than that allows, only one point of each small square is left, which is a real one with
//! its id, as opaque as all points of its square were together.

use super::spec::{Figure, Panel};
use super::{Axis, Mark, Paint};
use std::collections::HashMap;

/// Most points of a figure that are drawn in each picture.
const MOST: usize = 20_000;
/// A mark of fewer points is no crowd and keeps them all.
const FEW: usize = 200;
/// Squares along each axis at first: about a quarter of a marker.
const FINEST: f64 = 400.0;
/// How much larger the squares become where there are still too many points.
const GROWTH: f64 = 1.5;
/// Squares of this many doublings of a point and more look the same.
const DARKEST: u32 = 5;

/// The figure with so few points that a window can draw it at once, and a caption that says so;
/// `None` where it has few already.
pub fn thinned(figure: &Figure) -> Option<Figure> {
    let n_all: usize = figure.panels.iter().flat_map(|panel| &panel.marks).map(n_points).sum();
    if n_all <= MOST {
        return None;
    }
    let mut squares = FINEST;
    loop {
        let panels: Vec<Panel> = figure.panels.iter().map(|panel| thin(panel, squares)).collect();
        let n_left: usize = panels.iter().flat_map(|panel| &panel.marks).map(n_points).sum();
        if n_left <= MOST || squares < 2.0 {
            let caption = format!(
                "{} On screen {n_left} of the {n_all} points; an exported figure has them all.",
                figure.caption
            );
            let Figure { title, legend, .. } = figure;
            let (title, legend) = (title.clone(), legend.clone());
            return Some(Figure { title, caption, panels, legend, ..*figure });
        }
        squares /= GROWTH;
    }
}

fn n_points(mark: &Mark) -> usize {
    if let Mark::Points { xy, .. } = mark { xy.len() } else { 0 }
}

fn thin(panel: &Panel, squares: f64) -> Panel {
    let Panel { title, x, y, marks } = panel;
    let marks = marks.iter().flat_map(|mark| match mark {
        Mark::Points { xy, .. } if xy.len() > FEW => layers(mark, [x, y], squares),
        other => vec![other.clone()],
    });
    Panel { title: title.clone(), x: x.clone(), y: y.clone(), marks: marks.collect() }
}

/// The first point of each square, by how many the square has: a mark for one, for two and three,
/// for four to seven, and so on, the crowded ones last.
fn layers(mark: &Mark, [x, y]: [&Axis; 2], squares: f64) -> Vec<Mark> {
    let Mark::Points { series, xy, ids, marker, size_pt, paint } = mark else { return Vec::new() };
    let mut found: Vec<(usize, u32)> = Vec::new();
    let mut of_square: HashMap<[i64; 2], usize> = HashMap::new();
    for (ix, at) in xy.iter().enumerate() {
        let Some(place) = x.place(at[0]).zip(y.place(at[1])) else { continue };
        let square = [place.0, place.1].map(|share| (share * squares).floor() as i64);
        let known = *of_square.entry(square).or_insert(found.len());
        match found.get_mut(known) {
            Some((_, n)) => *n = n.saturating_add(1),
            None => found.push((ix, 1)),
        }
    }
    let layer = |level: u32| {
        let chosen = || found.iter().filter(move |(_, n)| n.ilog2().min(DARKEST) == level);
        let mark = Mark::Points {
            series: series.clone(),
            xy: chosen().filter_map(|(ix, _)| xy.get(*ix).copied()).collect(),
            ids: chosen().filter_map(|(ix, _)| ids.get(*ix).cloned()).collect(),
            marker: *marker,
            size_pt: *size_pt,
            paint: darker(paint, level),
        };
        (n_points(&mark) > 0).then_some(mark)
    };
    (0..=DARKEST).filter_map(layer).collect()
}

/// As opaque as so many doublings of a point are one above the other.
fn darker(paint: &Paint, level: u32) -> Paint {
    let n = 2_f64.powi(level as i32);
    paint.alpha(1.0 - (1.0 - paint.alpha.clamp(0.0, 1.0)).powf(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Marker;

    fn figure(n: usize) -> Figure {
        // As if thrown: the same every time.
        let at = |i: usize| [(i * 7919 % 10_007) as f64, (i * 104_729 % 9973) as f64];
        let cloud = |series: &str, n: usize| Mark::Points {
            series: series.into(),
            xy: (0..n).map(at).collect(),
            ids: (0..n).map(|i| format!("{series}{i}")).collect(),
            marker: Marker::Circle,
            size_pt: 3.0,
            paint: Paint::new([0; 3]).alpha(0.5),
        };
        let axis = Axis::linear("", 0.0, 10_007.0);
        let marks = vec![cloud("a", n), cloud("b", 20)];
        let panel = Panel { title: "t".into(), x: axis.clone(), y: axis, marks };
        Figure { caption: "Points.".into(), panels: vec![panel], ..Figure::default() }
    }

    #[test]
    fn few_points_stay_as_they_are() {
        assert_eq!(thinned(&figure(MOST - 20)), None);
    }

    #[test]
    fn of_many_points_some_real_ones_are_left() {
        let all = figure(300_000);
        let thin = thinned(&all).unwrap();
        let marks = &thin.panels[0].marks;
        let n: usize = marks.iter().map(n_points).sum();
        assert!(n <= MOST && n > MOST / 4, "{n}");
        assert!(thin.caption.starts_with(&format!("Points. On screen {n} of the 300020 points")));
        let Mark::Points { xy: before, .. } = &all.panels[0].marks[0] else { panic!() };
        let mut darkness = 0.0;
        for mark in marks {
            let Mark::Points { series, xy, ids, paint, .. } = mark else { panic!() };
            assert_eq!(xy.len(), ids.len());
            if series == "b" {
                assert_eq!(xy.len(), 20, "no crowd, no loss");
                continue;
            }
            assert!(paint.alpha > darkness, "crowded squares are darker and lie above");
            darkness = paint.alpha;
            for (at, id) in xy.iter().zip(ids) {
                assert_eq!(*at, before[id[1..].parse::<usize>().unwrap()]);
            }
        }
    }
}
