//! The directory that a run leaves: how it comes to be, and where its files are.

mod content;
mod destination;
mod error;
mod initial;
mod latest;
mod occupant;
mod recorded;
mod untrusted;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::Config;
use crate::files;
use crate::train::checkpoint;
pub use destination::Destination;
pub use error::RunError;
pub use latest::{RunPath, check_not_latest, record as record_latest, usual_directory};
use untrusted::Links;

/// A run's directory.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
    /// Held for as long as the run is being written.
    _lock: Option<RunLock>,
    /// True if this process created the directory for this run.
    is_new: bool,
}

/// Keeps other processes from writing to a run; it dies with its process.
#[derive(Clone, Debug)]
pub struct RunLock(#[expect(dead_code, reason = "what is held is the lock on it")] Arc<File>);

impl RunDirectory {
    const CONFIG: &'static str = "config.toml";
    /// How examples were made of what files held.
    const INPUT: &'static str = "input.json";
    /// The error of each training example, for thresholds.
    const TRAINING_ERRORS: &'static str = "training_errors.npy";
    const METRICS: &'static str = "metrics.jsonl";
    const SUMMARY: &'static str = "summary.json";
    const BURNPACK: &'static str = "model.bpk";
    pub const SAFETENSORS: &'static str = "model.safetensors";
    /// The weights that the run started from, where they were not drawn, and where they come from.
    const INITIAL: &'static str = "initial.bpk";
    const STARTED_FROM: &'static str = "started_from.json";
    const RECONSTRUCTIONS: &'static str = "reconstructions.png";
    const CURVES: &'static str = "curves.png";
    const CODE: &'static str = "code.png";
    const SAMPLES: &'static str = "samples.png";
    const MANIFOLD: &'static str = "manifold.png";
    const INTERPOLATION: &'static str = "interpolation.png";
    const REGIONS: &'static str = "regions.png";
    const MAP: &'static str = "map.png";
    const NEIGHBOURS: &'static str = "neighbours.png";
    pub const ONNX_ENCODER: &'static str = "encoder.onnx";
    pub const ONNX_DECODER: &'static str = "decoder.onnx";
    pub const ONNX: &'static str = "model.onnx";
    const REPORT: &'static str = "report.html";
    const TENSORBOARD: &'static str = "tensorboard";
    /// What TensorBoard knows its files by.
    const EVENT_FILE: &'static str = "events.out.tfevents.";
    const CHECKPOINTS: &'static str = "checkpoints";
    /// Stays when the run is over, since another process may be about to lock it.
    const LOCK: &'static str = ".lock";
    /// Everything a run writes but its checkpoints, and so all that `--force` removes.
    const FILES: [&'static str; 22] = [
        Self::CONFIG,
        Self::INPUT,
        Self::TRAINING_ERRORS,
        Self::METRICS,
        Self::SUMMARY,
        Self::BURNPACK,
        Self::SAFETENSORS,
        Self::INITIAL,
        Self::STARTED_FROM,
        Self::RECONSTRUCTIONS,
        Self::CURVES,
        Self::CODE,
        Self::SAMPLES,
        Self::MANIFOLD,
        Self::INTERPOLATION,
        Self::REGIONS,
        Self::MAP,
        Self::NEIGHBOURS,
        Self::REPORT,
        Self::ONNX_ENCODER,
        Self::ONNX_DECODER,
        Self::ONNX,
    ];
    /// What holds the weights of a finished run.
    const WEIGHTS: [&'static str; 2] = [Self::BURNPACK, Self::SAFETENSORS];

    /// Whether a directory holds what a run leaves, finished or not.
    fn is_run(path: &Path) -> bool {
        let checkpoints = || checkpoint::list(&path.join(Self::CHECKPOINTS));
        path.join(Self::CONFIG).is_file() || checkpoints().is_ok_and(|all| !all.is_empty())
    }

    /// A checkpoint can be looked at as a run can, but writing to it would be its end.
    fn check_no_checkpoint(path: &Path) -> Result<(), RunError> {
        match path.join(checkpoint::CHECKSUMS).exists() {
            true => Err(RunError::IsCheckpoint(path.to_owned())),
            false => Ok(()),
        }
    }

    /// Keeps others from writing to the run for as long as what is returned lives.
    ///
    /// # Errors
    /// Another process writes to it.
    pub fn lock_for_writing(&self) -> Result<RunLock, RunError> {
        Self::check_no_checkpoint(&self.path)?;
        let lock = Self::lock(&self.path)?;
        self.unlink_outputs()?;
        Ok(lock)
    }

    fn lock(path: &Path) -> Result<RunLock, RunError> {
        let file = path.join(Self::LOCK);
        let lock = files::lock_file(&file)?;
        match lock.try_lock() {
            Ok(()) => Ok(RunLock(Arc::new(lock))),
            Err(TryLockError::WouldBlock) => Err(RunError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(files::at(&file)(error).into()),
        }
    }

    /// Makes the directory of a new run, with its resolved config, for this process alone. With `force`, the
    /// files of an earlier run there are removed; others stay.
    ///
    /// # Errors
    /// As [`Self::check_free`], and when the directory cannot be written.
    pub fn create(path: &Path, config: &Config, force: bool) -> Result<Self, RunError> {
        let is_new = create_directory(path)?;
        let lock = Self::check_entries(path, Links::Replaced).and_then(|()| Self::lock(path));
        let lock = lock.inspect_err(|_| {
            if is_new {
                // Only where it is empty: the lock may be that of another process.
                let _ = fs::remove_dir(path);
            }
        })?;
        let run = Self {
            path: path.to_owned(),
            _lock: Some(lock),
            // In an empty directory another process may have been faster.
            is_new: is_new && !Self::is_run(path),
        };
        match run.begin(config, force) {
            Ok(()) => Ok(run),
            Err(error) => {
                run.discard();
                Err(error)
            }
        }
    }

    /// Removes what an earlier run left, and writes the config.
    fn begin(&self, config: &Config, force: bool) -> Result<(), RunError> {
        // Another process may have been here since the check before the slow work; the lock is ours now, and
        // the check would find it taken.
        if Self::is_run(&self.path) && !force {
            return Err(RunError::Exists(self.path.clone()));
        }
        files::remove_temporary(&self.path)?;
        // In this order: whenever this is interrupted, there is the old run, which its checkpoints can finish, or one
        // that says that it has another config than its checkpoints, or the new one; never new settings beside
        // old results.
        self.remove_summary()?;
        for name in Self::FILES.iter().filter(|name| **name != Self::CONFIG) {
            files::remove(&self.path.join(name))?;
        }
        self.remove_events()?;
        self.write_config(config)?;
        checkpoint::clear(&self.checkpoints())?;
        self.make_checkpoints()?;
        let parent = parent(&self.path);
        Ok(files::sync_directory(parent).map_err(files::at(parent))?)
    }

    /// Removes the directory of a run that came to nothing, if it was created for this run and holds nothing else.
    pub fn discard(self) {
        if !self.is_new {
            return;
        }
        // What cannot be removed is found, and may be replaced, by the next run.
        let _ = files::remove_temporary(&self.path);
        for name in Self::FILES {
            let _ = fs::remove_file(self.path.join(name));
        }
        let _ = fs::remove_dir(self.checkpoints());
        let _ = fs::remove_file(self.path.join(Self::LOCK));
        let _ = fs::remove_dir(&self.path);
    }

    /// A run that was interrupted, to go on with, for this process alone.
    ///
    /// # Errors
    /// There is none, or it is being written.
    pub fn resume(path: &Path) -> Result<Self, RunError> {
        Self::check_entries(path, Links::Refused)?;
        Self::check_no_checkpoint(path)?;
        if !Self::is_run(path) {
            return Err(RunError::NotARun(path.to_owned()));
        }
        let run = Self {
            path: path.to_owned(),
            _lock: Some(Self::lock(path)?),
            is_new: false,
        };
        files::remove_temporary(path)?;
        run.unlink_outputs()?;
        run.make_checkpoints()?;
        Ok(run)
    }

    /// Removes what an earlier run told TensorBoard; other files beside it stay.
    fn remove_events(&self) -> Result<(), RunError> {
        let directory = self.path.join(Self::TENSORBOARD);
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(files::at(&directory))?,
        };
        for entry in entries {
            let entry = entry.map_err(files::at(&directory))?;
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with(Self::EVENT_FILE)
            {
                files::remove(&entry.path())?;
            }
        }
        Ok(())
    }

    fn make_checkpoints(&self) -> Result<(), RunError> {
        let path = self.checkpoints();
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(files::at(&path)(error).into())
            }
            _ => Ok(()),
        }
    }

    /// A run, for reading.
    ///
    /// # Errors
    /// There is none at `path`, or a link or a special file is in the place of one of its files.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        Self::check_entries(path, Links::Refused)?;
        match path.join(Self::CONFIG).is_file() {
            true => Ok(Self {
                path: path.to_owned(),
                _lock: None,
                is_new: false,
            }),
            false => Err(RunError::NotARun(path.to_owned())),
        }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where checkpoints are.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join(Self::CHECKPOINTS)
    }

    /// One JSON object per epoch.
    pub fn metrics(&self) -> PathBuf {
        self.path.join(Self::METRICS)
    }

    /// Training and test error over the epochs.
    pub fn curves(&self) -> PathBuf {
        self.path.join(Self::CURVES)
    }

    /// How the code is used, and what its units draw.
    pub fn code(&self) -> PathBuf {
        self.path.join(Self::CODE)
    }

    /// Images of codes that were drawn at random.
    pub fn samples(&self) -> PathBuf {
        self.path.join(Self::SAMPLES)
    }

    /// Images of a grid of codes of two units.
    pub fn manifold(&self) -> PathBuf {
        self.path.join(Self::MANIFOLD)
    }

    /// Images between images.
    pub fn interpolation(&self) -> PathBuf {
        self.path.join(Self::INTERPOLATION)
    }

    /// Where in the plane a classifier sees which class.
    pub fn regions(&self) -> PathBuf {
        self.path.join(Self::REGIONS)
    }

    /// Codes in a plane.
    pub fn map(&self) -> PathBuf {
        self.path.join(Self::MAP)
    }

    /// A page that says what happened and holds the network.
    pub fn report(&self) -> PathBuf {
        self.path.join(Self::REPORT)
    }

    /// Where events of a session that begins now go, for TensorBoard; each session has a file of its own, and their
    /// names have the order of the sessions.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn new_event_file(&self) -> Result<PathBuf, RunError> {
        let directory = self.path.join(Self::TENSORBOARD);
        fs::create_dir_all(&directory).map_err(files::at(&directory))?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = since.map_or(0, |since| since.as_secs());
        let name = format!("{}{seconds:010}.{}", Self::EVENT_FILE, process::id());
        Ok(directory.join(name))
    }

    /// Images beside those whose codes are nearest.
    pub fn neighbours(&self) -> PathBuf {
        self.path.join(Self::NEIGHBOURS)
    }

    /// Test images above their reconstructions.
    pub fn reconstructions(&self) -> PathBuf {
        self.path.join(Self::RECONSTRUCTIONS)
    }
}

/// Creates a directory and those above it; returns whether it was not there before.
fn create_directory(path: &Path) -> Result<bool, RunError> {
    let parent = parent(path);
    fs::create_dir_all(parent).map_err(files::at(parent))?;
    match fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
        Err(error) => Err(files::at(path)(error).into()),
    }
}

fn parent(path: &Path) -> &Path {
    let parent = path.parent();
    let named = parent.filter(|parent| !parent.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}
