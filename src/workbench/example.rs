//! The example project: seeds of eight tasks written for this program, what the default model made of
//! them in both ways, and how it scored them. It lies in the program, so that there is something true
//! to see before any model is fetched.

use super::WorkbenchError;
use crate::data::{self, Dataset, ReadOptions, write_atomic};
use crate::job::Watch;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The bundled seeds: name and text of each file.
const SEEDS: [(&str, &str); 8] = [
    ("narrativeqa", include_str!("../../assets/example/seeds/narrativeqa.jsonl")),
    ("qasper", include_str!("../../assets/example/seeds/qasper.jsonl")),
    ("hotpotqa", include_str!("../../assets/example/seeds/hotpotqa.jsonl")),
    ("2wikimqa", include_str!("../../assets/example/seeds/2wikimqa.jsonl")),
    ("musique", include_str!("../../assets/example/seeds/musique.jsonl")),
    ("govreport", include_str!("../../assets/example/seeds/govreport.jsonl")),
    ("qmsum", include_str!("../../assets/example/seeds/qmsum.jsonl")),
    ("multi_news", include_str!("../../assets/example/seeds/multi_news.jsonl")),
];

/// What `backstory demo` made of them with the default model, and its coherence rows.
const MADE: [(&str, &str); 3] = [
    ("context_synthesis.jsonl", include_str!("../../assets/example/context_synthesis.jsonl")),
    (
        "instruction_synthesis.jsonl",
        include_str!("../../assets/example/instruction_synthesis.jsonl"),
    ),
    ("coherence.jsonl", include_str!("../../assets/example/coherence.jsonl")),
];

/// A study of the tuning gap of the default model, on real pairs of 2WikiMQA (numbers only).
const STUDY: &str = include_str!("../../assets/example/gap/study.json");

/// Writes the whole example project into a folder: the files to open, human records first.
pub(super) fn unpack(folder: &Path) -> Result<Vec<PathBuf>, WorkbenchError> {
    let human = folder.join("human.jsonl");
    write_seeds(folder, &human)?;
    let mut files = vec![human];
    for (name, text) in MADE {
        let path = folder.join(name);
        write_if_new(&path, text)?;
        files.push(path);
    }
    let gap = folder.join("gap");
    let make = |source| WorkbenchError::File { verb: "make", path: gap.clone(), source };
    std::fs::create_dir_all(&gap).map_err(make)?;
    write_if_new(&gap.join("study.json"), STUDY)?;
    Ok(files)
}

/// The bundled seeds as one dataset on disk.
pub(super) fn write_seeds(folder: &Path, path: &Path) -> Result<Dataset, WorkbenchError> {
    let seeds = folder.join("seeds");
    let make = |source| WorkbenchError::File { verb: "make", path: seeds.clone(), source };
    std::fs::create_dir_all(&seeds).map_err(make)?;
    let mut records = Vec::new();
    for (name, text) in SEEDS {
        let file = seeds.join(format!("{name}.jsonl"));
        write_if_new(&file, text)?;
        let dataset = data::read_dataset(&file, &ReadOptions::default(), &Watch::default())?;
        records.extend(dataset.records.all()?);
    }
    data::write_records(path, records.iter().map(Arc::as_ref))?;
    Ok(data::read_dataset(path, &ReadOptions::default(), &Watch::default())?)
}

/// Each synced write costs a disk some milliseconds, which a start that changes nothing can save.
fn write_if_new(path: &Path, text: &str) -> Result<(), WorkbenchError> {
    if std::fs::read(path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    Ok(write_atomic(path, |out| out.write_all(text.as_bytes()))?)
}
