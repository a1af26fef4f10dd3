//! Results of needle tests that are open: their figure, and the tests behind each cell of it.

use super::WorkbenchError;
use crate::figure::Figure;
use crate::job::Watch;
use crate::needle::{Answered, NeedleRow};
use crate::report::{self, NeedleCells, NeedleForm};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Draw needle results that are open.
#[derive(Debug, Clone)]
pub struct NeedleDrawJob {
    /// The files, in the order of the figure.
    pub parts: Vec<NeedlePart>,
    /// Drawn how.
    pub form: NeedleForm,
    /// Tasks that are left out.
    pub without: BTreeSet<String>,
}

/// Needle results of one file.
#[derive(Debug, Clone)]
pub struct NeedlePart {
    /// What the file is called.
    pub name: String,
    /// Its rows.
    pub rows: Arc<Vec<Answered>>,
}

/// The figure of needle results.
#[derive(Debug, Clone)]
pub struct NeedleDrawn {
    /// The figure.
    pub figure: Arc<Figure>,
    cells: NeedleCells,
    /// The results that were drawn.
    tests: Vec<(NeedlePart, usize)>,
}

impl NeedleDrawn {
    /// How many results were drawn.
    pub fn n_tests(&self) -> usize {
        self.tests.len()
    }

    /// How many grades stand behind a cell of a map or a point of a line.
    pub fn n(&self, panel: usize, series: &str, category: usize) -> Option<usize> {
        let n = self.cells.get(panel, series, category).len();
        (n > 0).then_some(n)
    }

    /// The results behind it, each once, with the name of their file.
    pub fn behind(
        &self,
        panel: usize,
        series: &str,
        category: usize,
    ) -> impl Iterator<Item = (&str, &Answered)> {
        let mut results = self.cells.get(panel, series, category).to_vec();
        results.dedup();
        results.into_iter().filter_map(|ix| {
            let (part, row) = self.tests.get(ix as usize)?;
            Some((part.name.as_str(), part.rows.get(*row)?))
        })
    }
}

pub(super) fn draw(job: NeedleDrawJob, watch: &Watch) -> Result<NeedleDrawn, WorkbenchError> {
    let names = names(&job.parts);
    let mut rows: Vec<NeedleRow> = Vec::new();
    let mut tests = Vec::new();
    for (part, names) in job.parts.iter().zip(&names) {
        watch.check()?;
        for (ix, answered) in part.rows.iter().enumerate() {
            if job.without.contains(&answered.row.task) {
                continue;
            }
            let mut row = answered.row.clone();
            if let Some(name) = names.get(&row.composition) {
                row.composition.clone_from(name);
            }
            rows.push(row);
            tests.push((part.clone(), ix));
        }
    }
    let (figure, cells) = report::needle_figure_and_cells(job.form, &rows);
    Ok(NeedleDrawn { figure: Arc::new(figure), cells, tests })
}

/// For each file the compositions that another file has too, with the file's name to tell them apart.
fn names(parts: &[NeedlePart]) -> Vec<BTreeMap<String, String>> {
    let of = |part: &NeedlePart| -> BTreeSet<String> {
        part.rows.iter().map(|answered| answered.row.composition.clone()).collect()
    };
    let all: Vec<BTreeSet<String>> = parts.iter().map(of).collect();
    let twice = |name: &String| all.iter().filter(|there| there.contains(name)).count() > 1;
    let told = |(part, there): (&NeedlePart, &BTreeSet<String>)| {
        let shared = there.iter().filter(|name| twice(name));
        shared.map(|name| (name.clone(), format!("{name} ({})", part.name))).collect()
    };
    parts.iter().zip(&all).map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, compositions: &[&str]) -> NeedlePart {
        let row = |(ix, composition): (usize, &&str)| {
            let task = if ix == 0 { "single" } else { "multi_key" };
            let line = format!(
                r#"{{"task":"{task}","composition":"{composition}","test_length":0,"grade":1,"id":"{ix}"}}"#
            );
            serde_json::from_str(&line).unwrap()
        };
        let rows = compositions.iter().enumerate().map(row).collect();
        NeedlePart { name: name.into(), rows: Arc::new(rows) }
    }

    #[test]
    fn files_of_one_composition_are_told_apart_and_cells_find_their_tests() {
        let parts = vec![part("a.jsonl", &["m", "m"]), part("b.jsonl", &["m", "other"])];
        let job = NeedleDrawJob { parts, form: NeedleForm::Lines, without: BTreeSet::new() };
        let drawn = draw(job.clone(), &Watch::default()).unwrap();
        let labels: Vec<&str> = drawn.figure.legend.iter().map(|e| e.label.as_str()).collect();
        assert_eq!(labels, ["m (a.jsonl)", "m (b.jsonl)", "other"]);
        let behind: Vec<(&str, &str)> =
            drawn.behind(1, "m (a.jsonl)", 0).map(|(file, row)| (file, row.id.as_str())).collect();
        assert_eq!(behind, [("a.jsonl", "1")]);
        assert_eq!((drawn.n(1, "m (a.jsonl)", 0), drawn.n(1, "m (b.jsonl)", 0)), (Some(1), None));
        let without = BTreeSet::from(["single".to_owned()]);
        let drawn = draw(NeedleDrawJob { without, ..job }, &Watch::default()).unwrap();
        assert_eq!(drawn.figure.panels.len(), 1);
        assert_eq!(drawn.behind(0, "other", 0).count(), 1);
    }
}
