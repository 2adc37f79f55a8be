//! Reaching a device of another machine.

use std::net::ToSocketAddrs;
use std::path::Path;
use std::sync::OnceLock;

use burn::remote::{IrohHost, RemoteHost};
use burn::tensor::Device;
use iroh::{Endpoint, SecretKey};

use super::key::Key;
use super::{RemoteError, endpoint, runtime, usual_key};
use crate::device::{Backend, OpenDevice, Server};

/// A client is not told how much its device takes; every WebGPU device takes this much.
///
/// # Source
/// WebGPU (W3C), section 3.6.2, `maxStorageBufferBindingSize`.
const LARGEST_TENSOR_BYTES: u64 = 128 << 20;

/// Opens a device that another machine serves, with the key in a file or the usual one. Waits some seconds for a server
/// that is about to start.
///
/// # Errors
/// There is no key, or the server is not reached, has another key or no such device.
pub fn connect(server: &Server, key: Option<&Path>) -> Result<OpenDevice, RemoteError> {
    let path = key.map_or_else(usual_key, |path| Ok(path.to_owned()))?;
    let key = Key::read(&path)?;
    let addresses = (server.host.as_str(), server.port).to_socket_addrs();
    let addresses = addresses.map_err(|source| RemoteError::UnknownHost {
        server: server.clone(),
        source,
    })?;
    let host = IrohHost::new(key.server()).with_endpoint(asking_endpoint()?);
    let host = addresses.fold(host, IrohHost::with_address);
    let host = RemoteHost::iroh(host).with_credential(key.token());
    let device = Device::remote_options(&host)
        .device_index(server.device)
        .init()
        .map_err(|source| RemoteError::Connect {
            server: server.clone(),
            source,
        })?;
    let name = format!(
        "device {} of {}:{}",
        server.device, server.host, server.port
    );
    Ok(OpenDevice {
        backend: Backend::Remote,
        workers: vec![device.clone()],
        device,
        device_name: name.clone(),
        description: name,
        largest_tensor_bytes: Some(LARGEST_TENSOR_BYTES),
    })
}

/// The socket that all servers are asked from, under an identity of this process alone.
fn asking_endpoint() -> Result<Endpoint, RemoteError> {
    static ENDPOINT: OnceLock<Endpoint> = OnceLock::new();
    if let Some(endpoint) = ENDPOINT.get() {
        return Ok(endpoint.clone());
    }
    let bound = runtime()
        .block_on(endpoint(SecretKey::generate(), None, Vec::new()))
        .map_err(RemoteError::Socket)?;
    Ok(ENDPOINT.get_or_init(|| bound).clone())
}
