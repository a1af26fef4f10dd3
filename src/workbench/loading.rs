//! What the person named, opened: data files, models, tokenizers.

use super::WorkbenchError;
use crate::data::{self, Dataset, ReadOptions};
use crate::job::Watch;
use crate::model::catalogue::{self, DEFAULT};
use crate::model::{self, CandleModel, CandleOptions, ChatTemplate, LanguageModel, Tokenizer};
use std::path::{Path, PathBuf};

/// Data files as the person named them.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Context files that belong to `files` line by line: none, or one for each.
    pub join: Vec<PathBuf>,
    /// Columns by field, for files of unknown shape.
    pub map: Vec<(String, String)>,
    /// Only this many records of each file.
    pub limit: Option<usize>,
}

impl Inputs {
    /// Reads all files, with a warning for each skipped line.
    pub(super) fn read(&self, watch: &Watch) -> Result<Vec<Dataset>, WorkbenchError> {
        if !self.join.is_empty() && self.join.len() != self.files.len() {
            return Err(WorkbenchError::Wish(format!(
                "{} files and {} --join files; give one --join for each file, in the same order",
                self.files.len(),
                self.join.len()
            )));
        }
        let mut datasets = Vec::new();
        for (ix, path) in self.files.iter().enumerate() {
            watch.check()?;
            let join = self.join.get(ix).cloned();
            let options = ReadOptions { join, map: self.map.clone(), ..ReadOptions::default() };
            let mut dataset = data::read_dataset(path, &options)?;
            for skipped in dataset.skipped.iter().take(20) {
                let (path, line) = (path.display(), skipped.line);
                watch.warn(format!("{path}, line {line}: skipped, {}", skipped.reason));
            }
            if let Some(more) = dataset.skipped.len().checked_sub(20).filter(|more| *more > 0) {
                watch.warn(format!("{}: {more} more lines skipped", path.display()));
            }
            dataset.records.truncate(self.limit.unwrap_or(usize::MAX));
            datasets.push(dataset);
        }
        Ok(datasets)
    }
}

/// Lines that could not be used.
pub(super) fn n_skipped(datasets: &[Dataset]) -> usize {
    datasets.iter().map(|dataset| dataset.skipped.len()).sum()
}

/// A model and where to run it, as the person named them.
#[derive(Debug, Clone, Default)]
pub struct ModelChoice {
    /// A `.gguf` file or a name of the catalogue.
    pub model: String,
    /// `auto`, `gpu` or `cpu`.
    pub device: String,
}

impl ModelChoice {
    /// Loads the model.
    pub(super) fn load(&self, watch: &Watch) -> Result<Box<dyn LanguageModel>, WorkbenchError> {
        match self.device.as_str() {
            "auto" | "cpu" => {}
            "gpu" => {
                return Err(WorkbenchError::Refused(
                    "this version computes on the CPU only; use --device cpu or auto".into(),
                ));
            }
            other => {
                return Err(WorkbenchError::Wish(format!(
                    "the device `{other}` is unknown; use auto or cpu"
                )));
            }
        }
        let path = model_path(&self.model)?;
        Ok(Box::new(CandleModel::load(&path, CandleOptions::default(), watch)?))
    }
}

/// The file that a path or a name of the catalogue means.
fn model_path(name: &str) -> Result<PathBuf, WorkbenchError> {
    let path = Path::new(name);
    if path.exists() || name.contains(['/', '\\', '.']) && catalogue::entry(name).is_err() {
        return Ok(path.to_owned());
    }
    let entry = catalogue::entry(name)?;
    entry.fetched(&catalogue::folder()?).ok_or_else(|| {
        WorkbenchError::Refused(format!(
            "the model `{name}` is not on this machine; fetch it with `backstory models get {name}`"
        ))
    })
}

/// The default model, fetched if it is not there.
pub(super) fn default_model(watch: &Watch) -> Result<ModelChoice, WorkbenchError> {
    let path = catalogue::entry(DEFAULT)?.fetch(&catalogue::folder()?, watch)?;
    Ok(ModelChoice { model: path.to_string_lossy().into_owned(), device: "auto".into() })
}

/// A tokenizer by path or name, and the chat template where the file has one.
pub(super) fn tokenizer(
    name: &str,
    watch: &Watch,
) -> Result<(Tokenizer, Option<ChatTemplate>), WorkbenchError> {
    let path = model_path(name)?;
    let (tokenizer, template) = model::read_tokenizer(&path)?;
    for warning in tokenizer.warnings() {
        watch.warn(format!("{}: {warning}", tokenizer.name()));
    }
    if template.is_none() {
        let path = path.display();
        watch.warn(format!("{path} has no chat template: prompts are counted without one"));
    }
    Ok((tokenizer, template))
}

/// What would keep a result from being written is found out before the work, not after it.
pub(super) fn check_output(out: &Path) -> Result<(), WorkbenchError> {
    if out.is_dir() {
        let out = out.display();
        return Err(WorkbenchError::Refused(format!("{out} is a folder; name a file in it")));
    }
    match out.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        Some(folder) => Err(WorkbenchError::Refused(format!(
            "the folder {} of --out does not exist; make it first",
            folder.display()
        ))),
        None => Ok(()),
    }
}
