//! Devices of other machines, through Burn's own server and client.
//!
//! Both talk QUIC (iroh): encrypted, and each side proves who it is. Relays, lookup services and port mapping, with which
//! iroh finds machines across the internet, are off: a server is where its address says, or it is not there.

mod client;
mod key;
mod server;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use burn::remote::ConnectError;
use burn::server::ServeError;
use iroh::endpoint::{BindError, PortmapperConfig, QuicTransportConfig, presets};
use iroh::{Endpoint, RelayMode, SecretKey};
use thiserror::Error;
use tokio::runtime::Runtime;

pub use client::{Connection, check_key, connect};
pub use key::usual_key;
pub use server::{Listener, serve};

use super::Server;

/// Why there is no device of another machine, or why one is not served.
#[derive(Debug, Error)]
pub enum RemoteError {
    #[error("there is no key at {0}")]
    NoKey(PathBuf),
    #[error("{path}: {source}")]
    Key { path: PathBuf, source: io::Error },
    #[error("{0} is no key, which has 32 bytes")]
    NotAKey(PathBuf),
    #[error("{0} can be read by others, and a key is for its owner alone")]
    KeyOfAll(PathBuf),
    #[error("no directory is known for the user's configuration")]
    NoConfiguration,
    #[error("{server} is not known: {source}")]
    UnknownHost { server: Server, source: io::Error },
    #[error("{server}: {}", told(.source))]
    Connect {
        server: Server,
        source: ConnectError,
    },
    #[error("no socket for the network ({0})")]
    Socket(String),
    #[error("{address} cannot be listened on ({reason})")]
    Listen { address: SocketAddr, reason: String },
    #[error("{0} can be reached from other machines")]
    Exposed(SocketAddr),
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl RemoteError {
    /// What the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoKey(_) => "`hourglass serve` makes one: copy it from that machine to the same place here, or name it with \
                --key"
                .into(),
            Self::Key { .. } | Self::NoConfiguration => {
                "name another file with --key".into()
            }
            Self::KeyOfAll(path) => format!("chmod 600 {}", path.display()),
            Self::NotAKey(_) => {
                "copy the key that `hourglass serve` names, byte by byte (scp), or delete it and copy anew".into()
            }
            Self::UnknownHost { .. } => "see that the name is right, or give an address".into(),
            Self::Connect { source, .. } => match source {
                ConnectError::Unauthorized => {
                    "its key is another: copy the one that `hourglass serve` names".into()
                }
                ConnectError::NoSuchDevice { .. } => {
                    "devices are counted from 0: leave /NUMBER out for the first".into()
                }
                ConnectError::IncompatibleProtocol { .. } => {
                    "use the same hourglass on both machines".into()
                }
                _ => "see that `hourglass serve` is running there, that it listens on an address that is reached from here \
                    (its --listen and --expose; UDP), and that its key is the same"
                    .into(),
            },
            Self::Listen { .. } => {
                "name another address or port of this machine with --listen; port 0 takes a free one".into()
            }
            Self::Exposed(_) => "--expose allows that, and says what it opens; without it listen on 127.0.0.1".into(),
            Self::Socket(_) | Self::Serve(_) => "compute here, with --backend flex, ndarray or wgpu".into(),
        }
    }

    /// Whether the network or another machine failed, rather than what was asked for. Which devices a server has is known to
    /// it alone.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. } | Self::UnknownHost { .. } | Self::Socket(_) | Self::Serve(_)
        )
    }
}

/// Burn's words for what happened, but where they speak of relays, which are off.
fn told(error: &ConnectError) -> String {
    match error {
        ConnectError::Unreachable { reason } if reason.contains("timed out") => {
            "nothing answers".into()
        }
        ConnectError::Unreachable { reason } if reason.contains("invalid peer certificate") => {
            "who answers has another key".into()
        }
        other => other.to_string(),
    }
}

/// How long the other side may be silent. It is asked every few seconds whether it is there, whatever it computes.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);

/// Of one connection at a time: a client has one for each device that it computes on.
const MOST_STREAMS: u32 = 16;

/// Where all of it runs in the background.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("the system has threads for the network")
    })
}

/// A socket of this machine; without an address one of the system's choice, to ask others from.
async fn endpoint(
    secret: SecretKey,
    address: Option<SocketAddr>,
    protocols: Vec<Vec<u8>>,
) -> Result<Endpoint, String> {
    let said = |error: BindError| format!("{error:#}");
    let transport = QuicTransportConfig::builder()
        // Some virtual networks lose what is sent so.
        .enable_segmentation_offload(false)
        .max_idle_timeout(LONGEST_SILENCE.try_into().ok())
        .max_concurrent_bidi_streams(MOST_STREAMS.into())
        .build();
    let mut builder = Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .portmapper_config(PortmapperConfig::Disabled)
        .transport_config(transport)
        .secret_key(secret)
        .alpns(protocols);
    if let Some(address) = address {
        builder = builder
            .clear_ip_transports()
            .bind_addr(address)
            .map_err(|error| error.to_string())?;
    }
    builder.bind().await.map_err(said)
}
