//! The optimizer.

use burn::optim::{AdamConfig, ModuleOptimizer};
use serde::Serialize;

/// Adam: steps of the size `learning_rate`, scaled by running means of the gradient and its square.
///
/// # Source
/// Kingma and Ba 2015, *Adam: A Method for Stochastic Optimization*, algorithm 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename = "adam")]
pub struct Adam {
    pub learning_rate: f64,
    /// Decay of the mean of gradients.
    pub beta_1: f64,
    /// Decay of the mean of squared gradients.
    pub beta_2: f64,
    /// Added to the root of the bias-corrected mean of squared gradients.
    pub epsilon: f64,
}

impl Default for Adam {
    /// What Keras, and so the lecture, uses.
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
        }
    }
}

impl Adam {
    /// The optimizer in its first state.
    pub fn init(&self) -> ModuleOptimizer {
        AdamConfig::new()
            .with_beta_1(self.beta_1 as f32)
            .with_beta_2(self.beta_2 as f32)
            .with_epsilon(self.epsilon as f32)
            .init()
    }
}
