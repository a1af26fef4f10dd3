//! What kind of file it is, by its bytes and never by its name.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::DataError;

const HEAD_BYTES: u64 = 4096;
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// First bytes, what they say, what to do. The order matters where one begins like another.
const MAGIC: [(&[u8], &str, &str); 16] = [
    (b"\x1F\x8B", "a gzip archive", "unpack it first (`gunzip -k FILE`)"),
    (b"\x28\xB5\x2F\xFD", "a zstd archive", "unpack it first (`unzstd FILE`)"),
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"PK\x05\x06", "an empty zip archive", "fetch it again"),
    (b"BZh", "a bzip2 archive", "unpack it first (`bunzip2 -k FILE`)"),
    (b"\xFD7zXZ\x00", "an xz archive", "unpack it first (`unxz -k FILE`)"),
    (b"PAR1", "a Parquet file", "convert it to JSONL"),
    (b"ARROW1", "an Arrow file", "convert it to JSONL"),
    (b"GGUF", "a GGUF model", "give it as --model, and name a dataset here"),
    (b"%PDF-", "a PDF document", "extract its text into JSONL"),
    (b"\x89PNG", "a PNG picture", "name a dataset"),
    (b"\x7FELF", "a program", "name a dataset"),
    (b"\xFF\xFE\x00\x00", "text in UTF-32", "save it as UTF-8"),
    (b"\xFF\xFE", "text in UTF-16", "save it as UTF-8"),
    (b"\xFE\xFF", "text in UTF-16", "save it as UTF-8"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the data itself",
        "fetch the data (`git lfs pull`)",
    ),
];

/// A file that may be a dataset, at its first byte after the byte-order mark.
pub(super) struct Opened {
    pub file: File,
    pub bytes: u64,
    /// The first byte that is not white space.
    pub first: u8,
    start: u64,
}

impl Opened {
    /// Goes back to the beginning (behind the byte-order mark).
    pub fn rewind(&mut self) -> io::Result<&mut File> {
        self.file.seek(SeekFrom::Start(self.start))?;
        Ok(&mut self.file)
    }
}

/// Opens a file and looks at how it begins.
///
/// # Errors
/// Everything that is wrong with the whole file and can be seen without reading it through.
pub(super) fn open(path: &Path) -> Result<Opened, DataError> {
    let failed = |cause: io::Error| read_error(path, cause);
    let metadata = std::fs::metadata(path).map_err(failed)?;
    // Before opening: opening a pipe without a writer would wait for ever.
    if metadata.is_dir() {
        return Err(DataError::Folder { path: path.into() });
    }
    if !metadata.is_file() {
        return Err(DataError::NotAFile { path: path.into() });
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(failed)?;
    if let Some((what, next)) = foreign(&head) {
        return Err(DataError::Foreign { path: path.into(), what, next });
    }
    let start = if head.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() as u64 } else { 0 };
    let mut opened = Opened { file, bytes: metadata.len(), first: 0, start };
    let first = first_black(opened.rewind().map_err(failed)?).map_err(failed)?;
    opened.first = first.ok_or(DataError::Empty { path: path.into() })?;
    Ok(opened)
}

/// The error for a failed system call on a file that was to be read.
pub(super) fn read_error(path: &Path, cause: io::Error) -> DataError {
    let path = path.to_path_buf();
    match cause.kind() {
        io::ErrorKind::NotFound => DataError::NotFound { path },
        io::ErrorKind::IsADirectory => DataError::Folder { path },
        _ => DataError::Read { path, cause },
    }
}

fn foreign(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let magic = MAGIC.iter().find(|(magic, ..)| head.starts_with(magic));
    let binary =
        || head.contains(&0).then_some(("binary data (it has NUL bytes)", "name a text file"));
    magic.map(|&(_, what, next)| (what, next)).or_else(binary)
}

/// The first byte that is not white space.
pub(super) fn first_black(reader: &mut impl Read) -> io::Result<Option<u8>> {
    let mut chunk = [0; HEAD_BYTES as usize];
    loop {
        let n_read = match reader.read(&mut chunk) {
            Ok(0) => return Ok(None),
            Ok(n_read) => n_read,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            Err(cause) => return Err(cause),
        };
        let bytes = chunk.iter().take(n_read);
        if let Some(&byte) = bytes.into_iter().find(|byte| !byte.is_ascii_whitespace()) {
            return Ok(Some(byte));
        }
    }
}

/// What text looks like when it is not JSON, for an error message; `line` is its first one.
pub(super) fn looks_like(line: &[u8]) -> &'static str {
    let line = line.trim_ascii();
    let has = |byte| line.contains(&byte);
    match line {
        _ if std::str::from_utf8(line).is_err() => {
            "binary data, or text in another encoding than UTF-8"
        }
        [b'<', ..] => "HTML or XML",
        [b'{', b'\'', ..] => "Python's notation, with single quotes, rather than JSON",
        [b'{' | b'[', ..] => "JSON that is broken or cut off",
        _ if has(b'\t') => "a table with tabs (TSV)",
        _ if has(b',') => "CSV or plain text",
        _ => "plain text",
    }
}
