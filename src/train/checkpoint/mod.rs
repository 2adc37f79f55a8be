//! Checkpoints: all of a training in a directory of its own.
//!
//! ```text
//! checkpoints/
//!   step-000003750/
//!     config.toml             of the run; with it and model.bpk this is a run directory to `evaluate`
//!     model.bpk               the weights
//!     best.bpk                those of the best epoch, if training is to stop early
//!     optimizer.safetensors   what the optimizer keeps of each parameter
//!     progress.json           epochs, steps, losses: `Progress`, and what made them
//!     checksums.sha256        of the files above; written last, so a directory with it is complete
//! ```
//!
//! A checkpoint is written under another name, made durable and renamed, so that whatever happens the one before
//! is whole.

mod read;
mod tensors;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::module::Module;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::progress::Progress;
use super::{Saved, StartedFrom, TrainError, Training};
use crate::data::{Checksum, hexadecimal};
use crate::environment::Environment;
use crate::files::{self, FileError};
use crate::model::weights;
use crate::task::Task;
pub use read::{Checkpoint, Damage, Problem, checksums};

const CONFIG: &str = "config.toml";
const MODEL: &str = "model.bpk";
const BEST: &str = "best.bpk";
const OPTIMIZER: &str = "optimizer.safetensors";
const PROGRESS: &str = "progress.json";
/// As `sha256sum` writes and checks it.
pub const CHECKSUMS: &str = "checksums.sha256";
/// What every checkpoint holds.
const REQUIRED: [&str; 4] = [CONFIG, MODEL, OPTIMIZER, PROGRESS];

/// Of the layout above. A checkpoint of another format is refused.
const FORMAT: u32 = 1;
/// A checkpoint that is being written.
const UNFINISHED: &str = ".unfinished";
/// One that is being removed or replaced by another of the same step.
const REPLACED: &str = ".replaced";
/// Before the name of one that could not be used.
const DAMAGED: &str = "damaged-";
/// Checkpoints at the ends of epochs take at most this share of the time.
const MOST_OF_THE_TIME: u32 = 10;

/// When checkpoints are written and which are kept; 0 means never by that rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Policy {
    /// Where epochs are so short that this would take more than a tenth of the time, fewer.
    pub every_epochs: usize,
    pub every_steps: usize,
    pub every_seconds: usize,
    /// Of the newest, beside the best.
    pub keep: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            every_epochs: 1,
            every_steps: 0,
            every_seconds: 60,
            keep: 2,
        }
    }
}

/// What a training was made from and with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    pub environment: Environment,
    pub data: Vec<Checksum>,
    pub initial_weights_sha256: String,
    pub resumed: Vec<Resumption>,
    /// The source of the first weights, if they were not drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_from: Option<StartedFrom>,
}

/// That a training was stopped and resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resumption {
    pub after_step: usize,
    /// In what the environment differed from that before, so that bits may too.
    pub differences: Vec<String>,
}

/// `progress.json`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: u32,
    origin: Origin,
    /// Whether the weights of a best epoch belong to it.
    has_best: bool,
    progress: Progress,
}

/// Why a checkpoint was not written.
#[derive(Debug, Error)]
pub enum CheckpointError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the checkpoint cannot be made: {0}")]
    Content(String),
    #[error(transparent)]
    Train(#[from] TrainError),
}

/// Writes the checkpoints of a run.
pub struct Checkpoints {
    directory: PathBuf,
    policy: Policy,
    /// The resolved config as text.
    config: String,
    origin: Origin,
    /// Epochs and steps of the one after them when the newest was written.
    saved_place: (usize, usize),
    saved_at: Instant,
    /// How long the newest took to write.
    cost: Duration,
}

impl Checkpoints {
    /// Those in `directory`, which is there, of a run that has come as far as `saved` says.
    pub fn new(
        directory: &Path,
        policy: Policy,
        config: String,
        origin: Origin,
        saved: &Progress,
    ) -> Self {
        Self {
            directory: directory.to_owned(),
            policy,
            config,
            origin,
            saved_place: place(saved),
            saved_at: Instant::now(),
            cost: Duration::ZERO,
        }
    }

    /// Writes a checkpoint if it is time for one; to be called after each moment of training.
    ///
    /// # Errors
    /// Something in the training is not finite, or the checkpoint cannot be written; those before are whole.
    pub fn keep_up<M: Module, T: Task<M>>(
        &mut self,
        training: &mut Training<'_, M, T>,
    ) -> Result<(), CheckpointError> {
        match self.is_due(training) {
            true => self.save(training),
            false => Ok(()),
        }
    }

    fn is_due<M: Module, T: Task<M>>(&self, training: &Training<'_, M, T>) -> bool {
        let step = training.step();
        let Progress { history, partial } = training.progress();
        // After the last step of an epoch its evaluation comes first.
        if place(training.progress()) == self.saved_place || !training.is_at_rest() {
            return false;
        }
        let Policy {
            every_epochs,
            every_steps,
            every_seconds,
            ..
        } = self.policy;
        let each = |every: usize, count: usize| every > 0 && count.is_multiple_of(every);
        let elapsed = self.saved_at.elapsed();
        let epoch_is_over = partial.steps == 0;
        training.is_over()
            || each(every_steps, step)
            || (every_seconds > 0 && elapsed.as_secs() >= every_seconds as u64)
            || (epoch_is_over
                && each(every_epochs, history.len())
                && elapsed >= self.cost * MOST_OF_THE_TIME)
    }

    /// Writes a checkpoint now, unless the newest is of this place.
    ///
    /// # Errors
    /// As [`Self::keep_up`].
    pub fn save<M: Module, T: Task<M>>(
        &mut self,
        training: &mut Training<'_, M, T>,
    ) -> Result<(), CheckpointError> {
        let place = place(training.progress());
        if place == self.saved_place {
            return Ok(());
        }
        let begun = Instant::now();
        let files = self.files(training.save()?)?;
        commit(&self.directory, &name(training.step()), &files)?;
        self.saved_place = place;
        self.tidy(training)?;
        self.saved_at = Instant::now();
        self.cost = begun.elapsed();
        Ok(())
    }

    fn files<M: Module>(&self, saved: Saved<M>) -> Result<Files, CheckpointError> {
        let content = |error: &dyn std::fmt::Display| CheckpointError::Content(error.to_string());
        let state = State {
            format: FORMAT,
            origin: self.origin.clone(),
            has_best: saved.best.is_some(),
            progress: saved.progress,
        };
        let state = serde_json::to_vec_pretty(&state).map_err(|error| content(&error))?;
        let model = weights::burnpack(&saved.network).map_err(|error| content(&error))?;
        let optimizer = tensors::pack(&saved.optimizer).map_err(|error| content(&error))?;
        let mut files = vec![
            (CONFIG, self.config.clone().into_bytes()),
            (MODEL, model),
            (OPTIMIZER, optimizer),
            (PROGRESS, state),
        ];
        if let Some(best) = &saved.best {
            let best = weights::burnpack(best).map_err(|error| content(&error))?;
            files.push((BEST, best));
        }
        Ok(files)
    }

    /// Removes all but the newest and the best, and what is left of an unfinished or abandoned one.
    fn tidy<M: Module, T: Task<M>>(
        &self,
        training: &Training<'_, M, T>,
    ) -> Result<(), CheckpointError> {
        let now = training.step();
        let all = list(&self.directory)?;
        let (of_this_run, abandoned): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(step, _)| *step <= now);
        let error = |step: usize| training.validation_error(step);
        let best = of_this_run
            .iter()
            .filter_map(|(step, _)| Some((*step, error(*step)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(step, _)| step);
        let old = of_this_run
            .into_iter()
            .skip(self.policy.keep.max(1))
            .filter(|(step, _)| Some(*step) != best);
        for (_, path) in old.chain(abandoned) {
            discard(&path)?;
        }
        files::remove(&self.directory.join(REPLACED))?;
        Ok(())
    }
}

/// Epochs and steps of the one after them.
fn place(progress: &Progress) -> (usize, usize) {
    (progress.history.len(), progress.partial.steps)
}

/// Removes a checkpoint. One that is half removed when the process is killed no longer has a checkpoint's name.
fn discard(path: &Path) -> Result<(), FileError> {
    let replaced = path.with_file_name(REPLACED);
    files::remove(&replaced)?;
    fs::rename(path, &replaced).map_err(files::at(path))?;
    files::remove(&replaced)
}

/// Removes all that was ever written to a directory of checkpoints; what others have put there stays.
///
/// # Errors
/// It cannot be removed.
pub fn clear(directory: &Path) -> Result<(), FileError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(files::at(directory))?,
    };
    for entry in entries {
        let path = entry.map_err(files::at(directory))?.path();
        let name = path.file_name().unwrap_or_default();
        let is_ours = step(&path).is_some()
            || [UNFINISHED, REPLACED].into_iter().any(|ours| name == ours)
            || name.as_encoded_bytes().starts_with(DAMAGED.as_bytes());
        if is_ours {
            files::remove(&path)?;
        }
    }
    Ok(())
}

/// Takes a checkpoint that cannot be used out of their number. It stays, for whoever wants to know why.
///
/// # Errors
/// It cannot be renamed.
pub fn set_aside(path: &Path) -> Result<(), FileError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!("{DAMAGED}{name}"));
    files::remove(&aside)?;
    fs::rename(path, aside).map_err(files::at(path))
}

/// Names and contents, in the order in which they are written.
type Files = Vec<(&'static str, Vec<u8>)>;

fn name(step: usize) -> String {
    format!("step-{step:09}")
}

/// Writes files as one directory that is whole or not there.
fn commit(directory: &Path, name: &str, files: &Files) -> Result<(), FileError> {
    let unfinished = directory.join(UNFINISHED);
    files::remove(&unfinished)?;
    fs::create_dir(&unfinished).map_err(files::at(&unfinished))?;
    let mut checksums = String::new();
    for (name, bytes) in files {
        files::write_new(&unfinished.join(name), bytes)?;
        let digest = hexadecimal(&Sha256::digest(bytes));
        checksums.push_str(&format!("{digest}  {name}\n"));
    }
    files::write_new(&unfinished.join(CHECKSUMS), checksums.as_bytes())?;
    files::sync_directory(&unfinished).map_err(files::at(&unfinished))?;
    let path = directory.join(name);
    if fs::symlink_metadata(&path).is_ok() {
        // Those that could not be used were set aside, so there should be none.
        let replaced = directory.join(REPLACED);
        files::remove(&replaced)?;
        fs::rename(&path, &replaced).map_err(files::at(&path))?;
    }
    fs::rename(&unfinished, &path).map_err(files::at(&path))?;
    files::sync_directory(directory).map_err(files::at(directory))
}

/// The step in the name of a checkpoint.
fn step(path: &Path) -> Option<usize> {
    let digits = path.file_name()?.to_str()?.strip_prefix("step-")?;
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// The steps and places of all checkpoints in a directory, the newest first.
///
/// # Errors
/// The directory cannot be read.
pub fn list(directory: &Path) -> Result<Vec<(usize, PathBuf)>, FileError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(files::at(directory))? {
        let path = entry.map_err(files::at(directory))?.path();
        // One that is elsewhere is not this run's.
        if let Some(step) = step(&path).filter(|_| !path.is_symlink()) {
            found.push((step, path));
        }
    }
    found.sort_by_key(|(step, _)| std::cmp::Reverse(*step));
    Ok(found)
}
