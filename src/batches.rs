//! Images to batches on a device.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::data::{ImageSet, Noise};

/// Gathers images into batches on one device.
#[derive(Clone, Debug)]
pub struct Batches {
    device: Device,
    /// All images on the device, `[images, pixels]`, where the device has a memory of its own: then
    /// a step sends it a few indices rather than pixels.
    resident: Option<Tensor<2>>,
}

/// What a network is shown, and what it should answer.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// `[batch, pixels]`, corrupted where the experiment says so.
    pub input: Tensor<2>,
    /// `[batch, pixels]`, clean.
    pub target: Tensor<2>,
}

impl Batches {
    /// Batches that are copied to `device` one by one.
    pub fn new(device: &Device) -> Self {
        Self {
            device: device.clone(),
            resident: None,
        }
    }

    /// Batches of images that are all copied to `device` now. They must be the ones that batches
    /// are later asked for.
    pub fn resident(device: &Device, images: &ImageSet) -> Self {
        let indices: Vec<usize> = (0..images.count()).collect();
        Self {
            device: device.clone(),
            resident: Some(upload(images, &indices, device)),
        }
    }

    /// The images at `indices` with noise on them, and without.
    pub fn pairs(&self, images: &ImageSet, indices: &[usize], noise: Option<&Noise>) -> Pairs {
        match (noise, &self.resident) {
            (None, _) => {
                let target = self.gather(images, indices);
                let input = target.clone();
                Pairs { input, target }
            }
            (Some(noise), resident) => {
                let clean = images.gather(indices);
                let mut noisy = clean.clone();
                noise.apply(&mut noisy, indices);
                let tensor = |pixels| tensor(pixels, indices.len(), &self.device);
                let target = match resident {
                    None => tensor(clean),
                    Some(_) => self.gather(images, indices),
                };
                Pairs {
                    input: tensor(noisy),
                    target,
                }
            }
        }
    }

    /// The images at `indices`, scaled to [0, 1], `[indices, pixels]`.
    pub fn gather(&self, images: &ImageSet, indices: &[usize]) -> Tensor<2> {
        match &self.resident {
            None => upload(images, indices, &self.device),
            Some(resident) => {
                let indices: Vec<i32> = indices.iter().map(|&index| index as i32).collect();
                let count = indices.len();
                let indices = TensorData::new(indices, [count]);
                let indices = Tensor::<1, Int>::from_data(indices, &self.device);
                resident.clone().select(0, indices)
            }
        }
    }
}

fn upload(images: &ImageSet, indices: &[usize], device: &Device) -> Tensor<2> {
    tensor(images.gather(indices), indices.len(), device)
}

/// `rows` rows of numbers that follow each other in `values`, on a device.
pub fn tensor(values: Vec<f32>, rows: usize, device: &Device) -> Tensor<2> {
    let shape = [rows, values.len() / rows];
    Tensor::from_data(TensorData::new(values, shape), device)
}
