//! Two files side by side: the pairs of one, the contexts of the other, line by line.

use super::read::Whole;
use super::{DataError, Record, StrategyId};

/// Gives record i of `main` the context of record i of `join`, and its other columns where `main` has none
/// of that name. Ids are not touched: the caller assigns them afterwards.
///
/// # Errors
/// Whenever the two might not belong together line by line; see the `Join…` variants of [`DataError`].
pub(super) fn join(main: &mut Whole, join: Whole) -> Result<(), DataError> {
    for file in [&*main, &join] {
        if let Some(first) = file.skipped.first() {
            let (path, line, reason) = (file.path.clone(), first.line, first.reason.clone());
            return Err(DataError::JoinSkipped { path, line, reason });
        }
    }
    if main.records.len() != join.records.len() {
        return Err(DataError::JoinCounts {
            path: main.path.clone(),
            n_main: main.records.len(),
            join: join.path,
            n_join: join.records.len(),
        });
    }
    for (record, other) in main.records.iter_mut().zip(join.records) {
        join_one(record, other)?;
    }
    if let Some(column) = join.columns.get("context") {
        main.columns.insert("context".into(), column.clone());
    }
    Ok(())
}

fn join_one(record: &mut Record, other: Record) -> Result<(), DataError> {
    let path = record.source.path.clone();
    let (line, join_line) = (record.source.line, other.source.line);
    if line != join_line {
        return Err(DataError::JoinShifted { path, line, join: other.source.path, join_line });
    }
    if record.context.is_some() {
        return Err(DataError::JoinHasContext { path, line });
    }
    if !other.instruction.is_empty() && other.instruction != record.instruction {
        return Err(DataError::JoinOtherInstruction { path, join: other.source.path, line });
    }
    let Some(context) = other.context else {
        return Err(DataError::JoinNoContext { path: other.source.path, line });
    };
    record.context = Some(context);
    record.strategy = StrategyId::human();
    for (key, value) in other.extra {
        record.extra.entry(key).or_insert(value);
    }
    Ok(())
}
