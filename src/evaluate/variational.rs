//! The evidence lower bound of a variational network, and how much of its code it uses.

use burn::tensor::ExecutionError;
use rand::RngExt;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::cross_entropy::bce_nats;
use super::{Evaluator, Figures, read};
use crate::batches::{Batches, tensor};
use crate::data::ImageSet;
use crate::model::{Codec, DropoutMasks, Variational};
use crate::random::{self, Purpose};

/// A unit of the code is active when the variance of its posterior mean over the images is above
/// this.
///
/// # Source
/// Burda, Grosse, Salakhutdinov 2016, *Importance Weighted Autoencoders*, section 5.
const ACTIVE_VARIANCE: f64 = 0.01;

impl Evaluator<'_> {
    /// The two terms of the negative evidence lower bound, each a mean over `images` in nats, and
    /// the number of active units of the code.
    ///
    /// ```text
    /// −ELBO = E_q(z|x) [−ln p(x|z)] + KL(q(z|x) ‖ p(z))
    /// ```
    ///
    /// The expectation is estimated with one `z` for each image, whose noise `seed` gives: the same
    /// at every look.
    ///
    /// # Errors
    /// The device fails.
    ///
    /// # Source
    /// Kingma and Welling 2014, *Auto-Encoding Variational Bayes*, equations 3 and 10.
    pub fn elbo(
        &self,
        model: &Variational,
        images: &ImageSet,
        seed: u64,
    ) -> Result<Figures, ExecutionError> {
        let batches = Batches::new(self.device);
        let indices: Vec<usize> = (0..images.count()).collect();
        let mut bce = 0.0;
        let mut kl = 0.0;
        let mut means = Vec::new();
        let mut code_size = 0;
        for indices in indices.chunks(self.batch_size) {
            let x = batches.gather(images, indices);
            let clean = images.gather(indices);
            let posterior = model.posterior(x, &mut DropoutMasks::none());
            code_size = posterior.mu.dims()[1];
            let epsilon = epsilon(seed, Purpose::EvaluationLatent, 0, indices, code_size);
            let z = posterior.sample(tensor(epsilon, indices.len(), self.device));
            let logits = read(model.logits_masked(z, &mut DropoutMasks::none()))?;
            let (mu, log_var) = (read(posterior.mu)?, read(posterior.log_var)?);
            // Collected before they are added, so that the sum does not depend on the threads.
            let pixels = images.pixels_per_image();
            let each: Vec<f64> = clean
                .par_chunks_exact(pixels)
                .zip(logits.par_chunks_exact(pixels))
                .map(|(image, logits)| bce_nats(image, logits))
                .collect();
            bce += each.iter().sum::<f64>();
            kl += mu.iter().zip(&log_var).map(kl_nats).sum::<f64>();
            means.extend(mu);
        }
        let count = images.count() as f64;
        let active = (0..code_size).filter(|&unit| {
            let unit = means.iter().skip(unit).step_by(code_size);
            variance(unit.copied().map(f64::from)) > ACTIVE_VARIANCE
        });
        Ok(Figures::from_iter([
            ("negative_elbo_nats_per_image", (bce + kl) / count),
            ("expected_bce_nats_per_image", bce / count),
            ("kl_nats_per_image", kl / count),
            ("code_active_units", active.count() as f64),
        ]))
    }
}

/// The noise that picks a code out of each image's posterior, standard normal, `[indices, code
/// size]` row-major.
pub fn epsilon(
    seed: u64,
    purpose: Purpose,
    epoch: usize,
    indices: &[usize],
    code_size: usize,
) -> Vec<f32> {
    random::rows(seed, purpose, epoch as u64, indices, code_size, |stream| {
        stream.sample(StandardNormal)
    })
}

/// `KL(N(μ, σ²) ‖ N(0, 1))` of one unit.
fn kl_nats((&mu, &log_var): (&f32, &f32)) -> f64 {
    let (mu, log_var) = (f64::from(mu), f64::from(log_var));
    -0.5 * (1.0 + log_var - mu * mu - log_var.exp())
}

fn variance(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    values.map(|value| (value - mean).powi(2)).sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_divergence_of_the_standard_normal_is_zero_and_of_others_as_by_hand() {
        assert_eq!(kl_nats((&0.0, &0.0)), 0.0);
        // N(1, 1) is ½ away; N(0, 4): −½ (1 + ln 4 − 4).
        assert_eq!(kl_nats((&1.0, &0.0)), 0.5);
        let wide = kl_nats((&0.0, &4f32.ln()));
        assert!((wide + 0.5 * (1.0 + 4f64.ln() - 4.0)).abs() < 1e-6);
    }

    #[test]
    fn the_noise_is_standard_normal() {
        let indices: Vec<usize> = (0..5000).collect();
        let noise = epsilon(1, Purpose::Latent, 1, &indices, 20);
        let noise = noise.iter().copied().map(f64::from);
        // 100,000 draws: the standard error of the mean is 0.003, of the variance 0.0045.
        assert!((noise.clone().sum::<f64>() / 1e5).abs() < 0.015);
        assert!((variance(noise) - 1.0).abs() < 0.02);
    }
}
