//! The directory that a run leaves: its files, and how it comes to be.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::module::Module;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::config::{Config, ConfigError, Origin};
use crate::data::{Checksum, hexadecimal};
use crate::files::{self, FileError};
use crate::memory;
use crate::model::weights::{self, Network, WeightsError};
use crate::train::checkpoint;

/// A run's directory.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
    /// Locked for as long as the run is being written; the lock dies with the process.
    _lock: Option<Arc<File>>,
}

/// Why a run directory cannot be made or used.
#[derive(Debug, Error)]
pub enum RunError {
    #[error("{} already holds a run", .0.display())]
    Exists(PathBuf),
    #[error("{} exists and is not a run directory", .0.display())]
    InTheWay(PathBuf),
    #[error("{} is not a run directory: it has no config.toml", .0.display())]
    NotARun(PathBuf),
    #[error("{} has no metrics.jsonl", .0.display())]
    NoMetrics(PathBuf),
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    #[error("{} is not as the run left it: its SHA-256 is another", .0.display())]
    Changed(PathBuf),
    #[error("{} did not finish: it has no summary.json", .0.display())]
    Unfinished(PathBuf),
    #[error("{}: {error}", path.display())]
    Summary {
        path: PathBuf,
        error: serde_json::Error,
    },
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}:{line}: {error}", path.display())]
    Metrics {
        path: PathBuf,
        line: usize,
        error: serde_json::Error,
    },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

impl RunError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists(_) => Some("pass --force to replace it, or --out DIR for another place"),
            Self::InTheWay(_) => Some("pass --out DIR for another place"),
            Self::NotARun(_) => {
                Some("name a directory that `hourglass train` made, such as artifacts/deep")
            }
            Self::InUse(_) => Some("wait until it is done, or pass --out DIR for another place"),
            Self::File(_) => {
                Some("check that the place can be read and written and has room, or pass --out DIR")
            }
            Self::Config(ConfigError::Problems(problems))
                if problems
                    .iter()
                    .all(|problem| matches!(problem.origin, Some(Origin::Override(_)))) =>
            {
                None
            }
            Self::Config(_) => Some("the run's config.toml was changed or is of another version"),
            Self::Changed(_) => Some(
                "restore it from a copy, or take the newest of the run's checkpoints as RUN: RUN/checkpoints/step-…",
            ),
            Self::NoMetrics(_)
            | Self::Metrics { .. }
            | Self::Unfinished(_)
            | Self::Summary { .. }
            | Self::Weights(_) => Some(
                "the run did not finish or was damaged; `hourglass train --resume RUN` finishes it, \
                 `train --force` begins anew",
            ),
        }
    }
}

impl RunDirectory {
    const CONFIG: &'static str = "config.toml";
    const METRICS: &'static str = "metrics.jsonl";
    const SUMMARY: &'static str = "summary.json";
    const BURNPACK: &'static str = "model.bpk";
    const SAFETENSORS: &'static str = "model.safetensors";
    const RECONSTRUCTIONS: &'static str = "reconstructions.png";
    const CURVES: &'static str = "curves.png";
    const CODE: &'static str = "code.png";
    const SAMPLES: &'static str = "samples.png";
    const MANIFOLD: &'static str = "manifold.png";
    const INTERPOLATION: &'static str = "interpolation.png";
    const REGIONS: &'static str = "regions.png";
    const CHECKPOINTS: &'static str = "checkpoints";
    /// Stays when the run is over, since another process may be about to lock it.
    const LOCK: &'static str = ".lock";
    /// Everything a run writes, and so all that `--force` removes.
    const FILES: [&'static str; 13] = [
        Self::CONFIG,
        Self::METRICS,
        Self::SUMMARY,
        Self::BURNPACK,
        Self::SAFETENSORS,
        Self::RECONSTRUCTIONS,
        Self::CURVES,
        Self::CODE,
        Self::SAMPLES,
        Self::MANIFOLD,
        Self::INTERPOLATION,
        Self::REGIONS,
        Self::CHECKPOINTS,
    ];
    /// What holds the weights of a finished run.
    const WEIGHTS: [&'static str; 2] = [Self::BURNPACK, Self::SAFETENSORS];

    /// Whether a new run may be written to `path`; changes nothing.
    ///
    /// # Errors
    /// There is a run already and `force` is not given, or one that is being written, or something that is no
    /// run.
    pub fn check_free(path: &Path, force: bool) -> Result<(), RunError> {
        let mut entries = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(RunError::InTheWay(path.to_owned()));
            }
            Err(error) => return Err(files::at(path)(error).into()),
            Ok(entries) => entries,
        };
        let is_lock = |entry: &io::Result<fs::DirEntry>| {
            entry
                .as_ref()
                .is_ok_and(|entry| entry.file_name() == Self::LOCK)
        };
        let is_empty = entries.all(|entry| is_lock(&entry));
        if !is_empty && !Self::is_run(path) {
            return Err(RunError::InTheWay(path.to_owned()));
        }
        if path.join(Self::LOCK).exists() {
            Self::lock(path)?;
        }
        match is_empty || force {
            true => Ok(()),
            false => Err(RunError::Exists(path.to_owned())),
        }
    }

    /// Whether a directory holds what a run leaves, finished or not.
    fn is_run(path: &Path) -> bool {
        path.join(Self::CONFIG).is_file() || path.join(Self::CHECKPOINTS).is_dir()
    }

    fn lock(path: &Path) -> Result<Arc<File>, RunError> {
        let file = path.join(Self::LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&file)
            .map_err(files::at(&file))?;
        match lock.try_lock() {
            Ok(()) => Ok(Arc::new(lock)),
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
        fs::create_dir_all(path).map_err(files::at(path))?;
        let lock = Self::lock(path)?;
        let run = Self {
            path: path.to_owned(),
            _lock: None,
        };
        // Another process may have been here since the check before the slow work; the lock is ours now, and
        // the check would find it taken.
        if Self::is_run(path) && !force {
            return Err(RunError::Exists(path.to_owned()));
        }
        // The old config makes it a run directory while its files go, so it is replaced last.
        for name in Self::FILES.iter().filter(|name| **name != Self::CONFIG) {
            files::remove(&path.join(name))?;
        }
        run.write_config(config)?;
        run.make_checkpoints()?;
        Ok(Self {
            _lock: Some(lock),
            ..run
        })
    }

    /// A run that was interrupted, to go on with, for this process alone.
    ///
    /// # Errors
    /// There is none, or it is being written.
    pub fn resume(path: &Path) -> Result<Self, RunError> {
        if !Self::is_run(path) {
            return Err(RunError::NotARun(path.to_owned()));
        }
        let run = Self {
            path: path.to_owned(),
            _lock: Some(Self::lock(path)?),
        };
        run.make_checkpoints()?;
        Ok(run)
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

    /// Writes the resolved config.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_config(&self, config: &Config) -> Result<(), RunError> {
        let text = format!(
            "# The resolved config of this run; training with it repeats the run.\n\n{}",
            config.to_toml()
        );
        self.write(Self::CONFIG, text.as_bytes())
    }

    /// A run, for reading.
    ///
    /// # Errors
    /// There is none at `path`.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        match path.join(Self::CONFIG).is_file() {
            true => Ok(Self {
                path: path.to_owned(),
                _lock: None,
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

    /// Whether the config is there to be read; it may be lost where checkpoints are not.
    pub fn has_config(&self) -> bool {
        self.path.join(Self::CONFIG).is_file()
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

    /// Test images above their reconstructions.
    pub fn reconstructions(&self) -> PathBuf {
        self.path.join(Self::RECONSTRUCTIONS)
    }

    /// The config of the run, with overrides on top.
    ///
    /// # Errors
    /// It cannot be read, or says something wrong.
    pub fn config(&self, overrides: &[String]) -> Result<Config, RunError> {
        Ok(Config::load(
            Some(&self.path.join(Self::CONFIG)),
            overrides,
        )?)
    }

    /// Writes the final figures and the receipt, which says that the run is finished.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_summary(&self, summary: &Value) -> Result<(), RunError> {
        self.write(Self::SUMMARY, format!("{summary:#}\n").as_bytes())
    }

    /// Makes it one of a run that is going on.
    ///
    /// # Errors
    /// The summary is there and cannot be removed.
    pub fn remove_summary(&self) -> Result<(), RunError> {
        Ok(files::remove(&self.path.join(Self::SUMMARY))?)
    }

    /// The file of the final figures and the receipt.
    pub fn summary_path(&self) -> PathBuf {
        self.path.join(Self::SUMMARY)
    }

    /// The final figures and the receipt.
    ///
    /// # Errors
    /// The run did not finish, or the file is damaged.
    pub fn summary(&self) -> Result<Value, RunError> {
        let path = self.summary_path();
        if !path.exists() {
            return Err(RunError::Unfinished(self.path.clone()));
        }
        let bytes = files::read(&path, MOST_TEXT_BYTES)?;
        serde_json::from_slice(&bytes).map_err(|error| RunError::Summary { path, error })
    }

    /// SHA-256 of the files that hold the weights.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn weights_checksums(&self) -> Result<Vec<Checksum>, RunError> {
        let checksum = |name: &&'static str| {
            let bytes = files::read(&self.path.join(name), memory::most_bytes())?;
            Ok(Checksum {
                file: (*name).to_owned(),
                sha256: hexadecimal(&Sha256::digest(bytes)),
            })
        };
        Self::WEIGHTS.iter().map(checksum).collect()
    }

    /// Writes the weights in both formats; `shape` tells other tools the network's layers.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_weights(&self, network: &impl Network, shape: &str) -> Result<(), WeightsError> {
        weights::save_burnpack(network, &self.path.join(Self::BURNPACK))?;
        network.save_safetensors(shape, &self.path.join(Self::SAFETENSORS))
    }

    /// `network` with its trained weights.
    ///
    /// # Errors
    /// The weights are missing, not the bytes that were written, or not those of such a network.
    pub fn load_weights<M: Module>(&self, network: M) -> Result<M, RunError> {
        let path = self.path.join(Self::BURNPACK);
        let bytes = weights::read_burnpack(&network, &path)?;
        // Most changes of a byte would make another network that works, more or less.
        if let Some(expected) = self.recorded_checksum(Self::BURNPACK)
            && expected != hexadecimal(&Sha256::digest(&bytes))
        {
            return Err(RunError::Changed(path));
        }
        Ok(weights::from_burnpack(network, bytes, &path)?)
    }

    /// What a finished run or a checkpoint says that the SHA-256 of one of its files is.
    fn recorded_checksum(&self, file: &str) -> Option<String> {
        if let Ok(summary) = self.summary() {
            let files: Vec<Checksum> =
                Vec::deserialize(&summary["receipt"]["files"]).unwrap_or_default();
            return Some(files.into_iter().find(|known| known.file == file)?.sha256);
        }
        let checksums = self.path.join(checkpoint::CHECKSUMS);
        let text = files::read_text(&checksums, MOST_TEXT_BYTES).ok()?;
        let mut lines = text.lines().filter_map(|line| line.split_once("  "));
        lines.find_map(|(digest, name)| (name == file).then(|| digest.to_owned()))
    }

    /// What `metrics.jsonl` says of each epoch that was finished.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else than one JSON object a line.
    pub fn history(&self) -> Result<Vec<Map<String, Value>>, RunError> {
        let path = self.metrics();
        let text =
            files::read_text(&path, MOST_TEXT_BYTES).map_err(|error| match error.error.kind() {
                io::ErrorKind::NotFound => RunError::NoMetrics(self.path.clone()),
                _ => error.into(),
            })?;
        // A line without an end was cut off while it was written.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let lines = text[..whole].lines().enumerate();
        lines
            .map(|(index, line)| {
                serde_json::from_str(line).map_err(|error| RunError::Metrics {
                    path: path.clone(),
                    line: index + 1,
                    error,
                })
            })
            .collect()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        Ok(files::write(&self.path.join(name), bytes)?)
    }
}

/// Far above the text of any run: what is larger is not read into memory.
const MOST_TEXT_BYTES: u64 = 1 << 30;
