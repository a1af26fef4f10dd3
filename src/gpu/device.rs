//! A device of our own and its buffers.

use super::Error;
use super::adapter::{AdapterInfo, chosen, memory_bytes};
use super::decide::{Forced, Traits};
use super::pipelines::Pipelines;
use super::timing::Times;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Words on the device; clones share them.
#[derive(Clone)]
pub struct Buffer {
    pub(super) inner: wgpu::Buffer,
    pub(super) id: u64,
    _held: Arc<Held>,
}

impl Buffer {
    /// Words in it.
    pub fn n_words(&self) -> u64 {
        self.inner.size() / 4
    }
}

/// Bytes that a buffer takes from its device's share for as long as it lives.
struct Held {
    n_bytes: u64,
    all: Arc<AtomicU64>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.n_bytes, Ordering::Relaxed);
    }
}

/// An adapter's device, ready for recordings.
pub struct Gpu {
    info: AdapterInfo,
    traits: Traits,
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    /// The first thing that went wrong, until it is told.
    failure: Arc<Mutex<Option<String>>>,
    pub(super) pipelines: Pipelines,
    n_buffers: u64,
    /// Bytes of all buffers.
    held: Arc<AtomicU64>,
    /// Bytes that all buffers together may have, as far as that is known.
    memory_bytes: Option<u64>,
    /// Work that the adapter does in a second, as measured so far.
    pub(super) work_per_sec: f64,
    pub(super) times: Times,
    #[cfg(test)]
    pub(super) execution: super::executor::Execution,
}

/// Features that are taken where the adapter has them.
const WANTED: wgpu::Features = wgpu::Features::TIMESTAMP_QUERY
    .union(wgpu::Features::PIPELINE_CACHE)
    .union(wgpu::Features::SHADER_F16)
    .union(wgpu::Features::SUBGROUP);

impl Gpu {
    /// Opens the chosen adapter with its own limits; decisions see it as `forced`. Kernels that were
    /// made ready are kept in `pipelines`, a folder, if one is given.
    ///
    /// # Errors
    /// [`Error::NoAdapter`], [`Error::Device`]
    pub fn open(pipelines: Option<&Path>, forced: Forced) -> Result<Self, Error> {
        let adapter = chosen()?;
        let info = AdapterInfo::of(&adapter);
        let limits = adapter.limits();
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("backstory"),
            required_features: wgpu::Features::IMMEDIATES | (WANTED & adapter.features()),
            required_limits: limits.clone(),
            ..Default::default()
        };
        let (device, queue) =
            pollster::block_on(adapter.request_device(&descriptor)).map_err(|error| {
                Error::Device { adapter: info.name.clone(), reason: error.to_string() }
            })?;
        let failure = Arc::new(Mutex::new(None));
        let told = Arc::clone(&failure);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            tell(&told, error.to_string())
        }));
        let told = Arc::clone(&failure);
        device.set_device_lost_callback(move |reason, message| {
            // A device that is dropped is not lost to anybody.
            if reason != wgpu::DeviceLostReason::Destroyed {
                tell(&told, message);
            }
        });
        let traits = traits(&adapter, &limits).forced(forced);
        Ok(Self {
            info,
            traits,
            pipelines: Pipelines::new(&device, &adapter.get_info(), pipelines),
            times: Times::new(&device, &queue),
            memory_bytes: memory_bytes(&adapter),
            device,
            queue,
            failure,
            n_buffers: 0,
            held: Arc::default(),
            work_per_sec: 1e9,
            #[cfg(test)]
            execution: Default::default(),
        })
    }

    /// What adapter it is.
    pub fn info(&self) -> &AdapterInfo {
        &self.info
    }

    /// What decisions need to know of it.
    pub fn traits(&self) -> &Traits {
        &self.traits
    }

    /// Takes the device away from under the program, as a crash of its driver would.
    #[cfg(test)]
    pub fn lose(&self) {
        self.device.destroy();
    }

    /// Bytes of memory that the adapter has for itself; `None` where it shares the machine's.
    pub fn memory_bytes(&self) -> Option<u64> {
        self.memory_bytes
    }

    /// Lets all buffers together be no larger than this.
    pub fn limit_memory(&mut self, n_bytes: u64) {
        self.memory_bytes = Some(self.memory_bytes.map_or(n_bytes, |had| had.min(n_bytes)));
    }

    /// Work that the adapter does in a second, as measured so far; see [`super::Dispatch::work`].
    pub fn work_per_sec(&self) -> f64 {
        self.work_per_sec
    }

    /// `n_words` words of zeros for `what`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]
    pub fn buffer(&mut self, n_words: usize, what: &str) -> Result<Buffer, Error> {
        let n_bytes = (n_words.max(4) as u64) * 4;
        let refuse = |gpu: &Self| Error::OutOfMemory {
            adapter: gpu.info.name.clone(),
            what: what.to_owned(),
            n_mib: n_bytes.div_ceil(1 << 20),
        };
        let held = self.held.load(Ordering::Relaxed);
        let has_room = self.memory_bytes.is_none_or(|most| held + n_bytes <= most);
        if n_bytes > self.traits.max_binding_bytes || !has_room {
            return Err(refuse(self));
        }
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let other = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let inner = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(what),
            size: n_bytes,
            usage: wgpu::BufferUsages::STORAGE
                | wgpu::BufferUsages::COPY_DST
                | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        let failed = [pollster::block_on(other.pop()), pollster::block_on(memory.pop())];
        if failed.iter().any(Option::is_some) {
            return Err(refuse(self));
        }
        self.n_buffers += 1;
        self.held.fetch_add(n_bytes, Ordering::Relaxed);
        let held = Held { n_bytes, all: Arc::clone(&self.held) };
        Ok(Buffer { inner, id: self.n_buffers, _held: Arc::new(held) })
    }

    /// A buffer with these words.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]
    pub fn upload(&mut self, words: &[u32], what: &str) -> Result<Buffer, Error> {
        let buffer = self.buffer(words.len(), what)?;
        self.write(&buffer, words);
        Ok(buffer)
    }

    /// Overwrites a buffer's first words, before what is submitted next.
    pub fn write(&self, buffer: &Buffer, words: &[u32]) {
        self.queue.write_buffer(&buffer.inner, 0, bytemuck::cast_slice(words));
    }

    /// Sends what was written on its way, so that large uploads do not pile up.
    pub fn flush(&self) -> Result<(), Error> {
        self.queue.submit([]);
        self.wait(None)
    }

    /// The `n_words` words of a buffer from `first` on.
    ///
    /// # Errors
    /// [`Error::Lost`]
    pub fn read(&self, buffer: &Buffer, first: usize, n_words: usize) -> Result<Vec<u32>, Error> {
        if n_words == 0 {
            return Ok(Vec::new());
        }
        let size = n_words as u64 * 4;
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read back"),
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&buffer.inner, first as u64 * 4, &staging, 0, size);
        let submission = self.queue.submit([encoder.finish()]);
        let slice = staging.slice(..);
        slice.map_async(wgpu::MapMode::Read, |_| {});
        self.wait(Some(submission))?;
        let view = slice.get_mapped_range().map_err(|error| self.lost(error.to_string()))?;
        Ok(bytemuck::pod_collect_to_vec(&view))
    }

    pub(super) fn wait(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<(), Error> {
        let poll = wgpu::PollType::Wait { submission_index: submission, timeout: None };
        self.device.poll(poll).map_err(|error| self.lost(error.to_string()))?;
        self.told()
    }

    /// What went wrong since this was asked last.
    pub(super) fn told(&self) -> Result<(), Error> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), |reason| Err(self.lost(reason)))
    }

    pub(super) fn lost(&self, reason: String) -> Error {
        Error::Lost { adapter: self.info.name.clone(), reason }
    }
}

/// What an adapter says of itself.
fn traits(adapter: &wgpu::Adapter, limits: &wgpu::Limits) -> Traits {
    let (info, features) = (adapter.get_info(), adapter.features());
    let is_same = info.subgroup_min_size == info.subgroup_max_size;
    let has_subgroups = features.contains(wgpu::Features::SUBGROUP) && is_same;
    Traits {
        is_software: AdapterInfo::of(adapter).is_software,
        max_threads: limits.max_compute_invocations_per_workgroup,
        max_shared_bytes: limits.max_compute_workgroup_storage_size,
        max_binding_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        has_f16: features.contains(wgpu::Features::SHADER_F16),
        subgroup_size: has_subgroups.then_some(info.subgroup_min_size),
    }
}

/// Keeps the first failure: what follows comes of it.
fn tell(failure: &Mutex<Option<String>>, message: String) {
    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
}

#[cfg(test)]
mod tests {
    use super::super::kernel::Kernel;
    use super::super::parity::device;
    use super::super::recording::{Dispatch, Recording};
    use super::*;
    use crate::job::Watch;

    #[test]
    fn gpu_memory_is_given_back_and_its_limit_holds() {
        let Some(mut gpu) = device() else { return };
        gpu.limit_memory(3 << 20);
        let first = gpu.buffer(1 << 19, "a test").unwrap();
        let refused = gpu.buffer(1 << 19, "another test").err().unwrap().to_string();
        assert!(refused.contains("no 2 MiB left for another test"), "{refused}");
        let clone = first.clone();
        drop(first);
        assert!(gpu.buffer(1 << 19, "a test").is_err(), "a clone still holds it");
        drop(clone);
        gpu.buffer(1 << 19, "a test").unwrap();
    }

    #[test]
    fn gpu_a_device_that_is_gone_is_told_of() {
        let Some(mut gpu) = device() else { return };
        let buffer = gpu.buffer(64, "a test").unwrap();
        let mut recording = Recording::default();
        recording.run(Dispatch {
            kernel: Kernel::MoveWords,
            buffers: vec![buffer],
            shape: vec![0, 32, 32],
            groups: [1, 1],
            work: 1,
            cuts: false,
        });
        gpu.run(&recording, &Watch::default()).unwrap();
        gpu.lose();
        let error = gpu.run(&recording, &Watch::default()).unwrap_err();
        assert!(matches!(error, Error::Lost { .. }), "{error}");
        assert!(error.to_string().contains("must be loaded again"), "{error}");
    }
}
