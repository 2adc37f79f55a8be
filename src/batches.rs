//! Images to batches on a device.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::data::{ImageSet, Noise};

/// The images of a split, ready to be gathered into batches on one device.
pub struct Batches<'a> {
    images: &'a ImageSet,
    device: Device,
    /// The whole split on the device, `[images, pixels]`, where the device has a memory of its own:
    /// then a step sends it a few indices rather than pixels.
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

impl<'a> Batches<'a> {
    /// Prepares `images` for `device`; `keep_resident` copies them there once.
    pub fn new(images: &'a ImageSet, device: &Device, keep_resident: bool) -> Self {
        let all = || {
            let indices: Vec<usize> = (0..images.count()).collect();
            upload(images, &indices, device)
        };
        Self {
            images,
            device: device.clone(),
            resident: keep_resident.then(all),
        }
    }

    /// The images at `indices` with noise on them, and without.
    pub fn pairs(&self, indices: &[usize], noise: Option<&Noise>) -> Pairs {
        match (noise, &self.resident) {
            (None, _) => {
                let target = self.gather(indices);
                let input = target.clone();
                Pairs { input, target }
            }
            (Some(noise), resident) => {
                let clean = self.images.gather(indices);
                let mut noisy = clean.clone();
                noise.apply(&mut noisy, indices);
                let tensor = |pixels| tensor(pixels, indices.len(), &self.device);
                let target = match resident {
                    None => tensor(clean),
                    Some(_) => self.gather(indices),
                };
                Pairs {
                    input: tensor(noisy),
                    target,
                }
            }
        }
    }

    /// The images at `indices`, scaled to [0, 1], `[indices, pixels]`.
    pub fn gather(&self, indices: &[usize]) -> Tensor<2> {
        match &self.resident {
            None => upload(self.images, indices, &self.device),
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

fn tensor(pixels: Vec<f32>, images: usize, device: &Device) -> Tensor<2> {
    let shape = [images, pixels.len() / images];
    Tensor::from_data(TensorData::new(pixels, shape), device)
}
