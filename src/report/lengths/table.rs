//! Lengths as cells.

use super::unit;
use crate::lengths::{Field, Group, Lengths, Unit};
use crate::report::comparison::Table;
use crate::report::strategies::{strategy_title, task_title};

/// A row per task and strategy, a column per part of the records.
pub fn lengths_table(lengths: &Lengths, in_unit: Unit) -> Table {
    let fields = [Field::Context, Field::Instruction, Field::Answer, Field::Prompt];
    let groups = || lengths.groups.iter().filter(|group| group.unit == in_unit);
    let mut keys: Vec<(&str, &crate::data::StrategyId)> = Vec::new();
    for group in groups() {
        if !keys.contains(&(&group.task, &group.strategy)) {
            keys.push((&group.task, &group.strategy));
        }
    }
    let rows = keys.into_iter().map(|(task, strategy)| {
        let of = |field: Field| {
            let is_it = |g: &&Group| g.task == task && g.strategy == *strategy && g.field == field;
            groups().find(is_it).map(|group| group.summary)
        };
        let n = fields.iter().filter_map(|field| Some(of(*field)?.n)).max().unwrap_or(0);
        let spread = |field: &Field| match of(*field) {
            Some(s) => format!("{:.0} [{:.0}, {:.0}]", s.p50, s.p5, s.p95),
            None => "-".to_owned(),
        };
        let head = [format!("{}: {}", task_title(task), strategy_title(strategy)), n.to_string()];
        head.into_iter().chain(fields.iter().map(spread)).collect()
    });
    let counted_by = match (&lengths.tokenizer, in_unit) {
        (Some(tokenizer), Unit::Tokens) => format!(", {tokenizer}"),
        _ => String::new(),
    };
    let columns = ["task: strategy", "n", "context", "instruction", "answer", "prompt"];
    Table {
        title: format!("Lengths ({}{counted_by})", unit(in_unit, false)),
        columns: columns.map(str::to_owned).to_vec(),
        rows: rows.collect(),
        notes: vec![
            "median [5%, 95%]; prompt: the whole prompt that a record of the task is asked with, answer left out"
                .into(),
        ],
    }
}
