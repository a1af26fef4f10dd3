//! A comparison in plain words: what the pairs say, and how sure that is.

use super::super::strategies::strategy_title;
use super::table::p_value;
use super::{Comparison, Difference, Row};

/// Below this a p-value counts as small.
const LEVEL: f64 = 0.05;

impl Comparison {
    /// What the pairs of all tasks say, in a sentence or two.
    pub fn sentence(&self) -> String {
        let over_all = self.rows.iter().find(|row| row.task.is_none());
        let Some((row, found)) = over_all.and_then(|row| Some((row, row.difference.as_ref()?)))
        else {
            let [baseline, other] = [&self.baseline, &self.other].map(|name| title(name));
            return format!("No seed is paired, so {other} and {baseline} cannot be compared.");
        };
        // Only where no pair differs there is no rank to correlate.
        if found.rank_biserial.is_none() {
            let [baseline, other] = [&self.baseline, &self.other].map(|name| title(name));
            let (value, n) = (&self.quantity.title, row.n_pairs);
            return format!(
                "{other} and {baseline} do not differ: {value} is the same in each of {n} pairs."
            );
        }
        let claim = self.claim(found.centre.mean);
        let numbers = self.numbers(row, found);
        match found.is_clear() {
            true => format!(
                "{}{}: by {numbers}.{}",
                claim[..1].to_uppercase(),
                &claim[1..],
                self.by_task()
            ),
            false => format!("These pairs do not show that {claim}: the difference is {numbers}."),
        }
    }

    /// What speaks against believing the sentence: the doubts about the sides and all pairs together.
    pub fn cautions(&self) -> Vec<String> {
        let of_all =
            self.rows.iter().filter(|row| row.task.is_none()).flat_map(|row| &row.warnings);
        self.warnings.iter().chain(of_all).cloned().collect()
    }

    /// "the instructions of A depend more on their contexts than human ones": the side that has more
    /// comes first.
    fn claim(&self, difference: f64) -> String {
        let sides = (self.baseline.as_str(), self.other.as_str());
        let (more, less) = if difference < 0.0 { sides } else { (sides.1, sides.0) };
        let name = self.quantity.name.as_str();
        let parts = ["instruction", "answer", "prompt", "context"];
        let part = parts.into_iter().find(|part| name.contains(part)).unwrap_or("value");
        let does = match name {
            _ if name.ends_with("_gain") || name.ends_with("_dependence") => {
                "depend more on their contexts"
            }
            _ if name.starts_with("auc_") => "fit their own contexts better than others",
            _ => "are longer",
        };
        let than = if name.starts_with("auc_") { "more often than" } else { "than" };
        // Nobody speaks of the instructions of human.
        let more = match more {
            "human" => format!("human {part}s"),
            more => format!("the {part}s of {}", title(more)),
        };
        let less = if less == "human" {
            "human ones".to_owned()
        } else {
            format!("those of {}", title(less))
        };
        format!("{more} {does} {than} {less}")
    }

    /// "0.42 [0.31, 0.53] nats per token, p = 0.001, 24 pairs".
    fn numbers(&self, row: &Row, found: &Difference) -> String {
        let n_decimals = self.n_decimals();
        let (mean, mut ends) = (found.centre.mean.abs(), found.ci95);
        if found.centre.mean < 0.0 {
            ends = [-ends[1], -ends[0]];
        }
        let [lo, hi] = ends.map(|end| format!("{end:.n_decimals$}"));
        let unit = self.unit();
        let p = match p_value(found.p) {
            p if p.starts_with('<') => format!("p < {}", &p[1..]),
            p => format!("p = {p}"),
        };
        let pairs = if row.n_pairs == 1 { "pair" } else { "pairs" };
        format!(
            "{mean:.n_decimals$}{unit} (95% interval {lo} to {hi}), {p}, {} {pairs}",
            row.n_pairs
        )
    }

    /// " nats per token", as the title has it in brackets.
    fn unit(&self) -> String {
        let title = &self.quantity.title;
        let inside = title.rsplit_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        let unit = inside.and_then(|inside| inside.split(',').next()).unwrap_or_default();
        if unit.is_empty() || unit == "AUC" { String::new() } else { format!(" {unit}") }
    }

    /// How many tasks say so by themselves.
    fn by_task(&self) -> String {
        let tested: Vec<&Difference> = self
            .rows
            .iter()
            .filter(|row| row.task.is_some())
            .filter_map(|row| row.difference.as_ref())
            .collect();
        if tested.len() < 2 {
            return String::new();
        }
        let over_all = self.rows.iter().find(|row| row.task.is_none());
        let sign = over_all.and_then(|row| row.difference.as_ref()).map_or(0.0, |d| d.centre.mean);
        let is_clear = |found: &&&Difference| {
            found.p_holm.is_some_and(|p| p < LEVEL) && found.centre.mean * sign > 0.0
        };
        let n = tested.iter().filter(is_clear).count();
        format!(
            " By itself it is clear in {n} of {} tasks (Holm-adjusted p below {LEVEL}).",
            tested.len()
        )
    }
}

impl Difference {
    /// Whether test and interval agree that there is a difference.
    pub fn is_clear(&self) -> bool {
        self.p < LEVEL && (self.ci95[0] > 0.0 || self.ci95[1] < 0.0)
    }
}

/// Strategies are told without their underscores; a file keeps its name.
fn title(name: &str) -> String {
    match name.contains(['(', '.', '/']) {
        true => name.to_owned(),
        false => strategy_title(&name.into()),
    }
}
