//! Devices as users name them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::Backend;

/// The port of `hourglass serve` where none is named.
pub const USUAL_PORT: u16 = 3000;

/// Where something is computed: `flex`, `wgpu`, `wgpu:1`, `remote:gpu-box:3000/1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A device of this machine.
    Local {
        backend: Backend,
        /// Of several adapters, by its place among those that `hourglass devices` lists; without one the backend
        /// chooses. All numbers of a CPU's are the CPU.
        index: Option<usize>,
    },
    /// A device that another machine serves.
    Remote(Server),
}

/// A device behind `hourglass serve`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// A name or an address; one of IPv6 without brackets.
    pub host: String,
    pub port: u16,
    /// Of several devices that it serves.
    pub device: usize,
}

/// Why a text names no device.
#[derive(Debug, Error, PartialEq)]
pub enum PlaceError {
    #[error(
        "{0:?} is no device: a backend (flex, ndarray, wgpu), a backend and a number as in wgpu:1, or \
        remote:HOST[:PORT][/NUMBER]"
    )]
    NotADevice(String),
    #[error(
        "{0:?} is no server: HOST, HOST:PORT or HOST:PORT/NUMBER, an address of IPv6 in brackets"
    )]
    NotAServer(String),
}

impl Place {
    /// The device that a backend chooses on this machine.
    pub fn of(backend: Backend) -> Self {
        Self::Local {
            backend,
            index: None,
        }
    }

    /// What computes there; another machine's own backend is its own affair.
    pub fn backend(&self) -> Backend {
        match self {
            Self::Local { backend, .. } => *backend,
            Self::Remote(_) => Backend::Remote,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local {
                backend,
                index: None,
            } => f.write_str(backend.name()),
            Self::Local {
                backend,
                index: Some(index),
            } => write!(f, "{}:{index}", backend.name()),
            Self::Remote(server) => write!(f, "{}:{server}", Backend::Remote.name()),
        }
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let not_a_device = || PlaceError::NotADevice(text.to_owned());
        let (name, rest) = match text.split_once(':') {
            None => (text, None),
            Some((name, rest)) => (name, Some(rest)),
        };
        let backend = Backend::named(name).ok_or_else(not_a_device)?;
        match (backend, rest) {
            (Backend::Remote, Some(server)) => Ok(Self::Remote(server.parse()?)),
            (Backend::Remote, None) => Err(not_a_device()),
            (backend, None) => Ok(Self::of(backend)),
            (backend, Some(index)) => Ok(Self::Local {
                backend,
                index: Some(index.parse().map_err(|_| not_a_device())?),
            }),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, device } = self;
        match host.contains(':') {
            true => write!(f, "[{host}]:{port}")?,
            false => write!(f, "{host}:{port}")?,
        }
        match device {
            0 => Ok(()),
            device => write!(f, "/{device}"),
        }
    }
}

impl FromStr for Server {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let not_a_server = || PlaceError::NotAServer(text.to_owned());
        let (address, device) = match text.rsplit_once('/') {
            None => (text, 0),
            Some((address, device)) => (address, device.parse().map_err(|_| not_a_server())?),
        };
        let (host, port) = match address.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(not_a_server)?;
                (
                    host,
                    port.strip_prefix(':').or(port.is_empty().then_some("")),
                )
            }
            None => match address.split_once(':') {
                None => (address, Some("")),
                Some((host, port)) => (host, Some(port).filter(|port| !port.is_empty())),
            },
        };
        let port = match port.ok_or_else(not_a_server)? {
            "" => USUAL_PORT,
            port => port.parse().map_err(|_| not_a_server())?,
        };
        let is_host = |c: char| !c.is_whitespace() && !c.is_control() && !"/[]".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(not_a_server());
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            device,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_they_are_written() {
        for text in [
            "flex",
            "flex:1",
            "wgpu:12",
            "remote:gpu-box:3000",
            "remote:10.0.0.7:4000/3",
            "remote:[::1]:3000/2",
        ] {
            let place: Place = text.parse().unwrap();
            assert_eq!(place.to_string(), text);
        }
    }

    #[test]
    fn a_server_has_a_port_and_a_device_where_none_is_named() {
        for text in ["gpu-box", "gpu-box:3000", "gpu-box/0", "gpu-box:3000/0"] {
            let server: Server = text.parse().unwrap();
            assert_eq!(server.to_string(), "gpu-box:3000");
        }
        let server: Server = "[fe80::1]".parse().unwrap();
        assert_eq!((server.host.as_str(), server.port), ("fe80::1", 3000));
    }

    #[test]
    fn what_names_no_device_is_refused() {
        for text in [
            "",
            "cuda",
            "wgpu:",
            "wgpu:-1",
            "wgpu:one",
            "remote",
            "flex,flex",
            "FLEX",
        ] {
            let refused = PlaceError::NotADevice(text.to_owned());
            assert_eq!(text.parse::<Place>(), Err(refused), "{text}");
        }
        for text in [
            "",
            ":3000",
            "host:",
            "host:0x1",
            "host:70000",
            "host/one",
            "a b",
            "::1",
            "[::1",
            "[]:1",
            "[::1]x",
        ] {
            let refused = PlaceError::NotAServer(text.to_owned());
            assert_eq!(text.parse::<Server>(), Err(refused), "{text}");
        }
    }
}
