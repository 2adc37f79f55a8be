//! How far a variational network's codes are from the standard normal.

use burn::tensor::Tensor;

use crate::model::Posterior;

/// The Kullback-Leibler divergence of the posterior from the standard normal, in nats: a sum over
/// the code, a mean over the batch.
///
/// ```text
/// KL(N(μ, σ²) ‖ N(0, 1)) = −½ Σⱼ (1 + ln σⱼ² − μⱼ² − σⱼ²)
/// ∂/∂μ = μ    ∂/∂ ln σ² = ½ (σ² − 1)
/// ```
///
/// # Shapes
/// `[batch, code size] → [1]`
///
/// # Source
/// Kingma and Welling 2014, *Auto-Encoding Variational Bayes*, appendix B.
pub fn kl_nats_per_image(posterior: &Posterior) -> Tensor<1> {
    let Posterior { mu, log_var } = posterior;
    let images = mu.dims()[0] as f64;
    let inner = log_var.clone().add_scalar(1.0) - mu.clone().square() - log_var.clone().exp();
    inner.sum().mul_scalar(-0.5 / images)
}
