//! A study of the tuning gap as figure and table: both arms of each dataset, the gap with its interval,
//! and the training-free proxies against it.
//!
//! Scores, log-probabilities and proxies have panels of their own; no two of them share an axis.

use super::super::bars::Bar;
use super::super::comparison::Table;
use super::super::strategies::{color, places, task_title};
use super::gap::{arms_legend, pair_marks};
use super::{groups_of, of_paper, reference_paint, titled};
use crate::figure::{Axis, Dash, Figure, LegendEntry, Mark, Paint, Panel, Swatch, palette};
use crate::tuning::{Estimate, GapRow, GapStudy, Group, Measure};

/// The tasks and the means over the groups that they are reported in.
pub fn gap_groups<'a>(tasks: impl Iterator<Item = &'a str>) -> Vec<Group> {
    let groups = groups_of(tasks);
    let mean =
        |title: String, tasks: &[String]| Group { title, tasks: tasks.to_vec(), is_mean: true };
    let mut all = Vec::new();
    for group in &groups {
        all.extend(group.tasks.iter().map(|task| Group {
            title: task_title(task),
            tasks: vec![task.clone()],
            is_mean: false,
        }));
        if group.has_mean {
            all.push(mean(format!("{}: mean", group.title), &group.tasks));
        }
    }
    all.extend(of_paper(&groups).map(|paper| mean(format!("{}: mean", paper.title), &paper.tasks)));
    all
}

/// For each measure the two arms and their gap, then each proxy against each gap.
pub fn gap_study_figure(study: &GapStudy) -> Figure {
    let places = places(study.datasets.iter().map(String::as_str));
    let scene = Scene { study, places: &places };
    let mut panels = Vec::new();
    for measure in Measure::ALL {
        let titles = scene.titles(measure);
        if !titles.is_empty() {
            panels.push(scene.arms(measure, &titles));
            panels.push(scene.gaps(measure, &titles));
        }
    }
    for measure in Measure::ALL {
        for proxy in ["instruction_dependence", "answer_dependence"] {
            panels.extend(scene.proxy(measure, proxy));
        }
    }
    let n_categories = study
        .rows
        .iter()
        .filter(|row| row.measure == study.rows[0].measure && row.dataset == study.rows[0].dataset);
    Figure {
        title: "Tuning gap".into(),
        caption: caption(study),
        // Many tasks need the whole width for their names.
        columns: if n_categories.count() > 5 { 1 } else { 2 },
        panels,
        panel_height_in: 1.5,
        legend: scene.legend(),
        ..Figure::default()
    }
}

fn caption(study: &GapStudy) -> String {
    let reference = match &study.human {
        Some(human) => format!(" Dashed: {} with contexts.", titled(human)),
        None => String::new(),
    };
    let general = study.references.iter().any(|reference| reference.name == "general");
    format!(
        "{} tuned on the same {} instruction-answer pairs of each dataset with their contexts (filled) and \
         without (open), then asked {} tests with their documents.{reference} Dotted: the base model{}. The gap \
         is with less without, paired by tuning seed and test. {} Proxies are means over the training records. \
         {}",
        study.model,
        study.n_pairs,
        study.n_tests,
        if general { "; dash-dotted: tuned on general data" } else { "" },
        study.notes.join(" "),
        study.validation.sentence
    )
}

struct Scene<'a> {
    study: &'a GapStudy,
    places: &'a [usize],
}

impl Scene<'_> {
    /// The tasks and groups that a measure is known of, in the order of the rows.
    fn titles(&self, measure: Measure) -> Vec<&str> {
        let mut titles: Vec<&str> = Vec::new();
        for row in self.study.rows.iter().filter(|row| row.measure == measure) {
            if !titles.contains(&row.title.as_str()) {
                titles.push(&row.title);
            }
        }
        titles
    }

    fn row(&self, measure: Measure, dataset: &str, title: &str) -> Option<&GapRow> {
        let is_it =
            |row: &&GapRow| row.measure == measure && row.dataset == dataset && row.title == title;
        self.study.rows.iter().find(is_it)
    }

    fn datasets(&self) -> impl Iterator<Item = (usize, &String, usize)> {
        let named = self.study.datasets.iter().zip(self.places).enumerate();
        named.map(|(ix, (dataset, place))| (ix, dataset, *place))
    }

    fn arms(&self, measure: Measure, titles: &[&str]) -> Panel {
        let n = self.study.datasets.len();
        let mut marks = Vec::new();
        for (ix, dataset, place) in self.datasets() {
            let bars = |pick: fn(&GapRow) -> &Estimate| {
                move |left: f64| -> Vec<Bar> {
                    let bar = |(x, title): (u32, &&str)| {
                        let estimate = pick(self.row(measure, dataset, title)?);
                        let x = f64::from(x) + left;
                        Some(Bar { x, value: estimate.mean, ci95: estimate.ci95 })
                    };
                    (0..).zip(titles).filter_map(bar).collect()
                }
            };
            let (without, with) = (bars(|row| &row.without), bars(|row| &row.with));
            let arms: [&dyn Fn(f64) -> Vec<Bar>; 2] = [&without, &with];
            marks.extend(pair_marks(&titled(dataset), place, (ix, n), titles.len(), arms));
        }
        if let Some(human) = &self.study.human {
            let value = |title: &str| Some(self.row(measure, human, title)?.with.mean);
            let series = format!("{} with context", titled(human));
            marks.push(line(&series, titles, value, reference_paint()));
        }
        for (name, dash) in [("base", Dash::Dotted), ("general", Dash::DashDot)] {
            let value = |title: &str| {
                let mut all = self.study.references.iter();
                let found = all.find(|reference| {
                    reference.name == name
                        && reference.measure == measure
                        && reference.title == title
                });
                Some(found?.value.mean)
            };
            if titles.iter().any(|title| value(title).is_some()) {
                marks.push(line(name, titles, value, reference_paint().dash(dash)));
            }
        }
        Panel {
            title: match measure {
                Measure::Score => "LongBench score".into(),
                Measure::AnswerLogprob => "Log-probability of the answer".into(),
            },
            x: Axis::category("", titles.iter().map(|title| (*title).to_owned()).collect()),
            y: axis(measure.title(), &marks),
            marks,
        }
    }

    fn gaps(&self, measure: Measure, titles: &[&str]) -> Panel {
        let n = self.study.datasets.len() as f64;
        let zero = Paint::new([90; 3]).width(0.6);
        let mut marks =
            vec![Mark::Rule { series: "no gap".into(), at: 0.0, horizontal: true, paint: zero }];
        for (ix, dataset, place) in self.datasets() {
            let at = |x: u32| f64::from(x) + 0.6 * ((ix as f64 + 0.5) / n - 0.5);
            let found: Vec<(f64, &Estimate)> = (0..)
                .zip(titles)
                .filter_map(|(x, title)| Some((at(x), &self.row(measure, dataset, title)?.gap)))
                .collect();
            marks.extend(whiskers(&titled(dataset), &found, place));
        }
        let label = match measure {
            Measure::Score => "gap in score",
            Measure::AnswerLogprob => "gap (nats per token)",
        };
        Panel {
            title: match measure {
                Measure::Score => "Gap in score, with less without".into(),
                Measure::AnswerLogprob => "Gap in log-probability, with less without".into(),
            },
            x: Axis::category("", titles.iter().map(|title| (*title).to_owned()).collect()),
            y: axis(label, &marks),
            marks,
        }
    }

    /// A proxy against a gap, a point per dataset and task; `None` where none has both.
    fn proxy(&self, measure: Measure, proxy: &str) -> Option<Panel> {
        let mut marks = Vec::new();
        let mut all = Vec::new();
        for (_, dataset, place) in self.datasets() {
            let points = self.study.validation.points.iter().filter(|p| p.dataset == *dataset);
            let mut xy = Vec::new();
            let mut ids = Vec::new();
            for point in points {
                let value = point.proxies().into_iter().find(|(name, _)| *name == proxy);
                if let Some((x, y)) = value.and_then(|(_, x)| x).zip(point.gap(measure)) {
                    xy.push([x, y]);
                    ids.push(format!("{dataset}: {}", task_title(&point.task)));
                }
            }
            all.extend(xy.iter().copied());
            marks.push(Mark::Points {
                series: titled(dataset),
                xy,
                ids,
                marker: palette::marker(place),
                size_pt: 5.0,
                paint: Paint::new(color(place)),
            });
        }
        if all.is_empty() {
            return None;
        }
        let span = |side: usize| {
            let values = all.iter().map(|at| at[side]);
            let (lo, hi) = (values.clone().fold(0.0, f64::min), values.fold(0.0, f64::max));
            let air = 0.08 * (hi - lo).max(1e-3);
            [lo - air, hi + air]
        };
        let ([x0, x1], [y0, y1]) = (span(0), span(1));
        let rank = self
            .study
            .validation
            .ranks
            .iter()
            .find(|rank| rank.measure == measure && rank.proxy == proxy);
        let n = all.len();
        let told = match rank.and_then(|rank| Some((rank.rho?, rank.ci95?))) {
            Some((rho, [lo, hi])) => format!("\u{3c1} = {rho:+.2} [{lo:+.2}, {hi:+.2}], n = {n}"),
            None => format!("n = {n}"),
        };
        let label = match measure {
            Measure::Score => "gap in score",
            Measure::AnswerLogprob => "gap (nats per token)",
        };
        let name = titled(proxy);
        Some(Panel {
            title: format!("Gap over {name}, {told}"),
            x: Axis::linear(&format!("mean {name} (nats per token)"), x0, x1),
            y: Axis::linear(label, y0, y1),
            marks,
        })
    }

    fn legend(&self) -> Vec<LegendEntry> {
        let line = |label: &str, dash| LegendEntry {
            label: label.to_owned(),
            swatch: Swatch::Line,
            paint: reference_paint().dash(dash),
        };
        let names = self.study.datasets.iter().map(String::as_str);
        let mut entries = arms_legend(names, self.places);
        let human = self.study.human.as_ref();
        entries.extend(
            human.map(|human| line(&format!("{} with context", titled(human)), Dash::Dashed)),
        );
        for (name, title, dash) in
            [("base", "base model", Dash::Dotted), ("general", "general data", Dash::DashDot)]
        {
            if self.study.references.iter().any(|reference| reference.name == name) {
                entries.push(line(title, dash));
            }
        }
        entries
    }
}

/// A line over each category at a value.
fn line(series: &str, titles: &[&str], value: impl Fn(&str) -> Option<f64>, paint: Paint) -> Mark {
    let mut xy = Vec::new();
    for (x, title) in (0..).map(f64::from).zip(titles) {
        if let Some(value) = value(title) {
            xy.extend([[x - 0.46, value], [x + 0.46, value], [f64::NAN; 2]]);
        }
    }
    Mark::Line { series: series.to_owned(), xy, paint }
}

/// Means as points with their intervals.
fn whiskers(series: &str, found: &[(f64, &Estimate)], place: usize) -> Vec<Mark> {
    let paint = Paint::new(color(place));
    let sure: Vec<(f64, [f64; 2])> =
        found.iter().filter_map(|(x, estimate)| Some((*x, estimate.ci95?))).collect();
    vec![
        Mark::ErrorBars {
            series: series.to_owned(),
            x: sure.iter().map(|(x, _)| *x).collect(),
            lo: sure.iter().map(|(_, [lo, _])| *lo).collect(),
            hi: sure.iter().map(|(_, [_, hi])| *hi).collect(),
            horizontal: false,
            paint: paint.width(1.0),
        },
        Mark::Points {
            series: series.to_owned(),
            xy: found.iter().map(|(x, estimate)| [*x, estimate.mean]).collect(),
            ids: Vec::new(),
            marker: palette::marker(place),
            size_pt: 5.0,
            paint,
        },
    ]
}

/// From 0 to what is farthest from it on either side, with a little air.
fn axis(label: &str, marks: &[Mark]) -> Axis {
    let mut values: Vec<f64> = Vec::new();
    for mark in marks {
        match mark {
            Mark::Bars { y1, .. } => values.extend(y1),
            Mark::ErrorBars { lo, hi, .. } => values.extend(lo.iter().chain(hi)),
            Mark::Points { xy, .. } | Mark::Line { xy, .. } => {
                values.extend(xy.iter().map(|at| at[1]).filter(|y| y.is_finite()));
            }
            _ => {}
        }
    }
    let lo = values.iter().copied().fold(0.0, f64::min);
    let hi = values.iter().copied().fold(0.0, f64::max);
    let (lo, hi) = if hi > lo { (lo, hi) } else { (0.0, 1.0) };
    Axis::linear(label, 1.08 * lo, 1.08 * hi)
}

/// A row per measure, task or mean, and dataset.
pub fn gap_study_table(study: &GapStudy) -> Table {
    let columns = ["measure: task: dataset", "tests", "without [95%]", "with [95%]", "gap [95%]"];
    let row = |row: &GapRow| {
        let decimals = match row.measure {
            Measure::Score => 2,
            Measure::AnswerLogprob => 3,
        };
        let measure = match row.measure {
            Measure::Score => "score",
            Measure::AnswerLogprob => "log p(answer)",
        };
        vec![
            format!("{measure}: {}: {}", row.title, titled(&row.dataset)),
            row.n_tests.to_string(),
            text(&row.without, decimals, false),
            text(&row.with, decimals, false),
            text(&row.gap, decimals, true),
        ]
    };
    let mut notes = study.notes.clone();
    for reference in &study.references {
        let decimals = if reference.measure == Measure::Score { 2 } else { 3 };
        notes.push(format!(
            "{}, {}, {}: {}",
            reference.name,
            reference.title,
            reference.measure.title(),
            text(&reference.value, decimals, false)
        ));
    }
    Table {
        title: "Tuning gap".into(),
        columns: columns.map(str::to_owned).to_vec(),
        rows: study.rows.iter().map(row).collect(),
        notes,
    }
}

fn text(estimate: &Estimate, decimals: usize, signed: bool) -> String {
    let number = |x: f64| match signed {
        true => format!("{x:+.decimals$}"),
        false => format!("{x:.decimals$}"),
    };
    match estimate.ci95 {
        Some([lo, hi]) => format!("{} [{}, {}]", number(estimate.mean), number(lo), number(hi)),
        None => number(estimate.mean),
    }
}
