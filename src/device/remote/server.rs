//! Serving devices of this machine.

use std::net::SocketAddr;
use std::path::Path;

use burn::server::{
    AuthorizationRequest, BURN_REMOTE_ALPN, PeerAuthorizer, RemoteServer, TokenAuthorizer,
};
use burn::tensor::Device;
use iroh::Endpoint;
use iroh::protocol::{DynProtocolHandler, Router};

use super::key::Key;
use super::{RemoteError, endpoint, runtime};

/// A socket that is listened on, before it is served.
pub struct Listener {
    endpoint: Endpoint,
    /// With the port that it has in fact.
    pub address: SocketAddr,
    key: Key,
}

/// What a server does from the moment on that clients are let in, until it is dropped.
#[must_use = "a server that is dropped has ended"]
pub struct Serving(Option<Router>);

impl Listener {
    /// Listens on an address of this machine, under the identity of the key in a file, which is made if it is not there.
    /// One that other machines can reach must be `exposed` on purpose.
    ///
    /// # Errors
    /// The address is not of this machine, in use or exposed without purpose; or there can be no key.
    pub fn bind(address: SocketAddr, exposed: bool, key: &Path) -> Result<Self, RemoteError> {
        if !address.ip().is_loopback() && !exposed {
            return Err(RemoteError::Exposed(address));
        }
        let key = Key::read_or_make(key)?;
        let protocols = vec![BURN_REMOTE_ALPN.to_vec()];
        let bound = runtime().block_on(endpoint(key.secret(), Some(address), protocols));
        let endpoint = bound.map_err(|reason| RemoteError::Listen { address, reason })?;
        let sockets = endpoint.bound_sockets();
        Ok(Self {
            address: sockets.first().copied().unwrap_or(address),
            endpoint,
            key,
        })
    }
}

/// Lets clients with the key compute on devices of this machine; each asks for one by its place in the list. `tell` is told
/// who asked and whether they were let in.
///
/// # Errors
/// The devices are of several backends or of one that cannot be served.
pub fn serve(
    listener: Listener,
    devices: Vec<Device>,
    tell: impl Fn(&str) + Send + Sync + 'static,
) -> Result<Serving, RemoteError> {
    let Listener { endpoint, key, .. } = listener;
    let token = TokenAuthorizer::new(key.token()).expect("a hash is not empty");
    let count = devices.len();
    let authorizer = move |request: AuthorizationRequest<'_>| {
        let (client, device) = (request.client, request.device_index);
        let decision = token.authorize(request);
        if decision.is_ok() && device as usize >= count {
            // Burn tells the client so.
            tell(&format!("{client} asks for device {device} of {count}"));
            return decision;
        }
        match &decision {
            Ok(()) => tell(&format!("{client} is let in to device {device}")),
            Err(reason) => tell(&format!("refused: {reason}")),
        }
        decision
    };
    let protocol = RemoteServer::new(devices)
        .with_authorizer(authorizer)
        .into_protocol(&endpoint)?;
    let protocol: Box<dyn DynProtocolHandler> = protocol.into();
    let _inside = runtime().enter();
    let router = Router::builder(endpoint).accept(BURN_REMOTE_ALPN, protocol);
    Ok(Serving(Some(router.spawn())))
}

impl Drop for Serving {
    /// Tells clients that they need not wait.
    fn drop(&mut self) {
        if let Some(router) = self.0.take() {
            // Whether or not they heard, this ends.
            let _ = runtime().block_on(router.shutdown());
        }
    }
}
