//! How strategies and tasks are called and coloured, in every figure and in the window.

use crate::data::StrategyId;
use crate::figure::palette;
use crate::prompt::Task;
use std::collections::BTreeSet;

/// The strategies that every figure shows first, in this order.
const KNOWN: [&str; 4] = ["human", "context_synthesis", "instruction_synthesis", "test"];

/// The strategies of a figure in their fixed order, each with its [`place`].
pub fn ordered<'a>(all: impl Iterator<Item = &'a StrategyId>) -> Vec<(StrategyId, usize)> {
    let distinct: BTreeSet<&StrategyId> = all.collect();
    let rank = |id: &StrategyId| KNOWN.iter().position(|name| *name == id.as_str());
    let mut ids: Vec<StrategyId> = distinct.into_iter().cloned().collect();
    ids.sort_by_key(|id| (rank(id).unwrap_or(KNOWN.len()), id.clone()));
    ids.into_iter().map(|id| (id.clone(), place(&id))).collect()
}

/// Where a strategy stands in the palettes of colours, markers, hatches and dashes. It depends on
/// nothing but the name, so that a strategy looks the same whatever is shown beside it.
pub fn place(id: &StrategyId) -> usize {
    // Enough places for every combination of what the palettes hold: 3, 4, 5 and 8 divide 120.
    let other = || KNOWN.len() + (hash(id.as_str()) % 120) as usize;
    KNOWN.iter().position(|name| *name == id.as_str()).unwrap_or_else(other)
}

/// Places for names of whatever is compared: strategies keep theirs, others get one each in their
/// order.
pub fn places<'a>(names: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut n_others = 0;
    let place = |name: &str| match KNOWN.iter().position(|known| *known == name) {
        Some(place) => place,
        None => {
            n_others += 1;
            KNOWN.len() + n_others - 1
        }
    };
    names.map(place).collect()
}

/// The colour of a place: blue, vermilion, green, black for the known strategies; sky blue, orange
/// or purple for others. Yellow is left out: a line of it cannot be seen on white.
pub fn color(place: usize) -> [u8; 3] {
    const FIRST: [usize; KNOWN.len()] = [4, 5, 2, 7];
    const OTHERS: [usize; 3] = [1, 0, 6];
    palette::okabe_ito(*FIRST.get(place).unwrap_or(&OTHERS[place % OTHERS.len()]))
}

/// The colour of a strategy on a light page; on a dark one black is drawn light
/// ([`crate::figure::Style::visible`]).
pub fn strategy_color(id: &StrategyId) -> [u8; 3] {
    color(place(id))
}

/// A strategy's name in print.
pub fn strategy_title(id: &StrategyId) -> String {
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

/// FNV-1a: short, and the same in every version of the program, which the standard library's
/// hasher does not promise.
fn hash(name: &str) -> u64 {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_strategies_have_their_order_and_colours() {
        let ids: Vec<StrategyId> =
            ["zebra", "test", "ant", "human", "context_synthesis"].map(StrategyId::from).to_vec();
        let ordered = ordered(ids.iter().chain(&ids));
        let names: Vec<&str> = ordered.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(names, ["human", "context_synthesis", "test", "ant", "zebra"]);
        let places: Vec<usize> = ordered[..3].iter().map(|(_, place)| *place).collect();
        assert_eq!(places, [0, 1, 3]);
        assert_eq!(strategy_color(&"human".into()), palette::okabe_ito(4));
        assert_eq!(strategy_color(&"instruction_synthesis".into()), palette::okabe_ito(2));
    }

    #[test]
    fn others_keep_their_looks_whatever_stands_beside_them() {
        let [ant, zebra] = ["ant", "zebra"].map(StrategyId::from);
        let together = ordered([&ant, &zebra].into_iter());
        let alone = ordered([&zebra].into_iter());
        assert_eq!(together[1], alone[0]);
        assert_eq!(color(alone[0].1), strategy_color(&zebra));
        // What a saved figure shows must come again in a later version.
        assert_eq!([hash(""), hash("a")], [0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c]);
    }

    #[test]
    fn others_never_look_like_the_known() {
        let known: Vec<_> = (0..KNOWN.len()).map(color).collect();
        assert!((KNOWN.len()..200).all(|place| !known.contains(&color(place))));
    }
}
