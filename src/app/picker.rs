//! File dialogs that never block the window: rfd's asynchronous ones, awaited on another thread.

use super::views::needle::Field;
use super::views::prepare;
use std::future::Future;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::sync::{Mutex, Once, PoisonError};

/// What a dialog is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// Datasets to open.
    Open,
    /// Folders of results.
    Results,
    /// Where a table goes.
    TableOut,
    /// Contexts to join to the dataset of this number.
    Join(u64),
    /// A model file.
    Model,
    /// A prompt file.
    Prompt,
    /// Where the made records go.
    SynthOut,
    /// Where the export goes.
    ExportOut,
    /// A field of the dialogs of needle tests.
    Needle(Field),
    /// A field of the Prepare view.
    Prepare(prepare::Field),
}

/// What came of a dialog.
#[derive(Debug, Clone, PartialEq)]
pub enum Picked {
    /// The chosen files; none when the person changed their mind.
    Files(Vec<PathBuf>),
    /// The dialog could not be shown: why, and what to do.
    Failed(String),
}

/// The dialog that is open, if one is.
#[derive(Default)]
pub struct Picker {
    open: Option<(Purpose, Receiver<Picked>)>,
}

impl Picker {
    /// Whether a dialog is open.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Shows a dialog; `suggested` is the file or folder that it begins at. One that is open stays.
    pub fn show(
        &mut self,
        purpose: Purpose,
        suggested: Option<&std::path::Path>,
        wake: impl Fn() + Send + 'static,
    ) {
        if self.is_open() {
            return;
        }
        listen_to_rfd();
        let dialog = dialog(&purpose, suggested);
        // The dialogs are made here, on the thread of the window, as some systems want it.
        let future: std::pin::Pin<Box<dyn Future<Output = Option<Vec<rfd::FileHandle>>> + Send>> =
            match &purpose {
                Purpose::Open | Purpose::Prepare(prepare::Field::Tests) => {
                    Box::pin(dialog.pick_files())
                }
                Purpose::Results => Box::pin(dialog.pick_folders()),
                Purpose::Join(_)
                | Purpose::Model
                | Purpose::Prompt
                | Purpose::Prepare(
                    prepare::Field::Tokenizer
                    | prepare::Field::Prompts
                    | prepare::Field::Target
                    | prepare::Field::Pool,
                )
                | Purpose::Needle(Field::Haystack | Field::Tests) => {
                    let picked = dialog.pick_file();
                    Box::pin(async { picked.await.map(|file| vec![file]) })
                }
                Purpose::SynthOut
                | Purpose::ExportOut
                | Purpose::TableOut
                | Purpose::Prepare(prepare::Field::Out)
                | Purpose::Needle(Field::Out) => {
                    let picked = dialog.save_file();
                    Box::pin(async { picked.await.map(|file| vec![file]) })
                }
            };
        let (sender, receiver) = sync_channel(1);
        self.open = Some((purpose, receiver));
        let wait = move || {
            take_complaint();
            let files = pollster::block_on(future).unwrap_or_default();
            let paths: Vec<PathBuf> = files.iter().map(|file| file.path().to_owned()).collect();
            let picked = match take_complaint().filter(|_| paths.is_empty()) {
                Some(complaint) => Picked::Failed(format!(
                    "No file dialog can be shown here ({complaint}). Type or paste the path into the field \
                     instead, drop files onto the window, or install a desktop portal or zenity."
                )),
                None => Picked::Files(paths),
            };
            // Nobody listens when the window is gone.
            let _ = sender.send(picked);
            wake();
        };
        // A thread that cannot start drops the sender, which `poll` tells.
        let _ = std::thread::Builder::new().name("dialog".into()).spawn(wait);
    }

    /// What came of the dialog, once it is closed.
    pub fn poll(&mut self) -> Option<(Purpose, Picked)> {
        let (_, receiver) = self.open.as_ref()?;
        let picked = match receiver.try_recv() {
            Ok(picked) => picked,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Picked::Failed(
                "The file dialog ended without a word; type the path instead.".into(),
            ),
        };
        let (purpose, _) = self.open.take()?;
        Some((purpose, picked))
    }
}

fn dialog(purpose: &Purpose, suggested: Option<&std::path::Path>) -> rfd::AsyncFileDialog {
    let data = ["jsonl", "json", "ndjson"];
    let mut dialog = rfd::AsyncFileDialog::new();
    dialog = match purpose {
        Purpose::Open => dialog.set_title("Open datasets").add_filter("JSONL and JSON", &data),
        Purpose::Join(_) => dialog.set_title("Join contexts").add_filter("JSONL and JSON", &data),
        Purpose::Model => dialog.set_title("Choose a model").add_filter("GGUF models", &["gguf"]),
        Purpose::Prompt => dialog.set_title("Open a prompt").add_filter("Text", &["txt", "md"]),
        Purpose::Results => dialog.set_title("Open folders of results"),
        Purpose::TableOut => dialog.set_title("Save the table as"),
        Purpose::SynthOut => dialog.set_title("Write records to"),
        Purpose::ExportOut => dialog.set_title("Export to"),
        Purpose::Needle(Field::Out) => dialog.set_title("Write to"),
        Purpose::Needle(Field::Tests) => {
            dialog.set_title("Choose needle tests").add_filter("JSONL and JSON", &data)
        }
        Purpose::Prepare(prepare::Field::Tokenizer) => {
            let names = ["json", "gguf"];
            dialog.set_title("Choose a tokenizer").add_filter("Tokenizers and models", &names)
        }
        Purpose::Prepare(prepare::Field::Prompts) => {
            dialog.set_title("Choose a prompt pack").add_filter("JSON", &["json"])
        }
        Purpose::Prepare(prepare::Field::Pool) => {
            dialog.set_title("Choose other contexts").add_filter("JSONL and JSON", &data)
        }
        Purpose::Prepare(prepare::Field::Out) => dialog.set_title("Write records to"),
        Purpose::Prepare(prepare::Field::Tests | prepare::Field::Target) => {
            dialog.set_title("Choose test files").add_filter("JSONL and JSON", &data)
        }
        Purpose::Needle(Field::Haystack) => {
            dialog.set_title("Choose a text").add_filter("Text", &["txt", "md"])
        }
    };
    let saves = matches!(
        purpose,
        Purpose::SynthOut
            | Purpose::ExportOut
            | Purpose::TableOut
            | Purpose::Prepare(prepare::Field::Out)
            | Purpose::Needle(Field::Out)
    );
    if !saves && *purpose != Purpose::Results {
        dialog = dialog.add_filter("All files", &["*"]);
    }
    let Some(suggested) = suggested else { return dialog };
    let folder = suggested.parent().filter(|folder| folder.is_absolute());
    if let Some(folder) = folder {
        dialog = dialog.set_directory(folder);
    }
    match suggested.file_name() {
        Some(name) if saves => dialog.set_file_name(name.to_string_lossy()),
        _ => dialog,
    }
}

/// What rfd last complained of: it tells why a dialog could not be shown only to the log.
static COMPLAINT: Mutex<Option<String>> = Mutex::new(None);

fn take_complaint() -> Option<String> {
    COMPLAINT.lock().unwrap_or_else(PoisonError::into_inner).take()
}

struct Ear;

impl log::Log for Ear {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Error && metadata.target().starts_with("rfd")
    }

    fn log(&self, record: &log::Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        // A portal that is not there is no failure: zenity is tried after it, and only when that
        // cannot be started either has no dialog been shown.
        let said = record.args().to_string();
        if said.contains("zenity") {
            *COMPLAINT.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
        }
    }

    fn flush(&self) {}
}

fn listen_to_rfd() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Another logger, in a test, is no reason to stop.
        if log::set_logger(&Ear).is_ok() {
            log::set_max_level(log::LevelFilter::Error);
        }
    });
}
