//! Records out of the program, as the files that others train on.
//!
//! Here belongs what a training file looks like and which records can stand in one. Our own JSONL
//! is `data`'s form and only offered here; the wording of a task's prompt belongs in `prompt`, a
//! model's chat format in `model`, choosing the records in `workbench` and the doors.

mod card;
mod error;
mod messages;

pub use card::{Card, card};
pub use error::ExportError;

use crate::data::{self, Record, StrategyId};
use crate::job::Watch;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A form that records are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Our own JSONL: nothing is lost.
    Jsonl,
    /// One conversation a line: the task's prompt as the user's message, the first answer as the
    /// assistant's (`PAPER.md` section 1, Training text).
    Messages,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The file.
    pub path: PathBuf,
    /// Records in it.
    pub n_written: usize,
    /// Records that the form has no place for.
    pub n_left_out: usize,
}

impl Format {
    /// Every format, the one that loses nothing first.
    pub const ALL: [Self; 2] = [Self::Jsonl, Self::Messages];

    /// How it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Messages => "messages",
        }
    }

    /// The format of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// Writes records to `path`, one a line in their order. A file of that name is replaced once all is
/// written; after an error or a cancel it is as it was.
///
/// # Errors
/// See [`ExportError`].
pub fn write(
    records: &[&Record],
    format: Format,
    path: &Path,
    watch: &Watch,
) -> Result<Exported, ExportError> {
    watch.check()?;
    check_target(records, path)?;
    watch.stage("writing records", records.len() as u64);
    let mut export = Export { format, n_written: 0, watch, failed: None };
    let written = data::write_atomic(path, |writer| export.records(records, path, writer));
    if let Some(failed) = export.failed {
        return Err(failed);
    }
    written?;
    let n_written = export.n_written;
    let n_left_out = records.len() - n_written;
    if n_left_out > 0 {
        watch.warn(format!(
            "{n_left_out} of {} records left out of {}: they have no instruction or no answer, so \
             there is nothing to train on",
            records.len(),
            path.display()
        ));
    }
    if format == Format::Messages {
        warn_of_losses(records, watch);
    }
    Ok(Exported { path: path.to_path_buf(), n_written, n_left_out })
}

fn check_target(records: &[&Record], path: &Path) -> Result<(), ExportError> {
    let to = || path.to_path_buf();
    if path.is_dir() {
        return Err(ExportError::Folder { path: to() });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(ExportError::NoFolder { path: to(), folder: folder.to_path_buf() });
    }
    if records.is_empty() {
        return Err(ExportError::NoRecords { path: to() });
    }
    // What is not there yet is nobody's source.
    let Ok(target) = fs::canonicalize(path) else { return Ok(()) };
    let mut last = None;
    for source in records.iter().map(|record| record.source.path.as_path()) {
        // Records come file by file, and asking the system once for each file is enough.
        if last.replace(source) != Some(source)
            && fs::canonicalize(source).is_ok_and(|source| source == target)
        {
            return Err(ExportError::OverSource { path: to() });
        }
    }
    Ok(())
}

/// Says what of the records does not come along, or should not be trained on.
fn warn_of_losses(records: &[&Record], watch: &Watch) {
    let count = |is: fn(&Record) -> bool| records.iter().filter(|record| is(record)).count();
    let n_tests = count(|record| record.strategy == StrategyId::test());
    if n_tests > 0 {
        watch.warn(format!(
            "{n_tests} of the exported records are a benchmark's (strategy `test`): a model that is \
             trained on them cannot be measured with them"
        ));
    }
    let n_longer = count(messages::says_more);
    if n_longer > 0 {
        watch.warn(format!(
            "{n_longer} of the exported records come from conversations with a system text or more \
             turns: only the first question and its answer are in the file; `jsonl` keeps all"
        ));
    }
}

/// A file being written.
struct Export<'a> {
    format: Format,
    n_written: usize,
    watch: &'a Watch,
    /// Why the writing ended, where that is not the system's doing: the writer below knows only
    /// the system's errors.
    failed: Option<ExportError>,
}

impl Export<'_> {
    fn records(
        &mut self,
        records: &[&Record],
        path: &Path,
        writer: &mut BufWriter<File>,
    ) -> io::Result<()> {
        for record in records {
            if let Err(cancelled) = self.watch.check() {
                return self.fail(cancelled.into());
            }
            match self.format {
                Format::Jsonl => self.line(record, writer)?,
                Format::Messages => match messages::Row::of(record) {
                    Ok(Some(row)) => self.line(&row, writer)?,
                    Ok(None) => {}
                    Err(failed) => return self.fail(failed),
                },
            }
            self.watch.advance(1);
        }
        if self.n_written == 0 {
            let (path, n_records) = (path.to_path_buf(), records.len());
            return self.fail(ExportError::NoneUsable { path, n_records });
        }
        Ok(())
    }

    fn line(&mut self, row: &impl Serialize, writer: &mut BufWriter<File>) -> io::Result<()> {
        serde_json::to_writer(&mut *writer, row)?;
        writer.write_all(b"\n")?;
        self.n_written += 1;
        Ok(())
    }

    fn fail(&mut self, failed: ExportError) -> io::Result<()> {
        self.failed = Some(failed);
        Err(io::Error::other("the export ended"))
    }
}

#[cfg(test)]
mod tests {
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
            read_dataset(&self.path(name), &ReadOptions::default()).unwrap().records
        }
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
        write(&records.iter().collect::<Vec<_>>(), format, path, watch)
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
        assert_eq!(exported, Exported { path: path.clone(), n_written: 4, n_left_out: 0 });
        let mut back = read_dataset(&path, &ReadOptions::default()).unwrap().records;
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
        assert!(
            matches!(&watch.warnings()[..], [one] if one.starts_with("2 of 4 records left out"))
        );
        let lines = lines(&path);
        let keys: Vec<_> = lines[0].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "seed_id", "task", "strategy", "messages", "source", "provenance"]);
        let asked = lines[0]["messages"][0]["content"].as_str().unwrap();
        assert!(asked.contains("\nOne.\n\nTwo.\n\n") && asked.contains("Question: Who?\n"));
        assert_eq!(lines[0]["messages"][1], json!({"role": "assistant", "content": "É"}));
        assert_eq!(lines[0]["source"], json!({"file": "seeds.jsonl", "line": 1}));
        assert_eq!(lines[0]["provenance"], json!({"model": "m.gguf", "seed": 7}));
        // Without a context there is nothing that the task's prompt could speak of.
        let alone = json!([{"role": "user", "content": "Alone?"},
                           {"role": "assistant", "content": "yes"}]);
        assert_eq!(lines[1]["messages"], alone);
        assert_eq!(lines[1].get("provenance"), None);
    }

    #[test]
    fn conversations_read_back_and_come_out_again_as_they_were() {
        let scratch = Scratch::new("again");
        let (records, path) = (some(&scratch), scratch.path("out.jsonl"));
        export(&records, Format::Messages, &path, &Watch::default()).unwrap();
        let back = read_dataset(&path, &ReadOptions::default()).unwrap();
        assert_eq!(back.skipped, []);
        for (back, record) in back.records.iter().zip(&records) {
            let seen = (&back.seed_id, &back.task, &back.strategy, back.answer());
            let answer = record.answer().trim();
            assert_eq!(seen, (&record.seed_id, &record.task, &record.strategy, answer));
            assert!(back.instruction.contains(record.instruction.trim()));
            assert_eq!(back.context, None);
        }
        let again = scratch.path("again.jsonl");
        export(&back.records, Format::Messages, &again, &Watch::default()).unwrap();
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
            let error = export(records, format, path, &watch).unwrap_err();
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
            error
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
}
