//! Training images as the steps of a run see them.

use burn::tensor::Device;

use crate::batches::{Batches, Pairs};
use crate::data::{Corruption, ImageSet, Noise, Splits};
use crate::model::{Dropout, DropoutMasks};

use super::Subset;

/// The images of a run, and what is done to those that it trains on.
#[derive(Debug)]
pub struct TrainingImages {
    pub splits: Splits<ImageSet>,
    pub batches: Batches,
    pub device: Device,
    pub seed: u64,
    /// Noise on the input, drawn anew each epoch; the target stays clean.
    pub corruption: Option<Corruption>,
    pub dropout: Option<Dropout>,
}

impl TrainingImages {
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

    /// The noise through which figures and pictures of a denoising network look.
    pub fn evaluation_noise(&self) -> Option<Noise> {
        let corruption = self.corruption?;
        Some(Noise::of_evaluation(corruption, self.seed))
    }

    /// The images of a subset, if it has any.
    pub fn subset(&self, subset: Subset) -> Option<&ImageSet> {
        match subset {
            Subset::Training => Some(&self.splits.train),
            Subset::Validation => self.splits.validation.as_ref(),
            Subset::Test => Some(&self.splits.test),
        }
    }
}
