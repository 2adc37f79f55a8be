//! The optimizers, with the usual meaning of every parameter.

use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamWConfig, RmsPropConfig, SgdConfig};
use serde::Serialize;

use super::NetworkOptimizer;
use super::adam::OnePassAdam;

/// How gradients become steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Optimizer {
    /// `w ← w − η v`, `v ← momentum · v + g`. (Burn's default dampens the gradient by a tenth; here
    /// it is not dampened, as in PyTorch and the textbooks.)
    Sgd { learning_rate: f64, momentum: f64 },
    /// Steps scaled by running means of the gradient and its square.
    ///
    /// # Source
    /// Kingma and Ba 2015, *Adam: A Method for Stochastic Optimization*, algorithm 1.
    Adam(Adam),
    /// Adam with weight decay beside the gradient, `w ← w − η · weight_decay · w`.
    ///
    /// # Source
    /// Loshchilov and Hutter 2019, *Decoupled Weight Decay Regularization*, algorithm 2.
    AdamW {
        #[serde(flatten)]
        adam: Adam,
        weight_decay: f64,
    },
    /// Steps scaled by the root of a running mean of the squared gradient.
    ///
    /// # Source
    /// Tieleman and Hinton 2012, *Neural Networks for Machine Learning*, lecture 6e.
    RmsProp {
        learning_rate: f64,
        /// Of the running mean.
        decay: f64,
        /// Added to the root.
        epsilon: f64,
    },
}

/// The parameters that Adam and AdamW share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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

impl Optimizer {
    /// Each kind with its defaults.
    pub const NAMES: [(&str, Kind); 4] = [
        ("sgd", Kind::Sgd),
        ("adam", Kind::Adam),
        ("adamw", Kind::AdamW),
        ("rmsprop", Kind::RmsProp),
    ];

    /// The step size before any schedule.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Self::Adam(adam) | Self::AdamW { adam, .. } => adam.learning_rate,
            Self::Sgd { learning_rate, .. } | Self::RmsProp { learning_rate, .. } => *learning_rate,
        }
    }

    /// The optimizer in its first state.
    pub fn init(&self) -> NetworkOptimizer {
        match self {
            Self::Sgd { momentum, .. } => {
                let momentum = (*momentum > 0.0).then(|| {
                    MomentumConfig::new()
                        .with_momentum(*momentum)
                        .with_dampening(0.0)
                });
                SgdConfig::new().with_momentum(momentum).build().into()
            }
            Self::Adam(adam) => OnePassAdam::new(adam).into(),
            Self::AdamW { adam, weight_decay } => AdamWConfig::new()
                .with_beta_1(adam.beta_1 as f32)
                .with_beta_2(adam.beta_2 as f32)
                .with_epsilon(adam.epsilon as f32)
                .with_weight_decay(*weight_decay as f32)
                .build()
                .into(),
            Self::RmsProp { decay, epsilon, .. } => RmsPropConfig::new()
                .with_alpha(*decay as f32)
                .with_momentum(0.0)
                .with_epsilon(*epsilon as f32)
                .build()
                .into(),
        }
    }
}

/// The name of an optimizer, without its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sgd,
    Adam,
    AdamW,
    RmsProp,
}
