//! The directory that a run leaves: its files, and how it comes to be.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use burn::module::Module;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::config::{Config, ConfigError, Origin};
use crate::model::weights::{self, Network, WeightsError};

/// A run's directory.
#[derive(Clone, Debug)]
pub struct RunDirectory {
    path: PathBuf,
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
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
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
            Self::Io { .. } => {
                Some("check that the place can be written and has room, or pass --out DIR")
            }
            Self::Config(ConfigError::Problems(problems))
                if problems
                    .iter()
                    .all(|problem| matches!(problem.origin, Some(Origin::Override(_)))) =>
            {
                None
            }
            Self::Config(_) => Some("the run's config.toml was changed or is of another version"),
            Self::NoMetrics(_) | Self::Metrics { .. } | Self::Weights(_) => {
                Some("the run did not finish or was damaged; train it again with --force")
            }
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
    /// Everything a run writes, and so all that `--force` removes.
    const FILES: [&'static str; 12] = [
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
    ];

    /// Whether a new run may be written to `path`; changes nothing.
    ///
    /// # Errors
    /// There is a run already and `force` is not given, or something that is no run.
    pub fn check_free(path: &Path, force: bool) -> Result<(), RunError> {
        match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                Err(RunError::InTheWay(path.to_owned()))
            }
            Err(error) => Err(io_error(path)(error)),
            Ok(mut entries) => match entries.next() {
                None => Ok(()),
                Some(_) if !path.join(Self::CONFIG).is_file() => {
                    Err(RunError::InTheWay(path.to_owned()))
                }
                Some(_) if !force => Err(RunError::Exists(path.to_owned())),
                Some(_) => Ok(()),
            },
        }
    }

    /// Makes the directory of a new run, with its resolved config. With `force`, the files of an
    /// earlier run there are removed; others stay.
    ///
    /// # Errors
    /// As [`Self::check_free`], and when the directory cannot be written.
    pub fn create(path: &Path, config: &Config, force: bool) -> Result<Self, RunError> {
        Self::check_free(path, force)?;
        fs::create_dir_all(path).map_err(io_error(path))?;
        let run = Self {
            path: path.to_owned(),
        };
        let text = format!(
            "# The resolved config of this run; training with it repeats the run.\n\n{}",
            config.to_toml()
        );
        // The config makes it a run directory, so it comes first and is never missing again.
        run.write(Self::CONFIG, text.as_bytes())?;
        for name in Self::FILES {
            if name == Self::CONFIG {
                continue;
            }
            let file = path.join(name);
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error(&file)(error));
                }
                _ => {}
            }
        }
        Ok(run)
    }

    /// A finished run, for reading.
    ///
    /// # Errors
    /// There is none at `path`.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        match path.join(Self::CONFIG).is_file() {
            true => Ok(Self {
                path: path.to_owned(),
            }),
            false => Err(RunError::NotARun(path.to_owned())),
        }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
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

    /// Writes the final figures and the receipt.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_summary(&self, summary: &Value) -> Result<(), RunError> {
        self.write(Self::SUMMARY, format!("{summary:#}\n").as_bytes())
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
    /// The weights are missing, damaged, or not those of such a network.
    pub fn load_weights<M: Module>(&self, network: M) -> Result<M, RunError> {
        Ok(weights::load_burnpack(
            network,
            &self.path.join(Self::BURNPACK),
        )?)
    }

    /// What `metrics.jsonl` says of each epoch that was finished.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else than one JSON object a line.
    pub fn history(&self) -> Result<Vec<Map<String, Value>>, RunError> {
        let path = self.metrics();
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => RunError::NoMetrics(self.path.clone()),
            _ => io_error(&path)(error),
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
        let path = self.path.join(name);
        fs::write(&path, bytes).map_err(io_error(&path))
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> RunError {
    let path = path.to_owned();
    move |error| RunError::Io { path, error }
}
