//! Which graphics adapters there are, and which one is taken.

use super::Error;

/// What is known of an adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterInfo {
    /// Its name, as the driver gives it.
    pub name: String,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// Whether it is a program that computes on the CPU.
    pub is_software: bool,
}

impl AdapterInfo {
    pub(super) fn of(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        Self {
            backend: info.backend.to_str().to_owned(),
            is_software: info.device_type == wgpu::DeviceType::Cpu,
            name: info.name,
        }
    }
}

/// Every adapter that could be used, the fastest kind first.
pub fn adapters() -> Vec<AdapterInfo> {
    all().iter().map(AdapterInfo::of).collect()
}

/// The adapter that would be taken.
///
/// # Errors
/// [`Error::NoAdapter`]
pub fn choose() -> Result<AdapterInfo, Error> {
    Ok(AdapterInfo::of(&chosen()?))
}

/// The first of the adapters, or the first whose name holds what `BACKSTORY_ADAPTER` says.
pub(super) fn chosen() -> Result<wgpu::Adapter, Error> {
    let wanted = std::env::var("BACKSTORY_ADAPTER").unwrap_or_default();
    let mut all = all();
    let names: Vec<String> = all.iter().map(|adapter| AdapterInfo::of(adapter).name).collect();
    match pick(&names, &wanted) {
        Some(ix) => Ok(all.swap_remove(ix)),
        None if wanted.is_empty() => Err(Error::NoAdapter { wanted }),
        None => Err(Error::NoAdapter {
            wanted: format!(
                " whose name holds `{wanted}` (BACKSTORY_ADAPTER); there are: {}",
                if names.is_empty() { "none".into() } else { names.join(", ") }
            ),
        }),
    }
}

fn pick(names: &[String], wanted: &str) -> Option<usize> {
    let wanted = wanted.to_lowercase();
    names.iter().position(|name| name.to_lowercase().contains(&wanted))
}

fn all() -> Vec<wgpu::Adapter> {
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    let instance = wgpu::Instance::new(descriptor);
    let mut all = pollster::block_on(instance.enumerate_adapters(backends));
    // Dispatches carry their sizes as immediates.
    all.retain(|adapter| adapter.features().contains(wgpu::Features::IMMEDIATES));
    all.sort_by_key(|adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpu_adapters_are_picked_by_a_part_of_their_name() {
        let names = ["Fast One".to_owned(), "llvmpipe (LLVM 15)".to_owned()];
        assert_eq!(pick(&names, ""), Some(0));
        assert_eq!(pick(&names, "LLVM"), Some(1));
        assert_eq!(pick(&names, "other"), None);
        assert_eq!(pick(&[], ""), None);
    }
}
