//! Where a training stands, in a file: a killed one goes on with the same bytes.
//!
//! The file is written beside itself, synced and renamed, so there is always a whole one.

use super::TuningError;
use super::optimizer::AdamW;
use super::train::Step;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file's name in the folder of a training.
pub const FILE: &str = "checkpoint.safetensors";

/// Numbers, moments and the steps so far.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// All A and B.
    pub values: Vec<f32>,
    /// The optimizer.
    pub adam: AdamW,
    /// The steps so far.
    pub steps: Vec<Step>,
}

#[derive(Serialize, Deserialize)]
struct About {
    signature: String,
    steps: Vec<Step>,
}

impl State {
    /// Writes the state of the training that `signature` names into `folder`.
    ///
    /// # Errors
    /// [`TuningError::File`]
    pub fn write(&self, folder: &Path, signature: &str) -> Result<(), TuningError> {
        let path = folder.join(FILE);
        let about = About { signature: signature.to_owned(), steps: self.steps.clone() };
        let about =
            serde_json::to_string(&about).map_err(|error| broken(&path, &error.to_string()))?;
        let lists =
            [("values", &self.values), ("first", &self.adam.first), ("second", &self.adam.second)];
        let views = lists.iter().map(|(name, values)| {
            let bytes = bytemuck::cast_slice(values);
            TensorView::new(Dtype::F32, vec![values.len()], bytes).map(|view| (*name, view))
        });
        let views: Result<Vec<_>, _> = views.collect();
        let about = HashMap::from([("about".to_owned(), about)]);
        let bytes = views
            .and_then(|views| safetensors::serialize(views, Some(about)))
            .map_err(|error| broken(&path, &error.to_string()))?;
        write_whole(&path, &bytes)
    }

    /// Reads the state in `folder`; `None` where there is none.
    ///
    /// # Errors
    /// [`TuningError::File`]; [`TuningError::Other`] where it is that of another training.
    pub fn read(folder: &Path, signature: &str) -> Result<Option<Self>, TuningError> {
        let path = folder.join(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(TuningError::File { verb: "read", path, source }),
        };
        let bad = |reason: String| broken(&path, &reason);
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| bad(e.to_string()))?;
        let about = header.metadata().as_ref().and_then(|all| all.get("about"));
        let about = about.ok_or_else(|| bad("it has no `about`".into()))?;
        let about: About = serde_json::from_str(about).map_err(|e| bad(e.to_string()))?;
        if about.signature != signature {
            return Err(TuningError::Other { folder: folder.to_owned() });
        }
        let tensors = SafeTensors::deserialize(&bytes).map_err(|e| bad(e.to_string()))?;
        let list = |name: &str| -> Result<Vec<f32>, TuningError> {
            let view = tensors.tensor(name).map_err(|e| bad(e.to_string()))?;
            let (words, rest) = view.data().as_chunks::<4>();
            if view.dtype() != Dtype::F32 || !rest.is_empty() {
                return Err(bad(format!("`{name}` is not f32")));
            }
            Ok(words.iter().map(|word| f32::from_le_bytes(*word)).collect())
        };
        let (values, first, second) = (list("values")?, list("first")?, list("second")?);
        if first.len() != values.len() || second.len() != values.len() {
            return Err(bad("its lists differ in length".into()));
        }
        let adam = AdamW { n_updates: about.steps.len(), first, second };
        Ok(Some(Self { values, adam, steps: about.steps }))
    }
}

fn broken(path: &Path, reason: &str) -> TuningError {
    let source = std::io::Error::new(std::io::ErrorKind::InvalidData, reason.to_owned());
    TuningError::File { verb: "use", path: path.to_owned(), source }
}

/// Writes a file beside itself, syncs and renames it.
///
/// # Errors
/// [`TuningError::File`]
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), TuningError> {
    let fail = |source| TuningError::File { verb: "write", path: path.to_owned(), source };
    let mut beside: PathBuf = path.to_owned();
    beside.as_mut_os_string().push(".part");
    let mut file = std::fs::File::create(&beside).map_err(fail)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fail)?;
    std::fs::rename(&beside, path).map_err(fail)
}
