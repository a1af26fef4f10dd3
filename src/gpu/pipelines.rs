//! Kernels made ready for a device, kept on disk between starts where the adapter can do that.

use super::Error;
use super::device::Gpu;
use super::kernel::Kernel;
use super::recording::Dispatch;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The pipelines of a device, and what was bound to them.
#[derive(Default)]
pub(super) struct Pipelines {
    ready: BTreeMap<Kernel, wgpu::ComputePipeline>,
    bound: BTreeMap<(Kernel, Vec<u64>), wgpu::BindGroup>,
    cache: Option<(wgpu::PipelineCache, PathBuf)>,
    /// Whether the cache's file lacks pipelines that were made.
    is_ahead: bool,
}

impl Pipelines {
    /// No pipelines yet; those that are made are kept in `folder`, if there is one and the adapter has
    /// such caches.
    pub fn new(device: &wgpu::Device, info: &wgpu::AdapterInfo, folder: Option<&Path>) -> Self {
        let key = wgpu::util::pipeline_cache_key(info)
            .filter(|_| device.features().contains(wgpu::Features::PIPELINE_CACHE));
        let (Some(folder), Some(key)) = (folder, key) else { return Self::default() };
        let path = folder.join(key);
        let data = std::fs::read(&path).ok();
        let descriptor = wgpu::PipelineCacheDescriptor {
            label: Some("pipelines"),
            data: data.as_deref(),
            fallback: true,
        };
        // SAFETY: the file is one that `save` wrote whole under this name, and its header, which names
        // adapter and driver, is checked before the rest is used; what does not fit is left out.
        let cache = unsafe { device.create_pipeline_cache(&descriptor) };
        Self { cache: Some((cache, path)), ..Self::default() }
    }

    /// What a dispatch needs, if it was prepared.
    pub fn of(&self, dispatch: &Dispatch) -> Option<(&wgpu::ComputePipeline, &wgpu::BindGroup)> {
        Some((self.ready.get(&dispatch.kernel)?, self.bound.get(&key(dispatch))?))
    }

    /// Writes the cache's file if new pipelines were made. One that cannot be written is made again
    /// at the next start, so that nobody needs to hear of it.
    pub fn save(&mut self) {
        if !std::mem::take(&mut self.is_ahead) {
            return;
        }
        if let Some((cache, path)) = &self.cache
            && let (Some(data), Some(folder)) = (cache.get_data(), path.parent())
        {
            let new = path.with_extension(format!("{}.new", std::process::id()));
            let written = std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&new, data))
                .and_then(|()| std::fs::rename(&new, path));
            if written.is_err() {
                let _ = std::fs::remove_file(&new);
            }
        }
    }
}

impl Gpu {
    /// Makes the pipeline and the bind group that a dispatch needs, if they are not there yet.
    pub(super) fn prepare(&mut self, dispatch: &Dispatch) -> Result<(), Error> {
        let kernel = dispatch.kernel;
        if !self.pipelines.ready.contains_key(&kernel) {
            let pipeline = self.pipeline(kernel)?;
            self.pipelines.ready.insert(kernel, pipeline);
            self.pipelines.is_ahead = true;
        }
        let key = key(dispatch);
        if let Some(pipeline) = self.pipelines.ready.get(&kernel)
            && !self.pipelines.bound.contains_key(&key)
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
            self.pipelines.bound.insert(key, bound);
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
            cache: self.pipelines.cache.as_ref().map(|(cache, _)| cache),
        });
        self.told()?;
        Ok(pipeline)
    }

    /// Forgets which buffers were bound, so that those that are no longer used are freed.
    pub fn forget_bindings(&mut self) {
        self.pipelines.bound.clear();
    }
}

fn key(dispatch: &Dispatch) -> (Kernel, Vec<u64>) {
    (dispatch.kernel, dispatch.buffers.iter().map(|buffer| buffer.id).collect())
}

#[cfg(test)]
mod tests {
    use super::super::recording::Recording;
    use super::super::{Forced, device, shape};
    use super::*;
    use crate::job::Watch;

    #[test]
    fn gpu_pipelines_are_kept_on_disk_and_a_damaged_file_does_no_harm() {
        if device().is_none() {
            return;
        }
        let folder =
            std::env::temp_dir().join(format!("backstory-pipelines-{}", std::process::id()));
        let run = || {
            let mut gpu = Gpu::open(Some(&folder), Forced::default()).unwrap();
            let keeps = gpu.pipelines.cache.is_some();
            let buffer = gpu.upload(&[1, 2, 3, 4, 0, 0, 0, 0], "a test").unwrap();
            let mut recording = Recording::default();
            recording.run(Dispatch {
                kernel: Kernel::MoveWords,
                buffers: vec![buffer.clone()],
                shape: shape::MoveWords { source: 0, place: 4, n: 4 }.words(),
                groups: [1, 1],
                work: 1,
                cuts: false,
            });
            gpu.run(&recording, &Watch::default()).unwrap();
            assert_eq!(gpu.read(&buffer, 0, 8).unwrap(), [1, 2, 3, 4, 1, 2, 3, 4]);
            let files = std::fs::read_dir(&folder).map_or(0, Iterator::count);
            assert_eq!(files, usize::from(keeps));
        };
        run();
        run();
        for file in std::fs::read_dir(&folder).into_iter().flatten() {
            std::fs::write(file.unwrap().path(), b"no cache of any driver").unwrap();
        }
        run();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
