//! The backends, and the only place that opens their devices.

mod place;
#[cfg(feature = "remote")]
pub mod remote;
#[cfg(feature = "wgpu")]
mod wgpu;

use std::path::Path;

use burn::tensor::{Device, ExecutionError};
pub use place::{Place, PlaceError, Server, USUAL_PORT};
use serde::Serialize;
use thiserror::Error;

use crate::workers;

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
    /// What another machine serves with `hourglass serve`; for training
    Remote,
}

impl Backend {
    /// Those of this machine, which a config may name.
    pub const LOCAL: [(&str, Self); 3] = [
        ("flex", Self::Flex),
        ("ndarray", Self::NdArray),
        ("wgpu", Self::Wgpu),
    ];
    const REMOTE: &str = "remote";

    /// The name in configs and on the command line.
    pub fn name(self) -> &'static str {
        let local = Self::LOCAL.iter().find(|(_, backend)| *backend == self);
        local.map_or(Self::REMOTE, |(name, _)| name)
    }

    /// The backend of a name.
    pub fn named(name: &str) -> Option<Self> {
        let local = Self::LOCAL.iter().find(|(known, _)| *known == name);
        local
            .map(|(_, backend)| *backend)
            .or((name == Self::REMOTE).then_some(Self::Remote))
    }

    /// Whether this build contains the backend.
    pub fn is_compiled_in(self) -> bool {
        match self {
            Self::Flex => cfg!(feature = "flex"),
            Self::NdArray => cfg!(feature = "ndarray"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Remote => cfg!(feature = "remote"),
        }
    }

    /// Whether the backend compiles kernels for each shape of tensor, and works behind a queue that
    /// reading a result back empties.
    pub fn is_accelerator(self) -> bool {
        matches!(self, Self::Wgpu | Self::Remote)
    }
}

/// What an accelerator has room for beside a network, though it may not take as much in one tensor.
const SURELY_THERE_BYTES: u64 = 1 << 30;

/// A device that is ready to compute, and others that help it train.
#[derive(Clone, Debug)]
pub struct OpenDevice {
    pub backend: Backend,
    /// Without autodiff; training adds it.
    pub device: Device,
    /// Those that the shards of a step are computed on, of which `device` is the first. The same several times is several
    /// workers.
    pub workers: Vec<Device>,
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
    #[error("there is no {place}: {found} adapters are there, counted from 0")]
    NoSuchAdapter { place: Place, found: usize },
    #[error("devices need one backend, these are of {} and {}", .0.name(), .1.name())]
    Mixed(Backend, Backend),
    #[error("{0} is named twice, or is a server with the key of another")]
    Twice(String),
    #[error("the backend `remote` needs the name of a server")]
    NoServer,
    #[cfg(feature = "remote")]
    #[error(transparent)]
    Remote(#[from] remote::RemoteError),
}

impl DeviceError {
    /// Returns whether a device, the network or another machine failed, rather than what was asked for.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            #[cfg(feature = "remote")]
            Self::Remote(error) => error.is_failure(),
            _ => false,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NotCompiledIn(backend) => format!(
                "build with `--features {0}`, or choose another with --backend; `hourglass devices` lists them",
                backend.name()
            ),
            Self::NoAdapter(_) => "install a Vulkan, Metal or DirectX 12 driver (software: `apt-get install mesa-vulkan-drivers`), or use --backend flex".into(),
            Self::Refused(_) | Self::NoSuchAdapter { .. } => {
                "see `hourglass devices` for what is there, or use --backend flex".into()
            }
            Self::Mixed(..) => "name devices of one".into(),
            Self::Twice(_) => {
                "name each device once, those of one server as remote:HOST/0,remote:HOST/1; a training reaches one server".into()
            }
            Self::NoServer => {
                "name one with `hourglass train --backend remote --remote HOST`; all but training is computed here, with \
                --backend flex, ndarray or wgpu"
                    .into()
            }
            #[cfg(feature = "remote")]
            Self::Remote(error) => error.hint(),
        }
    }
}

impl OpenDevice {
    /// Whether so many bytes should be kept on the device for good, and if so, in tensors of at most how many: it
    /// has a memory of its own, where there is room.
    pub fn keeps(&self, bytes: u64) -> Option<u64> {
        self.largest_tensor_bytes
            .filter(|most| bytes <= *most.max(&SURELY_THERE_BYTES))
    }

    /// The same with so many workers at least: on a processor, which has threads for them.
    pub fn with_workers(mut self, count: usize) -> Self {
        if !self.backend.is_accelerator() && self.workers.len() < count {
            self.workers.resize(count, self.device.clone());
        }
        self
    }

    /// How many workers compute at once: those of a processor no more than it has threads.
    pub fn at_once(&self) -> usize {
        match self.backend.is_accelerator() {
            true => self.workers.len(),
            false => self.workers.len().min(workers::threads()),
        }
    }

    /// Together with another, which computes some of the shards.
    fn and(mut self, other: Self) -> Result<Self, DeviceError> {
        if other.backend != self.backend {
            return Err(DeviceError::Mixed(self.backend, other.backend));
        }
        // A processor is the same however often it is named, and has threads for each time.
        if self.backend.is_accelerator() {
            // Of servers with one key Burn asks the first for all.
            if self.workers.contains(&other.device) {
                return Err(DeviceError::Twice(other.device_name));
            }
            self.device_name += &format!(" and {}", other.device_name);
            self.description += &format!(" and {}", other.description);
        }
        let most = [self.largest_tensor_bytes, other.largest_tensor_bytes];
        self.largest_tensor_bytes = most[0].min(most[1]);
        self.workers.extend(other.workers);
        Ok(self)
    }
}

/// Opens the device of a backend; there is no fallback to another.
///
/// # Errors
/// The backend is not compiled in, or has no usable device.
pub fn open(backend: Backend) -> Result<OpenDevice, DeviceError> {
    match backend {
        Backend::Remote if backend.is_compiled_in() => Err(DeviceError::NoServer),
        backend => open_place(&Place::of(backend), None),
    }
}

/// Opens several devices of one backend; those that are remote with a key, or the usual one.
///
/// # Errors
/// None is named, they are of several backends, or one cannot be opened.
pub fn open_all(places: &[Place], key: Option<&Path>) -> Result<OpenDevice, DeviceError> {
    let mut opened = places.iter().map(|place| open_place(place, key));
    let first = opened.next().ok_or(DeviceError::NoServer)??;
    opened.try_fold(first, |all, other| all.and(other?))
}

/// Whether a device may be there, as far as can be told without opening it or reaching its server.
///
/// # Errors
/// It cannot.
pub fn check(place: &Place, key: Option<&Path>) -> Result<(), DeviceError> {
    let _ = key;
    match place {
        place if !place.backend().is_compiled_in() => {
            Err(DeviceError::NotCompiledIn(place.backend()))
        }
        #[cfg(feature = "wgpu")]
        Place::Local {
            backend: Backend::Wgpu,
            index,
        } => wgpu::check(*index),
        #[cfg(feature = "remote")]
        Place::Remote(_) => Ok(remote::check_key(key)?),
        _ => Ok(()),
    }
}

fn open_place(place: &Place, key: Option<&Path>) -> Result<OpenDevice, DeviceError> {
    let _ = key;
    match place {
        #[cfg(feature = "flex")]
        Place::Local {
            backend: backend @ Backend::Flex,
            ..
        } => Ok(on_processor(*backend, Device::flex())),
        #[cfg(feature = "ndarray")]
        Place::Local {
            backend: backend @ Backend::NdArray,
            ..
        } => Ok(on_processor(*backend, ndarray::open())),
        #[cfg(feature = "wgpu")]
        Place::Local {
            backend: Backend::Wgpu,
            index,
        } => wgpu::open(*index),
        #[cfg(feature = "remote")]
        Place::Remote(server) => Ok(remote::connect(server, key)?),
        #[allow(unreachable_patterns)] // reachable only when a backend is left out
        place => Err(DeviceError::NotCompiledIn(place.backend())),
    }
}

/// Whether a device computes on the thread that asks it to, so that several at once need as many threads. Others take
/// work and compute it by themselves.
pub fn computes_on_callers_thread(device: &Device) -> bool {
    match device.clone().inner().as_dispatch() {
        #[cfg(feature = "flex")]
        burn::backend::DispatchDevice::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        burn::backend::DispatchDevice::NdArray(_) => true,
        _ => false,
    }
}

#[cfg(any(feature = "flex", feature = "ndarray"))]
fn on_processor(backend: Backend, device: Device) -> OpenDevice {
    OpenDevice {
        backend,
        workers: vec![device.clone()],
        device,
        device_name: processor_name(),
        description: processor(),
        largest_tensor_bytes: None,
    }
}

/// What Burn's client says of a question that no server answers any more.
const UNANSWERED: [&str; 2] = ["RecvError", "Remote response channel closed"];

/// The cause of a device's failure in one line; what Burn prints fills a page.
pub fn cause(error: &ExecutionError) -> String {
    cause_in(&format!("{error:?}"))
}

/// What Burn panics with where it has no way to give the error of a device, as when it copies an optimizer's state.
const PANIC_OF_DEVICE: &str = "Error while reading data: ";

/// The cause of a device's failure, if that is what a panic's message tells of.
pub fn cause_of_panic(message: &str) -> Option<String> {
    message.strip_prefix(PANIC_OF_DEVICE).map(cause_in)
}

fn cause_in(text: &str) -> String {
    if UNANSWERED.iter().any(|said| text.contains(said)) {
        return "the connection to its server was lost".into();
    }
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
    /// What names it on a command line.
    pub place: String,
    pub compiled_in: bool,
    /// Empty when the backend is not compiled in or finds nothing.
    pub device: String,
    /// The driver and anything a user should know.
    pub note: String,
}

/// Every backend with the devices it finds on this machine.
pub fn list() -> Vec<Listing> {
    let mut listings = Vec::new();
    for (_, backend) in Backend::LOCAL {
        let listing = |place: Place, device, note| Listing {
            backend,
            place: place.to_string(),
            compiled_in: backend.is_compiled_in(),
            device,
            note,
        };
        let place = Place::of(backend);
        match backend {
            _ if !backend.is_compiled_in() => {
                listings.push(listing(place, String::new(), "not compiled in".into()));
            }
            #[cfg(feature = "wgpu")]
            Backend::Wgpu => {
                let adapters = wgpu::adapters();
                if adapters.is_empty() {
                    let missing = DeviceError::NoAdapter(String::new()).hint();
                    let note = format!("no adapter: {missing}");
                    listings.push(listing(place, String::new(), note));
                }
                for (index, (name, note)) in adapters.into_iter().enumerate() {
                    let index = Some(index);
                    listings.push(listing(Place::Local { backend, index }, name, note));
                }
            }
            _ => listings.push(listing(place, processor(), String::new())),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_burn_about_a_device_is_told_from_others() {
        let read = "Error while reading data: use `try_into_data` instead to catch the error at runtime: An error happened \
            during execution\nCaused by:\n  Failed to read tensor: RecvError(())";
        let cause = cause_of_panic(read).unwrap();
        assert_eq!(cause, "the connection to its server was lost");
        let local = "Error while reading data: Validation Error\nCaused by:\n  out of memory\nbacktrace:\n 1 x";
        let cause = cause_of_panic(local).unwrap();
        assert_eq!(cause, "Validation Error: out of memory");
        assert_eq!(cause_of_panic("index out of bounds"), None);
    }

    #[test]
    fn a_backend_is_named_alike_everywhere() {
        use clap::ValueEnum;
        let remote = (Backend::REMOTE, Backend::Remote);
        for (name, backend) in Backend::LOCAL.into_iter().chain([remote]) {
            assert_eq!(backend.name(), name);
            assert_eq!(Backend::named(name), Some(backend));
            assert_eq!(serde_json::to_value(backend).unwrap(), name);
            assert_eq!(backend.to_possible_value().unwrap().get_name(), name);
        }
    }
}
