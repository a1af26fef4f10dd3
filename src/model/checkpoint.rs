//! The weights of a model by their names in GGUF files, wherever they lie: in such a file, or in a
//! folder of safetensors files as Hugging Face's tools write it.
//!
//! How each kind is read belongs in `gguf` and `folder`; what the weights mean is the bodies'.

use super::Error;
use super::folder::Folder;
use super::gguf::Gguf;
use super::linear::Block;
use crate::job::Watch;
use candle_core::quantized::GgmlDType;
use std::collections::BTreeMap;
use std::path::Path;

/// An open model and its header.
pub enum Checkpoint {
    Gguf(Gguf),
    Folder(Folder),
}

impl Checkpoint {
    /// Opens a GGUF file or a model folder and reads its header.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::File`] and [`Error::Tensors`] with the path, the reason and the next
    /// step.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if path.is_dir() {
            Folder::open(path).map(Self::Folder)
        } else {
            Gguf::open(path).map(Self::Gguf)
        }
    }

    /// The file or the folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::Gguf(gguf) => &gguf.path,
            Self::Folder(folder) => &folder.path,
        }
    }

    /// What the model is called.
    pub fn name(&self) -> String {
        match self {
            Self::Gguf(gguf) => gguf.name(),
            Self::Folder(folder) => folder.name(),
        }
    }

    /// An [`Error::File`] about this model.
    pub fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::File { path: self.path().to_owned(), reason: reason.into() }
    }

    /// An [`Error::File`] about a tensor that is not there, by the name that it has in this model.
    pub fn missing(&self, name: &str) -> Error {
        match self {
            Self::Gguf(gguf) => gguf.refuse(format!("the tensor `{name}` is missing")),
            Self::Folder(folder) => folder.missing(name),
        }
    }

    /// SHA-256 of the whole model, lowercase hex.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Cancelled`]
    pub fn sha256(&mut self, watch: &Watch) -> Result<String, Error> {
        match self {
            Self::Gguf(gguf) => gguf.sha256(watch),
            Self::Folder(folder) => folder.sha256(watch),
        }
    }

    /// Whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.dtype(name).is_some()
    }

    /// The format of a tensor.
    pub fn dtype(&self, name: &str) -> Option<GgmlDType> {
        match self {
            Self::Gguf(gguf) => gguf.dtype(name),
            Self::Folder(folder) => folder.dtype(name),
        }
    }

    /// The shape of a tensor, rows first.
    pub fn dims(&self, name: &str) -> Option<&[usize]> {
        match self {
            Self::Gguf(gguf) => gguf.content.tensor_infos.get(name).map(|info| info.shape.dims()),
            Self::Folder(folder) => folder.dims(name),
        }
    }

    /// Weights by the format that they have.
    pub fn formats(&self) -> BTreeMap<String, u64> {
        let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
        let mut add = |dtype: GgmlDType, dims: &[usize]| {
            let n: u64 = dims.iter().map(|d| *d as u64).product();
            *sizes.entry(format!("{dtype:?}")).or_default() += n;
        };
        match self {
            Self::Gguf(gguf) => {
                let infos = gguf.content.tensor_infos.values();
                infos.for_each(|info| add(info.ggml_dtype, info.shape.dims()));
            }
            Self::Folder(folder) => folder.tensors().for_each(|(dtype, dims)| add(dtype, dims)),
        }
        sizes
    }

    /// The matrix `name`, which must be `[n_out, n_in]`.
    pub fn matrix(&mut self, name: &str, n_out: usize, n_in: usize) -> Result<Block, Error> {
        let (dtype, bytes) = self.read(name, &[n_out, n_in])?;
        Ok(Block { n_out, n_in, weights: dtype.from_data(bytes.into()) })
    }

    /// The vector `name` as f32; it must hold `n` values.
    pub fn vector(&mut self, name: &str, n: usize) -> Result<Vec<f32>, Error> {
        let (dtype, bytes) = self.read(name, &[n])?;
        match dtype.from_data(bytes.into()).dequantize(n)? {
            candle_core::CpuStorage::F32(values) => Ok(values),
            _ => Err(self.refuse(format!("tensor `{name}` does not turn into f32"))),
        }
    }

    /// The bytes of the tensor `name`, which must have this shape, in its format.
    pub fn read(&mut self, name: &str, shape: &[usize]) -> Result<(GgmlDType, Vec<u8>), Error> {
        match self {
            Self::Gguf(gguf) => gguf.read(name, shape),
            Self::Folder(folder) => folder.read(name, shape),
        }
    }
}
