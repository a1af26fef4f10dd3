//! Files packed with gzip or zstd.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::DataError;
use super::source::{Source, Spool};
use crate::job::Watch;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

/// What a file may unpack to: so much, and so many times its own size. Text packs to a tenth, and the
/// same text over and over to a hundredth; more is what files made to fill a disk do.
const FREE_BYTES: u64 = 1 << 28;
const MOST_TIMES: u64 = 200;

impl Packing {
    /// How a file that begins like this is packed.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Unpacks a file from its begin, at least `wanted_bytes` of what it holds.
    ///
    /// # Errors
    /// It is broken or cut off, makes much more than such files do, or the disk is full.
    pub fn unpack(
        self,
        path: &Path,
        file: File,
        bytes: u64,
        wanted_bytes: u64,
        watch: &Watch,
    ) -> Result<Source, DataError> {
        let broken = |cause: io::Error| DataError::Unpack {
            path: path.into(),
            packing: self.name(),
            reason: cause.to_string(),
        };
        let packed = BufReader::with_capacity(1 << 18, file);
        let mut reader: Box<dyn Read> = match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Zstd => Box::new(zstd::Decoder::with_buffer(packed).map_err(broken)?),
        };
        let limit_bytes = FREE_BYTES + MOST_TIMES * bytes;
        let mut spool = Spool::new();
        let mut chunk = vec![0; 1 << 18];
        let mut n_bytes = 0;
        while n_bytes < wanted_bytes {
            watch.check()?;
            let n_read = match reader.read(&mut chunk) {
                Ok(0) => break,
                Ok(n_read) => n_read,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(broken(cause)),
            };
            n_bytes += n_read as u64;
            if n_bytes > limit_bytes {
                return Err(DataError::UnpacksToMuch { path: path.into(), bytes, limit_bytes });
            }
            let unpacked = chunk.get(..n_read).unwrap_or_default();
            spool.write_all(unpacked).map_err(|cause| DataError::Spool { cause })?;
        }
        spool.finish().map_err(|cause| DataError::Spool { cause })
    }
}
