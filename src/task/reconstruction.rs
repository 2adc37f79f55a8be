//! Autoencoders: images from their codes, also from corrupted images, also with sparse codes.

use burn::module::Module;
use burn::tensor::{Device, ExecutionError};

use super::{ImageExamples, Loss, Measured, Subset, Task, Term, part};
use crate::batches::Pairs;
use crate::data::{Checksum, Preparation};
use crate::evaluate::{Figures, Scope};
use crate::model::{Codec, DropoutMasks, Reconstructed};
use crate::objective::{Reconstruction, Sparsity};

/// Reconstructing images. Denoising is a corruption in front of it, sparsity a penalty beside it.
#[derive(Debug)]
pub struct ReconstructionTask {
    pub images: ImageExamples,
    pub reconstruction: Reconstruction,
    /// A penalty on the code, beside the reconstruction error.
    pub sparsity: Option<Sparsity>,
}

impl<M: Module + Codec> Measured<M> for ReconstructionTask {
    fn examples(&self, subset: Subset) -> usize {
        self.images.count(subset)
    }

    fn error_metric(&self) -> &'static str {
        self.reconstruction.metric()
    }

    fn figures(
        &self,
        network: &M,
        subset: Subset,
        scope: Scope,
    ) -> Result<Option<Figures>, ExecutionError> {
        self.images.reconstruction_figures(network, subset, scope)
    }

    fn checksums(&self) -> &[Checksum] {
        &self.images.splits.checksums
    }

    fn training_errors(&self, network: &M) -> Result<Option<Vec<f64>>, ExecutionError> {
        self.images.training_errors(network)
    }

    fn preparation(&self) -> Option<&Preparation> {
        Some(&self.images.splits.preparation)
    }
}

impl<M: Module + Codec> Task<M> for ReconstructionTask {
    type Batch = (Pairs, DropoutMasks);

    fn devices(&self) -> &[Device] {
        &self.images.devices
    }

    fn batch(&self, epoch: usize, indices: &[usize], device: usize) -> Self::Batch {
        self.images.batch(epoch, indices, device)
    }

    fn loss(&self, network: &M, (pairs, mut masks): Self::Batch, share: f64) -> Loss {
        let Reconstructed { code, logits } =
            network.forward_masked(pairs.input.autodiff(), &mut masks);
        let target = pairs.target.autodiff();
        let output = network.output_activation();
        let error = part(self.reconstruction.loss(logits, output, target), share);
        let mut terms = vec![Term::new(self.reconstruction.metric(), &error)];
        Loss {
            error: error.clone().without_autodiff(),
            minimised: match self.sparsity {
                None => error,
                Some(sparsity) => {
                    let penalty = sparsity.penalty(code, share);
                    terms.push(Term::new("objective.sparsity", &penalty));
                    error + penalty
                }
            },
            terms,
        }
    }
}
