//! Writing files so that a reader sees the old content or the new, never half of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{DataError, Record};

/// Writes a file under a temporary name beside `path`, syncs it, renames it, and syncs the folder.
///
/// A symbolic link is followed: the file it points at is replaced. On failure, a panic of `write`
/// included, the temporary file is removed and `path` is as it was.
///
/// # Errors
/// [`DataError::Write`] with the step that failed.
pub fn write_atomic(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), DataError> {
    let fail = |doing| move |cause| DataError::Write { path: path.to_path_buf(), doing, cause };
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if target.is_dir() {
        return Err(fail("looking at its name")(io::ErrorKind::IsADirectory.into()));
    }
    let (mut temporary, file) = Temporary::beside(&target).map_err(fail("making a new file"))?;
    if let Ok(metadata) = fs::metadata(&target) {
        file.set_permissions(metadata.permissions()).map_err(fail("setting permissions"))?;
    }
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    write(&mut writer).map_err(fail("writing"))?;
    let file = writer.into_inner().map_err(|e| fail("writing")(e.into_error()))?;
    file.sync_all().map_err(fail("syncing the file"))?;
    drop(file);
    fs::rename(&temporary.path, &target).map_err(fail("renaming"))?;
    temporary.renamed = true;
    sync_folder(folder_of(&target)).map_err(fail("syncing the folder"))
}

/// Writes records as our JSONL, one a line, atomically (see [`write_atomic`]).
///
/// # Errors
/// [`DataError::Write`] with the step that failed.
pub fn write_records<'a>(
    path: &Path,
    records: impl Iterator<Item = &'a Record>,
) -> Result<(), DataError> {
    write_atomic(path, |writer| {
        for record in records {
            serde_json::to_writer(&mut *writer, record)?;
            writer.write_all(b"\n")?;
        }
        Ok(())
    })
}

struct Temporary {
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    fn beside(target: &Path) -> io::Result<(Self, File)> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        // A name of the greatest length leaves no room for an ending.
        let stem: String = name.to_string_lossy().chars().take(40).collect();
        loop {
            let n = COUNT.fetch_add(1, Ordering::Relaxed);
            let temporary = format!(".{stem}.{}.{n}.tmp", std::process::id());
            let path = folder_of(target).join(temporary);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    return Ok((Self { path, renamed: false }, file));
                }
                // Left by a process that was killed and had our number.
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(cause),
            }
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // Nothing is left to be done if this fails too: the first error is on its way.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

// Elsewhere a folder cannot be opened as a file, and renaming is as durable as it gets.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
