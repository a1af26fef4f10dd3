//! Which graphics adapters there are, and which one is taken.

use super::Error;
use std::sync::OnceLock;

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

/// Every adapter that could be used, the fastest kind first. The drivers are asked once.
pub fn adapters() -> &'static [AdapterInfo] {
    static ADAPTERS: OnceLock<Vec<AdapterInfo>> = OnceLock::new();
    ADAPTERS.get_or_init(|| all().iter().map(AdapterInfo::of).collect())
}

/// The adapter that is taken: the first, or the first whose name holds what `BACKSTORY_ADAPTER` says.
///
/// # Errors
/// [`Error::NoAdapter`]
pub fn choose() -> Result<AdapterInfo, Error> {
    let wanted = std::env::var("BACKSTORY_ADAPTER").unwrap_or_default();
    let names: Vec<String> = adapters().iter().map(|adapter| adapter.name.clone()).collect();
    match pick(&names, &wanted) {
        Some(ix) => Ok(adapters()[ix].clone()),
        None if wanted.is_empty() => Err(Error::NoAdapter { wanted }),
        None => Err(Error::NoAdapter {
            wanted: format!(
                " whose name holds `{wanted}` (BACKSTORY_ADAPTER); there are: {}",
                if names.is_empty() { "none".into() } else { names.join(", ") }
            ),
        }),
    }
}

/// The chosen adapter itself.
pub(super) fn chosen() -> Result<wgpu::Adapter, Error> {
    let choice = choose()?;
    let mut all = all().into_iter();
    all.find(|adapter| AdapterInfo::of(adapter) == choice).ok_or(Error::NoAdapter {
        wanted: format!(" named {}, which was there before", choice.name),
    })
}

/// Bytes of memory that an adapter has for itself; `None` where that is not known, and for programs on
/// the CPU, which take the machine's own.
pub(super) fn memory_bytes(adapter: &wgpu::Adapter) -> Option<u64> {
    if adapter.get_info().device_type == wgpu::DeviceType::Cpu {
        return None;
    }
    #[cfg(not(target_vendor = "apple"))]
    {
        /// `VK_MEMORY_HEAP_DEVICE_LOCAL_BIT`
        const DEVICE_LOCAL: u32 = 1;
        // SAFETY: the handle is only asked for its properties while the adapter is held here.
        let properties = unsafe {
            let vulkan = adapter.as_hal::<wgpu::hal::api::Vulkan>()?;
            let instance = vulkan.shared_instance().raw_instance();
            instance.get_physical_device_memory_properties(vulkan.raw_physical_device())
        };
        let heaps = properties.memory_heaps_as_slice().iter();
        let own = heaps.filter(|heap| heap.flags.as_raw() & DEVICE_LOCAL != 0);
        own.map(|heap| heap.size).max()
    }
    #[cfg(target_vendor = "apple")]
    None
}

fn pick(names: &[String], wanted: &str) -> Option<usize> {
    let wanted = wanted.to_lowercase();
    names.iter().position(|name| name.to_lowercase().contains(&wanted))
}

fn all() -> Vec<wgpu::Adapter> {
    let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    // The rest is for what the driver itself takes, and for other programs.
    descriptor.memory_budget_thresholds.for_resource_creation = Some(95);
    let instance = wgpu::Instance::new(descriptor);
    let mut all = pollster::block_on(instance.enumerate_adapters(backends));
    // Dispatches carry their sizes as immediates, and scales of weights are half-precision numbers.
    all.retain(|adapter| {
        let flags = adapter.get_downlevel_capabilities().flags;
        adapter.features().contains(wgpu::Features::IMMEDIATES)
            && flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
            && flags.contains(wgpu::DownlevelFlags::SHADER_F16_IN_F32)
    });
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
