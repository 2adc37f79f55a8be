//! Experiments as TOML files: text to checked values, with every mistake reported at once.

mod problem;
mod read;
mod settings;

use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use crate::data::{Corruption, Source, Spirals};
use crate::device::Backend;
use crate::model::{autoencoder, classifier, variational};
use crate::objective::{self, Reconstruction, Sparsity};
use crate::train::{EarlyStopping, Optimizer, Schedule};
pub use problem::{Origin, Problem};
use settings::Settings;

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
    #[serde(flatten)]
    pub experiment: Experiment,
    pub train: Train,
}

/// Examples, network and objective, which depend on each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Experiment {
    /// Images from their codes.
    Autoencoder {
        data: Images,
        model: autoencoder::Architecture,
        objective: ReconstructionObjective,
    },
    /// Images from distributions over codes.
    Variational {
        data: Images,
        model: variational::Architecture,
        objective: VariationalObjective,
    },
    /// Points to classes; the objective is always the cross-entropy.
    Classifier {
        data: Points,
        model: classifier::Architecture,
    },
}

/// Which images to train on and to test with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Images {
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

/// Which points to generate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "dataset", rename = "spirals")]
pub struct Points {
    #[serde(flatten)]
    pub spirals: Spirals,
    /// Training points held out for validation.
    pub validation: usize,
}

/// What training an autoencoder minimises.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReconstructionObjective {
    pub reconstruction: Reconstruction,
    /// A penalty on the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sparsity: Option<Sparsity>,
    /// Noise on the inputs, for denoising.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corruption: Option<Corruption>,
}

/// What training a variational autoencoder minimises: the negative evidence lower bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariationalObjective {
    /// Factor on the divergence from the prior; 1 is the bound.
    pub kl_weight: f64,
    /// Noise on the inputs, for denoising.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corruption: Option<Corruption>,
}

impl Experiment {
    /// Training examples held out for validation.
    pub fn validation(&self) -> usize {
        match self {
            Self::Autoencoder { data, .. } | Self::Variational { data, .. } => data.validation,
            Self::Classifier { data, .. } => data.validation,
        }
    }

    /// Reduces the examples to at most so many, besides those for validation.
    pub fn take_only(&mut self, examples: usize) {
        match self {
            Self::Autoencoder { data, .. } | Self::Variational { data, .. } => {
                let all = data.limit.unwrap_or(usize::MAX);
                data.limit = Some(all.min(examples + data.validation));
                data.test_limit = Some(1);
            }
            // Points cost nothing.
            Self::Classifier { .. } => {}
        }
    }

    /// The images that it uses, if it uses images.
    pub fn images(&self) -> Option<&Images> {
        match self {
            Self::Autoencoder { data, .. } | Self::Variational { data, .. } => Some(data),
            Self::Classifier { .. } => None,
        }
    }

    /// The name of what training reports and is judged by, with unit and reduction.
    pub fn error_metric(&self) -> &'static str {
        match self {
            Self::Autoencoder { objective, .. } => objective.reconstruction.metric(),
            Self::Variational { .. } => objective::NEGATIVE_ELBO,
            Self::Classifier { .. } => objective::CROSS_ENTROPY,
        }
    }

    /// The noise on its inputs, if it is to remove noise.
    pub fn corruption(&self) -> Option<Corruption> {
        match self {
            Self::Autoencoder { objective, .. } => objective.corruption,
            Self::Variational { objective, .. } => objective.corruption,
            Self::Classifier { .. } => None,
        }
    }

    /// All layer sizes, as one writes them: `784-128-32-128-784`.
    pub fn shape(&self) -> String {
        match self {
            Self::Autoencoder { model, .. } => model.shape(),
            Self::Variational { model, .. } => model.shape(),
            Self::Classifier { model, .. } => model.shape(),
        }
    }
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
    /// Whether each epoch ends with a measurement of the training examples too.
    pub evaluate_training: bool,
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
        let config = read::config(&mut settings);
        settings.finish()?;
        Ok(config)
    }

    /// What heads its pictures: name and layer sizes.
    pub fn title(&self) -> String {
        format!("{}: {}", self.name, self.experiment.shape())
    }

    /// The whole config as TOML, defaults included; reading it gives the same config.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a config holds only what TOML can write")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Adam;

    #[test]
    fn the_lecture_is_the_default_and_names_its_numbers() {
        let config = Config::load(None, &[]).unwrap();
        assert_eq!(config.experiment.shape(), "784-128-32-128-784");
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
        let autoencoder = [
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
            "train.evaluate_training=true",
            "model.dropout=0.5",
        ];
        let variational = [
            "model={ kind = 'variational', encoder = [784, 30, 4], dropout = 0.1 }",
            "objective={ kl_weight = 2, corruption = { kind = 'masking' } }",
        ];
        let classifier = [
            "model={ kind = 'classifier', layers = [2, 9, 4], activation = 'tanh' }",
            "data={ classes = 4, points_per_class = 7, noise = 0, validation = 3 }",
            "objective={}",
        ];
        let tied = ["model={ tied = true, encoder = [784, 30, 4] }"];
        let spirals = "[model]\nkind = \"classifier\"\nlayers = [2, 9, 3]\n";
        for (text, overrides) in [
            (DEEP, &autoencoder[..]),
            (DEEP, &tied),
            (DEEP, &variational),
            (spirals, &classifier),
        ] {
            let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
            let config = Config::parse("written", text, &overrides).unwrap();
            let again = Config::parse("resolved", &config.to_toml(), &[]).unwrap();
            assert_eq!(again, config);
            assert_eq!(again.to_toml(), config.to_toml());
        }
    }

    /// What has no meaning for a kind of network is refused, not ignored.
    #[test]
    fn keys_of_other_kinds_are_refused_with_the_reason() {
        let problems = |overrides: &[&str]| -> Vec<String> {
            let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
            let problems = Config::parse("none", "", &overrides).unwrap_err();
            problems.iter().map(Problem::to_string).collect()
        };
        let every = |overrides: &[&str], parts: &[&str]| {
            let found = problems(overrides);
            assert_eq!(found.len(), parts.len(), "{found:?}");
            for (problem, part) in found.iter().zip(parts) {
                assert!(problem.contains(part), "{problem}");
            }
        };
        every(
            &[
                "model.layers=[2, 3]",
                "objective.kl_weight=1",
                "data.noise=0.1",
            ],
            &["needs data.dataset", "`model.encoder`", "\"variational\""],
        );
        every(
            &[
                "model.kind=variational",
                "model.tied=true",
                "model.output=relu",
                "objective.reconstruction=mse",
                "objective.sparsity={ kind = 'l1', reduction = 'batch_sum' }",
            ],
            &["means nothing", "\"sigmoid\"", "\"bce\"", "means nothing"],
        );
        every(
            &[
                "model.kind=classifier",
                "model.encoder=[784, 3]",
                "data.limit=5",
                "data.dataset=mnist",
                "objective.reconstruction=bce",
                "objective.corruption={ kind = 'masking' }",
            ],
            &[
                "\"spirals\"",
                "generated",
                "cross-entropy",
                "`model.layers`",
            ],
        );
        every(&["data.dataset=spirals"], &["points, not images"]);
        // What else is right depends on the kind that was meant.
        let meant = "did you mean \"variational\"?";
        every(
            &[
                "model.kind=varational",
                "model.layers=[2, 3]",
                "objective.kl_weight=1",
            ],
            &[meant],
        );
        every(
            &["model.kind=vae", "objective.kl_weight=1"],
            &["\"classifier\""],
        );
    }

    #[test]
    fn tied_weights_dropout_and_points_have_their_conditions() {
        let refused = |overrides: &[&str], part: &str| {
            let overrides: Vec<_> = overrides.iter().map(|&text| text.to_owned()).collect();
            let error = Config::load(None, &overrides).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        refused(&["model.tied=true", "model.decoder=[32, 784]"], "mirrors");
        refused(&["model.tied=true", "model.activation=maxout"], "maxout");
        refused(&["model.dropout=1"], "below 1");
        refused(&["model.dropout=-0.1"], "at least 0");
        refused(
            &["model.dropout=0.5", "model.encoder=[784, 32]"],
            "no hidden layer",
        );
        refused(&["train.evaluate_training=1"], "true or false");
        let classifier = |more: &[&str], part: &str| {
            let all = [
                &["model={ kind = 'classifier' }", "objective={}", "data={}"],
                more,
            ];
            refused(&all.concat(), part);
        };
        classifier(&["model.layers=[3, 9, 3]"], "begin with 2");
        classifier(&["model.layers=[2, 9, 4]"], "end with 3");
        classifier(&["data.classes=1"], "from 2 to 100");
        classifier(&["data.noise=-1"], "at least 0");
        classifier(&["data.validation=300"], "leaves none");
        classifier(&["data.points_per_class=4000000"], "more than");
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
