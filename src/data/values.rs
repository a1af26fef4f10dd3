//! JSON that is one value over any number of lines: a list of records, an object around one, a record.

use std::cell::Cell;
use std::io::{self, BufRead, Read};

use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::gather::{Gather, Keep};
use super::sniff::read_error;
use super::{DataError, shape};

impl<K: Keep> Gather<'_, K> {
    /// Reads a JSON list, element by element.
    ///
    /// # Errors
    /// The file cannot be read, the list is broken, or an element is too large to be held.
    pub fn list(&mut self, reader: impl BufRead) -> Result<(), DataError> {
        let read_bytes = Cell::new(0);
        let metered =
            Metered { reader, read_bytes: &read_bytes, limit_bytes: self.limits.line_bytes };
        let mut parser = serde_json::Deserializer::from_reader(metered);
        let mut elements = Elements {
            gather: self,
            read_bytes: &read_bytes,
            line: 0,
            failed: None,
            is_full: false,
        };
        let read = (&mut elements).deserialize(&mut parser).and_then(|()| parser.end());
        let (line, failed, is_full) = (elements.line, elements.failed, elements.is_full);
        match (failed, read) {
            (Some(failed), _) => Err(failed),
            _ if is_full => Ok(()),
            (None, Err(error)) => Err(self.json_error(error, &read_bytes, line + 1)),
            (None, Ok(())) => Ok(()),
        }
    }

    /// Parses the file as one object; the inner result says why it is none.
    ///
    /// # Errors
    /// The file cannot be read, or is too large to be held.
    pub fn parse_object(
        &self,
        reader: impl BufRead,
    ) -> Result<Result<Map<String, Value>, DataError>, DataError> {
        let read_bytes = Cell::new(0);
        let metered =
            Metered { reader, read_bytes: &read_bytes, limit_bytes: self.limits.line_bytes };
        match serde_json::from_reader(metered) {
            Ok(object) => Ok(Ok(object)),
            Err(error) if error.is_io() => Err(self.json_error(error, &read_bytes, 1)),
            Err(error) => Ok(Err(self.json_error(error, &read_bytes, 1))),
        }
    }

    /// Takes the records in an object, or the object as one.
    ///
    /// # Errors
    /// Too many of them are not usable.
    pub fn object(&mut self, mut object: Map<String, Value>) -> Result<(), DataError> {
        match self.list_key(&object).and_then(|key| object.remove(&key)) {
            Some(Value::Array(items)) => {
                (1..).zip(items).try_for_each(|(line, item)| self.take(line, item))
            }
            _ => self.take(1, Value::Object(object)),
        }
    }

    /// Where this is no record but a wrapper around a list of them: the list's key.
    pub fn list_key(&self, object: &Map<String, Value>) -> Option<String> {
        match shape::is_known(object, self.map) {
            true => None,
            false => list_in(object).cloned(),
        }
    }

    fn json_error(
        &self,
        error: serde_json::Error,
        read_bytes: &Cell<u64>,
        line: usize,
    ) -> DataError {
        let path = self.path.to_path_buf();
        let limit_bytes = self.limits.line_bytes;
        if error.is_io() {
            return match read_bytes.get() > limit_bytes {
                true => DataError::TooLong { path, line, limit_bytes },
                false => read_error(&path, error.into()),
            };
        }
        let hint = if error.is_eof() { " (the file may be cut off)" } else { "" };
        let reason = format!("{}{hint}", without_place(&error));
        DataError::BrokenJson { path, line: error.line(), column: error.column(), reason }
    }
}

/// The key of the only value that is a list of objects.
fn list_in(object: &Map<String, Value>) -> Option<&String> {
    let is_list =
        |value: &Value| value.as_array().is_some_and(|items| items.iter().any(Value::is_object));
    let mut lists = object.iter().filter(|(_, value)| is_list(value));
    lists.next().filter(|_| lists.next().is_none()).map(|(key, _)| key)
}

/// The message alone: the parser counts lines from the piece that it was given.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.clone(), |(message, _)| message.to_owned())
}

/// Counts what is read and stops at the limit; whoever resets the count says where a piece begins.
pub(super) struct Metered<'a, R> {
    pub reader: R,
    pub read_bytes: &'a Cell<u64>,
    pub limit_bytes: u64,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.reader.read(buffer)?;
        self.read_bytes.set(self.read_bytes.get() + n_read as u64);
        match self.read_bytes.get() > self.limit_bytes {
            true => Err(io::ErrorKind::FileTooLarge.into()),
            false => Ok(n_read),
        }
    }
}

/// Hands the elements of a JSON list to the reader one by one, so that the list is never held.
struct Elements<'r, 'a, K> {
    gather: &'r mut Gather<'a, K>,
    read_bytes: &'r Cell<u64>,
    line: usize,
    failed: Option<DataError>,
    is_full: bool,
}

impl<'de, K: Keep> DeserializeSeed<'de> for &mut Elements<'_, '_, K> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, K: Keep> Visitor<'de> for &mut Elements<'_, '_, K> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element::<Value>()? {
            self.line += 1;
            self.read_bytes.set(0);
            if let Err(failed) = self.gather.take(self.line, value) {
                self.failed = Some(failed);
                return Err(A::Error::custom("stopped"));
            }
            if self.gather.is_full() {
                self.is_full = true;
                return Err(A::Error::custom("enough"));
            }
        }
        Ok(())
    }
}
