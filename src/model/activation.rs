//! Element-wise activation functions.

use burn::tensor::{Tensor, activation};
use serde::Serialize;

/// The non-linearity after a layer.
///
/// # Source
/// The lecture's slide of activation functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// `max(0, h)`
    Relu,
    /// `1 / (1 + exp(−h))`
    Sigmoid,
    /// `tanh h`
    Tanh,
    /// `h`
    Linear,
}

impl Activation {
    pub const NAMES: [(&str, Self); 4] = [
        ("relu", Self::Relu),
        ("sigmoid", Self::Sigmoid),
        ("tanh", Self::Tanh),
        ("linear", Self::Linear),
    ];

    /// Applies the function to each element; the shape stays.
    pub fn apply<const D: usize>(self, h: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => activation::relu(h),
            Self::Sigmoid => activation::sigmoid(h),
            Self::Tanh => activation::tanh(h),
            Self::Linear => h,
        }
    }

    /// The function of one number, for figures computed on the host.
    pub fn value(self, h: f64) -> f64 {
        match self {
            Self::Relu => h.max(0.0),
            Self::Sigmoid => 1.0 / (1.0 + (-h).exp()),
            Self::Tanh => h.tanh(),
            Self::Linear => h,
        }
    }
}
