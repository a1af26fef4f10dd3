//! A device of our own: its buffers, its pipelines, and the running of recordings.
//!
//! Work is submitted in pieces of some ten milliseconds, measured, so that a cancelled job stops soon
//! and no driver takes a long piece for a hang.

use super::Error;
use super::adapter::{AdapterInfo, chosen};
use super::decide::Traits;
use super::kernel::Kernel;
use super::recording::{Dispatch, Recording, Step};
use crate::job::Watch;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Seconds of work in a submission.
const PIECE_SECS: f64 = 0.03;

/// Words on the device; clones share them.
#[derive(Clone)]
pub struct Buffer {
    inner: wgpu::Buffer,
    id: u64,
}

impl Buffer {
    /// Words in it.
    pub fn n_words(&self) -> u64 {
        self.inner.size() / 4
    }
}

/// How long a kernel has run, all its variants together.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct KernelTime {
    /// The kernel's name.
    pub name: &'static str,
    /// How often it ran.
    pub n_runs: u64,
    /// How long.
    pub secs: f64,
}

/// An adapter's device, ready for recordings.
pub struct Gpu {
    info: AdapterInfo,
    traits: Traits,
    device: wgpu::Device,
    queue: wgpu::Queue,
    /// The first thing that went wrong, until it is told.
    failure: Arc<Mutex<Option<String>>>,
    pipelines: BTreeMap<Kernel, wgpu::ComputePipeline>,
    bound: BTreeMap<(Kernel, Vec<u64>), wgpu::BindGroup>,
    n_buffers: u64,
    /// Work that the adapter does in a second, as measured so far.
    work_per_sec: f64,
    /// Time of each kernel, if it is measured: then each runs in a submission of its own.
    times: Option<BTreeMap<&'static str, (u64, f64)>>,
    /// Seconds of an empty submission.
    empty_secs: f64,
}

impl Gpu {
    /// Opens the chosen adapter with its own limits.
    ///
    /// # Errors
    /// [`Error::NoAdapter`], [`Error::Device`]
    pub fn open() -> Result<Self, Error> {
        let adapter = chosen()?;
        let info = AdapterInfo::of(&adapter);
        let limits = adapter.limits();
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("backstory"),
            required_features: wgpu::Features::IMMEDIATES,
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
            if reason != wgpu::DeviceLostReason::Destroyed {
                tell(&told, message);
            }
        });
        let traits = Traits {
            is_software: info.is_software,
            max_threads: limits.max_compute_invocations_per_workgroup,
            max_shared_bytes: limits.max_compute_workgroup_storage_size,
            max_binding_bytes: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        };
        Ok(Self {
            info,
            traits,
            device,
            queue,
            failure,
            pipelines: BTreeMap::new(),
            bound: BTreeMap::new(),
            n_buffers: 0,
            work_per_sec: 1e9,
            times: None,
            empty_secs: 0.0,
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

    /// Lets bindings be no larger than this: what a smaller adapter would do.
    pub fn limit_bindings(&mut self, n_bytes: u64) {
        self.traits.max_binding_bytes = self.traits.max_binding_bytes.min(n_bytes);
    }

    /// Measures each kernel from now on, or no more. It makes everything slower: each then runs in a
    /// submission of its own, of which the time of an empty one is taken away.
    ///
    /// # Errors
    /// [`Error::Lost`]
    pub fn measure_kernels(&mut self, measures: bool) -> Result<(), Error> {
        self.times = measures.then(BTreeMap::new);
        if measures {
            const N: u32 = 20;
            let began = Instant::now();
            for _ in 0..N {
                let submission = self.submit(&[]);
                self.wait(Some(submission))?;
            }
            self.empty_secs = began.elapsed().as_secs_f64() / f64::from(N);
        }
        Ok(())
    }

    /// The times of all kernels since they were asked for last, the longest first.
    pub fn take_kernel_times(&mut self) -> Vec<KernelTime> {
        let times = self.times.as_mut().map(std::mem::take).unwrap_or_default();
        let mut times: Vec<KernelTime> = times
            .into_iter()
            .map(|(name, (n_runs, secs))| KernelTime { name, n_runs, secs })
            .collect();
        times.sort_by(|a, b| b.secs.total_cmp(&a.secs));
        times
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
        if n_bytes > self.traits.max_binding_bytes {
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
        Ok(Buffer { inner, id: self.n_buffers })
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

    /// Does the steps in order and waits for the end.
    ///
    /// # Errors
    /// [`Error::Cancelled`] between pieces, [`Error::Lost`]
    pub fn run(&mut self, recording: &Recording, watch: &Watch) -> Result<(), Error> {
        for step in &recording.steps {
            if let Step::Run(dispatch) = step {
                self.prepare(dispatch)?;
            }
        }
        let mut before: Option<(wgpu::SubmissionIndex, u64)> = None;
        let mut since = Instant::now();
        let mut steps = &recording.steps[..];
        while !steps.is_empty() {
            watch.check()?;
            let (n, work) = self.piece(steps);
            let began = Instant::now();
            let now = self.submit(&steps[..n]);
            if self.times.is_some() {
                self.wait(Some(now))?;
                self.note(&steps[0], began.elapsed().as_secs_f64());
            } else if let Some((submission, work)) = before.replace((now, work)) {
                // One piece runs while the next is put together.
                self.wait(Some(submission))?;
                self.learn(work, &mut since);
            }
            steps = &steps[n..];
        }
        if let Some((submission, work)) = before {
            self.wait(Some(submission))?;
            self.learn(work, &mut since);
        }
        Ok(())
    }

    /// The first `n_words` words of a buffer.
    ///
    /// # Errors
    /// [`Error::Lost`]
    pub fn read(&self, buffer: &Buffer, n_words: usize) -> Result<Vec<u32>, Error> {
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
        encoder.copy_buffer_to_buffer(&buffer.inner, 0, &staging, 0, size);
        let submission = self.queue.submit([encoder.finish()]);
        let slice = staging.slice(..);
        slice.map_async(wgpu::MapMode::Read, |_| {});
        self.wait(Some(submission))?;
        let view = slice.get_mapped_range().map_err(|error| self.lost(error.to_string()))?;
        Ok(bytemuck::pod_collect_to_vec(&view))
    }

    /// How many of the steps go into one submission, and their work.
    fn piece(&self, steps: &[Step]) -> (usize, u64) {
        if self.times.is_some() {
            return (1, 0);
        }
        let most = (self.work_per_sec * PIECE_SECS) as u64;
        let mut work = 0;
        for (ix, step) in steps.iter().enumerate() {
            if let Step::Run(dispatch) = step {
                if ix > 0 && work + dispatch.work > most {
                    return (ix, work);
                }
                work += dispatch.work;
            }
        }
        (steps.len(), work)
    }

    fn learn(&mut self, work: u64, since: &mut Instant) {
        let secs = since.elapsed().as_secs_f64();
        *since = Instant::now();
        if work > 0 && secs > 1e-4 {
            self.work_per_sec = 0.7 * self.work_per_sec + 0.3 * work as f64 / secs;
        }
    }

    fn note(&mut self, step: &Step, secs: f64) {
        let name = match step {
            Step::Run(dispatch) => dispatch.kernel.name(),
            Step::Copy { .. } => "copy",
        };
        let secs = (secs - self.empty_secs).max(0.0);
        if let Some(times) = &mut self.times {
            let time = times.entry(name).or_default();
            *time = (time.0 + 1, time.1 + secs);
        }
    }

    fn submit(&mut self, steps: &[Step]) -> wgpu::SubmissionIndex {
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let mut steps = steps.iter().peekable();
        while let Some(step) = steps.next() {
            match step {
                Step::Copy { from, from_word, to, to_word, n } => {
                    let (from_byte, to_byte) = (from_word * 4, to_word * 4);
                    let (from, to) = (&from.inner, &to.inner);
                    encoder.copy_buffer_to_buffer(from, from_byte, to, to_byte, n * 4);
                }
                Step::Run(first) => {
                    let mut pass = encoder.begin_compute_pass(&Default::default());
                    self.encode(&mut pass, first);
                    while let Some(Step::Run(next)) = steps.next_if(|s| matches!(s, Step::Run(_))) {
                        self.encode(&mut pass, next);
                    }
                }
            }
        }
        self.queue.submit([encoder.finish()])
    }

    fn encode(&self, pass: &mut wgpu::ComputePass<'_>, dispatch: &Dispatch) {
        let (Some(pipeline), Some(bound)) =
            (self.pipelines.get(&dispatch.kernel), self.bound.get(&key(dispatch)))
        else {
            return;
        };
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, bound, &[]);
        if !dispatch.shape.is_empty() {
            pass.set_immediates(0, bytemuck::cast_slice(&dispatch.shape));
        }
        pass.dispatch_workgroups(dispatch.groups[0], dispatch.groups[1], 1);
    }

    /// Makes the pipeline and the bind group that a dispatch needs, if they are not there yet.
    fn prepare(&mut self, dispatch: &Dispatch) -> Result<(), Error> {
        let kernel = dispatch.kernel;
        if !self.pipelines.contains_key(&kernel) {
            let pipeline = self.pipeline(kernel)?;
            self.pipelines.insert(kernel, pipeline);
        }
        let key = key(dispatch);
        if let Some(pipeline) = self.pipelines.get(&kernel)
            && !self.bound.contains_key(&key)
        {
            let buffers = dispatch.buffers.iter().enumerate();
            let entries: Vec<wgpu::BindGroupEntry<'_>> = buffers
                .map(|(ix, buffer)| wgpu::BindGroupEntry {
                    binding: ix as u32,
                    resource: buffer.inner.as_entire_binding(),
                })
                .collect();
            let bound = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(kernel.name()),
                layout: &pipeline.get_bind_group_layout(0),
                entries: &entries,
            });
            self.bound.insert(key, bound);
        }
        Ok(())
    }

    fn pipeline(&self, kernel: Kernel) -> Result<wgpu::ComputePipeline, Error> {
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(kernel.name()),
            source: wgpu::ShaderSource::Wgsl(kernel.source().into()),
        };
        let checks = wgpu::ShaderRuntimeChecks {
            force_loop_bounding: false,
            ..wgpu::ShaderRuntimeChecks::checked()
        };
        // SAFETY: the shaders are ours, and every loop of theirs counts up to a number of its shape;
        // what is left out are counters against endless loops. Bounds stay checked.
        let module = unsafe { self.device.create_shader_module_trusted(descriptor, checks) };
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(kernel.name()),
            layout: None,
            module: &module,
            entry_point: None,
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        self.told()?;
        Ok(pipeline)
    }

    /// Forgets which buffers were bound, so that those that are no longer used are freed.
    pub fn forget_bindings(&mut self) {
        self.bound.clear();
    }

    fn wait(&self, submission: Option<wgpu::SubmissionIndex>) -> Result<(), Error> {
        let poll = wgpu::PollType::Wait { submission_index: submission, timeout: None };
        self.device.poll(poll).map_err(|error| self.lost(error.to_string()))?;
        self.told()
    }

    /// What went wrong since this was asked last.
    fn told(&self) -> Result<(), Error> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), |reason| Err(self.lost(reason)))
    }

    fn lost(&self, reason: String) -> Error {
        Error::Lost { adapter: self.info.name.clone(), reason }
    }
}

fn key(dispatch: &Dispatch) -> (Kernel, Vec<u64>) {
    (dispatch.kernel, dispatch.buffers.iter().map(|buffer| buffer.id).collect())
}

/// Keeps the first failure: what follows comes of it.
fn tell(failure: &Mutex<Option<String>>, message: String) {
    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
}
