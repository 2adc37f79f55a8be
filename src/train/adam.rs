//! Adam in one pass over memory.

use burn::optim::{AdamConfig, AdamState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor, TensorData};

use crate::kernels::{self, AdamStep, is_flex};

/// Adam, whose step reads and writes each weight and its two moments once where they lie in the memory
/// of the host (`flex`). Burn's own, which it falls back to elsewhere, makes a dozen tensors for each
/// parameter, most of a step's time where batches are small.
///
/// Every weight goes through the same operations in the same order as in Burn's, so steps are the same
/// to the last bit, and so is what is saved.
#[derive(Clone)]
pub struct OnePassAdam {
    step: AdamStep,
    stock: burn::optim::Adam,
}

impl OnePassAdam {
    /// An optimizer in its first state.
    pub fn new(adam: &super::Adam) -> Self {
        let step = AdamStep {
            beta_1: adam.beta_1 as f32,
            beta_2: adam.beta_2 as f32,
            epsilon: adam.epsilon as f32,
        };
        Self {
            step,
            stock: AdamConfig::new()
                .with_beta_1(step.beta_1)
                .with_beta_2(step.beta_2)
                .with_epsilon(step.epsilon)
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
        let device = weights.device();
        if !is_flex(&device) {
            return self.stock.step(learning_rate, weights, gradient, state);
        }
        let (time, moments) = match state {
            None => (1, None),
            Some(AdamState { momentum }) => (
                momentum.time + 1,
                Some((momentum.moment_1.into_data(), momentum.moment_2.into_data())),
            ),
        };
        let shape = weights.shape();
        let (mut moment_1, mut moment_2) = moments.unwrap_or_else(|| {
            let zeros = || TensorData::zeros::<f32, _>(shape.clone());
            (zeros(), zeros())
        });
        let (mut weights, gradient) = (weights.into_data(), gradient.into_data());
        let each = |data: &TensorData| data.num_elements();
        debug_assert!([&moment_1, &moment_2, &gradient].map(each) == [each(&weights); 3]);
        self.step.take(
            time,
            learning_rate as f32,
            if D == 1 { 1 } else { shape[0] },
            numbers(&mut weights),
            gradient.as_slice().expect("gradients are f32"),
            (numbers(&mut moment_1), numbers(&mut moment_2)),
        );
        kernels::recycle(gradient);
        let tensor = |data| Tensor::from_data(data, &device);
        let momentum = AdaptiveMomentumState::new(time, tensor(moment_1), tensor(moment_2));
        (tensor(weights), Some(AdamState::new(momentum)))
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        burn::optim::Adam::to_device(state, device)
    }
}

fn numbers(data: &mut TensorData) -> &mut [f32] {
    data.as_mut_slice().expect("weights and moments are f32")
}
