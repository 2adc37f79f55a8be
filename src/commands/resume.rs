//! A run that was interrupted: its newest checkpoint that is whole, and whether it may be gone on with.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde_json::Value;

use super::{refuse_imported, warn};
use crate::config::Config;
use crate::error::Error;
use crate::model::weights::Network;
use crate::report::Receipt;
use crate::run_directory::RunDirectory;
use crate::task::Task;
use crate::train::checkpoint::{self, Checkpoint, Damage, Origin, Resumption};
use crate::train::{Fit, Progress, Schedule, Training};

const EPOCHS: &str = "train.epochs";
/// The keys that may be others when a run is resumed: data that were moved are known by their checksums.
const CHANGEABLE: [&str; 2] = [EPOCHS, "data.path"];

/// An interrupted run, locked, with what can be gone on from.
pub struct Resumable {
    pub run: RunDirectory,
    /// Those that may be whole, the newest first; none where the run did not come to its first.
    checkpoints: Vec<PathBuf>,
    /// Those that are not.
    damaged: Vec<PathBuf>,
    /// How far the newest that is whole has come.
    progress: Progress,
}

/// The run at `path` and its config, with another number of epochs or place of the data if `overrides` say so.
///
/// # Errors
/// There is no run, it is in use, none of its checkpoints is whole, its config was changed, or the overrides ask
/// for anything else.
pub fn find(path: &Path, overrides: &[String]) -> Result<(Config, Resumable), Error> {
    for argument in overrides {
        let key = argument.split('=').next().unwrap_or_default().trim();
        if !CHANGEABLE.contains(&key) {
            return Err(Error::NotResumable(format!(
                "--set {argument}: only {} may be others when a run is resumed",
                CHANGEABLE.join(" and ")
            )));
        }
    }
    let run = RunDirectory::resume(path)?;
    refuse_imported(&run)?;
    let mut checkpoints: VecDeque<PathBuf> = checkpoint::list(&run.checkpoints())?
        .into_iter()
        .map(|(_, path)| path)
        .collect();
    let mut damaged = Vec::new();
    let mut newest = None;
    while let Some(path) = checkpoints.front() {
        match Checkpoint::read(path) {
            Ok(checkpoint) => {
                newest = Some(checkpoint);
                break;
            }
            Err(damage) => {
                warn(&damage.to_string());
                damaged.extend(checkpoints.pop_front());
            }
        }
    }
    // A run that has come to an end had checkpoints; without them it would be begun anew in its place.
    let no_checkpoint = || Error::NoCheckpoint(run.path().to_owned());
    if newest.is_none() && !damaged.is_empty() {
        return Err(no_checkpoint());
    }
    let config = config(&run, newest.as_ref(), overrides)?;
    if newest.is_none() && config.train.is_some() && run.summary_path().exists() {
        return Err(no_checkpoint());
    }
    let resumable = Resumable {
        run,
        checkpoints: checkpoints.into(),
        damaged,
        progress: newest.map(|newest| newest.progress).unwrap_or_default(),
    };
    Ok((config, resumable))
}

/// The config of the run, or of its newest checkpoint where the run's is lost.
fn config(
    run: &RunDirectory,
    newest: Option<&Checkpoint>,
    overrides: &[String],
) -> Result<Config, Error> {
    let Some(newest) = newest else {
        return Ok(run.config_as_it_is(overrides)?);
    };
    let place = newest.path.join("config.toml").display().to_string();
    let parse = |overrides: &[String]| {
        Config::parse_of_run(&place, &newest.config, overrides)
            .map_err(|problems| Error::Config(crate::config::ConfigError::Problems(problems)))
    };
    let saved = parse(&[])?;
    let config = match run.config_as_it_is(overrides) {
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
    let mut but_for_these = config.clone();
    if let (Some(train), Some(saved)) = (&mut but_for_these.train, &saved.train) {
        train.epochs = saved.epochs;
    }
    let path = saved.experiment.images().and_then(|data| data.path.clone());
    but_for_these.experiment.set_path(path);
    if but_for_these != saved {
        return Err(Error::NotResumable(format!(
            "{}/config.toml was changed since {place} was written",
            run.path().display()
        )));
    }
    let Progress { history, partial } = &newest.progress;
    let begun = history.len() + usize::from(partial.steps > 0);
    let (train, saved) = (super::training(&config)?, super::training(&saved)?);
    let epochs = train.epochs;
    if epochs < begun {
        return Err(Error::NotResumable(format!(
            "{EPOCHS} = {epochs} is less than the {begun} epochs that are begun"
        )));
    }
    if epochs != saved.epochs && matches!(train.schedule, Schedule::Cosine { .. }) {
        return Err(Error::NotResumable(format!(
            "{EPOCHS} cannot be another: a cosine schedule had fallen for {} epochs",
            saved.epochs
        )));
    }
    Ok(config)
}

/// Whether the files of a run are still those that its summary speaks of.
pub fn is_whole(run: &RunDirectory, summary: &Value) -> bool {
    Receipt::of(summary).is_ok_and(|receipt| {
        let changed = run.changed_files(&receipt.files);
        let config = run.config_sha256();
        changed.is_ok_and(|changed| changed.is_empty())
            && config.is_ok_and(|found| found == receipt.config_sha256)
            && run
                .history()
                .is_ok_and(|lines| summary["epochs"] == lines.len())
    })
}

impl Resumable {
    /// The summary, if nothing is left to do.
    pub fn finished(&self, config: &Config) -> Option<Value> {
        let summary = self.run.summary().ok()?;
        let epochs = &summary["epochs"];
        let done = self.progress.history.len();
        let is_over = match &config.train {
            // A baseline is finished or is not there.
            None => true,
            Some(train) => {
                *epochs == train.epochs || (self.has_stopped_early(config) && *epochs == done)
            }
        };
        // What was damaged since is written anew.
        (is_over && is_whole(&self.run, &summary)).then_some(summary)
    }

    /// Whether it did not come to its first checkpoint, so that its first step is the next.
    pub fn starts_over(&self) -> bool {
        self.checkpoints.is_empty()
    }

    /// Whether more epochs would change nothing.
    pub fn has_stopped_early(&self, config: &Config) -> bool {
        let metric = config.experiment.error_metric();
        let stopping = config.train.as_ref().and_then(|train| train.early_stopping);
        stopping.is_some_and(|stopping| stopping.is_over(&self.progress.history, metric))
    }

    /// The training as its newest usable checkpoint has it, or from the beginning if there is none. `origin`, that of
    /// a run that began now, becomes that of this run.
    ///
    /// # Errors
    /// The data are not those that the run began with, or no checkpoint is usable.
    pub fn training<'a, M: Network, T: Task<M>>(
        &mut self,
        settings: &'a Fit,
        task: &'a T,
        network: M,
        device: &Device,
        origin: &mut Origin,
    ) -> Result<Training<'a, M, T>, Error> {
        if self.checkpoints.is_empty() {
            return Ok(Training::new(settings, task, network));
        }
        for path in self.checkpoints.clone() {
            let restored = Checkpoint::read(&path).and_then(|checkpoint| {
                let saved = checkpoint.saved(&network)?;
                Ok((checkpoint, saved))
            });
            let (checkpoint, saved) = match restored {
                Ok(restored) => restored,
                Err(damage) => {
                    self.pass_over(damage);
                    continue;
                }
            };
            let begun = &checkpoint.origin;
            if begun.data != origin.data {
                return Err(Error::NotResumable(
                    "the data are not those that the run began with".into(),
                ));
            }
            let training = match Training::restore(settings, task, saved, device) {
                Ok(training) => training,
                Err(error) => {
                    self.pass_over(checkpoint.damage(error));
                    continue;
                }
            };
            let differences = origin.environment.differences(&begun.environment);
            for difference in &differences {
                warn(&format!(
                    "{difference}; the bits may be others than without interruption"
                ));
            }
            origin.initial_weights_sha256 = begun.initial_weights_sha256.clone();
            origin.resumed = begun.resumed.clone();
            origin.started_from = begun.started_from.clone();
            origin.resumed.push(Resumption {
                after_step: training.step(),
                differences,
            });
            return Ok(training);
        }
        Err(Error::NoCheckpoint(self.run.path().to_owned()))
    }

    fn pass_over(&mut self, damage: Damage) {
        warn(&damage.to_string());
        self.damaged.push(damage.path);
    }

    /// Makes the run directory one of a run that is going on from a checkpoint that was usable.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(&self, config: &Config) -> Result<(), Error> {
        for path in &self.damaged {
            checkpoint::set_aside(path)?;
        }
        Ok(self.run.write_config(config)?)
    }
}
