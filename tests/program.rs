//! The program as another process, and a folder of its own for each test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// One usable pair, one usable document.
pub const PAIR: &str = "{\"instruction\":\"Who rang the bell?\",\"answer\":\"Ada Stone\"}\n";
pub const DOCUMENT: &str = "{\"context\":\"Ada Stone rang the bell at noon.\"}\n";

/// What each message must hold at least one of: a word that says what to do.
const ADVICE: [&str; 26] = [
    "can be run",
    "check",
    "choose",
    "convert",
    "drop",
    "extract",
    "fetch",
    "give",
    "has the parts",
    "is not one of",
    "its columns are",
    "join",
    "make",
    "models list",
    "must",
    "name",
    "remove",
    "repair",
    "save",
    "say which",
    "set",
    "the fields are",
    "try",
    "unpack",
    "use",
    "write",
];

/// A temporary folder in which the program runs; gone at the end of the test.
pub struct Folder {
    path: PathBuf,
}

/// How a run ended.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Folder {
    /// A new folder, with an empty `out` in it.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("backstory-test-{}-{n}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(path.join("out")).expect("a temporary folder");
        Self { path }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file, and returns the folder for the next.
    pub fn with(self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.path(name), bytes).expect("a file in the temporary folder");
        self
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file that the program wrote")
    }

    /// Runs the program here, on a machine without models.
    pub fn run(&self, args: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_backstory"))
            .args(args)
            .current_dir(&self.path)
            .env("BACKSTORY_HOME", self.path("home"))
            // No test here may open a window on the screen of whoever runs it.
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .stdin(Stdio::null())
            .output()
            .expect("the program starts");
        let run = Run {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("output in UTF-8"),
            err: String::from_utf8(output.stderr).expect("messages in UTF-8"),
        };
        assert!(!run.err.contains("panicked"), "{args:?}: {}", run.err);
        run
    }

    /// Runs the program, which must end in `code`, tell all of `words` and what to do, print no
    /// result, and leave nothing in `out` or beside the inputs.
    pub fn refused(&self, args: &[&str], code: i32, words: &[&str]) {
        let before = self.names();
        let run = self.run(args);
        let told = format!("{args:?} ended in {} and told: {}", run.code, run.err);
        assert_eq!(run.code, code, "{told}");
        for word in words {
            assert!(run.err.contains(word), "no `{word}`: {told}");
        }
        let advises = ADVICE.iter().any(|words| has_words(&run.err, words));
        assert!(advises, "says not what to do: {told}");
        assert!(!run.err.lines().any(tells_twice), "tells the cause twice: {told}");
        assert_eq!(run.out, "", "a result in spite of the error: {told}");
        assert_eq!(self.names(), before, "files were left: {told}");
    }

    /// All files and folders, hidden ones too, by path.
    pub fn names(&self) -> Vec<PathBuf> {
        let mut names = Vec::new();
        list(&self.path, &mut names);
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A job that a test did not wait for may still be putting a file into it.
        for _ in 0..100 {
            if std::fs::remove_dir_all(&self.path).is_ok() || !self.path.exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// Whether what follows a colon at the end stood before it already.
fn tells_twice(line: &str) -> bool {
    let mut colons = line.match_indices(": ").map(|(ix, _)| line.split_at(ix));
    colons.any(|(before, end)| end.len() > 10 && before.contains(&end[2..]))
}

/// Whether the words stand in the text as such, not as parts of others (`use` in `used`).
fn has_words(text: &str, words: &str) -> bool {
    let plain = text.to_lowercase().replace(|c: char| !c.is_alphabetic(), " ");
    format!(" {plain} ").contains(&format!(" {words} "))
}

fn list(folder: &Path, names: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder that can be listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            list(&path, names);
        }
        names.push(path);
    }
}

/// The model file that `BACKSTORY_TEST_MODEL` names; without one, says so.
pub fn model() -> Option<String> {
    let model = std::env::var("BACKSTORY_TEST_MODEL").ok().filter(|path| !path.is_empty());
    if model.is_none() {
        println!("SKIPPED: BACKSTORY_TEST_MODEL names no .gguf file");
    }
    // The program runs in another folder.
    model.map(|path| std::path::absolute(path).expect("a path").to_string_lossy().into_owned())
}

/// Whether what a test needs is there; where it is not, says so, or fails where nothing may be
/// missing.
pub fn needs(what: &str, is_there: bool) -> bool {
    let must = std::env::var("REQUIRE_GPU").is_ok_and(|value| value == "1");
    assert!(is_there || !must, "REQUIRE_GPU=1, and there is not {what}");
    if !is_there {
        println!("SKIPPED: there is not {what}");
    }
    is_there
}

/// The records of a file, read by the library; none of its lines may be left out.
pub fn records(path: &Path) -> Vec<backstory::data::Record> {
    let watch = backstory::job::Watch::default();
    let dataset = backstory::data::read_dataset(path, &Default::default(), &watch).unwrap();
    assert_eq!(dataset.skipped, []);
    let records = dataset.records.all().unwrap();
    records.iter().map(|record| backstory::data::Record::clone(record)).collect()
}
