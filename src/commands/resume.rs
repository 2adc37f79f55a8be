//! A run that was interrupted: its newest checkpoint that is whole, and whether it may be gone on with.

use std::path::Path;

use burn::tensor::Device;
use serde_json::Value;

use super::warn;
use crate::config::Config;
use crate::error::Error;
use crate::model::weights::Network;
use crate::run_directory::RunDirectory;
use crate::task::Task;
use crate::train::checkpoint::{self, Checkpoint, Damage, Origin, Resumption};
use crate::train::{Fit, Schedule, Training};

/// The one key that may be another when a run is resumed.
const EPOCHS: &str = "train.epochs";

/// An interrupted run, locked, with what can be gone on from.
pub struct Resumable {
    pub run: RunDirectory,
    /// Those whose files are whole, the newest first; none where the run did not come to its first.
    checkpoints: Vec<Checkpoint>,
}

/// The run at `path` and its config, with another number of epochs if `overrides` say so.
///
/// # Errors
/// There is no run, it is in use, none of its checkpoints is whole, its config was changed, or the overrides ask
/// for more than other epochs.
pub fn find(path: &Path, overrides: &[String]) -> Result<(Config, Resumable), Error> {
    for argument in overrides {
        let key = argument.split('=').next().unwrap_or_default().trim();
        if key != EPOCHS {
            return Err(Error::NotResumable(format!(
                "--set {argument}: only {EPOCHS} may be another when a run is resumed"
            )));
        }
    }
    let run = RunDirectory::resume(path)?;
    let mut checkpoints = Vec::new();
    let mut damaged = Vec::new();
    for (_, path) in checkpoint::list(&run.checkpoints())? {
        match Checkpoint::read(&path) {
            Ok(checkpoint) => checkpoints.push(checkpoint),
            Err(damage) => damaged.push(damage),
        }
    }
    tell(&damaged);
    if checkpoints.is_empty() && !damaged.is_empty() {
        return Err(Error::NoCheckpoint(run.path().to_owned()));
    }
    let config = config(&run, checkpoints.first(), overrides)?;
    Ok((config, Resumable { run, checkpoints }))
}

fn tell(damaged: &[Damage]) {
    for damage in damaged {
        warn(&damage.to_string());
    }
}

/// The config of the run, or of its newest checkpoint where the run's is lost.
fn config(
    run: &RunDirectory,
    newest: Option<&Checkpoint>,
    overrides: &[String],
) -> Result<Config, Error> {
    let Some(newest) = newest else {
        return Ok(run.config(overrides)?);
    };
    let place = newest.path.join("config.toml").display().to_string();
    let parse = |overrides: &[String]| {
        Config::parse(&place, &newest.config, overrides)
            .map_err(|problems| Error::Config(crate::config::ConfigError::Problems(problems)))
    };
    let saved = parse(&[])?;
    let config = match run.config(overrides) {
        Ok(config) => config,
        Err(error) => {
            // A mistake in an override is not a damaged file.
            let config = parse(overrides)?;
            warn(&format!(
                "{error}; going on with the config of the checkpoint"
            ));
            config
        }
    };
    let mut but_for_epochs = config.clone();
    but_for_epochs.train.epochs = saved.train.epochs;
    if but_for_epochs != saved {
        return Err(Error::NotResumable(format!(
            "{}/config.toml was changed since {place} was written",
            run.path().display()
        )));
    }
    let (epochs, done) = (config.train.epochs, newest.progress.history.len());
    if epochs < done {
        return Err(Error::NotResumable(format!(
            "{EPOCHS} = {epochs} is less than the {done} epochs that are done"
        )));
    }
    if epochs != saved.train.epochs && matches!(config.train.schedule, Schedule::Cosine { .. }) {
        return Err(Error::NotResumable(format!(
            "{EPOCHS} cannot be another: a cosine schedule had fallen for {} epochs",
            saved.train.epochs
        )));
    }
    Ok(config)
}

impl Resumable {
    /// The summary, if nothing is left to do.
    pub fn finished(&self, config: &Config) -> Option<Value> {
        let summary = self.run.summary().ok()?;
        let metric = config.experiment.error_metric();
        let stopped_early = config.train.early_stopping.is_some_and(|stopping| {
            let newest = self.checkpoints.first();
            newest.is_some_and(|newest| stopping.is_over(&newest.progress.history, metric))
        });
        (stopped_early || summary["epochs"] == config.train.epochs).then_some(summary)
    }

    /// The training as its newest usable checkpoint has it, or from the beginning if there is none. `origin`, that of
    /// a run that began now, becomes that of this run.
    ///
    /// # Errors
    /// The data are not those that the run began with, or no checkpoint is usable.
    pub fn training<'a, M: Network, T: Task<M>>(
        &self,
        settings: &'a Fit,
        task: &'a T,
        network: M,
        device: &Device,
        origin: &mut Origin,
    ) -> Result<Training<'a, M, T>, Error> {
        if self.checkpoints.is_empty() {
            return Ok(Training::new(settings, task, network));
        }
        for checkpoint in &self.checkpoints {
            let restored = checkpoint.saved(&network).and_then(|saved| {
                Training::restore(settings, task, saved, device)
                    .map_err(|error| checkpoint.damage(error))
            });
            let training = match restored {
                Ok(training) => training,
                Err(damage) => {
                    tell(&[damage]);
                    continue;
                }
            };
            let begun = &checkpoint.origin;
            if begun.data != origin.data {
                return Err(Error::NotResumable(
                    "the data are not those that the run began with".into(),
                ));
            }
            let differences = origin.environment.differences(&begun.environment);
            for difference in &differences {
                warn(&format!(
                    "{difference}; the bits may be others than without interruption"
                ));
            }
            origin.initial_weights_sha256 = begun.initial_weights_sha256.clone();
            origin.resumed = begun.resumed.clone();
            origin.resumed.push(Resumption {
                after_step: training.step(),
                differences,
            });
            return Ok(training);
        }
        Err(Error::NoCheckpoint(self.run.path().to_owned()))
    }

    /// Makes the run directory one of a run that is going on.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(&self, config: &Config) -> Result<(), Error> {
        self.run.remove_summary()?;
        Ok(self.run.write_config(config)?)
    }
}
