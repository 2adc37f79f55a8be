//! How to train, and training from the first step to the last.

use burn::module::Module;
use serde::Serialize;

use super::{Adam, EpochRecord, Event, Optimizer, Schedule, TrainError, Training};
use crate::task::Task;

/// How to train.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    pub seed: u64,
    pub epochs: usize,
    pub batch_size: usize,
    /// Parts that a batch is cut into, which are computed on as many workers as there are.
    pub shards: usize,
    pub optimizer: Optimizer,
    pub schedule: Schedule,
    /// Steps over which the learning rate rises at first.
    pub warmup_steps: usize,
    /// The most that the norm of all gradients together may be.
    pub clip_gradient_norm: Option<f64>,
    /// What becomes of a step in which something is not finite.
    pub non_finite: NonFinite,
    /// When to stop before the last epoch; needs validation examples.
    pub early_stopping: Option<EarlyStopping>,
    /// Whether each epoch ends with a measurement of the training examples too.
    pub evaluate_training: bool,
}

impl Default for Fit {
    /// What a config that says nothing of training says.
    fn default() -> Self {
        Self {
            seed: 42,
            epochs: 5,
            batch_size: 32,
            shards: 1,
            optimizer: Optimizer::Adam(Adam::default()),
            schedule: Schedule::Constant,
            warmup_steps: 0,
            clip_gradient_norm: None,
            non_finite: NonFinite::Stop,
            early_stopping: None,
            evaluate_training: false,
        }
    }
}

/// What becomes of a step whose loss, gradients or new parameters are not finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NonFinite {
    /// Training ends with an error.
    #[default]
    Stop,
    /// The step is left out, as if its batch had not been, and counted. The learning rate and the order of
    /// examples go on.
    SkipStep,
}

impl NonFinite {
    pub const NAMES: [(&str, Self); 2] = [("stop", Self::Stop), ("skip_step", Self::SkipStep)];
}

/// Stops when the validation error no longer improves, and keeps the weights of the last epoch
/// that improved it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EarlyStopping {
    /// Epochs without improvement to wait for.
    pub patience: usize,
    /// By how much the error must fall to count as improved, in its own units.
    pub least_improvement: f64,
}

/// A trained network and how it came to be.
#[derive(Debug)]
pub struct Fitted<M> {
    /// Without autodiff.
    pub network: M,
    pub history: Vec<EpochRecord>,
    /// The epoch, counted from 1, whose weights these are: the last, unless stopping early kept
    /// better ones.
    pub epoch: usize,
}

/// Trains `network`, whose parameters lie on the device of the task, to the end.
///
/// # Errors
/// Something is no longer finite, or the device fails.
pub fn fit<M: Module, T: Task<M>>(
    settings: &Fit,
    task: &T,
    network: M,
    listener: &mut dyn FnMut(Event<'_>),
) -> Result<Fitted<M>, TrainError> {
    let mut training = Training::new(settings, task, network);
    while let Some(event) = training.advance()? {
        listener(event);
    }
    Ok(training.finish())
}
