//! Whole runs of the program: the same bytes for any number of workers and after kills.

use crate::model::model_path;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("backstory-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn seeds(folder: &Path) -> PathBuf {
    let path = folder.join("hotpotqa.jsonl");
    let lines: Vec<String> = [
        ("Which lighthouse did Marta keep?", "the one at Lindvik"),
        ("Who brought the brass rule?", "her father"),
        ("When did the mail boat land?", "in the second week of April"),
    ]
    .iter()
    .map(|(instruction, answer)| {
        serde_json::json!({"instruction": instruction, "answer": answer}).to_string()
    })
    .collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    path
}

fn synth(model: &Path, seeds: &Path, out: &Path, parallel: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_backstory"))
        .args(["synth", "--strategy", "context", "--words", "120", "--max-new-tokens", "100"])
        .args(["--seed", "5", "--json", "--parallel", parallel])
        .args(["--temperature", "0.7", "--top-p", "0.95", "--repetition-penalty", "1.1"])
        .arg("--seeds")
        .arg(seeds)
        .arg("--model")
        .arg(model)
        .arg("--out")
        .arg(out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn bytes(out: &Path) -> (Vec<u8>, Option<Vec<u8>>) {
    (std::fs::read(out).unwrap(), std::fs::read(out.with_extension("rejected.jsonl")).ok())
}

#[test]
fn workers_kills_and_torn_journals_do_not_change_a_byte() {
    let Some(model) = model_path() else { return };
    let folder = Folder::new("runs");
    let seeds = seeds(&folder.0);
    let whole = folder.0.join("whole.jsonl");
    assert!(synth(&model, &seeds, &whole, "1").wait().unwrap().code().is_some_and(|c| c != 1));
    let expected = bytes(&whole);

    let together = folder.0.join("together.jsonl");
    synth(&model, &seeds, &together, "3").wait().unwrap();
    assert_eq!(bytes(&together), expected, "three workers");

    let killed = folder.0.join("killed.jsonl");
    for millis in [300, 700, 1100, 1500] {
        let mut child = synth(&model, &seeds, &killed, "2");
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    synth(&model, &seeds, &killed, "2").wait().unwrap();
    assert_eq!(bytes(&killed), expected, "four kills");

    // The journal cut at any byte of its last lines gives the same dataset again.
    let journal = std::fs::read(whole.with_extension("journal")).unwrap();
    let torn = folder.0.join("torn.jsonl");
    for n_cut in [1, 40, 900] {
        let kept = &journal[..journal.len().saturating_sub(n_cut)];
        std::fs::write(torn.with_extension("journal"), kept).unwrap();
        let _ = std::fs::remove_file(&torn);
        synth(&model, &seeds, &torn, "1").wait().unwrap();
        assert_eq!(bytes(&torn), expected, "{n_cut} bytes torn off");
    }
}

#[test]
fn a_journal_of_other_settings_and_a_damaged_one_are_left_alone() {
    let Some(model) = model_path() else { return };
    let folder = Folder::new("journal");
    let seeds = seeds(&folder.0);
    let out = folder.0.join("out.jsonl");
    synth(&model, &seeds, &out, "2").wait().unwrap();
    let path = out.with_extension("journal");
    let journal = std::fs::read_to_string(&path).unwrap();
    for (from, to, word) in
        [("\"seed\":5", "\"seed\":6", "seed"), ("\"occurrence\"", "occurrence", "line 2")]
    {
        let changed = journal.replace(from, to);
        assert_ne!(changed, journal);
        std::fs::write(&path, &changed).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_backstory"))
            .args(["synth", "--strategy", "context", "--words", "120", "--max-new-tokens", "100"])
            .args(["--seed", "5", "--temperature", "0.7", "--top-p", "0.95"])
            .args(["--repetition-penalty", "1.1"])
            .arg("--seeds")
            .arg(&seeds)
            .arg("--model")
            .arg(&model)
            .arg("--out")
            .arg(&out)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(word) && stderr.contains("--overwrite"), "{stderr}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), changed, "the journal is not touched");
    }
}
