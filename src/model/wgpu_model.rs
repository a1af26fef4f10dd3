//! Llama, Qwen2 and Qwen3 in our own kernels on a graphics adapter.
//!
//! The weights stay in their file's format. Here are the order of the kernels and what they work on;
//! the kernels themselves belong in `gpu` and `shaders/`, the order in which requests are read in
//! `scoring` and `writing`.

mod body;
mod cache;
mod pass;
#[cfg(test)]
mod tests;
mod weights;

use super::adapter::Adapter;
use super::checkpoint::Checkpoint;
use super::config::{self, Config};
use super::known::{Header, Known};
use super::{
    Error, Feed, LanguageModel, ModelInfo, ScoreRequest, TokenScores, candle_model, catalogue,
};
use crate::gpu::{self, AdapterInfo, CachePrecision, Forced, Gpu, KernelTime};
use crate::job::Watch;
use cache::Cache;
use pass::Scratch;
use std::path::Path;
use weights::Weights;

/// How to load a model.
#[derive(Debug, Clone, Copy, Default)]
pub struct WgpuOptions {
    /// What the adapter is taken for.
    pub forced: Forced,
    /// How the cache holds keys and values; `None`: as suits the adapter.
    pub cache: Option<CachePrecision>,
    /// Bytes of memory to plan with; `None` asks the adapter, or the system where it uses its memory.
    pub free_bytes: Option<u64>,
}

/// A loaded model on a graphics adapter.
pub struct WgpuModel {
    known: Known,
    config: Config,
    gpu: Gpu,
    weights: Weights,
    cache: Cache,
    scratch: Scratch,
    is_lost: bool,
}

impl WgpuModel {
    /// Loads a GGUF file or a model folder onto the chosen adapter. The memory is planned from the
    /// header before anything large is read.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Read`], [`Error::File`], [`Error::Tensors`], [`Error::Memory`],
    /// [`Error::Cancelled`]
    pub fn load(path: &Path, options: WgpuOptions, watch: &Watch) -> Result<Self, Error> {
        Self::load_adapted(path, None, options, watch)
    }

    /// Loads a model with the low-rank adapter in a folder, if one is named.
    ///
    /// # Errors
    /// As [`WgpuModel::load`], and [`Error::Adapter`].
    pub fn load_adapted(
        path: &Path,
        adapter: Option<&Path>,
        options: WgpuOptions,
        watch: &Watch,
    ) -> Result<Self, Error> {
        let mut header = Header::read(path, watch)?.with_adapter(adapter)?;
        let adapter = header.adapter.take();
        let home = catalogue::home().ok();
        let pipelines = home.map(|home| home.join("pipelines"));
        let mut gpu = Gpu::open(pipelines.as_deref(), options.forced)?;
        let precision = options.cache.unwrap_or(CachePrecision::of(gpu.traits().is_software));
        let weight_bytes = weights::planned_bytes(&header.checkpoint, &header.config)?
            + adapter.as_ref().map_or(0, Adapter::n_bytes);
        check_memory(&header.checkpoint, &mut gpu, options, weight_bytes)?;
        let (mut known, mut checkpoint, config) = header.known("gpu", weight_bytes, watch)?;
        known.info.cache_bytes_per_token = Cache::bytes_per_token(&config, precision);
        let weights = Weights::load(&mut checkpoint, &config, adapter.as_ref(), &mut gpu, watch)?;
        let cache = Cache::new(&config, precision, &mut gpu)?;
        let scratch = Scratch::new(&config, &mut gpu)?;
        Ok(Self { known, config, gpu, weights, cache, scratch, is_lost: false })
    }

    /// What the header of a model says of it, and the bytes that it would take. Nothing
    /// large is read, so `sha256` is empty.
    ///
    /// # Errors
    /// As [`WgpuModel::load`].
    pub fn describe(path: &Path) -> Result<ModelInfo, Error> {
        let mut checkpoint = Checkpoint::open(path)?;
        let config = Config::read(&mut checkpoint)?;
        let weight_bytes = weights::planned_bytes(&checkpoint, &config)?;
        let mut info = config::info(&checkpoint, &config, String::new(), "gpu", weight_bytes);
        let is_software = gpu::choose().is_ok_and(|adapter| adapter.is_software);
        info.cache_bytes_per_token =
            Cache::bytes_per_token(&config, CachePrecision::of(is_software));
        Ok(info)
    }

    /// Takes its device away.
    #[cfg(test)]
    pub fn lose_device(&self) {
        self.gpu.lose();
    }

    /// Remembers that the device is gone.
    fn noted<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.is_lost |= matches!(result, Err(Error::Gpu(gpu::Error::Lost { .. })));
        result
    }
}

/// Refuses a model whose weights leave no room, and sees to it that nothing else goes beyond that.
fn check_memory(
    checkpoint: &Checkpoint,
    gpu: &mut Gpu,
    options: WgpuOptions,
    weight_bytes: u64,
) -> Result<(), Error> {
    // A software adapter takes the machine's own memory.
    let machine = || gpu.info().is_software.then(candle_model::free_bytes);
    let Some(free) = options.free_bytes.or_else(|| gpu.memory_bytes()).or_else(machine) else {
        return Ok(());
    };
    gpu.limit_memory(free);
    // An eighth is left for the cache, the buffers and the rest of the machine.
    if weight_bytes <= free / 8 * 7 {
        return Ok(());
    }
    Err(Error::Memory {
        path: checkpoint.path().to_owned(),
        needed_mib: (weight_bytes / 7 * 8) >> 20,
        free_mib: free >> 20,
    })
}

impl LanguageModel for WgpuModel {
    fn known(&self) -> &Known {
        &self.known
    }

    fn adapter(&self) -> Option<&AdapterInfo> {
        Some(self.gpu.info())
    }

    fn is_lost(&self) -> bool {
        self.is_lost
    }

    fn measure_kernels(&mut self, measures: bool) -> Result<(), Error> {
        let result = self.gpu.measure_kernels(measures).map_err(Error::from);
        self.noted(result)
    }

    fn take_kernel_times(&mut self) -> Vec<KernelTime> {
        self.gpu.take_kernel_times()
    }

    fn score(
        &mut self,
        requests: &[ScoreRequest],
        watch: &Watch,
    ) -> Result<Vec<TokenScores>, Error> {
        let result = super::scoring::score(self, requests, watch);
        self.noted(result)
    }

    fn generate(
        &mut self,
        feed: &mut dyn Feed,
        n_parallel: usize,
        watch: &Watch,
    ) -> Result<(), Error> {
        let result = super::writing::write(self, feed, n_parallel, watch);
        self.noted(result)
    }
}
