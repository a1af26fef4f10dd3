//! The needle figures: accuracy by test length, depth and training composition.

mod depth;

use super::strategies::color;
use crate::figure::{Axis, Figure, LegendEntry, Mark, Paint, Panel, Swatch, palette};
use crate::needle::NeedleRow;
use crate::seed::Stream;
use crate::stats;
use std::collections::{BTreeMap, BTreeSet};

/// Seed of the bootstrap.
const SEED: u64 = 42;
const RESAMPLES: usize = 2000;

/// Which results stand behind each cell of a heat map and each point of a line: by panel, series and
/// category; where both axes have categories, cells count row by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NeedleCells(BTreeMap<(usize, String, usize), Vec<u32>>);

impl NeedleCells {
    /// The places of the results, in their order. One that was graded at several needles comes once
    /// for each of them.
    pub fn get(&self, panel: usize, series: &str, category: usize) -> &[u32] {
        self.0.get(&(panel, series.to_owned(), category)).map_or(&[], Vec::as_slice)
    }

    fn put(&mut self, panel: usize, series: &str, category: usize, results: Vec<u32>) {
        if !results.is_empty() {
            self.0.insert((panel, series.to_owned(), category), results);
        }
    }
}

/// The grades of some results, and their places among all.
#[derive(Debug, Clone, Default)]
struct Sample {
    grades: Vec<f64>,
    results: Vec<u32>,
}

impl Sample {
    fn add(&mut self, grade: f64, result: u32) {
        self.grades.push(grade);
        self.results.push(result);
    }

    /// The percentage of right answers.
    fn accuracy(&self) -> Option<f64> {
        Some(100.0 * stats::mean(&self.grades)?)
    }
}

/// What the cells of heat maps are called.
const ACCURACY: &str = "accuracy (%)";

/// The grades of each cell, and what there is along each side.
struct Grades<'a> {
    /// In the order of the rows.
    tasks: Vec<&'a str>,
    /// In the order of the rows, which is that of the study.
    compositions: Vec<&'a str>,
    /// Ascending.
    lengths: Vec<u64>,
    cells: BTreeMap<(&'a str, &'a str, u64), Sample>,
}

impl<'a> Grades<'a> {
    fn of(rows: &'a [NeedleRow]) -> Self {
        let mut cells: BTreeMap<_, Sample> = BTreeMap::new();
        for (ix, row) in (0..).zip(rows) {
            let cell = (row.task.as_str(), row.composition.as_str(), row.test_length);
            cells.entry(cell).or_default().add(row.grade, ix);
        }
        let lengths: BTreeSet<u64> = rows.iter().map(|row| row.test_length).collect();
        Self {
            tasks: first_seen(rows.iter().map(|row| row.task.as_str())),
            compositions: first_seen(rows.iter().map(|row| row.composition.as_str())),
            lengths: lengths.into_iter().collect(),
            cells,
        }
    }

    /// The percentage of right answers and its 95% interval.
    fn accuracy(&self, task: &str, composition: &str, length: u64) -> Option<(f64, [f64; 2])> {
        let grades = &self.cells.get(&(task, composition, length))?.grades;
        let mut stream = Stream::new(SEED, "", &format!("needle/{task}/{composition}/{length}"));
        let (lo, hi) = stats::bootstrap_mean_ci(grades, 0.95, RESAMPLES, &mut || stream.bits())?;
        Some((100.0 * stats::mean(grades)?, [100.0 * lo, 100.0 * hi]))
    }

    fn results(&self, task: &str, composition: &str, length: u64) -> Vec<u32> {
        let sample = self.cells.get(&(task, composition, length));
        sample.map(|sample| sample.results.clone()).unwrap_or_default()
    }

    /// "n = 500", "n = 20\u{2013}500": tests in a cell.
    fn counted(&self) -> String {
        counted(self.cells.values())
    }
}

/// "n = 500", "n = 20\u{2013}500": how many grades the cells have.
fn counted<'a>(cells: impl Iterator<Item = &'a Sample> + Clone) -> String {
    let ns = || cells.clone().map(|cell| cell.grades.len());
    match (ns().min().unwrap_or(0), ns().max().unwrap_or(0)) {
        (least, most) if least < most => format!("n = {least}\u{2013}{most}"),
        (n, _) => format!("n = {n}"),
    }
}

fn first_seen<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

/// How needle results are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NeedleForm {
    /// A line per composition, with intervals.
    #[default]
    Lines,
    /// A cell per composition and length.
    Heat,
    /// A cell per depth and length, a panel per task and composition.
    Depth,
}

/// Draws accuracy by test length, and by composition or depth.
pub fn needle_figure(form: NeedleForm, rows: &[NeedleRow]) -> Figure {
    needle_figure_and_cells(form, rows).0
}

/// The figure, and which results stand behind its cells and points.
pub fn needle_figure_and_cells(form: NeedleForm, rows: &[NeedleRow]) -> (Figure, NeedleCells) {
    let grades = Grades::of(rows);
    match form {
        NeedleForm::Lines => (lines(&grades), cells(&grades, form)),
        NeedleForm::Heat => (heat(&grades), cells(&grades, form)),
        NeedleForm::Depth => depth::figure(&grades, rows),
    }
}

/// What stands behind the panels of tasks.
fn cells(grades: &Grades<'_>, form: NeedleForm) -> NeedleCells {
    let mut cells = NeedleCells::default();
    for (panel, task) in grades.tasks.iter().enumerate() {
        for (row, composition) in grades.compositions.iter().enumerate() {
            for (column, length) in grades.lengths.iter().enumerate() {
                let results = grades.results(task, composition, *length);
                match form {
                    NeedleForm::Lines => cells.put(panel, composition, column, results),
                    _ => {
                        let cell = row * grades.lengths.len() + column;
                        cells.put(panel, ACCURACY, cell, results);
                    }
                }
            }
        }
    }
    cells
}

/// A heat map of percentages, row by row; NaN where there is none.
fn percentages(values: Vec<f64>, n_columns: usize, n_rows: usize) -> Mark {
    let edges = |n: usize| (0..=n).map(|ix| ix as f64 - 0.5).collect::<Vec<f64>>();
    let label = |value: &f64| if value.is_nan() { String::new() } else { format!("{value:.0}") };
    Mark::HeatMap {
        series: ACCURACY.into(),
        x: edges(n_columns),
        y: edges(n_rows),
        labels: values.iter().map(label).collect(),
        values,
        colors: Axis::linear(ACCURACY, 0.0, 100.0),
    }
}

/// Characters of a name that stand in a line beside a narrow plot.
const LINE_OF_NAME: usize = 16;

/// The lines that the longest name takes beside a plot.
fn lines_of_names(names: &[String]) -> usize {
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    longest.div_ceil(LINE_OF_NAME).max(1)
}

fn heat(grades: &Grades<'_>) -> Figure {
    let (n_columns, n_rows) = (grades.lengths.len(), grades.compositions.len());
    let names: Vec<String> = grades.compositions.iter().map(|name| (*name).to_owned()).collect();
    let n_lines = lines_of_names(&names);
    let panels = grades.tasks.iter().map(|task| {
        let cells = grades.compositions.iter().flat_map(|composition| {
            grades.lengths.iter().map(|length| grades.accuracy(task, composition, *length))
        });
        let values = cells.map(|cell| cell.map_or(f64::NAN, |(accuracy, _)| accuracy)).collect();
        let map = percentages(values, n_columns, n_rows);
        // The first composition stands above the others.
        let mut y = Axis::category("", names.clone());
        y.range.reverse();
        Panel {
            title: title(task),
            x: Axis::category("test length (tokens)", length_names(&grades.lengths)),
            y,
            marks: vec![map],
        }
    });
    Figure {
        title: "Needle tests".into(),
        caption: format!(
            "Share of right answers in percent by the length of the test's context and what the model was \
             tuned on; {} tests each. Crossed out: not tested.",
            grades.counted()
        ),
        // Long names need the width of two panels, and lines of their own.
        columns: if n_lines > 1 { 1 } else { 2.min(grades.tasks.len()).max(1) },
        panels: panels.collect(),
        panel_height_in: 0.25 + (0.2 + 0.14 * (n_lines - 1) as f64) * n_rows as f64,
        ..Figure::default()
    }
}

/// Accuracy over test length, a line for each composition, with 95% intervals.
fn lines(grades: &Grades<'_>) -> Figure {
    // Compositions are no strategies: they take the palettes from the first place on.
    let places: Vec<usize> = (0..grades.compositions.len()).collect();
    let panels = grades.tasks.iter().map(|task| {
        let lines = grades.compositions.iter().zip(&places).enumerate();
        let marks = lines.flat_map(|(ix, (composition, place))| {
            // Side by side, or whiskers would stand in each other.
            let aside = 0.06 * (ix as f64 - (places.len() as f64 - 1.0) / 2.0);
            line(grades, task, composition, *place, aside)
        });
        Panel {
            title: title(task),
            x: Axis::category("test length (tokens)", length_names(&grades.lengths)),
            y: Axis::linear("accuracy (%)", -2.0, 103.0),
            marks: marks.collect(),
        }
    });
    let entry = |(name, place): (&&str, &usize)| LegendEntry {
        label: (*name).to_owned(),
        swatch: Swatch::Line,
        paint: Paint::new(color(*place)).dash(palette::dash(*place)),
    };
    Figure {
        title: "Needle tests".into(),
        caption: format!(
            "Share of right answers by the length of the test's context and what the model was tuned on; \
             {} tests each. Whiskers: 95% percentile bootstrap intervals over tests. Steps of \
             the length axis are the lengths that were tested.",
            grades.counted()
        ),
        columns: 2.min(grades.tasks.len()).max(1),
        panels: panels.collect(),
        panel_height_in: 1.5,
        legend: grades.compositions.iter().zip(&places).map(entry).collect(),
        ..Figure::default()
    }
}

fn line(grades: &Grades<'_>, task: &str, composition: &str, place: usize, aside: f64) -> Vec<Mark> {
    let (mut xy, mut sure) = (Vec::new(), Vec::new());
    for (x, length) in (0..).map(f64::from).zip(&grades.lengths) {
        match grades.accuracy(task, composition, *length) {
            Some((accuracy, ci95)) => {
                xy.push([x + aside, accuracy]);
                sure.push((x + aside, ci95));
            }
            None => xy.push([f64::NAN; 2]),
        }
    }
    let series = composition.to_owned();
    let paint = Paint::new(color(place));
    let line = paint.width(1.3).dash(palette::dash(place));
    let spots: Vec<[f64; 2]> = xy.iter().filter(|at| at[0].is_finite()).copied().collect();
    vec![
        Mark::Line { series: series.clone(), xy, paint: line },
        Mark::ErrorBars {
            series: series.clone(),
            x: sure.iter().map(|(x, _)| *x).collect(),
            lo: sure.iter().map(|(_, [lo, _])| *lo).collect(),
            hi: sure.iter().map(|(_, [_, hi])| *hi).collect(),
            horizontal: false,
            paint: paint.width(0.6),
        },
        Mark::Points {
            series,
            xy: spots,
            ids: Vec::new(),
            marker: palette::marker(place),
            size_pt: 3.5,
            paint,
        },
    ]
}

fn title(task: &str) -> String {
    task.replace('_', " ")
}

/// "needle only", "512", "1k", "64k"; in thousands only where all large ones are whole ones of one kind
/// and none of the others is nearly one.
fn length_names(lengths: &[u64]) -> Vec<String> {
    let is_told = |length: u64, unit: u64| length.is_multiple_of(unit) || length <= unit / 2;
    let fits = |unit: &u64| lengths.iter().all(|length| is_told(*length, *unit));
    let unit = [1024, 1000].into_iter().find(fits);
    let name = |length: &u64| match (*length, unit) {
        (0, _) => "needle only".to_owned(),
        (length, Some(unit)) if length >= unit => format!("{}k", length / unit),
        (length, _) => length.to_string(),
    };
    lengths.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<NeedleRow> {
        let mut rows = Vec::new();
        for (composition, right) in [("SFT3", 9), ("SFT1", 5)] {
            for test_length in [32_768, 0, 1024] {
                // SFT1 was not tested with the needle alone.
                if (composition, test_length) == ("SFT1", 0) {
                    continue;
                }
                rows.extend((0..10).map(|i| NeedleRow {
                    task: "multi_key".into(),
                    composition: composition.into(),
                    test_length,
                    depth: None,
                    grade: f64::from(u8::from(i < right)),
                    found: Vec::new(),
                }));
            }
        }
        rows
    }

    #[test]
    fn lines_stand_over_the_lengths_that_were_tested() {
        let figure = needle_figure(NeedleForm::Lines, &rows());
        let labels: Vec<&str> = figure.legend.iter().map(|entry| entry.label.as_str()).collect();
        assert_eq!(labels, ["SFT3", "SFT1"]);
        assert!(figure.caption.contains("n = 10 tests"), "{}", figure.caption);
        let panel = &figure.panels[0];
        let names: Vec<String> = panel.x.visible_ticks().into_iter().map(|tick| tick.1).collect();
        assert_eq!(
            (panel.title.as_str(), names.join(" ")),
            ("multi key", "needle only 1k 32k".into())
        );
        let of = |name: &str| {
            panel.marks.iter().find_map(|mark| match mark {
                Mark::Line { series, xy, .. } if series == name => Some(xy.clone()),
                _ => None,
            })
        };
        let [sft3, sft1] = ["SFT3", "SFT1"].map(|name| of(name).unwrap());
        assert!(sft3.iter().all(|at| (at[1] - 90.0).abs() < 1e-9));
        assert!(sft1[0][1].is_nan() && (sft1[2][1] - 50.0).abs() < 1e-9);
        assert!(needle_figure(NeedleForm::Lines, &[]).panels.is_empty());
    }

    #[test]
    fn a_heat_map_has_a_cell_per_composition_and_length() {
        let figure = needle_figure(NeedleForm::Heat, &rows());
        let panel = &figure.panels[0];
        let Mark::HeatMap { x, y, values, labels, .. } = &panel.marks[0] else { panic!() };
        assert_eq!((x.len(), y.len(), values.len()), (4, 3, 6));
        assert_eq!(labels.join(" "), "90 90 90  50 50");
        assert!(values[3].is_nan());
        let ticks = panel.y.visible_ticks();
        assert!(ticks[0].1 == "SFT1" && ticks[1].1 == "SFT3", "the first stands above: {ticks:?}");
        assert!(needle_figure(NeedleForm::Heat, &[]).panels.is_empty());
    }

    #[test]
    fn cells_and_points_know_their_results() {
        let rows = rows();
        for (form, series, category) in
            [(NeedleForm::Lines, "SFT1", 1), (NeedleForm::Heat, ACCURACY, 4)]
        {
            let (_, cells) = needle_figure_and_cells(form, &rows);
            let behind = cells.get(0, series, category);
            assert_eq!(behind.len(), 10, "{form:?}");
            for ix in behind {
                let row = &rows[*ix as usize];
                assert_eq!((row.composition.as_str(), row.test_length), ("SFT1", 1024));
            }
            assert!(cells.get(1, series, category).is_empty());
        }
    }

    #[test]
    fn long_names_have_room_beside_the_heat_map() {
        let name = "SmolLM2-135M-Instruct tuned on needles and one thousand tokens of essay";
        let mut rows = rows();
        rows.iter_mut()
            .filter(|row| row.composition == "SFT1")
            .for_each(|row| row.composition = name.into());
        let figure =
            Figure { width_in: 3.3, font_pt: 8.0, ..needle_figure(NeedleForm::Heat, &rows) };
        let svg = crate::figure::to_svg(&figure);
        assert!(svg.contains("essay") && !svg.contains('\u{2026}'), "{svg}");
    }

    #[test]
    fn lengths_are_named_without_losing_digits() {
        assert_eq!(length_names(&[0, 1024, 65_536]), ["needle only", "1k", "64k"]);
        assert_eq!(length_names(&[1000, 32_000]), ["1k", "32k"]);
        assert_eq!(length_names(&[1000, 1024]), ["1000", "1024"]);
        assert_eq!(length_names(&[0, 512, 1024]), ["needle only", "512", "1k"]);
        assert_eq!(length_names(&[700, 1024]), ["700", "1024"]);
    }
}
