//! Graphics adapters.

use std::collections::HashMap;
use std::sync::Mutex;

use burn::tensor::{Device, DeviceKind};
use burn_wgpu::WgpuInitError;
use burn_wgpu::wgpu::{Adapter, AdapterInfo, Backends, DeviceType, Instance, InstanceDescriptor};

use super::{Backend, DeviceError, OpenDevice, Place};

/// Burn initialises the runtime of a device once a process; later calls get the same.
static OPENED: Mutex<Option<HashMap<Option<usize>, OpenDevice>>> = Mutex::new(None);

/// Vulkan, Metal and DirectX 12. OpenGL, which Burn would resort to, lacks what it needs.
const GRAPHICS_APIS: Backends = Backends::PRIMARY;

/// Opens an adapter by its place in the list of all, or the one that Burn takes for the fastest.
pub fn open(index: Option<usize>) -> Result<OpenDevice, DeviceError> {
    let mut opened = OPENED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let opened = opened.get_or_insert_default();
    if let Some(opened) = opened.get(&index) {
        return Ok(opened.clone());
    }
    let kind = find(index)?;
    let (device, setup) = Device::wgpu_options()
        .device_kind(kind)
        .init_with_setup()
        .map_err(|error| match error {
            WgpuInitError::AdapterUnavailable { message, .. } => DeviceError::NoAdapter(message),
            other => DeviceError::Refused(other.to_string()),
        })?;
    let limits = setup.device.limits();
    let info = setup.adapter.get_info();
    let device = OpenDevice {
        backend: Backend::Wgpu,
        workers: vec![device.clone()],
        device,
        device_name: describe(&info),
        description: describe(&info),
        largest_tensor_bytes: Some(
            limits
                .max_buffer_size
                .min(limits.max_storage_buffer_binding_size),
        ),
    };
    opened.insert(index, device.clone());
    Ok(device)
}

/// Whether there is an adapter at a place in the list, or any.
pub fn check(index: Option<usize>) -> Result<(), DeviceError> {
    find(index).map(drop)
}

fn find(index: Option<usize>) -> Result<DeviceKind, DeviceError> {
    let infos = infos();
    if infos.is_empty() {
        return Err(DeviceError::NoAdapter(
            "neither through Vulkan nor Metal nor DirectX 12".into(),
        ));
    }
    let Some(index) = index else {
        return Ok(DeviceKind::DefaultDevice);
    };
    kind(&infos, index).ok_or(DeviceError::NoSuchAdapter {
        place: Place::Local {
            backend: Backend::Wgpu,
            index: Some(index),
        },
        found: infos.len(),
    })
}

/// How Burn calls the adapter at a place in the list: by its kind, and its place among those of its kind.
fn kind(infos: &[AdapterInfo], index: usize) -> Option<DeviceKind> {
    let device_type = infos.get(index)?.device_type;
    let of_its_type = |info: &&AdapterInfo| info.device_type == device_type;
    let before = infos[..index].iter().filter(of_its_type).count();
    match device_type {
        DeviceType::DiscreteGpu => Some(DeviceKind::DiscreteGpu(before)),
        DeviceType::IntegratedGpu => Some(DeviceKind::IntegratedGpu(before)),
        DeviceType::VirtualGpu => Some(DeviceKind::VirtualGpu(before)),
        // Burn knows one of these.
        DeviceType::Cpu if before == 0 => Some(DeviceKind::Cpu),
        DeviceType::Cpu | DeviceType::Other => None,
    }
}

fn infos() -> Vec<AdapterInfo> {
    let instance = Instance::new(InstanceDescriptor {
        backends: GRAPHICS_APIS,
        ..InstanceDescriptor::new_without_display_handle()
    });
    futures_lite::future::block_on(instance.enumerate_adapters(GRAPHICS_APIS))
        .iter()
        .map(Adapter::get_info)
        .collect()
}

/// Name and driver of each adapter, as wgpu orders them.
pub fn adapters() -> Vec<(String, String)> {
    infos()
        .iter()
        .map(|info| {
            let driver = format!("{} {}", info.driver, info.driver_info);
            (describe(info), driver.trim().to_owned())
        })
        .collect()
}

fn describe(info: &AdapterInfo) -> String {
    let kind = match info.device_type {
        DeviceType::DiscreteGpu => "discrete GPU",
        DeviceType::IntegratedGpu => "integrated GPU",
        DeviceType::VirtualGpu => "virtual GPU",
        DeviceType::Cpu => "software, runs on the CPU",
        DeviceType::Other => "unknown kind",
    };
    format!("{} ({:?}, {kind})", info.name, info.backend)
}
