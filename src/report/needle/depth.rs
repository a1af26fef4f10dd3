//! Accuracy by test length and by how deep in its context a needle stands.

use super::{ACCURACY, Grades, NeedleCells, Sample, counted, length_names, percentages, title};
use crate::figure::{Axis, Figure, Panel};
use crate::needle::NeedleRow;
use std::collections::{BTreeMap, BTreeSet};

/// More depths than this are gathered into tenths.
const MOST_DEPTHS: usize = 12;

/// The rows of a map, from the begin of the context to its end.
enum Depths {
    /// Each depth is a row; in thousandths.
    Each(Vec<u64>),
    /// Each tenth is a row.
    Tenths,
}

impl Depths {
    fn of(depths: impl Iterator<Item = f64>) -> Self {
        let each: BTreeSet<u64> = depths.map(thousandths).collect();
        match each.len() > MOST_DEPTHS {
            true => Self::Tenths,
            false => Self::Each(each.into_iter().collect()),
        }
    }

    fn names(&self) -> Vec<String> {
        match self {
            Self::Each(each) => each.iter().map(|depth| percent(*depth)).collect(),
            Self::Tenths => {
                (0..10).map(|ten| format!("{}\u{2013}{}%", 10 * ten, 10 * (ten + 1))).collect()
            }
        }
    }

    fn row(&self, depth: f64) -> Option<usize> {
        match self {
            Self::Each(each) => each.binary_search(&thousandths(depth)).ok(),
            Self::Tenths => Some(((depth * 10.0) as usize).min(9)),
        }
    }
}

fn thousandths(depth: f64) -> u64 {
    (depth * 1000.0).round() as u64
}

/// "25%", "12.5%".
fn percent(thousandths: u64) -> String {
    match thousandths % 10 {
        0 => format!("{}%", thousandths / 10),
        rest => format!("{}.{rest}%", thousandths / 10),
    }
}

/// The needles of a result with their depths: each one that was asked for, or the only one.
fn needles(row: &NeedleRow) -> Vec<(f64, f64)> {
    match row.found.is_empty() {
        true => row.depth.map(|depth| (depth, row.grade)).into_iter().collect(),
        false => row.found.iter().map(|found| (found.depth, found.grade)).collect(),
    }
}

/// A panel for each task and composition with results that have a depth.
pub(super) fn figure(grades: &Grades<'_>, rows: &[NeedleRow]) -> (Figure, NeedleCells) {
    let depths = Depths::of(rows.iter().flat_map(needles).map(|(depth, _)| depth));
    let maps = maps(grades, rows, &depths);
    let (names, n_columns) = (depths.names(), grades.lengths.len());
    let mut cells = NeedleCells::default();
    let mut panels = Vec::new();
    for ((task, composition), map) in &maps {
        let mut values = Vec::with_capacity(map.len());
        for (ix, cell) in map.iter().enumerate() {
            values.push(cell.accuracy().unwrap_or(f64::NAN));
            cells.put(panels.len(), ACCURACY, ix, cell.results.clone());
        }
        let (task, composition) = (grades.tasks[*task], grades.compositions[*composition]);
        // The begin of a text stands above its end.
        let mut y = Axis::category("depth of the needle", names.clone());
        y.range.reverse();
        panels.push(Panel {
            title: match grades.compositions.len() {
                1 => title(task),
                _ => format!("{}: {composition}", title(task)),
            },
            x: Axis::category("test length (tokens)", length_names(&grades.lengths)),
            y,
            marks: vec![percentages(values, n_columns, names.len())],
        });
    }
    let all = maps.values().flatten().filter(|cell| !cell.grades.is_empty());
    let is_left_out = |row: &&NeedleRow| row.test_length > 0 && needles(row).is_empty();
    let left_out = match rows.iter().filter(is_left_out).count() {
        0 => String::new(),
        n => format!(" Results without a depth are left out: {n}."),
    };
    let figure = Figure {
        title: "Needle tests by depth".into(),
        caption: format!(
            "Share of needles whose value was found, in percent, by the length of the test and by where in \
             its context the needle stands: 0% at the begin, 100% at the end; {} needles each. A needle alone \
             has no depth: one value stands in all its cells. Crossed out: not tested.{left_out}",
            counted(all)
        ),
        columns: match grades.compositions.len() {
            1 => 2.min(panels.len()).max(1),
            n => n.min(3),
        },
        panels,
        panel_height_in: 0.25 + 0.2 * names.len() as f64,
        ..Figure::default()
    };
    (figure, cells)
}

/// The cells of each map, row by row, by the places of task and composition.
fn maps(
    grades: &Grades<'_>,
    rows: &[NeedleRow],
    depths: &Depths,
) -> BTreeMap<(usize, usize), Vec<Sample>> {
    let (n_columns, n_rows) = (grades.lengths.len(), depths.names().len());
    let place = |all: &[&str], name: &str| all.iter().position(|other| *other == name).unwrap_or(0);
    let empty = || vec![Sample::default(); n_columns * n_rows];
    let cell = |row: &NeedleRow| {
        let key = (place(&grades.tasks, &row.task), place(&grades.compositions, &row.composition));
        Some((key, grades.lengths.binary_search(&row.test_length).ok()?))
    };
    let mut maps: BTreeMap<(usize, usize), Vec<Sample>> = BTreeMap::new();
    for (ix, row) in (0..).zip(rows).filter(|(_, row)| row.test_length > 0) {
        let Some((key, column)) = cell(row) else { continue };
        for (depth, grade) in needles(row) {
            if let Some(at) = depths.row(depth) {
                maps.entry(key).or_insert_with(empty)[at * n_columns + column].add(grade, ix);
            }
        }
    }
    // Needles alone stand beside those with a depth, and make no map of their own.
    for (ix, row) in (0..).zip(rows).filter(|(_, row)| row.test_length == 0) {
        let Some((key, column)) = cell(row) else { continue };
        if let Some(map) = maps.get_mut(&key) {
            (0..n_rows).for_each(|at| map[at * n_columns + column].add(row.grade, ix));
        }
    }
    maps
}

#[cfg(test)]
mod tests {
    use super::super::{NeedleForm, needle_figure_and_cells};
    use super::*;
    use crate::figure::Mark;
    use crate::needle::Found;

    fn row(task: &str, length: u64, depth: Option<f64>, grade: f64) -> NeedleRow {
        NeedleRow {
            task: task.into(),
            composition: "m".into(),
            test_length: length,
            depth,
            grade,
            found: Vec::new(),
        }
    }

    fn map(figure: &Figure, panel: usize) -> (Vec<String>, String) {
        let panel = &figure.panels[panel];
        let Mark::HeatMap { labels, .. } = &panel.marks[0] else { panic!() };
        let names = panel.y.visible_ticks().into_iter().map(|tick| tick.1).collect();
        (names, labels.join(" "))
    }

    #[test]
    fn a_cell_stands_for_a_length_and_a_depth() {
        let mut rows = vec![row("single", 0, None, 1.0)];
        for (depth, grades) in [(0.0, [1.0, 0.0]), (0.5, [1.0, 1.0]), (1.0, [0.0, 0.0])] {
            rows.extend(grades.map(|grade| row("single", 1024, Some(depth), grade)));
        }
        rows.push(row("single", 2048, Some(0.5), 1.0));
        let mut several = row("multi_value", 1024, None, 0.5);
        several.found = vec![Found { depth: 0.0, grade: 1.0 }, Found { depth: 1.0, grade: 0.0 }];
        rows.push(several);
        rows.push(row("multi_value", 1024, None, 0.25));
        let (figure, cells) = needle_figure_and_cells(NeedleForm::Depth, &rows);
        let (names, labels) = map(&figure, 0);
        assert_eq!(labels, "100 50  100 100 100 100 0 ");
        // The axis goes down: its ticks are told from its end on.
        assert_eq!(names, ["100%", "50%", "0%"]);
        let titles: Vec<&str> = figure.panels.iter().map(|panel| panel.title.as_str()).collect();
        assert_eq!(titles, ["single", "multi value"]);
        assert_eq!(map(&figure, 1).1, " 100      0 ");
        assert!(figure.caption.contains("left out: 1"), "{}", figure.caption);
        assert_eq!(cells.get(0, ACCURACY, 1), [1, 2]);
        assert_eq!(cells.get(0, ACCURACY, 6), [0], "the needle alone has every depth");
        assert_eq!(cells.get(1, ACCURACY, 7), [8]);
    }

    #[test]
    fn many_depths_are_gathered_and_compositions_have_their_panels() {
        let mut rows = Vec::new();
        for ix in 0..50_u8 {
            rows.push(row("single", 1000, Some(f64::from(ix) / 49.0), 1.0));
        }
        rows.push(NeedleRow { composition: "other".into(), ..row("single", 1000, Some(1.0), 0.0) });
        let (figure, cells) = needle_figure_and_cells(NeedleForm::Depth, &rows);
        assert_eq!(figure.panels.len(), 2);
        assert_eq!(figure.panels[1].title, "single: other");
        let (names, labels) = map(&figure, 0);
        assert_eq!((names.len(), names[9].as_str()), (10, "0\u{2013}10%"));
        assert_eq!(labels, ["100"; 10].join(" "));
        let n: usize = (0..10).map(|cell| cells.get(0, ACCURACY, cell).len()).sum();
        assert_eq!(n, 50);
    }

    #[test]
    fn without_depths_there_is_no_map() {
        let rows = [row("single", 1024, None, 1.0), row("single", 0, None, 1.0)];
        let (figure, _) = needle_figure_and_cells(NeedleForm::Depth, &rows);
        assert!(figure.panels.is_empty());
    }
}
