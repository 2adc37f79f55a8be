//! Settings to checked values, one section after another; mistakes go to the settings.

use std::path::PathBuf;

use super::settings::Settings;
use super::{Config, Data, Objective, Train};
use crate::data::{Corruption, Source};
use crate::device::Backend;
use crate::model::{Activation, Architecture};
use crate::objective::{Reconstruction, Reduction, Sparsity};
use crate::train::{Adam, EarlyStopping, Optimizer, OptimizerKind, Schedule};

/// Reads every setting. Where one is wrong, a default stands in until `finish` reports it.
pub fn config(settings: &mut Settings) -> Config {
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
    Config {
        name,
        seed,
        backend,
        data,
        model,
        objective,
        train,
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
