//! Variational autoencoders: the evidence lower bound.

use burn::tensor::{Device, ExecutionError, Tensor};

use super::{ImageExamples, Loss, Measured, Subset, Task, Term, part};
use crate::batches::{Pairs, tensor};
use crate::data::{Checksum, Preparation};
use crate::evaluate::{Figures, Scope, epsilon};
use crate::model::{Activation, Codec, DropoutMasks, Variational};
use crate::objective::{NEGATIVE_ELBO, Reconstruction, kl_nats_per_image};
use crate::random::Purpose;

/// Maximising the evidence lower bound, in nats per image throughout:
///
/// ```text
/// −ELBO = Σ over pixels of the binary cross-entropy + KL(q(z|x) ‖ p(z))
/// ```
///
/// # Source
/// Kingma and Welling 2014, *Auto-Encoding Variational Bayes*, equation 10 with one sample.
#[derive(Debug)]
pub struct VariationalTask {
    pub images: ImageExamples,
    pub code_size: usize,
    /// Factor on the divergence in what is minimised; what is reported has none. 1 is the bound.
    ///
    /// # Source
    /// Higgins and others 2017, *β-VAE*, equation 4.
    pub kl_weight: f64,
}

/// What one step of a variational network needs.
#[derive(Debug)]
pub struct VariationalBatch {
    pub pairs: Pairs,
    pub masks: DropoutMasks,
    /// Standard normal, `[batch, code size]`: picks a code out of each posterior.
    pub epsilon: Tensor<2>,
}

impl Measured<Variational> for VariationalTask {
    fn examples(&self, subset: Subset) -> usize {
        self.images.count(subset)
    }

    fn error_metric(&self) -> &'static str {
        NEGATIVE_ELBO
    }

    /// In full, the network is measured as an autoencoder too, with the mean of the posterior as its
    /// code.
    fn figures(
        &self,
        network: &Variational,
        subset: Subset,
        scope: Scope,
    ) -> Result<Option<Figures>, ExecutionError> {
        let Some(images) = self.images.subset(subset) else {
            return Ok(None);
        };
        let evaluator = self.images.evaluator();
        let mut figures = evaluator.elbo(network, images, self.images.seed)?;
        if scope == Scope::Full {
            let more = self.images.reconstruction_figures(network, subset, scope)?;
            figures.extend(more.unwrap_or_default());
        }
        Ok(Some(figures))
    }

    fn checksums(&self) -> &[Checksum] {
        &self.images.splits.checksums
    }

    fn training_errors(&self, network: &Variational) -> Result<Option<Vec<f64>>, ExecutionError> {
        self.images.training_errors(network)
    }

    fn preparation(&self) -> Option<&Preparation> {
        Some(&self.images.splits.preparation)
    }
}

impl Task<Variational> for VariationalTask {
    type Batch = VariationalBatch;

    fn devices(&self) -> &[Device] {
        &self.images.devices
    }

    fn batch(&self, epoch: usize, indices: &[usize], device: usize) -> VariationalBatch {
        let (pairs, masks) = self.images.batch(epoch, indices, device);
        let epsilon = epsilon(
            self.images.seed,
            Purpose::Latent,
            epoch,
            indices,
            self.code_size,
        );
        VariationalBatch {
            pairs,
            masks,
            epsilon: tensor(epsilon, indices.len(), &self.images.devices[device]),
        }
    }

    fn loss(&self, network: &Variational, batch: VariationalBatch, share: f64) -> Loss {
        let VariationalBatch {
            pairs,
            mut masks,
            epsilon,
        } = batch;
        let posterior = network.posterior(pairs.input.autodiff(), &mut masks);
        let z = posterior.sample(epsilon.autodiff());
        let logits = network.logits_masked(z, &mut masks);
        let pixels = pairs.target.dims()[1] as f64;
        let bce = Reconstruction::BinaryCrossEntropy;
        let per_pixel = bce.loss(logits, Activation::Sigmoid, pairs.target.autodiff());
        let expected_bce = part(per_pixel.mul_scalar(pixels), share);
        let kl = part(kl_nats_per_image(&posterior), share);
        let weighted_kl = kl.clone().mul_scalar(self.kl_weight);
        Loss {
            error: (expected_bce.clone() + kl).without_autodiff(),
            terms: vec![
                Term::new("expected_bce_nats_per_image", &expected_bce),
                Term::new("kl_nats_per_image", &weighted_kl),
            ],
            minimised: expected_bce + weighted_kl,
        }
    }
}
