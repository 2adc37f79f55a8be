//! Activation functions.

use burn::tensor::{Tensor, activation};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::gelu::{self, normal_cdf};

/// The non-linearity after a layer.
///
/// # Source
/// The lecture's slide of activation functions, with its slope 0.1 and α = 1; GELU from Hendrycks
/// and Gimpel 2016, SiLU from Elfwing, Uchibe and Doya 2017.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `h`
    Linear,
    /// `1 / (1 + exp(−h))`
    Sigmoid,
    /// `tanh h`
    Tanh,
    /// `max(0, h)`
    Relu,
    /// `h` where positive, else `slope · h`
    LeakyRelu { slope: f64 },
    /// `h` where positive, else `exp(h) − 1`
    Elu,
    /// `max(w₁ᵀx + b₁, w₂ᵀx + b₂)`: a layer before it has twice the units
    Maxout,
    /// `h Φ(h)` with the normal distribution's `Φ(h) = ½ (1 + erf(h / √2))`: PyTorch's and Keras' default
    Gelu,
    /// `½ h (1 + tanh(√(2/π) (h + 0.044715 h³)))`, an approximation of [`Self::Gelu`]: PyTorch's
    /// `approximate="tanh"`
    GeluTanh,
    /// `h / (1 + exp(−h))`
    Silu,
}

/// Slope of a leaky ReLU for which none is given: that of the lecture's slide.
pub(crate) const LEAKY_SLOPE: f64 = 0.1;
/// Of the slide's ELU.
pub(crate) const ELU_ALPHA: f64 = 1.0;
/// Linear pieces of a maxout unit.
const MAXOUT_PIECES: usize = 2;

impl Activation {
    pub const NAMES: [(&str, Self); 10] = [
        ("linear", Self::Linear),
        ("sigmoid", Self::Sigmoid),
        ("tanh", Self::Tanh),
        ("relu", Self::Relu),
        ("leaky_relu", Self::LeakyRelu { slope: LEAKY_SLOPE }),
        ("elu", Self::Elu),
        ("maxout", Self::Maxout),
        ("gelu", Self::Gelu),
        ("gelu_tanh", Self::GeluTanh),
        ("silu", Self::Silu),
    ];

    /// Its name in a config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Elu => "elu",
            Self::Maxout => "maxout",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::Silu => "silu",
        }
    }

    /// The slope below zero of a leaky ReLU.
    pub fn leaky_slope(self) -> Option<f64> {
        match self {
            Self::LeakyRelu { slope } => Some(slope),
            _ => None,
        }
    }

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
            Self::LeakyRelu { slope: 0.0 } | Self::Relu => (0.0, f32::INFINITY),
            Self::Linear | Self::LeakyRelu { .. } | Self::Maxout => {
                (f32::NEG_INFINITY, f32::INFINITY)
            }
            Self::Sigmoid => (0.0, 1.0),
            Self::Tanh => (-1.0, 1.0),
            Self::Elu => (-ELU_ALPHA as f32, f32::INFINITY),
            // The minima of the three curves, at h = −0.7518, h = −0.7525 and h = −1.2785.
            Self::Gelu => (-0.169_972, f32::INFINITY),
            Self::GeluTanh => (-0.170_04, f32::INFINITY),
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
            Self::LeakyRelu { slope } => match h > 0.0 {
                true => h,
                false => slope * h,
            },
            Self::Elu => match h > 0.0 {
                true => h,
                false => ELU_ALPHA * h.exp_m1(),
            },
            Self::Gelu => h * normal_cdf(h),
            Self::GeluTanh => {
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
            Self::LeakyRelu { slope } => activation::leaky_relu(h, slope),
            Self::Elu => activation::elu(h, ELU_ALPHA),
            Self::Maxout => {
                let [batch, width] = h.dims();
                let units = width / MAXOUT_PIECES;
                let pieces: Tensor<3> = h.reshape([batch, units, MAXOUT_PIECES]);
                pieces.max_dim(2).reshape([batch, units])
            }
            Self::Gelu => gelu::gelu(h),
            Self::GeluTanh => activation::gelu_approximate(h),
            Self::Silu => activation::silu(h),
        }
    }
}

/// The name, or for a leaky ReLU with another slope than the default `{ kind, slope }`.
impl Serialize for Activation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.leaky_slope() {
            Some(slope) if slope != LEAKY_SLOPE => {
                let mut table = serializer.serialize_struct("Activation", 2)?;
                table.serialize_field("kind", self.name())?;
                table.serialize_field("slope", &slope)?;
                table.end()
            }
            _ => serializer.serialize_str(self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_configs_are_read_by() {
        for (name, activation) in Activation::NAMES {
            assert_eq!(activation.name(), name);
        }
    }
}
