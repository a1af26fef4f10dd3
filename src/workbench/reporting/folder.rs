//! The report's folder: whether it may be written, and writing it.

use super::super::WorkbenchError;
use super::Taken;
use crate::data::write_atomic;
use serde::Deserialize;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

/// A file of the report: its path from the folder, and what is in it.
pub(super) type File = (String, Vec<u8>);

/// The file by which a report is known.
pub(super) const CONFIGURATION: &str = "configuration.json";

/// What of an earlier report's configuration says what may be replaced.
#[derive(Deserialize)]
struct Earlier {
    #[serde(rename = "report_format")]
    _format: u32,
    files: Vec<String>,
}

/// Folders of one name that are tried.
const MOST_NUMBERS: u32 = 10_000;

/// Finds out before the work which folder is written, and the files of an earlier report in it that
/// are to be replaced.
pub(super) fn choose(out: &Path, taken: Taken) -> Result<(PathBuf, Vec<String>), WorkbenchError> {
    let numbered = |n: u32| {
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(format!("-{n}"));
        out.with_file_name(name)
    };
    let out = match taken {
        Taken::Number if out.exists() => {
            let free = (2..=MOST_NUMBERS).map(numbered).find(|path| !path.exists());
            free.unwrap_or_else(|| out.to_owned())
        }
        _ => out.to_owned(),
    };
    let stale = check(&out, taken == Taken::Replace)?;
    Ok((out, stale))
}

fn check(out: &Path, replace: bool) -> Result<Vec<String>, WorkbenchError> {
    let refused = |what: String| Err(WorkbenchError::Refused(what));
    let shown = out.display();
    if !out.exists() {
        let parent = out.parent().filter(|folder| !folder.as_os_str().is_empty());
        return match parent.filter(|folder| !folder.is_dir()) {
            Some(folder) => refused(format!(
                "the folder {} to write into does not exist; make it first or choose another",
                folder.display()
            )),
            None => Ok(Vec::new()),
        };
    }
    if !out.is_dir() {
        return refused(format!("{shown} is a file; give a folder for the report"));
    }
    let fail = |source| WorkbenchError::File { verb: "read", path: out.to_owned(), source };
    if std::fs::read_dir(out).map_err(fail)?.next().is_none() {
        return Ok(Vec::new());
    }
    if !replace {
        return refused(format!(
            "{shown} is there already and not empty; choose another folder, or let it be replaced with --replace"
        ));
    }
    match earlier(out) {
        Some(files) => Ok(files),
        None => refused(format!(
            "{shown} holds no report of this program, so nothing in it is replaced; choose another folder"
        )),
    }
}

/// The files of the report in a folder. Names that lead out of it are no files of a report.
fn earlier(out: &Path) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(out.join(CONFIGURATION)).ok()?;
    let earlier: Earlier = serde_json::from_str(&text).ok()?;
    let stays = |name: &String| {
        Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
    };
    earlier.files.iter().all(stays).then_some(earlier.files)
}

/// Takes the stale files away and writes the others; the page last, so that one that is there is
/// whole.
pub(super) fn write(out: &Path, stale: &[String], files: &[File]) -> Result<(), WorkbenchError> {
    for name in stale.iter().filter(|name| files.iter().all(|(new, _)| new != *name)) {
        let path = out.join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(WorkbenchError::File { verb: "remove", path, source });
            }
            _ => {}
        }
    }
    for (name, bytes) in files {
        let path = out.join(name);
        let folder = path.parent().unwrap_or(out);
        let fail = |source| WorkbenchError::File { verb: "make", path: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(fail)?;
        write_atomic(&path, |file| file.write_all(bytes))?;
    }
    Ok(())
}
