//! Files of every shape, and files that nobody should have to read.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use backstory::data::{
    DataError, Dataset, Format, ReadOptions, Record, read_dataset, record_id, write_atomic,
    write_records,
};
use serde_json::{Value, json};

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("backstory_data_{}_{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn read(path: &Path) -> Result<Dataset, DataError> {
    read_dataset(path, &ReadOptions::default(), &backstory::job::Watch::default())
}

fn all(dataset: &Dataset) -> Vec<std::sync::Arc<Record>> {
    dataset.records.all().unwrap()
}

fn read_text(content: impl AsRef<[u8]>) -> Result<Dataset, DataError> {
    let folder = Folder::new();
    read(&folder.file("stem.jsonl", content))
}

fn map(pairs: &[(&str, &str)]) -> ReadOptions {
    let map = pairs.iter().map(|&(f, c)| (f.to_owned(), c.to_owned())).collect();
    ReadOptions { map, ..ReadOptions::default() }
}

fn one(value: Value) -> Record {
    let dataset = read_text(value.to_string()).unwrap();
    assert_eq!((dataset.records.len(), dataset.skipped.len()), (1, 0));
    Record::clone(&all(&dataset)[0])
}

/// Why a line beside a good one is skipped.
fn reason(value: Value) -> String {
    let dataset = read_text(format!("{{\"context\":\"good\"}}\n{value}\n")).unwrap();
    assert_eq!((dataset.records.len(), dataset.skipped.len()), (1, 1));
    assert_eq!(dataset.skipped[0].line, 2);
    dataset.skipped[0].reason.clone()
}

fn brief(record: &Record) -> (&str, &str, &str, String, Option<&str>) {
    let answers = record.answers.join("|");
    let context = record.context.as_deref();
    (&record.task, record.strategy.as_str(), &record.instruction, answers, context)
}

fn keys(record: &Record) -> Vec<&str> {
    record.extra.keys().map(String::as_str).collect()
}

#[test]
fn every_shape_gives_its_fields() {
    let record = one(json!({"instruction": "q", "answer": "a"}));
    assert_eq!(brief(&record), ("stem", "human", "q", "a".into(), None));
    let record = one(
        json!({"z": 1, "instruction": "q", "answers": ["a", "b"], "task": "t", "context": "c", "y": [2]}),
    );
    assert_eq!(brief(&record), ("t", "human", "q", "a|b".into(), Some("c")));
    assert_eq!(keys(&record), ["z", "y"]);
    let record = one(json!({"context": "c", "url": "u"}));
    assert_eq!(brief(&record), ("stem", "human", "", String::new(), Some("c")));
    assert_eq!(record.seed_id, record.id);
    let record = one(
        json!({"synthesis_task": "t", "instruction": "q", "answer": "a", "synthesized_context": "c"}),
    );
    assert_eq!(brief(&record), ("t", "context_synthesis", "q", "a".into(), Some("c")));
    let record =
        one(json!({"input": "q", "context": "c", "answers": ["a"], "length": 9, "dataset": "d",
        "language": "en", "all_classes": null, "_id": "i"}));
    assert_eq!(brief(&record), ("d", "test", "q", "a".into(), Some("c")));
    assert_eq!(keys(&record), ["length", "language", "all_classes", "_id"]);
    let record = one(json!({"pred": "p", "answers": ["a"], "all_classes": null, "length": 9}));
    assert_eq!(brief(&record), ("stem", "test", "", "a".into(), None));
    assert_eq!(keys(&record), ["pred", "all_classes", "length"]);
    let record = one(json!({"instruction": "q", "input": "c", "output": "a"}));
    assert_eq!(brief(&record), ("stem", "human", "q", "a".into(), Some("c")));
    let record = one(json!({"instruction": "q", "input": "", "output": ""}));
    assert_eq!(brief(&record), ("stem", "human", "q", String::new(), None));
}

#[test]
fn conversations_give_their_first_exchange() {
    let turns = json!([{"role": "system", "content": "s"}, {"role": "user", "content": [
        {"type": "text", "text": "q"}, {"type": "text", "text": "?"}]}, {"role": "assistant", "content": "a"}]);
    let record = one(json!({ "messages": turns }));
    assert_eq!(brief(&record), ("stem", "human", "q?", "a".into(), None));
    assert_eq!(Value::Object(record.extra), json!({"system": "s"}));
    let turns = json!([{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"},
        {"from": "human", "value": "q2"}, {"from": "gpt", "value": "a2"}]);
    let record = one(json!({"conversations": turns, "id": "x"}));
    assert_eq!(brief(&record), ("stem", "human", "q", "a".into(), None));
    assert_eq!(Value::Object(record.extra), json!({"conversations": turns, "source_id": "x"}));
}

#[test]
fn wrong_types_are_named() {
    for (line, needles) in [
        (json!({"instruction": 5, "answer": "a"}), ["`instruction`", "a number"]),
        (json!({"instruction": "q", "answers": ["a", 3]}), ["`answers[1]`", "a number"]),
        (json!({"instruction": "q", "answers": []}), ["answers", "empty"]),
        (json!({"instruction": "q", "answer": null}), ["`answer`", "null"]),
        (json!({"context": ["c"]}), ["`context`", "a list"]),
        (json!({"messages": "hi"}), ["`messages`", "text"]),
        (json!({"messages": [{"content": "q"}]}), ["`role`", "missing"]),
        (json!({"messages": [{"role": 1, "content": "q"}]}), ["`role`", "a number"]),
        (json!({"messages": ["q"]}), ["`messages`[0]", "text"]),
        (json!({"messages": [{"role": "user", "content": "q"}]}), ["`messages`", "no assistant"]),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]},
            {"role": "assistant", "content": "a"}]}),
            ["`messages`[0]", "part"],
        ),
        (json!({"instruction": "q", "answer": "a", "task": 1}), ["`task`", "a number"]),
        (json!({"instruction": "q", "answer": "a", "seed_id": {}}), ["`seed_id`", "an object"]),
        (json!({"context": "c", "question": "q"}), ["`question`", "--map"]),
        (json!({"instruction": "q"}), ["`instruction`", "--map"]),
        (json!({}), ["keys found: none", "--map"]),
        (json!(7), ["a number", "not an object"]),
    ] {
        let reason = reason(line.clone());
        for needle in needles {
            assert!(reason.contains(needle), "{line}: {reason}");
        }
    }
}

#[test]
fn good_lines_around_bad_ones_are_kept() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut content = b"\xEF\xBB\xBF\r\n{\"context\":\"a\"}\r\n".to_vec();
    content.extend(b"{\"context\":\"\xFF\"}\n\n{\"context\":\"\\ud800\"}\n{\"context\":NaN}\n");
    content.extend(format!("{{\"context\":\"b\",\"x\":{deep}}}\n").bytes());
    content.extend(b"\xEF\xBB\xBF{\"context\":\"c\"}\n{\"context\":\"d");
    let dataset = read_text(content).unwrap();
    assert_eq!(dataset.format, Format::Jsonl);
    let kept: Vec<_> = dataset.records.iter().map(|r| r.unwrap().source.line).collect();
    assert_eq!(kept, [2, 8]);
    let skipped: Vec<_> = dataset.skipped.iter().map(|s| s.line).collect();
    assert_eq!(skipped, [3, 5, 6, 7, 9]);
    for (skipped, needle) in dataset.skipped.iter().zip([
        "byte 13",
        "hex escape",
        "column 12",
        "recursion limit",
        "cut off",
    ]) {
        assert!(skipped.reason.contains(needle), "{}", skipped.reason);
    }
}

#[test]
fn json_is_known_by_content() {
    for content in [
        "\u{feff} [{\"context\":\"a\"},\n{\"context\":\"b\"}]",
        "{\"version\":1,\"data\":[{\"context\":\"a\"},{\"context\":\"b\"}]}",
        "{\n\"data\": [\n{\"context\":\"a\"},\n{\"context\":\"b\"}\n]\n}",
    ] {
        let dataset = read_text(content).unwrap();
        assert_eq!(dataset.format, Format::Json);
        let lines: Vec<_> = dataset.records.iter().map(|r| r.unwrap().source.line).collect();
        assert_eq!(lines, [1, 2]);
    }
    let pretty = "{\n  \"messages\": [\n    {\"role\": \"user\", \"content\": \"q\"},\n    \
                  {\"role\": \"assistant\", \"content\": \"a\"}\n  ]\n}\n";
    let dataset = read_text(pretty).unwrap();
    assert_eq!((dataset.format, dataset.records.len()), (Format::Json, 1));
    let dataset = read_text("[{\"context\":\"a\"}, 5, {\"context\":1}]").unwrap();
    assert_eq!((dataset.records.len(), dataset.skipped.len()), (1, 2));
    let dataset = read_text("{\"context\":\"a\", \n{\"context\":\"b\"}\n").unwrap();
    assert_eq!(dataset.format, Format::Jsonl);
    assert_eq!((dataset.records.len(), dataset.skipped[0].line), (1, 1));
}

#[test]
fn whole_files_that_are_no_data_say_what_they_are() {
    let folder = Folder::new();
    let says = |path: &Path, needle: &str| {
        let message = read(path).unwrap_err().to_string();
        assert!(message.contains(needle), "{message}");
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert!(!message.contains("  "), "{message}");
    };
    says(&folder.0.join("missing.jsonl"), "no such file");
    says(&folder.0, "is a folder");
    for (content, needle) in [
        (&b""[..], "empty"),
        (b" \r\n\t\n", "empty"),
        (b"\xEF\xBB\xBF", "empty"),
        (b"\x1F\x8B\x08rest", "gzip"),
        (b"\x28\xB5\x2F\xFDrest", "zstd"),
        (b"PK\x03\x04rest", "zip"),
        (b"PAR1rest", "Parquet"),
        (b"ARROW1\0\0", "Arrow"),
        (b"GGUF\x03\0\0\0", "GGUF"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n", "PNG"),
        (b"\x7FELF", "program"),
        (b"\xFF\xFE{\0}\0", "UTF-16"),
        (b"{\0\"\0", "NUL"),
        (b"question,answer\nq,a\n", "--map instruction=COL"),
        (b"question\tanswer\nq\ta\n", "line 2"),
        (b"<html>", "HTML"),
        (b"just words\n", "plain text"),
        (b"{'instruction': 'q'}\n", "single quotes"),
        (b"{\"instruction\": \"q\"", "cut off"),
        (b"{\n\"data\": [\n{\"context\":\"a\"},\n", "cut off"),
        (b"{\n\"answers\": [\n\"a\"\n],,}", "line 4, column 3"),
        (b"[{\"context\":\"a\"},\n{\"context\":}]", "line 2, column 12"),
        (b"[{\"context\":\"a\"}] x", "trailing"),
        (b"[]", "no records"),
        (b"{\"question\":\"q\"}\n{\"question\":\"q\"}\n", "none of its 2 lines"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ] {
        says(&folder.file("file", content), needle);
    }
    let deep = "[".repeat(1_000_000);
    says(&folder.file("deep", deep), "recursion limit");
    let deep = "{\"a\":".repeat(1_000_000);
    says(&folder.file("deeper", deep), "recursion limit");
    says(&folder.file("many", "x\n".repeat(5000)), "first 1000 lines");
}

#[cfg(unix)]
#[test]
fn a_device_is_not_read_for_ever() {
    let error = read(Path::new("/dev/zero")).unwrap_err();
    assert!(matches!(error, DataError::NotAFile { .. }));
}

#[test]
fn a_mapping_names_columns() {
    let folder = Folder::new();
    let path = folder.file(
        "qa.jsonl",
        "{\"question\":\"q\",\"reply\":\"a\",\"doc\":\"c\",\"kind\":\"k\",\"n\":7}\n{\"question\":\"q\"}\n",
    );
    let pairs = [
        ("instruction", "question"),
        ("answer", "reply"),
        ("context", "doc"),
        ("task", "kind"),
        ("seed_id", "n"),
    ];
    let dataset = read_dataset(&path, &map(&pairs), &backstory::job::Watch::default()).unwrap();
    let record = &all(&dataset)[0];
    assert_eq!(brief(record), ("k", "human", "q", "a".into(), Some("c")));
    assert_eq!(keys(record), ["source_seed_id"]);
    assert_eq!(dataset.columns["answers"], "reply");
    assert!(dataset.skipped[0].reason.contains("`reply` is missing"));
    let dataset =
        read_dataset(&path, &map(&[("context", "question")]), &backstory::job::Watch::default())
            .unwrap();
    assert_eq!(brief(&all(&dataset)[1]), ("qa", "human", "", String::new(), Some("q")));
    let message =
        read_dataset(&path, &map(&[("context", "body")]), &backstory::job::Watch::default())
            .unwrap_err()
            .to_string();
    assert!(message.contains("`question`, `reply`, `doc`, `kind`, `n`"), "{message}");
    let error = read_dataset(&path, &map(&[("title", "doc")]), &backstory::job::Watch::default())
        .unwrap_err();
    assert!(matches!(error, DataError::UnknownField { .. }));
    let error = read_dataset(
        &path,
        &map(&[("answer", "doc"), ("answers", "kind")]),
        &backstory::job::Watch::default(),
    )
    .unwrap_err();
    assert!(matches!(error, DataError::MappedTwice { .. }));
    let path = folder.file(
        "chat.jsonl",
        json!({"kind": "k", "messages": [{"role": "user", "content": "q"},
        {"role": "assistant", "content": "a"}]})
        .to_string(),
    );
    let dataset =
        read_dataset(&path, &map(&[("task", "kind")]), &backstory::job::Watch::default()).unwrap();
    assert_eq!(all(&dataset)[0].task, "k");
    let path = folder.file(
        "both.jsonl",
        json!({"instruction": "q", "answer": "a", "context": "short",
        "document": "long"})
        .to_string(),
    );
    let dataset =
        read_dataset(&path, &map(&[("context", "document")]), &backstory::job::Watch::default())
            .unwrap();
    assert_eq!(all(&dataset)[0].context.as_deref(), Some("long"));
    assert_eq!(all(&dataset)[0].extra["source_context"], "short");
}

#[test]
fn ids_are_the_same_in_every_format() {
    let folder = Folder::new();
    let line =
        |q: &str| json!({"instruction": q, "answer": "a", "context": "c", "task": "t"}).to_string();
    let first = read_text([line("p"), line("q"), line("q")].join("\n")).unwrap();
    let listed = read_text(format!("[{}]", [line("q"), line("p"), line("q")].join(",\n"))).unwrap();
    let ids = |d: &Dataset| {
        d.records.iter().map(|r| r.unwrap().id.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&first).len(), 3);
    assert_eq!(ids(&first), ids(&listed));
    let answers = ["a".to_owned()];
    assert_eq!(all(&first)[2].id, record_id("t", "q", &answers, Some("c"), 1));
    assert_eq!(all(&first)[2].seed_id, record_id("t", "q", &answers, None, 1));

    let path = folder.0.join("own.jsonl");
    write_records(&path, all(&first).iter().map(|record| &**record)).unwrap();
    let own = read(&path).unwrap();
    let json = |d: &Dataset| {
        d.records.iter().map(|r| r.unwrap().to_json().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(json(&own), json(&first));
    let again = folder.0.join("again.jsonl");
    write_records(&again, all(&own).iter().map(|record| &**record)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&again).unwrap());
    assert_eq!(folder.names(), ["again.jsonl", "own.jsonl"]);
}

#[test]
fn every_shape_survives_our_own_format() {
    let folder = Folder::new();
    for (ix, value) in [
        json!({"context": "c", "id": "x", "source_id": "y"}),
        json!({"pred": "p", "answers": ["a"], "all_classes": ["k"], "length": 1.5}),
        json!({"instruction": "q", "answer": "a", "seed_id": "seed-7", "answers": ["b"]}),
        json!({"instruction": "", "answer": "", "context": ""}),
    ]
    .into_iter()
    .enumerate()
    {
        let record = one(value);
        let path = folder.0.join(format!("{ix}.jsonl"));
        write_records(&path, std::iter::once(&record)).unwrap();
        let again = Record::clone(&all(&read(&path).unwrap())[0]);
        assert_eq!(again.to_json().to_string(), record.to_json().to_string());
        assert_eq!((again.id, again.seed_id), (record.id, record.seed_id));
    }
}

#[test]
fn a_join_is_line_by_line_or_not_at_all() {
    let folder = Folder::new();
    let pair = |q: &str| json!({"instruction": q, "answer": "a"}).to_string();
    let main = folder.file("main.jsonl", [pair("p"), pair("q")].join("\n"));
    let join = |content: &str| {
        let other = folder.file("other.jsonl", content);
        read_dataset(
            &main,
            &ReadOptions { join: Some(other), ..ReadOptions::default() },
            &backstory::job::Watch::default(),
        )
    };
    let joined = join("{\"context\":\"1\"}\n{\"context\":\"2\",\"title\":\"t\"}\n").unwrap();
    assert_eq!(all(&joined)[1].context.as_deref(), Some("2"));
    assert_eq!(all(&joined)[1].extra["title"], "t");
    let seeds = read(&main).unwrap();
    for (joined, seed) in all(&joined).iter().zip(all(&seeds)) {
        assert_eq!((&joined.seed_id, joined.id == seed.id), (&seed.id, false));
    }
    assert!(matches!(
        join("{\"context\":\"1\"}\n"),
        Err(DataError::JoinCounts { n_main: 2, n_join: 1, .. })
    ));
    let broken = join("{\"context\":\"1\"}\n{\"context\":\n{\"context\":\"2\"}\n");
    assert!(matches!(broken, Err(DataError::JoinSkipped { line: 2, .. })));
    let shifted = join("{\"context\":\"1\"}\n\n{\"context\":\"2\"}\n");
    assert!(matches!(shifted, Err(DataError::JoinShifted { line: 2, join_line: 3, .. })));
    let none = join(&[pair("p"), pair("q")].join("\n"));
    assert!(matches!(none, Err(DataError::JoinNoContext { line: 1, .. })));
    let main =
        folder.file("full.jsonl", "{\"instruction\":\"q\",\"answer\":\"a\",\"context\":\"c\"}");
    let other = folder.file("other.jsonl", "{\"context\":\"1\"}");
    let twice = read_dataset(
        &main,
        &ReadOptions { join: Some(other), ..ReadOptions::default() },
        &backstory::job::Watch::default(),
    );
    assert!(matches!(twice, Err(DataError::JoinHasContext { line: 1, .. })));
    let main = folder.file("main.jsonl", pair("q"));
    let other = folder.file("other.jsonl", "{\"text\":\"1\"}");
    let options = ReadOptions { join: Some(other), ..map(&[("context", "text")]) };
    assert_eq!(
        read_dataset(&main, &options, &backstory::job::Watch::default()).unwrap().columns["context"],
        "text"
    );
}

#[test]
fn a_failed_write_leaves_what_was_there() {
    let folder = Folder::new();
    let path = folder.file("out.jsonl", "old");
    let failed = write_atomic(&path, |writer| {
        std::io::Write::write_all(writer, b"half")?;
        Err(std::io::ErrorKind::StorageFull.into())
    });
    assert!(matches!(failed, Err(DataError::Write { doing: "writing", .. })));
    let panicked = std::panic::catch_unwind(|| write_atomic(&path, |_| panic!("on purpose")));
    assert!(panicked.is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(folder.names(), ["out.jsonl"]);
    assert!(write_atomic(&folder.0, |_| Ok(())).is_err());
    assert!(write_atomic(&folder.0.join("no/such"), |_| Ok(())).is_err());
    write_atomic(&path, |writer| std::io::Write::write_all(writer, b"new")).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
}

#[test]
fn the_shared_seeds_and_predictions_read_whole() {
    let shared = std::env::var_os("BACKSTORY_SHARED").map_or("../shared".into(), PathBuf::from);
    let data = shared.join("data");
    if !data.is_dir() {
        eprintln!("SKIPPED: no {} here", data.display());
        return;
    }
    for task in ["hotpotqa", "2wikiqa"] {
        let main = data.join(format!("seeds/instruction/{task}.jsonl"));
        let join = Some(data.join(format!("seeds/context/{task}.jsonl")));
        let options = ReadOptions { join, ..ReadOptions::default() };
        let joined = read_dataset(&main, &options, &backstory::job::Watch::default()).unwrap();
        assert_eq!((joined.records.len(), joined.skipped.len()), (200, 0));
        for (joined, seed) in all(&joined).iter().zip(all(&read(&main).unwrap())) {
            assert_eq!(joined.seed_id, seed.seed_id);
            assert!(joined.context.as_ref().is_some_and(|context| !context.is_empty()));
        }
    }
    for entry in std::fs::read_dir(data.join("longbench/golden_own")).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().is_some_and(|ending| ending == "jsonl") {
            true => {
                let dataset = read(&path).unwrap();
                assert_eq!((dataset.records.len(), dataset.skipped.len()), (24, 0));
            }
            false => assert!(matches!(read(&path), Err(DataError::NoRecord { .. }))),
        }
    }
}
