//! A comparison as cells.

use super::super::strategies::task_title;
use super::{Centre, Comparison, Difference, Row};

/// A comparison for people: text in columns, the first to be set left and the others right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What is compared with what.
    pub title: String,
    /// The heads of the columns.
    pub columns: Vec<String>,
    /// One per task and one over all; as many cells as there are columns.
    pub rows: Vec<Vec<String>>,
    /// What should be known beside the numbers.
    pub notes: Vec<String>,
}

impl Comparison {
    /// The comparison as cells.
    pub fn table(&self) -> Table {
        let Self { quantity, baseline, other, .. } = self;
        let columns = [
            "task",
            "pairs",
            "unpaired",
            &format!("{baseline}: mean (median)"),
            &format!("{other}: mean (median)"),
            "difference [95%]",
            "p",
            "p (Holm)",
            "d_z",
            "rank-biserial",
            "Wasserstein (all)",
        ];
        let n_decimals = self.n_decimals();
        Table {
            title: format!("{}: {other} less {baseline}", quantity.title),
            columns: columns.map(str::to_owned).to_vec(),
            rows: self.rows.iter().map(|row| row.cells(n_decimals)).collect(),
            notes: self.notes(),
        }
    }

    /// Decimals that show about four digits of the largest mean.
    pub(super) fn n_decimals(&self) -> usize {
        let sides = self.rows.iter().flat_map(|row| [row.baseline, row.other]);
        match sides.flatten().map(|centre| centre.mean.abs()).fold(0.0, f64::max) {
            size if size >= 1000.0 => 0,
            size if size >= 100.0 => 1,
            size if size >= 10.0 => 2,
            _ => 3,
        }
    }

    /// The warnings of the sides, then those of the rows, each once with the tasks that it is of.
    fn notes(&self) -> Vec<String> {
        let mut of_rows: Vec<(&str, Vec<String>)> = Vec::new();
        for row in &self.rows {
            for warning in &row.warnings {
                match of_rows.iter_mut().find(|(known, _)| known == warning) {
                    Some((_, tasks)) => tasks.push(row.title()),
                    None => of_rows.push((warning, vec![row.title()])),
                }
            }
        }
        let of_rows = of_rows.iter().map(|(text, tasks)| format!("{}: {text}", tasks.join(", ")));
        self.warnings.iter().cloned().chain(of_rows).collect()
    }
}

impl Row {
    fn title(&self) -> String {
        self.task.as_deref().map_or_else(|| "all tasks".to_owned(), task_title)
    }

    fn cells(&self, n_decimals: usize) -> Vec<String> {
        let centre = |centre: Option<Centre>| {
            cell(centre, |c| format!("{:.n_decimals$} ({:.n_decimals$})", c.mean, c.median))
        };
        let found = self.difference.as_ref();
        let number = |pick: fn(&Difference) -> Option<f64>| {
            cell(found.and_then(pick), |value| format!("{value:+.2}"))
        };
        vec![
            self.title(),
            self.n_pairs.to_string(),
            format!("{} + {}", self.n_unpaired_baseline, self.n_unpaired_other),
            centre(self.baseline),
            centre(self.other),
            cell(found, |found| {
                let ([lo, hi], mean) = (found.ci95, found.centre.mean);
                format!("{mean:+.n_decimals$} [{lo:+.n_decimals$}, {hi:+.n_decimals$}]")
            }),
            cell(found.map(|found| found.p), p_value),
            cell(found.and_then(|found| found.p_holm), p_value),
            number(|found| found.cohens_dz),
            number(|found| found.rank_biserial),
            cell(self.wasserstein, |distance| format!("{distance:.n_decimals$}")),
        ]
    }
}

fn cell<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), text)
}

/// Two digits of a p-value, as far as four decimals go.
pub(in crate::report) fn p_value(p: f64) -> String {
    match p {
        p if p < 0.0001 => "<0.0001".to_owned(),
        p if p < 0.01 => format!("{p:.4}"),
        p => format!("{p:.3}"),
    }
}
