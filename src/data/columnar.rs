//! Parquet and Arrow: batches of columns, row by row as JSON objects.

use std::collections::BTreeSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader, read_footer_length};
use arrow_ipc::{MessageHeader, root_as_footer, root_as_message};
use arrow_json::LineDelimitedWriter;
use arrow_schema::{ArrowError, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use super::DataError;
use super::gather::{Gather, Keep};
use super::source::Source;

/// Rows that are decoded at once: contexts are long.
const BATCH_ROWS: usize = 64;

/// What one buffer of an Arrow file, and the rows of a whole file, may unpack to: so much, and so many times
/// the packed size. A table names a value that stands in many rows only once.
const FREE_BYTES: i64 = 1 << 28;
const MOST_TIMES: i64 = 1000;

/// Batches, and the columns of text that hold JSON.
type Batches = (Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>, BTreeSet<String>);

/// Under this name a file's metadata lists the columns whose text is JSON: Parquet has no place for values
/// of several kinds.
pub const JSON_COLUMNS: &str = "backstory.json_columns";

fn json_columns(schema: &Schema) -> BTreeSet<String> {
    let listed = schema.metadata().get(JSON_COLUMNS);
    listed.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

impl<K: Keep> Gather<'_, K> {
    /// Reads all rows of a Parquet file.
    ///
    /// # Errors
    /// The file is broken.
    pub fn parquet(&mut self, source: Source) -> Result<(), DataError> {
        let n_bytes = self.n_bytes_of(&source)?;
        self.batches(("Parquet", n_bytes), || match source {
            Source::File(file) => parquet_batches(file),
            Source::Unpacked(bytes) => parquet_batches(Bytes::from(bytes.into_inner())),
        })
    }

    /// Reads all rows of Arrow's streaming form.
    ///
    /// # Errors
    /// The file is broken.
    pub fn arrow_stream(&mut self, mut source: Source) -> Result<(), DataError> {
        let n_bytes = self.n_bytes_of(&source)?;
        self.batches(("Arrow", n_bytes), || {
            check_stream(&mut source)?;
            source.rewind()?;
            let reader = BufReader::with_capacity(1 << 16, source);
            let reader = StreamReader::try_new(reader, None)?;
            let json = json_columns(&reader.schema());
            Ok((Box::new(reader), json))
        })
    }

    /// Reads all rows of Arrow's file form.
    ///
    /// # Errors
    /// The file is broken.
    pub fn arrow_file(&mut self, mut source: Source) -> Result<(), DataError> {
        let n_bytes = self.n_bytes_of(&source)?;
        self.batches(("Arrow", n_bytes), || {
            check_file(&mut source)?;
            source.rewind()?;
            let reader = FileReader::try_new(BufReader::with_capacity(1 << 16, source), None)?;
            let json = json_columns(&reader.schema());
            Ok((Box::new(reader), json))
        })
    }

    fn n_bytes_of(&self, source: &Source) -> Result<u64, DataError> {
        let path = self.path.to_path_buf();
        source.n_bytes().map_err(|cause| DataError::Read { path, cause })
    }

    fn batches(
        &mut self,
        (format, bytes): (&'static str, u64),
        open: impl FnOnce() -> Result<Batches, ArrowError>,
    ) -> Result<(), DataError> {
        self.any_json = true;
        let mut row = 0;
        let limit_bytes = FREE_BYTES as u64 + MOST_TIMES as u64 * bytes;
        let mut n_bytes = 0;
        let path = self.path.to_path_buf();
        let broken =
            |row, reason| DataError::BrokenTable { path: path.clone(), format, row, reason };
        let (mut batches, json) = guarded(open).map_err(|reason| broken(row, reason))?;
        loop {
            // A batch as lines of JSON: dates, decimals, lists and structs become what JSON has for them.
            let lines = guarded(|| batches.next().transpose()?.as_ref().map(to_lines).transpose());
            let Some(lines) = lines.map_err(|reason| broken(row, reason))? else { return Ok(()) };
            n_bytes += lines.len() as u64;
            if n_bytes > limit_bytes {
                return Err(DataError::UnpacksToMuch { path, bytes, limit_bytes });
            }
            for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                row += 1;
                match serde_json::from_slice::<Value>(line) {
                    Ok(value) => self.take(row, unfolded(value, &json))?,
                    Err(error) => self.skip(row, format!("cannot be told as JSON: {error}"))?,
                }
                if self.is_full() {
                    return Ok(());
                }
            }
        }
    }
}

fn parquet_batches<R>(source: R) -> Result<Batches, ArrowError>
where
    R: parquet::file::reader::ChunkReader + 'static,
{
    let builder = ParquetRecordBatchReaderBuilder::try_new(source)?;
    let json = json_columns(builder.schema());
    Ok((Box::new(builder.with_batch_size(BATCH_ROWS).build()?), json))
}

/// A row with its columns of JSON as what they hold.
fn unfolded(mut row: Value, json: &BTreeSet<String>) -> Value {
    let columns = row.as_object_mut().into_iter().flatten();
    for (_, value) in columns.filter(|(name, _)| json.contains(*name)) {
        if let Some(parsed) = value.as_str().and_then(|text| serde_json::from_str(text).ok()) {
            *value = parsed;
        }
    }
    row
}

fn to_lines(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    Ok(writer.into_inner())
}

/// Runs a decoder that was not made for files that mean harm: a panic in it is an error of the file.
fn guarded<T>(decode: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, String> {
    // What is left after a panic is not used again: the error ends the reading.
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("its decoder gave up ({})", text.unwrap_or("without a reason")))
        }
    }
}

/// Looks through the messages of a stream for sizes that no file holds: the decoder would ask for that
/// memory at once, and the program would end.
fn check_stream(source: &mut Source) -> Result<(), ArrowError> {
    let n_bytes = source.n_bytes()?;
    source.rewind()?;
    let mut reader = BufReader::new(source);
    let mut metadata = Vec::new();
    while let Some(n_metadata) = next_size(&mut reader)? {
        metadata.clear();
        reader.by_ref().take(u64::from(n_metadata)).read_to_end(&mut metadata)?;
        let body = reader.stream_position()?;
        // What is no message the decoder tells better.
        let Some(end) = check_message(&metadata, &mut reader, body, n_bytes)? else {
            return Ok(());
        };
        reader.seek(SeekFrom::Start(end))?;
    }
    Ok(())
}

/// The same for a file, whose end says where its messages are.
fn check_file(source: &mut Source) -> Result<(), ArrowError> {
    let wrong = |what: &str| Err(ArrowError::IpcError(what.to_owned()));
    let n_bytes = source.n_bytes()?;
    let mut reader = BufReader::new(source);
    let mut end = [0; 10];
    reader.seek(SeekFrom::End(-10))?;
    reader.read_exact(&mut end)?;
    let n_footer = read_footer_length(end)? as u64;
    if n_footer + 18 > n_bytes {
        return wrong("its end is larger than the file");
    }
    let mut footer = vec![0; n_footer as usize];
    reader.seek(SeekFrom::Start(n_bytes - 10 - n_footer))?;
    reader.read_exact(&mut footer)?;
    // What is no footer the decoder tells better.
    let Ok(footer) = root_as_footer(&footer) else { return Ok(()) };
    let blocks = [footer.dictionaries(), footer.recordBatches()].into_iter().flatten().flatten();
    for block in blocks {
        let number = |n: i64| u64::try_from(n).ok().filter(|n| *n <= n_bytes);
        let sizes = number(block.offset())
            .zip(number(block.metaDataLength().into()))
            .zip(number(block.bodyLength()));
        let Some(((at, n_metadata), n_body)) = sizes else {
            return wrong("a block ends behind the file's end");
        };
        if at + n_metadata + n_body > n_bytes || n_metadata < 8 {
            return wrong("a block ends behind the file's end");
        }
        let mut metadata = vec![0; n_metadata as usize];
        reader.seek(SeekFrom::Start(at))?;
        reader.read_exact(&mut metadata)?;
        let n_prefix = if metadata.starts_with(&[0xFF; 4]) { 8 } else { 4 };
        let message = metadata.get(n_prefix..).unwrap_or_default();
        check_message(message, &mut reader, at + n_metadata, n_bytes)?;
    }
    Ok(())
}

/// Where the message ends that has this metadata and this begin of its body; `None` where it is no message.
fn check_message(
    metadata: &[u8],
    reader: &mut (impl Read + Seek),
    body: u64,
    n_bytes: u64,
) -> Result<Option<u64>, ArrowError> {
    let Ok(message) = root_as_message(metadata) else { return Ok(None) };
    let end = u64::try_from(message.bodyLength()).ok().and_then(|n| body.checked_add(n));
    let Some(end) = end.filter(|end| *end <= n_bytes) else {
        return Err(ArrowError::IpcError("a message ends behind the file's end".into()));
    };
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => {
            message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data())
        }
        _ => None,
    };
    let packed = batch.filter(|batch| batch.compression().is_some());
    let buffers = packed.and_then(|batch| batch.buffers()).into_iter().flatten();
    for buffer in buffers.filter(|buffer| buffer.length() > 8) {
        let at = u64::try_from(buffer.offset()).ok().and_then(|at| body.checked_add(at));
        reader.seek(SeekFrom::Start(at.unwrap_or(n_bytes)))?;
        let mut size = [0; 8];
        reader.read_exact(&mut size)?;
        let n = i64::from_le_bytes(size);
        if n > FREE_BYTES.saturating_add(MOST_TIMES.saturating_mul(buffer.length())) {
            return Err(ArrowError::IpcError(format!("a buffer unpacks to {n} bytes")));
        }
    }
    Ok(Some(end))
}

/// The size of the next message's metadata; `None` at the stream's end.
fn next_size(reader: &mut impl Read) -> io::Result<Option<u32>> {
    let mut word = [0; 4];
    let mut next = || match reader.read_exact(&mut word) {
        Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
        result => result.map(|()| u32::from_le_bytes(word)),
    };
    // A marker comes before the size, but not in files of the first versions.
    let first = next()?;
    let size = if first == u32::MAX { next()? } else { first };
    Ok(Some(size).filter(|size| *size > 0))
}
