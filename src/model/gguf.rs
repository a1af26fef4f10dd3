//! A GGUF file, opened with suspicion: every number of its header is checked before it is used.
//!
//! What the weights mean is `candle_model`'s; the words are `tokenizer`'s.

use super::Error;
use crate::job::Watch;
use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::{Content, TensorInfo, Value};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// An open model file and its header.
pub struct Gguf {
    pub path: PathBuf,
    pub content: Content,
    file: File,
    n_bytes: u64,
}

impl Gguf {
    /// Opens `path` and reads its header.
    ///
    /// # Errors
    /// [`Error::Read`] when there is no such file, [`Error::File`] when it is no GGUF file, is cut
    /// off, or makes claims that its length contradicts.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let read = |source| Error::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(read)?;
        let meta = file.metadata().map_err(read)?;
        let refuse = |reason: String| Error::File { path: path.to_owned(), reason };
        let mut magic = [0u8; 4];
        let n_magic = file.read(&mut magic).map_err(read)?;
        if &magic[..n_magic] != b"GGUF" {
            return Err(refuse(
                "it is not a GGUF file (it does not begin with `GGUF`); name a .gguf file, a folder with \
                 config.json and *.safetensors, or a model of `backstory models list`"
                    .into(),
            ));
        }
        file.rewind().map_err(read)?;
        let content = Content::read(&mut BufReader::new(&file)).map_err(|error| {
            refuse(format!("its header is damaged or cut off ({error}); fetch the file again"))
        })?;
        let gguf = Self { path: path.to_owned(), content, file, n_bytes: meta.len() };
        for (name, info) in &gguf.content.tensor_infos {
            gguf.check_extent(name, info)?;
        }
        Ok(gguf)
    }

    /// What the model is called: the file's stem.
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// An [`Error::File`] about this file.
    pub fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::File { path: self.path.clone(), reason: reason.into() }
    }

    /// SHA-256 of the whole file, lowercase hex.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Cancelled`]
    pub fn sha256(&mut self, watch: &Watch) -> Result<String, Error> {
        const PIECE: usize = 1 << 20;
        let path = self.path.clone();
        let read = |source| Error::Read { path: path.clone(), source };
        watch.stage("checking the model file", self.n_bytes.div_ceil(PIECE as u64));
        self.file.rewind().map_err(read)?;
        let mut hash = Sha256::new();
        let mut piece = vec![0; PIECE];
        loop {
            watch.check()?;
            let n = self.file.read(&mut piece).map_err(read)?;
            if n == 0 {
                return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
            }
            hash.update(&piece[..n]);
            watch.advance(1);
        }
    }

    /// The text behind `key`.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.content.metadata.get(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The whole number behind `key`, whichever integer type it has; the first entry of a list of
    /// equal numbers (some files give one per layer).
    pub fn count(&self, key: &str) -> Result<Option<u64>, Error> {
        let Some(value) = self.content.metadata.get(key) else { return Ok(None) };
        let one = |value: &Value| match value {
            Value::I8(n) => u64::try_from(*n).ok(),
            Value::I16(n) => u64::try_from(*n).ok(),
            Value::I32(n) => u64::try_from(*n).ok(),
            Value::I64(n) => u64::try_from(*n).ok(),
            value => value.to_u64().ok(),
        };
        let count = match value {
            Value::Array(all) => {
                let first = all.first().and_then(one);
                first.filter(|first| all.iter().all(|value| one(value) == Some(*first)))
            }
            value => one(value),
        };
        match count {
            Some(count) => Ok(Some(count)),
            None => Err(self.refuse(format!("`{key}` is not one whole number"))),
        }
    }

    /// The whole number behind `key`, which must lie in `1..=most`.
    pub fn size(&self, key: &str, most: u64) -> Result<usize, Error> {
        match self.count(key)? {
            Some(n) if (1..=most).contains(&n) => Ok(n as usize),
            Some(n) => Err(self
                .refuse(format!("`{key}` is {n}, not between 1 and {most}; fetch the file again"))),
            None => Err(self.refuse(format!("it has no `{key}`; fetch the file again"))),
        }
    }

    /// The number behind `key`.
    pub fn number(&self, key: &str) -> Result<Option<f64>, Error> {
        let number = match self.content.metadata.get(key) {
            None => return Ok(None),
            Some(Value::F32(x)) => f64::from(*x),
            Some(Value::F64(x)) => *x,
            Some(_) => self.count(key)?.unwrap_or_default() as f64,
        };
        if number.is_finite() {
            Ok(Some(number))
        } else {
            Err(self.refuse(format!("`{key}` is not a finite number")))
        }
    }

    /// Whether the file has a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// The format of a tensor.
    pub fn dtype(&self, name: &str) -> Option<GgmlDType> {
        self.content.tensor_infos.get(name).map(|info| info.ggml_dtype)
    }

    /// The bytes of the tensor `name`, which must have this shape, in its format.
    pub fn read(&mut self, name: &str, shape: &[usize]) -> Result<(GgmlDType, Vec<u8>), Error> {
        let Some(info) = self.content.tensor_infos.get(name) else {
            return Err(self.refuse(format!("the tensor `{name}` is missing")));
        };
        if info.shape.dims() != shape {
            let found = info.shape.dims();
            return Err(
                self.refuse(format!("tensor `{name}` is {found:?} where {shape:?} is needed"))
            );
        }
        let dtype = info.ggml_dtype;
        let n_bytes = self.check_extent(name, info)?;
        let start = self.content.tensor_data_offset + info.offset;
        let mut bytes = vec![0u8; n_bytes as usize];
        let read = |source| Error::Read { path: self.path.clone(), source };
        self.file.seek(SeekFrom::Start(start)).map_err(read)?;
        self.file.read_exact(&mut bytes).map_err(read)?;
        Ok((dtype, bytes))
    }

    /// Bytes of a tensor, checked to lie within the file.
    fn check_extent(&self, name: &str, info: &TensorInfo) -> Result<u64, Error> {
        let mut n = 1u64;
        for dim in info.shape.dims() {
            n = n.checked_mul(*dim as u64).filter(|n| *n <= 1 << 50).ok_or_else(|| {
                self.refuse(format!("tensor `{name}` claims an absurd size; fetch the file again"))
            })?;
        }
        let block = info.ggml_dtype.block_size() as u64;
        let row = info.shape.dims().last().copied().unwrap_or(1) as u64;
        if n == 0 || !row.is_multiple_of(block) {
            return Err(self.refuse(format!(
                "the rows of tensor `{name}` are not whole blocks; fetch the file again"
            )));
        }
        let n_bytes = n / block * info.ggml_dtype.type_size() as u64;
        let end = self
            .content
            .tensor_data_offset
            .checked_add(info.offset)
            .and_then(|start| start.checked_add(n_bytes));
        match end {
            Some(end) if end <= self.n_bytes => Ok(n_bytes),
            _ => Err(self.refuse(format!(
                "it is cut off: tensor `{name}` reaches past the end of the file; fetch it again"
            ))),
        }
    }
}
