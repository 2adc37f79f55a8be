//! `serve`: this machine's devices for others.

use crate::cli;
use crate::error::Error;

#[cfg(not(feature = "remote"))]
pub fn run(_: &cli::Serve, _: bool) -> Result<(), Error> {
    use crate::device::{Backend, DeviceError};

    Err(DeviceError::NotCompiledIn(Backend::Remote).into())
}

#[cfg(feature = "remote")]
pub fn run(arguments: &cli::Serve, quiet: bool) -> Result<(), Error> {
    use std::time::Duration;

    use super::{say, set_threads, warn};
    use crate::device::remote::{self, Listener};
    use crate::device::{self, Backend, DeviceError, Place};
    use crate::signals::Interruption;

    /// How often it is looked whether this should end.
    const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

    set_threads(arguments.threads);
    let places = match &arguments.devices[..] {
        [] => vec![Place::of(arguments.backend.unwrap_or(Backend::Wgpu))],
        devices => devices.to_vec(),
    };
    if places
        .iter()
        .any(|place| place.backend() == Backend::Remote)
    {
        return Err(Error::ServedAlready);
    }
    let key = match &arguments.key {
        Some(key) => key.clone(),
        None => remote::usual_key().map_err(DeviceError::from)?,
    };
    // Wrong addresses are found before slow devices are opened.
    let listener =
        Listener::bind(arguments.listen, arguments.expose, &key).map_err(DeviceError::from)?;
    let opened = device::open_all(&places, None)?;
    let address = listener.address;
    let interruption = Interruption::watch()?;
    let tell = move |line: &str| {
        if !quiet {
            say(line);
        }
    };
    let serving = remote::serve(listener, opened.workers, tell).map_err(DeviceError::from)?;
    say(&format!(
        "serving {} on {} at {address}; Ctrl-C ends it",
        opened.backend.name(),
        opened.description
    ));
    match address.ip().is_loopback() {
        true => say(&format!(
            "  from this machine: hourglass train --backend remote --remote {address}\n  key: {}",
            key.display()
        )),
        false => {
            warn(&format!(
                "other machines reach {address} (UDP). Whoever has {} can compute on these devices without limit, have this \
                machine send tensors to addresses of their choice, and fill its memory; files are neither read nor written. Who \
                does not have it computes nothing, but can send what this process must hold before it refuses, and so fill its \
                memory too: let a firewall choose who reaches it",
                key.display()
            ));
            say(&format!(
                "  from there: hourglass train --backend remote --remote HOST:{}, with a copy of the key",
                address.port()
            ));
        }
    }
    while !interruption.is_requested() {
        std::thread::sleep(BETWEEN_LOOKS);
    }
    drop(serving);
    say("ended; clients go on from their last checkpoints");
    Ok(())
}
