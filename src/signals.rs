//! Signals that ask a process to stop, and one that would kill it for a full disk.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The exit code of a process that stopped because it was asked to.
pub const INTERRUPTED: u8 = 130;

/// Whether somebody has asked this process to stop, with Ctrl-C or SIGTERM. Who asks twice is obeyed at once.
#[derive(Clone, Debug)]
pub struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// Watches from now on.
    ///
    /// # Errors
    /// The system refuses.
    pub fn watch() -> io::Result<Self> {
        let requested = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: what a first signal sets only a second one finds.
            flag::register_conditional_shutdown(
                signal,
                INTERRUPTED.into(),
                Arc::clone(&requested),
            )?;
            flag::register(signal, Arc::clone(&requested))?;
        }
        Ok(Self(requested))
    }

    /// Whether it was asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Keeps a terminal's Ctrl-C from a process that is to be started: whoever starts it asks it to stop, once, since it would
/// take a second time for impatience.
pub fn keep_from_terminal(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Returns the name of the signal that ended a process, if one did.
pub fn of(status: ExitStatus) -> Option<String> {
    #[cfg(unix)]
    {
        let signal = std::os::unix::process::ExitStatusExt::signal(&status)?;
        let name = signal_hook::low_level::signal_name(signal);
        Some(name.map_or_else(|| format!("signal {signal}"), str::to_owned))
    }
    #[cfg(not(unix))]
    {
        let _ = status;
        None
    }
}

/// Asks a process of our own to stop; where there are no signals it is not heard.
pub fn interrupt(child: &Child) {
    #[cfg(unix)]
    if let Some(process) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // One that has ended meanwhile needs no signal.
        let _ = kill_process(process, Signal::TERM);
    }
    #[cfg(not(unix))]
    let _ = child;
}

/// Makes a write beyond the limit of a file's size fail, as one to a full disk does, rather than kill the process.
///
/// # Errors
/// The system refuses.
pub fn survive_file_size_limit() -> io::Result<()> {
    #[cfg(unix)]
    flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
    Ok(())
}
