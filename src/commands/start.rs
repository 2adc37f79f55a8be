//! `train --from`: the weights that a training starts from, of a run or of another program.

use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::warn;
use crate::config::{Config, Experiment};
use crate::data::{Checksum, Preparation, hexadecimal};
use crate::error::Error;
use crate::files;
use crate::memory;
use crate::model::Activation;
use crate::model::import::{ImportError, import};
use crate::model::weights::{self, Network};
use crate::run_directory::{RunDirectory, RunError};
use crate::train::StartedFrom;
use crate::train::checkpoint::{self, Checkpoint};

/// The source that `--from` names, read as far as is possible before the network exists.
pub struct Start {
    path: PathBuf,
    source: Source,
}

enum Source {
    Run {
        run: RunDirectory,
        /// The place of its weights: the run itself, or its newest checkpoint.
        weights: RunDirectory,
        config: Box<Config>,
    },
    /// A safetensors file.
    File(Vec<u8>),
}

/// A network with the weights that it starts from.
pub struct Started<M> {
    pub network: M,
    pub from: StartedFrom,
    /// The weights in Burn's own format.
    pub burnpack: Vec<u8>,
}

impl Start {
    /// Finds a run, finished or with a checkpoint, or a file.
    ///
    /// # Errors
    /// There is none, or it is damaged.
    pub fn find(path: &Path) -> Result<Self, Error> {
        let source = match path.is_dir() {
            true => {
                let run = RunDirectory::open(path)?;
                Source::Run {
                    weights: place_of_weights(&run)?,
                    config: Box::new(run.config(&[])?),
                    run,
                }
            }
            false if path.exists() => {
                let read = files::read(path, memory::most_bytes());
                Source::File(read.map_err(|unreadable| {
                    import_error(path, ImportError::Unreadable(unreadable.error.to_string()))
                })?)
            }
            false => return Err(Error::NoStart(path.to_owned())),
        };
        Ok(Self {
            path: path.to_owned(),
            source,
        })
    }

    /// The run, if it is one: a training that is given no config has this run's.
    pub fn run(&self) -> Option<&RunDirectory> {
        match &self.source {
            Source::Run { run, .. } => Some(run),
            Source::File(_) => None,
        }
    }

    /// Refuses the config of another network, as far as can be told before one is made.
    ///
    /// # Errors
    /// The weights cannot be those of the config's network.
    pub fn check(&self, config: &Config) -> Result<(), Error> {
        match (&config.experiment, &self.source) {
            (Experiment::Baseline { .. }, _) => Err(Error::NotTrained),
            (Experiment::Autoencoder { model, .. }, Source::File(_)) if model.tied => {
                Err(Error::NotImportable("tied weights"))
            }
            (ours, Source::Run { config: theirs, .. }) => {
                let (theirs, ours) = (network(&theirs.experiment), network(ours));
                match theirs == ours {
                    true => Ok(()),
                    false => Err(Error::OtherNetwork {
                        path: self.path.clone(),
                        theirs,
                        ours,
                    }),
                }
            }
            _ => Ok(()),
        }
    }

    /// `network` with these weights.
    ///
    /// # Errors
    /// They are damaged, or not those of such a network.
    pub fn load<M: Network>(&self, network: M) -> Result<Started<M>, Error> {
        let (network, file) = match &self.source {
            Source::Run { weights, .. } => {
                let network = weights.load_weights(network)?;
                (network, weights.burnpack_checksum()?)
            }
            Source::File(bytes) => {
                let imported =
                    import(network, bytes).map_err(|problem| import_error(&self.path, problem))?;
                let name = self.path.file_name().unwrap_or_default();
                let file = Checksum {
                    file: name.to_string_lossy().into_owned(),
                    sha256: hexadecimal(&Sha256::digest(bytes)),
                };
                (imported.network, file)
            }
        };
        let burnpack =
            weights::burnpack(&network).map_err(|error| weights::WeightsError::Content {
                path: self.path.clone(),
                message: error.to_string(),
            })?;
        Ok(Started {
            from: StartedFrom {
                from: self.path.display().to_string(),
                file,
                weights_sha256: weights::fingerprint(&network)?,
                copy: RunDirectory::initial_checksum(&burnpack),
            },
            network,
            burnpack,
        })
    }

    /// Warns where the examples are made in another way than those that the weights were trained on.
    pub fn compare(&self, ours: Option<&Preparation>) {
        let (Some(run), Some(ours)) = (self.run(), ours) else {
            return;
        };
        let Ok(Some(theirs)) = run.preparation() else {
            return;
        };
        let differences = differences(&theirs, ours);
        if !differences.is_empty() {
            let path = self.path.display();
            let differences = differences.join(", ");
            warn(&format!(
                "the examples are not prepared as those of {path} were: {differences} in its input.json; its weights \
                 are used with different numbers than they were trained on"
            ));
        }
    }
}

/// The names of what is said of the preparation of examples and differs, but for classes, which no network here is shown.
fn differences(theirs: &Preparation, ours: &Preparation) -> Vec<String> {
    let object = |preparation: &Preparation| match serde_json::to_value(preparation) {
        Ok(Value::Object(object)) => object,
        _ => serde_json::Map::new(),
    };
    let (theirs, ours) = (object(theirs), object(ours));
    let mut names: Vec<&String> = theirs.keys().chain(ours.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| *name != "classes" && theirs.get(*name) != ours.get(*name))
        .map(|name| format!("`{name}`"))
        .collect()
}

/// The place of the weights of a run.
fn place_of_weights(run: &RunDirectory) -> Result<RunDirectory, Error> {
    match run.summary() {
        Ok(_) => return Ok(run.clone()),
        Err(RunError::Unfinished(_)) => {}
        Err(error) => return Err(error.into()),
    }
    // A checkpoint is a run directory to look at.
    if run.path().join(checkpoint::CHECKSUMS).exists() {
        return Ok(run.clone());
    }
    let none = || Error::NoCheckpoint(run.path().to_owned());
    if !run.checkpoints().is_dir() {
        return Err(none());
    }
    for (_, path) in checkpoint::list(&run.checkpoints())? {
        match Checkpoint::read(&path) {
            Ok(_) => return Ok(RunDirectory::open(&path)?),
            Err(damage) => warn(&damage.to_string()),
        }
    }
    Err(none())
}

/// The properties that weights must match: kind, sizes, and layers of several pieces.
fn network(experiment: &Experiment) -> String {
    let (kind, activations) = match experiment {
        Experiment::Autoencoder { model, .. } => {
            let kind = match model.tied {
                true => "autoencoder with tied weights",
                false => "autoencoder",
            };
            let activations = [
                ("activation", model.activation),
                ("code_activation", model.code_activation),
                ("output", model.output),
            ];
            (kind, activations.to_vec())
        }
        Experiment::Variational { model, .. } => (
            "variational autoencoder",
            vec![("activation", model.activation)],
        ),
        Experiment::Classifier { model, .. } => {
            ("classifier", vec![("activation", model.activation)])
        }
        Experiment::Baseline { .. } => ("baseline", Vec::new()),
    };
    let mut text = format!("{kind} {}", experiment.shape());
    for (key, activation) in activations {
        if activation == Activation::Maxout {
            text += &format!(", {key} maxout");
        }
    }
    text
}

fn import_error(path: &Path, problem: ImportError) -> Error {
    Error::Import {
        path: path.to_owned(),
        problem,
    }
}
