//! The `hourglass` program: parses, runs, prints the error, exits.

use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::Parser;
use hourglass::report::text::visible;
use hourglass::{cli::Cli, commands, device, error::Error, signals};

/// Burn makes many small tensors in each step; this allocator gains a few per cent of a step over glibc's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A line on standard error, which may be closed.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = writeln!(io::stderr(), $($text)*);
    }};
}

/// The exit code of a run that failed.
const FAILED: u8 = 1;

fn main() -> ExitCode {
    let arguments = Cli::parse();
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        // Burn reports a lost device by panicking; one line below says so.
        panic::set_hook(Box::new(|_| {}));
    }
    if let Err(error) = signals::survive_file_size_limit() {
        say!("warning: a file-size limit would end this process without a word ({error})");
    }
    match panic::catch_unwind(AssertUnwindSafe(|| commands::run(arguments))) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(error)) => failed(&error),
        Err(panic) => {
            let message = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            if let Some(cause) = device::cause_of_panic(message) {
                return failed(&Error::DeviceLost(cause));
            }
            say!("error: stopped inside the program ({})", visible(message));
            say!(
                "  hint: this is a bug or a lost device; RUST_BACKTRACE=1 shows where. A run goes on from its last \
                checkpoint with `hourglass train --resume RUN`"
            );
            ExitCode::from(FAILED)
        }
    }
}

fn failed(error: &Error) -> ExitCode {
    say!("{}: {}", error.label(), visible(&error.to_string()));
    if let Some(hint) = error.hint() {
        say!("  hint: {}", visible(&hint));
    }
    ExitCode::from(error.exit_code())
}
