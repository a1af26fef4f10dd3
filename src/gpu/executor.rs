//! Who does the dispatches of a recording: the device, or the kernels' twins. It is for finding wrong
//! kernels, and so it is there only in tests.
//!
//! Take the results under [`Executor::Wgpu`], and then under [`Executor::TwinUntil`] for one kernel
//! after the other, in the order in which they first run. The first whose results differ is the one
//! on which device and twin disagree.

use super::Error;
use super::device::Gpu;
use super::recording::{Dispatch, Recording, Step};
use super::twins::{Twin, twin};
use crate::job::Watch;

/// Who does dispatches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Executor {
    /// The device.
    #[default]
    Wgpu,
    /// The twins, on what they read from the device's buffers.
    Twin,
    /// The twins, until the first dispatch of the kernel of this name is done; then the device.
    TwinUntil(&'static str),
}

/// Who does a device's dispatches, and the twins that it may be.
pub(super) struct Execution {
    executor: Executor,
    twin: Twin,
}

impl Default for Execution {
    fn default() -> Self {
        Self { executor: Executor::default(), twin }
    }
}

impl Execution {
    /// Whether a recording is not simply submitted.
    pub fn takes_twins(&self) -> bool {
        self.executor != Executor::Wgpu
    }
}

impl Gpu {
    /// Who does the dispatches from now on, by which twins.
    pub fn execute_with(&mut self, executor: Executor, twin: Twin) {
        self.execution = Execution { executor, twin };
    }

    /// Does the steps in order, each on its own. Copies are the device's in any case.
    pub(super) fn run_twins(&mut self, recording: &Recording, watch: &Watch) -> Result<(), Error> {
        let mut executor = self.execution.executor;
        for step in &recording.steps {
            match step {
                Step::Run(dispatch) if executor != Executor::Wgpu => {
                    watch.check()?;
                    self.run_twin(dispatch)?;
                    if executor == Executor::TwinUntil(dispatch.kernel.name()) {
                        executor = Executor::Wgpu;
                    }
                }
                step => {
                    self.execution.executor = Executor::Wgpu;
                    self.run(&Recording { steps: vec![step.clone()] }, watch)?;
                }
            }
            self.execution.executor = executor;
        }
        Ok(())
    }

    fn run_twin(&mut self, dispatch: &Dispatch) -> Result<(), Error> {
        let read = |buffer: &super::Buffer| self.read(buffer, 0, buffer.n_words() as usize);
        let before = dispatch.buffers.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let mut after = before.clone();
        (self.execution.twin)(dispatch.kernel, &dispatch.shape, dispatch.groups, &mut after);
        for (ix, buffer) in dispatch.buffers.iter().enumerate() {
            // What is only read may be bound twice: it must not be written back.
            if after[ix] != before[ix] {
                self.write(buffer, &after[ix]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::parity::device;
    use super::*;
    use crate::gpu::{Kernel, shape};

    /// Twins that leave their marks: sevens and nines.
    fn marks(kernel: Kernel, _: &[u32], _: [u32; 2], buffers: &mut [Vec<u32>]) {
        match kernel {
            Kernel::Gated => buffers[1][..4].fill(7),
            _ => buffers[0][4..].fill(9),
        }
    }

    /// A gate, a copy of it within the same buffer, the gate again, and a copy of all that to another
    /// buffer.
    #[test]
    fn gpu_twins_do_all_until_the_named_kernel_was_run_and_the_device_the_rest() {
        let Some(mut gpu) = device() else { return };
        let inputs = gpu.upload(&[1_f32.to_bits(); 8], "a test").unwrap();
        let [outputs, copy] = [(); 2].map(|()| gpu.buffer(8, "a test").unwrap());
        let mut recording = Recording::default();
        let gate = Dispatch {
            kernel: Kernel::Gated,
            buffers: vec![inputs, outputs.clone()],
            shape: shape::Gated { width: 4 }.words(),
            groups: [1, 1],
            work: 4,
            cuts: false,
        };
        recording.run(gate.clone());
        recording.run(Dispatch {
            kernel: Kernel::MoveWords,
            buffers: vec![outputs.clone()],
            shape: shape::MoveWords { source: 0, place: 4, n: 4 }.words(),
            ..gate.clone()
        });
        recording.run(gate);
        recording.copy(&outputs, 0, &copy, 0, 8);
        let mut run = |executor| {
            gpu.execute_with(executor, marks);
            gpu.run(&recording, &Watch::default()).unwrap();
            let found = gpu.read(&copy, 0, 8).unwrap();
            // What the device makes of ones is 1 / (1 + 1 / e).
            let is_gate = |word| (f32::from_bits(word) - 0.731_058_6).abs() < 1e-5;
            let seen = found.into_iter().map(|word| if is_gate(word) { 1 } else { word });
            seen.collect::<Vec<_>>()
        };
        assert_eq!(run(Executor::Wgpu), [1; 8]);
        assert_eq!(run(Executor::Twin), [7, 7, 7, 7, 9, 9, 9, 9]);
        assert_eq!(run(Executor::TwinUntil("gated")), [1, 1, 1, 1, 7, 7, 7, 7]);
        assert_eq!(run(Executor::TwinUntil("move_words")), [1, 1, 1, 1, 9, 9, 9, 9]);
    }
}
