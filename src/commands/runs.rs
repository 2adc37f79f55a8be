//! Many runs, each trained in a process of its own.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::say;
use crate::config::Config;
use crate::error::Error;
use crate::report::text::figure;
use crate::run_directory::RunDirectory;
use crate::signals::Interruption;

/// How often a process is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// How long a process that was told to stop may take to save.
const GRACE: Duration = Duration::from_secs(20);

/// Trains what is not there yet.
#[derive(Debug)]
pub struct Runner {
    /// Of the runs, each in a directory under its name.
    pub directory: PathBuf,
    /// Runs at a time.
    pub jobs: usize,
    /// Threads of each.
    pub threads: usize,
    /// Whether to train again what is there.
    pub force: bool,
    pub quiet: bool,
}

/// How a run came out: its summary, or what it said when it failed.
pub type Outcome = Result<Value, String>;

impl Runner {
    /// Trains every config that has no finished run, goes on with those that were interrupted, and gives what each
    /// came to. One that fails does not keep the others.
    ///
    /// # Errors
    /// It was interrupted.
    pub fn run(
        &self,
        configs: &[&Config],
        interruption: &Interruption,
    ) -> Result<Vec<Outcome>, Error> {
        let next = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        let outcomes: Mutex<Vec<Option<Outcome>>> = Mutex::new(vec![None; configs.len()]);
        thread::scope(|scope| {
            for _ in 0..self.jobs.clamp(1, configs.len().max(1)) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(config) = configs.get(index) else {
                            break;
                        };
                        if interruption.is_requested() {
                            break;
                        }
                        let begun = Instant::now();
                        let (outcome, is_new) = self.one(config, interruption);
                        if interruption.is_requested() {
                            break;
                        }
                        let number = done.fetch_add(1, Ordering::Relaxed) + 1;
                        if !self.quiet || outcome.is_err() {
                            let time = is_new.then(|| begun.elapsed());
                            say(&told(number, configs.len(), config, &outcome, time));
                        }
                        let mut outcomes = outcomes.lock().expect("no thread panics here");
                        outcomes[index] = Some(outcome);
                    }
                });
            }
        });
        let outcomes = outcomes.into_inner().expect("no thread panics here");
        let outcomes: Option<Vec<Outcome>> = outcomes.into_iter().collect();
        outcomes.ok_or_else(|| Error::StudyInterrupted {
            done: done.into_inner(),
            all: configs.len(),
        })
    }

    /// The directory of a run.
    pub fn path(&self, config: &Config) -> PathBuf {
        self.directory.join(&config.name)
    }

    /// What a run came to, and whether it was trained now.
    fn one(&self, config: &Config, interruption: &Interruption) -> (Outcome, bool) {
        let path = self.path(config);
        if !self.force
            && let Ok(run) = RunDirectory::open(&path)
        {
            match run.config(&[]) {
                Ok(known) if known == *config => {
                    if let Ok(summary) = run.summary() {
                        return (Ok(summary), false);
                    }
                }
                // Of checkpoints `train` knows more.
                Err(_) => {}
                Ok(_) => {
                    let problem = format!(
                        "{} holds a run of another config; pass --force to replace it, or --out DIR",
                        path.display()
                    );
                    return (Err(problem), false);
                }
            }
        }
        (self.train(config, &path, interruption), true)
    }

    fn train(&self, config: &Config, path: &Path, interruption: &Interruption) -> Outcome {
        let failed = |error: io::Error| error.to_string();
        let file = tempfile::NamedTempFile::new().map_err(failed)?;
        std::fs::write(file.path(), config.to_toml()).map_err(failed)?;
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.args(["train", "--quiet", "--json"]);
        command.args(["--threads", &self.threads.to_string()]);
        match self.force || RunDirectory::check_free(path, false).is_ok() {
            false => command.arg("--resume").arg(path),
            true => {
                command.arg("--config").arg(file.path());
                if self.force {
                    command.arg("--force");
                }
                command.arg("--out").arg(path)
            }
        };
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
        match status.map_err(failed)?.success() {
            true => serde_json::from_str(&output).map_err(|error| error.to_string()),
            false => Err(match errors.trim() {
                "" => "its process was killed".to_owned(),
                message => message.trim_start_matches("error: ").to_owned(),
            }),
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

/// Waits for a process. Ctrl-C reaches it too; it then saves and ends by itself, or is ended.
fn wait(child: &mut Child, interruption: &Interruption) -> io::Result<std::process::ExitStatus> {
    let mut interrupted: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if interruption.is_requested() {
            let since = *interrupted.get_or_insert_with(Instant::now);
            if since.elapsed() > GRACE {
                child.kill()?;
            }
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// A line about a run that is over.
fn told(
    number: usize,
    all: usize,
    config: &Config,
    outcome: &Outcome,
    time: Option<Duration>,
) -> String {
    let name = &config.name;
    let result = match outcome {
        Err(message) => format!("failed: {message}"),
        Ok(summary) => {
            let metric = format!("test_{}", config.experiment.error_metric());
            let error = summary["metrics"][&metric].as_f64();
            error.map_or_else(String::new, |error| format!("{metric} {}", figure(error)))
        }
    };
    let time = match time {
        None => "was there".to_owned(),
        Some(time) => format!("{:.1} s", time.as_secs_f64()),
    };
    format!("{number}/{all}  {name}  {result}  {time}")
}
