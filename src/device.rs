//! The backends, and the only place that opens their devices.

use burn::tensor::{Device, ExecutionError};
use serde::Serialize;
use thiserror::Error;

/// Which implementation runs the tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum Backend {
    /// CPU, pure Rust: the default
    Flex,
    /// CPU, on the ndarray crate
    NdArray,
    /// GPU through Vulkan, Metal or DirectX 12; Mesa's software Vulkan counts
    Wgpu,
}

impl Backend {
    pub const NAMES: [(&str, Self); 3] = [
        ("flex", Self::Flex),
        ("ndarray", Self::NdArray),
        ("wgpu", Self::Wgpu),
    ];

    /// The name in configs and on the command line.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }

    /// Whether this build contains the backend.
    pub fn is_compiled_in(self) -> bool {
        match self {
            Self::Flex => cfg!(feature = "flex"),
            Self::NdArray => cfg!(feature = "ndarray"),
            Self::Wgpu => cfg!(feature = "wgpu"),
        }
    }

    /// Whether the backend compiles kernels for each shape of tensor, and works behind a queue that
    /// reading a result back empties.
    pub fn is_accelerator(self) -> bool {
        self == Self::Wgpu
    }
}

/// A device that is ready to compute.
#[derive(Clone, Debug)]
pub struct OpenDevice {
    pub backend: Backend,
    /// Without autodiff; training adds it.
    pub device: Device,
    /// What it is, for the receipt.
    pub device_name: String,
    /// What it is and how much of it is used, for people.
    pub description: String,
    /// The largest tensor that the device takes, where it has a memory of its own.
    pub largest_tensor_bytes: Option<u64>,
}

/// Why a device cannot be opened.
#[derive(Debug, Error)]
pub enum DeviceError {
    #[error("this build of hourglass does not contain the backend `{}`", .0.name())]
    NotCompiledIn(Backend),
    #[error("the backend `wgpu` found no graphics adapter ({0})")]
    NoAdapter(String),
    #[error("the backend `wgpu` could not open its device ({0})")]
    Refused(String),
}

impl DeviceError {
    /// What the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NotCompiledIn(backend) => format!(
                "build with `--features {0}`, or choose another with --backend; `hourglass devices` lists them",
                backend.name()
            ),
            Self::NoAdapter(_) => "install a Vulkan, Metal or DirectX 12 driver (software: `apt-get install mesa-vulkan-drivers`), or use --backend flex".into(),
            Self::Refused(_) => "see `hourglass devices` for what is there, or use --backend flex".into(),
        }
    }
}

impl OpenDevice {
    /// Whether a tensor of so many bytes should be kept on the device for good: it has a memory of
    /// its own, and the tensor fits.
    pub fn keeps(&self, bytes: u64) -> bool {
        self.largest_tensor_bytes.is_some_and(|most| bytes <= most)
    }
}

/// Opens the device of a backend; there is no fallback to another.
///
/// # Errors
/// The backend is not compiled in, or has no usable device.
pub fn open(backend: Backend) -> Result<OpenDevice, DeviceError> {
    match backend {
        #[cfg(feature = "flex")]
        Backend::Flex => Ok(on_processor(backend, Device::flex())),
        #[cfg(feature = "ndarray")]
        Backend::NdArray => Ok(on_processor(backend, ndarray::open())),
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => wgpu::open(),
        #[allow(unreachable_patterns)] // reachable only when a backend is left out
        backend => Err(DeviceError::NotCompiledIn(backend)),
    }
}

#[cfg(any(feature = "flex", feature = "ndarray"))]
fn on_processor(backend: Backend, device: Device) -> OpenDevice {
    OpenDevice {
        backend,
        device,
        device_name: processor_name(),
        description: processor(),
        largest_tensor_bytes: None,
    }
}

/// The cause of a device's failure in one line; what Burn prints fills a page.
pub fn cause(error: &ExecutionError) -> String {
    let text = format!("{error:?}");
    let causes: Vec<_> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.contains("backtrace"))
        .filter(|line| !line.is_empty() && *line != "Caused by:")
        .collect();
    // The outermost says what failed, the innermost why.
    match causes[..] {
        [] => "no reason given".into(),
        [only] => only.into(),
        [first, .., last] => format!("{first}: {last}"),
    }
}

/// The processor's name and the number of threads this process may use on it.
pub fn processor() -> String {
    let threads = rayon::current_num_threads();
    format!("{}, {threads} threads", processor_name())
}

/// The processor's name.
pub fn processor_name() -> String {
    let system = sysinfo::System::new_with_specifics(
        sysinfo::RefreshKind::nothing().with_cpu(sysinfo::CpuRefreshKind::nothing()),
    );
    system
        .as_ref()
        .ok()
        .and_then(|system| system.cpus().first())
        .map_or("unknown processor", |cpu| cpu.brand().trim())
        .to_owned()
}

/// One device that a backend could open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing {
    pub backend: Backend,
    pub compiled_in: bool,
    /// Empty when the backend is not compiled in or finds nothing.
    pub device: String,
    /// The driver and anything a user should know.
    pub note: String,
}

/// Every backend with the devices it finds on this machine.
pub fn list() -> Vec<Listing> {
    let mut listings = Vec::new();
    for (_, backend) in Backend::NAMES {
        let listing = |device, note| Listing {
            backend,
            compiled_in: backend.is_compiled_in(),
            device,
            note,
        };
        match backend {
            _ if !backend.is_compiled_in() => {
                listings.push(listing(String::new(), "not compiled in".into()));
            }
            #[cfg(feature = "wgpu")]
            Backend::Wgpu => {
                let adapters = wgpu::adapters();
                if adapters.is_empty() {
                    let missing = DeviceError::NoAdapter(String::new()).hint();
                    listings.push(listing(String::new(), format!("no adapter: {missing}")));
                }
                for (name, note) in adapters {
                    listings.push(listing(name, note));
                }
            }
            _ => listings.push(listing(processor(), String::new())),
        }
    }
    listings
}

#[cfg(feature = "ndarray")]
mod ndarray {
    /// The backend is deprecated upstream; hourglass keeps it while it is there.
    #[allow(deprecated)]
    pub fn open() -> burn::tensor::Device {
        burn::tensor::Device::ndarray()
    }
}

#[cfg(feature = "wgpu")]
mod wgpu {
    use std::sync::Mutex;

    use burn::tensor::Device;
    use burn_wgpu::WgpuInitError;
    use burn_wgpu::wgpu::{AdapterInfo, Backends, DeviceType, Instance, InstanceDescriptor};

    use super::{Backend, DeviceError, OpenDevice};

    /// Burn initialises the runtime once a process; later calls get the same device.
    static OPENED: Mutex<Option<OpenDevice>> = Mutex::new(None);

    /// Vulkan, Metal and DirectX 12. OpenGL, which Burn would resort to, lacks what it needs.
    const GRAPHICS_APIS: Backends = Backends::PRIMARY;

    pub fn open() -> Result<OpenDevice, DeviceError> {
        let mut opened = OPENED
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(opened) = &*opened {
            return Ok(opened.clone());
        }
        if adapters().is_empty() {
            return Err(DeviceError::NoAdapter(
                "neither through Vulkan nor Metal nor DirectX 12".into(),
            ));
        }
        let (device, setup) =
            Device::wgpu_options()
                .init_with_setup()
                .map_err(|error| match error {
                    WgpuInitError::AdapterUnavailable { message, .. } => {
                        DeviceError::NoAdapter(message)
                    }
                    other => DeviceError::Refused(other.to_string()),
                })?;
        let limits = setup.device.limits();
        let device = OpenDevice {
            backend: Backend::Wgpu,
            device,
            device_name: describe(&setup.adapter.get_info()),
            description: describe(&setup.adapter.get_info()),
            largest_tensor_bytes: Some(
                limits
                    .max_buffer_size
                    .min(limits.max_storage_buffer_binding_size),
            ),
        };
        Ok(opened.insert(device).clone())
    }

    /// Name and driver of each adapter, as wgpu orders them.
    pub fn adapters() -> Vec<(String, String)> {
        let instance = Instance::new(InstanceDescriptor {
            backends: GRAPHICS_APIS,
            ..InstanceDescriptor::new_without_display_handle()
        });
        futures_lite::future::block_on(instance.enumerate_adapters(GRAPHICS_APIS))
            .iter()
            .map(|adapter| {
                let info = adapter.get_info();
                let driver = format!("{} {}", info.driver, info.driver_info);
                (describe(&info), driver.trim().to_owned())
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_named_alike_everywhere() {
        use clap::ValueEnum;
        for (name, backend) in Backend::NAMES {
            assert_eq!(backend.name(), name);
            assert_eq!(serde_json::to_value(backend).unwrap(), name);
            assert_eq!(backend.to_possible_value().unwrap().get_name(), name);
        }
    }
}
