//! One step of gradient descent.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{ExecutionError, Tensor};

use super::{NetworkOptimizer, clip_global_norm};
use crate::model::parameters::{self, Tensors};
use crate::task::{Loss, Task};

/// What one step needs besides the network and the batch.
#[derive(Clone)]
pub struct Trainer {
    pub optimizer: NetworkOptimizer,
    pub clip_gradient_norm: Option<f64>,
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
    /// One step of gradient descent on a batch.
    pub fn step<M: Module, T: Task<M>>(
        &mut self,
        task: &T,
        network: M,
        batch: T::Batch,
        learning_rate: f64,
    ) -> (M, StepLoss) {
        let Loss {
            minimised,
            error,
            terms,
        } = task.loss(&network, batch);
        let mut gradients = GradientsParams::from_grads(minimised.backward(), &network);
        let gradient_norm = self.clip(&mut gradients, &network);
        let network = self.optimizer.step(learning_rate, network, gradients);
        let loss = StepLoss {
            error,
            minimised: (terms.len() > 1).then(|| minimised.without_autodiff()),
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
        batch: T::Batch,
        learning_rate: f64,
    ) -> Result<Result<(M, f64), Culprit>, ExecutionError> {
        let Loss {
            minimised,
            error,
            terms,
        } = task.loss(&network, batch);
        for term in terms {
            if let Some(value) = not_finite(number(term.value)?) {
                let what = format!("`{}`", term.name);
                return Ok(Err(Culprit { what, value }));
            }
        }
        if let Some(value) = not_finite(number(minimised.clone().without_autodiff())?) {
            let what = "the sum of the loss's terms".into();
            return Ok(Err(Culprit { what, value }));
        }
        let mut gradients = GradientsParams::from_grads(minimised.backward(), &network);
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
        Ok(Ok((network, number(error)?)))
    }

    fn clip<M: Module>(&self, gradients: &mut GradientsParams, network: &M) -> Option<Tensor<1>> {
        clip_global_norm(gradients, network, self.clip_gradient_norm?)
    }
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
