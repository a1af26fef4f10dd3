//! Adapter, device, buffers, kernels and their recordings: arithmetic on a GPU.
//!
//! What is computed belongs to the callers: this room has never heard of a token. The kernels
//! themselves are `shaders/*.wgsl`; each has a twin in plain Rust, in the tests.

mod adapter;
mod decide;
mod device;
mod format;
mod kernel;
mod pipelines;
mod recording;
mod running;
pub mod shape;
mod timing;

#[cfg(test)]
mod executor;
#[cfg(test)]
mod parity;
#[cfg(test)]
mod twins;

pub use adapter::{AdapterInfo, adapters, choose};
pub use decide::{
    CachePrecision, Forced, MatmulTile, Mode, NormTile, Traits, matmul_tile, norm_tile, top_lanes,
};
pub use device::{Buffer, Gpu};
pub use format::{Format, TILE_ROWS, repack};
pub use kernel::{Kernel, PAGE, PARTS, attention_lanes};
pub use recording::{Dispatch, Recording};
pub use timing::KernelTime;

#[cfg(test)]
pub use executor::Executor;
#[cfg(test)]
pub use parity::device;
#[cfg(test)]
pub use twins::{Twin, twin};

use crate::job::Cancelled;

/// What can go wrong between a recording and its numbers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no adapter that could be used.
    #[error(
        "no graphics adapter was found{wanted}; install a Vulkan, Metal or DirectX 12 driver, or \
         compute on the CPU with --device cpu"
    )]
    NoAdapter {
        /// What was asked for, in words; empty when any would do.
        wanted: String,
    },
    /// The adapter gives no device.
    #[error("the graphics adapter {adapter} cannot be used: {reason}")]
    Device {
        /// The adapter's name.
        adapter: String,
        /// What the driver says.
        reason: String,
    },
    /// The adapter has too little memory left.
    #[error(
        "the graphics adapter {adapter} has no {n_mib} MiB left for {what}; close other programs, \
         take a smaller model, or compute on the CPU with --device cpu"
    )]
    OutOfMemory {
        /// The adapter's name.
        adapter: String,
        /// What the memory was for.
        what: String,
        /// MiB that were asked for.
        n_mib: u64,
    },
    /// The device is gone: unplugged, reset or crashed.
    #[error(
        "the graphics adapter {adapter} stopped working ({reason}); the model must be loaded again"
    )]
    Lost {
        /// The adapter's name.
        adapter: String,
        /// What the driver says.
        reason: String,
    },
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
