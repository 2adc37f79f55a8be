//! Images to batches on a device.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::data::ImageSet;

/// The images of a split, ready to be gathered into batches on one device.
pub struct Batches<'a> {
    images: &'a ImageSet,
    device: Device,
    /// The whole split on the device, `[images, pixels]`, where the device has a memory of its own:
    /// then a step sends it a few indices rather than pixels.
    resident: Option<Tensor<2>>,
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
    let shape = [indices.len(), images.pixels_per_image()];
    Tensor::from_data(TensorData::new(images.gather(indices), shape), device)
}
