//! Records as columns: CSV and Parquet.

use super::ExportError;
use crate::data::{Record, table_cell};
use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::Arc;

/// The columns that every record has, in their order.
const OWN: [&str; 7] = ["id", "seed_id", "task", "strategy", "instruction", "answers", "context"];

/// Rows that become one batch, and about how many bytes of text.
const BATCH_ROWS: usize = 1024;
const BATCH_BYTES: usize = 8 << 20;

/// What is gathered before it is written: a row group is held until it is whole.
const GROUP_BYTES: usize = 48 << 20;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Int,
    Float,
    Bool,
    Ints,
    Texts,
    /// Values of several kinds, or objects: their JSON.
    Json,
}

impl Kind {
    fn of(value: &Value) -> Option<Self> {
        let all = |is: fn(&Value) -> bool| value.as_array().is_some_and(|all| all.iter().all(is));
        Some(match value {
            Value::Null => return None,
            Value::String(_) => Self::Text,
            Value::Bool(_) => Self::Bool,
            Value::Number(number) if number.is_i64() => Self::Int,
            Value::Number(number) if number.is_f64() => Self::Float,
            Value::Array(_) if all(Value::is_i64) => Self::Ints,
            Value::Array(_) if all(Value::is_string) => Self::Texts,
            _ => Self::Json,
        })
    }

    fn data_type(self) -> DataType {
        let list = |of| DataType::List(Arc::new(Field::new("item", of, true)));
        match self {
            Self::Text | Self::Json => DataType::Utf8,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Ints => list(DataType::Int64),
            Self::Texts => list(DataType::Utf8),
        }
    }
}

/// The other columns of some records, by name.
#[derive(Debug, Default)]
pub(super) struct Columns(BTreeMap<String, Option<Kind>>);

impl Columns {
    /// Takes the columns of a record in.
    pub fn add(&mut self, record: &Record) {
        for (name, value) in record.extra.iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
            let kind = Kind::of(value);
            match self.0.get_mut(name) {
                None => drop(self.0.insert(name.clone(), kind)),
                Some(known) if known.is_none() => *known = kind,
                Some(known) if kind.is_some() && *known != kind => *known = Some(Kind::Json),
                Some(_) => {}
            }
        }
    }

    fn kinds(&self) -> impl Iterator<Item = (&String, Kind)> {
        self.0.iter().map(|(name, kind)| (name, kind.unwrap_or(Kind::Text)))
    }
}

/// Writes CSV: a header, and a row a record. Lists and objects stand in their cells as JSON.
pub(super) struct Cells<W: Write> {
    writer: csv::Writer<W>,
    names: Vec<String>,
}

impl<W: Write> Cells<W> {
    pub fn new(columns: &Columns, writer: W) -> io::Result<Self> {
        let names: Vec<String> = columns.0.keys().cloned().collect();
        let mut writer = csv::Writer::from_writer(writer);
        writer.write_record(OWN.iter().copied().chain(names.iter().map(String::as_str)))?;
        Ok(Self { writer, names })
    }

    pub fn add(&mut self, record: &Record) -> io::Result<()> {
        let answers = Value::from(record.answers.clone()).to_string();
        let own = [
            record.id.as_str(),
            record.seed_id.as_str(),
            &record.task,
            record.strategy.as_str(),
            &record.instruction,
            &answers,
            record.context.as_deref().unwrap_or_default(),
        ];
        let others: Vec<String> =
            self.names.iter().map(|name| table_cell(record.extra.get(name))).collect();
        self.writer.write_record(own.into_iter().chain(others.iter().map(String::as_str)))?;
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Writes Parquet, packed with zstd. Which columns hold JSON is in the file's metadata.
pub(super) struct Parquet<W: Write + Send> {
    writer: ArrowWriter<W>,
    schema: SchemaRef,
    others: Vec<(String, Kind)>,
    rows: Vec<Arc<Record>>,
    n_bytes: usize,
}

impl<W: Write + Send> Parquet<W> {
    pub fn new(columns: &Columns, writer: W) -> Result<Self, ParquetError> {
        let others: Vec<(String, Kind)> =
            columns.kinds().map(|(name, kind)| (name.clone(), kind)).collect();
        let own = OWN.iter().map(|name| {
            let kind = if *name == "answers" { Kind::Texts } else { Kind::Text };
            Field::new(*name, kind.data_type(), *name == "context")
        });
        let fields = others.iter().map(|(name, kind)| Field::new(name, kind.data_type(), true));
        let json: Vec<&String> =
            others.iter().filter(|(_, kind)| *kind == Kind::Json).map(|(name, _)| name).collect();
        let metadata = [(
            crate::data::JSON_COLUMNS.to_owned(),
            Value::from_iter(json.into_iter().cloned()).to_string(),
        )];
        let schema = Schema::new(own.chain(fields).collect::<Vec<Field>>());
        let schema = Arc::new(schema.with_metadata(HashMap::from(metadata)));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .build();
        let writer = ArrowWriter::try_new(writer, schema.clone(), Some(properties))?;
        Ok(Self { writer, schema, others, rows: Vec::new(), n_bytes: 0 })
    }

    pub fn add(&mut self, record: Arc<Record>) -> Result<(), ParquetError> {
        self.n_bytes += record.context.as_ref().map_or(0, String::len);
        self.rows.push(record);
        if self.rows.len() < BATCH_ROWS && self.n_bytes < BATCH_BYTES {
            return Ok(());
        }
        self.write_batch()?;
        match self.writer.in_progress_size() > GROUP_BYTES {
            true => self.writer.flush(),
            false => Ok(()),
        }
    }

    pub fn finish(mut self) -> Result<(), ParquetError> {
        self.write_batch()?;
        self.writer.close().map(|_| ())
    }

    fn write_batch(&mut self) -> Result<(), ParquetError> {
        let rows = std::mem::take(&mut self.rows);
        self.n_bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        let batch = batch(&self.schema, &self.others, &rows)?;
        self.writer.write(&batch)
    }
}

fn batch(
    schema: &SchemaRef,
    others: &[(String, Kind)],
    rows: &[Arc<Record>],
) -> Result<RecordBatch, ArrowError> {
    let text = |of: fn(&Record) -> Option<&str>| -> ArrayRef {
        let mut builder = StringBuilder::new();
        rows.iter().for_each(|record| builder.append_option(of(record)));
        Arc::new(builder.finish())
    };
    let mut answers = ListBuilder::new(StringBuilder::new());
    for record in rows {
        answers.append_value(record.answers.iter().map(Some));
    }
    let mut columns: Vec<ArrayRef> = vec![
        text(|record| Some(record.id.as_str())),
        text(|record| Some(record.seed_id.as_str())),
        text(|record| Some(&record.task)),
        text(|record| Some(record.strategy.as_str())),
        text(|record| Some(&record.instruction)),
        Arc::new(answers.finish()),
        text(|record| record.context.as_deref()),
    ];
    for (name, kind) in others {
        let values = rows.iter().map(|record| record.extra.get(name).filter(|v| !v.is_null()));
        columns.push(column(*kind, values));
    }
    RecordBatch::try_new(schema.clone(), columns)
}

fn column<'a>(kind: Kind, values: impl Iterator<Item = Option<&'a Value>>) -> ArrayRef {
    match kind {
        Kind::Text => {
            let mut builder = StringBuilder::new();
            values.for_each(|value| builder.append_option(value.and_then(Value::as_str)));
            Arc::new(builder.finish())
        }
        Kind::Json => {
            let mut builder = StringBuilder::new();
            values.for_each(|value| builder.append_option(value.map(Value::to_string)));
            Arc::new(builder.finish())
        }
        Kind::Int => {
            let mut builder = Int64Builder::new();
            values.for_each(|value| builder.append_option(value.and_then(Value::as_i64)));
            Arc::new(builder.finish())
        }
        Kind::Float => {
            let mut builder = Float64Builder::new();
            values.for_each(|value| builder.append_option(value.and_then(Value::as_f64)));
            Arc::new(builder.finish())
        }
        Kind::Bool => {
            let mut builder = BooleanBuilder::new();
            values.for_each(|value| builder.append_option(value.and_then(Value::as_bool)));
            Arc::new(builder.finish())
        }
        Kind::Ints => {
            let mut builder = ListBuilder::new(Int64Builder::new());
            for value in values {
                let items = value.and_then(Value::as_array);
                builder.append_option(items.map(|all| all.iter().map(Value::as_i64)));
            }
            Arc::new(builder.finish())
        }
        Kind::Texts => {
            let mut builder = ListBuilder::new(StringBuilder::new());
            for value in values {
                let items = value.and_then(Value::as_array);
                builder.append_option(items.map(|all| all.iter().map(Value::as_str)));
            }
            Arc::new(builder.finish())
        }
    }
}

impl From<ParquetError> for ExportError {
    fn from(error: ParquetError) -> Self {
        Self::Columns { reason: error.to_string() }
    }
}
