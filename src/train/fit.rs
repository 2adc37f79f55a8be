//! The training loop.

use std::io;
use std::time::Instant;

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, ExecutionError, Tensor};
use thiserror::Error;

use super::{Adam, EpochRecord, Event};
use crate::batches::Batches;
use crate::data::Splits;
use crate::evaluate::{self, Evaluator};
use crate::model::Autoencoder;
use crate::objective::Reconstruction;
use crate::random::{self, Purpose};

/// Steps between two readings of the loss. Each makes the device finish what it was given, so on a
/// GPU they are few; they are counted and not timed, so that sums are the same in every run.
const STEPS_BETWEEN_READINGS: usize = 50;

/// How to train.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    pub seed: u64,
    pub epochs: usize,
    pub batch_size: usize,
    pub optimizer: Adam,
    pub reconstruction: Reconstruction,
    /// Whether the training images are copied to the device once.
    pub keep_resident: bool,
    /// Images evaluated at a time.
    pub evaluation_batch: usize,
}

/// Why training ended early.
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

/// Trains `model`, whose parameters lie on `device`, and returns it with a record of each epoch.
///
/// Every epoch visits all training images once in a new order; the last batch may be short. The
/// device is never waited for within [`STEPS_BETWEEN_READINGS`] steps.
///
/// # Errors
/// The loss is no longer finite, the device fails, or the listener does.
pub fn fit(
    settings: &Fit,
    model: Autoencoder,
    data: &Splits,
    device: &Device,
    listener: &mut dyn FnMut(Event<'_>) -> io::Result<()>,
) -> Result<(Autoencoder, Vec<EpochRecord>), TrainError> {
    let batches = Batches::new(&data.train, device, settings.keep_resident);
    let evaluator = Evaluator {
        device,
        batch_size: settings.evaluation_batch,
        scope: evaluate::Scope::Quick,
    };
    let mut trainer = Trainer::new(&settings.optimizer, settings.reconstruction);
    let mut model = model.train();
    let mut history = Vec::with_capacity(settings.epochs);
    let images = data.train.count();
    let steps = images.div_ceil(settings.batch_size);

    for epoch in 1..=settings.epochs {
        listener(Event::EpochBegins { epoch, steps })?;
        let begun = Instant::now();
        let order = random::stream(settings.seed, Purpose::Order, epoch as u64, 0);
        let order = random::permutation(images, order);
        let mut loss = LossSum::default();
        for (index, indices) in order.chunks(settings.batch_size).enumerate() {
            let step = index + 1;
            let (trained, batch_loss) = trainer.step(model, batches.gather(indices));
            model = trained;
            loss.add(batch_loss, indices.len());
            let mut mean_loss = None;
            if step % STEPS_BETWEEN_READINGS == 0 || step == steps {
                let mean = loss.read().map_err(TrainError::Device)?;
                if !mean.is_finite() {
                    return Err(TrainError::NotFinite {
                        loss: mean,
                        epoch,
                        step: (epoch - 1) * steps + step,
                        learning_rate: trainer.learning_rate,
                    });
                }
                mean_loss = Some(mean);
            }
            listener(Event::Step {
                step,
                images: indices.len(),
                mean_loss,
            })?;
        }
        let train_loss = loss.read().map_err(TrainError::Device)?;
        let train_seconds = begun.elapsed().as_secs_f64();

        let begun = Instant::now();
        let snapshot = model.valid();
        let evaluate = |images| {
            evaluator
                .evaluate(&snapshot, images)
                .map_err(TrainError::Device)
        };
        let record = EpochRecord {
            epoch,
            step: epoch * steps,
            learning_rate: trainer.learning_rate,
            train_loss,
            validation: data.validation.as_ref().map(evaluate).transpose()?,
            test: evaluate(&data.test)?,
            train_seconds,
            evaluate_seconds: begun.elapsed().as_secs_f64(),
            samples_per_second: images as f64 / train_seconds,
        };
        listener(Event::EpochEnds(&record))?;
        history.push(record);
    }
    Ok((model.valid(), history))
}

/// What one step needs besides the model and the batch.
pub struct Trainer {
    optimizer: ModuleOptimizer,
    learning_rate: f64,
    reconstruction: Reconstruction,
}

impl Trainer {
    /// A trainer whose optimizer has seen nothing yet.
    pub fn new(adam: &Adam, reconstruction: Reconstruction) -> Self {
        Self {
            optimizer: adam.init(),
            learning_rate: adam.learning_rate,
            reconstruction,
        }
    }

    /// One step of gradient descent on a batch `[batch, pixels]`; gives the loss before it, which
    /// stays on the device.
    pub fn step(&mut self, model: Autoencoder, x: Tensor<2>) -> (Autoencoder, Tensor<1>) {
        let x = x.autodiff();
        let logits = model.forward(x.clone()).logits;
        let loss = self
            .reconstruction
            .loss(logits, model.output_activation(), x);
        let value = loss.clone().without_autodiff();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let model = self.optimizer.step(self.learning_rate, model, gradients);
        (model, value)
    }
}

/// A running sum of losses weighted by images: a few steps of it on the device in `f32`, the rest
/// here in `f64`.
#[derive(Default)]
struct LossSum {
    pending: Option<Tensor<1>>,
    sum: f64,
    images: usize,
}

impl LossSum {
    fn add(&mut self, loss: Tensor<1>, images: usize) {
        let weighted = loss.mul_scalar(images as f64);
        self.pending = Some(match self.pending.take() {
            None => weighted,
            Some(pending) => pending + weighted,
        });
        self.images += images;
    }

    /// The mean over all images so far; waits for the device.
    fn read(&mut self) -> Result<f64, ExecutionError> {
        if let Some(pending) = self.pending.take() {
            let data = pending.try_into_data()?;
            self.sum += data.iter::<f64>().sum::<f64>();
        }
        Ok(self.sum / self.images as f64)
    }
}
