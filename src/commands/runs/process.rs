//! A run in a process of its own.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::queue::Cause;
use super::{BETWEEN_LOOKS, Runner};
use crate::config::Config;
use crate::device::{self, Backend, Place};
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
    /// Of a process that ended with `status` and said something on standard error: its exit code tells the cause.
    fn of(status: ExitStatus, said: &str) -> Self {
        let (cause, message) = match status.code() {
            None => (Cause::Killed, killed(status, message_in(said))),
            Some(code) => {
                let cause = match code == i32::from(Error::OF_DEVICE) {
                    true => Cause::Device,
                    false => Cause::Run,
                };
                let message = match message_in(said) {
                    "" => format!("its process ended with exit code {code} and printed nothing"),
                    message => message.to_owned(),
                };
                (cause, message)
            }
        };
        Self { cause, message }
    }

    /// Because of what it is.
    fn by_itself(message: String) -> Self {
        Self {
            cause: Cause::Run,
            message,
        }
    }
}

/// The last output of a process: perhaps warnings, then a label and the reason of its end.
fn message_in(said: &str) -> &str {
    const LABELS: [&str; 2] = ["error: ", "device error: "];
    let mut place = 0;
    for line in said.split_inclusive('\n') {
        if let Some(label) = LABELS.iter().find(|label| line.starts_with(**label)) {
            return said[place + label.len()..].trim();
        }
        place += line.len();
    }
    said.trim()
}

fn killed(status: ExitStatus, said: &str) -> String {
    let signal = signals::of(status).map_or_else(String::new, |signal| format!(" by {signal}"));
    let said = match said {
        "" => String::new(),
        said => format!("; it printed: {said}"),
    };
    format!("its process was killed{signal}{said}")
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
        command.args(["train", "--quiet", "--json", "--part-of-study"]);
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
        let status = status.map_err(failed)?;
        if !status.success() {
            let mut lost = Lost::of(status, &errors);
            // A device that is missing is a mistake of who names it, but not one that was found when the study began.
            let is_gone = |place| device::check(place, self.key.as_deref()).is_err();
            if lost.cause == Cause::Run && worker.place.as_ref().is_some_and(is_gone) {
                lost.cause = Cause::Device;
            }
            return Err(lost);
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
fn wait(child: &mut Child, interruption: &Interruption) -> io::Result<ExitStatus> {
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
    fn what_a_process_says_last_is_shown_without_its_warnings() {
        let device = "warning: backend flex there, remote here\ndevice error: the connection was lost\n  hint: resume\n";
        let cases = [
            (device, "the connection was lost\n  hint: resume"),
            (
                "warning: no device error: in this line\nerror: not finite\n",
                "not finite",
            ),
            ("interrupted: stopped\n", "interrupted: stopped"),
            ("no label\n", "no label"),
            ("", ""),
        ];
        for (said, message) in cases {
            assert_eq!(message_in(said), message);
        }
    }

    /// Whatever it says: a run may be called anything, and its data too.
    #[cfg(unix)]
    #[test]
    fn the_exit_code_tells_why_a_process_failed_and_not_its_words() {
        use std::os::unix::process::ExitStatusExt;
        let exited = |code: i32| ExitStatus::from_raw(code << 8);
        let words = "device error: of the user's own making\n";
        for (status, said, cause) in [
            (exited(5), "error: \n", Cause::Device),
            (exited(5), "", Cause::Device),
            (exited(1), words, Cause::Run),
            (exited(2), words, Cause::Run),
            (exited(130), "interrupted: stopped\n", Cause::Run),
            (ExitStatus::from_raw(9), words, Cause::Killed),
            (ExitStatus::from_raw(11), "", Cause::Killed),
        ] {
            assert_eq!(Lost::of(status, said).cause, cause, "{status} {said}");
        }
        let message = |raw, said| Lost::of(ExitStatus::from_raw(raw), said).message;
        assert_eq!(message(9, ""), "its process was killed by SIGKILL");
        assert_eq!(
            message(15, "warning: slow\n"),
            "its process was killed by SIGTERM; it printed: warning: slow"
        );
        assert_eq!(
            message(7 << 8, ""),
            "its process ended with exit code 7 and printed nothing"
        );
    }
}
