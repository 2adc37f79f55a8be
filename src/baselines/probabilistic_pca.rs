//! Probabilistic principal component analysis.

use burn::module::{Module, Param};
use burn::tensor::{Device, ExecutionError, Tensor};
use rayon::prelude::*;

use super::{PrincipalAxes, affine, rows};
use crate::data::ImageSet;
use crate::model::{Activation, Codec, DropoutMasks, PortableCodec, numbers};

/// PCA as a distribution over images, and so the linear relative of a variational autoencoder.
///
/// ```text
/// p(z) = N(0, I)    p(x|z) = N(μ + Wᵀ z, σ² I)    p(x) = N(μ, Wᵀ W + σ² I)
/// ```
///
/// The most likely parameters are known: `σ²` is the mean of the variances along the axes that are left out, and
/// row k of W is the k-th principal axis times `√(λₖ − σ²)`. The code of an image is the mean of
/// `p(z|x)`; since rows of W are orthogonal, `zₖ = wₖ · (x − μ) / (|wₖ|² + σ²)`.
///
/// # Source
/// Tipping and Bishop 1999, *Probabilistic Principal Component Analysis*, sections 3.1 and 3.2.
#[derive(Module, Debug)]
pub struct ProbabilisticPca {
    /// W, `[code size, pixels]`; rows are orthogonal.
    weight: Param<Tensor<2>>,
    /// μ, `[1, pixels]`
    mean: Param<Tensor<2>>,
    /// σ², `[1, 1]`
    noise_variance: Param<Tensor<2>>,
}

impl ProbabilisticPca {
    /// The most likely parameters for the images that `axes` were found from; none where nothing is left over for
    /// noise.
    pub fn new(axes: &PrincipalAxes, code_size: usize, device: &Device) -> Option<Self> {
        let pixels = axes.mean.len();
        if code_size >= pixels {
            return None;
        }
        let noise_variance = axes.noise_variance(code_size);
        // What rounding leaves of a variance that is none.
        let is_noise = noise_variance > 1e-12 * axes.variances[0];
        let scales = axes.variances[..code_size].iter();
        let scales: Vec<f64> = scales
            .map(|variance| (variance - noise_variance).max(0.0).sqrt())
            .collect();
        let each = axes.first(code_size).enumerate();
        let weight = each.map(|(index, element)| element * scales[index / pixels]);
        is_noise.then(|| Self {
            weight: Param::from_tensor(rows(weight, code_size, device)),
            mean: Param::from_tensor(rows(axes.mean.iter().copied(), 1, device)),
            noise_variance: Param::from_tensor(rows([noise_variance], 1, device)),
        })
    }

    pub(super) fn empty(pixels: usize, code_size: usize, device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::zeros([code_size, pixels], device)),
            mean: Param::from_tensor(Tensor::zeros([1, pixels], device)),
            noise_variance: Param::from_tensor(Tensor::ones([1, 1], device)),
        }
    }

    /// `|wₖ|² + σ²`, `[1, code size]`.
    fn variances(&self) -> Tensor<2> {
        let lengths = self.weight.val().powi_scalar(2).sum_dim(1).transpose();
        lengths + self.noise_variance.val()
    }

    /// The mean of `−ln p(x)` over `images`, a density of pixels in [0, 1], in double precision on the host.
    ///
    /// ```text
    /// −ln p(x) = ½ (d ln 2π + Σ ln λₖ + (d − K) ln σ² + (|x − μ|² − Σ (wₖ · (x − μ))² / λₖ) / σ²),
    /// λₖ = |wₖ|² + σ²
    /// ```
    ///
    /// # Errors
    /// The device fails.
    ///
    /// # Source
    /// Tipping and Bishop 1999, section 3; the inverse and determinant by the Woodbury identity.
    pub fn negative_log_likelihood_nats_per_image(
        &self,
        images: &ImageSet,
    ) -> Result<f64, ExecutionError> {
        let weight = doubles(self.weight.val())?;
        let mean = doubles(self.mean.val())?;
        let noise_variance = doubles(self.noise_variance.val())?[0];
        let pixels = mean.len();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let axes: Vec<(&[f64], f64)> = weight
            .chunks_exact(pixels)
            .map(|row| (row, dot(row, row) + noise_variance))
            .collect();
        let determinant: f64 = axes.iter().map(|(_, variance)| variance.ln()).sum::<f64>()
            + (pixels - axes.len()) as f64 * noise_variance.ln();
        let constant = pixels as f64 * (2.0 * std::f64::consts::PI).ln() + determinant;
        // Collected before they are added, so that the sum does not depend on the threads.
        let each: Vec<f64> = (0..images.count())
            .into_par_iter()
            .map(|index| {
                let image = images.image(index);
                let differences = image.iter().zip(&mean);
                let centred: Vec<f64> = differences
                    .map(|(&pixel, mean)| f64::from(pixel) - mean)
                    .collect();
                let within: f64 = axes
                    .iter()
                    .map(|(row, variance)| dot(row, &centred).powi(2) / variance)
                    .sum();
                let distance = (dot(&centred, &centred) - within) / noise_variance;
                0.5 * (constant + distance)
            })
            .collect();
        Ok(each.iter().sum::<f64>() / images.count() as f64)
    }
}

/// Its code is the mean of the posterior, and its reconstruction that of the images such a code stands for.
impl Codec for ProbabilisticPca {
    fn encode_masked(&self, x: Tensor<2>, _: &mut DropoutMasks) -> Tensor<2> {
        let projected = (x - self.mean.val()).matmul(self.weight.val().transpose());
        projected / self.variances()
    }

    fn logits_masked(&self, code: Tensor<2>, _: &mut DropoutMasks) -> Tensor<2> {
        code.matmul(self.weight.val()) + self.mean.val()
    }

    fn output_activation(&self) -> Activation {
        Activation::Linear
    }

    fn portable(&self) -> Result<PortableCodec, ExecutionError> {
        let weight = self.weight.val();
        let encode = numbers(weight.clone().transpose() / self.variances())?;
        Ok(affine(encode, numbers(weight)?, numbers(self.mean.val())?))
    }
}

fn doubles(tensor: Tensor<2>) -> Result<Vec<f64>, ExecutionError> {
    Ok(tensor.try_into_data()?.iter::<f64>().collect())
}
