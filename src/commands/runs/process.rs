//! A run in a process of its own.

use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::queue::Cause;
use super::{BETWEEN_LOOKS, Runner};
use crate::config::Config;
use crate::device::{Backend, Place};
use crate::error::Error;
use crate::run_directory::RunDirectory;
use crate::signals::{self, Interruption};

/// How long a process that was told to stop may take to save.
const GRACE: Duration = Duration::from_secs(20);

/// One of those who make runs.
pub struct Worker {
    /// Where, if not where the config says.
    pub place: Option<Place>,
    pub threads: usize,
}

impl Worker {
    fn is_remote(&self) -> bool {
        let backend = self.place.as_ref().map(Place::backend);
        backend == Some(Backend::Remote)
    }
}

/// Why there is no run.
pub struct Lost {
    pub cause: Cause,
    pub message: String,
}

impl Lost {
    /// What a process said on standard error before it failed: warnings perhaps, and then, behind a label, why.
    fn told(said: &str) -> Self {
        let labels = [(Error::OF_DEVICE, Cause::Device), ("error", Cause::Run)];
        let labelled = said.char_indices().find_map(|(place, _)| {
            let begins_line = place == 0 || said[..place].ends_with('\n');
            let rest = &said[place..];
            labels
                .iter()
                .filter(|_| begins_line)
                .find_map(|&(label, cause)| {
                    let message = rest.strip_prefix(label)?.strip_prefix(": ")?;
                    let message = message.trim().to_owned();
                    Some(Self { cause, message })
                })
        });
        labelled.unwrap_or_else(|| match said.trim() {
            "" => Self::by_itself("its process was killed".into()),
            message => Self::by_itself(message.to_owned()),
        })
    }

    /// Because of what it is.
    fn by_itself(message: String) -> Self {
        Self {
            cause: Cause::Run,
            message,
        }
    }
}

impl Runner {
    /// Trains a run in a process of its own, or goes on with it, and gives its summary.
    pub(super) fn train(
        &self,
        config: &Config,
        worker: &Worker,
        interruption: &Interruption,
    ) -> Result<Value, Lost> {
        let failed = |error: io::Error| Lost::by_itself(error.to_string());
        let path = self.path(config);
        let file = tempfile::NamedTempFile::new().map_err(failed)?;
        std::fs::write(file.path(), config.to_toml()).map_err(failed)?;
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(["train", "--quiet", "--json"]);
        command.args(["--threads", &worker.threads.to_string()]);
        if let Some(place) = &worker.place {
            command.args(["--devices", &place.to_string()]);
        }
        if let Some(key) = self.key.as_ref().filter(|_| worker.is_remote()) {
            command.arg("--key").arg(key);
        }
        match self.force || RunDirectory::check_free(&path, false).is_ok() {
            false => command.arg("--resume").arg(&path),
            true => {
                command.arg("--config").arg(file.path());
                if self.force {
                    command.arg("--force");
                }
                command.arg("--out").arg(&path)
            }
        };
        signals::keep_from_terminal(&mut command);
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let (mut output, mut errors) = (child.stdout.take(), child.stderr.take());
        // Both at once, so that neither fills while the other is read.
        let (output, errors, status) = thread::scope(|scope| {
            let errors = scope.spawn(move || text_of(errors.as_mut()));
            let output = scope.spawn(move || text_of(output.as_mut()));
            let status = wait(&mut child, interruption);
            let text =
                |handle: thread::ScopedJoinHandle<'_, String>| handle.join().unwrap_or_default();
            (text(output), text(errors), status)
        });
        if !status.map_err(failed)?.success() {
            return Err(Lost::told(&errors));
        }
        // What was resumed may have been a run of another config than was asked for.
        let made = RunDirectory::open(&path).and_then(|run| run.config(&[]));
        match made {
            Ok(made) if made == *config => {
                serde_json::from_str(&output).map_err(|error| Lost::by_itself(error.to_string()))
            }
            Ok(_) => Err(Lost::by_itself(format!(
                "{} holds a run of another config",
                path.display()
            ))),
            Err(error) => Err(Lost::by_itself(error.to_string())),
        }
    }
}

fn text_of(from: Option<&mut impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // What was read until it failed is what there is to show.
        let _ = from.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for a process. One that this process is asked to end is asked too; it saves and ends, or is ended.
fn wait(child: &mut Child, interruption: &Interruption) -> io::Result<std::process::ExitStatus> {
    let mut interrupted: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if interruption.is_requested() {
            match interrupted {
                None => {
                    interrupted = Some(Instant::now());
                    signals::interrupt(child);
                }
                Some(since) if since.elapsed() > GRACE => child.kill()?,
                Some(_) => {}
            }
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_process_failed_is_what_stands_behind_its_label() {
        let device = "warning: backend flex there, remote here\ndevice error: the connection was lost\n  hint: resume\n";
        let cases = [
            (
                device,
                Cause::Device,
                "the connection was lost\n  hint: resume",
            ),
            (
                "warning: no device error: in this line\nerror: not finite\n",
                Cause::Run,
                "not finite",
            ),
            ("interrupted: stopped\n", Cause::Run, "interrupted: stopped"),
            ("", Cause::Run, "its process was killed"),
        ];
        for (said, cause, message) in cases {
            let lost = Lost::told(said);
            assert_eq!((lost.cause, lost.message.as_str()), (cause, message));
        }
    }
}
