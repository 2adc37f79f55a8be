//! Activation functions.

use burn::tensor::{Tensor, activation};
use serde::Serialize;

/// The non-linearity after a layer.
///
/// # Source
/// The lecture's slide of activation functions, with its slope 0.1 and α = 1; GELU from Hendrycks
/// and Gimpel 2016, SiLU from Elfwing, Uchibe and Doya 2017.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `h`
    Linear,
    /// `1 / (1 + exp(−h))`
    Sigmoid,
    /// `tanh h`
    Tanh,
    /// `max(0, h)`
    Relu,
    /// `max(0.1 h, h)`
    LeakyRelu,
    /// `h` where positive, else `exp(h) − 1`
    Elu,
    /// `max(w₁ᵀx + b₁, w₂ᵀx + b₂)`: a layer before it has twice the units
    Maxout,
    /// `½ h (1 + tanh(√(2/π) (h + 0.044715 h³)))`. The form with the error function is not offered:
    /// Burn's `erf` on ndarray has errors of 1e-5.
    Gelu,
    /// `h / (1 + exp(−h))`
    Silu,
}

/// Of the slide's leaky ReLU.
pub(crate) const LEAKY_SLOPE: f64 = 0.1;
/// Of the slide's ELU.
pub(crate) const ELU_ALPHA: f64 = 1.0;
/// Linear pieces of a maxout unit.
const MAXOUT_PIECES: usize = 2;

impl Activation {
    pub const NAMES: [(&str, Self); 9] = [
        ("linear", Self::Linear),
        ("sigmoid", Self::Sigmoid),
        ("tanh", Self::Tanh),
        ("relu", Self::Relu),
        ("leaky_relu", Self::LeakyRelu),
        ("elu", Self::Elu),
        ("maxout", Self::Maxout),
        ("gelu", Self::Gelu),
        ("silu", Self::Silu),
    ];

    /// Numbers that a layer computes for each unit of its output.
    pub fn pieces(self) -> usize {
        match self {
            Self::Maxout => MAXOUT_PIECES,
            _ => 1,
        }
    }

    /// The least and the greatest value that it can give, infinite where there is none.
    pub fn range(self) -> (f32, f32) {
        match self {
            Self::Linear | Self::LeakyRelu | Self::Maxout => (f32::NEG_INFINITY, f32::INFINITY),
            Self::Sigmoid => (0.0, 1.0),
            Self::Tanh => (-1.0, 1.0),
            Self::Relu => (0.0, f32::INFINITY),
            Self::Elu => (-ELU_ALPHA as f32, f32::INFINITY),
            // The minima of the two curves, at h = −0.7525 and h = −1.2785.
            Self::Gelu => (-0.170_04, f32::INFINITY),
            Self::Silu => (-0.278_46, f32::INFINITY),
        }
    }

    /// Of one number in double precision; of maxout's pieces the greatest.
    pub fn value(self, h: f64) -> f64 {
        match self {
            Self::Linear | Self::Maxout => h,
            Self::Sigmoid => 1.0 / (1.0 + (-h).exp()),
            Self::Tanh => h.tanh(),
            Self::Relu => h.max(0.0),
            Self::LeakyRelu => h.max(LEAKY_SLOPE * h),
            Self::Elu => match h > 0.0 {
                true => h,
                false => ELU_ALPHA * h.exp_m1(),
            },
            Self::Gelu => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (h + 0.044_715 * h.powi(3));
                0.5 * h * (1.0 + inner.tanh())
            }
            Self::Silu => h / (1.0 + (-h).exp()),
        }
    }

    /// # Shapes
    /// `[batch, units × pieces] → [batch, units]`, the pieces of a unit side by side.
    pub fn apply(self, h: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Linear => h,
            Self::Sigmoid => activation::sigmoid(h),
            Self::Tanh => activation::tanh(h),
            Self::Relu => activation::relu(h),
            Self::LeakyRelu => activation::leaky_relu(h, LEAKY_SLOPE),
            Self::Elu => activation::elu(h, ELU_ALPHA),
            Self::Maxout => {
                let [batch, width] = h.dims();
                let units = width / MAXOUT_PIECES;
                let pieces: Tensor<3> = h.reshape([batch, units, MAXOUT_PIECES]);
                pieces.max_dim(2).reshape([batch, units])
            }
            Self::Gelu => activation::gelu_approximate(h),
            Self::Silu => activation::silu(h),
        }
    }
}
