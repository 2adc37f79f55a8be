//! Making sure, every so many steps, that all of them were finite, and finding the one that was not.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::Training;
use crate::task::Task;
use crate::train::{Culprit, NonFinite, StepExamples, TrainError, Trainer};

/// The steps since the loss was last read, and all that is needed to take them again.
pub struct Window<M> {
    pub network: M,
    pub trainer: Trainer,
    /// The place of the first of them in its epoch.
    pub first: usize,
    /// One number each, on the device.
    pub errors: Vec<Tensor<1>>,
    /// What else of them has to be finite: what was minimised, norms of gradients.
    pub others: Vec<Tensor<1>>,
}

impl<M: Module, T: Task<M>> Training<'_, M, T> {
    /// Waits for the steps taken so far and makes sure that all of them were finite. Whenever this happens, it
    /// changes no bit of what training gives.
    ///
    /// # Errors
    /// One was not, and is not to be skipped; or the device fails.
    pub fn settle(&mut self) -> Result<(), TrainError> {
        let Some(Window {
            network,
            trainer,
            first,
            errors,
            others,
        }) = self.window.take()
        else {
            return Ok(());
        };
        let steps = errors.len();
        // A parameter that is not finite once need not show in any loss: a rectifier makes a zero of it.
        let mut numbers = errors;
        numbers.extend(others);
        numbers.extend(sums(self.network()));
        let numbers: Vec<f64> = Tensor::cat(numbers, 0)
            .try_into_data()?
            .iter::<f64>()
            .collect();
        if numbers.iter().all(|number| number.is_finite()) {
            for (step, error) in (first..).zip(&numbers[..steps]) {
                self.add(step, *error);
            }
            return Ok(());
        }
        self.network = Some(network);
        self.trainer = trainer;
        self.repeat_carefully(first, steps)
    }

    fn add(&mut self, step: usize, error: f64) {
        let examples = self.indices(step).len();
        let partial = &mut self.progress.partial;
        partial.loss_sum += error * examples as f64;
        partial.examples = partial.examples.saturating_add(examples);
    }

    /// Takes steps again that were not all finite, to find the one that was not.
    fn repeat_carefully(&mut self, first: usize, steps: usize) -> Result<(), TrainError> {
        for step in first..first + steps {
            let rate = self.rate(step);
            let epoch = self.progress.epoch();
            let places = self.places(step);
            let (network, trainer) = (self.network().clone(), self.trainer.clone());
            let examples = StepExamples {
                epoch,
                indices: &self.order[places],
            };
            match self
                .trainer
                .careful_step(self.task, network.clone(), examples, rate)?
            {
                Ok((network, error)) => {
                    self.network = Some(network);
                    self.add(step, error);
                }
                Err(Culprit { what, value }) => match self.settings.non_finite {
                    NonFinite::Stop => {
                        let step = self.progress.history.len() * self.steps_per_epoch + step + 1;
                        return Err(TrainError::NotFinite {
                            what,
                            value,
                            epoch,
                            step,
                            learning_rate: rate,
                        });
                    }
                    NonFinite::SkipStep => {
                        self.network = Some(network);
                        self.trainer = trainer;
                        self.progress.partial.skipped_steps += 1;
                    }
                },
            }
        }
        Ok(())
    }
}

/// The sum of each parameter, on the device: finite if and only if the parameter is, but for numbers at the end
/// of what `f32` holds.
fn sums<M: Module>(network: &M) -> Vec<Tensor<1>> {
    struct Sums(Vec<Tensor<1>>);
    impl ModuleVisitor for Sums {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            self.0.push(parameter.val().inner().sum());
        }
    }
    let mut sums = Sums(Vec::new());
    network.visit(&mut sums);
    sums.0
}
