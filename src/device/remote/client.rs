//! Reaching a device of another machine.

use std::net::ToSocketAddrs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use burn::remote::{IrohHost, RemoteHost};
use burn::tensor::Device;
use iroh::{Endpoint, SecretKey};

use super::key::Key;
use super::{RemoteError, endpoint, runtime, usual_key};
use crate::device::{Backend, OpenDevice, Server};

/// How long a server that is gone is told goodbye.
const FAREWELL: Duration = Duration::from_secs(2);

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
    let key = read_key(key)?;
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

/// Whether there is a key, in a file or at the usual place.
///
/// # Errors
/// There is none.
pub fn check_key(key: Option<&Path>) -> Result<(), RemoteError> {
    read_key(key).map(drop)
}

fn read_key(key: Option<&Path>) -> Result<Key, RemoteError> {
    let path = key.map_or_else(usual_key, |path| Ok(path.to_owned()))?;
    Key::read(&path)
}

/// The socket that all servers are asked from, under an identity of this process alone.
static ENDPOINT: OnceLock<Endpoint> = OnceLock::new();

fn asking_endpoint() -> Result<Endpoint, RemoteError> {
    if let Some(endpoint) = ENDPOINT.get() {
        return Ok(endpoint.clone());
    }
    let bound = runtime()
        .block_on(endpoint(SecretKey::generate(), None, Vec::new()))
        .map_err(RemoteError::Socket)?;
    Ok(ENDPOINT.get_or_init(|| bound).clone())
}

/// Held while servers may be asked; when it is dropped they are told that this process has ended, so that they need not
/// keep its tensors until its silence is long enough.
#[derive(Debug, Default)]
pub struct Connection;

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(endpoint) = ENDPOINT.get() {
            let closed = async { tokio::time::timeout(FAREWELL, endpoint.close()).await };
            // Whether or not they heard, this ends.
            let _ = runtime().block_on(closed);
        }
    }
}
