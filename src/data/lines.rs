//! JSONL, line by line: a bad line costs itself and nothing else.

use std::io::{BufRead, Read};

use serde::Deserialize;
use serde_json::Value;

use super::DataError;
use super::gather::{Gather, Keep};
use super::sniff::{self, read_error};
use super::values::without_place;

impl<K: Keep> Gather<'_, K> {
    /// Reads all lines.
    ///
    /// # Errors
    /// The file cannot be read, has a line too long to be held, or none of its first lines is JSON.
    pub fn lines(&mut self, mut reader: impl BufRead) -> Result<(), DataError> {
        let mut line = Vec::new();
        let mut first = None;
        for number in 1.. {
            if !self.next_line(&mut reader, &mut line, number)? {
                break;
            }
            let text = line.strip_prefix(sniff::BYTE_ORDER_MARK).unwrap_or(&line);
            if text.trim_ascii().is_empty() {
                continue;
            }
            let looks_like = *first.get_or_insert_with(|| sniff::looks_like(text));
            match parse_line::<Value>(text) {
                Ok(value) => self.take(number, value)?,
                Err(reason) => self.skip(number, reason)?,
            }
            if self.is_full() {
                break;
            }
            if !self.any_json && self.skipped.len() >= self.limits.n_probed {
                return Err(self.not_json(looks_like));
            }
        }
        match first {
            Some(looks_like) if !self.any_json => Err(self.not_json(looks_like)),
            _ => Ok(()),
        }
    }

    /// Reads one line with its end into `line`; false at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read, or the line, which is called `number`, is too long to be held.
    pub fn next_line(
        &self,
        reader: &mut impl BufRead,
        line: &mut Vec<u8>,
        number: usize,
    ) -> Result<bool, DataError> {
        let limit_bytes = self.limits.line_bytes;
        line.clear();
        let read = reader.take(limit_bytes + 1).read_until(b'\n', line);
        let n_read = read.map_err(|cause| read_error(self.path, cause))?;
        match n_read as u64 > limit_bytes {
            true => Err(DataError::TooLong { path: self.path.into(), line: number, limit_bytes }),
            false => Ok(n_read > 0),
        }
    }
}

/// One line with its end as JSON.
///
/// # Errors
/// What is wrong with it, and where in the line.
pub(super) fn parse_line<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, String> {
    let is_last = !line.ends_with(b"\n");
    let hint = if is_last {
        "; it is the last line and does not end: the file may be cut off"
    } else {
        ""
    };
    let text = std::str::from_utf8(line).map_err(|e| {
        format!("not valid UTF-8 at byte {} of the line{hint}", e.valid_up_to() + 1)
    })?;
    serde_json::from_str(text).map_err(|e| {
        format!("not valid JSON at column {}: {}{hint}", e.column(), without_place(&e))
    })
}
