//! Devices for other machines.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::device::{Backend, Place};

/// Let other machines train on the devices of this one
#[derive(Debug, Args)]
#[command(
    after_help = "The other machine runs `hourglass train --backend remote --remote HOST`: its files stay there; \
examples, weights and what is computed of them are in this machine's memory meanwhile. Who has the key may compute, nobody else; both sides prove that they have it, and what they say \
is encrypted (QUIC, over UDP). The key is made on first use and never sent: copy it, as with scp -p, to the same place there.

It listens on this machine alone unless told otherwise. --expose lets --listen name an address that other machines reach; what that \
opens is printed. Both machines need a build with `--features remote`, of the same version.

Examples:
  hourglass serve --backend wgpu
  hourglass serve --backend wgpu --listen 0.0.0.0:3000 --expose
  hourglass serve --devices wgpu:0,wgpu:1 --listen '[::1]:4000' --key lab.key"
)]
pub struct Serve {
    /// Backend whose device is served [default: wgpu]
    #[arg(long, short)]
    pub backend: Option<Backend>,
    /// Devices to serve, separated by commas, as wgpu:0,wgpu:1; clients name them by their places, from 0
    #[arg(
        long,
        value_name = "DEVICE",
        value_delimiter = ',',
        conflicts_with = "backend"
    )]
    pub devices: Vec<Place>,
    /// Address and port to listen on; port 0 takes a free one. Addresses of IPv6 are reached by IPv6 alone
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// Allow an address that other machines can reach
    #[arg(long)]
    pub expose: bool,
    /// Key that this server and its clients share [default: hourglass/remote.key in the user's configuration]
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Threads for the CPU [default: all this process may use]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}
