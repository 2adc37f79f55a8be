//! Dropout: hidden units left out of a step of training.

use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;

use crate::random::{self, Purpose};

/// Leaves each hidden unit out of a step with probability `rate`, and scales the others by
/// `1 / (1 − rate)`, so that nothing changes on average and nothing is done outside training.
///
/// # Source
/// Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014, *Dropout*; the scaling is that
/// of today's libraries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Probability of being left out, at least 0 and below 1.
    pub rate: f64,
    /// Hidden units of all layers together.
    pub units: usize,
    pub seed: u64,
}

impl Dropout {
    /// The masks of a step. Each example has a random stream of its own in each epoch.
    pub fn masks(&self, epoch: usize, indices: &[usize], device: &Device) -> DropoutMasks {
        let (rate, kept) = (self.rate, (1.0 / (1.0 - self.rate)) as f32);
        let draw = |stream: &mut _| match RngExt::random::<f64>(stream) < rate {
            true => 0.0,
            false => kept,
        };
        let (seed, units) = (self.seed, self.units);
        let mask = random::rows(seed, Purpose::Dropout, epoch as u64, indices, units, draw);
        let mask = TensorData::new(mask, [indices.len(), units]);
        DropoutMasks::new(Tensor::from_data(mask, device))
    }
}

/// The masks of a step's hidden layers, used up layer by layer in the order in which the network
/// meets them.
#[derive(Clone, Debug)]
pub struct DropoutMasks {
    /// `[batch, hidden units of all layers]`
    mask: Option<Tensor<2>>,
    used: usize,
}

impl DropoutMasks {
    /// Leaves nothing out: whenever a network is not being trained.
    pub fn none() -> Self {
        Self {
            mask: None,
            used: 0,
        }
    }

    /// One factor for each hidden unit of each example, `[batch, hidden units of all layers]`.
    pub fn new(mask: Tensor<2>) -> Self {
        Self {
            mask: Some(mask),
            used: 0,
        }
    }

    /// One factor for each hidden unit of each example, if any is left out.
    pub fn factors(&self) -> Option<&Tensor<2>> {
        self.mask.as_ref()
    }

    /// Masks the next hidden layer.
    ///
    /// # Shapes
    /// `[batch, units] → [batch, units]`
    pub fn apply(&mut self, h: Tensor<2>) -> Tensor<2> {
        let Some(mask) = &self.mask else { return h };
        let units = h.dims()[1];
        let mask = mask.clone().narrow(1, self.used, units);
        self.used += units;
        h * mask
    }
}
