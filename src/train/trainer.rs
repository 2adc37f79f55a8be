//! One step of gradient descent.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{ExecutionError, Tensor};

use super::shards::{Backward, StepExamples, backward};
use super::{NetworkOptimizer, clip_global_norm};
use crate::model::parameters::{self, Tensors};
use crate::task::Task;

/// What one step needs besides the network and the examples.
#[derive(Clone)]
pub struct Trainer {
    pub optimizer: NetworkOptimizer,
    pub clip_gradient_norm: Option<f64>,
    /// Parts that the examples of a step are cut into, whose gradients are added up. Roundings depend on it, so it
    /// belongs to the experiment and not to the machine.
    pub shards: usize,
}

/// The losses of a batch before a step, on the device.
pub struct StepLoss {
    /// What is reported.
    pub error: Tensor<1>,
    /// What was minimised, where it is more than what is reported.
    pub minimised: Option<Tensor<1>>,
    /// Of all gradients before they were clipped, if they were.
    pub gradient_norm: Option<Tensor<1>>,
}

/// The first thing of a step that was not finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Culprit {
    /// A term of the loss, a gradient or a parameter, by its name.
    pub what: String,
    pub value: f64,
}

impl Trainer {
    /// One step of gradient descent on some examples.
    pub fn step<M: Module, T: Task<M>>(
        &mut self,
        task: &T,
        network: M,
        examples: StepExamples<'_>,
        learning_rate: f64,
    ) -> (M, StepLoss) {
        let Backward {
            losses,
            mut gradients,
        } = backward(task, &network, examples, self.shards);
        let gradient_norm = self.clip(&mut gradients, &network);
        let network = self.optimizer.step(learning_rate, network, gradients);
        let has_terms = losses.iter().any(|loss| loss.terms.len() > 1);
        let (errors, minimised) = losses
            .into_iter()
            .map(|loss| (loss.error, loss.minimised))
            .unzip();
        let loss = StepLoss {
            error: sum(errors),
            minimised: has_terms.then(|| sum(minimised)),
            gradient_norm,
        };
        (network, loss)
    }

    /// The same step, with everything in it read back and looked at: to the last bit the same network and error,
    /// or the first thing that was not finite, after which neither network nor optimizer are fit for use.
    ///
    /// # Errors
    /// The device fails.
    pub fn careful_step<M: Module, T: Task<M>>(
        &mut self,
        task: &T,
        network: M,
        examples: StepExamples<'_>,
        learning_rate: f64,
    ) -> Result<Result<(M, f64), Culprit>, ExecutionError> {
        let Backward {
            losses,
            mut gradients,
        } = backward(task, &network, examples, self.shards);
        let mut errors = Vec::new();
        for loss in losses {
            for term in loss.terms {
                if let Some(value) = not_finite(number(term.value)?) {
                    let what = format!("`{}`", term.name);
                    return Ok(Err(Culprit { what, value }));
                }
            }
            if let Some(value) = not_finite(number(loss.minimised)?) {
                let what = "the sum of the loss's terms".into();
                return Ok(Err(Culprit { what, value }));
            }
            errors.push(loss.error);
        }
        let named = parameters::gradients(&network, &gradients)?;
        if let Some(culprit) = first_not_finite("the gradient of", &named) {
            return Ok(Err(culprit));
        }
        if let Some(norm) = self.clip(&mut gradients, &network)
            && let Some(value) = not_finite(number(norm)?)
        {
            let what = "the norm of all gradients".into();
            return Ok(Err(Culprit { what, value }));
        }
        let network = self.optimizer.step(learning_rate, network, gradients);
        let named = parameters::parameters(&network)?;
        if let Some(culprit) = first_not_finite("the new", &named) {
            return Ok(Err(culprit));
        }
        Ok(Ok((network, number(sum(errors))?)))
    }

    fn clip<M: Module>(&self, gradients: &mut GradientsParams, network: &M) -> Option<Tensor<1>> {
        clip_global_norm(gradients, network, self.clip_gradient_norm?)
    }
}

/// Of at least one number, in their order.
fn sum(numbers: Vec<Tensor<1>>) -> Tensor<1> {
    let sum = numbers.into_iter().reduce(|sum, number| sum + number);
    sum.expect("a step has examples")
}

fn number(tensor: Tensor<1>) -> Result<f64, ExecutionError> {
    let data = tensor.try_into_data()?;
    Ok(data.iter::<f64>().sum())
}

fn not_finite(value: f64) -> Option<f64> {
    (!value.is_finite()).then_some(value)
}

fn first_not_finite(kind: &str, named: &Tensors) -> Option<Culprit> {
    named.iter().find_map(|(name, values)| {
        let value = values.iter().copied().find_map(not_finite)?;
        let what = format!("{kind} `{name}`");
        Some(Culprit { what, value })
    })
}
