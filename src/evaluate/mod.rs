//! What a trained network is worth: figures on a whole split, in `f64`, alike on every backend.

mod metrics;
mod ssim;

pub use metrics::{Metrics, entropy_nats_per_pixel};

use burn::tensor::{Device, ExecutionError, Tensor};
use metrics::Sums;

use crate::batches::Batches;
use crate::data::ImageSet;
use crate::model::Autoencoder;

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
    pub scope: Scope,
}

impl Evaluator<'_> {
    /// Measures how well `model` reconstructs `images`.
    ///
    /// The network runs on the device; the figures are computed from its logits on the host.
    ///
    /// # Errors
    /// The device fails.
    pub fn evaluate(
        &self,
        model: &Autoencoder,
        images: &ImageSet,
    ) -> Result<Metrics, ExecutionError> {
        let mut sums = Sums::new(images.height(), images.width(), model.output_activation());
        self.run(model, images, |indices, logits, code| {
            sums.add(images, indices, logits, code, self.scope);
        })?;
        Ok(sums.finish())
    }

    /// Reconstructs `images`: pixels in [0, 1], `[images, height, width]` row-major.
    ///
    /// # Errors
    /// The device fails.
    pub fn reconstruct(
        &self,
        model: &Autoencoder,
        images: &ImageSet,
    ) -> Result<Vec<f32>, ExecutionError> {
        let output = model.output_activation();
        let mut pixels = Vec::with_capacity(images.pixels().len());
        self.run(model, images, |_, logits, _| {
            let unit = |&z: &f32| output.value(z.into()).clamp(0.0, 1.0) as f32;
            pixels.extend(logits.iter().map(unit));
        })?;
        Ok(pixels)
    }

    /// Runs the network over all images and hands out each batch's indices, logits and code.
    fn run(
        &self,
        model: &Autoencoder,
        images: &ImageSet,
        mut each: impl FnMut(&[usize], &[f32], &[f32]),
    ) -> Result<(), ExecutionError> {
        let batches = Batches::new(images, self.device, false);
        let indices: Vec<usize> = (0..images.count()).collect();
        for indices in indices.chunks(self.batch_size) {
            let reconstructed = model.forward(batches.gather(indices));
            let logits = read(reconstructed.logits)?;
            let code = read(reconstructed.code)?;
            each(indices, &logits, &code);
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
