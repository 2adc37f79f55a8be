//! Adam in one pass over memory.

use burn::optim::{AdamConfig, AdamState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};

use crate::kernels::{self, AdamStep};

/// Adam by the kernel where there is one. Burn's own, which it falls back to, makes a dozen tensors for
/// each parameter, most of a step's time where batches are small.
///
/// Every weight goes through the same operations in the same order as in Burn's, so steps are the same to the
/// last bit, and so is what is saved; but for numbers too small to matter to a weight, which become zero.
#[derive(Clone)]
pub struct OnePassAdam {
    settings: super::Adam,
    stock: burn::optim::Adam,
}

impl OnePassAdam {
    /// An optimizer in its first state.
    pub fn new(settings: &super::Adam) -> Self {
        Self {
            settings: *settings,
            stock: AdamConfig::new()
                .with_beta_1(settings.beta_1 as f32)
                .with_beta_2(settings.beta_2 as f32)
                .with_epsilon(settings.epsilon as f32)
                .build(),
        }
    }
}

impl Optimizer for OnePassAdam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        weights: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        if !kernels::serve(&weights) {
            return self.stock.step(learning_rate, weights, gradient, state);
        }
        let (time, moments) = match state {
            None => {
                let zeros = || Tensor::zeros(weights.shape(), &weights.device());
                (1, [zeros(), zeros()])
            }
            Some(AdamState { momentum }) => {
                (momentum.time + 1, [momentum.moment_1, momentum.moment_2])
            }
        };
        let step = AdamStep {
            beta_1: self.settings.beta_1 as f32,
            beta_2: self.settings.beta_2 as f32,
            epsilon: self.settings.epsilon as f32,
            learning_rate: learning_rate as f32,
            time,
        };
        let (weights, [moment_1, moment_2]) = kernels::adam_step(step, weights, gradient, moments);
        let momentum = AdaptiveMomentumState::new(time, moment_1, moment_2);
        (weights, Some(AdamState::new(momentum)))
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        burn::optim::Adam::to_device(state, device)
    }
}
