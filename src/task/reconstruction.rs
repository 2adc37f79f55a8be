//! Autoencoders: images from their codes, also from corrupted images, also with sparse codes.

use burn::module::Module;
use burn::tensor::ExecutionError;

use super::{Loss, Subset, Task, TrainingImages};
use crate::batches::Pairs;
use crate::data::Checksum;
use crate::evaluate::{Evaluator, Figures, Scope, input_psnr_db};
use crate::model::{Codec, DropoutMasks, Reconstructed};
use crate::objective::{Reconstruction, Sparsity};

/// Reconstructing images. Denoising is a corruption in front of it, sparsity a penalty beside it.
#[derive(Debug)]
pub struct ReconstructionTask {
    pub images: TrainingImages,
    pub reconstruction: Reconstruction,
    /// A penalty on the code, beside the reconstruction error.
    pub sparsity: Option<Sparsity>,
    /// Images evaluated at a time.
    pub evaluation_batch: usize,
}

impl ReconstructionTask {
    /// What measures networks of this task.
    pub fn evaluator(&self) -> Evaluator<'_> {
        Evaluator {
            device: &self.images.device,
            batch_size: self.evaluation_batch,
        }
    }
}

impl<M: Module + Codec> Task<M> for ReconstructionTask {
    type Batch = (Pairs, DropoutMasks);

    fn examples(&self) -> usize {
        self.images.splits.train.count()
    }

    fn batch(&self, epoch: usize, indices: &[usize]) -> Self::Batch {
        self.images.batch(epoch, indices)
    }

    fn loss(&self, network: &M, (pairs, mut masks): Self::Batch) -> Loss {
        let Reconstructed { code, logits } =
            network.forward_masked(pairs.input.autodiff(), &mut masks);
        let target = pairs.target.autodiff();
        let output = network.output_activation();
        let error = self.reconstruction.loss(logits, output, target);
        Loss {
            error: error.clone().without_autodiff(),
            minimised: match self.sparsity {
                None => error,
                Some(sparsity) => error + sparsity.penalty(code),
            },
        }
    }

    fn error_metric(&self) -> &'static str {
        self.reconstruction.metric()
    }

    /// On the test images in full, a denoising network is measured on corrupted inputs too.
    fn figures(
        &self,
        network: &M,
        subset: Subset,
        scope: Scope,
    ) -> Result<Option<Figures>, ExecutionError> {
        let Some(images) = self.images.subset(subset) else {
            return Ok(None);
        };
        let evaluator = self.evaluator();
        let mut figures = evaluator.evaluate(network, images, None, scope)?.figures();
        if let (Subset::Test, Scope::Full, Some(noise)) =
            (subset, scope, self.images.evaluation_noise())
        {
            figures.push("corrupted_input_psnr_db", input_psnr_db(images, &noise));
            let corrupted = evaluator.evaluate(network, images, Some(&noise), scope)?;
            figures.extend(corrupted.figures().prefixed("corrupted"));
        }
        Ok(Some(figures))
    }

    fn checksums(&self) -> &[Checksum] {
        &self.images.splits.checksums
    }
}
