use super::*;
use crate::data::{ReadOptions, read_dataset};
use serde_json::{Value, json};

/// A folder of its own for each test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let id = std::process::id();
        let path = std::env::temp_dir().join(format!("backstory_export_{id}_{name}"));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn read(&self, name: &str, lines: &[Value]) -> Vec<Record> {
        let text: Vec<String> = lines.iter().map(Value::to_string).collect();
        fs::write(self.path(name), text.join("\n")).unwrap();
        records_of(&self.path(name))
    }
}

fn records_of(path: &Path) -> Vec<Record> {
    let dataset = read_dataset(path, &ReadOptions::default(), &Watch::default()).unwrap();
    assert_eq!(dataset.skipped, []);
    dataset.records.all().unwrap().iter().map(|record| Record::clone(record)).collect()
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn some(scratch: &Scratch) -> Vec<Record> {
    let made = json!({"model": "m.gguf", "seed": 7});
    scratch.read(
        "seeds.jsonl",
        &[
            json!({"task": "hotpotqa", "instruction": " Who? ", "answers": ["É\n", "e"],
                   "context": "One.\n\nTwo.\n", "provenance": made,
                   "strategy": "context_synthesis"}),
            json!({"task": "hotpotqa", "instruction": "Alone?", "answer": "yes"}),
            json!({"task": "hotpotqa", "context": "Nothing is asked."}),
            json!({"task": "hotpotqa", "instruction": "And?", "answer": " ", "context": "c"}),
        ],
    )
}

fn export(
    records: &[Record],
    format: Format,
    path: &Path,
    watch: &Watch,
) -> Result<Exported, ExportError> {
    let pack = PromptPack::own();
    let wish = Wish { format, arm: Arm::WithContext, pack: &pack, tokenizer: None, split: None };
    export_as(records, &wish, path, watch)
}

fn export_as(
    records: &[Record],
    wish: &Wish<'_>,
    path: &Path,
    watch: &Watch,
) -> Result<Exported, ExportError> {
    let source = records.first().map(|record| record.source.path.clone());
    let dataset = Dataset {
        path: source.unwrap_or_default(),
        format: data::Format::Jsonl,
        bytes: 0,
        columns: Default::default(),
        records: records.to_vec().into(),
        skipped: Vec::new(),
    };
    write(&[Arc::new(dataset)], &|_, _| true, wish, path, watch)
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn our_own_form_loses_nothing() {
    let scratch = Scratch::new("jsonl");
    let (records, path) = (some(&scratch), scratch.path("out.jsonl"));
    let watch = Watch::default();
    let exported = export(&records, Format::Jsonl, &path, &watch).unwrap();
    assert_eq!((exported.path, exported.n_written, exported.n_left_out), (path.clone(), 4, 0));
    let mut back = records_of(&path);
    for (back, record) in back.iter_mut().zip(&records) {
        back.source = record.source.clone();
    }
    assert_eq!(back, records);
    assert_eq!(watch.progress().n_done, 4);
    assert_eq!(watch.warnings(), [""; 0]);
}

#[test]
fn a_conversation_holds_the_tasks_prompt_and_the_first_answer() {
    let scratch = Scratch::new("messages");
    let (records, path) = (some(&scratch), scratch.path("out.jsonl"));
    let watch = Watch::default();
    let exported = export(&records, Format::Messages, &path, &watch).unwrap();
    assert_eq!((exported.n_written, exported.n_left_out), (2, 2));
    assert!(matches!(&watch.warnings()[..], [one] if one.starts_with("2 of 4 records left out")));
    let lines = lines(&path);
    let keys: Vec<_> = lines[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "seed_id", "task", "strategy", "messages", "source", "provenance"]);
    let asked = lines[0]["messages"][0]["content"].as_str().unwrap();
    assert!(asked.contains("\nOne.\n\nTwo.\n\n") && asked.contains("Question: Who?\n"));
    assert_eq!(lines[0]["messages"][1], json!({"role": "assistant", "content": "É"}));
    assert_eq!(lines[0]["source"], json!({"file": "seeds.jsonl", "line": 1}));
    assert_eq!(lines[0]["provenance"], r#"{"model":"m.gguf","seed":7}"#);
    // Without a context there is nothing that the task's prompt could speak of.
    let alone = json!([{"role": "user", "content": "Alone?"},
                       {"role": "assistant", "content": "yes"}]);
    assert_eq!(lines[1]["messages"], alone);
    assert_eq!(lines[1]["provenance"], "");
}

#[test]
fn conversations_read_back_and_come_out_again_as_they_were() {
    let scratch = Scratch::new("again");
    let (records, path) = (some(&scratch), scratch.path("out.jsonl"));
    export(&records, Format::Messages, &path, &Watch::default()).unwrap();
    let back = records_of(&path);
    for (back, record) in back.iter().zip(&records) {
        let seen = (&back.seed_id, &back.task, &back.strategy, back.answer());
        let answer = record.answer().trim();
        assert_eq!(seen, (&record.seed_id, &record.task, &record.strategy, answer));
        assert!(back.instruction.contains(record.instruction.trim()));
        assert_eq!(back.context, None);
    }
    let again = scratch.path("again.jsonl");
    export(&back, Format::Messages, &again, &Watch::default()).unwrap();
    let messages = |path| lines(path).iter().map(|l| l["messages"].clone()).collect::<Vec<_>>();
    assert_eq!(messages(&path), messages(&again));
}

#[test]
fn what_is_lost_or_should_not_be_trained_on_is_said() {
    let scratch = Scratch::new("losses");
    let turn = |role, content| json!({"role": role, "content": content});
    let records = scratch.read(
        "chats.jsonl",
        &[
            json!({"messages": [turn("system", "s"), turn("user", "u"), turn("assistant", "a")]}),
            json!({"input": "i", "context": "c", "answers": ["a"], "dataset": "qasper"}),
        ],
    );
    let watch = Watch::default();
    export(&records, Format::Messages, &scratch.path("out.jsonl"), &watch).unwrap();
    let warnings = watch.warnings();
    assert!(warnings[0].contains("strategy `test`") && warnings[1].contains("system text"));
    assert_eq!(warnings.len(), 2);
}

#[test]
fn a_cancel_leaves_no_file_and_the_old_one_as_it_was() {
    let scratch = Scratch::new("cancel");
    let records = some(&scratch);
    fs::write(scratch.path("old.jsonl"), "old").unwrap();
    for format in Format::ALL {
        for name in ["new.jsonl", "old.jsonl"] {
            // Before the first record, and after one.
            let early = Watch::default();
            early.cancel();
            for watch in [early, cancelled_by_the_first_record()] {
                let failed = export(&records, format, &scratch.path(name), &watch);
                assert!(matches!(failed, Err(ExportError::Cancelled(_))));
            }
        }
    }
    assert_eq!(fs::read_to_string(scratch.path("old.jsonl")).unwrap(), "old");
    let mut names = scratch.names();
    names.sort();
    assert_eq!(names, ["old.jsonl", "seeds.jsonl"]);
}

/// A watch whose person cancels as soon as one record is through.
fn cancelled_by_the_first_record() -> Watch {
    let own: std::sync::Arc<std::sync::OnceLock<Watch>> = Default::default();
    let seen = own.clone();
    let watch = Watch::new(move || {
        if let Some(watch) = seen.get().filter(|watch| watch.progress().n_done == 1) {
            watch.cancel();
        }
    });
    own.set(watch.clone()).ok();
    watch
}

#[test]
fn a_target_that_cannot_be_written_is_told_apart() {
    let scratch = Scratch::new("targets");
    let records = some(&scratch);
    let watch = Watch::default();
    let fails = |records: &[Record], format, path: &Path| {
        export(records, format, path, &watch).unwrap_err()
    };
    let out = scratch.path("out.jsonl");
    let folder = fails(&records, Format::Jsonl, &scratch.0);
    assert!(matches!(folder, ExportError::Folder { .. }));
    let no_folder = fails(&records, Format::Jsonl, &scratch.path("none/out.jsonl"));
    assert!(matches!(no_folder, ExportError::NoFolder { .. }));
    let within_file = fails(&records, Format::Jsonl, &scratch.path("seeds.jsonl/out.jsonl"));
    assert!(matches!(within_file, ExportError::NoFolder { .. }));
    let over = fails(&records, Format::Jsonl, &scratch.path("./seeds.jsonl"));
    assert!(matches!(over, ExportError::OverSource { .. }));
    assert!(matches!(fails(&[], Format::Jsonl, &out), ExportError::NoRecords { .. }));
    let unusable = fails(&records[2..], Format::Messages, &out);
    assert!(matches!(unusable, ExportError::NoneUsable { n_records: 2, .. }));
    assert_eq!(scratch.names(), ["seeds.jsonl"]);
}

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(Format::parse(format.name()), Some(format));
    }
    assert_eq!(Format::parse("Jsonl"), None);
}

/// Values of every kind, with what other readers stumble over.
fn odd(scratch: &Scratch) -> Vec<Record> {
    scratch.read(
        "odd.jsonl",
        &[
            json!({"instruction": "a,\"b\"\nc", "answers": ["x", "y,\n"], "context": "c\r\nd", "n": 7,
                   "x": 1.0, "yes": true, "spans": [0, 12], "names": ["a", ""], "mixed": "5",
                   "deep": {"k": [1, null]}}),
            json!({"instruction": " q ", "answer": "z", "task": "é", "n": -3, "x": 2.5e-3, "yes": false,
                   "spans": [], "names": ["b"], "mixed": 5, "deep": {"other": "v"}, "number": "007",
                   "quoted": "\"q\"", "list": "[1]"}),
            json!({"context": "alone", "empty": "", "number": "12", "quoted": "true", "list": "x"}),
        ],
    )
}

#[test]
fn columns_and_cells_lose_nothing() {
    let scratch = Scratch::new("columns");
    for records in [some(&scratch), odd(&scratch)] {
        for format in [Format::Parquet, Format::Csv, Format::Jsonl] {
            let path = scratch.path(&format!("out.{}", format.extension()));
            let exported = export(&records, format, &path, &Watch::default()).unwrap();
            assert_eq!(exported.n_written, records.len());
            let back = records_of(&path);
            assert_eq!(back.len(), records.len());
            for (back, record) in back.iter().zip(&records) {
                // A column that a record does not have stands in no order.
                let sorted = |record: &Record| {
                    let extra = record.extra.clone().into_iter();
                    extra.collect::<std::collections::BTreeMap<_, _>>()
                };
                assert_eq!(sorted(back), sorted(record), "{format:?}");
                let plain = |record: &Record| Record {
                    extra: Default::default(),
                    source: records[0].source.clone(),
                    ..record.clone()
                };
                assert_eq!(plain(back), plain(record), "{format:?}");
            }
        }
    }
}

#[test]
fn every_chat_form_says_the_same() {
    let scratch = Scratch::new("forms");
    let records = some(&scratch);
    let said = |format: Format| {
        let path = scratch.path(&format!("{}.jsonl", format.name()));
        export(&records, format, &path, &Watch::default()).unwrap();
        lines(&path)
    };
    let messages = said(Format::Messages);
    let (share, alpaca, long) =
        (said(Format::ShareGpt), said(Format::Alpaca), said(Format::LongAlign));
    for (ix, line) in messages.iter().enumerate() {
        let (asked, answer) = (&line["messages"][0]["content"], &line["messages"][1]["content"]);
        let turns = json!([{"from": "human", "value": asked}, {"from": "gpt", "value": answer}]);
        assert_eq!(share[ix]["conversations"], turns);
        assert_eq!((&alpaca[ix]["instruction"], &alpaca[ix]["output"]), (asked, answer));
        assert_eq!(alpaca[ix]["input"], "");
        assert_eq!(long[ix]["messages"], line["messages"]);
        let words = |text: &Value| text.as_str().unwrap().split_whitespace().count();
        assert_eq!(long[ix]["length"], words(asked) + words(answer));
    }
}

#[test]
fn without_contexts_the_prompt_has_no_document() {
    let scratch = Scratch::new("arms");
    let (records, path) = (some(&scratch), scratch.path("out.jsonl"));
    let pack = PromptPack::own();
    let wish = Wish {
        format: Format::Messages,
        arm: Arm::WithoutContext,
        pack: &pack,
        tokenizer: None,
        split: None,
    };
    export_as(&records, &wish, &path, &Watch::default()).unwrap();
    let without = lines(&path);
    export(&records, Format::Messages, &path, &Watch::default()).unwrap();
    let with = lines(&path);
    assert_eq!(without.len(), with.len());
    let asked = |line: &Value| line["messages"][0]["content"].as_str().unwrap().to_owned();
    assert!(asked(&with[0]).contains("One.\n\nTwo.") && !asked(&without[0]).contains("One."));
    assert!(asked(&without[0]).contains("Question: Who?"));
    assert_eq!(without[0]["messages"][1], with[0]["messages"][1]);
    let ours = Wish { format: Format::Jsonl, ..wish };
    export_as(&records, &ours, &path, &Watch::default()).unwrap();
    assert!(records_of(&path).iter().all(|record| record.context.is_none()));
}

#[test]
fn no_seed_is_on_both_sides_of_a_split() {
    let scratch = Scratch::new("split");
    let line = |n: usize| {
        json!({"instruction": format!("q{}", n / 2), "answer": "a", "seed_id": (n / 2).to_string(),
               "context": n.to_string()})
    };
    let records = scratch.read("many.jsonl", &(0..400).map(line).collect::<Vec<_>>());
    let pack = PromptPack::own();
    let split = Some(Split { share: 0.2, seed: 1 });
    let wish =
        Wish { format: Format::Jsonl, arm: Arm::WithContext, pack: &pack, tokenizer: None, split };
    let path = scratch.path("out.jsonl");
    let exported = export_as(&records, &wish, &path, &Watch::default()).unwrap();
    let (validation, n) = exported.validation.unwrap();
    assert_eq!(validation, scratch.path("out.validation.jsonl"));
    assert_eq!(exported.n_written + n, 400);
    assert!((40..=120).contains(&n), "{n}");
    let seeds = |path: &Path| {
        let records = records_of(path);
        records.iter().map(|r| r.seed_id.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    assert!(seeds(&path).is_disjoint(&seeds(&validation)));
}

#[test]
fn the_trainers_list_keeps_its_other_entries() {
    let scratch = Scratch::new("list");
    let list = scratch.path("dataset_info.json");
    fs::write(&list, r#"{"mine": {"file_name": "mine.json"}}"#).unwrap();
    let path = scratch.path("chats.jsonl");
    assert_eq!(register(Format::ShareGpt, &path).unwrap(), Some(list.clone()));
    assert_eq!(register(Format::Parquet, &path).unwrap(), None);
    let read: Value = serde_json::from_str(&fs::read_to_string(&list).unwrap()).unwrap();
    assert_eq!(read["mine"]["file_name"], "mine.json");
    assert_eq!(read["chats"]["file_name"], "chats.jsonl");
    assert_eq!(read["chats"]["columns"]["messages"], "conversations");
    fs::write(&list, "[]").unwrap();
    assert!(matches!(register(Format::Alpaca, &path), Err(ExportError::List { .. })));
    assert_eq!(fs::read_to_string(&list).unwrap(), "[]");
}
