//! Where the values of one axis stand on the screen, and which of them are named there.

use crate::figure::axis::{Axis, Scale, Tick, linear_ticks, log2_ticks, log10_ticks};

/// One axis, the part of it that is in view, and where that part stands.
///
/// egui_plot knows no log axes: its bounds, and `view` here, are on the scale's own measure
/// (octaves, decades).
#[derive(Debug, Clone, Copy)]
pub(super) struct Ruler<'a> {
    pub(super) axis: &'a Axis,
    /// What stands at the axis' begin and end; the begin may be the larger of the two.
    pub(super) view: [f64; 2],
    /// Where begin and end stand on the screen.
    pub(super) ends: [f32; 2],
}

impl Ruler<'_> {
    /// Where a value stands. `None` for a gap.
    pub(super) fn place(&self, value: f64) -> Option<f32> {
        let place = self.place_measured(self.axis.scale.apply(value)?);
        place.is_finite().then_some(place)
    }

    /// Where a place on the scale's own measure stands on the screen.
    pub(super) fn place_measured(&self, on_scale: f64) -> f32 {
        let share = (on_scale - self.view[0]) / (self.view[1] - self.view[0]);
        let [begin, end] = self.ends.map(f64::from);
        (begin + share * (end - begin)) as f32
    }

    /// The value at a place on the screen.
    pub(super) fn value(&self, place: f32) -> f64 {
        let share = f64::from((place - self.ends[0]) / (self.ends[1] - self.ends[0]));
        self.axis.scale.undo(self.view[0] + share * (self.view[1] - self.view[0]))
    }

    /// How long the axis is on the screen.
    pub(super) fn length(&self) -> f32 {
        (self.ends[1] - self.ends[0]).abs()
    }

    /// Whether the axis shows its own range, neither moved nor zoomed.
    pub(super) fn is_at_home(&self) -> bool {
        let home = self.axis.window();
        let slack = 1e-9 * (home[1] - home[0]).abs();
        (0..2).all(|end| (home[end] - self.view[end]).abs() <= slack)
    }

    /// The axis as `figure` draws marks on it: without names, ending where the view ends.
    pub(super) fn shown(&self) -> Axis {
        let scale = match &self.axis.scale {
            Scale::Category(_) => Scale::Category(Vec::new()),
            other => other.clone(),
        };
        let range = self.view.map(|v| scale.undo(v));
        Axis { label: String::new(), scale, range, ticks: Vec::new() }
    }

    /// The named values in view, by their places on the screen, in the view's order. The axis' own
    /// ticks where they serve, otherwise about one in every `spacing` points.
    pub(super) fn ticks(&self, spacing: f32) -> Vec<(f32, String)> {
        let mut named: Vec<(f64, String)> = match &self.axis.scale {
            Scale::Category(names) => self.names(names),
            scale => self
                .numbers(spacing)
                .into_iter()
                .filter_map(|tick| Some((scale.apply(tick.at)?, tick.label)))
                .collect(),
        };
        named.retain(|(at, _)| self.holds(*at));
        let forward = (self.view[1] - self.view[0]).signum();
        named.sort_by(|a, b| (a.0 * forward).total_cmp(&(b.0 * forward)));
        named.into_iter().map(|(at, label)| (self.place_measured(at), label)).collect()
    }

    fn names(&self, names: &[String]) -> Vec<(f64, String)> {
        (0..).map(f64::from).zip(names).map(|(at, name)| (at, name.clone())).collect()
    }

    fn numbers(&self, spacing: f32) -> Vec<Tick> {
        let own = &self.axis.ticks;
        if self.is_at_home() {
            return own.clone();
        }
        let seen = |tick: &Tick| self.axis.scale.apply(tick.at).is_some_and(|at| self.holds(at));
        // Beyond the axis' range its own ticks end, so they serve only inside of it.
        if self.is_inside_home() && own.iter().filter(|tick| seen(tick)).count() >= 3 {
            return own.clone();
        }
        let [lo, hi] = self.sorted(self.view).map(|v| self.axis.scale.undo(v));
        match self.axis.scale {
            Scale::Log2 => log2_ticks(lo, hi),
            Scale::Log10 => log10_ticks(lo, hi),
            Scale::Linear | Scale::Category(_) => {
                linear_ticks(lo, hi, (self.length() / spacing).clamp(2.0, 10.0) as usize)
            }
        }
    }

    fn sorted(&self, [from, to]: [f64; 2]) -> [f64; 2] {
        [from.min(to), from.max(to)]
    }

    fn holds(&self, on_scale: f64) -> bool {
        let [lo, hi] = self.sorted(self.view);
        let slack = 1e-9 * (hi - lo);
        (lo - slack..=hi + slack).contains(&on_scale)
    }

    fn is_inside_home(&self) -> bool {
        let [[lo, hi], [home_lo, home_hi]] =
            [self.view, self.axis.window()].map(|v| self.sorted(v));
        let slack = 1e-9 * (home_hi - home_lo);
        lo >= home_lo - slack && hi <= home_hi + slack
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruler(axis: &Axis) -> Ruler<'_> {
        Ruler { axis, view: axis.window(), ends: [100.0, 300.0] }
    }

    fn labels(ruler: &Ruler<'_>) -> Vec<String> {
        ruler.ticks(60.0).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn values_stand_where_the_scale_says() {
        let log = Axis::log2("", 256.0, 4096.0);
        assert_eq!(ruler(&log).place(1024.0), Some(200.0));
        assert_eq!(ruler(&log).value(200.0), 1024.0);
        assert_eq!(ruler(&log).place(0.0), None);
        let decades = Axis::log10("", 1.0, 100.0);
        assert_eq!(ruler(&decades).place(10.0), Some(200.0));
        let flipped = Axis::linear("", 20.0, 10.0);
        assert_eq!(ruler(&flipped).place(20.0), Some(100.0));
        assert_eq!(ruler(&flipped).place(f64::NAN), None);
    }

    #[test]
    fn own_ticks_at_home_and_finer_ones_when_zoomed() {
        let log = Axis::log2("", 256.0, 131_072.0);
        assert_eq!(labels(&ruler(&log)).len(), 10);
        let near = Ruler { view: [10.1, 10.9], ..ruler(&log) };
        assert_eq!(labels(&near), ["1200", "1400", "1600", "1800"]);
        let linear = Axis::linear("", 0.0, 1.0);
        let near = Ruler { view: [0.41, 0.59], ..ruler(&linear) };
        assert_eq!(labels(&near), ["0.45", "0.50", "0.55"]);
        let decades = Axis::log10("", 1.0, 1e6);
        let near = Ruler { view: [0.2, 1.8], ..ruler(&decades) };
        assert_eq!(labels(&near), ["2", "5", "10", "20", "50"]);
    }

    #[test]
    fn moved_views_have_ticks_everywhere() {
        let linear = Axis::linear("", 0.0, 1.0);
        let moved = Ruler { view: [0.8, 1.8], ..ruler(&linear) };
        assert!(labels(&moved).contains(&"1.6".to_owned()), "{:?}", labels(&moved));
        let far =
            Ruler { view: [-5000.0, 5000.0], ..ruler(&Axis::log2("", 1.0, 2.0)) }.axis.clone();
        let far = Ruler { axis: &far, view: [-5000.0, 5000.0], ends: [0.0, 100.0] };
        assert!(labels(&far).is_empty());
    }

    #[test]
    fn a_view_names_only_what_it_holds() {
        let names = Axis::category("", (0..5).map(|i| format!("n{i}")).collect());
        let some = Ruler { view: [0.7, 2.2], ..ruler(&names) };
        assert_eq!(labels(&some), ["n1", "n2"]);
        let flipped = Ruler { view: [2.2, 0.7], ..ruler(&names) };
        assert_eq!(labels(&flipped), ["n2", "n1"]);
    }
}
