//! Clouds of points that a file can still hold.
//!
//! A hundred thousand markers make a file of ten megabytes that is a smear all the same. So of a large
//! cloud the points that nearly cover each other become one marker, as opaque as they were together.
//! The files show the same density with fewer markers; the window draws every point, and the CSV has
//! them all.

use std::collections::HashMap;

/// Most markers of one cloud in a file: about a megabyte of SVG.
const MOST: usize = 20_000;
/// How much larger the squares become where a cloud has still too many.
const GROWTH: f64 = 1.5;

/// Points that are drawn as one marker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Heap {
    /// The mean of its points.
    pub(super) at: [f64; 2],
    /// How many they are.
    n: u32,
    /// How much larger its marker is than a point's, so that markers still meet.
    enlarged: f64,
}

impl Heap {
    /// The marker's size, where a point's is `size_pt`.
    pub(super) fn size(&self, size_pt: f64) -> f64 {
        self.enlarged * size_pt
    }

    /// How opaque its marker is, where a point's has the opacity `alpha`: as much as its points would
    /// be one above the other, spread over the marker's area.
    pub(super) fn alpha(&self, alpha: f64) -> f64 {
        if self.n == 1 {
            return alpha;
        }
        let layers = f64::from(self.n) / (self.enlarged * self.enlarged);
        1.0 - (1.0 - alpha.clamp(0.0, 1.0)).powf(layers)
    }
}

/// All points of a cloud of at most [`MOST`]. Of a larger one, those in each square of a quarter of a
/// marker become one; of somewhat larger squares where that leaves too many, and so on.
pub(super) fn thinned(points: impl Iterator<Item = [f64; 2]>, size_pt: f64) -> Vec<Heap> {
    let mut heaps: Vec<Heap> = points.map(|at| Heap { at, n: 1, enlarged: 1.0 }).collect();
    let mut side = size_pt / 4.0;
    while heaps.len() > MOST {
        heaps = gathered(&heaps, side);
        // A marker as wide as its square's diagonal covers it.
        let enlarged = (std::f64::consts::SQRT_2 * side / size_pt).max(1.0);
        for heap in heaps.iter_mut().filter(|heap| heap.n > 1) {
            heap.enlarged = enlarged;
        }
        side *= GROWTH;
    }
    heaps
}

/// One heap for each square that has any, in the order of their first.
fn gathered(heaps: &[Heap], side: f64) -> Vec<Heap> {
    let mut found: Vec<Heap> = Vec::new();
    let mut squares: HashMap<[i64; 2], usize> = HashMap::new();
    for heap in heaps {
        let square = heap.at.map(|v| (v / side).floor() as i64);
        let ix = *squares.entry(square).or_insert(found.len());
        match found.get_mut(ix) {
            Some(all) => {
                let n = all.n.saturating_add(heap.n);
                let share = f64::from(heap.n) / f64::from(n);
                all.at = [0, 1].map(|i| all.at[i] + share * (heap.at[i] - all.at[i]));
                all.n = n;
            }
            None => found.push(*heap),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A square lattice with so many points a side, over 100 pt.
    fn lattice(side: usize) -> impl Iterator<Item = [f64; 2]> {
        let step = 100.0 / side as f64;
        (0..side * side).map(move |i| [(i % side) as f64 * step, (i / side) as f64 * step])
    }

    #[test]
    fn small_clouds_keep_every_point() {
        let all: Vec<[f64; 2]> = lattice(141).collect();
        let heaps = thinned(lattice(141), 2.0);
        assert_eq!(heaps.iter().map(|heap| heap.at).collect::<Vec<_>>(), all);
        assert!(heaps.iter().all(|heap| heap.size(2.0) == 2.0 && heap.alpha(0.3) == 0.3));
    }

    #[test]
    fn large_clouds_lose_no_point_and_have_no_holes() {
        let heaps = thinned(lattice(400), 2.0);
        assert!(heaps.len() <= MOST && heaps.len() > MOST / 4, "{}", heaps.len());
        assert_eq!(heaps.iter().map(|heap| heap.n).sum::<u32>(), 160_000);
        let covered = |p: &[f64; 2]| {
            let apart = |heap: &Heap| (heap.at[0] - p[0]).hypot(heap.at[1] - p[1]);
            heaps.iter().any(|heap| apart(heap) <= heap.size(2.0) / 2.0)
        };
        assert!(lattice(400).step_by(997).all(|p| covered(&p)));
    }

    #[test]
    fn a_far_point_stays_as_it_is() {
        let far = [500.0, 500.0];
        let heaps = thinned(lattice(400).chain([far]), 2.0);
        let last = heaps.last().unwrap();
        assert_eq!((last.at, last.size(2.0), last.alpha(0.5)), (far, 2.0, 0.5));
    }

    #[test]
    fn heaps_are_as_opaque_as_their_points() {
        let heap = |n, enlarged| Heap { at: [0.0; 2], n, enlarged };
        assert_eq!(heap(2, 1.0).alpha(0.5), 0.75);
        assert_eq!(heap(4, 2.0).alpha(0.5), 0.5);
        assert_eq!(heap(9, 1.0).alpha(1.0), 1.0);
        assert_eq!(heap(9, 1.0).alpha(0.0), 0.0);
    }
}
