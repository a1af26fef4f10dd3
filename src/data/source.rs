//! The bytes of a file to be read from any place: the file itself, or what was unpacked from it.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use tempfile::{SpooledData, SpooledTempFile};

/// What is unpacked or rewritten is held in memory up to this size, and beyond it in a file that has
/// no name and goes when it is closed.
const IN_MEMORY_BYTES: usize = 32 << 20;

/// Bytes that are read from begin to end, more than once.
pub(super) enum Source {
    File(File),
    Unpacked(Cursor<Vec<u8>>),
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Unpacked(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Unpacked(bytes) => bytes.seek(to),
        }
    }
}

impl Source {
    /// Reads as many bytes as there are at a place, at most as many as the buffer takes. Nothing is
    /// moved: many threads may read at once.
    pub fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let mut n_read = 0;
        while let Some(rest) = buffer.get_mut(n_read..).filter(|rest| !rest.is_empty()) {
            match self.read_some_at(rest, at + n_read as u64) {
                Ok(0) => break,
                Ok(n) => n_read += n,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(n_read)
    }

    fn read_some_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            Self::File(file) => read_file_at(file, buffer, at),
            Self::Unpacked(bytes) => {
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                bytes.get_ref().get(at..).unwrap_or_default().read(buffer)
            }
        }
    }

    /// Bytes in all.
    pub fn n_bytes(&self) -> io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Unpacked(bytes) => Ok(bytes.get_ref().len() as u64),
        }
    }
}

#[cfg(unix)]
fn read_file_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_file_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

/// Bytes being written that become a [`Source`].
pub(super) struct Spool(SpooledTempFile);

impl Spool {
    pub fn new() -> Self {
        Self(SpooledTempFile::new(IN_MEMORY_BYTES))
    }

    pub fn finish(mut self) -> io::Result<Source> {
        self.0.rewind()?;
        Ok(match self.0.into_inner() {
            SpooledData::InMemory(bytes) => Source::Unpacked(bytes),
            SpooledData::OnDisk(file) => Source::File(file),
        })
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spooled_is_read_at_any_place() {
        for n in [10, IN_MEMORY_BYTES + 10] {
            let mut spool = Spool::new();
            let bytes: Vec<u8> = (0..n).map(|ix| (ix % 251) as u8).collect();
            spool.write_all(&bytes).unwrap();
            let source = spool.finish().unwrap();
            assert_eq!(source.n_bytes().unwrap(), n as u64);
            let mut buffer = [0; 20];
            let at = n - 5;
            assert_eq!(source.read_at(&mut buffer, at as u64).unwrap(), 5);
            assert_eq!(buffer[..5], bytes[at..]);
            assert_eq!(source.read_at(&mut buffer, n as u64 + 7).unwrap(), 0);
        }
    }
}
