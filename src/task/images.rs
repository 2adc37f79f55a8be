//! Images as the steps and figures of a run see them.

use burn::tensor::{Device, ExecutionError};

use super::Subset;
use crate::batches::{Batches, Pairs};
use crate::data::{Corruption, ImageSet, Noise, Splits};
use crate::evaluate::{Evaluator, Figures, Scope, input_psnr_db};
use crate::model::{Codec, Dropout, DropoutMasks};

/// The images of a run, and what is done to those that it trains on.
#[derive(Debug)]
pub struct ImageExamples {
    pub splits: Splits<ImageSet>,
    pub batches: Batches,
    pub device: Device,
    pub seed: u64,
    /// Noise on the input, drawn anew each epoch; the target stays clean.
    pub corruption: Option<Corruption>,
    pub dropout: Option<Dropout>,
    /// Images evaluated at a time.
    pub evaluation_batch: usize,
}

impl ImageExamples {
    /// The training images at `indices` as a step of `epoch` sees them, and the hidden units that it
    /// leaves out.
    pub fn batch(&self, epoch: usize, indices: &[usize]) -> (Pairs, DropoutMasks) {
        let noise = self
            .corruption
            .map(|corruption| Noise::of_epoch(corruption, self.seed, epoch));
        let pairs = self
            .batches
            .pairs(&self.splits.train, indices, noise.as_ref());
        let masks = match &self.dropout {
            None => DropoutMasks::none(),
            Some(dropout) => dropout.masks(epoch, indices, &self.device),
        };
        (pairs, masks)
    }

    /// The images of a subset, if it has any.
    pub fn subset(&self, subset: Subset) -> Option<&ImageSet> {
        match subset {
            Subset::Training => Some(&self.splits.train),
            Subset::Validation => self.splits.validation.as_ref(),
            Subset::Test => Some(&self.splits.test),
        }
    }

    /// The number of images in a subset.
    pub fn count(&self, subset: Subset) -> usize {
        self.subset(subset).map_or(0, ImageSet::count)
    }

    /// What measures networks on these images.
    pub fn evaluator(&self) -> Evaluator<'_> {
        Evaluator {
            device: &self.device,
            batch_size: self.evaluation_batch,
        }
    }

    /// The noise through which figures and pictures of a denoising network look.
    pub fn evaluation_noise(&self) -> Option<Noise> {
        let corruption = self.corruption?;
        Some(Noise::of_evaluation(corruption, self.seed))
    }

    /// How well a network reconstructs the images of a subset. On the test images in full, one that
    /// is to remove noise is measured on corrupted inputs too.
    ///
    /// # Errors
    /// The device fails.
    pub fn reconstruction_figures(
        &self,
        network: &dyn Codec,
        subset: Subset,
        scope: Scope,
    ) -> Result<Option<Figures>, ExecutionError> {
        let Some(images) = self.subset(subset) else {
            return Ok(None);
        };
        let evaluator = self.evaluator();
        let mut figures = evaluator.evaluate(network, images, None, scope)?.figures();
        let noise = self.evaluation_noise();
        if let (Subset::Test, Scope::Full, Some(noise)) = (subset, scope, noise) {
            figures.push("corrupted_input_psnr_db", input_psnr_db(images, &noise));
            let corrupted = evaluator.evaluate(network, images, Some(&noise), scope)?;
            figures.extend(corrupted.figures().prefixed("corrupted"));
        }
        Ok(Some(figures))
    }
}
