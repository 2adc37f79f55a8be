//! A small run, and what it is worth.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use hourglass::report::TIMES;
use hourglass::train::checkpoint::{self, Checkpoint};
use serde_json::{Map, Value};
use tempfile::TempDir;

use super::Tally;
use crate::support::{self, train_squares, write_squares};

/// A place for runs, with the data of a small one and its outcome without faults.
pub struct Workshop {
    directory: TempDir,
    data: PathBuf,
    pub reference: Bits,
    /// How long the run takes without faults.
    pub duration: Duration,
}

/// What a finished run leaves, times aside.
#[derive(Clone, Debug, PartialEq)]
pub struct Bits {
    safetensors: Vec<u8>,
    /// The lines of `metrics.jsonl`, up to their times, which come last.
    metrics: Vec<String>,
    figures: Map<String, Value>,
}

/// Of the run: 200 images in batches of 20.
const STEPS_PER_EPOCH: usize = 10;

impl Workshop {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = write_squares(&directory.path().join("data"), 220, 20);
        let mut workshop = Self {
            reference: Bits {
                safetensors: Vec::new(),
                metrics: Vec::new(),
                figures: Map::new(),
            },
            duration: Duration::ZERO,
            data,
            directory,
        };
        let run = workshop.path("reference");
        let begun = Instant::now();
        let output = workshop.train(&run).output().unwrap();
        workshop.duration = begun.elapsed();
        assert!(output.status.success(), "{output:?}");
        workshop.reference = bits(&run);
        workshop
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The run from its first step: 60 steps in 6 epochs, a checkpoint every third, with noise, momentum and a best
    /// epoch to keep.
    pub fn train(&self, run: &Path) -> Command {
        let arguments = train_squares(
            &self.data,
            run,
            &[
                "--quiet",
                "--set=train.epochs=6",
                "--set=train.batch_size=20",
                "--set=train.checkpoints.every_steps=3",
                "--set=train.early_stopping.patience=9",
                "--set=data.validation=20",
                "--set=objective.corruption={ kind = \"gaussian\", sigma = 0.2 }",
            ],
        );
        program(&arguments)
    }

    /// The run from its newest checkpoint.
    pub fn resume(&self, run: &Path) -> Command {
        program(&["train", "--quiet", "--resume", run.to_str().unwrap()])
    }

    /// The run from wherever it is, if it is anywhere.
    pub fn go_on(&self, run: &Path) -> Command {
        match run.join("config.toml").exists() || run.join("checkpoints").exists() {
            true => self.resume(run),
            false => self.train(run),
        }
    }

    /// Leaves a run that was killed within an epoch, with two checkpoints at least, the newest within an epoch too.
    pub fn kill_within_an_epoch(&self, run: &Path) {
        let list = || checkpoint::list(&run.join("checkpoints")).unwrap_or_default();
        loop {
            let mut child = self.train(run).spawn().unwrap();
            while child.try_wait().unwrap().is_none() {
                if list().iter().any(|(step, _)| *step >= 24) {
                    child.kill().unwrap();
                }
            }
            child.wait().unwrap();
            let list = list();
            let is_within = |step: usize| !step.is_multiple_of(STEPS_PER_EPOCH);
            if list.len() >= 2 && is_within(list[0].0) && !run.join("summary.json").exists() {
                return;
            }
            std::fs::remove_dir_all(run).unwrap();
        }
    }

    /// Lets a run end and compares what it leaves with the reference; gives what it said on standard error.
    pub fn finish(&self, run: &Path, what: &str, tally: &mut Tally) -> String {
        // The same bits would come of a run that begins anew, too.
        let newest = newest_checkpoint(run);
        let was_finished = run.join("summary.json").exists();
        if let Some(newest) = &newest {
            let lines = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
            if lines.matches('\n').count() < newest.progress.history.len() {
                tally.lost += 1;
                tally
                    .complaints
                    .push(format!("{what}: metrics of finished epochs are lost"));
            }
        }
        let output = self.go_on(run).output().unwrap();
        note_panic(&output, what, tally);
        if let (Some(newest), false, true) = (&newest, was_finished, output.status.success()) {
            let name = newest.path.file_name().unwrap().to_str().unwrap();
            let step: u64 = name.trim_start_matches("step-").parse().unwrap();
            let resumed = &summary(run)["receipt"]["resumed"];
            let last = resumed.as_array().and_then(|all| all.last());
            if last.is_none_or(|last| last["after_step"] != step) {
                tally.lost += 1;
                tally
                    .complaints
                    .push(format!("{what}: {name} was there, but: {resumed}"));
            }
        }
        if !output.status.success() {
            tally.lost += 1;
            tally.complaints.push(format!("{what}: {output:?}"));
        } else if bits(run) != self.reference {
            tally.differing += 1;
            tally.complaints.push(format!("{what}: other bits"));
        }
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

fn program<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Command {
    let mut command = support::program(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The newest checkpoint that is whole.
fn newest_checkpoint(run: &Path) -> Option<Checkpoint> {
    let list = checkpoint::list(&run.join("checkpoints")).ok()?;
    list.iter()
        .find_map(|(_, path)| Checkpoint::read(path).ok())
}

fn summary(run: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(run.join("summary.json")).unwrap()).unwrap()
}

/// Counts a panic or a crash.
pub fn note_panic(output: &Output, what: &str, tally: &mut Tally) {
    let message = String::from_utf8_lossy(&output.stderr);
    let crashed = signal(output).is_some_and(|signal| ![INT, KILL, TERM].contains(&signal));
    if message.contains("stopped inside the program") || message.contains("panicked") || crashed {
        tally.panics += 1;
        tally.complaints.push(format!("{what}: {output:?}"));
    }
}

const INT: i32 = 2;
const KILL: i32 = 9;
const TERM: i32 = 15;

/// The signal that ended it, if one did.
pub fn signal(output: &Output) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    output.status.signal()
}

/// Whether SIGKILL ended it.
pub fn is_killed(output: &Output) -> bool {
    signal(output) == Some(KILL)
}

/// What a finished run left.
pub fn bits(run: &Path) -> Bits {
    let untimed = |value: Value| -> Map<String, Value> {
        let mut map = value.as_object().cloned().unwrap();
        map.retain(|name, _| !TIMES.contains(&name.as_str()));
        map
    };
    let metrics = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let summary = summary(run);
    Bits {
        safetensors: std::fs::read(run.join("model.safetensors")).unwrap(),
        metrics: metrics
            .lines()
            .map(|line| line.split("\"train_seconds\"").next().unwrap().to_owned())
            .collect(),
        figures: untimed(summary["metrics"].clone()),
    }
}
