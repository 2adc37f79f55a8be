//! The training loop.

use std::io;
use std::time::Instant;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{ExecutionError, Tensor};
use serde::Serialize;
use thiserror::Error;

use super::{EpochRecord, Event, LearningRate, Optimizer, Schedule, clip_global_norm};
use crate::evaluate::Scope;
use crate::random::{self, Purpose};
use crate::task::{Loss, Subset, Task};

/// Steps between two readings of the loss. Each makes the device finish what it was given, so on a
/// GPU they are few; they are counted and not timed, so that sums are the same in every run.
const STEPS_BETWEEN_READINGS: usize = 50;

/// How to train.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    pub seed: u64,
    pub epochs: usize,
    pub batch_size: usize,
    pub optimizer: Optimizer,
    pub schedule: Schedule,
    /// Steps over which the learning rate rises at first.
    pub warmup_steps: usize,
    /// The most that the norm of all gradients together may be.
    pub clip_gradient_norm: Option<f64>,
    /// When to stop before the last epoch; needs validation examples.
    pub early_stopping: Option<EarlyStopping>,
    /// Whether each epoch ends with a measurement of the training examples too.
    pub evaluate_training: bool,
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

/// Why training failed.
#[derive(Debug, Error)]
pub enum TrainError {
    #[error(
        "the loss became {loss} in epoch {epoch}, by step {step}, at learning rate {learning_rate:e}"
    )]
    NotFinite {
        loss: f64,
        epoch: usize,
        step: usize,
        learning_rate: f64,
    },
    #[error("the device failed: {}", crate::device::cause(.0))]
    Device(ExecutionError),
    #[error("{0}")]
    Listener(#[from] io::Error),
}

impl TrainError {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotFinite { .. } => "lower train.optimizer.learning_rate",
            Self::Device(_) => {
                "the epochs so far are in metrics.jsonl; try again, or --backend flex"
            }
            Self::Listener(_) => {
                "make room or choose another --out; the epochs so far are in metrics.jsonl"
            }
        }
    }
}

/// Trains `network`, whose parameters lie on the device of the task.
///
/// Every epoch visits all training examples once in a new order; the last batch may be short. The
/// device is waited for only when the loss is read, every 50 steps.
///
/// # Errors
/// The loss is no longer finite, the device fails, or the listener does.
pub fn fit<M: Module, T: Task<M>>(
    settings: &Fit,
    task: &T,
    network: M,
    listener: &mut dyn FnMut(Event<'_>) -> io::Result<()>,
) -> Result<Fitted<M>, TrainError> {
    let mut trainer = Trainer {
        optimizer: settings.optimizer.init(),
        clip_gradient_norm: settings.clip_gradient_norm,
    };
    let mut network = network.train();
    let mut history = Vec::new();
    let examples = task.examples(Subset::Training);
    let steps = examples.div_ceil(settings.batch_size);
    let learning_rate = LearningRate {
        base: settings.optimizer.learning_rate(),
        schedule: settings.schedule,
        warmup_steps: settings.warmup_steps,
        steps_per_epoch: steps,
        epochs: settings.epochs,
    };
    let mut best: Option<Best<M>> = None;

    for epoch in 1..=settings.epochs {
        listener(Event::EpochBegins { epoch, steps })?;
        let begun = Instant::now();
        let order = random::stream(settings.seed, Purpose::Order, epoch as u64, 0);
        let order = random::permutation(examples, order);
        let mut loss = LossSum::default();
        for (index, indices) in order.chunks(settings.batch_size).enumerate() {
            let step = index + 1;
            let steps_before = (epoch - 1) * steps + index;
            let rate = learning_rate.at(steps_before);
            let (trained, error) = trainer.step(task, network, task.batch(epoch, indices), rate);
            network = trained;
            loss.add(error, indices.len());
            let mut mean_loss = None;
            if step % STEPS_BETWEEN_READINGS == 0 || step == steps {
                let mean = loss.read().map_err(TrainError::Device)?;
                if !mean.is_finite() {
                    return Err(TrainError::NotFinite {
                        loss: mean,
                        epoch,
                        step: steps_before + 1,
                        learning_rate: rate,
                    });
                }
                mean_loss = Some(mean);
            }
            listener(Event::Step {
                step,
                examples: indices.len(),
                mean_loss,
            })?;
        }
        let train_loss = loss.read().map_err(TrainError::Device)?;
        let train_seconds = begun.elapsed().as_secs_f64();

        let begun = Instant::now();
        let snapshot = network.valid();
        let measure = |subset| {
            task.figures(&snapshot, subset, Scope::Quick)
                .map_err(TrainError::Device)
        };
        let training = match settings.evaluate_training {
            true => measure(Subset::Training)?,
            false => None,
        };
        let validation = measure(Subset::Validation)?;
        let test = measure(Subset::Test)?.unwrap_or_default();
        // The last step of an epoch shows only here.
        for figures in training.iter().chain(&validation).chain([&test]) {
            let loss = figures
                .get(task.error_metric())
                .expect("figures hold the error metric");
            if !loss.is_finite() {
                return Err(TrainError::NotFinite {
                    loss,
                    epoch,
                    step: epoch * steps,
                    learning_rate: learning_rate.at(epoch * steps - 1),
                });
            }
        }
        let record = EpochRecord {
            epoch,
            step: epoch * steps,
            learning_rate: learning_rate.at(epoch * steps - 1),
            train_loss,
            training,
            validation,
            test,
            train_seconds,
            evaluate_seconds: begun.elapsed().as_secs_f64(),
            samples_per_second: examples as f64 / train_seconds,
        };
        listener(Event::EpochEnds(&record))?;
        let error = record.validation.as_ref();
        let error = error.and_then(|figures| figures.get(task.error_metric()));
        history.push(record);
        if let (Some(stopping), Some(error)) = (settings.early_stopping, error) {
            let improves = |best: &Best<M>| error < best.error - stopping.least_improvement;
            if best.as_ref().is_none_or(improves) {
                let network = snapshot;
                best = Some(Best {
                    network,
                    epoch,
                    error,
                });
            } else if best
                .as_ref()
                .is_some_and(|best| epoch - best.epoch >= stopping.patience)
            {
                break;
            }
        }
    }
    let last = history.len();
    let (network, epoch) = match best {
        Some(best) => (best.network, best.epoch),
        None => (network.valid(), last),
    };
    Ok(Fitted {
        network,
        history,
        epoch,
    })
}

/// The weights of the last epoch that improved the validation error.
struct Best<M> {
    network: M,
    epoch: usize,
    error: f64,
}

/// What one step needs besides the network and the batch.
#[derive(Clone)]
pub struct Trainer {
    pub optimizer: ModuleOptimizer,
    pub clip_gradient_norm: Option<f64>,
}

impl Trainer {
    /// One step of gradient descent on a batch; gives the error before it, which stays on the
    /// device.
    pub fn step<M: Module, T: Task<M>>(
        &mut self,
        task: &T,
        network: M,
        batch: T::Batch,
        learning_rate: f64,
    ) -> (M, Tensor<1>) {
        let Loss { minimised, error } = task.loss(&network, batch);
        let mut gradients = GradientsParams::from_grads(minimised.backward(), &network);
        if let Some(most) = self.clip_gradient_norm {
            clip_global_norm(&mut gradients, &network, most);
        }
        let network = self.optimizer.step(learning_rate, network, gradients);
        (network, error)
    }
}

/// A running sum of losses weighted by examples: a few steps of it on the device in `f32`, the rest
/// here in `f64`.
#[derive(Default)]
struct LossSum {
    pending: Option<Tensor<1>>,
    sum: f64,
    examples: usize,
}

impl LossSum {
    fn add(&mut self, loss: Tensor<1>, examples: usize) {
        let weighted = loss.mul_scalar(examples as f64);
        self.pending = Some(match self.pending.take() {
            None => weighted,
            Some(pending) => pending + weighted,
        });
        self.examples += examples;
    }

    /// The mean over all examples so far; waits for the device.
    fn read(&mut self) -> Result<f64, ExecutionError> {
        if let Some(pending) = self.pending.take() {
            let data = pending.try_into_data()?;
            self.sum += data.iter::<f64>().sum::<f64>();
        }
        Ok(self.sum / self.examples as f64)
    }
}
