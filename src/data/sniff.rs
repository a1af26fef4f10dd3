//! What kind of file it is, by its bytes and never by its name.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::gather::Reading;
use super::shape::Mapping;
use super::source::Source;
use super::unpack::Packing;
use super::{DataError, cells};

/// Enough for a header and a row of cells.
const HEAD_BYTES: u64 = 1 << 16;
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// First bytes, what they say, what to do. The order matters where one begins like another.
const MAGIC: [(&[u8], &str, &str); 12] = [
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"PK\x05\x06", "an empty zip archive", "fetch it again"),
    (b"BZh", "a bzip2 archive", "unpack it first (`bunzip2 -k FILE`)"),
    (b"\xFD7zXZ\x00", "an xz archive", "unpack it first (`unxz -k FILE`)"),
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

/// A file that may be a dataset, unpacked, at its first byte after the byte-order mark.
pub(super) struct Opened {
    pub source: Source,
    /// Its size on disk.
    pub bytes: u64,
    pub kind: Kind,
    pub start: u64,
}

/// What the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text that is read as JSON or JSONL; its first byte that is not white space.
    Json(u8),
    /// Cells with this byte between them.
    Table(u8),
    Parquet,
    /// Arrow's streaming form.
    ArrowStream,
    /// Arrow's file form, which says at its end what stands where.
    ArrowFile,
}

impl Kind {
    /// Whether the bytes are columns packed by the format itself.
    pub fn is_packed(self) -> bool {
        matches!(self, Self::Parquet | Self::ArrowStream | Self::ArrowFile)
    }
}

impl Opened {
    /// Goes back to the beginning (behind the byte-order mark).
    pub fn rewind(&mut self) -> io::Result<&mut Source> {
        self.source.seek(SeekFrom::Start(self.start))?;
        Ok(&mut self.source)
    }
}

/// Opens a file, unpacks it if it is packed (all of it, or at least so many bytes), and looks at how it
/// begins.
///
/// # Errors
/// Everything that is wrong with the whole file and can be seen without reading it through.
pub(super) fn open(reading: Reading<'_>, wanted_bytes: u64) -> Result<Opened, DataError> {
    let Reading { path, map, watch, .. } = reading;
    let failed = |cause: io::Error| read_error(path, cause);
    let metadata = std::fs::metadata(path).map_err(failed)?;
    // Before opening: opening a pipe without a writer would wait for ever.
    if metadata.is_dir() {
        return Err(DataError::Folder { path: path.into() });
    }
    if !metadata.is_file() {
        return Err(DataError::NotAFile { path: path.into() });
    }
    let bytes = metadata.len();
    let mut file = File::open(path).map_err(failed)?;
    let head = head(&mut file).map_err(failed)?;
    let (mut source, head) = match Packing::of(&head) {
        None => (Source::File(file), head),
        Some(packing) => {
            let mut unpacked = packing.unpack(path, file, bytes, wanted_bytes, watch)?;
            let head = self::head(&mut unpacked).map_err(failed)?;
            (unpacked, head)
        }
    };
    let (kind, start) = match &head[..] {
        [b'P', b'A', b'R', b'1', ..] => (Kind::Parquet, 0),
        [b'A', b'R', b'R', b'O', b'W', b'1', 0, 0, ..] => (Kind::ArrowFile, 0),
        // A message of Arrow's streaming form: a marker, and a size that is a multiple of eight.
        [0xFF, 0xFF, 0xFF, 0xFF, low, _, _, 0, ..] if low % 8 == 0 => (Kind::ArrowStream, 0),
        _ => text_kind(path, &mut source, &head, map)?,
    };
    Ok(Opened { source, bytes, kind, start })
}

/// How a file begins; the file is at its begin before and after.
fn head(file: &mut (impl Read + Seek)) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(head)
}

fn text_kind(
    path: &Path,
    source: &mut Source,
    head: &[u8],
    mapping: &Mapping,
) -> Result<(Kind, u64), DataError> {
    if let Some((what, next)) = foreign(head) {
        return Err(DataError::Foreign { path: path.into(), what, next });
    }
    let start = if head.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let failed = |cause| read_error(path, cause);
    source.seek(SeekFrom::Start(start as u64)).map_err(failed)?;
    let first = first_black(source).map_err(failed)?;
    let first = first.ok_or(DataError::Empty { path: path.into() })?;
    let text = head.get(start..).unwrap_or_default();
    let kind = match first {
        b'{' | b'[' => Kind::Json(first),
        _ => cells::delimiter(text, mapping).map_or(Kind::Json(first), Kind::Table),
    };
    Ok((kind, start as u64))
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
    let mut chunk = [0; 4096];
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
