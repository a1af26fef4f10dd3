//! The needle figures: accuracy by test length and training composition.

use super::strategies::color;
use crate::figure::{Axis, Figure, LegendEntry, Mark, Paint, Panel, Swatch, palette};
use crate::needle::NeedleRow;
use crate::seed::Stream;
use crate::stats;
use std::collections::{BTreeMap, BTreeSet};

/// Seed of the bootstrap.
const SEED: u64 = 42;
const RESAMPLES: usize = 2000;

/// The grades of each cell, and what there is along each side.
struct Grades<'a> {
    /// In the order of the rows.
    tasks: Vec<&'a str>,
    /// In the order of the rows, which is that of the study.
    compositions: Vec<&'a str>,
    /// Ascending.
    lengths: Vec<u64>,
    cells: BTreeMap<(&'a str, &'a str, u64), Vec<f64>>,
}

impl<'a> Grades<'a> {
    fn of(rows: &'a [NeedleRow]) -> Self {
        let mut cells: BTreeMap<_, Vec<f64>> = BTreeMap::new();
        for row in rows {
            let cell = (row.task.as_str(), row.composition.as_str(), row.test_length);
            cells.entry(cell).or_default().push(row.grade);
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
        let grades = self.cells.get(&(task, composition, length))?;
        let mut stream = Stream::new(SEED, "", &format!("needle/{task}/{composition}/{length}"));
        let (lo, hi) = stats::bootstrap_mean_ci(grades, 0.95, RESAMPLES, &mut || stream.bits())?;
        Some((100.0 * stats::mean(grades)?, [100.0 * lo, 100.0 * hi]))
    }

    /// "n = 500", "n = 20\u{2013}500": tests in a cell.
    fn counted(&self) -> String {
        let ns = || self.cells.values().map(Vec::len);
        match (ns().min().unwrap_or(0), ns().max().unwrap_or(0)) {
            (least, most) if least < most => format!("n = {least}\u{2013}{most}"),
            (n, _) => format!("n = {n}"),
        }
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
}

/// Draws accuracy by test length and composition, a panel per task.
pub fn needle_figure(form: NeedleForm, rows: &[NeedleRow]) -> Figure {
    let grades = Grades::of(rows);
    match form {
        NeedleForm::Lines => lines(&grades),
        NeedleForm::Heat => heat(&grades),
    }
}

fn heat(grades: &Grades<'_>) -> Figure {
    let (n_columns, n_rows) = (grades.lengths.len(), grades.compositions.len());
    let edges = |n: usize| (0..=n).map(|ix| ix as f64 - 0.5).collect::<Vec<f64>>();
    let names: Vec<String> = grades.compositions.iter().map(|name| (*name).to_owned()).collect();
    let panels = grades.tasks.iter().map(|task| {
        let cells = grades.compositions.iter().flat_map(|composition| {
            grades.lengths.iter().map(|length| grades.accuracy(task, composition, *length))
        });
        let values: Vec<f64> =
            cells.map(|cell| cell.map_or(f64::NAN, |(accuracy, _)| accuracy)).collect();
        let label =
            |value: &f64| if value.is_nan() { String::new() } else { format!("{value:.0}") };
        let map = Mark::HeatMap {
            series: "accuracy (%)".into(),
            x: edges(n_columns),
            y: edges(n_rows),
            labels: values.iter().map(label).collect(),
            values,
            colors: Axis::linear("accuracy (%)", 0.0, 100.0),
        };
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
        columns: 2.min(grades.tasks.len()).max(1),
        panels: panels.collect(),
        panel_height_in: 0.25 + 0.2 * n_rows as f64,
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

/// "needle only", "1k", "64k"; in thousands only where all are whole ones of one kind.
fn length_names(lengths: &[u64]) -> Vec<String> {
    let whole = |unit: u64| lengths.iter().all(|length| length % unit == 0);
    let unit = [1024, 1000].into_iter().find(|unit| whole(*unit));
    let name = |length: &u64| match (*length, unit) {
        (0, _) => "needle only".to_owned(),
        (length, Some(unit)) => format!("{}k", length / unit),
        (length, None) => length.to_string(),
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
    fn lengths_are_named_without_losing_digits() {
        assert_eq!(length_names(&[0, 1024, 65_536]), ["needle only", "1k", "64k"]);
        assert_eq!(length_names(&[1000, 32_000]), ["1k", "32k"]);
        assert_eq!(length_names(&[1000, 1024]), ["1000", "1024"]);
    }
}
