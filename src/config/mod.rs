//! Experiments as TOML files: text to checked values, with every mistake reported at once.

mod experiment;
mod problem;
mod read;
mod settings;
mod spelling;
mod stock;
mod study;

use std::path::Path;

use serde::Serialize;
use thiserror::Error;

use crate::device::Backend;
use crate::files::{self, FileError};
use crate::model::Activation;
use crate::train::checkpoint::Policy;
use crate::train::{EarlyStopping, NonFinite, Optimizer, Schedule};
pub use experiment::{Experiment, Points, ReconstructionObjective, VariationalObjective};
pub use problem::{Origin, Problem};
use settings::Settings;
pub use stock::{STOCK, StockConfig};
pub use study::{Method, Point, Study, shown};

/// The lecture's experiment, which `train` runs when no config is named.
const DEFAULT: &str = "deep";
/// Far above any config.
pub const MOST_BYTES: u64 = 1 << 20;
/// Room for what a run writes above its resolved config.
const MOST_HEADING_BYTES: u64 = 1 << 10;

/// A complete, checked experiment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// Heads what is shown of the run.
    pub name: String,
    /// Keys every random number of the run.
    pub seed: u64,
    pub backend: Backend,
    #[serde(flatten)]
    pub experiment: Experiment,
    /// How training goes; none for a baseline, which is not trained by gradients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<Train>,
}

/// How training goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Train {
    pub epochs: usize,
    pub batch_size: usize,
    /// Parts that a batch is cut into, which several workers compute at once.
    pub shards: usize,
    /// Steps over which the learning rate rises at first.
    pub warmup_steps: usize,
    /// The most that the norm of all gradients together may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_gradient_norm: Option<f64>,
    /// What becomes of a step in which something is not finite.
    pub non_finite: NonFinite,
    /// Whether each epoch ends with a measurement of the training examples too.
    pub evaluate_training: bool,
    pub optimizer: Optimizer,
    pub schedule: Schedule,
    pub checkpoints: Policy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
}

/// Why there is no config.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error(transparent)]
    Unreadable(#[from] FileError),
    #[error("{}", join(.0))]
    Problems(Vec<Problem>),
}

/// Mistakes that are listed one by one.
const MOST_LISTED: usize = 100;

fn join(problems: &[Problem]) -> String {
    let shown = problems.iter().take(MOST_LISTED).map(Problem::to_string);
    let more = problems.len().saturating_sub(MOST_LISTED);
    let rest = (more > 0).then(|| format!("and {more} more mistakes"));
    shown.chain(rest).collect::<Vec<_>>().join("\n")
}

impl Config {
    /// Reads a config file, or the lecture's experiment, and applies `--set` overrides to it.
    ///
    /// # Errors
    /// The file cannot be read, or any of its settings is wrong; then all mistakes are listed.
    pub fn load(path: Option<&Path>, overrides: &[String]) -> Result<Self, ConfigError> {
        let (name, text) = match path {
            None => {
                let stock = StockConfig::named(DEFAULT);
                (stock.file.to_owned(), stock.text.to_owned())
            }
            Some(path) => {
                let text = files::read_text(path, MOST_BYTES)?;
                (path.display().to_string(), text)
            }
        };
        Self::parse(&name, &text, overrides).map_err(ConfigError::Problems)
    }

    /// Reads config text; `file` names it in messages.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn parse(file: &str, text: &str, overrides: &[String]) -> Result<Self, Vec<Problem>> {
        Self::parse_text(file, text, overrides, false)
    }

    /// Reads the text of the resolved config of a run, which without a version is of an earlier one.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn parse_of_run(
        file: &str,
        text: &str,
        overrides: &[String],
    ) -> Result<Self, Vec<Problem>> {
        Self::parse_text(file, text, overrides, true)
    }

    fn parse_text(
        file: &str,
        text: &str,
        overrides: &[String],
        is_of_a_run: bool,
    ) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::parse(file, text)?;
        read::version::modernise(&mut settings, text, is_of_a_run);
        for argument in overrides {
            settings.set(argument);
        }
        let config = read::config(&mut settings);
        settings.finish()?;
        // A run writes it, and reads it again.
        let bytes = config.to_toml().len() as u64;
        match bytes > MOST_BYTES - MOST_HEADING_BYTES {
            false => Ok(config),
            true => Err(vec![Problem {
                origin: None,
                message: format!("the resolved config has {bytes} bytes, more than a run can hold"),
                hint: Some("shorten its lists".into()),
            }]),
        }
    }

    /// The name of its directory under `artifacts/`.
    pub fn directory_name(&self) -> String {
        read::directory_name(&self.name)
    }

    /// What heads its pictures: name and layer sizes.
    pub fn title(&self) -> String {
        format!("{}: {}", self.name, self.experiment.shape())
    }

    /// The whole config as TOML, defaults included; reading it gives the same config. It names its version where earlier ones
    /// read something else in it.
    pub fn to_toml(&self) -> String {
        let text = toml::to_string(self).expect("a config holds only what TOML can write");
        match self.experiment.uses(Activation::Gelu) {
            true => format!(
                "{} = \"{}\"\n{text}",
                read::version::KEY,
                env!("CARGO_PKG_VERSION")
            ),
            false => text,
        }
    }
}

#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tests;
