//! Experiments as TOML files: text to checked values, with every mistake reported at once.

mod settings;

use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use crate::data::Source;
use crate::device::Backend;
use crate::model::{Activation, Architecture};
use crate::objective::Reconstruction;
use crate::train::Adam;
use settings::Settings;
pub use settings::{Origin, Problem};

/// The lecture's experiment, which `train` runs when no config is named.
const DEEP: &str = include_str!("../../configs/deep.toml");
const DEEP_NAME: &str = "configs/deep.toml";

/// A complete, checked experiment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// Names the run directory under `artifacts/`.
    pub name: String,
    /// Keys every random number of the run.
    pub seed: u64,
    pub backend: Backend,
    pub data: Data,
    pub model: Architecture,
    pub objective: Objective,
    pub train: Train,
}

/// Which images to train on and to test with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Data {
    #[serde(rename = "dataset")]
    pub source: Source,
    /// The directory of the files; the usual places when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Use only the first so many training images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Use only the first so many test images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_limit: Option<usize>,
    /// Training images held out for validation.
    pub validation: usize,
}

/// What training minimises.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Objective {
    pub reconstruction: Reconstruction,
}

/// How training goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Train {
    pub epochs: usize,
    pub batch_size: usize,
    pub optimizer: Adam,
}

/// Why there is no config.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("{}: {error}", path.display())]
    Unreadable {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("{}", join(.0))]
    Problems(Vec<Problem>),
}

fn join(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(Problem::to_string).collect();
    lines.join("\n")
}

impl Config {
    /// Reads a config file, or the lecture's experiment, and applies `--set` overrides to it.
    ///
    /// # Errors
    /// The file cannot be read, or any of its settings is wrong; then all mistakes are listed.
    pub fn load(path: Option<&Path>, overrides: &[String]) -> Result<Self, ConfigError> {
        let (name, text) = match path {
            None => (DEEP_NAME.to_owned(), DEEP.to_owned()),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    let path = path.to_owned();
                    ConfigError::Unreadable { path, error }
                })?;
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
        let mut settings = Settings::parse(file, text)?;
        for argument in overrides {
            settings.set(argument);
        }
        let config = Self::read(&mut settings);
        settings.finish()?;
        Ok(config)
    }

    /// The whole config as TOML, defaults included; reading it gives the same config.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a config holds only what TOML can write")
    }

    /// Reads every setting. Where one is wrong, a default stands in until `finish` reports it.
    fn read(settings: &mut Settings) -> Self {
        let name = settings
            .read(
                "name",
                "letters, digits, `.`, `_` and `-`, beginning with a letter or digit",
                |value| {
                    value
                        .as_str()
                        .filter(|name| is_plain_name(name))
                        .map(str::to_owned)
                },
            )
            .unwrap_or_else(|| "unnamed".into());
        let seed = settings.integer("seed", 0..u64::MAX).unwrap_or(42);
        let backend = settings
            .choice("backend", &Backend::NAMES)
            .unwrap_or(Backend::Flex);
        let data = read_data(settings);
        let model = read_model(settings);
        let objective = read_objective(settings, &model);
        let train = read_train(settings);
        Self {
            name,
            seed,
            backend,
            data,
            model,
            objective,
            train,
        }
    }
}

/// Whether a name is safe as that of a directory on every system.
fn is_plain_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        && name.len() <= 100
}

fn read_data(settings: &mut Settings) -> Data {
    let source = settings
        .choice("data.dataset", &Source::NAMES)
        .unwrap_or(Source::Mnist);
    let path = settings.text("data.path").map(PathBuf::from);
    let mut count = |key: &str, least| {
        settings
            .integer(key, least..u64::MAX)
            .map(|count| usize::try_from(count).unwrap_or(usize::MAX))
    };
    let limit = count("data.limit", 1);
    let test_limit = count("data.test_limit", 1);
    let validation = count("data.validation", 0).unwrap_or(0);

    if source == Source::Idx && path.is_none() {
        let hint = "add path = \"DIR\" with the four IDX files under [data]";
        settings.problem(
            "data.dataset",
            "= \"idx\" needs `data.path`",
            Some(hint.into()),
        );
    }
    if let Some(limit) = limit.filter(|&limit| validation >= limit) {
        let hint = "lower it or raise `data.limit`";
        settings.problem(
            "data.validation",
            format!("= {validation} leaves none of the {limit} images of `data.limit` to train on"),
            Some(hint.into()),
        );
    }
    Data {
        source,
        path,
        limit,
        test_limit,
        validation,
    }
}

fn read_model(settings: &mut Settings) -> Architecture {
    settings.choice("model.kind", &[("autoencoder", ())]);
    let encoder = settings
        .sizes("model.encoder")
        .unwrap_or_else(|| vec![784, 128, 32]);
    let mirrored: Vec<usize> = encoder.iter().rev().copied().collect();
    let decoder = settings
        .sizes("model.decoder")
        .unwrap_or_else(|| mirrored.clone());
    for (what, end, expected) in [
        ("begin", decoder.first(), mirrored.first()),
        ("end", decoder.last(), mirrored.last()),
    ] {
        if let (Some(end), Some(expected)) = (end, expected)
            && end != expected
        {
            let meaning = match what {
                "begin" => "the width of the code",
                _ => "the width of the input",
            };
            settings.problem(
                "model.decoder",
                format!("must {what} with {expected}, {meaning}, not with {end}"),
                Some(format!("leave it out to mirror the encoder: {mirrored:?}")),
            );
        }
    }
    Architecture {
        encoder,
        decoder,
        activation: settings
            .choice("model.activation", &Activation::NAMES)
            .unwrap_or(Activation::Relu),
        output: settings
            .choice("model.output", &Activation::NAMES)
            .unwrap_or(Activation::Sigmoid),
    }
}

fn read_objective(settings: &mut Settings, model: &Architecture) -> Objective {
    let reconstruction = settings
        .choice("objective.reconstruction", &Reconstruction::NAMES)
        .unwrap_or(Reconstruction::BinaryCrossEntropy);
    if reconstruction == Reconstruction::BinaryCrossEntropy && model.output != Activation::Sigmoid {
        settings.problem(
            "objective.reconstruction",
            "= \"bce\" needs outputs between 0 and 1",
            Some("set model.output = \"sigmoid\", or objective.reconstruction = \"mse\"".into()),
        );
    }
    Objective { reconstruction }
}

fn read_train(settings: &mut Settings) -> Train {
    let mut count = |key: &str, default| {
        settings.integer(key, 1..u64::MAX).map_or(default, |count| {
            usize::try_from(count).unwrap_or(usize::MAX)
        })
    };
    let epochs = count("train.epochs", 5);
    let batch_size = count("train.batch_size", 32);
    settings.choice("train.optimizer.kind", &[("adam", ())]);
    let defaults = Adam::default();
    let mut rate = |key: &str, default| {
        settings
            .number(key, "a number of at least 0 and below 1", |x| {
                (0.0..1.0).contains(&x)
            })
            .unwrap_or(default)
    };
    let beta_1 = rate("train.optimizer.beta_1", defaults.beta_1);
    let beta_2 = rate("train.optimizer.beta_2", defaults.beta_2);
    let mut positive = |key: &str, default| {
        settings
            .number(key, "a number above 0", |x| x > 0.0)
            .unwrap_or(default)
    };
    Train {
        epochs,
        batch_size,
        optimizer: Adam {
            learning_rate: positive("train.optimizer.learning_rate", defaults.learning_rate),
            beta_1,
            beta_2,
            epsilon: positive("train.optimizer.epsilon", defaults.epsilon),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lecture_is_the_default_and_names_its_numbers() {
        let config = Config::load(None, &[]).unwrap();
        assert_eq!(config.model.encoder, [784, 128, 32]);
        assert_eq!(config.model.decoder, [32, 128, 784]);
        assert_eq!((config.train.epochs, config.train.batch_size), (5, 32));
        let adam = config.train.optimizer;
        assert_eq!((adam.learning_rate, adam.epsilon), (1e-3, 1e-7));
        assert_eq!((adam.beta_1, adam.beta_2), (0.9, 0.999));
    }

    #[test]
    fn a_resolved_config_reads_back_as_itself() {
        let overrides = [
            "data.path=/some where/\"x\"",
            "data.limit=7",
            "data.test_limit=3",
            "model.decoder=[32, 9, 784]",
            "train.optimizer.epsilon=1e-8",
            "backend=ndarray",
            "seed=7",
        ]
        .map(String::from);
        let config = Config::load(None, &overrides).unwrap();
        let again = Config::parse("resolved", &config.to_toml(), &[]).unwrap();
        assert_eq!(again, config);
        assert_eq!(again.to_toml(), config.to_toml());
    }

    #[test]
    fn contradictions_are_all_reported_at_once_with_their_remedies() {
        let text = "name = \"../x\"\n[data]\ndataset = \"idx\"\nlimit = 5\nvalidation = 5\n\
                    [model]\nencoder = [8, 4]\ndecoder = [3, 7]\noutput = \"linear\"\n\
                    [objective]\nreconstruction = \"bce\"\n[train]\nepochs = 0\n\
                    optimizer = { learning_rate = -1, beta_1 = 1.0, epsilon = nan }\n";
        let problems = Config::parse("a.toml", text, &[]).unwrap_err();
        let keys: Vec<_> = problems
            .iter()
            .map(|problem| problem.message.split('`').nth(1).unwrap())
            .collect();
        assert_eq!(
            keys,
            [
                "name",
                "data.dataset",
                "data.validation",
                "model.decoder",
                "model.decoder",
                "objective.reconstruction",
                "train.epochs",
                "train.optimizer.learning_rate",
                "train.optimizer.beta_1",
                "train.optimizer.epsilon",
            ]
        );
    }
}
