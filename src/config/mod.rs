//! Experiments as TOML files: text to checked values, with every mistake reported at once.

mod settings;

use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use crate::data::{Corruption, Noise, Source};
use crate::device::Backend;
use crate::model::{Activation, Architecture};
use crate::objective::{Reconstruction, Reduction, Sparsity};
use crate::train::{Adam, EarlyStopping, Optimizer, OptimizerKind, Schedule};
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
    /// A penalty on the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sparsity: Option<Sparsity>,
    /// Noise on the inputs, for denoising.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corruption: Option<Corruption>,
}

/// How training goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Train {
    pub epochs: usize,
    pub batch_size: usize,
    /// Steps over which the learning rate rises at first.
    pub warmup_steps: usize,
    /// The most that the norm of all gradients together may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_gradient_norm: Option<f64>,
    pub optimizer: Optimizer,
    pub schedule: Schedule,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
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

    /// The noise through which evaluations and pictures of a denoising network look.
    pub fn evaluation_noise(&self) -> Option<Noise> {
        let corruption = self.objective.corruption?;
        Some(Noise::of_evaluation(corruption, self.seed))
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
        let seed = settings.seed("seed").unwrap_or(42);
        let backend = settings
            .choice("backend", &Backend::NAMES)
            .unwrap_or(Backend::Flex);
        let data = read_data(settings);
        let model = read_model(settings);
        let objective = read_objective(settings, &model);
        let train = read_train(settings, &data);
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
    let limit = settings.count("data.limit", 1);
    let test_limit = settings.count("data.test_limit", 1);
    let validation = settings.count("data.validation", 0).unwrap_or(0);

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
    let parameters = parameters(&encoder) + parameters(&decoder);
    if parameters > MOST_PARAMETERS {
        settings.problem(
            "model.encoder",
            format!(
                "makes a network of {parameters} parameters; at most {MOST_PARAMETERS} are possible"
            ),
            Some("take smaller layers".into()),
        );
    }
    let activation = settings
        .choice("model.activation", &Activation::NAMES)
        .unwrap_or(Activation::Relu);
    Architecture {
        encoder,
        decoder,
        activation,
        code_activation: settings
            .choice("model.code_activation", &Activation::NAMES)
            .unwrap_or(activation),
        output: settings
            .choice("model.output", &Activation::NAMES)
            .unwrap_or(Activation::Sigmoid),
    }
}

/// Weights of 4 GiB, and Adam's state twice as much again.
const MOST_PARAMETERS: u128 = 1 << 30;

/// The weights and biases between layers of these sizes.
fn parameters(sizes: &[usize]) -> u128 {
    let pairs = sizes.windows(2);
    pairs
        .map(|pair| (pair[0] as u128 + 1) * pair[1] as u128)
        .sum()
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
    Objective {
        reconstruction,
        sparsity: read_sparsity(settings, model),
        corruption: read_corruption(settings),
    }
}

fn read_sparsity(settings: &mut Settings, model: &Architecture) -> Option<Sparsity> {
    const SECTION: &str = "objective.sparsity";
    let is_l1 = settings.kind(SECTION, &[("l1", true), ("kullback_leibler", false)])?;
    let weight = settings
        .number("objective.sparsity.weight", "a number of at least 0", |x| {
            x >= 0.0
        })
        .unwrap_or(1e-5);
    if is_l1 {
        let key = "objective.sparsity.reduction";
        let reduction = settings.choice(key, &Reduction::NAMES);
        if reduction.is_none() && !settings.has(key) {
            let hint = "add reduction = \"batch_sum\" (Keras' older behaviour) or \"batch_mean\"";
            settings.problem(SECTION, "needs a reduction", Some(hint.into()));
        }
        let reduction = reduction.unwrap_or(Reduction::BatchMean);
        return Some(Sparsity::L1 { weight, reduction });
    }
    if model.code_activation != Activation::Sigmoid {
        settings.problem(
            "objective.sparsity.kind",
            "= \"kullback_leibler\" needs a code between 0 and 1",
            Some("set model.code_activation = \"sigmoid\"".into()),
        );
    }
    let between = |x| 0.0 < x && x < 1.0;
    let target = settings
        .number(
            "objective.sparsity.target",
            "a number between 0 and 1",
            between,
        )
        .unwrap_or(0.05);
    Some(Sparsity::KullbackLeibler { weight, target })
}

fn read_corruption(settings: &mut Settings) -> Option<Corruption> {
    const KINDS: [(&str, Corruption); 3] = [
        ("gaussian", Corruption::Gaussian { sigma: 0.4 }),
        ("masking", Corruption::Masking { fraction: 0.25 }),
        (
            "salt_and_pepper",
            Corruption::SaltAndPepper { fraction: 0.25 },
        ),
    ];
    let kind = settings.kind("objective.corruption", &KINDS)?;
    let fraction = |settings: &mut Settings, default| {
        let expected = "a number from 0 to 1";
        let share = |x| (0.0..=1.0).contains(&x);
        settings
            .number("objective.corruption.fraction", expected, share)
            .unwrap_or(default)
    };
    Some(match kind {
        Corruption::Gaussian { sigma } => Corruption::Gaussian {
            sigma: settings
                .number(
                    "objective.corruption.sigma",
                    "a number of at least 0",
                    |x| x >= 0.0,
                )
                .unwrap_or(sigma),
        },
        Corruption::Masking { fraction: default } => Corruption::Masking {
            fraction: fraction(settings, default),
        },
        Corruption::SaltAndPepper { fraction: default } => Corruption::SaltAndPepper {
            fraction: fraction(settings, default),
        },
    })
}

fn read_train(settings: &mut Settings, data: &Data) -> Train {
    let epochs = settings.count("train.epochs", 1).unwrap_or(5);
    let batch_size = settings.count("train.batch_size", 1).unwrap_or(32);
    let warmup_steps = settings.count("train.warmup_steps", 0).unwrap_or(0);
    let clip_gradient_norm = settings.number("train.clip_gradient_norm", ABOVE_0, |x| x > 0.0);
    Train {
        epochs,
        batch_size,
        warmup_steps,
        clip_gradient_norm,
        optimizer: read_optimizer(settings),
        schedule: read_schedule(settings),
        early_stopping: read_early_stopping(settings, data),
    }
}

const ABOVE_0: &str = "a number above 0";
const FROM_0_BELOW_1: &str = "a number of at least 0 and below 1";

fn read_optimizer(settings: &mut Settings) -> Optimizer {
    let kind = settings
        .kind("train.optimizer", &Optimizer::NAMES)
        .unwrap_or(OptimizerKind::Adam);
    let mut positive = |name: &str, default| {
        settings
            .number(&format!("train.optimizer.{name}"), ABOVE_0, |x| {
                x as f32 > 0.0
            })
            .unwrap_or(default)
    };
    let defaults = Adam::default();
    let learning_rate = positive(
        "learning_rate",
        match kind {
            OptimizerKind::Sgd => 0.01,
            _ => defaults.learning_rate,
        },
    );
    let epsilon = match kind {
        OptimizerKind::Sgd => 0.0,
        _ => positive("epsilon", defaults.epsilon),
    };
    let mut share = |name: &str, default| {
        // Both bounds after rounding to the precision in which the optimizer works.
        let below_1 = |x| (0.0..1.0).contains(&(x as f32));
        settings
            .number(&format!("train.optimizer.{name}"), FROM_0_BELOW_1, below_1)
            .unwrap_or(default)
    };
    let mut adam = || Adam {
        learning_rate,
        beta_1: share("beta_1", defaults.beta_1),
        beta_2: share("beta_2", defaults.beta_2),
        epsilon,
    };
    match kind {
        OptimizerKind::Adam => Optimizer::Adam(adam()),
        OptimizerKind::AdamW => Optimizer::AdamW {
            adam: adam(),
            weight_decay: share("weight_decay", 0.01),
        },
        OptimizerKind::Sgd => Optimizer::Sgd {
            learning_rate,
            momentum: share("momentum", 0.0),
        },
        OptimizerKind::RmsProp => Optimizer::RmsProp {
            learning_rate,
            decay: share("decay", 0.9),
            epsilon,
        },
    }
}

fn read_schedule(settings: &mut Settings) -> Schedule {
    const KINDS: [(&str, Schedule); 3] = [
        ("constant", Schedule::Constant),
        ("cosine", Schedule::Cosine { last: 0.0 }),
        (
            "step",
            Schedule::Step {
                every_epochs: 1,
                factor: 0.5,
            },
        ),
    ];
    let kind = settings.kind("train.schedule", &KINDS);
    match kind.unwrap_or(Schedule::Constant) {
        Schedule::Constant => Schedule::Constant,
        Schedule::Cosine { last } => Schedule::Cosine {
            last: settings
                .number("train.schedule.last", "a number from 0 to 1", |x| {
                    (0.0..=1.0).contains(&x)
                })
                .unwrap_or(last),
        },
        Schedule::Step {
            every_epochs,
            factor,
        } => Schedule::Step {
            every_epochs: settings
                .count("train.schedule.every_epochs", 1)
                .unwrap_or(every_epochs),
            factor: settings
                .number("train.schedule.factor", ABOVE_0, |x| x > 0.0)
                .unwrap_or(factor),
        },
    }
}

fn read_early_stopping(settings: &mut Settings, data: &Data) -> Option<EarlyStopping> {
    const SECTION: &str = "train.early_stopping";
    let is_written = settings.has_section(SECTION);
    let patience = settings.count("train.early_stopping.patience", 1);
    let least_improvement = settings
        .number(
            "train.early_stopping.least_improvement",
            "a number of at least 0",
            |x| x >= 0.0,
        )
        .unwrap_or(0.0);
    if !is_written {
        return None;
    }
    if data.validation == 0 {
        settings.problem(
            "train.early_stopping.patience",
            "needs validation images",
            Some("set data.validation, for example to 5000".into()),
        );
    }
    Some(EarlyStopping {
        patience: patience.unwrap_or(3),
        least_improvement,
    })
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
        let adam = Adam {
            learning_rate: 1e-3,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
        };
        assert_eq!(config.train.optimizer, Optimizer::Adam(adam));
    }

    #[test]
    fn a_resolved_config_reads_back_as_itself() {
        let overrides = [
            "data.path=/some where/\"x\"",
            "data.limit=7",
            "data.test_limit=3",
            "model.decoder=[32, 9, 784]",
            "backend=ndarray",
            "seed=7",
            "model.activation=leaky_relu",
            "model.code_activation=sigmoid",
            "objective.sparsity={ kind = 'kullback_leibler', weight = 0.1, target = 0.1 }",
            "objective.corruption={ kind = 'salt_and_pepper', fraction = 0.1 }",
            "data.validation=2",
            "train.optimizer={ kind = 'adamw', weight_decay = 0.1 }",
            "train.schedule={ kind = 'step', every_epochs = 2 }",
            "train.early_stopping={ patience = 2 }",
            "train.warmup_steps=5",
            "train.clip_gradient_norm=1",
        ]
        .map(String::from);
        let config = Config::load(None, &overrides).unwrap();
        let again = Config::parse("resolved", &config.to_toml(), &[]).unwrap();
        assert_eq!(again, config);
        assert_eq!(again.to_toml(), config.to_toml());
    }

    #[test]
    fn what_needs_something_else_says_so() {
        let refused = |overrides: &[&str], part: &str| {
            let overrides: Vec<_> = overrides.iter().map(|text| (*text).to_owned()).collect();
            let error = Config::load(None, &overrides).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        refused(
            &["train.early_stopping={ patience = 2 }"],
            "data.validation",
        );
        refused(
            &["train.early_stopping={ least_improvement = 1 }"],
            "data.validation",
        );
        refused(
            &["objective.sparsity={ kind = 'kullback_leibler' }"],
            "model.code_activation = \"sigmoid\"",
        );
        refused(
            &["objective.sparsity={ kind = 'l1', reduction = 'sum' }"],
            "batch_mean",
        );
        refused(
            &["objective.corruption={ kind = 'masking', fraction = 2 }"],
            "from 0 to 1",
        );
        refused(
            &["train.optimizer={ kind = 'sgd', beta_1 = 0.9 }"],
            "unknown key",
        );
        refused(&["model.encoder=[784, 4000000000]"], "smaller layers");
        refused(&["train.epochs=5000000000"], "whole number");
    }

    #[test]
    fn contradictions_are_all_reported_at_once_with_their_remedies() {
        let text = "name = \"../x\"\n[data]\ndataset = \"idx\"\nlimit = 5\nvalidation = 5\n\
                    [model]\nencoder = [8, 4]\ndecoder = [3, 7]\noutput = \"linear\"\n\
                    [objective]\nreconstruction = \"bce\"\n[train]\nepochs = 0\n\
                    optimizer = { kind = \"adam\", learning_rate = -1, beta_1 = 1.0, epsilon = nan }\n\
                    early_stopping = { patience = 0 }\nschedule = { last = 2 }\n\
                    clip_gradient_norm = 0\n[objective.corruption]\nkind = \"gaussian\"\n\
                    sigma = -0.1\n[objective.sparsity]\nkind = \"l1\"\n";
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
                "train.early_stopping.patience",
                "train.schedule",
                "train.schedule.last",
                "train.clip_gradient_norm",
                "objective.corruption.sigma",
                "objective.sparsity",
            ]
        );
    }
}
