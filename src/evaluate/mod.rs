//! What a trained network is worth: figures on a whole split, in `f64`, alike on every backend.

mod by_image;
mod classification;
mod codes;
mod cross_entropy;
mod figures;
mod metrics;
mod neighbours;
mod probe;
mod projection;
mod roc;
mod spread;
mod ssim;
mod units;
mod usefulness;
mod variational;

pub use by_image::{Answers, ByImage, ClassError, ImageError, quantile};
pub use classification::{class_probabilities, classification};
pub use codes::CodeDistribution;
pub use figures::{Direction, Figures};
pub use metrics::{Metrics, entropy_nats_per_pixel, input_psnr_db, mean_image_errors};
pub use neighbours::{Confusion, Neighbours, confusion};
pub use probe::LinearProbe;
pub use projection::{Basis, LEAST_CODES, Plane, code_plane, principal_plane, t_sne};
pub use roc::{ANOMALY_ROC_AUC, roc_auc};
pub use spread::{Spread, spreads};
pub use units::{UnitStatistics, unit_statistics};
pub use usefulness::{LabelledCodes, NEIGHBOURS, NEIGHBOURS_ACCURACY, PROBE_ACCURACY, usefulness};
pub use variational::epsilon;

use burn::tensor::{Device, ExecutionError, Tensor};
use metrics::Sums;

use crate::batches::{Batches, tensor};
use crate::data::{ImageSet, Noise};
use crate::memory;
use crate::model::{Activation, Codec};

/// How much to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What is worth knowing after every epoch.
    Quick,
    /// Everything, structural similarity included.
    Full,
}

/// Measures networks on a device.
#[derive(Clone, Copy, Debug)]
pub struct Evaluator<'a> {
    /// Without autodiff.
    pub device: &'a Device,
    /// Images run at a time. A backend that compiles kernels compiles them anew for each size.
    pub batch_size: usize,
}

impl Evaluator<'_> {
    /// Measures how well `model` reconstructs `images`, which it sees through `noise` if there is
    /// any.
    ///
    /// The network runs on the device; the figures are computed on the host.
    ///
    /// # Errors
    /// The device fails.
    pub fn evaluate(
        &self,
        model: &dyn Codec,
        images: &ImageSet,
        noise: Option<&Noise>,
        scope: Scope,
    ) -> Result<Metrics, ExecutionError> {
        let mut sums = Sums::new(images, model.output_activation());
        self.run(model, images, noise, |clean, answers, code| {
            sums.add(clean, answers, code, scope);
        })?;
        Ok(sums.finish())
    }

    /// Reconstructs `images`, seen through `noise` if there is any, `[images, pixels]` row-major, as the network gives them:
    /// pixels may be below 0 or above 1.
    ///
    /// # Errors
    /// The device fails.
    pub fn reconstruct(
        &self,
        model: &dyn Codec,
        images: &ImageSet,
        noise: Option<&Noise>,
    ) -> Result<Vec<f32>, ExecutionError> {
        let output = model.output_activation();
        let mut pixels = Vec::with_capacity(images.count() * images.pixels_per_image());
        self.run(model, images, noise, |_, answers, _| {
            let pixel = |&answer: &f32| match output {
                Activation::Sigmoid => 1.0 / (1.0 + (-answer).exp()),
                _ => answer,
            };
            pixels.extend(answers.iter().map(pixel));
        })?;
        Ok(pixels)
    }

    /// What the network gives for `images` as it is, `[images, pixels]` row-major; of a sigmoid the logits.
    ///
    /// # Errors
    /// The device fails.
    pub fn outputs(
        &self,
        model: &dyn Codec,
        images: &ImageSet,
    ) -> Result<Vec<f32>, ExecutionError> {
        let mut outputs = Vec::with_capacity(images.count() * images.pixels_per_image());
        self.run(model, images, None, |_, answers, _| outputs.extend(answers))?;
        Ok(outputs)
    }

    /// The codes of `images`, `[images, code size]` row-major.
    ///
    /// # Errors
    /// The device fails.
    pub fn encode(&self, model: &dyn Codec, images: &ImageSet) -> Result<Vec<f32>, ExecutionError> {
        let batches = Batches::new(self.device);
        let indices: Vec<usize> = (0..images.count()).collect();
        let mut codes = Vec::new();
        for indices in indices.chunks(self.batch_size) {
            codes.extend(read(model.encode(batches.gather(images, indices)))?);
        }
        Ok(codes)
    }

    /// The images that codes `[images, code size]` stand for, `[images, pixels]` row-major, as the network gives them:
    /// pixels may be below 0 or above 1.
    ///
    /// # Errors
    /// The device fails.
    pub fn decode(
        &self,
        model: &dyn Codec,
        codes: &[f32],
        code_size: usize,
    ) -> Result<Vec<f32>, ExecutionError> {
        let mut pixels = Vec::new();
        for codes in codes.chunks(self.batch_size.saturating_mul(code_size)) {
            let codes = tensor(codes.to_vec(), codes.len() / code_size, self.device);
            pixels.extend(read(model.decode(codes))?);
        }
        Ok(pixels)
    }

    /// Runs the network over all images and hands out each batch as it is without noise, the answers to it and its code.
    /// The answers are logits where the output is a sigmoid, else the outputs themselves.
    fn run(
        &self,
        model: &dyn Codec,
        images: &ImageSet,
        noise: Option<&Noise>,
        mut each: impl FnMut(&[f32], &[f32], &[f32]),
    ) -> Result<(), ExecutionError> {
        let batches = Batches::new(self.device);
        let indices: Vec<usize> = (0..images.count()).collect();
        for indices in indices.chunks(self.batch_size) {
            let reconstructed = model.forward(batches.pairs(images, indices, noise).input);
            let answers = match model.output_activation() {
                Activation::Sigmoid => reconstructed.logits,
                other => other.apply(reconstructed.logits),
            };
            let (answers, code) = (read(answers)?, read(reconstructed.code)?);
            let clean = images.gather(indices);
            each(&clean, &answers, &code);
            memory::recycle(clean);
        }
        Ok(())
    }
}

fn read(tensor: Tensor<2>) -> Result<Vec<f32>, ExecutionError> {
    let data = tensor.try_into_data()?;
    Ok(data
        .try_into_vec_as()
        .expect("logits and codes are numbers"))
}
