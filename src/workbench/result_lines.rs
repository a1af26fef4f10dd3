//! Files of results, a JSON row a line, as this program writes them.

use super::WorkbenchError;
use crate::data::DataError;
use crate::job::Watch;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The longest row, which may hold a whole reply; a file without line breaks is none of ours.
const LONGEST_ROW: u64 = 1 << 20;

/// The rows of `file`, which was opened at `path`; `None` where its first row has not the keys that
/// `is_row` looks for.
///
/// # Errors
/// [`WorkbenchError::Refused`] with the line of a broken row and what `refusal` makes of its reason:
/// that one is missing is no small matter.
pub(super) fn read<T>(
    file: File,
    path: &Path,
    watch: &Watch,
    is_row: impl Fn(&serde_json::Map<String, serde_json::Value>) -> bool,
    parse: impl Fn(&[u8]) -> Result<T, String>,
    refusal: impl Fn(String) -> String,
) -> Result<Option<Vec<T>>, WorkbenchError> {
    let failed = |cause| DataError::Read { path: path.to_owned(), cause };
    let mut rows = Vec::new();
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    for number in 1_usize.. {
        line.clear();
        let n = reader.by_ref().take(LONGEST_ROW).read_until(b'\n', &mut line).map_err(failed)?;
        if n == 0 {
            break;
        }
        watch.check()?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        if rows.is_empty() && !serde_json::from_slice(&line).is_ok_and(|row| is_row(&row)) {
            return Ok(None);
        }
        let refused = |reason| {
            let what = refusal(reason);
            WorkbenchError::Refused(format!("{}, line {number}: {what}", path.display()))
        };
        rows.push(parse(&line).map_err(refused)?);
    }
    Ok((!rows.is_empty()).then_some(rows))
}
