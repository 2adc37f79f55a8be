//! How far a reconstruction is from its image.

use burn::tensor::{Tensor, activation};
use serde::Serialize;

use crate::kernels::{self, Pointwise};
use crate::model::Activation;

/// The reconstruction error, a mean over the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Reconstruction {
    /// Binary cross-entropy between grey pixels, read as probabilities, and a sigmoid's output; in
    /// nats, a mean over pixels.
    #[serde(rename = "bce")]
    BinaryCrossEntropy,
    /// The squared difference, a mean over pixels.
    #[serde(rename = "mse")]
    MeanSquaredError,
    /// `‖x − x̂‖²`, a sum over pixels: the lecture's scale.
    #[serde(rename = "squared_error")]
    SquaredError,
}

impl Reconstruction {
    pub const NAMES: [(&str, Self); 3] = [
        ("bce", Self::BinaryCrossEntropy),
        ("mse", Self::MeanSquaredError),
        ("squared_error", Self::SquaredError),
    ];

    /// The name of the error as a metric, with its unit and reduction.
    pub fn metric(self) -> &'static str {
        match self {
            Self::BinaryCrossEntropy => "bce_nats_per_pixel",
            Self::MeanSquaredError => "mse_per_pixel",
            Self::SquaredError => "squared_error_per_image",
        }
    }

    /// The error of `output(logits)` as a reconstruction of `x`.
    ///
    /// # Shapes
    /// `[batch, pixels], [batch, pixels] → [1]`
    pub fn loss(self, logits: Tensor<2>, output: Activation, x: Tensor<2>) -> Tensor<1> {
        let [images, pixels] = x.dims();
        let divisor = match self {
            Self::BinaryCrossEntropy | Self::MeanSquaredError => (images * pixels) as f64,
            Self::SquaredError => images as f64,
        };
        let kernel = match (self, output) {
            (Self::BinaryCrossEntropy, _) => Some(Pointwise::CrossEntropyOfLogits),
            (_, Activation::Linear) => Some(Pointwise::Squared),
            (_, Activation::Relu) => Some(Pointwise::SquaredOfRelu),
            _ => None,
        };
        match (self, kernel) {
            (_, Some(kind)) if kernels::serve(&logits) => {
                kernels::pointwise_error(kind, logits, x, divisor)
            }
            (Self::BinaryCrossEntropy, _) => bce_with_logits(logits, x),
            (Self::MeanSquaredError, _) => (output.apply(logits) - x).square().mean(),
            (Self::SquaredError, _) => {
                let sum = (output.apply(logits) - x).square().sum();
                sum.div_scalar(divisor)
            }
        }
    }
}

/// Mean binary cross-entropy of `sigmoid(z)` against grey `x`, from the logits:
///
/// ```text
/// −x ln σ(z) − (1 − x) ln(1 − σ(z)) = max(z, 0) − x z + ln(1 + exp(−|z|))
/// ∂/∂z = σ(z) − x
/// ```
///
/// The right-hand side never overflows and keeps its digits in both tails. (Burn's own
/// `BinaryCrossEntropyLoss` takes integer targets only.)
fn bce_with_logits(z: Tensor<2>, x: Tensor<2>) -> Tensor<1> {
    let tail = z.clone().abs().neg().exp().log1p();
    (activation::relu(z.clone()) - x * z + tail).mean()
}
