//! The training loop, a moment at a time.

mod settle;

use std::ops::Range;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use settle::Window;

use super::progress::best_epoch;
use super::{
    EpochRecord, Event, Fit, Fitted, LearningRate, OptimizerState, PartialEpoch, Progress,
    RestoreError, StepExamples, TrainError, Trainer,
};
use crate::evaluate::Scope;
use crate::random::{self, Purpose};
use crate::task::{Subset, Task};

/// Steps between two readings of the loss. Each makes the device finish what it was given, so on a
/// GPU they are few; they are counted and not timed, so that sums are the same in every run.
const STEPS_BETWEEN_READINGS: usize = 50;

/// A training between two of its moments.
///
/// Every epoch visits all training examples once in a new order; the last batch may be short. The
/// device is waited for only when the loss is read, every 50 steps.
pub struct Training<'a, M, T> {
    settings: &'a Fit,
    task: &'a T,
    learning_rate: LearningRate,
    steps_per_epoch: usize,
    /// With autodiff; absent only within a step.
    network: Option<M>,
    trainer: Trainer,
    progress: Progress,
    /// The weights of the best epoch, without autodiff, where stopping early will want them.
    best: Option<M>,
    /// Of the epoch that is going on; empty before it begins.
    order: Vec<usize>,
    window: Option<Window<M>>,
}

/// All that makes a training what it is.
pub struct Saved<M> {
    pub progress: Progress,
    /// Without autodiff.
    pub network: M,
    pub optimizer: OptimizerState,
    /// The weights of the best epoch, where stopping early will want them.
    pub best: Option<M>,
}

impl<'a, M: Module, T: Task<M>> Training<'a, M, T> {
    /// A training before its first step.
    pub fn new(settings: &'a Fit, task: &'a T, network: M) -> Self {
        let steps_per_epoch = task
            .examples(Subset::Training)
            .div_ceil(settings.batch_size);
        Self {
            settings,
            task,
            learning_rate: LearningRate {
                base: settings.optimizer.learning_rate(),
                schedule: settings.schedule,
                warmup_steps: settings.warmup_steps,
                steps_per_epoch,
                epochs: settings.epochs,
            },
            steps_per_epoch,
            network: Some(network.train()),
            trainer: Trainer {
                optimizer: settings.optimizer.init(),
                clip_gradient_norm: settings.clip_gradient_norm,
                shards: settings.shards,
            },
            progress: Progress::default(),
            best: None,
            order: Vec::new(),
            window: None,
        }
    }

    /// A training that goes on where it was saved; on a CPU backend it ends with the very bits of one
    /// that was never interrupted. `device` is the one that the networks lie on, without autodiff.
    ///
    /// # Errors
    /// The saved state is not one of this training.
    pub fn restore(
        settings: &'a Fit,
        task: &'a T,
        saved: Saved<M>,
        device: &Device,
    ) -> Result<Self, RestoreError> {
        let mut training = Self::new(settings, task, saved.network);
        let Saved {
            progress,
            optimizer,
            best,
            ..
        } = saved;
        progress.check(settings.epochs, training.steps_per_epoch)?;
        let is_validated = |record: &EpochRecord| record.validation.is_some();
        let wants_best = settings.early_stopping.is_some();
        if wants_best && best.is_none() && progress.history.iter().any(is_validated) {
            return Err(RestoreError::NoBest);
        }
        let fresh = settings.optimizer.init();
        training.trainer.optimizer = fresh.with_state(&optimizer, training.network(), device)?;
        training.progress = progress;
        training.best = best;
        Ok(training)
    }

    /// The network as it is now, without autodiff.
    pub fn network_now(&self) -> M {
        self.network().valid()
    }

    fn network(&self) -> &M {
        self.network.as_ref().expect("present between two steps")
    }

    /// How far it has come.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Steps since the run began.
    pub fn step(&self) -> usize {
        self.progress.step(self.steps_per_epoch)
    }

    /// Whether the next moment is no evaluation, after which a checkpoint would hold more.
    pub fn is_at_rest(&self) -> bool {
        self.progress.partial.steps < self.steps_per_epoch
    }

    /// Steps of an epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.steps_per_epoch
    }

    /// The validation error after a step that ended an epoch, if it was measured.
    pub fn validation_error(&self, step: usize) -> Option<f64> {
        let epoch = (step > 0 && step.is_multiple_of(self.steps_per_epoch))
            .then_some(step / self.steps_per_epoch)?;
        let record = self.progress.history.get(epoch - 1)?;
        record.validation.as_ref()?.get(self.task.error_metric())
    }

    /// Whether the last epoch is over, or early stopping has had enough.
    pub fn is_over(&self) -> bool {
        let history = &self.progress.history;
        let is_over =
            |stopping: super::EarlyStopping| stopping.is_over(history, self.task.error_metric());
        history.len() >= self.settings.epochs || self.settings.early_stopping.is_some_and(is_over)
    }

    /// Goes on to the next moment, and says what it was; nothing when training is over.
    ///
    /// # Errors
    /// Something is no longer finite, or the device fails.
    pub fn advance(&mut self) -> Result<Option<Event<'_>>, TrainError> {
        let is_between_epochs = self.order.is_empty();
        if is_between_epochs && self.is_over() {
            return Ok(None);
        }
        let epoch = self.progress.epoch();
        let steps = self.steps_per_epoch;
        let steps_done = self.progress.partial.steps;
        if is_between_epochs {
            let order = random::stream(self.settings.seed, Purpose::Order, epoch as u64, 0);
            self.order = random::permutation(self.task.examples(Subset::Training), order);
            let examples_done = (steps_done * self.settings.batch_size).min(self.order.len());
            return Ok(Some(Event::EpochBegins {
                epoch,
                steps,
                steps_done,
                examples_done,
            }));
        }
        if steps_done == steps {
            self.end_epoch()?;
            return Ok(self.progress.history.last().map(Event::EpochEnds));
        }
        let begun = Instant::now();
        let examples = self.take_step();
        let step = steps_done + 1;
        let mut mean_loss = None;
        if step.is_multiple_of(STEPS_BETWEEN_READINGS) || step == steps {
            self.settle()?;
            let partial = &self.progress.partial;
            mean_loss = (partial.examples > 0).then(|| partial.loss_sum / partial.examples as f64);
        }
        self.progress.partial.seconds += begun.elapsed().as_secs_f64();
        Ok(Some(Event::Step {
            step,
            examples,
            mean_loss,
        }))
    }

    /// The examples of a step of this epoch.
    fn indices(&self, step: usize) -> &[usize] {
        &self.order[self.places(step)]
    }

    /// Where in the epoch's order the examples of a step are.
    fn places(&self, step: usize) -> Range<usize> {
        let size = self.settings.batch_size;
        let end = ((step + 1) * size).min(self.order.len());
        step * size..end
    }

    fn rate(&self, step: usize) -> f64 {
        let before = self.progress.history.len() * self.steps_per_epoch;
        self.learning_rate.at(before + step)
    }

    /// Takes the next step; gives its number of examples.
    fn take_step(&mut self) -> usize {
        let step = self.progress.partial.steps;
        let rate = self.rate(step);
        let places = self.places(step);
        let network = self.network.take().expect("present between two steps");
        let window = self.window.get_or_insert_with(|| Window {
            network: network.clone(),
            trainer: self.trainer.clone(),
            first: step,
            errors: Vec::new(),
            others: Vec::new(),
        });
        let examples = StepExamples {
            epoch: self.progress.epoch(),
            indices: &self.order[places],
        };
        let (network, loss) = self.trainer.step(self.task, network, examples, rate);
        window.errors.push(loss.error);
        window.others.extend(loss.minimised);
        window.others.extend(loss.gradient_norm);
        self.network = Some(network);
        self.progress.partial.steps += 1;
        examples.indices.len()
    }

    fn end_epoch(&mut self) -> Result<(), TrainError> {
        self.settle()?;
        self.finite_optimizer_state()?;
        let epoch = self.progress.epoch();
        let PartialEpoch {
            skipped_steps,
            loss_sum,
            examples,
            seconds: train_seconds,
            ..
        } = self.progress.partial;
        if examples == 0 {
            return Err(TrainError::EverythingSkipped { epoch });
        }
        let begun = Instant::now();
        let snapshot = self.network().valid();
        let measure = |subset| self.task.figures(&snapshot, subset, Scope::Quick);
        let training = match self.settings.evaluate_training {
            true => measure(Subset::Training)?,
            false => None,
        };
        let validation = measure(Subset::Validation)?;
        let test = measure(Subset::Test)?.unwrap_or_default();
        let learning_rate = self.rate(self.steps_per_epoch - 1);
        let metric = self.task.error_metric();
        for (split, figures) in [
            ("training", training.as_ref()),
            ("validation", validation.as_ref()),
            ("test", Some(&test)),
        ] {
            // A network may be finite and its answers to examples that it was not shown may not.
            let error = figures.and_then(|figures| figures.get(metric));
            if let Some(value) = error.filter(|error| !error.is_finite()) {
                return Err(TrainError::NotFinite {
                    what: format!("`{metric}` of the {split} examples"),
                    value,
                    epoch,
                    step: self.step(),
                    learning_rate,
                });
            }
        }
        let visited = self.task.examples(Subset::Training);
        self.progress.history.push(EpochRecord {
            epoch,
            step: epoch * self.steps_per_epoch,
            learning_rate: Some(learning_rate),
            train_loss: loss_sum / examples as f64,
            skipped_steps,
            training,
            validation,
            test,
            train_seconds,
            evaluate_seconds: begun.elapsed().as_secs_f64(),
            samples_per_second: visited as f64 / train_seconds,
        });
        self.progress.partial = PartialEpoch::default();
        self.order.clear();
        if self.kept_epoch() == epoch && self.settings.early_stopping.is_some() {
            self.best = Some(snapshot);
        }
        Ok(())
    }

    /// The epoch, counted from 1, whose weights are kept if training ends now.
    fn kept_epoch(&self) -> usize {
        let history = &self.progress.history;
        let best = self.settings.early_stopping.and_then(|stopping| {
            let metric = self.task.error_metric();
            best_epoch(history, metric, stopping.least_improvement)
        });
        best.unwrap_or(history.len())
    }

    /// A copy of all that makes this training what it is, all of it finite.
    ///
    /// # Errors
    /// Something is not finite, or the device fails.
    pub fn save(&mut self) -> Result<Saved<M>, TrainError> {
        let begun = Instant::now();
        self.settle()?;
        if self.progress.partial.steps > 0 {
            self.progress.partial.seconds += begun.elapsed().as_secs_f64();
        }
        Ok(Saved {
            progress: self.progress.clone(),
            network: self.network().valid(),
            optimizer: self.finite_optimizer_state()?,
            best: self.best.clone(),
        })
    }

    /// A gradient may be finite and its square not; then a mean of squares stays infinite and every step that
    /// follows is zero, of which losses and weights tell nothing.
    fn finite_optimizer_state(&self) -> Result<OptimizerState, TrainError> {
        let state = self.trainer.optimizer.state();
        for (name, data) in &state.tensors {
            if let Some(value) = data.iter::<f64>().find(|value| !value.is_finite()) {
                return Err(TrainError::Optimizer {
                    name: name.clone(),
                    value,
                    step: self.step(),
                });
            }
        }
        Ok(state)
    }

    /// The network and how it came to be; of the best epoch where early stopping asks for it.
    pub fn finish(self) -> Fitted<M> {
        let epoch = self.kept_epoch();
        let network = self.network().valid();
        Fitted {
            network: self.best.unwrap_or(network),
            history: self.progress.history,
            epoch,
        }
    }
}
