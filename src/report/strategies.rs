//! How strategies and tasks are called and coloured in every figure.

use crate::data::StrategyId;
use crate::figure::palette;
use crate::prompt::Task;
use std::collections::BTreeSet;

/// The strategies of a figure in their fixed order, each with its place in the palette.
pub fn ordered<'a>(all: impl Iterator<Item = &'a StrategyId>) -> Vec<(StrategyId, usize)> {
    let distinct: BTreeSet<&StrategyId> = all.collect();
    let known = ["human", "context_synthesis", "instruction_synthesis", "test"];
    let rank = |id: &StrategyId| known.iter().position(|name| *name == id.as_str());
    let mut ids: Vec<StrategyId> = distinct.into_iter().cloned().collect();
    ids.sort_by_key(|id| (rank(id).unwrap_or(known.len()), id.clone()));
    let mut next = known.len();
    ids.into_iter()
        .map(|id| {
            let place = rank(&id).unwrap_or_else(|| {
                next += 1;
                next - 1
            });
            (id, place)
        })
        .collect()
}

/// The colour of a strategy: blue, vermilion, green, black, then the rest of the palette.
pub fn color(place: usize) -> [u8; 3] {
    const ORDER: [usize; 8] = [4, 5, 2, 7, 1, 0, 6, 3];
    palette::okabe_ito(ORDER[place % ORDER.len()])
}

/// A strategy's name in print.
pub fn title(id: &StrategyId) -> String {
    id.as_str().replace('_', " ")
}

/// A task's name in print.
pub fn task_title(task: &str) -> String {
    Task::find(task).map_or_else(|| task.to_owned(), |task| task.title.to_owned())
}

/// The tasks in the paper's order, aliases kept apart as the files have them.
pub fn tasks<'a>(all: impl Iterator<Item = &'a str>) -> Vec<String> {
    let distinct: BTreeSet<&str> = all.collect();
    let mut tasks: Vec<String> = distinct.into_iter().map(str::to_owned).collect();
    tasks.sort_by_key(|task| Task::rank(task));
    tasks
}
