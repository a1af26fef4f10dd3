//! The same records in every form, packed and plain, and the same forms damaged.

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use backstory::data::{self, DataError, Format, ReadOptions, Record, read_dataset};
use backstory::export::{Arm, Wish, write};
use backstory::job::Watch;
use backstory::prompt::PromptPack;
use backstory::seed::Stream;
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use serde_json::json;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("backstory_formats_{}_{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn read(path: &Path) -> Result<data::Dataset, DataError> {
    read_dataset(path, &ReadOptions::default(), &Watch::default())
}

fn all(dataset: &data::Dataset) -> Vec<Arc<Record>> {
    dataset.records.all().unwrap()
}

/// Lines as people have them, of two tasks, some in Chinese and with what must be quoted.
fn lines(n: usize) -> String {
    let line = |n: usize| {
        let context =
            format!("第{n}章。 \"Quoted\",\tand a comma.\nÉtude {} \\ end\r\n", n * 7).repeat(3);
        let task = ["hotpotqa", "dureader"][n % 2];
        json!({"id": format!("r{n}"), "task": task, "instruction": format!("Who, {n}?"),
               "answer": format!("A {n}"), "context": context, "n": n})
        .to_string()
    };
    (0..n).map(|n| line(n) + "\n").collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// The columns of text of the lines, as an Arrow file or stream.
fn arrow(records: &[Arc<Record>], as_file: bool, is_packed: bool) -> Vec<u8> {
    use arrow_ipc::CompressionType;
    use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
    let column = |of: &dyn Fn(&Record) -> String| {
        Arc::new(records.iter().map(|record| Some(of(record))).collect::<StringArray>()) as _
    };
    let batch = RecordBatch::try_from_iter([
        ("id", column(&|record| record.extra["source_id"].as_str().unwrap().to_owned())),
        ("task", column(&|record| record.task.clone())),
        ("instruction", column(&|record| record.instruction.clone())),
        ("answer", column(&|record| record.answer().to_owned())),
        ("context", column(&|record| record.context.clone().unwrap())),
    ])
    .unwrap();
    let packing = is_packed.then_some(CompressionType::ZSTD);
    let options = IpcWriteOptions::default().try_with_compression(packing).unwrap();
    let mut bytes = Vec::new();
    match as_file {
        true => {
            let mut writer =
                FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
            writer.write(&batch).unwrap();
            writer.finish().unwrap();
        }
        false => {
            let mut writer =
                StreamWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
            writer.write(&batch).unwrap();
            writer.finish().unwrap();
        }
    }
    bytes
}

fn exported(folder: &Folder, dataset: &Arc<data::Dataset>, name: &str) -> PathBuf {
    let format = backstory::export::Format::parse(name).unwrap();
    let pack = PromptPack::own();
    let wish = Wish { format, arm: Arm::WithContext, pack: &pack, tokenizer: None, split: None };
    let path = folder.0.join(format!("out.{}", format.extension()));
    write(std::slice::from_ref(dataset), &|_, _| true, &wish, &path, &Watch::default()).unwrap();
    path
}

/// Files of every form with the same records: name, form, bytes.
fn every_form(folder: &Folder, n: usize) -> Vec<(&'static str, Format, Vec<u8>)> {
    let text = lines(n);
    let dataset = Arc::new(read(&folder.write("plain.jsonl", text.as_bytes())).unwrap());
    let records = all(&dataset);
    let list = format!("[{}]", text.trim_end().replace('\n', ","));
    let of = |name| std::fs::read(exported(folder, &dataset, name)).unwrap();
    let cells = of("csv");
    vec![
        ("jsonl", Format::Jsonl, text.clone().into_bytes()),
        ("jsonl.gz", Format::Jsonl, gzip(text.as_bytes())),
        ("jsonl.zst", Format::Jsonl, zstd(text.as_bytes())),
        ("json", Format::Json, list.clone().into_bytes()),
        ("json.gz", Format::Json, gzip(list.as_bytes())),
        ("csv", Format::Csv, cells.clone()),
        ("csv.zst", Format::Csv, zstd(&cells)),
        ("parquet", Format::Parquet, of("parquet")),
        ("parquet.gz", Format::Parquet, gzip(&of("parquet"))),
        ("arrow", Format::Arrow, arrow(&records, true, false)),
        ("arrows", Format::Arrow, arrow(&records, false, true)),
        ("arrow.zst", Format::Arrow, zstd(&arrow(&records, true, true))),
    ]
}

#[test]
fn every_form_has_the_same_records_and_ids() {
    let folder = Folder::new("same");
    let wanted = all(&read(&folder.write("a.jsonl", lines(150).as_bytes())).unwrap());
    for (ending, format, bytes) in every_form(&folder, 150) {
        // What it is called says nothing.
        for name in [format!("data.{ending}"), "data.txt".into()] {
            let dataset = read(&folder.write(&name, &bytes)).unwrap();
            assert_eq!((dataset.format, dataset.skipped.len()), (format, 0), "{ending}");
            let records = all(&dataset);
            assert_eq!(records.len(), wanted.len(), "{ending}");
            for (record, wanted) in records.iter().zip(&wanted) {
                let of = |r: &Record| (r.id.clone(), r.seed_id.clone(), r.task.clone());
                assert_eq!(of(record), of(wanted), "{ending}");
                assert_eq!(record.context, wanted.context, "{ending}");
            }
        }
    }
    // The task that a file does not say is its name without what it is packed with.
    let plain = "{\"context\":\"c\"}\n";
    let packed = read(&folder.write("qasper.jsonl.gz", &gzip(plain.as_bytes()))).unwrap();
    assert_eq!(all(&packed)[0].task, "qasper");
}

#[test]
fn the_first_rows_come_without_the_rest() {
    let folder = Folder::new("first");
    for (ending, _, bytes) in every_form(&folder, 300) {
        let path = folder.write(&format!("data.{ending}"), &bytes);
        let first = data::first_records(&path, &ReadOptions::default(), 7, &Watch::default());
        let first = first.unwrap();
        assert_eq!(first.len(), 7, "{ending}");
        assert_eq!(first[6].instruction, "Who, 6?");
    }
}

#[test]
fn columns_of_a_table_are_mapped() {
    let folder = Folder::new("map");
    let table = "doc;q;a\n\"one; two\";Who?;Ada\n";
    let path = folder.write("table.csv", table.as_bytes());
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("`doc`") && error.contains("--map"), "{error}");
    let pairs = [("context", "doc"), ("instruction", "q"), ("answer", "a")];
    let map = pairs.map(|(field, column)| (field.to_owned(), column.to_owned())).to_vec();
    let options = ReadOptions { map, ..ReadOptions::default() };
    let dataset = read_dataset(&path, &options, &Watch::default()).unwrap();
    assert_eq!(all(&dataset)[0].context.as_deref(), Some("one; two"));
}

#[test]
fn rows_of_a_table_that_do_not_fit_are_told_by_their_line() {
    let folder = Folder::new("rows");
    let mut table = b"instruction,answer\n\"two\nlines\",a\nq,a,more\nq\xFF,a\n\nr,b\n".to_vec();
    let dataset = read(&folder.write("rows.csv", &table)).unwrap();
    let kept: Vec<usize> = all(&dataset).iter().map(|record| record.source.line).collect();
    assert_eq!(kept, [2, 7]);
    let skipped: Vec<(usize, &str)> =
        dataset.skipped.iter().map(|skipped| (skipped.line, &*skipped.reason)).collect();
    assert!(matches!(skipped[..], [(4, _), (5, _)]), "{skipped:?}");
    assert!(skipped[0].1.contains("3 cells") && skipped[1].1.contains("UTF-8"));
    table.extend(b"\"never closed,a\n");
    table.extend(b"x".repeat(100));
    let dataset = read(&folder.write("open.csv", &table)).unwrap();
    assert_eq!(dataset.records.len(), 2);
}

#[test]
fn packed_files_that_mean_harm_are_refused() {
    let folder = Folder::new("harm");
    // A gigabyte of blanks in a megabyte.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..(1 << 10) {
        encoder.write_all(&blanks).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let error = read(&folder.write("bomb.gz", &bomb)).unwrap_err();
    assert!(matches!(error, DataError::UnpacksToMuch { .. }), "{error}");
    let bomb = zstd::encode_all(std::io::repeat(b' ').take(1 << 30), 1).unwrap();
    assert!(bomb.len() < 200_000);
    let error = read(&folder.write("bomb.zst", &bomb)).unwrap_err();
    assert!(matches!(error, DataError::UnpacksToMuch { .. }), "{error}");
    // One long context in thousands of rows that only name it.
    let bomb = same_context(1 << 16, 6400);
    assert!(bomb.len() < 200_000);
    let error = read(&folder.write("bomb.parquet", &bomb)).unwrap_err();
    assert!(matches!(error, DataError::UnpacksToMuch { .. }), "{error}");
    let cut = gzip(lines(100).as_bytes());
    let error = read(&folder.write("cut.gz", &cut[..cut.len() / 2])).unwrap_err();
    assert!(matches!(error, DataError::Unpack { .. }), "{error}");
    // A buffer that says it unpacks to more than there is memory.
    let records = all(&read(&folder.write("a.jsonl", lines(20).as_bytes())).unwrap());
    let mut packed = arrow(&records, false, true);
    let magic = 0xFD2F_B528_u32.to_le_bytes();
    let at = packed.windows(4).position(|window| window == magic).unwrap();
    packed[at - 8..at].copy_from_slice(&(1_i64 << 60).to_le_bytes());
    let error = read(&folder.write("buffer.arrows", &packed)).unwrap_err().to_string();
    assert!(error.contains("unpacks to"), "{error}");
}

/// A Parquet file of many rows with the same long context.
fn same_context(n_bytes: usize, n_rows: usize) -> Vec<u8> {
    let context = "word ".repeat(n_bytes / 5);
    let one = |text: &str| Arc::new(StringArray::from(vec![text; 64])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([
        ("instruction", one("Who?")),
        ("answer", one("Ada")),
        ("context", one(&context)),
    ]);
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    for _ in 0..n_rows / 64 {
        writer.write(&batch).unwrap();
    }
    writer.into_inner().unwrap()
}

/// How many damaged files of each form are tried; `BACKSTORY_MUTATIONS` asks for more.
fn n_mutations() -> usize {
    let asked = std::env::var("BACKSTORY_MUTATIONS").ok().and_then(|n| n.parse().ok());
    asked.unwrap_or(60)
}

/// Bits flipped, bytes cut off or set, pieces doubled or moved, sizes blown up.
fn damaged(bytes: &[u8], random: &mut Stream) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let n = out.len();
    for _ in 0..=random.below(3) {
        let at = random.below(n.min(out.len()).max(1)).min(out.len().saturating_sub(1));
        // Headers and footers decide most.
        let at = match random.below(3) {
            0 => at.min(200),
            1 => out.len().saturating_sub(1 + at.min(400)),
            _ => at,
        };
        if out.is_empty() {
            break;
        }
        match random.below(7) {
            0 => out[at] ^= 1 << random.below(8),
            1 => out.truncate(at),
            2 => out[at] = [0, 0xFF, 0x7F, 0x80, b'"', b'{', b'['][random.below(7)],
            3 => {
                let end = (at + 8).min(out.len());
                out[at..end].fill([0xFF, 0x7F, 0][random.below(3)]);
            }
            4 => {
                let piece = out[at..(at + 300).min(out.len())].to_vec();
                out.splice(at..at, piece);
            }
            5 => drop(out.drain(at..(at + 1 + random.below(40)).min(out.len()))),
            _ => {
                let deep = ["[", "{\"a\":", "\"", "9", "1e", "\\u", ",,"][random.below(7)];
                let times = [3, 400, 20_000][random.below(3)];
                out.splice(at..at, deep.repeat(times).into_bytes());
            }
        }
    }
    out
}

#[test]
fn damaged_files_do_no_harm() {
    let folder = Folder::new("damaged");
    for (ending, _, bytes) in every_form(&folder, 12) {
        let (mut n_read, mut n_refused) = (0, 0);
        for n in 0..n_mutations() {
            let mut random = Stream::new(n as u64, ending, "damage");
            let path = folder.write("damaged", &damaged(&bytes, &mut random));
            match read(&path) {
                Ok(dataset) => {
                    assert_eq!(dataset.records.all().unwrap().len(), dataset.records.len());
                    n_read += 1;
                }
                Err(error) => {
                    let text = error.to_string();
                    assert!(text.contains("damaged") && text.len() < 4000, "{text}");
                    n_refused += 1;
                }
            }
        }
        println!("{ending}: {n_read} read, {n_refused} refused");
    }
}
