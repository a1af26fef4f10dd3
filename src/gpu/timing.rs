//! What each kernel takes: timestamps of the device where it has them, of some recordings always and
//! of all while a measurement asks for it.

use super::Error;
use super::device::Gpu;
use super::kernel::Kernel;
use super::recording::{Dispatch, Recording, Step};
use std::collections::BTreeMap;
use std::time::Instant;

/// Dispatches whose times one query set holds: a beginning and an end each.
pub(super) const MOST_TIMED: usize = wgpu::QUERY_SET_MAX_QUERIES as usize / 2;
/// One of so many recordings is timed when nothing else asks for it: a timed dispatch stands in a pass
/// of its own, which costs a fast adapter a microsecond or two.
const EACH: u64 = 32;

/// How long a kernel has run, all its variants together.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct KernelTime {
    /// The kernel's name.
    pub name: &'static str,
    /// How often it ran.
    pub n_runs: u64,
    /// How long; runs that were not timed count with the speed of those of the same variant that were.
    pub secs: f64,
}

/// What is known of one variant of a kernel.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    n_runs: u64,
    work: u64,
    timed_work: u64,
    timed_secs: f64,
}

/// How a recording is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timing {
    /// Not at all.
    Off,
    /// By the device's own clock.
    Timestamps,
    /// By ours: each dispatch in a submission of its own, of which the time of an empty one is taken
    /// away.
    Submissions,
}

/// The queries of a device with timestamps.
struct Queries {
    set: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
    /// Nanoseconds of a tick.
    period: f64,
}

/// The times of all variants.
#[derive(Default)]
pub(super) struct Times {
    queries: Option<Queries>,
    tallies: BTreeMap<Kernel, Tally>,
    measures_all: bool,
    n_recordings: u64,
    empty_secs: f64,
}

impl Times {
    /// Times of a device, with timestamps if it has them.
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Self {
        if !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Self::default();
        }
        let size = u64::from(wgpu::QUERY_SET_MAX_QUERIES) * 8;
        let buffer = |usage| wgpu::BufferDescriptor {
            label: Some("timestamps"),
            size,
            usage,
            mapped_at_creation: false,
        };
        let queries = Queries {
            set: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count: wgpu::QUERY_SET_MAX_QUERIES,
            }),
            resolved: device.create_buffer(&buffer(
                wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            )),
            staging: device.create_buffer(&buffer(
                wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            )),
            period: f64::from(queue.get_timestamp_period()),
        };
        Self { queries: Some(queries), ..Self::default() }
    }

    /// Counts a recording, and says how it is timed.
    pub fn count(&mut self, recording: &Recording) -> Timing {
        self.n_recordings += 1;
        let mut has_untimed = false;
        for step in &recording.steps {
            if let Step::Run(dispatch) = step {
                let tally = self.tallies.entry(dispatch.kernel).or_default();
                // Not at first sight: some drivers finish a kernel when it first runs.
                has_untimed |= tally.n_runs > 0 && tally.timed_work == 0;
                tally.n_runs += 1;
                tally.work += dispatch.work.max(1);
            }
        }
        match (self.measures_all, self.queries.is_some()) {
            (true, false) => Timing::Submissions,
            (true, true) => Timing::Timestamps,
            (false, true) if has_untimed || self.n_recordings.is_multiple_of(EACH) => {
                Timing::Timestamps
            }
            _ => Timing::Off,
        }
    }

    /// Notes that a part of a dispatch took so long.
    pub fn note(&mut self, kernel: Kernel, work: u64, secs: f64) {
        let tally = self.tallies.entry(kernel).or_default();
        tally.timed_work += work.max(1);
        tally.timed_secs += secs;
    }

    /// Notes that a dispatch alone in a submission took so long, the submission's own time included.
    pub fn note_submission(&mut self, dispatch: &Dispatch, secs: f64) {
        self.note(dispatch.kernel, dispatch.work, (secs - self.empty_secs).max(0.0));
    }

    /// Where the pass of the `ix`th timed dispatch writes its times.
    pub fn writes(&self, ix: usize) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        let queries = self.queries.as_ref()?;
        Some(wgpu::ComputePassTimestampWrites {
            query_set: &queries.set,
            beginning_of_pass_write_index: Some(2 * ix as u32),
            end_of_pass_write_index: Some(2 * ix as u32 + 1),
        })
    }

    /// Has the times of `n` dispatches brought to where they can be read.
    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder, n: usize) {
        if let Some(queries) = self.queries.as_ref().filter(|_| n > 0) {
            encoder.resolve_query_set(&queries.set, 0..2 * n as u32, &queries.resolved, 0);
            let size = Some(16 * n as u64);
            encoder.copy_buffer_to_buffer(&queries.resolved, 0, &queries.staging, 0, size);
        }
    }

    /// All kernels' times, the longest first.
    fn all(&self) -> Vec<KernelTime> {
        let mut names: BTreeMap<&'static str, KernelTime> = BTreeMap::new();
        for (kernel, tally) in &self.tallies {
            let name = kernel.name();
            let of_name = names.entry(name).or_insert(KernelTime { name, n_runs: 0, secs: 0.0 });
            of_name.n_runs += tally.n_runs;
            if tally.timed_work > 0 {
                of_name.secs += tally.timed_secs * (tally.work as f64 / tally.timed_work as f64);
            }
        }
        let mut times: Vec<KernelTime> = names.into_values().collect();
        times.sort_by(|a, b| b.secs.total_cmp(&a.secs));
        times
    }
}

impl Gpu {
    /// Times every kernel from now on, or only some runs as before, and forgets the times so far. On an
    /// adapter without timestamps it makes everything slower, and without it there are no times at all.
    ///
    /// # Errors
    /// [`Error::Lost`]
    pub fn measure_kernels(&mut self, measures: bool) -> Result<(), Error> {
        self.times.measures_all = measures;
        self.times.tallies.clear();
        if measures && self.times.queries.is_none() {
            const N: u32 = 20;
            let began = Instant::now();
            for _ in 0..N {
                self.flush()?;
            }
            self.times.empty_secs = began.elapsed().as_secs_f64() / f64::from(N);
        }
        Ok(())
    }

    /// The times of all kernels since the device was opened or the times were forgotten, the longest
    /// first.
    pub fn kernel_times(&self) -> Vec<KernelTime> {
        self.times.all()
    }

    /// [`Gpu::kernel_times`], which then begin anew.
    pub fn take_kernel_times(&mut self) -> Vec<KernelTime> {
        let times = self.times.all();
        self.times.tallies.clear();
        times
    }

    /// Seconds between the timestamps of the first `n` timed dispatches, once they are done.
    pub(super) fn timestamps(&self, n: usize) -> Result<Vec<f64>, Error> {
        let Some(queries) = self.times.queries.as_ref().filter(|_| n > 0) else {
            return Ok(Vec::new());
        };
        let slice = queries.staging.slice(..16 * n as u64);
        slice.map_async(wgpu::MapMode::Read, |_| {});
        self.wait(None)?;
        let view = slice.get_mapped_range().map_err(|error| self.lost(error.to_string()))?;
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        queries.staging.unmap();
        let secs = |pair: &[u64]| pair[1].saturating_sub(pair[0]) as f64 * queries.period * 1e-9;
        Ok(ticks.chunks_exact(2).map(secs).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::decide::NormTile;
    use super::*;

    fn norm(slices: u32) -> Kernel {
        Kernel::RmsNorm(NormTile { slices, subgroup: 1 })
    }

    fn recording(kernel: Kernel, work: u64) -> Recording {
        let mut recording = Recording::default();
        let (buffers, shape, groups) = (Vec::new(), Vec::new(), [1, 1]);
        recording.run(Dispatch { kernel, buffers, shape, groups, work, cuts: false });
        recording
    }

    #[test]
    fn gpu_times_of_some_runs_stand_for_all_of_their_variant() {
        let mut times = Times::default();
        for work in [100, 100, 200] {
            times.count(&recording(norm(1), work));
        }
        times.count(&recording(norm(128), 50));
        times.count(&recording(Kernel::Gated, 10));
        times.note(norm(1), 100, 0.5);
        times.note(norm(128), 50, 0.25);
        times.note(Kernel::Gated, 10, 3.0);
        let time = |name, n_runs, secs| KernelTime { name, n_runs, secs };
        assert_eq!(times.all(), [time("gated", 1, 3.0), time("rms_norm", 4, 2.25)]);
    }

    #[test]
    fn gpu_without_timestamps_only_a_measurement_is_timed() {
        let mut times = Times::default();
        assert!((0..70).all(|_| times.count(&recording(Kernel::Gated, 1)) == Timing::Off));
        times.measures_all = true;
        assert_eq!(times.count(&recording(Kernel::Gated, 1)), Timing::Submissions);
    }
}
