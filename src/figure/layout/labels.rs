//! Making tick labels fit: thinned out where they are numbers, wrapped or turned where they are
//! names.

use super::super::axis::{Axis, Scale};
use super::super::text::{self, LINE_HEIGHT};
use super::Sheet;

/// Turned labels rise at this angle.
pub(super) const SLANT_DEG: f64 = 40.0;

/// How the labels below a plot stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pose {
    Flat,
    Slanted,
    Upright,
}

/// The labels along one axis.
pub(super) struct TickLabels {
    /// Places of all tick marks, as shares of the axis.
    pub(super) marks: Vec<f64>,
    /// Places and lines of the labels that are printed.
    pub(super) labels: Vec<(f64, Vec<String>)>,
    pub(super) pose: Pose,
    /// Whether one of them had to be cut off.
    pub(super) is_cut: bool,
    /// Room they take away from the axis.
    pub(super) depth: f64,
    /// How far they reach beyond the axis' begin and end.
    pub(super) beyond: [f64; 2],
}

/// Labels below a plot of a given width; `cell` is the width of plot and margins together.
pub(super) fn below(axis: &Axis, width: f64, cell: f64, sheet: &Sheet) -> TickLabels {
    let ticks = axis.visible_ticks();
    let named = matches!(axis.scale, Scale::Category(_));
    let size = sheet.tick_pt;
    let slot = narrowest_gap(&ticks) * width;
    let single: Vec<_> = cleaned(&ticks, |label| vec![label]);
    let gap = 0.6 * size;
    if !named || step_to_fit(&flat_extents(&single, width, size), gap) == 1 {
        return flat(&ticks, single, width, sheet);
    }
    let fits = |label: &str| text::widest_piece(label, size, false) <= slot - gap;
    let wrapped = cleaned(&ticks, |label| text::wrap(&label, size, false, slot - gap));
    if single.iter().all(|(_, l)| l.iter().all(|l| fits(l)))
        && wrapped.iter().all(|(_, lines)| lines.len() <= 3)
    {
        return flat(&ticks, wrapped, width, sheet);
    }
    let slanted = turned(&ticks, Pose::Slanted, width, sheet);
    if slot >= 1.75 * size && slanted.beyond[0] <= 0.35 * cell {
        return slanted;
    }
    turned(&ticks, Pose::Upright, width, sheet)
}

/// Labels left of a plot of a given height, no wider than `room`; names that do not fit into their
/// rows there may be as wide as `most`, if that helps.
pub(super) fn beside(
    axis: &Axis,
    height: f64,
    [room, most]: [f64; 2],
    sheet: &Sheet,
) -> TickLabels {
    let ticks = axis.visible_ticks();
    let size = sheet.tick_pt;
    let slot = narrowest_gap(&ticks) * height;
    let lines = (slot / (LINE_HEIGHT * size)).floor().max(1.0) as usize;
    let is_named = matches!(axis.scale, Scale::Category(_));
    let fits = |room: f64| {
        let mut names = ticks.iter().map(|(_, name)| text::clean(name));
        names.all(|name| {
            let wrapped = text::wrap(&name, size, false, room);
            let is_narrow = |line: &String| text::width(line, size, false) <= room + 1e-6;
            wrapped.len() <= lines && wrapped.iter().all(is_narrow)
        })
    };
    // As much as is needed, in steps, and not more.
    let mut rooms = (0..=10).map(|step| room + f64::from(step) / 10.0 * (most - room).max(0.0));
    let found = if is_named { rooms.find(|room| fits(*room)) } else { Some(room) };
    let (room, is_cut) = (found.unwrap_or(room), found.is_none());
    let labels = cleaned(&ticks, |label| {
        let mut wrapped = text::wrap(&label, size, false, room);
        if wrapped.len() > lines {
            wrapped.truncate(lines);
            if let Some(last) = wrapped.last_mut() {
                *last = text::shorten(&format!("{last}\u{2026}"), size, false, room);
            }
        }
        wrapped
    });
    let extents: Vec<_> = labels
        .iter()
        .map(|(share, lines)| (share * height, 0.5 * size * lines.len() as f64))
        .collect();
    let labels = every(labels, step_to_fit(&extents, 0.15 * size));
    TickLabels {
        marks: ticks.iter().map(|t| t.0).collect(),
        is_cut,
        depth: widest(&labels, size),
        labels,
        pose: Pose::Flat,
        beyond: [0.0; 2],
    }
}

fn cleaned(
    ticks: &[(f64, String)],
    lines: impl Fn(String) -> Vec<String>,
) -> Vec<(f64, Vec<String>)> {
    ticks.iter().map(|(share, label)| (*share, lines(text::clean(label)))).collect()
}

fn flat(
    ticks: &[(f64, String)],
    labels: Vec<(f64, Vec<String>)>,
    width: f64,
    sheet: &Sheet,
) -> TickLabels {
    let size = sheet.tick_pt;
    let step = step_to_fit(&flat_extents(&labels, width, size), 0.6 * size);
    let labels = every(labels, step);
    let lines = labels.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0);
    let extents = flat_extents(&labels, width, size);
    let reach = |beyond: &dyn Fn(f64, f64) -> f64| {
        extents.iter().map(|(at, half)| beyond(*at, *half)).fold(0.0, f64::max)
    };
    TickLabels {
        marks: ticks.iter().map(|t| t.0).collect(),
        is_cut: false,
        depth: lines as f64 * LINE_HEIGHT * size,
        pose: Pose::Flat,
        beyond: [reach(&|at, half| half - at), reach(&|at, half| half - (width - at))],
        labels,
    }
}

fn turned(ticks: &[(f64, String)], pose: Pose, width: f64, sheet: &Sheet) -> TickLabels {
    let size = sheet.tick_pt;
    // Beyond this the labels would be larger than what they label.
    let longest = (22.0 * size).min(1.2 * sheet.plot_height.max(8.0 * size));
    let labels = cleaned(ticks, |label| vec![text::shorten(&label, size, false, longest)]);
    let extents: Vec<_> = labels.iter().map(|(share, _)| (share * width, 0.55 * size)).collect();
    let labels = every(labels, step_to_fit(&extents, 0.0));
    let (sin, cos) = match pose {
        Pose::Slanted => SLANT_DEG.to_radians().sin_cos(),
        Pose::Flat | Pose::Upright => (1.0, 0.0),
    };
    let left = labels
        .iter()
        .flat_map(|(share, lines)| lines.iter().map(move |l| (share, l)))
        .map(|(share, line)| text::width(line, size, false) * cos + 0.6 * size - share * width)
        .fold(0.0, f64::max);
    TickLabels {
        marks: ticks.iter().map(|t| t.0).collect(),
        is_cut: false,
        depth: widest(&labels, size) * sin + size * (cos + 0.3),
        labels,
        pose,
        beyond: [left, 0.0],
    }
}

fn widest(labels: &[(f64, Vec<String>)], size: f64) -> f64 {
    let lines = labels.iter().flat_map(|(_, lines)| lines);
    lines.map(|line| text::width(line, size, false)).fold(0.0, f64::max)
}

/// Middle and half width of each label.
fn flat_extents(labels: &[(f64, Vec<String>)], width: f64, size: f64) -> Vec<(f64, f64)> {
    let half = |lines: &[String]| {
        let widths = lines.iter().map(|l| text::width(l, size, false));
        widths.fold(0.0, f64::max) / 2.0
    };
    labels.iter().map(|(share, lines)| (share * width, half(lines))).collect()
}

fn narrowest_gap(ticks: &[(f64, String)]) -> f64 {
    ticks.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(1.0, f64::min)
}

/// The smallest step at which every step-th label keeps clear of the next. `extents` holds the
/// middle and half the length of each label along its axis.
pub fn step_to_fit(extents: &[(f64, f64)], gap: f64) -> usize {
    let clear = |step: usize| {
        let kept: Vec<_> = extents.iter().step_by(step).collect();
        kept.windows(2).all(|pair| pair[1].0 - pair[0].0 >= pair[0].1 + pair[1].1 + gap)
    };
    (1..extents.len()).find(|step| clear(*step)).unwrap_or(extents.len().max(1))
}

fn every<T>(items: Vec<T>, step: usize) -> Vec<T> {
    items.into_iter().step_by(step.max(1)).collect()
}
