//! The keys under `train`.

use crate::config::settings::Settings;
use crate::config::{Experiment, Train};
use crate::train::checkpoint::Policy;
use crate::train::{Adam, EarlyStopping, NonFinite, Optimizer, OptimizerKind, Schedule};

/// Far above what any machine has workers for.
const MOST_SHARDS: usize = 1024;

/// Reads `train` of an experiment.
pub fn train(settings: &mut Settings, experiment: &Experiment) -> Train {
    let epochs = settings.count("train.epochs", 1).unwrap_or(5);
    let batch_size = settings.count("train.batch_size", 1).unwrap_or(32);
    let shards = shards(settings, experiment, batch_size);
    let warmup_steps = settings.count("train.warmup_steps", 0).unwrap_or(0);
    let clip_gradient_norm = settings.number("train.clip_gradient_norm", ABOVE_0, |x| x > 0.0);
    let non_finite = settings.choice("train.non_finite", &NonFinite::NAMES);
    Train {
        epochs,
        batch_size,
        shards,
        warmup_steps,
        clip_gradient_norm,
        non_finite: non_finite.unwrap_or_default(),
        evaluate_training: settings.flag("train.evaluate_training").unwrap_or(false),
        optimizer: optimizer(settings),
        schedule: schedule(settings),
        checkpoints: checkpoints(settings),
        early_stopping: early_stopping(settings, experiment.may_have_validation()),
    }
}

const ABOVE_0: &str = "a number above 0";
const FROM_0_BELOW_1: &str = "a number of at least 0 and below 1";

fn shards(settings: &mut Settings, experiment: &Experiment, batch_size: usize) -> usize {
    const KEY: &str = "train.shards";
    let shards = settings.count(KEY, 1).unwrap_or(1);
    if shards > MOST_SHARDS.min(batch_size) {
        let most = format!("= {shards} is more than a batch has examples, {batch_size}");
        let most = match shards > MOST_SHARDS {
            true => format!("= {shards} is more than {MOST_SHARDS}"),
            false => most,
        };
        settings.problem(KEY, &most, Some("one shard a worker is enough".into()));
    }
    if shards > 1 && !experiment.is_additive() {
        settings.problem(
            KEY,
            "cuts batches, but objective.sparsity.kind = \"kullback_leibler\" looks at the mean over a whole batch",
            Some("leave train.shards at 1, or use objective.sparsity.kind = \"l1\"".into()),
        );
    }
    shards
}

fn optimizer(settings: &mut Settings) -> Optimizer {
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

fn schedule(settings: &mut Settings) -> Schedule {
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

fn checkpoints(settings: &mut Settings) -> Policy {
    let defaults = Policy::default();
    let mut count = |name: &str, least, default| {
        let key = format!("train.checkpoints.{name}");
        settings.count(&key, least).unwrap_or(default)
    };
    Policy {
        every_epochs: count("every_epochs", 0, defaults.every_epochs),
        every_steps: count("every_steps", 0, defaults.every_steps),
        every_seconds: count("every_seconds", 0, defaults.every_seconds),
        keep: count("keep", 1, defaults.keep),
    }
}

fn early_stopping(settings: &mut Settings, has_validation: bool) -> Option<EarlyStopping> {
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
    if !has_validation {
        settings.problem(
            "train.early_stopping.patience",
            "needs validation examples",
            Some("set data.validation, for example to 5000".into()),
        );
    }
    Some(EarlyStopping {
        patience: patience.unwrap_or(3),
        least_improvement,
    })
}
