//! What stays on the desk between jobs: the model that was used last.

use super::WorkbenchError;
use super::loading::{ModelChoice, check_device, load_model, model_path};
use crate::gpu::AdapterInfo;
use crate::job::Watch;
use crate::model::{LanguageModel, Meter, ModelInfo};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Holds the model that was used last, so that the next job with it begins at once.
#[derive(Default)]
pub struct Desk {
    loaded: Option<(Key, Box<dyn LanguageModel>)>,
    listener: Option<Listener>,
}

/// Hears of every model that a job takes from the desk.
type Listener = Box<dyn Fn(LoadedModel) + Send>;

/// A model that works for a job, as those see it who only look on.
#[derive(Debug, Clone)]
pub struct LoadedModel {
    /// The model as the job named it.
    pub choice: ModelChoice,
    /// Its name and its sizes.
    pub info: ModelInfo,
    /// The graphics adapter that it runs on; `None` on the CPU.
    pub adapter: Option<AdapterInfo>,
    /// What it has done so far, and does.
    pub meter: Meter,
}

/// A model as it was when it was loaded.
#[derive(PartialEq)]
struct Key {
    path: PathBuf,
    device: String,
    adapter: Option<PathBuf>,
    /// Size and time of the model's file and of the adapter's.
    states: Vec<Option<(u64, SystemTime)>>,
}

/// Size and time of the files whose change makes another model.
fn states(path: &Path, adapter: Option<&Path>) -> Vec<Option<(u64, SystemTime)>> {
    let inside = ["config.json", "model.safetensors", "model.safetensors.index.json"];
    let of_model = inside.iter().map(|name| path.join(name));
    let of_adapter = ["adapter_config.json", "adapter_model.safetensors"];
    let of_adapter = adapter.into_iter().flat_map(|f| of_adapter.iter().map(|n| f.join(n)));
    let state = |path: PathBuf| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.len(), meta.modified().ok()?))
    };
    std::iter::once(path.to_owned()).chain(of_model).chain(of_adapter).map(state).collect()
}

impl Desk {
    /// A desk with a model on it that answers to every choice: for tests of the window.
    pub fn with_model(model: Box<dyn LanguageModel>) -> Self {
        let path = PathBuf::new();
        let key = Key { path, device: String::new(), adapter: None, states: Vec::new() };
        Self { loaded: Some((key, model)), listener: None }
    }

    /// From now on `listener` hears of every model that a job takes from the desk.
    pub fn tell(&mut self, listener: impl Fn(LoadedModel) + Send + 'static) {
        self.listener = Some(Box::new(listener));
    }

    /// Takes the model off the desk, for a job that needs its memory.
    pub(super) fn clear(&mut self) {
        let stands_in =
            self.loaded.as_ref().is_some_and(|(key, _)| key.path.as_os_str().is_empty());
        if !stands_in {
            self.loaded = None;
        }
    }

    /// The model of this choice, loaded if it is not on the desk, its file has changed or its device
    /// is gone.
    pub(super) fn model(
        &mut self,
        choice: &ModelChoice,
        watch: &Watch,
    ) -> Result<&mut dyn LanguageModel, WorkbenchError> {
        let stands_in =
            self.loaded.as_ref().is_some_and(|(key, _)| key.path.as_os_str().is_empty());
        if !stands_in {
            check_device(&choice.device)?;
            let path = model_path(&choice.model)?;
            let key = Key {
                device: choice.device.clone(),
                states: states(&path, choice.adapter.as_deref()),
                adapter: choice.adapter.clone(),
                path,
            };
            let serves =
                |(there, model): &(Key, Box<dyn LanguageModel>)| *there == key && !model.is_lost();
            if !self.loaded.as_ref().is_some_and(serves) {
                // The old one leaves first: two may not fit the memory.
                self.loaded = None;
                let model = load_model(&key.path, key.adapter.as_deref(), &key.device, watch)?;
                self.loaded = Some((key, model));
            }
        }
        let Some((_, model)) = &mut self.loaded else {
            return Err(WorkbenchError::Refused("no model is loaded".into()));
        };
        if let Some(listener) = &self.listener {
            listener(LoadedModel {
                choice: choice.clone(),
                info: model.info().clone(),
                adapter: model.adapter().cloned(),
                meter: model.meter().clone(),
            });
        }
        Ok(&mut **model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu;
    use crate::model::{ScoreRequest, WgpuModel, WgpuOptions};

    #[test]
    fn gpu_a_model_whose_device_is_gone_says_so_and_is_loaded_again() {
        if gpu::device().is_none() {
            return;
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tiny_llama.gguf");
        let choice = ModelChoice { model: path.into(), device: "gpu".into(), adapter: None };
        let request = ScoreRequest { tokens: vec![5, 6, 7], scored: vec![1..3] };
        let watch = Watch::default();
        let mut desk = Desk::default();
        let score = |desk: &mut Desk| {
            let model = desk.model(&choice, &watch).unwrap();
            model.score(std::slice::from_ref(&request), &watch)
        };
        let before = score(&mut desk).unwrap();
        let lost = WgpuModel::load(path.as_ref(), WgpuOptions::default(), &watch).unwrap();
        lost.lose_device();
        let (_, on_desk) = desk.loaded.as_mut().unwrap();
        *on_desk = Box::new(lost);
        let error = score(&mut desk).unwrap_err().to_string();
        assert!(error.contains("stopped working") && error.contains("loaded again"), "{error}");
        assert_eq!(score(&mut desk).unwrap(), before);
    }
}
