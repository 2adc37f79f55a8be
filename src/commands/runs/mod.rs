//! Many runs, each trained in a process of its own.

mod process;
mod queue;
mod there;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use process::{Lost, Worker};
use queue::{Cause, Failure, Next, Queue};

use super::say;
use crate::cli;
use crate::config::{Config, Study};
use crate::device::{self, Place};
use crate::error::Error;
use crate::files;
use crate::report::text::figure;
use crate::run_directory::{RunDirectory, RunError};
use crate::signals::Interruption;
use crate::workers;

/// How often a process is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// A study and the directory of its runs, which is made before the slow work.
///
/// # Errors
/// The study has mistakes, or the directory cannot be made.
pub fn open_study(
    config: Option<&Path>,
    arguments: &cli::StudyRun,
) -> Result<(Study, PathBuf), Error> {
    let mut overrides = arguments.overrides.clone();
    let backend = arguments
        .backend
        .map(|backend| format!("backend={}", backend.name()));
    overrides.extend(backend);
    let study = Study::load(config, &overrides)?;
    let directory = match &arguments.out {
        Some(out) => out.clone(),
        None => Path::new("artifacts").join(study.directory_name()),
    };
    std::fs::create_dir_all(&directory).map_err(files::at(&directory))?;
    Ok((study, directory))
}

/// Trains what is not there yet.
#[derive(Debug)]
pub struct Runner {
    /// Of the runs, each in a directory under its name.
    pub directory: PathBuf,
    /// Runs at a time, unless it depends on how many there are to make.
    pub jobs: Option<usize>,
    /// Where runs are made, one at a time on each; if none is named, where their configs say.
    pub devices: Vec<Place>,
    /// Of devices that are remote, instead of the usual one.
    pub key: Option<PathBuf>,
    /// Whether to train again what is there.
    pub force: bool,
    pub quiet: bool,
}

/// How a run came out: its summary, or what it said when it failed.
pub type Outcome = Result<Value, String>;

/// What is made and what is not, of all workers.
struct Made {
    queue: Queue,
    outcomes: Vec<Option<Outcome>>,
}

impl Runner {
    /// Trains every config that has no finished run, goes on with those that were interrupted, and gives what each
    /// came to. One that fails does not keep the others.
    ///
    /// # Errors
    /// A directory holds a run of another config or other data, before any is trained; or it was interrupted.
    pub fn run(
        &self,
        configs: &[&Config],
        interruption: &Interruption,
    ) -> Result<Vec<Outcome>, Error> {
        let outcomes = self.there(configs)?;
        // What cannot be there at all is found before the first run.
        for place in &self.devices {
            device::check(place, self.key.as_deref())?;
        }
        let to_be_made: Vec<usize> = (0..configs.len())
            .filter(|&index| outcomes[index].is_none())
            .collect();
        let there = configs.len() - to_be_made.len();
        if there > 0 && !self.quiet {
            say(&format!("{there} of {} runs are there", configs.len()));
        }
        let workers = self.workers(configs, to_be_made.len());
        let made = Mutex::new(Made {
            queue: Queue::new(&to_be_made, workers.len()),
            outcomes,
        });
        thread::scope(|scope| {
            for (number, worker) in workers.iter().enumerate() {
                let made = &made;
                scope.spawn(move || self.work(number, worker, configs, made, interruption));
            }
        });
        let Made {
            queue,
            mut outcomes,
        } = made.into_inner().expect("no thread panics here");
        let done = outcomes.iter().flatten().count();
        if interruption.is_requested() && done < configs.len() {
            let all = configs.len();
            return Err(Error::StudyInterrupted { done, all });
        }
        for (run, message) in queue.left() {
            let message = message.unwrap_or_else(|| "no device is left to make it on".into());
            outcomes[run] = Some(Err(message));
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// What one worker does, until nothing is left for it.
    fn work(
        &self,
        number: usize,
        worker: &Worker,
        configs: &[&Config],
        made: &Mutex<Made>,
        interruption: &Interruption,
    ) {
        let made = || -> MutexGuard<'_, Made> { made.lock().expect("no thread panics here") };
        while !interruption.is_requested() {
            let next = made().queue.next(number);
            let task = match next {
                Next::Make(task) => task,
                Next::Wait => {
                    thread::sleep(BETWEEN_LOOKS);
                    continue;
                }
                Next::Leave => break,
            };
            let config = configs[task.run];
            let begun = Instant::now();
            let (outcome, cause) = match self.train(config, worker, interruption) {
                Ok(summary) => (Ok(summary), Cause::Run),
                Err(Lost { cause, message }) => (Err(message), cause),
            };
            if interruption.is_requested() {
                break;
            }
            let mut made = made();
            let index = task.run;
            match &outcome {
                Ok(_) => made.queue.made(number),
                Err(message) => {
                    let failure = made.queue.failed(number, task, cause, message);
                    if let Failure::MadeElsewhere { is_given_up } = failure {
                        say(&lost(worker, config, message, is_given_up));
                        continue;
                    }
                }
            }
            let is_failure = outcome.is_err();
            let done = made.outcomes.iter().flatten().count() + 1;
            if !self.quiet || is_failure {
                let time = begun.elapsed();
                say(&told(done, configs.len(), config, &outcome, time));
            }
            made.outcomes[index] = Some(outcome);
        }
    }

    /// The command lines that make what is not there yet, one a run, after their configs were written beside the runs. One that
    /// was interrupted goes on.
    ///
    /// # Errors
    /// A directory holds a run of another config or other data, or a config cannot be written.
    pub fn commands(&self, configs: &[&Config]) -> Result<Vec<Vec<String>>, Error> {
        let there = self.there(configs)?;
        let points = self.directory.join("points");
        if points.is_symlink() {
            return Err(RunError::Link(points).into());
        }
        std::fs::create_dir_all(&points).map_err(files::at(&points))?;
        let mut commands = Vec::new();
        for (config, _) in configs
            .iter()
            .zip(there)
            .filter(|(_, outcome)| outcome.is_none())
        {
            let path = self.path(config);
            let is_new = self.force || RunDirectory::check_free(&path, false).is_ok();
            let mut command = vec!["hourglass".to_owned(), "train".into(), "--quiet".into()];
            match is_new {
                false => command.extend(["--resume".into(), path.display().to_string()]),
                true => {
                    let file = points.join(format!("{}.toml", config.directory_name()));
                    files::unlink(&file)?;
                    files::write(&file, config.to_toml().as_bytes())?;
                    let [file, out] = [file, path].map(|path| path.display().to_string());
                    command.extend(["--config".into(), file, "--out".into(), out]);
                    command.extend(self.force.then(|| "--force".to_owned()));
                }
            }
            commands.push(command);
        }
        Ok(commands)
    }

    /// The directory of a run.
    pub fn path(&self, config: &Config) -> PathBuf {
        self.directory.join(config.directory_name())
    }

    /// Who makes runs, and with how many threads: a small network gains less from a second thread than from a second
    /// network beside it, and an accelerator does one thing at a time.
    fn workers(&self, configs: &[&Config], to_be_made: usize) -> Vec<Worker> {
        let threads = workers::threads();
        if !self.devices.is_empty() {
            let is_processor = |place: &&Place| !place.backend().is_accelerator();
            let processors = self.devices.iter().filter(is_processor).count();
            let worker = |place: &Place| Worker {
                place: Some(place.clone()),
                threads: (threads / processors.max(1)).max(1),
            };
            return self.devices.iter().map(worker).collect();
        }
        let accelerated = configs.iter().any(|config| config.backend.is_accelerator());
        let usual = if accelerated { 1 } else { threads };
        let jobs = self.jobs.unwrap_or(usual).clamp(1, to_be_made.max(1));
        let worker = || Worker {
            place: None,
            threads: (threads / jobs).max(1),
        };
        std::iter::repeat_with(worker).take(jobs).collect()
    }
}

/// A line about a run that is made elsewhere.
fn lost(worker: &Worker, config: &Config, message: &str, is_given_up: bool) -> String {
    let place = worker.place.as_ref().map(Place::to_string);
    let given_up = match is_given_up {
        true => ", and gets no more runs",
        false => "",
    };
    format!(
        "{} lost {}{given_up}: {message}\n  it is made elsewhere",
        place.unwrap_or_default(),
        config.name
    )
}

/// A line about a run that is over.
fn told(number: usize, all: usize, config: &Config, outcome: &Outcome, time: Duration) -> String {
    let name = &config.name;
    let result = match outcome {
        Err(message) => format!("failed: {message}"),
        Ok(summary) => {
            let metric = format!("test_{}", config.experiment.error_metric());
            let error = summary["metrics"][&metric].as_f64();
            error.map_or_else(String::new, |error| format!("{metric} {}", figure(error)))
        }
    };
    format!(
        "{number}/{all}  {name}  {result}  {:.1} s",
        time.as_secs_f64()
    )
}
