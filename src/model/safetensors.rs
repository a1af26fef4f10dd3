//! A safetensors file, opened with suspicion: every number of its header is checked before it is used.
//!
//! Which tensors there must be is `checkpoint`'s and `adapter`'s.

use super::Error;
use ::safetensors::Dtype;
use ::safetensors::tensor::TensorInfo;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The largest header that the format allows, in bytes.
const LARGEST_HEADER: u64 = 100_000_000;

/// An open file and its header.
pub struct Tensors {
    /// The file.
    pub path: PathBuf,
    /// What the header says of each tensor, by name.
    pub infos: BTreeMap<String, TensorInfo>,
    file: File,
    /// Where the tensors begin, in bytes.
    start: u64,
}

impl Tensors {
    /// Opens `path` and reads its header.
    ///
    /// # Errors
    /// [`Error::Read`] when there is no such file, [`Error::Tensors`] when it is no safetensors file,
    /// is cut off, or makes claims that its length contradicts.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let read = |source| Error::Read { path: path.to_owned(), source };
        let refuse = |reason: String| Error::Tensors { path: path.to_owned(), reason };
        let mut file = File::open(path).map_err(read)?;
        let n_bytes = file.metadata().map_err(read)?.len();
        let mut length = [0; 8];
        if n_bytes < 8 {
            return Err(refuse("it is empty or cut off; fetch it again".into()));
        }
        file.read_exact(&mut length).map_err(read)?;
        let length = u64::from_le_bytes(length);
        if length > LARGEST_HEADER || length > n_bytes - 8 {
            let next = "it is cut off or no safetensors file; fetch it again";
            return Err(refuse(format!("its header claims {length} bytes: {next}")));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(read)?;
        let infos = infos(&header).map_err(|error| {
            refuse(format!("its header cannot be read ({error}); fetch it again"))
        })?;
        let tensors = Self { path: path.to_owned(), infos, file, start: 8 + length };
        tensors.check_extents(n_bytes - 8 - length)?;
        Ok(tensors)
    }

    /// An [`Error::Tensors`] about this file.
    pub fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::Tensors { path: self.path.clone(), reason: reason.into() }
    }

    /// Shapes, formats and places agree, and no two tensors share bytes.
    fn check_extents(&self, n_bytes: u64) -> Result<(), Error> {
        let mut places = Vec::new();
        for (name, info) in &self.infos {
            let (from, to) = info.data_offsets;
            let n = info.shape.iter().try_fold(1usize, |n, dim| n.checked_mul(*dim));
            let n_bits = n.and_then(|n| n.checked_mul(info.dtype.bitsize()));
            if n_bits.is_none_or(|bits| to.checked_sub(from) != Some(bits.div_ceil(8))) {
                return Err(self.refuse(format!(
                    "tensor `{name}` claims bytes {from} to {to} for {:?} in {:?}; fetch it again",
                    info.shape, info.dtype
                )));
            }
            if to as u64 > n_bytes {
                return Err(self.refuse(format!(
                    "it is cut off: tensor `{name}` reaches past the end of the file; fetch it again"
                )));
            }
            places.push((from, to, name));
        }
        places.sort();
        match places.windows(2).find(|pair| pair[1].0 < pair[0].1) {
            Some(pair) => Err(self.refuse(format!(
                "the tensors `{}` and `{}` share bytes; fetch it again",
                pair[0].2, pair[1].2
            ))),
            None => Ok(()),
        }
    }

    /// The bytes of a tensor, which the header must name.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Tensors`]
    pub fn bytes(&mut self, name: &str) -> Result<Vec<u8>, Error> {
        let Some(info) = self.infos.get(name) else {
            return Err(self.refuse(format!("the tensor `{name}` is missing")));
        };
        let (from, to) = info.data_offsets;
        let mut bytes = vec![0; to - from];
        let read = |source| Error::Read { path: self.path.clone(), source };
        self.file.seek(SeekFrom::Start(self.start + from as u64)).map_err(read)?;
        self.file.read_exact(&mut bytes).map_err(read)?;
        Ok(bytes)
    }

    /// A tensor of floating-point numbers as f32.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Tensors`]
    pub fn values(&mut self, name: &str) -> Result<Vec<f32>, Error> {
        let bytes = self.bytes(name)?;
        match self.infos.get(name).map(|info| info.dtype) {
            Some(Dtype::F32) => {
                Ok(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
            }
            Some(Dtype::F16) => {
                let halves = bytes.as_chunks().0.iter();
                Ok(halves.map(|b| half::f16::from_le_bytes(*b).to_f32()).collect())
            }
            Some(Dtype::BF16) => {
                let halves = bytes.as_chunks().0.iter();
                Ok(halves.map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect())
            }
            dtype => Err(self.refuse(format!(
                "tensor `{name}` has the format {dtype:?}; F32, F16 and BF16 can be read"
            ))),
        }
    }
}

/// The tensors of a header; what else it says is for people.
fn infos(header: &[u8]) -> Result<BTreeMap<String, TensorInfo>, serde_json::Error> {
    let mut all: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header)?;
    all.remove("__metadata__");
    all.into_iter().map(|(name, info)| Ok((name, serde_json::from_value(info)?))).collect()
}
