//! Recordings: what a device shall do, as data.

use super::device::Buffer;
use super::kernel::Kernel;

/// One run of a kernel.
#[derive(Clone)]
pub struct Dispatch {
    /// Which kernel.
    pub kernel: Kernel,
    /// Its buffers, in the order of its bindings.
    pub buffers: Vec<Buffer>,
    /// The words of its `Shape`, see [`super::shape`].
    pub shape: Vec<u32>,
    /// Workgroups in x and y.
    pub groups: [u32; 2],
    /// About how many multiplications it takes; submissions are cut by it.
    pub work: u64,
    /// Whether the workgroups in y may run in several goes: the last word of the shape then says which
    /// of them is the first.
    pub cuts: bool,
}

/// A step of a recording.
#[derive(Clone)]
pub enum Step {
    /// Runs a kernel.
    Run(Dispatch),
    /// Copies `n` words between two buffers.
    Copy {
        /// From where.
        from: Buffer,
        /// First word there.
        from_word: u64,
        /// To where.
        to: Buffer,
        /// First word there.
        to_word: u64,
        /// Words.
        n: u64,
    },
}

/// Steps that a device does in order.
#[derive(Clone, Default)]
pub struct Recording {
    pub(super) steps: Vec<Step>,
}

impl Recording {
    /// Adds a run of a kernel; one without workgroups is left out.
    pub fn run(&mut self, dispatch: Dispatch) {
        if dispatch.groups.iter().all(|n| *n > 0) {
            self.steps.push(Step::Run(dispatch));
        }
    }

    /// Adds a copy of `n` words to another buffer; within one, that is [`Kernel::MoveWords`].
    pub fn copy(&mut self, from: &Buffer, from_word: u64, to: &Buffer, to_word: u64, n: u64) {
        let (from, to) = (from.clone(), to.clone());
        self.steps.push(Step::Copy { from, from_word, to, to_word, n });
    }
}
