//! What the person named, opened: data files, models, tokenizers.

use super::WorkbenchError;
use super::filtering::{self, FilterWish};
use crate::data::{self, DataError, Dataset, ReadOptions, Record, Records};
use crate::gpu;
use crate::job::Watch;
use crate::model::adapter::{self, Adapter};
use crate::model::catalogue::{self, DEFAULT, Entry};
use crate::model::{
    self, CandleModel, CandleOptions, ChatTemplate, LanguageModel, ModelInfo, Tokenizer, WgpuModel,
    WgpuOptions,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Data as the person named it: files, or what is open already.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// Datasets that are open already; they come before the files.
    pub loaded: Vec<Arc<Dataset>>,
    /// The files.
    pub files: Vec<PathBuf>,
    /// Context files that belong to `files` line by line: none, or one for each.
    pub join: Vec<PathBuf>,
    /// Columns by field, for files of unknown shape.
    pub map: Vec<(String, String)>,
    /// Only the records of which this holds.
    pub filter: Option<Box<FilterWish>>,
    /// Only this many records of each file, of those that the filter wants.
    pub limit: Option<usize>,
}

impl Inputs {
    /// Reads all files, with a warning for each skipped line.
    pub(super) fn read(&self, watch: &Watch) -> Result<Vec<Arc<Dataset>>, WorkbenchError> {
        if !self.join.is_empty() && self.join.len() != self.files.len() {
            return Err(WorkbenchError::Wish(format!(
                "{} files and {} --join files; give one --join for each file, in the same order",
                self.files.len(),
                self.join.len()
            )));
        }
        self.filter.as_ref().map_or(Ok(()), |wish| wish.check())?;
        let mut datasets = self.loaded.clone();
        for (path, join) in self.paths()? {
            watch.check()?;
            let is_named = self.files.contains(&path);
            let options = ReadOptions { join, map: self.map.clone(), ..ReadOptions::default() };
            let dataset = match data::read_dataset(&path, &options, watch) {
                // What else lies in a folder keeps nobody from its data.
                Err(error) if !is_named && !matches!(error, DataError::Cancelled(_)) => {
                    watch.warn(format!("left out: {error}"));
                    continue;
                }
                read => read?,
            };
            for skipped in dataset.skipped.iter().take(20) {
                let (path, line) = (path.display(), skipped.line);
                watch.warn(format!("{path}, line {line}: skipped, {}", skipped.reason));
            }
            if let Some(more) = dataset.skipped.len().checked_sub(20).filter(|more| *more > 0) {
                watch.warn(format!("{}: {more} more lines skipped", path.display()));
            }
            datasets.push(Arc::new(dataset));
        }
        self.chosen(datasets, watch)
    }

    /// The records of these datasets that the filter wants, as far as the limit goes.
    pub(super) fn chosen(
        &self,
        datasets: Vec<Arc<Dataset>>,
        watch: &Watch,
    ) -> Result<Vec<Arc<Dataset>>, WorkbenchError> {
        let limited = |datasets: Vec<Arc<Dataset>>| {
            datasets.into_iter().map(|dataset| limited(dataset, self.limit)).collect()
        };
        let Some(wish) = &self.filter else { return Ok(limited(datasets)) };
        let filtering = wish.prepare(watch)?;
        let mut wanted = Vec::new();
        for dataset in datasets {
            let flags = filtering.flags(&dataset, watch)?;
            wanted.push(filtering::kept(dataset, &flags));
        }
        Ok(limited(wanted))
    }
}

impl Inputs {
    /// The files, those in folders too, each with the one that is joined to it.
    fn paths(&self) -> Result<Vec<(PathBuf, Option<PathBuf>)>, WorkbenchError> {
        let mut paths = Vec::new();
        for (ix, path) in self.files.iter().enumerate() {
            match self.join.get(ix) {
                None if path.is_dir() => {
                    paths.extend(data_files(path)?.into_iter().map(|path| (path, None)));
                }
                join => paths.push((path.clone(), join.cloned())),
            }
        }
        Ok(paths)
    }
}

/// The files of a folder that may hold data, by name; what this program and others write beside data
/// is left out.
///
/// # Errors
/// The folder cannot be read, or holds no such file.
pub(super) fn data_files(folder: &Path) -> Result<Vec<PathBuf>, WorkbenchError> {
    let failed = |source| WorkbenchError::File { verb: "read", path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let is_beside = name.starts_with('.')
            || name == "dataset_info.json"
            || [".journal", ".md", ".rejected.jsonl"].iter().any(|ending| name.ends_with(ending));
        if !is_beside && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(WorkbenchError::Refused(format!(
            "there is no data file in {}; name a folder that holds some, or a file",
            folder.display()
        ))),
        false => Ok(files),
    }
}

/// A dataset with no more than `limit` records.
pub(super) fn limited(dataset: Arc<Dataset>, limit: Option<usize>) -> Arc<Dataset> {
    let Some(limit) = limit.filter(|limit| *limit < dataset.records.len()) else {
        return dataset;
    };
    with_records(&dataset, dataset.records.first(limit))
}

/// The dataset with these records instead of its own.
pub(super) fn with_records(dataset: &Dataset, records: Records) -> Arc<Dataset> {
    let Dataset { path, format, bytes, columns, skipped, .. } = dataset;
    Arc::new(Dataset {
        path: path.clone(),
        format: *format,
        bytes: *bytes,
        columns: columns.clone(),
        records,
        skipped: skipped.clone(),
    })
}

/// The records of all datasets, in memory.
pub(super) fn all_records(datasets: &[Arc<Dataset>]) -> Result<Vec<Arc<Record>>, WorkbenchError> {
    let all: Result<Vec<_>, _> =
        datasets.iter().flat_map(|dataset| dataset.records.iter()).collect();
    Ok(all?)
}

/// Lines that could not be used.
pub(super) fn n_skipped(datasets: &[Arc<Dataset>]) -> usize {
    datasets.iter().map(|dataset| dataset.skipped.len()).sum()
}

/// A model and where to run it, as the person named them.
#[derive(Debug, Clone, Default)]
pub struct ModelChoice {
    /// A `.gguf` file, a model folder or a name of the catalogue.
    pub model: String,
    /// A folder with an adapter to apply.
    pub adapter: Option<PathBuf>,
    /// `auto`, `gpu` or `cpu`.
    pub device: String,
}

/// Where a model shall run.
enum Device {
    Cpu,
    Gpu,
    /// On the GPU, or on the CPU if that one fails.
    Either,
}

/// Whether there is such a device; asked before a model is looked for.
pub(super) fn check_device(device: &str) -> Result<(), WorkbenchError> {
    device_of(device).map(|_| ())
}

/// `auto` takes a graphics adapter unless it is a program on the CPU, where the CPU body is faster;
/// one that `BACKSTORY_ADAPTER` names is taken whatever it is.
fn device_of(device: &str) -> Result<Device, WorkbenchError> {
    match device {
        "cpu" => Ok(Device::Cpu),
        "gpu" => {
            gpu::choose().map_err(model::Error::from)?;
            Ok(Device::Gpu)
        }
        "auto" => {
            let is_named =
                std::env::var_os("BACKSTORY_ADAPTER").is_some_and(|name| !name.is_empty());
            match gpu::choose() {
                Ok(adapter) if is_named || !adapter.is_software => Ok(Device::Either),
                _ => Ok(Device::Cpu),
            }
        }
        other => Err(WorkbenchError::Wish(format!(
            "the device `{other}` is unknown; use auto, gpu or cpu"
        ))),
    }
}

/// Loads a model onto a device, with the adapter in a folder, if one is named.
pub(super) fn load_model(
    path: &Path,
    adapter: Option<&Path>,
    device: &str,
    watch: &Watch,
) -> Result<Box<dyn LanguageModel>, WorkbenchError> {
    let on_gpu = || WgpuModel::load_adapted(path, adapter, WgpuOptions::default(), watch);
    match device_of(device)? {
        Device::Gpu => return Ok(Box::new(on_gpu()?)),
        Device::Either => match on_gpu() {
            Ok(model) => return Ok(Box::new(model)),
            Err(error @ model::Error::Gpu(_)) => {
                watch.warn(format!("{error}; the model runs on the CPU instead"));
            }
            Err(error) => return Err(error.into()),
        },
        Device::Cpu => {}
    }
    Ok(Box::new(CandleModel::load_adapted(path, adapter, CandleOptions::default(), watch)?))
}

/// What is known of a model before it is loaded.
pub(super) fn describe(choice: &ModelChoice) -> Result<ModelCard, WorkbenchError> {
    let path = model_path(&choice.model)?;
    let (mut info, adapter) = match device_of(&choice.device)? {
        Device::Cpu => (CandleModel::describe(&path, CandleOptions::default())?, None),
        Device::Gpu | Device::Either => {
            (WgpuModel::describe(&path)?, gpu::choose().ok().map(|adapter| adapter.name))
        }
    };
    if let Some(folder) = &choice.adapter {
        let changes = Adapter::read(folder)?;
        info.name = adapter::adapted_name(&info.name, &adapter::name_of(folder));
        info.weight_bytes += changes.n_bytes();
    }
    Ok(ModelCard { path, info, adapter })
}

/// A model as the window shows it before it is loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCard {
    /// The model file or folder.
    pub path: PathBuf,
    /// What its header says; the SHA-256 is not computed.
    pub info: ModelInfo,
    /// The graphics adapter that it would run on; `None` on the CPU.
    pub adapter: Option<String>,
}

/// A model of the catalogue, and where it lies if it is on this machine.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogueRow {
    /// The entry.
    pub entry: &'static Entry,
    /// The file, if it has been fetched.
    pub path: Option<PathBuf>,
}

/// The catalogue as it is on this machine.
pub(super) fn models() -> Result<Vec<CatalogueRow>, WorkbenchError> {
    let folder = catalogue::folder()?;
    let rows = catalogue::ENTRIES.iter();
    Ok(rows.map(|entry| CatalogueRow { entry, path: entry.fetched(&folder) }).collect())
}

/// The file that a path or a name of the catalogue means.
pub(super) fn model_path(name: &str) -> Result<PathBuf, WorkbenchError> {
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
    Ok(ModelChoice {
        model: path.to_string_lossy().into_owned(),
        device: "auto".into(),
        adapter: None,
    })
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

/// A file that is there is replaced only when the person says so.
pub(super) fn check_replaces(out: &Path, replace: bool) -> Result<(), WorkbenchError> {
    if !replace && out.exists() {
        return Err(WorkbenchError::Refused(format!(
            "{} is there already; choose another name, or let it be replaced",
            out.display()
        )));
    }
    Ok(())
}

/// A result may not replace what it is made from.
pub(super) fn check_not_input<'a>(
    out: &Path,
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<(), WorkbenchError> {
    let Ok(real) = out.canonicalize() else { return Ok(()) };
    if inputs.into_iter().any(|input| input.canonicalize().is_ok_and(|input| input == real)) {
        return Err(WorkbenchError::Refused(format!(
            "{} is read by this very job; choose another file to write to",
            out.display()
        )));
    }
    Ok(())
}

/// What would keep a result from being written is found out before the work, not after it.
pub(super) fn check_output(out: &Path) -> Result<(), WorkbenchError> {
    if out.is_dir() {
        let out = out.display();
        return Err(WorkbenchError::Refused(format!("{out} is a folder; name a file in it")));
    }
    match out.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        Some(folder) => Err(WorkbenchError::Refused(format!(
            "the folder {} to write into does not exist; make it first or choose another",
            folder.display()
        ))),
        None => Ok(()),
    }
}
