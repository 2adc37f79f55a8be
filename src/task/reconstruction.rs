//! Autoencoders: images from their codes, also from corrupted images, also with sparse codes.

use burn::module::Module;
use burn::tensor::ExecutionError;

use super::{ImageExamples, Loss, Measured, Subset, Task, Term};
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

    fn preparation(&self) -> Option<&Preparation> {
        Some(&self.images.splits.preparation)
    }
}

impl<M: Module + Codec> Task<M> for ReconstructionTask {
    type Batch = (Pairs, DropoutMasks);

    fn batch(&self, epoch: usize, indices: &[usize]) -> Self::Batch {
        self.images.batch(epoch, indices)
    }

    fn loss(&self, network: &M, (pairs, mut masks): Self::Batch) -> Loss {
        let Reconstructed { code, logits } =
            network.forward_masked(pairs.input.autodiff(), &mut masks);
        let target = pairs.target.autodiff();
        let output = network.output_activation();
        let error = self.reconstruction.loss(logits, output, target);
        let mut terms = vec![Term::new(self.reconstruction.metric(), &error)];
        Loss {
            error: error.clone().without_autodiff(),
            minimised: match self.sparsity {
                None => error,
                Some(sparsity) => {
                    let penalty = sparsity.penalty(code);
                    terms.push(Term::new("objective.sparsity", &penalty));
                    error + penalty
                }
            },
            terms,
        }
    }
}
