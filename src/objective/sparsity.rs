//! Penalties on the code that make it sparse.

use burn::tensor::Tensor;
use serde::Serialize;

/// A penalty beside the reconstruction error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Sparsity {
    /// `weight · Σ|code|`, over the units of the code and reduced over the batch.
    L1 { weight: f64, reduction: Reduction },
    /// `weight · Σⱼ KL(ρ ‖ ρ̂ⱼ)`, ρ the `target` and ρ̂ⱼ unit j's mean over the batch; for codes
    /// between 0 and 1.
    ///
    /// ```text
    /// KL(ρ ‖ ρ̂) = ρ ln(ρ/ρ̂) + (1 − ρ) ln((1 − ρ)/(1 − ρ̂))
    /// ```
    ///
    /// # Source
    /// Ng 2011, *Sparse autoencoder* (CS294A lecture notes), section 3.
    KullbackLeibler { weight: f64, target: f64 },
}

/// How the penalties of a batch become one number. Tools differ, and published weights only mean
/// something with their reduction: it is never implied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Added up: older Keras, and the figures published with it.
    BatchSum,
    /// Averaged: per sample.
    BatchMean,
}

impl Reduction {
    pub const NAMES: [(&str, Self); 2] = [
        ("batch_sum", Self::BatchSum),
        ("batch_mean", Self::BatchMean),
    ];
}

/// Keeps the logarithms of the divergence finite.
pub(crate) const LEAST_ACTIVATION: f64 = 1e-7;

impl Sparsity {
    /// Whether the penalties of two parts of a batch add up to that of the batch.
    pub fn is_additive(self) -> bool {
        matches!(self, Self::L1 { .. })
    }

    /// Of a batch that holds a `share` of a step's examples, 1 being all of them: the penalties of all of its batches
    /// add up to that of the step, where they are [additive](Self::is_additive).
    ///
    /// # Shapes
    /// `[batch, code size] → [1]`
    pub fn penalty(self, code: Tensor<2>, share: f64) -> Tensor<1> {
        match self {
            Self::L1 { weight, reduction } => {
                let images = code.dims()[0] as f64;
                let scale = match reduction {
                    Reduction::BatchSum => weight,
                    Reduction::BatchMean => weight * share / images,
                };
                code.abs().sum().mul_scalar(scale)
            }
            Self::KullbackLeibler { weight, target } => {
                let mean = code
                    .mean_dim(0)
                    .clamp(LEAST_ACTIVATION, 1.0 - LEAST_ACTIVATION);
                let active = mean.clone().log().mul_scalar(-target);
                let inactive = mean.neg().add_scalar(1.0).log().mul_scalar(target - 1.0);
                let entropy = target * target.ln() + (1.0 - target) * (1.0 - target).ln();
                (active + inactive)
                    .add_scalar(entropy)
                    .sum()
                    .mul_scalar(weight)
            }
        }
    }
}
