//! Images as the steps and figures of a run see them.

use burn::tensor::{Device, ExecutionError};

use super::Subset;
use crate::batches::{Batches, Pairs};
use crate::data::{Corruption, ImageSet, Noise, Splits};
use crate::evaluate::{
    ANOMALY_ROC_AUC, Evaluator, Figures, ImageError, Scope, input_psnr_db, roc_auc,
};
use crate::model::{Codec, Dropout, DropoutMasks};

/// Where nothing else is said.
const USUAL_SEED: u64 = 42;
const USUAL_EVALUATION_BATCH: usize = 500;

/// The images of a run, and what is done to those that it trains on.
#[derive(Debug)]
pub struct ImageExamples {
    pub splits: Splits<ImageSet>,
    /// Where steps are computed; all else on the first.
    pub devices: Vec<Device>,
    /// One for each device.
    pub batches: Vec<Batches>,
    pub seed: u64,
    /// Noise on the input, drawn anew each epoch; the target stays clean.
    pub corruption: Option<Corruption>,
    pub dropout: Option<Dropout>,
    /// Classes that no training image has: their test images are anomalies.
    pub anomalies: Vec<u32>,
    /// By what reconstructions of anomalies are told from others.
    pub anomaly_error: ImageError,
    /// Images evaluated at a time.
    pub evaluation_batch: usize,
}

impl ImageExamples {
    /// Images without noise or dropout, batches of which are copied to `device` one by one.
    pub fn of(splits: Splits<ImageSet>, device: &Device) -> Self {
        Self {
            splits,
            devices: vec![device.clone()],
            batches: vec![Batches::new(device)],
            seed: USUAL_SEED,
            corruption: None,
            dropout: None,
            anomalies: Vec::new(),
            anomaly_error: ImageError::ExcessCrossEntropy,
            evaluation_batch: USUAL_EVALUATION_BATCH,
        }
    }

    /// The training images at `indices` as a step of `epoch` sees them, and the hidden units that it
    /// leaves out, on the device of that number.
    pub fn batch(&self, epoch: usize, indices: &[usize], device: usize) -> (Pairs, DropoutMasks) {
        let noise = self
            .corruption
            .map(|corruption| Noise::of_epoch(corruption, self.seed, epoch));
        let pairs = self.batches[device].pairs(&self.splits.train, indices, noise.as_ref());
        let masks = match &self.dropout {
            None => DropoutMasks::none(),
            Some(dropout) => dropout.masks(epoch, indices, &self.devices[device]),
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
            device: &self.devices[0],
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
        if (subset, scope) == (Subset::Test, Scope::Full) {
            figures.extend(self.anomaly_figures(network, images)?);
        }
        Ok(Some(figures))
    }

    /// The error of each training image by which anomalies are scored, if there are training images.
    ///
    /// # Errors
    /// The device fails.
    pub fn training_errors(&self, network: &dyn Codec) -> Result<Option<Vec<f64>>, ExecutionError> {
        let images = &self.splits.train;
        if images.count() == 0 {
            return Ok(None);
        }
        let by_image = self
            .evaluator()
            .by_image(network, images, None, self.anomaly_error)?;
        Ok(Some(by_image.errors))
    }

    /// How well the reconstruction error finds what training has not seen.
    fn anomaly_figures(
        &self,
        network: &dyn Codec,
        images: &ImageSet,
    ) -> Result<Figures, ExecutionError> {
        let mut figures = Figures::default();
        let Some(labels) = images.labels().filter(|_| !self.anomalies.is_empty()) else {
            return Ok(figures);
        };
        let evaluator = self.evaluator();
        let by_image = evaluator.by_image(network, images, None, self.anomaly_error)?;
        let is_anomaly = |index: usize| self.anomalies.contains(&labels[index]);
        if let Some(area) = roc_auc(&by_image.errors, is_anomaly) {
            figures.push(ANOMALY_ROC_AUC, area);
        }
        Ok(figures)
    }
}
