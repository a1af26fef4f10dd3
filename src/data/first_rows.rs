//! The first rows of a file as they stand in it, for whoever says which column is what.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::fields::read_fields;
use super::gather::{Keep, Limits, Reading, record, stem};
use super::read::{BEGIN_BYTES, check_map, read_into};
use super::shape::Mapping;
use super::{DataError, Format, Record, Skipped, guess, sniff};
use crate::job::Watch;

/// The first rows of a file, whatever its shape.
#[derive(Debug)]
pub struct FirstRows {
    path: PathBuf,
    format: Format,
    /// Line and row.
    rows: Vec<(usize, Map<String, Value>)>,
}

impl FirstRows {
    /// Reads up to `n_most` rows of a file of any format. `map` is only used to know a table by the
    /// columns that are mapped.
    ///
    /// # Errors
    /// As [`super::read_dataset`], but a row of unknown shape is none.
    pub fn read(
        path: &Path,
        map: &[(String, String)],
        n_most: usize,
        watch: &Watch,
    ) -> Result<Self, DataError> {
        let reading = Reading { path, map, limits: &Limits::USUAL, watch };
        let opened = sniff::open(reading, BEGIN_BYTES)?;
        let kept = Objects { rows: Vec::new(), n_most };
        let (kept, _, format, _) = read_into(Reading { map: &[], ..reading }, opened, kept)?;
        Ok(Self { path: path.to_owned(), format, rows: kept.rows })
    }

    /// How the file is laid out.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The columns of all these rows, in the order in which they come.
    pub fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for name in self.rows.iter().flat_map(|(_, row)| row.keys()) {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        columns
    }

    /// Which column is plainly what, by its name and what it holds: field, column.
    pub fn guess(&self) -> Vec<(String, String)> {
        guess::guess(&self.columns(), |name| self.rows.iter().find_map(|(_, row)| row.get(name)))
    }

    /// The word that maps answers to this column. Of a table only `answers` reads a cell as the JSON list
    /// that is written in it.
    pub fn answer_field(&self, column: &str) -> &'static str {
        let cells = || self.rows.iter().filter_map(|(_, row)| row.get(column));
        let is_list = |cell: &Value| cell.as_str().and_then(list_in).is_some();
        match self.is_table() && cells().next().is_some() && cells().all(is_list) {
            true => "answers",
            false => "answer",
        }
    }

    /// The rows as records under a mapping, or why they are none.
    ///
    /// # Errors
    /// The mapping names a field that is not there, or something twice.
    pub fn records(&self, map: &Mapping) -> Result<Vec<Result<Record, Skipped>>, DataError> {
        check_map(map)?;
        let stem = stem(&self.path);
        let read = |(line, row): &(usize, Map<String, Value>)| {
            let fields = read_fields(self.unfolded(row, map), map);
            let fields = fields.map_err(|reason| Skipped { line: *line, reason })?;
            Ok(record(fields, &self.path, *line, &stem))
        };
        Ok(self.rows.iter().map(read).collect())
    }

    fn is_table(&self) -> bool {
        matches!(self.format, Format::Csv | Format::Tsv)
    }

    /// A row with the lists that a table would be read with under this mapping.
    fn unfolded(&self, row: &Map<String, Value>, map: &Mapping) -> Map<String, Value> {
        let mut row = row.clone();
        let lists = map.iter().filter(|(field, _)| field == "answers" && self.is_table());
        for (_, column) in lists {
            let list = row.get(column).and_then(Value::as_str).and_then(list_in);
            if let Some(list) = list {
                row.insert(column.clone(), list);
            }
        }
        row
    }
}

fn list_in(cell: &str) -> Option<Value> {
    serde_json::from_str(cell).ok().filter(Value::is_array)
}

/// Objects instead of the records in them.
struct Objects {
    rows: Vec<(usize, Map<String, Value>)>,
    n_most: usize,
}

impl Keep for Objects {
    fn keep(&mut self, _: Record) -> Result<(), DataError> {
        Ok(())
    }

    fn n_kept(&self) -> usize {
        self.rows.len()
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= self.n_most
    }

    fn keep_object(
        &mut self,
        line: usize,
        object: Map<String, Value>,
    ) -> Option<Map<String, Value>> {
        self.rows.push((line, object));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(name: &str, text: impl AsRef<[u8]>) -> FirstRows {
        let path = std::env::temp_dir().join(format!("backstory_{}_{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let read = FirstRows::read(&path, &[], 3, &Watch::default());
        std::fs::remove_file(&path).unwrap();
        read.unwrap()
    }

    fn map(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(field, column)| ((*field).into(), (*column).into())).collect()
    }

    #[test]
    fn rows_of_unknown_shape_are_read_and_mapped() {
        let line = |n: usize| format!("{{\"n\":{n},\"document\":\"D{n}\",\"reply\":\"R{n}\"}}\n");
        let text: String = (0..9).map(line).collect();
        let rows = rows("odd.jsonl", &text);
        assert_eq!(rows.columns(), ["n", "document", "reply"]);
        assert_eq!(rows.guess(), map(&[("context", "document"), ("answer", "reply")]));
        let without = rows.records(&[]).unwrap();
        assert!(without[0].as_ref().is_err_and(|skipped| skipped.reason.contains("not a shape")));
        let mapped = map(&[("context", "document"), ("instruction", "n"), ("answer", "reply")]);
        let refused = rows.records(&mapped).unwrap();
        assert!(refused[1].as_ref().is_err_and(|s| s.reason.contains("`n` is a number")));
        let mapped = rows.records(&map(&[("context", "document")])).unwrap();
        assert_eq!(mapped.len(), 3);
        assert_eq!(mapped[2].as_ref().unwrap().context.as_deref(), Some("D2"));
        let twice = rows.records(&map(&[("context", "reply"), ("answer", "reply")]));
        assert!(matches!(twice, Err(DataError::MappedTwice { .. })));
    }

    #[test]
    fn columns_that_are_packed_are_rows_too() {
        use arrow_array::{ArrayRef, RecordBatch, StringArray};
        let column = |texts: [&str; 2]| -> ArrayRef {
            std::sync::Arc::new(StringArray::from(texts.to_vec()))
        };
        let columns = [("article", column(["D1", "D2"])), ("highlights", column(["R1", "R2"]))];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None);
        let mut writer = writer.unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let rows = rows("odd.parquet", &bytes);
        assert_eq!((rows.format(), rows.columns().len()), (Format::Parquet, 2));
        assert_eq!(rows.guess(), map(&[("context", "article"), ("answer", "highlights")]));
        let records = rows.records(&map(&[("context", "article")])).unwrap();
        assert_eq!(records[1].as_ref().unwrap().context.as_deref(), Some("D2"));
    }

    #[test]
    fn lists_in_cells_of_a_table_are_answers() {
        let rows = rows("odd.csv", "passage,query,gold\nP,Q,\"[\"\"a\"\",\"\"b\"\"]\"\n");
        assert_eq!(rows.format(), Format::Csv);
        assert_eq!((rows.answer_field("gold"), rows.answer_field("query")), ("answers", "answer"));
        let mapped = map(&[("instruction", "query"), ("answers", "gold"), ("context", "passage")]);
        let record = rows.records(&mapped).unwrap().remove(0).unwrap();
        assert_eq!(record.answers, ["a", "b"]);
        assert_eq!(
            rows.guess(),
            map(&[("context", "passage"), ("instruction", "query"), ("answers", "gold")])
        );
    }
}
